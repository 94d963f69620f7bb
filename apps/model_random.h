/* model_random.h - model files in memory with random weights: for speed, which does not depend on
 * them, and for tests. */
#ifndef MODEL_RANDOM_H
#define MODEL_RANDOM_H

#include "backbone.h"

typedef struct random_model {
    cyg_model *model;
    void      *bytes;           /* the model file, which must outlive the model */
} random_model;

typedef struct random_model_params {
    const char *family;         /* NULL = mobilenet_v1 */
    double      width;          /* multiplier */
    int         columns, rows;  /* of the input, pixels */
    const char *extra, *taps;   /* JSON lists as in a model file; NULL = empty */
    const char *heads;          /* the same; their 1x1 convolutions are: */
    const char *convolutions;   /* [["NAME", in, out], ...]; NULL = none */
    const char *equal;          /* precisions, as in a model file; NULL = nothing is said of them */
} random_model_params;

/* Layers have batch norm in every form that a file may have. CYG_ARGUMENT, CYG_NOT_FOUND, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status random_model_create(random_model *out, const random_model_params *p, cyg_error *err);
void random_model_free(random_model *m);        /* all zero is fine */

#endif
