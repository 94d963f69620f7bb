/* test_options.c - every layer, type and mistake of settings; help that fits its page. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "options.h"
#include "text.h"

typedef struct settings {
    double threshold, start, gain, least;
    int    max, progress, level;
    bool   audio, overwrite, verbose;
    const char *model, *output, *font;
} settings;

static const option table[] = {
    { "model", "model", 'm', OPTION_TEXT, offsetof(settings, model), .argument = "FILE",
      .help = "detect with this model" },
    { "detect.threshold", "threshold", 't', OPTION_REAL, offsetof(settings, threshold), "0.5", 0, 1,
      .argument = "SCORE",
      .help = "keep what scores above SCORE, which is a rather long sentence so that it must be wrapped" },
    { "detect.max", "max-faces", 0, OPTION_INT, offsetof(settings, max), "100", 1, 256, .help = "keep the best N" },
    { "detect.gain", NULL, 0, OPTION_REAL, offsetof(settings, gain), "-1", .help = "any number" },
    { "detect.least", "least", 0, OPTION_REAL, offsetof(settings, least), NULL, 0, 1, .help = "not set unless it is" },
    { "input.start", "start", 's', OPTION_TIME, offsetof(settings, start), "0", 0, INFINITY, .help = "begin here" },
    { "output.audio", "audio", 0, OPTION_FLAG, offsetof(settings, audio), "true", .help = "carry the sound over" },
    { "output.progress", "progress", 'p', OPTION_CHOICE, offsetof(settings, progress), "auto",
      .choices = "auto|text|jsonl|none", .help = "how to show progress" },
    { "output.font", "font", 0, OPTION_TEXT, offsetof(settings, font), "Noto Sans", .help = "family of the labels" },
    { "output.level", NULL, 0, OPTION_INT, offsetof(settings, level), "0", -INFINITY, 9, .help = "at most nine" },
    { NULL, "output", 'o', OPTION_TEXT, offsetof(settings, output), .argument = "PATH", .help = "write to PATH" },
    { NULL, "overwrite", 'y', OPTION_FLAG, offsetof(settings, overwrite), "false", .help = "replace files" },
    { NULL, "verbose", 'v', OPTION_FLAG, offsetof(settings, verbose), "false", .help = "say more" },
    { 0 }
};

static const options_app app = {
    "cygnet-test", "test the table of options, and say with a sentence that is longer than one line what it does",
    "[options] INPUT...", "cygnet-test a.mp4\ncygnet-test -t 0.3 'b c.mp4'\n.hidden \\ ~ line",
    "0  done\n2  usage", table,
};

static char folder[] = "/tmp/cygnet-options.XXXXXX";

static const char *path_of(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

/* Reads a command line of words separated by '|'. */
static cyg_status run(options **o, settings *s, const char *words, cyg_error *err)
{
    static char text[1000];
    char *argv[50] = { "test" };
    int argc = 1;
    snprintf(text, sizeof text, "%s", words);
    for (char *p = text; *words && p; ) argv[argc++] = strsep(&p, "|");
    memset(s, 0xAA, sizeof *s);
    memset(err, 0, sizeof *err);
    return options_read(o, &app, s, argc, argv, err);
}

static void fails(const char *words, const char *sentence)
{
    settings s;
    options *o;
    cyg_error err;
    assert_int_equal(run(&o, &s, words, &err), CYG_ARGUMENT);
    assert_null(o);
    assert_string_equal(err.message, sentence);
}

static void built_in(void **state)
{
    settings s;
    options *o;
    cyg_error err;
    assert_int_equal(run(&o, &s, "", &err), CYG_OK);
    assert_true(s.threshold == 0.5 && s.start == 0 && s.gain == -1 && isnan(s.least));
    assert_true(s.max == 100 && s.progress == 0 && s.level == 0);
    assert_true(s.audio && !s.overwrite && !s.verbose);
    assert_null(s.model);
    assert_null(s.output);
    assert_string_equal(s.font, "Noto Sans");
    assert_string_equal(options_json(o),
        "{\"model\":null,\"detect\":{\"threshold\":0.5,\"max\":100,\"gain\":-1.0,\"least\":null},"
        "\"input\":{\"start\":0.0},"
        "\"output\":{\"audio\":true,\"progress\":\"auto\",\"font\":\"Noto Sans\",\"level\":0}}");
    options_free(o);
}

