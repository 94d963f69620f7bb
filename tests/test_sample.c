/* test_sample.c - regions and the sampler: against the rules of the published networks in plain
 * doubles, known colours, and each pixel format against the others. */
#include "../backbone/plan.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const cyg_kernels *tested;       /* the table at test */
static uint32_t seed = 1;

static int any(int from, int to)
{
    seed = seed * 1664525u + 1013904223u;
    return from + (int)((seed >> 8) % (uint32_t)(to - from + 1));
}

/* ---- Images made for the test --------------------------------------------------------- */

/* Depth 8, or 16-bit words; every plane of random samples in 0 .. 2^depth-1, rows further
 * apart than they are long, the memory no longer than the last row. */
static cyg_image random_image(cyg_pixels format, int width, int height, int depth, int shift_x, int shift_y)
{
    cyg_image image = { .format = format, .width = width, .height = height, .depth = depth,
                        .shift_x = shift_x, .shift_y = shift_y, .matrix = CYG_BT709 };
    const int planes = format == CYG_YUV ? 3 : format == CYG_NV12 ? 2 : 1;
    for (int p = 0; p < planes; p++) {
        const int columns = p ? (width + (1 << shift_x) - 1) >> shift_x : width;
        const int rows = p ? (height + (1 << shift_y) - 1) >> shift_y : height;
        const int values = columns * (format == CYG_RGB24 ? 3 : format == CYG_NV12 && p ? 2 : 1);
        const int bytes = depth > 8 ? 2 : 1;
        image.stride[p] = values * bytes + 2 * any(0, 5);
        const size_t size = image.stride[p] * (rows - 1) + values * bytes;
        image.plane[p] = malloc(size);
        for (int y = 0; y < rows; y++)
            for (int i = 0; i < values; i++) {
                uint8_t *row = image.plane[p] + y * image.stride[p];
                if (depth > 8) ((uint16_t *)row)[i] = (uint16_t)any(0, (1 << depth) - 1);
                else row[i] = (uint8_t)any(0, 255);
            }
    }
    return image;
}

static void free_image(cyg_image *image)
{
    for (int p = 0; p < 3; p++) free(image->plane[p]);
}

static cyg_backbone network(int width, int height)
{
    return (cyg_backbone){ .input = { .width = width, .height = height, .mean = { 127.5f, 127.5f, 127.5f },
                                      .scale = { 1 / 127.5f, 1 / 127.5f, 1 / 127.5f } } };
}

/* R, G, B 0..255 as the network sees the region, [height][width][3]. */
static float *sampled(const cyg_backbone *net, const cyg_image *image, cyg_region region)
{
    const cyg_input *in = &net->input;
    const size_t row = (size_t)in->width * 3;
    float *out = malloc(row * in->height * sizeof *out), *memory = malloc(cyg_sampler_size(in) * sizeof *memory);
    cyg_sampler sampler;
    cyg_sampler_begin(&sampler, tested, in, memory, image, region);
    for (int y = 0; y < in->height; y++) cyg_sampler_row(&sampler, out + y * row, y);
    free(memory);
    for (size_t i = 0; i < row * in->height; i++) out[i] = out[i] * 127.5f + 127.5f;
    return out;
}

/* ---- The rules --------------------------------------------------------------------------- */

static double pixel(const cyg_image *image, int x, int y, int c)
{
    if (x < 0 || y < 0 || x >= image->width || y >= image->height) return 0;
    return image->plane[0][y * image->stride[0] + x * 3 + c];
}

/* Pad with black at the right or bottom to a square, then TensorFlow's ResizeBilinear without
 * half_pixel_centers. */
static double padded_then_resized(const cyg_image *image, int size, int x, int y, int c)
{
    const int side = image->width > image->height ? image->width : image->height;
    const double sx = x * ((double)side / size), sy = y * ((double)side / size);
    const int x0 = (int)floor(sx), y0 = (int)floor(sy);
    const int x1 = ceil(sx) < side - 1 ? (int)ceil(sx) : side - 1, y1 = ceil(sy) < side - 1 ? (int)ceil(sy) : side - 1;
    const double fx = sx - x0, fy = sy - y0;
    const double top = pixel(image, x0, y0, c) * (1 - fx) + pixel(image, x1, y0, c) * fx;
    const double bottom = pixel(image, x0, y1, c) * (1 - fx) + pixel(image, x1, y1, c) * fx;
    return top * (1 - fy) + bottom * fy;
}

