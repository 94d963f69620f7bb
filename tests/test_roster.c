/* test_roster.c - who is described when, and what comes of several descriptions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "roster.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 256 };

/* What the describer of the tests says next, and how often it was asked. */
typedef struct fake {
    float       quality, age, probability;
    const char *gender;             /* "female" is label 0 */
    float       embedding[2];
    int         calls;
} fake;

static void say(void *context, const frame *f, const object *o, description *out)
{
    fake *d = context;
    d->calls++;
    *out = (description){ .quality = { .score = d->quality }, .attribute_count = 2, .dimension = 2 };
    out->attributes[0] = (cyg_attribute){ "gender", d->gender, d->probability, "",
                                          strcmp(d->gender, "female") != 0, 0 };
    out->attributes[1] = (cyg_attribute){ "age", NULL, 1, "years", d->age, 5 };
    memcpy(out->embedding, d->embedding, sizeof d->embedding);
}

/* Two people, each along one axis. */
static void name(void *gallery, appearance *a)
{
    assert_int_equal(a->dimension, 2);
    snprintf(a->name, sizeof a->name, "%s", a->embedding[0] > .9f ? "Ada" : a->embedding[1] > .9f ? "Grace" : "");
}

typedef struct fixture {
    fake    fake;
    roster *r;
    frame  *f;
} fixture;

/* A frame of noise: quality grows with the size of the box alone. */
static int begin(void **state)
{
    fixture *x = calloc(1, sizeof *x);
    x->fake = (fake){ .quality = .5f, .age = 30, .probability = .9f, .gender = "female", .embedding = { 1, 0 } };
    const roster_options options = { .describe = say, .describer = &x->fake, .recognise = name };
    x->r = roster_create(&options);
    x->f = calloc(1, sizeof *x->f);
    uint8_t *gray = malloc(SIDE * SIDE);
    uint32_t noise = 1;
    for (int i = 0; i < SIDE * SIDE; i++) gray[i] = (uint8_t)((noise = noise * 1664525 + 1013904223) >> 24);
    x->f->image = (cyg_image){ .format = CYG_GRAY, .width = SIDE, .height = SIDE, .depth = 8, .plane = { gray },
                               .stride = { SIDE } };
    *state = x;
    return 0;
}

static int end(void **state)
{
    fixture *x = *state;
    roster_free(x->r);
    free(x->f->image.plane[0]);
    free(x->f);
    free(x);
    return 0;
}

/* Sees one object of that track and size at that time. */
static const object *see(fixture *x, double time, int track, float side)
{
    x->f->number = (int64_t)(time * 10 + .5);
    x->f->time = time;
    x->f->object_count = 1;
    x->f->objects[0] = (object){ .box = { 10, 10, 10 + side, 10 + side }, .score = .9f, .label_text = "face",
                                 .track = track };
    assert_int_equal(roster_see(x->r, x->f, NULL), CYG_OK);
    return &x->f->objects[0];
}

/* At once, twice more a second apart, then when it is seen better. */
static void test_described_when_it_pays(void **state)
{
    fixture *x = *state;
    int calls[60];
    x->fake.quality = quality_of(&x->f->image, (cyg_box){ 10, 10, 60, 60 }).score;
    for (int i = 0; i < 60; i++) {
        see(x, .1 * i, 1, i < 40 ? 50 : 100);
        calls[i] = x->fake.calls;
        if (i == 40) x->fake.quality = quality_of(&x->f->image, (cyg_box){ 10, 10, 110, 110 }).score;
    }
    assert_int_equal(calls[0], 1);
    assert_int_equal(calls[9], 1);
    assert_int_equal(calls[13], 2);
    assert_int_equal(calls[39], 3);
    assert_in_range(calls[59], 4, 5);       /* twice as large: once, at most twice since the fake lags behind */
}

static void test_only_detected_and_numbered(void **state)
{
    fixture *x = *state;
    see(x, 0, 0, 50);
    see(x, 0, -3, 50);
    assert_int_equal(x->fake.calls, 0);
    see(x, 1, 2, 50);
    x->f->objects[0].src = FROM_FILL;
    x->f->time = 5;
    assert_int_equal(roster_see(x->r, x->f, NULL), CYG_OK);
    assert_int_equal(x->fake.calls, 1);
    assert_null(roster_find(x->r, -3));
    assert_int_equal(roster_find(x->r, 2)->frames, 2);
}

