/* pool.c - threads that wait for the next part of a pass: briefly in a loop, since the next
 * layer is some microseconds away, then asleep. */
#include "pool.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SPINS = 20000 };

struct pool {
    int                  threads;
    pthread_t            thread[64];
    void               (*task)(void *arg, int i);
    void                *arg;
    atomic_uint_fast64_t work;      /* number of the round << 32 | parts that nobody has taken */
    atomic_int           left;      /* parts of this round that are not done */
    atomic_bool          stop;
    pthread_mutex_t      lock;
    pthread_cond_t       more, done;
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint32_t round_of(uint64_t work) { return (uint32_t)(work >> 32); }

/* Whoever is free takes the next part, so that nobody waits for a thread that other programs keep
 * from running, unless it is in the middle of a part. -1: all parts of this round are taken. */
static int take_part(pool *p, uint32_t round)
{
    uint64_t work = atomic_load(&p->work);
    do {
        if (round_of(work) != round || !(uint32_t)work) return -1;
    } while (!atomic_compare_exchange_weak(&p->work, &work, work - 1));
    return (int)(uint32_t)work - 1;
}

static void run_parts(pool *p, uint32_t round)
{
    for (int i; (i = take_part(p, round)) >= 0; ) {
        p->task(p->arg, i);
        if (atomic_fetch_sub(&p->left, 1) > 1) continue;
        pthread_mutex_lock(&p->lock);
        pthread_cond_signal(&p->done);
        pthread_mutex_unlock(&p->lock);
    }
}

static uint32_t wait_for_round(pool *p, uint32_t seen)
{
    for (int i = 0; i < SPINS; i++, relax())
        if (round_of(atomic_load(&p->work)) != seen) return round_of(atomic_load(&p->work));
    pthread_mutex_lock(&p->lock);
    while (round_of(atomic_load(&p->work)) == seen) pthread_cond_wait(&p->more, &p->lock);
    pthread_mutex_unlock(&p->lock);
    return round_of(atomic_load(&p->work));
}

static void *work(void *arg)
{
    pool *p = arg;
    for (uint32_t round = 0; ; ) {
        round = wait_for_round(p, round);
        if (atomic_load(&p->stop)) return NULL;
        run_parts(p, round);
    }
}

static uint32_t begin_round(pool *p, int parts)
{
    const uint32_t round = round_of(atomic_load(&p->work)) + 1;
    atomic_store(&p->left, parts);
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->work, (uint64_t)round << 32 | (uint32_t)parts);
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    return round;
}

static void wait_for_parts(pool *p)
{
    for (int i = 0; i < SPINS; i++, relax())
        if (atomic_load(&p->left) == 0) return;
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->left)) pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static void parallel_for(void *context, int count, void (*task)(void *arg, int i), void *arg)
{
    pool *p = context;
    p->task = task;
    p->arg = arg;
    run_parts(p, begin_round(p, count));
    wait_for_parts(p);
}

cyg_status pool_create(pool **out, int threads, cyg_error *err)
{
    *out = NULL;
    pool *p = calloc(1, sizeof *p);
    if (!p) return cyg_fail(err, CYG_NO_MEMORY, "threads: out of memory");
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    pthread_cond_init(&p->done, NULL);
    for (p->threads = 1; p->threads < threads; p->threads++)
        if (pthread_create(&p->thread[p->threads], NULL, work, p)) {
            const int number = p->threads;
            pool_free(p);
            return cyg_fail(err, CYG_NO_MEMORY, "thread %d of %d cannot be started", number, threads);
        }
    *out = p;
    return CYG_OK;
}

void pool_free(pool *p)
{
    if (!p) return;
    atomic_store(&p->stop, true);
    begin_round(p, 0);
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
