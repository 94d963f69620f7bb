/* test_picture.c - photos in and out: exact pixels, upright, what they carry, and every way to be damaged. */
#include "hash.h"
#include "picture.h"
#include <dirent.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { LIMIT = 100 << 20 };

static char folder[] = "/tmp/test_picture.XXXXXX";
static char name[300];

static const char *in_folder(const char *file)
{
    snprintf(name, sizeof name, "%s/%s", folder, file);
    return name;
}

static int folder_make(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int folder_drop(void **state)
{
    DIR *dir = opendir(folder);
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.') unlink(in_folder(e->d_name));
    closedir(dir);
    return rmdir(folder);       /* fails if a .part file was left */
}

/* ---- Pictures made here -------------------------------------------------------------- */

/* Four quarters: red, green / blue, white. */
static frame *quarters(int width, int height)
{
    static const uint8_t colours[4][3] = { { 250, 20, 20 }, { 20, 250, 20 }, { 20, 20, 250 }, { 250, 250, 250 } };
    frame *f = calloc(1, sizeof *f);
    assert_non_null(f);
    uint8_t *p = f->memory = malloc((size_t)width * height * 3);
    assert_non_null(p);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, p += 3) memcpy(p, colours[(y >= height / 2) * 2 + (x >= width / 2)], 3);
    f->image = (cyg_image){ .format = CYG_RGB24, .width = width, .height = height, .depth = 8,
                            .plane = { f->memory }, .stride = { width * 3 } };
    return f;
}

static void add_noise(frame *f, int bits)
{
    const uint32_t count = (uint32_t)f->image.width * (uint32_t)f->image.height * 3;
    for (uint32_t i = 0; i < count; i++) f->image.plane[0][i] ^= (uint8_t)(i * 2654435761u >> (32 - bits));
}

static void drop(frame *f)
{
    free(f->memory);
    free(f);
}

static frame *read_well(picture_info *info, const char *path)
{
    frame *f = calloc(1, sizeof *f);
    cyg_error err = { 0 };
    assert_non_null(f);
    if (picture_read(f, info, path, LIMIT, &err)) fail_msg("%s", err.message);
    return f;
}

/* The letter of the colour in the middle of a quarter. */
static char colour_at(const cyg_image *im, int right, int below)
{
    const int x = im->width * (1 + 2 * right) / 4, y = im->height * (1 + 2 * below) / 4;
    const uint8_t *p = im->plane[0] + y * im->stride[0] + x * 3;
    const int r = p[0] > 128, g = p[1] > 128, b = p[2] > 128;
    return r && g && b ? 'w' : r ? 'r' : g ? 'g' : b ? 'b' : '?';
}

/* An EXIF segment with orientation, and the picture's size; little endian. */
static size_t make_exif(uint8_t *out, int orientation, int width, int height)
{
    const uint8_t bytes[] = { 'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0,
        3, 0,                                                                   /* IFD 0: three entries */
        0x0f, 1, 2, 0, 4, 0, 0, 0, 'S', 'w', 'n', 0,                            /* Make */
        0x12, 1, 3, 0, 1, 0, 0, 0, (uint8_t)orientation, 0, 0, 0,               /* Orientation */
        0x69, 0x87, 4, 0, 1, 0, 0, 0, 50, 0, 0, 0,                              /* to the EXIF IFD */
        0, 0, 0, 0,
        2, 0,
        0x02, 0xa0, 4, 0, 1, 0, 0, 0, (uint8_t)width, 0, 0, 0,                  /* PixelXDimension */
        0x03, 0xa0, 4, 0, 1, 0, 0, 0, (uint8_t)height, 0, 0, 0,                 /* PixelYDimension */
        0, 0, 0, 0 };
    memcpy(out, bytes, sizeof bytes);
    return sizeof bytes;
}

/* The value of a LONG or SHORT entry in an EXIF segment, little endian; -1 if there is none. */
static int exif_value(const picture_info *info, int tag)
{
    const uint8_t *b = info->exif;
    for (size_t i = 14; b && i + 12 <= info->exif_size; i += 2)
        if (b[i] + 256 * b[i + 1] == tag && (b[i + 2] == 3 || b[i + 2] == 4) && b[i + 3] == 0 && b[i + 4] == 1)
            return b[i + 8] + 256 * b[i + 9];
    return -1;
}

