/* coco_map.c - mean average precision: matching in each picture, then precision over recall in each class. */
#include "coco_map.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OVERLAPS = 10, RECALLS = 101, MOST = 100 };

static const double areas[COCO_AREAS][2] = { { 0, 1e10 }, { 0, 32 * 32 }, { 32 * 32, 96 * 96 }, { 96 * 96, 1e10 } };

/* What became of something found, at one overlap. */
typedef struct outcome {
    double score;
    int    order;               /* as it stands among those of its class: ties keep it */
    bool   right[OVERLAPS], ignored[OVERLAPS];
} outcome;

/* Sums over classes; count[t] classes had something to find. */
typedef struct sums {
    double precision[OVERLAPS], recall[OVERLAPS];
    int    classes;
} sums;

/* ---- Order ------------------------------------------------------------------------------ */

static int by_image(int category_a, int image_a, int category_b, int image_b)
{
    if (category_a != category_b) return category_a < category_b ? -1 : 1;
    return image_a < image_b ? -1 : image_a > image_b;
}

static int compare_truths(const void *a, const void *b)
{
    const coco_truth *x = a, *y = b;
    return by_image(x->category, x->image, y->category, y->image);
}

static int compare_found(const void *a, const void *b)
{
    const coco_found *x = a, *y = b;
    const int order = by_image(x->category, x->image, y->category, y->image);
    return order ? order : x->score < y->score ? 1 : x->score > y->score ? -1 : 0;
}

static int compare_outcomes(const void *a, const void *b)
{
    const outcome *x = a, *y = b;
    return x->score < y->score ? 1 : x->score > y->score ? -1 : x->order - y->order;
}

/* ---- One picture ------------------------------------------------------------------------- */

static double overlap(const coco_box *found, const coco_box *truth, bool crowd)
{
    const double width = fmin(found->x + found->width, truth->x + truth->width) - fmax(found->x, truth->x);
    const double height = fmin(found->y + found->height, truth->y + truth->height) - fmax(found->y, truth->y);
    if (!(width > 0 && height > 0)) return 0;
    const double both = width * height, own = found->width * found->height;
    return both / (crowd ? own : own + truth->width * truth->height - both);
}

static bool is_outside(double area, const double range[2])
{
    return area < range[0] || area > range[1];
}

/* The truth that suits best at overlap `least` or more: what counts goes before what is ignored; -1: none. */
static int best_match(const coco_found *d, const coco_truth *truths, int count, const bool *ignored, const bool *taken,
                      double least)
{
    int best = -1;
    for (int pass = 0; pass < 2 && best < 0; pass++)
        for (int i = 0; i < count; i++) {
            if (ignored[i] != (pass == 1) || (taken[i] && !truths[i].crowd)) continue;
            const double o = overlap(&d->box, &truths[i].box, truths[i].crowd);
            if (o < least) continue;
            least = o;
            best = i;
        }
    return best;
}

/* Fills outcomes[0 .. found_count). truths and found are of one picture and class; flags: [2 * truth_count]. */
static void match(outcome *outcomes, const coco_truth *truths, int truth_count, const coco_found *found,
                  int found_count, const double range[2], bool *flags)
{
    bool *const ignored = flags, *const taken = flags + truth_count;
    for (int i = 0; i < truth_count; i++) ignored[i] = truths[i].crowd || is_outside(truths[i].area, range);
    for (int t = 0; t < OVERLAPS; t++) {
        memset(taken, 0, (size_t)truth_count * sizeof *taken);
        for (int d = 0; d < found_count; d++) {
            const int m = best_match(&found[d], truths, truth_count, ignored, taken, fmin(.5 + t * .05, 1 - 1e-10));
            outcomes[d].score = found[d].score;
            outcomes[d].right[t] = m >= 0;
            outcomes[d].ignored[t] = m >= 0 ? ignored[m] : is_outside(found[d].box.width * found[d].box.height, range);
            if (m >= 0) taken[m] = true;
        }
    }
}

/* ---- One class ---------------------------------------------------------------------------- */

/* Adds the class to the sums; `there` is how many there were to find. curve: [2 * count]. */
static void add_class(sums *s, const outcome *outcomes, int count, int there, double *curve)
{
    double *const recall = curve, *const precision = curve + count;
    s->classes++;
    for (int t = 0; t < OVERLAPS; t++) {
        int right = 0, wrong = 0, n = 0, at = 0;
        for (int i = 0; i < count; i++) {
            if (!outcomes[i].ignored[t] && outcomes[i].right[t]) right++;
            else if (!outcomes[i].ignored[t]) wrong++;
            recall[n] = (double)right / there;
            precision[n++] = right / (right + wrong + DBL_EPSILON);
        }
        for (int i = n - 1; i > 0; i--) precision[i - 1] = fmax(precision[i - 1], precision[i]);
        double sum = 0;
        for (int r = 0; r < RECALLS; r++) {
            while (at < n && recall[at] < r / 100.) at++;
            if (at < n) sum += precision[at];
        }
        s->precision[t] += sum / RECALLS;
        s->recall[t] += n ? recall[n - 1] : 0;
    }
}

