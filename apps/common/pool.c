/* pool.c - threads that wait for the next part of a pass: briefly in a loop, since the next
 * layer is some microseconds away, then asleep. */
#include "pool.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SPINS = 20000 };

struct pool {
    int             threads;
    pthread_t       thread[64];
    void          (*task)(void *arg, int i);
    void           *arg;
    int             count;
    atomic_uint     round;          /* changes when there is work */
    atomic_int      left;           /* workers that have not finished this round */
    bool            stop;
    pthread_mutex_t lock;
    pthread_cond_t  more, done;
};

typedef struct worker { pool *p; int number; } worker;

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Worker number n does parts n, n + threads, ... */
static void run_parts(pool *p, int number)
{
    for (int i = number; i < p->count; i += p->threads) p->task(p->arg, i);
}

static void wait_for_round(pool *p, unsigned seen)
{
    for (int i = 0; i < SPINS; i++, relax())
        if (atomic_load_explicit(&p->round, memory_order_acquire) != seen) return;
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->round) == seen) pthread_cond_wait(&p->more, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static void *work(void *arg)
{
    const worker me = *(worker *)arg;
    pool *p = me.p;
    free(arg);
    for (unsigned seen = 0; ; ) {
        wait_for_round(p, seen);
        seen = atomic_load(&p->round);
        if (p->stop) return NULL;
        run_parts(p, me.number);
        if (atomic_fetch_sub(&p->left, 1) == 1) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

static void begin_round(pool *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->left, p->threads - 1);
    atomic_fetch_add(&p->round, 1);
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
}

static void wait_for_workers(pool *p)
{
    for (int i = 0; i < SPINS; i++, relax())
        if (atomic_load_explicit(&p->left, memory_order_acquire) == 0) return;
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->left)) pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static void parallel_for(void *context, int count, void (*task)(void *arg, int i), void *arg)
{
    pool *p = context;
    p->task = task;
    p->arg = arg;
    p->count = count;
    if (p->threads > 1) begin_round(p);
    run_parts(p, 0);
    if (p->threads > 1) wait_for_workers(p);
}

cyg_status pool_create(pool **out, int threads, cyg_error *err)
{
    *out = NULL;
    pool *p = calloc(1, sizeof *p);
    if (!p) return cyg_fail(err, CYG_NO_MEMORY, "threads: out of memory");
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    pthread_cond_init(&p->done, NULL);
    for (p->threads = 1; p->threads < threads; p->threads++) {
        worker *w = malloc(sizeof *w);
        if (w) *w = (worker){ p, p->threads };
        if (!w || pthread_create(&p->thread[p->threads], NULL, work, w)) {
            const int number = p->threads;
            free(w);
            pool_free(p);
            return cyg_fail(err, CYG_NO_MEMORY, "thread %d of %d cannot be started", number, threads);
        }
    }
    *out = p;
    return CYG_OK;
}

void pool_free(pool *p)
{
    if (!p) return;
    p->stop = true;
    begin_round(p);
    for (int i = 1; i < p->threads; i++) pthread_join(p->thread[i], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->more);
    pthread_cond_destroy(&p->done);
    free(p);
}

cyg_executor pool_executor(pool *p)
{
    return (cyg_executor){ parallel_for, p, p->threads };
}
