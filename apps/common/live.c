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
    char            pixel_format[32], transport[8];     /* the options' texts */
    inputs          inputs;
    channel        *frames;             /* of one frame, the newest */
    pthread_t       thread;

    pthread_mutex_t lock;               /* of all below */
    pthread_cond_t  changed;
    live_state      state;
    live_state    **ended;              /* [inputs.count]: of each input at its end; NULL = not there yet */
    double          retry_at;
    bool            stopping, paused, done, abandoned;
    int             steps;              /* frames that may come while paused */

    /* The thread's own. */
    const input    *input;
    bool            endless, paced;     /* the source ends only by being lost; its stamps say when to show it */
    bool            stalled;            /* the watchdog has ended the reading */
    double          deadline;           /* of the next picture, or of opening */
    double          begun;              /* pacing: when second 0 was; NAN = not yet */
    double          first;              /* when the input's first picture was captured; NAN = not yet */
    int64_t         pictures;           /* since the source was opened */
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

/* Waits until that moment, or a pause, which has rules of its own; false: all is to end. */
static bool wait_until(live *l, double moment)
{
    const struct timespec t = { (time_t)moment, (long)(fmod(moment, 1) * 1e9) };
    pthread_mutex_lock(&l->lock);
    while (!l->stopping && !l->paused && clock_now() < moment)
        pthread_cond_clockwait(&l->changed, &l->lock, CLOCK_MONOTONIC, &t);
    const bool stopping = l->stopping;
    pthread_mutex_unlock(&l->lock);
    return !stopping;
}

/* A pause does not keep a lost source from being found again. */
static bool wait_for_retry(live *l, double moment)
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
    return wait_until(l, l->begun + f->time);
}

/* When f was captured and which second it shows; false: all is to end. */
static bool take_its_turn(live *l, frame *f)
{
    if (!l->endless && !may_go_on(l)) return false;
    if (l->paced && !wait_for_its_time(l, f)) return false;
    if (l->paced) f->captured = clock_now();
    if (isnan(l->first)) l->first = f->captured;
    if (l->endless) f->time = f->captured - l->first;
    return true;
}

/* Takes over f. False: all is to end. */
static bool deliver(live *l, frame *f)
{
    if (!take_its_turn(l, f)) {
        frame_free(f);
        return false;
    }
    const bool wanted = !l->endless || is_wanted(l);
    l->pictures++;
    pthread_mutex_lock(&l->lock);
    f->number = l->state.captured++;
    f->input = l->state.input;
    l->state.width = f->image.width;
    l->state.height = f->image.height;
    pthread_mutex_unlock(&l->lock);
    frame *back = wanted ? channel_put(l->frames, f) : f;
    pthread_mutex_lock(&l->lock);
    l->state.dropped += back != NULL;
    announce(l);
    pthread_mutex_unlock(&l->lock);
    frame_free(back);
    return true;
}

/* ---- one source, from opening to its end ------------------------------------------------- */

/* Of what comes over a cable one waits only so long. */
static bool can_be_lost(const live *l)
{
    return l->input->kind == INPUT_STREAM || l->input->kind == INPUT_CAMERA;
}

static void set_deadline(live *l)
{
    l->deadline = can_be_lost(l) ? clock_now() + l->options.stall : INFINITY;
}

static bool is_over(void *context)
{
    live *l = context;
    l->stalled = l->stalled || clock_now() > l->deadline;
    return l->stalled || is_stopping(l);
}

/* "h264 1280x720 at 30/s; asked for 1920x1080 at 60/s" */
static void describe(const live *l, const live_state *s, char *out, size_t size)
{
    const live_options *o = &l->options;
    int n = snprintf(out, size, "%s %dx%d", *s->codec ? s->codec : "?", s->width, s->height);
    if (strcmp(s->codec, "rawvideo") == 0) n = snprintf(out, size, "%s %dx%d", s->pixel_format, s->width, s->height);
    if (s->rate > 0) n += snprintf(out + n, size - (size_t)n, " at %.4g/s", s->rate);
    if (!s->camera) return;
    const bool other_size = o->width && (o->width != s->width || o->height != s->height);
    const bool other_rate = o->rate > 0 && s->rate > 0 && fabs(o->rate - s->rate) > 0.01 * o->rate;
    if (other_size) n += snprintf(out + n, size - (size_t)n, "; asked for %dx%d", o->width, o->height);
    if (other_rate)
        snprintf(out + n, size - (size_t)n, "%s at %.4g/s", other_size ? "" : "; asked for", o->rate);
}

