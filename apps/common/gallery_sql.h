/* gallery_sql.h - the inside of a gallery: its database, in few words. Only gallery*.c use it. */
#ifndef GALLERY_SQL_H
#define GALLERY_SQL_H

#include "gallery.h"
#include "gallery_vectors.h"
#include <sqlite3.h>

struct gallery {
    char          *path;            /* as the caller wrote it: for messages */
    int            folder;          /* descriptor */
    int            lock;            /* descriptor that holds the lock; -1 = none */
    bool           writer;
    sqlite3       *db;
    uint8_t        id[16];          /* tells this gallery's vector file from others' */
    gallery_recipe recipe;          /* owned strings */
    vectors       *vectors;         /* NULL until the first search */
    int64_t        generation;      /* that vectors shows */
};

/* Creates the tables in an empty database, or checks that they are ours: CYG_FORMAT,
 * CYG_UNSUPPORTED, CYG_NOT_FOUND (empty, and create is false). Fills in id and recipe. */
CYG_MUST_USE cyg_status sql_schema(gallery *g, bool create, const gallery_recipe *recipe, cyg_error *err);

/* What SQLite complains about, as status and sentence: "PATH: cannot DOING: reason". */
cyg_status sql_fail(gallery *g, const char *doing, cyg_error *err);

/* types has one letter for each ?: i int64_t, d double, t text or NULL, b const void * and size_t.
 * Texts and blobs must live until the statement is finished. */
CYG_MUST_USE cyg_status sql_prepare(sqlite3_stmt **out, gallery *g, cyg_error *err, const char *sql,
                                    const char *types, ...);
/* *row: there is one more. The statement is finalised, and its pointer cleared, after the last one. */
CYG_MUST_USE cyg_status sql_step(sqlite3_stmt **s, gallery *g, bool *row, cyg_error *err);
/* A statement without rows, from begin to end. */
CYG_MUST_USE cyg_status sql_run(gallery *g, cyg_error *err, const char *sql, const char *types, ...);
/* The first column of the first row; CYG_NOT_FOUND (without a sentence) if there is no row. */
CYG_MUST_USE cyg_status sql_number(int64_t *out, gallery *g, cyg_error *err, const char *sql,
                                   const char *types, ...);

/* One step of work, all or nothing; steps may nest, also in gallery_begin. status in,
 * status out: what was done is kept if it is CYG_OK. */
CYG_MUST_USE cyg_status sql_begin_step(gallery *g, cyg_error *err);
CYG_MUST_USE cyg_status sql_end_step(gallery *g, cyg_status status, cyg_error *err);

/* The set of embeddings changes: in the same step, so that the vector file is stale; deleted:
 * there are bytes to be removed by gallery_finish. */
CYG_MUST_USE cyg_status sql_changed(gallery *g, bool deleted, cyg_error *err);

/* Maps a fresh vector file, after making one if there is none. */
CYG_MUST_USE cyg_status derived_open(gallery *g, cyg_error *err);
/* A vector file that is no longer wanted, also half-made ones, is deleted. */
void derived_delete(gallery *g);

/* The folder's lock: CYG_BUSY if others have it. */
CYG_MUST_USE cyg_status lock_take(gallery *g, double wait, cyg_error *err);
void lock_give(gallery *g);

#endif
