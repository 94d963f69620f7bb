/* test_convert.c - recipes, TensorFlow.js weights and the model writer: what is read, what is refused. */
#include "file.h"
#include "model_writer.h"
#include "ops.h"
#include "recipe.h"
#include "tfjs.h"
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void expect_sentence(const cyg_error *err, const char *part)
{
    if (!strstr(err->message, part)) fail_msg("found \"%s\", expected \"%s\" in it", err->message, part);
}

/* ---- Recipes ---------------------------------------------------------------------- */

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Line 1 of a case's own text is line 26. */
static const char recipe_start[] =
    "name: tiny\n"
    "summary: A network for tests.\n"
    "backbone:\n"
    "  family: mobilenet_v1\n"
    "  width: 1\n"
    "  input:\n"
    "    width: 16\n"
    "    height: 16\n"
    "    channels: rgb\n"
    "    mean: [0, 1.5, -2e1]\n"
    "    scale: [1, 1, 1]\n"
    "    sample: corner\n"
    "    letterbox: corner\n"
    "    border: black\n"
    "  activation: relu6\n"
    "  taps: [conv13_pw]\n"
    "heads: []\n"
    "source:\n"
    "  package: \"none\"\n"
    "  version: 1.10\n"
    "  files:\n"
    "    a.bin: " SHA "\n"
    "licence:\n"
    "  code: MIT\n"
    "  weights: MIT\n";

static cyg_status parse_recipe(recipe **out, const char *rest, cyg_error *err)
{
    char text[4000];
    snprintf(text, sizeof text, "%s%s", recipe_start, rest);
    return recipe_parse(out, text, strlen(text), "R", err);
}

static void recipe_becomes_description_and_pairs(void **state)
{
    static const char *const pairs[][2] = {
        { "conv0/weights", "First/weights" }, { "conv9_dw/bias", "Layer_9/b" },
        { "conv10_dw/bias", "Layer_10/b" }, { "conv11_dw/bias", "Layer_11/b" },
    };
    recipe *r;
    cyg_error err = { 0 };
    if (parse_recipe(&r, "tensors:\n  conv0/weights: First/weights\n  conv{9..11}_dw/bias: Layer_{}/b\n"
                     "unused: [Pre/*, one]\n", &err)) {
        fail_msg("%s", err.message);
    }
    char *const text = json_dumps(r->description, JSON_COMPACT);
    assert_string_equal(text,
        "{\"format\":1,\"name\":\"tiny\",\"summary\":\"A network for tests.\",\"backbone\":{\"family\":"
        "\"mobilenet_v1\",\"width\":1.0,\"input\":{\"width\":16,\"height\":16,\"channels\":\"rgb\",\"mean\":"
        "[0.0,1.5,-20.0],\"scale\":[1.0,1.0,1.0],\"sample\":\"corner\",\"letterbox\":\"corner\",\"border\":"
        "\"black\"},\"activation\":\"relu6\",\"taps\":[\"conv13_pw\"]},\"heads\":[],\"source\":{\"package\":"
        "\"none\",\"version\":\"1.10\",\"files\":{\"a.bin\":\"" SHA "\"}},\"licence\":{\"code\":\"MIT\","
        "\"weights\":\"MIT\"}}");
    free(text);
    assert_int_equal(r->tensor_count, 4);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(r->tensors[i].ours, pairs[i][0]);
        assert_string_equal(r->tensors[i].theirs, pairs[i][1]);
    }
    assert_string_equal(recipe_sha256(r, "a.bin"), SHA);
    assert_null(recipe_sha256(r, "b.bin"));
    assert_true(recipe_skips(r, "Pre/a/b"));
    assert_true(recipe_skips(r, "one"));
    assert_false(recipe_skips(r, "One"));
    assert_false(recipe_skips(r, "First/weights"));
    recipe_free(r);
}

