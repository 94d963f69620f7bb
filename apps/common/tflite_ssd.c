/* tflite_ssd.c - recognises the predictors of an SSD in a TensorFlow Lite file, from its end backwards. */
#include "tflite_ssd.h"
#include "flex.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char post_process[] = "TFLite_Detection_PostProcess";

const tflite_operator *ssd_operator(const tflite *file)
{
    for (int i = 0; i < file->operator_count; i++) {
        const tflite_operator *const o = &file->operators[i];
        if (o->code == TFLITE_CUSTOM && o->custom.count == strlen(post_process) &&
            memcmp(o->custom.items, post_process, o->custom.count) == 0) return o;
    }
    return NULL;
}

/* ---- Backwards to the predictors ----------------------------------------------------------- */

/* The operator that makes t, over those that only change its shape or how its numbers are stored. */
static const tflite_operator *real_maker(const tflite *file, const tflite_tensor *t)
{
    const tflite_operator *o = tflite_maker(file, t);
    while (o && (o->code == TFLITE_RESHAPE || o->code == TFLITE_SQUEEZE || o->code == TFLITE_QUANTIZE ||
                 o->code == TFLITE_DEQUANTIZE))
        o = tflite_maker(file, tflite_in(file, o, 0));
    return o;
}

/* The convolutions whose outputs, one behind the other, are t; returns how many, 0 after an error. */
static int find_predictors(const tflite_operator *found[NETWORK_MAPS], const network *n, const tflite_operator *o,
                           const tflite_tensor *t, cyg_error *err)
{
    const tflite_operator *const joined = real_maker(n->file, t);
    if (!joined || (joined->code != TFLITE_CONCATENATION && joined->code != TFLITE_CONV)) {
        tflite_refuse(n->file, joined ? joined : o, err, "expected CONV_2D or CONCATENATION of such before %s",
                      post_process);
        return 0;
    }
    if (joined->code == TFLITE_CONV) return found[0] = joined, 1;
    if (joined->inputs.count < 1 || joined->inputs.count > NETWORK_MAPS) {
        tflite_refuse(n->file, joined, err, "found %u maps, expected 1 to %d", joined->inputs.count, NETWORK_MAPS);
        return 0;
    }
    for (uint32_t i = 0; i < joined->inputs.count; i++) {
        found[i] = real_maker(n->file, tflite_in(n->file, joined, i));
        if (found[i] && found[i]->code == TFLITE_CONV) continue;
        tflite_refuse(n->file, found[i] ? found[i] : joined, err, "expected a CONV_2D 1x1 that predicts something");
        return 0;
    }
    return (int)joined->inputs.count;
}

/* One map's two predictors, which read the same tensor. */
static cyg_status read_map(ssd_map *map, const network *n, const tflite_operator *boxes, const tflite_operator *scores,
                           int classes, int number, cyg_error *err)
{
    map->source = tflite_in(n->file, boxes, 0);
    if (!map->source || tflite_in(n->file, scores, 0) != map->source)
        return tflite_refuse(n->file, scores, err, "expected it to read the same map as the boxes");
    cyg_status status = network_layer_read(&map->boxes, n->file, boxes, map->source, false, NULL, err);
    if (!status) status = network_layer_read(&map->scores, n->file, scores, map->source, false, NULL, err);
    if (status) return status;
    map->shapes = map->boxes.channels / 4;
    if (map->boxes.kernel != 1 || map->scores.kernel != 1 || map->boxes.stride != 1 || map->scores.stride != 1)
        return tflite_refuse(n->file, boxes, err, "found a predictor of another kernel, expected 1x1");
    if (map->shapes < 1 || map->shapes > 16 || map->boxes.channels % 4 || map->scores.channels != map->shapes * classes)
        return tflite_refuse(n->file, scores, err, "found %d boxes and %d scores in a cell, expected %d of each",
                             map->shapes, map->scores.channels, classes);
    snprintf(map->boxes.name, sizeof map->boxes.name, "head%d/boxes", number);
    snprintf(map->scores.name, sizeof map->scores.name, "head%d/scores", number);
    return CYG_OK;
}

/* Which layer makes each map. */
static cyg_status find_taps(ssd *s, const network *n, cyg_error *err)
{
    for (int i = 0; i < s->map_count; i++) {
        for (int l = 0; l < n->layer_count; l++)
            if (n->layers[l].out == s->maps[i].source) s->maps[i].tap = n->layers[l].name;
        if (!s->maps[i].tap)
            return tflite_refuse(n->file, s->maps[i].boxes.op, err, "expected it to read the output of a layer");
    }
    return CYG_OK;
}

