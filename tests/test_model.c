/* test_model.c - the model file: every type read back, every kind of damage named. */
#include "ops.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define METADATA "\"__metadata__\":{\"cygnet\":\"{\\\"format\\\":1,\\\"name\\\":\\\"tiny\\\"}\"}"

static const char good_header[] =
    "{\"wide\":{\"dtype\":\"F32\",\"shape\":[2,1,2],\"data_offsets\":[0,16]},"
    "\"half\":{\"dtype\":\"F16\",\"shape\":[5],\"data_offsets\":[16,26]},"
    "\"byte\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[26,29]},"
    "\"sign\":{\"dtype\":\"I8\",\"shape\":[3],\"data_offsets\":[29,32]},"
    "\"word\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[32,36]},"
    METADATA "}";
static const uint8_t good_data[36] = {
    0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f, 0, 0, 0, 0,     /* 1 -2 .5 0 */
    0x00, 0x3c, 0x01, 0x00, 0x01, 0x80, 0xff, 0x7b, 0xff, 0x83,     /* 1, least, -least, greatest, -subnormal */
    0, 127, 255, 0x80, 0xff, 1, 0x18, 0xfc, 0xff, 0xff,             /* word: -1000 */
};

typedef struct bytes {
    uint8_t *data;              /* of exactly that size, so that a sanitizer sees an over-read */
    size_t   size;
} bytes;

static bytes file_of(const char *header, size_t header_size, const void *data, size_t data_size)
{
    const bytes f = { malloc(8 + header_size + data_size), 8 + header_size + data_size };
    assert_non_null(f.data);
    const uint64_t length = header_size;
    memcpy(f.data, &length, 8);
    memcpy(f.data + 8, header, header_size);
    memcpy(f.data + 8 + header_size, data, data_size);
    return f;
}

static bytes good_file(void)
{
    return file_of(good_header, sizeof good_header - 1, good_data, sizeof good_data);
}

/* Opens f, frees it; what is expected is a failure whose sentence contains `part`. */
static void fails(bytes f, cyg_status expected, const char *part)
{
    cyg_model *m;
    cyg_error err = { 0 };
    const cyg_status status = cyg_model_wrap(&m, f.data, f.size, "FILE", &err);
    free(f.data);
    assert_null(m);
    assert_int_equal(status, expected);
    assert_int_equal(err.status, expected);
    if (strncmp(err.message, "FILE: ", 6) != 0 || !strstr(err.message, part)) {
        fail_msg("found \"%s\", expected \"%s\" in it", err.message, part);
    }
}

static void header_fails(const char *header, size_t data_size, cyg_status expected, const char *part)
{
    static const uint8_t zeros[64];
    assert_true(data_size <= sizeof zeros);
    fails(file_of(header, strlen(header), zeros, data_size), expected, part);
}

static void floats_are(const cyg_model *m, const char *name, int rank, const int *shape, const float *expected)
{
    float *values;
    cyg_stored t;
    assert_int_equal(cyg_model_floats(&values, m, name, rank, shape, NULL), CYG_OK);
    assert_true(cyg_model_find(m, name, &t));
    assert_string_equal(t.name, name);
    for (size_t i = 0; i < t.count; i++) assert_true(values[i] == expected[i]);
    free(values);
}

static void reads_every_type(void **state)
{
    const bytes f = good_file();
    cyg_model *m;
    assert_int_equal(cyg_model_wrap(&m, f.data, f.size, "FILE", NULL), CYG_OK);
    assert_string_equal(cyg_model_name(m), "tiny");
    assert_string_equal(cyg_model_path(m), "FILE");
    assert_int_equal(json_integer_value(json_object_get(cyg_model_description(m), "format")), 1);
    floats_are(m, "wide", 3, (const int[]){ 2, 1, 2 }, (const float[]){ 1, -2, 0.5f, 0 });
    floats_are(m, "half", 1, (const int[]){ 5 },
               (const float[]){ 1, 0x1p-24f, -0x1p-24f, 65504, -1023 * 0x1p-24f });
    floats_are(m, "byte", 1, (const int[]){ 3 }, (const float[]){ 0, 127, 255 });
    floats_are(m, "sign", 1, (const int[]){ 3 }, (const float[]){ -128, -1, 1 });
    floats_are(m, "word", 0, NULL, (const float[]){ -1000 });
    cyg_model_close(m);
    free(f.data);
}

