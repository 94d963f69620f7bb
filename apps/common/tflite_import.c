/* tflite_import.c - a recognised network as description and tensors of a model file. */
#include "tflite_import.h"
#include "file.h"
#include "tflite_metadata.h"
#include "tflite_network.h"
#include "tflite_ssd.h"
#include "tflite_weights.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, MAX_LABEL_FILE = 16 << 20, TOLD = 5 };

typedef struct work {
    const tflite_options *options;
    const tflite    *files[2];
    int              count;
    tflite_metadata  metadata;
    network          network;
    bool             is_ssd, has_pool, has_classes, joined;
    ssd              ssd;
    network_layer    dense;             /* of the classifier */
    int              score;             /* the operator behind it: TFLITE_SOFTMAX, TFLITE_LOGISTIC, or -1 */
    json_t          *labels, *assumed;
} work;

static void assume(work *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void assume(work *w, const char *format, ...)
{
    char sentence[300];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    json_array_append_new(w->assumed, json_string(sentence));
}

/* ---- Behind the body: a pooled classifier ---------------------------------------------------- */

/* The operator takes the mean of all places of t. */
static bool is_global_mean(const tflite *file, const tflite_operator *o, const tflite_tensor *t)
{
    if (t->rank != 4 || tflite_in(file, o, 0) != t) return false;
    if (o->code == TFLITE_AVERAGE_POOL)
        return o->filter_y == t->shape[1] && o->filter_x == t->shape[2] && o->activation == TFLITE_NONE &&
               (o->valid || (o->stride_y >= t->shape[1] && o->stride_x >= t->shape[2]));
    const tflite_tensor *const axes = o->code == TFLITE_MEAN ? tflite_in(file, o, 1) : NULL;
    if (!axes || !axes->data || axes->count != 2) return false;
    const double a = tflite_stored(axes, 0), b = tflite_stored(axes, 1);
    return (a == 1 && b == 2) || (a == 2 && b == 1);
}

static bool is_output(const tflite *file, const tflite_tensor *t)
{
    for (uint32_t i = 0; i < file->outputs.count; i++)
        if (&file->tensors[flat_i32(file->outputs, i)] == t) return true;
    return false;
}

/* From the pooled features on: a dense layer, and what makes scores of it. */
static cyg_status find_classifier(work *w, const tflite *file, const tflite_tensor *pooled, cyg_error *err)
{
    const tflite_tensor *t = network_reshaped(file, pooled);
    const tflite_operator *const o = tflite_reader(file, t, NULL);
    if (!o) return CYG_OK;
    if (o->code != TFLITE_CONV && o->code != TFLITE_DENSE)
        return tflite_refuse(file, o, err, "expected CONV_2D 1x1 or FULLY_CONNECTED behind the pooled features");
    cyg_status status = network_layer_read(&w->dense, file, o, t, false, NULL, err);
    if (status) return status;
    if (w->dense.kernel != 1) return tflite_refuse(file, o, err, "found a 3x3 kernel on one place, expected 1x1");
    snprintf(w->dense.name, sizeof w->dense.name, "head0/logits");
    w->has_classes = true;
    w->score = -1;
    t = network_reshaped(file, w->dense.out);
    const tflite_operator *const last = tflite_reader(file, t, NULL);
    if (!last) return CYG_OK;
    if ((last->code != TFLITE_SOFTMAX || last->beta != 1) && last->code != TFLITE_LOGISTIC)
        return tflite_refuse(file, last, err, "expected SOFTMAX or LOGISTIC behind the classes");
    w->score = last->code;
    t = network_reshaped(file, tflite_out(file, last, 0));
    const tflite_operator *const more = tflite_reader(file, t, NULL);
    return more ? tflite_refuse(file, more, err, "expected nothing behind the scores") : CYG_OK;
}

/* The second file goes on where the first ends. */
static cyg_status join(work *w, const tflite_tensor *pooled, cyg_error *err)
{
    const tflite *const file = w->files[1];
    const tflite_tensor *const t = file->inputs.count == 1 ? &file->tensors[flat_i32(file->inputs, 0)] : NULL;
    if (!t || t->count != pooled->count)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: input '%s': found %s, expected %s, the output of %s", file->path,
                        t ? t->name : "", t ? tflite_shape(t).text : "several", tflite_shape(pooled).text,
                        w->files[0]->path);
    if (tflite_scale(t, 0) != tflite_scale(pooled, 0) || tflite_zero(t, 0) != tflite_zero(pooled, 0))
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: input '%s': found scale %g and zero %g, expected %g and %g as the "
                        "output of %s", file->path, t->name, tflite_scale(t, 0), tflite_zero(t, 0),
                        tflite_scale(pooled, 0), tflite_zero(pooled, 0), w->files[0]->path);
    w->joined = true;
    return find_classifier(w, file, t, err);
}

