/* options.c - settings from all layers: built in, user's file, --config, --set, flags. */
#include "options_internal.h"
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "text.h"

enum { MAX_FILE = 1 << 20 };

const option options_common[] = {
    [COMMON_CONFIG] = { .flag = "config", .type = OPTION_TEXT, .argument = "FILE",
        .help = "read settings from this YAML file as well; may be given several times" },
    [COMMON_NO_CONFIG] = { .flag = "no-config", .help = "do not read the user's own settings file" },
    [COMMON_SET] = { .flag = "set", .type = OPTION_TEXT, .argument = "KEY=VALUE",
        .help = "set one key of the settings, such as GROUP.NAME=VALUE" },
    [COMMON_PRINT_CONFIG] = { .flag = "print-config", .help = "print the settings in force as YAML, and stop" },
    [COMMON_HELP] = { .flag = "help", .letter = 'h', .help = "print this text, and stop" },
    [COMMON_MAN] = { .flag = "man", .help = "print the manual page (troff), and stop" },
    [COMMON_VERSION] = { .flag = "version", .help = "print the version, and stop" },
    { 0 }
};

int options_rows(const option *table)
{
    int n = 0;
    while (table[n].key || table[n].flag) n++;
    return n;
}

bool options_have_keys(const options_app *app)
{
    for (int i = 0; i < options_rows(app->table); i++)
        if (app->table[i].key) return true;
    return false;
}

int options_find_key(const options *o, const char *key)
{
    for (int i = 0; i < o->count; i++)
        if (o->app->table[i].key && !strcmp(o->app->table[i].key, key)) return i;
    return -1;
}

int options_group_length(const char *key)
{
    const char *dot = strchr(key, '.');
    return dot ? (int)(dot - key) : 0;
}

void options_file_name(char out[64], const options_app *app)
{
    const char *name = app->name;
    if (!strncmp(name, "cygnet-", 7)) name += 7;
    snprintf(out, 64, "%s", name);
    for (char *p = out; *p; p++)
        if (*p == ' ') *p = '-';
}

/* ---- life ------------------------------------------------------------------------ */

cyg_status options_create(options **out, const options_app *app, void *settings, cyg_error *err)
{
    *out = NULL;
    options *o = calloc(1, sizeof *o);
    if (!o) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    o->app = app;
    o->settings = settings;
    o->count = options_rows(app->table);
    o->values = calloc((size_t)o->count + 1, sizeof *o->values);
    cyg_status s = o->values ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    for (int i = 0; i < o->count && !s; i++) {
        s = option_set(o, i, NULL, NULL, app->table[i].key ? app->table[i].key : app->table[i].flag, err);
        assert(s != CYG_ARGUMENT);          /* the table's own value does not fit its row */
    }
    if (s) options_free(o);
    else *out = o;
    return s;
}

void options_free(options *o)
{
    if (!o) return;
    for (int i = 0; i < o->count && o->values; i++) {
        free(o->values[i].text);
        free(o->values[i].where);
    }
    free(o->values);
    free(o->words);
    free(o->json);
    free(o);
}

int options_words(const options *o, const char *const **words)
{
    *words = o->words;
    return o->word_count;
}

/* ---- files and --set -------------------------------------------------------------- */

static cyg_status read_file(options *o, const char *path, bool must_exist, cyg_error *err)
{
    FILE *f = fopen(path, "rb");
    if (!f && !must_exist && (errno == ENOENT || errno == ENOTDIR)) return CYG_OK;
    if (!f) return cyg_fail(err, CYG_IO, "%s: cannot be read: %s", path, strerror(errno));
    char *bytes = malloc(MAX_FILE + 1);
    cyg_status s = CYG_NO_MEMORY;
    if (!bytes) {
        cyg_fail(err, s, "out of memory");
    } else {
        errno = 0;
        const size_t size = fread(bytes, 1, MAX_FILE + 1, f);
        s = ferror(f) ? cyg_fail(err, CYG_IO, "%s: cannot be read: %s", path, strerror(errno))
                      : options_read_yaml(o, bytes, size, path, err);
    }
    free(bytes);
    fclose(f);
    return s;
}

