/* view_people.c - names from a gallery, and faces into it; the writer's lock is held for no longer than that takes. */
#include "view_people.h"
#include "thumbnail.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { LOOK_AT = 8, THUMBNAIL_SIDE = 160 };     /* the most similar faces that may be somebody's; pixels */

static const double patience = 1;               /* seconds for another writer to end */
static const float  thumbnail_scale = 1.5f;     /* times the box */

typedef struct person_name { int64_t id; char name[OBJECT_NAME]; } person_name;

struct people {
    char          *path;
    gallery_recipe recipe;
    float          threshold;
    gallery       *g;                           /* to read; NULL: there is none yet */
    person_name   *names;                       /* [count], as they were when it was opened */
    int64_t        count, room;
    bool           no_memory;
};

/* ---- reading -------------------------------------------------------------------------------- */

static bool take_name(void *context, const gallery_person *who)
{
    people *p = context;
    if (!who->name) return true;
    if (p->count == p->room) {
        const int64_t room = p->room ? 2 * p->room : 64;
        person_name *more = realloc(p->names, (size_t)room * sizeof *more);
        p->no_memory = !more;
        if (!more) return false;
        p->names = more;
        p->room = room;
    }
    person_name *n = &p->names[p->count++];
    n->id = who->id;
    size_t length = strnlen(who->name, sizeof n->name);
    if (length == sizeof n->name) {                     /* cut between characters */
        length--;
        while (length && ((unsigned char)who->name[length] & 0xC0) == 0x80) length--;
    }
    memcpy(n->name, who->name, length);
    n->name[length] = '\0';
    return true;
}

static bool is_there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

/* Opened anew after each change: so everything is as it is now. */
static cyg_status read_again(people *p, cyg_error *err)
{
    gallery_close(p->g);
    p->g = NULL;
    p->count = 0;
    if (!is_there(p->path)) return CYG_OK;
    cyg_status status = gallery_open(&p->g, p->path, GALLERY_READ, &p->recipe, 0, err);
    if (status == CYG_OK) status = gallery_each_person(p->g, take_name, p, err);
    if (status == CYG_OK && p->no_memory) status = cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", p->path);
    return status;
}

cyg_status people_open(people **out, const char *path, const gallery_recipe *recipe, float threshold, cyg_error *err)
{
    *out = NULL;
    people *p = calloc(1, sizeof *p);
    if (!p || !(p->path = strdup(path))) {
        free(p);
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    }
    p->recipe = *recipe;
    p->threshold = threshold;
    const cyg_status status = read_again(p, err);
    if (status != CYG_OK) {
        people_close(p);
        return status;
    }
    *out = p;
    return CYG_OK;
}

void people_close(people *p)
{
    if (!p) return;
    gallery_close(p->g);
    free(p->names);
    free(p->path);
    free(p);
}

int64_t people_count(const people *p)
{
    return p->count;
}

typedef struct owner { int64_t person; } owner;

static bool take_owner(void *context, const gallery_face *face, const char *path)
{
    ((owner *)context)->person = face->person;
    return false;
}

static const char *name_of(const people *p, int64_t person)
{
    for (int64_t i = 0; i < p->count; i++)
        if (p->names[i].id == person) return p->names[i].name;
    return NULL;
}

/* The name of the most similar face that has one. */
void people_recognise(void *context, appearance *a)
{
    people *p = context;
    gallery_match matches[LOOK_AT];
    int count = LOOK_AT;
    const gallery_query query = { .probe = a->embedding, .threshold = p->threshold };
    a->name[0] = '\0';
    a->cosine = a->false_match = 0;
    if (!p->count || gallery_search(p->g, &query, matches, &count, NULL) != CYG_OK) return;
    for (int i = 0; i < count && !a->name[0]; i++) {
        owner found = { 0 };
        const gallery_filter one = { .face = matches[i].face };
        if (gallery_each_face(p->g, &one, 0, take_owner, &found, NULL) != CYG_OK) return;
        const char *known = found.person ? name_of(p, found.person) : NULL;
        if (!known) continue;
        snprintf(a->name, sizeof a->name, "%s", known);
        a->cosine = matches[i].cosine;
    }
}

/* ---- writing ----------------------------------------------------------------------------------- */

static cyg_status find_or_add(gallery *g, const char *name, int64_t *person, cyg_error *err)
{
    const cyg_status status = gallery_find_person(g, name, person, err);
    return status == CYG_NOT_FOUND ? gallery_add_person(g, name, person, err) : status;
}

static cyg_status put(gallery *g, const gallery_file *file, gallery_face *face, const char *name, cyg_error *err)
{
    cyg_status status = gallery_begin(g, err);
    if (status != CYG_OK) return status;
    status = find_or_add(g, name, &face->person, err);
    if (status == CYG_OK) status = gallery_put_file(g, file, face, 1, err);
    if (status == CYG_OK) status = gallery_commit(g, err);
    if (status != CYG_OK) gallery_rollback(g);
    return status;
}

cyg_status people_add(people *p, const char *name, const frame *f, const object *o, const appearance *a,
                      const char *source, cyg_error *err)
{
    char path[500], stamp[32];
    uint8_t *jpeg = NULL;
    size_t size = 0;
    gallery *g = NULL;
    const time_t now = time(NULL);
    struct tm local;
    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &local));
    snprintf(path, sizeof path, "%s, seen %s #%d", source, stamp, a->track);
    if (!a->embedding) return cyg_fail(err, CYG_NOT_FOUND, "face #%d was not described yet", a->track);
    cyg_status status = thumbnail_make(&jpeg, &size, &f->image, o->box, thumbnail_scale, THUMBNAIL_SIDE, err);
    if (status == CYG_OK) {
        gallery_close(p->g);                            /* no reader of ours may stand in the way of gallery_finish */
        p->g = NULL;
        status = gallery_open(&g, p->path, GALLERY_CREATE, &p->recipe, patience, err);
    }
    const gallery_file file = {
        .path = path, .kind = GALLERY_PHOTO, .width = f->image.width, .height = f->image.height, .state = GALLERY_DONE,
        .mtime_ns = (int64_t)now * 1000000000,
    };
    gallery_face face = {
        .box = o->box, .score = o->score, .quality = a->quality, .track = -1, .how = GALLERY_NAMED,
        .embedding = a->embedding, .thumbnail = jpeg, .thumbnail_size = size,
    };
    if (status == CYG_OK) status = put(g, &file, &face, name, err);
    if (status == CYG_OK) status = gallery_finish(g, err);
    if (status == CYG_BUSY && g) status = CYG_OK;       /* it is kept; others read it right now */
    gallery_close(g);
    free(jpeg);
    cyg_error other;
    const cyg_status again = read_again(p, status == CYG_OK ? err : &other);
    return status == CYG_OK ? again : status;
}
