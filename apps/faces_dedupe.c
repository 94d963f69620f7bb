/* faces_dedupe.c - cygnet-faces dedupe: photos that are in the gallery more than once, or faces that are.
 *
 * Best first, each file (or face) not yet in a group looks for those nearly the same as itself; so all of a
 * group are like the one that is kept, and not only like each other in a chain.
 */
#include "faces_dedupe.h"
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    bool   faces, remove;
    double threshold, wait;
    int    format;
} settings;

#define AT(field) offsetof(settings, field)
static const option table[] = {
    { NULL, "faces", 0, OPTION_FLAG, AT(faces), "false", 0, 0, NULL, NULL,
      "faces nearly the same, whatever else is in their photos" },
    { NULL, "remove", 0, OPTION_FLAG, AT(remove), "false", 0, 0, NULL, NULL,
      "remove all but the best of each group from the gallery; the files themselves stay, and so do names" },
    { "dedupe.threshold", "threshold", 't', OPTION_REAL, AT(threshold), "0.96", 0, 1, NULL, "COSINE",
      "faces are nearly the same from here on" },
    { "output.format", "format", 'f', OPTION_CHOICE, AT(format), "text", 0, 0, "text|jsonl", "FORM",
      "for people, or one JSON object a group" },
    { "run.wait", "wait", 0, OPTION_TIME, AT(wait), "0", 0, 1e6, NULL, "TIME",
      "wait so long for another writer to end" },
    { 0 },
};
#undef AT

const options_app dedupe_app = {
    .name = "cygnet-faces dedupe",
    .summary = "list photos, or faces, that are there more than once: copies, resized, saved again",
    .usage = "[options] GALLERY",
    .examples = "cygnet-faces dedupe people.cygnet\n"
                "cygnet-faces dedupe --faces --threshold 0.9 people.cygnet\n"
                "cygnet-faces dedupe --format jsonl people.cygnet",
    .exits = "0   done, whether or not there are any\n" FACES_EXITS_GALLERY,
    .table = table,
};

/* Where copies of one photo have the same face: centres so near, sides so alike, in parts of the picture and face. */
static const float same_centre = 0.02f, same_side = 0.15f;
enum { MOST_ALIKE = 256 };              /* of one face */

/* One of a group, with what it has to do with the one that is kept. */
typedef struct likeness { int item; float cosine; bool same_bytes; } likeness;

typedef struct deduping {
    gallery        *g;
    const settings *s;
    items           it;
    int            *order;              /* items, best first */
    int            *by_bytes;           /* files, by sha256 */
    int            *place;              /* [file]: where in by_bytes */
    float          *probe;              /* [dimension] */
    gallery_match   matches[MOST_ALIKE];
    likeness       *group;              /* [group_count]: those like the one at hand */
    int             group_count, groups, extra;
    int           (*pairs)[2];          /* [pair_count]: faces of it and of others that are alike */
    int             pair_count, pair_room;
} deduping;

/* ---- Order ----------------------------------------------------------------------------- */

static cyg_status sort_all(deduping *d, cyg_error *err)
{
    const int count = d->s->faces ? d->it.face_count : d->it.file_count;
    const size_t files = (size_t)d->it.file_count + 1, all = (size_t)count + 1;
    d->order = malloc(all * sizeof *d->order);
    d->group = malloc(all * sizeof *d->group);
    d->by_bytes = malloc(files * sizeof *d->by_bytes);
    d->place = malloc(files * sizeof *d->place);
    d->probe = malloc((size_t)gallery_made_by(d->g)->dimension * sizeof *d->probe);
    if (!d->order || !d->group || !d->by_bytes || !d->place || !d->probe)
        return cyg_fail(err, CYG_NO_MEMORY, "out of memory for so many faces");
    for (int i = 0; i < count; i++) d->order[i] = i;
    for (int i = 0; i < d->it.file_count; i++) d->by_bytes[i] = i;
    qsort_r(d->order, (size_t)count, sizeof *d->order, d->s->faces ? items_clearer : items_larger, &d->it);
    qsort_r(d->by_bytes, (size_t)d->it.file_count, sizeof *d->by_bytes, items_by_bytes, &d->it);
    for (int i = 0; i < d->it.file_count; i++) d->place[d->by_bytes[i]] = i;
    return CYG_OK;
}

/* ---- Looking for the same --------------------------------------------------------------- */

typedef struct wanted { float *to; int dimension; } wanted;

static bool take_embedding(void *context, const gallery_face *f, const char *path)
{
    const wanted *w = context;
    memcpy(w->to, f->embedding, (size_t)w->dimension * sizeof *w->to);
    return false;
}

