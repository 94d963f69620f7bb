/* test_track_score.c - MOTA and IDF1 on small cases, each worked out by hand. */
#include "eval/track_score.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* 100 x 100, at x. */
static track_box at(int frame, int id, float x)
{
    return (track_box){ frame, id, { x, 0, x + 100, 100 } };
}

static void assert_is(const char *what, double value, double expected)
{
    if (fabs(value - expected) > 1e-9) fail_msg("%s: found %.9f, expected %.9f", what, value, expected);
}

static void all_right_is_one(void **state)
{
    track_box truths[] = { at(0, 1, 0), at(0, 2, 300), at(1, 1, 10), at(1, 2, 290) };
    track_box found[] = { at(1, 7, 290), at(1, 5, 10), at(0, 5, 0), at(0, 7, 300) };
    track_scores s;
    assert_true(track_judge(&s, truths, 4, found, 4));
    assert_is("MOTA", track_mota(&s), 1);
    assert_is("IDF1", track_idf1(&s), 1);
    assert_int_equal(s.objects, 2);
    assert_int_equal(s.tracks, 2);
}

static void nothing_found(void **state)
{
    track_box truths[] = { at(0, 1, 0), at(1, 1, 10) };
    track_scores s;
    assert_true(track_judge(&s, truths, 2, NULL, 0));
    assert_int_equal(s.missed, 2);
    assert_is("MOTA", track_mota(&s), 0);
    assert_is("IDF1", track_idf1(&s), 0);
}

/* More false than true: MOTA is below 0. One of four frames is missed, two boxes are nowhere near. */
static void missed_and_false(void **state)
{
    track_box truths[] = { at(0, 1, 0), at(1, 1, 0), at(2, 1, 0), at(3, 1, 0) };
    track_box found[] = { at(0, 1, 0), at(1, 1, 0), at(2, 1, 0), at(3, 9, 500), at(4, 9, 500) };
    track_scores s;
    assert_true(track_judge(&s, truths, 4, found, 5));
    assert_int_equal(s.missed, 1);
    assert_int_equal(s.false_found, 2);
    assert_int_equal(s.switches, 0);
    assert_is("MOTA", track_mota(&s), 1 - 3 / 4.);
    assert_is("IDF1", track_idf1(&s), 2 * 3. / (4 + 5));
}

/* 33 of 100 pixels aside leave IoU 67 / 133 = .504; 34 leave 66 / 134 = .493. */
static void half_an_overlap_is_enough(void **state)
{
    track_box truths[] = { at(0, 1, 0), at(1, 1, 0) };
    track_box found[] = { at(0, 1, 33), at(1, 1, 34) };
    track_scores s;
    assert_true(track_judge(&s, truths, 2, found, 2));
    assert_int_equal(s.missed, 1);
    assert_int_equal(s.agreed, 1);
}

/* One object, six frames: track 1 for four, then track 2 for two. One switch; the best single track has four. */
static void a_switch_counts_once(void **state)
{
    track_box truths[6], found[6];
    track_scores s;
    for (int i = 0; i < 6; i++) {
        truths[i] = at(i, 1, 0);
        found[i] = at(i, i < 4 ? 1 : 2, 0);
    }
    assert_true(track_judge(&s, truths, 6, found, 6));
    assert_int_equal(s.switches, 1);
    assert_is("MOTA", track_mota(&s), 1 - 1 / 6.);
    assert_is("IDF1", track_idf1(&s), 2 * 4. / 12);
}

/* Lost for a frame and found by another track: the gap does not make it forget. */
static void a_switch_over_a_gap(void **state)
{
    track_box truths[] = { at(0, 1, 0), at(1, 1, 0), at(2, 1, 0) };
    track_box found[] = { at(0, 1, 0), at(2, 2, 0) };
    track_scores s;
    assert_true(track_judge(&s, truths, 3, found, 2));
    assert_int_equal(s.missed, 1);
    assert_int_equal(s.switches, 1);
}

/* Two objects side by side, their tracks exchanged after two of five frames: two switches; each object agrees
 * with one track in three frames, so 6 of 10. */
static void exchanged(void **state)
{
    track_box truths[10], found[10];
    track_scores s;
    for (int i = 0; i < 5; i++) {
        truths[2 * i] = at(i, 1, 0);
        truths[2 * i + 1] = at(i, 2, 300);
        found[2 * i] = at(i, i < 2 ? 1 : 2, 0);
        found[2 * i + 1] = at(i, i < 2 ? 2 : 1, 300);
    }
    assert_true(track_judge(&s, truths, 10, found, 10));
    assert_int_equal(s.switches, 2);
    assert_is("MOTA", track_mota(&s), 1 - 2 / 10.);
    assert_is("IDF1", track_idf1(&s), 2 * 6. / 20);
}

/* In frame 1 track 2 fits object 1 better than its own track 1 does, which still fits: it keeps it. */
static void what_fits_is_kept(void **state)
{
    track_box truths[] = { at(0, 1, 0), at(1, 1, 20) };
    track_box found[] = { at(0, 1, 0), at(1, 1, 0), at(1, 2, 20) };
    track_scores s;
    assert_true(track_judge(&s, truths, 2, found, 3));
    assert_int_equal(s.switches, 0);
    assert_int_equal(s.false_found, 1);
}

/* The best single fit, object 1 with box 10, would leave object 2 alone: object 1 takes box -30 instead. */
static void as_many_as_can_be(void **state)
{
    track_box truths[] = { at(0, 1, 0), at(0, 2, 40) };
    track_box found[] = { at(0, 1, 10), at(0, 2, -30) };
    track_scores s;
    assert_true(track_judge(&s, truths, 2, found, 2));
    assert_int_equal(s.missed, 0);
    assert_int_equal(s.false_found, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_right_is_one),       cmocka_unit_test(nothing_found),
        cmocka_unit_test(missed_and_false),       cmocka_unit_test(half_an_overlap_is_enough),
        cmocka_unit_test(a_switch_counts_once),   cmocka_unit_test(a_switch_over_a_gap),
        cmocka_unit_test(exchanged),              cmocka_unit_test(what_fits_is_kept),
        cmocka_unit_test(as_many_as_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
