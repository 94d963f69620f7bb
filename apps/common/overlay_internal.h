/* overlay_internal.h - what overlay.c, overlay_paint.c and overlay_blend.c share. */
#ifndef OVERLAY_INTERNAL_H
#define OVERLAY_INTERNAL_H

#include "overlay.h"
#include <pango/pangocairo.h>

enum { OVERLAY_COLOURS = 7, OVERLAY_MAX_RADIUS = 64 };

/* Sizes in pixels for one size of picture. */
typedef struct overlay_style {
    int    line, halo;          /* width of the outline, and of the dark rim on both its sides */
    int    outside, inside;     /* how far line and halo reach out of the box and into it */
    int    radius;              /* of the corners, at the box itself */
    double font;                /* height of the text, em */
} overlay_style;

overlay_style overlay_style_for(int width, int height, float scale);

/* A surface is premultiplied ARGB32. NULL: no memory. */
/* The outline of the smallest box with that radius; every other box is this one with the
 * column and the row in its middle repeated. */
cairo_surface_t *overlay_paint_box(const overlay_style *style, int colour, int radius);
/* How much wider and higher than the box its outline is, on each side; and the smallest box. */
int overlay_smallest_box(const overlay_style *style, int radius);
/* Text on its plate; the first `strong` bytes stand out. */
cairo_surface_t *overlay_paint_label(PangoContext *context, const PangoFontDescription *font,
                                     const overlay_style *style, int colour, const char *text, int strong,
                                     int max_width);

/* Lines of text on a plate. */
cairo_surface_t *overlay_paint_panel(PangoContext *context, const PangoFontDescription *font, const overlay_text *text);
sprite overlay_sprite_of(cairo_surface_t *surface, uint64_t id);

/* Two rows of pixels as wide as a picture. */
typedef struct blend_rows { uint32_t *row[2]; int width; } blend_rows;

/* Blends the surface into the picture's own format at x, y (may be outside), stretched to
 * width x height by repeating its middle column and row: those must be empty where both
 * are repeated. Chroma samples get the mean of the pixels they cover. */
void overlay_blend(blend_rows *rows, cyg_image *image, cairo_surface_t *surface, int x, int y, int width, int height);

#endif
