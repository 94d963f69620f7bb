/* view_save.c - jobs in order: a pair of stills, or the beginning, the frames and the end of a recording. */
#include "view_save.h"
#include "channel.h"
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { MOST_FRAMES = 8, MOST_JOBS = 64 };       /* frames that wait to be encoded; jobs of any kind */

typedef enum job_kind { JOB_STILL, JOB_BEGIN, JOB_FRAME, JOB_END } job_kind;

typedef struct job {
    job_kind        kind;
    frame          *frame;
    overlay_options look;
    double          rate;
} job;

struct saver {
    saver_options o;
    channel      *jobs;
    pthread_t     thread;
    bool          started;
    atomic_int    waiting;              /* frames in jobs */
    _Atomic int64_t dropped;

    /* The thread's own. */
    overlay      *overlay;
    bool          recording, failed;
    video_source *like;                 /* of the recording's frames */
    video_sink   *sink;                 /* NULL: not begun */
    char         *path;
    int           width, height;
    cyg_pixels    format;
    double        first, last, rate;    /* when its frames were captured */
};

/* ---- names ------------------------------------------------------------------------------------ */

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 || errno != ENOENT;
}

/* "FOLDER/cygnet-20261123-093107" or with "-2", "-3" ..., so that no file with one of the endings is there. */
static char *choose_name(const saver *s, const char *ending, const char *other)
{
    char stamp[32], number[16] = "";
    const time_t now = time(NULL);
    struct tm local;
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&now, &local));
    for (int i = 2; i < 1000; i++) {
        char *base = NULL, *first = NULL, *second = NULL;
        const bool made = asprintf(&base, "%s/cygnet-%s%s", s->o.folder, stamp, number) > 0 &&
                          asprintf(&first, "%s%s", base, ending) > 0 && asprintf(&second, "%s%s", base, other) > 0;
        const bool free_name = made && !exists(first) && !exists(second);
        free(first);
        free(second);
        if (free_name || !made) return base;
        free(base);
        snprintf(number, sizeof number, "-%d", i);
    }
    return NULL;
}

static void say(saver *s, bool bad, const char *format, const char *what)
{
    char sentence[700];
    snprintf(sentence, sizeof sentence, format, what);
    s->failed = s->failed || bad;
    if (s->o.say) s->o.say(s->o.context, bad, sentence);
}

/* ---- stills -------------------------------------------------------------------------------------- */

static cyg_status write_pair(saver *s, frame *rgb, const char *base, const overlay_options *look, cyg_error *err)
{
    char *clean = NULL, *annotated = NULL;
    overlay *o = overlay_create(look);
    cyg_status status = o && asprintf(&clean, "%s_clean.png", base) > 0 &&
                        asprintf(&annotated, "%s_annotated.png", base) > 0
                            ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", base);
    if (status == CYG_OK) status = video_frame_png(rgb, clean, err);
    if (status == CYG_OK) {
        overlay_draw(o, rgb);
        status = video_frame_png(rgb, annotated, err);
    }
    overlay_free(o);
    free(clean);
    free(annotated);
    return status;
}

static void save_still(saver *s, const job *j)
{
    cyg_error err;
    char *base = choose_name(s, "_clean.png", "_annotated.png");
    frame *rgb = base ? video_frame_rgb(j->frame) : NULL;
    const cyg_status status = rgb ? write_pair(s, rgb, base, &j->look, &err)
                                  : cyg_fail(&err, CYG_NO_MEMORY, "out of memory for a screenshot");
    if (status == CYG_OK) say(s, false, "saved %s_annotated.png and _clean.png", base);
    else say(s, true, "%s", err.message);
    frame_free(rgb);
    free(base);
}

/* ---- recordings ------------------------------------------------------------------------------------ */

static void forget_recording(saver *s)
{
    video_sink_close(s->sink);
    video_source_close(s->like);
    free(s->path);
    s->sink = NULL;
    s->like = NULL;
    s->path = NULL;
}

static void finish_recording(saver *s)
{
    cyg_error err;
    if (!s->sink) return;
    if (video_sink_finish(s->sink, &err) == CYG_OK) say(s, false, "recorded %s", s->path);
    else say(s, true, "%s", err.message);
    forget_recording(s);
}

