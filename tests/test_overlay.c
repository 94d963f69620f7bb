/* test_overlay.c - drawing changes no pixel outside of its bounds, and the right ones inside,
 * in every pixel format. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "overlay.h"

typedef struct kind {
    const char *name;
    cyg_pixels  format;
    int         depth, shift_x, shift_y;
    bool        full;
    cyg_matrix  matrix;
} kind;

static const kind kinds[] = {
    { "gray",      CYG_GRAY,  8,  0, 0, false, CYG_BT601 },
    { "gray10",    CYG_GRAY,  10, 0, 0, true,  CYG_BT709 },
    { "rgb24",     CYG_RGB24, 8,  0, 0, true,  CYG_BT601 },
    { "yuv444",    CYG_YUV,   8,  0, 0, false, CYG_BT709 },
    { "yuvj444",   CYG_YUV,   8,  0, 0, true,  CYG_BT601 },
    { "yuv420",    CYG_YUV,   8,  1, 1, false, CYG_BT601 },
    { "yuv422",    CYG_YUV,   8,  1, 0, false, CYG_BT709 },
    { "yuv440",    CYG_YUV,   8,  0, 1, false, CYG_BT709 },
    { "yuv411",    CYG_YUV,   8,  2, 0, false, CYG_BT601 },
    { "yuv410",    CYG_YUV,   8,  2, 1, true,  CYG_BT601 },
    { "yuv420p10", CYG_YUV,   10, 1, 1, false, CYG_BT2020 },
    { "yuv444p12", CYG_YUV,   12, 0, 0, true,  CYG_BT2020 },
    { "yuv422p16", CYG_YUV,   16, 1, 0, false, CYG_BT709 },
    { "nv12",      CYG_NV12,  8,  1, 1, false, CYG_BT709 },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- pictures ----------------------------------------------------------------------------- */

static uint64_t seed = 1;

static int dice(int n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int)((seed >> 33) % (uint64_t)n);
}

static int plane_count(const cyg_image *im)
{
    return im->format == CYG_YUV ? 3 : im->format == CYG_NV12 ? 2 : 1;
}

/* Columns and rows of a plane, and bytes from one column to the next. */
static void plane_size(const cyg_image *im, int plane, int *columns, int *rows, int *bytes)
{
    const int sx = plane ? im->shift_x : 0, sy = plane ? im->shift_y : 0;
    *columns = (im->width + (1 << sx) - 1) >> sx;
    *rows = (im->height + (1 << sy) - 1) >> sy;
    *bytes = (im->depth > 8 ? 2 : 1) * (im->format == CYG_RGB24 ? 3 : im->format == CYG_NV12 && plane ? 2 : 1);
}

/* Exact-size planes (so that ASan sees a step outside), some of them bottom-up, filled by dice. */
static void make_image(cyg_image *im, const kind *k, int width, int height)
{
    *im = (cyg_image){ .format = k->format, .width = width, .height = height, .depth = k->depth, .shift_x = k->shift_x,
                       .shift_y = k->shift_y, .matrix = k->matrix, .full_range = k->full };
    for (int p = 0; p < plane_count(im); p++) {
        int columns, rows, bytes;
        plane_size(im, p, &columns, &rows, &bytes);
        const size_t size = (size_t)columns * (size_t)rows * (size_t)bytes;
        uint8_t *memory = malloc(size);
        assert_non_null(memory);
        for (size_t i = 0; i < size; i++) memory[i] = (uint8_t)dice(256);
        if (k->depth > 8)
            for (size_t i = 1; i < size; i += 2) memory[i] &= (uint8_t)((1 << (k->depth - 8)) - 1);
        im->plane[p] = memory;
        im->stride[p] = (ptrdiff_t)columns * bytes;
        if (dice(3) == 0) {
            im->plane[p] += im->stride[p] * (rows - 1);
            im->stride[p] = -im->stride[p];
        }
    }
}

static uint8_t *plane_memory(const cyg_image *im, int p)
{
    int columns, rows, bytes;
    plane_size(im, p, &columns, &rows, &bytes);
    return im->stride[p] < 0 ? im->plane[p] + im->stride[p] * (rows - 1) : im->plane[p];
}

