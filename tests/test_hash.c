/* test_hash.c - SHA-256 against the examples of FIPS 180-4, of bytes and of files. */
#include "hash.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const char of_nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char of_abc[]     = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char of_million[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void hashes_bytes(void **state)
{
    char text[HASH_TEXT];
    char *const million = memset(malloc(1000000), 'a', 1000000);
    assert_int_equal(hash_bytes(text, "", 0, NULL), CYG_OK);
    assert_string_equal(text, of_nothing);
    assert_int_equal(hash_bytes(text, "abc", 3, NULL), CYG_OK);
    assert_string_equal(text, of_abc);
    assert_int_equal(hash_bytes(text, million, 1000000, NULL), CYG_OK);
    assert_string_equal(text, of_million);
    free(million);
}

static void hashes_files(void **state)
{
    char path[] = "/tmp/test_hash_XXXXXX", text[HASH_TEXT];
    const int fd = mkstemp(path);
    assert_int_equal(hash_file(text, path, NULL), CYG_OK);
    assert_string_equal(text, of_nothing);
    char *const million = memset(malloc(1000000), 'a', 1000000);
    assert_int_equal(write(fd, million, 1000000), 1000000);
    assert_int_equal(hash_file(text, path, NULL), CYG_OK);
    assert_string_equal(text, of_million);
    free(million);
    close(fd);
    unlink(path);
}

static void refuses_what_is_no_file(void **state)
{
    char path[] = "/tmp/test_hash_XXXXXX", text[HASH_TEXT] = "x";
    cyg_error err;
    close(mkstemp(path));
    unlink(path);
    assert_int_equal(hash_file(text, path, &err), CYG_IO);
    assert_non_null(strstr(err.message, "No such file"));
    assert_string_equal(text, "");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(hash_file(text, path, &err), CYG_IO);
    unlink(path);
    assert_int_equal(hash_file(text, "/tmp", &err), CYG_IO);
    assert_string_equal(err.message, "/tmp: found no regular file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_bytes),
        cmocka_unit_test(hashes_files),
        cmocka_unit_test(refuses_what_is_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