static void command_line(void **state)
{
    settings s;
    options *o;
    cyg_error err;
    const char *const *words;
    assert_int_equal(run(&o, &s, "a.mp4|-t|0.25|--max-faces=7|-vyo|out.mp4|-|--no-audio|-s1:30|b.mp4|-pjsonl|--|--font",
                         &err), CYG_OK);
    assert_true(s.threshold == 0.25 && s.max == 7 && s.verbose && s.overwrite && !s.audio && s.start == 90 &&
        s.progress == 2);
    assert_string_equal(s.output, "out.mp4");
    assert_int_equal(options_words(o, &words), 4);
    assert_string_equal(words[0], "a.mp4");
    assert_string_equal(words[1], "-");
    assert_string_equal(words[2], "b.mp4");
    assert_string_equal(words[3], "--font");
    options_free(o);

    assert_int_equal(run(&o, &s, "--threshold|1|--threshold|0|--least|.25|--audio=off|--font|\xFF\xC3\xA9|--output=--x",
        &err), CYG_OK);
    assert_true(s.threshold == 0 && !s.audio && s.least == 0.25);
    assert_string_equal(s.output, "--x");
    assert_string_equal(s.font, "\xFF\xC3\xA9");                /* bytes stay as they are ... */
    assert_non_null(strstr(options_json(o), "\"font\":\"\xEF\xBF\xBD\xC3\xA9\""));      /* ... JSON is UTF-8 */
    options_free(o);
}

static void command_line_mistakes(void **state)
{
    fails("--treshold|0.5", "unknown option '--treshold'; did you mean '--threshold'?");
    fails("--no-adio", "unknown option '--no-adio'; did you mean '--no-audio'?");
    fails("--confg", "unknown option '--confg'; did you mean '--config'?");
    fails("--no-threshold", "unknown option '--no-threshold'; did you mean '--threshold'?");
    fails("--quite-another-thing", "unknown option '--quite-another-thing'");
    fails("-x", "unknown option '-x'");
    fails("-vx", "unknown option '-x'");
    fails("-t", "-t: no value, expected a number from 0 to 1");
    fails("--output|--verbose", "--output: no value before '--verbose', expected PATH");
    fails("-t|1.01", "-t: found '1.01', expected a number from 0 to 1");
    fails("--threshold=nan", "--threshold: found 'nan', expected a number from 0 to 1");
    fails("--threshold=inf", "--threshold: found 'inf', expected a number from 0 to 1");
    fails("--threshold=0x1", "--threshold: found '0x1', expected a number from 0 to 1");
    fails("--threshold=0,5", "--threshold: found '0,5', expected a number from 0 to 1");
    fails("--threshold=0.5 ", "--threshold: found '0.5 ', expected a number from 0 to 1");
    fails("--threshold=", "--threshold: found '', expected a number from 0 to 1");
    fails("--max-faces|7.5", "--max-faces: found '7.5', expected a whole number from 1 to 256");
    fails("--max-faces|99999999999999999999",
        "--max-faces: found '99999999999999999999', expected a whole number from 1 to 256");
    fails("--max-faces|0", "--max-faces: found '0', expected a whole number from 1 to 256");
    fails("--progress|bar", "--progress: found 'bar', expected one of auto, text, jsonl, none");
    fails("--progress|", "--progress: found '', expected one of auto, text, jsonl, none");
    fails("--audio=maybe", "--audio: found 'maybe', expected true or false");
    fails("--no-audio=yes", "--no-audio: found a value, expected none");
    fails("--font=", "--font: found '', expected some text");
    fails("--start|-1", "--start: found '-1', expected a time such as 90, 1:30 or 500ms, 0 or more");
    fails("--font=\x1b[31m|-x", "unknown option '-x'");
    fails("--max-faces|\x1b[31m", "--max-faces: found '?[31m', expected a whole number from 1 to 256");
    fails("--set|detect.treshold=1", "--set: unknown key 'detect.treshold'; did you mean 'detect.threshold'?");
    fails("--set|threshold=1", "--set: unknown key 'threshold'; did you mean 'detect.threshold'?");
    fails("--set|detect.threshold", "--set: found 'detect.threshold', expected KEY=VALUE");
    fails("--set|detect.max=0", "--set: detect.max: found '0', expected a whole number from 1 to 256");
    fails("--set|output.level=10", "--set: output.level: found '10', expected a whole number, 9 or less");
}

