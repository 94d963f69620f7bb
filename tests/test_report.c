/* test_report.c - records line by line, in both forms; what must never be in them. */
#include "report.h"
#include "text.h"
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = P_tmpdir "/test_report_XXXXXX";

static int set_up(void **state)
{
    return !mkdtemp(folder) || chdir(folder) != 0;
}

static int tear_down(void **state)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return chdir("/") || system(command);
}

static const video_info video = {
    .width = 1080, .height = 1920, .rotation = 90, .time_base_num = 1, .time_base_den = 15360,
    .rate_num = 30000, .rate_den = 1001, .codec = "h264",
};
static const report_header header = {
    .tool = "cygnet-test", .source = "a,\"b\".mp4", .source_sha256 = "ab12", .source_bytes = 123, .video = &video,
    .model = "m", .model_sha256 = "cd34", .describer = "d", .describer_sha256 = "ef56", .isa = "ref", .precision = "i8",
    .settings = "{\"detect\":{\"threshold\":0.5}}",
};
static const frame two_faces = {
    .number = 412, .pts = 211200, .time = 13.75, .object_count = 2,
    .objects = {
        { .box = { 102.499F, 88, 190.006F, -3.14159F }, .score = 0.9312345F, .label_text = "face", .track = -3 },
        { .box = { NAN, 1e30F, 0.1F, 0.015F }, .score = 1, .label = 1, .label_text = "say \"hi\"", .src = FROM_FILL,
          .track = 7, .name = "Ada, Countess", .attribute_count = 2,
          .attributes = { { "gender", "female", 0.9876F, "", 0, 0 }, { "age", NULL, 1, "years", 36.252F, 6 } } },
    },
};
static const frame no_face = { .number = 413, .pts = -7, .time = 13.766667 };

static void write_all(const char *path, report_format format)
{
    report *r;
    cyg_error what = { CYG_FORMAT, "a.mp4: damaged" };
    const appearance ada = { .track = 7, .label_text = "face", .first = 400, .last = 412, .from = 13.35, .to = 13.75,
                             .frames = 11, .score = 0.99F, .name = "Ada" };
    const report_summary summary = { .frames = 2, .objects = 2, .tracks = 1, .damaged = 1, .seconds = 0.5,
                                     .ms_decode = 2.12345,
                                     .ms_detect = NAN, .interrupted = true, .output = "out.mp4" };
    assert_int_equal(report_open(&r, path, format, NULL), CYG_OK);
    assert_int_equal(report_begin(r, &header, NULL), CYG_OK);
    assert_int_equal(report_frame(r, &two_faces, NULL), CYG_OK);
    assert_int_equal(report_frame(r, &no_face, NULL), CYG_OK);
    assert_int_equal(report_track(r, &ada, NULL), CYG_OK);
    assert_int_equal(report_error(r, "decode", &what, NAN, NULL), CYG_OK);
    assert_int_equal(report_end(r, &summary, NULL), CYG_OK);
    assert_int_equal(report_finish(r, NULL), CYG_OK);
    report_close(r);
}