static cyg_status find_behind(work *w, cyg_error *err)
{
    const tflite *const file = w->files[0];
    const tflite_tensor *const map = w->network.layers[w->network.layer_count - 1].out;
    const tflite_operator *const pool = tflite_reader(file, map, NULL);
    if (!pool) return CYG_OK;
    if (!is_global_mean(file, pool, map))
        return tflite_refuse(file, pool, err, "expected AVERAGE_POOL_2D or MEAN over the whole map behind the layers");
    w->has_pool = true;
    const tflite_tensor *const pooled = tflite_out(file, pool, 0);
    if (!pooled) return tflite_refuse(file, pool, err, "found no output, expected the pooled features");
    return w->count == 2 && is_output(file, network_reshaped(file, pooled)) ? join(w, pooled, err)
                                                                           : find_classifier(w, file, pooled, err);
}

static cyg_status recognise(work *w, cyg_error *err)
{
    const tflite *const file = w->files[0];
    const tflite_operator *const post = ssd_operator(file);
    cyg_status status = network_find(&w->network, file, err);
    if (status) return status;
    w->is_ssd = post != NULL;
    status = post ? ssd_find(&w->ssd, &w->network, post, err) : find_behind(w, err);
    if (!status && w->count == 2 && !w->joined)
        status = cyg_fail(err, CYG_UNSUPPORTED, "%s: found a whole network, expected one that ends in its pooled "
                          "features for %s to go on from", file->path, w->files[1]->path);
    return status;
}

/* ---- Labels ---------------------------------------------------------------------------------- */

static cyg_status read_labels(work *w, cyg_error *err)
{
    const char *const path = w->options->labels;
    if (path) {
        char *text;
        size_t size;
        cyg_status status = file_read(&text, &size, path, MAX_LABEL_FILE, err);
        if (status) return status;
        status = tflite_labels(&w->labels, text, size, path, err);
        free(text);
        return status;
    }
    for (int i = w->count - 1; i >= 0; i--) {
        flat_vector text;
        char place[300];
        if (!tflite_attached(&text, w->files[i], i == 0 ? w->metadata.labels : "")) continue;
        snprintf(place, sizeof place, "%s: its labels", w->files[i]->path);
        return tflite_labels(&w->labels, (const char *)text.items, text.count, place, err);
    }
    return CYG_OK;
}

/* One label for each of `wanted`: without the background's, or with it at 0 if there are `classes`. */
static cyg_status fit_labels(work *w, int classes, int wanted, cyg_error *err)
{
    const size_t count = w->labels ? json_array_size(w->labels) : 0;
    if (!w->labels) {
        w->labels = json_array();
        for (int i = 0; i < wanted; i++) json_array_append_new(w->labels, json_sprintf("class %d", i));
        assume(w, "labels are numbers: none are attached (--labels FILE gives them)");
    } else if (count + 1 == (size_t)wanted) {
        json_array_insert_new(w->labels, 0, json_string("background"));
    } else if (count == (size_t)classes && classes == wanted + 1) {
        json_array_remove(w->labels, 0);
    } else if (count != (size_t)wanted) {
        return cyg_fail(err, CYG_FORMAT, "%s: found %zu labels, expected %d, one for each class",
                        w->options->labels ? w->options->labels : w->files[0]->path, count, wanted);
    }
    return w->labels ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "out of memory");
}

/* ---- The input --------------------------------------------------------------------------------- */

typedef struct normalisation { double mean[3], scale[3]; } normalisation;

/* Filters of the first layer that see brightness switch at a brightness that occurs: where -bias is the sum of their
 * weights times it. True if enough of them do, and none below 0: then black is 0 to the network, and white 1. Of
 * the published networks at hand it is true of those that were trained so, and of no other. */