/* ---- Options ---------------------------------------------------------------------------------- */

static cyg_status read_options(ssd *s, const network *n, const tflite_operator *o, cyg_error *err)
{
    static const char *const names[] = { "y_scale", "x_scale", "h_scale", "w_scale" };
    double wanted = 0;
    bool whole = flex_number(&wanted, o->settings.items, o->settings.count, "num_classes") &&
                 flex_number(&s->overlap, o->settings.items, o->settings.count, "nms_iou_threshold");
    for (int i = 0; i < 4; i++)
        whole = whole && flex_number(&s->box_scale[i], o->settings.items, o->settings.count, names[i]) &&
                s->box_scale[i] >= .001 && s->box_scale[i] <= 1000;
    s->first_class = s->classes - (int)wanted;
    if (whole && wanted == rint(wanted) && (s->first_class == 0 || s->first_class == 1) && s->overlap > 0 &&
        s->overlap <= 1) return CYG_OK;
    return tflite_refuse(n->file, o, err, "found options that are incomplete or do not fit %d columns of scores",
                         s->classes);
}

static cyg_status read_scores(ssd *s, const tflite *file, const tflite_operator *o, const tflite_operator **last,
                              cyg_error *err)
{
    const tflite_tensor *const scores = tflite_in(file, o, 1);
    *last = real_maker(file, scores);
    if (!scores || scores->rank != 3 || scores->shape[2] < 2 || scores->shape[2] > 10000)
        return tflite_refuse(file, o, err, "found other scores, expected 1 x anchors x classes");
    if (!*last || ((*last)->code != TFLITE_LOGISTIC && (*last)->code != TFLITE_SOFTMAX))
        return tflite_refuse(file, *last ? *last : o, err, "expected LOGISTIC or SOFTMAX before %s", post_process);
    s->softmax = (*last)->code == TFLITE_SOFTMAX;
    s->classes = scores->shape[2];
    return CYG_OK;
}

cyg_status ssd_find(ssd *s, network *n, const tflite_operator *o, cyg_error *err)
{
    const tflite_operator *all[2 * NETWORK_MAPS], *last;
    *s = (ssd){ 0 };
    cyg_status status = read_scores(s, n->file, o, &last, err);
    if (!status) status = read_options(s, n, o, err);
    if (status) return status;
    const int count = find_predictors(all, n, o, tflite_in(n->file, o, 0), err);
    if (!count) return CYG_UNSUPPORTED;
    const int scores = find_predictors(all + count, n, o, tflite_in(n->file, last, 0), err);
    if (!scores) return CYG_UNSUPPORTED;
    if (scores != count)
        return tflite_refuse(n->file, o, err, "found %d maps of boxes, %d of scores, expected as many", count, scores);
    s->map_count = count;
    for (int i = 0; i < count && !status; i++)
        status = read_map(&s->maps[i], n, all[i], all[count + i], s->classes, i, err);
    if (!status) status = network_find_extra(n, all, 2 * count, err);
    if (!status) status = find_taps(s, n, err);
    if (!status) status = ssd_find_rule(s, n, o, tflite_in(n->file, o, 2), err);
    return status;
}

/* ---- The model file's words --------------------------------------------------------------------- */

static json_t *numbers(const double *values, int count)
{
    json_t *const list = json_array();
    for (int i = 0; list && i < count; i++) json_array_append_new(list, json_real(values[i]));
    return list;
}

json_t *ssd_describe(const ssd *s, json_t *labels)
{
    static const char *const between[] = { "after_square", "last", "none" };
    json_t *const maps = json_array();
    for (int i = 0; maps && i < s->map_count; i++)
        json_array_append_new(maps, json_pack("{s:s, s:s, s:s}", "tap", s->maps[i].tap, "boxes", s->maps[i].boxes.name,
                                              "scores", s->maps[i].scores.name));
    return json_pack("{s:s, s:o, s:o, s:i, s:i, s:s, s:{s:s, s:o, s:o, s:b, s:s}, s:o, s:f, s:f, s:i}", "type", "ssd",
        "labels", labels, "maps", maps, "classes", s->classes, "first_class", s->first_class,
        "score", s->softmax ? "softmax" : "sigmoid",
        "anchors", "kind", "tf_ssd", "scales", numbers(s->rule.scales, s->map_count + 1),
        "aspect_ratios", numbers(s->rule.ratios, s->rule.ratio_count), "reduce_lowest", s->rule.reduce_lowest,
        "between", between[s->rule.between],
        "box_scale", numbers(s->box_scale, 4), "threshold", .5, "overlap", s->overlap, "max_count", 100);
}
