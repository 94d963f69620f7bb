/* faces_pairs.c - labelled pairs: looked at, compared. */
#include "faces_pairs.h"
#include "faces_look.h"
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct comparing {
    pairs  *p;
    models *m;
    void  (*say)(const char *sentence);

    pthread_mutex_t lock;               /* of all that follows */
    progress       *shown;
    float         **embeddings;         /* [photos]; NULL: no face */
    int             next, done, faces;
    cyg_error       lost;
} comparing;

/* The largest face's embedding, for the caller to free; NULL: none, and said why. */
static float *look(comparing *c, pipeline *p, const char *path)
{
    const look_options o = { .poor = true, .step = 0.5 };
    looked l;
    cyg_error err;
    float *embedding = NULL;
    cyg_status status = look_at(&l, p, path, &o, &err);
    gallery_face *face = status ? NULL : looked_largest(&l);
    if (!status && !face) status = cyg_fail(&err, CYG_NOT_FOUND, "%s: no face in it", path);
    if (face) {
        embedding = (float *)(uintptr_t)face->embedding;
        face->embedding = NULL;
    }
    looked_free(&l);
    if (status) {
        pthread_mutex_lock(&c->lock);
        c->say(err.message);
        if (status == CYG_NO_MEMORY) c->lost = err;
        pthread_mutex_unlock(&c->lock);
    }
    return embedding;
}

static void *work(void *arg)
{
    comparing *c = arg;
    pipeline *p;
    cyg_error err;
    if (pipeline_create(&p, c->m->shared, &err)) {
        pthread_mutex_lock(&c->lock);
        c->lost = err;
        pthread_mutex_unlock(&c->lock);
        return NULL;
    }
    for (;;) {
        pthread_mutex_lock(&c->lock);
        const int i = c->lost.status ? c->p->photo_count : c->next++;
        pthread_mutex_unlock(&c->lock);
        if (i >= c->p->photo_count) break;
        c->embeddings[i] = look(c, p, c->p->photos[i]);
        pthread_mutex_lock(&c->lock);
        c->faces += c->embeddings[i] != NULL;
        progress_frame(c->shown, ++c->done, c->faces);
        pthread_mutex_unlock(&c->lock);
    }
    pipeline_free(p);
    return NULL;
}

cyg_status pairs_compare(pairs *p, models *m, int threads, progress *shown, void (*say)(const char *sentence),
                         cyg_error *err)
{
    pthread_t others[256];
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const int wanted = threads ? threads : cores < 1 ? 1 : cores > 64 ? 64 : (int)cores;
    int started = 0;
    comparing c = { .p = p, .m = m, .say = say, .lock = PTHREAD_MUTEX_INITIALIZER, .shown = shown,
                    .embeddings = calloc((size_t)p->photo_count + 1, sizeof(float *)) };
    if (!c.embeddings) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for so many photos");
    while (started + 1 < wanted && !pthread_create(&others[started], NULL, work, &c)) started++;
    work(&c);
    for (int i = 0; i < started; i++) pthread_join(others[i], NULL);
    for (int i = 0; i < p->count; i++) {
        labelled *pair = &p->list[i];
        const float *a = c.embeddings[pair->a], *b = c.embeddings[pair->b];
        pair->known = a && b;
        if (pair->known) pair->cosine = cyg_cosine(a, b, m->recipe.dimension);
    }
    for (int i = 0; i < p->photo_count; i++) free(c.embeddings[i]);
    free(c.embeddings);
    if (c.lost.status && err) *err = c.lost;
    return c.lost.status;
}