static bool is_zero_to_one(const network_layer *first)
{
    const tflite_tensor *const w = first->weights;
    const size_t values = w->count / (size_t)first->channels;
    int seeing = 0;
    for (int k = 0; k < first->channels && first->bias; k++) {
        double sum = 0, size = 0;
        for (size_t i = 0; i < values; i++) {
            const double weight = tflite_scale(w, k) * (tflite_stored(w, (size_t)k * values + i) - tflite_zero(w, k));
            sum += weight;
            size += fabs(weight);
        }
        if (!(fabs(sum) > .2 * size)) continue;
        const tflite_tensor *const b = first->bias;
        const double bias = tflite_scale(b, k) * (tflite_stored(b, (size_t)k) - tflite_zero(b, k));
        if (-bias / sum < -.02) return false;
        seeing++;
    }
    return seeing >= 3;
}

/* x = (v - mean) * scale for v = 0 .. 255: as the integers of the input mean it, as the metadata or the caller says,
 * or as the first layer tells. */
static normalisation find_normalisation(work *w)
{
    const tflite_tensor *const in = w->network.input;
    const bool is_told = in->type != TFLITE_F32 || w->options->has_range || w->metadata.normalised;
    const double least = !is_told && is_zero_to_one(&w->network.layers[0]) ? 0 : -1;
    normalisation n;
    for (int c = 0; c < 3; c++) {
        const double low = w->options->low, high = w->options->high;
        if (in->scale.count == 1 && in->type != TFLITE_F32)
            n.mean[c] = tflite_zero(in, 0) + (in->type == TFLITE_I8 ? 128 : 0), n.scale[c] = tflite_scale(in, 0);
        else if (w->options->has_range)
            n.mean[c] = -low * 255 / (high - low), n.scale[c] = (high - low) / 255;
        else if (w->metadata.normalised)
            n.mean[c] = w->metadata.mean[c], n.scale[c] = 1 / w->metadata.deviation[c];
        else
            n.mean[c] = least < 0 ? 127.5 : 0, n.scale[c] = (1 - least) / 255;
    }
    if (!is_told)
        assume(w, "black is %g and white is 1 to the network, judging by its first layer: the file does not say "
               "(--range LOW..HIGH gives others)", least);
    return n;
}

static json_t *describe_input(work *w)
{
    const normalisation n = find_normalisation(w);
    const tflite_tensor *const in = w->network.input;
    json_t *const input = json_pack("{s:i, s:i, s:s, s:[f,f,f], s:[f,f,f], s:s, s:s, s:s}", "width", in->shape[2],
        "height", in->shape[1], "channels", "rgb", "mean", n.mean[0], n.mean[1], n.mean[2], "scale", n.scale[0],
        n.scale[1], n.scale[2], "sample", "centre", "letterbox", w->is_ssd ? "stretch" : "crop", "border", "edge");
    if (input && !w->is_ssd) json_object_set_new(input, "crop", json_real(.875));
    assume(w, "%s", w->is_ssd ? "whole pictures are stretched to the input, as TensorFlow's object detection API does"
                              : "of whole pictures the middle 87.5 % is seen, as in the evaluation of MobileNets");
    return input;
}

/* ---- The description ------------------------------------------------------------------------------ */

/* NULL unless every layer is quantised. */
static json_t *describe_ranges(const network *n)
{
    json_t *const ranges = json_object();
    for (int i = 0; i < n->layer_count; i++) {
        if (!(n->layers[i].upper > 0)) {
            json_decref(ranges);
            return NULL;
        }
        json_object_set_new(ranges, n->layers[i].name, json_real(n->layers[i].upper));
    }
    return ranges;
}

static json_t *describe_backbone(work *w)
{
    const network *const n = &w->network;
    json_t *const extra = json_array(), *const taps = json_array();
    for (int i = n->body_count; i < n->layer_count; i++)
        json_array_append_new(extra, json_pack("{s:i, s:i, s:i}", "kernel", n->layers[i].kernel, "stride",
                                               n->layers[i].stride, "channels", n->layers[i].channels));
    for (int i = 0; i < w->ssd.map_count; i++) json_array_append_new(taps, json_string(w->ssd.maps[i].tap));
    if (!w->is_ssd) json_array_append_new(taps, json_string(w->has_pool ? "pool" : "conv13_pw"));
    json_t *const backbone = json_pack("{s:s, s:f, s:o, s:s, s:o, s:o}", "family", "mobilenet_v1", "width", n->width,
        "input", describe_input(w), "activation", n->relu6 ? "relu6" : "relu", "extra", extra, "taps", taps);
    json_t *const ranges = describe_ranges(n);
    if (backbone && ranges) json_object_set_new(backbone, "ranges", ranges);
    else json_decref(ranges);
    return backbone;
}

