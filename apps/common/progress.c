/* progress.c - shows the frames and objects of one input as they come. */
#include "progress.h"
#include "text.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_init(progress *p, logger *log, progress_mode mode, size_t inputs)
{
    if (mode == PROGRESS_AUTO && log_columns(log) == 0) mode = PROGRESS_TEXT;
    *p = (progress){ .log = log, .mode = mode, .inputs = inputs, .unit = "frames", .thing = "objects" };
}

void progress_begin(progress *p, size_t input, const char *name, int64_t of)
{
    p->input = input + 1;
    p->name = name;
    p->of = of;
    p->began = now();
    p->shown = p->mode == PROGRESS_TEXT ? p->began : 0;
}

void progress_clock(char out[16], double seconds)
{
    const int s = seconds < 360000 ? (int)(seconds + 0.5) : 359999;
    if (s < 3600) snprintf(out, 16, "%d:%02d", s / 60, s % 60);
    else snprintf(out, 16, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
}

typedef struct reading {
    int64_t frames, objects;
    double  fps, eta;           /* eta NAN: not known */
} reading;

/* What stands behind the bar: "  45%  123/274 frames  31.2/s  7 objects  ETA 0:12". */
static void describe(char *out, size_t size, const progress *p, const reading *r)
{
    char of[64] = "", eta[32] = "", clock[16];
    if (p->of > 0) snprintf(of, sizeof of, "%3.0f%%  ", fmin(100, 100.0 * (double)r->frames / (double)p->of));
    if (isfinite(r->eta)) {
        progress_clock(clock, r->eta);
        snprintf(eta, sizeof eta, "  ETA %s", clock);
    }
    snprintf(out, size, "%s%lld %s  %.1f/s  %lld %s%s", of, (long long)r->frames, p->unit, r->fps,
             (long long)r->objects, p->thing, eta);
}

/* "[2/12] clip.mp4 [#####     ]  45%  ...": the bar takes what room the words leave. */
static void show_bar(const progress *p, const reading *r)
{
    char words[160], line[1024], name[512], which[48] = "", bar[64] = "";
    const int columns = log_columns(p->log) - 1;
    describe(words, sizeof words, p, r);
    text_clean(name, sizeof name, p->name, TEXT_TERMINAL);
    if (p->inputs > 1) snprintf(which, sizeof which, "[%zu/%zu] ", p->input, p->inputs);
    const int room = columns - (int)strlen(which) - (int)strlen(words) - 2;
    name[text_fit(name, room > 0 ? room : 0)] = 0;
    const int left = room - text_columns(name) - 3, width = left < 40 ? left : 40;
    if (p->of > 0 && width >= 5) {
        const int full = (int)(width * fmin(1, (double)r->frames / (double)p->of));
        memset(bar + 2, ' ', (size_t)width);
        memset(bar + 2, '#', (size_t)full);
        memcpy(bar, " [", 2);
        memcpy(bar + 2 + width, "]", 2);
    }
    snprintf(line, sizeof line, "%s%s%s  %s", which, name, bar, words);
    line[text_fit(line, columns)] = 0;
    log_status(p->log, line);
}

static void show_json(const progress *p, const reading *r)
{
    char *name = text_cleaned(p->name, TEXT_DATA);
    json_t *eta = isfinite(r->eta) ? json_real(round(r->eta * 10) / 10) : json_null();
    json_t *of = p->of > 0 ? json_integer(p->of) : json_null();
    json_t *record = json_pack("{ss sI sI ss* sI so sI sf so}", "type", "progress", "input", (json_int_t)p->input,
        "inputs", (json_int_t)p->inputs, "name", name, p->unit, (json_int_t)r->frames, "of", of,
        p->thing, (json_int_t)r->objects, "fps", round(r->fps * 100) / 100, "eta", eta);
    char *line = record ? json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    if (line) log_line(p->log, line);
    free(line);
    json_decref(record);
    free(name);
}

void progress_frame(progress *p, int64_t frames, int64_t objects)
{
    static const double every[] = { [PROGRESS_AUTO] = 0.1, [PROGRESS_TEXT] = 10, [PROGRESS_JSONL] = 0.1 };
    const double t = now();
    if (p->mode == PROGRESS_NONE || t - p->shown < every[p->mode]) return;
    p->shown = t;
    const double passed = fmax(t - p->began, 1e-3), fps = (double)frames / passed;
    const double eta = p->of > frames && fps > 0 ? (double)(p->of - frames) / fps : NAN;
    const reading r = { frames, objects, fps, eta };
    char words[160];
    switch (p->mode) {
    case PROGRESS_AUTO: show_bar(p, &r); break;
    case PROGRESS_JSONL: show_json(p, &r); break;
    default:
        describe(words, sizeof words, p, &r);
        log_print(p->log, LOG_NOTE, "%s: %s", p->name, words);
    }
}

void progress_end(progress *p)
{
    log_status(p->log, "");
    p->name = NULL;
}
