/* test_pipeline.c - the faces of the six sample photos, exactly those; and what opening refuses. */
#include "picture.h"
#include "pipeline.h"
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char model_file[] = TEST_MODELS "/face-ssd-mobilenet-v1.safetensors";
static const char photos[] = TEST_SOURCE "/assets/cache/face-api/demo";

typedef struct detector {
    pipeline_models *models;
    pipeline        *pipeline;
} detector;

static detector detector_open(pipeline_options options)
{
    detector d;
    cyg_error err = { 0 };
    options.model = model_file;
    if (pipeline_models_open(&d.models, &options, &err) || pipeline_create(&d.pipeline, d.models, &err))
        fail_msg("%s", err.message);
    return d;
}

static void detector_close(detector *d)
{
    pipeline_free(d->pipeline);
    pipeline_models_close(d->models);
}

static frame *open_photo(const char *file)
{
    char path[500];
    snprintf(path, sizeof path, "%s/%s", photos, file);
    frame *f = calloc(1, sizeof *f);
    picture_info info;
    cyg_error err = { 0 };
    assert_non_null(f);
    if (picture_read(f, &info, path, 1 << 28, &err)) fail_msg("%s", err.message);
    picture_info_free(&info);
    return f;
}

static void drop(frame *f)
{
    free(f->memory);
    free(f);
}

static void assert_face(const char *file, const object *found, const json_t *golden, cyg_box box)
{
    const double score = json_number_value(json_object_get(golden, "score"));
    if (!(fabs(found->score - score) < 1e-4))
        fail_msg("%s: found score %.6f, expected %.6f", file, (double)found->score, score);
    const float apart = fmaxf(fmaxf(fabsf(found->box.x1 - box.x1), fabsf(found->box.y1 - box.y1)),
                              fmaxf(fabsf(found->box.x2 - box.x2), fabsf(found->box.y2 - box.y2)));
    if (!(apart < 0.05f)) fail_msg("%s: score %.4f: box is %g px from the golden one", file, score, (double)apart);
    assert_string_equal(found->label_text, "face");
    assert_int_equal(found->src, FROM_DETECT);
}

/* golden/faces.json: [x1, y1, x2, y2]; goldens_images.json: [x, y, width, height]. */
static cyg_box golden_box(const json_t *list, bool with_size)
{
    float v[4];
    for (size_t i = 0; i < 4; i++) v[i] = (float)json_number_value(json_array_get(list, i));
    return (cyg_box){ v[0], v[1], v[2] + (with_size ? v[0] : 0), v[3] + (with_size ? v[1] : 0) };
}

static void the_faces_of_the_sample_photos_and_no_other(void **state)
{
    json_t *golden = json_load_file(TEST_SOURCE "/tests/golden/faces.json", 0, NULL);
    json_t *second = json_load_file(TEST_GOLDENS "/goldens_images.json", 0, NULL);      /* NULL without */
    assert_non_null(golden);
    detector d = detector_open((pipeline_options){ .threshold = .5f });
    size_t faces = 0;
    const char *file;
    json_t *image;
    json_object_foreach(golden, file, image) {
        frame *f = open_photo(file);
        const json_t *expected = json_object_get(image, "faces");
        const json_t *others = json_object_get(json_object_get(json_object_get(second, "images"), file), "dets");
        pipeline_detect(d.pipeline, f);
        assert_true(f->analysed);
        assert_int_equal(f->object_count, json_array_size(expected));
        if (others) assert_int_equal(f->object_count, json_array_size(others));
        for (size_t i = 0; i < json_array_size(expected); i++) {
            const json_t *face = json_array_get(expected, i), *other = json_array_get(others, i);
            assert_face(file, &f->objects[i], face, golden_box(json_object_get(face, "box"), false));
            if (other) assert_face(file, &f->objects[i], other, golden_box(json_object_get(other, "exact_px"), true));
        }
        faces += json_array_size(expected);
        drop(f);
    }
    assert_int_equal(faces, 22);
    detector_close(&d);
    json_decref(golden);
    json_decref(second);
}

static float overlap(cyg_box a, cyg_box b)
{
    const float w = fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1), h = fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1);
    const float both = w > 0 && h > 0 ? w * h : 0;
    return both / ((a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - both);
}

/* Without the black bar below, the same faces: at 512 x 384 every map has rows to spare or odd
 * ones, and the photo keeps its scale. */
static void another_input_size_finds_the_same_boxes(void **state)
{
    frame *square = open_photo("sample3.jpg"), *wide = open_photo("sample3.jpg");
    detector d = detector_open((pipeline_options){ 0 });
    pipeline_detect(d.pipeline, square);
    detector_close(&d);
    static const int heights[] = { 384, 361 };
    for (int h = 0; h < 2; h++) {
        d = detector_open((pipeline_options){ .width = 512, .height = heights[h] });
        pipeline_detect(d.pipeline, wide);
        assert_int_equal(wide->object_count, square->object_count);
        for (int i = 0; i < square->object_count; i++) {
            float best = 0;
            for (int j = 0; j < wide->object_count; j++)
                best = fmaxf(best, overlap(square->objects[i].box, wide->objects[j].box));
            if (!(best > 0.85f)) fail_msg("512 x %d: face %d overlaps by %g only", heights[h], i, (double)best);
        }
        detector_close(&d);
    }
    drop(square);
    drop(wide);
}

static void options_reach_the_detector(void **state)
{
    frame *f = open_photo("sample6.jpg");
    detector d = detector_open((pipeline_options){ .max_objects = 2, .isa = "ref" });
    assert_string_equal(pipeline_models_isa(d.models), "ref");
    assert_string_equal(pipeline_models_name(d.models), "face-ssd-mobilenet-v1");
    assert_int_equal(strspn(pipeline_models_sha256(d.models), "0123456789abcdef"), 64);
    pipeline_detect(d.pipeline, f);
    assert_int_equal(f->object_count, 2);
    assert_true(f->objects[0].score >= f->objects[1].score);
    detector_close(&d);
    d = detector_open((pipeline_options){ .threshold = .999f });
    pipeline_detect(d.pipeline, f);
    assert_int_equal(f->object_count, 0);
    detector_close(&d);
    drop(f);
}

static void opening_refuses_with_a_sentence(void **state)
{
    pipeline_models *models = (pipeline_models *)&models;
    cyg_error err = { 0 };
    const pipeline_options nowhere = { .model = "/nowhere.safetensors" };
    assert_int_equal(pipeline_models_open(&models, &nowhere, &err), CYG_IO);
    assert_null(models);
    assert_non_null(strstr(err.message, "/nowhere.safetensors"));
    const pipeline_options wrong[] = {
        { .model = model_file, .isa = "altivec" }, { .model = model_file, .threshold = 2 },
        { .model = model_file, .max_objects = 100000 }, { .model = model_file, .width = 5 },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        err.message[0] = 0;
        assert_int_equal(pipeline_models_open(&models, &wrong[i], &err), i ? CYG_ARGUMENT : CYG_NOT_FOUND);
        assert_null(models);
        assert_true(err.message[0] != 0);
    }
}

int main(void)
{
    if (access(model_file, R_OK) || access(photos, R_OK)) return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_faces_of_the_sample_photos_and_no_other),
        cmocka_unit_test(another_input_size_finds_the_same_boxes),
        cmocka_unit_test(options_reach_the_detector),
        cmocka_unit_test(opening_refuses_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
