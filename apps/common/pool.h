/* pool.h - a few threads that run the parts of one pass: the executor for cyg_features_create. */
#ifndef POOL_H
#define POOL_H

#include "backbone.h"

typedef struct pool pool;

/* threads: 1 .. 64, the caller's own included, so threads - 1 are started. CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status pool_create(pool **out, int threads, cyg_error *err);
void         pool_free(pool *p);
/* Valid as long as the pool; for one pass at a time. */
cyg_executor pool_executor(pool *p);

#endif
