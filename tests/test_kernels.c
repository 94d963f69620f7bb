/* test_kernels.c - every kernel of every table that this CPU runs, against the reference, on
 * awkward shapes. */
#include "../backbone/backbone.h"
#include "../backbone/kernels/kernels.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { TRIALS = 150 };
static const float unset = -77;

static uint32_t seed = 1;

static int any(int from, int to)
{
    seed = seed * 1664525u + 1013904223u;
    return from + (int)((seed >> 8) % (uint32_t)(to - from + 1));
}

static float *some_floats(size_t n)
{
    float *p = malloc((n + CYG_SLACK) * sizeof *p);
    for (size_t i = 0; i < n + CYG_SLACK; i++) p[i] = any(-1000, 1000) / 1000.f;
    return p;
}

static float *unset_floats(size_t n)
{
    float *p = malloc(n * sizeof *p);
    for (size_t i = 0; i < n; i++) p[i] = unset;
    return p;
}

/* Within a few roundings of `terms` additions; what neither wrote must be left alone. */
static void assert_close(const cyg_kernels *t, const char *what, const float *got, const float *want,
                         size_t n, int terms)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(got[i] - want[i]) <= 1e-6f * (4 + terms)) || (want[i] == unset) != (got[i] == unset))
            fail_msg("%s %s: value %zu is %g, reference %g", t->isa, what, i, got[i], want[i]);
}

/* Values as an arithmetic stores them, followed by what kernels may read; freed by the caller. */
static void *stored(const cyg_arithmetic *a, const float *values, size_t n)
{
    void *out = calloc(n + 2 + CYG_SLACK, a->element);
    float *padded = calloc(n + 2, sizeof *padded);      /* to whole pixels */
    memcpy(padded, values, n * sizeof *values);
    a->narrow(out, padded, (n + 2) / 3, NULL);
    free(padded);
    return out;
}

/* The other way, and frees it. */
static float *loaded(const cyg_arithmetic *a, void *values, size_t n)
{
    float *out = malloc(n * sizeof *out);
    a->widen(out, values, n, 1, NULL);
    free(values);
    return out;
}

/* A bfloat16 may be rounded to its other neighbour. */
static void assert_layers_close(const cyg_kernels *t, const cyg_arithmetic *a, const char *what,
                                const float *got, const float *want, size_t n, int terms)
{
    const float unit = a->element == 4 ? 0 : 1 / 128.f;
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(got[i] - want[i]) <= 1e-6f * (4 + terms) + unit * fabsf(want[i])) ||
            (want[i] < -70) != (got[i] < -70))
            fail_msg("%s %s %s: value %zu is %g, reference %g", t->isa, a->precision, what, i, got[i], want[i]);
}

/* The runs of a product's left side lie one behind the other, so many values apart. */
static float *product_of(const cyg_kernels *t, const char *precision, const float *in, int runs, size_t apart,
                         size_t in_step, const float *w, const float *bias, size_t out_step, int m, int k, int n,
                         float lo, float hi)
{
    const cyg_arithmetic *a = cyg_kernels_arithmetic(t, precision);
    float *blank = unset_floats(m * out_step);
    void *packed = malloc(cyg_pack_product_size(t, a, runs, k, n));
    char *from = stored(a, in, runs * apart);
    void *out = stored(a, blank, m * out_step);
    const void *const in_runs[3] = { from, from + apart * a->element, from + 2 * apart * a->element };
    cyg_pack_product(packed, t, a, w, bias, runs, k, n);
    a->product(out, out_step, in_runs, runs, in_step, packed, m, k, n, lo, hi);
    free(blank); free(packed); free(from);
    return loaded(a, out, m * out_step);
}

static void product_agrees(void **state)
{
    static const char *const precisions[] = { "f32", "bf16" };
    const cyg_kernels *t = *state, *ref = cyg_kernels_find("ref");
    for (int trial = 0; trial < 2 * TRIALS; trial++) {
        const char *precision = precisions[trial % 2];
        const int m = any(1, 40), runs = any(0, 1) ? 1 : any(1, 3), k = any(1, 70), n = any(1, 100);
        const size_t in_step = runs > 1 ? any(1, 2 * k) : k + any(0, 3);    /* rows may overlap */
        const size_t out_step = n + any(0, 3);
        const size_t apart = (m - 1) * in_step + k + any(0, 9);
        float *in = some_floats(runs * apart), *w = some_floats((size_t)runs * k * n), *bias = some_floats(n);
        const float lo = trial % 5 ? 0 : -INFINITY, hi = trial % 3 ? 6 : INFINITY;
        float *want = product_of(ref, precision, in, runs, apart, in_step, w, bias, out_step, m, k, n, lo, hi);
        float *got = product_of(t, precision, in, runs, apart, in_step, w, bias, out_step, m, k, n, lo, hi);
        assert_layers_close(t, cyg_kernels_arithmetic(t, precision), "product", got, want,
                            (size_t)(m - 1) * out_step + n, runs * k);
        free(in); free(w); free(bias); free(want); free(got);
    }
}

