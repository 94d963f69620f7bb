/* test_vectors.c - the vector file: search against comparing with every row, on awkward shapes;
 * half precision; and what happens to a file with a changed, missing or added byte. */
#include "gallery_vectors.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

static uint32_t seed = 1;

static int any(int from, int to)
{
    seed = seed * 1664525u + 1013904223u;
    return from + (int)((seed >> 8) % (uint32_t)(to - from + 1));
}

/* A table of rows to be written, and their ids. */
typedef struct table {
    int       dimension, count, next;
    int64_t  *ids;
    uint16_t *halves;
} table;

static void unit(float *x, int dimension)
{
    double square = 0;
    for (int i = 0; i < dimension; i++) square += (double)x[i] * x[i];
    for (int i = 0; i < dimension; i++) x[i] = (float)(x[i] / sqrt(square));
}

static void some_direction(float *x, int dimension, bool positive)
{
    for (int i = 0; i < dimension; i++) x[i] = (float)any(positive ? 0 : -1000, 1000) / 1000;
    x[any(0, dimension - 1)] += 1.5f;           /* not all zero */
    unit(x, dimension);
}

/* Some rows near others, some twice. */
static table make_table(int dimension, int count)
{
    table t = { .dimension = dimension, .count = count };
    t.ids = calloc((size_t)count + 1, sizeof *t.ids);
    t.halves = calloc((size_t)count * dimension + 1, sizeof *t.halves);
    float *x = malloc((size_t)dimension * sizeof *x);
    for (int i = 0; i < count; i++) {
        t.ids[i] = (i ? t.ids[i - 1] : 0) + any(1, 3);
        uint16_t *row = t.halves + (size_t)i * dimension;
        if (i && any(0, 3) == 0) {
            memcpy(row, row - dimension, (size_t)dimension * sizeof *row);
            if (any(0, 1)) row[any(0, dimension - 1)] ^= 1;
            continue;
        }
        some_direction(x, dimension, count % 2);
        for (int j = 0; j < dimension; j++) row[j] = half_from_float(x[j]);
    }
    free(x);
    return t;
}

static void free_table(table *t)
{
    free(t->ids);
    free(t->halves);
}

static cyg_status next_row(void *context, int64_t *id, uint16_t *half, cyg_error *err)
{
    table *t = context;
    *id = t->ids[t->next];
    memcpy(half, t->halves + (size_t)t->next++ * t->dimension, (size_t)t->dimension * sizeof *half);
    return CYG_OK;
}

static vectors_key key_of(const table *t)
{
    return (vectors_key){ .gallery = "fifteen letters", .generation = 7, .dimension = t->dimension };
}

static int written(table *t)
{
    cyg_error err;
    const vectors_key key = key_of(t);
    const int fd = memfd_create("vectors", 0);
    t->next = 0;
    assert_int_equal(vectors_write(fd, "vectors", &key, t->count, next_row, t, &err), CYG_OK);
    return fd;
}

static vectors *opened(table *t)
{
    cyg_error err;
    vectors *v;
    const int fd = written(t);
    assert_int_equal(vectors_open(&v, fd, "vectors", &err), CYG_OK);
    close(fd);
    return v;
}

/* ---- Search -------------------------------------------------------------------------------- */

typedef struct scored { int64_t id; double cosine; } scored;

static int by_cosine(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    return x->cosine != y->cosine ? (x->cosine < y->cosine) - (x->cosine > y->cosine)
                                  : (x->id > y->id) - (x->id < y->id);
}

static scored *compare_with_all(const table *t, const float *probe)
{
    scored *all = malloc(((size_t)t->count + 1) * sizeof *all);
    for (int i = 0; i < t->count; i++) {
        double dot = 0, square = 0;
        for (int j = 0; j < t->dimension; j++) {
            const double x = (double)float_from_half(t->halves[(size_t)i * t->dimension + j]);
            dot += x * (double)probe[j];
            square += x * x;
        }
        all[i] = (scored){ t->ids[i], dot / sqrt(square) };
    }
    qsort(all, (size_t)t->count, sizeof *all, by_cosine);
    return all;
}

