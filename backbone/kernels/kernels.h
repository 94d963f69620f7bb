/* kernels.h - the arithmetic, once per instruction set.
 *
 * Every table holds every kernel, and all of them agree with reference.c (within the
 * tolerance of tests/test_kernels.c). Activations are NHWC; "step" is the distance from
 * one pixel to the next in values. No pointer needs alignment. Weights are packed for one
 * table's vectors by pack.c, and only that table can read them.
 *
 * Integers. An activation is one of the levels 0 .. 127, a weight -127 .. 127, so that no
 * instruction set's sum of products saturates: all tables give the same integers, bit for bit. A
 * sum becomes a level by requantising: level = clamp(round((float)sum * scale), 0, 127). That is
 * two conversions and one product of floats, each to the nearest, ties to even, and no sum that
 * could be contracted into it, so that it too is the same everywhere.
 */
#ifndef CYG_KERNELS_H
#define CYG_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From three channels of an image to the network's: r[i] = clamp(offset[i] + sum over j of
 * matrix[i][j] * channel[j], 0, 255), then (r[i] * cover - mean[i]) * scale[i]. */
typedef struct cyg_colour { float matrix[3][3], offset[3], mean[3], scale[3]; } cyg_colour;

/* A row of a depthwise layer: width columns of input, `pad` of zeros before them. */
typedef struct cyg_window { int width, channels, stride, pad; } cyg_window;

/* The network's input in integers: a value of channel c is round((x - black[c]) * step[c]), from 0 to
 * 254. The three channels are repeated, so that vectors find them. */
enum { CYG_MAX_LANES = 16 };
typedef struct cyg_levels { float black[3 * CYG_MAX_LANES], step[3 * CYG_MAX_LANES]; } cyg_levels;

/* Layers in one kind of number: how activations are stored; sums are float32 or int32.
 *   f32   float32
 *   bf16  bfloat16, the upper half of a float32; weights as well; lo is 0 or -INFINITY, hi a bfloat16 from 0 on
 *   i8    levels; the product and the depthwise layer clamp to 0 .. 127 instead of lo .. hi, and a
 *         level stands for as much as packing said */
typedef struct cyg_arithmetic {
    const char *precision;  /* "f32", "bf16", "i8" */
    size_t element;         /* bytes of an activation */
    int    group;           /* inputs that a product multiplies at a time */
    int    columns;         /* outputs of a packed panel: a multiple of the table's lanes */
    int    parts;           /* that a value of the network's input takes: 1; in integers 2 levels, their
                             * sum, unless products of values up to 254 are exact as well */

    /* out[i][j] = clamp(bias[j] + sum over r, p of in[r][i * in_step + p] * w[r][p][j], lo, hi)
     * for i < m, j < n, r < runs, p < k. With one run it is a 1x1 convolution over m pixels, and
     * every other one once its patches are laid out as rows of `in`; with three runs of three
     * pixels each it is a 3x3 convolution, read from the rows of an image themselves. out and in do
     * not overlap. Where k is no multiple of group, each run is followed by finite values that
     * make it one. */
    void (*product)(void *out, size_t out_step, const void *const *in, int runs, size_t in_step,
                    const void *packed, int m, int k, int n, float lo, float hi);

    /* Outputs x of a row, from <= x < to, of a depthwise 3x3 convolution:
     * out[x - from][c] = clamp(bias[c] + sum over ky, kx of
     *                          in[ky][x * stride - pad + kx][c] * w[ky][kx][c], lo, hi)
     * where columns outside 0 .. width-1 count as 0. Each row of `in` must be followed by
     * CYG_SLACK readable bytes (of any value). */
    void (*depthwise)(void *out, size_t out_step, const void *const in[3], size_t in_step,
                      const cyg_window *window, int from, int to, const void *packed,
                      float lo, float hi);

    /* A map to float32: out[pixel][c] = in[pixel][c], times worth[c] if it is levels. */
    void (*widen)(void *out, const void *in, size_t pixels, int channels, const float *worth);
    /* The same to bfloat16, to the nearest. */
    void (*halve)(void *out, const void *in, size_t pixels, int channels, const float *worth);
    /* The network's input, [pixels][3][parts], from float32, to the nearest; two parts are the smaller
     * half of a value, then the other. Only integers look at levels. */
    void (*narrow)(void *out, const float *in, size_t pixels, const cyg_levels *levels);

    /* As many multiply-adds a second as the product could do at most, its operands in registers
     * or the nearest cache; returns how many it did. */
    int64_t (*spin)(int rounds);
} cyg_arithmetic;

typedef struct cyg_kernels cyg_kernels;
struct cyg_kernels {
    const char *isa;        /* "ref", "sse2", "avx2", "avx512", "avx512bf16", "neon" ... */
    int lanes;              /* floats in a vector */
    const cyg_kernels *half;        /* the same CPU with half as many, for layers of so few channels; or NULL */

