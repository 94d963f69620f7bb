/* test_paper.c - mult-adds and parameters of the family against the tables of the paper (arXiv 1704.04861).
 *
 * Parameters are weights alone, as the paper counts them: with biases, Table 9 would say 1.33 million instead
 * of 1.32. Where the paper printed something else than what follows from its own architecture, the test holds
 * the recomputed figure and tells what is printed:
 *   Table 1   the last depthwise layer is "s2" in print: its output is 7x7 like its input, so s1
 *   Table 2   "1.19 %" of mult-adds in the 3x3 convolution: 1.91 %, digits swapped
 *   Table 4   "4866" million mult-adds of the full convolutions: 4867; 4866 without the fully connected layer
 *   Table 7   "290" at 160: 290.7, which is 291; 290 (289.7) without the fully connected layer
 *   Table 9   "76" of 0.50-160: 76.5, which is 77; 76 without the fully connected layer
 */
#include "ops.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { CLASSES = 1000 };

typedef struct network {
    cyg_layer_info layers[CYG_MAX_LAYERS];
    int            count;
} network;

static network family(const char *name, double width, int resolution)
{
    network n;
    cyg_error err;
    if (cyg_family_layers(n.layers, &n.count, name, width, resolution, resolution, &err)) fail_msg("%s", err.message);
    return n;
}

typedef enum kind { CONV_3X3, DEPTHWISE, CONV_1X1, DENSE, KINDS } kind;
typedef struct costs { int64_t mult_adds[KINDS], weights[KINDS]; } costs;

/* With the classifier of 1000 classes on the mean of the last map. */
static costs costs_of(const network *n)
{
    costs c = { 0 };
    for (int i = 0; i < n->count; i++) {
        const cyg_layer_info *l = &n->layers[i];
        const kind k = l->depthwise ? DEPTHWISE : l->kernel == 3 ? CONV_3X3 : CONV_1X1;
        c.mult_adds[k] += l->mult_adds;
        c.weights[k] += l->parameters - l->out_channels;        /* without biases */
    }
    c.mult_adds[DENSE] = c.weights[DENSE] = (int64_t)n->layers[n->count - 1].out_channels * CLASSES;
    return c;
}

static double sum(const int64_t values[KINDS])
{
    return (double)(values[0] + values[1] + values[2] + values[3]);
}

/* Rounded to the printed decimals, what was found is what is printed. */
static void assert_printed(const char *what, double found, double printed, int decimals)
{
    const double scale = pow(10, decimals);
    if (fabs(round(found * scale) / scale - printed) < 1e-9) return;
    fail_msg("%s: found %.*f (%.9g), expected %.*f", what, decimals, found, found, decimals, printed);
}

static void assert_network(const char *name, double width, int resolution, double mult_adds, double weights,
                           int decimals)
{
    char what[100];
    const network n = family(name, width, resolution);
    const costs c = costs_of(&n);
    snprintf(what, sizeof what, "%s %g-%d", name, width, resolution);
    assert_printed(what, sum(c.mult_adds) / 1e6, mult_adds, 0);
    assert_printed(what, sum(c.weights) / 1e6, weights, decimals);
}

/* ---- The tables ---------------------------------------------------------------------- */

static void table_1_body(void **state)
{
    static const struct row { bool depthwise; int kernel, stride, in, out, size; } rows[] = {
        { false, 3, 2, 3, 32, 224 },
        { true, 3, 1, 32, 32, 112 },   { false, 1, 1, 32, 64, 112 },
        { true, 3, 2, 64, 64, 112 },   { false, 1, 1, 64, 128, 56 },
        { true, 3, 1, 128, 128, 56 },  { false, 1, 1, 128, 128, 56 },
        { true, 3, 2, 128, 128, 56 },  { false, 1, 1, 128, 256, 28 },
        { true, 3, 1, 256, 256, 28 },  { false, 1, 1, 256, 256, 28 },
        { true, 3, 2, 256, 256, 28 },  { false, 1, 1, 256, 512, 14 },
        { true, 3, 1, 512, 512, 14 },  { false, 1, 1, 512, 512, 14 },
        { true, 3, 1, 512, 512, 14 },  { false, 1, 1, 512, 512, 14 },
        { true, 3, 1, 512, 512, 14 },  { false, 1, 1, 512, 512, 14 },
        { true, 3, 1, 512, 512, 14 },  { false, 1, 1, 512, 512, 14 },
        { true, 3, 1, 512, 512, 14 },  { false, 1, 1, 512, 512, 14 },
        { true, 3, 2, 512, 512, 14 },  { false, 1, 1, 512, 1024, 7 },
        { true, 3, 1, 1024, 1024, 7 }, { false, 1, 1, 1024, 1024, 7 },      /* printed s2 */
    };
    const network n = family("mobilenet_v1", 1, 224);
    assert_int_equal(n.count, sizeof rows / sizeof *rows);
    for (int i = 0; i < n.count; i++) {
        const cyg_layer_info *l = &n.layers[i];
        const struct row *r = &rows[i];
        if (l->depthwise != r->depthwise || l->kernel != r->kernel || l->stride != r->stride ||
            l->in_channels != r->in || l->out_channels != r->out || l->in_width != r->size || l->in_height != r->size)
            fail_msg("row %d: %s is not the layer of the table", i + 1, l->name);
    }
    assert_int_equal(n.layers[n.count - 1].out_width, 7);
}

