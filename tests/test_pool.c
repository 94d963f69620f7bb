/* test_pool.c - every part of every round runs exactly once, for any number of threads. */
#include "pool.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { PARTS = 100 };

static void count(void *arg, int i)
{
    atomic_fetch_add((atomic_int *)arg + i, 1);
}

static void runs_every_part_once(void **state)
{
    for (int threads = 1; threads <= 8; threads++) {
        pool *p;
        assert_int_equal(pool_create(&p, threads, NULL), CYG_OK);
        const cyg_executor e = pool_executor(p);
        assert_int_equal(e.threads, threads);
        for (int round = 0; round < 100; round++) {
            atomic_int runs[PARTS] = { 0 };
            const int parts = round % PARTS + 1;
            e.parallel_for(e.context, parts, count, runs);
            for (int i = 0; i < PARTS; i++) assert_int_equal(atomic_load(&runs[i]), i < parts);
        }
        pool_free(p);
    }
    pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(runs_every_part_once) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
