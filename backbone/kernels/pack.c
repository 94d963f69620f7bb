/* pack.c - weights in the order in which a table's kernels read them. */
#include "kernels.h"

static int round_up(int n, int to)
{
    return (n + to - 1) / to * to;
}

size_t cyg_pack_product_size(const cyg_kernels *table, int k, int n)
{
    size_t size;
    return __builtin_mul_overflow((size_t)k + 1, (size_t)round_up(n, table->lanes), &size) ? 0 : size;
}

size_t cyg_pack_depthwise_size(const cyg_kernels *table, int channels)
{
    return (size_t)round_up(channels, table->lanes) * (1 + 9);
}

/* Columns first .. first + width - 1 of bias[n] and w[k][n]; those past n become 0. */
static float *pack_panel(float *out, const float *w, const float *bias, int k, int n, int first,
                         int width)
{
    for (int p = -1; p < k; p++)
        for (int j = first; j < first + width; j++)
            *out++ = j >= n ? 0 : p < 0 ? bias[j] : w[(size_t)p * n + j];
    return out;
}

void cyg_pack_product(float *out, const cyg_kernels *table, const float *w, const float *bias,
                      int k, int n)
{
    for (int j = 0; j < n; j += table->columns) {
        const int left = round_up(n - j, table->lanes);
        out = pack_panel(out, w, bias, k, n, j, left < table->columns ? left : table->columns);
    }
}

void cyg_pack_depthwise(float *out, const cyg_kernels *table, const float *w, const float *bias,
                        int channels)
{
    for (int c = 0; c < channels; c += table->lanes)
        out = pack_panel(out, w, bias, 9, channels, c, table->lanes);
}
