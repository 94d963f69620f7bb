/* test_backbone.c - whole backbones on every table: random networks against a naive network in
 * double, threads against one thread, the published detector against its golden tensors. */
#include "network.h"
#include "../backbone/kernels/kernels.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static cyg_backbone *backbone(const cyg_model *model, const char *isa, const char *precision)
{
    const cyg_backbone_params params = { .isa = isa, .precision = precision };
    cyg_error err = { 0 };
    cyg_backbone *net;
    if (cyg_backbone_create(&net, model, &params, &err)) fail_msg("%s", err.message);
    assert_string_equal(cyg_backbone_isa(net), isa);
    assert_string_equal(cyg_backbone_precision(net), precision);
    return net;
}

static cyg_features *features(const cyg_backbone *net, const cyg_executor *executor)
{
    cyg_error err = { 0 };
    cyg_features *maps;
    if (cyg_features_create(&maps, net, executor, &err)) fail_msg("%s", err.message);
    return maps;
}

static float *random_input(const cyg_backbone *net)
{
    const size_t n = (size_t)cyg_backbone_width(net) * cyg_backbone_height(net) * 3;
    float *input = malloc(n * sizeof *input);
    uint32_t seed = 7;
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        input[i] = (float)(seed >> 8) / (1 << 23) - 1;
    }
    return input;
}

/* ---- The naive network: one layer after the other, as the paper writes it ------------- */

static float *part(const cyg_model *model, const char *layer, const char *name, int channels)
{
    char full[64];
    float *values = NULL;
    cyg_stored stored;
    snprintf(full, sizeof full, "%s/%s", layer, name);
    if (cyg_model_find(model, full, &stored))
        assert_int_equal(cyg_model_floats(&values, model, full, 1, &channels, NULL), CYG_OK);
    return values;
}

static void normalise(double *map, size_t pixels, const cyg_model *model, const cyg_layer_info *l)
{
    const int n = l->out_channels;
    float *mean = part(model, l->name, "mean", n), *variance = part(model, l->name, "variance", n);
    float *gamma = part(model, l->name, "gamma", n), *beta = part(model, l->name, "beta", n);
    float *scale = part(model, l->name, "scale", n), *bias = part(model, l->name, "bias", n);
    for (size_t i = 0; i < pixels * n; i++) {
        const size_t c = i % n;
        double y = map[i];
        if (mean) y -= mean[c];
        if (gamma) y *= gamma[c];
        if (variance) y /= sqrt(variance[c] + .001);
        if (beta) y += beta[c];
        if (scale) y *= scale[c];
        if (bias) y += bias[c];
        map[i] = y < 0 ? 0 : y > 6 ? 6 : y;
    }
    free(mean); free(variance); free(gamma); free(beta); free(scale); free(bias);
}

/* Zeros before the first row or column (TensorFlow's SAME: an odd one comes after). */
static int zeros_before(int in, int out, const cyg_layer_info *l)
{
    const int total = (out - 1) * l->stride + l->kernel - in;
    return total > 0 ? total / 2 : 0;
}

static void convolve_pixel(double *out, const double *in, const float *w, const cyg_layer_info *l, int y, int x)
{
    const int pad_x = zeros_before(l->in_width, l->out_width, l);
    const int pad_y = zeros_before(l->in_height, l->out_height, l);
    for (int tap = 0; tap < l->kernel * l->kernel; tap++) {
        const int iy = y * l->stride - pad_y + tap / l->kernel, ix = x * l->stride - pad_x + tap % l->kernel;
        if (iy < 0 || ix < 0 || iy >= l->in_height || ix >= l->in_width) continue;
        const double *pixel = in + ((size_t)iy * l->in_width + ix) * l->in_channels;
        if (l->depthwise) {
            for (int c = 0; c < l->in_channels; c++) out[c] += pixel[c] * w[(size_t)tap * l->in_channels + c];
            continue;
        }
        for (int c = 0; c < l->in_channels; c++)
            for (int o = 0; o < l->out_channels; o++)
                out[o] += pixel[c] * w[((size_t)tap * l->in_channels + c) * l->out_channels + o];
    }
}

