/* view_hud.c - the words in the window: figures, keys, and what becomes of the source. */
#include "view.h"
#include "clock.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const double figures_every = 0.25;       /* seconds: nobody reads faster */

const char view_help_text[] =
    "Keys\n"
    "Space\tpause, go on\n"
    ".  →\tone picture further\n"
    "+  −\tthreshold up, down\n"
    "l\tlabels\n"
    "h\tfigures\n"
    "m\tmirror the window\n"
    "b\tblur faces\n"
    "f  F11\tfull screen\n"
    "s\tscreenshot, clean and annotated\n"
    "r\trecord without sound, stop recording\n"
    "click  Tab\tselect a face\n"
    "e  Enter\tname the selected face\n"
    "?  F1\tthese keys\n"
    "q  Esc\tquit";

static void add(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void add(char *out, size_t size, const char *format, ...)
{
    va_list args;
    const size_t used = strlen(out);
    va_start(args, format);
    if (used < size) vsnprintf(out + used, size - used, format, args);
    va_end(args);
}

static void add_source(view *v, char *out, size_t size)
{
    live_state s;
    live_state_now(v->live, &s);
    const char *slash = strrchr(s.name, '/');
    const char *name = strstr(s.name, "://") || !slash || !slash[1] ? s.name : slash + 1;
    add(out, size, "source\t%.60s", name);
    if (s.inputs > 1) add(out, size, " (%d of %d)", s.input + 1, s.inputs);
    if (s.width) add(out, size, ", %d×%d %s", s.width, s.height, s.codec);
    if (s.rate > 0) add(out, size, " at %.4g/s", s.rate);
    if (s.damaged) add(out, size, ", %lld damaged", (long long)s.damaged);
    add(out, size, "\nlatency\t%.0f ms, 95 %% below %.0f ms; %lld dropped", 1e3 * meter_recent(&v->displayed, .5),
        1e3 * meter_recent(&v->displayed, .95), (long long)s.dropped);
}

static void add_model(view *v, char *out, size_t size)
{
    analysis_state a;
    analysis_state_now(v->analysis, &a);
    if (a.phase == ANALYSIS_LOADING) add(out, size, "\nmodel\tloading %s", v->settings->model);
    if (a.phase == ANALYSIS_FAILED) add(out, size, "\nmodel\t%s", a.why.message);
    if (a.phase != ANALYSIS_RUNNING) return;
    add(out, size, "\nmodel\t%s, %d×%d, %s, %s, %d thread%s", a.model, a.width, a.height, a.precision, a.isa,
        a.threads, a.threads == 1 ? "" : "s");
    add(out, size, "\nanalysis\t%.0f ms; threshold %.2f", 1e3 * meter_recent(&v->analysed, .5), v->settings->threshold);
    if (a.people >= 0) add(out, size, "\ngallery\t%lld %s", (long long)a.people, a.people == 1 ? "person" : "people");
}

void view_figures(view *v, double now)
{
    char *const out = v->figures;
    const size_t size = sizeof v->figures;
    if (now < v->figures_at + figures_every) return;
    v->figures_at = now;
    out[0] = '\0';
    add_source(v, out, size);
    add(out, size, "\npictures\t%.1f captured, %.1f shown, %.1f analysed a second", meter_rate(&v->captured, now),
        meter_rate(&v->displayed, now), meter_rate(&v->analysed, now));
    add_model(v, out, size);
    if (saver_dropped(v->saver)) add(out, size, "\nrecording\t%lld left out", (long long)saver_dropped(v->saver));
}

/* What it is called, unless the sentence says so itself. */
static void add_sentence(char *out, size_t size, const live_state *s)
{
    if (!strstr(s->sentence, s->name)) add(out, size, "%s\n", s->name);
    add(out, size, "%s", s->sentence);
}

void view_source_text(view *v, char *out, size_t size, bool *alarm)
{
    live_state s;
    live_state_now(v->live, &s);
    out[0] = '\0';
    *alarm = false;
    switch (s.phase) {
    case LIVE_CONNECTING:
        if (s.losses || s.failures || !v->shown) add_sentence(out, size, &s);
        break;
    case LIVE_PLAYING:
        break;
    case LIVE_LOST:
        *alarm = true;
        add_sentence(out, size, &s);
        if (s.retry_in > 0) add(out, size, "\ntrying again in %.0f s", ceil(s.retry_in));
        else add(out, size, "\ntrying again now");
        break;
    case LIVE_ENDED:
        if (s.why == CYG_END) break;
        *alarm = true;
        add_sentence(out, size, &s);
        break;
    }
}
