/* test_kalman.c - the closed form, against the filter written in plain matrices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kalman.h"
#include <math.h>
#include <string.h>

typedef struct matrix { double at[2][2]; } matrix;

static matrix product(matrix a, matrix b)
{
    matrix c = { 0 };
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            for (int k = 0; k < 2; k++) c.at[i][j] += a.at[i][k] * b.at[k][j];
    return c;
}

static matrix transposed(matrix a)
{
    return (matrix){ { { a.at[0][0], a.at[1][0] }, { a.at[0][1], a.at[1][1] } } };
}

static matrix sum(matrix a, matrix b, double scale)
{
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) a.at[i][j] += scale * b.at[i][j];
    return a;
}

typedef struct plain { double x[2]; matrix p; } plain;

/* x = F x, P = F P F' + Q */
static void plain_predict(plain *k, double dt, double q)
{
    const matrix f = { { { 1, dt }, { 0, 1 } } };
    const matrix noise = { { { dt * dt * dt / 3, dt * dt / 2 }, { dt * dt / 2, dt } } };
    const double x0 = f.at[0][0] * k->x[0] + f.at[0][1] * k->x[1];
    k->x[1] = f.at[1][0] * k->x[0] + f.at[1][1] * k->x[1];
    k->x[0] = x0;
    k->p = sum(product(product(f, k->p), transposed(f)), noise, q);
}

/* K = P H' / (H P H' + R), x += K (z - H x), P = (I - K H) P (I - K H)' + K R K' (Joseph's form) */
static void plain_correct(plain *k, double z, double variance)
{
    const double spread = k->p.at[0][0] + variance;
    const double gain[2] = { k->p.at[0][0] / spread, k->p.at[1][0] / spread };
    const double innovation = z - k->x[0];
    const matrix rest = { { { 1 - gain[0], 0 }, { -gain[1], 1 } } };
    const matrix added = { { { gain[0] * gain[0], gain[0] * gain[1] }, { gain[1] * gain[0], gain[1] * gain[1] } } };
    for (int i = 0; i < 2; i++) k->x[i] += gain[i] * innovation;
    k->p = sum(product(product(rest, k->p), transposed(rest)), added, variance);
}

static void assert_near(double a, double b)
{
    if (fabs(a - b) > 1e-9 * (1 + fabs(b))) fail_msg("%.15g instead of %.15g", a, b);
}

static void assert_same(const kalman *k, const plain *m)
{
    assert_near(k->x, m->x[0]);
    assert_near(k->v, m->x[1]);
    assert_near(k->xx, m->p.at[0][0]);
    assert_near(k->xv, m->p.at[0][1]);
    assert_near(k->xv, m->p.at[1][0]);
    assert_near(k->vv, m->p.at[1][1]);
}

/* Uneven times, missing sightings, changing errors; the two forms round differently: 1e-9. */
static void test_equals_matrices(void **unused)
{
    kalman k = kalman_start(100, 25, 400);
    plain m = { { 100, 0 }, { { { 25, 0 }, { 0, 400 } } } };
    for (int i = 1; i <= 500; i++) {
        const double dt = 0.01 + 0.02 * (i % 5), q = 50 + i % 7;
        kalman_predict(&k, dt, q);
        plain_predict(&m, dt, q);
        assert_same(&k, &m);
        if (i % 3 == 0) continue;
        const double z = 100 + 3 * i + 10 * sin(i), variance = 9 + i % 4;
        kalman_correct(&k, z, variance);
        plain_correct(&m, z, variance);
        assert_same(&k, &m);
    }
}

/* Two steps are one of their length: dropped frames change nothing. */
static void test_steps_add_up(void **unused)
{
    kalman one = kalman_start(5, 4, 9), two = one;
    kalman_predict(&one, 0.7, 3);
    kalman_predict(&two, 0.2, 3);
    kalman_predict(&two, 0.5, 3);
    assert_near(two.x, one.x);
    assert_near(two.xx, one.xx);
    assert_near(two.xv, one.xv);
    assert_near(two.vv, one.vv);
}

static void test_learns_the_speed(void **unused)
{
    kalman k = kalman_start(0, 1, 1e4);
    for (int i = 1; i <= 30; i++) {
        kalman_predict(&k, 0.04, 1);
        kalman_correct(&k, 80 * 0.04 * i, 0.01);
    }
    assert_true(fabs(k.v - 80) < 0.1);
    kalman_predict(&k, 1, 1);
    assert_true(fabs(k.x - 80 * 2.2) < 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_matrices),
        cmocka_unit_test(test_steps_add_up),
        cmocka_unit_test(test_learns_the_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