static void free_image(cyg_image *im)
{
    for (int p = 0; p < plane_count(im); p++) free(plane_memory(im, p));
}

static int sample(const cyg_image *im, int plane, int x, int y, int offset)
{
    int columns, rows, bytes;
    plane_size(im, plane, &columns, &rows, &bytes);
    const uint8_t *at = im->plane[plane] + y * im->stride[plane] + x * bytes;
    return im->depth > 8 ? at[0] | at[1] << 8 : at[offset];
}

static frame *make_frame(const kind *k, int width, int height)
{
    frame *f = calloc(1, sizeof *f);
    assert_non_null(f);
    make_image(&f->image, k, width, height);
    return f;
}

static void free_frame(frame *f)
{
    free_image(&f->image);
    free(f);
}

static void add(frame *f, float x1, float y1, float x2, float y2, const char *text)
{
    f->objects[f->object_count++] =
        (object){ .box = { x1, y1, x2, y2 }, .score = .93f, .label = 0, .label_text = text };
}

static overlay *make_overlay(bool labels, bool scores, float scale)
{
    const overlay_options options = { .labels = labels, .scores = scores, .scale = scale };
    overlay *o = overlay_create(&options);
    assert_non_null(o);
    return o;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static const char *const texts[] = {
    NULL, "", "face", "田中さくら", "ليلى خالد", "\xFF\xFE broken \xC3", "a\nb\tc\x01",
    "😀 smile", "שלום",
    "a name that goes on and on and on and on and on and on and on and on and on and on and on and on and on",
};

static float any_coordinate(int size)
{
    static const float odd[] = { NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 0, -.5f, 1e9f };
    return dice(12) == 0 ? odd[dice(8)] : (float)dice(size * 3) - (float)size + (float)dice(100) / 100;
}

static const cyg_skeleton arm = {
    .point_count = 3, .points = { "shoulder", "elbow", "wrist" }, .bone_count = 2, .bones = { { 0, 1 }, { 1, 2 } },
    .threshold = .5f,
};

static void add_at_random(frame *f)
{
    object *what = &f->objects[f->object_count++];
    const int w = f->image.width, h = f->image.height;
    static const cyg_attribute known[] = { { "gender", "female", .9f, "", 0, 0 }, { "age", NULL, 1, "years", 34, 6 } };
    *what = (object){ .box = { any_coordinate(w), any_coordinate(h), any_coordinate(w), any_coordinate(h) },
                      .score = dice(10) ? (float)dice(101) / 100 : NAN, .label = dice(20) - 3,
                      .label_text = texts[dice(sizeof texts / sizeof *texts)] };
    what->track = dice(1000) - 200;
    what->attribute_count = dice(3);
    memcpy(what->attributes, known, sizeof known);
    if (dice(2)) what->skeleton = &arm;
    for (int i = 0; i < 3; i++)
        what->points[i] = (cyg_key_point){ any_coordinate(w), any_coordinate(h), (float)dice(101) / 100 };
    if (dice(3) == 0) snprintf(what->name, sizeof what->name, "Søren Kierkegaard");
    if (dice(2)) {
        what->box.x2 = what->box.x1 + (float)dice(w);
        what->box.y2 = what->box.y1 + (float)dice(h);
    }
}

/* Every byte that differs from before lies in one of the bounds; none is needed outside of the picture. */
static int count_changes(const cyg_image *before, const cyg_image *after, int (*bounds)[4], int count)
{
    int changed = 0;
    for (int p = 0; p < plane_count(after); p++) {
        int columns, rows, bytes;
        plane_size(after, p, &columns, &rows, &bytes);
        const int sx = p ? after->shift_x : 0, sy = p ? after->shift_y : 0;
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < columns; x++) {
                if (!memcmp(before->plane[p] + y * before->stride[p] + x * bytes,
                            after->plane[p] + y * after->stride[p] + x * bytes, (size_t)bytes))
                    continue;
                changed++;
                bool inside = false;
                for (int i = 0; i < count && !inside; i++) {
                    const int *b = bounds[i];
                    inside = b[0] <= x << sx && b[1] <= y << sy && b[2] > x << sx && b[3] > y << sy &&
                             (b[2] >= (x + 1) << sx || b[2] == after->width) &&
                             (b[3] >= (y + 1) << sy || b[3] == after->height);
                }
                if (!inside) fail_msg("plane %d: sample %d,%d changed outside of all bounds", p, x, y);
            }
    }
    return changed;
}

