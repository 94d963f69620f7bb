/* test_inputs.c - words become inputs, inputs become outputs: in a folder made for it. */
#include "inputs.h"
#include "outputs.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void make(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static char base[] = "/tmp/test_inputs_XXXXXX";

static int set_up(void **state)
{
    if (!mkdtemp(base) || chdir(base) != 0) return -1;
    static const char *const folders[] = { "tree", "tree/2023", "tree/.hidden", "tree/empty.mp4", "nothing", NULL };
    for (int i = 0; folders[i]; i++) mkdir(folders[i], 0777);
    static const char *const files[] = {
        "tree/clip2.mp4", "tree/clip10.MP4", "tree/notes.txt", "tree/.secret.mp4", "tree/clip2_annotated.mp4",
        "tree/2023/a.jpg", "tree/.hidden/b.jpg", "a b.mp4", "-dash.mp4", "line\nbreak.mp4", "[x].mp4", "x.mp4",
        "a.jpg", "a.mp4", "plain", NULL,
    };
    for (int i = 0; files[i]; i++) make(files[i], "x");
    mkfifo("tree/pipe.mp4", 0666);
    return symlink(".", "tree/circle") || symlink("nowhere", "tree/gone.jpg") || symlink("../x.mp4", "tree/link.mp4");
}

static int tear_down(void **state)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", base);
    return chdir("/") || system(command);
}

/* "path|path|..."; a problem has "!" before it. */
static void expect(const char *const *words, int count, const char *expected)
{
    inputs in;
    char found[4096] = "";
    assert_int_equal(inputs_find(&in, words, count, NULL), CYG_OK);
    for (size_t i = 0; i < in.count; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s%s", i ? "|" : "",
                 in.items[i].problem ? "!" : "", in.items[i].path);
    assert_string_equal(found, expected);
    inputs_free(&in);
}

static void words_keep_their_order(void **state)
{
    expect((const char *[]){ "x.mp4", "a b.mp4", "-", "rtsp://u:p@host/live", "line\nbreak.mp4" }, 5,
           "x.mp4|a b.mp4|-|rtsp://u:p@host/live|line\nbreak.mp4");
    expect((const char *[]){ "plain", "nosuch.mp4" }, 2, "plain|!nosuch.mp4");
}

static void folders_are_walked_once_and_sorted(void **state)
{
    inputs in;
    expect((const char *[]){ "tree" }, 1,
           "tree/2023/a.jpg|tree/clip2.mp4|tree/clip10.MP4|!tree/empty.mp4|!tree/gone.jpg|"
           "tree/link.mp4|!tree/pipe.mp4");
    expect((const char *[]){ "nothing" }, 1, "!nothing");
    assert_int_equal(inputs_find(&in, (const char *[]){ "tree/" }, 1, NULL), CYG_OK);
    assert_string_equal(in.items[0].tree, "2023/a.jpg");
    assert_int_equal(in.ignored, 1);
    assert_int_equal(in.annotated, 1);
    assert_true(in.several);
    inputs_free(&in);
}

static void globs_and_lists(void **state)
{
    expect((const char *[]){ "a*.mp4" }, 1, "a b.mp4|a.mp4");
    expect((const char *[]){ "[x].mp4" }, 1, "[x].mp4");            /* a file of that very name */
    expect((const char *[]){ "q*.mp4" }, 1, "!q*.mp4");
    make("list.txt", "x.mp4\r\n\na b.mp4\n*.jpg\n-dash.mp4");
    expect((const char *[]){ "list.txt" }, 1, "x.mp4|a b.mp4|a.jpg|-dash.mp4");
    make("again.txt", "list.txt\n");
    expect((const char *[]){ "again.txt" }, 1, "list.txt");         /* a list in a list is a file like others */
}

/* "base|base|..."; a problem is "!". */
static void expect_outputs(const char *const *words, int count, const char *target, const char *expected)
{
    inputs in;
    output *out;
    char found[4096] = "";
    assert_int_equal(inputs_find(&in, words, count, NULL), CYG_OK);
    assert_int_equal(outputs_plan(&out, &in, target, NULL), CYG_OK);
    for (size_t i = 0; i < in.count; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", i ? "|" : "",
                 out[i].problem ? "!" : out[i].file ? out[i].file : out[i].base);
    assert_string_equal(found, expected);
    outputs_free(out, in.count);
    inputs_free(&in);
}

