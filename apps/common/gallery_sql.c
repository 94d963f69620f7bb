/* gallery_sql.c - the database of a gallery: its tables, and SQLite in few words. */
#include "gallery_sql.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { APPLICATION = 0x43594746 /* "CYGF" */, VERSION = 1 };

static const char schema[] =
    "CREATE TABLE meta ("                   /* one row */
    "  gallery BLOB NOT NULL,"              /* 16 random bytes */
    "  model TEXT NOT NULL, model_sha256 TEXT NOT NULL, preprocessing TEXT NOT NULL,"
    "  dimension INTEGER NOT NULL, metric TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  generation INTEGER NOT NULL,"        /* counts changes of the set of embeddings */
    "  untidy INTEGER NOT NULL"             /* 1: bytes of deleted rows may still be somewhere */
    ") STRICT;"
    "CREATE TABLE people ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  name TEXT UNIQUE,"                   /* NULL: a nameless cluster */
    "  merged_into INTEGER REFERENCES people(id) ON DELETE CASCADE"
    ") STRICT;"
    "CREATE TABLE files ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  path TEXT NOT NULL UNIQUE,"
    "  size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL,"
    "  kind INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, duration REAL NOT NULL,"
    "  state INTEGER NOT NULL, message TEXT,"
    "  indexed_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX files_by_content ON files(sha256);"
    "CREATE TABLE faces ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  file INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE,"
    "  x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,"
    "  score REAL NOT NULL, quality REAL NOT NULL, flaws INTEGER NOT NULL,"
    "  t1 REAL NOT NULL, t2 REAL NOT NULL, track INTEGER NOT NULL,"
    "  person INTEGER REFERENCES people(id) ON DELETE SET NULL,"
    "  how INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX faces_by_file ON faces(file);"
    "CREATE INDEX faces_by_person ON faces(person) WHERE person IS NOT NULL;"
    "CREATE TABLE embeddings ("             /* apart, so that reading the faces stays quick */
    "  face INTEGER PRIMARY KEY REFERENCES faces(id) ON DELETE CASCADE,"
    "  half BLOB NOT NULL,"                 /* [dimension] IEEE half precision, unit length, little endian */
    "  checksum INTEGER NOT NULL"           /* vectors_sum with the face's id as seed */
    ") STRICT;"
    "CREATE TABLE thumbnails ("
    "  face INTEGER PRIMARY KEY REFERENCES faces(id) ON DELETE CASCADE,"
    "  jpeg BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE rejections ("             /* a person said: this is not them */
    "  face INTEGER NOT NULL REFERENCES faces(id) ON DELETE CASCADE,"
    "  person INTEGER NOT NULL REFERENCES people(id) ON DELETE CASCADE,"
    "  PRIMARY KEY (face, person)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX rejections_by_person ON rejections(person);";

/* ---- Errors --------------------------------------------------------------------------- */

static cyg_status meaning(int code)
{
    switch (code & 0xff) {
    case SQLITE_CORRUPT: case SQLITE_NOTADB: case SQLITE_MISMATCH: case SQLITE_ERROR:
        return CYG_FORMAT;
    case SQLITE_BUSY: case SQLITE_LOCKED: case SQLITE_PROTOCOL:
        return CYG_BUSY;
    case SQLITE_NOMEM:
        return CYG_NO_MEMORY;
    case SQLITE_CONSTRAINT: case SQLITE_TOOBIG: case SQLITE_RANGE:
        return CYG_ARGUMENT;
    default:
        return CYG_IO;
    }
}

cyg_status sql_fail(gallery *g, const char *doing, cyg_error *err)
{
    const int code = sqlite3_extended_errcode(g->db), system = sqlite3_system_errno(g->db);
    const bool of_system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
    return cyg_fail(err, meaning(code), "%s: cannot %s: %s%s%s", g->path, doing, sqlite3_errmsg(g->db),
                    of_system && system ? ": " : "", of_system && system ? strerror(system) : "");
}

