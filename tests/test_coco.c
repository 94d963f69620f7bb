/* test_coco.c - COCO's mean average precision on small cases, each worked out by hand. */
#include "eval/coco_map.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A box of 100 x 100, at x; large, so that all of it is of the range of large areas. */
static coco_truth truth(int image, int category, double x)
{
    return (coco_truth){ image, category, { x, 0, 100, 100 }, 10000, false };
}

static coco_found found(int image, int category, double x, double score)
{
    return (coco_found){ image, category, { x, 0, 100, 100 }, score };
}

static coco_scores judge(coco_truth *truths, int truth_count, coco_found *list, int found_count)
{
    coco_scores s;
    assert_true(coco_judge(&s, truths, truth_count, list, found_count));
    return s;
}

static void assert_is(const char *what, double value, double expected)
{
    if (fabs(value - expected) > 1e-9) fail_msg("%s: found %.9f, expected %.9f", what, value, expected);
}

static void all_found_is_one(void **state)
{
    coco_truth truths[] = { truth(1, 1, 0), truth(2, 1, 50), truth(2, 7, 0) };
    coco_found list[] = { found(2, 7, 0, .3), found(1, 1, 0, .9), found(2, 1, 50, .2) };
    const coco_scores s = judge(truths, 3, list, 3);
    assert_is("AP", s.ap[COCO_ALL], 1);
    assert_is("AP of large", s.ap[COCO_LARGE], 1);
    assert_is("AP of small: nothing to find", s.ap[COCO_SMALL], -1);
    assert_is("AR", s.recall[COCO_ALL], 1);
    assert_is("AR, one a picture", s.recall_1, 1);
}

static void nothing_found_is_zero(void **state)
{
    coco_truth truths[] = { truth(1, 1, 0) };
    coco_scores s = judge(truths, 1, NULL, 0);
    assert_is("AP", s.ap[COCO_ALL], 0);
    assert_is("AR", s.recall[COCO_ALL], 0);
    s = judge(NULL, 0, NULL, 0);
    assert_is("AP of nothing", s.ap[COCO_ALL], -1);
}

/* Best first: wrong, right, right. Precision 0, 1/2, 2/3 at recall 0, 1/2, 1: from the right, 2/3 everywhere. */
static void precision_is_the_best_at_that_recall_or_above(void **state)
{
    coco_truth truths[] = { truth(1, 1, 0), truth(2, 1, 0) };
    coco_found list[] = { found(1, 1, 300, .9), found(1, 1, 0, .8), found(2, 1, 0, .7) };
    assert_is("AP50", judge(truths, 2, list, 3).ap50, 2. / 3);
}

/* One of three is found first, then a wrong one: precision 1 up to recall 1/3, which is 34 of 101 recalls, 0 .. .33. */
static void recall_has_101_steps(void **state)
{
    coco_truth truths[] = { truth(1, 1, 0), truth(2, 1, 0), truth(3, 1, 0) };
    coco_found list[] = { found(1, 1, 0, .9), found(1, 1, 300, .8) };
    const coco_scores s = judge(truths, 3, list, 2);
    assert_is("AP50", s.ap50, 34. / 101);
    assert_is("AR", s.recall[COCO_ALL], 1. / 3);
}

/* Moved by 25 of 100: 75 / 125 = .6. Right at .50, .55 and .60, wrong at the other seven. */
static void overlap_decides_at_each_of_ten(void **state)
{
    coco_truth truths[] = { truth(1, 1, 0) };
    coco_found list[] = { found(1, 1, 25, .9) };
    const coco_scores s = judge(truths, 1, list, 1);
    assert_is("AP", s.ap[COCO_ALL], .3);
    assert_is("AP50", s.ap50, 1);
    assert_is("AP75", s.ap75, 0);
}

/* Found twice: the second is wrong, and behind the right one it costs nothing; before it, the half. */
static void found_twice_is_wrong_once(void **state)
{
    coco_truth truths[] = { truth(1, 1, 0), truth(2, 1, 0) };
    coco_found list[] = { found(1, 1, 0, .9), found(1, 1, 1, .8), found(2, 1, 0, .7) };
    assert_is("AP50", judge(truths, 2, list, 3).ap50, (51 + 50 * 2. / 3) / 101);
}

