/* test_view.c - what of the viewer needs no window: places, meters, pictures for graphics drivers, sprites. */
#include "overlay.h"
#include "place.h"
#include "view_meter.h"
#include "window_yuv.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- place ------------------------------------------------------------------------------------ */

static void places_keep_the_shape(void **state)
{
    const placement wide = place_picture(1280, 720, 1, 600, 600, false);
    assert_int_equal(wide.width, 600);
    assert_int_equal(wide.height, 338);
    assert_int_equal(wide.x, 0);
    assert_int_equal(wide.y, 131);
    const placement tall = place_picture(720, 1280, 1, 1280, 720, false);
    assert_int_equal(tall.width, 405);
    assert_int_equal(tall.height, 720);
    assert_int_equal(tall.x, 437);
    const placement anamorphic = place_picture(720, 576, 64.f / 45, 1024, 576, false);
    assert_int_equal(anamorphic.width, 1024);
    assert_int_equal(anamorphic.height, 576);
    assert_int_equal(place_picture(0, 0, 1, 100, 100, false).width, 0);
    assert_int_equal(place_picture(65535, 1, 1, 100, 100, false).height, 1);
}

static void points_come_back(void **state)
{
    for (int mirrored = 0; mirrored < 2; mirrored++) {
        const placement p = place_picture(1920, 1080, 1, 1000, 900, mirrored);
        const cyg_box box = { 100, 200, 300, 500 }, on = place_box(&p, box);
        assert_true(on.x1 < on.x2 && on.y1 < on.y2);
        const cyg_point corner = place_point(&p, (cyg_point){ mirrored ? on.x2 : on.x1, on.y1 });
        assert_float_equal(corner.x, 100, .01);
        assert_float_equal(corner.y, 200, .01);
        const float left = mirrored ? 1000 - 300 * 1000 / 1920.f : 100 * 1000 / 1920.f;
        assert_float_equal(on.x1, left, .01);
    }
}

/* On a screen of high density the canvas has more pixels than the mouse has points. */
static void the_mouse_meets_what_it_points_at(void **state)
{
    static const struct { int canvas_width, canvas_height; float x, y; } canvases[] = {
        { 400, 300, 100.5f, 20.5f }, { 800, 600, 201, 41 }, { 600, 450, 150.75f, 30.75f },
    };
    for (size_t i = 0; i < sizeof canvases / sizeof *canvases; i++) {
        const cyg_point p = place_mouse(100, 20, 400, 300, canvases[i].canvas_width, canvases[i].canvas_height);
        assert_float_equal(p.x, canvases[i].x, 1e-4);
        assert_float_equal(p.y, canvases[i].y, 1e-4);
    }
}

/* ---- meter ------------------------------------------------------------------------------------- */

static void meters_count(void **state)
{
    meter *m = calloc(1, sizeof *m);
    assert_non_null(m);
    assert_float_equal(meter_rate(m, 0), 0, 0);
    assert_float_equal(meter_recent(m, .5), 0, 0);
    for (int i = 0; i < 100; i++) meter_add(m, 10 + i * .04, (i + 1) * .001);
    assert_float_equal(meter_rate(m, 13.96), 25, 1e-6);
    assert_float_equal(meter_recent(m, .5), .050, 1e-9);
    assert_float_equal(meter_recent(m, .95), .095, 1e-9);
    assert_float_equal(meter_whole(m, .95), .095, .0011);
    assert_float_equal(meter_mean_rate(m), 25, 1e-6);
    assert_true(meter_rate(m, 14.96) < 13.5 && meter_rate(m, 14.96) > 11);     /* nothing for a second */
    assert_float_equal(meter_rate(m, 20), 0, 0);
    for (int i = 0; i < METER_EVENTS; i++) meter_add(m, 30 + i * .01, 5);
    assert_float_equal(meter_recent(m, 0), 5, 0);                               /* the old ones have left */
    assert_float_equal(meter_whole(m, 1), METER_BINS * .001, 1e-9);
    free(m);
}

/* ---- pictures for drivers --------------------------------------------------------------------------- */

enum { W = 7, H = 5, HALF_W = 4, HALF_H = 3 };

static void check_uniform(const cyg_image *im, int y, int u, int v)
{
    window_yuv memory = { 0 };
    cyg_image out;
    assert_true(window_yuv_convert(&memory, im, &out));
    assert_true(out.format == CYG_YUV && out.depth == 8 && out.shift_x == 1 && out.shift_y == 1);
    for (int i = 0; i < W * H; i++) assert_int_equal(out.plane[0][i], y);
    for (int i = 0; i < HALF_W * HALF_H; i++) {
        assert_int_equal(out.plane[1][i], u);
        assert_int_equal(out.plane[2][i], v);
    }
    window_yuv_free(&memory);
}

