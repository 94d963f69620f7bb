/* live.c - the capture thread, input by input, and what it leaves for others: the newest frame and the state. */
#include "live_internal.h"
#include "clock.h"
#include "text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double PATIENCE = 0.8;             /* seconds live_close waits for the thread */

/* ---- state -------------------------------------------------------------------------- */

void live_announce(live *l)
{
    pthread_cond_broadcast(&l->changed);
    if (l->options.wake && !l->stopping) l->options.wake(l->options.context);
}

void live_say(live *l, live_phase phase, cyg_status why, double retry_in, const char *sentence)
{
    pthread_mutex_lock(&l->lock);
    l->state.phase = phase;
    l->state.why = why;
    l->retry_at = clock_now() + retry_in;
    text_clean(l->state.sentence, sizeof l->state.sentence, sentence, TEXT_TERMINAL);
    live_announce(l);
    pthread_mutex_unlock(&l->lock);
}

bool live_wait(live *l, double moment, bool while_paused)
{
    const struct timespec t = { (time_t)moment, (long)(fmod(moment, 1) * 1e9) };
    pthread_mutex_lock(&l->lock);
    while (!l->stopping && (while_paused || !l->paused) && clock_now() < moment)
        pthread_cond_clockwait(&l->changed, &l->lock, CLOCK_MONOTONIC, &t);
    const bool stopping = l->stopping;
    pthread_mutex_unlock(&l->lock);
    return !stopping;
}

bool live_is_stopping(live *l)
{
    pthread_mutex_lock(&l->lock);
    const bool stopping = l->stopping;
    pthread_mutex_unlock(&l->lock);
    return stopping;
}

/* ---- one input, for as long as it takes ---------------------------------------------------- */

static void begin_input(live *l, size_t i)
{
    l->input = &l->inputs.items[i];
    l->first = NAN;
    l->time = 0;
    pthread_mutex_lock(&l->lock);
    live_state *s = &l->state;
    s->input = (int)i;
    s->width = s->height = 0;
    s->rate = 0;
    s->codec[0] = s->pixel_format[0] = s->container[0] = '\0';
    s->camera = l->input->kind == INPUT_CAMERA;
    text_clean(s->name, sizeof s->name, l->input->path, TEXT_TERMINAL);
    pthread_mutex_unlock(&l->lock);
    live_say(l, LIVE_CONNECTING, CYG_OK, 0, "connecting");
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
    live_say(l, LIVE_LOST, err->status, *delay, err->message);
    *delay = fmin(2 * *delay, l->options.retry_most);
    return live_wait(l, moment, true);
}

/* Who never was there may come, but for a camera; who was may come again, but not what would begin anew. */
static bool may_come(const live *l, cyg_status status)
{
    const bool seen = !isnan(l->first);
    return live_can_be_lost(l) && (seen ? l->endless : status != CYG_NOT_FOUND);
}

/* CYG_END: it has played, or all is to end. */
static cyg_status play_input(live *l, cyg_error *err)
{
    double delay = l->options.retry_first;
    for (;;) {
        const cyg_status status = live_play_once(l, err);
        if (status == CYG_END || status == CYG_OK || live_is_stopping(l)) return CYG_END;
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
    for (size_t i = 0; i < l->inputs.count && !live_is_stopping(l); i++) {
        begin_input(l, i);
        const cyg_status status = play_input(l, &err);
        if (status != CYG_END) last = err;
        end_input(l, status, status == CYG_END ? "ended" : err.message);
        if (l->pictures == 1 && i + 1 < l->inputs.count) live_wait(l, clock_now() + l->options.picture_seconds, false);
    }
    live_say(l, LIVE_ENDED, last.status, 0, last.message);
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
