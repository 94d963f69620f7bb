/* test_follow.c - frames in order, whatever waits; gaps filled from both sides; numbers that come late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "cut.h"
#include "follow.h"
#include <math.h>
#include <stdlib.h>

enum { MOST_SEEN = 400 };

/* What write was given. */
typedef struct seen {
    int        count;
    int64_t    orders[MOST_SEEN];
    int        object_counts[MOST_SEEN];
    object     firsts[MOST_SEEN];       /* the surest object of each */
    int        fails_at;
} seen;

static cyg_status take(void *context, frame *f, cyg_error *err)
{
    seen *s = context;
    s->orders[s->count] = f->order;
    s->object_counts[s->count] = f->object_count;
    s->firsts[s->count] = f->objects[0];
    return ++s->count == s->fails_at ? cyg_fail(err, CYG_IO, "disk full") : CYG_OK;
}

/* 100 x 100 gray: 10000 bytes a frame, a bright square in the dark, or in another scene one elsewhere. */
static uint8_t scenes[2][100 * 100];

static int paint_scenes(void **unused)
{
    for (int i = 0; i < 100 * 100; i++) {
        scenes[0][i] = i % 100 < 50 && i < 5000 ? 200 : 20;
        scenes[1][i] = i % 100 > 60 && i > 4000 ? 200 : 20;
    }
    return 0;
}

static frame *make(int order, double time, float x, float score)
{
    frame *f = frame_create();
    f->order = order;
    f->number = order;
    f->time = time;
    f->image = (cyg_image){ .format = CYG_GRAY, .width = 100, .height = 100, .depth = 8, .plane = { scenes[0] },
                            .stride = { 100 } };
    f->analysed = true;
    f->object_count = score > 0;
    f->objects[0] = (object){ .box = { x, 10, x + 30, 40 }, .score = score, .label_text = "face" };
    return f;
}

static follower *open_with(seen *s, follower_options options)
{
    options.write = take;
    options.context = s;
    follower *w = follower_create(&options);
    assert_non_null(w);
    return w;
}

static void put(follower *w, frame *f)
{
    assert_int_equal(follower_put(w, f, NULL), CYG_OK);
}

static void finish(follower *w)
{
    assert_int_equal(follower_flush(w, NULL), CYG_OK);
    follower_free(w);
}

/* Detected in all frames but 4 .. 6: there it stands on the line between 3 and 7. */
static void test_gap_is_filled(void **unused)
{
    seen s = { 0 };
    follower *w = open_with(&s, (follower_options){ 0 });
    for (int i = 0; i < 12; i++) put(w, make(i, i / 25., 10 + 2 * (float)i, i >= 4 && i <= 6 ? 0 : 0.9f));
    finish(w);
    assert_int_equal(s.count, 12);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(s.orders[i], i);
        assert_int_equal(s.object_counts[i], 1);
        assert_int_equal(s.firsts[i].track, 1);             /* also in the first frame, when it was young */
        assert_int_equal(s.firsts[i].src, i >= 4 && i <= 6 ? FROM_FILL : FROM_DETECT);
        assert_true(fabsf(s.firsts[i].box.x1 - (10 + 2 * (float)i)) < 1e-3f);
    }
}

/* Where no more than three frames may wait, a gap of five stays. */
static void test_gap_beyond_what_waits_stays(void **unused)
{
    seen s = { 0 };
    follower *w = open_with(&s, (follower_options){ .bytes = 30000 });
    for (int i = 0; i < 12; i++) put(w, make(i, i / 25., 10 + (float)i, i >= 4 && i <= 8 ? 0 : 0.9f));
    assert_int_equal(s.count, 9);
    finish(w);
    for (int i = 0; i < 12; i++) assert_int_equal(s.object_counts[i], !(i >= 4 && i <= 8));
    assert_int_equal(s.firsts[9].track, 1);
}

/* With `hold` it is told of for a while. */
static void test_hold(void **unused)
{
    seen s = { 0 };
    follower *w = open_with(&s, (follower_options){ .hold = 0.21 });
    for (int i = 0; i < 20; i++) put(w, make(i, i / 25., 10 + (float)i, i >= 4 ? 0 : 0.9f));
    finish(w);
    for (int i = 0; i < 20; i++) assert_int_equal(s.object_counts[i], i <= 3 + 5);
    assert_int_equal(s.firsts[5].src, FROM_TRACK);
    assert_int_equal(s.firsts[5].track, 1);
    assert_true(fabsf(s.firsts[5].box.x1 - 13) < 1 && fabsf(s.firsts[5].box.x2 - 45) < 1);
}

/* It was going right and is seen no more: it may have stopped, and the box has that place in it still. */
static void test_hold_where_it_was(void **unused)
{
    seen s = { 0 };
    follower *w = open_with(&s, (follower_options){ .hold = 0.21 });
    for (int i = 0; i < 12; i++) put(w, make(i, i / 25., 10 + 4 * (float)i, i >= 8 ? 0 : 0.9f));
    finish(w);
    const float x = 10 + 4 * 7;
    for (int i = 8; i < 12; i++) {
        assert_int_equal(s.object_counts[i], 1);
        assert_true(s.firsts[i].box.x1 <= x && s.firsts[i].box.x2 >= x + 30 + 2 * (float)(i - 7));
    }
}

/* Frames 10 .. 19 are of another scene, in which somebody is at the same place from 13 on: somebody else, who was not
 * there before the cut, as the other one is not after it. */
