/* overlay_paint.c - outlines and labels as small ARGB pictures: all that Cairo and Pango do. */
#include "overlay_internal.h"
#include <math.h>
#include <string.h>

overlay_style overlay_style_for(int width, int height, float scale)
{
    const double side = width < height ? width : height;
    const double zoom = isfinite(scale) && scale > 0 ? fmin(fmax(scale, .1), 10) : 1;
    const int line = (int)fmin(fmax(lround(side / 240 * zoom), 1), 40);
    const int halo = (int)fmax(lround(line * .3), 1);
    return (overlay_style){
        .line = line, .halo = halo, .outside = line / 2 + halo, .inside = line - line / 2 + halo,
        .radius = (int)fmin(line * 2.5, OVERLAY_MAX_RADIUS - 1), .font = fmin(fmax(side * .022 * zoom, 10), 300),
    };
}

int overlay_smallest_box(const overlay_style *style, int radius)
{
    return 2 * (radius > style->inside ? radius : style->inside) + 1;
}

static void set_colour(cairo_t *cr, uint32_t rgb, double alpha)
{
    cairo_set_source_rgba(cr, (rgb >> 16) / 255., (rgb >> 8 & 255) / 255., (rgb & 255) / 255., alpha);
}

static void rounded(cairo_t *cr, double x, double y, double width, double height, double radius)
{
    cairo_new_sub_path(cr);
    cairo_arc(cr, x + width - radius, y + radius, radius, -M_PI / 2, 0);
    cairo_arc(cr, x + width - radius, y + height - radius, radius, 0, M_PI / 2);
    cairo_arc(cr, x + radius, y + height - radius, radius, M_PI / 2, M_PI);
    cairo_arc(cr, x + radius, y + radius, radius, M_PI, 3 * M_PI / 2);
    cairo_close_path(cr);
}

/* What lies between the box moved out and the box moved in. */
static void ring(cairo_t *cr, double at, double side, double radius, int out, int in)
{
    rounded(cr, at - out, at - out, side + 2 * out, side + 2 * out, radius + out);
    rounded(cr, at + in, at + in, side - 2 * in, side - 2 * in, fmax(radius - in, 0));
    cairo_fill(cr);
}

/* A picture and its painter; on failure the painter only remembers it. */
static cairo_t *start(cairo_surface_t **surface, int width, int height)
{
    *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
    return cairo_create(*surface);
}

static cairo_surface_t *finish(cairo_t *cr, cairo_surface_t *surface)
{
    const bool good = cairo_status(cr) == CAIRO_STATUS_SUCCESS;
    cairo_destroy(cr);
    cairo_surface_flush(surface);
    if (good) return surface;
    cairo_surface_destroy(surface);
    return NULL;
}

cairo_surface_t *overlay_paint_box(const overlay_style *style, int colour, int radius)
{
    const int box = overlay_smallest_box(style, radius), side = box + 2 * style->outside;
    cairo_surface_t *surface;
    cairo_t *cr = start(&surface, side, side);
    cairo_set_fill_rule(cr, CAIRO_FILL_RULE_EVEN_ODD);
    set_colour(cr, 0x000000, .45);
    ring(cr, style->outside, box, radius, style->outside, style->inside);
    set_colour(cr, overlay_colour(colour), 1);
    ring(cr, style->outside, box, radius, style->outside - style->halo, style->inside - style->halo);
    return finish(cr, surface);
}

/* Relative luminance as in WCAG 2: dark text on a plate above the middle of the scale of contrast. */
static bool is_light(uint32_t rgb)
{
    static const double weights[] = { .2126, .7152, .0722 };
    double luminance = 0;
    for (int i = 0; i < 3; i++) luminance += weights[i] * pow((rgb >> (16 - 8 * i) & 255) / 255., 2.2);
    return luminance > .18;
}

static PangoLayout *lay_out(PangoContext *context, const PangoFontDescription *font, const char *text, int strong,
                            int max_width)
{
    PangoLayout *layout = pango_layout_new(context);
    pango_layout_set_font_description(layout, font);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_auto_dir(layout, FALSE);
    pango_layout_set_text(layout, text, -1);
    PangoAttrList *attributes = pango_attr_list_new();
    PangoAttribute *weight = pango_attr_weight_new(PANGO_WEIGHT_BOLD);
    weight->end_index = (guint)strong;
    pango_attr_list_insert(attributes, weight);
    pango_layout_set_attributes(layout, attributes);
    pango_attr_list_unref(attributes);
    int width;
    pango_layout_get_pixel_size(layout, &width, NULL);
    if (width > max_width) {
        pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_MIDDLE);
        pango_layout_set_width(layout, max_width * PANGO_SCALE);
    }
    return layout;
}

