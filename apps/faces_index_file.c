/* faces_index_file.c - one file of an index: unchanged? moved? else looked at and kept. */
#include "faces_index.h"
#include "hash.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- What is known of a file ------------------------------------------------------------- */

typedef enum verdict { SAME, STILL_BAD, MOVED, NEW } verdict;

static bool take_missing(void *context, const gallery_file *f)
{
    struct stat st;
    if (stat(f->path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR)) return true;
    *(int64_t *)context = f->id;
    return false;
}

static cyg_status judge_known(indexing *r, gallery_file *now, const gallery_file *was, verdict *out,
                              cyg_error *err)
{
    const bool same_content = !strcmp(now->sha256, was->sha256);
    *out = same_content ? SAME : NEW;
    return same_content ? gallery_move_file(r->g, was->id, now->path, now->mtime_ns, err) : CYG_OK;
}

/* A content that stands under a path where nothing is any more has moved here. */
static cyg_status judge_unknown(indexing *r, const gallery_file *now, verdict *out, cyg_error *err)
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
static cyg_status judge(indexing *r, gallery_file *now, verdict *out, cyg_error *err)
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

/* The person of the file is its largest face, whatever else is in it; poor others are left out. CYG_NOT_FOUND:
 * there is none that can be kept. */
static cyg_status name_largest(const indexing *r, looked *l, const char *path, cyg_error *err)
{
    char flaws[64];
    int kept = 0;
    gallery_face *face = looked_largest(l);
    if (!face) return cyg_fail(err, CYG_NOT_FOUND, "%s: no face in it", path);
    if (face->flaws && !r->s->poor)
        return cyg_fail(err, CYG_NOT_FOUND, "%s: its largest face is %s; --poor keeps it all the same", path,
                        quality_text(flaws, sizeof flaws, face->flaws));
    face->person = r->person;
    face->how = GALLERY_NAMED;
    for (int i = 0; i < l->count; i++) {
        const gallery_face other = l->faces[i];
        if (&l->faces[i] == face || !other.flaws || r->s->poor) {
            l->faces[i] = l->faces[kept];
            l->faces[kept++] = other;
        } else {
            quality_count(&l->poor, other.flaws);
        }
    }
    looked_cut(l, kept);
    return CYG_OK;
}

/* ---- Keeping ------------------------------------------------------------------------------- */

static cyg_status put(indexing *r, gallery_file *file, looked *l, cyg_error *err)
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
    return status ? status : gallery_put_file(r->g, file, l->faces, l->count, err);
}

/* ---- One file -------------------------------------------------------------------------------- */

static void count_failure(indexing *r, const char *path, const char *why)
{
    log_print(r->log, LOG_ERROR, "%s%s%s", strncmp(why, path, strlen(path)) ? path : "",
              strncmp(why, path, strlen(path)) ? ": " : "", why);
    pthread_mutex_lock(&r->lock);
    r->failed++;
    pthread_mutex_unlock(&r->lock);
}

/* What the file's own fault is gets recorded; what is the gallery's ends the run. */
void index_lose(indexing *r, const cyg_error *err)
{
    pthread_mutex_lock(&r->lock);
    if (!r->lost.status) r->lost = *err;
    pthread_mutex_unlock(&r->lock);
}

static void look_and_put(indexing *r, pipeline *p, gallery_file *now)
{
    cyg_error err;
    looked l;
    char left_out[160];
    cyg_status status = look_at(&l, p, now->path, &r->look, &err);
    if (status == CYG_END) return;
    if (status == CYG_NO_MEMORY) {
        index_lose(r, &err);
        return;
    }
    if (!status && r->person && name_largest(r, &l, now->path, &err)) {
        count_failure(r, now->path, err.message);       /* what the gallery knows of it stays */
        looked_free(&l);
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
    quality_add(&r->poor, &l.poor);
    pthread_mutex_unlock(&r->lock);
    if (!status)
        log_print(r->log, LOG_DETAIL, "%s: %d faces, %s", now->path, l.count,
                  quality_tally_text(left_out, sizeof left_out, &l.poor));
    if (kept) index_lose(r, &put_err);
    looked_free(&l);
}

void index_one(indexing *r, pipeline *p, const input *in)
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
    else if (status) index_lose(r, &err);
    else if (v == STILL_BAD) count_failure(r, path,
                                           "unchanged since it could not be read; --again tries once more");
    else if (v == NEW) look_and_put(r, p, &now);
    pthread_mutex_lock(&r->lock);
    r->unchanged += !status && v == SAME;
    r->moved += !status && v == MOVED;
    pthread_mutex_unlock(&r->lock);
    free(path);
}

