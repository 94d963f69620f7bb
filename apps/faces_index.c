/* faces_index.c - cygnet-faces index: looks at photos and videos, and keeps whom it sees.
 *
 *     words -> inputs --(threads, each with its own networks)--> unchanged? moved? else look -> gallery
 *
 * A file is done when it is in the gallery: a killed run loses what it was looking at.
 */
#include "faces_look.h"
#include "faces_models.h"
#include "hash.h"
#include "inputs.h"
#include "log.h"
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct settings {
    models_settings models;
    bool            poor, thumbnails, again, quiet, verbose;
    double          step, wait;
    int             threads;
    const char     *name;
} settings;

#define AT(field) offsetof(settings, field)
static const option table[] = {
    { NULL, "name", 0, OPTION_TEXT, AT(name), NULL, 0, 0, NULL, "NAME",
      "enrol: the largest face of each of these files is NAME" },
    { NULL, "again", 0, OPTION_FLAG, AT(again), "false", 0, 0, NULL, NULL,
      "look at files once more that have not changed" },
    { NULL, "verbose", 'v', OPTION_FLAG, AT(verbose), "false", 0, 0, NULL, NULL,
      "say what is done with each file" },
    { NULL, "quiet", 'q', OPTION_FLAG, AT(quiet), "false", 0, 0, NULL, NULL, "say nothing but errors" },
    MODELS_ROWS(settings, models),
    { "index.poor", "poor", 0, OPTION_FLAG, AT(poor), "false", 0, 0, NULL, NULL,
      "keep faces too that are too small, blurred, cut off or dark" },
    { "index.thumbnails", "thumbnails", 0, OPTION_FLAG, AT(thumbnails), "true", 0, 0, NULL, NULL,
      "keep a small picture of each face" },
    { "index.step", "step", 0, OPTION_TIME, AT(step), "0.5", 0, 1e6, NULL, "TIME",
      "look at a video's frames so far apart" },
    { "run.threads", "threads", 'j', OPTION_INT, AT(threads), "0", 0, 256, NULL, "N",
      "files at once; 0 is one a core" },
    { "run.wait", "wait", 0, OPTION_TIME, AT(wait), "0", 0, 1e6, NULL, "TIME",
      "wait so long for another writer to end" },
    { 0 },
};
#undef AT

const options_app index_app = {
    .name = "cygnet-faces index",
    .summary = "look at photos and videos and keep the faces; only at what is new or changed",
    .usage = "[options] GALLERY INPUT...",
    .examples = "cygnet-faces index people.cygnet photos/ videos/\n"
                "cygnet-faces index --name Ada people.cygnet ada1.jpg ada2.jpg\n"
                "cygnet-faces index --step 2 people.cygnet film.mp4",
    .exits = "0   done\n"
             "2   wrong usage or settings\n"
             "3   some inputs failed\n"
             "4   all inputs failed\n"
             "5   a model is missing or damaged\n"
             "6   the gallery cannot be written, or the disk is full\n"
             "7   the gallery is damaged, or of another model or version\n"
             "75  another process is writing to the gallery\n"
             "130 / 143  interrupted; what was done is kept",
    .table = table,
};

typedef struct run {
    const settings *s;
    const inputs   *in;
    models         *models;
    look_options    look;
    logger         *log;
    stop           *signals;

    pthread_mutex_t lock;               /* of all that follows */
    gallery        *g;
    int64_t         person;             /* whom --name means; 0 = nobody */
    size_t          next;
    size_t          looked, unchanged, moved, failed;
    int64_t         faces, poor;
    cyg_error       lost;               /* the gallery's own failure: ends the run */
} run;

/* ---- What is known of a file ------------------------------------------------------------- */

typedef enum verdict { SAME, STILL_BAD, MOVED, NEW } verdict;

static bool take_missing(void *context, const gallery_file *f)
{
    struct stat st;
    if (stat(f->path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR)) return true;
    *(int64_t *)context = f->id;
    return false;
}

static cyg_status judge_known(run *r, gallery_file *now, const gallery_file *was, verdict *out,
                              cyg_error *err)
{
    const bool same_content = !strcmp(now->sha256, was->sha256);
    *out = same_content ? SAME : NEW;
    return same_content ? gallery_move_file(r->g, was->id, now->path, now->mtime_ns, err) : CYG_OK;
}

