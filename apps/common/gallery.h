/* gallery.h - the faces that were seen, who they are, and exact search among them.
 *
 *     gallery *g;  cyg_error err;
 *     const gallery_recipe recipe = { "faceres", sha256, "square 1.1 x box", 1024 };
 *
 *     gallery_open(&g, "people.cygnet", GALLERY_CREATE, &recipe, 0, &err);
 *     gallery_put_file(g, &file, faces, count, &err);      // a photo or video: one transaction
 *     ...
 *     gallery_finish(g, &err);                             // once, after the last change
 *     gallery_search(g, &query, matches, &count, &err);
 *     gallery_close(g);
 *
 * On disk. A gallery is one folder; move it, copy it, delete it as a whole:
 *     faces.db    SQLite (with -wal and -shm while in use): the truth
 *     vectors     derived from it: every embedding laid out for scanning (format:
 *                 gallery_vectors.c); made again when missing, stale or damaged
 *     lock        empty; whoever holds its flock may write
 *   The format carries a version: a newer one is refused, not misread.
 * Safety. What a call reported as done survives kill -9 and power loss (write-ahead log,
 *   synchronous FULL): a killed run loses at most the file it was at. Disk full fails the
 *   call and changes nothing.
 * One writer, any number of readers. A second writer gets CYG_BUSY, at once or after
 *   the time it wanted to wait. Readers never wait: they see the last committed state.
 * Privacy. Embeddings are biometric data. The folder is 0700 and its files 0600 whatever
 *   the umask, no temporary file is ever made elsewhere, and gallery_finish really removes
 *   the bytes of what was deleted. (Not promised: what a file system, a disk or a backup
 *   keeps of blocks that a file has given back.)
 * One recipe. A gallery remembers which model file and which preprocessing its embeddings
 *   come from, and does not open for another one: their numbers cannot be compared.
 * Ownership. Structs going in are the caller's and are copied. Strings and arrays given
 *   to a callback live until it returns.
 * Threads. One thread at a time for each gallery; open one for each thread.
 * Errors. CYG_FORMAT: damaged. CYG_UNSUPPORTED: another recipe, or a newer version.
 *   CYG_BUSY: another process writes. CYG_IO: cannot be read or written, disk full.
 *   CYG_NOT_FOUND, CYG_ARGUMENT (refused at the door), CYG_NO_MEMORY. Times are seconds
 *   since 1970; ids are positive and never given twice.
 */
#ifndef GALLERY_H
#define GALLERY_H

#include "backbone.h"

typedef struct gallery gallery;

/* ---- Opening ------------------------------------------------------------------- */

typedef enum gallery_mode {
    GALLERY_READ,           /* must exist */
    GALLERY_WRITE,          /* must exist; takes the lock */
    GALLERY_CREATE,         /* made if there is none (or only an empty folder); takes the lock */
} gallery_mode;

/* How embeddings are made. All of it must be equal for two of them to be comparable. */
typedef struct gallery_recipe {
    const char *model;              /* name, for people */
    const char *model_sha256;       /* of the model file, 64 hex digits */
    const char *preprocessing;      /* crop, alignment, mirroring ...: one line */
    int         dimension;          /* 1 .. 65536 */
} gallery_recipe;

/* recipe: what the caller's embeddings are like; NULL if it brings none (not with
 * GALLERY_CREATE). wait: seconds to wait for the lock; 0 = not at all. */
CYG_MUST_USE cyg_status gallery_open(gallery **out, const char *path, gallery_mode mode,
                                     const gallery_recipe *recipe, double wait, cyg_error *err);
void gallery_close(gallery *g);
const gallery_recipe *gallery_made_by(const gallery *g);       /* lives as long as g */

/* After the last change: removes the bytes of what was deleted for good, and renews the
 * vector file. CYG_BUSY if other readers keep deleted bytes alive; then a later call,
 * also by another process, completes it. */
CYG_MUST_USE cyg_status gallery_finish(gallery *g, cyg_error *err);

/* ---- Files ----------------------------------------------------------------------- */

typedef enum gallery_kind  { GALLERY_ANY_KIND, GALLERY_PHOTO, GALLERY_VIDEO } gallery_kind;
typedef enum gallery_state { GALLERY_DONE, GALLERY_FAILED } gallery_state;