/* ---- Pixels --------------------------------------------------------------------------- */

static void pixels_are_those_of_the_golden_decoder(void **state)
{
    json_t *goldens = json_load_file(TEST_SOURCE "/tests/golden/faces.json", 0, NULL);
    assert_non_null(goldens);
    int compared = 0;
    const char *file;
    json_t *image;
    json_object_foreach(goldens, file, image) {
        char path[500], sum[HASH_TEXT];
        snprintf(path, sizeof path, "%s/assets/cache/face-api/demo/%s", TEST_SOURCE, file);
        if (access(path, R_OK)) continue;
        picture_info info;
        frame *f = read_well(&info, path);
        assert_int_equal(f->image.width, json_integer_value(json_object_get(image, "width")));
        assert_int_equal(f->image.height, json_integer_value(json_object_get(image, "height")));
        assert_int_equal(hash_bytes(sum, f->memory, (size_t)f->image.width * f->image.height * 3, NULL), CYG_OK);
        assert_string_equal(sum, json_string_value(json_object_get(image, "sha256_rgb")));
        picture_info_free(&info);
        drop(f);
        compared++;
    }
    json_decref(goldens);
    if (!compared) skip();
}

static void every_orientation_comes_out_upright(void **state)
{
    /* Where EXIF 2.3 puts the stored quarters r g / b w. */
    static const char *const upright[9] = { "", "rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb" };
    frame *stored = quarters(48, 32);
    for (int o = 1; o <= 8; o++) {
        uint8_t exif[200];
        picture_info info = { .exif = exif, .exif_size = make_exif(exif, o, 48, 32), .sampling_x = 2, .sampling_y = 1 };
        assert_int_equal(picture_write(stored, &info, in_folder("o.jpg"), 95, NULL), CYG_OK);
        picture_info read;
        frame *f = read_well(&read, name);
        const char found[5] = { colour_at(&f->image, 0, 0), colour_at(&f->image, 1, 0), colour_at(&f->image, 0, 1),
                                colour_at(&f->image, 1, 1) };
        assert_string_equal(found, upright[o]);
        assert_int_equal(read.orientation, o);
        assert_int_equal(f->image.width, o >= 5 ? 32 : 48);
        assert_int_equal(f->image.height, o >= 5 ? 48 : 32);
        assert_int_equal(read.sampling_x, o >= 5 ? 1 : 2);
        assert_int_equal(read.sampling_y, o >= 5 ? 2 : 1);
        assert_int_equal(exif_value(&read, 0x112), 1);
        assert_int_equal(exif_value(&read, 0xa002), o >= 5 ? 32 : 48);
        assert_int_equal(exif_value(&read, 0xa003), o >= 5 ? 48 : 32);
        picture_info_free(&read);
        drop(f);
    }
    drop(stored);
}

/* Mean difference of two pictures of one size. */
static double difference(const cyg_image *a, const cyg_image *b)
{
    double sum = 0;
    const int count = a->width * a->height * 3;
    for (int i = 0; i < count; i++) sum += abs(a->plane[0][i] - b->plane[0][i]);
    return sum / count;
}

static void real_orientations_agree(void **state)
{
    static const char *const kinds[2] = { "Landscape", "Portrait" };
    for (int kind = 0; kind < 2; kind++) {
        frame *first = NULL;
        for (int o = 1; o <= 8; o++) {
            char path[500];
            snprintf(path, sizeof path, "%s/damaged/exif_orientation/%s_%d.jpg", TEST_DATA, kinds[kind], o);
            if (access(path, R_OK)) skip();
            picture_info info;
            frame *f = read_well(&info, path);
            assert_int_equal(info.orientation, o);
            picture_info_free(&info);
            if (first) {
                assert_int_equal(f->image.width, first->image.width);
                assert_int_equal(f->image.height, first->image.height);
                const double mean = difference(&f->image, &first->image);
                if (mean > 6) fail_msg("%s: differs by %g on average", path, mean);
                drop(f);
            } else {
                first = f;
            }
        }
        drop(first);
    }
}

/* ---- Out and in again ------------------------------------------------------------------ */

