/* plan.h - the inside of the backbone, for backbone/ alone: the layers of a network, the steps
 * that compute them, and the memory of a pass.
 *
 *   mobilenet.c  description -> layers (cyg_layer)
 *   plan.c       layers -> steps: fused, packed, grouped
 *   fold.c       the weights of a layer; quantise.c: the same in integers
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
    float range;                /* upper end of its output in integers; 0: not known */
} cyg_layer;

enum { CYG_MAX_TAPS = CYG_MAX_LAYERS + 1 };

/* How a whole image becomes the input: padded at one side or around it, stretched, or cut. */
typedef enum cyg_letterbox { CYG_CORNER, CYG_CENTRE, CYG_STRETCH, CYG_CROP } cyg_letterbox;

/* What the network expects of its input. */
typedef struct cyg_input {
    int   width, height;
    cyg_letterbox letterbox;
    float crop;                 /* of CYG_CROP: the part of the shorter side, 0 .. 1 */
    bool  bgr, centre_sample, edge_border;      /* false: rgb, corner, black */
    float mean[3], scale[3];    /* in the order of the network's channels */
} cyg_input;

/* A map that is kept. */
typedef struct cyg_tap {
    char   name[32];
    int    height, width, channels;
    size_t offset;              /* of its floats in the arena, bytes */
    int    step;                /* that makes it */
} cyg_tap;

/* ---- Steps: how it is computed -------------------------------------------------- */

/* A step fills a panel with a window of its input for some output pixels, then multiplies the
 * panel with the weights of a 1x1 convolution:
 *   window NONE       1x1, stride 1: the input itself is the panel
 *   window ROWS       the network's first: the product reads the rows of the kernel from the input
 *                     itself, which has its own border
 *   window PATCHES    any other full convolution: each row of the panel is a kernel's patch
 *   window DEPTHWISE  3x3: each row of the panel is a pixel of the depthwise layer
 * A depthwise layer that must itself be kept has no product: the panel is the output. */
typedef struct cyg_step {
    enum { CYG_NONE, CYG_ROWS, CYG_PATCHES, CYG_DEPTHWISE } window;
    int kernel, stride, pad_x, pad_y;
    int in_width, in_height, in_channels;
    int out_width, out_height, out_channels;
    int runs, depth;            /* of the product: as many runs (kernel in ROWS, else 1) of `depth` values */
    size_t in_step, out_step;   /* from one pixel of input or output to the next, in values */
    const cyg_kernels    *kernels;      /* the backbone's, or its half */
    const cyg_arithmetic *arithmetic;   /* its own of the backbone's precision */
    int chunk;                  /* output pixels in a panel */
    int lines;                  /* rows of output that are held: all, or a ring inside of a group */
    size_t offset;              /* of the output in the arena, if lines is all of it, bytes */
    void *window_packed;        /* DEPTHWISE */
    void *packed;               /* of the product, or NULL */
    float *worth;               /* [out_channels] of a level of the output; NULL: it is floats */
} cyg_step;

/* From one pixel to the next of a panel or a map that is not kept. Neighbours a multiple of a
 * KiB apart would fight for the same few places of the first-level cache. */
static inline size_t cyg_spread(const cyg_arithmetic *a, int values)
{
    return values * a->element % 1024 ? (size_t)values : values + 64 / a->element;
}

/* A head reads so many pixels at a time: the panel has room for as many, in floats. */
enum { CYG_HEAD_PIXELS = 16 };

/* Steps that run row by row without a pause between them: what is between two steps of a group
 * lives in a ring of a few rows and never leaves the cache. */
typedef struct cyg_group { int first, last; } cyg_group;

struct cyg_backbone {
    const cyg_model   *model;
    const cyg_kernels *kernels;
    const cyg_arithmetic *arithmetic;           /* of all layers */
    cyg_input  input;
    float      lo, hi;                          /* of the activation */
    cyg_levels levels;                          /* of the input */
    int        layer_count, step_count, group_count, tap_count;
    cyg_layer  layers[CYG_MAX_LAYERS];
    cyg_step   steps[CYG_MAX_LAYERS];
    cyg_group  groups[CYG_MAX_LAYERS];
    cyg_tap    taps[CYG_MAX_TAPS];
    int        input_lines;                     /* rows of the network's input held at a time */
    int        pool_tap;                        /* which tap is "pool", -1: none; the mean of ... */
    int        pool_layer, pool_step;           /* ... the last layer before the extra ones, */
    size_t     pool_floats;                     /* ... whose floats are here in the arena */
    size_t     input_row, input_left;           /* a row of the input with its border; what of that is left, bytes */
    size_t     packed_size, arena_size, scratch_size, panel_size, zeros;   /* bytes */
};

/* plan.c: fills in everything after the layers and taps; reads and packs the weights. */
cyg_status cyg_plan_make(cyg_backbone *net, double epsilon, cyg_error *err);
void       cyg_plan_free(cyg_backbone *net);

/* stored.c */
bool       cyg_all_finite(const float *values, size_t count);
/* fold.c: the weights and bias of a layer, batch norm folded in, all finite. The caller frees both.
 * CYG_NOT_FOUND, CYG_FORMAT, CYG_NO_MEMORY; both are NULL then. */