static void lists_tensors_by_name(void **state)
{
    static const char *const names[] = { "byte", "half", "sign", "wide", "word" };
    const bytes f = good_file();
    cyg_model *m;
    cyg_stored t;
    assert_int_equal(cyg_model_wrap(&m, f.data, f.size, "FILE", NULL), CYG_OK);
    assert_int_equal(cyg_model_tensor_count(m), 5);
    for (int i = 0; i < 5; i++) assert_string_equal(cyg_model_tensor(m, i).name, names[i]);
    assert_false(cyg_model_find(m, "wid", &t));
    assert_false(cyg_model_find(m, "zebra", &t));
    assert_false(cyg_model_find(m, "", &t));
    assert_false(cyg_model_find(m, "__metadata__", &t));
    cyg_model_close(m);
    free(f.data);
}

/* Every finite half against its definition: (-1)^s * 2^(e-15) * 1.m, or 2^-14 * 0.m. */
static void reads_every_half(void **state)
{
    enum { N = 65536 - 2048 };
    const char *header = "{\"h\":{\"dtype\":\"F16\",\"shape\":[63488],\"data_offsets\":[0,126976]}," METADATA "}";
    uint16_t *halves = malloc(N * sizeof *halves);
    int n = 0;
    for (unsigned h = 0; h < 65536; h++) {
        if ((h >> 10 & 31) != 31) halves[n++] = (uint16_t)h;
    }
    assert_int_equal(n, N);
    const bytes f = file_of(header, strlen(header), halves, N * sizeof *halves);
    cyg_model *m;
    float *values;
    assert_int_equal(cyg_model_wrap(&m, f.data, f.size, "FILE", NULL), CYG_OK);
    assert_int_equal(cyg_model_floats(&values, m, "h", 1, (const int[]){ N }, NULL), CYG_OK);
    for (int i = 0; i < N; i++) {
        const int e = halves[i] >> 10 & 31, mantissa = halves[i] & 1023;
        const double size = e ? ldexp(1 + mantissa / 1024.0, e - 15) : ldexp(mantissa / 1024.0, -14);
        assert_true(fabsf(values[i]) == size);
        assert_int_equal(!!signbit(values[i]), halves[i] >> 15);
    }
    free(values);
    cyg_model_close(m);
    free(f.data);
    free(halves);
}

static void floats_name_what_does_not_fit(void **state)
{
    bytes f = good_file();
    const size_t data = f.size - sizeof good_data;
    f.data[data + 3] = 0x7f;                                    /* 1.0 becomes NaN */
    f.data[data + 16] = 0x00, f.data[data + 17] = 0xfc;         /* and the first half -infinity */
    cyg_model *m;
    float *values = NULL;
    cyg_error err;
    assert_int_equal(cyg_model_wrap(&m, f.data, f.size, "FILE", NULL), CYG_OK);
    assert_int_equal(cyg_model_floats(&values, m, "wide", 3, (const int[]){ 2, 1, 2 }, &err), CYG_FORMAT);
    assert_null(values);
    assert_non_null(strstr(err.message, "FILE: tensor 'wide': found value 0 to be infinite or no number"));
    assert_int_equal(cyg_model_floats(&values, m, "half", 1, (const int[]){ 5 }, &err), CYG_FORMAT);
    assert_int_equal(cyg_model_floats(&values, m, "wide", 3, (const int[]){ 2, 2, 1 }, &err), CYG_FORMAT);
    assert_string_equal(err.message, "FILE: tensor 'wide': found 2x1x2, expected 2x2x1");
    assert_int_equal(cyg_model_floats(&values, m, "word", 1, (const int[]){ 1 }, &err), CYG_FORMAT);
    assert_string_equal(err.message, "FILE: tensor 'word': found a single value, expected 1");
    assert_int_equal(cyg_model_floats(&values, m, "none", 1, (const int[]){ 7 }, &err), CYG_NOT_FOUND);
    assert_string_equal(err.message, "FILE: tensor 'none': found none, expected 7");
    cyg_model_close(m);
    free(f.data);
}

