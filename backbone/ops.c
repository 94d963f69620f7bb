/* ops.c - arithmetic for heads: a packed 1x1 convolution, softmax, sigmoid. */
#include "plan.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct cyg_conv {
    const cyg_kernels *kernels;
    int    in_channels, out_channels;
    void  *packed;
};

/* NAME/weights, stored with or without the two sizes of its 1x1 kernel. */
static cyg_status read_weights(float **out, const cyg_model *model, const char *name, int in,
                               int outs, cyg_error *err)
{
    const int shape[4] = { 1, 1, in, outs };
    char full[128];
    cyg_stored stored;
    snprintf(full, sizeof full, "%s/weights", name);
    const int rank = cyg_model_find(model, full, &stored) && stored.rank == 2 ? 2 : 4;
    return cyg_model_floats(out, model, full, rank, shape + 4 - rank, err);
}

/* NAME/scale [out] goes into the weights, as in a layer. */
static cyg_status scale_weights(float *weights, const cyg_model *model, const char *name, int in,
                                int outs, cyg_error *err)
{
    char full[128];
    cyg_stored stored;
    float *scale;
    snprintf(full, sizeof full, "%s/scale", name);
    if (!cyg_model_find(model, full, &stored)) return CYG_OK;
    const cyg_status status = cyg_model_floats(&scale, model, full, 1, &outs, err);
    for (size_t i = 0; !status && i < (size_t)in * outs; i++) weights[i] *= scale[i % outs];
    free(scale);
    return status;
}

static cyg_status read_bias(float **out, const cyg_model *model, const char *name, int outs,
                            cyg_error *err)
{
    char full[128];
    cyg_stored stored;
    snprintf(full, sizeof full, "%s/bias", name);
    if (cyg_model_find(model, full, &stored))
        return cyg_model_floats(out, model, full, 1, &outs, err);
    *out = calloc((size_t)outs, sizeof **out);
    return *out ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", cyg_model_path(model));
}

cyg_status cyg_conv_create(cyg_conv **out, const cyg_backbone *net, const char *name,
                           int in_channels, int out_channels, cyg_error *err)
{
    const cyg_model *model = net->model;
    float *weights = NULL, *bias = NULL;
    *out = NULL;
    cyg_status status = read_weights(&weights, model, name, in_channels, out_channels, err);
    if (!status) status = scale_weights(weights, model, name, in_channels, out_channels, err);
    if (!status) status = read_bias(&bias, model, name, out_channels, err);
    if (!status) {
        cyg_conv *conv = calloc(1, sizeof *conv);
        const size_t size = cyg_pack_product_size(net->kernels, &net->kernels->f32, in_channels, out_channels);
        if (conv && (conv->packed = malloc(size))) {
            conv->kernels = net->kernels;
            conv->in_channels = in_channels;
            conv->out_channels = out_channels;
            cyg_pack_product(conv->packed, net->kernels, &net->kernels->f32, weights, bias, in_channels, out_channels);
            *out = conv;
        } else {
            free(conv);
            status = cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", cyg_model_path(model));
        }
    }
    free(weights);
    free(bias);
    return status;
}

void cyg_conv_free(cyg_conv *conv)
{
    if (!conv) return;
    free(conv->packed);
    free(conv);
}

void cyg_conv_run(const cyg_conv *conv, cyg_tensor in, float *out)
{
    assert(in.channels == conv->in_channels);
    conv->kernels->f32.product(out, conv->out_channels, in.data, in.channels, conv->packed,
                               in.height * in.width, in.channels, conv->out_channels, -INFINITY, INFINITY);
}

void cyg_softmax(float *values, int count)
{
    float top = values[0], sum = 0;
    for (int i = 1; i < count; i++) top = fmaxf(top, values[i]);
    for (int i = 0; i < count; i++) sum += values[i] = expf(values[i] - top);
    for (int i = 0; i < count; i++) values[i] /= sum;
}

float cyg_sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}
