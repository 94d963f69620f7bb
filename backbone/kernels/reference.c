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

static void depthwise(float *out, size_t out_step, const float *const in[3], int width, int stride,
                      int pad, int from, int to, const float *packed, int channels, float lo,
                      float hi)
{
    for (int c = 0; c < channels; c++, packed += 1 + 9)     /* blocks of one channel */
        for (int x = from; x < to; x++) {
            float sum = packed[0];
            for (int tap = 0; tap < 9; tap++) {
                const int column = x * stride - pad + tap % 3;
                if (column >= 0 && column < width)
                    sum += in[tap / 3][(size_t)column * channels + c] * packed[1 + tap];
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

extern const cyg_kernels cyg_kernels_ref;
const cyg_kernels cyg_kernels_ref = {
    .isa = "ref", .lanes = 1, .columns = 1,
    .product = product, .depthwise = depthwise, .mean = mean, .scan = scan,
};
