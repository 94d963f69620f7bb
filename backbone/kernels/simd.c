/* simd.c - every SIMD kernel, written once in the vectors of simd.h. CMakeLists.txt compiles
 * this file once per instruction set, with CYG_ISA its name. */
#include "simd.h"
#include "kernels.h"

/* As integers, values of bfloat16 from 0 on are in order, and all others are less: that is enough for
 * lo = 0 and lo = -INFINITY. */
typedef struct range { float lo, hi; int16_t lo16, hi16; } range;

static range make_range(float lo, float hi)
{
    return (range){ lo, hi, lo < 0 ? INT16_MIN : 0, (int16_t)bfloat_narrow(hi) };
}

CONST_INLINE vf clamp(vf x, range to)
{
    return vf_min(vf_max(x, vf_all(to.lo)), vf_all(to.hi));
}

CONST_INLINE vs clamp_bfloat(vs x, range to)
{
    return vs_min(vs_max(x, vs_all(to.lo16)), vs_all(to.hi16));
}

/* ---- Layers, in every kind of number ---------------------------------------------------
 * What differs is how activations are loaded and stored, and what 32 bits of two operands add
 * to a sum: `kind` is a constant wherever these are inlined. */

typedef enum kind { F32, BF16 } kind;

CONST_INLINE size_t element(kind is)
{
    return is == F32 ? sizeof(float) : sizeof(bfloat);
}

CONST_INLINE int group(kind is)
{
    return is == F32 ? 1 : 2;
}

CONST_INLINE int least(int a, int b)
{
    return a < b ? a : b;
}

/* The first `cols` of one or two vectors of sums. */
CONST_INLINE void store_values(kind is, int vectors, char *out, vf first, vf second, int cols, range to)
{
    if (is == BF16) {
        vb_store_part(out, (vb)clamp_bfloat(vs_narrow(first, second), to), cols * (int)sizeof(bfloat));
        return;
    }
    const vf last = clamp(vectors == 2 ? second : first, to);
    if (vectors == 2) vf_store((float *)out, clamp(first, to));
    vb_store_part(out + (vectors - 1) * VBYTES, (vb)last, (cols - (vectors - 1) * VF) * (int)sizeof(float));
}

CONST_INLINE vf add_product(kind is, vf sum, vi a, vi b)
{
    return is == F32 ? vf_add_product(sum, (vf)a, (vf)b) : vf_add_pairs(sum, a, b);
}

/* rows x (vectors * VF) sums, from row `at` (in bytes) on; only the first `cols` of each row are stored,
 * as `kept`. */
TILE product_tile(kind is, kind kept, int rows, int vectors, char *out, size_t out_step, const operand *from,
                  size_t at, const char *packed, int cols, range to)
{
    vf sum[MR][NV];
    vi w[NV];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = vf_load((const float *)packed + v * VF);

    for (int run = 0; run < from->runs; run++) {
        const char *const in = (const char *)from->in[run] + at;
        for (int p = 0; p < from->words; p++) {
            packed += vectors * VBYTES;
            UNROLL for (int v = 0; v < vectors; v++) w[v] = vi_load(packed + v * VBYTES);
            UNROLL for (int r = 0; r < rows; r++) {
                const vi x = vi_all(in + r * from->step + p * 4);
                UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = add_product(is, sum[r][v], x, w[v]);
            }
        }
    }

    UNROLL for (int r = 0; r < rows; r++)
        store_values(kept, vectors, out + r * out_step * element(kept), sum[r][0], sum[r][vectors - 1], cols, to);
}

/* One panel: all m rows in tiles as equal as possible, so that no tile is left with one row. */
TILE product_panel(kind is, kind kept, int vectors, char *out, size_t out_step, const operand *from,
                   const char *packed, int m, int cols, range to)
{
#define ROWS(r) case r: \
        product_tile(is, kept, r <= MR ? r : MR, vectors, out, out_step, from, at, packed, cols, to); \
        break;
    size_t at = 0;
    for (int tiles = (m + MR - 1) / MR; tiles > 0; tiles--) {
        const int rows = (m + tiles - 1) / tiles;
        switch (rows) {
            ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8)
        }
        m -= rows;
        at += rows * from->step;
        out += rows * out_step * element(kept);
    }
