/* options_help.c - the table for people: --help, --man, --print-config, --version. */
#include "options_internal.h"
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "text.h"

enum { WIDTH = 80, HELP_COLUMN = 28 };

static cyg_status flush(cyg_error *err)
{
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout)) return CYG_OK;
    return cyg_fail(err, CYG_IO, "standard output: cannot be written: %s", strerror(errno ? errno : EIO));
}

/* ---- what a row says ---------------------------------------------------------------- */

/* A flag that is on by default is there to be turned off. */
static const char *prefix(const option *row)
{
    return row->type == OPTION_FLAG && row->initial && !strcmp(row->initial, "true") ? "[no-]" : "";
}

/* The built-in value, where it tells something. */
static const char *initial(const option *row)
{
    return row->type != OPTION_FLAG ? row->initial : *prefix(row) ? "on" : NULL;
}

static const char *argument(const option *row)
{
    static const char *const names[] = {
        [OPTION_INT] = "N", [OPTION_REAL] = "X", [OPTION_TEXT] = "TEXT", [OPTION_TIME] = "TIME",
        [OPTION_CHOICE] = "WORD",
    };
    return row->type == OPTION_FLAG ? NULL : row->argument ? row->argument : names[row->type];
}

/* "keep the best N (1 to 256)": what the row is for, and what may be written. */
static void describe(char *out, size_t size, const option *row)
{
    char range[200];
    option_range(range, sizeof range, row);
    if (row->type == OPTION_TIME) *range = '\0';        /* said by the word itself */
    snprintf(out, size, "%s%s%s%s", row->help, *range ? " (" : "", range, *range ? ")" : "");
}

/* "find faces" -> "Find faces." */
static void sentence(char out[500], const char *text)
{
    snprintf(out, 500, "%.498s.", text);
    out[0] = (char)toupper((unsigned char)out[0]);
}

/* The rows of one group follow each other: its title, "Options" for those without. */
static void title(char out[64], const option *row)
{
    const int length = row->key ? options_group_length(row->key) : 0;
    snprintf(out, 64, "%.*s", length ? length : 7, length ? row->key : "options");
    out[0] = (char)toupper((unsigned char)out[0]);
}

/* Prints words from column `at` on, wrapped to WIDTH, later lines indented by `indent`. */
static void print_wrapped(const char *text, int at, int indent)
{
    while (*text) {
        const int length = (int)strcspn(text, " \n");
        const bool first = at <= indent;
        if (at + !first + length > WIDTH && !first) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (!first) {
            putchar(' ');
            at++;
        }
        fwrite(text, 1, (size_t)length, stdout);
        at += length;
        text += length;
        text += strspn(text, " \n");
    }
    putchar('\n');
}

/* Every line of text, indented. */
static void print_lines(const char *text, const char *before, const char *after)
{
    while (*text) {
        const int length = (int)strcspn(text, "\n");
        printf("%s%.*s%s\n", before, length, text, after);
        text += length + (text[length] == '\n');
    }
}

/* ---- --help -------------------------------------------------------------------------- */

static void help_row(const option *row)
{
    char left[100], right[500];
    const char *value = argument(row);
    int at = row->letter ? snprintf(left, sizeof left, "  -%c, ", row->letter) : snprintf(left, sizeof left, "      ");
    at += snprintf(left + at, sizeof left - (size_t)at, "--%s%s%s%s", prefix(row), row->flag,
                   value ? " " : "", value ? value : "");
    describe(right, sizeof right, row);
    if (initial(row)) {
        const size_t n = strlen(right);
        snprintf(right + n, sizeof right - n, " [%s]", initial(row));
    }
    if (at >= HELP_COLUMN - 1) printf("%s\n%*s", left, HELP_COLUMN, "");
    else printf("%-*s", HELP_COLUMN, left);
    print_wrapped(right, HELP_COLUMN, HELP_COLUMN);
}

static void help_usage(const char *name, const char *usage, const char *summary)
{
    printf("Usage: %s %s\n", name, usage);
    char text[500];
    sentence(text, summary);
    print_wrapped(text, 0, 0);
}