typedef struct gallery_file {
    int64_t       id;               /* ignored by put */
    const char   *path;             /* as the caller writes it; unique; any bytes but 0 */
    int64_t       size, mtime_ns;   /* what tells cheaply that nothing changed */
    char          sha256[65];       /* of the content; "" if it could not be read */
    gallery_kind  kind;
    int           width, height;    /* upright pixels; 0 = unknown */
    double        duration;         /* seconds; 0 for photos */
    gallery_state state;
    const char   *message;          /* why it failed; NULL if done */
    int64_t       indexed_at;       /* 0 in put = now */
    int           faces;            /* ignored by put */
} gallery_file;

/* Why a face is a poor one: bits of gallery_face.flaws. */
enum { GALLERY_SMALL = 1, GALLERY_BLURRED = 2, GALLERY_CUT = 4, GALLERY_DARK = 8 };

typedef enum gallery_how {
    GALLERY_UNKNOWN,                /* no person */
    GALLERY_CLUSTERED,              /* the program thinks so */
    GALLERY_NAMED,                  /* a person said so: clustering never changes it */
} gallery_how;

typedef struct gallery_face {
    int64_t        id, file;        /* ignored by put */
    cyg_box        box;             /* pixels of the upright picture */
    float          score;           /* of the detector */
    float          quality;         /* 0 .. 1 */
    unsigned       flaws;
    double         t1, t2;          /* first and last seen, seconds; 0 for photos */
    int            track;           /* of a video; -1 for photos */
    int64_t        person;          /* 0 = none */
    gallery_how    how;
    const float   *embedding;       /* [dimension]; finite, not all zero; any length */
    const uint8_t *thumbnail;       /* a JPEG; NULL = none */
    size_t         thumbnail_size;
} gallery_face;

/* Records one file and its faces, replacing whatever was there under its path, all or
 * nothing. CYG_ARGUMENT: NaN somewhere, an empty embedding, no such person. */
CYG_MUST_USE cyg_status gallery_put_file(gallery *g, const gallery_file *file,
                                         const gallery_face *faces, int count, cyg_error *err);
/* Fills *out except path and message. CYG_NOT_FOUND. */
CYG_MUST_USE cyg_status gallery_find_file(gallery *g, const char *path, gallery_file *out, cyg_error *err);
/* The file was moved or touched: same content, new path or time. Takes the place of a
 * record that stands under that path already. */
CYG_MUST_USE cyg_status gallery_move_file(gallery *g, int64_t file, const char *path,
                                          int64_t mtime_ns, cyg_error *err);
CYG_MUST_USE cyg_status gallery_remove_file(gallery *g, int64_t file, cyg_error *err);

/* Which records; zero (all of it) = every one. */
typedef struct gallery_filter {
    int64_t      file, face, person;        /* ids */
    const char  *sha256;
    gallery_kind kind;
    bool         unknown;                   /* faces of nobody */
    bool         failed;                    /* files that failed */
    int64_t      indexed_before;            /* time */
} gallery_filter;

/* Return false to stop. Must not change the gallery; may read it. */
typedef bool gallery_each_file_fn(void *context, const gallery_file *file);
typedef bool gallery_each_face_fn(void *context, const gallery_face *face, const char *path);

/* By path. */
CYG_MUST_USE cyg_status gallery_each_file(gallery *g, const gallery_filter *filter,
                                          gallery_each_file_fn *each, void *context, cyg_error *err);
/* By id. What costs time is left out unless asked for: embedding and thumbnail are NULL. */
enum { GALLERY_EMBEDDINGS = 1, GALLERY_THUMBNAILS = 2 };
CYG_MUST_USE cyg_status gallery_each_face(gallery *g, const gallery_filter *filter, int with,
                                          gallery_each_face_fn *each, void *context, cyg_error *err);
CYG_MUST_USE cyg_status gallery_remove_face(gallery *g, int64_t face, cyg_error *err);

/* ---- People ------------------------------------------------------------------------ */

typedef struct gallery_person {
    int64_t     id;
    const char *name;               /* UTF-8; NULL = not named yet */
    int         faces, files;
    int64_t     best_face;          /* the one of best quality; 0 = none */
} gallery_person;