static void nothing_outside_changes(void **state)
{
    int changed = 0;
    for (int round = 0; round < 120; round++) {
        const kind *k = &kinds[round % KINDS];
        frame *f = make_frame(k, 1 + dice(round < 20 ? 12 : 300), 1 + dice(round < 20 ? 12 : 300));
        overlay *o = make_overlay(dice(4), dice(4), (float)dice(60) / 10);
        const overlay_hide how = (overlay_hide)dice(4);
        const overlay_options look = { .labels = dice(4), .scores = dice(4), .numbers = dice(2),
                                       .no_boxes = dice(3) == 0, .colour_tracks = dice(2), .hide = how };
        if (round % 2) overlay_set(o, &look);
        cyg_image before = f->image;
        for (int n = dice(12); n--; ) add_at_random(f);
        for (int p = 0; p < plane_count(&before); p++) {
            int columns, rows, bytes;
            plane_size(&before, p, &columns, &rows, &bytes);
            const size_t size = (size_t)columns * (size_t)rows * (size_t)bytes;
            uint8_t *copy = malloc(size);
            memcpy(copy, plane_memory(&f->image, p), size);
            before.plane[p] = copy + (f->image.plane[p] - plane_memory(&f->image, p));
        }
        int bounds[CYG_MAX_DETECTIONS][4];
        for (int i = 0; i < f->object_count; i++) {
            overlay_bounds(o, f, i, bounds[i]);
            assert_true(bounds[i][0] >= 0 && bounds[i][1] >= 0);
            assert_true(bounds[i][2] <= f->image.width && bounds[i][3] <= f->image.height);
        }
        overlay_draw(o, f);
        changed += count_changes(&before, &f->image, bounds, f->object_count);
        overlay_free(o);
        free_image(&before);
        free_frame(f);
    }
    assert_true(changed > 10000);
}

/* What colour (0..255 each) stands at a pixel of a picture whose chroma is not subsampled. */
static void colour_at(double rgb[3], const cyg_image *im, int x, int y)
{
    static const double kr[] = { .299, .2126, .2627 }, kb[] = { .114, .0722, .0593 };
    if (im->format == CYG_RGB24) {
        for (int i = 0; i < 3; i++) rgb[i] = sample(im, 0, x, y, i);
        return;
    }
    const double r = kr[im->matrix], b = kb[im->matrix], unit = 1 << (im->depth - 8), top = (1 << im->depth) - 1;
    const double luma = im->full_range ? sample(im, 0, x, y, 0) / top : (sample(im, 0, x, y, 0) / unit - 16) / 219;
    const bool nv12 = im->format == CYG_NV12;
    const int cx = x >> im->shift_x, cy = y >> im->shift_y;
    const double scale = im->full_range ? top : 224 * unit;
    const double u = (sample(im, 1, cx, cy, 0) - 128 * unit) / scale;
    const double v = (sample(im, nv12 ? 1 : 2, cx, cy, nv12) - 128 * unit) / scale;
    rgb[0] = 255 * (luma + 2 * (1 - r) * v);
    rgb[2] = 255 * (luma + 2 * (1 - b) * u);
    rgb[1] = (255 * luma - r * rgb[0] - b * rgb[2]) / (1 - r - b);
}

