/* test_conv.c - the convolutions of heads against plain loops over the map in floats: in every table and
 * precision, and the same bits for any number of threads. */
#include "network.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Odd numbers of channels (width 0.3), outputs that end in the middle of a vector. */
enum { MAPS = 3, PARTS = 3 };
static const struct { const char *tap; int channels; cyg_conv_part parts[PARTS]; int count; } reads[MAPS] = {
    { "conv11_pw", 153, { { "boxes", 12 }, { "scores", 9 }, { "others", 35 } }, 3 },
    { "conv13_pw", 307, { { "alone", 90 } }, 1 },
    { "pool", 307, { { "classes", 131 }, { "more", 2 } }, 2 },
};
static const char convolutions[] =
    "[[\"boxes\",153,12],[\"scores\",153,9],[\"others\",153,35],[\"alone\",307,90],[\"classes\",307,131],"
    "[\"more\",307,2]]";

typedef struct part_of_loop { void (*task)(void *, int); void *arg; int i; } part_of_loop;

static void *run_part(void *p)
{
    const part_of_loop *part_of = p;
    part_of->task(part_of->arg, part_of->i);
    return NULL;
}

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

static float *input_of(const cyg_backbone *net)
{
    const size_t count = (size_t)cyg_backbone_width(net) * cyg_backbone_height(net) * 3;
    float *input = malloc(count * sizeof *input);
    for (size_t i = 0; i < count; i++) input[i] = sinf((float)i * .013f) * .9f;
    return input;
}

static cyg_conv *conv_of(const cyg_backbone *net, int i)
{
    cyg_conv *conv;
    cyg_error err;
    if (cyg_conv_create(&conv, net, reads[i].tap, reads[i].channels, reads[i].parts, reads[i].count, &err))
        fail_msg("%s", err.message);
    return conv;
}

/* What a part says of the floats of its map. */
static double *plain(const cyg_model *model, cyg_tensor map, cyg_conv_part part)
{
    char name[40];
    float *weights, *bias;
    const int shape[] = { 1, 1, map.channels, part.channels };
    const size_t pixels = (size_t)map.width * map.height, outs = (size_t)part.channels;
    double *out = calloc(pixels * outs, sizeof *out);
    snprintf(name, sizeof name, "%s/weights", part.name);
    assert_int_equal(cyg_model_floats(&weights, model, name, 4, shape, NULL), CYG_OK);
    snprintf(name, sizeof name, "%s/bias", part.name);
    assert_int_equal(cyg_model_floats(&bias, model, name, 1, &part.channels, NULL), CYG_OK);
    for (size_t p = 0; p < pixels; p++)
        for (size_t j = 0; j < outs; j++) {
            double sum = bias[j];
            for (int k = 0; k < map.channels; k++)
                sum += (double)map.data[p * map.channels + k] * (double)weights[k * outs + j];
            out[p * outs + j] = sum;
        }
    free(weights);
    free(bias);
    return out;
}

static void assert_near(const float *got, const double *want, size_t count, double limit, const char *what)
{
    double apart = 0, length = 0;
    for (size_t i = 0; i < count; i++) {
        apart += (got[i] - want[i]) * (got[i] - want[i]);
        length += want[i] * want[i];
    }
    if (!(length > 0 && sqrt(apart / length) <= limit)) fail_msg("%s: apart by %g", what, sqrt(apart / length));
}

static void check_map(const cyg_backbone *net, const cyg_features *maps, int i, double limit)
{
    cyg_conv *conv = conv_of(net, i);
    const cyg_tensor map = cyg_backbone_map(net, reads[i].tap);
    const size_t pixels = (size_t)map.width * map.height;
    float *out[PARTS];
    char what[80];
    for (int p = 0; p < reads[i].count; p++) out[p] = malloc(pixels * reads[i].parts[p].channels * sizeof **out);
    cyg_conv_run(conv, maps, out);
    for (int p = 0; p < reads[i].count; p++) {
        const cyg_conv_part part = reads[i].parts[p];
        double *want = plain(cyg_backbone_model(net), cyg_features_get(maps, reads[i].tap), part);
        snprintf(what, sizeof what, "%s %s %s", cyg_backbone_isa(net), cyg_backbone_precision(net), part.name);
        assert_near(out[p], want, pixels * part.channels, limit, what);
        free(want);
        free(out[p]);
    }
    cyg_conv_free(conv);
}

