/* overlay.c - where boxes and labels go in a frame; keeps what was painted for the next one. */
#include "overlay_internal.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "text.h"

enum { KEPT_LABELS = 320, TEXT_BYTES = 160, KEPT_PANELS = 8 };      /* more labels than a frame has objects */

/* Something painted; surface NULL: not yet, or it could not be. */
typedef struct painting {
    cairo_surface_t *surface;
    uint64_t         id;                            /* of the sprite */
} painting;

typedef struct label {
    char     text[TEXT_BYTES];                      /* "" = empty place */
    int      colour;
    uint64_t used;                                  /* the drawing that last used it */
    painting painted;
} label;

typedef struct panel {
    overlay_text text;                              /* text.text is ours; NULL = empty place */
    uint64_t     used;
    painting     painted;
} panel;

/* What drawing one object will do. */
typedef struct placed {
    painting box, label;                            /* surface NULL: not drawn; owned by the overlay */
    int box_x, box_y, box_width, box_height;        /* of the outline */
    int label_x, label_y, label_width, label_height;
} placed;

struct overlay {
    overlay_options       look;                     /* but for its font */
    PangoFontMap         *fonts;                    /* our own: Pango's shared one is a thread's */
    PangoContext         *context;
    PangoFontDescription *font;
    int                   width, height;            /* the picture that all below is for; 0 = none yet */
    overlay_style         style;
    blend_rows            rows;
    painting              boxes[OVERLAY_COLOURS][OVERLAY_MAX_RADIUS];
    label                 kept[KEPT_LABELS];
    uint64_t              drawing, painted;         /* so many so far */
    placed                places[CYG_MAX_DETECTIONS];
    panel                 panels[KEPT_PANELS];
    uint64_t              panel_calls;
    sprite                panel_sprite;             /* the last one given out */
};

/* ---- life ------------------------------------------------------------------------------ */

