/* options_yaml.c - a settings file: a mapping of groups of values, read event by event (libyaml). */
#include "options_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_BYTES = 1 << 20 };

typedef struct reader {
    options      *o;
    const char   *name;                 /* of the file, for messages */
    yaml_parser_t parser;
    yaml_event_t  event;                /* the one being looked at */
    bool         *seen;                 /* [rows]: this file has set it */
    bool         *seen_group;           /* [rows]: it has opened the group whose first row this is */
    cyg_error    *err;
} reader;

static void where(char out[300], const reader *r, yaml_mark_t mark)
{
    snprintf(out, 300, "%s:%zu:%zu", r->name, mark.line + 1, mark.column + 1);
}

/* "file:3:5: sentence 'name' rest" about the event being looked at. */
static cyg_status fail(const reader *r, const char *before, const char *name, const char *after)
{
    char at[300];
    where(at, r, r->event.start_mark);
    return cyg_fail(r->err, CYG_ARGUMENT, "%s: %s%s%s%s%s", at, before, name ? "'" : "", name ? quote(name).text : "",
                    name ? "'" : "", after);
}

/* What libyaml found wrong, with its place. */
static cyg_status fail_parse(const reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "cannot be read";
    if (p->error == YAML_MEMORY_ERROR) return cyg_fail(r->err, CYG_NO_MEMORY, "%s: out of memory", r->name);
    if (p->error == YAML_READER_ERROR)
        return cyg_fail(r->err, CYG_ARGUMENT, "%s: byte %zu: not YAML: %s", r->name, p->problem_offset + 1, problem);
    char at[300];
    where(at, r, p->problem_mark);
    return cyg_fail(r->err, CYG_ARGUMENT, "%s: not YAML: %s", at, problem);
}

/* Moves on to the next event, refusing what settings have no use for. */
static cyg_status next(reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event)) return fail_parse(r);
    const yaml_event_t *e = &r->event;
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return fail(r, "found an alias, expected a value", NULL, "");
    case YAML_SEQUENCE_START_EVENT:
        return fail(r, "found a list, expected one value", NULL, "");
    case YAML_MAPPING_START_EVENT:
        if (e->data.mapping_start.anchor || e->data.mapping_start.tag)
            return fail(r, "found an anchor or a tag, expected plain names and values", NULL, "");
        return CYG_OK;
    case YAML_SCALAR_EVENT:
        if (e->data.scalar.anchor || e->data.scalar.tag)
            return fail(r, "found an anchor or a tag, expected a plain value", NULL, "");
        if (strlen((const char *)e->data.scalar.value) != e->data.scalar.length)
            return fail(r, "found a zero byte in a text", NULL, "");
        return CYG_OK;
    default:
        return CYG_OK;
    }
}

static bool is_null(const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    return e->type == YAML_SCALAR_EVENT && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (!*text || !strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") || !strcmp(text, "NULL"));
}

/* The first row of the group, or -1. */
static int find_group(const options *o, const char *name)
{
    for (int i = 0; i < o->count; i++) {
        const char *key = o->app->table[i].key;
        if (key && strlen(name) == (size_t)options_group_length(key) && key[strlen(name)] == '.' &&
            !strncmp(key, name, strlen(name)))
            return i;
    }
    return -1;
}

static cyg_status unknown_key(const reader *r, const char *key)
{
    nearest n = nearest_start(key);
    for (int i = 0; i < r->o->count; i++) {
        const char *known = r->o->app->table[i].key;
        if (!known) continue;
        nearest_try_key(&n, known);
        char group[64];
        snprintf(group, sizeof group, "%.*s", options_group_length(known), known);
        if (*group && !strchr(key, '.')) nearest_try(&n, group, group);
    }
    return fail(r, "unknown key ", key, nearest_hint(&n).text);
}

/* The value of a row; the key's event is the one being looked at. */
static cyg_status read_value(reader *r, int row)
{
    const option *known = &r->o->app->table[row];
    if (r->seen[row]) return fail(r, "key ", known->key, " stands here a second time");
    r->seen[row] = true;
    cyg_status s = next(r);
    if (s) return s;
    if (r->event.type != YAML_SCALAR_EVENT) return fail(r, "found a group, expected one value for ", known->key, "");
    char at[300];
    where(at, r, r->event.start_mark);
    const char *text = is_null(&r->event) ? NULL : (const char *)r->event.data.scalar.value;
    return option_set(r->o, row, text, at, known->key, r->err);
}

/* The names and values up to the end of a mapping; group "" = the outermost one. */
static cyg_status read_mapping(reader *r, const char *group)
{
    for (;;) {
        cyg_status s = next(r);
        if (s) return s;
        if (r->event.type == YAML_MAPPING_END_EVENT) return CYG_OK;
        if (r->event.type != YAML_SCALAR_EVENT) return fail(r, "expected a name", NULL, "");
        char key[200];
        const int length = snprintf(key, sizeof key, "%s%s%s", group, *group ? "." : "",
                                    (const char *)r->event.data.scalar.value);
        const int row = options_find_key(r->o, key), first = *group ? -1 : find_group(r->o, key);
        if (length >= (int)sizeof key || (row < 0 && first < 0)) return unknown_key(r, key);
        if (row >= 0) {
            if ((s = read_value(r, row))) return s;
            continue;
        }
        if (r->seen_group[first]) return fail(r, "group ", key, " stands here a second time");
        r->seen_group[first] = true;
        if ((s = next(r))) return s;
        if (is_null(&r->event)) continue;               /* all of its lines are comments */
        if (r->event.type != YAML_MAPPING_START_EVENT) return fail(r, "found a value, expected names below ", key, "");
        if ((s = read_mapping(r, key))) return s;
    }
}

static cyg_status read_stream(reader *r)
{
    cyg_status s;
    do {
        if ((s = next(r))) return s;
    } while (r->event.type == YAML_STREAM_START_EVENT || r->event.type == YAML_DOCUMENT_START_EVENT);
    if (r->event.type == YAML_STREAM_END_EVENT) return CYG_OK;
    if (r->event.type == YAML_MAPPING_START_EVENT) {
        if ((s = read_mapping(r, ""))) return s;
    } else if (!is_null(&r->event)) {
        return fail(r, "found a value, expected 'name: value' lines", NULL, "");
    }
    do {
        if ((s = next(r))) return s;
        if (r->event.type == YAML_DOCUMENT_START_EVENT)
            return fail(r, "found a second document, expected one", NULL, "");
    } while (r->event.type != YAML_STREAM_END_EVENT);
    return CYG_OK;
}

cyg_status options_read_yaml(options *o, const char *bytes, size_t size, const char *name, cyg_error *err)
{
    if (size > MAX_BYTES)
        return cyg_fail(err, CYG_ARGUMENT, "%s: found more than 1 MiB, expected a settings file", name);
    reader r = { .o = o, .name = name, .err = err };
    r.seen = calloc((size_t)o->count + 1, sizeof *r.seen);
    r.seen_group = calloc((size_t)o->count + 1, sizeof *r.seen_group);
    if (!r.seen || !r.seen_group || !yaml_parser_initialize(&r.parser)) {
        free(r.seen);
        free(r.seen_group);
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", name);
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, size);
    const cyg_status s = read_stream(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    free(r.seen);
    free(r.seen_group);
    return s;
}
