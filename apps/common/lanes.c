/* lanes.c - a thread for each lane; the first is the caller's. */
#include "lanes.h"
#include <pthread.h>
#include <stdatomic.h>

enum { MOST_LANES = 16 };                       /* pictures in memory at once */

typedef struct run {
    annotator             *a;
    const overlay_options *look;
    const output          *outputs;
    atomic_size_t          next;
    size_t                 to;
    atomic_bool            failed;
    pthread_mutex_t        lock;                /* of done */
    size_t                *done;
} run;

typedef struct lane {
    run      *run;
    annotator a;
    progress  progress;
    pthread_t thread;
} lane;

static void *work(void *context)
{
    lane *l = context;
    run *r = l->run;
    for (size_t i; !r->failed && !stop_signal(r->a->stop) && (i = atomic_fetch_add(&r->next, 1)) < r->to; ) {
        const annotator_result result = annotator_run(&l->a, &r->a->inputs->items[i], &r->outputs[i]);
        if (result == OUTPUT_FAILED) r->failed = true;
        pthread_mutex_lock(&r->lock);
        r->done[result]++;
        pthread_mutex_unlock(&r->lock);
    }
    return NULL;
}

/* False: no memory. */
static bool equip(lane *l, run *r, int i)
{
    cyg_error err;
    l->run = r;
    l->a = *r->a;
    l->a.workers = &r->a->workers[i];
    l->a.worker_count = 1;
    if (i == 0) return true;
    l->progress = *r->a->progress;
    l->a.progress = &l->progress;
    l->a.overlay = overlay_create(r->look);
    l->a.describer = NULL;
    return l->a.overlay && (!r->a->describer || pipeline_create(&l->a.describer, r->a->models, &err) == CYG_OK);
}

static void unequip(lane *l)
{
    overlay_free(l->a.overlay);
    pipeline_free(l->a.describer);
}

void lanes_run(annotator *a, const overlay_options *look, const output *outputs, size_t from, size_t to,
               size_t done[])
{
    run r = { .a = a, .look = look, .outputs = outputs, .to = to, .done = done };
    lane lanes[MOST_LANES];
    const bool one = a->options.records == RECORDS_STDOUT;      /* one input's lines after the other's */
    const size_t most = one ? 1 : MOST_LANES;
    int wanted = a->worker_count, count = 1;
    if ((size_t)wanted > most) wanted = (int)most;
    if ((size_t)wanted > to - from) wanted = (int)(to - from);
    atomic_init(&r.next, from);
    atomic_init(&r.failed, false);
    pthread_mutex_init(&r.lock, NULL);
    (void)equip(&lanes[0], &r, 0);
    for (; count < wanted; count++) {           /* with less memory, fewer lanes */
        if (equip(&lanes[count], &r, count) && !pthread_create(&lanes[count].thread, NULL, work, &lanes[count]))
            continue;
        unequip(&lanes[count]);
        break;
    }
    work(&lanes[0]);
    while (--count > 0) {
        pthread_join(lanes[count].thread, NULL);
        unequip(&lanes[count]);
    }
    pthread_mutex_destroy(&r.lock);
}
