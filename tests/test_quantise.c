/* test_quantise.c - weights in integers against the rule they are rounded by, checked in double. */
#include "../backbone/plan.h"
#include "network.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static uint32_t seed = 7;

static float any_weight(void)
{
    seed = seed * 1664525u + 1013904223u;
    const float x = (float)(seed >> 8) / 0x1p23f - 1;
    return x * x * x;                           /* few large ones, as trained weights are */
}

/* What steps cost: the sum of squares of what they change in output j. */
static double cost(const float *w, int k, int n, int j, double step)
{
    double sum = 0;
    for (int p = 0; p < k; p++) {
        const double x = w[p * n + j] / step, lost = x - fmax(-127, fmin(127, nearbyint(x)));
        sum += lost * lost * step * step;
    }
    return sum;
}

static void check_step(const float *w, int k, int n, int j, double step)
{
    static const double parts[] = { 1, .9, .8, .7, .6 };
    double most = 0;
    for (int p = 0; p < k; p++) most = fmax(most, fabs(w[p * n + j]));
    for (int i = 0; i < 5; i++) assert_true(cost(w, k, n, j, step) <= 1.001 * cost(w, k, n, j, most / 127 * parts[i]));
}

/* Roundings add up to nothing, and moved are the weights that were closest to their other neighbour. */
static void check_roundings(const int8_t *rounded, const float *w, int k, int n, int j, double step)
{
    double sum = 0, least_moved = 1, most_left = -1;
    for (int p = 0; p < k; p++) sum += fmax(-127, fmin(127, nearbyint(w[p * n + j] / step))) - w[p * n + j] / step;
    const int sign = sum > 0 ? -1 : 1;
    for (int p = 0; p < k; p++) {
        const double x = w[p * n + j] / step, whole = fmax(-127, fmin(127, nearbyint(x))), lack = sign * (x - whole);
        const int moved = sign * (rounded[p * n + j] - (int)whole);
        if (fabs(fabs(x - trunc(x)) - .5) < 1e-3) {             /* a tie, either way: not to be told apart */
            sum += rounded[p * n + j] - whole;
            continue;
        }
        assert_true(moved == 0 || moved == 1);
        if (moved) least_moved = fmin(least_moved, lack);
        else if (whole * sign < 127) most_left = fmax(most_left, lack);
        sum += moved * sign;
    }
    assert_true(fabs(sum) < .51);
    assert_true(least_moved > most_left - 1e-3);
}

/* The average of an output is what it was: its bias has what the weights lost. */
static void check_bias(const cyg_integers *made, const float *w, const float *bias, const float *inputs, int k, int n,
                       int j, double step)
{
    double expected = bias[j] / step;
    for (int p = 0; inputs && p < k; p++) expected += (w[p * n + j] / step - made->weights[p * n + j]) * inputs[p];
    assert_true(fabs(made->bias[j] - expected) < .51 + 1e-4 * fabs(expected));
}

static void check_layer(int k, int n, bool known)
{
    const float level = 100;                    /* so coarse that it bounds no step */
    float *const w = malloc((size_t)k * n * sizeof *w), *const bias = malloc((size_t)n * 2 * sizeof *bias);
    float *const worth = bias + n, *const inputs = known ? malloc((size_t)k * sizeof *inputs) : NULL;
    for (int p = 0; inputs && p < k; p++) inputs[p] = 60 + 60 * any_weight();
    for (int i = 0; i < k * n; i++) w[i] = any_weight();
    for (int j = 0; j < n; j++) {
        bias[j] = any_weight();
        worth[j] = level;
    }
    cyg_integers made;
    assert_int_equal(cyg_integers_make(&made, NULL, w, bias, k, n, worth, inputs, NULL), CYG_OK);
    for (int j = 0; j < n; j++) {
        const double step = (double)made.scale[j] * level;
        check_step(w, k, n, j, step);
        check_roundings(made.weights, w, k, n, j, step);
        check_bias(&made, w, bias, inputs, k, n, j, step);
    }
    cyg_integers_free(&made);
    free(w);
    free(bias);
    free(inputs);
}

