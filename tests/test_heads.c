/* test_heads.c - attributes and embedding on random weights: against plain loops, known answers, and
 * settings that do not fit. */
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

enum { CHANNELS = 256, HIDDEN = 24, MOODS = 5, AGES = 40 };      /* width 0.25 ends in 256 channels */

#define GROUPS                                                                                                       \
    "'groups':[{'name':'gender','dense':'g','score':'sigmoid','labels':['female','male']},"                          \
    "{'name':'mood','dense':'m','score':'softmax','labels':['a','b','c','d','e']},"                                  \
    "{'name':'age','dense':'y','score':'expectation','count':40,'offset':3,'unit':'years'}]"
#define ATTRIBUTES "{'type':'attributes','tap':'pool','hidden':{'dense':'h','channels':24}," GROUPS "}"
#define CURVE "'false_match':{'cosine':[0,0.5,0.75],'rate':[0.5,0.01,0.0001],'source':'made up'}"
#define EMBEDDING "{'type':'embedding','tap':'pool','metric':'cosine'," CURVE "}"
#define ATTRIBUTES_OF "{'type':'attributes','tap':'pool',"
#define GROUP_OF ATTRIBUTES_OF "'groups':[{'name':'g','dense':'g',"
#define CURVE_OF "{'type':'embedding','tap':'pool','metric':'cosine','false_match':{'cosine':[0,0.5],"
#define CONVOLUTIONS "[['h',256,24],['g',24,1],['m',24,5],['y',24,40]]"

/* ' for ", in place */
static const char *json(char *text)
{
    for (char *c = text; *c; c++) if (*c == '\'') *c = '"';
    return text;
}

typedef struct fixture {
    network       net;
    cyg_backbone *backbone;
    cyg_features *maps;
} fixture;

static fixture open_with(const char *heads)
{
    char list[2000], convolutions[] = CONVOLUTIONS;
    fixture f;
    snprintf(list, sizeof list, "[%s]", heads);
    f.net = network_make_heads(0.25, 64, 64, "[]", "[\"pool\",\"conv13_pw\"]",
                               json(list), json(convolutions));
    cyg_error err = { 0 };
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

static void dense(double *out, const fixture *f, const char *name, const double *in, int inputs, int outputs)
{
    char full[40];
    float *weights, *bias;
    const int shape[4] = { 1, 1, inputs, outputs };
    snprintf(full, sizeof full, "%s/weights", name);
    assert_int_equal(cyg_model_floats(&weights, f->net.model, full, 4, shape, NULL), CYG_OK);
    snprintf(full, sizeof full, "%s/bias", name);
    assert_int_equal(cyg_model_floats(&bias, f->net.model, full, 1, &outputs, NULL), CYG_OK);
    for (int o = 0; o < outputs; o++) {
        out[o] = bias[o];
        for (int i = 0; i < inputs; i++) out[o] += in[i] * weights[i * outputs + o];
    }
    free(weights);
    free(bias);
}

static void softmax(double *values, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) sum += values[i] = exp(values[i]);
    for (int i = 0; i < count; i++) values[i] /= sum;
}

