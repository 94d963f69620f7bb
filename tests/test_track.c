/* test_track.c - who is who from frame to frame: known answers, and a crowd with known paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "track.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double step = 1.0 / 30;

static object at(float x, float y, float side, float score)
{
    return (object){ .box = { x - side / 2, y - side / 2, x + side / 2, y + side / 2 }, .score = score,
                     .label_text = "face" };
}

static void show(frame *f, int number, int count, const object *objects)
{
    memset(f, 0, sizeof *f);
    f->number = number;
    f->time = number * step;
    f->analysed = true;
    f->object_count = count;
    for (int i = 0; i < count; i++) f->objects[i] = objects[i];
}

typedef struct fixture {
    tracker *t;
    frame    f;
} fixture;

static int begin(void **state)
{
    fixture *x = calloc(1, sizeof *x);
    x->t = tracker_create(&(tracker_options){ 0 });
    *state = x;
    return 0;
}

static int end(void **state)
{
    fixture *x = *state;
    tracker_free(x->t);
    free(x);
    return 0;
}

static void update(fixture *x, int number, int count, const object *objects)
{
    show(&x->f, number, count, objects);
    tracker_update(x->t, &x->f);
}

/* At 30 frames a second the third sighting is the first that is .06 s after the first. */
static void test_numbers_begin_at_the_third_sighting(void **state)
{
    fixture *x = *state;
    update(x, 0, 1, &(const object){ .box = { 75, 75, 125, 125 }, .score = 0.9f });
    const int young = x->f.objects[0].track;
    assert_true(young < 0);
    assert_int_equal(tracker_number(x->t, young), 0);
    update(x, 1, 1, &(const object){ .box = { 76, 75, 126, 125 }, .score = 0.9f });
    assert_int_equal(x->f.objects[0].track, young);
    update(x, 2, 1, &(const object){ .box = { 77, 75, 127, 125 }, .score = 0.9f });
    assert_int_equal(x->f.objects[0].track, 1);
    assert_int_equal(tracker_number(x->t, young), 1);
    assert_int_equal(x->f.objects[0].src, FROM_DETECT);
}

/* A user's wish: a number at once. And frames far apart: two sightings are enough. */
static void test_appear(void **unused)
{
    frame f;
    const object o = at(100, 100, 50, 0.9f);
    tracker *t = tracker_create(&(tracker_options){ .appear = -1 });
    show(&f, 0, 1, &o);
    tracker_update(t, &f);
    assert_int_equal(f.objects[0].track, 1);
    tracker_free(t);
    t = tracker_create(&(tracker_options){ 0 });
    for (int i = 0; i < 2; i++) {
        show(&f, 6 * i, 1, &o);
        tracker_update(t, &f);
    }
    assert_int_equal(f.objects[0].track, 1);
    tracker_free(t);
}

/* Seen in one frame alone: no number, and none is used up. */
static void test_noise_has_no_number(void **state)
{
    fixture *x = *state;
    for (int i = 0; i < 20; i++) {
        const object objects[] = { at(100, 100, 50, 0.9f), at((float)(300 + 60 * (i % 7)), 300, 40, 0.8f) };
        update(x, i, 2, objects);
        assert_int_equal(x->f.object_count, 2);
        assert_true(x->f.objects[1].track < 0);
    }
    assert_int_equal(tracker_count(x->t), 1);
}

static void test_weak_detections_are_dropped_or_rescue(void **state)
{
    fixture *x = *state;
    for (int i = 0; i < 10; i++) {
        const object objects[] = { at(100, 100, 50, i < 5 ? 0.9f : 0.3f), at(300, 100, 50, 0.3f) };
        update(x, i, 2, objects);
        assert_int_equal(x->f.object_count, 1);                 /* the one at 300 was never sure */
        if (i > 1) assert_int_equal(x->f.objects[0].track, 1);
    }
}

/* Somebody half hidden for half a second stays; what was just sure enough once, and is weak from then on, does not. */
static void test_rescue_ends_where_trust_does(void **state)
{
    fixture *x = *state;
    for (int i = 0; i < 60; i++) {
        const object objects[] = { at(100, 100, 50, i < 45 ? 0.9f : 0.3f), at(300, 100, 50, i < 5 ? 0.55f : 0.3f) };
        update(x, i, 2, objects);
        if (i == 8) assert_int_equal(x->f.object_count, 2);
        if (i < 20) continue;
        assert_int_equal(x->f.object_count, 1);
        assert_int_equal(x->f.objects[0].track, 1);
    }
}

/* Two walk through each other; between them their boxes are nearly the same. */
static void test_crossing_keeps_numbers(void **state)
{
    fixture *x = *state;
    for (int i = 0; i < 60; i++) {
        const float way = 8 * (float)i;
        const object objects[] = { at(100 + way, 200, 60, 0.9f), at(572 - way, 210, 60, 0.85f) };
        update(x, i, 2, objects);
        if (i < 2) continue;
        assert_int_equal(x->f.objects[0].track, 1);
        assert_int_equal(x->f.objects[1].track, 2);
    }
    assert_int_equal(tracker_count(x->t), 2);
}

