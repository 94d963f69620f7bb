/* gallery_derived.c - the vector file beside the database: made when it is missing, stale or
 * damaged, searched, and renewed after changes; and the tidying up after deletions.
 *
 * Ids are never given twice and an embedding never changes under its id, so a vector file
 * is right or it is stale: its generation tells.
 */
#include "gallery_sql.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Making ---------------------------------------------------------------------------- */

typedef struct reading {
    gallery      *g;
    sqlite3_stmt *rows;
} reading;

static cyg_status next_embedding(void *context, int64_t *id, uint16_t *half, cyg_error *err)
{
    reading *r = context;
    const gallery *g = r->g;
    const size_t size = (size_t)g->recipe.dimension * sizeof *half;
    bool row = false;
    const cyg_status status = r->rows ? sql_step(&r->rows, r->g, &row, err) : CYG_OK;
    if (status) return status;
    if (!row) return cyg_fail(err, CYG_FORMAT, "%s: damaged: embeddings are missing", g->path);
    *id = sqlite3_column_int64(r->rows, 0);
    const void *blob = sqlite3_column_blob(r->rows, 1);
    if (!blob || (size_t)sqlite3_column_bytes(r->rows, 1) != size || *id < 1 ||
        (int64_t)vectors_sum(blob, size, (uint64_t)*id) != sqlite3_column_int64(r->rows, 2))
        return cyg_fail(err, CYG_FORMAT, "%s: damaged: the embedding of face %lld", g->path, (long long)*id);
    memcpy(half, blob, size);
    return CYG_OK;
}

/* Writes what the database holds, as one snapshot of it, into fd. */
static cyg_status write_snapshot(gallery *g, int fd, cyg_error *err)
{
    vectors_key key = { .dimension = g->recipe.dimension };
    memcpy(key.gallery, g->id, sizeof key.gallery);
    int64_t count = 0;
    reading r = { .g = g };
    cyg_status status = sql_run(g, err, "SAVEPOINT snapshot", "");
    if (status) return status;
    status = sql_number(&key.generation, g, err, "SELECT generation FROM meta", "");
    if (!status) status = sql_number(&count, g, err, "SELECT count(*) FROM embeddings", "");
    if (!status) status = sql_prepare(&r.rows, g, err, "SELECT face, half, checksum FROM embeddings ORDER BY face", "");
    if (!status) {
        char name[300];
        snprintf(name, sizeof name, "%.280s/vectors", g->path);
        status = vectors_write(fd, name, &key, count, next_embedding, &r, err);
    }
    sqlite3_finalize(r.rows);
    const cyg_status ended = sql_run(g, status ? NULL : err, "RELEASE snapshot", "");
    return status ? status : ended;
}

