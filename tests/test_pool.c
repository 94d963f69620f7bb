/* test_pool.c - every part of every round runs exactly once, for any number of threads, by whoever is free. */
#include "pool.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
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

typedef struct crowd { atomic_int begun, done; atomic_bool late; } crowd;

/* The first to come stays until all the others are done, ten seconds at most. */
static void hold_up(void *arg, int i)
{
    crowd *c = arg;
    const time_t end = time(NULL) + 10;
    if (atomic_fetch_add(&c->begun, 1) == 0)
        while (atomic_load(&c->done) < PARTS - 1 && !atomic_load(&c->late))
            if (time(NULL) > end) atomic_store(&c->late, true);
    atomic_fetch_add(&c->done, 1);
}

static void a_thread_that_is_held_up_holds_up_no_other(void **state)
{
    pool *p;
    assert_int_equal(pool_create(&p, 2, NULL), CYG_OK);
    const cyg_executor e = pool_executor(p);
    crowd c = { 0 };
    e.parallel_for(e.context, PARTS, hold_up, &c);
    assert_false(atomic_load(&c.late));
    pool_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_every_part_once),
        cmocka_unit_test(a_thread_that_is_held_up_holds_up_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
