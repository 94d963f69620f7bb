/* test_tflite.c - TensorFlow Lite files: what they become, against an independent interpreter; and what is refused. */
#include "classifier.h"
#include "file.h"
#include "head.h"
#include "ssd.h"
#include "tflite_import.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define SMALL TEST_SOURCE "/tests/fuzz/corpus/tflite/"
#define PUBLISHED TEST_DATA "/models/"

/* An imported file, opened as its users do. */
typedef struct imported {
    json_t       *description;
    uint8_t      *bytes;
    cyg_model    *model;
    cyg_backbone *net;
    cyg_features *maps;
} imported;

static cyg_status import(imported *to, const tflite *const *files, int count, const tflite_options *options,
                         cyg_error *err)
{
    static const tflite_options plain = { .name = "test" };
    model_writer *writer;
    size_t size;
    *to = (imported){ 0 };
    cyg_status status = model_writer_create(&writer, err);
    if (!status) status = tflite_import(&to->description, writer, files, count, options ? options : &plain, err);
    if (!status) status = model_writer_finish(&to->bytes, &size, writer, to->description, err);
    if (!status) status = cyg_model_wrap(&to->model, to->bytes, size, "imported", err);
    if (!status) status = cyg_backbone_create(&to->net, to->model, NULL, err);
    if (!status) status = cyg_features_create(&to->maps, to->net, NULL, err);
    model_writer_free(writer);
    return status;
}

static void close_imported(imported *m)
{
    cyg_features_free(m->maps);
    cyg_backbone_free(m->net);
    cyg_model_close(m->model);
    json_decref(m->description);
    free(m->bytes);
}

static imported import_file(const char *path, const tflite_options *options)
{
    cyg_error err = { 0 };
    imported m = { 0 };
    tflite *file;
    if (tflite_open(&file, path, &err) || import(&m, (const tflite *[]){ file }, 1, options, &err))
        fail_msg("%s", err.message);
    tflite_close(file);
    return m;
}

static bool exists(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

/* ---- Goldens: tests/golden/make_tflite.mjs --------------------------------------------------- */

static double number(const json_t *golden, const char *key)
{
    return json_number_value(json_object_get(golden, key));
}

/* float32 against double through 27 layers or more; a wrong zero point or a shifted row moves values by percents. */
static void compare(const float *values, size_t count, const json_t *golden, const char *what)
{
    const double norm = number(golden, "norm"), allowed = 2e-5 * norm / sqrt((double)count) * 10;
    double square = 0;
    size_t best = 0, k;
    const json_t *wanted;
    if (count != (size_t)number(golden, "length")) fail_msg("%s: %zu values", what, count);
    for (size_t i = 0; i < count; i++) {
        square += (double)values[i] * values[i];
        if (values[i] > values[best]) best = i;
    }
    assert_float_equal(sqrt(square), norm, 1e-4 * norm);
    assert_int_equal(best, number(golden, "best"));
    json_array_foreach(json_object_get(golden, "values"), k, wanted) {
        const size_t at = (k * count / 16 + 37 * k) % count;
        if (!(fabs(values[at] - json_number_value(wanted)) < allowed + 1e-5 * fabs(json_number_value(wanted))))
            fail_msg("%s: value %zu: %g, expected %g", what, at, (double)values[at], json_number_value(wanted));
    }
}

static void compare_all(const imported *m, const json_t *golden, const char *what)
{
    static cyg_result found;
    cyg_head *head = NULL;
    cyg_error err = { 0 };
    const json_t *settings = json_array_get(json_object_get(m->description, "heads"), 0);
    const char *type = json_string_value(json_object_get(settings, "type"));
    if (cyg_head_create(&head, m->net, type, NULL, &err)) fail_msg("%s", err.message);
    cyg_head_run(head, m->maps, &found);
    if (strcmp(type, "ssd") == 0) {
        const cyg_ssd_raw raw = cyg_ssd_last(cyg_head_self(head));
        compare(raw.encodings, (size_t)raw.anchor_count * 4, json_object_get(golden, "boxes"), what);
        compare(raw.logits, (size_t)raw.anchor_count * (size_t)raw.classes, json_object_get(golden, "logits"), what);
    } else if (strcmp(type, "classifier") == 0) {
        int count;
        const float *logits = cyg_classifier_logits(cyg_head_self(head), &count);
        compare(logits, (size_t)count, json_object_get(golden, "logits"), what);
    } else {
        const cyg_tensor pool = cyg_features_get(m->maps, "pool");
        compare(pool.data, (size_t)pool.channels, json_object_get(golden, "logits"), what);
    }
    cyg_head_free(head);
}

/* False: its files are not here. */
static bool check_golden(const json_t *golden)
{
    const json_t *names = json_object_get(golden, "files");
    tflite *files[2] = { NULL };
    char path[2][500], labels[500];
    cyg_error err = { 0 };
    const int count = (int)json_array_size(names);
    for (int i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(names, (size_t)i));
        snprintf(path[i], sizeof path[i], "%s%s", SMALL, name);
        if (!exists(path[i])) snprintf(path[i], sizeof path[i], "%s%s", PUBLISHED, name);
        if (!exists(path[i])) return false;
    }
    snprintf(labels, sizeof labels, "%slabels_1001.txt", PUBLISHED);
    const tflite_options options = { .name = "test", .labels = count == 2 ? labels : NULL };
    imported m;
    for (int i = 0; i < count; i++)
        if (tflite_open(&files[i], path[i], &err)) fail_msg("%s", err.message);
    if (import(&m, (const tflite *const *)files, count, &options, &err)) fail_msg("%s", err.message);
    const int height = (int)number(golden, "height"), width = (int)number(golden, "width");
    assert_int_equal(cyg_backbone_height(m.net), height);
    assert_int_equal(cyg_backbone_width(m.net), width);
    float *input = malloc((size_t)height * (size_t)width * 3 * sizeof *input);
    for (int i = 0; i < height * width * 3; i++) input[i] = (float)sin(.01 * i);
    cyg_backbone_run_tensor(m.net, input, m.maps);
    compare_all(&m, golden, path[0]);
    free(input);
    close_imported(&m);
    for (int i = 0; i < count; i++) tflite_close(files[i]);
    return true;
}

