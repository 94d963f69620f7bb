/* integer.c - layers in 8-bit integers, written once in the vectors of simd.h. CMakeLists.txt
 * compiles this file once per instruction set, beside simd.c.
 *
 * Sums are four vectors of int32 that become one of bytes, in the order of cyg_pack_order: the
 * order in which zipping takes bytes apart is the one in which narrowing puts them together.
 */
#include "simd.h"
#include "kernels.h"

/* MI: rows of a register tile of four vectors; DI: pixels that a depthwise run computes at a time. */
#if defined(__AVX512F__) || defined(__aarch64__)
enum { MI = 5, DI = 4 };
#else
enum { MI = 2, DI = 1 };
#endif
enum { COLUMNS = 4 * VF };          /* outputs of a panel: their levels fill a vector */

/* Values of the network's input go beyond levels: these instructions multiply any unsigned bytes. */
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
enum { PARTS = 1 };
#else
enum { PARTS = 2 };
#endif

CONST_INLINE vi requantise(vi sum, const char *scale)
{
    return vf_round(__builtin_convertvector(sum, vf) * vf_load((const float *)scale));
}

/* ---- The product ----------------------------------------------------------------------- */

/* The first `cols` levels of `rows` rows of a panel that is `vectors` wide: a vector holds four vectors of
 * sums, be they of one row or of several. */
CONST_INLINE void store_levels(int rows, int vectors, char *out, size_t out_step, vb levels, int cols)
{
    const int width = vectors * VF;
    char all[VBYTES];
    if (vectors == 4) {
        vb_store_part(out, levels, cols);
        return;
    }
    levels = vb_row_after_row(levels, vectors);
    memcpy(all, &levels, VBYTES);
    UNROLL for (int r = 0; r < rows; r++, out += out_step)
        if (cols == width) memcpy(out, all + r * width, (size_t)width);     /* no call: a known size */
        else memcpy(out, all + r * width, (size_t)cols);
}

/* rows x (vectors * VF) sums, from row `at` (in bytes) on. */
TILE product_tile(int rows, int vectors, char *out, size_t out_step, const operand *from, size_t at,
                  const char *packed, int cols)
{
    const char *const scale = packed + vectors * VBYTES;
    vi sum[8][4];
    vb w[4];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = vi_load(packed + v * VBYTES);
    packed += vectors * VBYTES;

    for (int run = 0; run < from->runs; run++) {
        const char *const in = (const char *)from->in[run] + at;
        for (int p = 0; p < from->words; p++) {
            packed += vectors * VBYTES;
            UNROLL for (int v = 0; v < vectors; v++) w[v] = vb_load((const int8_t *)packed + v * VBYTES);
            UNROLL for (int r = 0; r < rows; r++) {
                const vb x = (vb)vi_all(in + r * from->step + p * 4);
                UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = vi_dot4(sum[r][v], x, w[v]);
            }
        }
    }

    UNROLL for (int r = 0; r < rows; r += 4 / vectors) {
        const int left = rows - r < 4 / vectors ? rows - r : 4 / vectors;
        vi four[4] = { { 0 } };
        UNROLL for (int i = 0; i < left * vectors; i++)
            four[i] = requantise(sum[r + i / vectors][i % vectors], scale + i % vectors * VBYTES);
        store_levels(left, vectors, out + r * out_step, out_step, vb_levels(four[0], four[1], four[2], four[3]), cols);
    }
}

/* One panel: all m rows in tiles as equal as possible, so that no tile is left with one row. */
TILE product_panel(int most, int vectors, char *out, size_t out_step, const operand *from, const char *packed,
                   int m, int cols)
{
#define ROWS(r) case r: \
        if (r <= most) product_tile(r, vectors, out, out_step, from, at, packed, cols); \
        break;
    size_t at = 0;
    for (int tiles = (m + most - 1) / most; tiles > 0; tiles--) {
        const int rows = (m + tiles - 1) / tiles;
        switch (rows) {
            ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8)
        }
        m -= rows;
        at += rows * from->step;
        out += rows * out_step;
    }
#undef ROWS
}

