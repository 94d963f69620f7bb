/* test_describe.c - what is said of faces: the 22 of the sample photos against another implementation;
 * several passes and their merging; quality and its reasons. */
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

static const char detector_file[] = TEST_MODELS "/face-ssd-mobilenet-v1.safetensors";
static const char describer_file[] = TEST_MODELS "/faceres.safetensors";
static const char photos[] = TEST_SOURCE "/assets/cache/face-api/demo";

typedef struct finder {
    pipeline_models *models;
    pipeline        *pipeline;
} finder;

static finder finder_open(pipeline_options options)
{
    finder d;
    cyg_error err = { 0 };
    options.model = detector_file;
    if (pipeline_models_open(&d.models, &options, &err) || pipeline_create(&d.pipeline, d.models, &err))
        fail_msg("%s", err.message);
    return d;
}

static void finder_close(finder *d)
{
    pipeline_free(d->pipeline);
    pipeline_models_close(d->models);
}

static frame *open_photo(const char *file)
{
    char path[500];
    snprintf(path, sizeof path, "%s/%s", photos, file);
    frame *f = frame_create();
    picture_info info;
    cyg_error err = { 0 };
    assert_non_null(f);
    if (picture_read(f, &info, path, 1 << 28, &err)) fail_msg("%s", err.message);
    picture_info_free(&info);
    return f;
}

/* A part of a photo, its pixels still the photo's. */
static frame cut(const frame *f, cyg_box b)
{
    frame out = { .image = f->image };
    const int x = (int)fmaxf(b.x1, 0), y = (int)fmaxf(b.y1, 0);
    out.image.plane[0] += y * f->image.stride[0] + 3 * x;
    out.image.width = (int)fminf(b.x2, (float)f->image.width) - x;
    out.image.height = (int)fminf(b.y2, (float)f->image.height) - y;
    return out;
}

static cyg_box grown(cyg_box b, float scale)
{
    const float side = scale * fmaxf(b.x2 - b.x1, b.y2 - b.y1) / 2, x = (b.x1 + b.x2) / 2, y = (b.y1 + b.y2) / 2;
    return (cyg_box){ x - side, y - side, x + side, y + side };
}

/* ---- The sample faces ------------------------------------------------------------- */

enum { FACES = 22, DIMENSION = 1024 };

static double number(const json_t *map, const char *key)
{
    return json_number_value(json_object_get(map, key));
}

static void compare_face(const char *file, int i, const description *said, const json_t *golden)
{
    const json_t *const expected = json_object_get(golden, "faceres");
    assert_int_equal(said->attribute_count, 2);
    const cyg_attribute *g = &said->attributes[0], *a = &said->attributes[1];
    const double male = strcmp(g->label, "male") == 0 ? g->probability : 1 - g->probability;
    const double age_off = fabs(a->value - number(expected, "age_exp"));
    const double gender_off = fabs(male - number(expected, "gender"));
    if (!(age_off < 0.05 && gender_off < 1e-3))
        fail_msg("%s: face %d: age %g off, gender %g off", file, i, age_off, gender_off);
    assert_string_equal(a->unit, "years");
}

static void the_sample_faces_are_described_as_elsewhere(void **state)
{
    json_t *images = json_load_file(TEST_GOLDENS "/goldens_images.json", 0, NULL);
    json_t *cosines = json_load_file(TEST_GOLDENS "/goldens_cosine_faceres.json", 0, NULL);
    if (!images || !cosines) skip();
    finder d = finder_open((pipeline_options){ .describer = describer_file });
    static float embeddings[FACES][DIMENSION];
    int count = 0;
    for (int photo = 1; photo <= 6; photo++) {
        char file[32];
        snprintf(file, sizeof file, "sample%d.jpg", photo);
        frame *f = open_photo(file);
        const json_t *faces = json_object_get(json_object_get(json_object_get(images, "images"), file), "dets");
        for (size_t i = 0; i < json_array_size(faces); i++) {
            double b[4];
            for (size_t j = 0; j < 4; j++)
                b[j] = json_number_value(json_array_get(json_object_get(json_array_get(faces, i), "exact_px"), j));
            const object o = { .box = { (float)b[0], (float)b[1], (float)(b[0] + b[2]), (float)(b[1] + b[3]) } };
            description said;
            pipeline_describe(d.pipeline, f, &o, &said);
            compare_face(file, (int)i, &said, json_array_get(faces, i));
            assert_int_equal(said.dimension, DIMENSION);
            assert_true(count < FACES);
            memcpy(embeddings[count++], said.embedding, sizeof embeddings[0]);
        }
        frame_free(f);
    }
    assert_int_equal(count, FACES);
    double most = 0;
    for (size_t i = 0; i < FACES; i++)
        for (size_t j = 0; j < FACES; j++)
            most = fmax(most, fabs(cyg_cosine(embeddings[i], embeddings[j], DIMENSION) -
                json_number_value(json_array_get(json_array_get(json_object_get(cosines, "cos"), i), j))));
    print_message("cosines: largest difference %.1e\n", most);
    assert_true(most < 1e-3);
    finder_close(&d);
    json_decref(images);
    json_decref(cosines);
}