/* A content that stands under a path where nothing is any more has moved here. */
static cyg_status judge_unknown(run *r, const gallery_file *now, verdict *out, cyg_error *err)
{
    int64_t gone = 0;
    const gallery_filter same = { .sha256 = now->sha256 };
    *out = NEW;
    cyg_status status = gallery_each_file(r->g, &same, take_missing, &gone, err);
    if (status || !gone) return status;
    *out = MOVED;
    return gallery_move_file(r->g, gone, now->path, now->mtime_ns, err);
}

/* Whether there is anything to do. The lock is given up while the content is read. CYG_IO is the file's. */
static cyg_status judge(run *r, gallery_file *now, verdict *out, cyg_error *err)
{
    gallery_file was;
    *out = NEW;
    pthread_mutex_lock(&r->lock);
    cyg_status found = gallery_find_file(r->g, now->path, &was, err);
    pthread_mutex_unlock(&r->lock);
    if (found && found != CYG_NOT_FOUND) return found;
    if (!found && !r->s->again && was.size == now->size && was.mtime_ns == now->mtime_ns) {
        *out = was.state == GALLERY_FAILED ? STILL_BAD : SAME;
        return CYG_OK;
    }
    cyg_status status = hash_file(now->sha256, now->path, err);
    if (status || r->s->again) return status;
    pthread_mutex_lock(&r->lock);
    status = found ? judge_unknown(r, now, out, err) : judge_known(r, now, &was, out, err);
    pthread_mutex_unlock(&r->lock);
    return status;
}

/* ---- Names survive ------------------------------------------------------------------------- */

typedef struct heirs {
    looked *l;
    int     dimension;
} heirs;

/* The face of the changed file that was this one before keeps its person. */
static bool inherit(void *context, const gallery_face *was, const char *path)
{
    const heirs *h = context;
    if (was->how != GALLERY_NAMED) return true;
    gallery_face *best = NULL;
    float most = 0.8f;
    for (int i = 0; i < h->l->count; i++) {
        gallery_face *f = &h->l->faces[i];
        const float alike = cyg_cosine(f->embedding, was->embedding, h->dimension);
        if (f->person || alike < most) continue;
        most = alike;
        best = f;
    }
    if (best) {
        best->person = was->person;
        best->how = GALLERY_NAMED;
    }
    return true;
}

/* ---- Enrolment --------------------------------------------------------------------------- */

static float area(const gallery_face *f)
{
    return (f->box.x2 - f->box.x1) * (f->box.y2 - f->box.y1);
}

static void name_largest(looked *l, int64_t person)
{
    gallery_face *largest = NULL;
    for (int i = 0; i < l->count; i++)
        if (!largest || area(&l->faces[i]) > area(largest)) largest = &l->faces[i];
    if (!largest) return;
    largest->person = person;
    largest->how = GALLERY_NAMED;
}

static bool take_larger(void *context, const gallery_face *f, const char *path)
{
    gallery_face *largest = context;
    if (!largest->id || area(f) > area(largest)) *largest = *f;
    return true;
}

/* The same for a file that is in the gallery already. */
static cyg_status name_known(run *r, const char *path, cyg_error *err)
{
    gallery_file file;
    gallery_face largest = { 0 };
    pthread_mutex_lock(&r->lock);
    cyg_status status = gallery_find_file(r->g, path, &file, err);
    const gallery_filter of_file = { .file = file.id };
    if (!status) status = gallery_each_face(r->g, &of_file, 0, take_larger, &largest, err);
    if (!status && largest.id) status = gallery_assign(r->g, largest.id, r->person, GALLERY_NAMED, err);
    pthread_mutex_unlock(&r->lock);
    return status;
}

static cyg_status find_or_add_person(run *r, cyg_error *err)
{
    if (!r->s->name) return CYG_OK;
    const cyg_status status = gallery_find_person(r->g, r->s->name, &r->person, err);
    return status == CYG_NOT_FOUND ? gallery_add_person(r->g, r->s->name, &r->person, err) : status;
}

