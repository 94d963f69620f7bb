/* pack.c - weights in the order in which a table's kernels read them. */
#include "bfloat.h"
#include "kernels.h"
#include <string.h>

static int round_up(int n, int to)
{
    return (n + to - 1) / to * to;
}

/* Bytes before the weights of an output: its bias; of integers also its scale. */
static size_t head_bytes(const cyg_arithmetic *a)
{
    return a->element == 1 ? sizeof(int32_t) + sizeof(float) : sizeof(float);
}

/* Outputs of a panel that has `left` to hold: one vector, two or four. */
static int panel_width(const cyg_kernels *table, const cyg_arithmetic *a, int left)
{
    int width = table->lanes;
    while (width < left && width < a->columns) width *= 2;
    return width;
}

size_t cyg_pack_product_at(const cyg_arithmetic *a, int runs, int k, int column)
{
    return (size_t)column * (head_bytes(a) + (size_t)runs * round_up(k, a->group) * a->element);
}

size_t cyg_pack_product_size(const cyg_kernels *table, const cyg_arithmetic *a, int runs, int k, int n)
{
    const int whole = n / a->columns * a->columns;
    return cyg_pack_product_at(a, runs, k, whole + (n > whole ? panel_width(table, a, n - whole) : 0));
}

size_t cyg_pack_depthwise_size(const cyg_kernels *table, const cyg_arithmetic *a, int channels)
{
    if (a->element == 1) return (size_t)round_up(channels, a->columns) * (head_bytes(a) + 3 * 4);
    if (a->group == 2) return (size_t)round_up(channels, a->columns) * (head_bytes(a) + 5 * 4);
    return (size_t)round_up(channels, table->lanes) * (1 + 9) * sizeof(float);
}

/* ---- Floats ------------------------------------------------------------------------------ */

static char *put(char *out, float value, size_t element)
{
    const bfloat half = bfloat_narrow(value);
    return (char *)memcpy(out, element == sizeof half ? (const void *)&half : &value, element) + element;
}

/* Two rows of floats as pairs of bfloat16: the compiler makes vectors of it. */
static void put_pairs(bfloat *restrict out, const float *upper, const float *lower, int width)
{
    for (int j = 0; j < width; j++) {
        out[2 * j] = bfloat_narrow(upper[j]);
        out[2 * j + 1] = bfloat_narrow(lower[j]);
    }
}

/* Columns first .. first + width - 1 of a run, w[k][n]; those past n or k become 0. */
static char *pack_run(char *out, const cyg_arithmetic *a, const float *w, int k, int n, int first, int width)
{
    const int whole = first + width <= n ? k / a->group * a->group : 0;
    for (int p = 0; p < whole; p += a->group, out += width * a->group * a->element) {
        const float *const row = &w[(size_t)p * n + first];
        if (a->group == 1) memcpy(out, row, width * sizeof *w);
        else put_pairs((bfloat *)(void *)out, row, row + n, width);
    }
    for (int p = whole; p < k; p += a->group)
        for (int j = first; j < first + width; j++)
            for (int q = p; q < p + a->group; q++)
                out = put(out, j < n && q < k ? w[(size_t)q * n + j] : 0, a->element);
    return out;
}

/* The same of bias[n] and w[runs][k][n]. */
static char *pack_panel(char *out, const cyg_arithmetic *a, const float *w, const float *bias, int runs, int k,
                        int n, int first, int width)
{
    for (int j = first; j < first + width; j++) out = put(out, j < n ? bias[j] : 0, sizeof(float));
    for (int r = 0; r < runs; r++) out = pack_run(out, a, w + (size_t)r * k * n, k, n, first, width);
    return out;
}

void cyg_pack_product(void *out, const cyg_kernels *table, const cyg_arithmetic *a, const float *w,
                      const float *bias, int runs, int k, int n)
{
    char *to = out;
    for (int j = 0; j < n; j += a->columns)
        to = pack_panel(to, a, w, bias, runs, k, n, j, panel_width(table, a, n - j));
}

/* Channels first .. of a depthwise layer, as pairs of bfloat16. What rounding a tap loses the next one gets: where
 * the input is even, a channel loses almost nothing. */