/* Every depth and sampling of one colour is that colour. */
static void colours_stay(void **state)
{
    static const struct { int shift_x, shift_y, depth; } kinds[] = {
        { 0, 0, 8 }, { 1, 0, 8 }, { 1, 1, 8 }, { 2, 0, 8 }, { 0, 1, 8 }, { 1, 1, 10 }, { 0, 0, 12 }, { 1, 0, 16 },
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        uint16_t wide[3][W * H];
        uint8_t narrow[3][W * H];
        const int values[3] = { 60, 90, 200 };
        cyg_image im = { .format = CYG_YUV, .width = W, .height = H, .depth = kinds[k].depth,
                         .shift_x = kinds[k].shift_x, .shift_y = kinds[k].shift_y };
        for (int c = 0; c < 3; c++) {
            for (int i = 0; i < W * H; i++) {
                narrow[c][i] = (uint8_t)values[c];
                wide[c][i] = (uint16_t)(values[c] << (im.depth - 8));
            }
            im.plane[c] = im.depth > 8 ? (uint8_t *)wide[c] : narrow[c];
            im.stride[c] = W * (im.depth > 8 ? 2 : 1);
        }
        check_uniform(&im, 60, 90, 200);
    }
}

static void chroma_is_the_mean(void **state)
{
    uint8_t luma[W * H], blue[W * H], red[W * H];
    for (int i = 0; i < W * H; i++) {
        luma[i] = (uint8_t)i;
        blue[i] = (uint8_t)(i % W * 10);                /* across */
        red[i] = (uint8_t)(i / W * 10);                 /* down */
    }
    const cyg_image im = { .format = CYG_YUV, .width = W, .height = H, .depth = 8, .plane = { luma, blue, red },
                           .stride = { W, W, W } };
    window_yuv memory = { 0 };
    cyg_image out;
    assert_true(window_yuv_convert(&memory, &im, &out));
    assert_memory_equal(out.plane[0], luma, sizeof luma);
    static const int across[HALF_W] = { 5, 25, 45, 60 }, down[HALF_H] = { 5, 25, 40 };
    for (int i = 0; i < HALF_W * HALF_H; i++) {
        assert_int_equal(out.plane[1][i], across[i % HALF_W]);
        assert_int_equal(out.plane[2][i], down[i / HALF_W]);
    }
    window_yuv_free(&memory);
}

/* ---- colours that drivers do not know ----------------------------------------------------------------- */

/* Levels 0..255 of red, green and blue of the first pixel, by the definitions of BT.601, BT.709 and BT.2020. */
static void to_rgb(double rgb[3], const cyg_image *im)
{
    static const double red[] = { .299, .2126, .2627 }, blue[] = { .114, .0722, .0593 };
    const double kr = red[im->matrix], kb = blue[im->matrix];
    const double y = im->full_range ? im->plane[0][0] / 255. : (im->plane[0][0] - 16) / 219.;
    const double u = (im->plane[1][0] - 128) / (im->full_range ? 255. : 224);
    const double v = (im->plane[2][0] - 128) / (im->full_range ? 255. : 224);
    const double r = y + 2 * (1 - kr) * v, b = y + 2 * (1 - kb) * u;
    rgb[0] = 255 * r;
    rgb[1] = 255 * (y - kr * r - kb * b) / (1 - kr - kb);
    rgb[2] = 255 * b;
}

static bool is_colour(const double rgb[3])
{
    for (int i = 0; i < 3; i++)
        if (rgb[i] < 0 || rgb[i] > 255) return false;
    return true;
}

static void other_colours_become_those_of_drivers(void **state)
{
    static const struct { cyg_matrix matrix; bool full; } kinds[] = {
        { CYG_BT709, true }, { CYG_BT2020, false }, { CYG_BT2020, true },
    };
    uint8_t luma[4], blue, red;
    int compared = 0;
    window_yuv memory = { 0 };
    for (int i = 0; i < 3 * 16 * 16 * 16; i++) {
        memset(luma, 8 + i % 16 * 15, sizeof luma);
        blue = (uint8_t)(8 + i / 16 % 16 * 15);
        red = (uint8_t)(8 + i / 256 % 16 * 15);
        const cyg_image im = { .format = CYG_YUV, .width = 2, .height = 2, .depth = 8, .shift_x = 1, .shift_y = 1,
                               .matrix = kinds[i / 4096].matrix, .full_range = kinds[i / 4096].full,
                               .plane = { luma, &blue, &red }, .stride = { 2, 1, 1 } };
        cyg_image out;
        double wanted[3], found[3];
        to_rgb(wanted, &im);
        if (!is_colour(wanted)) continue;
        assert_true(window_yuv_convert(&memory, &im, &out));
        assert_true(window_yuv_is_plain(&out));
        assert_int_equal(out.plane[0][0], out.plane[0][3]);
        to_rgb(found, &out);
        for (int c = 0; c < 3; c++) assert_true(fabs(found[c] - wanted[c]) < 2);    /* each sample is rounded once */
        compared++;
    }
    assert_true(compared > 1000);
    window_yuv_free(&memory);
}

