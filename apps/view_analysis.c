/* view_analysis.c - newest frame -> detector -> tracks -> newest finding. */
#include "view_analysis.h"
#include "channel.h"
#include "clock.h"
#include "naming.h"
#include "pool.h"
#include "roster.h"
#include "track.h"
#include "view_people.h"
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const double keep = 2;                   /* seconds, of tracker_options: analyses may be far apart */
enum { KINDER = 5 };                            /* nicer by that: the picture comes first */

/* Who is to be remembered. */
typedef struct request {
    int  track;                                 /* 0 = nobody */
    char name[256], source[300];
} request;

struct analysis {
    analysis_options o;
    channel         *frames, *findings;         /* one each, the newest */
    pthread_t        thread;
    bool             started;
    pthread_mutex_t  lock;
    analysis_state   state;                     /* these two under the lock */
    request          request;
    _Atomic float    threshold;
    atomic_bool      closing;

    /* The thread's own. */
    pipeline_models *models;
    pipeline        *pipeline;
    pool            *pool;
    tracker         *tracker;
    roster          *roster;
    naming           naming;
    bool             gallery_failed;
    float            tracked;                   /* the tracker's threshold */
    int              input;                     /* of that frame */
};

static void announce(const analysis *a)
{
    if (a->o.wake) a->o.wake(a->o.context);
}

/* ---- loading -------------------------------------------------------------------------------- */

static void describe(void *context, const frame *f, const object *o, description *out)
{
    pipeline_describe(context, f, o, out);
}

/* One that is not there yet is made when the first face is named. */
static cyg_status read_gallery(analysis *a, cyg_error *err)
{
    return access(a->o.gallery, F_OK) == 0 ? naming_open(&a->naming, a->o.gallery, err) : CYG_OK;
}

static cyg_status open_gallery(analysis *a, cyg_error *err)
{
    if (!a->o.gallery) return CYG_OK;
    cyg_status status = naming_prepare(&a->naming, a->models, a->pipeline, a->o.false_match, err);
    if (status != CYG_OK) return status;
    status = read_gallery(a, err);
    a->gallery_failed = status != CYG_OK;
    return status;
}

static int64_t count_people(const analysis *a)
{
    return !a->o.gallery ? -1 : a->naming.people ? who_people(a->naming.people) : 0;
}

static cyg_status load(analysis *a, cyg_error *err)
{
    cyg_executor executor;
    const tracker_options tracking = { .high = (float)a->o.threshold, .keep = keep, .fresh_at_once = true };
    cyg_status status = pipeline_models_open(&a->models, &a->o.models, err);
    if (status == CYG_OK && a->o.threads > 1) {
        status = pool_create(&a->pool, a->o.threads, err);
        if (status == CYG_OK) executor = pool_executor(a->pool);
    }
    if (status == CYG_OK) status = pipeline_create_spread(&a->pipeline, a->models, a->pool ? &executor : NULL, err);
    if (status == CYG_OK && !(a->tracker = tracker_create(&tracking)))
        status = cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    if (status == CYG_OK) status = open_gallery(a, err);
    const roster_options known = {
        .describe = a->o.models.describer ? describe : NULL, .describer = a->pipeline,
        .recognise = a->o.gallery ? naming_recognise : NULL, .gallery = &a->naming,
    };
    if (status == CYG_OK && !(a->roster = roster_create(&known)))
        status = cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    a->tracked = (float)a->o.threshold;
    return status;
}

static bool begin(analysis *a)
{
    cyg_error err;
    const cyg_status status = load(a, &err);
    pthread_mutex_lock(&a->lock);
    analysis_state *s = &a->state;
    if (status == CYG_OK) {
        s->phase = ANALYSIS_RUNNING;
        s->model = pipeline_models_name(a->models);
        s->sha256 = pipeline_models_sha256(a->models);
        s->isa = pipeline_models_isa(a->models);
        s->precision = pipeline_models_precision(a->models);
        s->describer = pipeline_models_describer(a->models);
        s->describer_sha256 = pipeline_models_describer_sha256(a->models);
        s->people = count_people(a);
        pipeline_models_size(a->models, &s->width, &s->height);
    } else {
        s->phase = ANALYSIS_FAILED;
        s->why = err;
        s->gallery_failed = a->gallery_failed;
    }
    pthread_mutex_unlock(&a->lock);
    announce(a);
    return status == CYG_OK;
}

/* ---- looking ---------------------------------------------------------------------------------- */

/* Those who were not seen since then have left for good. */
static void let_leave(analysis *a, double before)
{
    appearance gone;
    while (roster_leave(a->roster, before, &gone))
        if (a->o.left) a->o.left(a->o.context, &gone);
}

/* A first picture has no other to be compared with: what is in it is sure at once. */
static void track(analysis *a, frame *f)
{
    if (f->input != a->input) {
        tracker_reset(a->tracker);
        let_leave(a, INFINITY);
    }
    a->input = f->input;
    tracker_update(a->tracker, f);
}

/* ---- enrolling --------------------------------------------------------------------------------- */

static void say(const analysis *a, bool bad, const char *sentence)
{
    if (a->o.say) a->o.say(a->o.context, bad, sentence);
}

static bool take_request(analysis *a, request *out)
{
    pthread_mutex_lock(&a->lock);
    *out = a->request;
    a->request.track = 0;
    pthread_mutex_unlock(&a->lock);
    return out->track != 0;
}