static cyg_status read_user_file(options *o, cyg_error *err)
{
    const char *base = getenv("XDG_CONFIG_HOME"), *middle = "";
    if (!base || *base != '/') base = getenv("HOME"), middle = "/.config";      /* relative: to be ignored */
    if (!base || *base != '/') return CYG_OK;
    char name[64], path[4096];
    options_file_name(name, o->app);
    if (snprintf(path, sizeof path, "%s%s/cygnet/%s.yaml", base, middle, name) >= (int)sizeof path) return CYG_OK;
    return read_file(o, path, false, err);
}

/* --set a.b=c */
static cyg_status read_set(options *o, const char *text, cyg_error *err)
{
    const char *equals = strchr(text, '=');
    char key[200];
    if (!equals || equals == text)
        return cyg_fail(err, CYG_ARGUMENT, "--set: found '%s', expected KEY=VALUE", quote(text).text);
    snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
    const int row = options_find_key(o, key);
    if (row >= 0) return option_set(o, row, equals + 1, "--set", key, err);
    nearest n = nearest_start(key);
    for (int i = 0; i < o->count; i++)
        if (o->app->table[i].key) nearest_try_key(&n, o->app->table[i].key);
    return cyg_fail(err, CYG_ARGUMENT, "--set: unknown key '%s'%s", quote(key).text, nearest_hint(&n).text);
}

/* ---- the command line --------------------------------------------------------------- */

/* The command line is gone through once for each: what layer it fills. */
typedef enum pass { PASS_ANSWERS, PASS_CONFIG, PASS_SET, PASS_FLAGS } pass;

typedef struct line {
    options   *o;
    int        argc, next;          /* argv[next] is looked at next */
    char     **argv;
    pass       pass;
    cyg_error *err;
} line;

static bool is_common(const option *row)
{
    return row >= options_common && row <= options_common + COMMON_VERSION;
}

/* Some programs have no settings files. */
static bool is_offered(const options *o, const option *row)
{
    return !is_common(row) || row >= options_common + COMMON_HELP || options_have_keys(o->app);
}

/* The row of "threshold", or of "no-audio" with *negated. */
static const option *find_flag(const options *o, const char *name, bool *negated)
{
    const option *const tables[] = { o->app->table, options_common };
    for (int pick = 0; pick < 2; pick++)
        for (int t = 0; t < 2; t++)
            for (const option *row = tables[t]; row->key || row->flag; row++) {
                if (!row->flag || !is_offered(o, row)) continue;
                *negated = pick == 1;
                if (!*negated && !strcmp(name, row->flag)) return row;
                if (*negated && row->type == OPTION_FLAG && !is_common(row) && !strncmp(name, "no-", 3) &&
                    !strcmp(name + 3, row->flag))
                    return row;
            }
    return NULL;
}

static const option *find_letter(const options *o, char letter)
{
    const option *const tables[] = { o->app->table, options_common };
    for (int t = 0; t < 2; t++)
        for (const option *row = tables[t]; row->key || row->flag; row++)
            if (row->letter == letter && is_offered(o, row)) return row;
    return NULL;
}

static cyg_status unknown_flag(const line *l, const char *name)
{
    nearest n = nearest_start(name);
    const option *const tables[] = { l->o->app->table, options_common };
    for (int t = 0; t < 2; t++)
        for (const option *row = tables[t]; row->key || row->flag; row++) {
            if (!row->flag || !is_offered(l->o, row)) continue;
            char shown[80];
            snprintf(shown, sizeof shown, "--%s", row->flag);
            nearest_try(&n, row->flag, shown);
            if (row->type != OPTION_FLAG || is_common(row)) continue;
            snprintf(shown, sizeof shown, "--no-%s", row->flag);
            nearest_try(&n, shown + 2, shown);
        }
    return cyg_fail(l->err, CYG_ARGUMENT, "unknown option '--%s'%s", quote(name).text, nearest_hint(&n).text);
}