static void table_2_by_type(void **state)
{
    static const double mult_adds[KINDS] = { 1.91, 3.06, 94.86, 0.18 };     /* printed 1.19 */
    static const double weights[KINDS] = { 0.02, 1.06, 74.59, 24.33 };
    const network n = family("mobilenet_v1", 1, 224);
    const costs c = costs_of(&n);
    for (int k = 0; k < KINDS; k++) {
        assert_printed("share of mult-adds", 100 * (double)c.mult_adds[k] / sum(c.mult_adds), mult_adds[k], 2);
        assert_printed("share of parameters", 100 * (double)c.weights[k] / sum(c.weights), weights[k], 2);
    }
}

/* Layers first .. last of a network, which are the one that the table is about: 14x14x512 in and out, 3x3. */
static void assert_layer(const char *name, const char *first, const char *last, double width, int resolution,
                         double mult_adds, int decimals, double weights)
{
    const network n = family(name, width, resolution);
    double cost = 0, size = 0;
    bool within = false;
    for (int i = 0; i < n.count; i++) {
        const cyg_layer_info *l = &n.layers[i];
        within |= !strcmp(l->name, first);
        if (!within) continue;
        cost += (double)l->mult_adds;
        size += (double)(l->parameters - l->out_channels);
        if (!strcmp(l->name, last)) break;
    }
    assert_printed(last, cost / 1e6, mult_adds, decimals);
    assert_printed(last, size / 1e6, weights, 2);
}

static void table_3_one_layer(void **state)
{
    assert_layer("mobilenet_v1_conv", "conv8", "conv8", 1, 224, 462, 0, 2.36);
    assert_layer("mobilenet_v1", "conv8_dw", "conv8_pw", 1, 224, 52.3, 1, .27);
    assert_layer("mobilenet_v1", "conv8_dw", "conv8_pw", .75, 224, 29.6, 1, .15);
    assert_layer("mobilenet_v1", "conv8_dw", "conv8_pw", .75, 160, 15.1, 1, .15);      /* 160 / 224 = .714: 10x10 */
}

static void table_4_full_convolutions(void **state)
{
    assert_network("mobilenet_v1_conv", 1, 224, 4867, 29.3, 1);         /* printed 4866 */
    assert_network("mobilenet_v1", 1, 224, 569, 4.2, 1);
}

static void table_5_narrow_or_shallow(void **state)
{
    assert_network("mobilenet_v1", .75, 224, 325, 2.6, 1);
    assert_network("mobilenet_v1_shallow", 1, 224, 307, 2.9, 1);
}

static void table_6_width(void **state)
{
    assert_network("mobilenet_v1", 1, 224, 569, 4.2, 1);
    assert_network("mobilenet_v1", .75, 224, 325, 2.6, 1);
    assert_network("mobilenet_v1", .5, 224, 149, 1.3, 1);
    assert_network("mobilenet_v1", .25, 224, 41, .5, 1);
}

static void table_7_resolution(void **state)
{
    assert_network("mobilenet_v1", 1, 224, 569, 4.2, 1);
    assert_network("mobilenet_v1", 1, 192, 418, 4.2, 1);
    assert_network("mobilenet_v1", 1, 160, 291, 4.2, 1);                /* printed 290 */
    assert_network("mobilenet_v1", 1, 128, 186, 4.2, 1);
}

static void tables_8_and_9_against_others(void **state)
{
    assert_network("mobilenet_v1", 1, 224, 569, 4.2, 1);
    assert_network("mobilenet_v1", .5, 160, 77, 1.32, 2);               /* printed 76 */
}

/* What the three figures that differ have in common. */
static void without_the_classifier_the_rest_is_as_printed(void **state)
{
    static const struct { const char *name; double width; int resolution, printed; } rows[] = {
        { "mobilenet_v1_conv", 1, 224, 4866 }, { "mobilenet_v1", 1, 160, 290 }, { "mobilenet_v1", .5, 160, 76 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const network n = family(rows[i].name, rows[i].width, rows[i].resolution);
        const costs c = costs_of(&n);
        assert_printed(rows[i].name, (sum(c.mult_adds) - (double)c.mult_adds[DENSE]) / 1e6, rows[i].printed, 0);
    }
}

static void refuses(void **state)
{
    cyg_layer_info layers[CYG_MAX_LAYERS];
    int count;
    cyg_error err;
    assert_int_equal(cyg_family_layers(layers, &count, "mobilenet_v9", 1, 224, 224, &err), CYG_NOT_FOUND);
    assert_non_null(strstr(err.message, "'mobilenet_v9', expected mobilenet_v1, "));
    assert_int_equal(cyg_family_layers(layers, &count, "mobilenet_v1", 0, 224, 224, &err), CYG_ARGUMENT);
    assert_int_equal(cyg_family_layers(layers, &count, "mobilenet_v1", NAN, 224, 224, &err), CYG_ARGUMENT);
    assert_int_equal(cyg_family_layers(layers, &count, "mobilenet_v1", 1, 15, 224, &err), CYG_ARGUMENT);
    assert_int_equal(cyg_family_layers(layers, &count, "mobilenet_v1", 1, 224, 4097, &err), CYG_ARGUMENT);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_1_body),
        cmocka_unit_test(table_2_by_type),
        cmocka_unit_test(table_3_one_layer),
        cmocka_unit_test(table_4_full_convolutions),
        cmocka_unit_test(table_5_narrow_or_shallow),
        cmocka_unit_test(table_6_width),
        cmocka_unit_test(table_7_resolution),
        cmocka_unit_test(tables_8_and_9_against_others),
        cmocka_unit_test(without_the_classifier_the_rest_is_as_printed),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
