/* test_ssd.c - anchors, decoding and NMS against known answers, the whole head against a plain one. */
#include "anchors.h"
#include "head.h"
#include "network.h"
#include "nms.h"
#include "ssd.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint32_t random_state = 1;

static float random_float(float lo, float hi)
{
    random_state = random_state * 1664525u + 1013904223u;
    return lo + (hi - lo) * (float)(random_state >> 8) / (1 << 24);
}

static void assert_near(double found, double expected, double tolerance)
{
    if (fabs(found - expected) <= tolerance) return;
    fail_msg("found %.9g, expected %.9g +- %g", found, expected, tolerance);
}

/* ---- Anchors ------------------------------------------------------------------------ */

static const cyg_anchor_rule six_levels = {
    .level_count = 6, .ratio_count = 5,
    .scales = { .2, .35, .5, .65, .8, .95, 1 }, .ratios = { 1, 2, .5, 3, 1. / 3 }, .reduce_lowest = true,
};

static void shapes_follow_the_rule(void **state)
{
    cyg_anchor_shape s[CYG_MAX_SHAPES];
    assert_int_equal(cyg_anchor_shapes(s, &six_levels, 0, 500), 3);
    const double lowest[3][2] = { { 50, 50 }, { 141.421356, 70.710678 }, { 70.710678, 141.421356 } };
    for (int i = 0; i < 3; i++) {
        assert_near(s[i].width, lowest[i][0], 1e-5);
        assert_near(s[i].height, lowest[i][1], 1e-5);
    }
    assert_int_equal(cyg_anchor_shapes(s, &six_levels, 1, 100), 6);
    const double second[6][2] = { { 35, 35 }, { 41.833001, 41.833001 }, { 49.497475, 24.748737 },
                                  { 24.748737, 49.497475 }, { 60.621778, 20.207259 }, { 20.207259, 60.621778 } };
    for (int i = 0; i < 6; i++) {
        assert_near(s[i].width, second[i][0], 1e-5);
        assert_near(s[i].height, second[i][1], 1e-5);
    }
    cyg_anchor_rule rule = six_levels;
    rule.between = CYG_BETWEEN_LAST;
    assert_int_equal(cyg_anchor_shapes(s, &rule, 1, 100), 6);
    assert_near(s[1].width, second[2][0], 1e-5);
    assert_near(s[5].width, second[1][0], 1e-5);
    rule.between = CYG_BETWEEN_NONE;
    assert_int_equal(cyg_anchor_shape_count(&rule, 1), 5);
    assert_int_equal(cyg_anchor_shape_count(&rule, 0), 3);
}

static void anchors_run_along_rows(void **state)
{
    const cyg_anchor_shape shapes[2] = { { 10, 20 }, { 30, 5 } };
    cyg_anchor a[2 * 3 * 2];
    cyg_anchors_fill(a, (cyg_cells){ 2, 4, 8 }, (cyg_cells){ 3, 5, 10 }, shapes, 2);
    const cyg_anchor last = a[11], second = a[2];
    assert_true(last.x == 25 && last.y == 12 && last.width == 30 && last.height == 5);
    assert_true(second.x == 15 && second.y == 4 && second.width == 10 && second.height == 20);
}

/* ---- Decoding, NMS --------------------------------------------------------------------- */

static void decodes_known_boxes(void **state)
{
    const cyg_anchor anchor = { 100, 50, 40, 20 };
    const float scale[4] = { 10, 10, 5, 5 };
    cyg_box b = cyg_ssd_decode(anchor, (const float[4]){ 0, 0, 0, 0 }, scale);
    assert_true(b.x1 == 80 && b.y1 == 40 && b.x2 == 120 && b.y2 == 60);
    /* y + 5/10*20, x - 10/10*40, height * 2, width / 2 */
    const float ln2 = 5 * 0.693147181f;
    b = cyg_ssd_decode(anchor, (const float[4]){ 5, -10, ln2, -ln2 }, scale);
    assert_near(b.x1, 50, 1e-4);
    assert_near(b.y1, 40, 1e-4);
    assert_near(b.x2, 70, 1e-4);
    assert_near(b.y2, 80, 1e-4);
}

