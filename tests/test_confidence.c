/* test_confidence.c - bounds of rates: closed forms, and published tables. */
#include "confidence.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* None of n: (1 - p)^n = 1 - confidence. */
static void none_of_n(void **state)
{
    for (int n = 1; n <= 100000; n *= 10)
        assert_float_equal(confidence_upper(0, n, .95), 1 - pow(.05, 1. / n), 1e-12);
    assert_float_equal(confidence_upper(7, 7, .95), 1, 0);
    assert_float_equal(confidence_lower(0, 7, .95), 0, 0);
    assert_float_equal(confidence_lower(1, 1, .95), .05, 1e-12);
}

/* 1 of n: (1 - p)^n + n p (1 - p)^(n - 1) = 1 - confidence, put in. */
static void one_of_n(void **state)
{
    for (int n = 2; n <= 20000; n *= 10) {
        const double p = confidence_upper(1, n, .95);
        assert_float_equal(pow(1 - p, n) + n * p * pow(1 - p, n - 1), .05, 1e-9);
    }
}

/* 10 of 20, 97.5 % each side: .272 to .728, as in every table of exact 95 % intervals. */
static void ten_of_twenty(void **state)
{
    assert_float_equal(confidence_lower(10, 20, .975), .27196, 1e-5);
    assert_float_equal(confidence_upper(10, 20, .975), .72804, 1e-5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_of_n), cmocka_unit_test(one_of_n), cmocka_unit_test(ten_of_twenty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
