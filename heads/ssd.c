/* ssd.c - boxes with a label and a score from several maps (SSD, arXiv 1512.02325).
 *
 * Its keys in the model file, all needed unless a default is told:
 *
 *   "type": "ssd"
 *   "labels": ["face"]           what it finds: texts of score columns first_class, first_class + 1 ...; a column
 *                                whose text is "" is never reported
 *   "maps": [ { "tap": "conv11_pw",           a map of the backbone
 *               "boxes": "head0/boxes",       tensors NAME/weights [1][1][in][A*4] and NAME/bias [A*4]
 *               "scores": "head0/scores" },   ... [A*classes]; A: anchors in a cell of this map
 *             ... ]              finest first
 *   "classes": 3                 score columns of an anchor
 *   "first_class": 1             the column of labels[0]; columns outside of labels are never reported
 *   "score": "sigmoid"           each column for itself; or "softmax": over all columns of the anchor
 *   "anchors": {
 *     "kind": "tf_ssd"           the rule of TensorFlow's object detection API:
 *     "scales": [0.2, ...]       of each map, of the input's shorter side, and one more to end with
 *     "aspect_ratios": [1, 2, 0.5, 3, 0.3333]     width / height, in the order of the anchors of a cell
 *     "reduce_lowest": true      the first map has three: 0.1 square, its scale at 2, its scale at 1/2; default false
 *     "between": "after_square"  where the square of sqrt(scale * next scale) stands; or "last", "none";
 *                                default after_square }
 *   "box_scale": [10, 10, 5, 5]  encodings of y, x, height, width are divided by these
 *   "threshold": 0.5, "overlap": 0.5, "max_count": 100          what cyg_head_params may override
 *
 * With anchor (x, y, w, h) and encoding (ty, tx, th, tw), each divided by its scale, a box has its centre at
 * (x + tx*w, y + ty*h) and the size (w * e^tw, h * e^th). Scores strictly above the threshold compete, each label
 * for itself, the best first, of equals the lowest anchor: a box goes if its overlap (intersection over union)
 * with a better one is strictly above the limit.
 */
#include "ssd.h"
#include "head.h"
#include "nms.h"
#include <math.h>
#include <stdlib.h>

typedef struct level {
    const char *tap;
    cyg_conv   *predictors;             /* boxes and scores */
    int         first, count;           /* anchors */
} level;

struct cyg_ssd {
    cyg_ssd_settings settings;
    level            levels[CYG_MAX_LEVELS];
    int              anchor_count;
    cyg_anchor      *anchors;           /* [anchor_count] */
    float           *encodings;         /* [anchor_count][4] */
    float           *logits;            /* [anchor_count][classes] */
    cyg_candidate   *candidates;        /* [anchor_count * label_count] */
    bool            *silent;            /* [label_count]: never reported */
};

static void ssd_free(void *self)
{
    cyg_ssd *ssd = self;
    if (!ssd) return;
    for (int i = 0; i < ssd->settings.anchors.level_count; i++) cyg_conv_free(ssd->levels[i].predictors);
    free(ssd->anchors);
    free(ssd->encodings);
    free(ssd->logits);
    free(ssd->candidates);
    free(ssd->silent);
    free(ssd);
}

/* ---- Create ----------------------------------------------------------------------- */

static cyg_status trained_size(int *width, int *height, const cyg_model *model, cyg_error *err)
{
    const json_t *backbone = json_object_get(cyg_model_description(model), "backbone");
    const json_t *input = json_object_get(backbone, "input");
    *width = (int)json_integer_value(json_object_get(input, "width"));
    *height = (int)json_integer_value(json_object_get(input, "height"));
    if (*width > 0 && *height > 0) return CYG_OK;
    return cyg_fail(err, CYG_FORMAT, "%s: 'backbone.input': expected a width and a height", cyg_model_path(model));
}

/* Lays out the levels: where the anchors of each begin, and how many there are. */
static cyg_status count_anchors(cyg_ssd *ssd, const cyg_backbone *net, cyg_error *err)
{
    const char *path = cyg_model_path(cyg_backbone_model(net));
    const cyg_ssd_settings *s = &ssd->settings;
    int64_t total = 0;
    for (int i = 0; i < s->anchors.level_count; i++) {
        const cyg_tensor map = cyg_backbone_map(net, s->maps[i].tap);
        if (map.height == 0)
            return cyg_fail(err, CYG_FORMAT, "%s: head 'ssd': 'maps[%d].tap': the backbone has no map '%.80s'", path, i,
                            s->maps[i].tap);
        const int64_t count = (int64_t)map.height * map.width * cyg_anchor_shape_count(&s->anchors, i);
        ssd->levels[i] = (level){ .tap = s->maps[i].tap, .first = (int)total, .count = (int)count };
        total += count;
        if (total * s->classes > INT32_MAX / 8)
            return cyg_fail(err, CYG_UNSUPPORTED, "%s: head 'ssd': %lld anchors of %d classes are too many", path,
                            (long long)total, s->classes);
    }
    ssd->anchor_count = (int)total;
    return CYG_OK;
}

