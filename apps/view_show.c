/* view_show.c - the loop: the newest picture to the analysis and to the screen, the newest finding onto it. */
#include "view.h"
#include "clock.h"
#include "track.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double longest_move = 0.5;         /* seconds that a box goes on at its speed */
static const double first_wait = 0.3;           /* seconds that the window waits for its first picture's size */
static const double notice_time = 3, bad_notice_time = 8;
static const double soon = 0.06, idle = 0.25;   /* seconds until a finding, or nothing, is drawn without a picture */
static const double last_words = 0.8;           /* seconds that the last analysis may take at the end */
enum { CATCH_UP = 64 };                         /* frames that count as captured at one moment, at most */

/* ---- what is said ----------------------------------------------------------------------------- */

void view_say(view *v, bool bad, const char *sentence)
{
    pthread_mutex_lock(&v->notice.lock);
    snprintf(v->notice.text, sizeof v->notice.text, "%s", sentence);
    v->notice.bad = bad;
    v->notice.until = clock_now() + (bad ? bad_notice_time : notice_time);
    pthread_mutex_unlock(&v->notice.lock);
}

overlay_options view_look(const view *v)
{
    const view_settings *s = v->settings;
    return (overlay_options){
        .labels = s->labels, .numbers = s->labels, .scores = s->scores, .scale = (float)s->scale, .font = s->font,
    };
}

/* ---- the picture ---------------------------------------------------------------------------------- */

/* The newest finding, moved to the time of the picture; nothing if it is too old for that. */
static void find_objects(view *v)
{
    frame *f = v->shown;
    f->object_count = 0;
    if (!v->found || v->found->input != f->input) return;
    analysis_state a;
    analysis_state_now(v->analysis, &a);
    const double age = f->time - v->found->time;
    if (age < 0 || age > 1 + 2 * a.last) return;
    f->object_count = v->found->object_count;
    for (int i = 0; i < f->object_count; i++) {
        f->objects[i] = v->found->objects[i];
        object_move(&f->objects[i], fmin(age, longest_move));
        if (age > 0) f->objects[i].src = FROM_TRACK;
    }
}

/* What may be seen of the picture. */
static void dress(view *v)
{
    if (v->visible != v->shown) frame_free(v->visible);
    v->visible = v->shown;
    if (!v->shown || !v->settings->blur || !v->shown->object_count) return;
    frame *own = frame_share(v->shown);
    if (own && frame_own(own)) {
        overlay_cover(v->hider, own);
        v->visible = own;
    } else {
        frame_free(own);
    }
}

static void upload(view *v)
{
    cyg_error err;
    if (!v->window || !v->visible) return;
    if (window_picture(v->window, &v->visible->image, &err) != CYG_OK) view_say(v, true, err.message);
}

static void show_again(view *v)
{
    if (!v->shown) return;
    find_objects(v);
    dress(v);
    if (v->settings->blur || v->visible != v->shown) upload(v);
}

void view_set_blur(view *v, bool on)
{
    v->settings->blur = on;
    show_again(v);
    upload(v);
}

static void count_captured(view *v, const frame *f)
{
    const int64_t missed = f->number - v->number;
    for (int64_t i = 0; i < missed && i < CATCH_UP; i++) meter_add(&v->captured, f->captured, 0);
    v->number = f->number;
}

void view_analyse(view *v)
{
    frame *other = v->shown ? frame_share(v->shown) : NULL;
    if (other) analysis_put(v->analysis, other);
}

/* Takes f over. */
static void show(view *v, frame *f)
{
    if (f->captured <= 0) f->captured = clock_now();
    count_captured(v, f);
    if (v->visible != v->shown) frame_free(v->visible);
    frame_free(v->shown);
    v->shown = v->visible = f;
    view_analyse(v);
    find_objects(v);
    dress(v);
    upload(v);
    if (v->window) view_draw(v);
    const double now = clock_now();
    if (!v->displayed.count)
        log_print(v->log, LOG_DETAIL, "first picture %.0f ms after the start", 1e3 * (now - v->began));
    meter_add(&v->displayed, now, now - f->captured);
    frame *kept = v->recording ? frame_share(v->visible) : NULL;
    if (kept) saver_frame(v->saver, kept);
}

/* ---- findings --------------------------------------------------------------------------------------- */

static void take_finding(view *v)
{
    frame *f = analysis_poll(v->analysis);
    if (!f) return;
    analysis_state a;
    analysis_state_now(v->analysis, &a);
    meter_add(&v->analysed, clock_now(), a.last);
    frame_free(v->found);
    v->found = f;
    v->newly_found = true;
}

/* ---- the end ------------------------------------------------------------------------------------------ */

/* Of nothing but pictures, the last one stays on the screen. */
static bool is_still(const live_state *s)
{
    return s->captured > 0 && s->captured <= s->inputs;
}

static void end(view *v, int code)
{
    v->code = code;
    v->quit = true;
}

/* What becomes of the source is told once. */
static void tell_phase(view *v, const live_state *s)
{
    if (s->phase == v->phase) return;
    const bool again = s->phase == LIVE_PLAYING && s->losses > 0;
    v->phase = s->phase;
    if (s->phase == LIVE_LOST) log_print(v->log, LOG_WARNING, "%s; trying again", s->sentence);
    if (again) log_print(v->log, LOG_NOTE, "%s: there again", s->name);
    if (s->phase == LIVE_PLAYING && !again)
        log_print(v->log, LOG_DETAIL, "%s: %dx%d, %s, %s, %.4g frames/s", s->name, s->width, s->height, s->codec,
                  s->pixel_format, s->rate);
}