static cyg_status answer(options *o, int common, cyg_error *err)
{
    cyg_status s = CYG_OK;
    switch (common) {
    case COMMON_NO_CONFIG:
        o->ignore_user_file = true;
        return CYG_OK;
    case COMMON_PRINT_CONFIG:
        o->print_config = true;
        return CYG_OK;
    case COMMON_HELP:
        s = options_print_help(o->app, err);
        break;
    case COMMON_MAN:
        s = options_print_man(o->app, err);
        break;
    case COMMON_VERSION:
        s = options_print_version(o->app->name, err);
        break;
    default:
        return CYG_OK;
    }
    return s ? s : CYG_END;
}

/* One option with its value (NULL: a flag), if it belongs to this pass. */
static cyg_status apply(line *l, const option *row, const char *value, const char *where)
{
    options *o = l->o;
    if (is_common(row)) {
        const int common = (int)(row - options_common);
        if (l->pass == PASS_CONFIG && common == COMMON_CONFIG) return read_file(o, value, true, l->err);
        if (l->pass == PASS_SET && common == COMMON_SET) return read_set(o, value, l->err);
        return l->pass == PASS_ANSWERS ? answer(o, common, l->err) : CYG_OK;
    }
    if (l->pass != PASS_FLAGS) return CYG_OK;
    return option_set(o, (int)(row - o->app->table), value, where, NULL, l->err);
}

/* The value of an option whose word is done: the next word. */
static cyg_status take_value(line *l, const char **value, const option *row, const char *where)
{
    char expected[200];
    const bool none = l->next == l->argc;
    if (!none && strncmp(l->argv[l->next], "--", 2)) {
        *value = l->argv[l->next++];
        return CYG_OK;
    }
    option_expects(expected, sizeof expected, row);
    if (row->type == OPTION_TEXT && row->argument) snprintf(expected, sizeof expected, "%s", row->argument);
    return cyg_fail(l->err, CYG_ARGUMENT, "%s: no value%s%s%s, expected %s", where, none ? "" : " before '",
                    none ? "" : quote(l->argv[l->next]).text, none ? "" : "'", expected);
}

/* --name, --name=value, --no-name */
static cyg_status read_long(line *l, const char *word)
{
    const char *equals = strchr(word, '=');
    char name[100], where[110];
    snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - word) : (int)strnlen(word, sizeof name), word);
    snprintf(where, sizeof where, "--%s", name);
    bool negated;
    const option *row = find_flag(l->o, name, &negated);
    if (!row) return unknown_flag(l, name);
    const char *value = equals ? equals + 1 : NULL;
    if (row->type == OPTION_FLAG) {
        if (value && (negated || is_common(row)))
            return cyg_fail(l->err, CYG_ARGUMENT, "%s: found a value, expected none", where);
        return apply(l, row, negated ? "false" : value ? value : "true", where);
    }
    const cyg_status s = value ? CYG_OK : take_value(l, &value, row, where);
    return s ? s : apply(l, row, value, where);
}

/* -v, -vy, -t 0.5, -t0.5, -vt0.5 */
static cyg_status read_letters(line *l, const char *word)
{
    for (const char *p = word; *p; p++) {
        const char where[] = { '-', *p, '\0' };
        const option *row = find_letter(l->o, *p);
        if (!row) return cyg_fail(l->err, CYG_ARGUMENT, "unknown option '-%s'", quote(p).text);
        const bool flag = row->type == OPTION_FLAG;
        const char *value = flag ? "true" : p + 1;
        cyg_status s = !flag && !*value ? take_value(l, &value, row, where) : CYG_OK;
        if (s || (s = apply(l, row, value, where))) return s;
        if (!flag) break;
    }
    return CYG_OK;
}

static cyg_status read_line(options *o, pass p, int argc, char **argv, cyg_error *err)
{
    line l = { .o = o, .argc = argc, .next = 1, .argv = argv, .pass = p, .err = err };
    bool ended = false;
    o->word_count = 0;
    while (l.next < argc) {
        const char *word = argv[l.next++];
        cyg_status s = CYG_OK;
        if (ended || word[0] != '-' || !word[1]) o->words[o->word_count++] = word;
        else if (!strcmp(word, "--")) ended = true;
        else s = word[1] == '-' ? read_long(&l, word + 2) : read_letters(&l, word + 1);
        if (s) return s;
    }
    return CYG_OK;
}