    cyg_arithmetic f32, bf16;
    const cyg_arithmetic *i8;       /* integer.c */
    const char *faster[3];          /* precisions that are faster than f32, the fastest first; then NULL */

    /* bf16.product, but its outputs are float32: for the last layers. */
    void (*product_floats)(void *out, size_t out_step, const void *const *in, int runs, size_t in_step,
                           const void *packed, int m, int k, int n, float lo, float hi);

    /* out[c] = the mean of in[pixel][c] */
    void (*mean)(float *out, const float *in, int pixels, int channels);

    /* out[i] = a[i] + (b[i] - a[i]) * f, of 8-bit and of 16-bit samples */
    void (*blend8)(float *out, const uint8_t *a, const uint8_t *b, float f, int count);
    void (*blend16)(float *out, const uint16_t *a, const uint16_t *b, float f, int count);

    /* out[i][3] from in[0][i], in[1][i], in[2][i] and cover[i] */
    void (*colour)(float *out, const float *const in[3], const float *cover, const cyg_colour *to,
                   int count);

    /* Two rows against many: cyg_scan_fn in backbone.h says how their codes are packed. */
    void (*scan)(int32_t (*dots)[2], const uint8_t *codes, const int8_t *with, int count, int width);
};

enum { CYG_MAX_ISAS = 8, CYG_MAX_COLUMNS = 64, CYG_SLACK = 64 };

/* Writes every table that runs on this CPU, best first; returns how many. */
int cyg_kernels_list(const cyg_kernels *out[CYG_MAX_ISAS]);
/* The table called isa, or the best for NULL; NULL if this CPU lacks it. */
const cyg_kernels *cyg_kernels_find(const char *isa);

/* Number i of a table; NULL from the last one on. */
const cyg_arithmetic *cyg_kernels_arithmetic_at(const cyg_kernels *table, int i);
/* NULL: no such precision. */
const cyg_arithmetic *cyg_kernels_arithmetic(const cyg_kernels *table, const char *precision);

/* Bytes that the packed forms take. */
size_t cyg_pack_product_size(const cyg_kernels *table, const cyg_arithmetic *a, int runs, int k, int n);
size_t cyg_pack_depthwise_size(const cyg_kernels *table, const cyg_arithmetic *a, int channels);
/* Where output `column` (a multiple of a->columns) begins in the packed form, in bytes. */
size_t cyg_pack_product_at(const cyg_arithmetic *a, int runs, int k, int column);

/* w[runs][k][n] and bias[n] to panels of a->columns outputs: float bias[columns], then
 * [runs][k / group][columns][group] of the arithmetic's numbers, k rounded up with zeros. The last
 * panel is as narrow as one, two or four vectors allow. */
void cyg_pack_product(void *out, const cyg_kernels *table, const cyg_arithmetic *a, const float *w,
                      const float *bias, int runs, int k, int n);
/* w[3][3][channels] and bias[channels] to blocks.
 *   f32    of table->lanes channels: [1 + 9][lanes]
 *   bf16   of a->columns channels in the order of cyg_pack_order: float bias[columns], then for each column
 *          of the kernel [columns][rows 0 and 1], then of row 2 [columns][columns 0 and 1],
 *          [columns][column 2 and 0] */
void cyg_pack_depthwise(void *out, const cyg_kernels *table, const cyg_arithmetic *a, const float *w,
                        const float *bias, int channels);

/* Weights in integers: level j = clamp(round((float)(bias[j] + sum of levels * weights) *
 * scale[j]), 0, 127), where no sum may leave int32 and scale is at most 1. */
typedef struct cyg_integers {
    int8_t  *weights;       /* [runs][k][n]; depthwise [3][3][channels] */
    int32_t *bias;          /* [n] */
    float   *scale;         /* [n] */
} cyg_integers;

/* The same in integers; the outputs of a panel are in the order of cyg_pack_order.
 *   product    panels of int32 bias[columns], float scale[columns], [runs][k / 4][columns][4]
 *   depthwise  blocks of a->columns channels: int32 bias[columns], float scale[columns], then for
 *              each column of the kernel [columns][its three rows and 0]. Few channels, of which
 *              a block holds a whole number, are repeated: it is several pixels then. */
void cyg_pack_product_i8(void *out, const cyg_kernels *table, const cyg_integers *w, int runs, int k, int n);
void cyg_pack_depthwise_i8(void *out, const cyg_kernels *table, const cyg_integers *w, int channels);

/* Which output of a panel of `vectors` vectors is in place i of its int32 sums. Narrowing four
 * vectors to one of bytes takes four int32 of each in turn, in every 16 bytes for themselves. */
static inline int cyg_pack_order(int i, int lanes, int vectors)
{
    const int vector = i / lanes, lane = i % lanes;
    return lane / 4 * 4 * vectors + 4 * vector + lane % 4;
}

#endif
