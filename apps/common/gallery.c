/* gallery.c - opening a gallery: its folder, its lock, its database, its recipe. */
#include "gallery_sql.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- The lock ---------------------------------------------------------------------- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

cyg_status lock_take(gallery *g, double wait, cyg_error *err)
{
    const double until = seconds() + wait;
    const int fd = openat(g->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fchmod(fd, 0600)) {
        const int why = errno;
        if (fd >= 0) close(fd);
        return cyg_fail(err, CYG_IO, "%s/lock: %s", g->path, strerror(why));
    }
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        const int why = errno;
        if (why != EWOULDBLOCK && why != EINTR) {
            close(fd);
            return cyg_fail(err, CYG_IO, "%s/lock: %s", g->path, strerror(why));
        }
        if (seconds() >= until) {
            close(fd);
            return cyg_fail(err, CYG_BUSY, "%s: another process is writing to this gallery", g->path);
        }
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);     /* flock itself has no time limit */
    }
    g->lock = fd;
    return CYG_OK;
}

void lock_give(gallery *g)
{
    if (g->lock >= 0) close(g->lock);
    g->lock = -1;
}

/* ---- The folder ---------------------------------------------------------------------- */

static bool ours(const char *name)
{
    static const char *const names[] = { ".", "..", "lock", "faces.db", "faces.db-wal", "faces.db-shm",
                                         "faces.db-journal", "vectors", "vectors.part" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) return true;
    return false;
}

/* A folder of something else must not become a gallery: the words of a command may be swapped. */
static cyg_status holds_nothing_else(const gallery *g, cyg_error *err)
{
    const int fd = openat(g->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) return cyg_fail(err, CYG_IO, "%s: %s", g->path, strerror(errno));
    cyg_status status = CYG_OK;
    for (const struct dirent *e; !status && (e = readdir(folder)); )
        if (!ours(e->d_name))
            status = cyg_fail(err, CYG_ARGUMENT,
                              "%s: a folder with other files in it; a gallery needs its own", g->path);
    closedir(folder);
    return status;
}

