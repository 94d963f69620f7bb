/* overlay_blend.c - a premultiplied ARGB picture into the pixels of a frame, whatever their format. */
#include "overlay_internal.h"
#include <assert.h>
#include <math.h>

static inline int smaller(int a, int b) { return a < b ? a : b; }
static inline int larger(int a, int b)  { return a > b ? a : b; }

/* ---- what colours mean (ITU-R BT.601, BT.709, BT.2020; ITU-T H.273 for the ranges) ----- */

static int64_t fixed(double x)
{
    return llround(x * 65536);
}

static void set_weights(component *c, double r, double g, double b, double scale, double black)
{
    c->r = fixed(r * scale / 255);
    c->g = fixed(g * scale / 255);
    c->b = fixed(b * scale / 255);
    c->a = fixed(black / 255);
}

static int yuv_components(component c[3], const cyg_image *im)
{
    static const struct { double kr, kb; } weights[] = {
        [CYG_BT601] = { .299, .114 }, [CYG_BT709] = { .2126, .0722 }, [CYG_BT2020] = { .2627, .0593 },
    };
    const double kr = weights[im->matrix].kr, kb = weights[im->matrix].kb, kg = 1 - kr - kb;
    const double unit = 1 << (im->depth - 8), top = (1 << im->depth) - 1;
    const bool gray = im->format == CYG_GRAY, nv12 = im->format == CYG_NV12, full = im->full_range || gray;
    const double chroma = full ? top : 224 * unit, middle = 128 * unit;
    for (int i = 0; i < 3; i++)
        c[i] = (component){ im->plane[i], im->stride[i], 1, i ? im->shift_x : 0, i ? im->shift_y : 0,
                            im->depth > 8, (1 << im->depth) - 1, 0, 0, 0, 0 };
    if (nv12) {
        c[1].step = c[2].step = 2;
        c[1].shift_x = c[1].shift_y = c[2].shift_x = c[2].shift_y = 1;
        c[2].base = im->plane[1] + 1;
        c[2].stride = im->stride[1];
    }
    set_weights(&c[0], kr, kg, kb, full ? top : 219 * unit, full ? 0 : 16 * unit);
    set_weights(&c[1], -kr / (2 * (1 - kb)), -kg / (2 * (1 - kb)), .5, chroma, middle);
    set_weights(&c[2], .5, -kg / (2 * (1 - kr)), -kb / (2 * (1 - kr)), chroma, middle);
    return gray ? 1 : 3;
}

static int rgb_components(component c[3], const cyg_image *im)
{
    for (int i = 0; i < 3; i++) {
        c[i] = (component){ im->plane[0] + i, im->stride[0], 3, 0, 0, false, 255, 0, 0, 0, 0 };
        set_weights(&c[i], i == 0, i == 1, i == 2, 255, 0);
    }
    return 3;
}

int overlay_components(component c[3], const cyg_image *image)
{
    return image->format == CYG_RGB24 ? rgb_components(c, image) : yuv_components(c, image);
}

/* ---- blending ----------------------------------------------------------------------------- */

/* What a pixel does to a sample: added is 2^16 times what comes, kept 255ths of what was stay. */
typedef struct effect { int64_t added; int kept; } effect;

/* sum / n, without dividing for whole blocks; rounded down. */
static inline int64_t mean(int64_t sum, int n)
{
    switch (n) {
    case 1: return sum;
    case 2: return sum >> 1;
    case 4: return sum >> 2;
    case 8: return sum >> 3;
    }
    return sum / n;
}

/* The mean of n premultiplied pixels whose sums are r, g, b, a. */
static inline effect effect_of(const component *c, int r, int g, int b, int a, int n)
{
    const int64_t added = c->r * r + c->g * g + c->b * b + c->a * a;
    return (effect){ mean(added, n), (int)mean(255 * n - a + n / 2, n) };
}

static inline int64_t mix(const component *c, int64_t old, effect e)
{
    const int64_t value = ((e.kept ? old * e.kept * 65536 / 255 : 0) + e.added + 32768) >> 16;
    return value < 0 ? 0 : value > c->maximum ? c->maximum : value;
}

/* Samples of one row that each stand for one pixel. */
static inline void blend_pixels(const component *c, bool wide, const uint32_t *row, int y, int from, int to)
{
    const ptrdiff_t step = c->step * (wide ? 2 : 1);
    uint8_t *at = c->base + y * c->stride + from * step;
    uint32_t last = 0;                  /* neighbours are often alike */
    effect e = { 0, 255 };
    for (int x = from; x < to; x++, at += step) {
        const uint32_t p = row[x];
        if (!p) continue;
        if (p != last) e = effect_of(c, p >> 16 & 255, p >> 8 & 255, p & 255, (int)(p >> 24), 1);
        last = p;
        write_sample(at, wide, mix(c, read_sample(at, wide), e));
    }
}