static void a_describer_is_named_and_may_be_missing(void **state)
{
    finder d = finder_open((pipeline_options){ .describer = describer_file });
    assert_string_equal(pipeline_models_describer(d.models), "faceres");
    assert_int_equal(strspn(pipeline_models_describer_sha256(d.models), "0123456789abcdef"), 64);
    assert_non_null(pipeline_models_preprocessing(d.models));
    assert_int_equal(cyg_head_kind(pipeline_embedding(d.pipeline)), CYG_EMBEDDING);
    finder_close(&d);
    d = finder_open((pipeline_options){ 0 });
    assert_null(pipeline_models_describer(d.models));
    assert_null(pipeline_embedding(d.pipeline));
    finder_close(&d);

    pipeline_models *models;
    cyg_error err = { 0 };
    const pipeline_options wrong = { .model = detector_file, .describer = detector_file };
    assert_int_equal(pipeline_models_open(&models, &wrong, &err), CYG_NOT_FOUND);
    assert_non_null(strstr(err.message, "no head of type 'attributes'"));
}

/* ---- Passes ------------------------------------------------------------------------- */

/* How many of the sample faces are found in portraits cut around them. */
static int portraits_found(const pipeline_options *options, float scale)
{
    finder all = finder_open((pipeline_options){ 0 }), d = finder_open(*options);
    int found = 0;
    for (int photo = 1; photo <= 6; photo++) {
        char file[32];
        snprintf(file, sizeof file, "sample%d.jpg", photo);
        frame *f = open_photo(file);
        pipeline_detect(all.pipeline, f);
        for (int i = 0; i < f->object_count; i++) {
            frame portrait = cut(f, grown(f->objects[i].box, scale));
            pipeline_detect(d.pipeline, &portrait);
            found += portrait.object_count > 0;
        }
        frame_free(f);
    }
    finder_close(&all);
    finder_close(&d);
    return found;
}

static void a_padded_pass_finds_close_ups(void **state)
{
    const int once = portraits_found(&(pipeline_options){ .passes = PASSES_SINGLE }, 1);
    const int twice = portraits_found(&(pipeline_options){ .passes = PASSES_PORTRAIT }, 1);
    print_message("portraits as tight as the box: %d of 22 in one pass, %d with room around\n", once, twice);
    assert_true(once < 15);
    assert_int_equal(twice, 22);
}

static float overlap(cyg_box a, cyg_box b)
{
    const float w = fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1), h = fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1);
    const float both = w > 0 && h > 0 ? w * h : 0;
    return both / ((a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - both);
}

/* Every plan finds the sample faces, each once, the best first. */
static void passes_are_merged_once(void **state)
{
    static const int faces[6] = { 3, 3, 3, 4, 5, 4 };
    for (int plan = PASSES_SINGLE; plan <= PASSES_TILES; plan++) {
        finder d = finder_open((pipeline_options){ .passes = (pass_plan)plan, .threshold = .5f });
        for (int photo = 1; photo <= 6; photo++) {
            char file[32];
            snprintf(file, sizeof file, "sample%d.jpg", photo);
            frame *f = open_photo(file);
            pipeline_detect(d.pipeline, f);
            if (f->object_count != faces[photo - 1]) fail_msg("plan %d: %s: %d faces", plan, file, f->object_count);
            for (int i = 0; i < f->object_count; i++) {
                if (i) assert_true(f->objects[i - 1].score >= f->objects[i].score);
                for (int j = 0; j < i; j++) assert_true(overlap(f->objects[i].box, f->objects[j].box) <= .5f);
            }
            frame_free(f);
        }
        finder_close(&d);
    }
}

