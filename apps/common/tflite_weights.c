/* tflite_weights.c - from a file's constants to a model file's: another order, the same values. */
#include "tflite_weights.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Integers up to 2048 are exact in halves; a uint8 less its zero has nine bits. */
static uint16_t half_of(int value)
{
    if (value == 0) return 0;
    unsigned size = (unsigned)abs(value), exponent = 25;    /* of 2^10, biased */
    for (; size < 1024; size <<= 1) exponent--;
    return (uint16_t)((value < 0 ? 0x8000u : 0) | exponent << 10 | (size & 1023));
}

/* Weights as [kernel][kernel][in][out]; of a depthwise layer [kernel][kernel][channels][1]. */
typedef struct order {
    int    outputs, window, in;         /* window: places of the kernel; in: 1 for a depthwise layer */
    bool   depthwise;
    int    rank, shape[4];
} order;

static order order_of(const network_layer *l)
{
    const bool depthwise = l->op->code == TFLITE_DEPTHWISE, dense = l->op->code == TFLITE_DENSE;
    const int in = depthwise ? 1 : l->weights->shape[dense ? 1 : 3];
    order o = { l->channels, l->kernel * l->kernel, in, depthwise, 4, { l->kernel, l->kernel, in, l->channels } };
    if (depthwise) o.shape[2] = l->channels, o.shape[3] = 1;
    return o;
}

/* Which of the file's values is ours at (window, in, out). */
static size_t theirs(const order *o, int window, int in, int out)
{
    if (o->depthwise) return (size_t)window * (size_t)o->outputs + (size_t)out;
    return ((size_t)out * (size_t)o->window + (size_t)window) * (size_t)o->in + (size_t)in;
}

static void put(uint8_t *to, size_t bytes, const tflite_tensor *t, size_t from, int out)
{
    const int value = t->type == TFLITE_U8 || t->type == TFLITE_I8
                          ? (int)(tflite_stored(t, from) - tflite_zero(t, out)) : 0;
    const uint16_t half = half_of(value);
    if (t->type == TFLITE_U8) memcpy(to, &half, bytes);
    else if (t->type == TFLITE_I8 && bytes == 2) memcpy(to, &half, bytes);
    else memcpy(to, t->data + from * bytes, bytes);
}

/* int8 stays int8 if zero stands for 0 everywhere. */
static bool is_centred(const tflite_tensor *t)
{
    for (uint32_t i = 0; i < t->zero.count; i++)
        if (flat_i64(t->zero, i) != 0) return false;
    return true;
}

static cyg_status add_weights(model_writer *to, const network_layer *l, cyg_error *err)
{
    const tflite_tensor *const t = l->weights;
    const bool small = t->type == TFLITE_I8 && is_centred(t);
    const size_t bytes = t->type == TFLITE_F32 ? 4 : small ? 1 : 2;
    const order o = order_of(l);
    uint8_t *const values = malloc(t->count * bytes), *at = values;
    if (!values) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    for (int window = 0; window < o.window; window++)
        for (int in = 0; in < o.in; in++)
            for (int out = 0; out < o.outputs; out++, at += bytes)
                put(at, bytes, t, theirs(&o, window, in, out), out);
    char name[48];
    snprintf(name, sizeof name, "%s/weights", l->name);
    const cyg_status status = model_writer_add(to, name, bytes == 4 ? "F32" : small ? "I8" : "F16", o.rank, o.shape,
                                               values, t->count * bytes, err);
    free(values);
    return status;
}

static cyg_status add_floats(model_writer *to, const network_layer *l, const char *part, const tflite_tensor *t,
                             cyg_error *err)
{
    char name[48];
    const size_t size = (size_t)l->channels * sizeof(float);
    float *const values = malloc(size);
    if (!values) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    const bool is_bias = t == l->bias;
    for (int i = 0; i < l->channels; i++)
        values[i] = (float)(is_bias ? tflite_scale(t, i) * (tflite_stored(t, (size_t)i) - tflite_zero(t, i))
                                    : tflite_scale(t, i));
    snprintf(name, sizeof name, "%s/%s", l->name, part);
    const cyg_status status = model_writer_add(to, name, "F32", 1, &l->channels, values, size, err);
    free(values);
    return status;
}

cyg_status weights_add(model_writer *to, const network_layer *l, cyg_error *err)
{
    cyg_status status = add_weights(to, l, err);
    const bool integers = l->weights->type == TFLITE_U8 || l->weights->type == TFLITE_I8;
    if (!status && integers) status = add_floats(to, l, "scale", l->weights, err);
    if (!status && l->bias) status = add_floats(to, l, "bias", l->bias, err);
    return status;
}
