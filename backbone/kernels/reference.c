/* reference.c - the kernels as plain loops: the specification of kernels.h. */
#include "bfloat.h"
#include "kernels.h"
#include <math.h>
#include <string.h>

typedef struct range { float lo, hi; } range;

static float clamp(float x, range to)
{
    return x < to.lo ? to.lo : x > to.hi ? to.hi : x;
}

/* ---- Layers, in either kind of number ------------------------------------------------ */

/* Value i of an array whose values take `element` bytes. */
static float get(const void *array, size_t i, size_t element)
{
    return element == sizeof(float) ? ((const float *)array)[i] : bfloat_widen(((const bfloat *)array)[i]);
}

static void set(void *array, size_t i, float value, size_t element)
{
    if (element == sizeof(float)) ((float *)array)[i] = value;
    else ((bfloat *)array)[i] = bfloat_narrow(value);
}

/* kept: bytes of an output. */
static void product(size_t element, size_t kept, int group, void *out, size_t out_step, const void *const *in, int runs,
                    size_t in_step, const void *packed, int m, int k, int n, range to)
{
    const char *panel = packed;                             /* panels of one column */
    const int step = (k + group - 1) / group * group;
    for (int j = 0; j < n; j++, panel += sizeof(float) + (size_t)runs * step * element)
        for (int i = 0; i < m; i++) {
            float sum;
            memcpy(&sum, panel, sizeof sum);
            for (int r = 0; r < runs; r++)
                for (int p = 0; p < k; p++)
                    sum += get(in[r], i * in_step + p, element) * get(panel + sizeof sum, r * step + p, element);
            set(out, i * out_step + j, clamp(sum, to), kept);
        }
}

static void depthwise(size_t element, void *out, size_t out_step, const void *const in[3],
                      size_t in_step, const cyg_window *window, int from, int to,
                      const char *packed, range limits)
{
    static const int pairs[9] = { 0, 2, 4, 1, 3, 5, 6, 7, 8 };      /* where bfloat16 has a weight */
    const size_t size = sizeof(float) + (element == sizeof(float) ? 9 : 10) * element;
    for (int c = 0; c < window->channels; c++, packed += size)      /* blocks of one channel */
        for (int x = from; x < to; x++) {
            float sum;
            memcpy(&sum, packed, sizeof sum);
            for (int tap = 0; tap < 9; tap++) {
                const int column = x * window->stride - window->pad + tap % 3;
                const int at = element == sizeof(float) ? tap : pairs[tap];
                if (column >= 0 && column < window->width)
                    sum += get(in[tap / 3], column * in_step + c, element) * get(packed + sizeof sum, at, element);
            }
            set(out, (x - from) * out_step + c, clamp(sum, limits), element);
        }
}

static void product_f32(void *out, size_t out_step, const void *const *in, int runs, size_t in_step,
                        const void *packed, int m, int k, int n, float lo, float hi)
{
    product(sizeof(float), sizeof(float), 1, out, out_step, in, runs, in_step, packed, m, k, n, (range){ lo, hi });
}

static void product_bf16(void *out, size_t out_step, const void *const *in, int runs, size_t in_step,
                         const void *packed, int m, int k, int n, float lo, float hi)
{
    product(sizeof(bfloat), sizeof(bfloat), 2, out, out_step, in, runs, in_step, packed, m, k, n, (range){ lo, hi });
}

static void product_floats(void *out, size_t out_step, const void *const *in, int runs, size_t in_step,
                           const void *packed, int m, int k, int n, float lo, float hi)
{
    product(sizeof(bfloat), sizeof(float), 2, out, out_step, in, runs, in_step, packed, m, k, n, (range){ lo, hi });
}

static void depthwise_f32(void *out, size_t out_step, const void *const in[3], size_t in_step,
                          const cyg_window *window, int from, int to, const void *packed, float lo,
                          float hi)
{
    depthwise(sizeof(float), out, out_step, in, in_step, window, from, to, packed, (range){ lo, hi });
}