/* ---- sprites: the window's overlay is the annotator's -------------------------------------------------- */

enum { SIDE = 300 };

/* As a window blends it, with the middle column and row repeated. */
static void blend(void *context, const sprite *s, int x, int y, int width, int height)
{
    frame *f = context;
    assert_true(s->id > 0 && width >= s->width && height >= s->height);
    for (int py = 0; py < height; py++)
        for (int px = 0; px < width; px++) {
            const int mx = s->width / 2, my = s->height / 2, more_x = width - s->width, more_y = height - s->height;
            const int sx = px < mx ? px : px <= mx + more_x ? mx : px - more_x;
            const int sy = py < my ? py : py <= my + more_y ? my : py - more_y;
            const uint32_t p = s->pixels[sy * s->stride + sx];
            if (x + px < 0 || y + py < 0 || x + px >= SIDE || y + py >= SIDE) continue;
            uint8_t *to = f->image.plane[0] + (y + py) * f->image.stride[0] + 3 * (x + px);
            for (int c = 0; c < 3; c++) {
                const double value = (p >> (16 - 8 * c) & 255) + to[c] * (255 - (p >> 24)) / 255.;
                to[c] = (uint8_t)lround(fmin(value, 255));
            }
        }
}

static void sprites_look_like_drawings(void **state)
{
    static uint8_t drawn[SIDE * SIDE * 3], shown[sizeof drawn];
    frame *f = frame_create();
    overlay *o = overlay_create(&(overlay_options){ .labels = true, .scores = true, .numbers = true });
    assert_true(f && o);
    for (size_t i = 0; i < sizeof drawn; i++) drawn[i] = shown[i] = (uint8_t)(i * 7 % 251);
    f->image = (cyg_image){ .format = CYG_RGB24, .width = SIDE, .height = SIDE, .depth = 8, .plane = { drawn },
                            .stride = { SIDE * 3 } };
    f->object_count = 2;
    f->objects[0] = (object){ .box = { 40, 60, 180, 220 }, .score = .9f, .label_text = "face", .track = 3 };
    f->objects[1] = (object){ .box = { 200, 250, 320, 330 }, .score = .5f, .label_text = "face", .label = 2 };
    overlay_draw(o, f);
    f->image.plane[0] = shown;
    overlay_show(o, f, blend, f);
    int most = 0;
    for (size_t i = 0; i < sizeof drawn; i++) most = abs(drawn[i] - shown[i]) > most ? abs(drawn[i] - shown[i]) : most;
    assert_in_range(most, 0, 1);                        /* each rounds once for every sprite on top of another */
    overlay_free(o);
    frame_free(f);
}

static void panels_are_kept(void **state)
{
    overlay *o = overlay_create(&(overlay_options){ .labels = true });
    overlay_text text = { .text = "source\tclip.mp4\nlatency\t12 ms", .size = 14 };
    const sprite *s = overlay_panel(o, &text);
    assert_non_null(s);
    const uint64_t id = s->id;
    const int width = s->width;
    assert_true(s->width > 100 && s->height > 30);
    assert_true(overlay_panel(o, &text)->id == id);
    text.text = "source\ta much longer name of a clip.mp4\nlatency\t12 ms";
    s = overlay_panel(o, &text);
    assert_true(s->id != id && s->width > width);
    text.width = 120;
    s = overlay_panel(o, &text);
    assert_true(s->width < 120 + 2 * 14 && s->height > 45);
    text.text = "not UTF-8: \xff";
    assert_non_null(overlay_panel(o, &text));
    overlay_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_keep_the_shape), cmocka_unit_test(points_come_back),
        cmocka_unit_test(the_mouse_meets_what_it_points_at), cmocka_unit_test(other_colours_become_those_of_drivers),
        cmocka_unit_test(meters_count),
        cmocka_unit_test(colours_stay), cmocka_unit_test(chroma_is_the_mean),
        cmocka_unit_test(sprites_look_like_drawings), cmocka_unit_test(panels_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