static void names_damage_of_the_header(void **state)
{
    const bytes empty = { malloc(1), 0 }, magic = { memcpy(malloc(7), "\0\0\0\0\0\0\0", 7), 7 };
    fails(empty, CYG_FORMAT, "found 0 bytes");
    fails(magic, CYG_FORMAT, "found 7 bytes");
    bytes f = good_file();
    f.data[7] = 0xff;
    fails(f, CYG_FORMAT, "found a header of 18374686479671624");
    f = good_file();
    f.data[2] = 0x20;                                           /* 2 MiB more than there is */
    fails(f, CYG_FORMAT, "found a header of");
    header_fails("", 0, CYG_FORMAT, "header: found invalid JSON");
    header_fails("{\"a\":", 0, CYG_FORMAT, "header: found invalid JSON");
    header_fails("[]", 0, CYG_FORMAT, "header: found other JSON");
    header_fails("{" METADATA "," METADATA "}", 0, CYG_FORMAT, "duplicate object key");
    header_fails("{}", 0, CYG_FORMAT, "found no description");
    header_fails("{\"__metadata__\":{\"cygnet\":5}}", 0, CYG_FORMAT, "found no description");
    header_fails("{\"__metadata__\":{\"cygnet\":\"{\"}}", 0, CYG_FORMAT, "description: found invalid JSON");
    header_fails("{\"__metadata__\":{\"cygnet\":\"[]\"}}", 0, CYG_FORMAT, "description: found other JSON");
    header_fails("{\"__metadata__\":{\"cygnet\":\"{}\"}}", 0, CYG_FORMAT, "'format', expected 1");
    header_fails("{\"__metadata__\":{\"cygnet\":\"{\\\"format\\\":2}\"}}", 0, CYG_UNSUPPORTED,
                 "found format 2, expected 1");
    header_fails("{\"__metadata__\":{\"cygnet\":\"{\\\"format\\\":1}\"}}", 0, CYG_FORMAT, "found no 'name'");
}

static void names_damage_of_a_tensor(void **state)
{
    static const struct {
        const char *entry;      /* of tensor t, with 8 bytes of data behind the header */
        cyg_status  status;
        const char *part;
    } cases[] = {
        { "\"t\":7", CYG_FORMAT, "tensor 't': found other JSON" },
        { "\"a b\":{}", CYG_FORMAT, "tensor 'a b': found a name of 3 bytes" },
        { "\"\":{}", CYG_FORMAT, "tensor '': found a name of 0 bytes" },
        { "\"t\":{}", CYG_FORMAT, "found no dtype" },
        { "\"t\":{\"dtype\":\"BF16\"}", CYG_UNSUPPORTED, "found dtype 'BF16', expected F32, F16" },
        { "\"t\":{\"dtype\":\"F32\"}", CYG_FORMAT, "found no valid shape" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,2]}", CYG_FORMAT, "found no valid shape" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[-2]}", CYG_FORMAT, "expected 1 to 2147483647" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[0]}", CYG_FORMAT, "expected 1 to 2147483647" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[2.0]}", CYG_FORMAT, "expected 1 to 2147483647" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[4294967298]}", CYG_FORMAT, "expected 1 to 2147483647" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[2147483647,2147483647,2147483647]}", CYG_FORMAT,
          "more bytes than can be counted" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[65536,65536,65536,65536],\"data_offsets\":[0,0]}", CYG_FORMAT,
          "more bytes than can be counted" },     /* 2^66 bytes is 0 modulo 2^64 */
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[2]}", CYG_FORMAT, "found no valid data_offsets" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,9]}", CYG_FORMAT, "data_offsets" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,\"8\"]}", CYG_FORMAT, "data_offsets" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}", CYG_FORMAT,
          "found bytes -8 to 0, expected them within the file's 8 bytes" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]}", CYG_FORMAT, "found bytes 1 to 9" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}", CYG_FORMAT, "found bytes 8 to 0" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9223372036854775807]}", CYG_FORMAT,
          "found bytes 0 to 9223372036854775807" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,7]}", CYG_FORMAT,
          "tensor 't': found 7 bytes, expected 8" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}", CYG_FORMAT,
          "found 4 bytes behind the last tensor" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}", CYG_FORMAT,
          "tensor 't': found it at byte 4 of the data, expected 0" },
        { "\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
          "\"u\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}", CYG_FORMAT,
          "tensor 'u': found it at byte 4 of the data, expected 8" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[400];
        snprintf(header, sizeof header, "{%s,%s}", cases[i].entry, METADATA);
        header_fails(header, 8, cases[i].status, cases[i].part);
    }
}