/* The faces that are like this one, best first, itself among them; into d->matches. */
static cyg_status find_alike(deduping *d, int face, int *count, cyg_error *err)
{
    wanted w = { d->probe, gallery_made_by(d->g)->dimension };
    const gallery_filter one = { .face = d->it.faces[face].id };
    cyg_status status = gallery_each_face(d->g, &one, GALLERY_EMBEDDINGS, take_embedding, &w, err);
    const gallery_query q = { .probe = d->probe, .threshold = (float)d->s->threshold };
    *count = MOST_ALIKE;
    return status ? status : gallery_search(d->g, &q, d->matches, count, err);
}

/* With --remove: what was said of a face that goes is now said of the one that stays. */
static cyg_status inherit(deduping *d, int keeps, int goes, cyg_error *err)
{
    item_face *to = &d->it.faces[keeps];
    const item_face *from = &d->it.faces[goes];
    if (!d->s->remove || from->how != GALLERY_NAMED || to->how == GALLERY_NAMED) return CYG_OK;
    to->how = GALLERY_NAMED;
    return gallery_assign(d->g, to->id, from->person, GALLERY_NAMED, err);
}

static cyg_status group_face(deduping *d, int leader, cyg_error *err)
{
    int count;
    cyg_status status = find_alike(d, leader, &count, err);
    for (int i = 0; i < count && !status; i++) {
        const int other = items_face(&d->it, d->matches[i].face);
        if (other < 0 || other == leader || d->it.faces[other].group >= 0) continue;
        d->it.faces[other].group = leader;
        d->group[d->group_count++] = (likeness){ other, d->matches[i].cosine, false };
        status = inherit(d, leader, other, err);
    }
    return status;
}

static bool same_place(const item_face *a, const item_face *b)
{
    const cyg_box p = a->box, q = b->box;
    const float w = p.x2 - p.x1, h = p.y2 - p.y1;
    return fabsf(p.x1 + p.x2 - q.x1 - q.x2) < 2 * same_centre && fabsf(p.y1 + p.y2 - q.y1 - q.y2) < 2 * same_centre &&
           fabsf(q.x2 - q.x1 - w) < same_side * w && fabsf(q.y2 - q.y1 - h) < same_side * h;
}

/* A face of the leading photo says in which others it is, in the same place. */
static cyg_status vote(deduping *d, int face, cyg_error *err)
{
    int count;
    cyg_status status = find_alike(d, face, &count, err);
    for (int i = 0; i < count && !status; i++) {
        const int other = items_face(&d->it, d->matches[i].face);
        if (other < 0 || !same_place(&d->it.faces[face], &d->it.faces[other])) continue;
        item_file *in = &d->it.files[d->it.faces[other].file];
        if (in == &d->it.files[d->it.faces[face].file] || in->group >= 0 || in->voter == face) continue;
        if (!items_grow((void **)&d->pairs, d->pair_count, &d->pair_room, sizeof *d->pairs))
            return cyg_fail(err, CYG_NO_MEMORY, "out of memory for so many faces");
        d->pairs[d->pair_count][0] = face;
        d->pairs[d->pair_count++][1] = other;
        in->least = in->seen++ ? fminf(in->least, d->matches[i].cosine) : d->matches[i].cosine;
        in->voter = face;
    }
    return status;
}

static void join(deduping *d, int leader, int file, float cosine, bool bytes)
{
    const item_file *k = &d->it.files[leader];
    item_file *other = &d->it.files[file];
    if (file == leader || other->group >= 0 || other->f.kind != k->f.kind) return;
    other->group = leader;
    d->group[d->group_count++] = (likeness){ file, cosine, bytes };
}

static void join_same_bytes(deduping *d, int leader)
{
    const char *sum = d->it.files[leader].f.sha256;
    int i = d->place[leader];
    while (i > 0 && !strcmp(d->it.files[d->by_bytes[i - 1]].f.sha256, sum)) i--;
    for (; *sum && i < d->it.file_count && !strcmp(d->it.files[d->by_bytes[i]].f.sha256, sum); i++)
        join(d, leader, d->by_bytes[i], 1, true);
}

/* Of the same bytes; or with just the same faces in the same places, photos alone. */
static cyg_status group_file(deduping *d, int leader, cyg_error *err)
{
    const item_file *k = &d->it.files[leader];
    cyg_status status = CYG_OK;
    d->pair_count = 0;
    for (int i = k->first; i >= 0 && k->f.kind == GALLERY_PHOTO && !status; i = d->it.faces[i].next)
        status = vote(d, i, err);
    join_same_bytes(d, leader);
    for (int i = 0; i < d->pair_count; i++) {
        item_file *other = &d->it.files[d->it.faces[d->pairs[i][1]].file];
        if (other->seen == k->f.faces && other->f.faces == k->f.faces)
            join(d, leader, (int)(other - d->it.files), other->least, false);
        other->seen = 0;
        other->voter = -1;
    }
    for (int i = 0; i < d->pair_count && !status; i++)
        if (d->it.files[d->it.faces[d->pairs[i][1]].file].group == leader)
            status = inherit(d, d->pairs[i][0], d->pairs[i][1], err);
    return status;
}

