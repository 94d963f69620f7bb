/* model_ranges.h - the ranges of a network's layers, from what they give on real pictures. */
#ifndef MODEL_RANGES_H
#define MODEL_RANGES_H

#include "backbone.h"

/* How often a layer's outputs had which size. */
typedef struct range_counts {
    double  *bins;              /* [RANGE_BINS], of values above 0 */
    double   top, most;         /* where the last bin ends, and the largest value so far */
} range_counts;

enum { RANGE_BINS = 2048 };

CYG_MUST_USE cyg_status range_counts_create(range_counts *out, cyg_error *err);
void   range_counts_free(range_counts *c);
void   range_counts_add(range_counts *c, const float *values, size_t count);
/* The upper end of 127 levels that is nearest to all values, in the mean of squares: what is above
 * it is cut off, what is below it is rounded the less the lower it is. 0: there was none above 0. */
double range_counts_best(const range_counts *c);

#endif