static void letterbox_follows_the_rule(void **state)
{
    static const int sizes[][2] = { { 640, 480 }, { 99, 301 }, { 64, 64 }, { 31, 17 }, { 1, 1 }, { 5, 400 },
                                    { 63, 65 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cyg_image image = random_image(CYG_RGB24, sizes[i][0], sizes[i][1], 8, 0, 0);
        const cyg_backbone net = network(64, 64);
        float *got = sampled(&net, &image, cyg_region_letterbox(&net, &image));
        for (int v = 0; v < 64 * 64 * 3; v++) {
            const double want = padded_then_resized(&image, 64, v / 3 % 64, v / 3 / 64, v % 3);
            if (!(fabs(got[v] - want) < 1e-3))
                fail_msg("%d x %d, value %d: %g, expected %g", image.width, image.height, v, got[v], want);
        }
        free(got);
        free_image(&image);
    }
}

/* A square around (cx,cy), pixel centres at whole numbers, the image's edge repeated. */
static double cropped(const cyg_image *image, double cx, double cy, double side, int size, int x, int y, int c)
{
    const double sx = fmin(fmax(cx + ((x + .5) / size - .5) * side - .5, 0), image->width - 1);
    const double sy = fmin(fmax(cy + ((y + .5) / size - .5) * side - .5, 0), image->height - 1);
    const int x0 = (int)sx, y0 = (int)sy;
    const int x1 = x0 + 1 < image->width ? x0 + 1 : x0, y1 = y0 + 1 < image->height ? y0 + 1 : y0;
    const double fx = sx - x0, fy = sy - y0;
    return (pixel(image, x0, y0, c) * (1 - fx) + pixel(image, x1, y0, c) * fx) * (1 - fy) +
           (pixel(image, x0, y1, c) * (1 - fx) + pixel(image, x1, y1, c) * fx) * fy;
}

static void crop_follows_the_rule(void **state)
{
    cyg_image image = random_image(CYG_RGB24, 300, 200, 8, 0, 0);
    cyg_backbone net = network(48, 48);
    net.input.centre_sample = net.input.edge_border = true;
    for (int trial = 0; trial < 40; trial++) {
        const float x = any(-40, 320), y = any(-40, 220), w = any(1, 150), h = any(1, 150);
        const cyg_box box = { x, y, x + w, y + h };
        float *got = sampled(&net, &image, cyg_region_crop(&net, box, 1.1f));
        for (int v = 0; v < 48 * 48 * 3; v++) {
            const double want = cropped(&image, x + w / 2, y + h / 2, 1.1 * fmax(w, h), 48,
                                        v / 3 % 48, v / 3 / 48, v % 3);
            if (!(fabs(got[v] - want) < 5e-2)) fail_msg("value %d: %g, expected %g", v, got[v], want);
        }
        free(got);
    }
    free_image(&image);
}

/* A quarter turn is exact: input pixel (x,y) is image pixel (y, width-1-x). */
static void turns(void **state)
{
    cyg_image image = random_image(CYG_RGB24, 32, 32, 8, 0, 0);
    cyg_backbone net = network(32, 32);
    net.input.centre_sample = true;
    float *got = sampled(&net, &image, (cyg_region){ { 0, 1, 0, -1, 0, 32 } });
    for (int v = 0; v < 32 * 32 * 3; v++)
        assert_true(fabs(got[v] - pixel(&image, v / 3 / 32, 31 - v / 3 % 32, v % 3)) < 1e-3);
    free(got);
    free_image(&image);
}

/* ---- Formats ------------------------------------------------------------------------------- */

static void colour_is(cyg_matrix matrix, bool full, int depth, const int yuv[3], const float rgb[3])
{
    uint16_t words[3] = { (uint16_t)yuv[0], (uint16_t)yuv[1], (uint16_t)yuv[2] };
    uint8_t bytes[3] = { (uint8_t)yuv[0], (uint8_t)yuv[1], (uint8_t)yuv[2] };
    cyg_image image = { .format = CYG_YUV, .width = 1, .height = 1, .depth = depth,
                        .matrix = matrix, .full_range = full };
    for (int i = 0; i < 3; i++) image.plane[i] = depth > 8 ? (uint8_t *)&words[i] : &bytes[i];
    cyg_backbone net = network(16, 16);
    net.input.edge_border = true;
    float *got = sampled(&net, &image, cyg_region_letterbox(&net, &image));
    for (int v = 0; v < 16 * 16 * 3; v++)
        if (!(fabsf(got[v] - rgb[v % 3]) < .6f)) fail_msg("%g, expected %g", got[v], rgb[v % 3]);
    free(got);
}

static void colours_are_known(void **state)
{
    colour_is(CYG_BT601, false, 8, (int[]){ 16, 128, 128 }, (float[]){ 0, 0, 0 });
    colour_is(CYG_BT601, false, 8, (int[]){ 235, 128, 128 }, (float[]){ 255, 255, 255 });
    colour_is(CYG_BT601, false, 8, (int[]){ 0, 128, 128 }, (float[]){ 0, 0, 0 });        /* below black */
    colour_is(CYG_BT601, true, 8, (int[]){ 76, 85, 255 }, (float[]){ 254, 0, 0 });       /* red in JPEG */
    colour_is(CYG_BT601, false, 8, (int[]){ 81, 90, 240 }, (float[]){ 254.4f, 0, 0 });
    colour_is(CYG_BT709, false, 8, (int[]){ 63, 102, 240 }, (float[]){ 255, 0, 0 });
    colour_is(CYG_BT709, false, 8, (int[]){ 32, 240, 118 }, (float[]){ 0.6f, 0, 255 });
    colour_is(CYG_BT2020, false, 10, (int[]){ 658, 189, 100 }, (float[]){ 0, 255, 0 });      /* green */
    colour_is(CYG_BT709, true, 16, (int[]){ 65535, 32768, 32768 }, (float[]){ 255, 255, 255 });
    colour_is(CYG_BT709, false, 10, (int[]){ 940, 512, 512 }, (float[]){ 255, 255, 255 });
}

static cyg_region some_region(const cyg_backbone *net, const cyg_image *image, int trial)
{
    const float a = any(-100, 100) / 50.f, b = any(-100, 100) / 50.f;
    if (trial % 3 == 0) return cyg_region_letterbox(net, image);
    if (trial % 3 == 1) return cyg_region_crop(net, (cyg_box){ -9, 11, 40, 61 }, 1.3f);
    return (cyg_region){ { a, b, 30, -b, a, 20 } };
}

static void assert_same(const float *a, const float *b, size_t n, float tolerance)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(a[i] - b[i]) <= tolerance)) fail_msg("value %zu: %g and %g", i, a[i], b[i]);
}