/* ---- Telling ----------------------------------------------------------------------------- */

static void tell_item(const deduping *d, const likeness *l, bool kept)
{
    const item_face *face = d->s->faces ? &d->it.faces[l->item] : NULL;
    const gallery_file *f = &d->it.files[face ? face->file : l->item].f;
    char how[40] = "keep";
    if (!kept && l->same_bytes) strcpy(how, "same bytes");
    else if (!kept) snprintf(how, sizeof how, "cosine %.3f", (double)l->cosine);
    printf("  %-12s  %5d x %-5d  ", how, f->width, f->height);
    if (face) printf("face:%lld  ", (long long)face->id);
    say_text(f->path);
    putchar('\n');
}

static json_t *item_json(const deduping *d, const likeness *l, bool kept)
{
    const item_face *face = d->s->faces ? &d->it.faces[l->item] : NULL;
    const gallery_file *f = &d->it.files[face ? face->file : l->item].f;
    return json_pack("{so* so ss si si sb sb sf}", "face", face ? json_integer(face->id) : NULL, "path",
                     json_text(f->path), "sha256", f->sha256, "width", f->width, "height", f->height, "keep", kept,
                     "same_bytes", kept || l->same_bytes, "cosine", kept ? 1. : (double)l->cosine);
}

static void tell_group(deduping *d, int leader)
{
    const likeness kept = { leader, 1, false };
    const char *what = d->s->faces ? "faces" : "files";
    d->groups++;
    d->extra += d->group_count;
    if (d->s->format == FORMAT_JSONL) {
        json_t *list = json_array();
        json_array_append_new(list, item_json(d, &kept, true));
        for (int i = 0; i < d->group_count; i++) json_array_append_new(list, item_json(d, &d->group[i], false));
        print_json(json_pack("{ss ss so}", "type", "duplicates", "of", what, "items", list));
        return;
    }
    printf("%d %s nearly the same\n", d->group_count + 1, what);
    tell_item(d, &kept, true);
    for (int i = 0; i < d->group_count; i++) tell_item(d, &d->group[i], false);
}

static void tell_total(const deduping *d)
{
    const char *what = d->s->faces ? "faces" : "files";
    if (d->s->format == FORMAT_JSONL) return;
    printf("%d groups, %d %s more than needed", d->groups, d->extra, what);
    if (d->extra && d->s->remove) printf("; removed from the gallery%s", d->s->faces ? "" : ", not from the disk");
    else if (d->extra) printf("; nothing was removed (--remove does)");
    putchar('\n');
}

/* ---- The verb -------------------------------------------------------------------------------- */

static cyg_status remove_group(deduping *d, cyg_error *err)
{
    cyg_status status = CYG_OK;
    for (int i = 0; i < d->group_count && !status && d->s->remove; i++) {
        const int item = d->group[i].item;
        status = d->s->faces ? gallery_remove_face(d->g, d->it.faces[item].id, err)
                             : gallery_remove_file(d->g, d->it.files[item].f.id, err);
    }
    return status;
}

static cyg_status dedupe(deduping *d, cyg_error *err)
{
    cyg_status status = items_read(&d->it, d->g, err);
    if (!status) status = sort_all(d, err);
    const int count = d->s->faces ? d->it.face_count : d->it.file_count;
    for (int i = 0; i < count && !status; i++) {
        const int leader = d->order[i];
        int *group = d->s->faces ? &d->it.faces[leader].group : &d->it.files[leader].group;
        if (*group >= 0) continue;
        *group = leader;
        d->group_count = 0;
        status = d->s->faces ? group_face(d, leader, err) : group_file(d, leader, err);
        if (status || d->group_count == 0) continue;
        tell_group(d, leader);
        status = remove_group(d, err);
    }
    if (!status) tell_total(d);
    return status;
}

static cyg_status dedupe_and_keep(deduping *d, cyg_error *err)
{
    if (!d->s->remove) return dedupe(d, err);
    cyg_status status = gallery_begin(d->g, err);
    if (status) return status;
    status = dedupe(d, err);
    if (status) gallery_rollback(d->g);
    else status = gallery_commit(d->g, err);
    return status ? status : gallery_finish(d->g, err);
}

int dedupe_run(int argc, char **argv)
{
    verb v;
    settings s;
    cyg_error err;
    if (!verb_begin(&v, &dedupe_app, &s, argc, argv, 1, 1)) return v.code;
    deduping d = { .s = &s };
    cyg_status status = gallery_open(&d.g, v.words[0], s.remove ? GALLERY_WRITE : GALLERY_READ, NULL, s.wait, &err);
    if (!status) status = dedupe_and_keep(&d, &err);
    items_free(&d.it);
    free(d.order);
    free(d.by_bytes);
    free(d.place);
    free(d.probe);
    free(d.group);
    free(d.pairs);
    gallery_close(d.g);
    verb_end(&v);
    return status ? faces_gallery_failed(&err) : FACES_DONE;
}