static void weights_follow_the_rule(void **state)
{
    check_layer(27, 8, false);
    check_layer(64, 16, true);
    check_layer(100, 17, false);
    check_layer(1024, 35, true);
}

/* An output of nothing but 0, and one whose only weight is exact. */
static void plain_weights_are_exact(void **state)
{
    const float w[4] = { 0, 2, 0, 0 }, bias[2] = { 3, 1 }, worth[2] = { .5f, 4 };
    cyg_integers made;
    assert_int_equal(cyg_integers_make(&made, NULL, w, bias, 2, 2, worth, NULL, NULL), CYG_OK);
    assert_int_equal(made.weights[0], 0);
    assert_int_equal(made.weights[2], 0);
    assert_true(fabsf((float)made.bias[0] * made.scale[0] * worth[0] - 3) < 1e-6f);
    assert_int_equal(made.weights[1], 127);
    assert_int_equal(made.weights[3], 0);
    assert_true(fabsf(127 * made.scale[1] * worth[1] - 2) < 1e-6f);
    cyg_integers_free(&made);
}

/* Finite numbers times a range need not be. */
static void infinite_weights_are_refused(void **state)
{
    network random = network_make(.25, 32, 32, "[]", "[]");
    const float worth[1] = { 1 };
    const float bad[] = { INFINITY, -INFINITY, NAN };
    for (int i = 0; i < 6; i++) {
        float w[3] = { 1, 2, 3 }, bias[1] = { 0 };
        cyg_integers made;
        cyg_error err;
        *(i < 3 ? &w[i] : bias) = bad[i % 3];
        assert_int_equal(cyg_integers_make(&made, random.model, w, bias, 3, 1, worth, NULL, &err), CYG_FORMAT);
        assert_null(made.weights);
        cyg_integers_free(&made);
    }
    network_free(&random);
}

/* Of a normal distribution, cut off at 0 and `most`: against a sum over 16 deviations. */
static void means_are_those_of_the_batch_norm(void **state)
{
    const float most = 1.5f;
    const double epsilon = .5;                  /* as large as a variance: it matters */
    network random = network_make(.25, 32, 32, "[]", "[]");
    cyg_backbone *net;
    cyg_error err = { 0 };
    if (cyg_backbone_create(&net, random.model, NULL, &err)) fail_msg("%s", err.message);
    const cyg_layer *layer = &net->layers[1];
    const int channels = layer->info.out_channels;
    float *means, *gamma, *beta, *variance;
    assert_int_equal(cyg_layer_means(&means, random.model, layer, epsilon, most, &err), CYG_OK);
    assert_int_equal(cyg_model_floats(&gamma, random.model, "conv1_dw/gamma", 1, &channels, &err), CYG_OK);
    assert_int_equal(cyg_model_floats(&beta, random.model, "conv1_dw/beta", 1, &channels, &err), CYG_OK);
    assert_int_equal(cyg_model_floats(&variance, random.model, "conv1_dw/variance", 1, &channels, &err), CYG_OK);
    for (int c = 0; c < channels; c++) {
        const double deviation = gamma[c] * sqrt(variance[c] / (variance[c] + epsilon));
        double sum = 0, weight = 0;
        for (int i = -8000; i <= 8000; i++) {
            const double z = i * .001, part = exp(-z * z / 2);
            sum += part * fmin(fmax(beta[c] + deviation * z, 0), most);
            weight += part;
        }
        assert_true(fabs(means[c] - sum / weight) < 1e-5);
    }
    free(means);
    free(gamma);
    free(beta);
    free(variance);
    cyg_backbone_free(net);
    network_free(&random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_follow_the_rule),
        cmocka_unit_test(plain_weights_are_exact),
        cmocka_unit_test(infinite_weights_are_refused),
        cmocka_unit_test(means_are_those_of_the_batch_norm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
