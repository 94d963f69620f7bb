/* faces_name.c - cygnet-faces name: says who somebody is, or is not. */
#include "faces.h"
#include <stddef.h>
#include <stdio.h>

typedef struct settings {
    bool   not_them;
    double wait;
} settings;

#define AT(field) offsetof(settings, field)
static const option table[] = {
    { NULL, "not", 0, OPTION_FLAG, AT(not_them), "false", 0, 0, NULL, NULL,
      "they are not this person: remembered, also when faces are grouped" },
    { "run.wait", "wait", 0, OPTION_TIME, AT(wait), "0", 0, 1e6, NULL, "TIME",
      "wait so long for another writer to end" },
    { 0 },
};
#undef AT

const options_app name_app = {
    .name = "cygnet-faces name",
    .summary = "say who somebody is; two people given one name become one",
    .usage = "[options] GALLERY NAME WHAT...",
    .examples = "cygnet-faces name people.cygnet Ada face:17 face:20\n"
                "cygnet-faces name people.cygnet Ada person:3\n"
                "cygnet-faces name --not people.cygnet Ada face:18",
    .exits = "0   done\n" FACES_EXITS_GALLERY,
    .table = table,
};

static cyg_status name_one(gallery *g, const char *name, int64_t *person, const thing *t, cyg_error *err)
{
    if (t->kind == THING_FILE) return cyg_fail(err, CYG_ARGUMENT,
                                               "a file has no name: expected face: or person:");
    if (!*person && t->kind == THING_PERSON) {
        *person = t->id;
        return gallery_name_person(g, t->id, name, err);
    }
    if (!*person) {
        const cyg_status status = gallery_add_person(g, name, person, err);
        if (status) return status;
    }
    if (t->kind == THING_FACE) return gallery_assign(g, t->id, *person, GALLERY_NAMED, err);
    return t->id == *person ? CYG_OK : gallery_merge_people(g, t->id, *person, err);
}

static cyg_status name_all(gallery *g, const settings *s, const char *const *words, int count, cyg_error *err)
{
    int64_t person = 0;
    cyg_status status = gallery_find_person(g, words[0], &person, err);
    if (status == CYG_NOT_FOUND && !s->not_them) {
        person = 0;
        status = CYG_OK;
    }
    for (int i = 1; i < count && !status; i++) {
        thing t;
        status = thing_find(&t, g, words[i], err);
        if (status) break;
        if (!s->not_them) status = name_one(g, words[0], &person, &t, err);
        else if (t.kind == THING_FACE) status = gallery_reject(g, t.id, person, err);
        else status = cyg_fail(err, CYG_ARGUMENT, "%s: --not is said of faces: expected face:NUMBER",
                               words[i]);
    }
    return status;
}

int name_run(int argc, char **argv)
{
    verb v;
    settings s;
    cyg_error err;
    gallery *g;
    if (!verb_begin(&v, &name_app, &s, argc, argv, 3, -1)) return v.code;
    cyg_status status = gallery_open(&g, v.words[0], GALLERY_WRITE, NULL, s.wait, &err);
    if (!status && !(status = gallery_begin(g, &err))) {
        status = name_all(g, &s, v.words + 1, v.count - 1, &err);
        if (status) gallery_rollback(g);
        else status = gallery_commit(g, &err);
    }
    gallery_close(g);
    verb_end(&v);
    return status ? faces_gallery_failed(&err) : FACES_DONE;
}
