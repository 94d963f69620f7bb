/* model_random.c - a MobileNet of random weights, through the writer of model files. */
#include "model_random.h"
#include "model_writer.h"
#include "ops.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The first failure stays, and nothing is added after it. */
typedef struct maker {
    model_writer *writer;
    uint32_t      seed;
    cyg_status    status;
    cyg_error    *err;
} maker;

/* Uniform, from lo to hi. */
static float random_float(maker *m, float lo, float hi)
{
    m->seed = m->seed * 1664525u + 1013904223u;
    return lo + (hi - lo) * (float)(m->seed >> 8) / (1 << 24);
}

static void add(maker *m, const char *layer, const char *part, int rank, const int *shape, float lo, float hi)
{
    char name[64];
    size_t count = 1;
    if (m->status) return;
    snprintf(name, sizeof name, "%s/%s", layer, part);
    for (int i = 0; i < rank; i++) count *= (size_t)shape[i];
    float *const values = malloc(count * sizeof *values);
    if (!values) {
        m->status = cyg_fail(m->err, CYG_NO_MEMORY, "random weights: out of memory");
        return;
    }
    for (size_t i = 0; i < count; i++) values[i] = random_float(m, lo, hi);
    m->status = model_writer_add(m->writer, name, "F32", rank, shape, values, count * sizeof *values, m->err);
    free(values);
}

static void add_each(maker *m, const char *layer, const char *part, int channels, float lo, float hi)
{
    add(m, layer, part, 1, &channels, lo, hi);
}

/* Every kind of batch norm in turn: none but a bias, all of it, or a ready scale and bias. */
static void add_layer(maker *m, const char *name, int kernel, int in, int out, bool depthwise, int number)
{
    const float size = 2.4f / (float)(kernel * kernel * (depthwise ? 1 : in));
    add(m, name, "weights", 4, (int[]){ kernel, kernel, in, depthwise ? 1 : out }, -size, size * 1.5f);
    if (number % 3 == 1) {
        add_each(m, name, "mean", out, -.2f, .2f);
        add_each(m, name, "variance", out, .3f, 1.2f);
        add_each(m, name, "gamma", out, .7f, 1.3f);
        add_each(m, name, "beta", out, -.1f, .4f);
    } else {
        if (number % 3 == 2) add_each(m, name, "scale", out, .8f, 1.4f);
        add_each(m, name, "bias", out, -.1f, .4f);
    }
}

static void add_layers(maker *m, const random_model_params *p, const json_t *extra)
{
    cyg_layer_info layers[CYG_MAX_LAYERS];
    char name[32];
    int number;
    m->status = cyg_family_layers(layers, &number, p->family ? p->family : "mobilenet_v1", p->width, 64, 64, m->err);
    if (m->status) return;
    for (int i = 0; i < number; i++)
        add_layer(m, layers[i].name, layers[i].kernel, layers[i].in_channels, layers[i].out_channels,
                  layers[i].depthwise, i);
    int in = layers[number - 1].out_channels;
    for (size_t i = 0; i < json_array_size(extra); i++) {
        int kernel, stride, out;
        if (json_unpack(json_array_get(extra, i), "{s:i, s:i, s:i}", "kernel", &kernel, "stride", &stride,
                        "channels", &out)) return;
        snprintf(name, sizeof name, "extra%zu", i);
        add_layer(m, name, kernel, in, out, false, number++);
        in = out;
    }
}

static void add_convolutions(maker *m, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name;
        int in, out;
        if (json_unpack(json_array_get(list, i), "[s,i,i]", &name, &in, &out)) return;
        const float size = 3.f / sqrtf((float)in);
        add(m, name, "weights", 4, (int[]){ 1, 1, in, out }, -size, size);
        add_each(m, name, "bias", out, -1, 1);
    }
}

static json_t *list_of(const char *text)
{
    return json_loads(text ? text : "[]", 0, NULL);
}

/* Takes the lists over. */
static json_t *describe(const random_model_params *p, json_t *extra, json_t *taps, json_t *heads)
{
    json_t *const input = json_pack("{s:i, s:i, s:s, s:[f,f,f], s:[f,f,f], s:s, s:s, s:s}", "width", p->columns,
        "height", p->rows, "channels", "rgb", "mean", 127.5, 127.5, 127.5, "scale", 1 / 127.5, 1 / 127.5,
        1 / 127.5, "sample", "corner", "letterbox", "corner", "border", "black");
    json_t *const backbone = json_pack("{s:s, s:f, s:o, s:s, s:f, s:o, s:o}", "family",
        p->family ? p->family : "mobilenet_v1", "width", p->width, "input", input, "activation", "relu6",
        "epsilon", .001, "extra", extra, "taps", taps);
    if (p->equal) json_object_set_new(backbone, "equal", list_of(p->equal));
    return json_pack("{s:i, s:s, s:s, s:o, s:o, s:{}, s:{}}", "format", 1, "name", "random",
                     "summary", "Random weights.", "backbone", backbone, "heads", heads, "source", "licence");
}

cyg_status random_model_create(random_model *out, const random_model_params *p, cyg_error *err)
{
    *out = (random_model){ NULL, NULL };
    maker m = { .seed = 1, .err = err };
    json_t *const extra = list_of(p->extra), *const convolutions = list_of(p->convolutions);
    json_t *const description = describe(p, json_incref(extra), list_of(p->taps), list_of(p->heads));
    uint8_t *bytes = NULL;
    size_t size = 0;
    m.status = description && convolutions ? model_writer_create(&m.writer, err)
        : cyg_fail(err, CYG_ARGUMENT, "random weights: extra, taps, heads and convolutions must be JSON lists");
    if (!m.status) {
        add_layers(&m, p, extra);
        add_convolutions(&m, convolutions);
    }
    if (!m.status) m.status = model_writer_finish(&bytes, &size, m.writer, description, err);
    if (!m.status) m.status = cyg_model_wrap(&out->model, bytes, size, "random weights", err);
    model_writer_free(m.writer);
    json_decref(description);
    json_decref(convolutions);
    json_decref(extra);
    if (m.status) free(bytes);
    else out->bytes = bytes;
    return m.status;
}

void random_model_free(random_model *m)
{
    cyg_model_close(m->model);
    free(m->bytes);
}
