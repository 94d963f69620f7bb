/* network.c - model files in memory with random weights. */
#include "network.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct file {
    json_t  *header;
    float   *data;
    size_t   count;
    uint32_t seed;
} file;

static void check(int ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "random network: %s\n", what);
    exit(2);
}

/* Uniform, from lo to hi. */
static float random_float(file *f, float lo, float hi)
{
    f->seed = f->seed * 1664525u + 1013904223u;
    return lo + (hi - lo) * (float)(f->seed >> 8) / (1 << 24);
}

static void add(file *f, const char *layer, const char *part, json_t *shape, size_t count, float lo, float hi)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%s", layer, part);
    f->data = realloc(f->data, (f->count + count) * sizeof *f->data);
    check(f->data != NULL, "out of memory");
    for (size_t i = 0; i < count; i++) f->data[f->count + i] = random_float(f, lo, hi);
    json_object_set_new(f->header, name, json_pack("{s:s, s:o, s:[I,I]}", "dtype", "F32", "shape", shape,
        "data_offsets", (json_int_t)(f->count * 4), (json_int_t)((f->count + count) * 4)));
    f->count += count;
}

static void add_each(file *f, const char *layer, const char *part, int channels, float lo, float hi)
{
    add(f, layer, part, json_pack("[i]", channels), (size_t)channels, lo, hi);
}

/* Every kind of batch norm in turn: none but a bias, all of it, or a ready scale and bias. */
static void add_layer(file *f, const char *name, int kernel, int in, int out, bool depthwise, int number)
{
    const float size = 2.4f / (float)(kernel * kernel * (depthwise ? 1 : in));
    add(f, name, "weights", json_pack("[i,i,i,i]", kernel, kernel, in, depthwise ? 1 : out),
        (size_t)kernel * kernel * in * (depthwise ? 1 : out), -size, size * 1.5f);
    if (number % 3 == 1) {
        add_each(f, name, "mean", out, -.2f, .2f);
        add_each(f, name, "variance", out, .3f, 1.2f);
        add_each(f, name, "gamma", out, .7f, 1.3f);
        add_each(f, name, "beta", out, -.1f, .4f);
    } else {
        if (number % 3 == 2) add_each(f, name, "scale", out, .8f, 1.4f);
        add_each(f, name, "bias", out, -.1f, .4f);
    }
}

static void add_layers(file *f, const char *family, double alpha, const json_t *extra)
{
    cyg_layer_info layers[CYG_MAX_LAYERS];
    char name[32];
    int number;
    check(!cyg_family_layers(layers, &number, family, alpha, 64, 64, NULL), "family and width");
    for (int i = 0; i < number; i++)
        add_layer(f, layers[i].name, layers[i].kernel, layers[i].in_channels, layers[i].out_channels,
                  layers[i].depthwise, i);
    int in = layers[number - 1].out_channels;
    for (size_t i = 0; i < json_array_size(extra); i++) {
        int kernel, stride, out;
        json_unpack(json_array_get(extra, i), "{s:i, s:i, s:i}", "kernel", &kernel, "stride", &stride,
                    "channels", &out);
        snprintf(name, sizeof name, "extra%zu", i);
        add_layer(f, name, kernel, in, out, false, number++);
        in = out;
    }
}

static void add_convolutions(file *f, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name;
        int in, out;
        check(!json_unpack(json_array_get(list, i), "[s,i,i]", &name, &in, &out), "a convolution is [NAME, in, out]");
        const float size = 3.f / sqrtf((float)in);
        add(f, name, "weights", json_pack("[i,i,i,i]", 1, 1, in, out), (size_t)in * out, -size, size);
        add_each(f, name, "bias", out, -1, 1);
    }
}

static char *describe(const char *family, double alpha, int width, int height, int output_stride, json_t *extra,
                      json_t *taps, json_t *heads)
{
    json_t *input = json_pack("{s:i, s:i, s:s, s:[f,f,f], s:[f,f,f], s:s, s:s, s:s}", "width", width,
        "height", height, "channels", "rgb", "mean", 127.5, 127.5, 127.5, "scale", 1 / 127.5, 1 / 127.5,
        1 / 127.5, "sample", "corner", "letterbox", "corner", "border", "black");
    json_t *backbone = json_pack("{s:s, s:f, s:o, s:s, s:f, s:o, s:o}", "family", family, "width",
        alpha, "input", input, "activation", "relu6", "epsilon", .001, "extra", extra, "taps", taps);
    if (output_stride) json_object_set_new(backbone, "output_stride", json_integer(output_stride));
    json_t *all = json_pack("{s:i, s:s, s:s, s:o, s:o, s:{}, s:{}}", "format", 1, "name", "random",
        "summary", "Random weights.", "backbone", backbone, "heads", heads, "source", "licence");
    char *text = json_dumps(all, JSON_COMPACT);
    json_decref(all);
    return text;
}

network network_make(double alpha, int width, int height, const char *extra, const char *taps)
{
    return network_make_heads(alpha, width, height, extra, taps, "[]", "[]");
}

network network_make_heads(double alpha, int width, int height, const char *extra, const char *taps,
                           const char *heads, const char *convolutions)
{
    return network_make_family("mobilenet_v1", alpha, width, height, 0, extra, taps, heads, convolutions);
}

network network_make_family(const char *family, double alpha, int width, int height, int output_stride,
                            const char *extra_text, const char *taps_text, const char *heads_text,
                            const char *convolutions_text)
{
    network net = { NULL, NULL };
    json_t *extra = json_loads(extra_text, 0, NULL), *taps = json_loads(taps_text, 0, NULL);
    json_t *heads = json_loads(heads_text, 0, NULL), *convolutions = json_loads(convolutions_text, 0, NULL);
    check(extra && taps && heads && convolutions, "extra, taps, heads and convolutions must be JSON lists");
    file f = { .header = json_object(), .seed = 1 };
    add_layers(&f, family, alpha, extra);
    add_convolutions(&f, convolutions);
    json_decref(convolutions);
    char *description = describe(family, alpha, width, height, output_stride, extra, taps, heads);
    json_object_set_new(f.header, "__metadata__", json_pack("{s:s}", "cygnet", description));
    char *header = json_dumps(f.header, JSON_COMPACT);
    const uint64_t length = strlen(header);
    const size_t size = 8 + length + f.count * 4;
    check((net.bytes = malloc(size)) != NULL, "out of memory");
    memcpy(net.bytes, &length, 8);
    memcpy((char *)net.bytes + 8, header, length);
    memcpy((char *)net.bytes + 8 + length, f.data, f.count * 4);
    free(header);
    free(description);
    free(f.data);
    json_decref(f.header);

    cyg_error err = { 0 };
    check(cyg_model_wrap(&net.model, net.bytes, size, "random", &err) == CYG_OK, err.message);
    return net;
}

void network_free(network *net)
{
    cyg_model_close(net->model);
    free(net->bytes);
}