static bool in_filter(const vectors_filter *f, int64_t id)
{
    return !f || (id < f->limit && (f->bits[id / 64] >> id % 64 & 1));
}

/* The same cosines in the same order; among equal ones rounding may choose. */
static void assert_same(const gallery_match *got, int count, const scored *all, int rows, int k, double threshold,
                        const vectors_filter *filter)
{
    int n = 0;
    for (int i = 0; i < rows; i++) {
        if (!in_filter(filter, all[i].id) || all[i].cosine < threshold || n == k) continue;
        assert_true(n < count);
        assert_true(fabs((double)got[n].cosine - all[i].cosine) < 2e-6);
        bool there = false;
        for (int j = 0; j < count; j++) there |= got[j].face == all[i].id;
        assert_true(there || fabs((double)got[count - 1].cosine - all[i].cosine) < 2e-6);
        n++;
    }
    assert_int_equal(n, count);
    for (int i = 1; i < count; i++)
        assert_true(got[i - 1].cosine > got[i].cosine ||
                    (got[i - 1].cosine == got[i].cosine && got[i - 1].face < got[i].face));
}

static void search_finds_what_comparing_with_all_finds(void **state)
{
    for (int trial = 0; trial < 300; trial++) {
        const int dimension = trial % 7 ? any(1, 140) : any(1, 3), count = trial % 5 ? any(0, 90) : any(200, 900);
        table t = make_table(dimension, count);
        vectors *v = opened(&t);
        assert_int_equal(vectors_count(v), count);
        float probe[140];
        some_direction(probe, dimension, trial % 2);
        const size_t like = (size_t)(count ? any(0, count - 1) : 0) * (size_t)dimension;
        for (int j = 0; j < dimension && count && trial % 3 == 0; j++)      /* a row itself: cosine 1 */
            probe[j] = float_from_half(t.halves[like + (size_t)j]);
        unit(probe, dimension);
        scored *all = compare_with_all(&t, probe);

        uint64_t bits[2700 / 64 + 1];
        for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
            bits[i] = (uint64_t)any(0, 0xffffff) << 40 ^ (uint64_t)any(0, 0xffffff) << 20 ^ (uint64_t)any(0, 0xffffff);
        const vectors_filter filter = { bits, any(1, 2700) }, *use = trial % 4 == 0 ? &filter : NULL;
        const float threshold = trial % 3 == 1 ? (float)any(-100, 100) / 100 + .00371f : -1.01f;
        gallery_match got[1000];
        const int k = trial % 11 == 0 ? 1000 : any(0, 12);
        int n = k;
        cyg_error err;
        assert_int_equal(vectors_search(v, probe, threshold, use, got, &n, &err), CYG_OK);
        assert_same(got, n, all, count, k, (double)threshold, use);
        free(all);
        vectors_close(v);
        free_table(&t);
    }
}

/* Rows that differ less than the codes can tell: the answer must still be exact. */
static void search_tells_apart_what_the_codes_cannot(void **state)
{
    table t = make_table(64, 700);
    for (int i = 0; i < 700; i++)
        for (int j = 0; j < 64; j++)
            t.halves[i * 64 + j] = half_from_float(j == 0 ? .5f + (float)((i * 37) % 700) * .0005f : .1f);
    vectors *v = opened(&t);
    float probe[64] = { 1 };
    scored *all = compare_with_all(&t, probe);
    gallery_match got[5];
    int n = 5;
    assert_int_equal(vectors_search(v, probe, -1, NULL, got, &n, NULL), CYG_OK);
    assert_int_equal(n, 5);
    for (int i = 0; i < 5; i++) assert_true(fabs((double)got[i].cosine - all[i].cosine) < 1e-6);
    free(all);
    vectors_close(v);
    free_table(&t);
}