/* ---- Statements -------------------------------------------------------------------------- */

static int bind(sqlite3_stmt *s, const char *types, va_list values)
{
    int code = SQLITE_OK;
    for (int i = 1; types[i - 1] && !code; i++)
        switch (types[i - 1]) {
        case 'i': code = sqlite3_bind_int64(s, i, va_arg(values, int64_t)); break;
        case 'd': code = sqlite3_bind_double(s, i, va_arg(values, double)); break;
        case 't': code = sqlite3_bind_text(s, i, va_arg(values, const char *), -1, SQLITE_STATIC); break;
        default: {
            const void *blob = va_arg(values, const void *);
            code = sqlite3_bind_blob64(s, i, blob, va_arg(values, size_t), SQLITE_STATIC);
        }
        }
    return code;
}

static cyg_status prepare(sqlite3_stmt **out, gallery *g, cyg_error *err, const char *sql, const char *types,
                          va_list values)
{
    *out = NULL;
    if (sqlite3_prepare_v2(g->db, sql, -1, out, NULL) || bind(*out, types, values)) {
        const cyg_status status = sql_fail(g, "read it", err);
        sqlite3_finalize(*out);
        *out = NULL;
        return status;
    }
    return CYG_OK;
}

cyg_status sql_prepare(sqlite3_stmt **out, gallery *g, cyg_error *err, const char *sql, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    const cyg_status status = prepare(out, g, err, sql, types, values);
    va_end(values);
    return status;
}

cyg_status sql_step(sqlite3_stmt **s, gallery *g, bool *row, cyg_error *err)
{
    cyg_status status = CYG_OK;
    const int code = sqlite3_step(*s);
    *row = code == SQLITE_ROW;
    if (*row) return CYG_OK;
    if (code != SQLITE_DONE) status = sql_fail(g, g->writer ? "change it" : "read it", err);
    sqlite3_finalize(*s);
    *s = NULL;
    return status;
}

cyg_status sql_run(gallery *g, cyg_error *err, const char *sql, const char *types, ...)
{
    sqlite3_stmt *s;
    va_list values;
    va_start(values, types);
    cyg_status status = prepare(&s, g, err, sql, types, values);
    va_end(values);
    for (bool row = true; row && !status; ) status = sql_step(&s, g, &row, err);
    return status;
}

cyg_status sql_number(int64_t *out, gallery *g, cyg_error *err, const char *sql, const char *types, ...)
{
    sqlite3_stmt *s;
    va_list values;
    va_start(values, types);
    cyg_status status = prepare(&s, g, err, sql, types, values);
    va_end(values);
    bool row = false;
    if (!status) status = sql_step(&s, g, &row, err);
    if (status) return status;
    if (!row) return CYG_NOT_FOUND;
    *out = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return CYG_OK;
}

/* ---- Steps --------------------------------------------------------------------------------- */

cyg_status sql_begin_step(gallery *g, cyg_error *err)
{
    if (!g->writer) return cyg_fail(err, CYG_ARGUMENT, "%s: opened for reading only", g->path);
    return sql_run(g, err, "SAVEPOINT step", "");
}

cyg_status sql_end_step(gallery *g, cyg_status status, cyg_error *err)
{
    if (!status && !(status = sql_run(g, err, "RELEASE step", ""))) return CYG_OK;
    /* a full disk may have rolled back everything already: then there is no step to go back to */
    if (!sqlite3_get_autocommit(g->db)) {
        (void)!sqlite3_exec(g->db, "ROLLBACK TO step", NULL, NULL, NULL);
        (void)!sqlite3_exec(g->db, "RELEASE step", NULL, NULL, NULL);
    }
    return status;
}

cyg_status sql_changed(gallery *g, bool deleted, cyg_error *err)
{
    return sql_run(g, err, "UPDATE meta SET generation = generation + 1, untidy = max(untidy, ?)", "i",
                   (int64_t)deleted);
}

