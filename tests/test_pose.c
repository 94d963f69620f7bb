/* test_pose.c - poses from made-up maps and from photos, against another implementation (golden/make_pose.mjs);
 * settings that do not fit. */
#include "head.h"
#include "network.h"
#include "pose.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { POINTS = 17, EDGES = 16, CELLS = 25, STRIDE = 16, SIDE = 385, CHANNELS = 16 };

#define POINTS_17 "'points':['nose','left_eye','right_eye','left_ear','right_ear','left_shoulder','right_shoulder'," \
    "'left_elbow','right_elbow','left_wrist','right_wrist','left_hip','right_hip','left_knee','right_knee'," \
    "'left_ankle','right_ankle'],"
#define TREE_16 "'tree':[[0,1],[1,3],[0,2],[2,4],[0,5],[5,7],[7,9],[5,11],[11,13],[13,15],[0,6],[6,8],[8,10]," \
    "[6,12],[12,14],[14,16]],"
#define BONES "'bones':[[5,6],[5,7]],"
#define LAYERS "'tap':'conv13_pw','heat':'heat','offsets':'offsets','forward':'forward','backward':'backward',"
#define NUMBERS "'start':0.5,'point_threshold':0.5,'apart':20.0,'threshold':0.25,'max_count':20}"
#define HEAD "{'type':'pose','labels':['person'],"

static const int tree[EDGES][2] = {
    { 0, 1 }, { 1, 3 }, { 0, 2 }, { 2, 4 }, { 0, 5 }, { 5, 7 }, { 7, 9 }, { 5, 11 }, { 11, 13 }, { 13, 15 },
    { 0, 6 }, { 6, 8 }, { 8, 10 }, { 6, 12 }, { 12, 14 }, { 14, 16 },
};

typedef struct fixture {
    network       random;
    cyg_backbone *net;
    cyg_features *maps;
} fixture;

/* A tiny backbone of PoseNet's shape; settings in single quotes. */
static fixture open_with(const char *settings, int side)
{
    char heads[2000];
    fixture f;
    cyg_error err;
    snprintf(heads, sizeof heads, "[%s]", settings);
    for (char *c = heads; *c; c++)
        if (*c == '\'') *c = '"';
    f.random = network_make_family("mobilenet_v1_pose", CHANNELS / 512., side, side, "[]", "[\"conv13_pw\",\"pool\"]",
        heads, "[[\"heat\",16,17],[\"offsets\",16,34],[\"forward\",16,32],[\"backward\",16,32]]");
    if (cyg_backbone_create(&f.net, f.random.model, NULL, &err)) fail_msg("%s", err.message);
    if (cyg_features_create(&f.maps, f.net, NULL, &err)) fail_msg("%s", err.message);
    return f;
}

static void close_fixture(fixture *f)
{
    cyg_features_free(f->maps);
    cyg_backbone_free(f->net);
    network_free(&f->random);
}

static cyg_head *open_head(const fixture *f, const cyg_head_params *params)
{
    cyg_head *head;
    cyg_error err;
    if (cyg_head_create(&head, f->net, "pose", params, &err)) fail_msg("%s", err.message);
    return head;
}

/* ---- Made-up maps of three people: the same as in golden/make_pose.mjs -------------------- */

typedef struct person { double x, y, size, sure; } person;

static const person people[3] = { { 120, 150, 1.5, 4 }, { 200, 160, 1.25, 3 }, { 310, 250, 1, 1 } };
static const int body[POINTS][2] = {
    { 0, -60 }, { 4, -64 }, { -4, -64 }, { 8, -60 }, { -8, -60 }, { 18, -40 }, { -18, -40 }, { 26, -12 }, { -26, -12 },
    { 28, 14 }, { -28, 14 }, { 12, 16 }, { -12, 16 }, { 12, 50 }, { -12, 50 }, { 12, 84 }, { -12, 84 },
};

static double joint_x(const person *p, int k) { return p->x + p->size * body[k][0]; }
static double joint_y(const person *p, int k) { return p->y + p->size * body[k][1]; }

static double squared(const person *p, int k, int row, int column)
{
    const double x = joint_x(p, k) - STRIDE * column, y = joint_y(p, k) - STRIDE * row;
    return x * x + y * y;
}

