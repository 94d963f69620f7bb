/* batch.c - the threads of a batch and what flows between them. */
#include "batch.h"
#include "channel.h"
#include "clock.h"
#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST_WORKERS = 256, MOST_SEATS = MOST_WORKERS + 3 };

typedef struct run {
    batch     *b;
    channel   *read, *detected;
    sem_t      seats;
    int        seat_count;
    int64_t    first;               /* number of the first picture; the reader's, then the workers' */
    bool       begun;
    atomic_int working;             /* workers that may still put */
    frame     *waiting[MOST_SEATS]; /* [order % seat_count]: came before their turn */
} run;

typedef struct worker {
    run      *run;
    pipeline *pipeline;
    pthread_t thread;
    int64_t   analysed;
    double    seconds;
} worker;

/* ---- reader: source -> read ------------------------------------------------------ */

static cyg_status read_one(run *r, frame *f)
{
    const double began = clock_now();
    const cyg_status status = video_source_read(r->b->source, f, &r->b->read);
    r->b->decode_seconds += clock_now() - began;
    if (status != CYG_OK || f->image.width == 0) return status;
    if (!r->begun) r->first = f->number;
    r->begun = true;
    r->b->decoded++;
    return status;
}

static void *read_all(void *arg)
{
    run *r = arg;
    for (cyg_status status = CYG_OK; status == CYG_OK;) {
        while (sem_wait(&r->seats) != 0) { }            /* again, if a signal came between */
        frame *f = frame_create();
        status = f ? read_one(r, f) : cyg_fail(&r->b->read, CYG_NO_MEMORY, "out of memory for a frame");
        r->b->read.status = status;
        if (status == CYG_OK || (status == CYG_END && f->packet_count)) channel_put(r->read, f);
        else frame_free(f);
    }
    channel_close(r->read);
    return NULL;
}

/* ---- workers: read -> detected ---------------------------------------------------- */

enum { KINDER = 5 };            /* detectors are nicer by that: what each frame passes in turn comes first */

static void *detect_all(void *arg)
{
    worker *w = arg;
    run *r = w->run;
    (void)!nice(KINDER);        /* this thread alone, on Linux */
    for (frame *f; (f = channel_take(r->read)); channel_put(r->detected, f)) {
        if (f->image.width == 0 || (f->number - r->first) % r->b->every != 0) continue;
        const double began = clock_now();
        pipeline_detect(w->pipeline, f);
        w->seconds += clock_now() - began;
        w->analysed++;
    }
    if (atomic_fetch_sub(&r->working, 1) == 1) channel_close(r->detected);
    return NULL;
}

/* ---- writer: detected -> caller, in order ------------------------------------------- */

/* After a failure the rest is only emptied out, so that nobody waits for ever. */
static cyg_status write_all(run *r, cyg_error *err)
{
    cyg_status status = CYG_OK;
    int64_t next = 0;
    for (frame *f; (f = channel_take(r->detected));) {
        r->waiting[f->order % r->seat_count] = f;
        while ((f = r->waiting[next % r->seat_count])) {
            r->waiting[next++ % r->seat_count] = NULL;
            if (status == CYG_OK) {
                status = r->b->write(r->b->context, f, err);
                if (status != CYG_OK) video_source_interrupt(r->b->source);
            } else {
                frame_free(f);
            }
            sem_post(&r->seats);
        }
    }
    return status;
}

/* ---- all together -------------------------------------------------------------------- */

static cyg_status run_threads(run *r, worker *workers, cyg_error *err)
{
    pthread_t reader;
    const int count = r->b->worker_count;
    int started = 0;
    atomic_init(&r->working, count);
    while (started < count && !pthread_create(&workers[started].thread, NULL, detect_all, &workers[started]))
        started++;
    const bool reading = started == count && pthread_create(&reader, NULL, read_all, r) == 0;
    cyg_status status = CYG_OK;
    if (reading) {
        status = write_all(r, err);
        pthread_join(reader, NULL);
    } else {
        status = cyg_fail(err, CYG_NO_MEMORY, "cannot start %d threads", count + 1);
        channel_close(r->read);
    }
    for (int i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        r->b->detect_seconds += workers[i].seconds;
        r->b->analysed += workers[i].analysed;
    }
    return status;
}

cyg_status batch_run(batch *b, cyg_error *err)
{
    assert(b->worker_count >= 1 && b->worker_count <= MOST_WORKERS && b->every >= 1);
    run *r = calloc(1, sizeof *r);
    worker *workers = calloc((size_t)b->worker_count, sizeof *workers);
    if (r) {
        r->b = b;
        r->seat_count = b->worker_count + 3;        /* read, waiting, at each worker, written */
        sem_init(&r->seats, 0, (unsigned)r->seat_count);
        r->read = channel_create(r->seat_count, CHANNEL_WAIT);
        r->detected = channel_create(r->seat_count, CHANNEL_WAIT);
    }
    cyg_status status = CYG_OK;
    if (!r || !workers || !r->read || !r->detected) {
        status = cyg_fail(err, CYG_NO_MEMORY, "out of memory for %d workers", b->worker_count);
    } else {
        for (int i = 0; i < b->worker_count; i++) workers[i] = (worker){ .run = r, .pipeline = b->workers[i] };
        status = run_threads(r, workers, err);
    }
    if (r) {
        channel_free(r->read);
        channel_free(r->detected);
        sem_destroy(&r->seats);
    }
    free(workers);
    free(r);
    return status;
}