/* A thick line has the palette's first colour in every format, and what is under it does not shine through. */
static void colours_are_right(void **state)
{
    static const double blue[] = { 0x56, 0xB4, 0xE9 };
    for (int k = 0; k < KINDS; k++) {
        frame *f = make_frame(&kinds[k], 320, 240);
        overlay *o = make_overlay(false, false, 10);        /* lines of 10 pixels */
        add(f, 80, 60, 240, 180, "face");
        overlay_draw(o, f);
        double rgb[3];
        if (f->image.format == CYG_GRAY) {
            const bool old = f->image.matrix == CYG_BT601;
            const double r = old ? .299 : .2126, b = old ? .114 : .0722;
            const double luma = r * blue[0] + (1 - r - b) * blue[1] + b * blue[2];
            assert_true(fabs(sample(&f->image, 0, 160, 60, 0) * 255. / ((1 << f->image.depth) - 1) - luma) < 1);
        } else {
            static const int places[][2] = { { 160, 60 }, { 160, 180 }, { 80, 120 }, { 240, 120 } };
            for (int i = 0; i < 4; i++) {
                colour_at(rgb, &f->image, places[i][0], places[i][1]);
                for (int c = 0; c < 3; c++)
                    if (fabs(rgb[c] - blue[c]) > 2.5)
                        fail_msg("%s: found %.1f, expected %.1f", kinds[k].name, rgb[c], blue[c]);
            }
        }
        overlay_free(o);
        free_frame(f);
    }
}

/* The other way round from how it is drawn: ITU-R BT.2100, tables 4 (cd/m2) and 5 (of the scene's light). */
static double light_of_pq(double code)
{
    const double n = pow(code, 1 / 78.84375);
    return 10000 * pow(fmax(n - .8359375, 0) / (18.8515625 - 18.6875 * n), 1 / .1593017578125);
}

static double light_of_hlg(double code)
{
    return code <= .5 ? code * code / 3 : (exp((code - .55991073) / .17883277) + .28466892) / 12;
}

/* The palette's first colour on a screen of gamma 2.4 whose white has 203 cd/m2, in the primaries of BT.2020; in HLG
 * white is .75, which is .265 of the light. */
static void more_light_makes_nothing_glare(void **state)
{
    const kind deep = { "yuv444p12", CYG_YUV, 12, 0, 0, false, CYG_BT2020 };
    const double r = pow(0x56 / 255., 2.4), g = pow(0xB4 / 255., 2.4), b = pow(0xE9 / 255., 2.4);
    const double wide[] = { .6274 * r + .3293 * g + .0433 * b, .0691 * r + .9195 * g + .0114 * b,
                            .0164 * r + .0880 * g + .8956 * b };
    for (int k = 0; k < 2; k++) {
        frame *f = make_frame(&deep, 320, 240);
        overlay *o = make_overlay(false, false, 10);
        f->light = k ? LIGHT_HLG : LIGHT_PQ;
        add(f, 80, 60, 240, 180, "face");
        overlay_draw(o, f);
        double rgb[3];
        colour_at(rgb, &f->image, 160, 60);
        for (int c = 0; c < 3; c++) {
            const double light = k ? light_of_hlg(rgb[c] / 255) / .265 : light_of_pq(rgb[c] / 255) / 203;
            if (fabs(light - wide[c]) > .05 * wide[c])          /* a level of 255 is 4 % */
                fail_msg("%s: found %.4f of white, expected %.4f", k ? "HLG" : "PQ", light, wide[c]);
        }
        overlay_free(o);
        free_frame(f);
    }
}