static const person *nearest(int k, int row, int column)
{
    const person *best = &people[0];
    for (int i = 1; i < 3; i++)
        if (squared(&people[i], k, row, column) < squared(best, k, row, column)) best = &people[i];
    return best;
}

static void put(float *to, int e, int from, int target, int row, int column)
{
    const person *p = nearest(from, row, column);
    const int wobble = (row * 7 + column * 3 + e) % 5 - 2;
    to[e] = (float)(joint_y(p, target) - joint_y(p, from) + wobble);
    to[e + EDGES] = (float)(joint_x(p, target) - joint_x(p, from) - wobble);
}

static void make_maps(const cyg_pose_maps *maps)
{
    for (int cell = 0; cell < CELLS * CELLS; cell++) {
        const int row = cell / CELLS, column = cell % CELLS;
        for (int k = 0; k < POINTS; k++) {
            const person *p = nearest(k, row, column);
            const double hidden = p == &people[1] && k == 9 ? 6 : 0;
            maps->heat[cell * POINTS + k] = (float)(p->sure - squared(p, k, row, column) / 200 - hidden);
            maps->offsets[cell * 2 * POINTS + k] = (float)(joint_y(p, k) - STRIDE * row);
            maps->offsets[cell * 2 * POINTS + POINTS + k] = (float)(joint_x(p, k) - STRIDE * column);
        }
        for (int e = 0; e < EDGES; e++) {
            put(maps->forward + cell * 2 * EDGES, e, tree[e][0], tree[e][1], row, column);
            put(maps->backward + cell * 2 * EDGES, e, tree[e][1], tree[e][0], row, column);
        }
    }
}

/* ---- Comparing ---------------------------------------------------------------------------- */

static json_t *golden(const char *file)
{
    char path[500];
    snprintf(path, sizeof path, "%s/tests/golden/%s", TEST_SOURCE, file);
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    return root;
}

static void assert_near(const char *what, int pose, int k, double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("pose %d, point %d: %s: found %.7g, expected %.7g", pose, k, what, found, expected);
}

static double at(const json_t *list, int i)
{
    return json_number_value(json_array_get(list, (size_t)i));
}

static void assert_poses(const cyg_result *found, const json_t *expected, double pixels, double score)
{
    assert_int_equal(found->kind, CYG_DETECTIONS);
    assert_int_equal(found->count, json_array_size(expected));
    for (int i = 0; i < found->count; i++) {
        const cyg_detection *d = &found->detections[i];
        const json_t *pose = json_array_get(expected, (size_t)i), *points = json_object_get(pose, "points");
        cyg_box box = { INFINITY, INFINITY, -INFINITY, -INFINITY };
        assert_near("score", i, -1, d->score, json_number_value(json_object_get(pose, "score")), score);
        assert_int_equal(d->label, 0);
        for (int k = 0; k < POINTS; k++) {
            const json_t *point = json_array_get(points, (size_t)k);
            assert_near("x", i, k, d->points[k].x, at(point, 0), pixels);
            assert_near("y", i, k, d->points[k].y, at(point, 1), pixels);
            assert_near("score", i, k, d->points[k].score, at(point, 2), score);
            if (d->points[k].score < .5f) continue;
            box = (cyg_box){ fminf(box.x1, d->points[k].x), fminf(box.y1, d->points[k].y),
                             fmaxf(box.x2, d->points[k].x), fmaxf(box.y2, d->points[k].y) };
        }
        assert_memory_equal(&d->box, &box, sizeof box);
    }
}

static const cyg_region itself = { { 1, 0, 0, 0, 1, 0 } };

static void made_up_people_are_found(void **state)
{
    fixture f = open_with(HEAD LAYERS POINTS_17 TREE_16 BONES NUMBERS, SIDE);
    json_t *expected = golden("pose_maps.json");
    static cyg_result found;
    const struct { const char *key; int max_count; } ways[] = { { "many", 0 }, { "one", 1 } };
    for (int i = 0; i < 2; i++) {
        cyg_head *head = open_head(&f, &(cyg_head_params){ .max_count = ways[i].max_count });
        const cyg_pose_maps maps = cyg_pose_last(cyg_head_self(head));
        make_maps(&maps);
        found.kind = cyg_head_kind(head);
        cyg_pose_find(cyg_head_self(head), &itself, &found);
        assert_poses(&found, json_object_get(expected, ways[i].key), 1e-4, 1e-6);
        cyg_head_free(head);
    }
    json_decref(expected);
    close_fixture(&f);
}

