/* faces_index.c - cygnet-faces index: looks at photos and videos, and keeps whom it sees.
 *
 *     words -> inputs --(threads, each with its own networks)--> unchanged? moved? else look -> gallery
 *
 * A file is done when it is in the gallery: a killed run loses what it was looking at.
 */
#include "faces_index.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const option table[] = {
    { NULL, "again", 0, OPTION_FLAG, offsetof(index_settings, again), "false", 0, 0, NULL, NULL,
      "look at files once more that have not changed" },
    INDEX_ROWS,
    { 0 },
};

const options_app index_app = {
    .name = "cygnet-faces index",
    .summary = "look at photos and videos and keep the faces; only at what is new or changed",
    .usage = "[options] GALLERY INPUT...",
    .examples = "cygnet-faces index people.cygnet photos/ videos/\n"
                "cygnet-faces index --step 2 people.cygnet film.mp4\n"
                "cygnet-faces index --threads 1 --progress jsonl people.cygnet photos/",
    .exits = INDEX_EXITS,
    .table = table,
};

/* ---- All of them -------------------------------------------------------------------------------- */

/* The next input; NULL after the last one. */
static const input *take(indexing *r)
{
    pthread_mutex_lock(&r->lock);
    const bool more = r->next < r->in->count && !r->lost.status && !stop_signal(r->signals);
    const size_t which = r->next;
    if (more) r->next++;
    pthread_mutex_unlock(&r->lock);
    return more ? &r->in->items[which] : NULL;
}

static void *work(void *arg)
{
    indexing *r = arg;
    cyg_error err;
    pipeline *p;
    if (pipeline_create(&p, r->models->shared, &err)) {
        index_lose(r, &err);
        return NULL;
    }
    for (const input *in; (in = take(r)); ) {
        index_one(r, p, in);
        pthread_mutex_lock(&r->lock);
        progress_frame(&r->shown, (int64_t)++r->done, r->faces);
        pthread_mutex_unlock(&r->lock);
    }
    pipeline_free(p);
    return NULL;
}

static void work_all(indexing *r)
{
    pthread_t others[256];
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const int wanted = r->s->threads ? r->s->threads : cores < 1 ? 1 : cores > 64 ? 64 : (int)cores;
    int started = 0;
    progress_begin(&r->shown, 0, r->path, (int64_t)r->in->count);
    while (started + 1 < wanted && (size_t)started + 1 < r->in->count &&
           !pthread_create(&others[started], NULL, work, r))
        started++;
    work(r);
    for (int i = 0; i < started; i++) pthread_join(others[i], NULL);
    progress_end(&r->shown);
}

/* How many files of the named folders are in the gallery and nowhere else. */
typedef struct absent {
    char  **folders;
    int     count;
    int64_t found;
} absent;

static bool count_absent(void *context, const gallery_file *f)
{
    absent *a = context;
    struct stat st;
    for (int i = 0; i < a->count; i++) {
        const size_t n = a->folders[i] ? strlen(a->folders[i]) : 0;
        if (n && !strncmp(f->path, a->folders[i], n) && f->path[n] == '/') {
            a->found += stat(f->path, &st) && errno == ENOENT;
            return true;
        }
    }
    return true;
}

static cyg_status say_absent(indexing *r, const char *const *words, int count, cyg_error *err)
{
    absent a = { .folders = calloc((size_t)count, sizeof(char *)), .count = count };
    if (!a.folders) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    for (int i = 0; i < count; i++) a.folders[i] = realpath(words[i], NULL);
    const cyg_status status = gallery_each_file(r->g, NULL, count_absent, &a, err);
    for (int i = 0; i < count; i++) free(a.folders[i]);
    free(a.folders);
    if (a.found)
        log_print(r->log, LOG_NOTE, "%lld files are no longer there; cygnet-faces purge --missing removes their faces",
                  (long long)a.found);
    return status;
}

