/* quantise.c - the weights of a layer in integers (precision i8). */
#include "plan.h"
#include <math.h>
#include <stdlib.h>

/* Sums stay in int32: the bias takes at most half of it, the products the other. */
static const float most_bias = 0x1p30f;
enum { MOST_INPUTS = (1 << 30) / (127 * 127) };

/* What one step of output j's weights is worth: 127 of them are the largest, unless that would be
 * too fine for the bias to be counted in it. Never more than a level of the output, which is
 * exact enough for any weight: one level of input then fills the output. */
static float step_of(const float *weights, float bias, int k, int n, int j, float level)
{
    float most = 0;
    for (int p = 0; p < k; p++) most = fmaxf(most, fabsf(weights[(size_t)p * n + j]));
    const float step = fminf(fmaxf(most / 127, fabsf(bias) / most_bias), level);
    return step > 0 ? step : level;
}

static long round_to(float value, float limit)
{
    return lrintf(fmaxf(-limit, fminf(limit, value)));
}

cyg_status cyg_integers_make(cyg_integers *out, const cyg_model *model, const float *weights, const float *bias,
                             int k, int n, const float *worth, cyg_error *err)
{
    *out = (cyg_integers){ 0 };
    if (k > MOST_INPUTS)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: precision i8: found a layer of %d inputs, expected at most %d",
                        cyg_model_path(model), k, MOST_INPUTS);
    *out = (cyg_integers){ malloc((size_t)k * n), malloc((size_t)n * sizeof(int32_t)), malloc((size_t)n * sizeof(float)) };
    if (!out->weights || !out->bias || !out->scale) {
        cyg_integers_free(out);
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", cyg_model_path(model));
    }
    for (int j = 0; j < n; j++) {
        const float step = step_of(weights, bias[j], k, n, j, worth[j]);
        for (int p = 0; p < k; p++)
            out->weights[(size_t)p * n + j] = (int8_t)round_to(weights[(size_t)p * n + j] / step, 127);
        out->bias[j] = (int32_t)round_to(bias[j] / step, most_bias);
        out->scale[j] = step / worth[j];
    }
    return CYG_OK;
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
