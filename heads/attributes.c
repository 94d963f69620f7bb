/* attributes.c - what is said of a region: labels and numbers, from dense layers on one map.
 *
 * Its keys in the model file:
 *
 *   "type": "attributes"
 *   "tap": "pool"                a map of the backbone, 1x1
 *   "hidden": { "dense": "head0/feats", "channels": 256 }      a dense layer with ReLU before all
 *                                groups: tensors NAME/weights [in][channels], NAME/bias; may be absent
 *   "groups": [
 *     { "name": "gender",        each a dense layer on it, and how its outputs are read:
 *       "dense": "head0/gender",
 *       "score": "sigmoid",          one output, the probability of the second of two labels
 *       "labels": ["female", "male"] },
 *     { "name": "mood", "dense": "head0/mood",
 *       "score": "softmax",          an output for each label; the likeliest counts
 *       "labels": ["neutral", "happy", "sad"] },
 *     { "name": "age", "dense": "head0/age",
 *       "score": "expectation",      softmax over `count` classes; class i stands for the number
 *       "count": 100,                offset + i; the expectation counts
 *       "offset": 1, "unit": "years" } ]          default: 0 and none
 */
#include "head.h"
#include "settings.h"
#include <math.h>
#include <stdlib.h>

typedef enum score { SIGMOID, SOFTMAX, EXPECTATION } score;

typedef struct group {
    const char   *name, *dense, *unit;
    const json_t *labels;
    score         score;
    int           count;        /* outputs */
    float         offset;
    float        *values;       /* [count] */
} group;

typedef struct attributes {
    const char *tap, *hidden;
    int         hidden_count;
    cyg_conv   *hidden_layer;   /* NULL: none */
    cyg_conv   *layer;          /* of all groups */
    group       groups[CYG_MAX_ATTRIBUTES];
    int         group_count;
    float      *hidden_values;  /* [hidden_count] */
    float      *values;         /* of all groups */
} attributes;

enum { MAX_OUTPUTS = 10000, MAX_HIDDEN = 65536 };

static void attributes_free(void *self)
{
    attributes *a = self;
    if (!a) return;
    cyg_conv_free(a->hidden_layer);
    cyg_conv_free(a->layer);
    free(a->hidden_values);
    free(a->values);
    free(a);
}

/* ---- Create ----------------------------------------------------------------------- */

static void read_labels(cyg_reader *r, const json_t *labels, group *g)
{
    const size_t count = json_array_size(labels);
    for (size_t i = 0; i < count; i++)
        if (!json_is_string(json_array_get(labels, i)))
            cyg_mistake(r, "group '%.80s': 'labels': number %zu is not a text", g->name, i + 1);
    const bool fits = g->score == SIGMOID ? count == 2 : count >= 2 && count <= MAX_OUTPUTS;
    if (!fits) cyg_mistake(r, "group '%.80s': 'labels': found %zu texts, expected two%s", g->name, count,
                           g->score == SIGMOID ? "" : " or more");
    g->labels = labels;
    g->count = g->score == SIGMOID ? 1 : (int)count;
}

static void read_group(cyg_reader *r, const json_t *json, group *g)
{
    *g = (group){ .name = cyg_read_text(r, json, "groups[].", "name"), .unit = "" };
    g->dense = cyg_read_text(r, json, "groups[].", "dense");
    g->score = (score)cyg_read_choice(r, cyg_read_text(r, json, "groups[].", "score"), "groups[].score",
                                      (const char *const[]){ "sigmoid", "softmax", "expectation", NULL });
    if (g->score != EXPECTATION) {
        cyg_read_keys(r, json, "groups[].", (const char *const[]){ "name", "dense", "score", "labels", NULL });
        read_labels(r, json_object_get(json, "labels"), g);
        return;
    }
    cyg_read_keys(r, json, "groups[].",
                  (const char *const[]){ "name", "dense", "score", "count", "offset", "unit", NULL });
    g->count = cyg_read_integer(r, json, "count", 2, MAX_OUTPUTS);
    const json_t *const offset = json_object_get(json, "offset");
    if (offset) g->offset = (float)cyg_read_number(r, offset, "offset", -1e6, 1e6);
    if (json_object_get(json, "unit")) g->unit = cyg_read_text(r, json, "groups[].", "unit");
}

static cyg_status read_settings(attributes *a, const json_t *json, const char *path, cyg_error *err)
{
    cyg_reader r = { .path = path, .head = "attributes", .err = err };
    cyg_read_keys(&r, json, "", (const char *const[]){ "type", "tap", "hidden", "groups", NULL });
    a->tap = cyg_read_text(&r, json, "", "tap");
    const json_t *const hidden = json_object_get(json, "hidden"), *const groups = json_object_get(json, "groups");
    if (hidden) {
        cyg_read_keys(&r, hidden, "hidden.", (const char *const[]){ "dense", "channels", NULL });
        a->hidden = cyg_read_text(&r, hidden, "hidden.", "dense");
        a->hidden_count = cyg_read_integer(&r, hidden, "channels", 1, MAX_HIDDEN);
    }
    const size_t count = json_array_size(groups);
    if (count < 1 || count > CYG_MAX_ATTRIBUTES)
        cyg_mistake(&r, "'groups': expected a list of 1 to %d objects", CYG_MAX_ATTRIBUTES);
    for (size_t i = 0; i < count && !r.status; i++)
        read_group(&r, json_array_get(groups, i), &a->groups[a->group_count++]);
    return r.status;
}