#undef ROWS
}

TILE product(kind is, kind kept, char *out, size_t out_step, const void *const *in, int runs, size_t in_step,
             const char *packed, int m, int k, int n, range to)
{
    const operand from = { in, in_step * element(is), runs, (k + group(is) - 1) / group(is) };
    const size_t panel = (size_t)(1 + runs * from.words) * NR * 4;
    for (int j = 0; j < n; j += NR, packed += panel, out += NR * element(kept)) {
        const int cols = n - j < NR ? n - j : NR;
        if (cols > VF) product_panel(is, kept, 2, out, out_step, &from, packed, m, cols, to);
        else product_panel(is, kept, 1, out, out_step, &from, packed, m, cols, to);
    }
}

/* Where a depthwise row comes from and goes to. */
typedef struct dw_row {
    char *out;
    const char *in[3];
    size_t out_step, in_step;       /* bytes */
    int from;                       /* the first output */
    cyg_window window;
    range to;
} dw_row;

/* Channels c .. of outputs x .. x + count - 1; of their columns, counted from the first one's,
 * begin <= column < end are inside of the row. A column that several outputs share is loaded once. */
TILE depthwise_floats(int count, int stride, char *out, const dw_row *row, int x, int c, const vi *w,
                      int begin, int end)
{
    const ptrdiff_t at = (x * stride - row->window.pad) * (ptrdiff_t)row->in_step + c * (ptrdiff_t)sizeof(float);
    vf sum[DW];
    UNROLL for (int i = 0; i < count; i++) sum[i] = (vf)w[0];
    UNROLL for (int ky = 0; ky < 3; ky++)
        UNROLL for (int column = 0; column < (count - 1) * stride + 3; column++) {
            if (column < begin || column >= end) continue;
            const vf v = vf_load((const float *)(row->in[ky] + at + column * (ptrdiff_t)row->in_step));
            UNROLL for (int i = 0; i < count; i++) {
                const int kx = column - i * stride;
                if (kx >= 0 && kx < 3) sum[i] = vf_add_product(sum[i], v, (vf)w[1 + ky * 3 + kx]);
            }
        }
    UNROLL for (int i = 0; i < count; i++, out += row->out_step)
        store_values(F32, 1, out, sum[i], sum[i], row->window.channels - c, row->to);
}

/* The same of two vectors of channels, in pairs: of rows 0 and 1, and in row 2 of two columns. */
TILE depthwise_pairs(int count, int stride, char *out, const dw_row *row, int x, int c, const vi *w,
                     int begin, int end)
{
    const ptrdiff_t at = (x * stride - row->window.pad) * (ptrdiff_t)row->in_step + c * (ptrdiff_t)sizeof(bfloat);
    const vb none = { 0 };
    vf sum[DW][2];
    UNROLL for (int i = 0; i < count; i++)
        UNROLL for (int v = 0; v < 2; v++) sum[i][v] = (vf)w[v];
    UNROLL for (int column = 0; column < (count - 1) * stride + 3; column++) {
        const ptrdiff_t here = at + column * (ptrdiff_t)row->in_step, next = here + (ptrdiff_t)row->in_step;
        const bool inside = column >= begin && column < end;
        const bool follows = column + 1 >= begin && column + 1 < end;
        const vb r0 = inside ? vb_load((const int8_t *)row->in[0] + here) : none;
        const vb r1 = inside ? vb_load((const int8_t *)row->in[1] + here) : none;
        const vb r2 = inside ? vb_load((const int8_t *)row->in[2] + here) : none;
        const vb after = follows ? vb_load((const int8_t *)row->in[2] + next) : none;
        const vb upper[2] = { vb_zip2_low(r0, r1), vb_zip2_high(r0, r1) };
        const vb lower[2] = { vb_zip2_low(r2, after), vb_zip2_high(r2, after) };
        UNROLL for (int i = 0; i < count; i++) {
            const int kx = column - i * stride;
            if (kx < 0 || kx > 2) continue;
            UNROLL for (int v = 0; v < 2; v++) {
                sum[i][v] = vf_add_pairs(sum[i][v], (vi)upper[v], w[2 + 2 * kx + v]);
                if (kx != 1) sum[i][v] = vf_add_pairs(sum[i][v], (vi)lower[v], w[8 + kx + v]);
            }
        }
    }
    UNROLL for (int i = 0; i < count; i++, out += row->out_step) {
        const vs v = clamp_bfloat(vs_unzip(vs_narrow(sum[i][0], sum[i][1])), row->to);
        vb_store_part(out, (vb)v, (row->window.channels - c) * (int)sizeof(bfloat));
    }
}