static void writes_what_it_read(void **state)
{
    uint8_t exif[200], icc[70000] = { 0 };             /* more than one segment */
    memcpy(icc + 16, "RGB ", 4);
    icc[69999] = 7;
    static const int samplings[][2] = { { 1, 1 }, { 2, 1 }, { 2, 2 }, { 1, 2 }, { 4, 1 } };
    for (size_t i = 0; i < sizeof samplings / sizeof samplings[0]; i++) {
        frame *f = quarters(64, 64);
        picture_info info = { .exif = exif, .exif_size = make_exif(exif, 1, 64, 64), .icc = icc, .icc_size = sizeof icc,
                              .sampling_x = samplings[i][0], .sampling_y = samplings[i][1] };
        assert_int_equal(picture_write(f, &info, in_folder("out.jpg"), 95, NULL), CYG_OK);
        assert_true(picture_is_jpeg(name));
        picture_info read;
        frame *again = read_well(&read, name);
        assert_true(difference(&f->image, &again->image) < 3);
        assert_int_equal(read.sampling_x, samplings[i][0]);
        assert_int_equal(read.sampling_y, samplings[i][1]);
        assert_int_equal(read.icc_size, sizeof icc);
        assert_memory_equal(read.icc, icc, sizeof icc);
        assert_int_equal(read.orientation, 1);
        assert_non_null(read.exif);
        assert_int_equal(exif_value(&read, 0xa002), 64);
        picture_info_free(&read);
        drop(f);
        drop(again);
    }
}

static void quality_is_the_callers(void **state)
{
    frame *f = quarters(64, 64);
    struct stat low, high;
    add_noise(f, 5);
    assert_int_equal(picture_write(f, NULL, in_folder("q.jpg"), 20, NULL), CYG_OK);
    assert_int_equal(stat(name, &low), 0);
    assert_int_equal(picture_write(f, NULL, in_folder("q.jpg"), 98, NULL), CYG_OK);
    assert_int_equal(stat(name, &high), 0);
    assert_true(high.st_size > 2 * low.st_size);
    drop(f);
}