static void check_source(view *v)
{
    live_state s;
    live_state_now(v->live, &s);
    tell_phase(v, &s);
    if (s.phase != LIVE_ENDED) return;
    frame *last = live_take(v->live, 0);
    if (last) {                                         /* it came between */
        show(v, last);
    } else if (s.why == CYG_END) {
        if (!v->window || !is_still(&s)) end(v, VIEW_DONE);
    } else {
        log_print(v->log, LOG_ERROR, "%s", s.sentence);
        if (s.why == CYG_NOT_FOUND) view_tell_cameras(v->log, stderr, false);
        end(v, s.captured ? VIEW_LOST : VIEW_NO_SOURCE);
    }
}

static void check_analysis(view *v)
{
    analysis_state a;
    analysis_state_now(v->analysis, &a);
    if (a.phase != ANALYSIS_FAILED) return;
    log_print(v->log, LOG_ERROR, "%s", a.why.message);
    end(v, a.gallery_failed ? VIEW_GALLERY : a.why.status == CYG_ARGUMENT ? VIEW_USAGE : VIEW_MODEL);
}

static void check_limits(view *v)
{
    const view_settings *s = v->settings;
    const bool enough = s->frames > 0 && v->displayed.count >= s->frames;
    const bool late = s->time_limit > 0 && clock_now() - v->began >= s->time_limit;
    if (enough) end(v, VIEW_DONE);
    else if (late) end(v, v->displayed.count ? VIEW_DONE : VIEW_LOST);
    if (v->records_failed) end(v, VIEW_OUTPUT);
    if (stop_signal(v->stop)) end(v, 128 + stop_signal(v->stop));
}

/* Without a window the records of the last picture are what is waited for: of a photo as long as it takes. */
static void await_last_finding(view *v)
{
    live_state s;
    live_state_now(v->live, &s);
    const double limit = is_still(&s) ? INFINITY : clock_now() + last_words;
    if (v->window || !v->settings->records || !v->shown) return;
    while (!stop_signal(v->stop) && clock_now() < limit && (!v->found || v->found->number < v->shown->number)) {
        analysis_state a;
        take_finding(v);
        analysis_state_now(v->analysis, &a);
        if (a.phase == ANALYSIS_FAILED) return;
        frame_free(live_take(v->live, .01));
    }
}

/* ---- the loop --------------------------------------------------------------------------------------------- */

static void open_window(view *v, const frame *first)
{
    cyg_error err;
    window *w;
    const float aspect = first && first->aspect > 0 ? first->aspect : 1;
    const window_options options = {
        .title = "Cygnet", .width = first ? (int)lroundf((float)first->image.width * aspect) : 1280,
        .height = first ? first->image.height : 720,
        .full_screen = v->settings->full_screen,
    };
    if (window_open(&w, &options, &err) != CYG_OK) {
        log_print(v->log, LOG_ERROR, "%s", err.message);
        end(v, VIEW_OUTPUT);
        return;
    }
    log_print(v->log, LOG_DETAIL, "drawing with %s", window_driver(w));
    v->window = w;
}

/* A picture, a key, a finding, or a moment without any. */
static frame *wait(view *v)
{
    window_event e;
    if (!v->window) return live_take(v->live, soon);
    window_wait(v->window, &e, (int)(1e3 * (v->newly_found ? soon / 2 : idle / 2)));
    view_event(v, &e);
    return live_take(v->live, 0);
}

static void draw_if_needed(view *v)
{
    if (!v->window) return;
    const double since = clock_now() - v->drawn;
    if (v->newly_found && since > soon) {
        show_again(v);
        v->stale = true;
    }
    if (v->stale || since > idle) view_draw(v);
}

static void run(view *v)
{
    frame *first = live_take(v->live, first_wait);
    if (!first) check_source(v);                        /* a file that is not there needs no window */
    if (!v->quit && !v->settings->headless) open_window(v, first);
    if (first && !v->quit) show(v, first);
    else frame_free(first);
    if (!v->quit) check_limits(v);
    while (!v->quit) {
        frame *f = wait(v);
        take_finding(v);
        if (f) {
            show(v, f);
            v->newly_found = false;
        }
        draw_if_needed(v);
        check_limits(v);
        if (!v->quit) check_analysis(v);
        if (!v->quit) check_source(v);
    }
}

static void say_total(view *v)
{
    live_state s;
    live_state_now(v->live, &s);
    const meter *d = &v->displayed;
    if (!d->count) return;
    log_print(v->log, LOG_NOTE, "%s: %lld pictures shown, %.1f a second; %lld dropped; %lld analysed, %.1f a second; "
              "latency %.0f ms, 95 %% below %.0f ms", s.name, (long long)d->count, meter_mean_rate(d),
              (long long)s.dropped, (long long)v->analysed.count, meter_mean_rate(&v->analysed),
              1e3 * meter_whole(d, .5), 1e3 * meter_whole(d, .95));
}

int view_run(view *v)
{
    run(v);
    await_last_finding(v);
    analysis_stop(v->analysis);
    if (v->code == VIEW_DONE) check_analysis(v);        /* a wrong setting is one, however soon the end */
    view_record_end(v);
    if (v->records_failed) v->code = VIEW_OUTPUT;
    say_total(v);
    if (v->visible != v->shown) frame_free(v->visible);
    frame_free(v->shown);
    frame_free(v->found);
    v->shown = v->visible = v->found = NULL;
    return v->code;
}
