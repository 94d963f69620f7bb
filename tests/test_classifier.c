/* test_classifier.c - the classifier head on random weights: against plain loops, and settings that do not fit. */
#include "classifier.h"
#include "head.h"
#include "network.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { CHANNELS = 256, CLASSES = 7 };       /* width 0.25 ends in 256 channels */

#define LABELS "'labels':['a','b','c','d','e','f','g'],"
#define CLASSIFIER_OF "{'type':'classifier','tap':'pool','dense':'c'," LABELS
#define CLASSIFIER(score) CLASSIFIER_OF "'score':'" score "','max_count':4}"

typedef struct fixture {
    network       net;
    cyg_backbone *backbone;
    cyg_features *maps;
} fixture;

static fixture open_with(const char *head)
{
    char heads[500], convolutions[] = "[[\"c\",256,7]]";
    fixture f;
    cyg_error err = { 0 };
    snprintf(heads, sizeof heads, "[%s]", head);
    for (char *c = heads; *c; c++) if (*c == '\'') *c = '"';
    f.net = network_make_heads(0.25, 64, 64, "[]", "[\"pool\",\"conv13_pw\"]", heads, convolutions);
    if (cyg_backbone_create(&f.backbone, f.net.model, NULL, &err) ||
        cyg_features_create(&f.maps, f.backbone, NULL, &err))
        fail_msg("%s", err.message);
    return f;
}

static void close_fixture(fixture *f)
{
    cyg_features_free(f->maps);
    cyg_backbone_free(f->backbone);
    network_free(&f->net);
}

static void run_backbone(const fixture *f, float phase)
{
    static float input[64 * 64 * 3];
    for (int i = 0; i < 64 * 64 * 3; i++) input[i] = sinf((float)i * .01f + phase);
    cyg_backbone_run_tensor(f->backbone, input, f->maps);
}

/* The scores of all classes, by the book. */
static void expect(double score[CLASSES], const fixture *f, const char *rule)
{
    const int shape[4] = { 1, 1, CHANNELS, CLASSES };
    const float *pool = cyg_features_get(f->maps, "pool").data;
    float *weights, *bias;
    double sum = 0;
    assert_int_equal(cyg_model_floats(&weights, f->net.model, "c/weights", 4, shape, NULL), CYG_OK);
    assert_int_equal(cyg_model_floats(&bias, f->net.model, "c/bias", 1, &shape[3], NULL), CYG_OK);
    for (int o = 0; o < CLASSES; o++) {
        score[o] = bias[o];
        for (int i = 0; i < CHANNELS; i++) score[o] += (double)pool[i] * weights[i * CLASSES + o];
        if (!strcmp(rule, "sigmoid")) score[o] = 1 / (1 + exp(-score[o]));
        sum += exp(score[o]);
    }
    for (int o = 0; o < CLASSES && !strcmp(rule, "softmax"); o++) score[o] = exp(score[o]) / sum;
    free(weights);
    free(bias);
}

static void classes_are_what_plain_loops_say(void **state)
{
    static const struct { const char *rule, *head; } kinds[] = {
        { "softmax", CLASSIFIER("softmax") }, { "sigmoid", CLASSIFIER("sigmoid") }, { "none", CLASSIFIER("none") },
    };
    for (int k = 0; k < 3; k++) {
        fixture f = open_with(kinds[k].head);
        cyg_head *head;
        cyg_error err = { 0 };
        if (cyg_head_create(&head, f.backbone, "classifier", NULL, &err)) fail_msg("%s", err.message);
        assert_int_equal(cyg_head_label_count(head), CLASSES);
        for (int round = 0; round < 4; round++) {
            static cyg_result found;
            double score[CLASSES];
            run_backbone(&f, (float)round);
            cyg_head_run(head, f.maps, &found);
            expect(score, &f, kinds[k].rule);
            assert_int_equal(found.kind, CYG_CLASSES);
            assert_int_equal(found.count, 4);
            for (int i = 0; i < found.count; i++) {
                int better = 0;
                for (int o = 0; o < CLASSES; o++) better += score[o] > score[found.classes[i].label];
                assert_int_equal(better, i);
                assert_float_equal(found.classes[i].score, score[found.classes[i].label], 1e-5);
            }
        }
        cyg_head_free(head);
        close_fixture(&f);
    }
}

static void as_many_as_asked_for(void **state)
{
    fixture f = open_with(CLASSIFIER("softmax"));
    static const struct { int asked, told; } counts[] = { { 0, 4 }, { 1, 1 }, { 7, 7 }, { 200, 7 } };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        cyg_head *head;
        static cyg_result found;
        const cyg_head_params params = { .max_count = counts[i].asked };
        double sum = 0;
        assert_int_equal(cyg_head_create(&head, f.backbone, "classifier", &params, NULL), CYG_OK);
        run_backbone(&f, 0);
        cyg_head_run(head, f.maps, &found);
        assert_int_equal(found.count, counts[i].told);
        for (int c = 0; c < found.count; c++) sum += found.classes[c].score;
        if (found.count == CLASSES) assert_float_equal(sum, 1, 1e-5);
        cyg_head_free(head);
    }
    close_fixture(&f);
}

static void settings_that_do_not_fit_are_refused(void **state)
{
    static const struct { const char *settings, *says; } wrong[] = {
        { "{'type':'classifier','tap':'pool','dense':'c','score':'softmax','max_count':4}",
          "'labels': expected a list of one text or more" },
        { "{'type':'classifier','tap':'conv13_pw','dense':'c','score':'softmax','max_count':4," LABELS "'x':1}",
          "unknown key 'x'" },
        { "{'type':'classifier','tap':'conv13_pw','dense':'c','score':'softmax'," LABELS "'max_count':4}",
          "no map 'conv13_pw' of 1x1" },
        { "{'type':'classifier','tap':'pool','dense':'c','score':'softmax','max_count':4,'labels':['a']}",
          "'c/weights': found 1x1x256x7, expected 1x1x256x1" },
        { "{'type':'classifier','tap':'pool','dense':'d','score':'softmax'," LABELS "'max_count':4}",
          "'d/weights': found none" },
        { CLASSIFIER("guess"), "expected one of: softmax, sigmoid, none" },
        { CLASSIFIER_OF "'score':'softmax','max_count':101}", "'max_count': found 101, expected 1 to 100" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        fixture f = open_with(wrong[i].settings);
        cyg_head *head = (cyg_head *)&head;
        cyg_error err = { 0 };
        assert_int_equal(cyg_head_create(&head, f.backbone, "classifier", NULL, &err), CYG_FORMAT);
        assert_null(head);
        if (!strstr(err.message, wrong[i].says)) fail_msg("'%s' does not say '%s'", err.message, wrong[i].says);
        close_fixture(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_what_plain_loops_say),
        cmocka_unit_test(as_many_as_asked_for),
        cmocka_unit_test(settings_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