/* Samples that each stand for a block: pixels from .. to (whole blocks, or up to the picture's end) of `count` rows. */
static inline void blend_blocks(const component *c, bool wide, const blend_rows *rows, int count,
                                int y, int from, int to)
{
    const ptrdiff_t step = c->step * (wide ? 2 : 1);
    const int across = 1 << c->shift_x;
    uint8_t *at = c->base + (y >> c->shift_y) * c->stride + (from >> c->shift_x) * step;
    uint32_t last = 0;                  /* neighbours are often alike */
    effect e = { 0, 255 };
    for (int x = from; x < to; x += across, at += step) {
        const int end = x + across < to ? x + across : to;
        const uint32_t first = rows->row[0][x];
        int r = 0, g = 0, b = 0, a = 0;
        uint32_t differ = 0;
        for (int i = 0; i < count; i++)
            for (int px = x; px < end; px++) {
                const uint32_t p = rows->row[i][px];
                differ |= p ^ first;
                r += p >> 16 & 255;
                g += p >> 8 & 255;
                b += p & 255;
                a += p >> 24;
            }
        if (!a) continue;
        if (differ) {
            write_sample(at, wide, mix(c, read_sample(at, wide), effect_of(c, r, g, b, a, count * (end - x))));
            continue;
        }
        if (first != last) e = effect_of(c, first >> 16 & 255, first >> 8 & 255, first & 255, (int)(first >> 24), 1);
        last = first;
        write_sample(at, wide, mix(c, read_sample(at, wide), e));
    }
}

static void blend_component(const component *c, const blend_rows *rows, int count, int y, int from, int to)
{
    if (c->shift_x || c->shift_y) {
        for (int i = 0; i < count; i += 1 << c->shift_y) {
            const blend_rows block = { { rows->row[i], rows->row[1] }, rows->width, rows->light };
            const int high = c->shift_y ? count : 1;
            if (c->wide) blend_blocks(c, true, &block, high, y + i, from, to);
            else blend_blocks(c, false, &block, high, y + i, from, to);
        }
        return;
    }
    for (int i = 0; i < count; i++) {
        if (c->wide) blend_pixels(c, true, rows->row[i], y + i, from, to);
        else blend_pixels(c, false, rows->row[i], y + i, from, to);
    }
}

/* What is blended where: the surface, stretched, within the picture. */
typedef struct job {
    const uint8_t *pixels;
    ptrdiff_t stride;
    int size_x, size_y;         /* of the surface */
    int x, y, width, height;    /* where it goes */
} job;

/* The surface's row that stands at place i of n. */
static int unstretched(int i, int n, int size)
{
    const int middle = size / 2;
    return i < middle ? i : i >= n - (size - 1 - middle) ? i - n + size : middle;
}

/* Pixels from .. to of picture row y; none where the surface is not. */
static void fetch(uint32_t *row, const job *j, int y, int from, int to)
{
    memset(row + from, 0, (size_t)(to - from) * sizeof *row);
    if (y < j->y || y >= j->y + j->height) return;
    const uint8_t *line = j->pixels + unstretched(y - j->y, j->height, j->size_y) * j->stride;
    const uint32_t *source = (const uint32_t *)(const void *)line;
    const int middle = j->size_x / 2, shift = j->width - j->size_x;     /* of the columns after the middle one */
    const int left = smaller(to, j->x + middle), right = larger(from, j->x + middle + shift + 1);
    const int end = smaller(to, j->x + j->width);
    for (int x = larger(from, j->x); x < left; x++) row[x] = source[x - j->x];
    for (int x = larger(from, j->x + middle); x < smaller(right, end); x++) row[x] = source[middle];
    for (int x = right; x < end; x++) row[x] = source[x - j->x - shift];
}

/* True if row y lies where the surface's middle row is repeated. */
static bool is_middle(const job *j, int y)
{
    const int middle = j->size_y / 2;
    return y >= j->y + middle && y < j->y + j->height - (j->size_y - 1 - middle);
}

/* Neighbours are often alike. */
static void change_light(uint32_t *row, int from, int to, frame_light light)
{
    uint32_t last = 0, changed = 0;
    for (int x = from; x < to; x++) {
        if (row[x] != last) changed = overlay_light_pixel(last = row[x], light);
        row[x] = changed;
    }
}

/* Rows y .. y + count of the picture, pixels from .. to of them. */
static void blend_span(const component *c, int components, const blend_rows *rows, const job *j,
                       int y, int count, int from, int to)
{
    if (from >= to) return;
    for (int i = 0; i < count; i++) {
        fetch(rows->row[i], j, y + i, from, to);
        if (rows->light != LIGHT_SDR) change_light(rows->row[i], from, to, rows->light);
    }
    for (int k = 0; k < components; k++) blend_component(&c[k], rows, count, y, from, to);
}

void overlay_blend(blend_rows *rows, cyg_image *image, cairo_surface_t *surface, int x, int y, int width, int height)
{
    component c[3];
    const int components = overlay_components(c, image);
    const job j = { cairo_image_surface_get_data(surface), cairo_image_surface_get_stride(surface),
                    cairo_image_surface_get_width(surface), cairo_image_surface_get_height(surface),
                    x, y, width, height };
    assert(rows->width >= image->width && width >= j.size_x && height >= j.size_y);
    const int across = 1 << c[components - 1].shift_x, down = 1 << c[components - 1].shift_y;
    const int from = larger(x, 0) & -across, limit = smaller(x + width, image->width);
    const int to = smaller((limit + across - 1) & -across, image->width);
    const int end = smaller(y + height, image->height);
    /* The columns left and right of the repeated one, in whole chroma samples. */
    const int left = smaller(to, larger(from, (x + j.size_x / 2 + across - 1) & -across));
    const int right = larger(left, (x + width - (j.size_x - 1 - j.size_x / 2)) & -across);
    for (int py = larger(y, 0) & -down; py < end; py += down) {
        const int count = smaller(down, image->height - py);
        const bool hollow = width > j.size_x && is_middle(&j, py) && is_middle(&j, py + count - 1);
        blend_span(c, components, rows, &j, py, count, from, hollow ? left : to);
        if (hollow) blend_span(c, components, rows, &j, py, count, right, to);
    }
}