cyg_status cyg_layer_weights(float **weights, float **bias, const cyg_model *model,
                             const cyg_layer *layer, double epsilon, cyg_error *err);
/* What each output of a layer is on the average, as its batch norm tells: of a normal distribution of that
 * mean and deviation what is between 0 and `most`. The caller frees them; NULL: it has no batch norm.
 * CYG_FORMAT, CYG_NO_MEMORY. */
cyg_status cyg_layer_means(float **means, const cyg_model *model, const cyg_layer *layer, double epsilon, float most,
                           cyg_error *err);

/* quantise.c: w[k][n] and bias[n], of inputs in levels, for outputs whose levels are worth that
 * much each. inputs [k]: what each is on the average, or NULL; what rounding the weights takes from an output
 * on the average, its bias then gives back (Nagel et al., arXiv 1906.04721, section 4.2). cyg_integers_free in
 * any case. CYG_UNSUPPORTED: k is too many. CYG_FORMAT: not all are finite. */
cyg_status cyg_integers_make(cyg_integers *out, const cyg_model *model, const float *weights, const float *bias,
                             int k, int n, const float *worth, const float *inputs, cyg_error *err);
void       cyg_integers_free(cyg_integers *w);
/* The same weights for inputs in two parts: w[k][2][n]. CYG_NO_MEMORY. */
cyg_status cyg_integers_repeat(cyg_integers *w, const cyg_model *model, int k, int n, cyg_error *err);
/* How the network's input becomes integers, and the weights [kernel][kernel][3][n] and bias of the first
 * layer for inputs that are. */
cyg_levels cyg_integers_levels(const cyg_input *input);
void       cyg_integers_input(float *weights, float *bias, const cyg_input *input, const cyg_layer_info *l);

/* ---- Sampling -------------------------------------------------------------------- */

/* Where an axis of the network's input lies between the samples of a plane: output i is
 * at[i] + f[i], and at[i] + 1 is a sample too unless the plane has only one. */
typedef struct cyg_axis { int *at; float *f; } cyg_axis;

/* One pass's way from an image to rows of the network's input. */
typedef struct cyg_sampler {
    const cyg_kernels *kernels;
    const cyg_input   *input;
    cyg_image  image;
    cyg_region region;
    cyg_colour colour;
    bool       straight;                        /* neither turned nor sheared: the axes below hold */
    int        planes, step[3];                 /* of each plane: samples from one column to the next */
    struct { int plane, offset; } channel[3];
    cyg_axis   luma, chroma;                    /* of x, [input->width] */
    float     *cover;                           /* of x: the part on the image, 0 .. 1 */
} cyg_sampler;

/* How many floats of memory a sampler for this input needs. */
size_t cyg_sampler_size(const cyg_input *input);
void   cyg_sampler_begin(cyg_sampler *s, const cyg_kernels *kernels, const cyg_input *input,
                         float *memory, const cyg_image *image, cyg_region region);
/* Row y of the network's input, out[width][3]. */
void   cyg_sampler_row(const cyg_sampler *s, float *out, int y);

/* ---- The memory of a pass --------------------------------------------------------- */

/* Rows of a map: row y is at data + (y % lines) * row. */
typedef struct cyg_rows {
    char  *data;
    int    lines;
    size_t row;                 /* bytes in a row */
    int    next;                /* rows before this one have been made */
} cyg_rows;

/* Of one task at a time. */
typedef struct cyg_scratch {
    char    *memory;                            /* a panel, a row of input in floats, rings */
    cyg_rows in[CYG_MAX_LAYERS];                /* of each step of the group at work */
} cyg_scratch;

struct cyg_features {
    const cyg_backbone *net;
    cyg_executor executor;
    char        *memory, *arena;
    bool        *floats_made;                   /* [tap_count]: since the last pass */
    char        *zeros, *border;                /* a row outside of a map, and of the network's input */
    cyg_scratch *scratch;                       /* [executor.threads] */
    const float *tensor;                        /* during a pass; NULL: the sampler makes the input */
    cyg_sampler  sampler;
    float       *sampler_memory;
    cyg_region   region;
};

/* Every array begins on a cache line and is followed by what kernels may read past it. */
static inline size_t cyg_padded(size_t bytes)
{
    return (bytes + CYG_SLACK + 63) / 64 * 64;
}

/* Where a row of it is made in floats. */
static inline float *cyg_input_floats(const cyg_backbone *net, const cyg_scratch *scratch)
{
    return (float *)(void *)(scratch->memory + net->panel_size);
}

/* A map as its layer left it: pixels next to each other. */
typedef struct cyg_map {
    const char *data;
    const cyg_arithmetic *arithmetic;           /* whose numbers they are */
    const float *worth;                         /* of levels */
} cyg_map;

/* features.c */
cyg_map cyg_features_map(const cyg_features *maps, const cyg_tap *tap);

static inline float *cyg_floats_at(const cyg_features *maps, size_t offset)
{
    return (float *)(void *)(maps->arena + offset);
}

#endif
