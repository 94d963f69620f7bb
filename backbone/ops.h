/* ops.h - what a head is made of: the model's settings and tensors by name, and the
 * arithmetic that the backbone has anyway. For heads/ only (and backbone/ itself).
 */
#ifndef CYG_OPS_H
#define CYG_OPS_H

#include "backbone.h"
#include <jansson.h>

/* ---- The model file by name ---------------------------------------------------- */

/* The description (the JSON document `cygnet` of the file's metadata; see model.c for
 * its keys). Lives as long as the model; never NULL. */
const json_t *cyg_model_description(const cyg_model *model);
/* "file.safetensors: " is prefixed to messages with this. */
const char *cyg_model_path(const cyg_model *model);

/* A tensor as stored: a view into the mapped file. */
typedef struct cyg_stored {
    const char *name;                   /* printable ASCII, at most 100 bytes */
    enum { CYG_F32, CYG_F16, CYG_U8, CYG_I8, CYG_I32 } type;
    int         rank;                   /* 0 .. 4 */
    int         shape[4];               /* each at least 1 */
    size_t      count;                  /* values */
    const void *bytes;                  /* unaligned: read through cyg_model_floats */
} cyg_stored;

/* 0 <= i < count; by rising name. */
int  cyg_model_tensor_count(const cyg_model *model);
cyg_stored cyg_model_tensor(const cyg_model *model, int i);
/* False if there is no tensor of that name. */
bool cyg_model_find(const cyg_model *model, const char *name, cyg_stored *out);

/* The values of a tensor as floats in *out (malloc'ed; the caller frees), after checking
 * that its shape is the `rank` (0 .. 4) sizes given and every value finite. CYG_NOT_FOUND,
 * CYG_FORMAT, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status cyg_model_floats(float **out, const cyg_model *model, const char *name,
                                         int rank, const int *shape, cyg_error *err);

/* ---- Layers without weights ------------------------------------------------------ */

enum { CYG_MAX_LAYERS = 96 };

/* The layers of a family ("mobilenet_v1"; the paper's variants "mobilenet_v1_conv", all of it full
 * convolutions, and "mobilenet_v1_shallow"; PoseNet's "mobilenet_v1_pose"), as a backbone of that width
 * multiplier and input size has them. CYG_NOT_FOUND (no such family), CYG_ARGUMENT. */
CYG_MUST_USE cyg_status cyg_family_layers(cyg_layer_info out[CYG_MAX_LAYERS], int *count, const char *name,
                                          double width, int in_width, int in_height, cyg_error *err);

/* ---- Arithmetic ------------------------------------------------------------------ */

/* Packed 1x1 convolutions with bias of one map, computed together (a dense layer is one on a 1x1
 * map). One thread at a time. */
typedef struct cyg_conv cyg_conv;

/* Of each part reads NAME/weights [1][1][in][channels] or [in][channels], and where there are any
 * NAME/scale [channels], which multiplies them, and NAME/bias [channels], from net's model, and packs
 * them for net's CPU table. tap: the map that they read, which has so many channels; NULL: floats of
 * the caller's. net must outlive it. */
typedef struct cyg_conv_part { const char *name; int channels; } cyg_conv_part;
CYG_MUST_USE cyg_status cyg_conv_create(cyg_conv **out, const cyg_backbone *net, const char *tap, int channels,
                                        const cyg_conv_part *parts, int count, cyg_error *err);
void cyg_conv_free(cyg_conv *conv);
/* out[part] [height][width][channels] = map * weights + bias; no activation. Spreads over the maps'
 * executor; in a network of bf16 or i8 the factors are bfloat16 where that is faster. */
void cyg_conv_run(const cyg_conv *conv, const cyg_features *maps, float *const out[]);
/* The same of the caller's floats, in[channels]. */
void cyg_conv_run_floats(const cyg_conv *conv, const float *in, float *const out[]);

void cyg_softmax(float *values, int count);         /* in place; safe for any finite values */
float cyg_sigmoid(float x);

/* The model a backbone was made from, and the shape a map has after every pass
 * (data is NULL): what a head checks in create. height 0 if there is no such map. */
const cyg_model *cyg_backbone_model(const cyg_backbone *net);
cyg_tensor       cyg_backbone_map(const cyg_backbone *net, const char *name);

#endif