static void overlap_is_intersection_over_union(void **state)
{
    const cyg_box unit = { 0, 0, 2, 2 };
    assert_near(cyg_box_overlap(unit, unit), 1, 0);
    assert_near(cyg_box_overlap(unit, (cyg_box){ 1, 0, 3, 2 }), 1. / 3, 1e-7);
    assert_near(cyg_box_overlap(unit, (cyg_box){ 0, 0, 1, 1 }), .25, 0);
    assert_near(cyg_box_overlap(unit, (cyg_box){ 2, 0, 4, 2 }), 0, 0);
    assert_near(cyg_box_overlap(unit, (cyg_box){ 5, 5, 6, 6 }), 0, 0);
    assert_near(cyg_box_overlap((cyg_box){ 1, 1, 1, 1 }, (cyg_box){ 1, 1, 1, 1 }), 0, 0);
    assert_near(cyg_box_overlap((cyg_box){ -1, -1, 1, 1 }, unit), 1. / 7, 1e-7);        /* not clipped */
}

static void only_a_strictly_larger_overlap_drops(void **state)
{
    const cyg_detection kept = { .box = { 0, 0, 2, 2 } }, half = { .box = { 0, 0, 2, 1 } };
    assert_true(cyg_detection_is_new(&half, &kept, 1, .5f));
    assert_false(cyg_detection_is_new(&half, &kept, 1, .499f));
    const cyg_detection other = { .box = { 0, 0, 2, 2 }, .label = 1 };
    assert_true(cyg_detection_is_new(&other, &kept, 1, .1f));
}

