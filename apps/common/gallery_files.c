/* gallery_files.c - files and their faces, into the database and out of it. */
#include "gallery_sql.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- At the door ------------------------------------------------------------------------ */

static cyg_status refuse(const char *path, int face, const char *what, cyg_error *err)
{
    return cyg_fail(err, CYG_ARGUMENT, "%s: face %d: %s", path, face, what);
}

static cyg_status check_face(const gallery_face *f, const char *path, int i, int dimension, cyg_error *err)
{
    const float small[] = { f->box.x1, f->box.y1, f->box.x2, f->box.y2, f->score, f->quality,
                            (float)f->t1, (float)f->t2 };
    for (size_t j = 0; j < sizeof small / sizeof *small; j++)
        if (!isfinite(small[j])) return refuse(path, i, "box, score or time is not a number", err);
    double square = 0;
    for (int j = 0; j < dimension; j++) square += (double)f->embedding[j] * f->embedding[j];
    if (!isfinite(square)) return refuse(path, i, "an embedding of values that are no numbers", err);
    if (square < 1e-30) return refuse(path, i, "an embedding of zeros", err);
    if (f->thumbnail_size > 1 << 24) return refuse(path, i, "a thumbnail of more than 16 MB", err);
    return CYG_OK;
}

static cyg_status check_file(const gallery_file *f, cyg_error *err)
{
    if (!*f->path) return cyg_fail(err, CYG_ARGUMENT, "a file without a path");
    if (!isfinite(f->duration)) return cyg_fail(err, CYG_ARGUMENT, "%s: duration is not a number", f->path);
    return CYG_OK;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static void to_halves(uint16_t *half, const float *embedding, int dimension)
{
    double square = 0;
    for (int i = 0; i < dimension; i++) square += (double)embedding[i] * embedding[i];
    const double unit = 1 / sqrt(square);
    for (int i = 0; i < dimension; i++) half[i] = half_from_float((float)(embedding[i] * unit));
}

static cyg_status insert_face(gallery *g, int64_t file, const gallery_face *f, uint16_t *half, cyg_error *err)
{
    const size_t size = (size_t)g->recipe.dimension * sizeof *half;
    cyg_status status = sql_run(g, err,
        "INSERT INTO faces (file, x1, y1, x2, y2, score, quality, flaws, t1, t2, track, person, how) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?)", "iddddddiddiii", file,
        (double)f->box.x1, (double)f->box.y1, (double)f->box.x2, (double)f->box.y2, (double)f->score,
        (double)f->quality, (int64_t)f->flaws, f->t1, f->t2, (int64_t)f->track, f->person,
        (int64_t)(f->person ? f->how : GALLERY_UNKNOWN));
    if (status) return status;
    const int64_t id = sqlite3_last_insert_rowid(g->db);
    to_halves(half, f->embedding, g->recipe.dimension);
    status = sql_run(g, err, "INSERT INTO embeddings VALUES (?, ?, ?)", "ibi", id, (const void *)half, size,
                     (int64_t)vectors_sum(half, size, (uint64_t)id));
    if (!status && f->thumbnail)
        status = sql_run(g, err, "INSERT INTO thumbnails VALUES (?, ?)", "ib", id, (const void *)f->thumbnail,
                         f->thumbnail_size);
    return status;
}

static cyg_status replace_file(gallery *g, const gallery_file *f, int64_t *id, bool *deleted, cyg_error *err)
{
    cyg_status status = sql_number(id, g, err,
        "INSERT INTO files (path, size, mtime_ns, sha256, kind, width, height, duration, state, message, indexed_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(nullif(?, 0), unixepoch())) "
        "ON CONFLICT(path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns, "
        "sha256 = excluded.sha256, kind = excluded.kind, width = excluded.width, height = excluded.height, "
        "duration = excluded.duration, state = excluded.state, message = excluded.message, "
        "indexed_at = excluded.indexed_at RETURNING id", "tiitiiiditi",
        f->path, f->size, f->mtime_ns, f->sha256, (int64_t)f->kind, (int64_t)f->width, (int64_t)f->height,
        f->duration, (int64_t)f->state, f->message, f->indexed_at);
    if (status) return status;
    status = sql_run(g, err, "DELETE FROM faces WHERE file = ?", "i", *id);
    *deleted = sqlite3_changes(g->db) > 0;
    return status;
}

cyg_status gallery_put_file(gallery *g, const gallery_file *file, const gallery_face *faces, int count,
                            cyg_error *err)
{
    cyg_status status = check_file(file, err);
    for (int i = 0; i < count && !status; i++)
        status = check_face(&faces[i], file->path, i, g->recipe.dimension, err);
    if (status) return status;
    uint16_t *half = malloc((size_t)g->recipe.dimension * sizeof *half);
    if (!half) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", g->path);
    int64_t id = 0;
    bool deleted = false;
    if (!(status = sql_begin_step(g, err))) {
        status = replace_file(g, file, &id, &deleted, err);
        for (int i = 0; i < count && !status; i++) status = insert_face(g, id, &faces[i], half, err);
        if (!status && (deleted || count)) status = sql_changed(g, deleted, err);
        status = sql_end_step(g, status, err);
    }
    free(half);
    return status;
}

/* Deletes by one statement with one id, which must exist. */
static cyg_status remove_by(gallery *g, const char *sql, int64_t id, const char *noun, cyg_error *err)
{
    cyg_status status = sql_begin_step(g, err);
    if (status) return status;
    status = sql_run(g, err, sql, "i", id);
    if (!status && sqlite3_changes(g->db) == 0)
        status = cyg_fail(err, CYG_NOT_FOUND, "%s: no %s %lld", g->path, noun, (long long)id);
    if (!status) status = sql_changed(g, true, err);
    return sql_end_step(g, status, err);
}

cyg_status gallery_remove_file(gallery *g, int64_t file, cyg_error *err)
{
    return remove_by(g, "DELETE FROM files WHERE id = ?", file, "file", err);
}

cyg_status gallery_remove_face(gallery *g, int64_t face, cyg_error *err)
{
    return remove_by(g, "DELETE FROM faces WHERE id = ?", face, "face", err);
}

cyg_status gallery_move_file(gallery *g, int64_t file, const char *path, int64_t mtime_ns, cyg_error *err)
{
    cyg_status status = sql_begin_step(g, err);
    if (status) return status;
    status = sql_run(g, err, "DELETE FROM files WHERE path = ? AND id != ?", "ti", path, file);
    if (!status && sqlite3_changes(g->db)) status = sql_changed(g, true, err);
    if (!status) status = sql_run(g, err, "UPDATE files SET path = ?, mtime_ns = ? WHERE id = ?", "tii",
                                  path, mtime_ns, file);
    if (!status && sqlite3_changes(g->db) == 0)
        status = cyg_fail(err, CYG_NOT_FOUND, "%s: no file %lld", g->path, (long long)file);
    return sql_end_step(g, status, err);
}

/* ---- Reading ---------------------------------------------------------------------------------- */

#define FILE_COLUMNS "files.id, path, size, mtime_ns, sha256, kind, width, height, duration, state, message, " \
                     "indexed_at, (SELECT count(*) FROM faces WHERE file = files.id)"

static gallery_file file_of(sqlite3_stmt *s)
{
    gallery_file f = {
        .id = sqlite3_column_int64(s, 0), .path = (const char *)sqlite3_column_text(s, 1),
        .size = sqlite3_column_int64(s, 2), .mtime_ns = sqlite3_column_int64(s, 3),
        .kind = (gallery_kind)sqlite3_column_int(s, 5), .width = sqlite3_column_int(s, 6),
        .height = sqlite3_column_int(s, 7), .duration = sqlite3_column_double(s, 8),
        .state = (gallery_state)sqlite3_column_int(s, 9), .message = (const char *)sqlite3_column_text(s, 10),
        .indexed_at = sqlite3_column_int64(s, 11), .faces = sqlite3_column_int(s, 12),
    };
    const char *sum = (const char *)sqlite3_column_text(s, 4);
    if (sum) strncpy(f.sha256, sum, sizeof f.sha256 - 1);
    if (!f.path) f.path = "";
    return f;
}

cyg_status gallery_find_file(gallery *g, const char *path, gallery_file *out, cyg_error *err)
{
    sqlite3_stmt *s;
    bool row = false;
    cyg_status status = sql_prepare(&s, g, err, "SELECT " FILE_COLUMNS " FROM files WHERE path = ?", "t", path);
    if (!status) status = sql_step(&s, g, &row, err);
    if (status) return status;
    if (!row) return cyg_fail(err, CYG_NOT_FOUND, "%s: no file %s", g->path, path);
    *out = file_of(s);
    out->path = out->message = NULL;
    sqlite3_finalize(s);
    return CYG_OK;
}

cyg_status gallery_each_file(gallery *g, const gallery_filter *filter, gallery_each_file_fn *each, void *context,
                             cyg_error *err)
{
    const gallery_filter all = { 0 }, *f = filter ? filter : &all;
    sqlite3_stmt *s;
    cyg_status status = sql_prepare(&s, g, err,
        "SELECT " FILE_COLUMNS " FROM files WHERE (?1 = 0 OR id = ?1) AND (?2 IS NULL OR sha256 = ?2) "
        "AND (?3 = 0 OR kind = ?3) AND (?4 = 0 OR state = 1) AND (?5 = 0 OR indexed_at < ?5) "
        "AND (?6 = 0 OR id IN (SELECT file FROM faces WHERE person = ?6)) ORDER BY path", "itiiii",
        f->file, f->sha256, (int64_t)f->kind, (int64_t)f->failed, f->indexed_before, f->person);
    for (bool row = true; !status; ) {
        status = sql_step(&s, g, &row, err);
        if (status || !row) break;
        const gallery_file file = file_of(s);
        if (!each(context, &file)) break;
    }
    sqlite3_finalize(s);
    return status;
}

#define FACE_COLUMNS "faces.id, file, x1, y1, x2, y2, score, quality, flaws, t1, t2, track, " \
                     "coalesce(person, 0), how, path"

static gallery_face face_of(sqlite3_stmt *s)
{
    return (gallery_face){
        .id = sqlite3_column_int64(s, 0), .file = sqlite3_column_int64(s, 1),
        .box = { (float)sqlite3_column_double(s, 2), (float)sqlite3_column_double(s, 3),
                 (float)sqlite3_column_double(s, 4), (float)sqlite3_column_double(s, 5) },
        .score = (float)sqlite3_column_double(s, 6), .quality = (float)sqlite3_column_double(s, 7),
        .flaws = (unsigned)sqlite3_column_int(s, 8), .t1 = sqlite3_column_double(s, 9),
        .t2 = sqlite3_column_double(s, 10), .track = sqlite3_column_int(s, 11),
        .person = sqlite3_column_int64(s, 12), .how = (gallery_how)sqlite3_column_int(s, 13),
    };
}

/* The face's embedding as floats, after verifying it. */
static cyg_status embedding_of(gallery *g, sqlite3_stmt *s, const gallery_face *f, float *out, cyg_error *err)
{
    const int dimension = g->recipe.dimension;
    const size_t size = (size_t)dimension * sizeof(uint16_t);
    const uint16_t *half = sqlite3_column_blob(s, 15);
    if (!half || (size_t)sqlite3_column_bytes(s, 15) != size ||
        (int64_t)vectors_sum(half, size, (uint64_t)f->id) != sqlite3_column_int64(s, 16))
        return cyg_fail(err, CYG_FORMAT, "%s: damaged: the embedding of face %lld", g->path, (long long)f->id);
    for (int i = 0; i < dimension; i++) out[i] = float_from_half(half[i]);
    return CYG_OK;
}

static cyg_status faces_query(sqlite3_stmt **out, gallery *g, const gallery_filter *f, int with, cyg_error *err)
{
    char sql[1200];
    /* an id decides which index is used, so it gets its own condition */
    snprintf(sql, sizeof sql,
        "SELECT " FACE_COLUMNS ", %s, %s FROM faces JOIN files ON files.id = file %s %s "
        "WHERE %s AND (?2 IS NULL OR sha256 = ?2) AND (?3 = 0 OR kind = ?3) AND (?4 = 0 OR state = 1) "
        "AND (?5 = 0 OR indexed_at < ?5) AND (?6 = 0 OR person = ?6) AND (?7 = 0 OR person IS NULL) "
        "AND (?8 = 0 OR file = ?8) ORDER BY faces.id",
        with & GALLERY_EMBEDDINGS ? "half, checksum" : "NULL, NULL", with & GALLERY_THUMBNAILS ? "jpeg" : "NULL",
        with & GALLERY_EMBEDDINGS ? "LEFT JOIN embeddings ON embeddings.face = faces.id" : "",
        with & GALLERY_THUMBNAILS ? "LEFT JOIN thumbnails ON thumbnails.face = faces.id" : "",
        f->face ? "faces.id = ?1" : f->file ? "?1 = 0 AND file = ?8" : f->person ? "?1 = 0 AND person = ?6" : "?1 = 0");
    return sql_prepare(out, g, err, sql, "itiiiiii", f->face, f->sha256, (int64_t)f->kind, (int64_t)f->failed,
                       f->indexed_before, f->person, (int64_t)f->unknown, f->file);
}

cyg_status gallery_each_face(gallery *g, const gallery_filter *filter, int with, gallery_each_face_fn *each,
                             void *context, cyg_error *err)
{
    const gallery_filter all = { 0 };
    sqlite3_stmt *s = NULL;
    float *embedding = malloc((size_t)g->recipe.dimension * sizeof *embedding);
    cyg_status status = embedding ? faces_query(&s, g, filter ? filter : &all, with, err)
                                  : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", g->path);
    for (bool row = true; !status; ) {
        status = sql_step(&s, g, &row, err);
        if (status || !row) break;
        gallery_face face = face_of(s);
        if (with & GALLERY_EMBEDDINGS) {
            if ((status = embedding_of(g, s, &face, embedding, err))) break;
            face.embedding = embedding;
        }
        face.thumbnail = sqlite3_column_blob(s, 17);
        face.thumbnail_size = (size_t)sqlite3_column_bytes(s, 17);
        const char *path = (const char *)sqlite3_column_text(s, 14);
        if (!each(context, &face, path ? path : "")) break;
    }
    sqlite3_finalize(s);
    free(embedding);
    return status;
}
