/* recipe.h - how a published network becomes a model file: one YAML file in config/models/.
 *
 *     name: ..., summary: ..., backbone: ..., heads: ..., source: ..., licence: ...
 *         the description, copied into the model file (its keys: backbone/model.c)
 *     tensors:
 *         conv0/weights: MobilenetV1/Conv2d_0_pointwise/weights       ours: theirs
 *         conv{1..13}_dw/weights: MobilenetV1/Conv2d_{}_depthwise/depthwise_weights
 *     unused: ["Preprocessor/" followed by a star, ...]
 *         theirs that are not wanted; every other one must be named under tensors
 *
 * An unknown key or a value of the wrong kind is an error with FILE:LINE:COLUMN and the
 * nearest known key.
 */
#ifndef RECIPE_H
#define RECIPE_H

#include "backbone.h"
#include <jansson.h>

typedef struct recipe_tensor {
    char *ours, *theirs;            /* ranges are written out */
} recipe_tensor;

typedef struct recipe {
    json_t        *description;     /* of the model file, "format" included */
    recipe_tensor *tensors;
    int            tensor_count;
    json_t        *unused;          /* array of patterns: a star stands for any characters */
} recipe;

/* CYG_IO, CYG_FORMAT, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status recipe_open(recipe **out, const char *path, cyg_error *err);
CYG_MUST_USE cyg_status recipe_parse(recipe **out, const char *yaml, size_t size, const char *path,
                                     cyg_error *err);
void recipe_free(recipe *r);

/* The SHA-256 that a file of the source must have, by its name; NULL: not listed. */
const char *recipe_sha256(const recipe *r, const char *file);
/* True if their tensor of that name is listed as unused. */
bool        recipe_skips(const recipe *r, const char *theirs);

#endif
