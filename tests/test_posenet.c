/* test_posenet.c - the published PoseNet on six photos, against another implementation (golden/make_pose.mjs). */
#include "picture.h"
#include "pipeline.h"
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char model_file[] = TEST_MODELS "/posenet.safetensors";
static const char photos[] = TEST_SOURCE "/assets/cache/face-api/demo";

static void assert_near(const char *file, int pose, int k, double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("%s: pose %d, point %d: found %.7g, expected %.7g", file, pose, k, found, expected);
}

/* Tolerances: samples of the photo are float32 here and double there; a pixel of the input is five of the photo. */
static void assert_poses(const char *file, const frame *f, const json_t *expected)
{
    assert_int_equal(f->object_count, json_array_size(expected));
    for (int i = 0; i < f->object_count; i++) {
        const object *o = &f->objects[i];
        const json_t *pose = json_array_get(expected, (size_t)i), *points = json_object_get(pose, "points");
        assert_near(file, i, -1, o->score, json_number_value(json_object_get(pose, "score")), 1e-4);
        assert_string_equal(o->label_text, "person");
        assert_non_null(o->skeleton);
        assert_int_equal(o->skeleton->point_count, json_array_size(points));
        for (int k = 0; k < o->skeleton->point_count; k++) {
            const json_t *point = json_array_get(points, (size_t)k);
            assert_near(file, i, k, o->points[k].x, json_number_value(json_array_get(point, 0)), .05);
            assert_near(file, i, k, o->points[k].y, json_number_value(json_array_get(point, 1)), .05);
            assert_near(file, i, k, o->points[k].score, json_number_value(json_array_get(point, 2)), 1e-3);
        }
    }
}

static void people_of_the_photos_are_found(void **state)
{
    json_t *golden = json_load_file(TEST_SOURCE "/tests/golden/pose_photos.json", 0, NULL), *expected;
    assert_non_null(golden);
    const pipeline_options options = { .model = model_file };
    pipeline_models *models;
    pipeline *p;
    cyg_error err;
    if (pipeline_models_open(&models, &options, &err) || pipeline_create(&p, models, &err)) fail_msg("%s", err.message);
    const char *file;
    json_object_foreach(golden, file, expected) {
        char path[500];
        picture_info info;
        frame *f = frame_create();
        snprintf(path, sizeof path, "%s/%s", photos, file);
        if (picture_read(f, &info, path, 1 << 28, &err)) fail_msg("%s", err.message);
        pipeline_detect(p, f);
        assert_poses(file, f, expected);
        picture_info_free(&info);
        frame_free(f);
    }
    pipeline_free(p);
    pipeline_models_close(models);
    json_decref(golden);
}

int main(void)
{
    if (access(model_file, R_OK) || access(photos, R_OK)) return 77;
    const struct CMUnitTest tests[] = { cmocka_unit_test(people_of_the_photos_are_found) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