overlay *overlay_create(const overlay_options *options)
{
    overlay *o = calloc(1, sizeof *o);
    if (!o) return NULL;
    o->look = *options;
    o->fonts = pango_cairo_font_map_new();
    o->context = pango_font_map_create_context(o->fonts);
    o->font = pango_font_description_new();
    pango_font_description_set_family(o->font, options->font ? options->font : "sans");
    cairo_font_options_t *drawing = cairo_font_options_create();
    cairo_font_options_set_antialias(drawing, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(drawing, CAIRO_HINT_STYLE_SLIGHT);
    cairo_font_options_set_hint_metrics(drawing, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(o->context, drawing);
    cairo_font_options_destroy(drawing);
    return o;
}

void overlay_set(overlay *o, const overlay_options *options)
{
    const float scale = o->look.scale;
    o->look = *options;
    o->look.scale = scale;
}

/* Forgets what was painted for another size of picture. */
static void forget(overlay *o)
{
    for (int i = 0; i < OVERLAY_COLOURS; i++)
        for (int r = 0; r < OVERLAY_MAX_RADIUS; r++) {
            cairo_surface_destroy(o->boxes[i][r].surface);
            o->boxes[i][r] = (painting){ 0 };
        }
    for (int i = 0; i < KEPT_LABELS; i++) {
        cairo_surface_destroy(o->kept[i].painted.surface);
        o->kept[i] = (label){ 0 };
    }
    free(o->rows.row[0]);
    o->rows = (blend_rows){ 0 };
    o->width = o->height = 0;
}

static void forget_panel(panel *p)
{
    cairo_surface_destroy(p->painted.surface);
    free((char *)p->text.text);
    *p = (panel){ 0 };
}

void overlay_free(overlay *o)
{
    if (!o) return;
    forget(o);
    for (int i = 0; i < KEPT_PANELS; i++) forget_panel(&o->panels[i]);
    pango_font_description_free(o->font);
    g_object_unref(o->context);
    g_object_unref(o->fonts);
    free(o);
}

/* Gets ready for pictures of this size; false: no memory. */
static bool fit(overlay *o, const cyg_image *image)
{
    if (o->width == image->width && o->height == image->height) return true;
    forget(o);
    o->rows.row[0] = calloc((size_t)image->width * 2, sizeof *o->rows.row[0]);
    if (!o->rows.row[0]) return false;
    o->rows.row[1] = o->rows.row[0] + image->width;
    o->rows.width = o->width = image->width;
    o->height = image->height;
    o->style = overlay_style_for(image->width, image->height, o->look.scale);
    pango_font_description_set_absolute_size(o->font, o->style.font * PANGO_SCALE);
    return true;
}

/* ---- labels ---------------------------------------------------------------------------- */

/* Copies at most size - 1 bytes, whole characters, line breaks and the like as spaces. */
static size_t copy_text(char *out, size_t size, const char *text)
{
    char *valid = text_valid_utf8(text);
    size_t n = valid ? strnlen(valid, size) : 0;
    if (n == size) {
        n--;
        while (n && ((unsigned char)valid[n] & 0xC0) == 0x80) n--;
    }
    for (size_t i = 0; i < n; i++) out[i] = (unsigned char)valid[i] < 32 || valid[i] == 127 ? ' ' : valid[i];
    out[n] = '\0';
    free(valid);
    return n;
}

/* "Ada" or "face". The name stands between U+2068 and U+2069, so that what follows stays behind it
 * whatever its script's direction is. */
static size_t add_name(char out[TEXT_BYTES], const object *what)
{
    char name[100];
    const char *text = what->name[0] ? what->name : what->label_text;
    if (!text || !copy_text(name, sizeof name, text)) return 0;
    return (size_t)snprintf(out, TEXT_BYTES, "\xE2\x81\xA8%s\xE2\x81\xA9", name);
}

/* "female, 34 years"; n: bytes that are there already. */
static size_t add_attributes(char out[TEXT_BYTES], size_t n, const object *what)
{
    const char *between = n ? " " : "";
    for (int i = 0; i < what->attribute_count && n < TEXT_BYTES - 40; i++) {
        const cyg_attribute *a = &what->attributes[i];
        if (a->label) n += (size_t)snprintf(out + n, TEXT_BYTES - n, "%s%.24s", between, a->label);
        else n += (size_t)snprintf(out + n, TEXT_BYTES - n, "%s%.0f%s%.12s", between, (double)a->value,
                                   *a->unit ? " " : "", a->unit);
        between = ", ";
    }
    return n;
}

/* "face #3 female, 34 years 0.93"; returns the bytes of what matters most. */
static int compose(char out[TEXT_BYTES], const overlay *o, const object *what)
{
    size_t n = o->look.labels ? add_name(out, what) : 0;
    out[n] = '\0';
    if (o->look.numbers && what->track > 0)
        n += (size_t)snprintf(out + n, TEXT_BYTES - n, "%s#%d", n ? " " : "", what->track);
    const int strong = (int)n;
    if (o->look.labels) n = add_attributes(out, n, what);
    if (!o->look.scores || !isfinite(what->score)) return strong;
    const int hundredths = (int)lround(fmin(fmax(what->score, 0), 1) * 100);
    n += (size_t)snprintf(out + n, TEXT_BYTES - n, "%s%d.%02d", n ? " " : "", hundredths / 100, hundredths % 100);
    return strong ? strong : (int)n;
}

/* The painted label, from before or new in place of the one that was not needed for longest. */
static painting find_label(overlay *o, const object *what, int colour)
{
    char text[TEXT_BYTES];
    const int strong = compose(text, o, what);
    if (!text[0]) return (painting){ 0 };
    label *oldest = &o->kept[0];
    for (int i = 0; i < KEPT_LABELS; i++) {
        label *l = &o->kept[i];
        if (l->colour == colour && !strcmp(l->text, text)) {
            l->used = o->drawing;
            return l->painted;
        }
        if (l->used < oldest->used) oldest = l;
    }
    cairo_surface_destroy(oldest->painted.surface);
    oldest->painted = (painting){
        overlay_paint_label(o->context, o->font, &o->style, colour, text, strong,
                            (int)fmin(o->style.font * 24, o->width * .6)), ++o->painted,
    };
    memcpy(oldest->text, text, sizeof text);
    oldest->colour = colour;
    oldest->used = o->drawing;
    return oldest->painted;
}

/* ---- places ---------------------------------------------------------------------------- */

static int clamp(int x, int low, int high)
{
    return x > high ? (high < low ? low : high) : x < low ? low : x;
}

/* To whole pixels; what is far outside of any picture may as well be nearer. */
static int to_pixel(float x)
{
    return (int)lround(fmin(fmax(x, -100000), 200000));
}

/* At least `smallest` from a to b, around the same middle. */
static void widen(int *a, int *b, int smallest)
{
    const int missing = smallest - (*b - *a);
    if (missing <= 0) return;
    *a -= missing / 2;
    *b = *a + smallest;
}

static void place_box(overlay *o, placed *p, const cyg_box *box, int colour)
{
    const overlay_style *s = &o->style;
    int x1 = to_pixel(box->x1), y1 = to_pixel(box->y1), x2 = to_pixel(box->x2), y2 = to_pixel(box->y2);
    widen(&x1, &x2, 2 * s->inside + 1);
    widen(&y1, &y2, 2 * s->inside + 1);
    const int shorter = x2 - x1 < y2 - y1 ? x2 - x1 : y2 - y1;
    const int radius = clamp((shorter - 1) / 4, 0, s->radius);
    p->box_x = x1 - s->outside;
    p->box_y = y1 - s->outside;
    p->box_width = x2 - x1 + 2 * s->outside;
    p->box_height = y2 - y1 + 2 * s->outside;
    if (p->box_x >= o->width || p->box_x + p->box_width <= 0) return;
    if (p->box_y >= o->height || p->box_y + p->box_height <= 0) return;
    painting *painted = &o->boxes[colour][radius];
    if (!painted->surface) *painted = (painting){ overlay_paint_box(s, colour, radius), ++o->painted };
    p->box = *painted;
}

/* True if the label meets one of the labels placed before. */
static bool is_covering(const placed *places, int count, const placed *p)
{
    for (int i = 0; i < count; i++) {
        const placed *q = &places[i];
        if (q->label.surface && p->label_x < q->label_x + q->label_width && q->label_x < p->label_x + p->label_width &&
            p->label_y < q->label_y + q->label_height && q->label_y < p->label_y + p->label_height)
            return true;
    }
    return false;
}

/* Above, below or inside of its box, whichever is within the picture and still free. */
static void place_label(overlay *o, int index, painting painted)
{
    placed *p = &o->places[index];
    const overlay_style *s = &o->style;
    p->label_width = cairo_image_surface_get_width(painted.surface);
    p->label_height = cairo_image_surface_get_height(painted.surface);
    const int last_x = o->width - p->label_width, last_y = o->height - p->label_height;
    const int reach = s->outside + s->inside;
    const int above = p->box_y + s->halo - p->label_height, below = p->box_y + p->box_height - s->halo;
    const struct { bool possible; int x, y; } tries[] = {
        { above >= 0 && above <= last_y, p->box_x, above },
        { below >= 0 && below <= last_y, p->box_x, below },
        { true, p->box_x + reach, clamp(p->box_y + reach, 0, last_y) },
    };
    for (int i = 0; i < 3; i++) {
        p->label_x = clamp(tries[i].x, 0, last_x);
        p->label_y = tries[i].y;
        if (!tries[i].possible || is_covering(o->places, index, p)) continue;
        p->label = painted;
        return;
    }
}

static bool is_box(const cyg_box *b)
{
    return isfinite(b->x1) && isfinite(b->y1) && isfinite(b->x2) && isfinite(b->y2) && b->x1 <= b->x2 && b->y1 <= b->y2;
}

static int colour_of(const overlay *o, const object *what)
{
    const int index = o->look.colour_tracks && what->track > 0 ? what->track - 1 : what->label;
    return (index % OVERLAY_COLOURS + OVERLAY_COLOURS) % OVERLAY_COLOURS;
}

/* Finds places for objects 0 .. count-1: those of higher score, which come first, choose first. */
static bool place(overlay *o, const frame *f, int count)
{
    if (!fit(o, &f->image)) return false;
    o->drawing++;
    for (int i = 0; i < count; i++) {
        const object *what = &f->objects[i];
        const int colour = colour_of(o, what);
        o->places[i] = (placed){ 0 };
        if (!is_box(&what->box)) continue;
        place_box(o, &o->places[i], &what->box, colour);
        const painting text = o->places[i].box.surface ? find_label(o, what, colour) : (painting){ 0 };
        if (text.surface) place_label(o, i, text);
    }
    return true;
}

void overlay_cover(overlay *o, frame *f)
{
    for (int i = f->object_count; o->look.hide != OVERLAY_SHOW && i--; )
        if (is_box(&f->objects[i].box)) overlay_hide_box(&f->image, &f->objects[i].box, o->look.hide);
}

/* Bones are painted anew each time: they never look the same twice. bounds: where. */
static painting paint_bones(overlay *o, const object *what, int bounds[4])
{
    if (!overlay_bones_bounds(&o->style, what, o->width, o->height, bounds)) return (painting){ 0 };
    return (painting){ overlay_paint_bones(&o->style, colour_of(o, what), what, bounds), ++o->painted };
}

void overlay_draw(overlay *o, frame *f)
{
    overlay_cover(o, f);
    if (!place(o, f, f->object_count)) return;
    o->rows.light = f->light;
    for (int i = f->object_count; !o->look.no_boxes && i--; ) {
        const placed *p = &o->places[i];
        int at[4];
        const painting bones = paint_bones(o, &f->objects[i], at);
        if (bones.surface)
            overlay_blend(&o->rows, &f->image, bones.surface, at[0], at[1], at[2] - at[0], at[3] - at[1]);
        cairo_surface_destroy(bones.surface);
        if (!p->box.surface) continue;
        overlay_blend(&o->rows, &f->image, p->box.surface, p->box_x, p->box_y, p->box_width, p->box_height);
    }
    for (int i = f->object_count; i--; ) {
        const placed *p = &o->places[i];
        if (!p->label.surface) continue;
        overlay_blend(&o->rows, &f->image, p->label.surface, p->label_x, p->label_y, p->label_width, p->label_height);
    }
}

static void show_painting(painting p, sprite_show *show, void *context, int x, int y, int width, int height)
{
    if (!p.surface) return;
    const sprite s = overlay_sprite_of(p.surface, p.id);
    show(context, &s, x, y, width, height);
}

void overlay_show(overlay *o, const frame *f, sprite_show *show, void *context)
{
    if (!place(o, f, f->object_count)) return;
    for (int i = f->object_count; !o->look.no_boxes && i--; ) {
        const placed *p = &o->places[i];
        int at[4];
        const painting bones = paint_bones(o, &f->objects[i], at);
        if (bones.surface) show_painting(bones, show, context, at[0], at[1], at[2] - at[0], at[3] - at[1]);
        cairo_surface_destroy(bones.surface);
        show_painting(p->box, show, context, p->box_x, p->box_y, p->box_width, p->box_height);
    }
    for (int i = f->object_count; i--; ) {
        const placed *p = &o->places[i];
        show_painting(p->label, show, context, p->label_x, p->label_y, p->label_width, p->label_height);
    }
}

void overlay_show_box(overlay *o, const frame *f, const object *what, sprite_show *show, void *context)
{
    placed p = { 0 };
    if (!is_box(&what->box) || !fit(o, &f->image)) return;
    place_box(o, &p, &what->box, (what->label % OVERLAY_COLOURS + OVERLAY_COLOURS) % OVERLAY_COLOURS);
    show_painting(p.box, show, context, p.box_x, p.box_y, p.box_width, p.box_height);
}

/* ---- panels ---------------------------------------------------------------------------- */

static bool is_same_text(const overlay_text *a, const overlay_text *b)
{
    return a->text && strcmp(a->text, b->text) == 0 && a->size == b->size && a->width == b->width &&
           a->heading == b->heading && a->alarm == b->alarm && a->centred == b->centred;
}

const sprite *overlay_panel(overlay *o, const overlay_text *text)
{
    panel *found = &o->panels[0];
    for (int i = 0; i < KEPT_PANELS && !is_same_text(&found->text, text); i++) {
        panel *p = &o->panels[i];
        if (is_same_text(&p->text, text) || p->used < found->used) found = p;
    }
    if (!is_same_text(&found->text, text)) {
        char *copy = text_valid_utf8(text->text);
        forget_panel(found);
        if (!copy) return NULL;
        found->text = *text;
        found->text.text = copy;
        found->painted = (painting){ overlay_paint_panel(o->context, o->font, &found->text), ++o->painted };
    }
    found->used = ++o->panel_calls;
    if (!found->painted.surface) return NULL;
    o->panel_sprite = overlay_sprite_of(found->painted.surface, found->painted.id);
    return &o->panel_sprite;
}

/* ---- bounds ---------------------------------------------------------------------------- */

/* Grows bounds by a rectangle, within the picture and in whole chroma samples. */
static void include(int bounds[4], const cyg_image *image, int x, int y, int width, int height)
{
    const bool nv12 = image->format == CYG_NV12, planar = image->format == CYG_YUV;
    const int across = 1 << (nv12 ? 1 : planar ? image->shift_x : 0);
    const int down = 1 << (nv12 ? 1 : planar ? image->shift_y : 0);
    const int x1 = clamp(x, 0, image->width) & -across, y1 = clamp(y, 0, image->height) & -down;
    const int x2 = clamp((x + width + across - 1) & -across, 0, image->width);
    const int y2 = clamp((y + height + down - 1) & -down, 0, image->height);
    if (x1 >= x2 || y1 >= y2) return;
    const bool first = bounds[2] == 0;
    if (first || x1 < bounds[0]) bounds[0] = x1;
    if (first || y1 < bounds[1]) bounds[1] = y1;
    if (first || x2 > bounds[2]) bounds[2] = x2;
    if (first || y2 > bounds[3]) bounds[3] = y2;
}

void overlay_bounds(overlay *o, const frame *f, int i, int bounds[4])
{
    memset(bounds, 0, 4 * sizeof *bounds);
    const cyg_box *const box = &f->objects[i].box;
    if (o->look.hide != OVERLAY_SHOW && is_box(box)) {
        int hidden[4];
        overlay_hide_bounds(box, hidden);
        include(bounds, &f->image, hidden[0], hidden[1], hidden[2] - hidden[0], hidden[3] - hidden[1]);
    }
    if (!place(o, f, i + 1)) return;
    const placed *p = &o->places[i];
    const bool outlined = p->box.surface && !o->look.no_boxes;
    if (outlined) include(bounds, &f->image, p->box_x, p->box_y, p->box_width, p->box_height);
    int bones[4];
    if (!o->look.no_boxes && overlay_bones_bounds(&o->style, &f->objects[i], o->width, o->height, bones))
        include(bounds, &f->image, bones[0], bones[1], bones[2] - bones[0], bones[3] - bones[1]);
    if (p->label.surface) include(bounds, &f->image, p->label_x, p->label_y, p->label_width, p->label_height);
}