static json_t *describe_head(const work *w)
{
    if (w->is_ssd) return ssd_describe(&w->ssd, json_incref(w->labels));
    if (!w->has_classes) return json_pack("{s:s, s:s, s:s}", "type", "embedding", "tap", "pool", "metric", "cosine");
    const char *const score = w->score == TFLITE_SOFTMAX ? "softmax" : w->score == TFLITE_LOGISTIC ? "sigmoid" : "none";
    return json_pack("{s:s, s:O, s:s, s:s, s:s, s:i}", "type", "classifier", "labels", w->labels, "tap", "pool",
                     "dense", w->dense.name, "score", score, "max_count",
                     w->dense.channels < TOLD ? w->dense.channels : TOLD);
}

static json_t *describe_source(const work *w)
{
    json_t *const files = json_object();
    for (int i = 0; i < w->count; i++) {
        const char *const slash = strrchr(w->files[i]->path, '/');
        json_object_set_new(files, slash ? slash + 1 : w->files[i]->path, json_string(w->files[i]->sha256));
    }
    return json_pack("{s:s, s:s, s:o, s:O}", "package", "a TensorFlow Lite file", "version",
                     *w->metadata.version ? w->metadata.version : "without a version", "files", files, "assumed",
                     w->assumed);
}

static json_t *describe(work *w)
{
    const network *const n = &w->network;
    static const char unknown[] = "not stated in the file";
    const char *const purpose = w->is_ssd ? "Finds things: SSD on"
                                          : w->has_classes ? "Says what a picture shows:" : "Describes a picture:";
    char summary[200];
    snprintf(summary, sizeof summary, "%s MobileNetV1 of width %.4g at %dx%d%s.", purpose, n->width, n->input->shape[2],
             n->input->shape[1], n->layers[0].upper > 0 ? ", from 8-bit integers" : "");
    json_t *const backbone = describe_backbone(w), *const heads = json_array();
    if (w->is_ssd || w->has_pool) json_array_append_new(heads, describe_head(w));
    return json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:{s:s, s:s}}", "format", FORMAT, "name", w->options->name,
        "summary", summary, "backbone", backbone, "heads", heads, "source", describe_source(w), "licence",
        "code", unknown, "weights", *w->metadata.licence ? w->metadata.licence : unknown);
}

/* ---- All of it ---------------------------------------------------------------------------------------- */

static cyg_status write_tensors(const work *w, model_writer *to, cyg_error *err)
{
    cyg_status status = CYG_OK;
    for (int i = 0; i < w->network.layer_count && !status; i++) status = weights_add(to, &w->network.layers[i], err);
    for (int i = 0; i < w->ssd.map_count && !status; i++) {
        status = weights_add(to, &w->ssd.maps[i].boxes, err);
        if (!status) status = weights_add(to, &w->ssd.maps[i].scores, err);
    }
    if (!status && w->has_classes) status = weights_add(to, &w->dense, err);
    return status;
}

static cyg_status run(work *w, json_t **description, model_writer *to, cyg_error *err)
{
    cyg_status status = tflite_metadata_read(&w->metadata, w->files[0], err);
    if (!status) status = recognise(w, err);
    if (!status) status = read_labels(w, err);
    if (!status && w->is_ssd) status = fit_labels(w, w->ssd.classes, w->ssd.classes - w->ssd.first_class, err);
    if (!status && w->has_classes) status = fit_labels(w, w->dense.channels, w->dense.channels, err);
    if (!status) status = write_tensors(w, to, err);
    if (status) return status;
    *description = describe(w);
    return *description ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "out of memory");
}

cyg_status tflite_import(json_t **description, model_writer *to, const tflite *const *files, int count,
                         const tflite_options *options, cyg_error *err)
{
    *description = NULL;
    if (count < 1 || count > 2)
        return cyg_fail(err, CYG_ARGUMENT, "found %d TensorFlow Lite files, expected one or two halves", count);
    work *const w = calloc(1, sizeof *w);
    json_t *const assumed = json_array();
    cyg_status status = CYG_OK;
    if (w && assumed) {
        *w = (work){ .options = options, .files = { files[0], files[count - 1] }, .count = count, .assumed = assumed };
        status = run(w, description, to, err);
        json_decref(w->labels);
    } else {
        status = cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    }
    json_decref(assumed);
    free(w);
    return status;
}