/* Of bf16, to float32: no rounding of the outputs, so it is as near as f32 is. */
static void product_floats_agrees(void **state)
{
    const cyg_kernels *t = *state, *ref = cyg_kernels_find("ref");
    for (int trial = 0; trial < TRIALS; trial++) {
        const int m = any(1, 40), k = any(1, 70), n = any(1, 100);
        const size_t in_step = k + any(0, 3), out_step = n + any(0, 3), count = m * out_step;
        float *in = some_floats(m * in_step), *w = some_floats((size_t)k * n), *bias = some_floats(n);
        float *out[2] = { unset_floats(count), unset_floats(count) };
        for (int i = 0; i < 2; i++) {
            const cyg_kernels *table = i ? t : ref;
            void *packed = malloc(cyg_pack_product_size(table, &table->bf16, 1, k, n));
            void *from = stored(&table->bf16, in, m * in_step);
            cyg_pack_product(packed, table, &table->bf16, w, bias, 1, k, n);
            const float hi = trial % 3 ? 6 : INFINITY;
            table->product_floats(out[i], out_step, (const void *[]){ from }, 1, in_step, packed, m, k, n,
                                  -INFINITY, hi);
            free(packed); free(from);
        }
        assert_close(t, "product_floats", out[1], out[0], (size_t)(m - 1) * out_step + n, k);
        free(in); free(w); free(bias); free(out[0]); free(out[1]);
    }
}

/* The reference's own answer, from the formula; the numbers are exact in every arithmetic. */
static void known_product(void **state)
{
    static const char *const precisions[] = { "f32", "bf16" };
    const float in[] = { 1, 2, 3, 4, 5, 6 }, w[] = { 1, 0, -1, 2, 1, 1 }, bias[] = { .5f, -20 };
    const float want[] = { 1 - 2 + 3 + .5f, 0, 4 - 5 + 6 + .5f, 0 };      /* [2][3] x [3][2] */
    for (int i = 0; i < 2; i++) {
        float *got = product_of(*state, precisions[i], in, 1, 6, 3, w, bias, 2, 2, 3, 2, 0, 6);
        for (int j = 0; j < 4; j++) assert_true(got[j] == want[j]);
        free(got);
    }
}

static float *depthwise_of(const cyg_kernels *t, const char *precision, const float *rows, size_t in_step,
                           const float *w, const float *bias, size_t out_step, const cyg_window *window,
                           int from, int to, size_t n)
{
    const cyg_arithmetic *a = cyg_kernels_arithmetic(t, precision);
    float *blank = unset_floats(n);
    void *packed = malloc(cyg_pack_depthwise_size(t, a, window->channels));
    char *in = stored(a, rows, 3 * window->width * in_step);
    void *out = stored(a, blank, n);
    const size_t row = window->width * in_step * a->element;
    char *three[3];
    for (int i = 0; i < 3; i++) {       /* what follows a row is no number, and must not count */
        three[i] = memset(malloc(row + CYG_SLACK), 0xff, row + CYG_SLACK);
        memcpy(three[i], in + i * row, row);
    }
    cyg_pack_depthwise(packed, t, a, w, bias, window->channels);
    a->depthwise(out, out_step, (const void *[]){ three[0], three[1], three[2] }, in_step, window, from, to, packed,
                 0, 6);
    for (int i = 0; i < 3; i++) free(three[i]);
    free(blank); free(packed); free(in);
    return loaded(a, out, n);
}

static void depthwise_agrees(void **state)
{
    static const char *const precisions[] = { "f32", "bf16" };
    const cyg_kernels *t = *state, *ref = cyg_kernels_find("ref");
    for (int trial = 0; trial < 2 * TRIALS; trial++) {
        const char *precision = precisions[trial % 2];
        const cyg_window window = { any(1, 20), any(1, 70), any(1, 2), any(0, 1) };
        const int outs = (window.width + window.stride - 1) / window.stride;
        const int from = any(0, outs - 1), to = any(from + 1, outs);
        const size_t out_step = window.channels + any(0, 3), n = (outs - 1) * out_step + window.channels;
        const size_t in_step = window.channels + any(0, 3);
        float *rows = some_floats(3 * window.width * in_step), *w = some_floats((size_t)9 * window.channels);
        float *bias = some_floats(window.channels);
        float *want = depthwise_of(ref, precision, rows, in_step, w, bias, out_step, &window, from, to, n);
        float *got = depthwise_of(t, precision, rows, in_step, w, bias, out_step, &window, from, to, n);
        assert_layers_close(t, cyg_kernels_arithmetic(t, precision), "depthwise", got, want, n, 9);
        free(rows); free(w); free(bias); free(want); free(got);
    }
}

