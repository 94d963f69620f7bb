/* fold.c - the weights of a layer with its batch norm folded in. */
#include "plan.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CYG_MEAN, CYG_VARIANCE, CYG_GAMMA, CYG_BETA, CYG_SCALE, CYG_BIAS, CYG_PARTS };

/* NAME/PART as [channels], or NULL in *out if the file has none. */
static cyg_status read_part(float **out, const cyg_model *model, const char *layer,
                            const char *part, int channels, cyg_error *err)
{
    char name[64];
    cyg_stored stored;
    snprintf(name, sizeof name, "%s/%s", layer, part);
    *out = NULL;
    if (!cyg_model_find(model, name, &stored)) return CYG_OK;
    return cyg_model_floats(out, model, name, 1, &channels, err);
}

static cyg_status read_parts(float *part[CYG_PARTS], const cyg_model *model, const cyg_layer_info *l, cyg_error *err)
{
    static const char *const names[CYG_PARTS] = { "mean", "variance", "gamma", "beta", "scale", "bias" };
    cyg_status status = CYG_OK;
    for (int i = 0; i < CYG_PARTS && !status; i++)
        status = read_part(&part[i], model, l->name, names[i], l->out_channels, err);
    return status;
}

/* y = (y - mean) * gamma / sqrt(variance + epsilon) + beta; y = y * scale + bias,
 * as y * factor + bias: the factors go into the weights. In double, rounded once. */
static void fold(float *weights, float *bias, float *const part[CYG_PARTS], size_t rows,
                 int channels, double epsilon)
{
    enum { SIDE = 16 };                 /* channels at a time, side by side: vectors */
    for (int first = 0; first < channels; first += SIDE) {
        const int count = channels - first < SIDE ? channels - first : SIDE;
        double norm[SIDE], scale[SIDE];
        for (int i = 0, c = first; i < count; i++, c++) {
            scale[i] = part[CYG_SCALE] ? part[CYG_SCALE][c] : 1;
            norm[i] = part[CYG_GAMMA] ? part[CYG_GAMMA][c] : 1;
            if (part[CYG_VARIANCE]) norm[i] /= sqrt(part[CYG_VARIANCE][c] + epsilon);
            const double beta = part[CYG_BETA] ? part[CYG_BETA][c] : 0;
            const double mean = part[CYG_MEAN] ? part[CYG_MEAN][c] : 0;
            bias[c] = (float)((beta - mean * norm[i]) * scale[i] + (part[CYG_BIAS] ? part[CYG_BIAS][c] : 0));
        }
        for (size_t row = 0; row < rows; row++) {
            float *const w = weights + row * channels + first;
            for (int i = 0; i < count; i++) w[i] = (float)(w[i] * norm[i] * scale[i]);
        }
    }
}

cyg_status cyg_layer_weights(float **weights, float **bias, const cyg_model *model,
                             const cyg_layer *layer, double epsilon, cyg_error *err)
{
    const cyg_layer_info *l = &layer->info;
    const int shape[4] = { l->kernel, l->kernel, l->in_channels, l->depthwise ? 1 : l->out_channels };
    const size_t rows = (size_t)l->kernel * l->kernel * (l->depthwise ? 1 : l->in_channels);
    float *part[CYG_PARTS] = { NULL };
    char name[64];

    *bias = NULL;
    snprintf(name, sizeof name, "%s/weights", l->name);
    cyg_status status = cyg_model_floats(weights, model, name, 4, shape, err);
    if (!status) status = read_parts(part, model, l, err);
    if (!status && !(*bias = malloc((size_t)l->out_channels * sizeof **bias)))
        status = cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", cyg_model_path(model));
    if (!status) {
        fold(*weights, *bias, part, rows, l->out_channels, epsilon);
        if (!cyg_all_finite(*weights, rows * l->out_channels) || !cyg_all_finite(*bias, l->out_channels))
            status = cyg_fail(err, CYG_FORMAT, "%s: layer '%s': found weights that its batch norm makes infinite or "
                              "no numbers, expected finite ones", cyg_model_path(model), l->name);
    }
    if (status) {
        free(*weights);
        free(*bias);
        *weights = *bias = NULL;
    }
    for (int i = 0; i < CYG_PARTS; i++) free(part[i]);
    return status;
}

/* The mean of min(max(x, 0), most) for a normally distributed x: the parts of it within, and above. */
static double mean_within(double mean, double deviation, double most)
{
    if (!(deviation > 0)) return fmin(fmax(mean, 0), most);
    const double from = -mean / deviation, to = (most - mean) / deviation;
    const double below = erfc(-from / M_SQRT2) / 2, above = erfc(to / M_SQRT2) / 2;
    const double density = (exp(-from * from / 2) - exp(-to * to / 2)) * M_2_SQRTPI * M_SQRT1_2 / 2;
    return mean * (1 - below - above) + deviation * density + most * above;
}

cyg_status cyg_layer_means(float **means, const cyg_model *model, const cyg_layer *layer, double epsilon, float most,
                           cyg_error *err)
{
    const cyg_layer_info *l = &layer->info;
    float *part[CYG_PARTS] = { NULL };
    *means = NULL;
    cyg_status status = read_parts(part, model, l, err);
    if (!status && part[CYG_VARIANCE] && !(*means = malloc((size_t)l->out_channels * sizeof **means)))
        status = cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", cyg_model_path(model));
    for (int c = 0; *means && c < l->out_channels; c++) {
        const double scale = part[CYG_SCALE] ? part[CYG_SCALE][c] : 1, gamma = part[CYG_GAMMA] ? part[CYG_GAMMA][c] : 1;
        const double beta = part[CYG_BETA] ? part[CYG_BETA][c] : 0, bias = part[CYG_BIAS] ? part[CYG_BIAS][c] : 0;
        const double variance = part[CYG_VARIANCE][c], normed = fmax(variance, 0) / (variance + epsilon);
        (*means)[c] = (float)mean_within(beta * scale + bias, fabs(gamma * scale) * sqrt(normed), most);
    }
    for (int i = 0; i < CYG_PARTS; i++) free(part[i]);
    return status;
}
