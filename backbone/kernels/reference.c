/* reference.c - the kernels as plain loops: the specification of kernels.h. */
#include "kernels.h"

static float clamp(float x, float lo, float hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static void product(float *out, size_t out_step, const float *in, size_t in_step,
                    const float *packed, int m, int k, int n, float lo, float hi)
{
    for (int j = 0; j < n; j++, packed += 1 + k)            /* panels of one column */
        for (int i = 0; i < m; i++) {
            float sum = packed[0];
            for (int p = 0; p < k; p++) sum += in[i * in_step + p] * packed[1 + p];
            out[i * out_step + j] = clamp(sum, lo, hi);
        }
}

static void depthwise(float *out, size_t out_step, const float *const in[3], size_t in_step,
                      const cyg_window *window, int from, int to, const float *packed, float lo,
                      float hi)
{
    for (int c = 0; c < window->channels; c++, packed += 1 + 9)     /* blocks of one channel */
        for (int x = from; x < to; x++) {
            float sum = packed[0];
            for (int tap = 0; tap < 9; tap++) {
                const int column = x * window->stride - window->pad + tap % 3;
                if (column >= 0 && column < window->width)
                    sum += in[tap / 3][column * in_step + c] * packed[1 + tap];
            }
            out[(x - from) * out_step + c] = clamp(sum, lo, hi);
        }
}

static void mean(float *out, const float *in, int pixels, int channels)
{
    for (int c = 0; c < channels; c++) {
        float sum = 0;
        for (int i = 0; i < pixels; i++) sum += in[(size_t)i * channels + c];
        out[c] = sum / pixels;
    }
}

static void scan(int32_t *dots, const uint8_t *codes, const int8_t *with, int count, int width)
{
    for (int i = 0; i < count; i++, codes += width) {
        int32_t sum = 0;
        for (int j = 0; j < width; j++) sum += codes[j] * with[j];
        dots[i] = sum;
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
            *out++ = (clamp(v, 0, 255) * cover[i] - to->mean[c]) * to->scale[c];
        }
}

extern const cyg_kernels cyg_kernels_ref;
const cyg_kernels cyg_kernels_ref = {
    .isa = "ref", .lanes = 1, .columns = 1,
    .product = product, .depthwise = depthwise, .mean = mean,
    .blend8 = blend8, .blend16 = blend16, .colour = colour, .scan = scan,
};