/* ---- all layers --------------------------------------------------------------------- */

static json_t *json_of(const options *o, int row)
{
    const option *r = &o->app->table[row];
    const void *from = (const char *)o->settings + r->offset;
    const char *text = o->values[row].text;
    bool flag;
    int whole;
    double number;
    char *valid;
    json_t *j;
    switch (r->type) {
    case OPTION_FLAG:
        memcpy(&flag, from, sizeof flag);
        return json_boolean(flag);
    case OPTION_INT:
        memcpy(&whole, from, sizeof whole);
        return json_integer(whole);
    case OPTION_REAL:
    case OPTION_TIME:
        memcpy(&number, from, sizeof number);
        return text ? json_real(number) : json_null();
    case OPTION_CHOICE:
        return json_string(text);
    case OPTION_TEXT:
        if (!text) return json_null();
        valid = text_valid_utf8(text);
        j = valid ? json_string(valid) : NULL;
        free(valid);
        return j;
    }
    return NULL;
}

/* {"detect":{"threshold":0.5}}; NULL: no memory */
static char *settings_json(const options *o)
{
    json_t *root = json_object();
    for (int i = 0; i < o->count && root; i++) {
        const char *key = o->app->table[i].key;
        if (!key) continue;
        const int length = options_group_length(key);
        char group[64];
        snprintf(group, sizeof group, "%.*s", length, key);
        json_t *parent = length ? json_object_get(root, group) : root;
        if (!parent && !json_object_set_new(root, group, json_object())) parent = json_object_get(root, group);
        if (json_object_set_new(parent, key + (length ? length + 1 : 0), json_of(o, i))) {
            json_decref(root);
            return NULL;
        }
    }
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(root);
    return text;
}

static cyg_status read_layers(options *o, int argc, char **argv, cyg_error *err)
{
    cyg_status s;
    if ((s = read_line(o, PASS_ANSWERS, argc, argv, err))) return s;
    if (options_have_keys(o->app) && !o->ignore_user_file && (s = read_user_file(o, err))) return s;
    for (pass p = PASS_CONFIG; p <= PASS_FLAGS; p++)
        if ((s = read_line(o, p, argc, argv, err))) return s;
    if (o->print_config) return (s = options_print_config(o, err)) ? s : CYG_END;
    o->json = settings_json(o);
    return o->json ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "out of memory");
}

cyg_status options_read(options **out, const options_app *app, void *settings, int argc, char **argv, cyg_error *err)
{
    cyg_status s = options_create(out, app, settings, err);
    if (s) return s;
    options *o = *out;
    o->words = calloc((size_t)argc + 1, sizeof *o->words);
    s = o->words ? read_layers(o, argc, argv, err) : cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    if (s) {
        options_free(o);
        *out = NULL;
    }
    return s;
}

const char *options_json(const options *o)
{
    return o->json;
}

/* ---- verbs ---------------------------------------------------------------------------- */

cyg_status options_verb(int *verb, const options_program *program, int argc, char **argv, cyg_error *err)
{
    const char *word = argc > 1 ? argv[1] : "";
    const bool help = !strcmp(word, "--help") || !strcmp(word, "-h"), man = !strcmp(word, "--man");
    if (help || man || !strcmp(word, "--version")) {
        const cyg_status s = help || man ? options_print_verbs(program, man, err)
                                         : options_print_version(program->name, err);
        return s ? s : CYG_END;
    }
    nearest n = nearest_start(word);
    for (int i = 0; program->verbs[i]; i++) {
        const char *space = strrchr(program->verbs[i]->name, ' ');
        const char *name = space ? space + 1 : program->verbs[i]->name;
        if (!strcmp(word, name)) {
            *verb = i;
            return CYG_OK;
        }
        nearest_try(&n, name, name);
    }
    if (!*word) return cyg_fail(err, CYG_ARGUMENT, "expected a command; see %s --help", program->name);
    return cyg_fail(err, CYG_ARGUMENT, "unknown command '%s'%s%s%s%s", quote(word).text, nearest_hint(&n).text,
                    n.best[0] ? "" : "; see ", n.best[0] ? "" : program->name, n.best[0] ? "" : " --help");
}