/* Whatever a file says, it opens or is refused with a sentence. */
static void opens_or_refuses(const uint8_t *data, size_t size)
{
    const bytes f = { memcpy(malloc(size ? size : 1), data, size), size };
    cyg_model *m;
    cyg_error err = { 0 };
    if (cyg_model_wrap(&m, f.data, f.size, "FILE", &err)) {
        assert_null(m);
        assert_int_equal(strncmp(err.message, "FILE: ", 6), 0);
    } else {
        for (int i = 0; i < cyg_model_tensor_count(m); i++) {
            const cyg_stored t = cyg_model_tensor(m, i);
            float *values;
            if (!cyg_model_floats(&values, m, t.name, t.rank, t.shape, &err)) free(values);
        }
        cyg_model_close(m);
    }
    free(f.data);
}

static void survives_every_flipped_bit_and_every_cut(void **state)
{
    const bytes f = good_file();
    for (size_t i = 0; i < f.size * 8; i++) {
        f.data[i / 8] ^= (uint8_t)(1 << i % 8);
        opens_or_refuses(f.data, f.size);
        f.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t size = 0; size < f.size; size++) opens_or_refuses(f.data, size);
    free(f.data);
}

static void survives_deep_nesting(void **state)
{
    enum { DEEP = 1 << 20 };
    char *header = malloc(DEEP);
    memset(header, '[', DEEP);
    fails(file_of(header, DEEP, "", 0), CYG_FORMAT, "header: found invalid JSON");
    free(header);
}

static void opens_files(void **state)
{
    char path[] = "/tmp/test_model_XXXXXX";
    const int fd = mkstemp(path);
    const bytes f = good_file();
    cyg_model *m;
    cyg_error err;
    assert_int_equal(cyg_model_open(&m, path, &err), CYG_FORMAT);       /* empty */
    assert_null(m);
    assert_int_equal(write(fd, f.data, f.size), f.size);
    close(fd);
    assert_int_equal(cyg_model_open(&m, path, &err), CYG_OK);
    floats_are(m, "byte", 1, (const int[]){ 3 }, (const float[]){ 0, 127, 255 });
    cyg_model_close(m);
    unlink(path);
    assert_int_equal(cyg_model_open(&m, path, &err), CYG_IO);           /* gone */
    assert_non_null(strstr(err.message, "No such file"));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(cyg_model_open(&m, path, &err), CYG_IO);           /* a pipe that nobody writes to */
    assert_non_null(strstr(err.message, "found no regular file"));
    unlink(path);
    assert_int_equal(cyg_model_open(&m, "/tmp", &err), CYG_IO);
    assert_string_equal(err.message, "/tmp: found no regular file, expected a model file");
    cyg_model_close(NULL);
    free(f.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_type),
        cmocka_unit_test(lists_tensors_by_name),
        cmocka_unit_test(reads_every_half),
        cmocka_unit_test(floats_name_what_does_not_fit),
        cmocka_unit_test(names_damage_of_the_header),
        cmocka_unit_test(names_damage_of_a_tensor),
        cmocka_unit_test(survives_every_flipped_bit_and_every_cut),
        cmocka_unit_test(survives_deep_nesting),
        cmocka_unit_test(opens_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
