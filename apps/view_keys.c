/* view_keys.c - what keys and mouse do. */
#include "view.h"
#include "clock.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- switches ----------------------------------------------------------------------------------- */

static void pause_or_go_on(view *v)
{
    v->paused = !v->paused;
    live_pause(v->live, v->paused);
}

static void step(view *v)
{
    if (!v->paused) pause_or_go_on(v);
    live_step(v->live);
}

static void change_threshold(view *v, double by)
{
    char text[64];
    double *t = &v->settings->threshold;
    *t = fmin(fmax(round((*t + by) * 100) / 100, .05), .95);
    analysis_set_threshold(v->analysis, (float)*t);
    snprintf(text, sizeof text, "threshold %.2f", *t);
    view_say(v, false, text);
    view_analyse(v);
    v->figures_at = 0;
}

static void toggle_labels(view *v)
{
    v->settings->labels = !v->settings->labels;
    v->settings->scores = v->settings->labels;
    const overlay_options look = view_look(v);
    overlay_set(v->overlay, &look);
}

static void take_still(view *v)
{
    const overlay_options look = view_look(v);
    frame *f = v->visible ? frame_share(v->visible) : NULL;
    if (f) saver_still(v->saver, f, &look);
}

static void toggle_recording(view *v)
{
    live_state s;
    live_state_now(v->live, &s);
    const overlay_options look = view_look(v);
    v->recording = !v->recording;
    v->recording_began = clock_now();
    if (v->recording) saver_begin(v->saver, &look, s.rate);
    else saver_end(v->saver);
}

/* ---- the selected face --------------------------------------------------------------------------- */

/* From left to right, and round again. */
static void select_next(view *v)
{
    const object *now = NULL, *next = NULL, *first = NULL;
    for (int i = 0; i < v->layer.object_count; i++)
        if (v->layer.objects[i].track > 0 && v->layer.objects[i].track == v->selected) now = &v->layer.objects[i];
    for (int i = 0; i < v->layer.object_count; i++) {
        const object *o = &v->layer.objects[i];
        if (o->track <= 0) continue;
        if (!first || o->box.x1 < first->box.x1) first = o;
        if (now && o != now && o->box.x1 > now->box.x1 && (!next || o->box.x1 < next->box.x1)) next = o;
    }
    v->selected = next ? next->track : first ? first->track : 0;
}

static void begin_entry(view *v)
{
    if (!v->selected) select_next(v);
    if (!v->selected) {
        view_say(v, false, "no face to name");
        return;
    }
    v->typing = true;
    v->entry[0] = '\0';
    window_type(v->window, true);
}

static void end_entry(view *v, bool keep)
{
    v->typing = false;
    window_type(v->window, false);
    if (!keep || !v->entry[0]) return;
    live_state s;
    live_state_now(v->live, &s);
    analysis_enrol(v->analysis, v->selected, v->entry, s.name);
    view_analyse(v);                                    /* now, even if no new picture comes */
}

/* Whole characters only, and none that a name may not have. */
static void enter_text(view *v, const char *text)
{
    const size_t used = strlen(v->entry);
    size_t n = 0;
    while (text[n] && (unsigned char)text[n] >= 32 && text[n] != 127) n++;
    if (used + n <= VIEW_ENTRY) snprintf(v->entry + used, sizeof v->entry - used, "%.*s", (int)n, text);
}

static void rub_out(view *v)
{
    size_t n = strlen(v->entry);
    if (n) n--;
    while (n && ((unsigned char)v->entry[n] & 0xC0) == 0x80) n--;
    v->entry[n] = '\0';
}

static void entry_key(view *v, const window_event *e)
{
    char *pasted;
    switch (e->key) {
    case WINDOW_ENTER:     end_entry(v, true); break;
    case WINDOW_ESCAPE:    end_entry(v, false); break;
    case WINDOW_BACKSPACE: rub_out(v); break;
    case 'v':
        pasted = e->control ? window_pasted(v->window) : NULL;
        if (pasted) enter_text(v, pasted);
        free(pasted);
        break;
    }
}

/* ---- keys ------------------------------------------------------------------------------------------ */

static void leave(view *v)
{
    if (v->help) v->help = false;
    else v->quit = true;
}

static void key(view *v, const window_event *e)
{
    view_settings *s = v->settings;
    const bool held = e->repeated;
    switch (e->key) {
    case '+': change_threshold(v, .05); break;
    case '-': change_threshold(v, -.05); break;
    case '.': case WINDOW_RIGHT: step(v); break;
    case WINDOW_TAB: select_next(v); break;
    }
    if (held) return;
    switch (e->key) {
    case ' ': pause_or_go_on(v); break;
    case 'l': toggle_labels(v); break;
    case 'h': s->hud = !s->hud; break;
    case 'm': s->mirror = !s->mirror; break;
    case 'b': view_set_blur(v, !s->blur); break;
    case 'f': case WINDOW_F11: window_set_full_screen(v->window, !window_is_full_screen(v->window)); break;
    case 's': take_still(v); break;
    case 'r': toggle_recording(v); break;
    case 'e': case WINDOW_ENTER: begin_entry(v); break;
    case '?': case WINDOW_F1: v->help = !v->help; break;
    case 'q': v->quit = true; break;
    case WINDOW_ESCAPE: leave(v); break;
    }
}

void view_event(view *v, const window_event *e)
{
    switch (e->kind) {
    case WINDOW_NOTHING:
        return;
    case WINDOW_QUIT:
        v->quit = true;
        break;
    case WINDOW_KEY:
        if (v->typing) entry_key(v, e);
        else if (!e->control) key(v, e);
        break;
    case WINDOW_TEXT:
        if (v->typing) enter_text(v, e->text);
        break;
    case WINDOW_CLICK:
        v->selected = view_object_at(v, e->x, e->y);
        break;
    case WINDOW_CHANGED:
        break;
    }
    v->stale = true;
}