/* Hidden for 20 frames while walking on: found again where it was expected. */
static void test_hidden_keeps_its_number(void **state)
{
    fixture *x = *state;
    for (int i = 0; i < 60; i++) {
        const object o = at(100 + 6 * (float)i, 200, 60, 0.9f);
        const bool hidden = i >= 20 && i < 40;
        update(x, i, hidden ? 0 : 1, &o);
        if (!hidden && i > 1) assert_int_equal(x->f.objects[0].track, 1);
    }
}

/* At once in the first frame and the first after a cut, else not. */
static void test_fresh_at_once(void **unused)
{
    frame f;
    const object both[] = { at(100, 100, 50, 0.9f), at(300, 100, 50, 0.8f) };
    const int numbers[] = { 0, 1, 1000, 1001 }, counts[] = { 1, 2, 1, 2 }, first[] = { 1, 1, 2, 2 };
    tracker *t = tracker_create(&(tracker_options){ .fresh_at_once = true });
    for (int i = 0; i < 4; i++) {
        show(&f, numbers[i], counts[i], both);
        tracker_update(t, &f);
        assert_int_equal(f.objects[0].track, first[i]);
        if (counts[i] > 1) assert_true(f.objects[1].track < 0);
    }
    tracker_reset(t);
    show(&f, 1002, 1, both);
    tracker_update(t, &f);
    assert_int_equal(f.objects[0].track, 3);
    tracker_free(t);
}

/* After `keep` it is somebody else. */
static void test_forgets(void **state)
{
    fixture *x = *state;
    const object o = at(100, 200, 60, 0.9f);
    for (int i = 0; i < 5; i++) update(x, i, 1, &o);
    for (int i = 5; i < 40; i++) update(x, i, 0, &o);
    for (int i = 40; i < 43; i++) update(x, i, 1, &o);
    assert_int_equal(x->f.objects[0].track, 2);
}

static void test_classes_do_not_mix(void **state)
{
    fixture *x = *state;
    for (int i = 0; i < 6; i++) {
        object o = at(100, 200, 60, 0.9f);
        o.label = i < 3 ? 1 : 2;
        update(x, i, 1, &o);
        if (i == 2) assert_int_equal(x->f.objects[0].track, 1);
        if (i == 3) assert_true(x->f.objects[0].track < 0);
        if (i == 5) assert_int_equal(x->f.objects[0].track, 2);
    }
}

/* A jump in time, and time that runs back, are another scene. */
static void test_cuts(void **state)
{
    fixture *x = *state;
    const object o = at(100, 200, 60, 0.9f);
    const int numbers[] = { 0, 2, 4, 1000, 1002, 5, 7 };
    const int expected[] = { 0, 1, 1, 0, 2, 0, 3 };
    for (int i = 0; i < 7; i++) {
        update(x, numbers[i], 1, &o);
        assert_int_equal(x->f.objects[0].track > 0 ? x->f.objects[0].track : 0, expected[i]);
    }
}

/* Every second frame missing, and an uneven clock: the same number still. */
static void test_uneven_times(void **state)
{
    fixture *x = *state;
    const double times[] = { 0, .03, .1, .13, .33, .36, .5, .7, .74, 1.1 };
    for (int i = 0; i < 10; i++) {
        const object o = at((float)(100 + 120 * times[i]), 200, 60, 0.9f);
        show(&x->f, i, 1, &o);
        x->f.time = times[i];
        tracker_update(x->t, &x->f);
        if (i > 1) assert_int_equal(x->f.objects[0].track, 1);
    }
}

/* Between two analyses the box goes on at its speed; unseen, it is shown for a moment only. */
static void test_predicts(void **state)
{
    fixture *x = *state;
    object out[CYG_MAX_DETECTIONS];
    for (int i = 0; i <= 30; i++) {
        const object objects[] = { at(100 + 4 * (float)i, 200, 60, 0.9f), at(400, 100, 30, 0.95f) };
        update(x, i, 2, objects);
    }
    assert_int_equal(tracker_predict(x->t, 30 * step, out), 2);
    assert_int_equal(out[0].track, 2);                          /* the surer one first */
    assert_int_equal(out[0].src, FROM_DETECT);
    assert_int_equal(tracker_predict(x->t, 33 * step, out), 2);
    assert_int_equal(out[1].src, FROM_TRACK);
    const float x1 = 100 + 4 * 33 - 30;
    assert_true(fabsf(out[1].box.x1 - x1) < 1);
    assert_true(fabsf(out[1].speed.x1 - 120) < 6 && fabsf(out[1].speed.y1) < 6);
    assert_int_equal(tracker_predict(x->t, 40 * step, out), 0);
    update(x, 31, 0, NULL);
    assert_int_equal(x->f.object_count, 0);
    assert_int_equal(tracker_predict(x->t, 31 * step, out), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        TEST(test_numbers_begin_at_the_third_sighting),
        cmocka_unit_test(test_appear),
        TEST(test_noise_has_no_number),
        TEST(test_weak_detections_are_dropped_or_rescue),
        TEST(test_rescue_ends_where_trust_does),
        TEST(test_crossing_keeps_numbers),
        TEST(test_hidden_keeps_its_number),
        cmocka_unit_test(test_fresh_at_once),
        TEST(test_forgets),
        TEST(test_classes_do_not_mix),
        TEST(test_cuts),
        TEST(test_uneven_times),
        TEST(test_predicts),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
