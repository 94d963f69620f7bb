/* sample.c - a region of an image as rows of the network's input: bilinear, in floats.
 *
 * Regions that are not turned (nearly all) take the short way: two rows of samples are blended
 * into one, then neighbours in it; both by tables made once a pass. */
#include "plan.h"
#include <math.h>
#include <string.h>

enum { BLOCK = 512, LINE = 4096 };       /* outputs at a time; blended samples of a plane at a time */

static double limit(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* ---- Colours --------------------------------------------------------------------------- */

/* Rows of `to` for R, G, B 0..255 from Y, U, V as stored (ITU-R BT.601, 709, 2020 non-constant
 * luminance). */
static void yuv_colour(cyg_colour *to, const cyg_image *image)
{
    static const struct { double kr, kb; } weights[] = {
        [CYG_BT601] = { .299, .114 }, [CYG_BT709] = { .2126, .0722 }, [CYG_BT2020] = { .2627, .0593 },
    };
    const double kr = weights[image->matrix].kr, kb = weights[image->matrix].kb, kg = 1 - kr - kb;
    const double unit = 1 << (image->depth - 8), top = (1 << image->depth) - 1;
    const double luma = image->full_range ? 255 / top : 255 / (219 * unit);
    const double chroma = image->full_range ? 255 / top : 255 / (224 * unit);
    const double black = image->full_range ? 0 : 16 * unit;
    const double u[3] = { 0, -2 * (1 - kb) * kb / kg, 2 * (1 - kb) };
    const double v[3] = { 2 * (1 - kr), -2 * (1 - kr) * kr / kg, 0 };
    for (int c = 0; c < 3; c++) {
        to->matrix[c][0] = (float)luma;
        to->matrix[c][1] = (float)(u[c] * chroma);
        to->matrix[c][2] = (float)(v[c] * chroma);
        to->offset[c] = (float)(-luma * black - (u[c] + v[c]) * chroma * 128 * unit);
    }
}

static void swap_rows(float a[3], float b[3])
{
    float t[3];
    memcpy(t, a, sizeof t);
    memcpy(a, b, sizeof t);
    memcpy(b, t, sizeof t);
}

static cyg_colour find_colour(const cyg_image *image, const cyg_input *input)
{
    cyg_colour to = { 0 };
    if (image->format == CYG_YUV || image->format == CYG_NV12)
        yuv_colour(&to, image);
    else
        for (int c = 0; c < 3; c++)
            to.matrix[c][image->format == CYG_GRAY ? 0 : c] = 255 / (float)((1 << image->depth) - 1);
    if (input->bgr) {
        const float red = to.offset[0];
        swap_rows(to.matrix[0], to.matrix[2]);
        to.offset[0] = to.offset[2];
        to.offset[2] = red;
    }
    memcpy(to.mean, input->mean, sizeof to.mean);
    memcpy(to.scale, input->scale, sizeof to.scale);
    return to;
}

/* ---- Places ------------------------------------------------------------------------------ */

/* A place between samples of an axis; outside of it its edge goes on. */
static int find_place(float *f, double x, int size)
{
    x = limit(x, 0, size - 1);
    int at = (int)x;
    if (at > 0 && at == size - 1) at--;
    *f = (float)(x - at);
    return at;
}

/* How much of a place between pixels lies on the image: 1 inside, 0 from one pixel outside on. */
static float cover(const cyg_input *input, double x, int size)
{
    return input->edge_border ? 1 : (float)limit(x < 0 ? 1 + x : size - x, 0, 1);
}

/* Chroma lies in the middle of the pixels that share it. */
static double to_chroma(double x, int size, int shift)
{
    return (limit(x, 0, size - 1) + .5) / (1 << shift) - .5;
}

static int chroma_size(int size, int shift)
{
    return (size + (1 << shift) - 1) >> shift;
}

/* Output pixel (x,y) in image pixels, counted from the centre of the first. */
static void find_pixel(double *px, double *py, const cyg_sampler *s, int x, int y)
{
    const float *m = s->region.m;
    const double middle = s->input->centre_sample ? .5 : 0, ix = x + middle, iy = y + middle;
    *px = m[0] * ix + m[1] * iy + m[2] - middle;
    *py = m[3] * ix + m[4] * iy + m[5] - middle;
    if (s->straight && !s->input->centre_sample) {
        /* A network that samples corners never looks past the last pixel of its padded picture. */
        *px = fmin(*px, (double)m[0] * s->input->width + m[2] - 1);
        *py = fmin(*py, (double)m[4] * s->input->height + m[5] - 1);
    }
}

static const uint8_t *row_of(const cyg_image *image, int plane, int y)
{
    return image->plane[plane] + y * image->stride[plane];
}

/* ---- Turned regions: one pixel at a time ---------------------------------------------------- */

static float sample_at(const uint8_t *row, int depth, size_t i)
{
    return depth > 8 ? (float)((const uint16_t *)(const void *)row)[i] : (float)row[i];
}

static float value_at(const cyg_sampler *s, int channel, double px, double py)
{
    const cyg_image *image = &s->image;
    int width = image->width, height = image->height;
    if (s->channel[channel].plane) {
        px = to_chroma(px, width, image->shift_x);
        py = to_chroma(py, height, image->shift_y);
        width = chroma_size(width, image->shift_x);
        height = chroma_size(height, image->shift_y);
    }
    float fx, fy;
    const int x = find_place(&fx, px, width), y = find_place(&fy, py, height);
    const int plane = s->channel[channel].plane, step = s->step[plane];
    const uint8_t *a = row_of(image, plane, y), *b = row_of(image, plane, y + (y + 1 < height));
    const size_t i = (size_t)x * step + s->channel[channel].offset, j = x + 1 < width ? i + step : i;
    const float top = sample_at(a, image->depth, i), bottom = sample_at(b, image->depth, i);
    const float left = top + (bottom - top) * fy;
    const float top2 = sample_at(a, image->depth, j), bottom2 = sample_at(b, image->depth, j);
    const float right = top2 + (bottom2 - top2) * fy;
    return left + (right - left) * fx;
}

static void turned_row(const cyg_sampler *s, float *out, int y)
{
    float values[3][BLOCK], covers[BLOCK];
    const float *const in[3] = { values[0], values[1], values[2] };
    for (int x = 0; x < s->input->width; x += BLOCK) {
        const int count = s->input->width - x < BLOCK ? s->input->width - x : BLOCK;
        for (int i = 0; i < count; i++) {
            double px, py;
            find_pixel(&px, &py, s, x + i, y);
            covers[i] = cover(s->input, px, s->image.width) * cover(s->input, py, s->image.height);
            for (int c = 0; c < 3; c++) values[c][i] = value_at(s, c, px, py);
        }
        s->kernels->colour(out + 3 * x, in, covers, &s->colour, count);
    }
}

/* ---- Straight regions ------------------------------------------------------------------------- */

/* Samples first .. last of a plane, between its rows y and y + 1. */
static void blend_line(const cyg_sampler *s, float *line, int plane, int y, float fy, int step,
                       int first, int last)
{
    const cyg_image *image = &s->image;
    const int height = plane ? chroma_size(image->height, image->shift_y) : image->height;
    const size_t from = (size_t)first * step * (image->depth > 8 ? 2 : 1);
    const uint8_t *a = row_of(image, plane, y) + from;
    const uint8_t *b = row_of(image, plane, y + (y + 1 < height)) + from;
    const int count = (last - first + 1) * step;
    if (image->depth > 8)
        s->kernels->blend16(line, (const uint16_t *)(const void *)a, (const uint16_t *)(const void *)b, fy, count);
    else
        s->kernels->blend8(line, a, b, fy, count);
}

/* How many outputs from x on lie within a line of samples. */
static int run_length(const cyg_axis *axis, int x, int width, int step)
{
    int n = 1;
    while (x + n < width && (axis->at[x + n] + 2 - axis->at[x]) * step <= LINE) n++;
    return n;
}

/* The channels of a plane for outputs x .. x + count - 1 of the row at image height py. */
static void straight_plane(const cyg_sampler *s, float values[3][BLOCK], int plane, double py, int x,
                           int count)
{
    const cyg_image *image = &s->image;
    const cyg_axis *axis = plane ? &s->chroma : &s->luma;
    const int width = plane ? chroma_size(image->width, image->shift_x) : image->width;
    const int height = plane ? chroma_size(image->height, image->shift_y) : image->height;
    float line[LINE], fy;
    const int y = find_place(&fy, plane ? to_chroma(py, image->height, image->shift_y) : py, height);
    const int step = s->step[plane];
    for (int i = 0; i < count; ) {
        const int end = i + run_length(axis, x + i, x + count, step), first = axis->at[x + i];
        const int last = axis->at[x + end - 1] + 1, right = last < width ? step : 0;
        blend_line(s, line, plane, y, fy, step, first, last < width ? last : width - 1);
        for (int c = 0; c < 3; c++) {
            const float *const origin = line + s->channel[c].offset;
            if (s->channel[c].plane != plane) continue;
            for (int j = i; j < end; j++) {
                const float *const v = origin + (axis->at[x + j] - first) * step;
                values[c][j] = v[0] + (v[right] - v[0]) * axis->f[x + j];
            }
        }
        i = end;
    }
}

static void straight_row(const cyg_sampler *s, float *out, int y)
{
    float values[3][BLOCK], covers[BLOCK];
    const float *const in[3] = { values[0], values[1], values[2] };
    double px, py;
    find_pixel(&px, &py, s, 0, y);
    const float covered = cover(s->input, py, s->image.height);
    for (int x = 0; x < s->input->width; x += BLOCK) {
        const int count = s->input->width - x < BLOCK ? s->input->width - x : BLOCK;
        for (int i = 0; i < count; i++) covers[i] = s->cover[x + i] * covered;
        for (int plane = 0; plane < s->planes; plane++)
            if (covered > 0) straight_plane(s, values, plane, py, x, count);
            else memset(values, 0, sizeof values);
        s->kernels->colour(out + 3 * x, in, covers, &s->colour, count);
    }
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static void find_channels(cyg_sampler *s)
{
    static const struct { int planes, step[3], plane[3], offset[3]; } layouts[] = {
        [CYG_GRAY]  = { 1, { 1 },       { 0, 0, 0 }, { 0, 0, 0 } },
        [CYG_RGB24] = { 1, { 3 },       { 0, 0, 0 }, { 0, 1, 2 } },
        [CYG_YUV]   = { 3, { 1, 1, 1 }, { 0, 1, 2 }, { 0, 0, 0 } },
        [CYG_NV12]  = { 2, { 1, 2 },    { 0, 1, 1 }, { 0, 0, 1 } },
    };
    s->planes = layouts[s->image.format].planes;
    for (int i = 0; i < 3; i++) {
        s->step[i] = layouts[s->image.format].step[i];
        s->channel[i].plane = layouts[s->image.format].plane[i];
        s->channel[i].offset = layouts[s->image.format].offset[i];
    }
}

size_t cyg_sampler_size(const cyg_input *input)
{
    return 5 * (size_t)input->width;
}

void cyg_sampler_begin(cyg_sampler *s, const cyg_kernels *kernels, const cyg_input *input,
                       float *memory, const cyg_image *image, cyg_region region)
{
    const int width = input->width;
    const float *m = region.m;
    *s = (cyg_sampler){ .kernels = kernels, .input = input, .image = *image, .region = region };
    s->straight = m[1] == 0 && m[3] == 0 && m[0] > 0 && m[4] > 0;
    s->colour = find_colour(image, input);
    s->luma = (cyg_axis){ (int *)memory, memory + width };
    s->chroma = (cyg_axis){ (int *)memory + 2 * width, memory + 3 * width };
    s->cover = memory + 4 * width;
    find_channels(s);
    for (int x = 0; s->straight && x < width; x++) {
        double px, py;
        find_pixel(&px, &py, s, x, 0);
        s->cover[x] = cover(input, px, image->width);
        s->luma.at[x] = find_place(&s->luma.f[x], px, image->width);
        s->chroma.at[x] = find_place(&s->chroma.f[x], to_chroma(px, image->width, image->shift_x),
                                     chroma_size(image->width, image->shift_x));
    }
}

void cyg_sampler_row(const cyg_sampler *s, float *out, int y)
{
    if (s->straight) straight_row(s, out, y);
    else turned_row(s, out, y);
}
