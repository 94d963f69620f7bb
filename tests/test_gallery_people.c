/* test_gallery_people.c - people of a gallery and their faces: named, merged, rejected, moved. */
#include "gallery_made.h"
#include <stdio.h>
#include <string.h>

static bool take_first(void *context, const gallery_face *f, const char *name)
{
    *(int64_t *)context = f->id;
    return false;
}

static int64_t first_face(gallery *g, int i)
{
    synthetic s;
    gallery_file f;
    int64_t id = 0;
    make(&s, i, 0);
    must(gallery_find_file(g, s.name, &f, &err));
    must(gallery_each_face(g, &(gallery_filter){ .file = f.id }, 0, take_first, &id, &err));
    assert_true(id > 0);
    return id;
}

static bool take_person(void *context, const gallery_face *f, const char *name)
{
    *(gallery_face *)context = *f;
    return false;
}

static gallery_face face(gallery *g, int64_t id)
{
    gallery_face f = { 0 };
    must(gallery_each_face(g, &(gallery_filter){ .face = id }, 0, take_person, &f, &err));
    assert_true(f.id == id);
    return f;
}

static bool write_person(void *context, const gallery_person *p)
{
    char *text = context;
    sprintf(text + strlen(text), "%lld %s %d %d %lld;", (long long)p->id, p->name ? p->name : "-", p->faces, p->files,
            (long long)p->best_face);
    return true;
}

static const char *people(gallery *g)
{
    static char text[1000];
    *text = 0;
    must(gallery_each_person(g, write_person, text, &err));
    return text;
}

static void people_are_named_merged_and_rejected(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    for (int i = 1; i < 9; i++) put(g, i, 0);
    const int64_t a = first_face(g, 1), b = first_face(g, 2), c = first_face(g, 3);
    int64_t ada, bob, nameless, now;
    must(gallery_add_person(g, "Ada", &ada, &err));
    must(gallery_add_person(g, "B\xc3\xb6""b", &bob, &err));
    must(gallery_add_person(g, NULL, &nameless, &err));
    assert_int_equal(gallery_add_person(g, "Ada", &now, &err), CYG_ARGUMENT);
    assert_int_equal(gallery_name_person(g, bob, "Ada", &err), CYG_ARGUMENT);
    must(gallery_assign(g, a, ada, GALLERY_NAMED, &err));
    must(gallery_assign(g, b, bob, GALLERY_CLUSTERED, &err));
    must(gallery_assign(g, c, nameless, GALLERY_CLUSTERED, &err));
    assert_int_equal(gallery_assign(g, c, 99, GALLERY_NAMED, &err), CYG_NOT_FOUND);
    assert_int_equal(gallery_assign(g, 9999, ada, GALLERY_NAMED, &err), CYG_NOT_FOUND);
    char want[300];
    sprintf(want, "1 Ada 1 1 %lld;2 B\xc3\xb6""b 1 1 %lld;3 - 1 1 %lld;", (long long)a, (long long)b, (long long)c);
    assert_string_equal(people(g), want);

    must(gallery_reject(g, b, bob, &err));                      /* no longer his, and never again */
    assert_true(face(g, b).person == 0 && face(g, b).how == GALLERY_UNKNOWN);
    bool yes;
    must(gallery_is_rejected(g, b, bob, &yes, &err));
    assert_true(yes);
    must(gallery_is_rejected(g, a, bob, &yes, &err));
    assert_false(yes);

    must(gallery_merge_people(g, bob, nameless, &err));         /* the name goes along */
    must(gallery_is_rejected(g, b, nameless, &yes, &err));      /* what was rejected stays so */
    assert_true(yes);
    must(gallery_merge_people(g, ada, nameless, &err));         /* a second name stays with who had it */
    assert_true(face(g, a).person == nameless && face(g, a).how == GALLERY_NAMED);
    assert_true(face(g, c).person == nameless && face(g, c).how == GALLERY_NAMED);
    for (int64_t id = 1; id <= 3; id++) {
        must(gallery_resolve_person(g, id, &now, &err));
        assert_int_equal(now, nameless);
    }
    must(gallery_find_person(g, "Ada", &now, &err));
    assert_int_equal(now, nameless);
    must(gallery_find_person(g, "B\xc3\xb6""b", &now, &err));
    assert_int_equal(now, nameless);
    assert_int_equal(gallery_find_person(g, "Eve", &now, &err), CYG_NOT_FOUND);
    assert_int_equal(gallery_merge_people(g, ada, bob, &err), CYG_ARGUMENT);

    float probe[DIMENSION];                                     /* search among one person's */
    gallery_match got[40];
    int n = 40;
    embedding_of(probe, 10, 0);
    must(gallery_search(g, &(gallery_query){ .probe = probe, .threshold = -1, .person = nameless }, got, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(got[0].face, a);

    must(gallery_remove_person(g, nameless, true, &err));       /* with the merged ones */
    assert_string_equal(people(g), "");
    assert_int_equal(gallery_resolve_person(g, ada, &now, &err), CYG_NOT_FOUND);
    must(gallery_each_face(g, &(gallery_filter){ .face = a }, 0, take_first, &now, &err));
    gallery_counts counts;
    must(gallery_count(g, &counts, &err));
    assert_int_equal(counts.faces, 1 + 2 + 3 + 4 + 0 + 1 + 2 + 3 - 2);
    assert_int_equal(counts.named, 0);
    gallery_close(g);
}

static void names_are_printable_utf8(void **state)
{
    static const char *const bad[] = { "", "a\nb", "\x1b[31m", "\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\302\2331m",
                                       "\xf4\x90\x80\x80", "\x7f" };
    static const char *const good[] = { "Ada", "\xe5\xb1\xb1\xe7\x94\xb0",
                                        "<script>&\"'", "\xf0\x9f\xa6\xa2", "../..", " " };
    gallery *g = opened(GALLERY_CREATE);
    int64_t id, found;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(gallery_add_person(g, bad[i], &id, &err), CYG_ARGUMENT);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        must(gallery_add_person(g, good[i], &id, &err));
        must(gallery_find_person(g, good[i], &found, &err));
        assert_int_equal(id, found);
    }
    char longest[202];
    memset(longest, 'a', 201);
    longest[201] = 0;
    assert_int_equal(gallery_add_person(g, longest, &id, &err), CYG_ARGUMENT);
    must(gallery_add_person(g, longest + 1, &id, &err));
    gallery_close(g);
}

static void a_moved_file_keeps_its_faces(void **state)
{
    gallery *g = opened(GALLERY_CREATE);
    put(g, 1, 0);
    put(g, 3, 0);
    synthetic one, three;
    gallery_file f;
    make(&one, 1, 0);
    make(&three, 3, 0);
    const int64_t id = first_face(g, 3);
    must(gallery_find_file(g, three.name, &f, &err));
    must(gallery_move_file(g, f.id, one.name, 77, &err));           /* onto another's place */
    assert_int_equal(gallery_find_file(g, three.name, &f, &err), CYG_NOT_FOUND);
    must(gallery_find_file(g, one.name, &f, &err));
    assert_true(f.mtime_ns == 77 && f.faces == 3 && face(g, id).file == f.id);
    assert_int_equal(gallery_move_file(g, 999, "x", 1, &err), CYG_NOT_FOUND);
    gallery_close(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(people_are_named_merged_and_rejected),
        TEST(names_are_printable_utf8),
        TEST(a_moved_file_keeps_its_faces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