static void the_caller_chooses_how_sure_and_how_many(void **state)
{
    fixture f = open_with(HEAD LAYERS POINTS_17 TREE_16 BONES NUMBERS, SIDE);
    static cyg_result found;
    const struct { cyg_head_params params; int count; } ways[] = {
        { { .max_count = 2 }, 2 }, { { .threshold = .7f }, 2 }, { { .threshold = .9f }, 1 },
        { { .threshold = .99f }, 0 }, { { .threshold = .99f, .max_count = 1 }, 0 },
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        cyg_head *head = open_head(&f, &ways[i].params);
        const cyg_pose_maps maps = cyg_pose_last(cyg_head_self(head));
        make_maps(&maps);
        cyg_pose_find(cyg_head_self(head), &itself, &found);
        assert_int_equal(found.count, ways[i].count);
        if (found.count) assert_near("x", 0, 0, found.detections[0].points[0].x, 120, 1e-4);
        cyg_head_free(head);
    }
    close_fixture(&f);
}

/* What has no number must not be told, and must not lead outside of the maps. */
static void nonsense_is_left_out(void **state)
{
    fixture f = open_with(HEAD LAYERS POINTS_17 TREE_16 BONES NUMBERS, SIDE);
    cyg_head *head = open_head(&f, NULL);
    const cyg_pose_maps maps = cyg_pose_last(cyg_head_self(head));
    static cyg_result found;
    for (int way = 0; way < 2; way++) {
        make_maps(&maps);
        for (int i = 0; i < CELLS * CELLS * 2 * EDGES; i++) maps.forward[i] = way ? 1e30f : NAN;
        for (int i = 0; i < CELLS * CELLS * 2 * POINTS; i++) maps.offsets[i] = way ? -1e30f : INFINITY;
        cyg_pose_find(cyg_head_self(head), &itself, &found);
        assert_true(way || found.count == 0);
    }
    cyg_head_free(head);
    close_fixture(&f);
}