/* The codes of a probe with one large value lose its smallest ones, and what the loss hides must not be dropped: by
 * its codes row 2 is the better one, in truth row 1. The codes of both rows are exact. */
static void what_the_probes_codes_lose_is_allowed_for(void **state)
{
    table t = make_table(64, 2);
    float probe[64] = { 1 };
    for (int j = 1; j < 64; j++) probe[j] = (j < 32 ? .49f : j == 32 ? .51f : -.49f) / (127 * 254);
    unit(probe, 64);
    for (int j = 0; j < 64; j++) {
        t.halves[j] = half_from_float(j >= 1 && j < 11);
        t.halves[64 + j] = half_from_float(j >= 32 && j < 42);
    }
    vectors *v = opened(&t);
    gallery_match got;
    int n = 1;
    assert_int_equal(vectors_search(v, probe, -1, NULL, &got, &n, NULL), CYG_OK);
    assert_int_equal(n, 1);
    assert_int_equal(got.face, t.ids[0]);
    assert_float_equal(got.cosine, sqrt(10) * (double)probe[1], 1e-6);
    vectors_close(v);
    free_table(&t);
}

/* Every code of row 1 is off to the same side, which is told by `low` and not by the error: by its codes
 * alone row 2, whose codes are exact, is the better one. */
static void what_the_codes_lose_on_one_side_is_added(void **state)
{
    table t = make_table(64, 2);
    float probe[64];
    for (int j = 0; j < 64; j++) probe[j] = 1 / 8.f;
    for (int j = 0; j < 64; j++) {
        t.halves[j] = half_from_float(j == 0 ? 1 : j == 1 ? 0 : .49f / 63);
        t.halves[64 + j] = half_from_float(j == 0 ? 1 : j == 1 ? 16 / 63.f : 0);
    }
    vectors *v = opened(&t);
    gallery_match got;
    int n = 1;
    assert_int_equal(vectors_search(v, probe, -1, NULL, &got, &n, NULL), CYG_OK);
    assert_int_equal(n, 1);
    assert_int_equal(got.face, t.ids[0]);
    vectors_close(v);
    free_table(&t);
}

static void equal_rows_come_by_id(void **state)
{
    table t = make_table(3, 600);
    for (int i = 0; i < 600; i++) memcpy(t.halves + i * 3, t.halves, 3 * sizeof *t.halves);
    vectors *v = opened(&t);
    const float probe[3] = { 1, 0, 0 };
    gallery_match got[50];
    int n = 50;
    assert_int_equal(vectors_search(v, probe, -1, NULL, got, &n, NULL), CYG_OK);
    assert_int_equal(n, 50);
    for (int i = 0; i < 50; i++) assert_int_equal(got[i].face, t.ids[i]);
    vectors_close(v);
    free_table(&t);
}

