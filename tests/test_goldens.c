/* test_goldens.c - the pretrained face detector against two other implementations on every kernel table
 * of this CPU: figures of golden/ssd.json (golden/make_ssd.mjs), and whole tensors where there are some. */
#include "head.h"
#include "kernels/kernels.h"
#include "ssd.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { SIDE = 512, INPUTS = SIDE * SIDE * 3, ANCHORS = 5118, CLASSES = 3 };

static float sine_at(int i)
{
    return (float)sin(0.01 * i);
}

/* Blocks and hashed noise, without libm. */
static float block_at(int i)
{
    const uint32_t y = (uint32_t)i / (SIDE * 3), x = (uint32_t)i / 3 % SIDE, c = (uint32_t)i % 3;
    const uint32_t p = (((x >> 5) * 37 + (y >> 5) * 91 + c * 53) & 127) + ((uint32_t)i * 2654435761u >> 26 & 63);
    return (float)(p / 127.5) - 1;
}

static const struct { const char *name; float (*at)(int i); } inputs[] = { { "sin", sine_at }, { "blocks", block_at } };

/* The float32 values of a file; NULL if there is none. */
static float *load(const char *path, size_t count)
{
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    float *values = malloc((count + 1) * sizeof *values);
    assert_non_null(values);
    assert_int_equal(fread(values, sizeof *values, count + 1, file), count);
    fclose(file);
    return values;
}

static double distance(const float *found, const float *expected, int count)
{
    double difference = 0, norm = 0;
    for (int i = 0; i < count; i++) {
        const double d = (double)found[i] - expected[i];
        difference += d * d;
        norm += (double)expected[i] * expected[i];
    }
    return sqrt(difference / norm);
}

static void compare(const char *isa, const char *input, const char *what, const float *found, const float *expected,
                    int count, double limit)
{
    const double d = distance(found, expected, count);
    print_message("%-7s %-7s %-14s %5d values: %.1e\n", isa, input, what, count, d);
    if (!(d < limit)) fail_msg("%s: %s: %s: relative distance %g", isa, input, what, d);
}

/* Value k of golden/ssd.json's samples is the one at (k n / samples + 37 k) mod n. */
static void compare_figures(const json_t *golden, const char *isa, const char *input, const char *what,
                            const float *found, size_t count, double limit)
{
    enum { SAMPLES = 32 };
    const json_t *figures = json_object_get(json_object_get(golden, input), what);
    const json_t *samples = json_object_get(figures, "samples");
    assert_int_equal(json_array_size(samples), SAMPLES);
    float some[SAMPLES], expected[SAMPLES];
    for (size_t k = 0; k < SAMPLES; k++) {
        some[k] = found[(k * count / SAMPLES + 37 * k) % count];
        expected[k] = (float)json_number_value(json_array_get(samples, k));
    }
    compare(isa, input, what, some, expected, SAMPLES, limit);
    double square = 0;
    for (size_t i = 0; i < count; i++) square += (double)found[i] * found[i];
    const double norm = json_number_value(json_object_get(figures, "l2"));
    if (!(fabs(sqrt(square) / norm - 1) < limit))
        fail_msg("%s: %s: %s: norm %g, expected %g", isa, input, what, sqrt(square), norm);
}

/* Rounding of single floats grows along the layers, and the last maps are small: few values share it. */
static void compare_maps(const json_t *golden, const char *isa, const char *input, const cyg_features *maps)
{
    static const char *const taps[] = { "conv11_pw", "conv13_pw", "extra1", "extra3", "extra5", "extra7" };
    for (size_t i = 0; i < sizeof taps / sizeof taps[0]; i++) {
        const cyg_tensor map = cyg_features_get(maps, taps[i]);
        const size_t count = (size_t)map.height * (size_t)map.width * (size_t)map.channels;
        compare_figures(golden, isa, input, taps[i], map.data, count, 5e-5);
    }
}

static void compare_whole(const char *isa, const char *input, const char *what, const float *found, int count)
{
    char path[500];
    snprintf(path, sizeof path, TEST_GOLDENS "/bin/ssd_%s_cpu_%s.f32", input, what);
    float *expected = load(path, (size_t)count);
    if (expected) compare(isa, input, what, found, expected, count, 1e-5);
    free(expected);
}

static const char model_file[] = TEST_MODELS "/face-ssd-mobilenet-v1.safetensors";

typedef struct detector {
    cyg_model    *model;
    cyg_backbone *net;
    cyg_features *maps;
    cyg_head     *head;
} detector;

static detector detector_open(const char *isa, const cyg_head_params *params)
{
    detector d;
    cyg_error err = { 0 };
    if (cyg_model_open(&d.model, model_file, &err) ||
        cyg_backbone_create(&d.net, d.model, &(cyg_backbone_params){ .isa = isa }, &err) ||
        cyg_features_create(&d.maps, d.net, NULL, &err) || cyg_head_create(&d.head, d.net, "ssd", params, &err))
        fail_msg("%s", err.message);
    return d;
}

