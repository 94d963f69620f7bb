/* test_assign.c - the cheapest assignment, against trying all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "assign.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static uint32_t state = 1;

static uint32_t next_random(void)               /* xorshift, G. Marsaglia 2003 */
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* The least total for rows row .. rows, by trying every free column and none. */
static double try_all(const float *cost, int rows, int columns, double alone, int row, unsigned taken)
{
    if (row == rows) return 0;
    double least = alone + try_all(cost, rows, columns, alone, row + 1, taken);
    for (int j = 0; j < columns; j++) {
        const double c = (double)cost[row * columns + j];
        if (taken & 1u << j || !(c < alone)) continue;
        least = fmin(least, c + try_all(cost, rows, columns, alone, row + 1, taken | 1u << j));
    }
    return least;
}

/* The total of an assignment, after checking that it is one. */
static double total(const int *column_of, const float *cost, int rows, int columns, double alone)
{
    bool taken[ASSIGN_MOST] = { false };
    double sum = 0;
    for (int i = 0; i < rows; i++) {
        const int j = column_of[i];
        assert_in_range(j + 1, 0, columns);
        if (j == ASSIGN_ALONE) {
            sum += alone;
            continue;
        }
        assert_false(taken[j]);
        taken[j] = true;
        assert_true((double)cost[i * columns + j] < alone);
        sum += (double)cost[i * columns + j];
    }
    return sum;
}

/* Up to 6 x 6, wide and high; a third of the pairs forbidden; every fourth matrix full of ties. */
static void test_equals_trying_all(void **unused)
{
    for (int round = 0; round < 20000; round++) {
        float cost[36];
        const int rows = (int)(next_random() % 7), columns = (int)(next_random() % 7);
        const float alone = round % 3 ? 1 : (float)(next_random() % 100) / 50;
        for (int i = 0; i < rows * columns; i++) {
            const uint32_t x = next_random();
            cost[i] = x % 3 == 0 ? INFINITY : round % 4 ? (float)(x % 1009) / 700 : (float)(x % 4) / 3;
        }
        int column_of[6];
        assign(column_of, cost, rows, columns, alone);
        const double found = total(column_of, cost, rows, columns, (double)alone);
        const double least = try_all(cost, rows, columns, (double)alone, 0, 0);
        if (fabs(found - least) > 1e-9) fail_msg("%d x %d, round %d: %.9f instead of %.9f", rows, columns, round, found,
                                                 least);
    }
}

/* A greedy choice would take 0 for the first row and pay 10 for the second. */
static void test_prefers_the_sum(void **unused)
{
    int column_of[2];
    assign(column_of, (const float[]){ 0, 1, 1, 10 }, 2, 2, 100);
    assert_int_equal(column_of[0], 1);
    assert_int_equal(column_of[1], 0);
}

static void test_forbidden_pairs_stay_alone(void **unused)
{
    int column_of[2] = { 7, 7 };
    assign(column_of, (const float[]){ INFINITY, INFINITY, INFINITY, 0.5f }, 2, 2, 1);
    assert_int_equal(column_of[0], ASSIGN_ALONE);
    assert_int_equal(column_of[1], 1);
    assign(column_of, (const float[]){ 1, 1, 1, 1 }, 2, 2, 1);      /* as dear as being alone */
    assert_int_equal(column_of[0], ASSIGN_ALONE);
    assert_int_equal(column_of[1], ASSIGN_ALONE);
    assign(column_of, NULL, 2, 0, 1);
    assert_int_equal(column_of[0], ASSIGN_ALONE);
}

/* The largest there may be, with a known answer: the anti-diagonal is free, the rest costs. */
static void test_largest(void **unused)
{
    enum { N = ASSIGN_MOST };
    float *cost = malloc(sizeof *cost * N * N);
    int *column_of = malloc(sizeof *column_of * N);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) cost[i * N + j] = i + j == N - 1 ? 0 : (float)(1 + next_random() % 100) / 100;
    assign(column_of, cost, N, N, 2);
    for (int i = 0; i < N; i++) assert_int_equal(column_of[i], N - 1 - i);
    free(cost);
    free(column_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_trying_all),
        cmocka_unit_test(test_prefers_the_sum),
        cmocka_unit_test(test_forbidden_pairs_stay_alone),
        cmocka_unit_test(test_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
