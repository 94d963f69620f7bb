/* backbone.h - an image region in, feature maps out.
 *
 * One pass of a MobileNet (arXiv 1704.04861) turns a region of an image into
 * feature maps. Any number of heads (heads/heads.h) may then read those maps.
 *
 *     cyg_model *model;  cyg_backbone *net;  cyg_features *maps;  cyg_error err;
 *
 *     cyg_model_open(&model, "face.safetensors", &err);
 *     cyg_backbone_create(&net, model, NULL, &err);
 *     cyg_features_create(&maps, net, NULL, &err);
 *     ...
 *     cyg_backbone_run(net, &image, cyg_region_letterbox(net, &image), maps);
 *
 * Ownership. What *_open and *_create make belongs to the caller, who gives it
 *   back with the matching *_close or *_free (NULL is fine). cyg_image and
 *   cyg_tensor are views: they never own what they point to.
 * Threads. cyg_model and cyg_backbone never change once made: share them freely.
 *   cyg_features holds the memory of a pass: one thread at a time each.
 *   The library starts no threads, keeps no globals, prints nothing, reads no
 *   environment, never exits. It allocates in *_open and *_create only.
 * Errors. What can fail returns cyg_status and, where a person wrote or named the
 *   input, fills in *err (may be NULL) with one sentence. On failure *out is NULL.
 * Units. Pixels; (0,0) is the top-left corner of the image, x right, y down, so
 *   pixel (i,j) has its centre at (i+0.5, j+0.5).
 */
#ifndef CYG_BACKBONE_H
#define CYG_BACKBONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CYG_API      __attribute__((visibility("default")))
#define CYG_MUST_USE __attribute__((warn_unused_result))

/* ---- Status --------------------------------------------------------------- */

#define CYG_STATUS_MAP(X)                              \
    X(OK,           0, "success")                      \
    X(NO_MEMORY,   -1, "out of memory")                \
    X(IO,          -2, "cannot be read or written")    \
    X(FORMAT,      -3, "damaged, or not what it claims to be") \
    X(UNSUPPORTED, -4, "valid, but not supported here") \
    X(ARGUMENT,    -5, "argument out of range")        \
    X(NOT_FOUND,   -6, "no such name")                 \
    X(END,         -7, "end of stream")                 \
    X(BUSY,        -8, "in use by another process")

typedef enum cyg_status {
#define X(name, value, text) CYG_##name = value,
    CYG_STATUS_MAP(X)
#undef X
} cyg_status;

/* What went wrong, for a person: "face.safetensors: tensor 'conv3_dw/weights': found
 * 3x3x64, expected 3x3x128". Lives in the caller's memory. */
typedef struct cyg_error {
    cyg_status status;
    char       message[500];
} cyg_error;

CYG_API const char *cyg_version(void);                    /* "0.1.0" */
CYG_API const char *cyg_status_text(cyg_status status);   /* never NULL */