static cyg_status open_folder(gallery *g, gallery_mode mode, cyg_error *err)
{
    if (mode == GALLERY_CREATE && mkdir(g->path, 0700) && errno != EEXIST)
        return cyg_fail(err, CYG_IO, "%s: cannot be made: %s", g->path, strerror(errno));
    g->folder = open(g->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (g->folder < 0 && errno == ENOENT) return cyg_fail(err, CYG_NOT_FOUND, "%s: no such gallery", g->path);
    if (g->folder < 0 && errno == ENOTDIR)
        return cyg_fail(err, CYG_FORMAT, "%s: a file, not a gallery (which is a folder)", g->path);
    if (g->folder < 0) return cyg_fail(err, CYG_IO, "%s: %s", g->path, strerror(errno));
    if (!faccessat(g->folder, "faces.db", F_OK, 0)) return CYG_OK;
    if (mode != GALLERY_CREATE)
        return cyg_fail(err, CYG_NOT_FOUND, "%s: a folder, but not a gallery (no faces.db in it)", g->path);
    const cyg_status status = holds_nothing_else(g, err);
    if (!status && fchmod(g->folder, 0700))
        return cyg_fail(err, CYG_IO, "%s: cannot be made private: %s", g->path, strerror(errno));
    return status;
}

/* ---- The database ---------------------------------------------------------------------- */

/* SQLite gives -wal and -shm the mode of the database, so that one is made here. */
static cyg_status make_private(const gallery *g, cyg_error *err)
{
    const int fd = openat(g->folder, "faces.db", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    const bool done = fd >= 0 && !fchmod(fd, 0600);
    const int why = errno;
    if (fd >= 0) close(fd);
    return done ? CYG_OK : cyg_fail(err, CYG_IO, "%s/faces.db: %s", g->path, strerror(why));
}

static cyg_status open_database(gallery *g, cyg_error *err)
{
    char *name;     /* "./" keeps a path that begins like "file:" from being taken for a URI */
    if (asprintf(&name, "%s%s/faces.db", *g->path == '/' ? "" : "./", g->path) < 0)
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", g->path);
    const int code = sqlite3_open_v2(name, &g->db, (g->writer ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                                                   SQLITE_OPEN_NOMUTEX, NULL);
    free(name);
    if (!g->db) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", g->path);
    if (code) return sql_fail(g, "open it", err);
    sqlite3_extended_result_codes(g->db, 1);
    sqlite3_busy_timeout(g->db, 10000);         /* of the moments when another opens, recovers or closes */
    sqlite3_db_config(g->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* page_size and auto_vacuum count only for a new database; the journal mode stays with it.
     * temp_store: a temporary file would be a copy of faces outside of the folder. */
    const char *settings = g->writer
        ? "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
          "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"
          "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON"
        : "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON";
    if (sqlite3_exec(g->db, settings, NULL, NULL, NULL)) return sql_fail(g, "open it", err);
    return CYG_OK;
}

/* ---- The recipe -------------------------------------------------------------------------- */

static bool same_recipe(const gallery_recipe *a, const gallery_recipe *b)
{
    return !strcmp(a->model_sha256, b->model_sha256) && !strcmp(a->preprocessing, b->preprocessing) &&
           a->dimension == b->dimension;
}

static cyg_status check_recipe(const gallery *g, const gallery_recipe *r, cyg_error *err)
{
    const gallery_recipe *own = &g->recipe;
    if (!r || same_recipe(own, r)) return CYG_OK;
    if (strcmp(own->model_sha256, r->model_sha256))
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: made with the model %s (SHA-256 %.12s...), which "
                        "cannot be mixed with %s (SHA-256 %.12s...)", g->path, own->model,
                        own->model_sha256, r->model, r->model_sha256);
    return cyg_fail(err, CYG_UNSUPPORTED, "%s: made with the preprocessing \"%s\" (%d values), which "
                    "cannot be mixed with \"%s\" (%d values)", g->path, own->preprocessing,
                    own->dimension, r->preprocessing, r->dimension);
}

static void assert_recipe(const gallery_recipe *r)
{
    assert(r->model && r->preprocessing && r->model_sha256);
    assert(strlen(r->model_sha256) == 64 && r->dimension >= 1 && r->dimension <= 65536);
}

/* ---- Opening -------------------------------------------------------------------------------- */

static cyg_status open_parts(gallery *g, gallery_mode mode, const gallery_recipe *recipe, double wait,
                             cyg_error *err)
{
    cyg_status status = open_folder(g, mode, err);
    if (!status && g->writer) status = lock_take(g, wait, err);
    if (!status && g->writer) status = make_private(g, err);
    if (!status) status = open_database(g, err);
    if (!status) status = sql_schema(g, mode == GALLERY_CREATE, recipe, err);
    if (!status) status = check_recipe(g, recipe, err);
    return status;
}

cyg_status gallery_open(gallery **out, const char *path, gallery_mode mode, const gallery_recipe *recipe,
                        double wait, cyg_error *err)
{
    assert(recipe || mode != GALLERY_CREATE);
    if (recipe) assert_recipe(recipe);
    *out = NULL;
    if (!*path) return cyg_fail(err, CYG_ARGUMENT, "the name of the gallery is empty");
    gallery *g = calloc(1, sizeof *g);
    if (!g || !(g->path = strdup(path))) {
        free(g);
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    }
    g->folder = g->lock = -1;
    g->writer = mode != GALLERY_READ;
    const cyg_status status = open_parts(g, mode, recipe, wait, err);
    if (status) gallery_close(g);
    else *out = g;
    return status;
}

void gallery_close(gallery *g)
{
    if (!g) return;
    vectors_close(g->vectors);
    sqlite3_close(g->db);
    lock_give(g);
    if (g->folder >= 0) close(g->folder);
    free((char *)(uintptr_t)g->recipe.model);
    free((char *)(uintptr_t)g->recipe.model_sha256);
    free((char *)(uintptr_t)g->recipe.preprocessing);
    free(g->path);
    free(g);
}

const gallery_recipe *gallery_made_by(const gallery *g)
{
    return &g->recipe;
}