/* Factors of bfloat16 are off by 2^-9 of themselves at most; outputs are a few times smaller than what they add up. */
static void agrees_with_plain_loops(void **state)
{
    for (int t = 0; cyg_isa_name(t); t++)
        for (int p = 0; cyg_precision_name(p); p++) {
            const cyg_backbone_params params = { .isa = cyg_isa_name(t), .precision = cyg_precision_name(p) };
            cyg_backbone *net;
            cyg_features *maps;
            assert_int_equal(cyg_backbone_create(&net, ((network *)*state)->model, &params, NULL), CYG_OK);
            assert_int_equal(cyg_features_create(&maps, net, NULL, NULL), CYG_OK);
            float *input = input_of(net);
            cyg_backbone_run_tensor(net, input, maps);
            for (int i = 0; i < MAPS; i++) check_map(net, maps, i, strcmp(params.precision, "f32") ? 1e-2 : 1e-6);
            free(input);
            cyg_features_free(maps);
            cyg_backbone_free(net);
        }
}

/* All outputs of all maps, one after the other. */
static float *run_with(const cyg_backbone *net, int threads, size_t *count)
{
    const cyg_executor executor = { thread_per_task, NULL, threads };
    float *input = input_of(net), *all = calloc(100000, sizeof *all), *out[PARTS];
    cyg_features *maps;
    assert_int_equal(cyg_features_create(&maps, net, threads ? &executor : NULL, NULL), CYG_OK);
    cyg_backbone_run_tensor(net, input, maps);
    *count = 0;
    for (int i = 0; i < MAPS; i++) {
        cyg_conv *conv = conv_of(net, i);
        const cyg_tensor map = cyg_backbone_map(net, reads[i].tap);
        for (int p = 0; p < reads[i].count; p++) {
            out[p] = all + *count;
            *count += (size_t)map.width * map.height * reads[i].parts[p].channels;
        }
        assert_true(*count <= 100000);
        cyg_conv_run(conv, maps, out);
        cyg_conv_free(conv);
    }
    cyg_features_free(maps);
    free(input);
    return all;
}

static void threads_change_no_bit(void **state)
{
    for (int p = 0; cyg_precision_name(p); p++) {
        const cyg_backbone_params params = { .precision = cyg_precision_name(p) };
        cyg_backbone *net;
        size_t count;
        assert_int_equal(cyg_backbone_create(&net, ((network *)*state)->model, &params, NULL), CYG_OK);
        float *want = run_with(net, 0, &count);
        for (int threads = 1; threads <= 8; threads++) {
            float *got = run_with(net, threads, &count);
            if (memcmp(got, want, count * sizeof *want))
                fail_msg("%s: differs with %d threads", params.precision, threads);
            free(got);
        }
        free(want);
        cyg_backbone_free(net);
    }
}

/* A pass leaves nothing of the one before. */
static void floats_are_of_the_last_pass(void **state)
{
    cyg_backbone *net;
    cyg_features *maps;
    assert_int_equal(cyg_backbone_create(&net, ((network *)*state)->model,
                                         &(cyg_backbone_params){ .precision = "bf16" }, NULL), CYG_OK);
    assert_int_equal(cyg_features_create(&maps, net, NULL, NULL), CYG_OK);
    float *input = input_of(net), first[307];
    cyg_backbone_run_tensor(net, input, maps);
    memcpy(first, cyg_features_get(maps, "pool").data, sizeof first);
    for (int i = 0; i < 96 * 80 * 3; i++) input[i] = -input[i];
    cyg_backbone_run_tensor(net, input, maps);
    assert_memory_not_equal(cyg_features_get(maps, "pool").data, first, sizeof first);
    free(input);
    cyg_features_free(maps);
    cyg_backbone_free(net);
}

int main(void)
{
    network net = network_make_heads(0.3, 96, 80, "[]", "[\"conv11_pw\",\"conv13_pw\",\"pool\"]", "[]", convolutions);
    const struct CMUnitTest tests[] = {
        { "agrees with plain loops", agrees_with_plain_loops, NULL, NULL, &net },
        { "threads change no bit", threads_change_no_bit, NULL, NULL, &net },
        { "floats are of the last pass", floats_are_of_the_last_pass, NULL, NULL, &net },
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    network_free(&net);
    return failed;
}