static void times(void **state)
{
    static const struct { const char *text; double seconds; } good[] = {
        { "90", 90 }, { "1.5", 1.5 }, { "500ms", 0.5 }, { "90s", 90 }, { "2m", 120 }, { "1h", 3600 },
        { "1:30", 90 }, { "0:01:30.5", 90.5 }, { "90:00", 5400 }, { "100:00:01", 360001 }, { ".5", 0.5 },
    };
    static const char *const bad[] = {
        "", "1:", ":30", "1:60", "1:61:00", "1:2:3:4", "1.5:30", "1:-2", "1 :30", "5x", "-1", "1:30s", "nan",
        "1e999", "1::2",
    };
    settings s;
    options *o;
    cyg_error err;
    char words[100];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(words, sizeof words, "--start=%s", good[i].text);
        assert_int_equal(run(&o, &s, words, &err), CYG_OK);
        assert_true(s.start == good[i].seconds);
        options_free(o);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(words, sizeof words, "--start=%s", bad[i]);
        assert_int_equal(run(&o, &s, words, &err), CYG_ARGUMENT);
    }
}

/* Every layer sets what the ones below did, and leaves the rest. */
static void layers(void **state)
{
    settings s;
    options *o;
    cyg_error err;
    char words[1000];
    assert_int_equal(setenv("XDG_CONFIG_HOME", folder, 1), 0);
    write_file("cygnet/test.yaml",
               "detect:\n  threshold: 0.1\n  max: 11\noutput:\n  level: 1\n  progress: text\n  font: user\n");
    write_file("one.yaml", "detect: {threshold: 0.2, max: 12}\noutput: {level: 2, progress: none}\n");
    write_file("two.yaml", "detect: {threshold: 0.3, max: 13}\noutput: {level: 3}\n");
    snprintf(words, sizeof words, "--threshold|0.5|--set|detect.max=14|--config|%s/one.yaml|"
             "--config=%s/two.yaml|--set=detect.threshold=0.4", folder, folder);
    assert_int_equal(run(&o, &s, words, &err), CYG_OK);
    assert_true(s.threshold == 0.5 && s.max == 14 && s.level == 3 && s.progress == 3);
    assert_string_equal(s.font, "user");
    options_free(o);
    assert_int_equal(run(&o, &s, "--no-config", &err), CYG_OK);
    assert_true(s.threshold == 0.5 && s.max == 100);
    options_free(o);

    write_file("cygnet/test.yaml", "detect:\n  treshold: 0.1\n");
    assert_int_equal(run(&o, &s, "", &err), CYG_ARGUMENT);
    snprintf(words, sizeof words, "%s:2:3: unknown key 'detect.treshold'; did you mean 'detect.threshold'?",
        path_of("cygnet/test.yaml"));
    assert_string_equal(err.message, words);
    assert_int_equal(unlink(path_of("cygnet/test.yaml")), 0);
    assert_int_equal(run(&o, &s, "--config|/nonexistent.yaml", &err), CYG_IO);
    assert_string_equal(err.message, "/nonexistent.yaml: cannot be read: No such file or directory");
    assert_int_equal(run(&o, &s, "--config|/", &err), CYG_IO);
    assert_string_equal(err.message, "/: cannot be read: Is a directory");
}

static void yaml(const char *text, const char *sentence)
{
    settings s;
    options *o;
    cyg_error err = { 0 };
    assert_int_equal(options_create(&o, &app, &s, &err), CYG_OK);
    const cyg_status status = options_read_yaml(o, text, strlen(text), "my.yaml", &err);
    if (!sentence) assert_int_equal(status, CYG_OK);
    else assert_string_equal(err.message, sentence);
    options_free(o);
}

