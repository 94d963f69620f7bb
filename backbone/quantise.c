/* quantise.c - the weights of a layer in integers (precision i8). */
#include "plan.h"
#include <math.h>
#include <stdlib.h>

/* Sums stay in int32: the bias takes at most half of it, the products the other. */
static const float most_bias = 0x1p30f;
enum { MOST_INPUTS = (1 << 30) / (127 * 127) };

/* To the nearest integer, ties to even, as long as |x| < 2^22. */
static float nearest(float x)
{
    return x + 0x1.8p23f - 0x1.8p23f;
}

/* Sum of squares of what whole steps change in w[k]. */
static float error_of(const float *w, int k, float step)
{
    float sum[16] = { 0 };              /* side by side, so that the compiler makes vectors */
    for (int p = 0; p < k; p++) {
        const float x = w[p] / step, over = x > 127 ? x - 127 : x < -127 ? x + 127 : x - nearest(x);
        sum[p % 16] += over * over;
    }
    for (int i = 1; i < 16; i++) sum[0] += sum[i];
    return sum[0] * step * step;
}

/* What one step of an output's weights w[k] is worth: 127 of them are the largest, or a little
 * less where cutting it off costs less than the finer steps of all others gain. Coarser if the bias
 * could not be counted in it; never more than a level of the output, which is exact enough for any
 * weight: one level of input then fills the output. */
static float step_of(const float *w, float bias, int k, float level)
{
    static const float parts[] = { 1, .9f, .8f, .7f, .6f };
    float most = 0, best = 0, least = INFINITY;
    for (int p = 0; p < k; p++) most = fmaxf(most, fabsf(w[p]));
    for (size_t i = 0; most > 0x1p-90f && i < sizeof parts / sizeof *parts; i++) {
        const float error = error_of(w, k, most / 127 * parts[i]);
        if (error < least) {
            least = error;
            best = most / 127 * parts[i];
        }
    }
    best = fminf(fmaxf(best, fabsf(bias) / most_bias), level);
    return best > 0 ? best : level;
}

static float limited(float value, float limit)
{
    return fmaxf(-limit, fminf(limit, value));
}

/* w[k] in steps, rounded so that the roundings of an output add up to nothing: the ones that were
 * closest go to their other neighbour. Inputs are never negative and much alike, so what the
 * roundings have in common is most of the error. */
static void round_weights(int8_t *out, const float *w, int k, float step)
{
    float sum = 0;
    for (int p = 0; p < k; p++) {
        const float x = w[p] / step;
        out[p] = (int8_t)nearest(limited(x, 127));
        sum += (float)out[p] - x;
    }
    for (int left = k; left > 0 && fabsf(sum) > .5f; left--) {
        const int sign = sum > 0 ? -1 : 1;
        int best = -1;
        float most = -1;
        for (int p = 0; p < k; p++) {
            const float lacks = (float)sign * (w[p] / step - (float)out[p]);
            if (lacks <= most || abs(out[p] + sign) > 127) continue;
            most = lacks;
            best = p;
        }
        if (best < 0) return;
        out[best] = (int8_t)(out[best] + sign);
        sum += (float)sign;
    }
}

static void make_output(cyg_integers *out, const float *weights, float bias, int k, int n, int j, float level,
                        float *column, int8_t *rounded)
{
    for (int p = 0; p < k; p++) column[p] = weights[(size_t)p * n + j];
    const float step = step_of(column, bias, k, level);
    round_weights(rounded, column, k, step);
    for (int p = 0; p < k; p++) out->weights[(size_t)p * n + j] = rounded[p];
    out->bias[j] = (int32_t)lrintf(limited(bias / step, most_bias));
    out->scale[j] = step / level;
}

cyg_status cyg_integers_make(cyg_integers *out, const cyg_model *model, const float *weights, const float *bias,
                             int k, int n, const float *worth, cyg_error *err)
{
    *out = (cyg_integers){ 0 };
    if (k > MOST_INPUTS)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: precision i8: found a layer of %d inputs, expected at most %d",
                        cyg_model_path(model), k, MOST_INPUTS);
    const size_t outputs = (size_t)n;
    *out = (cyg_integers){ malloc((size_t)k * outputs), malloc(outputs * sizeof(int32_t)),
                           malloc(outputs * sizeof(float)) };
    float *const column = malloc((size_t)k * sizeof *column);
    int8_t *const rounded = malloc((size_t)k);
    const bool enough = out->weights && out->bias && out->scale && column && rounded;
    for (int j = 0; enough && j < n; j++) make_output(out, weights, bias[j], k, n, j, worth[j], column, rounded);
    free(column);
    free(rounded);
    if (enough) return CYG_OK;
    cyg_integers_free(out);
    return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", cyg_model_path(model));
}

void cyg_integers_free(cyg_integers *w)
{
    free(w->weights);
    free(w->bias);
    free(w->scale);
    *w = (cyg_integers){ 0 };
}

cyg_status cyg_integers_input(float **weights, float *bias, const cyg_input *input, const cyg_layer_info *l,
                              const char *path, cyg_error *err)
{
    const size_t n = (size_t)l->out_channels, count = (size_t)l->kernel * l->kernel * 3 * n;
    float *const twice = realloc(*weights, 2 * count * sizeof *twice);
    if (!twice) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    *weights = twice;
    for (size_t i = 0; i < count; i++) {
        const size_t c = i / n % 3;
        bias[i % n] -= twice[i] * input->mean[c] * input->scale[c];
        twice[count + i] = twice[i] *= input->scale[c] * 255 / 254;
    }
    return CYG_OK;
}

cyg_levels cyg_integers_levels(const cyg_input *input)
{
    cyg_levels levels;
    for (int c = 0; c < 3; c++) {
        levels.black[c] = -input->mean[c] * input->scale[c];
        levels.step[c] = input->scale[c] != 0 ? 254 / (255 * input->scale[c]) : 0;
    }
    return levels;
}