static void test_cut(void **unused)
{
    seen s = { 0 };
    follower *w = open_with(&s, (follower_options){ .hold = 0.41, .tracker.appear = -1 });
    for (int i = 0; i < 20; i++) {
        frame *f = make(i, i / 25., 10, i >= 8 && i < 13 ? 0 : 0.9f);
        f->image.plane[0] = scenes[i >= 10];
        put(w, f);
    }
    finish(w);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(s.object_counts[i], 1);
        assert_int_equal(s.firsts[i].track, i < 10 ? 1 : 2);
        assert_int_equal(s.firsts[i].src, i >= 8 && i < 13 ? FROM_TRACK : FROM_DETECT);
    }
}

/* The light going off and on again is no cut, nor is a camera that moves a little. */
static void test_no_cut(void **unused)
{
    static uint8_t dark[100 * 100], moved[100 * 100];
    cut_memory m = { 0 };
    for (int i = 0; i < 100 * 100; i++) {
        dark[i] = (uint8_t)(scenes[0][i] / 4);
        moved[i] = scenes[0][i >= 5 ? i - 5 : i];
    }
    uint8_t *const pictures[] = { scenes[0], dark, scenes[0], moved, scenes[0], scenes[1], scenes[1], scenes[0] };
    const bool cuts[] = { false, false, false, false, false, true, false, true };
    for (int i = 0; i < 8; i++) {
        const cyg_image image = { .format = CYG_GRAY, .width = 100, .height = 100, .depth = 8,
                                  .plane = { pictures[i] }, .stride = { 100 } };
        assert_int_equal(cut_between(&m, &image), cuts[i]);
    }
}

/* With `hold` it is told of before it was first seen, in frame 10, where it was then. */
static void test_hold_before_the_first(void **unused)
{
    seen s = { 0 };
    follower *w = open_with(&s, (follower_options){ .hold = 0.21 });
    for (int i = 0; i < 20; i++) put(w, make(i, i / 25., 10 + (float)i, i < 10 ? 0 : 0.9f));
    finish(w);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(s.object_counts[i], i >= 10 - 5);
        if (i < 5) continue;
        assert_int_equal(s.firsts[i].track, 1);
        assert_int_equal(s.firsts[i].src, i < 10 ? FROM_TRACK : FROM_DETECT);
        assert_true(fabsf(s.firsts[i].box.x1 - (i < 10 ? 20 : 10 + (float)i)) < 1e-3f);
    }
}

/* One frame of four analysed: the others on the line between. */
static void test_every_fourth(void **unused)
{
    seen s = { 0 };
    follower *w = open_with(&s, (follower_options){ 0 });
    for (int i = 0; i < 20; i++) {
        frame *f = make(i, i / 25., 10 + (float)i, i % 4 ? 0 : 0.9f);
        f->analysed = i % 4 == 0;
        put(w, f);
    }
    finish(w);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(s.object_counts[i], 1);
        assert_int_equal(s.firsts[i].track, 1);
        assert_int_equal(s.firsts[i].src, i % 4 == 0 ? FROM_DETECT : i < 16 ? FROM_FILL : FROM_TRACK);
        assert_true(fabsf(s.firsts[i].box.x1 - (10 + (float)i)) < (i < 16 ? 1e-3f : 1));
    }
}

/* Without tracks every frame goes on at once, and carries the last one's objects as they were. */
static void test_plain(void **unused)
{
    seen s = { 0 };
    follower *w = open_with(&s, (follower_options){ .plain = true });
    for (int i = 0; i < 9; i++) {
        frame *f = make(i, i / 25., (float)i, i % 3 ? 0 : 0.2f);
        f->analysed = i % 3 == 0;
        put(w, f);
        assert_int_equal(s.count, i + 1);
        assert_int_equal(s.object_counts[i], 1);
        assert_int_equal(s.firsts[i].track, 0);
        assert_int_equal(s.firsts[i].src, i % 3 ? FROM_FILL : FROM_DETECT);
        assert_true(s.firsts[i].box.x1 == (float)(i / 3 * 3));
    }
    finish(w);
}

/* Packets on their way keep their place among the frames, and never wait for ever. */
static void test_packets_keep_their_place(void **unused)
{
    seen s = { 0 };
    follower *w = open_with(&s, (follower_options){ .bytes = 50000 });
    for (int i = 0; i < 300; i++) {
        frame *f = make(i, i / 25., 10, i % 3 ? 0 : 0.9f);
        if (i % 3) f->image.width = f->object_count = 0;
        put(w, f);
        assert_in_range(i + 1 - s.count, 1, 17);              /* five pictures, and what comes between and after them */
    }
    for (int i = 300; i < 400; i++) {                       /* packets alone */
        frame *f = make(i, 12, 0, 0);
        f->image.width = 0;
        put(w, f);
    }
    finish(w);
    assert_int_equal(s.count, 400);
    for (int i = 0; i < 400; i++) assert_int_equal(s.orders[i], i);
}

static void test_failure_frees_all(void **unused)
{
    seen s = { .fails_at = 3 };
    follower *w = open_with(&s, (follower_options){ .bytes = 20000 });
    cyg_status status = CYG_OK;
    for (int i = 0; !status; i++) status = follower_put(w, make(i, i / 25., 10, 0.9f), NULL);
    assert_int_equal(status, CYG_IO);
    assert_int_equal(s.count, 3);
    follower_free(w);                                       /* with those that wait: LeakSanitizer counts */
    assert_int_equal(frame_count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gap_is_filled),
        cmocka_unit_test(test_gap_beyond_what_waits_stays),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_hold_where_it_was),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_no_cut),
        cmocka_unit_test(test_hold_before_the_first),
        cmocka_unit_test(test_every_fourth),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_packets_keep_their_place),
        cmocka_unit_test(test_failure_frees_all),
    };
    return cmocka_run_group_tests(tests, paint_scenes, NULL);
}