cyg_status options_print_help(const options_app *app, cyg_error *err)
{
    char now[64] = "", last[64] = "", file[64];
    help_usage(app->name, app->usage, app->summary);
    if (app->examples) printf("\nExamples:\n");
    if (app->examples) print_lines(app->examples, "  ", "");
    for (const option *row = app->table; row->key || row->flag; row++) {
        if (!row->flag) continue;
        title(now, row);
        if (strcmp(now, last)) printf("\n%s:\n", now);
        strcpy(last, now);
        help_row(row);
    }
    printf("\n%s:\n", options_have_keys(app) ? "Settings and help" : "Help");
    for (int i = options_have_keys(app) ? 0 : COMMON_HELP; i <= COMMON_VERSION; i++) help_row(&options_common[i]);
    if (app->exits) printf("\nExit status:\n");
    if (app->exits) print_lines(app->exits, "  ", "");
    options_file_name(file, app);
    if (options_have_keys(app)) {
        putchar('\n');
        char text[300];
        snprintf(text, sizeof text, "The user's own settings are in ~/.config/cygnet/%s.yaml; --print-config shows "
                 "every key. Later wins: built in, user's file, --config, --set, flags.", file);
        print_wrapped(text, 0, 0);
    }
    return flush(err);
}

cyg_status options_print_version(const char *name, cyg_error *err)
{
    printf("%.*s %s\n", (int)strcspn(name, " "), name, cyg_version());
    return flush(err);
}

/* ---- --man ---------------------------------------------------------------------------- */

/* Text as troff wants it: no accidental requests, hyphens that can be copied. */
static void roff(const char *text)
{
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
        line_start = *text == '\n';
        if (*text == '\\') fputs("\\e", stdout);
        else if (*text == '-') fputs("\\-", stdout);
        else if (*text == '~') fputs("\\(ti", stdout);
        else if (*text == '^') fputs("\\(ha", stdout);
        else putchar(*text);
    }
}

static void roff_lines(const char *text)
{
    printf(".nf\n");
    roff(text);
    printf("%s.fi\n", *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
}

static void man_head(const char *name, const char *summary)
{
    char page[64];
    snprintf(page, sizeof page, "%s", name);
    for (char *p = page; *p; p++)
        if (*p == ' ') *p = '-';
    printf(".TH ");
    for (const char *p = page; *p; p++) printf(*p == '-' ? "\\-" : "%c", toupper((unsigned char)*p));
    printf(" 1 \"\" \"cygnet %s\" \"User Commands\"\n.SH NAME\n", cyg_version());
    roff(page);
    printf(" \\- ");
    roff(summary);
    printf("\n.SH SYNOPSIS\n.B ");
    roff(name);
    putchar('\n');
}

static void man_row(const option *row)
{
    char text[500], whole[500];
    const char *value = argument(row);
    printf(".TP\n");
    if (row->flag) {
        if (row->letter) printf("\\fB\\-%c\\fR, ", row->letter);
        printf("\\fB\\-\\-");
        roff(prefix(row));
        roff(row->flag);
        printf("\\fR");
        if (value) printf(" \\fI");
        if (value) roff(value);
        if (value) printf("\\fR");
    } else {
        printf("\\fB%s\\fR", row->key);
    }
    putchar('\n');
    describe(text, sizeof text, row);
    sentence(whole, text);
    roff(whole);
    putchar('\n');
    if (initial(row)) {
        printf("Built in: ");
        roff(initial(row));
        printf(".\n");
    }
    if (row->key && row->flag) printf("Key: \\fB%s\\fR.\n", row->key);
}

static void man_settings(const options_app *app)
{
    char file[64];
    options_file_name(file, app);
    printf(".SH SETTINGS\nEvery option with a key can stand in a YAML file, its group above it:\n.PP\n.nf\n");
    for (const option *row = app->table; row->key || row->flag; row++) {
        if (!row->key || !options_group_length(row->key)) continue;
        const int length = options_group_length(row->key);
        printf("    %.*s:\n        %s: %s\n", length, row->key, row->key + length + 1,
               row->initial ? row->initial : "null");
        break;
    }
    printf(".fi\n.PP\nLayers, later wins: built in, the user's file, files given with \\fB\\-\\-config\\fR, "
           "\\fB\\-\\-set\\fR, flags.\n"
           "\\fB\\-\\-print\\-config\\fR prints every key, its value and where it comes from.\n"
           "A time is in seconds, has a unit (500ms, 90s, 2m, 1h) or colons (1:30, 0:01:30.5).\n"
           ".SH FILES\n.TP\n.I $XDG_CONFIG_HOME/cygnet/%s.yaml\nThe user's settings; without that variable "
           "\\(ti/.config/cygnet/%s.yaml.\n", file, file);
}

cyg_status options_print_man(const options_app *app, cyg_error *err)
{
    char now[64] = "", last[64] = "", text[500];
    man_head(app->name, app->summary);
    roff(app->usage);
    printf("\n.SH DESCRIPTION\n");
    sentence(text, app->summary);
    roff(text);
    putchar('\n');
    if (app->examples) printf(".SH EXAMPLES\n");
    if (app->examples) roff_lines(app->examples);
    printf(".SH OPTIONS\n");
    for (const option *row = app->table; row->key || row->flag; row++) {
        title(now, row);
        if (strcmp(now, last)) printf(".SS %s\n", now);
        strcpy(last, now);
        man_row(row);
    }
    printf(".SS Settings and help\n");
    for (int i = options_have_keys(app) ? 0 : COMMON_HELP; i <= COMMON_VERSION; i++) man_row(&options_common[i]);
    if (options_have_keys(app)) man_settings(app);
    if (app->exits) printf(".SH EXIT STATUS\n");
    if (app->exits) roff_lines(app->exits);
    return flush(err);
}

/* ---- a program with verbs ---------------------------------------------------------------- */

cyg_status options_print_verbs(const options_program *program, bool man, cyg_error *err)
{
    if (man) {
        man_head(program->name, program->summary);
        printf("COMMAND [options] ...\n.SH COMMANDS\n");
    } else {
        help_usage(program->name, "COMMAND [options] ...", program->summary);
        printf("\nCommands:\n");
    }
    for (int i = 0; program->verbs[i]; i++) {
        const options_app *verb = program->verbs[i];
        const char *space = strrchr(verb->name, ' ');
        const char *name = space ? space + 1 : verb->name;
        if (man) {
            printf(".TP\n.B ");
            roff(name);
            putchar('\n');
            roff(verb->summary);
            printf(".\n");
        } else {
            const int at = printf("  %-11s ", name);
            print_wrapped(verb->summary, at, at);
        }
    }
    if (man) printf(".PP\nEach command answers to \\fB\\-\\-help\\fR and \\fB\\-\\-man\\fR.\n");
    else printf("\n%s COMMAND --help tells more.\n", program->name);
    return flush(err);
}

/* ---- --print-config ------------------------------------------------------------------------ */

/* Can stand in YAML without quotes, and is still read as this very text. */
static bool is_plain(const char *text)
{
    static const char *const words[] = { "null", "Null", "NULL", "true", "false", "yes", "no", "on", "off" };
    if (!isalpha((unsigned char)*text) && *text != '/') return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(text, words[i])) return false;
    return !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")];
}

