/* ops.c - arithmetic for heads: packed 1x1 convolutions, softmax, sigmoid. */
#include "plan.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALONE = 200000,             /* so few multiply-adds are done before another thread has heard of them */
    FEW_PIXELS = 12             /* a thread takes these or more, or no share of the pixels */
};

static int min(int a, int b) { return a < b ? a : b; }

struct cyg_conv {
    const cyg_kernels    *kernels;
    const cyg_arithmetic *arithmetic;   /* of the product: f32 or bf16 */
    const cyg_tap *tap;                 /* NULL: it reads floats of the caller's */
    int    pixels, in_channels;
    int    outs;                        /* of a pixel, all parts together */
    int    part_count;
    int   *part_outs;                   /* [part_count] */
    void  *packed;                      /* all parts side by side */
    float *joined;                      /* [pixels][outs], if there are several parts */
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

/* All the weights of a part, [in] rows, and its bias. */
static cyg_status read_part(float **weights, float **bias, const cyg_model *model, const char *name, int in, int outs,
                            cyg_error *err)
{
    cyg_status status = read_weights(weights, model, name, in, outs, err);
    if (!status) status = scale_weights(*weights, model, name, in, outs, err);
    if (!status) status = read_bias(bias, model, name, outs, err);
    return status;
}

/* The parts side by side: weights[in][outs], bias[outs]. */
static cyg_status join_parts(float *weights, float *bias, const cyg_conv *conv, const cyg_model *model,
                             const cyg_conv_part *parts, cyg_error *err)
{
    cyg_status status = CYG_OK;
    for (int p = 0, first = 0; p < conv->part_count && !status; first += parts[p++].channels) {
        const size_t outs = (size_t)parts[p].channels;
        float *part_weights = NULL, *part_bias = NULL;
        status = read_part(&part_weights, &part_bias, model, parts[p].name, conv->in_channels, parts[p].channels, err);
        for (int i = 0; i < conv->in_channels && !status; i++)
            memcpy(weights + (size_t)i * conv->outs + first, part_weights + i * outs, outs * sizeof *weights);
        if (!status) memcpy(bias + first, part_bias, outs * sizeof *bias);
        free(part_weights);
        free(part_bias);
    }
    return status;
}

static const cyg_tap *find_tap(const cyg_backbone *net, const char *name)
{
    for (int i = 0; name && i < net->tap_count; i++)
        if (!strcmp(net->taps[i].name, name)) return &net->taps[i];
    return NULL;
}

/* In bfloat16 where the layers are no more exact and this CPU is faster at it. */
static const cyg_arithmetic *choose_arithmetic(const cyg_backbone *net)
{
    const cyg_kernels *const table = net->kernels;
    for (int i = 0; net->arithmetic != &table->f32 && table->faster[i]; i++)
        if (!strcmp(table->faster[i], table->bf16.precision)) return &table->bf16;
    return &table->f32;
}

static cyg_conv *new_conv(const cyg_backbone *net, const char *tap, int channels, const cyg_conv_part *parts,
                          int count)
{
    cyg_conv *const conv = calloc(1, sizeof *conv);
    if (!conv) return NULL;
    *conv = (cyg_conv){ .kernels = net->kernels, .arithmetic = &net->kernels->f32, .tap = find_tap(net, tap),
                        .pixels = 1, .in_channels = channels, .part_count = count };
    if (conv->tap) {
        assert(conv->tap->channels == channels);
        conv->arithmetic = choose_arithmetic(net);
        conv->pixels = conv->tap->width * conv->tap->height;
    }
    conv->part_outs = calloc((size_t)count, sizeof *conv->part_outs);
    for (int p = 0; p < count && conv->part_outs; p++) conv->outs += conv->part_outs[p] = parts[p].channels;
    conv->packed = malloc(cyg_pack_product_size(conv->kernels, conv->arithmetic, 1, channels, conv->outs));
    conv->joined = malloc((size_t)conv->pixels * (count > 1 ? (size_t)conv->outs : 1) * sizeof *conv->joined);
    if (conv->part_outs && conv->packed && conv->joined) return conv;
    cyg_conv_free(conv);
    return NULL;
}

cyg_status cyg_conv_create(cyg_conv **out, const cyg_backbone *net, const char *tap, int channels,
                           const cyg_conv_part *parts, int count, cyg_error *err)
{
    cyg_conv *const conv = new_conv(net, tap, channels, parts, count);
    float *weights = conv ? malloc((size_t)channels * conv->outs * sizeof *weights) : NULL;
    float *bias = conv ? malloc((size_t)conv->outs * sizeof *bias) : NULL;
    cyg_status status;
    if (weights && bias) status = join_parts(weights, bias, conv, net->model, parts, err);
    else status = cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", cyg_model_path(net->model));
    if (!status)
        cyg_pack_product(conv->packed, conv->kernels, conv->arithmetic, weights, bias, 1, channels, conv->outs);
    free(weights);
    free(bias);
    if (status) cyg_conv_free(conv);
    *out = status ? NULL : conv;
    return status;
}

void cyg_conv_free(cyg_conv *conv)
{
    if (!conv) return;
    free(conv->part_outs);
    free(conv->packed);
    free(conv->joined);
    free(conv);
}

/* ---- Run --------------------------------------------------------------------------------- */

/* Outputs first .. last-1 of `pixels` pixels. */
static void multiply(const cyg_conv *conv, float *out, const void *in, int pixels, int first, int last)
{
    const cyg_arithmetic *const a = conv->arithmetic;
    const void *const packed = (const char *)conv->packed + cyg_pack_product_at(a, 1, conv->in_channels, first);
    const size_t in_step = (size_t)conv->in_channels;
    (a == &conv->kernels->f32 ? a->product : conv->kernels->product_floats)(
        out + first, (size_t)conv->outs, &in, 1, in_step, packed, pixels, conv->in_channels, last - first,
        -INFINITY, INFINITY);
}

typedef struct conv_work {
    const cyg_conv     *conv;
    const cyg_features *maps;
    cyg_map map;                        /* of conv->tap */
    float  *out;
    int     tasks;
} conv_work;

/* Part i of `tasks` of the pixels; of the outputs if the pixels are few. */
static void run_share(void *arg, int i)
{
    const conv_work *const work = arg;
    const cyg_conv *const conv = work->conv;
    const cyg_arithmetic *const a = conv->arithmetic, *const stored = work->map.arithmetic;
    void *const panel = work->maps->scratch[i].memory;
    const bool few = conv->pixels < FEW_PIXELS * work->tasks;
    const int count = few ? (conv->outs + a->columns - 1) / a->columns : conv->pixels;
    const int begin = (int)((int64_t)count * i / work->tasks), end = (int)((int64_t)count * (i + 1) / work->tasks);
    const int first = few ? begin * a->columns : 0, last = few ? min(end * a->columns, conv->outs) : conv->outs;
    const int to = few ? conv->pixels : end;
    for (int p = few ? 0 : begin, n; p < to && first < last; p += n) {
        const void *in = work->map.data + (size_t)p * conv->in_channels * stored->element;
        n = min(to - p, CYG_HEAD_PIXELS);
        if (stored != a) {
            (a->element == sizeof(float) ? stored->widen : stored->halve)(panel, in, (size_t)n, conv->in_channels,
                                                                          work->map.worth);
            in = panel;
        }
        multiply(conv, work->out + (size_t)p * conv->outs, in, n, first, last);
    }
}

static void take_apart(const cyg_conv *conv, float *const out[])
{
    const float *from = conv->joined;
    for (int pixel = 0; pixel < conv->pixels; pixel++)
        for (int p = 0; p < conv->part_count; from += conv->part_outs[p++])
            memcpy(out[p] + (size_t)pixel * conv->part_outs[p], from, (size_t)conv->part_outs[p] * sizeof *from);
}

void cyg_conv_run(const cyg_conv *conv, const cyg_features *maps, float *const out[])
{
    assert(conv->tap);
    const cyg_executor *const executor = &maps->executor;
    const bool shared = executor->parallel_for && (int64_t)conv->pixels * conv->in_channels * conv->outs > ALONE;
    conv_work work = { conv, maps, cyg_features_map(maps, conv->tap), conv->part_count > 1 ? conv->joined : out[0],
                       shared ? executor->threads : 1 };
    if (shared) executor->parallel_for(executor->context, work.tasks, run_share, &work);
    else run_share(&work, 0);
    if (conv->part_count > 1) take_apart(conv, out);
}

void cyg_conv_run_floats(const cyg_conv *conv, const float *in, float *const out[])
{
    assert(!conv->tap);
    multiply(conv, conv->part_count > 1 ? conv->joined : out[0], in, 1, 0, conv->outs);
    if (conv->part_count > 1) take_apart(conv, out);
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