static void numbers_are_those_of_the_interpreter(void **state)
{
    json_error_t at;
    size_t i;
    int checked = 0;
    const json_t *golden;
    json_t *goldens = json_load_file(TEST_SOURCE "/tests/golden/tflite.json", 0, &at);
    if (!goldens) fail_msg("%s", at.text);
    json_array_foreach(goldens, i, golden) checked += check_golden(golden);
    print_message("%d of %zu files\n", checked, json_array_size(goldens));
    assert_true(checked >= 3);
    json_decref(goldens);
}

/* ---- Descriptions ------------------------------------------------------------------------------- */

static const json_t *backbone_of(const imported *m, const char *key)
{
    return json_object_get(json_object_get(m->description, "backbone"), key);
}

static const json_t *head_of(const imported *m, const char *key)
{
    return json_object_get(json_array_get(json_object_get(m->description, "heads"), 0), key);
}

static void expect_numbers(const json_t *list, const double *wanted, size_t count, double most)
{
    assert_int_equal(json_array_size(list), count);
    for (size_t i = 0; i < count; i++)
        assert_float_equal(json_number_value(json_array_get(list, i)), wanted[i], most);
}

static void expect_texts(const json_t *list, const char *const *wanted)
{
    size_t i = 0;
    for (; wanted[i]; i++) assert_string_equal(json_string_value(json_array_get(list, i)), wanted[i]);
    assert_int_equal(json_array_size(list), i);
}

static void an_ssd_is_described(void **state)
{
    imported m = import_file(SMALL "ssd.tflite", NULL);
    expect_texts(head_of(&m, "labels"), (const char *const[]){ "cat", "dog", "", "bird", NULL });
    expect_texts(backbone_of(&m, "taps"), (const char *const[]){ "conv11_pw", "conv13_pw", "extra1", NULL });
    const json_t *anchors = head_of(&m, "anchors"), *input = backbone_of(&m, "input");
    expect_numbers(json_object_get(anchors, "scales"), (const double[]){ .2, .55, .9, 1 }, 4, 1e-12);
    expect_numbers(json_object_get(anchors, "aspect_ratios"), (const double[]){ 1, 2, .5, 3, 1 / 3. }, 5, 1e-12);
    assert_true(json_is_true(json_object_get(anchors, "reduce_lowest")));
    assert_string_equal(json_string_value(json_object_get(anchors, "between")), "last");
    expect_numbers(head_of(&m, "box_scale"), (const double[]){ 10, 10, 5, 5 }, 4, 0);
    assert_float_equal(json_number_value(head_of(&m, "overlap")), .6, 1e-6);
    assert_int_equal(json_integer_value(head_of(&m, "classes")), 5);
    assert_int_equal(json_integer_value(head_of(&m, "first_class")), 1);
    assert_string_equal(json_string_value(head_of(&m, "score")), "sigmoid");
    assert_string_equal(json_string_value(json_object_get(input, "letterbox")), "stretch");
    expect_numbers(json_object_get(input, "mean"), (const double[]){ 128, 128, 128 }, 3, 0);
    expect_numbers(json_object_get(input, "scale"), (const double[]){ 1 / 128., 1 / 128., 1 / 128. }, 3, 0);
    assert_string_equal(json_string_value(backbone_of(&m, "activation")), "relu6");
    assert_float_equal(json_number_value(json_object_get(backbone_of(&m, "ranges"), "conv5_dw")), 6, 1e-6);
    close_imported(&m);
}