static void learn(live *l, const video_info *info)
{
    l->endless = info->endless;
    l->paced = !info->endless || strcmp(info->container, "hls") == 0 || strcmp(info->container, "dash") == 0;
    pthread_mutex_lock(&l->lock);
    live_state *s = &l->state;
    s->phase = LIVE_PLAYING;
    s->why = CYG_OK;
    s->holds = !info->endless;
    s->width = info->width;
    s->height = info->height;
    s->rate = info->rate_den ? (double)info->rate_num / info->rate_den : 0;
    snprintf(s->codec, sizeof s->codec, "%s", info->codec);
    snprintf(s->pixel_format, sizeof s->pixel_format, "%s", info->pixel_format);
    snprintf(s->container, sizeof s->container, "%s", info->container);
    describe(l, s, s->sentence, sizeof s->sentence);
    announce(l);
    pthread_mutex_unlock(&l->lock);
}

static cyg_status read_all(live *l, video_source *source, cyg_error *err)
{
    int64_t damaged = 0;
    cyg_status status = CYG_OK;
    for (bool going = true; status == CYG_OK && going;) {
        frame *f = frame_create();
        set_deadline(l);
        status = f ? video_source_read(source, f, err) : cyg_fail(err, CYG_NO_MEMORY, "out of memory for a frame");
        pthread_mutex_lock(&l->lock);
        l->state.damaged += video_source_damaged(source) - damaged;
        pthread_mutex_unlock(&l->lock);
        damaged = video_source_damaged(source);
        if (status == CYG_OK && f->image.width) going = deliver(l, f);
        else frame_free(f);
    }
    return status;
}

static cyg_status play_video(live *l, cyg_error *err)
{
    video_source *source;
    const video_source_options options = {
        .live = true, .threads = l->options.threads,
        .width = l->options.width, .height = l->options.height, .rate = l->options.rate,
        .pixel_format = l->options.pixel_format, .transport = l->options.transport,
        .cancelled = is_over, .context = l,
    };
    l->stalled = false;
    set_deadline(l);
    cyg_status status = video_source_open(&source, l->input->path, &options, err);
    if (status == CYG_OK) {
        learn(l, video_source_info(source));
        status = read_all(l, source, err);
        video_source_close(source);
    }
    if (!l->stalled) return status;
    return cyg_fail(err, CYG_IO, "%s: no picture for %g s", l->input->path, l->options.stall);
}

static cyg_status play_picture(live *l, cyg_error *err)
{
    picture_info info = { 0 };
    frame *f = frame_create();
    cyg_status status = f ? picture_read(f, &info, l->input->path, MOST_PIXELS, err)
                          : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", l->input->path);
    if (status == CYG_OK) {
        const video_info about = { .width = f->image.width, .height = f->image.height,
                                   .container = "jpeg", .codec = "jpeg", .pixel_format = "rgb24" };
        learn(l, &about);
        (void)deliver(l, f);
        status = CYG_END;
    } else {
        frame_free(f);
    }
    picture_info_free(&info);
    return status;
}

static cyg_status play_once(live *l, cyg_error *err)
{
    const input *in = l->input;
    l->begun = NAN;
    l->pictures = 0;
    if (in->problem) return cyg_fail(err, CYG_IO, "%s", in->problem);
    return in->kind == INPUT_FILE && !input_is_video(in->path) && picture_is_jpeg(in->path) ? play_picture(l, err)
                                                                                            : play_video(l, err);
}

/* ---- one input, for as long as it takes ---------------------------------------------------- */

static void begin_input(live *l, size_t i)
{
    l->input = &l->inputs.items[i];
    l->first = NAN;
    pthread_mutex_lock(&l->lock);
    live_state *s = &l->state;
    s->input = (int)i;
    s->width = s->height = 0;
    s->rate = 0;
    s->codec[0] = s->pixel_format[0] = s->container[0] = '\0';
    s->camera = l->input->kind == INPUT_CAMERA;
    text_clean(s->name, sizeof s->name, l->input->path, TEXT_TERMINAL);
    pthread_mutex_unlock(&l->lock);
    say(l, LIVE_CONNECTING, CYG_OK, 0, "connecting");
}