typedef bool gallery_each_person_fn(void *context, const gallery_person *person);

/* name: 1 .. 200 bytes of UTF-8 without control characters, unique; NULL = nameless. */
CYG_MUST_USE cyg_status gallery_add_person(gallery *g, const char *name, int64_t *id, cyg_error *err);
CYG_MUST_USE cyg_status gallery_find_person(gallery *g, const char *name, int64_t *id, cyg_error *err);
CYG_MUST_USE cyg_status gallery_name_person(gallery *g, int64_t person, const char *name, cyg_error *err);
/* All faces of `from` become those of `into`, as named ones, so that clustering keeps
 * them together; `from` from now on means `into`. */
CYG_MUST_USE cyg_status gallery_merge_people(gallery *g, int64_t from, int64_t into, cyg_error *err);
/* Forgets the person; with_faces deletes the faces as well. */
CYG_MUST_USE cyg_status gallery_remove_person(gallery *g, int64_t person, bool with_faces, cyg_error *err);
/* The id that a merged person's id stands for now. CYG_NOT_FOUND. */
CYG_MUST_USE cyg_status gallery_resolve_person(gallery *g, int64_t person, int64_t *now, cyg_error *err);
/* By id, without the merged ones. */
CYG_MUST_USE cyg_status gallery_each_person(gallery *g, gallery_each_person_fn *each, void *context,
                                            cyg_error *err);
/* Who the face is; person 0 = nobody. */
CYG_MUST_USE cyg_status gallery_assign(gallery *g, int64_t face, int64_t person, gallery_how how,
                                       cyg_error *err);
/* "This is not them": remembered; takes the face away from that person. */
CYG_MUST_USE cyg_status gallery_reject(gallery *g, int64_t face, int64_t person, cyg_error *err);
CYG_MUST_USE cyg_status gallery_is_rejected(gallery *g, int64_t face, int64_t person, bool *yes,
                                            cyg_error *err);
/* Between these two every change waits and is then made at once, or not at all. After a
 * change that failed in between: rollback. */
CYG_MUST_USE cyg_status gallery_begin(gallery *g, cyg_error *err);
CYG_MUST_USE cyg_status gallery_commit(gallery *g, cyg_error *err);
void gallery_rollback(gallery *g);

/* ---- Search ------------------------------------------------------------------------- */

typedef struct gallery_query {
    const float   *probe;           /* [dimension]; finite, not all zero; any length */
    float          threshold;       /* only cosines from here on, -1 .. 1 */
    int64_t        person;          /* only faces of this person; 0 = any */
    gallery_kind   kind;            /* only of such files */
} gallery_query;

typedef struct gallery_match {
    int64_t face;
    float   cosine;                 /* of the stored (F16) embedding and the probe, in float32 */
} gallery_match;

/* The best *count faces, best first, equal ones by id; *count: how many fit into out,
 * afterwards how many there are. Exact: the same as comparing with every face. */
CYG_MUST_USE cyg_status gallery_search(gallery *g, const gallery_query *query, gallery_match *out,
                                       int *count, cyg_error *err);
/* Sees what others have committed since (search otherwise keeps to what was there at the
 * first search, reads to the last commit). */
CYG_MUST_USE cyg_status gallery_refresh(gallery *g, cyg_error *err);

/* ---- Care ---------------------------------------------------------------------------- */

typedef struct gallery_counts {
    int64_t files, failed, photos, videos, faces, named, clustered, people;
    int64_t bytes;                  /* of all files of the folder */
    int64_t created, newest;        /* times; newest = last indexed, 0 = never */
} gallery_counts;

CYG_MUST_USE cyg_status gallery_count(gallery *g, gallery_counts *out, cyg_error *err);

typedef struct gallery_health {
    int64_t problems;               /* found */
    int64_t repaired;               /* of them; files of damaged faces must be indexed again */
} gallery_health;

/* Reads everything: SQLite's own integrity check, every reference, every embedding's
 * checksum, every byte of the vector file. A writer repairs what it can. say gets one
 * sentence for each problem. CYG_FORMAT: the database itself is beyond repair. */
CYG_MUST_USE cyg_status gallery_check(gallery *g, gallery_health *out,
                                      void (*say)(void *context, const char *sentence), void *context,
                                      cyg_error *err);

#endif