cyg_status gallery_begin(gallery *g, cyg_error *err)
{
    if (!g->writer) return cyg_fail(err, CYG_ARGUMENT, "%s: opened for reading only", g->path);
    return sql_run(g, err, "BEGIN IMMEDIATE", "");
}

cyg_status gallery_commit(gallery *g, cyg_error *err)
{
    const cyg_status status = sql_run(g, err, "COMMIT", "");
    if (status) gallery_rollback(g);
    return status;
}

void gallery_rollback(gallery *g)
{
    if (!sqlite3_get_autocommit(g->db)) (void)!sqlite3_exec(g->db, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static cyg_status create_tables(gallery *g, const gallery_recipe *r, cyg_error *err)
{
    if (sqlite3_exec(g->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) || sqlite3_exec(g->db, schema, NULL, NULL, NULL) ||
        sqlite3_exec(g->db, "PRAGMA application_id = 1129924422; PRAGMA user_version = 1", NULL, NULL, NULL)) {
        const cyg_status status = sql_fail(g, "make its tables", err);
        gallery_rollback(g);
        return status;
    }
    cyg_status status = sql_run(g, err,
        "INSERT INTO meta VALUES (randomblob(16), ?, ?, ?, ?, 'cosine', unixepoch(), 0, 0)", "ttti",
        r->model, r->model_sha256, r->preprocessing, (int64_t)r->dimension);
    if (!status) return gallery_commit(g, err);
    gallery_rollback(g);
    return status;
}

/* Every value is the caller's to free, also after a failure. */
static cyg_status read_meta(gallery *g, cyg_error *err)
{
    sqlite3_stmt *s;
    bool row;
    cyg_status status = sql_prepare(&s, g, err,
        "SELECT gallery, model, model_sha256, preprocessing, dimension FROM meta", "");
    if (!status) status = sql_step(&s, g, &row, err);
    if (status) return status;
    if (!row) return cyg_fail(err, CYG_FORMAT, "%s: damaged: its own description is missing", g->path);
    const int64_t dimension = sqlite3_column_int64(s, 4);
    char *texts[3] = { 0 };
    for (int i = 0; i < 3; i++) {
        const char *text = (const char *)sqlite3_column_text(s, i + 1);
        if (text) texts[i] = strdup(text);
    }
    g->recipe = (gallery_recipe){ texts[0], texts[1], texts[2], (int)dimension };
    if (!texts[0] || !texts[1] || !texts[2] || dimension < 1 || dimension > 65536 ||
        sqlite3_column_bytes(s, 0) != (int)sizeof g->id)
        status = cyg_fail(err, CYG_FORMAT, "%s: damaged: its own description makes no sense", g->path);
    else
        memcpy(g->id, sqlite3_column_blob(s, 0), sizeof g->id);
    sqlite3_finalize(s);
    return status;
}

cyg_status sql_schema(gallery *g, bool create, const gallery_recipe *recipe, cyg_error *err)
{
    int64_t application, version, tables;
    cyg_status status = sql_number(&application, g, err, "PRAGMA application_id", "");
    if (!status) status = sql_number(&version, g, err, "PRAGMA user_version", "");
    if (!status) status = sql_number(&tables, g, err, "SELECT count(*) FROM sqlite_schema", "");
    if (status) return status;
    if (application == 0 && tables == 0) {
        if (!create) return cyg_fail(err, CYG_NOT_FOUND, "%s: no gallery yet", g->path);
        status = create_tables(g, recipe, err);
        return status ? status : read_meta(g, err);
    }
    if (application != APPLICATION) return cyg_fail(err, CYG_FORMAT, "%s: not a gallery of faces", g->path);
    if (version != VERSION)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: a gallery of version %lld, expected %d", g->path,
                        (long long)version, VERSION);
    return read_meta(g, err);
}
