/* live.c - the capture thread, and what it leaves for others: the newest frame and the state. */
#include "live.h"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "channel.h"
#include "clock.h"
#include "inputs.h"
#include "picture.h"
#include "text.h"
#include "video.h"

enum { MOST_PIXELS = 200 * 1000 * 1000 };       /* of a picture: 600 MB in memory */

static const double LATE = 0.5;                 /* seconds behind: no catching up any more */
static const double PATIENCE = 0.8;             /* seconds live_close waits for the thread */

struct live {
    live_options    options;
    inputs          inputs;
    channel        *frames;             /* of one frame, the newest */
    pthread_t       thread;

    pthread_mutex_t lock;               /* of all below */
    pthread_cond_t  changed;
    live_state      state;
    double          retry_at;
    bool            stopping, paused, done, abandoned;
    int             steps;              /* frames that may come while paused */

    /* The thread's own. */
    double          begun;              /* pacing: when second 0 of the file was; NAN = not yet */
    double          deadline;           /* of the next picture of a stream */
    bool            stalled, endless;
};

/* ---- state -------------------------------------------------------------------------- */

static void announce(live *l)
{
    pthread_cond_broadcast(&l->changed);
    if (l->options.wake && !l->stopping) l->options.wake(l->options.context);
}

static void say(live *l, live_phase phase, cyg_status why, double retry_in, const char *sentence)
{
    pthread_mutex_lock(&l->lock);
    l->state.phase = phase;
    l->state.why = why;
    l->retry_at = clock_now() + retry_in;
    text_clean(l->state.sentence, sizeof l->state.sentence, sentence, TEXT_TERMINAL);
    announce(l);
    pthread_mutex_unlock(&l->lock);
}

/* Waits until that moment; false: sooner, because all is to end. */
static bool sleep_until(live *l, double moment)
{
    const struct timespec t = { (time_t)moment, (long)(fmod(moment, 1) * 1e9) };
    pthread_mutex_lock(&l->lock);
    while (!l->stopping && clock_now() < moment) pthread_cond_clockwait(&l->changed, &l->lock, CLOCK_MONOTONIC, &t);
    const bool stopping = l->stopping;
    pthread_mutex_unlock(&l->lock);
    return !stopping;
}

static bool is_stopping(live *l)
{
    pthread_mutex_lock(&l->lock);
    const bool stopping = l->stopping;
    pthread_mutex_unlock(&l->lock);
    return stopping;
}

/* ---- frames ---------------------------------------------------------------------------- */

/* While paused a file waits here for a step. False: all is to end. */
static bool may_go_on(live *l)
{
    pthread_mutex_lock(&l->lock);
    const bool waited = l->paused && !l->stopping;
    while (l->paused && !l->steps && !l->stopping) pthread_cond_wait(&l->changed, &l->lock);
    if (l->paused && l->steps) l->steps--;
    const bool stopping = l->stopping;
    pthread_mutex_unlock(&l->lock);
    if (waited) l->begun = NAN;
    return !stopping;
}

/* A stream cannot wait: what comes while paused is nobody's, but for a step. */
static bool is_wanted(live *l)
{
    pthread_mutex_lock(&l->lock);
    const bool wanted = !l->paused || l->steps;
    if (l->paused && l->steps) l->steps--;
    pthread_mutex_unlock(&l->lock);
    return wanted;
}

static bool wait_for_its_time(live *l, const frame *f)
{
    const double now = clock_now();
    if (isnan(l->begun) || now > l->begun + f->time + LATE) l->begun = now - f->time;
    return sleep_until(l, l->begun + f->time);
}

/* Takes over f. False: all is to end. */
static bool deliver(live *l, frame *f)
{
    bool wanted = true;
    if (!l->endless) {
        if (!may_go_on(l) || !wait_for_its_time(l, f)) {
            frame_free(f);
            return false;
        }
        f->captured = clock_now();
    } else {
        wanted = is_wanted(l);
    }
    pthread_mutex_lock(&l->lock);
    f->number = l->state.captured++;
    l->state.width = f->image.width;
    l->state.height = f->image.height;
    pthread_mutex_unlock(&l->lock);
    frame *back = wanted ? channel_put(l->frames, f) : f;
    pthread_mutex_lock(&l->lock);
    l->state.dropped += back && wanted;
    announce(l);
    pthread_mutex_unlock(&l->lock);
    frame_free(back);
    return true;
}

/* ---- one input, once ------------------------------------------------------------------- */

static bool is_cancelled(void *context)
{
    return is_stopping(context);
}

static void learn(live *l, const video_info *info)
{
    pthread_mutex_lock(&l->lock);
    live_state *s = &l->state;
    s->phase = LIVE_PLAYING;
    s->holds = true;
    s->width = info->width;
    s->height = info->height;
    s->rate = info->rate_den ? (double)info->rate_num / info->rate_den : 0;
    snprintf(s->codec, sizeof s->codec, "%s", info->codec);
    snprintf(s->pixel_format, sizeof s->pixel_format, "%s", info->pixel_format);
    snprintf(s->container, sizeof s->container, "%s", info->container);
    snprintf(s->sentence, sizeof s->sentence, "playing");
    announce(l);
    pthread_mutex_unlock(&l->lock);
}

