/* quantise.c - the weights of a layer in integers (precision i8). */
#include "plan.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums stay in int32: the bias takes at most half of it, the products the other. */
static const float most_bias = 0x1p30f;
enum { MOST_INPUTS = (1 << 30) / (127 * 127) };

/* To the nearest integer, ties to even, as long as |x| < 2^22. */
static float nearest(float x)
{
    return x + 0x1.8p23f - 0x1.8p23f;
}

static float smaller(float a, float b)
{
    return a < b ? a : b;
}

static float limited(float value, float limit)
{
    const float below = smaller(value, limit);
    return below > -limit ? below : -limit;
}

/* Outputs side by side, so that the compiler makes vectors; and weights of an output whose largest
 * rounding is kept, so that the next one to change is found without a look at all of them. */
enum { SIDE = 16, RUN = 32 };

/* Some outputs at work; those past the last are 0. */
typedef struct side {
    float (*w)[SIDE];           /* [k] weights, then in steps, then what their rounding lacks */
    int8_t (*rounded)[SIDE];    /* [k] */
    float (*most)[SIDE];        /* [k / RUN, up] the largest lack of a run */
    float step[SIDE];           /* what one of each is worth */
} side;

/* Sums of squares of what steps change in w[k]. */
static void errors_of(float *sum, const float (*w)[SIDE], int k, const float *step)
{
    float per[SIDE];
    for (int i = 0; i < SIDE; i++) {
        per[i] = 1 / step[i];
        sum[i] = 0;
    }
    for (int p = 0; p < k; p++)
        for (int i = 0; i < SIDE; i++) {
            const float x = fabsf(w[p][i]) * per[i], lost = x - smaller(nearest(x), 127);
            sum[i] += lost * lost;
        }
    for (int i = 0; i < SIDE; i++) sum[i] *= step[i] * step[i];
}

/* What one step of an output's weights is worth: 127 of them are the largest, or a little less
 * where cutting it off costs less than the finer steps of all others gain. Coarser if the bias
 * could not be counted in it; never more than a level of the output, which is exact enough for any
 * weight: one level of input then fills the output. */
static void choose_steps(side *o, const float *bias, const float *level, int k, int count)
{
    static const float parts[] = { 1, .9f, .8f, .7f, .6f };
    float most[SIDE] = { 0 }, best[SIDE] = { 0 }, least[SIDE], step[SIDE], error[SIDE];
    for (int p = 0; p < k; p++)
        for (int i = 0; i < SIDE; i++) most[i] = most[i] > fabsf(o->w[p][i]) ? most[i] : fabsf(o->w[p][i]);
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
        for (int i = 0; i < SIDE; i++) step[i] = most[i] > 0x1p-90f ? most[i] / 127 * parts[part] : 1;
        errors_of(error, o->w, k, step);
        for (int i = 0; i < SIDE; i++) {
            if (most[i] <= 0x1p-90f || (part && error[i] >= least[i])) continue;
            least[i] = error[i];
            best[i] = step[i];
        }
    }
    for (int i = 0; i < SIDE; i++) {
        o->step[i] = 1;
        if (i >= count) continue;
        const float wanted = fminf(fmaxf(best[i], fabsf(bias[i]) / most_bias), level[i]);
        o->step[i] = wanted > 0 ? wanted : level[i];
    }
}

/* What a weight lacks in the direction of sign; less than any if it may not move there. */
static float lack_of(const side *o, int p, int i, float sign)
{
    return (float)o->rounded[p][i] * sign > 126 ? -2 : o->w[p][i] * sign;
}

static void find_most(side *o, int run, int k, int i, float sign)
{
    float most = -2;
    for (int p = run * RUN; p < k && p < (run + 1) * RUN; p++) {
        const float lack = lack_of(o, p, i, sign);
        most = lack > most ? lack : most;
    }
    o->most[run][i] = most;
}

/* The same of all outputs and runs at once. */
static void find_all(side *o, int k, const float *sign)
{
    for (int p = 0; p < k; p++) {
        float *const most = o->most[p / RUN];
        for (int i = 0; i < SIDE; i++) {
            const float lack = lack_of(o, p, i, sign[i]), last = p % RUN ? most[i] : -2;
            most[i] = lack > last ? lack : last;
        }
    }
}

/* Moves the weight that lacks most, the first of equals; false: none may. */
static bool move_one(side *o, int k, int i, float sign)
{
    int run = 0, p;
    for (int r = 1; r * RUN < k; r++)
        if (o->most[r][i] > o->most[run][i]) run = r;
    const float most = o->most[run][i];
    if (most <= -1) return false;
    for (p = run * RUN; lack_of(o, p, i, sign) != most; p++) { }
    o->rounded[p][i] = (int8_t)(o->rounded[p][i] + (int)sign);
    o->w[p][i] -= sign;
    find_most(o, run, k, i, sign);
    return true;
}

/* Weights in steps, rounded so that the roundings of an output add up to nothing: the ones that
 * were closest go to their other neighbour. Inputs are never negative and much alike, so what the
 * roundings have in common is most of the error. */