static int by_score(const void *a, const void *b)
{
    const cyg_candidate *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

static void candidates_come_best_first_ties_by_index(void **state)
{
    enum { MOST = 300 };
    cyg_candidate heap[MOST], sorted[MOST];
    for (int count = 1; count <= MOST; count += 13) {
        for (int i = 0; i < count; i++)
            heap[i] = sorted[i] = (cyg_candidate){ floorf(random_float(0, 20)) / 20, (i * 7919) % count };
        qsort(sorted, (size_t)count, sizeof sorted[0], by_score);
        cyg_candidates_order(heap, count);
        for (int i = 0; i < count; i++) {
            const cyg_candidate best = cyg_candidates_take(heap, count - i);
            assert_true(best.score == sorted[i].score);
            assert_int_equal(best.index, sorted[i].index);
        }
    }
}

/* ---- The whole head ---------------------------------------------------------------------- */

/* Six maps as in the SSD MobileNet of TensorFlow's model zoo, at width 0.25. */
static const char extra[] =
    "[{\"kernel\":1,\"stride\":1,\"channels\":16},{\"kernel\":3,\"stride\":2,\"channels\":32},"
    "{\"kernel\":1,\"stride\":1,\"channels\":16},{\"kernel\":3,\"stride\":2,\"channels\":32},"
    "{\"kernel\":1,\"stride\":1,\"channels\":16},{\"kernel\":3,\"stride\":2,\"channels\":32},"
    "{\"kernel\":1,\"stride\":1,\"channels\":16},{\"kernel\":3,\"stride\":2,\"channels\":32}]";
static const char *const taps[6] = { "conv11_pw", "conv13_pw", "extra1", "extra3", "extra5", "extra7" };
static const int channels[6] = { 128, 256, 32, 32, 32, 32 };

typedef struct setup {
    network       net;
    cyg_backbone *backbone;
    cyg_features *maps;
    cyg_head     *head;
    json_t       *json;         /* the head's settings, before a test changes them */
} setup;

static json_t *head_settings(int label_count, int classes, const char *score)
{
    json_t *maps = json_array(), *labels = json_array();
    for (int i = 0; i < 6; i++)
        json_array_append_new(maps, json_pack("{s:s, s:s+, s:s+}", "tap", taps[i], "boxes", "boxes/", taps[i],
                                              "scores", "scores/", taps[i]));
    for (int i = 0; i < label_count; i++) json_array_append_new(labels, json_sprintf("label %d", i));
    return json_pack("{s:s, s:o, s:o, s:i, s:i, s:s, s:{s:s, s:[f,f,f,f,f,f,f], s:[f,f,f,f,f], s:b},"
                     " s:[f,f,f,f], s:f, s:f, s:i}",
                     "type", "ssd", "labels", labels, "maps", maps, "classes", classes, "first_class", 1,
                     "score", score, "anchors", "kind", "tf_ssd", "scales", .2, .35, .5, .65, .8, .95, 1.,
                     "aspect_ratios", 1., 2., .5, 3., .3333,
                     "reduce_lowest", 1, "box_scale", 10., 10., 5., 5., "threshold", .5, "overlap", .5,
                     "max_count", 100);
}

static network make_network(int width, int height, json_t *settings, int classes)
{
    json_t *convolutions = json_array(), *heads = json_pack("[O]", settings), *tap_list = json_array();
    for (int i = 0; i < 6; i++) {
        const int shapes = i ? 6 : 3;
        json_array_append_new(tap_list, json_string(taps[i]));
        json_array_append_new(convolutions, json_pack("[s+, i, i]", "boxes/", taps[i], channels[i], shapes * 4));
        json_array_append_new(convolutions, json_pack("[s+, i, i]", "scores/", taps[i], channels[i], shapes * classes));
    }
    char *texts[3] = { json_dumps(tap_list, 0), json_dumps(heads, 0), json_dumps(convolutions, 0) };
    const network net = network_make_heads(.25, width, height, extra, texts[0], texts[1], texts[2]);
    for (int i = 0; i < 3; i++) free(texts[i]);
    json_decref(tap_list);
    json_decref(heads);
    json_decref(convolutions);
    return net;
}

static setup open_head(int width, int height, int label_count, int classes, const char *score,
                       const cyg_head_params *params)
{
    setup s = { .json = head_settings(label_count, classes, score) };
    s.net = make_network(width, height, s.json, classes);
    cyg_error err = { 0 };
    if (cyg_backbone_create(&s.backbone, s.net.model, NULL, &err) ||
        cyg_features_create(&s.maps, s.backbone, NULL, &err) ||
        cyg_head_create(&s.head, s.backbone, "ssd", params, &err))
        fail_msg("%s", err.message);
    return s;
}

static void close_head(setup *s)
{
    cyg_head_free(s->head);
    cyg_features_free(s->maps);
    cyg_backbone_free(s->backbone);
    network_free(&s->net);
    json_decref(s->json);
}

static void run_on_noise(setup *s, cyg_result *found)
{
    const int width = cyg_backbone_width(s->backbone), height = cyg_backbone_height(s->backbone);
    float *input = malloc((size_t)width * height * 3 * sizeof *input);
    assert_non_null(input);
    for (int i = 0; i < width * height * 3; i++)
        input[i] = sinf(.05f * (float)(i % (width * 3))) * .8f + random_float(-.2f, .2f);
    cyg_backbone_run_tensor(s->backbone, input, s->maps);
    cyg_head_run(s->head, s->maps, found);
    free(input);
}

/* The plain way: every score, sort all, compare all. */
static int detect_plainly(cyg_detection *out, const cyg_ssd_raw *raw, int label_count, bool softmax, float threshold,
                          float overlap, int max_count)
{
    const float scale[4] = { 10, 10, 5, 5 };
    cyg_candidate *all = malloc((size_t)raw->anchor_count * (size_t)label_count * sizeof *all);
    assert_non_null(all);
    int count = 0, kept = 0;
    for (int a = 0; a < raw->anchor_count; a++) {
        const float *logits = raw->logits + a * raw->classes;
        double sum = 0;
        for (int c = 0; c < raw->classes; c++) sum += exp((double)logits[c]);
        for (int i = 0; i < label_count; i++) {
            const double e = exp((double)logits[1 + i]);
            const float score = (float)(softmax ? e / sum : e / (1 + e));
            if (score > threshold) all[count++] = (cyg_candidate){ score, a * label_count + i };
        }
    }
    qsort(all, (size_t)count, sizeof *all, by_score);
    for (int i = 0; i < count && kept < max_count; i++) {
        const int a = all[i].index / label_count;
        const cyg_detection d = { .box = cyg_ssd_decode(raw->anchors[a], raw->encodings + a * 4, scale),
                                  .score = all[i].score, .label = all[i].index % label_count };
        if (cyg_detection_is_new(&d, out, kept, overlap)) out[kept++] = d;
    }
    free(all);
    return kept;
}

static void compare_with_plain(int width, int height, int labels, int classes, const char *score,
                               const cyg_head_params *params)
{
    setup s = open_head(width, height, labels, classes, score, params);
    static cyg_result found;
    run_on_noise(&s, &found);
    const cyg_ssd_raw raw = cyg_ssd_last(cyg_head_self(s.head));
    cyg_detection expected[CYG_MAX_DETECTIONS];
    const int count = detect_plainly(expected, &raw, labels, !strcmp(score, "softmax"), params->threshold,
                                     params->overlap, params->max_count);
    assert_int_equal(found.kind, CYG_DETECTIONS);
    assert_in_range(count, 3, params->max_count);
    assert_int_equal(found.count, count);
    for (int i = 0; i < count; i++) {
        assert_int_equal(found.detections[i].label, expected[i].label);
        assert_near(found.detections[i].score, expected[i].score, 1e-6);
        const float *a = &found.detections[i].box.x1, *b = &expected[i].box.x1;
        for (int j = 0; j < 4; j++) assert_near(a[j], b[j], 1e-3);
    }
    close_head(&s);
}

static void finds_what_the_plain_way_finds(void **state)
{
    compare_with_plain(128, 96, 1, 3, "sigmoid", &(cyg_head_params){ .3f, .5f, 100 });
    compare_with_plain(160, 160, 4, 5, "sigmoid", &(cyg_head_params){ .4f, .3f, 256 });
    compare_with_plain(96, 200, 3, 4, "softmax", &(cyg_head_params){ .3f, .4f, 50 });
    compare_with_plain(64, 64, 1, 2, "softmax", &(cyg_head_params){ .3f, .9f, 256 });
    compare_with_plain(64, 64, 1, 2, "softmax", &(cyg_head_params){ .6f, .9f, 256 });
    compare_with_plain(100, 60, 9, 12, "softmax", &(cyg_head_params){ .1f, .6f, 7 });
}

static void a_coco_model_is_only_another_file(void **state)
{
    setup s = open_head(300, 300, 90, 91, "sigmoid", NULL);
    static cyg_result found;
    run_on_noise(&s, &found);
    const cyg_ssd_raw raw = cyg_ssd_last(cyg_head_self(s.head));
    assert_int_equal(raw.anchor_count, 1917);
    assert_int_equal(raw.classes, 91);
    assert_int_equal(cyg_head_label_count(s.head), 90);
    assert_string_equal(cyg_head_label(s.head, 89), "label 89");
    assert_string_equal(cyg_head_label(s.head, 90), "?");
    assert_string_equal(cyg_head_label(s.head, -1), "?");
    const cyg_anchor first = raw.anchors[0], second_level = raw.anchors[3 * 19 * 19 + 1];
    assert_near(first.x, 150. / 19, 1e-5);
    assert_near(first.width, 30, 1e-5);
    assert_near(second_level.y, 15, 1e-5);
    assert_near(second_level.width, 300 * sqrt(.35 * .5), 1e-4);
    close_head(&s);
}

static void boxes_follow_the_region(void **state)
{
    setup s = open_head(128, 128, 1, 3, "sigmoid", &(cyg_head_params){ .3f, .5f, 20 });
    static cyg_result plain, mapped;
    run_on_noise(&s, &plain);
    uint8_t pixels[64 * 32 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)random_float(0, 256);
    const cyg_image image = { .format = CYG_RGB24, .width = 64, .height = 32, .depth = 8, .plane = { pixels },
                              .stride = { 64 * 3 } };
    cyg_backbone_run(s.backbone, &image, (cyg_region){ { 0, .5f, 10, -.25f, 0, 100 } }, s.maps);    /* a quarter turn */
    cyg_head_run(s.head, s.maps, &mapped);
    const cyg_ssd_raw raw = cyg_ssd_last(cyg_head_self(s.head));
    cyg_detection expected[20];
    const int count = detect_plainly(expected, &raw, 1, false, .3f, .5f, 20);
    assert_int_equal(mapped.count, count);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        const cyg_box in = expected[i].box, out = mapped.detections[i].box;
        assert_near(out.x1, .5 * in.y1 + 10, 1e-3);
        assert_near(out.x2, .5 * in.y2 + 10, 1e-3);
        assert_near(out.y1, -.25 * in.x2 + 100, 1e-3);
        assert_near(out.y2, -.25 * in.x1 + 100, 1e-3);
    }
    close_head(&s);
}

