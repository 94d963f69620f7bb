/* gallery_search.c - exact search among the rows of a vector file, in two passes.
 *
 * The first pass reads only the codes. For a probe p and a row r of unit length, with p' and r' what
 * their codes stand for, |r.p - r'.p'| <= |r - r'||p| + |r'||p - p'| (Cauchy-Schwarz), and those
 * lengths are known. So each row has a lower and an upper bound; a row whose upper bound
 * is below the k-th best lower bound cannot be among the k best. What is left, usually
 * some dozens, is compared in float32. No row that belongs to the answer is ever lost.
 */
#include "gallery_rows.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The probe as -127 .. 127, and what is needed to turn dot products of codes into bounds. */
typedef struct probe {
    const float *values;            /* [dimension], unit length */
    int8_t      *codes;             /* [stride] */
    float        step, sum, error;  /* of the codes: value of one, sum of values, distance to the probe */
} probe;

typedef struct candidate {
    int64_t row;
    float   upper;
} candidate;

typedef struct hunt {
    vectors    *v;
    probe       p;
    float       threshold;          /* the caller's */
    float      *best;               /* heap, least first: the best lower bounds so far */
    int         wanted, held;
    candidate  *left;               /* rows that may belong to the answer */
    size_t      count, room;
} hunt;

static const float rounding = 4e-6f;        /* of the float32 arithmetic in both passes, generously */

static bool encode_probe(probe *p, const float *values, int dimension, size_t stride)
{
    float most = 0;
    double error = 0, sum = 0;
    p->values = values;
    p->codes = calloc(stride, 1);
    if (!p->codes) return false;
    for (int i = 0; i < dimension; i++) most = fmaxf(most, fabsf(values[i]));
    p->step = most / 127;
    for (int i = 0; i < dimension; i++) {
        p->codes[i] = (int8_t)lrintf(values[i] / p->step);
        const double off = (double)values[i] - (double)p->step * p->codes[i];
        error += off * off;
        sum += (double)p->step * p->codes[i];
    }
    p->error = (float)sqrt(error);
    p->sum = (float)sum;
    return true;
}

/* ---- The best lower bounds: a heap with the least on top -------------------------------- */

static void sink(float *heap, int count, int at)
{
    for (int child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1] < heap[child]) child++;
        if (heap[at] <= heap[child]) return;
        const float swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
    }
}

static void keep_best(hunt *h, float lower)
{
    if (h->held < h->wanted) {
        int at = h->held++;
        for (h->best[at] = lower; at && h->best[(at - 1) / 2] > lower; at = (at - 1) / 2) {
            h->best[at] = h->best[(at - 1) / 2];
            h->best[(at - 1) / 2] = lower;
        }
    } else if (lower > h->best[0]) {
        h->best[0] = lower;
        sink(h->best, h->held, 0);
    }
}

/* What an upper bound must reach. */
static float bar(const hunt *h)
{
    return h->held == h->wanted && h->best[0] > h->threshold ? h->best[0] : h->threshold;
}

/* ---- First pass ---------------------------------------------------------------------------- */

static void drop_hopeless(hunt *h)
{
    const float least = bar(h);
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i++)
        if (h->left[i].upper >= least) h->left[kept++] = h->left[i];
    h->count = kept;
}

static bool add_candidate(hunt *h, int64_t row, float upper)
{
    if (h->count == h->room) {
        drop_hopeless(h);
        if (h->count > h->room / 2) {
            candidate *more = realloc(h->left, h->room * 2 * sizeof *more);
            if (!more) return false;
            h->left = more;
            h->room *= 2;
        }
    }
    h->left[h->count++] = (candidate){ row, upper };
    return true;
}

static bool allowed(const vectors_filter *filter, int64_t id)
{
    return !filter || (id < filter->limit && filter->bits[id / 64] >> id % 64 & 1);
}