static char *contents(const char *path)
{
    static char text[8192];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

static void json_lines_are_exactly_these(void **state)
{
    write_all("r.jsonl", REPORT_JSONL);
    char expected[4096];
    snprintf(expected, sizeof expected,
        "{\"type\":\"header\",\"schema\":\"cygnet.records/1\",\"tool\":\"cygnet-test %s\","
        "\"source\":{\"path\":\"a,\\\"b\\\".mp4\",\"sha256\":\"ab12\",\"bytes\":123},\"width\":1080,\"height\":1920,"
        "\"rotation\":90,\"time_base\":\"1/15360\",\"frame_rate\":\"30000/1001\",\"codec\":\"h264\","
        "\"models\":[{\"role\":\"detect\",\"name\":\"m\",\"sha256\":\"cd34\"},"
        "{\"role\":\"describe\",\"name\":\"d\",\"sha256\":\"ef56\"}],\"isa\":\"ref\",\"precision\":\"i8\","
        "\"settings\":{\"detect\":{\"threshold\":0.5}}}\n"
        "{\"type\":\"frame\",\"n\":412,\"pts\":211200,\"t\":13.75,\"objects\":["
        "{\"class\":\"face\",\"score\":0.931234,\"box\":[102.5,88.0,190.01,-3.14],\"src\":\"detect\"},"
        "{\"track\":7,\"class\":\"say \\\"hi\\\"\",\"score\":1.0,\"box\":[null,1.00000001504747e30,0.1,0.01],"
        "\"src\":\"fill\",\"attributes\":{\"gender\":{\"label\":\"female\",\"probability\":0.988},"
        "\"age\":{\"value\":36.25,\"deviation\":6.0,\"unit\":\"years\"}},\"name\":\"Ada, Countess\"}]}\n"
        "{\"type\":\"frame\",\"n\":413,\"pts\":-7,\"t\":13.766667,\"objects\":[]}\n"
        "{\"type\":\"track\",\"track\":7,\"class\":\"face\",\"first\":400,\"last\":412,\"from\":13.35,\"to\":13.75,"
        "\"frames\":11,\"score\":0.99,\"name\":\"Ada\"}\n"
        "{\"type\":\"error\",\"stage\":\"decode\",\"t\":null,\"code\":\"format\",\"message\":\"a.mp4: damaged\"}\n"
        "{\"type\":\"summary\",\"frames\":2,\"objects\":2,\"tracks\":1,\"damaged\":1,"
        "\"errors\":1,\"seconds\":0.5,\"fps\":4.0,"
        "\"ms\":{\"decode\":2.123,\"detect\":null,\"track\":0.0,\"describe\":0.0,\"draw\":0.0,\"encode\":0.0},"
        "\"interrupted\":true,"
        "\"outputs\":[\"out.mp4\"]}\n", cyg_version());
    assert_string_equal(contents("r.jsonl"), expected);
}

static void key_points_are_told_by_name(void **state)
{
    static const cyg_skeleton skeleton = { .point_count = 2, .points = { "nose", "left \"eye\"" } };
    static frame f = {
        .object_count = 1,
        .objects = { { .box = { 1, 2, 3, 4 }, .score = .5f, .label_text = "person", .skeleton = &skeleton,
                       .points = { { 10.126f, -3, .98768f }, { NAN, 7, 0 } } } },
    };
    report *r;
    assert_int_equal(report_open(&r, "p.jsonl", REPORT_JSONL, NULL), CYG_OK);
    assert_int_equal(report_begin(r, &header, NULL), CYG_OK);
    assert_int_equal(report_frame(r, &f, NULL), CYG_OK);
    assert_non_null(strstr(contents(".p.jsonl.part"),
                           "\"points\":{\"nose\":[10.13,-3.0,0.9877],\"left \\\"eye\\\"\":[null,7.0,0.0]}}]}"));
    report_close(r);
}

static void csv_is_exactly_this(void **state)
{
    write_all("r.csv", REPORT_CSV);
    assert_string_equal(contents("r.csv"),
        "source,n,pts,t,class,score,x1,y1,x2,y2,src,track,name\n"
        "\"a,\"\"b\"\".mp4\",412,211200,13.75,face,0.931234,102.5,88.0,190.01,-3.14,detect,,\n"
        "\"a,\"\"b\"\".mp4\",412,211200,13.75,\"say \"\"hi\"\"\",1.0,,1.00000001504747e30,0.1,0.01,"
        "fill,7,\"Ada, Countess\"\n");
}

static void a_source_that_cannot_be_read_has_a_header(void **state)
{
    report *r;
    const report_header unread = {
        .tool = "t", .source = "rtsp://u:secret@h/\xff", .source_bytes = -1, .model = "m",
    };
    assert_int_equal(report_open(&r, "u.jsonl", REPORT_JSONL, NULL), CYG_OK);
    assert_int_equal(report_begin(r, &unread, NULL), CYG_OK);
    assert_int_equal(report_finish(r, NULL), CYG_OK);
    report_close(r);
    const char *line = contents("u.jsonl");
    assert_non_null(strstr(line, "\"path\":\"rtsp://u:***@h/\xef\xbf\xbd\",\"sha256\":null,\"bytes\":null},"
                                 "\"width\":null"));
    assert_true(report_is_failure("u.jsonl"));
    assert_false(report_is_failure("r.jsonl"));
    assert_false(report_is_failure("r.csv"));
}

static void a_record_is_there_when_its_call_returns(void **state)
{
    report *r;
    assert_int_equal(report_open(&r, "k.jsonl", REPORT_JSONL, NULL), CYG_OK);
    assert_int_equal(report_begin(r, &header, NULL), CYG_OK);
    assert_int_equal(report_frame(r, &no_face, NULL), CYG_OK);
    const char *text = contents(".k.jsonl.part");
    assert_non_null(strstr(text, "\"n\":413"));
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_int_not_equal(access("k.jsonl", F_OK), 0);
    report_close(r);                                    /* not finished: nothing stays */
    assert_int_not_equal(access(".k.jsonl.part", F_OK), 0);
}

static void two_writers_of_one_file(void **state)
{
    report *first, *second;
    cyg_error err;
    assert_int_equal(report_open(&first, "l.jsonl", REPORT_JSONL, NULL), CYG_OK);
    assert_int_equal(report_open(&second, "l.jsonl", REPORT_JSONL, &err), CYG_END);
    assert_null(second);
    assert_int_equal(report_finish(first, NULL), CYG_OK);
    report_close(first);
    assert_int_equal(report_open(&second, "l.jsonl", REPORT_JSONL, &err), CYG_OK);
    report_close(second);
    assert_int_equal(access("l.jsonl", F_OK), 0);
}

static void a_place_that_takes_nothing_is_an_error(void **state)
{
    report *r;
    cyg_error err;
    assert_int_equal(report_open(&r, "nosuch/r.jsonl", REPORT_JSONL, &err), CYG_IO);
    assert_non_null(strstr(err.message, "nosuch/r.jsonl"));
    if (access("/dev/full", W_OK) != 0) return;
    assert_int_equal(symlink("/dev/full", ".f.jsonl.part"), 0);
    const cyg_status opened = report_open(&r, "f.jsonl", REPORT_JSONL, &err);
    if (opened == CYG_OK) {
        assert_int_equal(report_begin(r, &header, &err), CYG_IO);
        report_close(r);
    }
    assert_non_null(strstr(err.message, "cannot write f.jsonl"));
}

static void text_is_made_harmless(void **state)
{
    char out[64];
    static const char *const cases[][3] = {             /* text, as data, on a terminal */
        { "plain é 漢", "plain é 漢", "plain é 漢" },
        { "a\033[2Jb\n", "a\033[2Jb\n", "a\\x1b[2Jb\\x0a" },
        { "\xc2\x9b" "1m\u202ex", "\xc2\x9b" "1m\u202ex", "\\x9b1m\\u202ex" },
        { "\xff\xc0\x80\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD" },
        { "cut \xe6\xbc", "cut \uFFFD\uFFFD", "cut \uFFFD\uFFFD" },
        { "x rtsp://me:pa@ss@h:1/a:b@c y", "x rtsp://me:***@h:1/a:b@c y", "x rtsp://me:***@h:1/a:b@c y" },
        { "http://h:80/@ http://u@h", "http://h:80/@ http://u@h", "http://h:80/@ http://u@h" },
        { "rtsp://u:p/s?@h/x", "rtsp://u:***@h/x", "rtsp://u:***@h/x" },
        { "http://h/x.cgi?user=a&PWD=b/c&n=1 pwd=d", "http://h/x.cgi?user=a&PWD=***&n=1 pwd=d",
          "http://h/x.cgi?user=a&PWD=***&n=1 pwd=d" },
        { "rtsp://h/user=a&password=b&n=1", "rtsp://h/user=a&password=***&n=1", "rtsp://h/user=a&password=***&n=1" },
        { "http://:@h http://u:@h", "http://:***@h http://u:***@h", "http://:***@h http://u:***@h" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        text_clean(out, sizeof out, cases[i][0], TEXT_DATA);
        assert_string_equal(out, cases[i][1]);
        text_clean(out, sizeof out, cases[i][0], TEXT_TERMINAL);
        assert_string_equal(out, cases[i][2]);
    }
    assert_int_equal(text_clean(out, 6, "ab漢字", TEXT_DATA), 5);
    assert_string_equal(out, "ab漢");
    assert_int_equal(text_columns("ab漢字e\u0301"), 7);
    assert_int_equal(text_fit("ab漢字", 5), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_lines_are_exactly_these),
        cmocka_unit_test(key_points_are_told_by_name),
        cmocka_unit_test(csv_is_exactly_this),
        cmocka_unit_test(a_source_that_cannot_be_read_has_a_header),
        cmocka_unit_test(a_record_is_there_when_its_call_returns),
        cmocka_unit_test(two_writers_of_one_file),
        cmocka_unit_test(a_place_that_takes_nothing_is_an_error),
        cmocka_unit_test(text_is_made_harmless),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