/* Drawing on an even gray in YUV 4:4:4 is drawing in RGB; subsampled chroma is the mean of it. */
static void formats_agree(void **state)
{
    static const kind rgb = { "rgb", CYG_RGB24, 8, 0, 0, true, CYG_BT709 };
    for (int k = 0; k < KINDS; k++) {
        if (kinds[k].format == CYG_GRAY || kinds[k].format == CYG_RGB24) continue;
        kind whole = kinds[k];
        whole.format = CYG_YUV;
        whole.depth = 8;
        whole.shift_x = whole.shift_y = 0;
        const kind *const three[] = { &rgb, &whole, &kinds[k] };
        frame *f[3];
        for (int i = 0; i < 3; i++) {
            f[i] = make_frame(three[i], 151, 97);
            cyg_image *im = &f[i]->image;
            for (int p = 0; p < plane_count(im); p++) {
                int columns, rows, bytes;
                plane_size(im, p, &columns, &rows, &bytes);
                const int grey = im->format == CYG_RGB24 || p ? 128 : im->full_range ? 128 : 126;
                uint8_t *m = plane_memory(im, p);
                const int value = grey << (im->depth - 8);
                for (int j = 0; j < columns * rows * bytes; j++)
                    m[j] = (uint8_t)(im->depth == 8 ? grey : j & 1 ? value >> 8 : value & 255);
            }
            overlay *o = make_overlay(true, true, 1);
            add(f[i], 31.4f, 40, 77, 83.7f, "face");
            add(f[i], 101, 20, 163, 73, "さくら");
            overlay_draw(o, f[i]);
            overlay_free(o);
        }
        double a[3], b[3];
        for (int y = 0; y < 97; y++)
            for (int x = 0; x < 151; x++) {
                colour_at(a, &f[0]->image, x, y);
                colour_at(b, &f[1]->image, x, y);
                for (int c = 0; c < 3; c++)
                    if (fabs(a[c] - b[c]) > 3.5) fail_msg("%s: %d,%d: %.1f and %.1f", kinds[k].name, x, y, a[c], b[c]);
            }
        const cyg_image *im = &f[2]->image;
        const int sx = im->shift_x, sy = im->shift_y, unit = 1 << (im->depth - 8);
        for (int y = 0; y < (97 + (1 << sy) - 1) >> sy; y++)
            for (int x = 0; x < (151 + (1 << sx) - 1) >> sx; x++) {
                double mean = 0;
                int n = 0;
                for (int py = y << sy; py < (y + 1) << sy && py < 97; py++)
                    for (int px = x << sx; px < (x + 1) << sx && px < 151; px++, n++)
                        mean += sample(&f[1]->image, 1, px, py, 0);
                const double found = (double)sample(im, 1, x, y, 0) / unit;
                if (fabs(found - mean / n) > 1.6)
                    fail_msg("%s: chroma %d,%d: %.1f, expected %.1f", kinds[k].name, x, y, found, mean / n);
            }
        for (int i = 0; i < 3; i++) free_frame(f[i]);
    }
}

static void box_bounds(frame *f, overlay *o, float x1, float y1, float x2, float y2, int bounds[4])
{
    f->object_count = 0;
    add(f, x1, y1, x2, y2, "face");
    overlay_bounds(o, f, 0, bounds);
}

/* Above the box; below where there is no room; inside where there is none either; never out of the picture. */
static void labels_find_room(void **state)
{
    frame *f = make_frame(&kinds[2], 640, 480);
    overlay *plain = make_overlay(false, false, 1), *o = make_overlay(true, true, 1);
    int b[4], p[4];
    box_bounds(f, plain, 200, 200, 300, 300, p);
    box_bounds(f, o, 200, 200, 300, 300, b);
    assert_true(p[0] >= 195 && p[0] < 200 && p[3] > 300 && p[3] <= 305);
    assert_true(b[1] < p[1] - 8 && b[3] == p[3]);
    box_bounds(f, plain, 200, 2, 300, 300, p);
    box_bounds(f, o, 200, 2, 300, 300, b);
    assert_true(b[1] == p[1] && b[3] > p[3] + 8);
    box_bounds(f, plain, 200, 2, 300, 478, p);
    box_bounds(f, o, 200, 2, 300, 478, b);
    assert_memory_equal(b, p, sizeof b);
    box_bounds(f, o, 630, 200, 700, 300, b);
    assert_true(b[2] == 640 && b[0] < 600);
    box_bounds(f, o, -50, 200, 5, 300, b);
    assert_true(b[0] == 0 && b[2] > 40);
    box_bounds(f, o, 700, 200, 800, 300, b);
    assert_true(!b[0] && !b[1] && !b[2] && !b[3]);
    box_bounds(f, o, 300, 200, NAN, 300, b);
    assert_true(!b[2]);
    box_bounds(f, o, 300, 200, 200, 300, b);
    assert_true(!b[2]);
    overlay_free(o);
    overlay_free(plain);
    free_frame(f);
}

/* Two faces whose labels would meet: the second one's goes elsewhere; a third with no room has none. */
static void labels_keep_apart(void **state)
{
    frame *f = make_frame(&kinds[2], 640, 480);
    overlay *o = make_overlay(true, true, 1), *plain = make_overlay(false, false, 1);
    int b[4], p[4];
    for (int i = 0; i < 4; i++) add(f, 200, 200, 240, 240, "a long name for it");
    for (int i = 0; i < 4; i++) {
        overlay_bounds(o, f, i, b);
        overlay_bounds(plain, f, i, p);
        if (i == 0) assert_true(b[1] < p[1] && b[3] == p[3]);
        if (i == 1) assert_true(b[1] == p[1] && b[3] > p[3]);
        if (i == 2) assert_true(b[1] == p[1] && b[3] == p[3] && b[2] > p[2]);
        if (i == 3) assert_memory_equal(b, p, sizeof b);
    }
    overlay_free(o);
    overlay_free(plain);
    free_frame(f);
}