static cyg_status open_layers(attributes *a, const cyg_backbone *net, cyg_error *err)
{
    const cyg_tensor map = cyg_backbone_map(net, a->tap);
    if (map.height != 1 || map.width != 1)
        return cyg_fail(err, CYG_FORMAT, "%s: head 'attributes': 'tap': the backbone has no map '%.80s' of 1x1",
                        cyg_model_path(cyg_backbone_model(net)), a->tap);
    cyg_status status = CYG_OK;
    const int inputs = a->hidden ? a->hidden_count : map.channels;
    int values = 0;
    cyg_conv_part parts[CYG_MAX_ATTRIBUTES];
    for (int i = 0; i < a->group_count; i++) {
        parts[i] = (cyg_conv_part){ a->groups[i].dense, a->groups[i].count };
        values += a->groups[i].count;
    }
    if (a->hidden)
        status = cyg_conv_create(&a->hidden_layer, net, a->tap, map.channels,
                                 &(cyg_conv_part){ a->hidden, a->hidden_count }, 1, err);
    if (!status)
        status = cyg_conv_create(&a->layer, net, a->hidden ? NULL : a->tap, inputs, parts, a->group_count, err);
    if (status == CYG_NOT_FOUND) {          /* the tensor; that of create is the head */
        status = CYG_FORMAT;
        if (err) err->status = status;
    }
    if (status) return status;
    a->hidden_values = calloc((size_t)inputs, sizeof *a->hidden_values);
    a->values = calloc((size_t)values, sizeof *a->values);
    if (!a->hidden_values || !a->values) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    for (int i = 0, at = 0; i < a->group_count; at += a->groups[i++].count) a->groups[i].values = a->values + at;
    return CYG_OK;
}

static cyg_status attributes_create(void **out, const cyg_backbone *net, const json_t *settings,
                                    const cyg_head_params *params, cyg_error *err)
{
    *out = NULL;
    attributes *a = calloc(1, sizeof *a);
    if (!a) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    cyg_status status = read_settings(a, settings, cyg_model_path(cyg_backbone_model(net)), err);
    if (!status) status = open_layers(a, net, err);
    if (status) attributes_free(a);
    else *out = a;
    return status;
}

/* ---- Run ---------------------------------------------------------------------------- */

static const char *label_at(const group *g, size_t i)
{
    return json_string_value(json_array_get(g->labels, i));
}

static void read_sigmoid(const group *g, cyg_attribute *out)
{
    const float second = cyg_sigmoid(g->values[0]);
    const bool is_second = second >= 0.5f;
    out->label = label_at(g, is_second);
    out->probability = is_second ? second : 1 - second;
    out->value = is_second;
}

static void read_softmax(const group *g, cyg_attribute *out)
{
    float *const values = g->values;
    cyg_softmax(values, g->count);
    int best = 0;
    for (int i = 1; i < g->count; i++) best = values[i] > values[best] ? i : best;
    out->label = label_at(g, (size_t)best);
    out->probability = values[best];
    out->value = (float)best;
}

static void read_expectation(const group *g, cyg_attribute *out)
{
    float *const values = g->values;
    cyg_softmax(values, g->count);
    double mean = 0, square = 0;
    for (int i = 0; i < g->count; i++) {
        mean += (double)i * values[i];
        square += (double)i * i * values[i];
    }
    out->value = (float)(g->offset + mean);
    out->deviation = (float)sqrt(fmax(square - mean * mean, 0));
    out->probability = 1;
}

static void attributes_run(void *self, const cyg_features *maps, cyg_result *out)
{
    attributes *a = self;
    float *values[CYG_MAX_ATTRIBUTES];
    for (int i = 0; i < a->group_count; i++) values[i] = a->groups[i].values;
    if (a->hidden_layer) {
        cyg_conv_run(a->hidden_layer, maps, &a->hidden_values);
        for (int i = 0; i < a->hidden_count; i++) a->hidden_values[i] = fmaxf(a->hidden_values[i], 0);
        cyg_conv_run_floats(a->layer, a->hidden_values, values);
    } else {
        cyg_conv_run(a->layer, maps, values);
    }
    for (int i = 0; i < a->group_count; i++) {
        const group *g = &a->groups[i];
        cyg_attribute *const to = &out->attributes[i];
        *to = (cyg_attribute){ .name = g->name, .unit = g->unit };
        switch (g->score) {
        case SIGMOID:     read_sigmoid(g, to); break;
        case SOFTMAX:     read_softmax(g, to); break;
        case EXPECTATION: read_expectation(g, to); break;
        }
    }
    out->count = a->group_count;
}

const cyg_head_type cyg_attributes_type = {
    .name = "attributes", .kind = CYG_ATTRIBUTES, .create = attributes_create, .free = attributes_free,
    .run = attributes_run,
};