static cyg_status fill_anchors(cyg_ssd *ssd, const cyg_backbone *net, cyg_error *err)
{
    const cyg_model *model = cyg_backbone_model(net);
    const cyg_anchor_rule *rule = &ssd->settings.anchors;
    int width, height;
    const cyg_status status = trained_size(&width, &height, model, err);
    if (status) return status;
    for (int i = 0; i < rule->level_count; i++) {
        const char *tap = ssd->levels[i].tap;
        cyg_cells rows, columns;
        if (!cyg_cells_of(&rows, net, tap, height, cyg_backbone_height(net)) ||
            !cyg_cells_of(&columns, net, tap, width, cyg_backbone_width(net)))
            return cyg_fail(err, CYG_FORMAT, "%s: head 'ssd': 'maps[%d].tap': '%.80s' is no layer of the backbone",
                            cyg_model_path(model), i, tap);
        cyg_anchor_shape shapes[CYG_MAX_SHAPES];
        const int count = cyg_anchor_shapes(shapes, rule, i, width < height ? width : height);
        cyg_anchors_fill(ssd->anchors + ssd->levels[i].first, rows, columns, shapes, count);
    }
    return CYG_OK;
}

static cyg_status open_predictors(cyg_ssd *ssd, const cyg_backbone *net, cyg_error *err)
{
    const cyg_ssd_settings *s = &ssd->settings;
    for (int i = 0; i < s->anchors.level_count; i++) {
        level *l = &ssd->levels[i];
        const int shapes = cyg_anchor_shape_count(&s->anchors, i);
        const cyg_conv_part parts[] = { { s->maps[i].boxes, shapes * 4 }, { s->maps[i].scores, shapes * s->classes } };
        cyg_status status = cyg_conv_create(&l->predictors, net, l->tap, cyg_backbone_map(net, l->tap).channels,
                                            parts, 2, err);
        if (status == CYG_NOT_FOUND) {          /* the tensor; that of create is the head */
            status = CYG_FORMAT;
            if (err) err->status = status;
        }
        if (status) return status;
    }
    return CYG_OK;
}

static cyg_status allocate(cyg_ssd *ssd, cyg_error *err)
{
    const size_t count = (size_t)ssd->anchor_count;
    ssd->anchors = calloc(count, sizeof *ssd->anchors);
    ssd->encodings = calloc(count, 4 * sizeof *ssd->encodings);
    ssd->logits = calloc(count, (size_t)ssd->settings.classes * sizeof *ssd->logits);
    ssd->candidates = calloc(count, (size_t)ssd->settings.label_count * sizeof *ssd->candidates);
    ssd->silent = calloc((size_t)ssd->settings.label_count, sizeof *ssd->silent);
    if (ssd->anchors && ssd->encodings && ssd->logits && ssd->candidates && ssd->silent) return CYG_OK;
    return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
}

static void find_silent(cyg_ssd *ssd, const json_t *labels)
{
    for (int i = 0; i < ssd->settings.label_count; i++)
        ssd->silent[i] = json_string_length(json_array_get(labels, (size_t)i)) == 0;
}

static cyg_status ssd_create(void **out, const cyg_backbone *net, const json_t *settings,
                             const cyg_head_params *params, cyg_error *err)
{
    *out = NULL;
    cyg_ssd *ssd = calloc(1, sizeof *ssd);
    if (!ssd) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");

    cyg_ssd_settings *s = &ssd->settings;
    cyg_status status = cyg_ssd_settings_read(s, settings, cyg_model_path(cyg_backbone_model(net)), err);
    if (params->threshold > 0) s->threshold = params->threshold;
    if (params->overlap > 0) s->overlap = params->overlap;
    if (params->max_count > 0) s->max_count = params->max_count;

    if (!status) status = count_anchors(ssd, net, err);
    if (!status) status = allocate(ssd, err);
    if (!status) find_silent(ssd, json_object_get(settings, "labels"));
    if (!status) status = fill_anchors(ssd, net, err);
    if (!status) status = open_predictors(ssd, net, err);
    if (status) {
        ssd_free(ssd);
        return status;
    }
    *out = ssd;
    return CYG_OK;
}

/* ---- Run ---------------------------------------------------------------------------- */

/* Scores are compared before any exponential: the limits let a little too much pass
 * (rounding), and what passes is compared exactly. */
static const float limit_slack = 1e-3f;

/* Adds the columns of the wanted labels whose sigmoid is above the threshold. */
static int find_sigmoid(const cyg_ssd *ssd, cyg_candidate *out)
{
    const cyg_ssd_settings *s = &ssd->settings;
    const float limit = logf(s->threshold / (1 - s->threshold)) - limit_slack;
    int count = 0;
    for (int a = 0; a < ssd->anchor_count; a++) {
        const float *logits = ssd->logits + (size_t)a * (size_t)s->classes + s->first_class;
        for (int i = 0; i < s->label_count; i++) {
            if (!(logits[i] > limit) || ssd->silent[i]) continue;
            const float score = cyg_sigmoid(logits[i]);
            if (score > s->threshold) out[count++] = (cyg_candidate){ score, a * s->label_count + i };
        }
    }
    return count;
}

