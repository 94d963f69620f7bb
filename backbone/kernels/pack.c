/* pack.c - weights in the order in which a table's kernels read them. */
#include "bfloat.h"
#include "kernels.h"
#include <string.h>

static int round_up(int n, int to)
{
    return (n + to - 1) / to * to;
}

size_t cyg_pack_product_at(const cyg_arithmetic *a, int k, int column)
{
    return (size_t)column * (sizeof(float) + (size_t)round_up(k, a->group) * a->element);
}

size_t cyg_pack_product_size(const cyg_kernels *table, const cyg_arithmetic *a, int k, int n)
{
    return cyg_pack_product_at(a, k, round_up(n, table->lanes));
}

size_t cyg_pack_depthwise_size(const cyg_kernels *table, int channels)
{
    return (size_t)round_up(channels, table->lanes) * (1 + 9) * sizeof(float);
}

static char *put(char *out, float value, size_t element)
{
    const bfloat half = bfloat_narrow(value);
    return (char *)memcpy(out, element == sizeof half ? (const void *)&half : &value, element) + element;
}

/* Columns first .. first + width - 1 of bias[n] and w[k][n]; those past n or k become 0. */
static char *pack_panel(char *out, const cyg_arithmetic *a, const float *w, const float *bias, int k,
                        int n, int first, int width)
{
    for (int j = first; j < first + width; j++) out = put(out, j < n ? bias[j] : 0, sizeof(float));
    for (int p = 0; p < k; p += a->group)
        for (int j = first; j < first + width; j++)
            for (int q = p; q < p + a->group; q++)
                out = put(out, j < n && q < k ? w[(size_t)q * n + j] : 0, a->element);
    return out;
}

void cyg_pack_product(void *out, const cyg_kernels *table, const cyg_arithmetic *a, const float *w,
                      const float *bias, int k, int n)
{
    char *to = out;
    for (int j = 0; j < n; j += table->columns) {
        const int left = round_up(n - j, table->lanes);
        to = pack_panel(to, a, w, bias, k, n, j, left < table->columns ? left : table->columns);
    }
}

void cyg_pack_depthwise(float *out, const cyg_kernels *table, const float *w, const float *bias,
                        int channels)
{
    char *to = (char *)out;
    for (int c = 0; c < channels; c += table->lanes)
        to = pack_panel(to, &table->f32, w, bias, 9, channels, c, table->lanes);
}