TILE depthwise_run(kind is, int count, int stride, const dw_row *row, int x, int c, const vi *w, int begin, int end)
{
    char *const out = row->out + (x - row->from) * row->out_step + c * element(is);
    if (is == F32) depthwise_floats(count, stride, out, row, x, c, w, begin, end);
    else depthwise_pairs(count, stride, out, row, x, c, w, begin, end);
}

/* One block of channels, outputs from <= x < to, DW at a time: the last of them once more if they
 * are no multiple of DW. Runs with one column outside, left or right, have their own copy. */
TILE depthwise_channels(kind is, int stride, const dw_row *row, int to, int c, const vi *w)
{
    const int width = row->window.width, pad = row->window.pad, span = (DW - 1) * stride + 3;
    for (int x = row->from; x < to; x += DW) {
        const int run = to - x < DW && to - row->from >= DW ? to - DW : x;
        const int first = run * stride - pad, left = width - first;
        if (to - run < DW || first < -1 || left < span - 1) {
            for (int i = x; i < to && i < x + DW; i++) {
                const int at = i * stride - pad;
                depthwise_run(is, 1, stride, row, i, c, w, at < 0 ? -at : 0, least(width - at, 3));
            }
        } else if (first >= 0 && left >= span) {
            depthwise_run(is, DW, stride, row, run, c, w, 0, span);
        } else if (first >= 0) {
            depthwise_run(is, DW, stride, row, run, c, w, 0, span - 1);
        } else if (left >= span) {
            depthwise_run(is, DW, stride, row, run, c, w, 1, span);
        } else {
            depthwise_run(is, DW, stride, row, run, c, w, 1, span - 1);
        }
    }
}

TILE depthwise(kind is, void *out, size_t out_step, const void *const in[3], size_t in_step,
               const cyg_window *window, int from, int to, const char *packed, range limits)
{
    const dw_row row = { out, { in[0], in[1], in[2] }, out_step * element(is), in_step * element(is), from,
                         *window, limits };
    enum { WEIGHTS = 12 };
    const int weights = is == F32 ? 1 + 9 : 2 * (1 + 5);
    for (int c = 0; c < window->channels; c += group(is) * VF, packed += weights * VBYTES) {
        vi w[WEIGHTS];
        UNROLL for (int i = 0; i < weights; i++) w[i] = vi_load(packed + i * VBYTES);
        if (window->stride == 1) depthwise_channels(is, 1, &row, to, c, w);
        else depthwise_channels(is, 2, &row, to, c, w);
    }
}

/* The product's innermost loop with nothing around it. */
CONST_INLINE int64_t spin(kind is, int rounds)
{
    volatile vi x = { 0 }, w = { 0 };       /* volatile: loaded each time, so that no product is known before */
    vf sum[MR][NV] = { { { 0 } } };
    for (int i = 0; i < rounds; i++) {
        const vi w0 = w, w1 = w;
        UNROLL for (int r = 0; r < MR; r++) {
            const vi in = x;
            sum[r][0] = add_product(is, sum[r][0], in, w0);
            sum[r][1] = add_product(is, sum[r][1], in, w1);
        }
    }
    UNROLL for (int r = 0; r < MR; r++) x = (vi)sum[r][0] + (vi)sum[r][1];
    return (int64_t)rounds * MR * NV * VF * group(is);
}