static void fill(frame *f, int value)
{
    memset(plane_memory(&f->image, 0), value, (size_t)f->image.width * (size_t)f->image.height * 3);
}

/* An outline is its own mirror image, along both axes; within a box nothing changes. */
static void outlines_are_even(void **state)
{
    frame *f = make_frame(&kinds[2], 101, 91);
    overlay *o = make_overlay(false, false, 6);
    fill(f, 60);
    add(f, 20, 20, 81, 71, NULL);
    overlay_draw(o, f);
    for (int y = 0; y < 91; y++)
        for (int x = 0; x < 101; x++)
            for (int c = 0; c < 3; c++) {
                const int here = sample(&f->image, 0, x, y, c);
                if (x > 40 && x < 60 && y > 30 && y < 60) assert_int_equal(here, 60);
                assert_in_range(here + 16 - sample(&f->image, 0, x, 90 - y, c), 0, 32);      /* Cairo's own rounding */
                assert_in_range(here + 16 - sample(&f->image, 0, 100 - x, y, c), 0, 32);
            }
    overlay_free(o);
    free_frame(f);
}

/* What stands in the label's plate, of the same text in the colours of two classes. */
static void labels_have_their_colours(void **state)
{
    frame *f = make_frame(&kinds[2], 200, 100);
    overlay *o = make_overlay(true, false, 2);
    double rgb[2][3];
    for (int label = 0; label < 2; label++) {
        int bounds[4];
        f->object_count = 0;
        add(f, 20, 40, 120, 80, "face");
        f->objects[0].label = label;
        overlay_draw(o, f);
        overlay_bounds(o, f, 0, bounds);
        colour_at(rgb[label], &f->image, bounds[0] + 5, bounds[1] + 8);
    }
    assert_true(rgb[0][2] == 0xE9 && rgb[1][2] == 0x00);
    overlay_free(o);
    free_frame(f);
}

/* The name of a person, a track's number and what is known each make the label longer. */
static void labels_tell_more(void **state)
{
    frame *f = make_frame(&kinds[2], 640, 480);
    overlay *o = make_overlay(true, false, 1);
    int widths[4], bounds[4];
    add(f, 100, 200, 110, 210, "face");
    for (int i = 0; i < 4; i++) {
        object *const what = &f->objects[0];
        if (i == 1) overlay_set(o, &(overlay_options){ .labels = true, .numbers = true });
        if (i == 1) what->track = 31;
        if (i == 2) what->attributes[what->attribute_count++] = (cyg_attribute){ "age", NULL, 1, "years", 34, 6 };
        if (i == 3) snprintf(what->name, sizeof what->name, "Ada, Countess of Lovelace");
        overlay_bounds(o, f, 0, bounds);
        widths[i] = bounds[2] - bounds[0];
        if (i) assert_true(widths[i] > widths[i - 1] + 8);
    }
    overlay_free(o);
    free_frame(f);
}

/* B. Ottosson, "A perceptual color space for image processing", 2020. */
static void to_oklab(double lab[3], const double rgb[3])
{
    double lin[3], lms[3];
    static const double cone[3][3] = { { .4122214708, .5363325363, .0514459929 },
                                       { .2119034982, .6806995451, .1073969566 },
                                       { .0883024619, .2817188376, .6299787005 } };
    static const double opponent[3][3] = { { .2104542553, .7936177850, -.0040720468 },
                                           { 1.9779984951, -2.4285922050, .4505937099 },
                                           { .0259040371, .7827717662, -.8086757660 } };
    for (int i = 0; i < 3; i++)
        lin[i] = rgb[i] <= 10.3 ? rgb[i] / 255 / 12.92 : pow((rgb[i] / 255 + .055) / 1.055, 2.4);
    for (int i = 0; i < 3; i++)
        lms[i] = cbrt(cone[i][0] * lin[0] + cone[i][1] * lin[1] + cone[i][2] * lin[2]);
    for (int i = 0; i < 3; i++)
        lab[i] = opponent[i][0] * lms[0] + opponent[i][1] * lms[1] + opponent[i][2] * lms[2];
}

