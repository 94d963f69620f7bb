/* plan.h - the inside of the backbone, for backbone/ alone: the layers of a network, the steps
 * that compute them, and the memory of a pass.
 *
 *   mobilenet.c  description -> layers (cyg_layer)
 *   plan.c       layers -> steps: fused, packed, grouped
 *   features.c   the memory of a pass
 *   pass.c       runs the steps
 *   sample.c     makes the first rows
 */
#ifndef CYG_PLAN_H
#define CYG_PLAN_H

#include "kernels/kernels.h"
#include "ops.h"

/* ---- Layers: what the network is ---------------------------------------------- */

typedef struct cyg_layer {
    cyg_layer_info info;
    int pad_x, pad_y;           /* columns and rows of zeros before the input; as many as needed after */
} cyg_layer;

enum { CYG_MAX_LAYERS = 96, CYG_MAX_TAPS = 32 };

/* What the network expects of its input. */
typedef struct cyg_input {
    int   width, height;
    bool  bgr, centre_sample, centre_letterbox, edge_border;   /* false: rgb, corner, corner, black */
    float mean[3], scale[3];    /* in the order of the network's channels */
} cyg_input;

/* A map that is kept. */
typedef struct cyg_tap {
    char   name[32];
    int    height, width, channels;
    size_t offset;              /* in the arena, in floats */
} cyg_tap;

/* ---- Steps: how it is computed -------------------------------------------------- */

/* A step fills a panel with a window of its input for some output pixels, then multiplies the
 * panel with the weights of a 1x1 convolution:
 *   window NONE       1x1, stride 1: the input itself is the panel
 *   window PATCHES    any other full convolution: each row of the panel is a kernel's patch
 *   window DEPTHWISE  3x3: each row of the panel is a pixel of the depthwise layer
 * A depthwise layer that must itself be kept has no product: the panel is the output. */
typedef struct cyg_step {
    enum { CYG_NONE, CYG_PATCHES, CYG_DEPTHWISE } window;
    int kernel, stride, pad_x, pad_y;
    int in_width, in_height, in_channels;
    int out_width, out_height, out_channels;
    int depth;                  /* values in a row of the panel: k of the product */
    int chunk;                  /* output pixels in a panel */
    int lines;                  /* rows of output that are held: all, or a ring inside of a group */
    size_t offset;              /* of the output in the arena, if lines is all of it */
    float *window_packed;       /* DEPTHWISE */
    float *packed;              /* of the product, or NULL */
} cyg_step;

/* From one row of the panel to the next. A multiple of 4 KiB would put all rows of a tile into
 * the same few places of the first-level cache. */
static inline size_t cyg_panel_step(const cyg_step *step)
{
    return step->packed ? ((size_t)step->depth + 15) / 16 * 16 + 16 : (size_t)step->depth;
}

/* Steps that run row by row without a pause between them: what is between two steps of a group
 * lives in a ring of a few rows and never leaves the cache. */
typedef struct cyg_group { int first, last; } cyg_group;

struct cyg_backbone {
    const cyg_model   *model;
    const cyg_kernels *kernels;
    cyg_input  input;
    float      lo, hi;                          /* of the activation */
    int        layer_count, step_count, group_count, tap_count;
    cyg_layer  layers[CYG_MAX_LAYERS];
    cyg_step   steps[CYG_MAX_LAYERS];
    cyg_group  groups[CYG_MAX_LAYERS];
    cyg_tap    taps[CYG_MAX_TAPS];
    int        input_lines;                     /* rows of the network's input held at a time */
    int        pool_tap;                        /* which tap is "pool", -1: none; the mean of ... */
    int        pool_layer, pool_step;           /* ... the last layer before the extra ones */
    size_t     arena_size, scratch_size, panel_size, zeros;    /* floats */
};

/* plan.c: fills in everything after the layers and taps; reads and packs the weights. */
cyg_status cyg_plan_make(cyg_backbone *net, double epsilon, cyg_error *err);
void       cyg_plan_free(cyg_backbone *net);

/* fold.c: the weights and bias of a layer, batch norm folded in. The caller frees both. */
cyg_status cyg_layer_weights(float **weights, float **bias, const cyg_model *model,
                             const cyg_layer *layer, double epsilon, cyg_error *err);

/* ---- The memory of a pass --------------------------------------------------------- */

/* Rows of a map: row y is at data + (y % lines) * row. */
typedef struct cyg_rows {
    float *data;
    int    lines;
    size_t row;                 /* floats in a row */
    int    next;                /* rows before this one have been made */
} cyg_rows;

/* Of one task at a time. */
typedef struct cyg_scratch {
    float   *memory;                            /* a panel, then rings */
    cyg_rows in[CYG_MAX_LAYERS];                /* of each step of the group at work */
} cyg_scratch;

struct cyg_features {
    const cyg_backbone *net;
    cyg_executor executor;
    float       *memory, *arena, *zeros;
    cyg_scratch *scratch;                       /* [executor.threads] */
    const cyg_image *image;                     /* during a pass; NULL: `tensor` */
    const float *tensor;
    cyg_region   region;
};

/* Every array begins on a cache line and is followed by what kernels may read past it. */
static inline size_t cyg_padded(size_t values)
{
    return (values + 31) / 16 * 16;
}

/* sample.c: row y of the network's input from the image, out[width][3]. */
void cyg_sample_row(float *out, const cyg_input *input, const cyg_image *image,
                    const cyg_region *region, int y);

#endif
