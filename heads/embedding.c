/* embedding.c - a region as a direction: regions of one person point the same way.
 *
 * Its keys in the model file:
 *
 *   "type": "embedding"
 *   "tap": "pool"                a map of the backbone, 1x1: the embedding is it, scaled to length 1
 *   "metric": "cosine"           how two are compared
 *   "false_match": {             measured: how often strangers are at least this much alike; may be absent
 *     "cosine": [-1, .3, .5, ...],     rising
 *     "rate": [1, .2, .01, ...],       falling, above 0
 *     "source": "what it was measured on, and what it is not" }
 */
#include "head.h"
#include "settings.h"
#include <math.h>
#include <stdlib.h>

enum { MAX_POINTS = 200 };

typedef struct embedding {
    const char *tap;
    int         count;
    int         point_count;                            /* of the curve; 0: none */
    double      cosine[MAX_POINTS], rate[MAX_POINTS];
} embedding;

/* ---- Create ----------------------------------------------------------------------- */

static void read_curve(cyg_reader *r, const json_t *json, embedding *e)
{
    cyg_read_keys(r, json, "false_match.", (const char *const[]){ "cosine", "rate", "source", NULL });
    cyg_read_text(r, json, "false_match.", "source");
    e->point_count = cyg_read_numbers(r, json_object_get(json, "cosine"), "false_match.cosine", 2, MAX_POINTS, -1, 1,
                                      e->cosine);
    cyg_read_numbers(r, json_object_get(json, "rate"), "false_match.rate", e->point_count, e->point_count, 1e-12, 1,
                     e->rate);
    for (int i = 1; i < e->point_count; i++)
        if (!(e->cosine[i] > e->cosine[i - 1] && e->rate[i] < e->rate[i - 1]))
            cyg_mistake(r, "'false_match': at point %d: expected cosines to rise and rates to fall", i + 1);
}

static cyg_status embedding_create(void **out, const cyg_backbone *net, const json_t *settings,
                                   const cyg_head_params *params, cyg_error *err)
{
    *out = NULL;
    embedding *e = calloc(1, sizeof *e);
    if (!e) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    cyg_reader r = { .path = cyg_model_path(cyg_backbone_model(net)), .head = "embedding", .err = err };
    cyg_read_keys(&r, settings, "", (const char *const[]){ "type", "tap", "metric", "false_match", NULL });
    cyg_read_choice(&r, cyg_read_text(&r, settings, "", "metric"), "metric", (const char *const[]){ "cosine", NULL });
    e->tap = cyg_read_text(&r, settings, "", "tap");
    const json_t *const curve = json_object_get(settings, "false_match");
    if (curve) read_curve(&r, curve, e);
    const cyg_tensor map = cyg_backbone_map(net, e->tap);
    if (map.height != 1 || map.width != 1 || map.channels > CYG_MAX_EMBEDDING)
        cyg_mistake(&r, "'tap': the backbone has no map '%.80s' of 1x1 and at most %d channels", e->tap,
                    CYG_MAX_EMBEDDING);
    e->count = map.channels;
    if (r.status) free(e);
    else *out = e;
    return r.status;
}

/* ---- Run ---------------------------------------------------------------------------- */

static void embedding_run(void *self, const cyg_features *maps, cyg_result *out)
{
    const embedding *e = self;
    const float *const values = cyg_features_get(maps, e->tap).data;
    double square = 0;
    for (int i = 0; i < e->count; i++) square += (double)values[i] * values[i];
    const double scale = square > 0 ? 1 / sqrt(square) : 0;
    for (int i = 0; i < e->count; i++) out->embedding[i] = (float)(values[i] * scale);
    out->count = e->count;
}

const cyg_head_type cyg_embedding_type = {
    .name = "embedding", .kind = CYG_EMBEDDING, .create = embedding_create, .free = free, .run = embedding_run,
};

/* ---- What a cosine stands for --------------------------------------------------------- */

float cyg_cosine(const float *a, const float *b, int count)
{
    double product = 0, length_a = 0, length_b = 0;
    for (int i = 0; i < count; i++) {
        product += (double)a[i] * b[i];
        length_a += (double)a[i] * a[i];
        length_b += (double)b[i] * b[i];
    }
    if (!(length_a > 0 && length_b > 0)) return 0;
    return (float)fmin(fmax(product / sqrt(length_a * length_b), -1), 1);
}

static const embedding *with_curve(const cyg_head *head)
{
    if (cyg_head_kind(head) != CYG_EMBEDDING) return NULL;
    const embedding *const e = cyg_head_self(head);
    return e->point_count ? e : NULL;
}

bool cyg_head_false_match(const cyg_head *head, float cosine, cyg_false_match *out)
{
    const embedding *const e = with_curve(head);
    if (!e) return false;
    const int last = e->point_count - 1;
    if (!(cosine > (float)e->cosine[0])) {
        *out = (cyg_false_match){ .rate = 1 };          /* nothing was measured below: anyone may be alike */
    } else if (cosine > (float)e->cosine[last]) {
        *out = (cyg_false_match){ .rate = (float)e->rate[last], .below = true };
    } else {
        int i = 1;
        while (cosine > (float)e->cosine[i]) i++;
        const double way = (cosine - e->cosine[i - 1]) / (e->cosine[i] - e->cosine[i - 1]);
        *out = (cyg_false_match){ .rate = (float)(e->rate[i - 1] * pow(e->rate[i] / e->rate[i - 1], way)) };
    }
    return true;
}

bool cyg_head_threshold(const cyg_head *head, float rate, float *cosine)
{
    const embedding *const e = with_curve(head);
    if (!e || !(rate >= (float)e->rate[e->point_count - 1])) return false;
    int i = 0;
    while (rate < (float)e->rate[i]) i++;
    *cosine = (float)e->cosine[i];
    if (i == 0) return true;
    const double way = log(rate / e->rate[i - 1]) / log(e->rate[i] / e->rate[i - 1]);
    *cosine = (float)(e->cosine[i - 1] + way * (e->cosine[i] - e->cosine[i - 1]));
    return true;
}