static void product(void *to, size_t out_step, const void *const *in, int runs, size_t in_step,
                    const void *weights, int m, int k, int n, float lo, float hi)
{
    const operand from = { in, in_step, runs, (k + 3) / 4 };
    const size_t panel = (size_t)(2 + runs * from.words) * COLUMNS * 4;
    const char *packed = weights;
    char *out = to;
    for (int j = 0; j < n; j += COLUMNS, packed += panel, out += COLUMNS) {
        const int cols = n - j < COLUMNS ? n - j : COLUMNS;
        if (cols > 2 * VF) product_panel(MI, 4, out, out_step, &from, packed, m, cols);
        else if (cols > VF) product_panel(MR, 2, out, out_step, &from, packed, m, cols);
        else product_panel(MR, 1, out, out_step, &from, packed, m, cols);
    }
}

/* ---- Depthwise ------------------------------------------------------------------------- */

typedef struct dw_row {
    const char *in[3];
    size_t out_step, in_step;
    const cyg_window *window;
} dw_row;

/* Of three rows, [channel][row 0, 1, 2 and nothing]: what a dot product of four bytes takes. */
TILE zip_rows(vb quads[4], const char *const in[3], ptrdiff_t at)
{
    const vb r0 = vb_load((const int8_t *)in[0] + at), r1 = vb_load((const int8_t *)in[1] + at);
    const vb r2 = vb_load((const int8_t *)in[2] + at), none = { 0 };
    const vb low = vb_zip_low(r0, r1), low2 = vb_zip_low(r2, none);
    const vb high = vb_zip_high(r0, r1), high2 = vb_zip_high(r2, none);
    quads[0] = vb_zip2_low(low, low2);
    quads[1] = vb_zip2_high(low, low2);
    quads[2] = vb_zip2_low(high, high2);
    quads[3] = vb_zip2_high(high, high2);
}

/* Vectors of outputs, `count` of them, `apart` columns from one to the next; the input of the first one's
 * first column is at `at`. Of each 3 columns, kx0 <= kx < kx1 are inside of the row. A column that several
 * vectors share is zipped once. bytes: of each vector that are stored. */
TILE depthwise_run(int count, int apart, char *out, size_t out_step, const dw_row *row, ptrdiff_t at,
                   const char *packed, int kx0, int kx1, int bytes)
{
    const int8_t *const w = (const int8_t *)packed + 8 * VBYTES;
    vi sum[DI][4];
    vb quads[4];
    UNROLL for (int i = 0; i < count; i++)
        UNROLL for (int v = 0; v < 4; v++) sum[i][v] = vi_load(packed + v * VBYTES);
    UNROLL for (int column = 0; column < (count - 1) * apart + 3; column++) {
        if (count == 1 && (column < kx0 || column >= kx1)) continue;
        zip_rows(quads, row->in, at + column * (ptrdiff_t)row->in_step);
        UNROLL for (int i = 0; i < count; i++) {
            const int kx = column - i * apart;
            if (kx < 0 || kx >= 3) continue;
            UNROLL for (int v = 0; v < 4; v++)
                sum[i][v] = vi_dot4(sum[i][v], quads[v], vb_load(w + (kx * 4 + v) * VBYTES));
        }
    }
    UNROLL for (int i = 0; i < count; i++, out += out_step) {
        UNROLL for (int v = 0; v < 4; v++) sum[i][v] = requantise(sum[i][v], packed + (4 + v) * VBYTES);
        vb_store_part(out, vb_levels(sum[i][0], sum[i][1], sum[i][2], sum[i][3]), bytes);
    }
}

/* One block of channels, outputs from <= x < to. together: pixels that lie in a vector; apart: columns
 * from one vector to the next. */
TILE depthwise_channels(int apart, char *out, const dw_row *row, int from, int to, int c, const char *packed,
                        int together)
{
    const int width = row->window->width, stride = row->window->stride, pad = row->window->pad;
    const int bytes = row->window->channels - c;
    const int last = (to < width + pad - 2 ? to : width + pad - 2) - together;  /* a whole vector begins no later */
    for (int x = from, done; x < to; x += done) {
        if (together > 1 && last < x && last + together > x && last >= from && last >= pad) x = last;   /* some again */
        const int first = x * stride - pad, after = width - first;
        const ptrdiff_t at = first * (ptrdiff_t)row->in_step + c;
        char *const here = out + (x - from) * row->out_step;
        if (apart < 3 && first >= 0 && x + DI * together <= to && after >= (DI - 1) * apart + together + 2) {
            done = DI * together;
            depthwise_run(DI, apart, here, together * row->out_step, row, at, packed, 0, 3, together * bytes);
        } else {
            done = first >= 0 && x + together <= to && after >= together + 2 ? together : 1;
            depthwise_run(1, apart, here, 0, row, at, packed, first < 0 ? -first : 0, after < 3 ? after : 3,
                          done * bytes);
        }
    }
}