static cyg_status put(run *r, gallery_file *file, looked *l, cyg_error *err)
{
    gallery_file was;
    cyg_status status = gallery_find_file(r->g, file->path, &was, err);
    if (!status) {
        heirs h = { l, r->models->recipe.dimension };
        const gallery_filter same = { .file = was.id };
        status = gallery_each_face(r->g, &same, GALLERY_EMBEDDINGS, inherit, &h, err);
    } else if (status == CYG_NOT_FOUND) {
        status = CYG_OK;
    }
    if (r->person) name_largest(l, r->person);
    return status ? status : gallery_put_file(r->g, file, l->faces, l->count, err);
}

/* ---- One file -------------------------------------------------------------------------------- */

static void count_failure(run *r, const char *path, const char *why)
{
    log_print(r->log, LOG_ERROR, "%s%s%s", strncmp(why, path, strlen(path)) ? path : "",
              strncmp(why, path, strlen(path)) ? ": " : "", why);
    pthread_mutex_lock(&r->lock);
    r->failed++;
    pthread_mutex_unlock(&r->lock);
}

/* What the file's own fault is gets recorded; what is the gallery's ends the run. */
static void end_run(run *r, const cyg_error *err)
{
    pthread_mutex_lock(&r->lock);
    if (!r->lost.status) r->lost = *err;
    pthread_mutex_unlock(&r->lock);
}

static void look_and_put(run *r, pipeline *p, gallery_file *now)
{
    cyg_error err;
    looked l;
    cyg_status status = look_at(&l, p, now->path, &r->look, &err);
    if (status == CYG_END) return;
    if (status == CYG_NO_MEMORY) {
        end_run(r, &err);
        return;
    }
    gallery_file file = l.file;
    file.path = now->path;
    file.size = now->size;
    file.mtime_ns = now->mtime_ns;
    memcpy(file.sha256, now->sha256, sizeof file.sha256);
    if (!file.kind) file.kind = input_is_video(now->path) ? GALLERY_VIDEO : GALLERY_PHOTO;
    if (status) {
        count_failure(r, now->path, err.message);
        file.state = GALLERY_FAILED;
        file.message = err.message;
    }
    cyg_error put_err;
    pthread_mutex_lock(&r->lock);
    const cyg_status kept = put(r, &file, &l, &put_err);
    r->looked += !status;
    r->faces += l.count;
    r->poor += l.poor;
    pthread_mutex_unlock(&r->lock);
    if (!status) log_print(r->log, LOG_DETAIL, "%s: %d faces", now->path, l.count);
    if (kept) end_run(r, &put_err);
    looked_free(&l);
}

static void index_one(run *r, pipeline *p, const input *in)
{
    cyg_error err;
    struct stat st;
    verdict v;
    char *path = in->problem || in->kind != INPUT_FILE ? NULL : realpath(in->path, NULL);
    if (!path || stat(path, &st)) {
        count_failure(r, in->path, in->problem ? in->problem : in->kind != INPUT_FILE
                                   ? "a stream; a gallery keeps files" : strerror(errno));
        free(path);
        return;
    }
    gallery_file now = { .path = path, .size = st.st_size,
                         .mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec };
    const cyg_status status = judge(r, &now, &v, &err);
    if (status == CYG_IO && !*now.sha256) count_failure(r, path, err.message);
    else if (status) end_run(r, &err);
    else if (v == STILL_BAD) count_failure(r, path,
                                           "unchanged since it could not be read; --again tries once more");
    else if (v == NEW) look_and_put(r, p, &now);
    else if (r->person && name_known(r, path, &err)) end_run(r, &err);
    pthread_mutex_lock(&r->lock);
    r->unchanged += !status && v == SAME;
    r->moved += !status && v == MOVED;
    pthread_mutex_unlock(&r->lock);
    free(path);
}

/* ---- All of them -------------------------------------------------------------------------------- */

