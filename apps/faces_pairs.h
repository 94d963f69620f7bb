/* faces_pairs.h - how alike the faces of labelled pairs of photos are. */
#ifndef FACES_PAIRS_H
#define FACES_PAIRS_H

#include "faces_models.h"
#include "pairs.h"
#include "progress.h"

/* Looks at every photo, on so many threads; say gets a sentence for each that has no face. CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status pairs_compare(pairs *p, models *m, int threads, progress *shown,
                                      void (*say)(const char *sentence), cyg_error *err);

#endif