/* The output of layer i from its input; frees the input. */
static double *naive_layer(double *in, const cyg_model *model, const cyg_layer_info *l)
{
    const int shape[4] = { l->kernel, l->kernel, l->in_channels, l->depthwise ? 1 : l->out_channels };
    const size_t pixels = (size_t)l->out_width * l->out_height;
    char name[64];
    float *w;
    snprintf(name, sizeof name, "%s/weights", l->name);
    assert_int_equal(cyg_model_floats(&w, model, name, 4, shape, NULL), CYG_OK);
    double *out = calloc(pixels * l->out_channels, sizeof *out);
    for (size_t i = 0; i < pixels; i++)
        convolve_pixel(out + i * l->out_channels, in, w, l, (int)(i / l->out_width), (int)(i % l->out_width));
    normalise(out, pixels, model, l);
    free(in);
    free(w);
    return out;
}

/* ---- Comparing -------------------------------------------------------------------------- */

/* |got - want| / |want|, Euclidean. */
static double distance(const float *got, const double *want, size_t n)
{
    double difference = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        difference += (got[i] - want[i]) * (got[i] - want[i]);
        size += want[i] * want[i];
    }
    return sqrt(difference / size);
}

static const char *const precisions[] = { "f32", "bf16", "i8" };
/* bfloat16 keeps 8 bits, and 28 layers of it add up; levels keep 7, and these networks do not use
 * the whole of their ranges. */
static const double limits[] = { 2e-6, 1.5e-2, 8e-2 };
enum { PRECISIONS = 3 };

static void assert_map(const cyg_backbone *net, const cyg_features *maps, const char *name, const double *want)
{
    int precision = 0;
    while (strcmp(cyg_backbone_precision(net), precisions[precision])) precision++;
    const double limit = limits[precision];
    const cyg_tensor got = cyg_features_get(maps, name);
    if (!got.data) return;
    const double d = distance(got.data, want, (size_t)got.width * got.height * got.channels);
    if (!(d < limit))
        fail_msg("%s %s: %s: relative distance %g", cyg_backbone_isa(net), cyg_backbone_precision(net), name, d);
}

/* Integers are the same in every table. */
static void assert_same_bits(const cyg_features *got, const cyg_features *want, const char *name, const char *isa)
{
    const cyg_tensor a = cyg_features_get(got, name), b = cyg_features_get(want, name);
    if (a.data && memcmp(a.data, b.data, (size_t)a.width * a.height * a.channels * sizeof *a.data))
        fail_msg("%s i8: %s is not the same as in another table", isa, name);
}

typedef struct shape {
    double alpha;
    int width, height;
    const char *extra, *taps, *family;          /* family NULL: mobilenet_v1 */
} shape;

static const shape shapes[] = {
    { .alpha = .3, .width = 45, .height = 37,
      .extra = "[{\"kernel\":1,\"stride\":1,\"channels\":13},{\"kernel\":3,\"stride\":2,\"channels\":21},"
               "{\"kernel\":1,\"stride\":2,\"channels\":7},{\"kernel\":3,\"stride\":1,\"channels\":5}]",
      .taps = "[\"conv0\",\"conv3_dw\",\"conv5_pw\",\"pool\",\"conv13_dw\","
              "\"extra0\",\"extra1\",\"extra2\",\"extra3\"]" },
    { .alpha = .25, .width = 224, .height = 160, .extra = "[]", .taps = "[\"conv6_pw\",\"conv13_pw\",\"pool\"]" },
    { .alpha = .4, .width = 250, .height = 331, .extra = "[]", .taps = "[\"conv5_pw\",\"conv13_pw\"]" },
    { .alpha = .13, .width = 16, .height = 16, .extra = "[]", .taps = "[\"conv0\",\"conv13_pw\"]" },
    { .alpha = .5, .width = 17, .height = 18, .extra = "[]", .taps = "[\"conv0\"]" },
    { .alpha = .2, .width = 65, .height = 49, .extra = "[]", .taps = "[\"conv4\",\"conv13\"]",
      .family = "mobilenet_v1_conv" },
    { .alpha = .5, .width = 70, .height = 64, .extra = "[]", .taps = "[\"conv6_pw\",\"conv8_pw\"]",
      .family = "mobilenet_v1_shallow" },
    { .alpha = .25, .width = 97, .height = 81, .extra = "[]", .taps = "[\"conv11_pw\",\"conv13_pw\"]",
      .family = "mobilenet_v1_pose" },
};

