/* tflite_network.c - recognises MobileNetV1 in a TensorFlow Lite file, operator by operator. */
#include "tflite_network.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Table 1 of the paper: stride and channels of the thirteen separable convolutions. */
static const struct { int stride, channels; } blocks[] = {
    { 1, 64 }, { 2, 128 }, { 1, 128 }, { 2, 256 }, { 1, 256 }, { 2, 512 }, { 1, 512 }, { 1, 512 }, { 1, 512 },
    { 1, 512 }, { 1, 512 }, { 2, 1024 }, { 1, 1024 },
};
enum { BLOCKS = sizeof blocks / sizeof *blocks, FIRST_CHANNELS = 32, LEAST_CHANNELS = 8 };

/* ---- Ways through the graph ------------------------------------------------------------ */

/* The one operator that reads t; NULL if there are none or several. */
static const tflite_operator *only_reader(const tflite *file, const tflite_tensor *t)
{
    const tflite_operator *const o = tflite_reader(file, t, NULL);
    return o && !tflite_reader(file, t, o) ? o : NULL;
}

const tflite_tensor *network_reshaped(const tflite *file, const tflite_tensor *t)
{
    for (;;) {
        const tflite_operator *const o = only_reader(file, t);
        if (!o || tflite_in(file, o, 0) != t) return t;
        if (o->code != TFLITE_RESHAPE && o->code != TFLITE_SQUEEZE && o->code != TFLITE_QUANTIZE &&
            o->code != TFLITE_DEQUANTIZE) return t;
        const tflite_tensor *const next = tflite_out(file, o, 0);
        if (!next) return t;
        t = next;
    }
}

/* What the file holds for t, which may be widened from halves first; NULL: computed. */
static const tflite_tensor *constant(const tflite *file, const tflite_tensor *t)
{
    const tflite_operator *const maker = tflite_maker(file, t);
    if (maker && maker->code == TFLITE_DEQUANTIZE) t = tflite_in(file, maker, 0);
    return t && t->data ? t : NULL;
}

/* ---- One layer --------------------------------------------------------------------------- */

static bool is_number(const tflite_tensor *t)
{
    return t->type == TFLITE_F32 || t->type == TFLITE_F16 || t->type == TFLITE_U8 || t->type == TFLITE_I8;
}

/* Kernel, channels and constants of o; in: channels of its input. */
static cyg_status read_constants(network_layer *l, const tflite_operator *o, int in, cyg_error *err)
{
    const bool depthwise = o->code == TFLITE_DEPTHWISE, dense = o->code == TFLITE_DENSE;
    const tflite_tensor *const w = constant(l->file, tflite_in(l->file, o, 1)), *const bias = tflite_in(l->file, o, 2);
    if (!w || w->rank != (dense ? 2 : 4) || !is_number(w))
        return tflite_refuse(l->file, o, err, "found no constant weights of float, half, uint8 or int8");
    const int *const s = w->shape;
    l->kernel = dense ? 1 : s[1];
    l->channels = depthwise ? s[3] : s[0];
    const bool is_square = dense || s[1] == s[2];
    if ((dense ? s[1] : s[3]) != in || (depthwise && s[0] != 1) || !is_square || (l->kernel != 1 && l->kernel != 3))
        return tflite_refuse(l->file, o, err, "found weights of %s, expected a 1x1 or 3x3 kernel over %d channels",
                             tflite_shape(w).text, in);
    if ((w->type == TFLITE_U8 || w->type == TFLITE_I8) &&
        (w->scale.count == 0 || (w->scale.count > 1 && w->axis != (depthwise ? 3 : 0))))
        return tflite_refuse(l->file, o, err, "found integer weights without a scale, or with one for each index of "
                             "another axis, expected one in all or one for each output");
    l->weights = w;
    l->bias = constant(l->file, bias);
    if (bias && (!l->bias || l->bias->count != (size_t)l->channels))
        return tflite_refuse(l->file, o, err, "found another bias, expected %d constants", l->channels);
    return CYG_OK;
}

/* In a quantised network the ends of the output's range act as an activation. */
static int saturation(const tflite_tensor *out, double upper)
{
    const double least = out->type == TFLITE_I8 ? -128 : 0;
    if (upper == 0 || tflite_zero(out, 0) != least) return TFLITE_NONE;
    return fabs(upper - 6) < .06 ? TFLITE_FUSED_RELU6 : TFLITE_FUSED_RELU;
}

/* The activation, fused or behind or by saturation; moves l->out behind it. */
static int find_activation(network_layer *l)
{
    int found = l->op->activation;
    const tflite_operator *const next = only_reader(l->file, l->out);
    if (found == TFLITE_NONE && next && (next->code == TFLITE_RELU || next->code == TFLITE_RELU6) &&
        tflite_out(l->file, next, 0)) {
        found = next->code == TFLITE_RELU ? TFLITE_FUSED_RELU : TFLITE_FUSED_RELU6;
        l->out = tflite_out(l->file, next, 0);
    }
    const double most = l->out->type == TFLITE_I8 ? 127 : 255;
    const bool quantised = l->out->scale.count == 1 && (l->out->type == TFLITE_I8 || l->out->type == TFLITE_U8);
    l->upper = quantised ? tflite_scale(l->out, 0) * (most - tflite_zero(l->out, 0)) : 0;
    if (found == TFLITE_NONE) found = saturation(l->out, l->upper);
    if (found == TFLITE_FUSED_RELU6 && l->upper > 6) l->upper = 6;
    return found;
}