/* The entries of a table for one kind. */
#define LAYERS(name, is) \
    static void product_##name(void *out, size_t out_step, const void *const *in, int runs, size_t in_step, \
                               const void *packed, int m, int k, int n, float lo, float hi) \
    { \
        product(is, is, out, out_step, in, runs, in_step, packed, m, k, n, make_range(lo, hi)); \
    } \
    static void depthwise_##name(void *out, size_t out_step, const void *const in[3], size_t in_step, \
                                 const cyg_window *window, int from, int to, const void *packed, \
                                 float lo, float hi) \
    { \
        depthwise(is, out, out_step, in, in_step, window, from, to, packed, make_range(lo, hi)); \
    } \
    static void widen_##name(void *out, const void *in, size_t pixels, int channels, const float *worth) \
    { \
        for (size_t i = 0; i < pixels * channels; i++) \
            ((float *)out)[i] = is == F32 ? ((const float *)in)[i] : bfloat_widen(((const bfloat *)in)[i]); \
    } \
    static void halve_##name(void *out, const void *in, size_t pixels, int channels, const float *worth) \
    { \
        for (size_t i = 0; i < pixels * channels; i++) \
            ((bfloat *)out)[i] = is == F32 ? bfloat_narrow(((const float *)in)[i]) : ((const bfloat *)in)[i]; \
    } \
    static void narrow_##name(void *out, const float *in, size_t pixels, const cyg_levels *levels) \
    { \
        for (size_t i = 0; i < pixels * 3; i++) { \
            if (is == F32) ((float *)out)[i] = in[i]; \
            else ((bfloat *)out)[i] = bfloat_narrow(in[i]); \
        } \
    } \
    static int64_t spin_##name(int rounds) { return spin(is, rounds); }

LAYERS(f32, F32)
LAYERS(bf16, BF16)

static void product_floats(void *out, size_t out_step, const void *const *in, int runs, size_t in_step,
                           const void *packed, int m, int k, int n, float lo, float hi)
{
    product(BF16, F32, out, out_step, in, runs, in_step, packed, m, k, n, make_range(lo, hi));
}

/* ---- The rest ------------------------------------------------------------------------------ */

static void mean(float *out, const float *in, int pixels, int channels)
{
    int c = 0;
    for (; c + VF <= channels; c += VF) {
        vf sum = { 0 };
        for (int i = 0; i < pixels; i++) sum += vf_load(in + (size_t)i * channels + c);
        vf_store(out + c, sum / vf_all((float)pixels));
    }
    for (; c < channels; c++) {
        float sum = 0;
        for (int i = 0; i < pixels; i++) sum += in[(size_t)i * channels + c];
        out[c] = sum / (float)pixels;
    }
}

/* The codes of one vector in each quarter of 256. */
TILE scan_codes(vb out[4], const uint8_t *packed)
{
    const vu six = (vu){ 0 } + 0x3f3f3f3f, two = (vu){ 0 } + 0x03030303;
    vu in[3];
    UNROLL for (int v = 0; v < 3; v++) in[v] = (vu)vi_load(packed + 64 * v);
    UNROLL for (int v = 0; v < 3; v++) out[v] = (vb)(in[v] & six);
    out[3] = (vb)((in[0] >> 6 & two) | (in[1] >> 4 & two << 2) | (in[2] >> 2 & two << 4));
}

/* Rows i, i + apart, i + 2 * apart ... */
TILE scan_rows(int rows, int i, int apart, int32_t (*dots)[2], const uint8_t *codes, const int8_t *with, int width)
{
    const size_t size = (size_t)width / 256 * 192;
    vi sum[4][2] = { { { 0 } } };
    for (int j = 0, at = 0; j < width; j += 256, at += 192)
        UNROLL for (int k = 0; k < 64; k += VBYTES)
            UNROLL for (int r = 0; r < rows; r++) {
                vb code[4];
                scan_codes(code, codes + (size_t)(i + r * apart) * size + at + k);
                UNROLL for (int v = 0; v < 4; v++)
                    UNROLL for (int t = 0; t < 2; t++)
                        sum[r][t] = vi_dot4(sum[r][t], code[v], vb_load(with + t * width + j + 64 * v + k));
            }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int t = 0; t < 2; t++) dots[i + r * apart][t] = vi_sum(sum[r][t]);
}