typedef struct span { int truths, truth_end, found, found_end; } span;

/* Outcomes of the class, picture by picture, at most `most` of each; how many in *count, and how many were there. */
static int judge_class(outcome *outcomes, int *count, const coco_truth *truths, const coco_found *found, span c,
                       int most, const double range[2], bool *flags)
{
    int there = 0;
    *count = 0;
    for (int i = c.truths; i < c.truth_end; i++) there += !truths[i].crowd && !is_outside(truths[i].area, range);
    while (c.truths < c.truth_end || c.found < c.found_end) {
        const bool first = c.found == c.found_end ||
                           (c.truths < c.truth_end && truths[c.truths].image < found[c.found].image);
        const int image = first ? truths[c.truths].image : found[c.found].image;
        int t = c.truths, f = c.found;
        while (t < c.truth_end && truths[t].image == image) t++;
        while (f < c.found_end && found[f].image == image) f++;
        const int kept = f - c.found < most ? f - c.found : most;
        match(outcomes + *count, truths + c.truths, t - c.truths, found + c.found, kept, range, flags);
        *count += kept;
        c.truths = t;
        c.found = f;
    }
    for (int i = 0; i < *count; i++) outcomes[i].order = i;
    qsort(outcomes, (size_t)*count, sizeof *outcomes, compare_outcomes);
    return there;
}

/* ---- All ----------------------------------------------------------------------------------- */

static double mean(const double *values, int first, int end, int classes)
{
    double sum = 0;
    for (int i = first; i < end; i++) sum += values[i] / (end - first);
    return classes ? sum / classes : -1;
}

typedef struct memory { outcome *outcomes; double *curve; bool *flags; } memory;

static sums judge(const coco_truth *truths, int truth_count, const coco_found *found, int found_count, int most,
                  const double range[2], const memory *m)
{
    sums s = { .classes = 0 };
    span c = { 0, 0, 0, 0 };
    while (c.truths < truth_count) {            /* classes that are nowhere to be found do not count */
        const int category = truths[c.truths].category;
        c.truth_end = c.truths;
        while (c.truth_end < truth_count && truths[c.truth_end].category == category) c.truth_end++;
        while (c.found < found_count && found[c.found].category < category) c.found++;
        c.found_end = c.found;
        while (c.found_end < found_count && found[c.found_end].category == category) c.found_end++;
        int count;
        const int there = judge_class(m->outcomes, &count, truths, found, c, most, range, m->flags);
        if (there > 0) add_class(&s, m->outcomes, count, there, m->curve);
        c.truths = c.truth_end;
        c.found = c.found_end;
    }
    return s;
}

bool coco_judge(coco_scores *out, coco_truth *truths, int truth_count, coco_found *found, int found_count)
{
    const size_t t = (size_t)truth_count + 1, f = (size_t)found_count + 1;
    const memory m = { calloc(f, sizeof *m.outcomes), calloc(2 * f, sizeof *m.curve), calloc(2 * t, sizeof *m.flags) };
    const bool whole = m.outcomes && m.curve && m.flags;
    if (whole) {
        if (truth_count) qsort(truths, (size_t)truth_count, sizeof *truths, compare_truths);
        if (found_count) qsort(found, (size_t)found_count, sizeof *found, compare_found);
        for (int a = 0; a < COCO_AREAS; a++) {
            const sums s = judge(truths, truth_count, found, found_count, MOST, areas[a], &m);
            out->ap[a] = mean(s.precision, 0, OVERLAPS, s.classes);
            out->recall[a] = mean(s.recall, 0, OVERLAPS, s.classes);
            if (a != COCO_ALL) continue;
            out->ap50 = mean(s.precision, 0, 1, s.classes);
            out->ap75 = mean(s.precision, 5, 6, s.classes);
        }
        const sums one = judge(truths, truth_count, found, found_count, 1, areas[COCO_ALL], &m);
        const sums ten = judge(truths, truth_count, found, found_count, 10, areas[COCO_ALL], &m);
        out->recall_1 = mean(one.recall, 0, OVERLAPS, one.classes);
        out->recall_10 = mean(ten.recall, 0, OVERLAPS, ten.classes);
    }
    free(m.outcomes);
    free(m.curve);
    free(m.flags);
    return whole;
}
