/* classifier.c - what the whole region shows: one of many classes.
 *
 * Its keys in the model file:
 *
 *   "type": "classifier"
 *   "labels": ["background", "tench", ...]     of all classes, in the order of the dense layer's outputs
 *   "tap": "pool"                a map of the backbone, 1x1
 *   "dense": "head0/logits"      tensors NAME/weights [channels][classes], NAME/bias [classes]
 *   "score": "softmax"           one class of all; or "sigmoid": each for itself; or "none": ready as they are
 *   "max_count": 5               how many classes are told; cyg_head_params may override it
 */
#include "classifier.h"
#include "head.h"
#include "settings.h"
#include <stdlib.h>

enum { SOFTMAX, SIGMOID, NONE };

struct cyg_classifier {
    const char *tap;
    cyg_conv   *dense;
    int         score, count, max_count;        /* count: of all classes */
    float      *logits, *scores;                /* [count] */
};

/* ---- Create ----------------------------------------------------------------------- */

static void classifier_free(void *self)
{
    cyg_classifier *c = self;
    if (!c) return;
    cyg_conv_free(c->dense);
    free(c->logits);
    free(c->scores);
    free(c);
}

/* What the settings say; returns the name of the dense layer's tensors. */
static const char *read_settings(cyg_reader *r, cyg_classifier *c, const json_t *json, const cyg_head_params *params)
{
    cyg_read_keys(r, json, "",
                  (const char *const[]){ "type", "labels", "tap", "dense", "score", "max_count", NULL });
    c->count = (int)json_array_size(json_object_get(json, "labels"));
    c->tap = cyg_read_text(r, json, "", "tap");
    c->score = cyg_read_choice(r, cyg_read_text(r, json, "", "score"), "score",
                               (const char *const[]){ "softmax", "sigmoid", "none", NULL });
    c->max_count = cyg_read_integer(r, json, "max_count", 1, CYG_MAX_CLASSES);
    if (params->max_count > 0) c->max_count = params->max_count;
    if (c->max_count > CYG_MAX_CLASSES) c->max_count = CYG_MAX_CLASSES;
    if (c->max_count > c->count) c->max_count = c->count;
    return cyg_read_text(r, json, "", "dense");
}

static cyg_status open_dense(cyg_classifier *c, const cyg_backbone *net, const char *name, int channels, cyg_error *err)
{
    cyg_status status = cyg_conv_create(&c->dense, net, c->tap, channels, &(cyg_conv_part){ name, c->count }, 1, err);
    if (status == CYG_NOT_FOUND) {              /* the tensor; that of create is the head */
        status = CYG_FORMAT;
        if (err) err->status = status;
    }
    if (status) return status;
    c->logits = calloc((size_t)c->count, sizeof *c->logits);
    c->scores = calloc((size_t)c->count, sizeof *c->scores);
    return c->logits && c->scores ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "out of memory");
}

static cyg_status classifier_create(void **out, const cyg_backbone *net, const json_t *settings,
                                    const cyg_head_params *params, cyg_error *err)
{
    *out = NULL;
    cyg_classifier *c = calloc(1, sizeof *c);
    if (!c) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    cyg_reader r = { .path = cyg_model_path(cyg_backbone_model(net)), .head = "classifier", .err = err };
    const char *const dense = read_settings(&r, c, settings, params);
    const cyg_tensor map = cyg_backbone_map(net, c->tap);
    if (map.height != 1 || map.width != 1)
        cyg_mistake(&r, "'tap': the backbone has no map '%.80s' of 1x1", c->tap);
    cyg_status status = r.status;
    if (!status) status = open_dense(c, net, dense, map.channels, err);
    if (status) classifier_free(c);
    else *out = c;
    return status;
}

/* ---- Run ---------------------------------------------------------------------------- */

/* The best of them by falling score, of equals the lowest label: each finds its place from below. */
static int best_of(cyg_class *best, int most, const float *scores, int count)
{
    int kept = 0;
    for (int i = 0; i < count; i++) {
        if (kept == most && !(scores[i] > best[kept - 1].score)) continue;
        int at = kept < most ? kept++ : kept - 1;
        for (; at > 0 && scores[i] > best[at - 1].score; at--) best[at] = best[at - 1];
        best[at] = (cyg_class){ i, scores[i] };
    }
    return kept;
}

static void classifier_run(void *self, const cyg_features *maps, cyg_result *out)
{
    cyg_classifier *c = self;
    cyg_conv_run(c->dense, maps, &c->logits);
    for (int i = 0; i < c->count; i++) c->scores[i] = c->score == SIGMOID ? cyg_sigmoid(c->logits[i]) : c->logits[i];
    if (c->score == SOFTMAX) cyg_softmax(c->scores, c->count);
    out->count = best_of(out->classes, c->max_count, c->scores, c->count);
}

const float *cyg_classifier_logits(const cyg_classifier *c, int *count)
{
    *count = c->count;
    return c->logits;
}

const cyg_head_type cyg_classifier_type = {
    .name = "classifier", .kind = CYG_CLASSES, .create = classifier_create, .free = classifier_free,
    .run = classifier_run,
};
