/* test_gallery.c - a gallery from outside: what goes in comes out, one writer, one recipe. */
#include "gallery_made.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- In and out -------------------------------------------------------------------------------- */

static void what_goes_in_comes_out(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    for (int i = 0; i < 30; i++) put(g, i, 0);
    for (int i = 0; i < 30; i += 4) put(g, i, 1);           /* replaced */
    for (int i = 0; i < 30; i++) assert_file(g, i, i % 4 == 0);
    must(gallery_finish(g, &err));
    gallery_close(g);

    g = opened(GALLERY_READ);
    for (int i = 0; i < 30; i++) assert_file(g, i, i % 4 == 0);
    gallery_file f;
    assert_int_equal(gallery_find_file(g, "album/none.jpg", &f, &err), CYG_NOT_FOUND);
    assert_string_equal(gallery_made_by(g)->model, "faceres");
    gallery_close(g);
}

static void search_finds_the_face_that_was_put(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    for (int i = 0; i < 60; i++) put(g, i, 0);
    float probe[DIMENSION];
    gallery_match got[3];
    int n = 3;
    embedding_of(probe, 7 * 10, 1);
    must(gallery_search(g, &(gallery_query){ .probe = probe, .threshold = .5f }, got, &n, &err));
    assert_int_equal(n, 1);
    assert_true(got[0].cosine > .99999f && got[0].cosine < 1.00001f);
    seen s = { .count = 1 };
    make(&s.want, 7, 0);
    must(gallery_each_face(g, &(gallery_filter){ .face = got[0].face }, 0, see_face, &s, &err));
    assert_int_equal(s.count, 2);

    n = 3;          /* photo 7 is no video */
    must(gallery_search(g, &(gallery_query){ .probe = probe, .threshold = .5f, .kind = GALLERY_VIDEO }, got, &n, &err));
    assert_int_equal(n, 0);
    probe[3] = NAN;
    n = 3;
    assert_int_equal(gallery_search(g, &(gallery_query){ .probe = probe }, got, &n, &err), CYG_ARGUMENT);
    memset(probe, 0, sizeof probe);
    assert_int_equal(gallery_search(g, &(gallery_query){ .probe = probe }, got, &n, &err), CYG_ARGUMENT);
    gallery_close(g);
}

/* ---- The door ------------------------------------------------------------------------------------ */

static void what_is_no_number_is_refused(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    for (int what = 0; what < 7; what++) {
        synthetic s;
        make(&s, 3, 0);
        switch (what) {
        case 0: s.embeddings[2][5] = NAN; break;
        case 1: s.embeddings[0][0] = INFINITY; break;
        case 2: memset(s.embeddings[1], 0, sizeof s.embeddings[1]); break;
        case 3: s.faces[1].box.y2 = NAN; break;
        case 4: s.faces[0].t2 = INFINITY; break;
        case 5: s.faces[0].person = 17; break;              /* nobody */
        case 6: s.file.path = ""; break;
        }
        assert_int_equal(gallery_put_file(g, &s.file, s.faces, s.count, &err), CYG_ARGUMENT);
        gallery_file f;
        assert_int_equal(gallery_find_file(g, s.name, &f, &err), CYG_NOT_FOUND);
    }
    put(g, 3, 0);
    assert_file(g, 3, 0);
    gallery_close(g);
}

static void another_recipe_is_refused(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    put(g, 1, 0);
    gallery_close(g);
    gallery_recipe other[3] = { recipe, recipe, recipe };
    other[0].model_sha256 = "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    other[1].preprocessing = "square 1.2";
    other[2].dimension = 65;
    for (int i = 0; i < 3; i++)
        for (gallery_mode mode = GALLERY_READ; mode <= GALLERY_CREATE; mode++) {
            assert_int_equal(gallery_open(&g, path, mode, &other[i], 0, &err), CYG_UNSUPPORTED);
            assert_null(g);
            assert_non_null(strstr(err.message, "cannot be mixed"));
        }
    must(gallery_open(&g, path, GALLERY_READ, NULL, 0, &err));
    assert_file(g, 1, 0);
    gallery_close(g);
}

static void what_is_no_gallery_is_refused(void **state)
{
    gallery *g;
    char other[100];
    assert_int_equal(gallery_open(&g, path, GALLERY_READ, NULL, 0, &err), CYG_NOT_FOUND);
    assert_int_equal(gallery_open(&g, path, GALLERY_WRITE, NULL, 0, &err), CYG_NOT_FOUND);
    snprintf(other, sizeof other, "%s/photo.jpg", folder);
    FILE *f = fopen(other, "w");
    fclose(f);
    assert_int_equal(gallery_open(&g, other, GALLERY_CREATE, &recipe, 0, &err), CYG_FORMAT);
    /* a folder of photos does not become a gallery */
    assert_int_equal(gallery_open(&g, folder, GALLERY_CREATE, &recipe, 0, &err), CYG_ARGUMENT);
    assert_int_equal(gallery_open(&g, folder, GALLERY_READ, NULL, 0, &err), CYG_NOT_FOUND);
    assert_int_equal(mkdir(path, 0755), 0);     /* an empty one does */
    gallery_close(opened(GALLERY_CREATE));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

/* ---- Others ---------------------------------------------------------------------------------------- */

static void second_writer_is_told_and_readers_go_on(void **state)
{
    gallery *first = opened(GALLERY_CREATE), *second, *reader;
    put(first, 1, 0);
    assert_int_equal(gallery_open(&second, path, GALLERY_WRITE, &recipe, 0, &err), CYG_BUSY);
    assert_null(second);
    assert_non_null(strstr(err.message, "another process is writing"));
    assert_int_equal(gallery_open(&second, path, GALLERY_CREATE, &recipe, 0.03, &err), CYG_BUSY);

    must(gallery_begin(first, &err));           /* also in the middle of a change */
    put(first, 2, 0);
    reader = opened(GALLERY_READ);
    assert_file(reader, 1, 0);
    gallery_file f;
    synthetic two;
    make(&two, 2, 0);
    assert_int_equal(gallery_find_file(reader, two.name, &f, &err), CYG_NOT_FOUND);
    float probe[DIMENSION];
    gallery_match got[3];
    int n = 3;
    embedding_of(probe, 10, 0);
    must(gallery_search(reader, &(gallery_query){ .probe = probe, .threshold = .9f }, got, &n, &err));
    assert_int_equal(n, 1);
    must(gallery_commit(first, &err));
    assert_file(reader, 2, 0);
    embedding_of(probe, 20, 0);
    must(gallery_refresh(reader, &err));
    n = 3;
    must(gallery_search(reader, &(gallery_query){ .probe = probe, .threshold = .9f }, got, &n, &err));
    assert_int_equal(n, 1);
    gallery_close(reader);
    gallery_close(first);
    gallery_close(opened(GALLERY_WRITE));
}

static void readers_cannot_write(void **state)
{
    gallery_close(opened(GALLERY_CREATE));
    gallery *g = opened(GALLERY_READ);
    synthetic s;
    make(&s, 1, 0);
    assert_int_equal(gallery_put_file(g, &s.file, s.faces, s.count, &err), CYG_ARGUMENT);
    assert_int_equal(gallery_finish(g, &err), CYG_ARGUMENT);
    gallery_close(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_goes_in_comes_out),
        TEST(search_finds_the_face_that_was_put),
        TEST(what_is_no_number_is_refused),
        TEST(another_recipe_is_refused),
        TEST(what_is_no_gallery_is_refused),
        TEST(second_writer_is_told_and_readers_go_on),
        TEST(readers_cannot_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