static void recipe_errors_have_a_place(void **state)
{
    static const struct { const char *rest, *part; } cases[] = {
        { "", "R:1:1: tensors: found none, expected one" },
        { "tensors: {}\nunusde: []\n", "R:27:1: unknown key 'unusde'; did you mean 'unused'?" },
        { "tensors: {}\nzzzzzzzzzz: []\n", "R:27:1: unknown key 'zzzzzzzzzz'" },
        { "tensors: {}\nname: again\n", "R:27:1: key 'name' stands here twice" },
        { "tensors: 5\n", "R:26:10: tensors: found 5, expected a map" },
        { "tensors: {}\nunused: one\n", "R:27:9: unused: found one, expected a list" },
        { "tensors: {}\nunused: [a, [b]]\n", "R:27:13: unused[]: found a list, expected text" },
        { "tensors: {}\nunused: [a, '']\n", "R:27:13: unused[]: found nothing, expected text" },
        { "tensors: {}\nunused: [\"a\\0b\"]\n", "expected text without a NUL" },
        { "tensors: {}\n? [a]\n: b\n", "R:27:3: found a list as a key" },
        { "tensors:\n  a{1..3}b: c\n", "R:27:3: tensors: found 'c', expected one {}" },
        { "tensors:\n  a: c{}\n", "R:27:3: tensors: found 'c{}', expected no braces" },
        { "tensors:\n  a{}: c{}\n", "R:27:3: tensors: found 'a{}', expected at most one range" },
        { "tensors:\n  a{3..1}: c{}\n", "R:27:3: tensors: found 'a{3..1}'" },
        { "tensors:\n  a{1..9999}: c{}\n", "R:27:3: tensors: found 'a{1..9999}'" },
        { "tensors:\n  a{1..3}{4..5}: c{}\n", "R:27:3: tensors: found 'a{1..3}{4..5}'" },
        { "tensors:\n  a{1..3: c{}\n", "R:27:3: tensors: found 'a{1..3'" },
        { "tensors: {\n", "invalid YAML" },
        { "tensors: {}\n\xff\n", "invalid YAML" },
        { "tensors: {}\n---\nname: second\n", "R:28:1: found a second document" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        recipe *r;
        cyg_error err = { 0 };
        assert_int_equal(parse_recipe(&r, cases[i].rest, &err), CYG_FORMAT);
        assert_null(r);
        expect_sentence(&err, cases[i].part);
    }
}

static void recipe_values_must_be_of_their_kind(void **state)
{
    static const struct { const char *from, *to, *part; } cases[] = {
        { "width: 1\n", "width: wide\n", "R:5:10: backbone.width: found wide, expected a number" },
        { "width: 1\n", "width: 0x10\n", "found 0x10, expected a number" },
        { "width: 1\n", "width: nan\n", "found nan, expected a number" },
        { "width: 1\n", "width: 1e999\n", "found 1e999, expected a number" },
        { "width: 16\n", "width: 16.5\n", "backbone.input.width: found 16.5, expected a whole number" },
        { "width: 16\n", "width:\n", "backbone.input.width: found nothing, expected a whole number" },
        { "width: 16\n", "wdith: 16\n", "R:7:5: unknown key 'wdith'; did you mean 'width'?" },
        { "    border: black\n", "", "R:7:5: backbone.input.border: found none, expected one" },
        { SHA, "0123", "source.files.*: found 0123, expected a SHA-256" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[4000];
        const char *const at = strstr(recipe_start, cases[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%stensors: {}\n", (int)(at - recipe_start), recipe_start,
                 cases[i].to, at + strlen(cases[i].from));
        recipe *r;
        cyg_error err = { 0 };
        assert_int_equal(recipe_parse(&r, text, strlen(text), "R", &err), CYG_FORMAT);
        expect_sentence(&err, cases[i].part);
    }
}

/* Aliases may not multiply a small file into a large one, nor hold themselves; nor may depth exhaust anything. */
static void recipe_bombs_are_refused(void **state)
{
    enum { ITEMS = 300, SIZE = 200000 };
    recipe *r;
    cyg_error err = { 0 };
    char *const text = calloc(1, SIZE), *out = text;
    out += sprintf(out, "tensors: {}\nheads:\n - type: ssd\n   labels: &a [");
    for (int i = 0; i < ITEMS; i++) out += sprintf(out, "x, ");
    out += sprintf(out, "x]\n");
    for (int i = 0; i < ITEMS; i++) out += sprintf(out, " - { type: ssd, labels: *a }\n");
    char *const whole = malloc(SIZE);
    const int length = snprintf(whole, SIZE, "%s%s", recipe_start, text);
    char *const old = strstr(whole, "heads: []\n");
    memcpy(old, "#heads:  \n", strlen("heads: []\n"));          /* the long one counts */
    assert_int_equal(recipe_parse(&r, whole, (size_t)length, "R", &err), CYG_FORMAT);
    expect_sentence(&err, "found more than 20000 values");

    assert_int_equal(parse_recipe(&r, "tensors: {}\nunused: &a [*a]\n", &err), CYG_FORMAT);
    memset(text, '[', SIZE);
    assert_int_equal(recipe_parse(&r, text, 100000, "R", &err), CYG_FORMAT);
    expect_sentence(&err, "nested too deep");
    memset(text, '-', SIZE);
    for (int i = 1; i < SIZE; i += 2) text[i] = ' ';            /* - - - - ... */
    assert_int_equal(recipe_parse(&r, text, 100000, "R", &err), CYG_FORMAT);
    free(whole);
    free(text);
}

static void shipped_recipes_are_valid(void **state)
{
    DIR *const folder = opendir(TEST_SOURCE "/config/models");
    assert_non_null(folder);
    int count = 0;
    for (const struct dirent *e; (e = readdir(folder)); ) {
        if (e->d_name[0] == '.') continue;
        char path[4096];
        snprintf(path, sizeof path, TEST_SOURCE "/config/models/%s", e->d_name);
        recipe *r;
        cyg_error err = { 0 };
        if (recipe_open(&r, path, &err)) fail_msg("%s", err.message);
        assert_true(r->tensor_count > 0);
        recipe_free(r);
        count++;
    }
    closedir(folder);
    assert_true(count > 0);
}

/* ---- TensorFlow.js weights --------------------------------------------------------- */

static char folder_template[] = "/tmp/test_convert_XXXXXX";
static char *folder;

static int make_folder(void **state)
{
    folder = mkdtemp(folder_template);
    return folder ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[200];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const void *bytes, size_t size)
{
    assert_int_equal(file_write(in_folder(name), bytes, size, true, NULL), CYG_OK);
}

#define WEIGHTS(list) "[{\"paths\":[\"a.bin\",\"b.bin\"],\"weights\":[" list "]}]"

static void tfjs_reads_every_type_across_shards(void **state)
{
    static const char manifest[] =
        "{\"format\":\"graph-model\",\"weightsManifest\":" WEIGHTS(
        "{\"name\":\"q8\",\"shape\":[2,2],\"dtype\":\"float32\","
        "\"quantization\":{\"dtype\":\"uint8\",\"scale\":0.0026856216729856004,\"min\":-0.34107395246917127}},"
        "{\"name\":\"f32\",\"shape\":[2],\"dtype\":\"float32\"},"
        "{\"name\":\"q16\",\"shape\":[2],\"dtype\":\"float32\","
        "\"quantization\":{\"dtype\":\"uint16\",\"scale\":0.5,\"min\":-3,\"original_dtype\":\"float32\"}},"
        "{\"name\":\"f16\",\"shape\":[1,2],\"dtype\":\"float32\",\"quantization\":{\"dtype\":\"float16\"}},"
        "{\"name\":\"i8\",\"shape\":[2],\"dtype\":\"int32\","
        "\"quantization\":{\"dtype\":\"uint8\",\"scale\":0.4,\"min\":-1}},"
        "{\"name\":\"i32\",\"shape\":[],\"dtype\":\"int32\"}") "}";
    static const uint8_t bytes[] = {
        0, 1, 127, 255,                             /* q8 */
        0, 0, 0xc0, 0x3f, 0, 0, 0, 0x80,            /* f32: 1.5 -0; the shards part within the first */
        1, 0, 0xff, 0xff,                           /* q16: 1 and 65535 */
        0x00, 0x3c, 0x00, 0xc0,                     /* f16: 1 -2 */
        0, 7,                                       /* i8: -1, 1.8 */
        0xfe, 0xff, 0xff, 0xff,                     /* i32 */
    };
    put("model.json", manifest, sizeof manifest - 1);
    put("a.bin", bytes, 6);
    put("b.bin", bytes + 6, sizeof bytes - 6);
    tfjs *w;
    cyg_error err = { 0 };
    if (tfjs_open(&w, in_folder("model.json"), &err)) fail_msg("%s", err.message);
    assert_int_equal(tfjs_tensor_count(w), 6);
    assert_int_equal(tfjs_file_count(w), 3);
    assert_string_equal(tfjs_file_at(w, 0)->name, "model.json");
    char sha256[HASH_TEXT];
    assert_int_equal(hash_bytes(sha256, bytes + 6, sizeof bytes - 6, NULL), CYG_OK);
    assert_string_equal(tfjs_file_at(w, 2)->name, "b.bin");
    assert_string_equal(tfjs_file_at(w, 2)->sha256, sha256);
    assert_null(tfjs_find(w, "q9"));

    float f[4];
    int32_t i[2];
    const tfjs_tensor *t = tfjs_find(w, "q8");
    assert_string_equal(tfjs_dtype(t), "F32");
    assert_int_equal(tfjs_size(t), 16);
    tfjs_values(w, t, f);       /* expected: Math.fround(q * scale + min) in JavaScript */
    assert_true(f[0] == -0.341073960065841675f && f[1] == -0.338388323783874512f);
    assert_true(f[2] == 0.f && f[3] == 0.34375956654548645f);
    tfjs_values(w, tfjs_find(w, "f32"), f);
    assert_true(f[0] == 1.5f && f[1] == 0 && signbit(f[1]));
    tfjs_values(w, tfjs_find(w, "q16"), f);
    assert_true(f[0] == -2.5f && f[1] == 32764.5f);
    t = tfjs_find(w, "f16");
    assert_string_equal(tfjs_dtype(t), "F16");
    assert_int_equal(tfjs_size(t), 4);
    tfjs_values(w, t, f);
    assert_memory_equal(f, bytes + 16, 4);
    t = tfjs_find(w, "i8");
    assert_string_equal(tfjs_dtype(t), "I32");
    tfjs_values(w, t, i);
    assert_true(i[0] == -1 && i[1] == 2);
    tfjs_values(w, tfjs_find(w, "i32"), i);
    assert_int_equal(i[0], -2);
    tfjs_close(w);
}

#define ONE "{\"name\":\"x\",\"shape\":[2],\"dtype\":\"float32\"}"

static void tfjs_names_what_is_wrong(void **state)
{
    static const struct { const char *json; cyg_status status; const char *part; } cases[] = {
        { "", CYG_FORMAT, "found invalid JSON" },
        { "{}", CYG_FORMAT, "found no list of weight groups" },
        { "[{}]", CYG_FORMAT, "group 0: found no lists" },
        { "[{\"paths\":[\"../a\"],\"weights\":[]}]", CYG_FORMAT, "found path '../a'" },
        { "[{\"paths\":[\"..\"],\"weights\":[]}]", CYG_FORMAT, "found path '..'" },
        { "[{\"paths\":[5],\"weights\":[]}]", CYG_FORMAT, "found path 'missing'" },
        { WEIGHTS("{}"), CYG_FORMAT, "found weights without a name" },
        { WEIGHTS("{\"name\":\"x\"}"), CYG_UNSUPPORTED, "weights 'x': found dtype 'missing'" },
        { WEIGHTS("{\"name\":\"x\",\"dtype\":\"string\"}"), CYG_UNSUPPORTED, "found dtype 'string'" },
        { WEIGHTS("{\"name\":\"x\",\"dtype\":\"float32\"}"), CYG_FORMAT, "found no valid shape" },
        { WEIGHTS("{\"name\":\"x\",\"dtype\":\"float32\",\"shape\":[-1]}"), CYG_FORMAT, "out of range" },
        { WEIGHTS("{\"name\":\"x\",\"dtype\":\"float32\",\"shape\":[65536,65536,65536,65536]}"), CYG_FORMAT,
          "out of range" },
        { WEIGHTS("{\"name\":\"x\",\"dtype\":\"float32\",\"shape\":[1073741824]}"), CYG_FORMAT,
          "found more than 1 GiB" },
        { WEIGHTS("{\"name\":\"x\",\"dtype\":\"float32\",\"shape\":[1],\"quantization\":{\"dtype\":\"uint4\"}}"),
          CYG_UNSUPPORTED, "quantization dtype 'uint4'" },
        { WEIGHTS("{\"name\":\"x\",\"dtype\":\"float32\",\"shape\":[1],\"quantization\":{\"dtype\":\"uint8\"}}"),
          CYG_FORMAT, "found no valid scale and min" },
        { WEIGHTS(ONE "," ONE), CYG_FORMAT, "weights 'x': found the name twice" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tfjs *w;
        cyg_error err = { 0 };
        assert_int_equal(tfjs_parse(&w, cases[i].json, strlen(cases[i].json), "M", &err), cases[i].status);
        assert_null(w);
        expect_sentence(&err, cases[i].part);
        assert_int_equal(strncmp(err.message, "M:", 2), 0);
    }
}

static void tfjs_shards_must_fit_the_manifest(void **state)
{
    static const char manifest[] = WEIGHTS(ONE);
    static const uint8_t zeros[16];
    tfjs *w;
    cyg_error err = { 0 };
    put("m.json", manifest, sizeof manifest - 1);
    put("a.bin", zeros, 4);
    unlink(in_folder("b.bin"));
    assert_int_equal(tfjs_open(&w, in_folder("m.json"), &err), CYG_IO);
    expect_sentence(&err, "/b.bin: No such file");
    put("b.bin", zeros, 3);
    assert_int_equal(tfjs_open(&w, in_folder("m.json"), &err), CYG_FORMAT);
    expect_sentence(&err, "found 7 bytes in the files of group 0, expected 8");
    put("b.bin", zeros, 5);
    assert_int_equal(tfjs_open(&w, in_folder("m.json"), &err), CYG_FORMAT);
    expect_sentence(&err, "/b.bin: found 5 bytes, expected 4");
    assert_null(w);
    put("b.bin", zeros, 4);
    assert_int_equal(tfjs_open(&w, in_folder("m.json"), &err), CYG_OK);
    tfjs_close(w);
}

/* ---- The writer --------------------------------------------------------------------- */

static void add(model_writer *w, const char *name, const char *dtype, int count, const void *bytes, size_t size)
{
    assert_int_equal(model_writer_add(w, name, dtype, 1, &count, bytes, size, NULL), CYG_OK);
}

static void writer_is_read_back_in_any_order(void **state)
{
    static const float wide[] = { 1, -2 };
    static const uint16_t half[] = { 0x3c00, 0xc000, 0x0001 };
    static const uint8_t byte[] = { 7 };
    json_t *const description = json_pack("{s:i, s:s}", "format", 1, "name", "tiny \"one\"");
    uint8_t *file[2];
    size_t size[2];
    for (int order = 0; order < 2; order++) {
        model_writer *w;
        assert_int_equal(model_writer_create(&w, NULL), CYG_OK);
        if (order) add(w, "b/half", "F16", 3, half, 6);
        add(w, "c/byte", "U8", 1, byte, 1);
        add(w, "z/wide", "F32", 2, wide, 8);
        if (!order) add(w, "b/half", "F16", 3, half, 6);
        cyg_error err;
        assert_int_equal(model_writer_add(w, "c/byte", "U8", 0, NULL, byte, 1, &err), CYG_ARGUMENT);
        expect_sentence(&err, "tensor 'c/byte': given twice");
        assert_int_equal(model_writer_finish(&file[order], &size[order], w, description, NULL), CYG_OK);
        model_writer_free(w);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(file[0], file[1], size[0]);

    cyg_model *m;
    float *values;
    cyg_stored t;
    cyg_error err = { 0 };
    if (cyg_model_wrap(&m, file[0], size[0], "F", &err)) fail_msg("%s", err.message);
    assert_string_equal(cyg_model_name(m), "tiny \"one\"");
    assert_int_equal(cyg_model_floats(&values, m, "b/half", 1, (const int[]){ 3 }, NULL), CYG_OK);
    assert_true(values[0] == 1 && values[1] == -2 && values[2] == 0x1p-24f);
    free(values);
    assert_true(cyg_model_find(m, "z/wide", &t));
    assert_int_equal(((const uint8_t *)t.bytes - file[0]) % 8, 0);      /* wide values first: aligned */
    assert_memory_equal(t.bytes, wide, sizeof wide);
    cyg_model_close(m);
    free(file[0]);
    free(file[1]);
    json_decref(description);
}

static void files_are_whole_or_absent(void **state)
{
    cyg_error err;
    char *bytes;
    size_t size;
    put("there", "old", 3);
    assert_int_equal(file_write(in_folder("there"), "new", 3, false, &err), CYG_ARGUMENT);
    expect_sentence(&err, "/there: exists already");
    assert_int_equal(file_write(in_folder("there"), "newer", 5, true, &err), CYG_OK);
    assert_int_equal(file_read(&bytes, &size, in_folder("there"), 5, &err), CYG_OK);
    assert_int_equal(size, 5);
    assert_string_equal(bytes, "newer");
    free(bytes);
    assert_int_equal(file_read(&bytes, &size, in_folder("there"), 4, &err), CYG_FORMAT);
    expect_sentence(&err, "found 5 bytes, expected at most 4");
    assert_int_equal(file_read(&bytes, &size, folder, 4, &err), CYG_IO);
    assert_int_equal(file_write(in_folder("no/such"), "x", 1, false, &err), CYG_IO);
    assert_int_equal(mkdir(in_folder("busy"), 0700), 0);
    assert_int_equal(file_write(in_folder("busy"), "x", 1, true, &err), CYG_IO);   /* rename fails at the end */
    DIR *const list = opendir(folder);
    for (const struct dirent *e; (e = readdir(list)); ) assert_null(strstr(e->d_name, ".part"));
    closedir(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipe_becomes_description_and_pairs),
        cmocka_unit_test(recipe_errors_have_a_place),
        cmocka_unit_test(recipe_values_must_be_of_their_kind),
        cmocka_unit_test(recipe_bombs_are_refused),
        cmocka_unit_test(shipped_recipes_are_valid),
        cmocka_unit_test(tfjs_reads_every_type_across_shards),
        cmocka_unit_test(tfjs_names_what_is_wrong),
        cmocka_unit_test(tfjs_shards_must_fit_the_manifest),
        cmocka_unit_test(writer_is_read_back_in_any_order),
        cmocka_unit_test(files_are_whole_or_absent),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