/* ---- Integers: the same bits in every table ------------------------------------------------ */

static uint8_t *some_levels(size_t n)
{
    uint8_t *p = malloc(n + CYG_SLACK);
    const bool extreme = any(0, 3) == 0;
    for (size_t i = 0; i < n + CYG_SLACK; i++) p[i] = (uint8_t)(extreme ? 127 : any(0, 127));
    return p;
}

/* Outputs all over 0 .. 127 and beyond; some weights as large as may be. */
static cyg_integers some_integers(int k, int n)
{
    cyg_integers w = { malloc((size_t)k * n), malloc((size_t)n * sizeof(int32_t)), malloc((size_t)n * sizeof(float)) };
    const int extreme = any(0, 3);
    for (int i = 0; i < k * n; i++) w.weights[i] = (int8_t)(extreme ? any(-127, 127) : i % 2 ? 127 : -127);
    for (int j = 0; j < n; j++) {
        w.bias[j] = any(-4000, 9000) * (extreme == 1 ? 100000 : 1);
        w.scale[j] = any(1, 1000) / (40.f * (float)(40 + k) * (extreme == 1 ? 10000 : 1));
    }
    return w;
}

static void free_integers(cyg_integers *w)
{
    free(w->weights); free(w->bias); free(w->scale);
}

static uint8_t *levels_product(const cyg_kernels *t, const uint8_t *in, int runs, size_t apart, size_t in_step,
                               const cyg_integers *w, size_t out_step, int m, int k, int n)
{
    uint8_t *out = memset(malloc(m * out_step), 200, m * out_step);
    void *packed = malloc(cyg_pack_product_size(t, t->i8, runs, k, n));
    const void *const in_runs[3] = { in, in + apart, in + 2 * apart };
    cyg_pack_product_i8(packed, t, w, runs, k, n);
    t->i8->product(out, out_step, in_runs, runs, in_step, packed, m, k, n, 0, 0);
    free(packed);
    return out;
}

static void integer_product_agrees(void **state)
{
    const cyg_kernels *t = *state, *ref = cyg_kernels_find("ref");
    for (int trial = 0; trial < 2 * TRIALS; trial++) {
        const int m = any(1, 40), runs = any(0, 1) ? 1 : any(1, 3), k = any(1, 150), n = any(1, 300);
        const size_t in_step = runs > 1 ? any(1, 2 * k) : k + any(0, 3), out_step = n + any(0, 3);
        const size_t apart = (m - 1) * in_step + k + any(0, 9);
        uint8_t *in = some_levels(runs * apart);
        for (size_t i = 0; i < runs * apart && trial % 2 && t->i8->parts == 1; i++) in[i] *= 2;
        cyg_integers w = some_integers(runs * k, n);
        uint8_t *want = levels_product(ref, in, runs, apart, in_step, &w, out_step, m, k, n);
        uint8_t *got = levels_product(t, in, runs, apart, in_step, &w, out_step, m, k, n);
        assert_memory_equal(got, want, m * out_step);
        free(in); free_integers(&w); free(want); free(got);
    }
}

/* Halves go to the even level, what is more than 127 or less than 0 stays there. */
static void known_integers(void **state)
{
    const cyg_kernels *t = *state;
    int8_t weights[] = { 1, 1, 1, 1, 1, -1, 127 };
    int32_t bias[] = { 0, 1, 2, 3, 500, 0, -16000 };
    float scale[] = { .5f, .5f, .5f, .5f, .5f, .5f, 1 };
    const uint8_t in[3 + CYG_SLACK] = { 0, 3, 127 };
    const uint8_t want[3][7] = { { 0, 0, 1, 2, 127, 0, 0 }, { 2, 2, 2, 3, 127, 0, 0 },
                                 { 64, 64, 64, 65, 127, 0, 127 } };
    uint8_t *got = levels_product(t, in, 1, 3, 1, &(cyg_integers){ weights, bias, scale }, 7, 3, 1, 7);
    assert_memory_equal(got, want, sizeof want);
    free(got);
}