static void yaml_files(void **state)
{
    yaml("", NULL);
    yaml("# nothing\n", NULL);
    yaml("---\n...\n", NULL);
    yaml("detect:\n  # threshold: 0.6\n", NULL);
    yaml("detect:\n  threshold:\n  max: ~\n", NULL);
    yaml("detect.threshold: 0.25\n", NULL);
    yaml("output: {font: \"null\", audio: \"no\"}\n", NULL);
    yaml("\xEF\xBB\xBFmodel: x\n", NULL);

    yaml("detect:\n  max: 1\n  treshold: 0.5\n",
        "my.yaml:3:3: unknown key 'detect.treshold'; did you mean 'detect.threshold'?");
    yaml("threshold: 0.5\n", "my.yaml:1:1: unknown key 'threshold'; did you mean 'detect.threshold'?");
    yaml("detct:\n  max: 5\n", "my.yaml:1:1: unknown key 'detct'; did you mean 'detect'?");
    yaml("detect:\n  x:\n    y: 1\n", "my.yaml:2:3: unknown key 'detect.x'");
    yaml("detect:\n  max: 5.5\n", "my.yaml:2:8: detect.max: found '5.5', expected a whole number from 1 to 256");
    yaml("detect:\n  max: .inf\n", "my.yaml:2:8: detect.max: found '.inf', expected a whole number from 1 to 256");
    yaml("detect:\n  max: {a: 1}\n", "my.yaml:2:8: found a group, expected one value for 'detect.max'");
    yaml("detect:\n  max: [1]\n", "my.yaml:2:8: found a list, expected one value");
    yaml("detect: 5\n", "my.yaml:1:9: found a value, expected names below 'detect'");
    yaml("just text\n", "my.yaml:1:1: found a value, expected 'name: value' lines");
    yaml("- a\n", "my.yaml:1:1: found a list, expected one value");
    yaml("detect:\n  max: 1\n  max: 2\n", "my.yaml:3:3: key 'detect.max' stands here a second time");
    yaml("detect: {max: 1}\ndetect: {max: 2}\n", "my.yaml:2:1: group 'detect' stands here a second time");
    yaml("model: a\n---\nmodel: b\n", "my.yaml:2:1: found a second document, expected one");
    yaml("model: &a x\n", "my.yaml:1:8: found an anchor or a tag, expected a plain value");
    yaml("model: *a\n", "my.yaml:1:8: found an alias, expected a value");
    yaml("model: !!str x\n", "my.yaml:1:8: found an anchor or a tag, expected a plain value");
    yaml("model: \"a\\0b\"\n", "my.yaml:1:8: found a zero byte in a text");
    yaml("detect:\n  - max\n", "my.yaml:2:3: found a list, expected one value");
    yaml("detect:\n\tmax: 1\n", "my.yaml:2:1: not YAML: found character that cannot start any token");
    yaml("model: \xFF\n", "my.yaml: byte 8: not YAML: invalid leading UTF-8 octet");
    yaml("output:\n  font: ''\n", "my.yaml:2:9: output.font: found '', expected some text");

    char *large = malloc((1 << 20) + 2);
    memset(large, '#', (1 << 20) + 1);
    large[(1 << 20) + 1] = '\0';
    yaml(large, "my.yaml: found more than 1 MiB, expected a settings file");
    large[1 << 20] = '\0';
    yaml(large, NULL);
    memset(large, '[', 1 << 20);
    yaml(large, "my.yaml:1:1: found a list, expected one value");
    for (int i = 0; i < 1 << 20; i++) large[i] = "{a: "[i & 3];
    yaml(large, "my.yaml:1:2: unknown key 'a'");
    free(large);
}

/* What options_read prints to stdout. */
static char *printed(const char *words, cyg_status expected)
{
    settings s;
    options *o;
    cyg_error err;
    fflush(stdout);
    FILE *to = fopen(path_of("stdout"), "w+");
    assert_non_null(to);
    const int saved = dup(1);
    dup2(fileno(to), 1);
    const cyg_status status = run(&o, &s, words, &err);
    fflush(stdout);
    dup2(saved, 1);
    close(saved);
    assert_int_equal(status, expected);
    const long size = (fseek(to, 0, SEEK_END), ftell(to));
    rewind(to);
    char *text = calloc((size_t)size + 1, 1);
    assert_int_equal(fread(text, 1, (size_t)size, to), size);
    fclose(to);
    return text;
}

static void help(void **state)
{
    char *text = printed("--help", CYG_END);
    for (const char *line = text; *line; ) {
        const size_t length = strcspn(line, "\n");
        assert_true(length <= 80);
        assert_true(length == 0 || line[length - 1] != ' ');
        line += length + (line[length] == '\n');
    }
    const char *const parts[] = {
        "Usage: cygnet-test [options] INPUT...", "\nExamples:\n  cygnet-test a.mp4\n", "\nDetect:\n",
        "  -t, --threshold SCORE",
        "--[no-]audio", "[auto]", "\nOptions:\n", "  -o, --output PATH", "--print-config",
        "\nExit status:\n  0  done" };
    const char *at = text;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_non_null(at = strstr(at, parts[i]));
    free(text);
    text = printed("--version", CYG_END);
    assert_string_equal(text, "cygnet-test " CYG_VERSION "\n");
    free(text);
    text = printed("-vh", CYG_END);
    assert_int_equal(strncmp(text, "Usage:", 6), 0);
    free(text);
}