static cyg_status start_file(saver *s, const frame *f, cyg_error *err)
{
    char *base = choose_name(s, ".mp4", "..mp4.part");
    if (!base || asprintf(&s->path, "%s.mp4", base) < 0) s->path = NULL;
    free(base);
    if (!s->path) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for a recording");
    cyg_status status = video_source_like(&s->like, f, s->rate, err);
    if (status == CYG_OK) status = video_sink_open(&s->sink, s->path, s->like, &s->o.video, err);
    s->width = f->image.width;
    s->height = f->image.height;
    s->format = f->image.format;
    s->first = f->captured;
    s->last = -1;
    return status;
}

static cyg_status write_frame(saver *s, frame *f, cyg_error *err)
{
    const double step = s->rate > 0 ? 1 / s->rate : .04;
    double at = f->captured - s->first;
    if (at <= s->last) at = s->last + step / 8;         /* clocks that stand still */
    s->last = at;
    if (!frame_own(f)) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", s->path);
    overlay_draw(s->overlay, f);
    video_frame_stamp(f, at, step);
    return video_sink_write(s->sink, f, err);
}

/* A picture of another size goes into a file of its own. */
static void save_frame(saver *s, frame *f)
{
    cyg_error err;
    if (!s->recording) return;
    const bool other = s->sink && (f->image.width != s->width || f->image.height != s->height ||
                                   f->image.format != s->format);
    if (other) finish_recording(s);
    cyg_status status = s->sink ? CYG_OK : start_file(s, f, &err);
    if (status == CYG_OK) status = write_frame(s, f, &err);
    if (status == CYG_OK) return;
    say(s, true, "%s", err.message);
    s->recording = false;
    forget_recording(s);
}

static void begin_recording(saver *s, const job *j)
{
    finish_recording(s);
    overlay_free(s->overlay);
    s->overlay = overlay_create(&j->look);
    s->rate = j->rate;
    s->recording = s->overlay != NULL;
    if (!s->recording) say(s, true, "%s", "out of memory for a recording");
}

/* ---- the thread ------------------------------------------------------------------------------------- */

static void *run(void *arg)
{
    saver *s = arg;
    for (job *j; (j = channel_take(s->jobs));) {
        switch (j->kind) {
        case JOB_STILL: save_still(s, j); break;
        case JOB_BEGIN: begin_recording(s, j); break;
        case JOB_FRAME: save_frame(s, j->frame); break;
        case JOB_END:   finish_recording(s); s->recording = false; break;
        }
        if (j->frame) atomic_fetch_sub(&s->waiting, 1);
        frame_free(j->frame);
        free(j);
    }
    finish_recording(s);
    return NULL;
}

cyg_status saver_open(saver **out, const saver_options *o, cyg_error *err)
{
    *out = NULL;
    saver *s = calloc(1, sizeof *s);
    if (!s) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    s->o = *o;
    s->jobs = channel_create(MOST_JOBS, CHANNEL_WAIT);
    s->started = s->jobs && pthread_create(&s->thread, NULL, run, s) == 0;
    if (!s->started) {
        (void)saver_close(s);
        return cyg_fail(err, CYG_NO_MEMORY, "out of memory for a thread");
    }
    *out = s;
    return CYG_OK;
}

bool saver_close(saver *s)
{
    if (!s) return true;
    if (s->started) {
        channel_close(s->jobs);
        pthread_join(s->thread, NULL);
    }
    const bool good = !s->failed;
    overlay_free(s->overlay);
    channel_free(s->jobs);
    free(s);
    return good;
}

/* ---- for the others ---------------------------------------------------------------------------------- */

static void add(saver *s, job_kind kind, frame *f, const overlay_options *look, double rate)
{
    job *j = calloc(1, sizeof *j);
    if (!j) {
        frame_free(f);
        return;
    }
    *j = (job){ .kind = kind, .frame = f, .rate = rate };
    if (look) j->look = *look;
    if (f) atomic_fetch_add(&s->waiting, 1);
    channel_put(s->jobs, j);
}

void saver_begin(saver *s, const overlay_options *look, double rate) { add(s, JOB_BEGIN, NULL, look, rate); }
void saver_end(saver *s) { add(s, JOB_END, NULL, NULL, 0); }
int64_t saver_dropped(saver *s) { return s->dropped; }

void saver_still(saver *s, frame *f, const overlay_options *look)
{
    if (atomic_load(&s->waiting) < MOST_FRAMES) {
        add(s, JOB_STILL, f, look, 0);
        return;
    }
    say(s, false, "%s", "too busy for another screenshot");
    frame_free(f);
}

void saver_frame(saver *s, frame *f)
{
    if (atomic_load(&s->waiting) < MOST_FRAMES) {
        add(s, JOB_FRAME, f, NULL, 0);
        return;
    }
    s->dropped++;
    frame_free(f);
}