/* JSON's strings are YAML's double-quoted ones. */
static void print_text(const char *text)
{
    char *valid = text_valid_utf8(text);
    json_t *string = valid ? json_string(valid) : NULL;
    char *quoted_text = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    if (quoted_text) fputs(quoted_text, stdout);
    free(quoted_text);
    json_decref(string);
    free(valid);
}

/* "# words", wrapped, each line a comment. */
static void print_comment(const char *text, int indent)
{
    int at = printf("%*s#", indent, "");
    while (*text) {
        const int length = (int)strcspn(text, " ");
        if (at + 1 + length > WIDTH) at = printf("\n%*s#", indent, "") - 1;
        at += printf(" %.*s", length, text);
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void config_row(const options *o, int row)
{
    const option *r = &o->app->table[row];
    const option_value *v = &o->values[row];
    const int group = options_group_length(r->key), indent = group ? 2 : 0;
    char text[500];
    describe(text, sizeof text, r);
    if (r->flag) {
        const size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "; --%s%s", prefix(r), r->flag);
    }
    print_comment(text, indent);
    printf("%*s%s: ", indent, "", r->key + (group ? group + 1 : 0));
    if (!v->text) fputs("null", stdout);
    else if (r->type != OPTION_TEXT || is_plain(v->text)) fputs(v->text, stdout);
    else print_text(v->text);
    if (v->where) printf("    # %s", quote(v->where).text);
    putchar('\n');
}

cyg_status options_print_config(const options *o, cyg_error *err)
{
    char file[64], text[400], last[64] = "";
    options_file_name(file, o->app);
    snprintf(text, sizeof text, "Settings of %s. Write what differs into ~/.config/cygnet/%s.yaml "
             "or a file for --config.", o->app->name, file);
    print_comment(text, 0);
    for (int i = 0; i < o->count; i++) {
        const option *row = &o->app->table[i];
        if (!row->key) continue;
        char group[64];
        snprintf(group, sizeof group, "%.*s", options_group_length(row->key), row->key);
        if (*group && strcmp(group, last)) printf("\n%s:\n", group);
        else putchar('\n');
        strcpy(last, group);
        config_row(o, i);
    }
    return flush(err);
}