static bool judge_rows(hunt *h, int64_t first, int count, const int32_t *dots, const vectors_filter *filter)
{
    const probe *p = &h->p;
    for (int i = 0; i < count; i++) {
        const vectors_row *r = &h->v->rows[first + i];
        const float about = r->low * p->sum + r->step * p->step * (float)dots[i];
        const float off = r->error + (1 + r->error) * p->error + rounding;
        if (about + off < bar(h) || !allowed(filter, r->id)) continue;
        keep_best(h, about - off);
        if (!add_candidate(h, first + i, about + off)) return false;
    }
    return true;
}

static cyg_status first_pass(hunt *h, const vectors_filter *filter, cyg_error *err)
{
    const vectors *v = h->v;
    cyg_scan_fn *const scan = cyg_scan_best();
    int32_t dots[VECTORS_BLOCK];
    for (int64_t first = 0; first < v->count; first += VECTORS_BLOCK) {
        const int count = v->count - first < VECTORS_BLOCK ? (int)(v->count - first) : VECTORS_BLOCK;
        const cyg_status status = vectors_verify_codes(h->v, first / VECTORS_BLOCK, err);
        if (status) return status;
        scan(dots, v->codes + (size_t)first * v->stride, h->p.codes, count, (int)v->stride);
        if (!judge_rows(h, first, count, dots, filter))
            return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", v->name);
    }
    drop_hopeless(h);
    return CYG_OK;
}

/* ---- Second pass ------------------------------------------------------------------------------ */

/* Sixteen partial sums in a fixed order: the same on every CPU, and vectors to the compiler. */
static float cosine(const uint16_t *half, const float *with, int dimension)
{
    float dot[16] = { 0 }, square[16] = { 0 };
    int i = 0;
    for (; i + 16 <= dimension; i += 16)
        for (int j = 0; j < 16; j++) {
            const float x = float_from_half(half[i + j]);
            dot[j] += x * with[i + j];
            square[j] += x * x;
        }
    for (int j = 0; i < dimension; i++, j++) {
        const float x = float_from_half(half[i]);
        dot[j] += x * with[i];
        square[j] += x * x;
    }
    float d = 0, s = 0;
    for (int j = 0; j < 16; j++) {
        d += dot[j];
        s += square[j];
    }
    return s > 0 ? d / sqrtf(s) : 0;
}

static int by_cosine(const void *a, const void *b)
{
    const gallery_match *x = a, *y = b;
    if (x->cosine != y->cosine) return x->cosine > y->cosine ? -1 : 1;
    return x->face < y->face ? -1 : x->face > y->face;
}

static cyg_status second_pass(hunt *h, gallery_match *out, int *count, cyg_error *err)
{
    size_t found = 0;
    gallery_match *all = malloc((h->count ? h->count : 1) * sizeof *all);
    cyg_status status = all ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", h->v->name);
    for (size_t i = 0; i < h->count && !status; i++) {
        const uint16_t *half;
        status = vectors_verify_halves(h->v, h->left[i].row, &half, err);
        if (status) break;
        const float c = cosine(half, h->p.values, h->v->dimension);
        if (!(c >= h->threshold)) continue;
        all[found++] = (gallery_match){ h->v->rows[h->left[i].row].id, c };
    }
    if (!status) {
        qsort(all, found, sizeof *all, by_cosine);
        *count = found < (size_t)h->wanted ? (int)found : h->wanted;
        memcpy(out, all, (size_t)*count * sizeof *out);
    }
    free(all);
    return status;
}

cyg_status vectors_search(vectors *v, const float *values, float threshold, const vectors_filter *filter,
                          gallery_match *out, int *count, cyg_error *err)
{
    assert(*count >= 0);
    if (*count > v->count) *count = (int)v->count;
    if (*count == 0) return CYG_OK;
    hunt h = { .v = v, .threshold = threshold, .wanted = *count, .room = 1024 };
    h.best = malloc((size_t)h.wanted * sizeof *h.best);
    h.left = malloc(h.room * sizeof *h.left);
    cyg_status status = h.best && h.left && encode_probe(&h.p, values, v->dimension, v->stride)
                            ? first_pass(&h, filter, err)
                            : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", v->name);
    if (!status) status = second_pass(&h, out, count, err);
    if (status) *count = 0;
    free(h.best);
    free(h.left);
    free(h.p.codes);
    return status;
}