static cyg_status play_source(live *l, video_source *source, cyg_error *err)
{
    cyg_status status = CYG_OK;
    for (bool going = true; status == CYG_OK && going;) {
        frame *f = frame_create();
        status = f ? video_source_read(source, f, err) : cyg_fail(err, CYG_NO_MEMORY, "out of memory for a frame");
        if (status == CYG_OK && f->image.width) going = deliver(l, f);
        else frame_free(f);
    }
    pthread_mutex_lock(&l->lock);
    l->state.damaged += video_source_damaged(source);
    pthread_mutex_unlock(&l->lock);
    return status;
}

static cyg_status play_video(live *l, const input *in, cyg_error *err)
{
    video_source *source;
    const video_source_options options = {
        .threads = l->options.threads, .cancelled = is_cancelled, .context = l,
    };
    cyg_status status = video_source_open(&source, in->path, &options, err);
    if (status != CYG_OK) return status;
    learn(l, video_source_info(source));
    status = play_source(l, source, err);
    video_source_close(source);
    return status;
}

static cyg_status play_picture(live *l, const input *in, cyg_error *err)
{
    static const video_info about = { .container = "jpeg", .codec = "jpeg", .pixel_format = "rgb24" };
    picture_info info = { 0 };
    frame *f = frame_create();
    cyg_status status = f ? picture_read(f, &info, in->path, MOST_PIXELS, err)
                          : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", in->path);
    if (status == CYG_OK) {
        learn(l, &about);
        (void)deliver(l, f);
        status = CYG_END;
    } else {
        frame_free(f);
    }
    picture_info_free(&info);
    return status;
}

static cyg_status play_once(live *l, const input *in, cyg_error *err)
{
    if (in->problem) return cyg_fail(err, CYG_IO, "%s", in->problem);
    l->begun = NAN;
    return in->kind == INPUT_FILE && !input_is_video(in->path) && picture_is_jpeg(in->path)
               ? play_picture(l, in, err) : play_video(l, in, err);
}

/* ---- the thread ------------------------------------------------------------------------ */

static void begin_input(live *l, size_t i)
{
    pthread_mutex_lock(&l->lock);
    l->state.input = (int)i;
    text_clean(l->state.name, sizeof l->state.name, l->inputs.items[i].path, TEXT_TERMINAL);
    pthread_mutex_unlock(&l->lock);
    say(l, LIVE_CONNECTING, CYG_OK, 0, "connecting");
}

static void free_all(live *l)
{
    for (frame *f; (f = channel_poll(l->frames));) frame_free(f);
    channel_free(l->frames);
    inputs_free(&l->inputs);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void *run(void *arg)
{
    live *l = arg;
    cyg_error err = { .status = CYG_END };
    for (size_t i = 0; i < l->inputs.count && !is_stopping(l); i++) {
        begin_input(l, i);
        err.status = play_once(l, &l->inputs.items[i], &err);
    }
    say(l, LIVE_ENDED, err.status, 0, err.status == CYG_END ? "ended" : err.message);
    channel_close(l->frames);
    pthread_mutex_lock(&l->lock);
    l->done = true;
    const bool abandoned = l->abandoned;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    if (abandoned) free_all(l);
    return NULL;
}

/* ---- for the others ----------------------------------------------------------------------- */

cyg_status live_open(live **out, const char *const *words, int count, const live_options *options, cyg_error *err)
{
    static const char *const first_camera = "0";
    *out = NULL;
    live *l = calloc(1, sizeof *l);
    if (!l) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    l->options = *options;
    l->frames = channel_create(1, CHANNEL_NEWEST);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    cyg_status status = l->frames ? inputs_find(&l->inputs, count ? words : &first_camera, count ? count : 1, err)
                                  : cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    l->state.inputs = (int)l->inputs.count;
    if (status == CYG_OK && pthread_create(&l->thread, NULL, run, l) != 0)
        status = cyg_fail(err, CYG_NO_MEMORY, "cannot start a thread");
    if (status != CYG_OK) {
        free_all(l);
        return status;
    }
    *out = l;
    return CYG_OK;
}

/* A thread that is stuck where nothing can wake it ends by itself, later. */
void live_close(live *l)
{
    if (!l) return;
    const double limit = clock_now() + PATIENCE;
    const struct timespec t = { (time_t)limit, (long)(fmod(limit, 1) * 1e9) };
    const pthread_t thread = l->thread;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_cond_broadcast(&l->changed);
    while (!l->done && clock_now() < limit) pthread_cond_clockwait(&l->changed, &l->lock, CLOCK_MONOTONIC, &t);
    const bool done = l->done;
    l->abandoned = !done;
    pthread_mutex_unlock(&l->lock);
    if (done) {
        pthread_join(thread, NULL);
        free_all(l);
    } else {
        pthread_detach(thread);
    }
}

frame *live_take(live *l, double seconds)
{
    return channel_take_within(l->frames, seconds);
}

void live_state_now(live *l, live_state *out)
{
    pthread_mutex_lock(&l->lock);
    *out = l->state;
    out->retry_in = l->state.phase == LIVE_LOST ? fmax(l->retry_at - clock_now(), 0) : 0;
    pthread_mutex_unlock(&l->lock);
}

void live_pause(live *l, bool paused)
{
    pthread_mutex_lock(&l->lock);
    l->paused = paused;
    l->steps = 0;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

void live_step(live *l)
{
    pthread_mutex_lock(&l->lock);
    if (l->paused) l->steps++;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}
