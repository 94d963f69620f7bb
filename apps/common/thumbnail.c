/* thumbnail.c - a small JPEG of a part of a picture, in memory. */
#include "thumbnail.h"
#include <assert.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <jpeglib.h>

enum { QUALITY = 85, MOST_TAPS = 8 };

typedef struct colour { float r, g, b; } colour;        /* 0 .. 255 */

/* ---- Pixels of every format -------------------------------------------------------------- */

static float sample_of(const cyg_image *image, int plane, int x, int y)
{
    const uint8_t *row = image->plane[plane] + y * image->stride[plane];
    return image->depth > 8 ? ((const uint16_t *)(const void *)row)[x] : row[x];
}

/* Y in 0 .. 1, chroma in -.5 .. .5, by the range of the image; Kr and Kb of the matrix (ITU-R BT.601, 709, 2020) */
static colour from_yuv(const cyg_image *image, float y, float u, float v)
{
    static const struct { float r, b; } weights[] = {
        [CYG_BT601] = { .299f, .114f }, [CYG_BT709] = { .2126f, .0722f }, [CYG_BT2020] = { .2627f, .0593f },
    };
    const float unit = (float)(1 << (image->depth - 8));
    const float kr = weights[image->matrix].r, kb = weights[image->matrix].b;
    const float most = (float)((1 << image->depth) - 1);
    y = image->full_range ? y / most : (y / unit - 16) / 219;
    u = image->full_range ? (u - 128 * unit) / most : (u / unit - 128) / 224;
    v = image->full_range ? (v - 128 * unit) / most : (v / unit - 128) / 224;
    const float r = y + 2 * (1 - kr) * v, b = y + 2 * (1 - kb) * u;
    const float g = (y - kr * r - kb * b) / (1 - kr - kb);
    return (colour){ 255 * r, 255 * g, 255 * b };
}

static colour pixel(const cyg_image *image, int x, int y)
{
    if (x < 0 || y < 0 || x >= image->width || y >= image->height) return (colour){ 0, 0, 0 };
    switch (image->format) {
    case CYG_RGB24: {
        const uint8_t *p = image->plane[0] + y * image->stride[0] + 3 * x;
        return (colour){ p[0], p[1], p[2] };
    }
    case CYG_GRAY: {
        const float grey = sample_of(image, 0, x, y) * 255 / (float)((1 << image->depth) - 1);
        return (colour){ grey, grey, grey };
    }
    case CYG_NV12: {
        const int column = x >> 1 << 1, row = y >> 1;
        return from_yuv(image, sample_of(image, 0, x, y), sample_of(image, 1, column, row),
                        sample_of(image, 1, column + 1, row));
    }
    default: {
        const int column = x >> image->shift_x, row = y >> image->shift_y;
        return from_yuv(image, sample_of(image, 0, x, y), sample_of(image, 1, column, row),
                        sample_of(image, 2, column, row));
    }
    }
}

/* ---- Scaling: the mean of evenly spread pixels ---------------------------------------------- */

static uint8_t byte(float x)
{
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x + .5f);
}

static void draw_row(uint8_t *row, const cyg_image *image, float left, float top, float step, int side)
{
    const int taps = step <= 1 ? 1 : step >= MOST_TAPS ? MOST_TAPS : (int)ceilf(step);
    for (int x = 0; x < side; x++) {
        colour sum = { 0, 0, 0 };
        for (int i = 0; i < taps * taps; i++) {
            const float px = left + step * ((float)x + ((float)(i % taps) + .5f) / (float)taps);
            const float py = top + step * (((float)(i / taps) + .5f) / (float)taps);
            const colour c = pixel(image, (int)floorf(px), (int)floorf(py));
            sum.r += c.r;
            sum.g += c.g;
            sum.b += c.b;
        }
        const float share = 1 / (float)(taps * taps);
        *row++ = byte(sum.r * share);
        *row++ = byte(sum.g * share);
        *row++ = byte(sum.b * share);
    }
}

/* ---- JPEG -------------------------------------------------------------------------------------- */

typedef struct jpeg_errors {
    struct jpeg_error_mgr base;
    jmp_buf               out;
} jpeg_errors;

static void give_up(j_common_ptr jpeg)
{
    longjmp(((jpeg_errors *)jpeg->err)->out, 1);
}

/* The only thing that can fail is memory. */
static bool encode(uint8_t **out, size_t *size, const uint8_t *pixels, int side)
{
    struct jpeg_compress_struct jpeg;
    jpeg_errors errors;
    unsigned char *bytes = NULL;
    unsigned long length = 0;
    jpeg.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = give_up;
    if (setjmp(errors.out)) {
        jpeg_destroy_compress(&jpeg);
        return false;
    }
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &length);
    jpeg.image_width = jpeg.image_height = (JDIMENSION)side;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, QUALITY, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < side; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + (size_t)y * (size_t)side * 3);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    *out = bytes;
    *size = length;
    return true;
}

cyg_status thumbnail_make(uint8_t **out, size_t *size, const cyg_image *image, cyg_box box, float scale,
                          int side,
                          cyg_error *err)
{
    assert(side >= 1 && side <= 4096 && scale > 0);
    *out = NULL;
    *size = 0;
    const float whole = scale * fmaxf(fmaxf(box.x2 - box.x1, box.y2 - box.y1), 1);
    const float left = (box.x1 + box.x2 - whole) / 2, top = (box.y1 + box.y2 - whole) / 2;
    uint8_t *pixels = malloc((size_t)side * (size_t)side * 3);
    if (!pixels) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for a thumbnail");
    const float step = whole / (float)side;
    for (int y = 0; y < side; y++)
        draw_row(pixels + (size_t)y * (size_t)side * 3, image, left, top + step * (float)y, step, side);
    const bool done = encode(out, size, pixels, side);
    free(pixels);
    return done ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "out of memory for a thumbnail");
}
