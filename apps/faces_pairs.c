/* faces_pairs.c - labelled pairs: read, looked at, compared. */
#include "faces_pairs.h"
#include "faces_look.h"
#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- Reading ------------------------------------------------------------------------- */

static char *trimmed(char *text)
{
    text += strspn(text, " \t\r\n");
    for (size_t n = strlen(text); n && strchr(" \t\r\n", text[n - 1]); ) text[--n] = 0;
    return text;
}

/* 1, 0; -1: neither. */
static int read_same(const char *text)
{
    static const char *const words[] = { "0", "1", "no", "yes", "false", "true", "different", "same" };
    for (int i = 0; i < 8; i++)
        if (!strcasecmp(text, words[i])) return i & 1;
    return -1;
}

/* Its number; known ones are found again through the tree, whose nodes are pointers into photos_of. */
typedef struct known { char *path; int number; } known;

static int by_path(const void *a, const void *b)
{
    return strcmp(((const known *)a)->path, ((const known *)b)->path);
}

static int photo_number(pairs *p, void **tree, const char *path)
{
    const known key = { (char *)(uintptr_t)path, 0 };
    known *const *found = tfind(&key, tree, by_path);
    if (found) return (*found)->number;
    if (p->photo_count == p->photo_room) {
        const int room = p->photo_room ? p->photo_room * 2 : 64;
        char **more = realloc(p->photos, (size_t)room * sizeof *more);
        if (!more) return -1;
        p->photos = more;
        p->photo_room = room;
    }
    known *k = malloc(sizeof *k);
    char *copy = k ? strdup(path) : NULL;
    if (!copy) {
        free(k);
        return -1;
    }
    *k = (known){ copy, p->photo_count };
    if (!tsearch(k, tree, by_path)) {
        free(k);
        free(copy);
        return -1;
    }
    p->photos[p->photo_count] = copy;
    return p->photo_count++;
}

static cyg_status add_pair(pairs *p, void **tree, const char *a, const char *b, bool same, cyg_error *err)
{
    if (p->count == p->room) {
        const int room = p->room ? p->room * 2 : 64;
        labelled *more = realloc(p->list, (size_t)room * sizeof *more);
        if (!more) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for so many pairs");
        p->list = more;
        p->room = room;
    }
    const int i = photo_number(p, tree, a), j = photo_number(p, tree, b);
    if (i < 0 || j < 0) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for so many pairs");
    p->list[p->count++] = (labelled){ .a = i, .b = j, .same = same };
    return CYG_OK;
}

static cyg_status read_pair(pairs *p, void **tree, char *line, const char *path, int number, cyg_error *err)
{
    char *fields[3], *rest = line;
    const char *const comma = strchr(line, '\t') ? "\t" : ",";
    if (!*trimmed(line) || *trimmed(line) == '#') return CYG_OK;
    int count = 0;
    for (char *field; count < 3 && (field = strsep(&rest, comma)); ) fields[count++] = trimmed(field);
    const int same = count == 3 ? read_same(fields[2]) : -1;
    if (number == 1 && count == 3 && access(fields[0], F_OK) && access(fields[1], F_OK)) return CYG_OK;
    if (count < 3 || !*fields[0] || !*fields[1])
        return cyg_fail(err, CYG_FORMAT, "%s:%d: expected PHOTO, PHOTO, SAME", path, number);
    if (same < 0)
        return cyg_fail(err, CYG_FORMAT, "%s:%d: found \"%.40s\", expected 1 or 0, yes or no, same or different", path,
                        number, fields[2]);
    return add_pair(p, tree, fields[0], fields[1], same == 1, err);
}

cyg_status pairs_read(pairs *p, const char *path, cyg_error *err)
{
    *p = (pairs){ 0 };
    FILE *f = fopen(path, "re");
    if (!f) return cyg_fail(err, CYG_IO, "%s: cannot be read: %s", path, strerror(errno));
    char *line = NULL;
    size_t room = 0;
    void *tree = NULL;
    int number = 0;
    cyg_status status = CYG_OK;
    while (!status && getline(&line, &room, f) >= 0) status = read_pair(p, &tree, line, path, ++number, err);
    if (!status && ferror(f)) status = cyg_fail(err, CYG_IO, "%s: cannot be read: %s", path, strerror(errno));
    if (!status && p->count == 0) status = cyg_fail(err, CYG_FORMAT, "%s: has no pairs in it", path);
    tdestroy(tree, free);
    free(line);
    fclose(f);
    return status;
}

void pairs_free(pairs *p)
{
    for (int i = 0; i < p->photo_count; i++) free(p->photos[i]);
    free(p->photos);
    free(p->list);
}

/* ---- Comparing ------------------------------------------------------------------------- */

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
