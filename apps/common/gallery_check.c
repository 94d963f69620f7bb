/* gallery_check.c - is everything in a gallery as it should be, and how much is there. */
#include "gallery_sql.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct inspection {
    gallery        *g;
    gallery_health *health;
    void          (*say)(void *context, const char *sentence);
    void           *context;
} inspection;

static void found(inspection *in, bool repaired, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void found(inspection *in, bool repaired, const char *format, ...)
{
    char sentence[600];
    va_list values;
    va_start(values, format);
    vsnprintf(sentence, sizeof sentence, format, values);
    va_end(values);
    in->health->problems++;
    in->health->repaired += repaired;
    if (in->say) in->say(in->context, sentence);
}

/* SQLite's own check: pages, indexes, types, and then references between tables. */
static cyg_status check_database(inspection *in, cyg_error *err)
{
    gallery *g = in->g;
    sqlite3_stmt *s;
    cyg_status status = sql_prepare(&s, g, err, "PRAGMA integrity_check(20)", "");
    bool sound = true;
    for (bool row = true; !status; ) {
        status = sql_step(&s, g, &row, err);
        if (status || !row) break;
        const char *text = (const char *)sqlite3_column_text(s, 0);
        if (text && !strcmp(text, "ok")) continue;
        sound = false;
        found(in, false, "%s: damaged: %s", g->path, text ? text : "?");
    }
    if (status) return status;
    if (!sound) return cyg_fail(err, CYG_FORMAT, "%s: the database is damaged beyond repair: index again into a new "
                                "gallery, or put back a copy", g->path);
    int64_t dangling = 0;
    status = sql_number(&dangling, g, err, "SELECT count(*) FROM pragma_foreign_key_check", "");
    if (!status && dangling)
        found(in, false, "%s: %lld rows belong to rows that do not exist", g->path, (long long)dangling);
    return status;
}

/* The file of a face that is lost looks changed to the next indexing. */
static cyg_status drop_face(gallery *g, int64_t face, cyg_error *err)
{
    cyg_status status = sql_begin_step(g, err);
    if (status) return status;
    status = sql_run(g, err, "UPDATE files SET mtime_ns = -1, sha256 = '' WHERE id = "
                     "(SELECT file FROM faces WHERE id = ?)", "i", face);
    if (!status) status = sql_run(g, err, "DELETE FROM faces WHERE id = ?", "i", face);
    if (!status) status = sql_changed(g, true, err);
    return sql_end_step(g, status, err);
}

static cyg_status check_embeddings(inspection *in, cyg_error *err)
{
    gallery *g = in->g;
    const size_t size = (size_t)g->recipe.dimension * sizeof(uint16_t);
    int64_t *bad = NULL;
    size_t count = 0;
    sqlite3_stmt *s;
    cyg_status status = sql_prepare(&s, g, err, "SELECT faces.id, half, checksum, path FROM faces "
                                    "LEFT JOIN embeddings ON face = faces.id LEFT JOIN files ON files.id = file", "");
    for (bool row = true; !status; ) {
        status = sql_step(&s, g, &row, err);
        if (status || !row) break;
        const int64_t id = sqlite3_column_int64(s, 0);
        const void *half = sqlite3_column_blob(s, 1);
        const char *path = (const char *)sqlite3_column_text(s, 3);
        if (half && (size_t)sqlite3_column_bytes(s, 1) == size &&
            (int64_t)vectors_sum(half, size, (uint64_t)id) == sqlite3_column_int64(s, 2))
            continue;
        found(in, g->writer, "%s: face %lld: its embedding is damaged%s%s", g->path, (long long)id,
              g->writer ? "; index this file again: " : "; its file: ", path ? path : "?");
        int64_t *more = realloc(bad, (count + 1) * sizeof *bad);
        if (!more) {
            status = cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", g->path);
            break;
        }
        bad = more;
        bad[count++] = id;
    }
    sqlite3_finalize(s);
    for (size_t i = 0; i < count && !status && g->writer; i++) status = drop_face(g, bad[i], err);
    free(bad);
    return status;
}

/* Its generation and checksums say that it is what the database holds; anything else is made again. */
static cyg_status check_vectors(inspection *in, cyg_error *err)
{
    gallery *g = in->g;
    cyg_error why;
    int64_t generation;
    cyg_status status = sql_number(&generation, g, err, "SELECT generation FROM meta", "");
    const int fd = openat(g->folder, "vectors", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (status || fd < 0) return status;                /* missing: it will be made */
    char name[300];
    snprintf(name, sizeof name, "%.280s/vectors", g->path);
    vectors *v;
    status = vectors_open(&v, fd, name, &why);
    close(fd);
    if (status == CYG_UNSUPPORTED) return CYG_OK;       /* of another version: it will be made again */
    if (!status) status = vectors_check(v, &why);
    if (!status && vectors_made_from(v).generation > generation)
        status = cyg_fail(&why, CYG_FORMAT, "%s: newer than the database", name);
    vectors_close(v);
    if (!status) return CYG_OK;
    if (status == CYG_NO_MEMORY) return cyg_fail(err, status, "%s", why.message);
    found(in, g->writer, "%s%s", why.message, g->writer ? "; made again" : "");
    if (g->writer) derived_delete(g);
    return CYG_OK;
}

/* Who else may read it? */
static cyg_status check_modes(inspection *in, cyg_error *err)
{
    gallery *g = in->g;
    static const char *const names[] = { ".", "faces.db", "faces.db-wal", "faces.db-shm", "vectors", "lock" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat st;
        if (fstatat(g->folder, names[i], &st, AT_SYMLINK_NOFOLLOW) || !(st.st_mode & 077)) continue;
        const bool closed = g->writer && !fchmodat(g->folder, names[i], i ? 0600 : 0700, 0);
        found(in, closed, "%s/%s: others may read it (mode %03o)%s", g->path, names[i], st.st_mode & 0777u,
              closed ? "; now they may not" : "");
    }
    return CYG_OK;
}

cyg_status gallery_check(gallery *g, gallery_health *out, void (*say)(void *context, const char *sentence),
                         void *context, cyg_error *err)
{
    *out = (gallery_health){ 0 };
    inspection in = { g, out, say, context };
    cyg_status status = check_modes(&in, err);
    if (!status) status = check_database(&in, err);
    if (!status) status = check_embeddings(&in, err);
    if (!status) status = check_vectors(&in, err);
    if (!status && g->writer) status = gallery_finish(g, err);
    return status;
}

/* ---- Counting --------------------------------------------------------------------------- */

static int64_t bytes_of(const gallery *g)
{
    int64_t sum = 0;
    const int fd = openat(g->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    for (const struct dirent *e; folder && (e = readdir(folder)); ) {
        struct stat st;
        if (!fstatat(g->folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode)) sum += st.st_size;
    }
    if (folder) closedir(folder);
    return sum;
}

cyg_status gallery_count(gallery *g, gallery_counts *out, cyg_error *err)
{
    *out = (gallery_counts){ .bytes = bytes_of(g) };
    sqlite3_stmt *s;
    bool row;
    cyg_status status = sql_prepare(&s, g, err,
        "SELECT count(*), total(state = 1), total(kind = 1), total(kind = 2), coalesce(max(indexed_at), 0),"
        " (SELECT count(*) FROM faces), (SELECT count(*) FROM faces WHERE person IS NOT NULL AND how = 2),"
        " (SELECT count(*) FROM faces WHERE person IS NOT NULL AND how = 1),"
        " (SELECT count(*) FROM people WHERE merged_into IS NULL), (SELECT created FROM meta) FROM files", "");
    if (!status) status = sql_step(&s, g, &row, err);
    if (status) return status;
    int64_t *const into[] = { &out->files, &out->failed, &out->photos, &out->videos, &out->newest, &out->faces,
                              &out->named, &out->clustered, &out->people, &out->created };
    for (int i = 0; i < (int)(sizeof into / sizeof *into); i++) *into[i] = sqlite3_column_int64(s, i);
    sqlite3_finalize(s);
    return CYG_OK;
}