cyg_status network_layer_read(network_layer *out, const tflite *file, const tflite_operator *o, const tflite_tensor *t,
                              bool activated, bool *relu6, cyg_error *err)
{
    *out = (network_layer){ .file = file, .op = o, .out = tflite_out(file, o, 0), .stride = o->stride_x };
    const int in = t->rank >= 1 && t->rank <= 4 ? t->shape[t->rank - 1] : 0;
    const cyg_status status = read_constants(out, o, in, err);
    if (status) return status;
    if (o->stride_x != o->stride_y || o->stride_x < 1 || o->stride_x > 2 || o->dilation_x != 1 || o->dilation_y != 1)
        return tflite_refuse(file, o, err, "found stride %dx%d, dilation %dx%d, expected stride 1 or 2 both ways, no "
                             "dilation", o->stride_x, o->stride_y, o->dilation_x, o->dilation_y);
    if (!out->out || out->out->rank < 1 || out->out->rank > 4 || out->out->shape[out->out->rank - 1] != out->channels)
        return tflite_refuse(file, o, err, "found an output of another shape, expected %d channels", out->channels);
    if (!activated && o->activation == TFLITE_NONE) return CYG_OK;
    const int activation = find_activation(out);
    if (!activated || (activation != TFLITE_FUSED_RELU && activation != TFLITE_FUSED_RELU6))
        return tflite_refuse(file, o, err, "found %s, expected %s", activation == TFLITE_NONE ? "no activation" :
                             activated ? "another activation" : "an activation",
                             activated ? "ReLU or ReLU6, as in MobileNetV1" : "none");
    *relu6 = activation == TFLITE_FUSED_RELU6;
    return CYG_OK;
}

/* ---- Zeros around the input ------------------------------------------------------------------ */

/* Zeros before and after, that padding SAME would add; -1: the size is unknown. */
static int same_zeros(int *before, int size, int kernel, int stride)
{
    if (size < 1) return -1;
    const int total = ((size + stride - 1) / stride - 1) * stride + kernel - size;
    *before = total > 0 ? total / 2 : 0;
    return total > 0 ? total - *before : 0;
}

/* True if pad adds just what SAME would to t. */
static bool pads_as_same(const tflite *file, const tflite_operator *pad, const tflite_tensor *t, int kernel, int stride)
{
    const tflite_tensor *const amounts = tflite_in(file, pad, 1);
    if (!amounts || !amounts->data || amounts->count != 8 || t->rank != 4) return false;
    for (int axis = 0; axis < 4; axis++) {
        int before = 0, after = 0;
        if (axis == 1 || axis == 2) after = same_zeros(&before, t->shape[axis], kernel, stride);
        if (tflite_stored(amounts, 2 * (size_t)axis) != before || tflite_stored(amounts, 2 * (size_t)axis + 1) != after)
            return false;
    }
    return true;
}

/* Padding SAME, or what makes no difference to it. */
static cyg_status check_padding(const tflite *file, const network_layer *l, const tflite_operator *pad,
                                const tflite_tensor *t, cyg_error *err)
{
    if (pad && !(l->op->valid && pads_as_same(file, pad, t, l->kernel, l->stride)))
        return tflite_refuse(file, pad, err, "found zeros put around its input that differ from padding SAME");
    if (!pad && l->op->valid && l->kernel != 1)
        return tflite_refuse(file, l->op, err, "found padding VALID, expected SAME");
    return CYG_OK;
}

/* ---- The body ----------------------------------------------------------------------------------- */

/* The width multipliers that give every layer so far its channels: low <= width < high. */
typedef struct multipliers { double low, high; } multipliers;

static bool narrow(multipliers *m, int base, int channels)
{
    const double high = (double)(channels + 1) / base;
    const double low = channels == LEAST_CHANNELS ? 0 : (double)channels / base;
    if (low > m->low) m->low = low;
    if (high < m->high) m->high = high;
    return channels >= LEAST_CHANNELS && m->low < m->high;
}

/* The operator of that kind among those that read t, over the zeros that may be put around it. */
static const tflite_operator *find_reader(const tflite *file, const tflite_tensor *t, int code,
                                          const tflite_operator **pad)
{
    *pad = NULL;
    for (const tflite_operator *o = NULL; (o = tflite_reader(file, t, o)); ) {
        if (o->code == code && tflite_in(file, o, 0) == t) return o;
        const tflite_tensor *const padded = o->code == TFLITE_PAD ? tflite_out(file, o, 0) : NULL;
        const tflite_operator *const behind = padded ? only_reader(file, padded) : NULL;
        if (!behind || behind->code != code) continue;
        *pad = o;
        return behind;
    }
    return NULL;
}

