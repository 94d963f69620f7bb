/* view_draw.c - the picture, what was found in it, and panels of text, on the window. */
#include "view.h"
#include "clock.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- objects --------------------------------------------------------------------------------- */

/* Where the objects of the newest finding are in the picture that is shown, in canvas pixels. */
static void lay_objects(view *v)
{
    frame *layer = &v->layer;
    layer->image.width = v->place.width;
    layer->image.height = v->place.height;
    layer->object_count = v->shown ? v->shown->object_count : 0;
    placement within = v->place;
    within.x = within.y = 0;
    for (int i = 0; i < layer->object_count; i++) {
        object *o = &layer->objects[i];
        *o = v->shown->objects[i];
        o->box = place_box(&within, o->box);
        for (int k = 0; o->skeleton && k < o->skeleton->point_count; k++) {
            cyg_key_point *at = &o->points[k];
            const cyg_box moved = place_box(&within, (cyg_box){ at->x, at->y, at->x, at->y });
            at->x = moved.x1;
            at->y = moved.y1;
        }
    }
}

static void put_sprite(void *context, const sprite *s, int x, int y, int width, int height)
{
    view *v = context;
    window_sprite(v->window, s, x + v->place.x, y + v->place.y, width, height);
}

static const object *selected_object(const view *v)
{
    for (int i = 0; v->selected && i < v->layer.object_count; i++)
        if (v->layer.objects[i].track == v->selected) return &v->layer.objects[i];
    return NULL;
}

/* A second outline around the first, in another colour. */
static void draw_selection(view *v)
{
    const object *chosen = selected_object(v);
    if (!chosen) return;
    const float gap = fmaxf(4, (float)fmin(v->place.width, v->place.height) / 110);
    object ring = *chosen;
    ring.box = (cyg_box){ ring.box.x1 - gap, ring.box.y1 - gap, ring.box.x2 + gap, ring.box.y2 + gap };
    ring.label += 3;
    overlay_show_box(v->overlay, &v->layer, &ring, put_sprite, v);
}

static void draw_objects(view *v)
{
    if (v->place.width == 0) return;
    draw_selection(v);
    overlay_show(v->overlay, &v->layer, put_sprite, v);
}

int view_object_at(const view *v, float x, float y)
{
    int found = 0;
    float smallest = INFINITY;
    for (int i = 0; i < v->layer.object_count; i++) {
        const object *o = &v->layer.objects[i];
        const cyg_box b = o->box;
        const float dx = x - (float)v->place.x, dy = y - (float)v->place.y;
        const float area = (b.x2 - b.x1) * (b.y2 - b.y1);
        if (dx < b.x1 || dx > b.x2 || dy < b.y1 || dy > b.y2 || area >= smallest) continue;
        smallest = area;
        found = o->track;
    }
    return found;
}

/* ---- panels ----------------------------------------------------------------------------------- */

typedef struct canvas {
    int   width, height;
    float font;
    int   margin;
} canvas;

/* The panel's middle is at across, down of the room between the margins: 0 = left or top, 1 = right or bottom. */
static void draw_panel(view *v, const canvas *c, overlay_text text, float across, float down)
{
    text.size = text.size > 0 ? text.size : c->font;
    if (!text.width) text.width = (int)fmaxf(60, (float)(c->width - 2 * c->margin) - 3 * c->font);
    const sprite *s = overlay_panel(v->overlay, &text);
    if (!s) return;
    const int room_x = c->width - 2 * c->margin - s->width, room_y = c->height - 2 * c->margin - s->height;
    window_sprite(v->window, s, c->margin + (int)lroundf(across * (float)room_x),
                  c->margin + (int)lroundf(down * (float)room_y), s->width, s->height);
}

static void draw_source(view *v, const canvas *c)
{
    char text[1000];
    bool alarm;
    view_source_text(v, text, sizeof text, &alarm);
    if (!text[0]) return;
    if (alarm) window_shade(v->window, (placement){ .width = c->width, .height = c->height }, .55f);
    draw_panel(v, c, (overlay_text){ .text = text, .size = c->font * 1.25f, .heading = true, .alarm = alarm,
                                     .centred = true }, .5f, .5f);
}

static void draw_entry(view *v, const canvas *c)
{
    char text[VIEW_ENTRY + 120];
    snprintf(text, sizeof text, "Name of face #%d\n%s▏\nEnter: keep · Esc: no name", v->selected, v->entry);
    draw_panel(v, c, (overlay_text){ .text = text, .size = c->font * 1.2f, .heading = true }, .5f, 0);
}

static void draw_notice(view *v, const canvas *c, double now)
{
    char text[sizeof v->notice.text];
    pthread_mutex_lock(&v->notice.lock);
    const bool now_shown = now < v->notice.until, bad = v->notice.bad;
    memcpy(text, v->notice.text, sizeof text);
    pthread_mutex_unlock(&v->notice.lock);
    if (now_shown) draw_panel(v, c, (overlay_text){ .text = text, .alarm = bad, .centred = true }, .5f, 0);
}

static void draw_marks(view *v, const canvas *c, double now)
{
    char text[64];
    if (v->recording) {
        const int seconds = (int)(now - v->recording_began);
        snprintf(text, sizeof text, "● %d:%02d", seconds / 60, seconds % 60);
        draw_panel(v, c, (overlay_text){ .text = text, .alarm = true }, 1, 0);
    } else if (v->paused) {
        draw_panel(v, c, (overlay_text){ .text = "❚❚ paused" }, 1, 0);
    }
}

static void draw_panels(view *v, double now)
{
    canvas c;
    window_size(v->window, &c.width, &c.height);
    const float side = (float)fmin(c.width, c.height);
    const float zoom = (float)fmin(fmax(v->settings->scale, .5), 3);
    c.font = fmaxf(fmaxf(12 * window_density(v->window), side * .0185f) * zoom, 10);
    c.margin = (int)lroundf(c.font * .7f);
    draw_source(v, &c);
    if (v->settings->hud) {
        view_figures(v, now);
        draw_panel(v, &c, (overlay_text){ .text = v->figures }, 0, 1);
    }
    draw_marks(v, &c, now);
    if (v->typing) draw_entry(v, &c);
    else draw_notice(v, &c, now);
    const overlay_text help = { .text = view_help_text, .size = c.font * 1.1f, .heading = true };
    if (v->help) draw_panel(v, &c, help, .5f, .5f);
}

void view_draw(view *v)
{
    int width, height;
    const double now = clock_now();
    window_size(v->window, &width, &height);
    const cyg_image *image = v->shown ? &v->shown->image : NULL;
    v->place = place_picture(image ? image->width : 0, image ? image->height : 0, v->shown ? v->shown->aspect : 1,
                             width, height, v->settings->mirror);
    lay_objects(v);
    window_begin(v->window, v->place);
    draw_objects(v);
    draw_panels(v, now);
    window_end(v->window);
    v->drawn = clock_now();
    v->stale = false;
}
