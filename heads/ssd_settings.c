/* ssd_settings.c - reads and checks an SSD head's object of the model file (keys: ssd.c). */
#include "ssd.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Reading goes on after a mistake, and the first sentence stays. */
typedef struct reader {
    const char *path;
    cyg_error  *err;
    cyg_status  status;
} reader;

__attribute__((format(printf, 2, 3)))
static void mistake(reader *r, const char *format, ...)
{
    if (r->status) return;
    char what[300];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    r->status = cyg_fail(r->err, CYG_FORMAT, "%s: head 'ssd': %s", r->path, what);
}

static const char *kind_of(const json_t *value)
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

static void known_keys(reader *r, const json_t *object, const char *where, const char *const *known)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        const char *const *k = known;
        while (*k && strcmp(*k, key)) k++;
        if (!*k) mistake(r, "unknown key '%s%.80s'", where, key);
    }
}

static const char *text(reader *r, const json_t *object, const char *where, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value)) return json_string_value(value);
    mistake(r, "'%s%s': found %s, expected a text", where, key, kind_of(value));
    return "";
}

static double number(reader *r, const json_t *value, const char *key, double min, double max)
{
    if (!json_is_number(value)) {
        mistake(r, "'%s': found %s, expected a number", key, kind_of(value));
        return min;
    }
    const double x = json_number_value(value);
    if (x >= min && x <= max) return x;
    mistake(r, "'%s': found %g, expected %g to %g", key, x, min, max);
    return min;
}

static int integer(reader *r, const json_t *object, const char *key, int min, int max)
{
    const json_t *value = json_object_get(object, key);
    const double x = number(r, value, key, min, max);
    if (!r->status && !json_is_integer(value)) mistake(r, "'%s': found %g, expected a whole number", key, x);
    return (int)x;
}

/* Numbers into out, at least min_count and at most max_count of them; returns how many. */
static int numbers(reader *r, const json_t *list, const char *key, int min_count, int max_count, double min, double max,
                   double *out)
{
    if (!json_is_array(list)) {
        mistake(r, "'%s': found %s, expected a list of numbers", key, kind_of(list));
        return 0;
    }
    const size_t count = json_array_size(list);
    if (count < (size_t)min_count || count > (size_t)max_count) {
        if (min_count == max_count)
            mistake(r, "'%s': found %zu numbers, expected %d", key, count, min_count);
        else
            mistake(r, "'%s': found %zu numbers, expected %d to %d", key, count, min_count, max_count);
        return 0;
    }
    for (size_t i = 0; i < count; i++) out[i] = number(r, json_array_get(list, i), key, min, max);
    return (int)count;
}

/* Which of the words the text is. */
static int choice(reader *r, const char *value, const char *key, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(words[i], value)) return i;
    char list[120] = "";
    for (int i = 0; words[i]; i++) {
        strcat(list, i ? ", " : "");
        strcat(list, words[i]);
    }
    mistake(r, "'%s': found '%.80s', expected one of: %s", key, value, list);
    return 0;
}

static int read_maps(reader *r, const json_t *list, cyg_ssd_map *maps)
{
    const size_t count = json_array_size(list);
    if (!json_is_array(list) || count < 1 || count > CYG_MAX_LEVELS) {
        mistake(r, "'maps': expected a list of 1 to %d objects", CYG_MAX_LEVELS);
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *map = json_array_get(list, i);
        char where[32];
        snprintf(where, sizeof where, "maps[%zu].", i);
        known_keys(r, map, where, (const char *const[]){ "tap", "boxes", "scores", NULL });
        maps[i] = (cyg_ssd_map){ .tap = text(r, map, where, "tap"),
                                 .boxes = text(r, map, where, "boxes"),
                                 .scores = text(r, map, where, "scores") };
    }
    return (int)count;
}

static void read_anchors(reader *r, const json_t *json, cyg_anchor_rule *rule)
{
    if (!json_is_object(json)) {
        mistake(r, "'anchors': found %s, expected an object", kind_of(json));
        return;
    }
    known_keys(r, json, "anchors.",
               (const char *const[]){ "kind", "scales", "aspect_ratios", "reduce_lowest", "between", NULL });
    choice(r, text(r, json, "anchors.", "kind"), "anchors.kind", (const char *const[]){ "tf_ssd", NULL });
    numbers(r, json_object_get(json, "scales"), "anchors.scales", rule->level_count + 1, rule->level_count + 1, 0.001,
            10, rule->scales);
    rule->ratio_count = numbers(r, json_object_get(json, "aspect_ratios"), "anchors.aspect_ratios", 1, CYG_MAX_RATIOS,
                                0.01, 100, rule->ratios);
    const json_t *reduce = json_object_get(json, "reduce_lowest");
    if (reduce && !json_is_boolean(reduce))
        mistake(r, "'anchors.reduce_lowest': found %s, expected true or false", kind_of(reduce));
    rule->reduce_lowest = json_is_true(reduce);
    if (json_object_get(json, "between"))
        rule->between = (cyg_between)choice(r, text(r, json, "anchors.", "between"), "anchors.between",
                                            (const char *const[]){ "after_square", "last", "none", NULL });
}

cyg_status cyg_ssd_settings_read(cyg_ssd_settings *out, const json_t *json, const char *path, cyg_error *err)
{
    reader r = { .path = path, .err = err };
    *out = (cyg_ssd_settings){ .label_count = (int)json_array_size(json_object_get(json, "labels")) };
    known_keys(&r, json, "",
               (const char *const[]){ "type", "labels", "maps", "classes", "first_class", "score", "anchors",
                                      "box_scale", "threshold", "overlap", "max_count", NULL });
    out->anchors.level_count = read_maps(&r, json_object_get(json, "maps"), out->maps);
    read_anchors(&r, json_object_get(json, "anchors"), &out->anchors);

    out->classes = integer(&r, json, "classes", 1, 10000);
    out->first_class = integer(&r, json, "first_class", 0, 9999);
    if (out->first_class + out->label_count > out->classes)
        mistake(&r, "'labels': found %d texts, but of %d classes only %d come from 'first_class' on", out->label_count,
                out->classes, out->classes - out->first_class);
    out->softmax = choice(&r, text(&r, json, "", "score"), "score", (const char *const[]){ "sigmoid", "softmax", NULL });

    double scale[4] = { 1, 1, 1, 1 };
    numbers(&r, json_object_get(json, "box_scale"), "box_scale", 4, 4, 0.001, 1000, scale);
    for (int i = 0; i < 4; i++) out->box_scale[i] = (float)scale[i];
    out->threshold = (float)number(&r, json_object_get(json, "threshold"), "threshold", 0.001, 0.999);
    out->overlap = (float)number(&r, json_object_get(json, "overlap"), "overlap", 0, 1);
    out->max_count = integer(&r, json, "max_count", 1, CYG_MAX_DETECTIONS);
    return r.status;
}
