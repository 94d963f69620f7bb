/* faces_remove.c - cygnet-faces remove and purge: takes faces out of a gallery, with every byte of them. */
#include "faces.h"
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

typedef struct settings {
    bool        keep_faces, missing, dry_run;
    const char *older_than;
    double      wait;
} settings;

#define AT(field) offsetof(settings, field)
#define WAIT_ROW { "run.wait", "wait", 0, OPTION_TIME, AT(wait), "0", 0, 1e6, NULL, "TIME", \
                   "wait so long for another writer to end" }
static const option remove_table[] = {
    { NULL, "keep-faces", 0, OPTION_FLAG, AT(keep_faces), "false", 0, 0, NULL, NULL,
      "of a person, forget only who they are" },
    WAIT_ROW,
    { 0 },
};
static const option purge_table[] = {
    { NULL, "older-than", 0, OPTION_TEXT, AT(older_than), NULL, 0, 0, NULL, "AGE",
      "files indexed longer ago than this: 30d, 12h, 90m" },
    { NULL, "missing", 0, OPTION_FLAG, AT(missing), "false", 0, 0, NULL, NULL,
      "files that are no longer there" },
    { NULL, "dry-run", 'n', OPTION_FLAG, AT(dry_run), "false", 0, 0, NULL, NULL, "only list them" },
    WAIT_ROW,
    { 0 },
};
#undef AT

const options_app remove_app = {
    .name = "cygnet-faces remove",
    .summary = "remove people, files or faces, and every byte of their embeddings and thumbnails",
    .usage = "[options] GALLERY WHAT...",
    .examples = "cygnet-faces remove people.cygnet person:Ada\n"
                "cygnet-faces remove people.cygnet file:photos/party.jpg face:17\n"
                "cygnet-faces remove --keep-faces people.cygnet person:3",
    .exits = "0   done\n" FACES_EXITS_GALLERY,
    .table = remove_table,
};

const options_app purge_app = {
    .name = "cygnet-faces purge",
    .summary = "remove the faces of old or missing files, and every byte of them",
    .usage = "[options] GALLERY",
    .examples = "cygnet-faces purge --older-than 30d people.cygnet\n"
                "cygnet-faces purge --missing --dry-run people.cygnet\n"
                "cygnet-faces purge --missing people.cygnet",
    .exits = "0   done\n" FACES_EXITS_GALLERY,
    .table = purge_table,
};

/* ---- remove ---------------------------------------------------------------------------- */

static cyg_status remove_one(gallery *g, const settings *s, const char *word, cyg_error *err)
{
    thing t;
    const cyg_status status = thing_find(&t, g, word, err);
    if (status) return status;
    switch (t.kind) {
    case THING_FACE: return gallery_remove_face(g, t.id, err);
    case THING_PERSON: return gallery_remove_person(g, t.id, !s->keep_faces, err);
    default: return gallery_remove_file(g, t.id, err);
    }
}

/* All the words or none; then their bytes. */
static cyg_status remove_all(gallery *g, const settings *s, const char *const *words, int count,
                             cyg_error *err)
{
    cyg_status status = gallery_begin(g, err);
    if (status) return status;
    for (int i = 0; i < count && !status; i++) status = remove_one(g, s, words[i], err);
    if (status) gallery_rollback(g);
    else status = gallery_commit(g, err);
    return status ? status : gallery_finish(g, err);
}

int remove_run(int argc, char **argv)
{
    verb v;
    settings s;
    cyg_error err;
    gallery *g;
    if (!verb_begin(&v, &remove_app, &s, argc, argv, 2, -1)) return v.code;
    cyg_status status = gallery_open(&g, v.words[0], GALLERY_WRITE, NULL, s.wait, &err);
    if (!status) status = remove_all(g, &s, v.words + 1, v.count - 1, &err);
    gallery_close(g);
    verb_end(&v);
    return status ? faces_gallery_failed(&err) : FACES_DONE;
}

/* ---- purge ------------------------------------------------------------------------------- */

typedef struct sweep {
    const settings *s;
    int64_t        *ids;
    size_t          count;
    bool            no_memory;
} sweep;

static bool is_missing(const char *path)
{
    struct stat st;
    return stat(path, &st) && (errno == ENOENT || errno == ENOTDIR);
}

static bool sweep_file(void *context, const gallery_file *f)
{
    sweep *w = context;
    if (w->s->missing && !is_missing(f->path)) return true;
    int64_t *more = realloc(w->ids, (w->count + 1) * sizeof *more);
    w->no_memory = !more;
    if (!more) return false;
    w->ids = more;
    w->ids[w->count++] = f->id;
    say_text(f->path);
    putchar('\n');
    return true;
}

/* "30d" in seconds; CYG_ARGUMENT. */
static cyg_status read_age(const char *text, double *seconds, cyg_error *err)
{
    static const struct { char letter; double seconds; } units[] = {
        { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 },
    };
    char *end;
    const double value = strtod(text, &end);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (end != text && *end == units[i].letter && !end[1] && value >= 0 && value < 1e6) {
            *seconds = value * units[i].seconds;
            return CYG_OK;
        }
    return cyg_fail(err, CYG_ARGUMENT, "--older-than: found \"%s\", expected a number and one of s m h d w: 30d", text);
}

static cyg_status purge(gallery *g, const settings *s, double age, cyg_error *err)
{
    sweep w = { .s = s };
    const gallery_filter old = { .indexed_before = s->older_than ? (int64_t)((double)time(NULL) - age) : 0 };
    cyg_status status = gallery_each_file(g, &old, sweep_file, &w, err);
    if (!status && w.no_memory) status = cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    if (!status && !s->dry_run && w.count) {
        status = gallery_begin(g, err);
        for (size_t i = 0; i < w.count && !status; i++) status = gallery_remove_file(g, w.ids[i], err);
        if (status) gallery_rollback(g);
        else status = gallery_commit(g, err);
    }
    if (!status && !s->dry_run) status = gallery_finish(g, err);
    if (!status) fprintf(stderr, "%zu files %s\n", w.count, s->dry_run ? "would be removed" : "removed");
    free(w.ids);
    return status;
}

int purge_run(int argc, char **argv)
{
    verb v;
    settings s;
    cyg_error err;
    gallery *g = NULL;
    double age = 0;
    if (!verb_begin(&v, &purge_app, &s, argc, argv, 1, 1)) return v.code;
    cyg_status status = s.older_than || s.missing ? CYG_OK
        : cyg_fail(&err, CYG_ARGUMENT, "which files? expected --older-than AGE or --missing");
    if (!status && s.older_than) status = read_age(s.older_than, &age, &err);
    if (!status) status = gallery_open(&g, v.words[0], s.dry_run ? GALLERY_READ : GALLERY_WRITE, NULL,
                                       s.wait, &err);
    if (!status) status = purge(g, &s, age, &err);
    gallery_close(g);
    verb_end(&v);
    return status ? faces_gallery_failed(&err) : FACES_DONE;
}
