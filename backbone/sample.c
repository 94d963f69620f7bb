/* sample.c - a region of an image as rows of the network's input: bilinear, in floats. */
#include "plan.h"
#include <math.h>

/* A place between four pixels of a plane: values at (x0,y0) .. (x1,y1), fx and fy of the way. */
typedef struct place { int x0, x1, y0, y1; float fx, fy; } place;

static double limit(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* x, y count pixels from the centre of the first; outside of the plane its edge goes on. */
static place find_place(double x, double y, int width, int height)
{
    x = limit(x, 0, width - 1);
    y = limit(y, 0, height - 1);
    const int x0 = (int)x, y0 = (int)y;
    return (place){ x0, x0 + 1 < width ? x0 + 1 : x0, y0, y0 + 1 < height ? y0 + 1 : y0,
                    (float)(x - x0), (float)(y - y0) };
}

static float value(const cyg_image *image, int plane, int x, int y, int interleaved, int offset)
{
    const uint8_t *row = image->plane[plane] + y * image->stride[plane];
    const size_t i = (size_t)x * interleaved + offset;
    return image->depth > 8 ? (float)((const uint16_t *)row)[i] : (float)row[i];
}

/* Bilinear: across, then down. */
static float blend(const cyg_image *image, int plane, place p, int interleaved, int offset)
{
    const float a = value(image, plane, p.x0, p.y0, interleaved, offset);
    const float b = value(image, plane, p.x1, p.y0, interleaved, offset);
    const float c = value(image, plane, p.x0, p.y1, interleaved, offset);
    const float d = value(image, plane, p.x1, p.y1, interleaved, offset);
    const float top = a + (b - a) * p.fx, bottom = c + (d - c) * p.fx;
    return top + (bottom - top) * p.fy;
}

/* Y, U, V as stored to R, G, B 0..255 (ITU-R BT.601, BT.709, BT.2020 non-constant luminance). */
static void to_rgb(float rgb[3], const cyg_image *image, float y, float u, float v)
{
    static const struct { float kr, kb; } weights[] = {
        [CYG_BT601] = { .299f, .114f }, [CYG_BT709] = { .2126f, .0722f }, [CYG_BT2020] = { .2627f, .0593f },
    };
    const float kr = weights[image->matrix].kr, kb = weights[image->matrix].kb, kg = 1 - kr - kb;
    const float unit = (float)(1 << (image->depth - 8)), top = (float)((1 << image->depth) - 1);
    const float middle = 128 * unit;
    const float luma = image->full_range ? y * 255 / top : (y - 16 * unit) * 255 / (219 * unit);
    const float chroma = image->full_range ? 255 / top : 255 / (224 * unit);
    u = (u - middle) * chroma;
    v = (v - middle) * chroma;
    rgb[0] = luma + 2 * (1 - kr) * v;
    rgb[1] = luma - 2 * (1 - kb) * kb / kg * u - 2 * (1 - kr) * kr / kg * v;
    rgb[2] = luma + 2 * (1 - kb) * u;
    for (int i = 0; i < 3; i++) rgb[i] = fminf(fmaxf(rgb[i], 0), 255);
}

/* Chroma lies in the middle of the pixels that share it. */
static place chroma_place(const cyg_image *image, double x, double y)
{
    const int sx = 1 << image->shift_x, sy = 1 << image->shift_y;
    return find_place((x + .5) / sx - .5, (y + .5) / sy - .5,
                      (image->width + sx - 1) / sx, (image->height + sy - 1) / sy);
}

/* R, G, B 0..255 at (x,y), counted from the centre of the first pixel. */
static void colour_at(float rgb[3], const cyg_image *image, double x, double y)
{
    x = limit(x, 0, image->width - 1);
    y = limit(y, 0, image->height - 1);
    const place p = find_place(x, y, image->width, image->height);
    if (image->format == CYG_RGB24) {
        for (int i = 0; i < 3; i++) rgb[i] = blend(image, 0, p, 3, i);
        return;
    }
    const float luma = blend(image, 0, p, 1, 0);
    if (image->format == CYG_GRAY) {
        rgb[0] = rgb[1] = rgb[2] = luma * 255 / (float)((1 << image->depth) - 1);
        return;
    }
    const place c = chroma_place(image, x, y);
    const bool nv12 = image->format == CYG_NV12;
    to_rgb(rgb, image, luma, blend(image, 1, c, nv12 ? 2 : 1, 0),
           nv12 ? blend(image, 1, c, 2, 1) : blend(image, 2, c, 1, 0));
}

/* How much of a place between pixels lies on the image: 1 inside, 0 from one pixel outside on. */
static float cover(double x, int size)
{
    return (float)limit(x < 0 ? 1 + x : size - x, 0, 1);
}

void cyg_sample_row(float *out, const cyg_input *input, const cyg_image *image,
                    const cyg_region *region, int y)
{
    const float *m = region->m;
    const double middle = input->centre_sample ? .5 : 0;
    /* A network that samples corners never looks past the last pixel of its (padded) picture. */
    const bool straight = m[1] == 0 && m[3] == 0 && !input->centre_sample;
    const double last_x = straight ? (double)m[0] * input->width + m[2] - 1 : INFINITY;
    const double last_y = straight ? (double)m[4] * input->height + m[5] - 1 : INFINITY;
    for (int x = 0; x < input->width; x++, out += 3) {
        const double ix = x + middle, iy = y + middle;
        const double px = fmin(m[0] * ix + m[1] * iy + m[2] - middle, last_x);
        const double py = fmin(m[3] * ix + m[4] * iy + m[5] - middle, last_y);
        const float in = input->edge_border ? 1 : cover(px, image->width) * cover(py, image->height);
        float rgb[3] = { 0 };
        if (in > 0) colour_at(rgb, image, px, py);
        for (int i = 0; i < 3; i++)
            out[i] = (rgb[input->bgr ? 2 - i : i] * in - input->mean[i]) * input->scale[i];
    }
}
