/* model_answers.c - runs the heads of two precisions side by side and compares what they say. */
#include "model_answers.h"
#include "ops.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float same_overlap = 0.8f;
static const double near_score = 0.05, near_box = 0.02, near_number = 0.02, near_cosine = 0.98;
static const double enough = 0.99;

enum { MOST_HEADS = sizeof ((subject *)0)->heads / sizeof(cyg_head *) };

/* ---- Subjects ------------------------------------------------------------------------- */

static const json_t *settings_of(const subject *s, size_t head)
{
    return json_array_get(json_object_get(cyg_model_description(cyg_backbone_model(s->net)), "heads"), head);
}

/* What a detector says above; 0: none. */
static float threshold_of(const subject *s, size_t head)
{
    return (float)json_number_value(json_object_get(settings_of(s, head), "threshold"));
}

/* Detectors say twice as much as they are asked for, so that what moves past the threshold is found. */
static cyg_status open_heads(subject *s, cyg_error *err)
{
    cyg_status status = CYG_OK;
    for (size_t i = 0; !status && i < MOST_HEADS && settings_of(s, i); i++) {
        const cyg_head_params params = { .threshold = threshold_of(s, i) / 2 };
        const char *type = json_string_value(json_object_get(settings_of(s, i), "type"));
        status = cyg_head_create(&s->heads[i], s->net, type ? type : "", &params, err);
        if (!status) s->head_count++;
    }
    return status;
}

cyg_status subject_open(subject *out, const cyg_model *model, const char *precision, cyg_error *err)
{
    *out = (subject){ 0 };
    const cyg_backbone_params params = { .precision = precision };
    cyg_status status = cyg_backbone_create(&out->net, model, &params, err);
    if (!status) status = cyg_features_create(&out->maps, out->net, NULL, err);
    if (!status) status = open_heads(out, err);
    if (status) subject_close(out);
    return status;
}

void subject_close(subject *s)
{
    for (int i = 0; i < s->head_count; i++) cyg_head_free(s->heads[i]);
    cyg_features_free(s->maps);
    cyg_backbone_free(s->net);
    *s = (subject){ 0 };
}

/* ---- Detections ------------------------------------------------------------------------- */

static float overlap(cyg_box a, cyg_box b)
{
    const float width = fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1), height = fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1);
    if (!(width > 0 && height > 0)) return 0;
    const float both = width * height;
    return both / ((a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - both);
}

static const cyg_detection *match(const cyg_result *in, const cyg_detection *d)
{
    const cyg_detection *best = NULL;
    float most = same_overlap;
    for (int i = 0; i < in->count; i++) {
        const cyg_detection *one = &in->detections[i];
        if (one->label != d->label || overlap(one->box, d->box) < most) continue;
        most = overlap(one->box, d->box);
        best = one;
    }
    return best;
}

/* The largest change of a side, over the box's longer one. */
static double box_change(cyg_box a, cyg_box b)
{
    const float most = fmaxf(fmaxf(fabsf(a.x1 - b.x1), fabsf(a.y1 - b.y1)),
                             fmaxf(fabsf(a.x2 - b.x2), fabsf(a.y2 - b.y2)));
    return (double)(most / fmaxf(a.x2 - a.x1, a.y2 - a.y1));
}

static void compare_detections(answers *a, const cyg_result *want, const cyg_result *got, float threshold)
{
    for (int i = 0; i < want->count; i++) {
        const cyg_detection *d = &want->detections[i], *same = match(got, d);
        if (!(d->score > threshold)) continue;
        a->things++;
        if (!same) continue;
        const double score = fabs((double)same->score - (double)d->score), box = box_change(d->box, same->box);
        a->matched++;
        a->score2 += score * score;
        a->box2 += box * box;
        a->score = fmax(a->score, score);
        a->box = fmax(a->box, box);
    }
    for (int i = 0; i < got->count; i++)
        a->extra += got->detections[i].score > threshold && !match(want, &got->detections[i]);
}

/* ---- The others --------------------------------------------------------------------------- */

static void compare_attributes(answers *a, const cyg_result *want, const cyg_result *got)
{
    for (int i = 0; i < want->count; i++) {
        const cyg_attribute *x = &want->attributes[i], *y = &got->attributes[i];
        const bool number = !x->label;
        const double change = fabs((double)x->value - (double)y->value);
        a->said++;
        a->same += number ? change <= near_number * fmax(fabs((double)x->value), 1) : change == 0;
    }
}

static void compare_embeddings(answers *a, const cyg_result *want, const cyg_result *got)
{
    const double cosine = (double)cyg_cosine(want->embedding, got->embedding, want->count);
    if (!a->embeddings++ || cosine < a->cosine) a->cosine = cosine;
    a->alike += cosine >= near_cosine;
}

void answers_compare(answers *a, subject *reference, subject *other, const cyg_image *image, cyg_region region)
{
    cyg_result want, got;
    cyg_backbone_run(reference->net, image, region, reference->maps);
    cyg_backbone_run(other->net, image, region, other->maps);
    for (int i = 0; i < reference->head_count; i++) {
        cyg_head_run(reference->heads[i], reference->maps, &want);
        cyg_head_run(other->heads[i], other->maps, &got);
        switch (want.kind) {
        case CYG_DETECTIONS: compare_detections(a, &want, &got, threshold_of(reference, (size_t)i)); break;
        case CYG_ATTRIBUTES: compare_attributes(a, &want, &got); break;
        case CYG_EMBEDDING:  compare_embeddings(a, &want, &got); break;
        case CYG_CLASSES:
            a->said++;
            a->same += want.classes[0].label == got.classes[0].label;
            break;
        }
    }
}

/* ---- The verdict --------------------------------------------------------------------------- */

bool answers_equal(const answers *a)
{
    if (a->things + a->said + a->embeddings == 0) return false;
    return a->matched >= enough * a->things && a->extra <= (1 - enough) * a->things &&
           sqrt(a->score2) <= near_score * sqrt(a->things) &&
           sqrt(a->box2) <= near_box * sqrt(a->things) && a->same >= enough * a->said &&
           a->alike >= enough * a->embeddings;
}

static void add(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void add(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const size_t length = strlen(out);
    vsnprintf(out + length, size - length, format, args);
    va_end(args);
}

void answers_say(char *out, size_t size, const answers *a)
{
    snprintf(out, size, "%s", a->things + a->said + a->embeddings > 0 ? "" : "nothing to compare");
    if (a->things > 0)
        add(out, size, "%.0f of %.0f detections found again, %.0f more; scores change by %.3f (most %.3f), boxes by "
            "%.1f %% of their size (most %.1f)", a->matched, a->things, a->extra, sqrt(a->score2 / fmax(a->matched, 1)),
            a->score, 100 * sqrt(a->box2 / fmax(a->matched, 1)), 100 * a->box);
    if (a->said > 0) add(out, size, "%s%.0f of %.0f attributes the same", *out ? "; " : "", a->same, a->said);
    if (a->embeddings > 0) add(out, size, "%scosines of embeddings at least %.4f", *out ? "; " : "", a->cosine);
}