/* No two of 90 classes look alike: in Oklab, where .02 is just noticeable, they are at least .05
 * apart; the first dozen .12. */
static void classes_differ(void **state)
{
    static double lab[90][3];
    frame *f = make_frame(&kinds[2], 320, 240);
    overlay *o = make_overlay(false, false, 10);
    for (int i = 0; i < 90; i++) {
        double rgb[3];
        f->object_count = 0;
        add(f, 80, 60, 240, 180, "thing");
        f->objects[0].label = i;
        overlay_draw(o, f);
        colour_at(rgb, &f->image, 160, 60);
        to_oklab(lab[i], rgb);
        for (int j = 0; j < i; j++) {
            const double d = hypot(hypot(lab[i][0] - lab[j][0], lab[i][1] - lab[j][1]), lab[i][2] - lab[j][2]);
            if (d < (i < 12 ? .12 : .05)) fail_msg("classes %d and %d: %.3f apart", j, i, d);
        }
    }
    overlay_free(o);
    free_frame(f);
}

/* ---- hiding ------------------------------------------------------------------------------------ */

static overlay *make_hider(overlay_hide how)
{
    overlay *o = make_overlay(false, false, 1);
    overlay_set(o, &(overlay_options){ .no_boxes = true, .hide = how });
    return o;
}

static void hide(frame *f, overlay_hide how)
{
    overlay *o = make_hider(how);
    overlay_draw(o, f);
    overlay_free(o);
}

/* In every format: the whole box is black, corners too; what is farther than a fifth of it stays. */
static void solid_covers_the_box(void **state)
{
    for (int k = 0; k < KINDS; k++) {
        if (kinds[k].format == CYG_GRAY) continue;
        frame *f = make_frame(&kinds[k], 120, 100);
        add(f, 40, 30, 80, 70, "face");
        hide(f, OVERLAY_SOLID);
        for (int y = 30; y < 70; y++)
            for (int x = 40; x < 80; x++) {
                double rgb[3];
                colour_at(rgb, &f->image, x, y);
                for (int c = 0; c < 3; c++)
                    if (fabs(rgb[c]) > 2) fail_msg("%s: %d,%d: %.1f shows", kinds[k].name, x, y, rgb[c]);
            }
        free_frame(f);
    }
}

/* At most 8 x 8 values are left of each component. */
static void tiles_are_few(void **state)
{
    frame *f = make_frame(&kinds[2], 200, 200);
    add(f, 50, 60, 130, 140, "face");
    hide(f, OVERLAY_PIXELATE);
    for (int c = 0; c < 3; c++) {
        bool seen[256] = { false };
        int different = 0;
        for (int y = 60; y < 140; y++)
            for (int x = 50; x < 130; x++) {
                const int value = sample(&f->image, 0, x, y, c);
                different += !seen[value];
                seen[value] = true;
            }
        assert_in_range(different, 2, 64);
    }
    free_frame(f);
}

/* Blurring knows no more than the tiles: of a picture and of its tiles it makes the same. Rounding
 * moves a tile's mean by one at most, and what stands between two of them by one more. Only the middle
 * is compared: tiles at the rim also cover what is not hidden. */
static void blur_knows_only_tiles(void **state)
{
    for (int k = 0; k < KINDS; k++) {
        seed = 5;
        frame *once = make_frame(&kinds[k], 150, 130);
        seed = 5;
        frame *twice = make_frame(&kinds[k], 150, 130);
        add(once, 20, 30, 100, 110, "face");
        add(twice, 20, 30, 100, 110, "face");
        hide(once, OVERLAY_BLUR);
        hide(twice, OVERLAY_PIXELATE);
        hide(twice, OVERLAY_BLUR);
        for (int p = 0; p < plane_count(&once->image); p++) {
            int columns, rows, bytes;
            plane_size(&once->image, p, &columns, &rows, &bytes);
            const int sx = p ? once->image.shift_x : 0, sy = p ? once->image.shift_y : 0;
            for (int y = 46 >> sy; y < 94 >> sy; y++)
                for (int x = 36 >> sx; x < 84 >> sx; x++) {
                    const int a = sample(&once->image, p, x, y, 0), b = sample(&twice->image, p, x, y, 0);
                    if (abs(a - b) > 2) fail_msg("%s: plane %d, %d,%d: %d and %d", kinds[k].name, p, x, y, a, b);
                }
        }
        free_frame(once);
        free_frame(twice);
    }
}