static void outputs_stand_beside_or_below(void **state)
{
    expect_outputs((const char *[]){ "tree/clip2.mp4" }, 1, NULL, "tree/clip2");
    expect_outputs((const char *[]){ "tree/clip2.mp4" }, 1, "out", "out/clip2");
    expect_outputs((const char *[]){ "tree/clip2.mp4" }, 1, "tree", "tree/clip2");
    expect_outputs((const char *[]){ "tree/clip2.mp4" }, 1, "new/b.mkv", "new/b.mkv");
    expect_outputs((const char *[]){ "tree/clip2.mp4" }, 1, "new.d/", "new.d/clip2");
    expect_outputs((const char *[]){ "-" }, 1, NULL, "stdin");
    expect_outputs((const char *[]){ "http://h/p/c.mp4?token=1" }, 1, "out", "out/c");
    expect_outputs((const char *[]){ "tree/2023" }, 1, "out/", "out/a");
    expect_outputs((const char *[]){ "tree" }, 1, "out", "out/2023/a|out/clip2|out/clip10|"
                   "out/empty|out/gone|out/link|out/pipe");
}

static void no_two_outputs_are_the_same(void **state)
{
    expect_outputs((const char *[]){ "a.jpg", "x.mp4", "a.mp4" }, 3, NULL, "a.jpg|x|a.mp4");
    expect_outputs((const char *[]){ "a.mp4", "./a.mp4", "x.mp4" }, 3, "out", "out/a.mp4|!|out/x");
}

static void a_target_must_fit(void **state)
{
    inputs in;
    output *out;
    static const char *const bad[] = { "", "-", "x.mp4" };
    assert_int_equal(inputs_find(&in, (const char *[]){ "a.mp4", "a.jpg" }, 2, NULL), CYG_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(outputs_plan(&out, &in, bad[i], NULL), CYG_ARGUMENT);
    inputs_free(&in);
}

static void nothing_is_replaced_unasked(void **state)
{
    inputs in;
    assert_int_equal(inputs_find(&in, (const char *[]){ "a.mp4" }, 1, NULL), CYG_OK);
    assert_int_equal(output_check("free.mp4", &in, false, NULL), CYG_OK);
    assert_int_equal(output_check("x.mp4", &in, false, NULL), CYG_ARGUMENT);
    assert_int_equal(output_check("x.mp4", &in, true, NULL), CYG_OK);
    assert_int_equal(output_check("./a.mp4", &in, true, NULL), CYG_ARGUMENT);
    assert_int_equal(output_check("tree", &in, true, NULL), CYG_ARGUMENT);
    make("failed.jsonl", "{\"type\":\"header\",\"schema\":\"cygnet.records/1\"}\n{\"type\":\"error\"}\n");
    assert_int_equal(output_check("failed.jsonl", &in, false, NULL), CYG_OK);
    make("worked.jsonl", "{\"type\":\"header\",\"schema\":\"cygnet.records/1\"}\n{\"type\":\"frame\",\"n\":0}\n");
    assert_int_equal(output_check("worked.jsonl", &in, false, NULL), CYG_ARGUMENT);
    inputs_free(&in);
}

static void folders_are_made(void **state)
{
    struct stat st;
    cyg_error err;
    assert_int_equal(output_make_folder("deep/er/file.mp4", &err), CYG_OK);
    assert_int_equal(stat("deep/er", &st), 0);
    assert_int_not_equal(stat("deep/er/file.mp4", &st), 0);
    assert_int_equal(output_make_folder("deep/er/file.mp4", &err), CYG_OK);
    assert_int_equal(output_make_folder("plain/er/file.mp4", &err), CYG_IO);
    assert_non_null(strstr(err.message, "plain/er"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_keep_their_order),
        cmocka_unit_test(folders_are_walked_once_and_sorted),
        cmocka_unit_test(globs_and_lists),
        cmocka_unit_test(outputs_stand_beside_or_below),
        cmocka_unit_test(no_two_outputs_are_the_same),
        cmocka_unit_test(a_target_must_fit),
        cmocka_unit_test(nothing_is_replaced_unasked),
        cmocka_unit_test(folders_are_made),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