static const object *find_track(const frame *f, int track)
{
    for (int i = 0; i < f->object_count; i++)
        if (f->objects[i].track == track) return &f->objects[i];
    return NULL;
}

static void enrol(analysis *a, const frame *f, const request *r)
{
    char sentence[700];
    cyg_error err;
    const object *o = find_track(f, r->track);
    const appearance *known = roster_find(a->roster, r->track);
    cyg_status status = o && known ? CYG_OK : cyg_fail(&err, CYG_NOT_FOUND, "face #%d has left", r->track);
    if (status == CYG_OK)
        status = people_add(a->o.gallery, &a->naming.recipe, r->name, f, o, known, r->source, &err);
    if (status == CYG_OK) status = read_gallery(a, &err);
    if (status == CYG_OK) snprintf(sentence, sizeof sentence, "#%d is %s from now on", r->track, r->name);
    say(a, status != CYG_OK, status == CYG_OK ? sentence : err.message);
    roster_recognise(a->roster);
    pthread_mutex_lock(&a->lock);
    a->state.people = count_people(a);
    pthread_mutex_unlock(&a->lock);
}

/* ---- one frame ------------------------------------------------------------------------------------ */

static void look(analysis *a, frame *f)
{
    request wanted;
    cyg_error err;
    const float threshold = a->threshold;
    if (threshold != a->tracked) tracker_set_high(a->tracker, a->tracked = threshold);
    for (int i = 0; i < a->o.repeat && !a->closing; i++) pipeline_detect(a->pipeline, f);
    track(a, f);
    f->object_count = tracker_predict(a->tracker, f->time, f->objects);
    if (roster_see(a->roster, f, &err) != CYG_OK) say(a, true, err.message);
    if (take_request(a, &wanted)) enrol(a, f, &wanted);
    roster_tell(a->roster, f->objects, f->object_count);
}

static void tell(analysis *a, frame *f, double seconds)
{
    pthread_mutex_lock(&a->lock);
    a->state.analysed++;
    a->state.objects += f->object_count;
    a->state.seconds += seconds;
    a->state.last = seconds;
    pthread_mutex_unlock(&a->lock);
    if (a->o.found) a->o.found(a->o.context, f, seconds);
    let_leave(a, f->time - keep);
    frame_free(channel_put(a->findings, f));
    announce(a);
}

static void *run(void *arg)
{
    analysis *a = arg;
    (void)!nice(KINDER);                                /* this thread, and those it starts */
    const bool ready = begin(a);
    for (frame *f; (f = channel_take(a->frames));) {
        if (!ready) {
            frame_free(f);
            continue;
        }
        const double began = clock_now();
        look(a, f);
        tell(a, f, clock_now() - began);
    }
    if (ready) let_leave(a, INFINITY);
    return NULL;
}

/* ---- for the others ------------------------------------------------------------------------------ */

cyg_status analysis_open(analysis **out, const analysis_options *o, cyg_error *err)
{
    *out = NULL;
    analysis *a = calloc(1, sizeof *a);
    if (!a) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    a->o = *o;
    a->threshold = (float)o->threshold;
    a->state.threads = o->threads;
    a->state.people = -1;
    pthread_mutex_init(&a->lock, NULL);
    a->frames = channel_create(1, CHANNEL_NEWEST);
    a->findings = channel_create(1, CHANNEL_NEWEST);
    a->started = a->frames && a->findings && pthread_create(&a->thread, NULL, run, a) == 0;
    if (!a->started) {
        analysis_close(a);
        return cyg_fail(err, CYG_NO_MEMORY, "out of memory for a thread");
    }
    *out = a;
    return CYG_OK;
}

static void empty(channel *ch)
{
    for (frame *f; ch && (f = channel_poll(ch));) frame_free(f);
    channel_free(ch);
}

void analysis_stop(analysis *a)
{
    if (!a->started) return;
    a->closing = true;
    frame_free(channel_poll(a->frames));                /* not this one any more */
    channel_close(a->frames);
    pthread_join(a->thread, NULL);
    a->started = false;
}

void analysis_close(analysis *a)
{
    if (!a) return;
    analysis_stop(a);
    empty(a->frames);
    empty(a->findings);
    roster_free(a->roster);
    naming_close(&a->naming);
    tracker_free(a->tracker);
    pipeline_free(a->pipeline);
    pool_free(a->pool);
    pipeline_models_close(a->models);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

void analysis_put(analysis *a, frame *f)
{
    frame_free(channel_put(a->frames, f));
}

frame *analysis_poll(analysis *a)
{
    return channel_poll(a->findings);
}

void analysis_state_now(analysis *a, analysis_state *out)
{
    pthread_mutex_lock(&a->lock);
    *out = a->state;
    pthread_mutex_unlock(&a->lock);
}

void analysis_set_threshold(analysis *a, float threshold)
{
    a->threshold = threshold;
}

void analysis_enrol(analysis *a, int track, const char *name, const char *source)
{
    if (!a->o.gallery) {
        say(a, true, "there is no gallery to keep names in: start with --gallery FOLDER");
        return;
    }
    pthread_mutex_lock(&a->lock);
    a->request.track = track;
    snprintf(a->request.name, sizeof a->request.name, "%s", name);
    snprintf(a->request.source, sizeof a->request.source, "%s", source);
    pthread_mutex_unlock(&a->lock);
}