/* With another input size, cells keep their distance and boxes their size, and the cells move
 * with the padding: on 9 rows the stride-2 layer pads before, on 8 it does not. */
static void cells_of_another_input_size(void **state)
{
    setup s = open_head(512, 512, 1, 3, "sigmoid", NULL);
    cyg_cells cells;
    assert_true(cyg_cells_of(&cells, s.backbone, "conv11_pw", 512, 512));
    assert_true(cells.count == 32 && cells.first == 8 && cells.step == 16);
    assert_true(cyg_cells_of(&cells, s.backbone, "extra7", 512, 512));
    assert_true(cells.count == 1 && cells.first == 256 && cells.step == 512);
    assert_true(cyg_cells_of(&cells, s.backbone, "conv13_pw", 512, 288));
    assert_true(cells.count == 9 && cells.first == 16 && cells.step == 32);
    assert_true(cyg_cells_of(&cells, s.backbone, "extra1", 512, 288));
    assert_true(cells.count == 5 && cells.first == 0 && cells.step == 64);
    assert_false(cyg_cells_of(&cells, s.backbone, "pool", 512, 288));
    close_head(&s);
}

static void absurd_encodings_have_no_finite_box(void **state)
{
    const float scale[4] = { 10, 10, 5, 5 };
    const cyg_box b = cyg_ssd_decode((cyg_anchor){ 1, 1, 1, 1 }, (const float[4]){ 0, 0, 0, 1e6f }, scale);
    assert_false(isfinite(b.x2));
}