static void depthwise(void *to, size_t out_step, const void *const in[3], size_t in_step,
                      const cyg_window *window, int first, int end, const void *packed, float lo, float hi)
{
    const dw_row row = { { in[0], in[1], in[2] }, out_step, in_step, window };
    const size_t channels = (size_t)window->channels;
    const bool packs = channels < COLUMNS && COLUMNS % channels == 0 && in_step == channels && out_step == channels;
    const int together = packs && window->stride == 1 ? (int)(COLUMNS / channels) : 1;
    const int apart = together * window->stride;
    const char *block = packed;
    char *out = to;
    for (int c = 0; c < window->channels; c += COLUMNS, block += (4 + 4 + 12) * VBYTES, out += COLUMNS) {
        if (apart == 1) depthwise_channels(1, out, &row, first, end, c, block, 1);
        else if (apart == 2) depthwise_channels(2, out, &row, first, end, c, block, together);
        else depthwise_channels(3, out, &row, first, end, c, block, together);
    }
}

/* ---- The rest ---------------------------------------------------------------------------- */

static void widen(void *to, const void *in, size_t pixels, int channels, const float *worth)
{
    const uint8_t *levels = in;
    float *out = to;
    for (size_t i = 0; i < pixels; i++, out += channels, levels += channels)
        for (int c = 0; c < channels; c++) out[c] = levels[c] * worth[c];
}

static void halve(void *to, const void *in, size_t pixels, int channels, const float *worth)
{
    const uint8_t *levels = in;
    bfloat *out = to;
    for (size_t i = 0; i < pixels; i++, out += channels, levels += channels)
        for (int c = 0; c < channels; c++) out[c] = bfloat_narrow(levels[c] * worth[c]);
}

typedef uint8_t vq __attribute__((vector_size(VF)));        /* as many lanes as a vector of floats */

/* A vector of a row, number v of three. */
CONST_INLINE void narrow_vector(uint8_t *out, const float *in, const cyg_levels *levels, int v)
{
    const vf exact = (vf_load(in) - vf_load(levels->black + v * VF)) * vf_load(levels->step + v * VF);
    const vi value = vf_round(vf_min(vf_max(exact, vf_all(0)), vf_all(254)));
    const vi small = value >> 1, large = value - small;
    const vh halves = __builtin_convertvector(small + (large << 8), vh);
    const vq whole = __builtin_convertvector(value, vq);
    memcpy(out, PARTS == 2 ? (const void *)&halves : &whole, PARTS * VF);
}

static void narrow(void *to, const float *in, size_t pixels, const cyg_levels *levels)
{
    const size_t count = 3 * pixels;
    uint8_t *const out = to;
    size_t i = 0;
    for (; i + 3 * VF <= count; i += 3 * VF)        /* the channels of three vectors are those of the next three */
        UNROLL for (int v = 0; v < 3; v++)
            narrow_vector(out + PARTS * (i + v * VF), in + i + v * VF, levels, v);
    for (int v = 0; i < count; v++, i += VF) {
        const size_t rest = count - i < VF ? count - i : VF;
        float from[VF] = { 0 };
        uint8_t values[PARTS * VF];
        memcpy(from, in + i, rest * sizeof *in);
        narrow_vector(values, from, levels, v);
        memcpy(out + PARTS * i, values, PARTS * rest);
    }
}

/* The product's innermost loop with nothing around it. */
static int64_t spin(int rounds)
{
    volatile vb x = { 0 }, w = { 0 };       /* volatile: loaded each time, so that no product is known before */
    vi sum[MR][2] = { { { 0 } } };
    for (int i = 0; i < rounds; i++) {
        const vb w0 = w, w1 = w;
        UNROLL for (int r = 0; r < MR; r++) {
            const vb in = x;
            sum[r][0] = vi_dot4(sum[r][0], in, w0);
            sum[r][1] = vi_dot4(sum[r][1], in, w1);
        }
    }
    UNROLL for (int r = 0; r < MR; r++) x = (vb)(sum[r][0] + sum[r][1]);
    return (int64_t)rounds * MR * 2 * VBYTES;
}

extern const cyg_arithmetic NAMED(cyg_integers_, CYG_ISA);
const cyg_arithmetic NAMED(cyg_integers_, CYG_ISA) = {
    "i8", 1, 4, COLUMNS, PARTS, product, depthwise, widen, halve, narrow, spin,
};