/* Weights .5 and .25: ages 30 and 60 make 40; female at .9 and male at .8 make female at (.9 * 2 + .2) / 3. */
static void test_smooths(void **state)
{
    fixture *x = *state;
    see(x, 0, 1, 50);
    x->fake = (fake){ .quality = .25f, .age = 60, .probability = .8f, .gender = "male", .embedding = { 0, 1 } };
    const object *o = see(x, 1.5, 1, 50);
    assert_int_equal(o->attribute_count, 2);
    assert_true(fabsf(o->attributes[1].value - 40) < 1e-4f);
    assert_true(fabsf(o->attributes[1].deviation - 5) < 1e-4f);
    assert_string_equal(o->attributes[0].label, "female");
    assert_true(fabsf(o->attributes[0].probability - 2.0f / 3) < 1e-4f);
    const appearance *a = roster_find(x->r, 1);
    assert_int_equal(a->descriptions, 2);
    assert_true(fabsf(a->embedding[0] / a->embedding[1] - 2) < 1e-4f);
    assert_true(fabsf(a->embedding[0] * a->embedding[0] + a->embedding[1] * a->embedding[1] - 1) < 1e-5f);
    assert_true(fabsf(a->quality - .5f) < 1e-6f);
}

static void test_names(void **state)
{
    fixture *x = *state;
    assert_string_equal(see(x, 0, 7, 50)->name, "Ada");
    memcpy(x->fake.embedding, (const float[]){ 0, 1 }, sizeof x->fake.embedding);
    assert_string_equal(see(x, 0, 8, 50)->name, "Grace");
    object other = { .track = 7 };
    roster_tell(x->r, &other, 1);
    assert_string_equal(other.name, "Ada");
    assert_string_equal(see(x, 1.5, 7, 50)->name, "");      /* somebody between the two */
}

static void test_first_to_last(void **state)
{
    fixture *x = *state;
    appearance a;
    see(x, 0, 3, 50);
    see(x, .5, 1, 50);
    see(x, 1, 3, 50);
    assert_false(roster_leave(x->r, .5, &a));
    assert_true(roster_leave(x->r, .9, &a));
    assert_int_equal(a.track, 1);
    assert_false(roster_leave(x->r, .9, &a));
    assert_true(roster_leave(x->r, INFINITY, &a));
    assert_int_equal(a.track, 3);
    assert_int_equal(a.first, 0);
    assert_int_equal(a.last, 10);
    assert_int_equal(a.frames, 2);
    assert_true(a.from == 0 && a.to == 1);
    assert_string_equal(a.name, "Ada");
    assert_null(a.embedding);
    assert_false(roster_leave(x->r, INFINITY, &a));
}

/* Hundreds at once, in any order, each found again. */
static void test_many(void **state)
{
    fixture *x = *state;
    for (int i = 0; i < 300; i++) see(x, 0, 1 + i * 7 % 300, 30);
    for (int i = 1; i <= 300; i++) assert_int_equal(roster_find(x->r, i)->track, i);
    appearance a;
    for (int i = 1; i <= 300; i++) {
        assert_true(roster_leave(x->r, INFINITY, &a));
        assert_int_equal(a.track, i);
    }
}

/* At most one description a frame: the others come in the next ones. */
static void test_takes_turns(void **state)
{
    fixture *x = *state;
    const roster_options options = { .describe = say, .describer = &x->fake, .most = 1 };
    roster_free(x->r);
    x->r = roster_create(&options);
    for (int i = 0; i < 3; i++) {
        x->f->time = .05 * i;
        x->f->object_count = 3;
        for (int j = 0; j < 3; j++) x->f->objects[j] = (object){ .box = { 10, 10, 50, 50 }, .track = j + 1 };
        assert_int_equal(roster_see(x->r, x->f, NULL), CYG_OK);
        assert_int_equal(x->fake.calls, i + 1);
    }
    for (int j = 1; j <= 3; j++) assert_int_equal(roster_find(x->r, j)->descriptions, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        TEST(test_described_when_it_pays),
        TEST(test_only_detected_and_numbered),
        TEST(test_smooths),
        TEST(test_names),
        TEST(test_first_to_last),
        TEST(test_many),
        TEST(test_takes_turns),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