static network random_network(const shape *s)
{
    return network_make_family(s->family ? s->family : "mobilenet_v1", s->alpha, s->width, s->height,
                               s->extra, s->taps, "[]", "[]");
}

static void naive_agrees(void **state)
{
    const cyg_kernels *list[CYG_MAX_ISAS];
    const int count = PRECISIONS * cyg_kernels_list(list);
    const shape *s = *state;
    network random = random_network(s);
    cyg_backbone *nets[PRECISIONS * CYG_MAX_ISAS];
    cyg_features *maps[PRECISIONS * CYG_MAX_ISAS];
    for (int i = 0; i < count; i++) {
        nets[i] = backbone(random.model, list[i / PRECISIONS]->isa, precisions[i % PRECISIONS]);
        maps[i] = features(nets[i], NULL);
        float *input = random_input(nets[i]);
        for (int again = 0; again < 2; again++) cyg_backbone_run_tensor(nets[i], input, maps[i]);
        free(input);
    }
    float *input = random_input(nets[0]);
    const size_t n = (size_t)s->width * s->height * 3;
    double *map = malloc(n * sizeof *map);
    for (size_t i = 0; i < n; i++) map[i] = input[i];
    for (int l = 0; l < cyg_backbone_layer_count(nets[0]); l++) {
        const cyg_layer_info info = cyg_backbone_layer(nets[0], l);
        map = naive_layer(map, random.model, &info);
        for (int i = 0; i < count; i++) assert_map(nets[i], maps[i], info.name, map);
        for (int i = 2; i < count; i += PRECISIONS)
            assert_same_bits(maps[i], maps[2], info.name, cyg_backbone_isa(nets[i]));
        if (strcmp(info.name, "conv13_pw")) continue;
        double *mean = calloc(info.out_channels, sizeof *mean);
        const int pixels = info.out_width * info.out_height;
        for (int p = 0; p < pixels * info.out_channels; p++) mean[p % info.out_channels] += map[p] / pixels;
        for (int i = 0; i < count; i++) assert_map(nets[i], maps[i], "pool", mean);
        free(mean);
    }
    free(map);
    free(input);
    for (int i = 0; i < count; i++) {
        cyg_features_free(maps[i]);
        cyg_backbone_free(nets[i]);
    }
    network_free(&random);
}

/* ---- Threads ------------------------------------------------------------------------------ */

typedef struct part_of_loop { void (*task)(void *, int); void *arg; int i; } part_of_loop;

static void *run_part(void *p)
{
    const part_of_loop *part_of = p;
    part_of->task(part_of->arg, part_of->i);
    return NULL;
}

