/* test_faceres.c - the pretrained face describer against the outputs of another implementation, on
 * every kernel table of this CPU. */
#include "heads.h"
#include "kernels/kernels.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { SIDE = 224, INPUTS = SIDE * SIDE * 3, EMBEDDING = 1024, AGES = 100 };

static float sine_at(int i)
{
    return (float)(100 * sin(0.01 * i));
}

/* Blocks and hashed noise as BGR less the means, without libm. */
static float block_at(int i)
{
    static const double means[3] = { 103.939, 116.779, 123.68 };
    const uint32_t y = (uint32_t)i / (SIDE * 3), x = (uint32_t)i / 3 % SIDE, c = 2 - (uint32_t)i % 3;
    const uint32_t at = (y * SIDE + x) * 3 + c;
    const uint32_t p = (((x >> 5) * 37 + (y >> 5) * 91 + c * 53) & 127) + (at * 2654435761u >> 26 & 63);
    return (float)(p - means[i % 3]);
}

static const struct { const char *name; float (*at)(int i); } inputs[] = {
    { "sin", sine_at }, { "blocks_bgrmean", block_at },
};

static void load(float *out, const char *input, const char *what, size_t count)
{
    char path[500];
    snprintf(path, sizeof path, TEST_GOLDENS "/bin/faceres_%s_cpu_%s.f32", input, what);
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s is missing", path);
    assert_int_equal(fread(out, sizeof *out, count, file), count);
    fclose(file);
}

static const char model_file[] = TEST_MODELS "/faceres.safetensors";

static void compare_embedding(const char *isa, const char *input, const cyg_features *maps, const cyg_result *found)
{
    float golden[EMBEDDING];
    load(golden, input, "embedding", EMBEDDING);
    assert_int_equal(found->count, EMBEDDING);
    const float *pool = cyg_features_get(maps, "pool").data;
    double length = 0, raw = 0, unit = 0;
    for (int i = 0; i < EMBEDDING; i++) length += (double)golden[i] * golden[i];
    for (int i = 0; i < EMBEDDING; i++) {
        const double expected = golden[i] / sqrt(length);
        raw += ((double)pool[i] - golden[i]) * ((double)pool[i] - golden[i]);
        unit += (found->embedding[i] - expected) * (found->embedding[i] - expected);
    }
    print_message("%-7s %-14s embedding %.1e, as stored %.1e\n", isa, input, sqrt(unit), sqrt(raw / length));
    if (!(sqrt(unit) < 1e-5 && sqrt(raw / length) < 1e-5)) fail_msg("%s: %s: too far", isa, input);
}

static void compare_attributes(const char *isa, const char *input, const cyg_result *found)
{
    float gender, ages[AGES];
    load(&gender, input, "gender", 1);
    load(ages, input, "age", AGES);
    double age = 1;
    for (int i = 0; i < AGES; i++) age += (double)i * ages[i];
    assert_int_equal(found->count, 2);
    const cyg_attribute *g = &found->attributes[0], *a = &found->attributes[1];
    assert_string_equal(g->name, "gender");
    assert_string_equal(a->name, "age");
    const double male = strcmp(g->label, "male") == 0 ? g->probability : 1 - g->probability;
    print_message("%-7s %-14s male %.6f (%.1e off), age %.4f (%.1e off)\n", isa, input, male, fabs(male - gender),
                  (double)a->value, fabs(a->value - age));
    if (!(fabs(male - gender) < 1e-5 && fabs(a->value - age) < 1e-3)) fail_msg("%s: %s: too far", isa, input);
}

static void describe(const char *isa, const cyg_model *model, const float *input, const char *name)
{
    static cyg_result found;
    cyg_backbone *net;
    cyg_features *maps = NULL;
    cyg_head *attributes = NULL, *embedding = NULL;
    cyg_error err = { 0 };
    if (cyg_backbone_create(&net, model, &(cyg_backbone_params){ .isa = isa }, &err) ||
        cyg_features_create(&maps, net, NULL, &err) || cyg_head_create(&attributes, net, "attributes", NULL, &err) ||
        cyg_head_create(&embedding, net, "embedding", NULL, &err))
        fail_msg("%s", err.message);
    cyg_backbone_run_tensor(net, input, maps);      /* one pass for both */
    cyg_head_run(embedding, maps, &found);
    compare_embedding(isa, name, maps, &found);
    cyg_head_run(attributes, maps, &found);
    compare_attributes(isa, name, &found);
    cyg_head_free(embedding);
    cyg_head_free(attributes);
    cyg_features_free(maps);
    cyg_backbone_free(net);
}

static void every_table_gives_the_golden_answers(void **state)
{
    float *input = malloc(INPUTS * sizeof *input);
    assert_non_null(input);
    cyg_model *model;
    cyg_error err = { 0 };
    if (cyg_model_open(&model, model_file, &err)) fail_msg("%s", err.message);
    const cyg_kernels *tables[CYG_MAX_ISAS];
    const int table_count = cyg_kernels_list(tables);
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        for (int j = 0; j < INPUTS; j++) input[j] = inputs[i].at(j);
        for (int t = 0; t < table_count; t++) describe(tables[t]->isa, model, input, inputs[i].name);
    }
    cyg_model_close(model);
    free(input);
}

/* What was measured, no more: above the last point it is only a bound. */
static void cosines_stand_for_measured_rates(void **state)
{
    cyg_model *model = NULL;
    cyg_backbone *net = NULL;
    cyg_head *head = NULL;
    cyg_error err = { 0 };
    if (cyg_model_open(&model, model_file, &err) || cyg_backbone_create(&net, model, NULL, &err) ||
        cyg_head_create(&head, net, "embedding", NULL, &err))
        fail_msg("%s", err.message);
    cyg_false_match match;
    assert_true(cyg_head_false_match(head, .5556f, &match));
    assert_float_equal(match.rate, .01, 1e-6);
    assert_false(match.below);
    assert_true(cyg_head_false_match(head, .9f, &match));
    assert_float_equal(match.rate, 2e-5, 1e-9);
    assert_true(match.below);
    float cosine;
    assert_true(cyg_head_threshold(head, .001f, &cosine));
    assert_float_equal(cosine, .6177, 1e-4);
    assert_false(cyg_head_threshold(head, 1e-6f, &cosine));
    cyg_head_free(head);
    cyg_backbone_free(net);
    cyg_model_close(model);
}

int main(void)
{
    if (access(model_file, R_OK) || access(TEST_GOLDENS "/bin/faceres_sin_cpu_age.f32", R_OK)) return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_gives_the_golden_answers),
        cmocka_unit_test(cosines_stand_for_measured_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