/* ---- Mistakes in the model file and the params ---------------------------------------------- */

static void expect_mistake(json_t *settings, const char *words)
{
    cyg_ssd_settings read;
    cyg_error err = { 0 };
    assert_int_equal(cyg_ssd_settings_read(&read, settings, "x.safetensors", &err), CYG_FORMAT);
    if (!strstr(err.message, words)) fail_msg("found \"%s\", expected in it \"%s\"", err.message, words);
    assert_non_null(strstr(err.message, "x.safetensors: head 'ssd': "));
    json_decref(settings);
}

static json_t *with(const char *key, json_t *value)
{
    json_t *settings = head_settings(1, 3, "sigmoid"), *object = settings;
    if (!strncmp(key, "anchors.", 8)) {
        object = json_object_get(settings, "anchors");
        key += 8;
    }
    if (value) json_object_set_new(object, key, value);
    else json_object_del(object, key);
    return settings;
}

static void mistakes_in_the_file_have_a_sentence(void **state)
{
    expect_mistake(with("treshold", json_real(.5)), "unknown key 'treshold'");
    expect_mistake(with("anchors.scale", json_real(.5)), "unknown key 'anchors.scale'");
    expect_mistake(with("threshold", json_string("high")), "'threshold': found a text, expected a number");
    expect_mistake(with("threshold", json_real(1.5)), "'threshold': found 1.5");
    expect_mistake(with("overlap", NULL), "'overlap': found nothing");
    expect_mistake(with("max_count", json_integer(1000)), "'max_count': found 1000, expected 1 to 256");
    expect_mistake(with("max_count", json_real(10.5)), "'max_count': found 10.5, expected a whole number");
    expect_mistake(with("classes", json_integer(1)), "'labels': found 1 texts, but of 1 classes only 0");
    expect_mistake(with("score", json_string("tanh")), "'score': found 'tanh', expected one of: sigmoid, softmax");
    expect_mistake(with("box_scale", json_pack("[i,i]", 1, 2)), "'box_scale': found 2 numbers, expected 4");
    expect_mistake(with("box_scale", json_pack("[i,i,i,i]", 1, 2, 3, 0)), "'box_scale': found 0");
    expect_mistake(with("maps", json_array()), "'maps': expected a list of 1 to 16 objects");
    expect_mistake(with("maps", json_pack("[{s:s}]", "tap", "x")), "'maps[0].boxes': found nothing, expected a text");
    expect_mistake(with("anchors", json_null()), "'anchors': found null, expected an object");
    expect_mistake(with("anchors.kind", json_string("yolo")), "'anchors.kind': found 'yolo'");
    expect_mistake(with("anchors.scales", json_pack("[f]", .2)), "'anchors.scales': found 1 numbers, expected 7");
    expect_mistake(with("anchors.reduce_lowest", json_integer(1)), "'anchors.reduce_lowest': found a number");
    expect_mistake(with("anchors.between", json_string("first")), "expected one of: after_square, last, none");
}