/* A thread per task: the widest that an executor can be. */
static void thread_per_task(void *context, int count, void (*task)(void *, int), void *arg)
{
    pthread_t threads[64];
    part_of_loop parts[64];
    for (int i = 0; i < count; i++) {
        parts[i] = (part_of_loop){ task, arg, i };
        assert_int_equal(pthread_create(&threads[i], NULL, run_part, &parts[i]), 0);
    }
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

static void threads_change_no_bit(const shape *s, const char *precision)
{
    network random = random_network(s);
    cyg_backbone *net = backbone(random.model, cyg_kernels_find(NULL)->isa, precision);
    float *input = random_input(net);
    cyg_features *one = features(net, NULL);
    cyg_backbone_run_tensor(net, input, one);
    for (int threads = 1; threads <= 8; threads++) {
        const cyg_executor executor = { thread_per_task, NULL, threads };
        cyg_features *many = features(net, &executor);
        cyg_backbone_run_tensor(net, input, many);
        json_t *taps = json_loads(s->taps, 0, NULL);
        for (size_t i = 0; i < json_array_size(taps); i++) {
            const char *name = json_string_value(json_array_get(taps, i));
            const cyg_tensor a = cyg_features_get(one, name), b = cyg_features_get(many, name);
            assert_non_null(a.data);
            if (memcmp(a.data, b.data, (size_t)a.width * a.height * a.channels * sizeof *a.data))
                fail_msg("%s: %s differs with %d threads", precision, name, threads);
        }
        json_decref(taps);
        cyg_features_free(many);
    }
    cyg_features_free(one);
    cyg_backbone_free(net);
    free(input);
    network_free(&random);
}

static void threads_agree(void **state)
{
    threads_change_no_bit(*state, "f32");
    threads_change_no_bit(*state, "bf16");
    threads_change_no_bit(*state, "i8");
}

/* ---- The published detector ---------------------------------------------------------------- */

/* Its input in the golden files: pixels from integer arithmetic alone. */
static float *blocks_input(int width, int height)
{
    float *input = malloc((size_t)width * height * 3 * sizeof *input);
    for (int i = 0; i < width * height * 3; i++) {
        const int c = i % 3, x = i / 3 % width, y = i / 3 / width;
        const int v = (((x >> 5) * 37 + (y >> 5) * 91 + c * 53) & 127) + ((uint32_t)i * 2654435761u >> 26 & 63);
        input[i] = (float)(v / 127.5) - 1;
    }
    return input;
}

static void golden(const cyg_features *maps, const char *tap, const char *file, const char *isa)
{
    const cyg_tensor got = cyg_features_get(maps, tap);
    assert_non_null(got.data);
    const size_t n = (size_t)got.width * got.height * got.channels;
    float *values = malloc(n * sizeof *values);
    double *want = malloc(n * sizeof *want);
    FILE *f = fopen(file, "rb");
    assert_non_null(f);
    assert_int_equal(fread(values, sizeof *values, n, f), n);
    fclose(f);
    for (size_t i = 0; i < n; i++) want[i] = values[i];
    const double d = distance(got.data, want, n);
    print_message("%s: %s: relative distance to the golden tensor %.2g\n", isa, tap, d);
    assert_true(d < 1e-5);
    free(values);
    free(want);
}

static void detector_agrees(void **state)
{
    const cyg_kernels *list[CYG_MAX_ISAS];
    const int count = cyg_kernels_list(list);
    cyg_model *model;
    FILE *f = fopen(TEST_GOLDENS "/bin/ssd_blocks_conv_11_pw.f32", "rb");
    if (!f || cyg_model_open(&model, TEST_MODELS "/face-ssd-mobilenet-v1.safetensors", NULL)) {
        if (f) fclose(f);
        skip();
    }
    fclose(f);
    float *input = blocks_input(512, 512);
    for (int i = 0; i < count; i++) {
        cyg_backbone *net = backbone(model, list[i]->isa, "f32");
        cyg_features *maps = features(net, NULL);
        cyg_backbone_run_tensor(net, input, maps);
        golden(maps, "conv11_pw", TEST_GOLDENS "/bin/ssd_blocks_conv_11_pw.f32", list[i]->isa);
        golden(maps, "conv13_pw", TEST_GOLDENS "/bin/ssd_blocks_conv_13_pw.f32", list[i]->isa);
        cyg_features_free(maps);
        cyg_backbone_free(net);
    }
    free(input);
    cyg_model_close(model);
}

/* ---- What is asked wrongly -------------------------------------------------------------------- */

/* In integers a layer needs an end, which relu does not give it. */
static void integers_need_ranges(void **state)
{
    network random = network_make(.25, 64, 64, "[]", "[\"pool\"]");
    char *const activation = memmem(random.bytes, 100000, "relu6", 5);
    assert_non_null(activation);
    memcpy(activation, "relu\\\" ", 7);                /* of the text "relu6\\\"" */
    uint64_t size;                                      /* of the file: header and tensors */
    memcpy(&size, random.bytes, sizeof size);
    size += sizeof size;
    for (int i = 0; i < cyg_model_tensor_count(random.model); i++)
        size += cyg_model_tensor(random.model, i).count * sizeof(float);
    cyg_model *model;
    cyg_backbone *net;
    cyg_error err = { 0 };
    assert_int_equal(cyg_model_wrap(&model, random.bytes, size, "random", &err), CYG_OK);
    assert_int_equal(cyg_backbone_create(&net, model, &(cyg_backbone_params){ .precision = "f32" }, &err), CYG_OK);
    cyg_backbone_free(net);
    assert_int_equal(cyg_backbone_create(&net, model, &(cyg_backbone_params){ .precision = "i8" }, &err),
                     CYG_UNSUPPORTED);
    assert_string_equal(err.message, "random: precision i8: layer 'conv0' has no range; cygnet-model quantize makes "
                                     "a model file that has them");
    cyg_model_close(model);
    network_free(&random);
}

static void set_all(const cyg_model *model, const char *name, float value)
{
    cyg_stored t;
    assert_true(cyg_model_find(model, name, &t));
    for (size_t i = 0; i < t.count; i++) memcpy((char *)(uintptr_t)t.bytes + i * sizeof value, &value, sizeof value);
}

/* Every number in the file is finite; what batch norm makes of them is not, or not a number at all. */
static void refuses_weights_that_overflow(void **state)
{
    static const float variances[] = { 1e-38f, -1e30f };
    for (int i = 0; i < 2; i++)
        for (int p = 0; p < 3; p++) {
            network random = network_make(.25, 64, 64, "[]", "[\"pool\"]");
            cyg_backbone *net;
            cyg_error err;
            set_all(random.model, "conv1_dw/gamma", 3e38f);
            set_all(random.model, "conv1_dw/variance", variances[i]);
            const cyg_backbone_params params = { .precision = precisions[p] };
            assert_int_equal(cyg_backbone_create(&net, random.model, &params, &err), CYG_FORMAT);
            assert_null(net);
            assert_non_null(strstr(err.message, "conv1_dw"));
            network_free(&random);
        }
}

/* What auto takes of a model that says so of its precisions; of each table there is no better one. */
static void assert_auto(const char *equal, const char *isa, const char *precision)
{
    random_model random;
    const random_model_params params = {
        .width = .25, .columns = 64, .rows = 64, .taps = "[\"pool\"]", .equal = equal,
    };
    cyg_backbone *net;
    assert_int_equal(random_model_create(&random, &params, NULL), CYG_OK);
    assert_int_equal(cyg_backbone_create(&net, random.model, &(cyg_backbone_params){ .isa = isa, .precision = "auto" },
                                         NULL), CYG_OK);
    if (strcmp(cyg_backbone_precision(net), precision))
        fail_msg("%s: equal %s: took %s, expected %s", isa, equal ? equal : "nothing", cyg_backbone_precision(net),
                 precision);
    cyg_backbone_free(net);
    random_model_free(&random);
}

/* Nothing was measured, or this CPU has nothing faster that is equal: auto stays with f32. */
static void auto_takes_what_was_measured(void **state)
{
    for (int i = 0; cyg_isa_name(i); i++) {
        const char *const isa = cyg_isa_name(i);
        const bool plain = !strcmp(isa, "ref"), halves = !strcmp(isa, "avx512bf16");
        assert_auto(NULL, isa, "f32");
        assert_auto("[]", isa, "f32");
        assert_auto("[\"f16\"]", isa, "f32");
        assert_auto("[\"bf16\"]", isa, halves ? "bf16" : "f32");
        assert_auto("[\"i8\"]", isa, plain ? "f32" : "i8");
        assert_auto("[\"bf16\",\"i8\"]", isa, plain ? "f32" : "i8");
    }
}

static void refuses(void **state)
{
    network random = network_make(.25, 64, 64, "[]", "[\"pool\"]");
    cyg_backbone *net;
    cyg_error err;
    cyg_backbone_params params = { .isa = "altivec" };
    assert_int_equal(cyg_backbone_create(&net, random.model, &params, &err), CYG_NOT_FOUND);
    assert_null(net);
    params = (cyg_backbone_params){ .precision = "f16" };
    assert_int_equal(cyg_backbone_create(&net, random.model, &params, &err), CYG_NOT_FOUND);
    assert_non_null(strstr(err.message, "f16"));
    params = (cyg_backbone_params){ .width = 15 };
    assert_int_equal(cyg_backbone_create(&net, random.model, &params, &err), CYG_ARGUMENT);
    params = (cyg_backbone_params){ .width = 96, .height = 32 };
    assert_int_equal(cyg_backbone_create(&net, random.model, &params, &err), CYG_OK);
    assert_int_equal(cyg_backbone_width(net), 96);
    assert_int_equal(cyg_backbone_height(net), 32);
    assert_int_equal(cyg_backbone_map(net, "pool").channels, 256);
    assert_int_equal(cyg_backbone_map(net, "conv13_pw").height, 0);
    cyg_backbone_free(net);
    network_free(&random);

    random = network_make(.25, 64, 64, "[]", "[\"conv14_pw\"]");
    assert_int_equal(cyg_backbone_create(&net, random.model, NULL, &err), CYG_FORMAT);
    assert_non_null(strstr(err.message, "taps"));
    network_free(&random);
}

/* A description may ask to keep every map of a huge input: gigabytes, which nobody gets. */
static void refuses_gigabytes(void **state)
{
    network random = network_make(.25, 64, 64, "[]", "[\"conv0\", \"conv1_dw\", \"conv1_pw\", \"conv2_dw\", "
        "\"conv2_pw\", \"conv3_dw\", \"conv3_pw\", \"conv4_dw\", \"conv4_pw\", \"conv5_pw\"]");
    const cyg_backbone_params params = { .width = 4096, .height = 4096 };
    cyg_backbone *net;
    cyg_features *maps;
    cyg_error err;
    assert_int_equal(cyg_backbone_create(&net, random.model, &params, &err), CYG_OK);
    assert_true(cyg_features_bytes(net, 1) > CYG_MAX_PASS_BYTES);
    assert_int_equal(cyg_features_create(&maps, net, NULL, &err), CYG_UNSUPPORTED);
    assert_null(maps);
    assert_non_null(strstr(err.message, "4096 x 4096"));
    cyg_backbone_free(net);
    network_free(&random);
}

/* The numbers that reports are made of. */
static void tells_about_itself(void **state)
{
    network random = network_make(.25, 64, 64, "[]", "[\"pool\"]");
    for (int p = 0; cyg_precision_name(p); p++)
        for (int i = 0; cyg_isa_name(i); i++) {
            const cyg_backbone_params params = { .isa = cyg_isa_name(i), .precision = cyg_precision_name(p) };
            cyg_backbone *net;
            assert_int_equal(cyg_backbone_create(&net, random.model, &params, NULL), CYG_OK);
            const int count = cyg_backbone_layer_count(net);
            int64_t parameters = 0;
            assert_int_equal(cyg_backbone_layer(net, 0).stage, 0);
            for (int l = 0; l < count; l++) {
                const int before = l ? cyg_backbone_layer(net, l - 1).stage : 0;
                const int step = cyg_backbone_layer(net, l).stage - before;
                assert_true(step == 0 || step == 1);
                parameters += cyg_backbone_layer(net, l).parameters;
            }
            assert_true((int64_t)cyg_backbone_bytes(net) >= parameters);
            assert_true(cyg_features_bytes(net, 2) > cyg_features_bytes(net, 1));
            assert_true(cyg_backbone_spin(net, 10) >= 10);
            cyg_backbone_free(net);
        }
    network_free(&random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        { "naive network, odd sizes", naive_agrees, NULL, NULL, (void *)&shapes[0] },
        { "naive network, 0.25-224x160", naive_agrees, NULL, NULL, (void *)&shapes[1] },
        { "naive network, 0.4-250x331", naive_agrees, NULL, NULL, (void *)&shapes[2] },
        { "naive network, 0.13-16", naive_agrees, NULL, NULL, (void *)&shapes[3] },
        { "naive network, 0.5-17x18", naive_agrees, NULL, NULL, (void *)&shapes[4] },
        { "naive network, full convolutions", naive_agrees, NULL, NULL, (void *)&shapes[5] },
        { "naive network, shallow", naive_agrees, NULL, NULL, (void *)&shapes[6] },
        { "naive network, PoseNet's", naive_agrees, NULL, NULL, (void *)&shapes[7] },
        { "threads, odd sizes", threads_agree, NULL, NULL, (void *)&shapes[0] },
        { "threads, 0.25-224x160", threads_agree, NULL, NULL, (void *)&shapes[1] },
        { "threads, 0.4-250x331", threads_agree, NULL, NULL, (void *)&shapes[2] },
        cmocka_unit_test(detector_agrees),
        cmocka_unit_test(integers_need_ranges), cmocka_unit_test(refuses_weights_that_overflow),
        cmocka_unit_test(auto_takes_what_was_measured),
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_gigabytes),
        cmocka_unit_test(tells_about_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