/* NV12 is I420 with its chroma interleaved; more bits are the same picture, finer; a picture that
 * ends inside of the network's input gets the same black border or repeated edge. */
static void formats_agree(void **state)
{
    for (int trial = 0; trial < 60; trial++) {
        const int width = any(1, 90), height = any(1, 90);
        cyg_image a = random_image(CYG_YUV, width, height, 8, 1, 1);
        cyg_image b = random_image(CYG_NV12, width, height, 8, 1, 1);
        cyg_image c = random_image(CYG_YUV, width, height, 12, 1, 1);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                const int v = a.plane[0][y * a.stride[0] + x];
                b.plane[0][y * b.stride[0] + x] = (uint8_t)v;
                ((uint16_t *)(c.plane[0] + y * c.stride[0]))[x] = (uint16_t)(v * 16);
            }
        for (int y = 0; y < (height + 1) / 2; y++)
            for (int x = 0; x < (width + 1) / 2; x++)
                for (int p = 0; p < 2; p++) {
                    const int v = a.plane[1 + p][y * a.stride[1 + p] + x];
                    b.plane[1][y * b.stride[1] + 2 * x + p] = (uint8_t)v;
                    ((uint16_t *)(c.plane[1 + p] + y * c.stride[1 + p]))[x] = (uint16_t)(v * 16);
                }
        cyg_backbone net = network(40, 32);
        net.input.centre_sample = any(0, 1);
        net.input.edge_border = any(0, 1);
        net.input.bgr = any(0, 1);
        const cyg_region region = some_region(&net, &a, trial);
        float *from_a = sampled(&net, &a, region), *from_b = sampled(&net, &b, region);
        float *from_c = sampled(&net, &c, region);
        assert_same(from_a, from_b, 40 * 32 * 3, 1e-3f);
        assert_same(from_a, from_c, 40 * 32 * 3, 1e-3f);
        free(from_a); free(from_b); free(from_c);
        free_image(&a); free_image(&b); free_image(&c);
    }
}

/* Bilinear sampling of a plane gives back a plane, whatever the chroma's resolution. */
static void ramps_stay_ramps(void **state)
{
    for (int shift = 0; shift < 9; shift++) {
        const int sx = shift % 3, sy = shift / 3 % 2;
        cyg_image image = random_image(CYG_YUV, 160, 120, 16, sx, sy);
        image.full_range = true;
        for (int p = 0; p < 3; p++) {
            const int w = p ? 160 >> sx : 160, h = p ? 120 >> sy : 120;
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++) {
                    const double px = p ? (x + .5) * (1 << sx) - .5 : x, py = p ? (y + .5) * (1 << sy) - .5 : y;
                    const double v = p ? 32768 + 20 * px - 10 * py : 20000 + 50 * px + 60 * py;
                    ((uint16_t *)(image.plane[p] + y * image.stride[p]))[x] = (uint16_t)lround(v);
                }
        }
        cyg_backbone net = network(32, 32);
        net.input.centre_sample = true;
        float *got = sampled(&net, &image, (cyg_region){ { 2, .3f, 20, -.3f, 2, 30 } });
        for (int i = 0; i < 32 * 32; i++) {
            const double ix = i % 32 + .5, iy = i / 32 + .5;
            const double px = 2 * ix + .3 * iy + 20 - .5, py = -.3 * ix + 2 * iy + 30 - .5;
            const double luma = (20000 + 50 * px + 60 * py) / 257, chroma = (20 * px - 10 * py) / 257;
            assert_true(fabs(got[3 * i] - (luma + 1.5748 * chroma)) < .02);
            assert_true(fabs(got[3 * i + 2] - (luma + 1.8556 * chroma)) < .02);
        }
        free(got);
        free_image(&image);
    }
}

