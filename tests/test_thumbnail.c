/* test_thumbnail.c - the right part of the picture, in the right colours, from every format. */
#include "thumbnail.h"
#include "picture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { W = 64, H = 48, SIDE = 40 };

typedef struct rgb { int r, g, b; } rgb;

/* The JPEG's pixel, by reading it as a photo. */
static void read_back(frame *f, const uint8_t *jpeg, size_t size)
{
    char name[64];
    cyg_error err;
    picture_info info;
    snprintf(name, sizeof name, "/tmp/test_thumbnail_%d.jpg", (int)getpid());
    FILE *file = fopen(name, "wb");
    assert_int_equal(fwrite(jpeg, 1, size, file), size);
    fclose(file);
    assert_int_equal(picture_read(f, &info, name, 1000000, &err), CYG_OK);
    picture_info_free(&info);
    remove(name);
}

static void assert_colour(const frame *f, int x, int y, rgb want)
{
    const uint8_t *p = f->image.plane[0] + y * f->image.stride[0] + 3 * x;
    if (abs(p[0] - want.r) > 8 || abs(p[1] - want.g) > 8 || abs(p[2] - want.b) > 8)
        fail_msg("pixel %d,%d is %d %d %d, expected %d %d %d", x, y, p[0], p[1], p[2], want.r, want.g,
                 want.b);
}

/* Left half one colour, right half another; the thumbnail around a box at the seam, partly off the picture. */
static void assert_halves(const cyg_image *image, rgb left, rgb right)
{
    uint8_t *jpeg;
    size_t size;
    cyg_error err;
    frame *f = frame_create();
    assert_int_equal(thumbnail_make(&jpeg, &size, image, (cyg_box){ 22, -4, 42, 16 }, 2, SIDE, &err), CYG_OK);
    read_back(f, jpeg, size);
    assert_true(f->image.width == SIDE && f->image.height == SIDE);
    assert_colour(f, 8, 30, left);              /* image 20, 16 */
    assert_colour(f, 30, 30, right);            /* image 42, 16 */
    assert_colour(f, 20, 4, (rgb){ 0, 0, 0 });  /* above the picture */
    frame_free(f);
    free(jpeg);
}

static uint8_t memory[3][W * H * 3 * 2];

static void from_rgb(void **state)
{
    for (int i = 0; i < W * H; i++) memcpy(memory[0] + 3 * i,
                                           i % W < W / 2 ? "\xc8\x32\x14" : "\x0a\x64\xf0", 3);
    const cyg_image image = { .format = CYG_RGB24, .width = W, .height = H, .depth = 8,
                              .plane = { memory[0] }, .stride = { 3 * W } };
    assert_halves(&image, (rgb){ 200, 50, 20 }, (rgb){ 10, 100, 240 });
}

static void from_grey(void **state)
{
    for (int i = 0; i < W * H; i++) memory[0][i] = i % W < W / 2 ? 30 : 220;
    const cyg_image image = { .format = CYG_GRAY, .width = W, .height = H, .depth = 8,
                              .plane = { memory[0] }, .stride = { W } };
    assert_halves(&image, (rgb){ 30, 30, 30 }, (rgb){ 220, 220, 220 });
}

/* Red and blue of BT.601 in limited range: 81 90 240 and 41 240 110; BT.709: 63 102 240 and 32 240 118. */
static void from_yuv(void **state)
{
    static const uint8_t known[2][2][3] = { { { 81, 90, 240 }, { 41, 240, 110 } },
                                            { { 63, 102, 240 }, { 32, 240, 118 } } };
    for (int matrix = 0; matrix < 2; matrix++) {
        for (int i = 0; i < W * H; i++) memory[0][i] = known[matrix][i % W >= W / 2][0];
        for (int i = 0; i < W * H / 4; i++)
            for (int p = 1; p < 3; p++) memory[p][i] = known[matrix][i % (W / 2) >= W / 4][p];
        const cyg_image image = {
            .format = CYG_YUV, .width = W, .height = H, .depth = 8, .shift_x = 1, .shift_y = 1,
            .matrix = (cyg_matrix)matrix, .plane = { memory[0], memory[1], memory[2] }, .stride = { W, W / 2,
                W / 2 },
        };
        assert_halves(&image, (rgb){ 255, 0, 0 }, (rgb){ 0, 0, 255 });
    }
}

/* 10 bits, full range, and two planes. */
static void from_deep_and_interleaved(void **state)
{
    uint16_t *deep[3] = { (uint16_t *)(void *)memory[0], (uint16_t *)(void *)memory[1],
                          (uint16_t *)(void *)memory[2] };
    for (int i = 0; i < W * H; i++) {
        deep[0][i] = i % W < W / 2 ? 1023 : 512;
        deep[1][i] = deep[2][i] = 512;
    }
    const cyg_image ten = {
        .format = CYG_YUV, .width = W, .height = H, .depth = 10, .full_range = true,
        .plane = { memory[0], memory[1], memory[2] }, .stride = { 2 * W, 2 * W, 2 * W },
    };
    assert_halves(&ten, (rgb){ 255, 255, 255 }, (rgb){ 128, 128, 128 });

    for (int i = 0; i < W * H; i++) memory[0][i] = i % W < W / 2 ? 81 : 41;
    for (int i = 0; i < W * H / 4; i++) memcpy(memory[1] + 2 * i,
                                               i % (W / 2) < W / 4 ? "\x5a\xf0" : "\xf0\x6e", 2);
    const cyg_image nv12 = { .format = CYG_NV12, .width = W, .height = H, .depth = 8, .shift_x = 1,
                             .shift_y = 1,
                             .plane = { memory[0], memory[1] }, .stride = { W, W } };
    assert_halves(&nv12, (rgb){ 255, 0, 0 }, (rgb){ 0, 0, 255 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_rgb),
        cmocka_unit_test(from_grey),
        cmocka_unit_test(from_yuv),
        cmocka_unit_test(from_deep_and_interleaved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