/* Labels cat, dog, none, bird: at the lowest threshold all three that there are, and no other. */
static void a_gap_among_labels_is_never_reported(void **state)
{
    static float input[32 * 32 * 3];
    static cyg_result found;
    imported m = import_file(SMALL "ssd.tflite", NULL);
    cyg_head *head;
    cyg_error err = { 0 };
    int seen[4] = { 0 };
    const cyg_head_params params = { .threshold = .001f, .overlap = .9f, .max_count = CYG_MAX_DETECTIONS };
    if (cyg_head_create(&head, m.net, "ssd", &params, &err)) fail_msg("%s", err.message);
    cyg_backbone_run_tensor(m.net, input, m.maps);
    cyg_head_run(head, m.maps, &found);
    for (int i = 0; i < found.count; i++) seen[found.detections[i].label]++;
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[3] > 0);
    assert_int_equal(seen[2], 0);
    cyg_head_free(head);
    close_imported(&m);
}

static void classifiers_are_described(void **state)
{
    imported m = import_file(SMALL "int8.tflite", NULL);
    assert_string_equal(json_string_value(backbone_of(&m, "activation")), "relu");
    assert_string_equal(json_string_value(head_of(&m, "score")), "softmax");
    assert_int_equal(json_array_size(head_of(&m, "labels")), 3);
    const json_t *input = backbone_of(&m, "input");
    expect_numbers(json_object_get(input, "mean"), (const double[]){ 0, 0, 0 }, 3, 0);
    assert_float_equal(json_number_value(json_array_get(json_object_get(input, "scale"), 0)), 1 / 255., 1e-9);
    close_imported(&m);

    const tflite_options options = { .name = "test", .has_range = true, .low = -2, .high = 3 };
    m = import_file(SMALL "float.tflite", &options);
    input = backbone_of(&m, "input");
    expect_numbers(json_object_get(input, "mean"), (const double[]){ 102, 102, 102 }, 3, 1e-9);
    expect_numbers(json_object_get(input, "scale"), (const double[]){ 1 / 51., 1 / 51., 1 / 51. }, 3, 1e-9);
    assert_null(backbone_of(&m, "ranges"));
    close_imported(&m);
}

static void the_input_of_floats_is_judged_by_the_first_layer(void **state)
{
    static const struct { const char *path; double mean, scale; } known[] = {
        { SMALL "float.tflite", 127.5, 1 / 127.5 },
        { PUBLISHED "mobilenet_v1_0.25_224_float.tflite", 127.5, 1 / 127.5 },
        { PUBLISHED "vww_96_float.tflite", 0, 1 / 255. },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!exists(known[i].path)) continue;
        imported m = import_file(known[i].path, NULL);
        const json_t *input = backbone_of(&m, "input");
        const json_t *assumed = json_object_get(json_object_get(m.description, "source"), "assumed");
        bool said = false;
        size_t k;
        const json_t *sentence;
        json_array_foreach(assumed, k, sentence) said |= strstr(json_string_value(sentence), "white is 1") != NULL;
        assert_true(said);
        for (size_t c = 0; c < 3; c++) {
            assert_float_equal(json_number_value(json_array_get(json_object_get(input, "mean"), c)), known[i].mean, 0);
            assert_float_equal(json_number_value(json_array_get(json_object_get(input, "scale"), c)), known[i].scale,
                               1e-12);
        }
        close_imported(&m);
    }
}

static void labels_fit_their_classes(void **state)
{
    static const struct { const char *text; size_t count; const char *first; } known[] = {
        { "a\nb\nc\n", 3, "a" }, { " a \r\nb\r\nc", 3, "a" }, { "b\nc\n\n\n", 3, "background" }, { "a\n\nc\n", 3, "a" },
        { "a\n", 0, "labels, expected 3" }, { "a\nb\nc\nd\n", 0, "labels, expected 3" },
        { "a\n\xff\nc\n", 0, ":2: found no label" },
    };
    tflite *file;
    char path[] = "/tmp/test_tflite_XXXXXX";
    assert_int_equal(tflite_open(&file, SMALL "int8.tflite", NULL), CYG_OK);
    close(mkstemp(path));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const tflite_options options = { .name = "test", .labels = path };
        cyg_error err = { 0 };
        imported m;
        assert_int_equal(file_write(path, known[i].text, strlen(known[i].text), true, NULL), CYG_OK);
        const cyg_status status = import(&m, (const tflite *[]){ file }, 1, &options, &err);
        assert_int_equal(status, known[i].count ? CYG_OK : CYG_FORMAT);
        if (status && !strstr(err.message, known[i].first))
            fail_msg("'%s' does not say '%s'", err.message, known[i].first);
        assert_int_equal(json_array_size(head_of(&m, "labels")), known[i].count);
        if (!status) assert_string_equal(json_string_value(json_array_get(head_of(&m, "labels"), 0)), known[i].first);
        close_imported(&m);
    }
    remove(path);
    tflite_close(file);
}