/* A photo, small, many times in one picture. */
static void tiles_find_small_faces(void **state)
{
    enum { TIMES = 8, STEP = 4 };
    frame *f = open_photo("sample5.jpg"), crowd = { 0 };
    const int width = f->image.width / STEP, height = f->image.height / STEP;
    uint8_t *const pixels = malloc((size_t)width * height * 3 * TIMES * TIMES);
    assert_non_null(pixels);
    crowd.image = f->image;
    crowd.image.width = width * TIMES;
    crowd.image.height = height * TIMES;
    crowd.image.plane[0] = pixels;
    crowd.image.stride[0] = (ptrdiff_t)width * TIMES * 3;
    for (int y = 0; y < height * TIMES; y++)
        for (int x = 0; x < width * TIMES; x++)
            memcpy(pixels + y * crowd.image.stride[0] + 3 * x,
                   f->image.plane[0] + y % height * STEP * f->image.stride[0] + x % width * STEP * 3, 3);
    int found[2];
    for (int i = 0; i < 2; i++) {
        finder d = finder_open((pipeline_options){ .passes = i ? PASSES_TILES : PASSES_SINGLE, .threshold = .5f,
                                                   .max_objects = CYG_MAX_DETECTIONS });
        pipeline_detect(d.pipeline, &crowd);
        found[i] = crowd.object_count;
        finder_close(&d);
    }
    print_message("of %d faces: %d in one pass, %d in tiles\n", 5 * TIMES * TIMES, found[0], found[1]);
    assert_true(found[0] < 150);
    assert_int_equal(found[1], CYG_MAX_DETECTIONS);
    free(pixels);
    frame_free(f);
}

/* ---- Quality -------------------------------------------------------------------------- */

enum { SIDE = 200 };

/* Checks with cells of the given size, `contrast` around `middle`, blurred by a box of 2 r + 1. */
static void draw(uint8_t *pixels, int cell, int middle, int contrast, int r)
{
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            int sum = 0, count = 0;
            for (int v = y - r; v <= y + r; v++)
                for (int u = x - r; u <= x + r; u++, count++)
                    sum += ((u + SIDE) / cell + (v + SIDE) / cell) % 2 ? contrast : -contrast;
            pixels[y * SIDE + x] = (uint8_t)(middle + sum / count);
        }
    }
}

static void quality_knows_its_reasons(void **state)
{
    static uint8_t pixels[SIDE * SIDE];
    const cyg_image image = { .format = CYG_GRAY, .width = SIDE, .height = SIDE, .depth = 8, .full_range = true,
                              .plane = { pixels }, .stride = { SIDE } };
    static const struct { int cell, middle, contrast, blur; cyg_box box; unsigned flaws; } cases[] = {
        { 8, 128, 60, 0, { 20, 20, 180, 180 }, 0 },
        { 8, 128, 20, 0, { 20, 20, 180, 180 }, 0 },                         /* little contrast is no blur */
        { 60, 128, 60, 12, { 20, 20, 180, 180 }, QUALITY_BLURRED },
        { 8, 128, 60, 0, { 50, 50, 85, 88 }, QUALITY_SMALL },
        { 8, 128, 60, 0, { -80, 20, 80, 180 }, QUALITY_CUT },
        { 8, 12, 10, 0, { 20, 20, 180, 180 }, QUALITY_DARK },
        { 8, 128, 0, 0, { 20, 20, 180, 180 }, QUALITY_BLURRED },            /* nothing there */
        { 8, 128, 60, 0, { 300, 20, 400, 180 }, QUALITY_BLURRED | QUALITY_CUT | QUALITY_DARK },     /* not there */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        draw(pixels, cases[i].cell, cases[i].middle, cases[i].contrast, cases[i].blur);
        const quality q = quality_of(&image, cases[i].box);
        if (q.flaws != cases[i].flaws)
            fail_msg("case %zu: flaws %u, expected %u (sharpness %g, inside %g, brightness %g)", i, q.flaws,
                     cases[i].flaws, (double)q.sharpness, (double)q.inside, (double)q.brightness);
        assert_true(q.score >= 0 && q.score <= 1);
    }
    char text[60];
    assert_string_equal(quality_text(text, sizeof text, 0), "");
    assert_string_equal(quality_text(text, sizeof text, QUALITY_SMALL | QUALITY_CUT), "too small, cut off");
    assert_string_equal(quality_text(text, 8, QUALITY_SMALL | QUALITY_CUT), "too sma");
}

int main(void)
{
    if (access(detector_file, R_OK) || access(describer_file, R_OK) || access(photos, R_OK)) return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quality_knows_its_reasons),
        cmocka_unit_test(the_sample_faces_are_described_as_elsewhere),
        cmocka_unit_test(a_describer_is_named_and_may_be_missing),
        cmocka_unit_test(a_padded_pass_finds_close_ups),
        cmocka_unit_test(passes_are_merged_once),
        cmocka_unit_test(tiles_find_small_faces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