/* Counts the loss and says it; true: it is time to try again. */
static bool wait_after_loss(live *l, const cyg_error *err, double *delay)
{
    pthread_mutex_lock(&l->lock);
    if (l->pictures) l->state.losses++;
    else l->state.failures++;
    pthread_mutex_unlock(&l->lock);
    if (l->pictures) *delay = l->options.retry_first;
    const double moment = clock_now() + *delay;
    say(l, LIVE_LOST, err->status, *delay, err->message);
    *delay = fmin(2 * *delay, l->options.retry_most);
    return wait_for_retry(l, moment);
}

/* Who never was there may come, but for a camera; who was may come again, but not what would begin anew. */
static bool may_come(const live *l, cyg_status status)
{
    const bool seen = !isnan(l->first);
    return can_be_lost(l) && (seen ? l->endless : status != CYG_NOT_FOUND);
}

/* CYG_END: it has played, or all is to end. */
static cyg_status play_input(live *l, cyg_error *err)
{
    double delay = l->options.retry_first;
    for (;;) {
        const cyg_status status = play_once(l, err);
        if (status == CYG_END || status == CYG_OK || is_stopping(l)) return CYG_END;
        if (!may_come(l, status)) return status;
        if (!wait_after_loss(l, err, &delay)) return CYG_END;
    }
}

/* What is to be known of it afterwards; without memory that is nothing. */
static void end_input(live *l, cyg_status why, const char *sentence)
{
    live_state *s = malloc(sizeof *s);
    pthread_mutex_lock(&l->lock);
    if (why != CYG_END) l->state.failures++;
    if (s) {
        *s = l->state;
        s->phase = LIVE_ENDED;
        s->why = why;
        text_clean(s->sentence, sizeof s->sentence, sentence, TEXT_TERMINAL);
    }
    l->ended[l->state.input] = s;
    pthread_mutex_unlock(&l->lock);
}

/* ---- the thread ------------------------------------------------------------------------ */

static void free_all(live *l)
{
    for (frame *f; (f = channel_poll(l->frames));) frame_free(f);
    channel_free(l->frames);
    for (size_t i = 0; l->ended && i < l->inputs.count; i++) free(l->ended[i]);
    free(l->ended);
    inputs_free(&l->inputs);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void play_all(live *l)
{
    cyg_error err, last = { .status = CYG_END, .message = "ended" };
    for (size_t i = 0; i < l->inputs.count && !is_stopping(l); i++) {
        begin_input(l, i);
        const cyg_status status = play_input(l, &err);
        if (status != CYG_END) last = err;
        end_input(l, status, status == CYG_END ? "ended" : err.message);
        if (l->pictures == 1 && i + 1 < l->inputs.count) wait_until(l, clock_now() + l->options.picture_seconds);
    }
    say(l, LIVE_ENDED, last.status, 0, last.message);
}

static void *run(void *arg)
{
    live *l = arg;
    play_all(l);
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

static void set_options(live *l, const live_options *o)
{
    l->options = *o;
    snprintf(l->pixel_format, sizeof l->pixel_format, "%s", o->pixel_format ? o->pixel_format : "");
    snprintf(l->transport, sizeof l->transport, "%s", o->transport ? o->transport : "");
    l->options.pixel_format = o->pixel_format ? l->pixel_format : NULL;
    l->options.transport = o->transport ? l->transport : NULL;
    if (!o->stall) l->options.stall = 10;
    if (!o->retry_first) l->options.retry_first = 1;
    if (!o->retry_most) l->options.retry_most = 30;
    if (!o->picture_seconds) l->options.picture_seconds = 3;
}

cyg_status live_open(live **out, const char *const *words, int count, const live_options *options, cyg_error *err)
{
    *out = NULL;
    live *l = calloc(1, sizeof *l);
    if (!l) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    set_options(l, options);
    l->frames = channel_create(1, CHANNEL_NEWEST);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    cyg_status status = l->frames ? inputs_find(&l->inputs, words, count, err)
                                  : cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    l->state.inputs = (int)l->inputs.count;
    l->ended = calloc(l->inputs.count + 1, sizeof *l->ended);
    if (status == CYG_OK && !l->ended) status = cyg_fail(err, CYG_NO_MEMORY, "out of memory");
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

bool live_state_of(live *l, int i, live_state *out)
{
    pthread_mutex_lock(&l->lock);
    const live_state *ended = l->ended[i];
    const bool begun = ended || i == l->state.input;
    if (begun) *out = ended ? *ended : l->state;
    pthread_mutex_unlock(&l->lock);
    return begun;
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