static void attributes_are_what_plain_loops_say(void **state)
{
    fixture f = open_with(ATTRIBUTES);
    cyg_head *head;
    cyg_error err = { 0 };
    if (cyg_head_create(&head, f.backbone, "attributes", NULL, &err)) fail_msg("%s", err.message);
    assert_int_equal(cyg_head_kind(head), CYG_ATTRIBUTES);
    for (int round = 0; round < 4; round++) {
        static cyg_result found;
        run_backbone(&f, (float)round);
        cyg_head_run(head, f.maps, &found);
        assert_int_equal(found.kind, CYG_ATTRIBUTES);
        assert_int_equal(found.count, 3);

        double pool[CHANNELS], hidden[HIDDEN], gender, mood[MOODS], age[AGES];
        for (int i = 0; i < CHANNELS; i++) pool[i] = cyg_features_get(f.maps, "pool").data[i];
        dense(hidden, &f, "h", pool, CHANNELS, HIDDEN);
        for (int i = 0; i < HIDDEN; i++) hidden[i] = fmax(hidden[i], 0);
        dense(&gender, &f, "g", hidden, HIDDEN, 1);
        dense(mood, &f, "m", hidden, HIDDEN, MOODS);
        dense(age, &f, "y", hidden, HIDDEN, AGES);
        softmax(mood, MOODS);
        softmax(age, AGES);

        const cyg_attribute *a = found.attributes;
        const double male = 1 / (1 + exp(-gender));
        assert_string_equal(a[0].name, "gender");
        assert_string_equal(a[0].label, male >= .5 ? "male" : "female");
        assert_float_equal(a[0].probability, fmax(male, 1 - male), 1e-5);
        assert_float_equal(a[0].value, male >= .5, 0);
        int best = 0;
        for (int i = 1; i < MOODS; i++) best = mood[i] > mood[best] ? i : best;
        assert_int_equal(a[1].label[0], 'a' + best);
        assert_float_equal(a[1].value, best, 0);
        assert_float_equal(a[1].probability, mood[best], 1e-5);
        double mean = 0, spread = 0;
        for (int i = 0; i < AGES; i++) mean += (i + 3) * age[i];
        for (int i = 0; i < AGES; i++) spread += (i + 3 - mean) * (i + 3 - mean) * age[i];
        assert_null(a[2].label);
        assert_string_equal(a[2].unit, "years");
        assert_float_equal(a[2].value, mean, 1e-3);
        assert_float_equal(a[2].deviation, sqrt(spread), 1e-3);
    }
    cyg_head_free(head);
    close_fixture(&f);
}

static void embedding_is_the_map_at_length_one(void **state)
{
    fixture f = open_with(EMBEDDING);
    cyg_head *head;
    cyg_error err = { 0 };
    if (cyg_head_create(&head, f.backbone, "embedding", NULL, &err)) fail_msg("%s", err.message);
    static cyg_result found;
    run_backbone(&f, 0);
    cyg_head_run(head, f.maps, &found);
    assert_int_equal(found.kind, CYG_EMBEDDING);
    assert_int_equal(found.count, CHANNELS);
    const float *pool = cyg_features_get(f.maps, "pool").data;
    double length = 0;
    for (int i = 0; i < CHANNELS; i++) length += (double)found.embedding[i] * found.embedding[i];
    assert_float_equal(length, 1, 1e-6);
    assert_float_equal(cyg_cosine(pool, found.embedding, CHANNELS), 1, 1e-6);
    cyg_head_free(head);
    close_fixture(&f);
}

static void cosine_of_known_vectors(void **state)
{
    const float x[3] = { 3, 0, 0 }, y[3] = { 0, 2, 0 }, both[3] = { 1, 1, 0 }, none[3] = { 0 };
    const float back[3] = { -1, 0, 0 };
    assert_float_equal(cyg_cosine(x, x, 3), 1, 0);
    assert_float_equal(cyg_cosine(x, y, 3), 0, 0);
    assert_float_equal(cyg_cosine(x, both, 3), sqrt(.5), 1e-7);
    assert_float_equal(cyg_cosine(x, back, 3), -1, 0);
    assert_float_equal(cyg_cosine(x, none, 3), 0, 0);
}