/* Under the lock: by way of another name, and only whole. */
static cyg_status make_file(gallery *g, int *out, cyg_error *err)
{
    unlinkat(g->folder, "vectors.part", 0);
    const int fd = openat(g->folder, "vectors.part", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return cyg_fail(err, CYG_IO, "%s/vectors: %s", g->path, strerror(errno));
    cyg_status status = fchmod(fd, 0600) ? cyg_fail(err, CYG_IO, "%s/vectors: %s", g->path, strerror(errno))
                                         : write_snapshot(g, fd, err);
    if (!status && (fsync(fd) || renameat(g->folder, "vectors.part", g->folder, "vectors") || fsync(g->folder)))
        status = cyg_fail(err, CYG_IO, "%s/vectors: %s", g->path, strerror(errno));
    if (status) {
        unlinkat(g->folder, "vectors.part", 0);
        close(fd);
        return status;
    }
    *out = fd;
    return CYG_OK;
}

/* Without the lock, because somebody is writing: one for this process alone, which has no name. */
static cyg_status make_nameless(gallery *g, int *out, cyg_error *err)
{
    const int fd = openat(g->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) return cyg_fail(err, CYG_IO, "%s: no temporary file for its vectors: %s", g->path, strerror(errno));
    const cyg_status status = write_snapshot(g, fd, err);
    if (status) close(fd);
    else *out = fd;
    return status;
}

static cyg_status make(gallery *g, int *fd, cyg_error *err)
{
    if (g->writer) return make_file(g, fd, err);
    cyg_error ignored;
    const cyg_status status = lock_take(g, 0, &ignored);
    if (status) return make_nameless(g, fd, err);
    const cyg_status made = make_file(g, fd, err);
    lock_give(g);
    return made;
}

void derived_delete(gallery *g)
{
    vectors_close(g->vectors);
    g->vectors = NULL;
    unlinkat(g->folder, "vectors", 0);
    unlinkat(g->folder, "vectors.part", 0);
}

/* ---- Opening ------------------------------------------------------------------------------ */

static bool fresh(const gallery *g, int64_t generation, const vectors *v)
{
    const vectors_key key = vectors_made_from(v);
    return key.generation == generation && key.dimension == g->recipe.dimension &&
           !memcmp(key.gallery, g->id, sizeof g->id);
}

static cyg_status map(gallery *g, int fd, cyg_error *err)
{
    char name[300];
    snprintf(name, sizeof name, "%.280s/vectors", g->path);
    const cyg_status status = vectors_open(&g->vectors, fd, name, err);
    if (!status) g->generation = vectors_made_from(g->vectors).generation;
    return status;
}

cyg_status derived_open(gallery *g, cyg_error *err)
{
    int64_t generation;
    cyg_status status = sql_number(&generation, g, err, "SELECT generation FROM meta", "");
    if (status) return status;
    if (g->vectors && g->generation == generation) return CYG_OK;
    vectors_close(g->vectors);
    g->vectors = NULL;

    int fd = openat(g->folder, "vectors", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        status = map(g, fd, err);
        close(fd);
        if (!status && fresh(g, generation, g->vectors)) return CYG_OK;
        if (status == CYG_NO_MEMORY) return status;
        vectors_close(g->vectors);
        g->vectors = NULL;
    }
    if ((status = make(g, &fd, err))) return status;
    status = map(g, fd, err);
    close(fd);
    return status;
}

cyg_status gallery_refresh(gallery *g, cyg_error *err)
{
    return derived_open(g, err);
}

/* ---- Search ---------------------------------------------------------------------------------- */

/* The ids that a query wants, as bits. */
static cyg_status wanted(gallery *g, const gallery_query *q, vectors_filter *out, cyg_error *err)
{
    int64_t most;
    cyg_status status = sql_number(&most, g, err, "SELECT coalesce(max(id), 0) FROM faces", "");
    if (status) return status;
    uint64_t *bits = calloc((size_t)(most / 64 + 1), sizeof *bits);
    if (!bits) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", g->path);
    sqlite3_stmt *s;
    status = q->kind ? sql_prepare(&s, g, err,
                           "SELECT faces.id FROM faces JOIN files ON files.id = file "
                           "WHERE files.kind = ? AND (?2 = 0 OR person = ?2)", "ii", (int64_t)q->kind, q->person)
                     : sql_prepare(&s, g, err, "SELECT id FROM faces WHERE person = ?", "i", q->person);
    for (bool row = true; !status; ) {
        status = sql_step(&s, g, &row, err);
        if (status || !row) break;
        const int64_t id = sqlite3_column_int64(s, 0);
        if (id > 0 && id <= most) bits[id / 64] |= (uint64_t)1 << id % 64;
    }
    if (status) free(bits);
    else *out = (vectors_filter){ bits, most + 1 };
    return status;
}

/* Copies to unit length; CYG_ARGUMENT for what has no direction. */
static cyg_status unit_length(float *out, const float *in, int dimension, cyg_error *err)
{
    double square = 0;
    for (int i = 0; i < dimension; i++) square += (double)in[i] * in[i];
    if (!isfinite(square) || square < 1e-30)
        return cyg_fail(err, CYG_ARGUMENT, "an embedding of %s",
                        isfinite(square) ? "zeros" : "values that are no numbers");
    const float unit = (float)(1 / sqrt(square));
    for (int i = 0; i < dimension; i++) out[i] = in[i] * unit;
    return CYG_OK;
}

cyg_status gallery_search(gallery *g, const gallery_query *q, gallery_match *out, int *count, cyg_error *err)
{
    const int room = *count;
    *count = 0;
    float *probe = malloc((size_t)g->recipe.dimension * sizeof *probe);
    if (!probe) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", g->path);
    vectors_filter filter = { 0 };
    const bool some = q->person || q->kind;
    cyg_status status = unit_length(probe, q->probe, g->recipe.dimension, err);
    if (!status && !g->vectors) status = derived_open(g, err);
    if (!status && some) status = wanted(g, q, &filter, err);
    for (int attempt = 0; !status && attempt < 2; attempt++) {
        *count = room;
        status = vectors_search(g->vectors, probe, q->threshold, some ? &filter : NULL, out, count, err);
        if (status != CYG_FORMAT || attempt) break;
        vectors_close(g->vectors);              /* damaged: the database knows better */
        g->vectors = NULL;
        int fd;
        if ((status = make(g, &fd, err))) break;
        status = map(g, fd, err);
        close(fd);
    }
    if (status) *count = 0;
    free((void *)(uintptr_t)filter.bits);
    free(probe);
    return status;
}

/* ---- Finishing ---------------------------------------------------------------------------------- */

/* Everything from the log into the database, and the log emptied. */
static cyg_status empty_log(gallery *g, cyg_error *err)
{
    int64_t busy;
    const cyg_status status = sql_number(&busy, g, err, "PRAGMA wal_checkpoint(TRUNCATE)", "");
    if (status || !busy) return status;
    return cyg_fail(err, CYG_BUSY, "%s: what was deleted stays in its log until other programs close it; "
                    "then check it", g->path);
}

/* Deleted rows are zeros already (secure_delete); this removes their earlier copies: in the
 * log, in free pages, in the vector file. untidy is taken back last, so a killed process's
 * work is done by the next. */
static cyg_status tidy(gallery *g, cyg_error *err)
{
    cyg_status status = sql_run(g, err, "PRAGMA incremental_vacuum", "");
    if (!status) status = empty_log(g, err);
    if (status) return status;
    derived_delete(g);
    if ((status = derived_open(g, err))) return status;
    status = sql_run(g, err, "UPDATE meta SET untidy = 0", "");
    return status ? status : empty_log(g, err);
}

cyg_status gallery_finish(gallery *g, cyg_error *err)
{
    int64_t untidy;
    if (!g->writer) return cyg_fail(err, CYG_ARGUMENT, "%s: opened for reading only", g->path);
    cyg_status status = sql_number(&untidy, g, err, "SELECT untidy FROM meta", "");
    if (!status) status = untidy ? tidy(g, err) : derived_open(g, err);
    return status;
}
