/* gallery_search.c - exact search among the rows of a vector file, in two passes.
 *
 * The first pass reads only the codes. For a probe p and a row r of unit length, with p' and r' what
 * their codes stand for, |r.p - r'.p'| <= |r - r'||p - m| + |r'||p - p'| (Cauchy-Schwarz), where m is
 * p's mean in every place: r - r' adds up to nothing, so r - r' times m is 0. Those lengths are known. So
 * each row has a lower and an upper bound; a row whose upper bound is below the k-th best lower
 * bound cannot be among the k best. What is left, usually some dozens, is compared in float32.
 * No row that belongs to the answer is ever lost.
 */
#include "gallery_rows.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The probe as two rows of -127 .. 127, the second for what the first leaves over, and what is needed
 * to turn dot products of codes into bounds. */
typedef struct probe {
    const float *values;            /* [dimension], unit length */
    int8_t      *codes;             /* [2][width] */
    int          width;
    double       step[2];           /* what a one of each row stands for */
    double       sum;               /* of what the codes stand for */
    float        error, spread;     /* distance from that to the probe; from the probe to its mean */
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

static bool encode_probe(probe *p, const float *values, int dimension)
{
    float most = 0;
    double error = 0, sum = 0, square = 0;
    p->values = values;
    p->width = (int)vectors_width(dimension);
    p->codes = calloc((size_t)p->width, 2);
    if (!p->codes) return false;
    for (int i = 0; i < dimension; i++) most = fmaxf(most, fabsf(values[i]));
    p->step[0] = (double)most / 127;
    p->step[1] = p->step[0] / 254;
    for (int i = 0; i < dimension; i++) {
        double left = values[i];
        for (int t = 0; t < 2; t++) {
            const long code = lrint(left / p->step[t]);
            p->codes[t * p->width + i] = (int8_t)code;
            left -= p->step[t] * (double)code;
        }
        error += left * left;
        sum += (double)values[i];
        square += (double)values[i] * (double)values[i];
        p->sum += (double)values[i] - left;
    }
    p->error = (float)sqrt(error);
    p->spread = (float)sqrt(fmax(square - sum * sum / dimension, 0));
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

static bool judge_rows(hunt *h, int64_t first, int count, const int32_t (*dots)[2],
                       const vectors_filter *filter)
{
    const probe *p = &h->p;
    float least = bar(h);
    for (int i = 0; i < count; i++) {
        const vectors_row *r = &h->v->rows[first + i];
        const double dot = p->step[0] * dots[i][0] + p->step[1] * dots[i][1];
        const float about = (float)((double)r->low * p->sum + (double)r->step * dot);
        const float off = r->error * p->spread + (1 + r->error) * p->error + rounding;
        if (about + off < least || !allowed(filter, r->id)) continue;
        keep_best(h, about - off);
        if (!add_candidate(h, first + i, about + off)) return false;
        least = bar(h);
    }
    return true;
}

static cyg_status first_pass(hunt *h, const vectors_filter *filter, cyg_error *err)
{
    const vectors *v = h->v;
    cyg_scan_fn *const scan = cyg_scan_best();
    int32_t dots[VECTORS_BLOCK][2];
    for (int64_t first = 0; first < v->count; first += VECTORS_BLOCK) {
        const int count = v->count - first < VECTORS_BLOCK ? (int)(v->count - first) : VECTORS_BLOCK;
        const cyg_status status = vectors_verify_codes(h->v, first / VECTORS_BLOCK, err);
        if (status) return status;
        scan(dots, v->codes + (size_t)first * v->stride, h->p.codes, count, h->p.width);
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
    cyg_status status = h.best && h.left && encode_probe(&h.p, values, v->dimension)
                            ? first_pass(&h, filter, err)
                            : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", v->name);
    if (!status) status = second_pass(&h, out, count, err);
    if (status) *count = 0;
    free(h.best);
    free(h.left);
    free(h.p.codes);
    return status;
}