static void expect_no_head(json_t *settings, cyg_status expected, const char *words)
{
    const network net = make_network(64, 64, settings, 3);
    cyg_backbone *backbone;
    cyg_head *head = (cyg_head *)&backbone;
    cyg_error err = { 0 };
    assert_int_equal(cyg_backbone_create(&backbone, net.model, NULL, &err), CYG_OK);
    assert_int_equal(cyg_head_create(&head, backbone, "ssd", NULL, &err), expected);
    if (!strstr(err.message, words)) fail_msg("found \"%s\", expected in it \"%s\"", err.message, words);
    assert_null(head);
    cyg_backbone_free(backbone);
    network_free(&(network){ net.model, net.bytes });
    json_decref(settings);
}

static void heads_that_do_not_fit_are_refused(void **state)
{
    json_t *settings = head_settings(1, 3, "sigmoid");
    json_object_set_new(json_array_get(json_object_get(settings, "maps"), 2), "tap", json_string("extra99"));
    expect_no_head(settings, CYG_FORMAT, "'maps[2].tap': the backbone has no map 'extra99'");
    expect_no_head(with("labels", json_array()), CYG_FORMAT, "'labels'");
    expect_no_head(with("labels", json_pack("[i]", 1)), CYG_FORMAT, "'labels': number 1 is not a text");
    expect_no_head(with("anchors.reduce_lowest", json_false()), CYG_FORMAT, "boxes/conv11_pw");
    expect_no_head(with("classes", json_integer(4)), CYG_FORMAT, "scores/conv11_pw");
    json_t *renamed = head_settings(1, 3, "sigmoid");
    json_object_set_new(json_array_get(json_object_get(renamed, "maps"), 0), "boxes", json_string("boxes/none"));
    expect_no_head(renamed, CYG_FORMAT, "boxes/none");
    expect_no_head(with("type", json_string("pose")), CYG_NOT_FOUND, "no head of type 'ssd'");
}

static void params_are_checked(void **state)
{
    setup s = open_head(64, 64, 1, 3, "sigmoid", NULL);
    static const cyg_head_params wrong[] = { { 1, 0, 0 }, { -1, 0, 0 }, { NAN, 0, 0 }, { 0, 1.1f, 0 },
                                             { 0, 0, -1 }, { 0, 0, CYG_MAX_DETECTIONS + 1 } };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cyg_head *head;
        assert_int_equal(cyg_head_create(&head, s.backbone, "ssd", &wrong[i], NULL), CYG_ARGUMENT);
        assert_null(head);
    }
    cyg_head *head;
    assert_int_equal(cyg_head_create(&head, s.backbone, "pose", NULL, NULL), CYG_NOT_FOUND);
    close_head(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_follow_the_rule),
        cmocka_unit_test(anchors_run_along_rows),
        cmocka_unit_test(decodes_known_boxes),
        cmocka_unit_test(overlap_is_intersection_over_union),
        cmocka_unit_test(only_a_strictly_larger_overlap_drops),
        cmocka_unit_test(candidates_come_best_first_ties_by_index),
        cmocka_unit_test(finds_what_the_plain_way_finds),
        cmocka_unit_test(a_coco_model_is_only_another_file),
        cmocka_unit_test(boxes_follow_the_region),
        cmocka_unit_test(cells_of_another_input_size),
        cmocka_unit_test(absurd_encodings_have_no_finite_box),
        cmocka_unit_test(mistakes_in_the_file_have_a_sentence),
        cmocka_unit_test(heads_that_do_not_fit_are_refused),
        cmocka_unit_test(params_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