static void detector_close(detector *d)
{
    cyg_head_free(d->head);
    cyg_features_free(d->maps);
    cyg_backbone_free(d->net);
    cyg_model_close(d->model);
}

static void anchors_are_the_stored_ones(void **state)
{
    float *stored = load(TEST_GOLDENS "/bin/ssd_anchors.f32", ANCHORS * 4);
    if (!stored) skip();
    detector d = detector_open(NULL, NULL);
    const cyg_ssd_raw raw = cyg_ssd_last(cyg_head_self(d.head));
    assert_int_equal(raw.anchor_count, ANCHORS);
    double most = 0;
    for (int i = 0; i < ANCHORS; i++) {
        const cyg_anchor a = raw.anchors[i];
        const double corners[4] = { a.y - a.height / 2., a.x - a.width / 2., a.y + a.height / 2., a.x + a.width / 2. };
        for (int j = 0; j < 4; j++) most = fmax(most, fabs(corners[j] / SIDE - stored[4 * i + j]));
    }
    print_message("largest difference %.1e\n", most);
    assert_true(most < 2e-7);
    free(stored);
    detector_close(&d);
}

static void every_table_gives_the_golden_tensors(void **state)
{
    json_t *golden = json_load_file(TEST_SOURCE "/tests/golden/ssd.json", 0, NULL);
    float *input = malloc(INPUTS * sizeof *input);
    assert_true(golden && input);
    const cyg_kernels *tables[CYG_MAX_ISAS];
    const int table_count = cyg_kernels_list(tables);
    for (int t = 0; t < table_count; t++) {
        const char *isa = tables[t]->isa;
        detector d = detector_open(isa, NULL);
        for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
            for (int j = 0; j < INPUTS; j++) input[j] = inputs[i].at(j);
            static cyg_result found;
            cyg_backbone_run_tensor(d.net, input, d.maps);
            cyg_head_run(d.head, d.maps, &found);
            const cyg_ssd_raw raw = cyg_ssd_last(cyg_head_self(d.head));
            const char *name = inputs[i].name;
            compare_maps(golden, isa, name, d.maps);
            compare_figures(golden, isa, name, "box_encodings", raw.encodings, ANCHORS * 4, 1e-5);
            compare_figures(golden, isa, name, "class_logits", raw.logits, ANCHORS * CLASSES, 1e-5);
            compare_whole(isa, name, "box_encodings", raw.encodings, ANCHORS * 4);
            compare_whole(isa, name, "class_logits", raw.logits, ANCHORS * CLASSES);
        }
        detector_close(&d);
    }
    free(input);
    json_decref(golden);
}

static bool is_golden(const cyg_detection *d, const float box[4], float score)
{
    const float found[5] = { d->box.y1 / SIDE, d->box.x1 / SIDE, d->box.y2 / SIDE, d->box.x2 / SIDE, d->score };
    const float expected[5] = { box[0], box[1], box[2], box[3], score };
    for (int i = 0; i < 5; i++)
        if (!(fabsf(found[i] - expected[i]) < 1e-5f)) return false;
    return true;
}

/* Every box of a threshold that all reach, against the golden boxes and scores. */
static void boxes_and_scores_are_the_golden_ones(void **state)
{
    float *boxes = load(TEST_GOLDENS "/bin/ssd_blocks_cpu_boxes.f32", ANCHORS * 4);
    float *scores = load(TEST_GOLDENS "/bin/ssd_blocks_cpu_scores.f32", ANCHORS);
    if (!boxes || !scores) skip();
    float *input = malloc(INPUTS * sizeof *input);
    assert_non_null(input);
    for (int j = 0; j < INPUTS; j++) input[j] = block_at(j);
    const cyg_head_params all = { .threshold = 1e-6f, .overlap = 1, .max_count = CYG_MAX_DETECTIONS };
    detector d = detector_open(NULL, &all);
    static cyg_result found;
    cyg_backbone_run_tensor(d.net, input, d.maps);
    cyg_head_run(d.head, d.maps, &found);
    assert_int_equal(found.count, CYG_MAX_DETECTIONS);
    for (int i = 0; i < found.count; i++) {
        int j = 0;
        while (j < ANCHORS && !is_golden(&found.detections[i], boxes + 4 * j, scores[j])) j++;
        if (j == ANCHORS) fail_msg("detection %d is no golden box", i);
    }
    detector_close(&d);
    free(input);
    free(boxes);
    free(scores);
}

int main(void)
{
    if (access(model_file, R_OK)) return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchors_are_the_stored_ones),
        cmocka_unit_test(every_table_gives_the_golden_tensors),
        cmocka_unit_test(boxes_and_scores_are_the_golden_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
