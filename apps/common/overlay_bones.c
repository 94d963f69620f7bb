/* overlay_bones.c - the key points of an object and the lines between them, as a small ARGB picture. */
#include "overlay_internal.h"
#include <math.h>

/* Worth showing, and near enough to a picture for Cairo's fixed-point numbers. */
static bool is_shown(const object *o, int point)
{
    const cyg_key_point *p = &o->points[point];
    return p->score >= o->skeleton->threshold && fabsf(p->x) < 1e6f && fabsf(p->y) < 1e6f;
}

static double dot_radius(const overlay_style *style)
{
    return style->line * 1.2;
}

bool overlay_bones_bounds(const overlay_style *style, const object *o, int width, int height, int bounds[4])
{
    const float reach = (float)(dot_radius(style) + style->halo + 1);
    float x1 = INFINITY, y1 = INFINITY, x2 = -INFINITY, y2 = -INFINITY;
    for (int i = 0; o->skeleton && i < o->skeleton->point_count; i++) {
        if (!is_shown(o, i)) continue;
        x1 = fminf(x1, o->points[i].x);
        y1 = fminf(y1, o->points[i].y);
        x2 = fmaxf(x2, o->points[i].x);
        y2 = fmaxf(y2, o->points[i].y);
    }
    if (!(x1 <= x2)) return false;
    bounds[0] = (int)fmaxf(floorf(x1 - reach), 0);
    bounds[1] = (int)fmaxf(floorf(y1 - reach), 0);
    bounds[2] = (int)fminf(ceilf(x2 + reach), (float)width);
    bounds[3] = (int)fminf(ceilf(y2 + reach), (float)height);
    return bounds[0] < bounds[2] && bounds[1] < bounds[3];
}

static void set_colour(cairo_t *cr, uint32_t rgb, double alpha)
{
    cairo_set_source_rgba(cr, (rgb >> 16) / 255., (rgb >> 8 & 255) / 255., (rgb & 255) / 255., alpha);
}

static void draw_lines(cairo_t *cr, const object *o, double width)
{
    for (int i = 0; i < o->skeleton->bone_count; i++) {
        const cyg_bone bone = o->skeleton->bones[i];
        if (!is_shown(o, bone.from) || !is_shown(o, bone.to)) continue;
        cairo_move_to(cr, o->points[bone.from].x, o->points[bone.from].y);
        cairo_line_to(cr, o->points[bone.to].x, o->points[bone.to].y);
    }
    cairo_set_line_width(cr, width);
    cairo_stroke(cr);
}

static void draw_dots(cairo_t *cr, const object *o, double radius)
{
    for (int i = 0; i < o->skeleton->point_count; i++) {
        if (!is_shown(o, i)) continue;
        cairo_new_sub_path(cr);
        cairo_arc(cr, o->points[i].x, o->points[i].y, radius, 0, 2 * M_PI);
    }
    cairo_fill(cr);
}

cairo_surface_t *overlay_paint_bones(const overlay_style *style, int colour, const object *o, const int bounds[4])
{
    const double radius = dot_radius(style);
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, bounds[2] - bounds[0],
                                                          bounds[3] - bounds[1]);
    cairo_t *cr = cairo_create(surface);
    cairo_translate(cr, -bounds[0], -bounds[1]);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    cairo_push_group(cr);                           /* the rim is one shape: it does not darken itself */
    set_colour(cr, 0x000000, 1);
    draw_lines(cr, o, style->line + 2 * style->halo);
    draw_dots(cr, o, radius + style->halo);
    cairo_pop_group_to_source(cr);
    cairo_paint_with_alpha(cr, .45);
    set_colour(cr, overlay_colour(colour), 1);
    draw_lines(cr, o, style->line);
    draw_dots(cr, o, radius);
    set_colour(cr, 0xFFFFFF, 1);
    draw_dots(cr, o, radius * .55);
    const bool good = cairo_status(cr) == CAIRO_STATUS_SUCCESS;
    cairo_destroy(cr);
    cairo_surface_flush(surface);
    if (good) return surface;
    cairo_surface_destroy(surface);
    return NULL;
}
