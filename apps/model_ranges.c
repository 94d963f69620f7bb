/* model_ranges.c - histograms of outputs, and the range with the least error. */
#include "model_ranges.h"
#include <math.h>
#include <stdlib.h>

enum { LEVELS = 127, TRIALS = 128 };

cyg_status range_counts_create(range_counts *out, cyg_error *err)
{
    *out = (range_counts){ .bins = calloc(RANGE_BINS, sizeof *out->bins), .top = 0x1p-10 };
    return out->bins ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "out of memory");
}

void range_counts_free(range_counts *c)
{
    free(c->bins);
}

/* Twice as wide, two bins in one. */
static void widen(range_counts *c)
{
    for (int i = 0; i < RANGE_BINS; i++)
        c->bins[i] = i < RANGE_BINS / 2 ? c->bins[2 * i] + c->bins[2 * i + 1] : 0;
    c->top *= 2;
}

void range_counts_add(range_counts *c, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const double value = values[i];
        if (!(value > 0)) continue;
        if (value > c->most) c->most = value;
        while (value >= c->top) widen(c);
        c->bins[(int)(value / c->top * RANGE_BINS)]++;
    }
}

/* Sum of squares of what 127 levels up to `end` change. */
static double error_of(const range_counts *c, double end)
{
    const double rounding = end / LEVELS * (end / LEVELS) / 12;
    double sum = 0;
    for (int i = 0; i < RANGE_BINS; i++) {
        const double value = (i + .5) * c->top / RANGE_BINS, over = value - end;
        sum += c->bins[i] * (over > 0 ? over * over : rounding);
    }
    return sum;
}

double range_counts_best(const range_counts *c)
{
    double best = c->most, least = INFINITY;
    for (int i = TRIALS; i > TRIALS / 8; i--) {
        const double end = c->most * i / TRIALS, error = error_of(c, end);
        if (error < least) {
            least = error;
            best = end;
        }
    }
    return best;
}