static void finds_rows_by_id(void **state)
{
    table t = make_table(5, 333);
    vectors *v = opened(&t);
    for (int64_t id = -1, i = 0; id < t.ids[332] + 2; id++) {
        const uint16_t *half;
        assert_int_equal(vectors_find(v, id, &half, NULL), CYG_OK);
        if (i < t.count && id == t.ids[i]) assert_memory_equal(half, t.halves + i++ * 5, 10);
        else assert_null(half);
    }
    const vectors_key key = vectors_made_from(v);
    assert_int_equal(key.generation, 7);
    assert_int_equal(key.dimension, 5);
    assert_memory_equal(key.gallery, "fifteen letters", 16);
    vectors_close(v);
    free_table(&t);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

/* check notices every changed byte; a search answers right or notices it. */
static void every_flipped_bit_is_noticed(void **state)
{
    table t = make_table(70, 9);
    const int fd = written(&t);
    const size_t size = (size_t)lseek(fd, 0, SEEK_END);
    uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    float probe[70];
    some_direction(probe, 70, true);
    gallery_match right[4];
    int n = 4;
    vectors *v;
    cyg_error err;
    assert_int_equal(vectors_wrap(&v, bytes, size, "vectors", &err), CYG_OK);
    assert_int_equal(vectors_search(v, probe, -1, NULL, right, &n, &err), CYG_OK);
    vectors_close(v);

    const size_t padding[][2] = { { 4096 + 9 * 32, 8192 }, { 8192 + 9 * 192, 12288 } };
    for (size_t bit = 0; bit < size * 8; bit++) {
        const size_t i = bit / 8;
        const uint8_t flip = (uint8_t)(1 << bit % 8);
        bool unused = false;
        for (int p = 0; p < 2; p++) unused |= i >= padding[p][0] && i < padding[p][1];
        if ((unused || i < 4088) && i > 64 && bit % 97) continue;       /* zeros, mostly */
        bytes[i] ^= flip;
        cyg_status status = vectors_wrap(&v, bytes, size, "vectors", &err);
        if (!status) {
            gallery_match got[4];
            n = 4;
            status = vectors_search(v, probe, -1, NULL, got, &n, &err);
            for (int k = 0; !status && k < 4; k++) {
                assert_int_equal(got[k].face, right[k].face);
                assert_true(got[k].cosine == right[k].cosine);
            }
            status = vectors_check(v, &err);
            vectors_close(v);
        }
        bytes[i] ^= flip;
        if (unused) assert_int_equal(status, CYG_OK);
        else if (i >= 8 && i < 12) assert_int_equal(status, CYG_UNSUPPORTED);
        else assert_int_equal(status, CYG_FORMAT);
    }
    munmap(bytes, size);
    close(fd);
    free_table(&t);
}

static void every_other_length_is_refused(void **state)
{
    table t = make_table(70, 9);
    const int fd = written(&t);
    const off_t size = lseek(fd, 0, SEEK_END);
    vectors *v;
    cyg_error err;
    for (off_t cut = 0; cut < size; cut += cut < 200 || cut > size - 50 ? 1 : 97) {
        assert_int_equal(ftruncate(fd, cut), 0);
        assert_int_equal(vectors_open(&v, fd, "vectors", &err), CYG_FORMAT);
        assert_null(v);
        const int again = written(&t);
        assert_true(dup2(again, fd) == fd);
        close(again);
    }
    assert_int_equal(ftruncate(fd, size + 1), 0);
    assert_int_equal(vectors_open(&v, fd, "vectors", &err), CYG_FORMAT);
    close(fd);
    free_table(&t);
}

/* ---- Half precision -------------------------------------------------------------------------- */

static void halves_round_to_nearest_even(void **state)
{
    static const struct { float value; uint16_t half; } known[] = {
        { 0, 0 }, { 1, 0x3c00 }, { -1, 0xbc00 }, { .5f, 0x3800 }, { 65504, 0x7bff }, { 0x1p-14f, 0x0400 },
        { 0x1p-24f, 0x0001 }, { 0x1p-25f, 0x0000 }, { 0x1.8p-24f, 0x0002 }, { 0x1.ffcp-15f, 0x0400 },
        { 1 + 0x1p-11f, 0x3c00 }, { 1 + 0x1.8p-10f, 0x3c02 }, { -0.1f, 0xae66 },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_int_equal(half_from_float(known[i].value), known[i].half);
    for (uint32_t half = 0; half < 0x10000; half++)
        if ((half & 0x7c00) != 0x7c00) assert_int_equal(half_from_float(float_from_half((uint16_t)half)), half);
    assert_true(float_from_half(0x3555) == 0x1.554p-2f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_finds_what_comparing_with_all_finds),
        cmocka_unit_test(search_tells_apart_what_the_codes_cannot),
        cmocka_unit_test(what_the_probes_codes_lose_is_allowed_for),
        cmocka_unit_test(what_the_codes_lose_on_one_side_is_added),
        cmocka_unit_test(equal_rows_come_by_id),
        cmocka_unit_test(finds_rows_by_id),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(every_other_length_is_refused),
        cmocka_unit_test(halves_round_to_nearest_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
