/* simd.c - every SIMD kernel, written once in the vectors of simd.h. CMakeLists.txt compiles
 * this file once per instruction set, with CYG_ISA its name. */
#include "simd.h"
#include "kernels.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Inlined with constant sizes, and never takes the address of its sums, so that they stay in
 * registers. */
#define TILE static inline __attribute__((always_inline)) void

typedef struct range { float lo, hi; } range;

static inline __attribute__((always_inline)) vf clamp(vf x, range to)
{
    return vf_min(vf_max(x, vf_all(to.lo)), vf_all(to.hi));
}

/* rows x (vectors * VF) sums; only the first `cols` of each row are stored. */
TILE product_tile(int rows, int vectors, float *out, size_t out_step, const float *in,
                  size_t in_step, const float *packed, int k, int cols, range to)
{
    vf sum[MR][NV], w[NV];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = vf_load(packed + v * VF);

    for (int p = 0; p < k; p++) {
        packed += vectors * VF;
        UNROLL for (int v = 0; v < vectors; v++) w[v] = vf_load(packed + v * VF);
        UNROLL for (int r = 0; r < rows; r++) {
            const vf x = vf_all(in[r * in_step + p]);
            UNROLL for (int v = 0; v < vectors; v++) sum[r][v] += x * w[v];
        }
    }

    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) {
            const vf y = clamp(sum[r][v], to);
            float *const o = out + r * out_step + v * VF;
            if (v < vectors - 1 || cols == vectors * VF) vf_store(o, y);
            else vf_store_part(o, y, cols - v * VF);
        }
}

/* One panel: all m rows in tiles as equal as possible, so that no tile is left with one row. */
TILE product_panel(int vectors, float *out, size_t out_step, const float *in, size_t in_step,
                   const float *packed, int m, int k, int cols, range to)
{
#define ROWS(r) case r: \
        product_tile(r <= MR ? r : MR, vectors, out, out_step, in, in_step, packed, k, cols, to); \
        break;
    for (int tiles = (m + MR - 1) / MR; tiles > 0; tiles--) {
        const int rows = (m + tiles - 1) / tiles;
        switch (rows) {
            ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8)
        }
        m -= rows;
        in += rows * in_step;
        out += rows * out_step;
    }
#undef ROWS
}

static void product(float *out, size_t out_step, const float *in, size_t in_step,
                    const float *packed, int m, int k, int n, float lo, float hi)
{
    const range to = { lo, hi };
    for (int j = 0; j < n; j += NR, packed += (size_t)(1 + k) * NR) {
        const int cols = n - j < NR ? n - j : NR;
        if (cols > VF) product_panel(2, out + j, out_step, in, in_step, packed, m, k, cols, to);
        else product_panel(1, out + j, out_step, in, in_step, packed, m, k, cols, to);
    }
}

/* One vector of channels at one output pixel; taps kx0 <= kx < kx1 are inside of the row. */
TILE depthwise_pixel(float *out, const float *const in[3], ptrdiff_t at, size_t channels,
                     const vf *w, int kx0, int kx1, int cols, range to)
{
    vf sum = w[0];
    UNROLL for (int ky = 0; ky < 3; ky++)
        UNROLL for (int kx = 0; kx < 3; kx++)
            if (kx >= kx0 && kx < kx1)
                sum += vf_load(in[ky] + at + kx * (ptrdiff_t)channels) * w[1 + ky * 3 + kx];
    const vf y = clamp(sum, to);
    if (cols >= VF) vf_store(out, y);
    else vf_store_part(out, y, cols);
}

static void depthwise(float *out, size_t out_step, const float *const in[3], int width, int stride,
                      int pad, int from, int to, const float *packed, int channels, float lo,
                      float hi)
{
    const range limits = { lo, hi };
    for (int c = 0; c < channels; c += VF, packed += (1 + 9) * VF) {
        vf w[10];
        UNROLL for (int i = 0; i < 10; i++) w[i] = vf_load(packed + i * VF);
        for (int x = from; x < to; x++) {
            const int first = x * stride - pad;
            const ptrdiff_t at = (ptrdiff_t)first * channels + c;
            float *const o = out + (x - from) * out_step + c;
            if (first >= 0 && first + 3 <= width)
                depthwise_pixel(o, in, at, channels, w, 0, 3, channels - c, limits);
            else
                depthwise_pixel(o, in, at, channels, w, first < 0 ? -first : 0,
                                width - first < 3 ? width - first : 3, channels - c, limits);
        }
    }
}

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

/* Row after row: it is bound by memory, and reading several rows at once halves its speed. */
static void scan(int32_t *dots, const uint8_t *codes, const int8_t *with, int count, int width)
{
    const int8_t *in = (const int8_t *)codes;
    for (int i = 0; i < count; i++, in += width) {
        vi sum[4] = { { 0 } };
        int j = 0;
        for (; j + 4 * VBYTES <= width; j += 4 * VBYTES)
            UNROLL for (int v = 0; v < 4; v++)
                sum[v] = vi_dot4(sum[v], vb_load(in + j + v * VBYTES), vb_load(with + j + v * VBYTES));
        for (; j < width; j += VBYTES) sum[0] = vi_dot4(sum[0], vb_load(in + j), vb_load(with + j));
        dots[i] = vi_sum(sum[0] + sum[1] + (sum[2] + sum[3]));
    }
}

#define JOIN(a, b) a##b
#define NAMED(isa) JOIN(cyg_kernels_, isa)
#define TEXT(x) #x
#define QUOTED(isa) TEXT(isa)
extern const cyg_kernels NAMED(CYG_ISA);
const cyg_kernels NAMED(CYG_ISA) = {
    .isa = QUOTED(CYG_ISA), .lanes = VF, .columns = NR,
    .product = product, .depthwise = depthwise, .mean = mean,
    .scan = scan,
};