/* The other class is found at the place of the first: both are wrong. */
static void classes_are_apart(void **state)
{
    coco_truth truths[] = { truth(1, 1, 0), truth(1, 2, 300) };
    coco_found list[] = { found(1, 1, 300, .9), found(1, 2, 300, .8), found(1, 3, 0, .9) };
    assert_is("AP50", judge(truths, 2, list, 3).ap50, .5);
}

/* Two in a crowd, one outside of it: the crowd takes both, and neither counts. Overlap with a crowd is over the
 * found box alone: half of each is within. */
static void a_crowd_counts_neither_way(void **state)
{
    coco_truth truths[] = { truth(1, 1, 0), { 1, 1, { 250, 0, 1000, 100 }, 100000, true } };
    coco_found list[] = { found(1, 1, 200, .9), found(1, 1, 400, .85), found(1, 1, 0, .8) };
    assert_is("AP50", judge(truths, 2, list, 3).ap50, 1);
    assert_is("AP75: the one half inside is wrong now", judge(truths, 2, list, 3).ap75, .5);
}

/* A small and a large object. Of the small ones' range, the large one found is of another area and does not count. */
static void areas_are_apart(void **state)
{
    coco_truth truths[] = { truth(1, 1, 0), { 1, 1, { 300, 0, 20, 20 }, 400, false } };
    coco_found list[] = { found(1, 1, 500, .95), found(1, 1, 0, .9), { 1, 1, { 300, 0, 20, 20 }, .5 } };
    const coco_scores s = judge(truths, 2, list, 3);
    assert_is("AP of small", s.ap[COCO_SMALL], 1);
    assert_is("AP of large", s.ap[COCO_LARGE], .5);
    assert_is("AP of medium", s.ap[COCO_MEDIUM], -1);
    assert_is("AP50 of all", s.ap50, 2. / 3);
}

/* What is ignored gives way: the better overlap with a crowd does not take what fits something that counts. */
static void what_counts_is_matched_first(void **state)
{
    coco_truth truths[] = { { 1, 1, { 0, 0, 100, 100 }, 10000, true }, truth(1, 1, 20) };
    coco_found list[] = { found(1, 1, 0, .9) };
    assert_is("AP50", judge(truths, 2, list, 1).ap50, 1);
}

/* Of one picture and class, the best 1, 10 and 100 count. Twelve to find, the first of thirteen found is wrong. */
static void only_so_many_count(void **state)
{
    coco_truth truths[12];
    coco_found list[13] = { found(1, 1, -500, 1) };
    for (int i = 0; i < 12; i++) {
        truths[i] = truth(1, 1, 200 * i);
        list[i + 1] = found(1, 1, 200 * i, .9 - .01 * i);
    }
    const coco_scores s = judge(truths, 12, list, 13);
    assert_is("AR, one", s.recall_1, 0);
    assert_is("AR, ten", s.recall_10, 9. / 12);
    assert_is("AR, hundred", s.recall[COCO_ALL], 1);
}

/* Of equal scores, those stand first that came first; pictures by number. */
static void ties_keep_their_order(void **state)
{
    coco_truth truths[] = { truth(1, 1, 0), truth(2, 1, 0) };
    coco_found list[] = { found(2, 1, 0, .5), found(1, 1, 300, .5) };
    assert_is("AP50", judge(truths, 2, list, 2).ap50, 51. / 101 / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_found_is_one),
        cmocka_unit_test(nothing_found_is_zero),
        cmocka_unit_test(precision_is_the_best_at_that_recall_or_above),
        cmocka_unit_test(recall_has_101_steps),
        cmocka_unit_test(overlap_decides_at_each_of_ten),
        cmocka_unit_test(found_twice_is_wrong_once),
        cmocka_unit_test(classes_are_apart),
        cmocka_unit_test(a_crowd_counts_neither_way),
        cmocka_unit_test(areas_are_apart),
        cmocka_unit_test(what_counts_is_matched_first),
        cmocka_unit_test(only_so_many_count),
        cmocka_unit_test(ties_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
