/* recipe.c - reads a recipe: YAML, checked key by key against a table, into JSON. */
#include "recipe.h"
#include "file.h"
#include "hash.h"
#include "recipe_rules.h"
#include <fnmatch.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
    FORMAT = 1,                 /* of the description that recipes make */
    MAX_FILE = 128 << 10,       /* bytes */
    MAX_DEPTH = 50,             /* of brackets: libyaml's time grows with the square of it */
    MAX_VALUES = 20000,         /* in one recipe, aliases written out */
    MAX_RANGE = 1000,           /* tensors of one pattern */
};

typedef struct reader {
    const char     *path;
    yaml_document_t document;
    int             values;             /* read so far */
    recipe         *recipe;
    cyg_error      *err;
} reader;

static json_t *read_node(reader *r, const yaml_node_t *node, const struct rule *rule);

/* ---- Errors, with their place in the file ----------------------------------------- */

/* Returns NULL, which is also false: return fail_at(...); */
static void *fail_at(reader *r, const yaml_node_t *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void *fail_at(reader *r, const yaml_node_t *node, const char *format, ...)
{
    char sentence[300];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    cyg_fail(r->err, CYG_FORMAT, "%s:%zu:%zu: %s", r->path, node->start_mark.line + 1,
             node->start_mark.column + 1, sentence);
    return NULL;
}

static void *no_memory(reader *r)
{
    cyg_fail(r->err, CYG_NO_MEMORY, "%s: out of memory", r->path);
    return NULL;
}

static const char *scalar_text(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

static const char *what_is(const yaml_node_t *node)
{
    switch (node->type) {
    case YAML_MAPPING_NODE:  return "a map";
    case YAML_SEQUENCE_NODE: return "a list";
    default:                 return *scalar_text(node) ? scalar_text(node) : "nothing";
    }
}

static json_t *wrong(reader *r, const yaml_node_t *node, const struct rule *rule, const char *expected)
{
    return fail_at(r, node, "%s: found %.60s, expected %s", *rule->place ? rule->place : "recipe",
                   what_is(node), expected);
}

static bool has_required(reader *r, const yaml_node_t *node, const struct rule *map, const json_t *object)
{
    for (const struct rule *rule = recipe_rules; rule->place; rule++) {
        const char *const key = rule_key(rule, map);
        if (key && rule->need == REQUIRED && !json_object_get(object, key)) {
            return fail_at(r, node, "%s: found none, expected one", rule->place);
        }
    }
    return true;
}

/* ---- Tensors: ours by theirs -------------------------------------------------------- */

/* text with its {...} replaced by number, malloc'ed; without one, text itself. */
static char *with_number(const char *text, long number)
{
    const char *const open = strchr(text, '{'), *const close = open ? strchr(open, '}') : NULL;
    char *out;
    if (!close) return strdup(text);
    return asprintf(&out, "%.*s%ld%s", (int)(open - text), text, number, close + 1) < 0 ? NULL : out;
}

static bool add_tensor(reader *r, const char *ours, const char *theirs, long number)
{
    recipe *const to = r->recipe;
    recipe_tensor *const grown = realloc(to->tensors, (size_t)(to->tensor_count + 1) * sizeof *grown);
    if (!grown) return no_memory(r);
    to->tensors = grown;
    recipe_tensor *const t = &grown[to->tensor_count++];
    *t = (recipe_tensor){ with_number(ours, number), with_number(theirs, number) };
    return (t->ours && t->theirs) || no_memory(r);
}

/* Counts the braces of text: 0, 1 for one pair that holds `inside`, -1 for anything else. */
static int braces(const char *text, const char *inside)
{
    char pair[40];
    const char *const open = strpbrk(text, "{}");
    if (!open) return 0;
    const int length = snprintf(pair, sizeof pair, "{%s}", inside);
    return strncmp(open, pair, (size_t)length) == 0 && !strpbrk(open + length, "{}") ? 1 : -1;
}

/* "conv{1..13}_dw/weights" and "Conv2d_{}_depthwise/weights": one pair for every number. */
static bool add_tensors(reader *r, const yaml_node_t *key, const char *theirs)
{
    const char *const ours = scalar_text(key), *const open = strchr(ours, '{');
    int first = 0, last = 0;
    char inside[30] = "";
    if (open && sscanf(open, "{%4d..%4d}", &first, &last) == 2) {
        snprintf(inside, sizeof inside, "%d..%d", first, last);
    }
    const int here = braces(ours, inside);
    if (here < 0 || (here == 1 && (!*inside || first < 0 || last < first || last - first >= MAX_RANGE))) {
        return fail_at(r, key, "tensors: found '%.60s', expected at most one range such as {1..13}", ours);
    }
    if (braces(theirs, "") != here) {
        return fail_at(r, key, "tensors: found '%.60s', expected %s", theirs,
                       here ? "one {} where the number goes" : "no braces without a range before");
    }
    for (int i = first; i <= last; i++) {
        if (!add_tensor(r, ours, theirs, i)) return false;
    }
    return true;
}

/* ---- Values ------------------------------------------------------------------------ */

/* A decimal number as JSON and YAML write it; no hexadecimal, no inf, no nan. */
static bool parse_number(double *out, const char *text)
{
    char *end;
    if (!*text || text[strspn(text, "+-.0123456789eE")]) return false;
    *out = strtod(text, &end);
    return !*end && isfinite(*out);
}

static bool is_sha256(const char *text)
{
    return strlen(text) == HASH_TEXT - 1 && !text[strspn(text, "0123456789abcdef")];
}

/* A scalar that no rule is about. */
static json_t *read_setting(const yaml_node_t *node, const char *text)
{
    double number = 0;
    const bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (plain && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) return json_boolean(*text == 't');
    if (!plain || !parse_number(&number, text)) return json_string(text);
    if (text[strcspn(text, ".eE")] || fabs(number) > 1e9) return json_real(number);
    return json_integer((json_int_t)number);
}

static json_t *read_scalar(reader *r, const yaml_node_t *node, const struct rule *rule)
{
    const char *const text = scalar_text(node);
    const size_t length = node->type == YAML_SCALAR_NODE ? node->data.scalar.length : 0;
    double number = 0;
    if (strlen(text) != length) return wrong(r, node, rule, "text without a NUL");
    switch (rule->kind) {
    case HASH:
        if (!is_sha256(text)) return wrong(r, node, rule, "a SHA-256: 64 hexadecimal digits in lower case");
        break;
    case INTEGER:
        if (!parse_number(&number, text) || number != rint(number) || fabs(number) > 1e9) {
            return wrong(r, node, rule, "a whole number");
        }
        return json_integer((json_int_t)number);
    case NUMBER:
        if (!parse_number(&number, text)) return wrong(r, node, rule, "a number");
        return json_real(number);
    case SWITCH:
        if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) return json_boolean(*text == 't');
        return wrong(r, node, rule, "true or false");
    default:
        if (length == 0) return wrong(r, node, rule, rule->kind == SETTING ? "a value" : "text");
    }
    if (rule->kind == SETTING) return read_setting(node, text);
    return json_stringn(text, length);
}

static json_t *read_list(reader *r, const yaml_node_t *node, const struct rule *rule)
{
    const struct rule *const item_rule = rule->kind == SETTING ? rule : rule_of_items(rule);
    if (node->type != YAML_SEQUENCE_NODE) return wrong(r, node, rule, "a list");
    json_t *const list = json_array();
    if (!list) return no_memory(r);
    const yaml_node_item_t *const end = node->data.sequence.items.top;
    for (const yaml_node_item_t *at = node->data.sequence.items.start; at < end; at++) {
        json_t *const item = read_node(r, yaml_document_get_node(&r->document, *at), item_rule);
        if (!item || json_array_append_new(list, item)) {
            json_decref(list);
            return item ? no_memory(r) : NULL;
        }
    }
    return list;
}

/* One key and its value into object. */
static bool read_pair(reader *r, json_t *object, const yaml_node_pair_t *pair, const struct rule *map)
{
    const yaml_node_t *const key = yaml_document_get_node(&r->document, pair->key);
    const yaml_node_t *const value = yaml_document_get_node(&r->document, pair->value);
    const char *const name = scalar_text(key);
    nearest near;
    const struct rule *const rule = map->kind == SETTING ? map : rule_of_key(map, name, &near);
    if (key->type != YAML_SCALAR_NODE || !*name || strlen(name) != key->data.scalar.length) {
        return fail_at(r, key, "found %.60s as a key, expected a name", what_is(key));
    }
    if (!rule) return fail_at(r, key, "unknown key '%.60s'%s", name, nearest_hint(&near).text);
    if (json_object_get(object, name)) return fail_at(r, key, "key '%.60s' stands here twice", name);

    json_t *const item = read_node(r, value, rule);
    if (!item || (rule->kind == NAME && !add_tensors(r, key, json_string_value(item)))) {
        json_decref(item);
        return false;
    }
    return json_object_set_new(object, name, item) == 0 || no_memory(r);
}

static json_t *read_map(reader *r, const yaml_node_t *node, const struct rule *rule)
{
    if (node->type != YAML_MAPPING_NODE) return wrong(r, node, rule, "a map");
    json_t *const object = json_object();
    if (!object) return no_memory(r);
    bool whole = true;
    const yaml_node_pair_t *const end = node->data.mapping.pairs.top;
    for (const yaml_node_pair_t *at = node->data.mapping.pairs.start; whole && at < end; at++) {
        whole = read_pair(r, object, at, rule);
    }
    if (whole && has_required(r, node, rule, object)) return object;
    json_decref(object);
    return NULL;
}

static json_t *read_node(reader *r, const yaml_node_t *node, const struct rule *rule)
{
    if (++r->values > MAX_VALUES) {
        return fail_at(r, node, "found more than %d values, expected fewer", MAX_VALUES);
    }
    switch (rule->kind) {
    case MAP:  return read_map(r, node, rule);
    case LIST: return read_list(r, node, rule);
    case SETTING:
        if (node->type == YAML_MAPPING_NODE) return read_map(r, node, rule);
        if (node->type == YAML_SEQUENCE_NODE) return read_list(r, node, rule);
        return read_scalar(r, node, rule);
    default: return read_scalar(r, node, rule);
    }
}

/* ---- The whole ---------------------------------------------------------------------- */

/* Brackets open at once, those in text included. */
static int bracket_depth(const char *yaml, size_t size)
{
    int depth = 0, deepest = 0;
    for (size_t i = 0; i < size; i++) {
        if (yaml[i] == '[' || yaml[i] == '{') depth++;
        if (yaml[i] == ']' || yaml[i] == '}') depth--;
        if (depth > deepest) deepest = depth;
    }
    return deepest;
}

static cyg_status bad_yaml(const yaml_parser_t *parser, const char *path, cyg_error *err)
{
    if (parser->error == YAML_MEMORY_ERROR) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    return cyg_fail(err, CYG_FORMAT, "%s:%zu:%zu: invalid YAML: %s", path, parser->problem_mark.line + 1,
                    parser->problem_mark.column + 1, parser->problem ? parser->problem : "unreadable");
}

/* The root's keys as the description, but for those that only the conversion needs. */
static cyg_status describe(recipe *to, json_t *root, const char *path, cyg_error *err)
{
    to->unused = json_incref(json_object_get(root, "unused"));
    json_object_del(root, "tensors");
    json_object_del(root, "unused");
    to->description = json_pack("{s:i}", "format", FORMAT);
    if (to->description && json_object_update(to->description, root) == 0) return CYG_OK;
    return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
}

static cyg_status check_end(reader *r, yaml_parser_t *parser)
{
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next)) return bad_yaml(parser, r->path, r->err);
    const yaml_node_t *const root = yaml_document_get_root_node(&next);
    if (root) fail_at(r, root, "found a second document, expected one recipe");
    yaml_document_delete(&next);
    return root ? CYG_FORMAT : CYG_OK;
}