/* Cell 0 lies on pixel 0 for 16 n + 1 pixels; of an even size, zeros go after the last: on pixel 15. */
static void cells_lie_where_the_layers_look(void **state)
{
    const struct { int side; float first; } sizes[] = { { 385, 0 }, { 257, 0 }, { 384, 15 }, { 256, 15 }, { 383, 14 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fixture f = open_with(HEAD LAYERS POINTS_17 TREE_16 BONES NUMBERS, sizes[i].side);
        cyg_head *head = open_head(&f, &(cyg_head_params){ .max_count = 1 });
        const cyg_pose_maps maps = cyg_pose_last(cyg_head_self(head));
        const cyg_tensor map = cyg_backbone_map(f.net, "conv13_pw");
        static cyg_result found;
        memset(maps.heat, 0, sizeof *maps.heat * (size_t)(map.height * map.width * POINTS));
        memset(maps.offsets, 0, sizeof *maps.offsets * (size_t)(map.height * map.width * 2 * POINTS));
        for (int k = 0; k < POINTS; k++) maps.heat[(map.width + 2) * POINTS + k] = 5;
        cyg_pose_find(cyg_head_self(head), &itself, &found);
        assert_int_equal(found.count, 1);
        assert_near("x", 0, 0, found.detections[0].points[0].x, sizes[i].first + 32, 0);
        assert_near("y", 0, 0, found.detections[0].points[0].y, sizes[i].first + 16, 0);
        cyg_head_free(head);
        close_fixture(&f);
    }
}

static void skeleton_is_that_of_the_file(void **state)
{
    fixture f = open_with(HEAD LAYERS POINTS_17 TREE_16 BONES NUMBERS, 97);
    cyg_head *head = open_head(&f, NULL);
    const cyg_skeleton *s = cyg_head_skeleton(head);
    assert_non_null(s);
    assert_int_equal(s->point_count, POINTS);
    assert_string_equal(s->points[7], "left_elbow");
    assert_int_equal(s->bone_count, 2);
    assert_int_equal(s->bones[1].to, 7);
    assert_string_equal(cyg_head_label(head, 0), "person");
    assert_string_equal(cyg_head_find(f.net, CYG_DETECTIONS), "pose");
    assert_null(cyg_head_find(f.net, CYG_EMBEDDING));
    cyg_head_free(head);
    close_fixture(&f);
}

static void settings_that_do_not_fit_are_refused(void **state)
{
    static const struct { const char *settings, *says; } wrong[] = {
        { HEAD LAYERS "'points':['a']," TREE_16 BONES NUMBERS, "'points': expected a list of 2 to 17 texts" },
        { HEAD LAYERS "'points':['a',2]," TREE_16 BONES NUMBERS, "'points': number 2 is not a text" },
        { HEAD LAYERS POINTS_17 "'tree':[[0,1]]," BONES NUMBERS, "'tree': found 1 pairs, expected 16" },
        { HEAD LAYERS "'points':['a','b','c'],'tree':[[1,2],[0,1]]," BONES NUMBERS,
          "'tree': pair 1: expected a parent" },
        { HEAD LAYERS "'points':['a','b','c'],'tree':[[0,1],[0,1]]," BONES NUMBERS,
          "'tree': pair 2: expected a parent" },
        { HEAD LAYERS "'points':['a','b','c'],'tree':[[0,0],[0,1]]," BONES NUMBERS, "expected the numbers of two" },
        { HEAD LAYERS "'points':['a','b','c'],'tree':[[0,3],[0,1]]," BONES NUMBERS,
          "'tree': found 3, expected 0 to 2" },
        { HEAD LAYERS POINTS_17 TREE_16 "'bones':[[0,17]]," NUMBERS, "'bones': found 17, expected 0 to 16" },
        { HEAD LAYERS POINTS_17 TREE_16 NUMBERS, "'bones': expected a list" },
        { HEAD POINTS_17 TREE_16 BONES NUMBERS, "'tap': found nothing, expected a text" },
        { "{'type':'pose','labels':['a','b']," LAYERS POINTS_17 TREE_16 BONES NUMBERS, "'labels': expected one text" },
        { HEAD "'x':1," LAYERS POINTS_17 TREE_16 BONES NUMBERS, "unknown key 'x'" },
        { HEAD "'tap':'nose','heat':'heat','offsets':'offsets','forward':'forward','backward':'backward'," POINTS_17
          TREE_16 BONES NUMBERS, "the backbone has no map 'nose'" },
        { HEAD "'tap':'pool','heat':'heat','offsets':'offsets','forward':'forward','backward':'backward'," POINTS_17
          TREE_16 BONES NUMBERS, "'pool' is no layer of the backbone" },
        { HEAD "'tap':'conv13_pw','heat':'none','offsets':'offsets','forward':'forward','backward':'backward',"
          POINTS_17 TREE_16 BONES NUMBERS, "'none/weights': found none" },
        { HEAD "'tap':'conv13_pw','heat':'offsets','offsets':'offsets','forward':'forward','backward':'backward',"
          POINTS_17 TREE_16 BONES NUMBERS, "'offsets/weights': found 1x1x16x34, expected 1x1x16x17" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        fixture f = open_with(wrong[i].settings, 33);
        cyg_head *head = (cyg_head *)&head;
        cyg_error err = { 0 };
        assert_int_equal(cyg_head_create(&head, f.net, "pose", NULL, &err), CYG_FORMAT);
        assert_int_equal(err.status, CYG_FORMAT);
        assert_null(head);
        if (!strstr(err.message, wrong[i].says)) fail_msg("'%s' does not say '%s'", err.message, wrong[i].says);
        close_fixture(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_up_people_are_found),
        cmocka_unit_test(the_caller_chooses_how_sure_and_how_many),
        cmocka_unit_test(nonsense_is_left_out),
        cmocka_unit_test(cells_lie_where_the_layers_look),
        cmocka_unit_test(skeleton_is_that_of_the_file),
        cmocka_unit_test(settings_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
