/* live_play.c - one source from opening to its end: each frame in its turn, and what is learnt of it. */
#include "live_internal.h"
#include "clock.h"
#include "picture.h"
#include "video.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_PIXELS = 200 * 1000 * 1000 };       /* of a picture: 600 MB in memory */

static const double LATE = 0.5;                 /* seconds behind: no catching up any more */
static const double APART = 10;                 /* seconds between a stream's clock and ours: it was set anew */

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
    return live_wait(l, l->begun + f->time, false);
}

/* By the stream's own clock, set by the arrival of its first picture: others come early or late, and where
 * pictures were reordered they come in another order than they are shown in. Never goes back. */
static double time_of_stream(live *l, const frame *f)
{
    const double arrived = f->captured - l->first, time = f->time + l->offset;
    if (l->pictures == 0 || !(time >= l->time && fabs(time - arrived) < APART)) l->offset = arrived - f->time;
    l->time = fmax(l->time, f->time + l->offset);
    return l->time;
}

/* When f was captured and which second it shows; false: all is to end. */
static bool take_its_turn(live *l, frame *f)
{
    if (!l->endless && !may_go_on(l)) return false;
    if (l->paced && !wait_for_its_time(l, f)) return false;
    if (l->paced) f->captured = clock_now();
    if (isnan(l->first)) l->first = f->captured;
    if (l->endless) f->time = time_of_stream(l, f);
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
    live_announce(l);
    pthread_mutex_unlock(&l->lock);
    frame_free(back);
    return true;
}

/* ---- one source, from opening to its end ------------------------------------------------- */

bool live_can_be_lost(const live *l)
{
    return l->input->kind == INPUT_STREAM || l->input->kind == INPUT_CAMERA;
}

static void set_deadline(live *l)
{
    l->deadline = live_can_be_lost(l) ? clock_now() + l->options.stall : INFINITY;
}

static bool is_over(void *context)
{
    live *l = context;
    l->stalled = l->stalled || clock_now() > l->deadline;
    return l->stalled || live_is_stopping(l);
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
    live_announce(l);
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

cyg_status live_play_once(live *l, cyg_error *err)
{
    const input *in = l->input;
    l->begun = NAN;
    l->pictures = 0;
    if (in->problem) return cyg_fail(err, CYG_IO, "%s", in->problem);
    return in->kind == INPUT_FILE && !input_is_video(in->path) && picture_is_jpeg(in->path) ? play_picture(l, err)
                                                                                            : play_video(l, err);
}