static char *pack_pairs(char *out, const cyg_kernels *table, const float *w, const float *bias, int channels, int first)
{
    static const int taps[5][2] = { { 0, 3 }, { 1, 4 }, { 2, 5 }, { 6, 7 }, { 8, -1 } };
    const int width = table->bf16.columns;
    float lost[CYG_MAX_COLUMNS] = { 0 };
    for (int part = -1; part < 5; part++)
        for (int i = 0; i < width; i++) {
            const int c = first + cyg_pack_order(i, table->lanes, width / table->lanes);
            if (part < 0) out = put(out, c < channels ? bias[c] : 0, sizeof(float));
            for (int q = 0; q < 2 && part >= 0; q++) {
                const int tap = taps[part][q];
                const float value = c < channels && tap >= 0 ? w[tap * channels + c] + lost[i] : 0;
                out = put(out, value, sizeof(bfloat));
                lost[i] = value - bfloat_widen(bfloat_narrow(value));
            }
        }
    return out;
}

void cyg_pack_depthwise(void *out, const cyg_kernels *table, const cyg_arithmetic *a, const float *w,
                        const float *bias, int channels)
{
    char *to = out;
    for (int c = 0; c < channels && a->group == 2; c += a->columns)
        to = pack_pairs(to, table, w, bias, channels, c);
    for (int c = 0; c < channels && a->group == 1; c += table->lanes)
        to = pack_panel(to, a, w, bias, 1, 9, channels, c, table->lanes);
}

/* ---- Integers ---------------------------------------------------------------------------- */

/* Which of n outputs is at place i of the panel that begins with `first`; -1: none. */
static int output_at(const cyg_kernels *table, int i, int first, int width, int n)
{
    const int j = first + cyg_pack_order(i, table->lanes, width / table->lanes);
    return j < n ? j : -1;
}

static char *pack_heads(char *out, const cyg_integers *w, const int *outputs, int width)
{
    for (int i = 0; i < width; i++, out += sizeof(int32_t))
        memcpy(out, outputs[i] < 0 ? &(int32_t){ 0 } : &w->bias[outputs[i]], sizeof(int32_t));
    for (int i = 0; i < width; i++, out += sizeof(float))
        memcpy(out, outputs[i] < 0 ? &(float){ 0 } : &w->scale[outputs[i]], sizeof(float));
    return out;
}

/* The outputs of a panel of a run, weights[k][n]. */
static char *pack_run_i8(char *out, int group, const int8_t *weights, int k, int n, const int *outputs, int width,
                         bool full)
{
    const int whole = full ? k / group * group : 0;
    for (int p = 0; p < whole; p += group, out += group * width)
        for (int q = 0; q < group; q++) {
            const int8_t *const row = weights + (size_t)(p + q) * n;
            for (int i = 0; i < width; i++) out[group * i + q] = row[outputs[i]];
        }
    for (int p = whole; p < k; p += group)
        for (int i = 0; i < width; i++)
            for (int q = p; q < p + group; q++)
                *out++ = outputs[i] >= 0 && q < k ? weights[(size_t)q * n + outputs[i]] : 0;
    return out;
}

void cyg_pack_product_i8(void *out, const cyg_kernels *table, const cyg_integers *w, int runs, int k, int n)
{
    const cyg_arithmetic *a = table->i8;
    int outputs[CYG_MAX_COLUMNS];
    char *to = out;
    for (int j = 0; j < n; j += a->columns) {
        const int width = panel_width(table, a, n - j);
        for (int i = 0; i < width; i++) outputs[i] = output_at(table, i, j, width, n);
        to = pack_heads(to, w, outputs, width);
        for (int r = 0; r < runs; r++)
            to = pack_run_i8(to, a->group, w->weights + (size_t)r * k * n, k, n, outputs, width, j + width <= n);
    }
}

void cyg_pack_depthwise_i8(void *out, const cyg_kernels *table, const cyg_integers *w, int channels)
{
    const int width = table->i8->columns;
    const bool repeats = channels < width && width % channels == 0;
    int outputs[CYG_MAX_COLUMNS];
    char *to = out;
    for (int c = 0; c < channels; c += width) {
        for (int i = 0; i < width; i++) {
            const int order = cyg_pack_order(i, table->lanes, width / table->lanes);
            outputs[i] = repeats ? order % channels : output_at(table, i, c, width, channels);
        }
        to = pack_heads(to, w, outputs, width);
        for (int kx = 0; kx < 3; kx++)
            for (int i = 0; i < width; i++)
                for (int ky = 0; ky < 4; ky++)
                    *to++ = outputs[i] >= 0 && ky < 3 ? w->weights[(ky * 3 + kx) * channels + outputs[i]] : 0;
    }
}