static uint8_t *levels_depthwise(const cyg_kernels *t, const uint8_t *rows, size_t in_step, const cyg_integers *w,
                                 size_t out_step, const cyg_window *window, int from, int to, size_t n)
{
    uint8_t *out = memset(malloc(n), 200, n);
    void *packed = malloc(cyg_pack_depthwise_size(t, t->i8, window->channels));
    const size_t row = window->width * in_step;
    const void *const three[3] = { rows, rows + row, rows + 2 * row };
    cyg_pack_depthwise_i8(packed, t, w, window->channels);
    t->i8->depthwise(out, out_step, three, in_step, window, from, to, packed, 0, 0);
    free(packed);
    return out;
}

static void integer_depthwise_agrees(void **state)
{
    const cyg_kernels *t = *state, *ref = cyg_kernels_find("ref");
    for (int trial = 0; trial < 4 * TRIALS; trial++) {
        const int channels = trial % 2 ? any(1, 200) : 1 << any(0, 7);
        const cyg_window window = { any(1, 40), channels, any(1, 2), any(0, 1) };
        const int outs = (window.width + window.stride - 1) / window.stride;
        const int from = any(0, outs - 1), to = any(from + 1, outs);
        const size_t out_step = channels + (any(0, 1) ? any(0, 3) : 0), n = (outs - 1) * out_step + channels;
        const size_t in_step = channels + (any(0, 1) ? any(0, 3) : 0);
        uint8_t *rows = some_levels(3 * window.width * in_step);
        cyg_integers w = some_integers(9, channels);
        uint8_t *want = levels_depthwise(ref, rows, in_step, &w, out_step, &window, from, to, n);
        uint8_t *got = levels_depthwise(t, rows, in_step, &w, out_step, &window, from, to, n);
        assert_memory_equal(got, want, n);
        free(rows); free_integers(&w); free(want); free(got);
    }
}

static void levels_agree(void **state)
{
    const cyg_kernels *t = *state, *ref = cyg_kernels_find("ref");
    static const float black[] = { -1, -124, 0 }, step[] = { 127, .9f, 254 };
    cyg_levels levels;
    for (int i = 0; i < 3 * CYG_MAX_LANES; i++) {
        levels.black[i] = black[i % 3];
        levels.step[i] = step[i % 3];
    }
    for (int trial = 0; trial < TRIALS; trial++) {
        const int pixels = any(1, 70), channels = any(1, 70);
        float *in = some_floats(3 * (size_t)pixels), *worth = some_floats(channels);
        for (int i = 0; i < pixels; i++) in[3 * i + 1] *= 200;
        uint8_t want[6 * 70], got[6 * 70];
        ref->i8->narrow(want, in, pixels, &levels);
        t->i8->narrow(got, in, pixels, &levels);
        for (int i = 0; i < 3 * pixels && t->i8->parts == 1; i++) want[i] = (uint8_t)(want[2 * i] + want[2 * i + 1]);
        assert_memory_equal(got, want, 3 * t->i8->parts * pixels);
        uint8_t *map = some_levels((size_t)pixels * channels);
        float *wide[2] = { unset_floats((size_t)pixels * channels), unset_floats((size_t)pixels * channels) };
        ref->i8->widen(wide[0], map, pixels, channels, worth);
        t->i8->widen(wide[1], map, pixels, channels, worth);
        assert_memory_equal(wide[0], wide[1], (size_t)pixels * channels * sizeof(float));
        uint16_t *half[2] = { calloc((size_t)pixels * channels, 2), calloc((size_t)pixels * channels, 2) };
        ref->f32.halve(half[0], wide[0], pixels, channels, NULL);
        t->f32.halve(half[1], wide[0], pixels, channels, NULL);
        assert_memory_equal(half[0], half[1], (size_t)pixels * channels * sizeof **half);
        t->i8->halve(half[1], map, pixels, channels, worth);
        assert_memory_equal(half[0], half[1], (size_t)pixels * channels * sizeof **half);
        t->bf16.halve(half[1], half[0], pixels, channels, NULL);
        assert_memory_equal(half[0], half[1], (size_t)pixels * channels * sizeof **half);
        free(half[0]); free(half[1]);
        free(in); free(worth); free(map); free(wide[0]); free(wide[1]);
    }
}

static void mean_agrees(void **state)
{
    const cyg_kernels *t = *state, *ref = cyg_kernels_find("ref");
    for (int trial = 0; trial < TRIALS; trial++) {
        const int pixels = any(1, 60), channels = any(1, 70);
        float *in = some_floats((size_t)pixels * channels);
        float *want = unset_floats(channels), *got = unset_floats(channels);
        ref->mean(want, in, pixels, channels);
        t->mean(got, in, pixels, channels);
        assert_close(t, "mean", got, want, channels, pixels);
        free(in); free(want); free(got);
    }
}

