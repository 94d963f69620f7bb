/* settings.c - reads and checks the values of a head's object of the model file. */
#include "settings.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void cyg_mistake(cyg_reader *r, const char *format, ...)
{
    if (r->status) return;
    char what[300];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    r->status = cyg_fail(r->err, CYG_FORMAT, "%s: head '%s': %s", r->path, r->head, what);
}

const char *cyg_json_kind(const json_t *value)
{
    if (!value) return "nothing";
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY:  return "a list";
    case JSON_STRING: return "a text";
    case JSON_NULL:   return "null";
    case JSON_TRUE:
    case JSON_FALSE:  return "true or false";
    default:          return "a number";
    }
}

void cyg_read_keys(cyg_reader *r, const json_t *object, const char *where, const char *const *known)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        const char *const *k = known;
        while (*k && strcmp(*k, key)) k++;
        if (!*k) cyg_mistake(r, "unknown key '%s%.80s'", where, key);
    }
}

const char *cyg_read_text(cyg_reader *r, const json_t *object, const char *where, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value)) return json_string_value(value);
    cyg_mistake(r, "'%s%s': found %s, expected a text", where, key, cyg_json_kind(value));
    return "";
}

double cyg_read_number(cyg_reader *r, const json_t *value, const char *key, double min, double max)
{
    if (!json_is_number(value)) {
        cyg_mistake(r, "'%s': found %s, expected a number", key, cyg_json_kind(value));
        return min;
    }
    const double x = json_number_value(value);
    if (x >= min && x <= max) return x;
    cyg_mistake(r, "'%s': found %g, expected %g to %g", key, x, min, max);
    return min;
}

int cyg_read_integer(cyg_reader *r, const json_t *object, const char *key, int min, int max)
{
    const json_t *value = json_object_get(object, key);
    const double x = cyg_read_number(r, value, key, min, max);
    if (!r->status && !json_is_integer(value)) cyg_mistake(r, "'%s': found %g, expected a whole number", key, x);
    return (int)x;
}

int cyg_read_numbers(cyg_reader *r, const json_t *list, const char *key, int min_count, int max_count,
                     double min, double max, double *out)
{
    if (!json_is_array(list)) {
        cyg_mistake(r, "'%s': found %s, expected a list of numbers", key, cyg_json_kind(list));
        return 0;
    }
    const size_t count = json_array_size(list);
    if (count < (size_t)min_count || count > (size_t)max_count) {
        if (min_count == max_count)
            cyg_mistake(r, "'%s': found %zu numbers, expected %d", key, count, min_count);
        else
            cyg_mistake(r, "'%s': found %zu numbers, expected %d to %d", key, count, min_count, max_count);
        return 0;
    }
    for (size_t i = 0; i < count; i++) out[i] = cyg_read_number(r, json_array_get(list, i), key, min, max);
    return (int)count;
}

int cyg_read_choice(cyg_reader *r, const char *value, const char *key, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(words[i], value)) return i;
    char list[120] = "";
    for (int i = 0; words[i]; i++) {
        strcat(list, i ? ", " : "");
        strcat(list, words[i]);
    }
    cyg_mistake(r, "'%s': found '%.80s', expected one of: %s", key, value, list);
    return 0;
}