static void depthwise_bf16(void *out, size_t out_step, const void *const in[3], size_t in_step,
                           const cyg_window *window, int from, int to, const void *packed, float lo,
                           float hi)
{
    depthwise(sizeof(bfloat), out, out_step, in, in_step, window, from, to, packed, (range){ lo, hi });
}

static void widen_f32(void *out, const void *in, size_t pixels, int channels, const float *worth)
{
    memcpy(out, in, pixels * channels * sizeof(float));
}

static void halve_f32(void *out, const void *in, size_t pixels, int channels, const float *worth)
{
    for (size_t i = 0; i < pixels * channels; i++) set(out, i, get(in, i, sizeof(float)), sizeof(bfloat));
}

static void narrow_f32(void *out, const float *in, size_t pixels, const cyg_levels *levels)
{
    memcpy(out, in, pixels * 3 * sizeof *in);
}

static void widen_bf16(void *out, const void *in, size_t pixels, int channels, const float *worth)
{
    for (size_t i = 0; i < pixels * channels; i++) set(out, i, get(in, i, sizeof(bfloat)), sizeof(float));
}

static void halve_bf16(void *out, const void *in, size_t pixels, int channels, const float *worth)
{
    memcpy(out, in, pixels * channels * sizeof(bfloat));
}

static void narrow_bf16(void *out, const float *in, size_t pixels, const cyg_levels *levels)
{
    for (size_t i = 0; i < pixels * 3; i++) set(out, i, in[i], sizeof(bfloat));
}

static int64_t spin(int rounds)
{
    volatile float x = 0;
    float sum[8] = { 0 };
    for (int i = 0; i < rounds; i++) {
        const float a = x;
        for (int j = 0; j < 8; j++) sum[j] += a * sum[j];
    }
    for (int j = 0; j < 8; j++) x = sum[j];
    return (int64_t)rounds * 8;
}

/* ---- Layers in integers -------------------------------------------------------------------- */

/* What comes before the weights of an output. */
typedef struct head { int32_t bias; float scale; } head;

static uint8_t level(int32_t sum, float scale)
{
    const long rounded = lrintf((float)sum * scale);
    return (uint8_t)(rounded < 0 ? 0 : rounded > 127 ? 127 : rounded);
}

static void product_i8(void *out, size_t out_step, const void *const *in, int runs, size_t in_step,
                       const void *packed, int m, int k, int n, float lo, float hi)
{
    const int8_t *panel = packed;                           /* panels of one column */
    const int step = (k + 3) / 4 * 4;
    for (int j = 0; j < n; j++, panel += sizeof(head) + (size_t)runs * step)
        for (int i = 0; i < m; i++) {
            head first;
            memcpy(&first, panel, sizeof first);
            int32_t sum = first.bias;
            for (int r = 0; r < runs; r++)
                for (int p = 0; p < k; p++)
                    sum += ((const uint8_t *)in[r])[i * in_step + p] * panel[sizeof first + r * step + p];
            ((uint8_t *)out)[i * out_step + j] = level(sum, first.scale);
        }
}

static void depthwise_i8(void *out, size_t out_step, const void *const in[3], size_t in_step,
                         const cyg_window *window, int from, int to, const void *packed, float lo, float hi)
{
    const int8_t *block = packed;                           /* blocks of one channel */
    for (int c = 0; c < window->channels; c++, block += sizeof(head) + 12)
        for (int x = from; x < to; x++) {
            head first;
            memcpy(&first, block, sizeof first);
            int32_t sum = first.bias;
            for (int tap = 0; tap < 9; tap++) {
                const int column = x * window->stride - window->pad + tap % 3;
                if (column >= 0 && column < window->width)
                    sum += ((const uint8_t *)in[tap / 3])[column * in_step + c] *
                           block[sizeof first + tap % 3 * 4 + tap / 3];
            }
            ((uint8_t *)out)[(x - from) * out_step + c] = level(sum, first.scale);
        }
}

