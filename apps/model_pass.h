/* model_pass.h - what cygnet-model bench times: a network with its heads, ready to run. */
#ifndef MODEL_PASS_H
#define MODEL_PASS_H

#include "heads.h"
#include "model_random.h"
#include "ops.h"
#include "pool.h"

enum { BENCH_MAX_HEADS = 16, BENCH_MAX_STAGES = 96 };

/* Which network: that of a model file, or one of random weights. */
typedef struct bench_network {
    const char  *path;                  /* NULL = random */
    random_model random;
    const char  *family;                /* of the random one; NULL = mobilenet_v1 */
    double       width;
    bool         ssd;                   /* it has an SSD's extra layers and predictors, not 1000 classes */
    int          side;                  /* of the input, pixels; 0 = the model's own */
} bench_network;

/* Makes the random weights, if path is NULL. CYG_ARGUMENT, CYG_NOT_FOUND (the family), CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status bench_network_open(bench_network *n, cyg_error *err);
void bench_network_close(bench_network *n);

/* A head of the model file; of random weights, a convolution. */
typedef struct bench_head {
    cyg_head *head;
    cyg_conv *conv;
} bench_head;

typedef struct bench_pass {
    cyg_model    *model;                /* opened here, or NULL: random */
    cyg_backbone *net;
    cyg_features *maps;
    pool         *threads;
    int           thread_count;
    bench_head    heads[BENCH_MAX_HEADS];
    int           head_count, stage_count;
    float        *input, *outputs[2];   /* outputs: of a convolution */
    int64_t       mult_adds;            /* of the layers and of the heads' convolutions */
    double        first_ms;             /* from nothing to the end of the first pass */
} bench_pass;

/* Opens the model, makes everything, runs one pass. Errors of a model, an isa, a precision. */
CYG_MUST_USE cyg_status bench_pass_open(bench_pass *p, const bench_network *n, const char *isa,
                                        const char *precision, int threads, cyg_error *err);
void bench_pass_close(bench_pass *p);
void bench_pass_run(bench_pass *p);

/* What each stage of the layers, and last the heads, took of the fastest of `runs` passes, each for
 * itself: ms[stage_count + 1]. CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status bench_pass_stages(bench_pass *p, double *ms, int runs, cyg_error *err);

/* Multiply-adds a second that all threads together can do at most, each as measured now. */
double bench_pass_peak(const bench_pass *p);

double bench_now(void);                 /* milliseconds */

#endif
