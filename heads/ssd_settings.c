/* ssd_settings.c - reads and checks an SSD head's object of the model file (keys: ssd.c). */
#include "ssd.h"
#include "settings.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static int read_maps(cyg_reader *r, const json_t *list, cyg_ssd_map *maps)
{
    const size_t count = json_array_size(list);
    if (!json_is_array(list) || count < 1 || count > CYG_MAX_LEVELS) {
        cyg_mistake(r, "'maps': expected a list of 1 to %d objects", CYG_MAX_LEVELS);
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *map = json_array_get(list, i);
        char where[32];
        snprintf(where, sizeof where, "maps[%zu].", i);
        cyg_read_keys(r, map, where, (const char *const[]){ "tap", "boxes", "scores", NULL });
        maps[i] = (cyg_ssd_map){ .tap = cyg_read_text(r, map, where, "tap"),
                                 .boxes = cyg_read_text(r, map, where, "boxes"),
                                 .scores = cyg_read_text(r, map, where, "scores") };
    }
    return (int)count;
}

static void read_anchors(cyg_reader *r, const json_t *json, cyg_anchor_rule *rule)
{
    if (!json_is_object(json)) {
        cyg_mistake(r, "'anchors': found %s, expected an object", cyg_json_kind(json));
        return;
    }
    cyg_read_keys(r, json, "anchors.",
               (const char *const[]){ "kind", "scales", "aspect_ratios", "reduce_lowest", "between", NULL });
    cyg_read_choice(r, cyg_read_text(r, json, "anchors.", "kind"), "anchors.kind",
                    (const char *const[]){ "tf_ssd", NULL });
    cyg_read_numbers(r, json_object_get(json, "scales"), "anchors.scales", rule->level_count + 1,
                     rule->level_count + 1, 0.001, 10, rule->scales);
    rule->ratio_count = cyg_read_numbers(r, json_object_get(json, "aspect_ratios"), "anchors.aspect_ratios", 1,
                                         CYG_MAX_RATIOS, 0.01, 100, rule->ratios);
    const json_t *reduce = json_object_get(json, "reduce_lowest");
    if (reduce && !json_is_boolean(reduce))
        cyg_mistake(r, "'anchors.reduce_lowest': found %s, expected true or false", cyg_json_kind(reduce));
    rule->reduce_lowest = json_is_true(reduce);
    if (json_object_get(json, "between"))
        rule->between = (cyg_between)cyg_read_choice(
            r, cyg_read_text(r, json, "anchors.", "between"), "anchors.between",
            (const char *const[]){ "after_square", "last", "none", NULL });
}

cyg_status cyg_ssd_settings_read(cyg_ssd_settings *out, const json_t *json, const char *path, cyg_error *err)
{
    cyg_reader r = { .path = path, .head = "ssd", .err = err };
    *out = (cyg_ssd_settings){ .label_count = (int)json_array_size(json_object_get(json, "labels")) };
    cyg_read_keys(&r, json, "",
               (const char *const[]){ "type", "labels", "maps", "classes", "first_class", "score", "anchors",
                                      "box_scale", "threshold", "overlap", "max_count", NULL });
    out->anchors.level_count = read_maps(&r, json_object_get(json, "maps"), out->maps);
    read_anchors(&r, json_object_get(json, "anchors"), &out->anchors);

    out->classes = cyg_read_integer(&r, json, "classes", 1, 10000);
    out->first_class = cyg_read_integer(&r, json, "first_class", 0, 9999);
    if (out->first_class + out->label_count > out->classes)
        cyg_mistake(&r, "'labels': found %d texts, but of %d classes only %d come from 'first_class' on",
                    out->label_count, out->classes, out->classes - out->first_class);
    const char *score = cyg_read_text(&r, json, "", "score");
    out->softmax = cyg_read_choice(&r, score, "score", (const char *const[]){ "sigmoid", "softmax", NULL });

    double scale[4] = { 1, 1, 1, 1 };
    cyg_read_numbers(&r, json_object_get(json, "box_scale"), "box_scale", 4, 4, 0.001, 1000, scale);
    for (int i = 0; i < 4; i++) out->box_scale[i] = (float)scale[i];
    out->threshold = (float)cyg_read_number(&r, json_object_get(json, "threshold"), "threshold", 0.001, 0.999);
    out->overlap = (float)cyg_read_number(&r, json_object_get(json, "overlap"), "overlap", 0, 1);
    out->max_count = cyg_read_integer(&r, json, "max_count", 1, CYG_MAX_DETECTIONS);
    return r.status;
}