static void scan_agrees(void **state)
{
    const cyg_kernels *t = *state, *ref = cyg_kernels_find("ref");
    for (int trial = 0; trial < TRIALS; trial++) {
        const int count = any(1, 11), width = CYG_SCAN_WIDTH * any(1, 5);
        const int bytes = count * width / CYG_SCAN_WIDTH * CYG_SCAN_BYTES;
        uint8_t *codes = malloc((size_t)bytes);
        int8_t *with = malloc((size_t)width * 2);
        int32_t want[11][2], got[11][2];
        const bool extreme = trial % 4 == 0;
        for (int i = 0; i < bytes; i++) codes[i] = (uint8_t)(extreme ? 255 : any(0, 255));
        for (int i = 0; i < width * 2; i++) with[i] = (int8_t)(extreme ? (trial % 8 ? 127 : -127) : any(-127, 127));
        ref->scan(want, codes, with, count, width);
        t->scan(got, codes, with, count, width);
        assert_memory_equal(got, want, count * sizeof *want);
        if (extreme) assert_int_equal(got[0][1], 63 * 127 * width * (trial % 8 ? 1 : -1));
        free(codes);
        free(with);
    }
}

static void blend_agrees(void **state)
{
    const cyg_kernels *t = *state, *ref = cyg_kernels_find("ref");
    for (int trial = 0; trial < TRIALS; trial++) {
        const int n = any(1, 90);
        uint16_t a[90], b[90];
        float *want = unset_floats(n), *got = unset_floats(n);
        const float f = any(0, 100) / 100.f;
        for (int i = 0; i < n; i++) {
            a[i] = (uint16_t)any(0, 65535);
            b[i] = (uint16_t)any(0, 65535);
        }
        ref->blend16(want, a, b, f, n);
        t->blend16(got, a, b, f, n);
        assert_close(t, "blend16", got, want, n, 65536);
        ref->blend8(want, (uint8_t *)a, (uint8_t *)b, f, n);
        t->blend8(got, (uint8_t *)a, (uint8_t *)b, f, n);
        assert_close(t, "blend8", got, want, n, 256);
        free(want); free(got);
    }
}

static void colour_agrees(void **state)
{
    const cyg_kernels *t = *state, *ref = cyg_kernels_find("ref");
    for (int trial = 0; trial < TRIALS; trial++) {
        const int n = any(1, 70);
        cyg_colour to;
        for (size_t i = 0; i < sizeof to / sizeof(float); i++) ((float *)&to)[i] = any(-1000, 1000) / 300.f;
        float *in = some_floats(4 * (size_t)n), *want = unset_floats(3 * (size_t)n), *got = unset_floats(3 * (size_t)n);
        for (int i = 0; i < 3 * n; i++) in[i] *= 255;
        const float *const rows[3] = { in, in + n, in + 2 * n };
        ref->colour(want, rows, in + 3 * n, &to, n);
        t->colour(got, rows, in + 3 * n, &to, n);
        assert_close(t, "colour", got, want, 3 * (size_t)n, 2000);
        free(in); free(want); free(got);
    }
}

int main(void)
{
    const cyg_kernels *list[2 * CYG_MAX_ISAS];
    const int named = cyg_kernels_list(list);
    int count = named, failed = 0;
    for (int i = 0; i < named; i++)
        if (list[i]->half && !cyg_kernels_find(list[i]->half->isa)) list[count++] = list[i]->half;
    for (int i = 0; i < count; i++) {
        void *const t = (void *)list[i];
        const struct CMUnitTest tests[] = {
            { "product", product_agrees, NULL, NULL, t },
            { "product of a known answer", known_product, NULL, NULL, t },
            { "product to float32", product_floats_agrees, NULL, NULL, t },
            { "depthwise", depthwise_agrees, NULL, NULL, t },
            { "product of integers", integer_product_agrees, NULL, NULL, t },
            { "product of known integers", known_integers, NULL, NULL, t },
            { "depthwise in integers", integer_depthwise_agrees, NULL, NULL, t },
            { "levels", levels_agree, NULL, NULL, t },
            { "mean", mean_agrees, NULL, NULL, t },
            { "blend", blend_agrees, NULL, NULL, t },
            { "colour", colour_agrees, NULL, NULL, t },
            { "scan", scan_agrees, NULL, NULL, t },
        };
        failed += cmocka_run_group_tests_name(list[i]->isa, tests, NULL, NULL);
    }
    return failed;
}
