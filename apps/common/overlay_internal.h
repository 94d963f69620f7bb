/* overlay_internal.h - what overlay.c, overlay_paint.c and overlay_blend.c share. */
#ifndef OVERLAY_INTERNAL_H
#define OVERLAY_INTERNAL_H

#include "overlay.h"
#include <pango/pangocairo.h>
#include <string.h>

enum { OVERLAY_COLOURS = 96, OVERLAY_MAX_RADIUS = 64 };

/* 0xRRGGBB; colour 0 .. OVERLAY_COLOURS. */
uint32_t overlay_colour(int colour);

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

/* Where the key points and bones of an object lie within a picture: x1, y1, x2, y2; false: nowhere. */
bool overlay_bones_bounds(const overlay_style *style, const object *o, int width, int height, int bounds[4]);
cairo_surface_t *overlay_paint_bones(const overlay_style *style, int colour, const object *o, const int bounds[4]);

/* Lines of text on a plate. */
cairo_surface_t *overlay_paint_panel(PangoContext *context, const PangoFontDescription *font, const overlay_text *text);
sprite overlay_sprite_of(cairo_surface_t *surface, uint64_t id);

/* One colour component of an image: where its samples are, and what a colour adds to them. */
typedef struct component {
    uint8_t  *base;
    ptrdiff_t stride;           /* bytes */
    int       step;             /* samples from one to the next */
    int       shift_x, shift_y;
    bool      wide;             /* 16-bit samples */
    int64_t   maximum;
    int64_t   r, g, b, a;       /* 2^16 times what 1/255 of each adds; a: the value of black */
} component;

/* Fills in the components of the image; how many there are, 1 or 3. */
int overlay_components(component c[3], const cyg_image *image);

static inline int64_t read_sample(const uint8_t *at, bool wide)
{
    uint16_t word;
    if (!wide) return *at;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline void write_sample(uint8_t *at, bool wide, int64_t value)
{
    const uint16_t word = (uint16_t)value;
    if (wide) memcpy(at, &word, sizeof word);
    else *at = (uint8_t)value;
}

/* A premultiplied pixel of a painting in the colours of a picture of that light: as bright as the white of ordinary
 * video is in it, 203 cd/m2 (ITU-R BT.2408), in the primaries of BT.2020. */
uint32_t overlay_light_pixel(uint32_t pixel, frame_light light);

/* Two rows of pixels as wide as a picture. */
typedef struct blend_rows { uint32_t *row[2]; int width; frame_light light; } blend_rows;

/* Blends the surface into the picture's own format at x, y (may be outside), stretched to
 * width x height by repeating its middle column and row: those must be empty where both
 * are repeated. Chroma samples get the mean of the pixels they cover. */
void overlay_blend(blend_rows *rows, cyg_image *image, cairo_surface_t *surface, int x, int y, int width, int height);

/* Makes what is in the box, and a little around it, unrecognisable. */
void overlay_hide_box(cyg_image *image, const cyg_box *box, overlay_hide how);
/* x1, y1, x2, y2 of what that changes, not clipped to the picture. */
void overlay_hide_bounds(const cyg_box *box, int bounds[4]);

#endif