cairo_surface_t *overlay_paint_label(PangoContext *context, const PangoFontDescription *font,
                                     const overlay_style *style, int colour, const char *text, int strong,
                                     int max_width)
{
    PangoLayout *layout = lay_out(context, font, text, strong, max_width);
    PangoRectangle ink, logical;
    pango_layout_get_pixel_extents(layout, &ink, &logical);
    const int above = PANGO_PIXELS(pango_layout_get_baseline(layout)) - ink.y, below = ink.height - above;
    /* Figures and capitals are about 0.71 em high: they stand in the middle of the plate. */
    const int margin = (int)fmax(lround(style->font * .14), 1), side = (int)lround(style->font * .42);
    const int rise = (int)fmax(lround(style->font * 1.06), above + margin);
    const int drop = (int)fmax(lround(style->font * .35), below + margin);
    const int width = logical.width + 2 * side, height = rise + drop, halo = style->halo;
    cairo_surface_t *surface;
    cairo_t *cr = start(&surface, width + 2 * halo, height + 2 * halo);
    const double radius = fmin(style->radius, height / 2.);
    set_colour(cr, 0x000000, .45);
    rounded(cr, 0, 0, width + 2 * halo, height + 2 * halo, radius + halo);
    cairo_fill(cr);
    set_colour(cr, overlay_colour(colour), 1);
    rounded(cr, halo, halo, width, height, radius);
    cairo_fill(cr);
    set_colour(cr, is_light(overlay_colour(colour)) ? 0x0B0B0B : 0xFFFFFF, 1);
    cairo_move_to(cr, halo + side - logical.x, halo + rise);
    pango_cairo_show_layout_line(cr, pango_layout_get_line_readonly(layout, 0));
    g_object_unref(layout);
    return finish(cr, surface);
}

sprite overlay_sprite_of(cairo_surface_t *surface, uint64_t id)
{
    return (sprite){
        id, (const uint32_t *)(const void *)cairo_image_surface_get_data(surface),
        cairo_image_surface_get_stride(surface) / 4,
        cairo_image_surface_get_width(surface), cairo_image_surface_get_height(surface),
    };
}

/* ---- panels ---------------------------------------------------------------------------- */

/* The second column begins where the longest first one ends. */
static void set_columns(PangoLayout *layout, const char *text, int gap)
{
    int longest = 0;
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const size_t first = strcspn(line, "\t\n");
        int width;
        if (line[first] != '\t') continue;
        pango_layout_set_text(layout, line, (int)first);
        pango_layout_get_pixel_size(layout, &width, NULL);
        if (width > longest) longest = width;
    }
    if (!longest) return;
    PangoTabArray *tabs = pango_tab_array_new_with_positions(1, TRUE, PANGO_TAB_LEFT, longest + gap);
    pango_layout_set_tabs(layout, tabs);
    pango_tab_array_free(tabs);
}

static void embolden_heading(PangoLayout *layout, const char *text)
{
    PangoAttrList *attributes = pango_attr_list_new();
    PangoAttribute *weight = pango_attr_weight_new(PANGO_WEIGHT_BOLD);
    weight->end_index = (guint)strcspn(text, "\n");
    pango_attr_list_insert(attributes, weight);
    pango_layout_set_attributes(layout, attributes);
    pango_attr_list_unref(attributes);
}

static PangoLayout *lay_out_panel(PangoContext *context, const PangoFontDescription *font, const overlay_text *t)
{
    PangoLayout *layout = pango_layout_new(context);
    PangoFontDescription *sized = pango_font_description_copy(font);
    pango_font_description_set_absolute_size(sized, t->size * PANGO_SCALE);
    pango_layout_set_font_description(layout, sized);
    pango_font_description_free(sized);
    set_columns(layout, t->text, (int)lroundf(t->size * 1.4f));
    pango_layout_set_text(layout, t->text, -1);
    pango_layout_set_spacing(layout, (int)(t->size * .28f * PANGO_SCALE));
    if (t->centred) pango_layout_set_alignment(layout, PANGO_ALIGN_CENTER);
    if (t->heading) embolden_heading(layout, t->text);
    int width;
    pango_layout_get_pixel_size(layout, &width, NULL);
    if (t->width > 0 && width > t->width) {
        pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
        pango_layout_set_width(layout, t->width * PANGO_SCALE);
    }
    return layout;
}

cairo_surface_t *overlay_paint_panel(PangoContext *context, const PangoFontDescription *font, const overlay_text *t)
{
    PangoLayout *layout = lay_out_panel(context, font, t);
    PangoRectangle logical;
    pango_layout_get_pixel_extents(layout, NULL, &logical);
    const int side = (int)lroundf(t->size * .8f), margin = (int)lroundf(t->size * .55f);
    const int width = logical.width + 2 * side, height = logical.height + 2 * margin;
    cairo_surface_t *surface;
    cairo_t *cr = start(&surface, width, height);
    set_colour(cr, t->alarm ? 0x7A1414 : 0x0C0E12, t->alarm ? .9 : .86);
    rounded(cr, 0, 0, width, height, t->size * .45);
    cairo_fill(cr);
    set_colour(cr, 0xF4F4F4, 1);
    cairo_move_to(cr, side - logical.x, margin - logical.y);
    pango_cairo_show_layout(cr, layout);
    g_object_unref(layout);
    return finish(cr, surface);
}

/* Fontconfig refers to its own memory by offsets, which LeakSanitizer takes for leaks. */
#if defined(__SANITIZE_ADDRESS__)
CYG_API const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\n";
}

CYG_API const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
#endif