static void grey_is_grey(void **state)
{
    cyg_image grey = random_image(CYG_GRAY, 50, 40, 8, 0, 0), rgb = random_image(CYG_RGB24, 50, 40, 8, 0, 0);
    for (int y = 0; y < 40; y++)
        for (int x = 0; x < 150; x++)
            rgb.plane[0][y * rgb.stride[0] + x] = grey.plane[0][y * grey.stride[0] + x / 3];
    const cyg_backbone net = network(33, 35);
    float *a = sampled(&net, &grey, cyg_region_letterbox(&net, &grey));
    float *b = sampled(&net, &rgb, cyg_region_letterbox(&net, &rgb));
    assert_same(a, b, 33 * 35 * 3, 1e-3f);
    free(a); free(b);
    free_image(&grey); free_image(&rgb);
}

/* A picture upside down in memory (negative stride) is the same picture. */
static void strides_may_be_negative(void **state)
{
    cyg_image image = random_image(CYG_RGB24, 50, 40, 8, 0, 0), flipped = image;
    uint8_t *memory = malloc(50 * 40 * 3);
    for (int y = 0; y < 40; y++) memcpy(memory + (39 - y) * 150, image.plane[0] + y * image.stride[0], 150);
    flipped.plane[0] = memory + 39 * 150;
    flipped.stride[0] = -150;
    const cyg_backbone net = network(33, 35);
    float *a = sampled(&net, &image, cyg_region_letterbox(&net, &image));
    float *b = sampled(&net, &flipped, cyg_region_letterbox(&net, &flipped));
    assert_same(a, b, 33 * 35 * 3, 0);
    free(a); free(b); free(memory);
    free_image(&image);
}

static void points_go_back(void **state)
{
    const cyg_backbone net = network(512, 512);
    const cyg_image image = { .width = 1920, .height = 1080 };
    cyg_region region = cyg_region_letterbox(&net, &image);
    cyg_point p = cyg_region_to_image(&region, (cyg_point){ 512, 256 });
    assert_true(p.x == 1920 && p.y == 960);
    cyg_backbone centred = net;
    centred.input.letterbox = CYG_CENTRE;
    region = cyg_region_letterbox(&centred, &image);
    p = cyg_region_to_image(&region, (cyg_point){ 256, 256 });
    assert_true(p.x == 960 && p.y == 540);
    cyg_backbone stretched = net;
    stretched.input.letterbox = CYG_STRETCH;
    region = cyg_region_letterbox(&stretched, &image);
    p = cyg_region_to_image(&region, (cyg_point){ 256, 512 });
    assert_true(p.x == 960 && p.y == 1080);
    cyg_backbone cut = net;
    cut.input.letterbox = CYG_CROP;
    cut.input.crop = .5f;
    region = cyg_region_letterbox(&cut, &image);
    p = cyg_region_to_image(&region, (cyg_point){ 0, 512 });
    assert_true(p.x == 960 - 270 && p.y == 540 + 270);
    region = cyg_region_crop(&net, (cyg_box){ 100, 200, 140, 300 }, 1.5f);
    p = cyg_region_to_image(&region, (cyg_point){ 0, 512 });
    assert_true(fabsf(p.x - 45) < 1e-3f && fabsf(p.y - 325) < 1e-3f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letterbox_follows_the_rule), cmocka_unit_test(crop_follows_the_rule),
        cmocka_unit_test(turns), cmocka_unit_test(colours_are_known), cmocka_unit_test(formats_agree),
        cmocka_unit_test(ramps_stay_ramps), cmocka_unit_test(grey_is_grey),
        cmocka_unit_test(strides_may_be_negative), cmocka_unit_test(points_go_back),
    };
    const cyg_kernels *list[CYG_MAX_ISAS];
    const int count = cyg_kernels_list(list);
    int failed = 0;
    for (int i = 0; i < count; i++) {
        tested = list[i];
        failed += cmocka_run_group_tests_name(tested->isa, tests, NULL, NULL);
    }
    return failed;
}