static void round_weights(side *o, int k, int count)
{
    float lacks[SIDE] = { 0 }, per[SIDE], sign[SIDE];
    for (int i = 0; i < SIDE; i++) per[i] = 1 / o->step[i];
    for (int p = 0; p < k; p++)
        for (int i = 0; i < SIDE; i++) {
            const float x = o->w[p][i] * per[i], whole = nearest(limited(x, 127));
            o->rounded[p][i] = (int8_t)whole;
            o->w[p][i] = x - whole;
            lacks[i] += x - whole;
        }
    for (int i = 0; i < SIDE; i++) sign[i] = lacks[i] > 0 ? 1 : -1;
    find_all(o, k, sign);
    for (int i = 0; i < count; i++)
        for (int left = k; left > 0 && fabsf(lacks[i]) > .5f && move_one(o, k, i, sign[i]); left--)
            lacks[i] -= sign[i];
}

/* What the roundings lack of an output on the average, in steps. */
static void find_shifts(float shift[SIDE], const side *o, const float *inputs, int k)
{
    for (int i = 0; i < SIDE; i++) shift[i] = 0;
    for (int p = 0; inputs && p < k; p++)
        for (int i = 0; i < SIDE; i++) shift[i] += o->w[p][i] * inputs[p];
}

/* Outputs first .. first + count - 1. */
static void make_outputs(cyg_integers *out, side *o, const float *weights, const float *bias, int k, int n,
                         int first, int count, const float *level, const float *inputs)
{
    float shift[SIDE];
    memset(o->w, 0, (size_t)k * sizeof *o->w);
    for (int p = 0; p < k; p++) memcpy(o->w[p], weights + (size_t)p * n + first, (size_t)count * sizeof *weights);
    choose_steps(o, bias + first, level + first, k, count);
    round_weights(o, k, count);
    find_shifts(shift, o, inputs, k);
    for (int p = 0; p < k; p++) memcpy(out->weights + (size_t)p * n + first, o->rounded[p], (size_t)count);
    for (int i = 0, j = first; i < count; i++, j++) {
        out->bias[j] = (int32_t)lrintf(limited(bias[j] / o->step[i] + shift[i], most_bias));
        out->scale[j] = o->step[i] / level[j];
    }
}

cyg_status cyg_integers_make(cyg_integers *out, const cyg_model *model, const float *weights, const float *bias,
                             int k, int n, const float *worth, const float *inputs, cyg_error *err)
{
    *out = (cyg_integers){ 0 };
    if (k > MOST_INPUTS)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: precision i8: found a layer of %d inputs, expected at most %d",
                        cyg_model_path(model), k, MOST_INPUTS);
    const size_t outputs = (size_t)n;
    if (!cyg_all_finite(weights, (size_t)k * outputs) || !cyg_all_finite(bias, outputs))
        return cyg_fail(err, CYG_FORMAT, "%s: precision i8: found weights that times the range of a layer are infinite",
                        cyg_model_path(model));
    *out = (cyg_integers){ malloc((size_t)k * outputs), malloc(outputs * sizeof(int32_t)),
                           malloc(outputs * sizeof(float)) };
    const size_t rows = (size_t)k;
    side o = { malloc(rows * sizeof *o.w), malloc(rows * sizeof *o.rounded),
               malloc((rows + RUN - 1) / RUN * sizeof *o.most), { 0 } };
    const bool enough = out->weights && out->bias && out->scale && o.w && o.rounded && o.most;
    for (int j = 0; enough && j < n; j += SIDE)
        make_outputs(out, &o, weights, bias, k, n, j, n - j < SIDE ? n - j : SIDE, worth, inputs);
    free(o.w);
    free(o.rounded);
    free(o.most);
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

cyg_status cyg_integers_repeat(cyg_integers *w, const cyg_model *model, int k, int n, cyg_error *err)
{
    const size_t outputs = (size_t)n;
    int8_t *const twice = malloc(2 * (size_t)k * outputs);
    if (!twice) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", cyg_model_path(model));
    for (int row = 0; row < 2 * k; row++) memcpy(twice + row * outputs, w->weights + row / 2 * outputs, outputs);
    free(w->weights);
    w->weights = twice;
    return CYG_OK;
}

void cyg_integers_input(float *weights, float *bias, const cyg_input *input, const cyg_layer_info *l)
{
    const size_t n = (size_t)l->out_channels, count = (size_t)l->kernel * l->kernel * 3 * n;
    for (size_t i = 0; i < count; i++) {
        const size_t c = i / n % 3;
        bias[i % n] -= weights[i] * input->mean[c] * input->scale[c];
        weights[i] *= input->scale[c] * 255 / 254;
    }
}

cyg_levels cyg_integers_levels(const cyg_input *input)
{
    cyg_levels levels;
    for (int i = 0; i < 3 * CYG_MAX_LANES; i++) {
        const float mean = input->mean[i % 3], scale = input->scale[i % 3];
        levels.black[i] = -mean * scale;
        levels.step[i] = scale != 0 ? 254 / (255 * scale) : 0;
    }
    return levels;
}