static cyg_status read_document(recipe *to, yaml_parser_t *parser, const char *path, cyg_error *err)
{
    cyg_error unasked;
    reader r = { .path = path, .recipe = to, .err = err ? err : &unasked };
    if (!yaml_parser_load(parser, &r.document)) return bad_yaml(parser, path, err);
    const yaml_node_t *const root_node = yaml_document_get_root_node(&r.document);
    cyg_status status;
    if (!root_node) {
        status = cyg_fail(err, CYG_FORMAT, "%s: found nothing, expected a recipe", path);
    } else {
        json_t *const root = read_node(&r, root_node, recipe_rules);
        status = root ? describe(to, root, path, err) : r.err->status;
        json_decref(root);
    }
    if (!status) status = check_end(&r, parser);
    yaml_document_delete(&r.document);
    return status;
}

cyg_status recipe_parse(recipe **out, const char *yaml, size_t size, const char *path, cyg_error *err)
{
    *out = NULL;
    if (size > MAX_FILE || bracket_depth(yaml, size) > MAX_DEPTH) {
        return cyg_fail(err, CYG_FORMAT, "%s: found a file too large or nested too deep, expected a recipe", path);
    }
    yaml_parser_t parser;
    recipe *const r = calloc(1, sizeof *r);
    if (!r || !yaml_parser_initialize(&parser)) {
        free(r);
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, size);
    const cyg_status status = read_document(r, &parser, path, err);
    yaml_parser_delete(&parser);
    if (status) recipe_free(r);
    else *out = r;
    return status;
}

cyg_status recipe_open(recipe **out, const char *path, cyg_error *err)
{
    *out = NULL;
    char *yaml;
    size_t size;
    cyg_status status = file_read(&yaml, &size, path, MAX_FILE, err);
    if (status) return status;
    status = recipe_parse(out, yaml, size, path, err);
    free(yaml);
    return status;
}

void recipe_free(recipe *r)
{
    if (!r) return;
    for (int i = 0; i < r->tensor_count; i++) {
        free(r->tensors[i].ours);
        free(r->tensors[i].theirs);
    }
    free(r->tensors);
    json_decref(r->description);
    json_decref(r->unused);
    free(r);
}

const char *recipe_sha256(const recipe *r, const char *file)
{
    const json_t *const files = json_object_get(json_object_get(r->description, "source"), "files");
    return json_string_value(json_object_get(files, file));
}

bool recipe_skips(const recipe *r, const char *theirs)
{
    size_t i;
    const json_t *pattern;
    json_array_foreach(r->unused, i, pattern) {
        if (fnmatch(json_string_value(pattern), theirs, FNM_NOESCAPE) == 0) return true;
    }
    return false;
}