/* Writes the sentence into *err (may be NULL) and returns status: return cyg_fail(err, ...); */
CYG_API cyg_status cyg_fail(cyg_error *err, cyg_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- Images ----------------------------------------------------------------- */

typedef enum cyg_pixels {
    CYG_GRAY,               /* plane 0 */
    CYG_RGB24,              /* plane 0, packed R G B; depth 8 */
    CYG_YUV,                /* planes Y, U, V; I420 is shift_x = shift_y = 1 */
    CYG_NV12,               /* planes Y, UV interleaved; depth 8 */
} cyg_pixels;

typedef enum cyg_matrix { CYG_BT601, CYG_BT709, CYG_BT2020 } cyg_matrix;

/* A view of pixels. Planes never overlap; a row holds at least its pixels. */
typedef struct cyg_image {
    cyg_pixels format;
    int        width, height;       /* pixels, 1 .. 65535 */
    int        depth;               /* bits a sample: 8, or 9..16 in native 16-bit words, low bits used */
    int        shift_x, shift_y;    /* chroma planes have ceil(width >> shift_x) columns; 0 or 1 (2 for shift_x) */
    cyg_matrix matrix;              /* YUV to RGB */
    bool       full_range;          /* Y 0..255 instead of 16..235 (times 2^(depth-8)) */
    uint8_t   *plane[3];
    ptrdiff_t  stride[3];           /* bytes from one row to the next; may be negative */
} cyg_image;

typedef struct cyg_point { float x, y; } cyg_point;
typedef struct cyg_box   { float x1, y1, x2, y2; } cyg_box;      /* x1 <= x2, y1 <= y2 */

/* ---- Model: one file, mapped, read-only --------------------------------------- */

typedef struct cyg_model cyg_model;

/* Maps the file and checks every size, offset and name in it (format: model.c).
 * CYG_IO, CYG_FORMAT, CYG_UNSUPPORTED (a newer description), CYG_NO_MEMORY. */
CYG_API CYG_MUST_USE cyg_status cyg_model_open(cyg_model **out, const char *path, cyg_error *err);
/* The same for bytes in memory, which must outlive the model; name is for messages. */
CYG_API CYG_MUST_USE cyg_status cyg_model_wrap(cyg_model **out, const void *bytes, size_t size,
                                               const char *name, cyg_error *err);
CYG_API void        cyg_model_close(cyg_model *model);
CYG_API const char *cyg_model_name(const cyg_model *model);      /* "face-ssd-mobilenet-v1" */

/* ---- Backbone: the network, packed for this CPU -------------------------------- */

typedef struct cyg_backbone cyg_backbone;

typedef struct cyg_backbone_params {
    const char *isa;            /* "ref", "sse2", "avx2", "avx512", "neon" ...; NULL = the best this CPU has */
    int         width, height;  /* input size in pixels, 16 .. 4096; 0 = the model's own */
    const char *precision;      /* of the layers: "f32"; "bf16" (bfloat16, half the memory); "i8" (8-bit integers,
                                   for models with ranges); "auto": the fastest that was measured to give
                                   this model's answers (model.c, "equal"); NULL = f32 */
} cyg_backbone_params;

/* The model must outlive the backbone; params NULL = all defaults.
 * CYG_FORMAT (a tensor is missing or has the wrong shape), CYG_UNSUPPORTED,
 * CYG_NOT_FOUND (no such isa on this CPU, no such precision), CYG_ARGUMENT, CYG_NO_MEMORY. */
CYG_API CYG_MUST_USE cyg_status cyg_backbone_create(cyg_backbone **out, const cyg_model *model,
                                                    const cyg_backbone_params *params, cyg_error *err);
CYG_API void        cyg_backbone_free(cyg_backbone *net);
CYG_API const char *cyg_backbone_isa(const cyg_backbone *net);
CYG_API const char *cyg_backbone_precision(const cyg_backbone *net);
CYG_API int         cyg_backbone_width(const cyg_backbone *net);     /* of the input, pixels */
CYG_API int         cyg_backbone_height(const cyg_backbone *net);

/* Where layer i of the network is and what it costs; for reports. */
typedef struct cyg_layer_info {
    char    name[32];                   /* "conv0", "conv5_dw", "conv5_pw", "extra1" */
    int     kernel, stride;             /* kernel 1 or 3 */
    bool    depthwise;
    int     in_width, in_height, in_channels;
    int     out_width, out_height, out_channels;
    int64_t mult_adds, parameters;      /* parameters: weights and biases after folding */
    int     stage;                      /* which parallel_for of a pass computes it, from 0 */
} cyg_layer_info;

CYG_API int        cyg_backbone_layer_count(const cyg_backbone *net);
CYG_API cyg_layer_info cyg_backbone_layer(const cyg_backbone *net, int i);   /* 0 <= i < count */

/* What a cyg_backbone_params may name on this CPU, the best isa first; NULL from the last one on. */
CYG_API const char *cyg_isa_name(int i);                             /* "avx512", "avx2" ... */
CYG_API const char *cyg_precision_name(int i);                       /* "f32", "bf16" ... */
/* Does nothing but multiply and add in registers, in net's way; returns how many of both: what
 * this CPU can do at most. */
CYG_API int64_t cyg_backbone_spin(const cyg_backbone *net, int rounds);

/* Bytes of memory: the packed weights, and what cyg_features_create will ask for. */
CYG_API size_t cyg_backbone_bytes(const cyg_backbone *net);
CYG_API size_t cyg_features_bytes(const cyg_backbone *net, int threads);    /* of the executor; 1 = serial */

/* ---- Region: which part of an image a pass sees --------------------------------- */

/* Maps a point of the network's input to a point of the image:
 *     X = m[0]*x + m[1]*y + m[2],   Y = m[3]*x + m[4]*y + m[5].
 * Letterbox, crop and alignment are all one of these; applied to results it takes
 * them back to where they came from. */
typedef struct cyg_region { float m[6]; } cyg_region;

/* The whole image as the model was trained to see one: its aspect ratio kept and the rest
 * black, at the right or bottom or around it; or stretched to the input; or the input's
 * shape cut from its middle. */
CYG_API cyg_region cyg_region_letterbox(const cyg_backbone *net, const cyg_image *image);
/* The square around the centre of box whose side is scale times the box's longer one. */
CYG_API cyg_region cyg_region_crop(const cyg_backbone *net, cyg_box box, float scale);
/* The network's input, in pixels, to image pixels. */
CYG_API cyg_point  cyg_region_to_image(const cyg_region *region, cyg_point input);

/* ---- Features: all memory of a pass, and what it leaves behind -------------------- */

/* View of float32 values, NHWC with N = 1. */
typedef struct cyg_tensor {
    const float *data;                  /* [height][width][channels], contiguous */
    int          height, width, channels;
} cyg_tensor;

/* Runs task(arg, i) for every i in 0 .. count-1, in any order, on up to `threads`
 * threads at once, and returns when all are done. Results of a pass are equal bit
 * for bit whatever the executor. */
typedef struct cyg_executor {
    void (*parallel_for)(void *context, int count, void (*task)(void *arg, int i), void *arg);
    void  *context;
    int    threads;                     /* 1 .. 64 */
} cyg_executor;

typedef struct cyg_features cyg_features;

#define CYG_MAX_PASS_BYTES ((size_t)1 << 30)

/* Allocates all memory that a pass will ever need. The backbone and the executor
 * (copied; NULL = serial) must outlive it. CYG_UNSUPPORTED (a pass would take more than
 * CYG_MAX_PASS_BYTES), CYG_NO_MEMORY. */
CYG_API CYG_MUST_USE cyg_status cyg_features_create(cyg_features **out, const cyg_backbone *net,
                                                    const cyg_executor *executor, cyg_error *err);
CYG_API void cyg_features_free(cyg_features *maps);

/* Samples the region (bilinear; black outside the image, or its edge repeated, as the
 * model was trained), normalises, runs every layer. Overwrites the previous pass.
 * Allocates nothing, cannot fail: image and region are the caller's to get right. */
CYG_API void cyg_backbone_run(const cyg_backbone *net, const cyg_image *image,
                              cyg_region region, cyg_features *maps);
/* The same from a ready input tensor [height][width][3], already normalised. */
CYG_API void cyg_backbone_run_tensor(const cyg_backbone *net, const float *input, cyg_features *maps);

/* The map that the model file names ("conv11_pw", "extra1", "pool"); data is NULL if
 * there is none. Valid until the next pass or cyg_features_free. */
CYG_API cyg_tensor cyg_features_get(const cyg_features *maps, const char *name);
/* The region of the last pass (run_tensor: input pixels themselves). */
CYG_API cyg_region cyg_features_region(const cyg_features *maps);

/* ---- Comparing ------------------------------------------------------------------- */

/* dots[i][t] = sum over j < width of code[i][j] * with[t][j]: two rows of integers, -127 .. 127,
 * against many of codes, 0 .. 63. width is a multiple of 256 up to 65536. Of each 256 codes of a
 * row, 192 bytes, byte k < 64 of the first, second and last 64 bytes holds codes k, 64 + k and
 * 128 + k in its lower six bits, and code 192 + k in the upper two, the least bits first. Every
 * CPU gives the same integers. */
typedef void cyg_scan_fn(int32_t (*dots)[2], const uint8_t *codes, const int8_t *with, int count, int width);
enum { CYG_SCAN_WIDTH = 256, CYG_SCAN_BYTES = 192 };
/* The fastest on this CPU. Ask once, not for each call: in a virtual machine the question
 * takes as long as a hundred rows. */
CYG_API cyg_scan_fn *cyg_scan_best(void);

#ifdef __cplusplus
}
#endif
#endif