/* Bound by memory. Four rows far apart keep more of it on its way than one after the other; four that
 * follow each other, less. */
static void scan(int32_t (*dots)[2], const uint8_t *codes, const int8_t *with, int count, int width)
{
    const int apart = count / 4;
    for (int i = 0; i < apart; i++) scan_rows(4, i, apart, dots, codes, with, width);
    for (int i = 4 * apart; i < count; i++) scan_rows(1, i, 0, dots, codes, with, width);
}

/* The compiler makes the vectors of these two. */
static void blend8(float *restrict out, const uint8_t *a, const uint8_t *b, float f, int count)
{
    for (int i = 0; i < count; i++) out[i] = (float)a[i] + (float)(b[i] - a[i]) * f;
}

static void blend16(float *restrict out, const uint16_t *a, const uint16_t *b, float f, int count)
{
    for (int i = 0; i < count; i++) out[i] = (float)a[i] + (float)(b[i] - a[i]) * f;
}

static vf one_colour(const vf in[3], vf cover, const cyg_colour *to, int c)
{
    vf v = vf_all(to->offset[c]);
    UNROLL for (int j = 0; j < 3; j++) v += in[j] * vf_all(to->matrix[c][j]);
    v = clamp(v, make_range(0, 255));
    return (v * cover - vf_all(to->mean[c])) * vf_all(to->scale[c]);
}

static void colour(float *out, const float *const in[3], const float *cover, const cyg_colour *to,
                   int count)
{
    float edge[4][VF] = { { 0 } }, rgb[3][VF];
    for (int i = 0; i < count; i += VF, out += 3 * VF) {
        const float *from[4] = { in[0] + i, in[1] + i, in[2] + i, cover + i };
        const int n = count - i < VF ? count - i : VF;
        for (int j = 0; j < 4 && n < VF; j++) from[j] = memcpy(edge[j], from[j], (size_t)n * sizeof(float));
        const vf v[3] = { vf_load(from[0]), vf_load(from[1]), vf_load(from[2]) };
        UNROLL for (int c = 0; c < 3; c++) vf_store(rgb[c], one_colour(v, vf_load(from[3]), to, c));
        for (int j = 0; j < n; j++)
            for (int c = 0; c < 3; c++) out[3 * j + c] = rgb[c][j];
    }
}

extern const cyg_kernels NAMED(cyg_kernels_, CYG_ISA);
extern const cyg_arithmetic NAMED(cyg_integers_, CYG_ISA);
#if VBYTES == 64 && defined(__AVX512BF16__)
extern const cyg_kernels cyg_kernels_avx512bf16_half;
#define HALF &cyg_kernels_avx512bf16_half
#elif VBYTES == 64
extern const cyg_kernels cyg_kernels_avx2;
#define HALF &cyg_kernels_avx2
#else
#define HALF NULL
#endif
const cyg_kernels NAMED(cyg_kernels_, CYG_ISA) = {
    .isa = QUOTED(CYG_ISA), .lanes = VF, .half = HALF,
    .f32 = { "f32", sizeof(float), 1, NR, 1, product_f32, depthwise_f32, widen_f32, halve_f32, narrow_f32, spin_f32 },
    .bf16 = { "bf16", sizeof(bfloat), 2, NR, 1, product_bf16, depthwise_bf16, widen_bf16, halve_bf16, narrow_bf16,
              spin_bf16 },
    .i8 = &NAMED(cyg_integers_, CYG_ISA),
#if defined(__AVX512BF16__)
    .faster = { "i8", "bf16" },
#else
    .faster = { "i8" },
#endif
    .product_floats = product_floats, .mean = mean,
    .blend8 = blend8, .blend16 = blend16, .colour = colour,
    .scan = scan,
};