/* The same frame gives the same pixels: fresh, from what was kept, and after 1000 other labels and another size. */
static double distance_at(const frame *f, const uint8_t *before, int x, int y)
{
    const uint8_t *p = f->image.plane[0] + y * f->image.stride[0] + x * 3, *q = before + (y * 200 + x) * 3;
    return abs(p[0] - q[0]) + abs(p[1] - q[1]) + abs(p[2] - q[2]);
}

/* From shoulder to elbow there is a line; the wrist is not sure enough: neither a line nor a dot. */
static void bones_join_sure_points(void **state)
{
    static const kind rgb = { "rgb24", CYG_RGB24, 8, 0, 0, true, CYG_BT709 };
    overlay *o = make_overlay(false, false, 1);
    frame *f = make_frame(&rgb, 200, 150);
    fill(f, 40);
    add(f, 5, 5, 190, 145, NULL);
    f->objects[0].skeleton = &arm;
    memcpy(f->objects[0].points, (cyg_key_point[3]){ { 40, 40, .9f }, { 120, 40, .5f }, { 120, 120, .49f } },
           3 * sizeof(cyg_key_point));
    uint8_t *before = malloc(200 * 150 * 3);
    for (int y = 0; y < 150; y++) memcpy(before + y * 600, f->image.plane[0] + y * f->image.stride[0], 600);
    overlay_draw(o, f);
    assert_true(distance_at(f, before, 80, 40) > 100);
    assert_true(distance_at(f, before, 120, 40) > 100);
    assert_true(distance_at(f, before, 80, 50) == 0);
    assert_true(distance_at(f, before, 120, 80) == 0);
    assert_true(distance_at(f, before, 120, 120) == 0);
    free(before);
    free_frame(f);
    overlay_free(o);
}

static void draws_the_same_again(void **state)
{
    static const kind *const k = &kinds[5];
    overlay *o = make_overlay(true, true, 1);
    uint8_t *first = NULL;
    for (int i = 0; i < 4; i++) {
        seed = 7;
        frame *f = make_frame(k, 200, 150);
        add(f, 20, 30, 80, 90, "Søren");
        add(f, 100, 50, 190, 140, "ليلى");
        if (i == 2)
            for (int n = 0; n < 1000; n++) {
                char text[20];
                int b[4];
                frame other = *f;
                snprintf(text, sizeof text, "name %d", n);
                other.objects[0].label_text = text;
                overlay_bounds(o, &other, 0, b);
                if (n == 500) other.image.width = 198, overlay_bounds(o, &other, 1, b);
            }
        overlay_draw(o, f);
        const uint8_t *luma = plane_memory(&f->image, 0);
        if (first) assert_memory_equal(first, luma, 200 * 150);
        else first = memcpy(malloc(200 * 150), luma, 200 * 150);
        free_frame(f);
    }
    free(first);
    overlay_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_outside_changes),
        cmocka_unit_test(colours_are_right),
        cmocka_unit_test(more_light_makes_nothing_glare),
        cmocka_unit_test(formats_agree),
        cmocka_unit_test(labels_find_room),
        cmocka_unit_test(labels_keep_apart),
        cmocka_unit_test(outlines_are_even),
        cmocka_unit_test(labels_have_their_colours),
        cmocka_unit_test(labels_tell_more),
        cmocka_unit_test(classes_differ),
        cmocka_unit_test(solid_covers_the_box),
        cmocka_unit_test(tiles_are_few),
        cmocka_unit_test(blur_knows_only_tiles),
        cmocka_unit_test(bones_join_sure_points),
        cmocka_unit_test(draws_the_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
