/* test_who.c - the named people of a gallery: who is nearest, from which cosine on. */
#include "naming.h"
#include "network.h"
#include "who.h"
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { DIMENSION = 35 };    /* no multiple of the width of a vector */

static const gallery_recipe recipe = {
    "faceres", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "square 1.1", DIMENSION,
};
static char folder[] = "/tmp/test_who_XXXXXX", path[64];
static cyg_error err;

#define must(call) assert_must((call), #call)
static void assert_must(cyg_status status, const char *call)
{
    if (status) fail_msg("%s: %s", call, err.message);
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *walk)
{
    return remove(name);
}

/* Along axis `axis`, of length 3, with some of another axis: cosine 1 / sqrt(1 + aside^2) to the axis. */
static void towards(float out[DIMENSION], int axis, int other, float aside)
{
    memset(out, 0, DIMENSION * sizeof *out);
    out[axis] = 3;
    out[other] = 3 * aside;
}

static void unit(float v[DIMENSION])
{
    double square = 0;
    for (int i = 0; i < DIMENSION; i++) square += (double)v[i] * (double)v[i];
    for (int i = 0; i < DIMENSION; i++) v[i] = (float)(v[i] / sqrt(square));
}

static void put(gallery *g, int number, int64_t person, int axis, int other, float aside, float worth)
{
    char name[32];
    float embedding[DIMENSION];
    snprintf(name, sizeof name, "%d.jpg", number);
    towards(embedding, axis, other, aside);
    const gallery_face face = { .box = { 0, 0, 9, 9 }, .quality = worth, .track = -1, .person = person,
                                .how = person ? GALLERY_NAMED : GALLERY_UNKNOWN, .embedding = embedding };
    const gallery_file file = { .path = name, .kind = GALLERY_PHOTO, .width = 10, .height = 10, .indexed_at = 1 };
    must(gallery_put_file(g, &file, &face, 1, &err));
}

/* Ada on axis 0, Bob on axis 1 (20 faces, the poor ones askew), somebody without a name on 2, a stranger on 3. */
static int make_gallery(void **state)
{
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/g", folder);
    gallery *g;
    int64_t ada, bob, nameless;
    must(gallery_open(&g, path, GALLERY_CREATE, &recipe, 0, &err));
    must(gallery_add_person(g, "Ada", &ada, &err));
    must(gallery_add_person(g, "Bob", &bob, &err));
    must(gallery_add_person(g, NULL, &nameless, &err));
    put(g, 0, ada, 0, 5, 0, .5f);
    for (int i = 0; i < 20; i++) put(g, 10 + i, bob, 1, 6 + i, i < 4 ? 1 : .1f, i < 4 ? .1f : .9f);
    put(g, 40, nameless, 2, 5, 0, .9f);
    put(g, 41, 0, 3, 5, 0, .9f);
    must(gallery_finish(g, &err));
    gallery_close(g);
    return 0;
}

static int remove_gallery(void **state)
{
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void the_nearest_named_face_is_who_it_is(void **state)
{
    who *w;
    float probe[DIMENSION];
    must(who_open(&w, path, &recipe, &err));
    assert_int_equal(who_people(w), 2);
    assert_int_equal(who_faces(w), 1 + WHO_EACH);
    towards(probe, 0, 1, .5f);
    unit(probe);
    identity i = who_is(w, probe, .6f);
    assert_string_equal(i.name, "Ada");
    assert_true(i.person > 0);
    assert_float_equal(i.cosine, 1 / sqrt(1.25), 1e-6);
    i = who_is(w, probe, .9f);                              /* not near enough */
    assert_true(i.person == 0 && i.name == NULL);
    assert_float_equal(i.cosine, 1 / sqrt(1.25), 1e-6);
    towards(probe, DIMENSION - 1, 1, 1);
    unit(probe);
    assert_string_equal(who_is(w, probe, .5f).name, "Bob");
    for (int axis = 2; axis <= 3; axis++) {                 /* of nobody with a name */
        towards(probe, axis, 5, 0);
        unit(probe);
        assert_true(who_is(w, probe, .1f).person == 0);
    }
    who_close(w);
}

static void a_persons_poorest_faces_are_left_out(void **state)
{
    who *w;
    float probe[DIMENSION];
    must(who_open(&w, path, &recipe, &err));
    towards(probe, 6, 1, 0);                                /* where only one of the four poor ones looks */
    unit(probe);
    assert_true(who_is(w, probe, .5f).person == 0);
    towards(probe, 10, 1, 0);
    unit(probe);
    assert_float_equal(who_is(w, probe, -1).cosine, .1 / sqrt(1.01), 1e-4);
    who_close(w);
}

/* 17 faces are held. */
static void the_threshold_pays_for_every_face(void **state)
{
    network net = network_make_heads(.25, 32, 32, "[]", "[\"pool\"]",
        "[{\"type\":\"embedding\",\"tap\":\"pool\",\"metric\":\"cosine\",\"false_match\":"
        "{\"cosine\":[0,0.5,0.75],\"rate\":[1,0.01,0.0001],\"source\":\"made up\"}}]", "[]");
    cyg_backbone *backbone;
    cyg_head *head;
    must(cyg_backbone_create(&backbone, net.model, NULL, &err));
    must(cyg_head_create(&head, backbone, "embedding", NULL, &err));
    const struct { double wanted, promised, same; bool less; } cases[] = {
        { 17 * .01, 17 * .01, .5, false }, { 17 * .001, 17 * .001, .625, false },
        { .0002, 17 * .0001, .75, true },           /* the curve goes no further */
    };
    for (int i = 0; i < 3; i++) {
        char text[200];
        naming n = { .recipe = recipe, .head = head, .wanted = cases[i].wanted };
        must(naming_open(&n, path, &err));
        assert_float_equal(n.same, cases[i].same, 1e-5);
        assert_float_equal(n.promised, cases[i].promised, 1e-7);
        assert_int_equal(naming_says_less(&n, text, sizeof text), cases[i].less);
        if (cases[i].less)
            assert_string_equal(text, "among 17 faces a stranger may be given a name in 0.17 % of cases, not in "
                                "0.02 %: less was not measured");
        naming_close(&n);
    }
    cyg_head_free(head);
    cyg_backbone_free(backbone);
    network_free(&net);
}

static void what_does_not_open_says_why(void **state)
{
    who *w = (who *)&w;
    gallery_recipe other = recipe;
    other.model_sha256 = "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    assert_int_equal(who_open(&w, path, &other, &err), CYG_UNSUPPORTED);
    assert_null(w);
    assert_int_not_equal(who_open(&w, "/nowhere/at/all", &recipe, &err), CYG_OK);
    assert_null(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_named_face_is_who_it_is),
        cmocka_unit_test(a_persons_poorest_faces_are_left_out),
        cmocka_unit_test(the_threshold_pays_for_every_face),
        cmocka_unit_test(what_does_not_open_says_why),
    };
    return cmocka_run_group_tests(tests, make_gallery, remove_gallery);
}