/* The next input; NULL after the last one. */
static const input *take(run *r)
{
    pthread_mutex_lock(&r->lock);
    const bool more = r->next < r->in->count && !r->lost.status && !stop_signal(r->signals);
    const size_t which = r->next;
    if (more) r->next++;
    const int64_t faces = r->faces;
    pthread_mutex_unlock(&r->lock);
    if (!more) return NULL;
    if (log_columns(r->log) && !r->s->quiet) {
        char line[128];
        snprintf(line, sizeof line, "file %zu of %zu, %lld faces", which + 1, r->in->count, (long long)faces);
        log_status(r->log, line);
    }
    return &r->in->items[which];
}

static void *work(void *arg)
{
    run *r = arg;
    cyg_error err;
    pipeline *p;
    if (pipeline_create(&p, r->models->shared, &err)) {
        end_run(r, &err);
        return NULL;
    }
    for (const input *in; (in = take(r)); ) index_one(r, p, in);
    pipeline_free(p);
    return NULL;
}

static void work_all(run *r)
{
    pthread_t others[256];
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const int wanted = r->s->threads ? r->s->threads : cores < 1 ? 1 : cores > 64 ? 64 : (int)cores;
    int started = 0;
    while (started + 1 < wanted && (size_t)started + 1 < r->in->count &&
           !pthread_create(&others[started], NULL, work, r))
        started++;
    work(r);
    for (int i = 0; i < started; i++) pthread_join(others[i], NULL);
    log_status(r->log, "");
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

static cyg_status say_absent(run *r, const char *const *words, int count, cyg_error *err)
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

static int end(run *r, const char *const *words, int count)
{
    cyg_error err = r->lost;
    cyg_status status = err.status;
    if (!status && !stop_signal(r->signals)) status = say_absent(r, words, count, &err);
    if (status != CYG_IO) {             /* what was done is made whole, also after Ctrl-C */
        cyg_error finish;
        const cyg_status finished = gallery_finish(r->g, &finish);
        if (!status && finished) {
            status = finished;
            err = finish;
        }
    }
    log_print(r->log, LOG_NOTE,
              "%zu files looked at, %zu unchanged, %zu moved, %zu failed; %lld faces, %lld left out as poor",
              r->looked, r->unchanged, r->moved, r->failed, (long long)r->faces, (long long)r->poor);
    if (status) {
        log_print(r->log, LOG_ERROR, "%s", err.message);
        return faces_gallery_code(status);
    }
    if (stop_signal(r->signals)) return 128 + stop_signal(r->signals);
    if (!r->failed) return FACES_DONE;
    return r->failed == r->in->count ? FACES_ALL_FAILED : FACES_SOME_FAILED;
}

static int index_all(run *r, const char *const *words, int count)
{
    cyg_error err;
    inputs in;
    models m;
    int code;
    r->in = &in;
    r->models = &m;
    cyg_status status = inputs_find(&in, words + 1, count - 1, &err);
    const cyg_status opened = models_open(&m, &r->s->models, status ? NULL : &err);
    if (!status) status = opened;
    if (!status) status = gallery_open(&r->g, words[0], GALLERY_CREATE, &m.recipe, r->s->wait, &err);
    if (!status) status = find_or_add_person(r, &err);
    if (status) {
        log_print(r->log, LOG_ERROR, "%s", err.message);
        code = opened ? FACES_MODEL : faces_gallery_code(status);
    } else {
        work_all(r);
        code = end(r, words + 1, count - 1);
    }
    gallery_close(r->g);
    inputs_free(&in);
    models_close(&m);
    return code;
}

int index_run(int argc, char **argv)
{
    verb v;
    settings s;
    stop *signals = stop_watch();
    if (!verb_begin(&v, &index_app, &s, argc, argv, 2, -1)) {
        stop_free(signals);
        return v.code;
    }
    run r = { .s = &s, .signals = signals, .lock = PTHREAD_MUTEX_INITIALIZER,
              .look = { .poor = s.poor, .thumbnails = s.thumbnails, .step = s.step, .stop = signals } };
    r.log = log_create("cygnet-faces", s.quiet ? LOG_ERROR : s.verbose ? LOG_DETAIL : LOG_NOTE, false);
    int code = FACES_OUTPUT;
    if (r.log && signals) code = index_all(&r, v.words, v.count);
    else fputs("cygnet-faces: out of memory\n", stderr);
    log_free(r.log);
    verb_end(&v);
    stop_free(signals);
    return code;
}