static void writing_fails_with_a_sentence_and_leaves_nothing(void **state)
{
    frame *f = quarters(400, 400);
    cyg_error err = { 0 };
    assert_int_equal(picture_write(f, NULL, in_folder("none/x.jpg"), 90, &err), CYG_IO);
    assert_non_null(strstr(err.message, "none/x.jpg: No such file"));

    signal(SIGXFSZ, SIG_IGN);           /* a file that may not grow stands for a full disk */
    struct rlimit old, small = { 2000, 0 };
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    const cyg_status status = picture_write(f, NULL, in_folder("full.jpg"), 90, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(status, CYG_IO);
    assert_non_null(strstr(err.message, "full.jpg: cannot be written: File too large"));
    assert_int_not_equal(access(name, F_OK), 0);
    assert_int_not_equal(access(in_folder(".full.jpg.part"), F_OK), 0);
    drop(f);
}

/* ---- Damage ------------------------------------------------------------------------------ */

static void expect_no_picture(const char *path, int64_t limit, cyg_status expected, const char *words)
{
    frame f = { 0 };
    picture_info info;
    cyg_error err = { 0 };
    const cyg_status status = picture_read(&f, &info, path, limit, &err);
    if (status != expected) fail_msg("%s: found %d, expected %d: %s", path, status, expected, err.message);
    if (!strstr(err.message, words)) fail_msg("found \"%s\", expected in it \"%s\"", err.message, words);
    assert_non_null(strstr(err.message, path));
    assert_null(f.memory);
    assert_null(info.exif);
    assert_null(info.icc);
}

static void make_file(const char *file, const void *bytes, size_t size)
{
    FILE *out = fopen(in_folder(file), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    fclose(out);
}

static void what_is_no_photo_has_a_sentence(void **state)
{
    make_file("text.jpg", "hello", 5);
    expect_no_picture(name, LIMIT, CYG_FORMAT, "Not a JPEG");
    assert_false(picture_is_jpeg(name));
    make_file("empty.jpg", "", 0);
    expect_no_picture(name, LIMIT, CYG_FORMAT, "empty");
    expect_no_picture(folder, LIMIT, CYG_IO, "not a file");
    assert_false(picture_is_jpeg(folder));
    expect_no_picture("/nowhere/x.jpg", LIMIT, CYG_IO, "No such file");
    assert_false(picture_is_jpeg("/nowhere/x.jpg"));
}

static void lost_data_is_an_error_and_extra_bytes_are_none(void **state)
{
    uint8_t bytes[20000];
    frame *f = quarters(200, 100);
    add_noise(f, 4);
    assert_int_equal(picture_write(f, NULL, in_folder("whole.jpg"), 50, NULL), CYG_OK);
    drop(f);
    expect_no_picture(name, 200 * 100 - 1, CYG_UNSUPPORTED, "200 x 100 pixels are more than the limit of 19999");
    FILE *in = fopen(name, "rb");
    assert_non_null(in);
    const size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    assert_in_range(size, 2000, sizeof bytes - 10);

    for (size_t cut = 3; cut < size - 2; cut += size / 20) {
        make_file("cut.jpg", bytes, cut);
        expect_no_picture(name, LIMIT, CYG_FORMAT, "damaged, or no JPEG");
    }
    memmove(bytes + 7, bytes + 2, size - 2);            /* five bytes between SOI and the first marker */
    memset(bytes + 2, 0x11, 5);
    make_file("extra.jpg", bytes, size + 5);
    picture_info info;
    drop(read_well(&info, name));
    picture_info_free(&info);
}

/* Every damaged file gives a picture or a sentence, and those that decoders agree on give the right one. */
static void real_damage(void **state)
{
    static const struct { const char *file; cyg_status status; } known[] = {
        { "tests_crashtest_images_max_size.jpg", CYG_UNSUPPORTED },
        { "tests_crashtest_images_empty.jpg", CYG_FORMAT },
        { "tests_crashtest_images_missing-sof.jpg", CYG_FORMAT },
        { "tests_crashtest_images_missing-sos.jpg", CYG_FORMAT },
        { "tests_crashtest_images_null_height.jpg", CYG_FORMAT },
        { "tests_crashtest_images_dc-predictor-overflow.jpg", CYG_FORMAT },
        { "tests_reftest_images_partial_progressive.jpg", CYG_FORMAT },
        { "tests_reftest_images_lossless_2_MR4.jpg", CYG_UNSUPPORTED },
        { "tests_reftest_images_extraneous-data.jpg", CYG_OK },
        { "tests_reftest_images_ycck.jpg", CYG_OK },
        { "tests_reftest_images_mozilla_jpg-cmyk-1.jpg", CYG_OK },
        { "tests_reftest_images_mozilla_jpg-gray.jpg", CYG_OK },
        { "tests_reftest_images_mozilla_jpg-size-1x1.jpg", CYG_OK },
        { "tests_reftest_images_rgb.jpg", CYG_OK },
        { "tests_icc_icc_missing_chunk.jpeg", CYG_OK },
        { "tests_icc_icc_chunk_order.jpeg", CYG_OK },
    };
    DIR *dir = opendir(TEST_DATA "/damaged/jpeg");
    if (!dir) skip();
    int seen = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        char path[600];
        snprintf(path, sizeof path, TEST_DATA "/damaged/jpeg/%s", e->d_name);
        frame f = { 0 };
        picture_info info;
        cyg_error err = { 0 };
        const cyg_status status = picture_read(&f, &info, path, LIMIT, &err);
        assert_int_equal(status != CYG_OK, err.message[0] != 0);
        assert_int_equal(status == CYG_OK, f.memory != NULL);
        if (!status) assert_int_equal(picture_write(&f, &info, in_folder("again.jpg"), 80, &err), CYG_OK);
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (!strcmp(known[i].file, e->d_name)) {
                if (status != known[i].status) fail_msg("%s: found %d: %s", e->d_name, status, err.message);
                seen++;
            }
        picture_info_free(&info);
        free(f.memory);
    }
    closedir(dir);
    assert_int_equal(seen, sizeof known / sizeof known[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_those_of_the_golden_decoder),
        cmocka_unit_test(every_orientation_comes_out_upright),
        cmocka_unit_test(real_orientations_agree),
        cmocka_unit_test(writes_what_it_read),
        cmocka_unit_test(quality_is_the_callers),
        cmocka_unit_test(writing_fails_with_a_sentence_and_leaves_nothing),
        cmocka_unit_test(what_is_no_photo_has_a_sentence),
        cmocka_unit_test(lost_data_is_an_error_and_extra_bytes_are_none),
        cmocka_unit_test(real_damage),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