/* groff finds nothing to complain about, and the page has no line that is a request by accident. */
static void man_page(void **state)
{
    char *text = printed("--man", CYG_END), command[400], output[100] = "";
    assert_int_equal(strncmp(text, ".TH CYGNET\\-TEST 1 ", 19), 0);
    assert_non_null(strstr(text, "\n\\&.hidden \\e \\(ti line\n"));
    free(text);
    if (system("command -v groff >/dev/null")) skip();
    snprintf(command, sizeof command, "groff -man -Tutf8 -ww -rCHECKSTYLE=3 %s 2>&1 >/dev/null", path_of("stdout"));
    FILE *f = popen(command, "r");
    assert_non_null(f);
    const size_t size = fread(output, 1, sizeof output - 1, f);
    assert_int_equal(pclose(f), 0);
    if (size) fail_msg("%s", output);
}

/* What --print-config prints gives the same settings when it is read, and says where from. */
static void print_config(void **state)
{
    settings s, again;
    options *o;
    cyg_error err;
    char *text = printed("--print-config|-t|0.75|--font|yes # \"\\ \xF0\x9F\x98\x80"
                         "|--set|input.start=1:30|--model=null", CYG_END);
    assert_non_null(strstr(text, "\n  threshold: 0.75    # -t\n"));
    assert_non_null(strstr(text, "\n  start: 1:30    # --set\n"));
    assert_non_null(strstr(text, "\n  max: 100\n"));
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) assert_true(strcspn(line, "\n") <= 80);
    assert_int_equal(options_create(&o, &app, &s, &err), CYG_OK);
    if (options_read_yaml(o, text, strlen(text), "printed.yaml", &err)) fail_msg("%s", err.message);
    assert_true(s.threshold == 0.75 && s.start == 90 && s.max == 100);
    assert_string_equal(s.font, "yes # \"\\ \xF0\x9F\x98\x80");
    assert_string_equal(s.model, "null");
    free(text);
    options_free(o);
    text = printed("--print-config", CYG_END);
    assert_int_equal(options_create(&o, &app, &again, &err), CYG_OK);
    assert_int_equal(options_read_yaml(o, text, strlen(text), "printed.yaml", &err), CYG_OK);
    assert_null(again.model);
    free(text);
    options_free(o);
}

static void full_disk(void **state)
{
    settings s;
    options *o;
    cyg_error err;
    fflush(stdout);
    const int saved = dup(1);
    if (!freopen("/dev/full", "w", stdout)) skip();
    const cyg_status status = run(&o, &s, "--help", &err);
    fclose(stdout);
    stdout = fdopen(saved, "w");
    assert_non_null(stdout);
    dup2(saved, 1);
    assert_int_equal(status, CYG_IO);
    assert_string_equal(err.message, "standard output: cannot be written: No space left on device");
}

static void verbs(void **state)
{
    static const options_app convert = { "cygnet-model convert", "convert", "", NULL, NULL, table };
    static const options_app info = { "cygnet-model info", "tell", "", NULL, NULL, table };
    static const options_app *const all[] = { &convert, &info, NULL };
    static const options_program program = { "cygnet-model", "do things with models", all };
    cyg_error err;
    int verb = -1;
    assert_int_equal(options_verb(&verb, &program, 2, (char *[]){ "m", "info" }, &err), CYG_OK);
    assert_int_equal(verb, 1);
    assert_int_equal(options_verb(&verb, &program, 2, (char *[]){ "m", "convrt" }, &err), CYG_ARGUMENT);
    assert_string_equal(err.message, "unknown command 'convrt'; did you mean 'convert'?");
    assert_int_equal(options_verb(&verb, &program, 1, (char *[]){ "m" }, &err), CYG_ARGUMENT);
    assert_string_equal(err.message, "expected a command; see cygnet-model --help");
}

static void utf8(void **state)
{
    static const struct { const char *in, *out; } cases[] = {
        { "", "" }, { "a\xC3\xA9", "a\xC3\xA9" }, { "\xC3", "\xEF\xBF\xBD" },
        { "\xC0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" }, { "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80" },
        { "\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = text_valid_utf8(cases[i].in);
        assert_string_equal(text, cases[i].out);
        free(text);
    }
}

static int make_folder(void **state)
{
    char path[300];
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "mkdir %s/cygnet", folder);
    return system(path) || setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
}

static int remove_folder(void **state)
{
    char command[300];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in), cmocka_unit_test(command_line), cmocka_unit_test(command_line_mistakes),
        cmocka_unit_test(times), cmocka_unit_test(yaml_files), cmocka_unit_test(layers), cmocka_unit_test(help),
        cmocka_unit_test(man_page), cmocka_unit_test(print_config), cmocka_unit_test(full_disk),
        cmocka_unit_test(verbs),
        cmocka_unit_test(utf8),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