/* Adds the layer that reads *t; *t moves behind it. base 0: as many channels as its input. */
static cyg_status add_layer(network *n, const tflite_tensor **t, multipliers *m, const char *name, int code, int kernel,
                            int stride, int base, cyg_error *err)
{
    const tflite *const file = n->file;
    const char *const kind = code == TFLITE_DEPTHWISE ? "DEPTHWISE_CONV_2D" : "CONV_2D";
    const tflite_operator *pad, *const o = find_reader(file, *t, code, &pad);
    const tflite_operator *const other = tflite_reader(file, *t, NULL);
    network_layer *const l = &n->layers[n->layer_count];
    if (!o && !other)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: found the end of the network at '%s', expected %s %dx%d (%s of "
                        "MobileNetV1)", file->path, (*t)->name, kind, kernel, kernel, name);
    if (!o) return tflite_refuse(file, other, err, "expected %s %dx%d (%s of MobileNetV1)", kind, kernel, kernel, name);

    bool relu6 = false;
    cyg_status status = network_layer_read(l, file, o, *t, true, &relu6, err);
    if (status) return status;
    if (l->kernel != kernel || l->stride != stride)
        return tflite_refuse(file, o, err, "found a %dx%d kernel with stride %d, expected %dx%d with %d (%s of "
                             "MobileNetV1)", l->kernel, l->kernel, l->stride, kernel, kernel, stride, name);
    if (base && !narrow(m, base, l->channels))
        return tflite_refuse(file, o, err, "found %d channels, expected %d (%s of MobileNetV1 of width %.4g)",
                             l->channels, (int)(base * n->width), name, n->width);
    if (base) n->width = m->low > 0 ? m->low : (m->low + m->high) / 2;
    status = check_padding(file, l, pad, *t, err);
    if (status) return status;
    if (n->layer_count > 0 && relu6 != n->relu6)
        return tflite_refuse(file, o, err, "found %s, expected one activation in all layers", relu6 ? "ReLU6" : "ReLU");
    n->relu6 = relu6;
    snprintf(l->name, sizeof l->name, "%s", name);
    n->layer_count++;
    *t = l->out;
    return CYG_OK;
}

static cyg_status find_input(network *n, cyg_error *err)
{
    const tflite_tensor *t = n->file->inputs.count == 1 ? &n->file->tensors[flat_i32(n->file->inputs, 0)] : NULL;
    if (!t || t->rank != 4 || t->shape[0] != 1 || t->shape[3] != 3)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: input '%s': found %s, expected one picture, 1 x height x width x 3",
                        n->file->path, t ? t->name : "", t ? tflite_shape(t).text : "several");
    if (t->type != TFLITE_F32 && t->type != TFLITE_U8 && t->type != TFLITE_I8)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: input '%s': found type %d, expected float32, uint8 or int8",
                        n->file->path, t->name, t->type);
    n->input = t;
    return CYG_OK;
}

cyg_status network_find(network *n, const tflite *file, cyg_error *err)
{
    *n = (network){ .file = file };
    cyg_status status = find_input(n, err);
    if (status) return status;
    const tflite_tensor *t = network_reshaped(file, n->input);
    multipliers m = { 0, 16 };
    status = add_layer(n, &t, &m, "conv0", TFLITE_CONV, 3, 2, FIRST_CHANNELS, err);
    for (int i = 0; i < BLOCKS && !status; i++) {
        char name[32];
        snprintf(name, sizeof name, "conv%d_dw", i + 1);
        status = add_layer(n, &t, &m, name, TFLITE_DEPTHWISE, 3, blocks[i].stride, 0, err);
        snprintf(name, sizeof name, "conv%d_pw", i + 1);
        if (!status) status = add_layer(n, &t, &m, name, TFLITE_CONV, 1, 1, blocks[i].channels, err);
    }
    n->body_count = n->layer_count;
    return status;
}

cyg_status network_find_extra(network *n, const tflite_operator *const *predictors, int predictor_count, cyg_error *err)
{
    for (;;) {
        const tflite_tensor *const t = n->layers[n->layer_count - 1].out;
        const tflite_operator *next = NULL, *o = NULL;
        while ((o = tflite_reader(n->file, t, o))) {
            bool known = false;
            for (int i = 0; i < predictor_count; i++) known |= predictors[i] == o;
            if (!known && !next) next = o;
        }
        if (!next) return CYG_OK;
        if (n->layer_count == NETWORK_LAYERS || next->code != TFLITE_CONV)
            return tflite_refuse(n->file, next, err, "expected a CONV_2D behind the MobileNet");
        bool relu6;
        network_layer *const l = &n->layers[n->layer_count];
        cyg_status status = network_layer_read(l, n->file, next, t, true, &relu6, err);
        if (!status) status = check_padding(n->file, l, NULL, t, err);
        if (status) return status;
        if (relu6 != n->relu6) return tflite_refuse(n->file, next, err, "found another activation than before");
        snprintf(l->name, sizeof l->name, "extra%d", n->layer_count - n->body_count);
        n->layer_count++;
    }
}