static void a_cosine_stands_for_a_rate_within_the_curve_only(void **state)
{
    fixture f = open_with(EMBEDDING);
    cyg_head *head;
    assert_int_equal(cyg_head_create(&head, f.backbone, "embedding", NULL, NULL), CYG_OK);
    static const struct { float cosine, rate; bool below; } known[] = {
        { -1, 1, false }, { -.001f, 1, false }, { .25f, .0707107f, false },     /* sqrt(.5 * .01) */
        { .5f, .01f, false }, { .625f, .001f, false }, { .75f, .0001f, false },
        { .7501f, .0001f, true }, { 1, .0001f, true },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        cyg_false_match m;
        assert_true(cyg_head_false_match(head, known[i].cosine, &m));
        assert_float_equal(m.rate, known[i].rate, known[i].rate * 1e-5);
        assert_int_equal(m.below, known[i].below);
    }
    float cosine;
    assert_true(cyg_head_threshold(head, .001f, &cosine));
    assert_float_equal(cosine, .625, 1e-6);
    assert_true(cyg_head_threshold(head, .0001f, &cosine));
    assert_float_equal(cosine, .75, 1e-6);
    assert_true(cyg_head_threshold(head, 1, &cosine));
    assert_float_equal(cosine, 0, 0);
    assert_false(cyg_head_threshold(head, .00009f, &cosine));
    assert_false(cyg_head_threshold(head, NAN, &cosine));
    cyg_head_free(head);
    close_fixture(&f);

    f = open_with("{'type':'embedding','tap':'pool','metric':'cosine'}");
    assert_int_equal(cyg_head_create(&head, f.backbone, "embedding", NULL, NULL), CYG_OK);
    assert_false(cyg_head_false_match(head, .5f, &(cyg_false_match){ 0 }));
    assert_false(cyg_head_threshold(head, .5f, &cosine));
    cyg_head_free(head);
    close_fixture(&f);
}

static void settings_that_do_not_fit_are_refused(void **state)
{
    static const struct { const char *type, *settings, *says; } wrong[] = {
        { "attributes", ATTRIBUTES_OF "'groups':[]}", "'groups': expected a list of 1 to 16" },
        { "attributes", "{'type':'attributes','tap':'conv13_pw'," GROUPS "}", "no map 'conv13_pw' of 1x1" },
        { "attributes", "{'type':'attributes','tap':'nose'," GROUPS "}", "no map 'nose' of 1x1" },
        { "attributes", ATTRIBUTES_OF "" GROUPS "}", "tensor 'g/weights': found 1x1x24x1, expected 1x1x256x1" },
        { "attributes", ATTRIBUTES_OF "'hidden':{'dense':'none','channels':24}," GROUPS "}",
          "'none/weights': found none" },
        { "attributes", ATTRIBUTES_OF "'hiden':{}," GROUPS "}", "unknown key 'hiden'" },
        { "attributes", ATTRIBUTES_OF "'hidden':3," GROUPS "}", "'hidden.dense': found nothing" },
        { "attributes", GROUP_OF "'score':'sigmoid','labels':['a']}]}", "found 1 texts, expected two" },
        { "attributes", GROUP_OF "'score':'softmax','labels':['a',2]}]}", "number 2 is not a text" },
        { "attributes", GROUP_OF "'score':'guess','labels':['a','b']}]}",
          "expected one of: sigmoid, softmax, expectation" },
        { "attributes", GROUP_OF "'score':'expectation','count':1}]}", "'count': found 1, expected 2 to" },
        { "embedding", "{'type':'embedding','tap':'conv13_pw','metric':'cosine'}", "no map 'conv13_pw' of 1x1" },
        { "embedding", "{'type':'embedding','tap':'pool','metric':'euclid'}", "expected one of: cosine" },
        { "embedding", "{'type':'embedding','tap':'pool'}", "'metric': found nothing" },
        { "embedding", CURVE_OF "'rate':[0.1,0.1],'source':''}}", "at point 2: expected cosines to rise" },
        { "embedding", CURVE_OF "'rate':[0.1],'source':''}}", "'false_match.rate': found 1 numbers, expected 2" },
        { "embedding", CURVE_OF "'rate':[1,0],'source':''}}", "'false_match.rate': found 0" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        fixture f = open_with(wrong[i].settings);
        cyg_head *head = (cyg_head *)&head;
        cyg_error err = { 0 };
        assert_int_equal(cyg_head_create(&head, f.backbone, wrong[i].type, NULL, &err), CYG_FORMAT);
        assert_int_equal(err.status, CYG_FORMAT);
        assert_null(head);
        if (!strstr(err.message, wrong[i].says)) fail_msg("'%s' does not say '%s'", err.message, wrong[i].says);
        close_fixture(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_are_what_plain_loops_say),
        cmocka_unit_test(embedding_is_the_map_at_length_one),
        cmocka_unit_test(cosine_of_known_vectors),
        cmocka_unit_test(a_cosine_stands_for_a_rate_within_the_curve_only),
        cmocka_unit_test(settings_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
