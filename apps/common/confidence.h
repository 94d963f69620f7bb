/* confidence.h - how sure a rate is that was counted on few cases. */
#ifndef CONFIDENCE_H
#define CONFIDENCE_H

#include <stdint.h>

/* `hits` of `trials` independent cases were counted, 0 <= hits <= trials, trials > 0. The rate that the true one
 * is below (above) with this confidence, 0 < confidence < 1: one-sided, exact (Clopper and Pearson 1934). */
double confidence_upper(int64_t hits, int64_t trials, double confidence);
double confidence_lower(int64_t hits, int64_t trials, double confidence);

#endif