/* ---- Refused ----------------------------------------------------------------------------------------- */

static void strangers_are_refused_by_name(void **state)
{
    static const struct { const char *path, *says; } strangers[] = {
        { SMALL "add.tflite", "operator 7 (ADD, 't22'): expected DEPTHWISE_CONV_2D 3x3 (conv4_dw of MobileNetV1)" },
        { PUBLISHED "mobilenet_v2_1.0_224_quant.tflite", "operator 2 (CONV_2D" },
        { PUBLISHED "model_invoking_error.tflite", "found 1x3, expected one picture" },
        { PUBLISHED "mobilenet_quant_v1_224_head_layers.tflite", "found 1x1x1x1024, expected one picture" },
        { TEST_SOURCE "/CMakeLists.txt", "found no 'TFL3' at byte 4" },
    };
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        cyg_error err = { 0 };
        imported m = { 0 };
        tflite *file = NULL;
        if (!exists(strangers[i].path)) continue;
        cyg_status status = tflite_open(&file, strangers[i].path, &err);
        if (!status) status = import(&m, (const tflite *[]){ file }, 1, NULL, &err);
        assert_true(status == CYG_UNSUPPORTED || status == CYG_FORMAT);
        assert_int_equal(err.status, status);
        if (!strstr(err.message, strangers[i].says)) fail_msg("'%s' does not say '%s'", err.message, strangers[i].says);
        close_imported(&m);
        tflite_close(file);
    }
}

static void two_files_must_be_halves(void **state)
{
    tflite *file;
    cyg_error err = { 0 };
    imported m;
    assert_int_equal(tflite_open(&file, SMALL "int8.tflite", NULL), CYG_OK);
    assert_int_equal(import(&m, (const tflite *[]){ file, file }, 2, NULL, &err), CYG_UNSUPPORTED);
    assert_non_null(strstr(err.message, "found a whole network"));
    close_imported(&m);
    tflite_close(file);
}

static void operators_come_in_order(void **state)
{
    char *bytes;
    size_t size;
    tflite *file;
    cyg_error err = { 0 };
    assert_int_equal(file_read(&bytes, &size, SMALL "int8.tflite", 1 << 20, NULL), CYG_OK);
    uint8_t *const own = (uint8_t *)bytes;
    assert_int_equal(tflite_parse(&file, own, size, "ring", NULL), CYG_OK);
    const int32_t later = flat_i32(file->operators[5].outputs, 0);
    memcpy(own + (file->operators[0].inputs.items - own), &later, sizeof later);
    tflite_close(file);
    assert_int_equal(tflite_parse(&file, own, size, "ring", &err), CYG_FORMAT);
    assert_non_null(strstr(err.message, "made later"));
    free(bytes);
}

static void a_cut_file_is_refused(void **state)
{
    char *bytes;
    size_t size;
    assert_int_equal(file_read(&bytes, &size, SMALL "int8.tflite", 1 << 20, NULL), CYG_OK);
    for (size_t cut = 0; cut < size; cut += cut < 2000 ? 7 : 997) {
        cyg_error err = { 0 };
        tflite *file;
        uint8_t *part = malloc(cut + 1);
        memcpy(part, bytes, cut);
        assert_int_equal(tflite_parse(&file, part, cut, "cut", &err), CYG_FORMAT);
        assert_null(file);
        assert_non_null(strstr(err.message, "cut: "));
        free(part);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_the_interpreter),
        cmocka_unit_test(an_ssd_is_described),
        cmocka_unit_test(a_gap_among_labels_is_never_reported),
        cmocka_unit_test(classifiers_are_described),
        cmocka_unit_test(the_input_of_floats_is_judged_by_the_first_layer),
        cmocka_unit_test(labels_fit_their_classes),
        cmocka_unit_test(strangers_are_refused_by_name),
        cmocka_unit_test(two_files_must_be_halves),
        cmocka_unit_test(operators_come_in_order),
        cmocka_unit_test(a_cut_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