static int end(indexing *r, const char *const *words, int count)
{
    cyg_error err = r->lost;
    cyg_status status = err.status;
    if (!status && !stop_signal(r->signals)) status = say_absent(r, words, count, &err);
    if (!status && r->is_new && !r->looked) status = gallery_remove_person(r->g, r->person, false, &err);
    if (status != CYG_IO) {             /* what was done is made whole, also after Ctrl-C */
        cyg_error finish;
        const cyg_status finished = gallery_finish(r->g, &finish);
        if (!status && finished) {
            status = finished;
            err = finish;
        }
    }
    char left_out[160];
    log_print(r->log, LOG_NOTE, "%zu files looked at, %zu unchanged, %zu moved, %zu failed; %lld faces, %s",
              r->looked, r->unchanged, r->moved, r->failed, (long long)r->faces,
              quality_tally_text(left_out, sizeof left_out, &r->poor));
    if (status) {
        log_print(r->log, LOG_ERROR, "%s", err.message);
        return faces_gallery_code(status);
    }
    if (stop_signal(r->signals)) return 128 + stop_signal(r->signals);
    if (!r->failed) return FACES_DONE;
    return r->failed == r->in->count ? FACES_ALL_FAILED : FACES_SOME_FAILED;
}

static cyg_status find_or_add_person(indexing *r, const char *name, cyg_error *err)
{
    if (!name) return CYG_OK;
    const cyg_status status = gallery_find_person(r->g, name, &r->person, err);
    r->is_new = status == CYG_NOT_FOUND;
    return r->is_new ? gallery_add_person(r->g, name, &r->person, err) : status;
}

static int index_all(indexing *r, const char *name, const char *const *words, int count)
{
    cyg_error err;
    inputs in;
    models m;
    int code;
    r->in = &in;
    r->models = &m;
    cyg_status status = inputs_find(&in, words, count, &err);
    const cyg_status opened = models_open(&m, &r->s->models, status ? NULL : &err);
    if (!status) status = opened;
    if (!status) status = gallery_open(&r->g, r->path, GALLERY_CREATE, &m.recipe, r->s->wait, &err);
    if (!status) status = find_or_add_person(r, name, &err);
    if (status) {
        log_print(r->log, LOG_ERROR, "%s", err.message);
        code = opened ? FACES_MODEL : faces_gallery_code(status);
    } else {
        work_all(r);
        code = end(r, words, count);
    }
    gallery_close(r->g);
    inputs_free(&in);
    models_close(&m);
    return code;
}

int index_files(const index_settings *s, const char *path, const char *name, const char *const *words, int count)
{
    stop *signals = stop_watch();
    logger *log = log_create("cygnet-faces", s->quiet ? LOG_ERROR : s->verbose ? LOG_DETAIL : LOG_NOTE,
                             s->progress == PROGRESS_JSONL);
    int code = FACES_OUTPUT;
    if (log && signals) {
        indexing r = { .s = s, .path = path, .log = log, .signals = signals, .lock = PTHREAD_MUTEX_INITIALIZER,
                       .look = { .poor = s->poor || name, .thumbnails = s->thumbnails, .step = s->step,
                                 .stop = signals } };
        progress_init(&r.shown, log, s->quiet ? PROGRESS_NONE : (progress_mode)s->progress, 1);
        r.shown.unit = "files";
        r.shown.thing = "faces";
        code = index_all(&r, name, words, count);
    } else {
        fputs("cygnet-faces: out of memory\n", stderr);
    }
    log_free(log);
    stop_free(signals);
    return code;
}

int index_run(int argc, char **argv)
{
    verb v;
    index_settings s;
    if (!verb_begin(&v, &index_app, &s, argc, argv, 2, -1)) return v.code;
    const int code = index_files(&s, v.words[0], NULL, v.words + 1, v.count - 1);
    verb_end(&v);
    return code;
}