static void widen_i8(void *out, const void *in, size_t pixels, int channels, const float *worth)
{
    for (size_t i = 0; i < pixels * channels; i++)
        set(out, i, ((const uint8_t *)in)[i] * worth[i % channels], sizeof(float));
}

static void halve_i8(void *out, const void *in, size_t pixels, int channels, const float *worth)
{
    for (size_t i = 0; i < pixels * channels; i++)
        set(out, i, ((const uint8_t *)in)[i] * worth[i % channels], sizeof(bfloat));
}

static void narrow_i8(void *out, const float *in, size_t pixels, const cyg_levels *levels)
{
    uint8_t *halves = out;
    for (size_t i = 0; i < 3 * pixels; i++) {
        const float exact = (in[i] - levels->black[i % 3]) * levels->step[i % 3];
        const int value = (int)lrintf(clamp(exact, (range){ 0, 254 }));
        *halves++ = (uint8_t)(value / 2);
        *halves++ = (uint8_t)(value - value / 2);
    }
}

static const cyg_arithmetic integers = {
    "i8", 1, 4, 1, 2, product_i8, depthwise_i8, widen_i8, halve_i8, narrow_i8, spin,
};

/* ---- The rest ---------------------------------------------------------------------------- */

static void mean(float *out, const float *in, int pixels, int channels)
{
    for (int c = 0; c < channels; c++) {
        float sum = 0;
        for (int i = 0; i < pixels; i++) sum += in[(size_t)i * channels + c];
        out[c] = sum / pixels;
    }
}

/* Code j < 256 of 192 bytes. */
static int scan_code(const uint8_t *packed, int j)
{
    const int k = j % 64;
    if (j < 192) return packed[j] & 63;
    return packed[k] >> 6 | packed[64 + k] >> 6 << 2 | packed[128 + k] >> 6 << 4;
}

static void scan(int32_t (*dots)[2], const uint8_t *codes, const int8_t *with, int count, int width)
{
    for (int i = 0; i < count; i++, codes += width / 256 * 192)
        for (int t = 0; t < 2; t++) {
            int32_t sum = 0;
            for (int j = 0; j < width; j++) sum += scan_code(codes + j / 256 * 192, j % 256) * with[t * width + j];
            dots[i][t] = sum;
        }
}

static void blend8(float *out, const uint8_t *a, const uint8_t *b, float f, int count)
{
    for (int i = 0; i < count; i++) out[i] = (float)a[i] + (float)(b[i] - a[i]) * f;
}

static void blend16(float *out, const uint16_t *a, const uint16_t *b, float f, int count)
{
    for (int i = 0; i < count; i++) out[i] = (float)a[i] + (float)(b[i] - a[i]) * f;
}

static void colour(float *out, const float *const in[3], const float *cover, const cyg_colour *to,
                   int count)
{
    for (int i = 0; i < count; i++)
        for (int c = 0; c < 3; c++) {
            float v = to->offset[c];
            for (int j = 0; j < 3; j++) v += to->matrix[c][j] * in[j][i];
            *out++ = (clamp(v, (range){ 0, 255 }) * cover[i] - to->mean[c]) * to->scale[c];
        }
}

extern const cyg_kernels cyg_kernels_ref;
const cyg_kernels cyg_kernels_ref = {
    .isa = "ref", .lanes = 1,
    .f32 = { "f32", sizeof(float), 1, 1, 1, product_f32, depthwise_f32, widen_f32, halve_f32, narrow_f32, spin },
    .bf16 = { "bf16", sizeof(bfloat), 2, 1, 1, product_bf16, depthwise_bf16, widen_bf16, halve_bf16, narrow_bf16,
              spin },
    .i8 = &integers,
    .product_floats = product_floats, .mean = mean,
    .blend8 = blend8, .blend16 = blend16, .colour = colour, .scan = scan,
};