/* The same for a softmax over all columns. Of one column and the largest alone, the one has at
 * least the share it has of all: that bounds how far below the largest it may be. */
static int find_softmax(const cyg_ssd *ssd, cyg_candidate *out)
{
    const cyg_ssd_settings *s = &ssd->settings;
    const float limit = fminf(logf(s->threshold / (1 - s->threshold)), 0) - limit_slack;
    int count = 0;
    for (int a = 0; a < ssd->anchor_count; a++) {
        const float *logits = ssd->logits + (size_t)a * (size_t)s->classes;
        float most = logits[0], sum = 0;
        for (int i = 1; i < s->classes; i++) most = logits[i] > most ? logits[i] : most;
        for (int i = 0; i < s->label_count; i++) {
            const float logit = logits[s->first_class + i];
            if (!(logit > most + limit) || ssd->silent[i]) continue;
            if (sum == 0)
                for (int j = 0; j < s->classes; j++) sum += expf(logits[j] - most);
            const float score = expf(logit - most) / sum;
            if (score > s->threshold) out[count++] = (cyg_candidate){ score, a * s->label_count + i };
        }
    }
    return count;
}

cyg_box cyg_ssd_decode(cyg_anchor anchor, const float encoding[4], const float scale[4])
{
    const float y = encoding[0] / scale[0] * anchor.height + anchor.y;
    const float x = encoding[1] / scale[1] * anchor.width + anchor.x;
    const float height = expf(encoding[2] / scale[2]) * anchor.height;
    const float width = expf(encoding[3] / scale[3]) * anchor.width;
    return (cyg_box){ x - width / 2, y - height / 2, x + width / 2, y + height / 2 };
}

static bool box_is_finite(cyg_box b)
{
    return isfinite(b.x1) && isfinite(b.y1) && isfinite(b.x2) && isfinite(b.y2);
}

/* Moves the best candidates that are new into *out, boxes in input pixels. */
static void keep_best(cyg_ssd *ssd, int count, cyg_result *out)
{
    const cyg_ssd_settings *s = &ssd->settings;
    cyg_candidates_order(ssd->candidates, count);
    for (; count > 0 && out->count < s->max_count; count--) {
        const cyg_candidate best = cyg_candidates_take(ssd->candidates, count);
        const int anchor = best.index / s->label_count;
        const cyg_detection found = {
            .box = cyg_ssd_decode(ssd->anchors[anchor], ssd->encodings + (size_t)anchor * 4, s->box_scale),
            .score = best.score,
            .label = best.index % s->label_count,
        };
        if (box_is_finite(found.box) && cyg_detection_is_new(&found, out->detections, out->count, s->overlap))
            out->detections[out->count++] = found;
    }
}

/* The upright box around where the region takes the corners of b. */
static cyg_box box_to_image(const cyg_region *region, cyg_box b)
{
    const cyg_point corners[4] = { { b.x1, b.y1 }, { b.x2, b.y1 }, { b.x1, b.y2 }, { b.x2, b.y2 } };
    cyg_box out = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    for (int i = 0; i < 4; i++) {
        const cyg_point p = cyg_region_to_image(region, corners[i]);
        out.x1 = fminf(out.x1, p.x);
        out.y1 = fminf(out.y1, p.y);
        out.x2 = fmaxf(out.x2, p.x);
        out.y2 = fmaxf(out.y2, p.y);
    }
    return out;
}

void cyg_ssd_find(cyg_ssd *ssd, cyg_result *out)
{
    out->count = 0;
    const int count = ssd->settings.softmax ? find_softmax(ssd, ssd->candidates) : find_sigmoid(ssd, ssd->candidates);
    keep_best(ssd, count, out);
}

static void ssd_run(void *self, const cyg_features *maps, cyg_result *out)
{
    cyg_ssd *ssd = self;
    for (int i = 0; i < ssd->settings.anchors.level_count; i++) {
        const level *l = &ssd->levels[i];
        float *const raw[] = { ssd->encodings + (size_t)l->first * 4,
                               ssd->logits + (size_t)l->first * (size_t)ssd->settings.classes };
        cyg_conv_run(l->predictors, maps, raw);
    }
    cyg_ssd_find(ssd, out);

    const cyg_region region = cyg_features_region(maps);
    for (int i = 0; i < out->count; i++) out->detections[i].box = box_to_image(&region, out->detections[i].box);
}

cyg_ssd_raw cyg_ssd_last(const cyg_ssd *ssd)
{
    return (cyg_ssd_raw){ ssd->anchor_count, ssd->settings.classes, ssd->anchors, ssd->encodings, ssd->logits };
}

const cyg_head_type cyg_ssd_type = {
    .name = "ssd", .kind = CYG_DETECTIONS, .create = ssd_create, .free = ssd_free, .run = ssd_run,
};
