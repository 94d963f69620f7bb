/* faces_cluster.c - cygnet-faces cluster: puts the faces of nobody together into people.
 *
 * Who is somebody already stays that: people found before take in faces that look like theirs,
 * and what is left forms new, nameless people. So ids are stable from run to run. Two groups
 * become one, best pair first, if the mean cosine between their faces reaches the threshold
 * (average linkage), unless both are people already, they share a moment of a photo or video,
 * or somebody said that a face of one is not the other.
 */
#include "faces_cluster.h"
#include "log.h"
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
    double threshold, wait;
    int    neighbours, least;
    bool   dry_run, overwrite;
    const char *html;
} settings;

#define AT(field) offsetof(settings, field)
static const option table[] = {
    { NULL, "dry-run", 'n', OPTION_FLAG, AT(dry_run), "false", 0, 0, NULL, NULL,
      "only say what would be found" },
    { NULL, "html", 0, OPTION_TEXT, AT(html), NULL, 0, 0, NULL, "FILE",
      "write a page of all people; with --dry-run of those there would be" },
    { "output.overwrite", "overwrite", 'y', OPTION_FLAG, AT(overwrite), "false", 0, 0, NULL, NULL,
      "replace a page that is there already" },
    { "cluster.threshold", "threshold", 't', OPTION_REAL, AT(threshold), "0.63", -1, 1, NULL, "COSINE",
      "mean cosine between two groups from which they are one person" },
    { "cluster.least", "least", 0, OPTION_INT, AT(least), "2", 1, 1000, NULL, "N",
      "a new person has at least so many faces" },
    { "cluster.neighbours", "neighbours", 0, OPTION_INT, AT(neighbours), "32", 1, 1000, NULL, "N",
      "compare each face with so many that are most like it" },
    { "run.wait", "wait", 0, OPTION_TIME, AT(wait), "0", 0, 1e6, NULL, "TIME",
      "wait so long for another writer to end" },
    { 0 },
};
#undef AT

const options_app cluster_app = {
    .name = "cygnet-faces cluster",
    .summary = "put the faces of nobody together into people, and with the people known",
    .usage = "[options] GALLERY",
    .examples = "cygnet-faces cluster people.cygnet\n"
                "cygnet-faces cluster --dry-run --html people.html people.cygnet\n"
                "cygnet-faces cluster --least 5 people.cygnet && cygnet-faces list people.cygnet",
    .exits = "0   done\n" FACES_EXITS_GALLERY,
    .table = table,
};

typedef struct member {
    int64_t face, file, person;
    double  t1, t2;
    float   quality;
    bool    video;
    int     next;                   /* member of the same group; -1 = last */
} member;

typedef struct group {
    int64_t person;                 /* 0 = none yet */
    int     first, last, count;     /* members */
    float  *sum;                    /* [dimension] of unit embeddings */
} group;

typedef struct edge {
    float cosine;
    int   a, b;                     /* members */
} edge;

typedef struct clustering {
    gallery        *g;
    const settings *s;
    int             dimension, count, room;
    member         *members;        /* [count], by id */
    group          *groups;         /* [count] */
    int            *group_of;       /* [count]; follow until it is its own */
    edge           *edges;
    size_t          edge_count, edge_room;
    cyg_error      *err;
    cyg_status      status;
} clustering;

static cyg_status no_memory(cyg_error *err)
{
    return cyg_fail(err, CYG_NO_MEMORY, "out of memory for so many faces");
}

/* ---- Reading ------------------------------------------------------------------------------ */

static bool grow(clustering *c)
{
    const int room = c->room ? c->room * 2 : 256;
    member *members = realloc(c->members, (size_t)room * sizeof *members);
    if (members) c->members = members;
    group *groups = realloc(c->groups, (size_t)room * sizeof *groups);
    if (groups) c->groups = groups;
    c->room = members && groups ? room : c->room;
    return members && groups;
}

static bool take_face(void *context, const gallery_face *f, const char *path)
{
    clustering *c = context;
    float *sum = c->count < c->room || grow(c) ? malloc((size_t)c->dimension * sizeof *sum) : NULL;
    if (!sum) {
        c->status = no_memory(c->err);
        return false;
    }
    memcpy(sum, f->embedding, (size_t)c->dimension * sizeof *sum);
    c->members[c->count] = (member){ f->id, f->file, f->person, f->t1, f->t2, f->quality,
                                      f->track >= 0, -1 };
    c->groups[c->count] = (group){ f->person, c->count, c->count, 1, sum };
    c->count++;
    return true;
}

/* ---- Groups --------------------------------------------------------------------------------- */

static int find(clustering *c, int i)
{
    while (c->group_of[i] != i) i = c->group_of[i] = c->group_of[c->group_of[i]];
    return i;
}

static void join(clustering *c, int into, int from)
{
    group *a = &c->groups[into], *b = &c->groups[from];
    for (int i = 0; i < c->dimension; i++) a->sum[i] += b->sum[i];
    c->members[a->last].next = b->first;
    a->last = b->last;
    a->count += b->count;
    if (!a->person) a->person = b->person;
    c->group_of[from] = into;
    free(b->sum);
    b->sum = NULL;
}

static int by_person(const void *a, const void *b)
{
    const member *x = *(const member *const *)a, *y = *(const member *const *)b;
    if (x->person != y->person) return x->person < y->person ? -1 : 1;
    return (x > y) - (x < y);
}

/* The faces of people known are theirs whatever they look like. */
static cyg_status join_known(clustering *c, cyg_error *err)
{
    const member **known = malloc(((size_t)c->count + 1) * sizeof *known);
    int count = 0;
    if (!known) return no_memory(err);
    for (int i = 0; i < c->count; i++)
        if (c->members[i].person) known[count++] = &c->members[i];
    qsort(known, (size_t)count, sizeof *known, by_person);
    for (int i = 1; i < count; i++)
        if (known[i]->person == known[i - 1]->person)
            join(c, find(c, (int)(known[i - 1] - c->members)), (int)(known[i] - c->members));
    free(known);
    return CYG_OK;
}

static bool at_once(const member *a, const member *b)
{
    if (a->file != b->file) return false;
    return !a->video || (a->t1 <= b->t2 && b->t1 <= a->t2);
}

/* One is at most once in a photo, or in a moment of a video. */
static bool share_a_moment(const clustering *c, const group *a, const group *b)
{
    for (int i = a->first; i >= 0; i = c->members[i].next)
        for (int j = b->first; j >= 0; j = c->members[j].next)
            if (at_once(&c->members[i], &c->members[j])) return true;
    return false;
}

static bool is_rejected(clustering *c, const group *person, const group *faces)
{
    bool yes = false;
    for (int i = faces->first; i >= 0 && person->person && !yes && !c->status; i = c->members[i].next)
        c->status = gallery_is_rejected(c->g, c->members[i].face, person->person, &yes, c->err);
    return yes;
}

static double mean_cosine(const clustering *c, const group *a, const group *b)
{
    double dot = 0;
    for (int i = 0; i < c->dimension; i++) dot += (double)a->sum[i] * (double)b->sum[i];
    return dot / ((double)a->count * (double)b->count);
}

static void try_join(clustering *c, const edge *e)
{
    const int a = find(c, e->a), b = find(c, e->b);
    group *x = &c->groups[a], *y = &c->groups[b];
    if (a == b || (x->person && y->person) || mean_cosine(c, x, y) < c->s->threshold) return;
    if (share_a_moment(c, x, y) || is_rejected(c, x, y) || is_rejected(c, y, x)) return;
    if (y->person || (!x->person && y->count > x->count)) join(c, b, a);
    else join(c, a, b);
}

/* ---- Edges -------------------------------------------------------------------------------------- */

static int by_cosine(const void *a, const void *b)
{
    const edge *x = a, *y = b;
    if (x->cosine != y->cosine) return x->cosine > y->cosine ? -1 : 1;
    return x->a != y->a ? x->a - y->a : x->b - y->b;
}

static int member_of(const clustering *c, int64_t face)
{
    int low = 0, high = c->count;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (c->members[middle].face < face) low = middle + 1;
        else high = middle;
    }
    return low < c->count && c->members[low].face == face ? low : -1;
}

static cyg_status add_edge(clustering *c, edge e)
{
    if (c->edge_count == c->edge_room) {
        const size_t room = c->edge_room ? c->edge_room * 2 : 1024;
        edge *more = realloc(c->edges, room * sizeof *more);
        if (!more) return no_memory(c->err);
        c->edges = more;
        c->edge_room = room;
    }
    c->edges[c->edge_count++] = e;
    return CYG_OK;
}

/* Each face of nobody with those most like it, which may be somebody's. */
static cyg_status find_edges(clustering *c, gallery_match *matches, cyg_error *err)
{
    cyg_status status = CYG_OK;
    for (int i = 0; i < c->count && !status; i++) {
        if (c->members[i].person) continue;
        int count = c->s->neighbours + 1;
        const gallery_query q = { .probe = c->groups[i].sum, .threshold = (float)c->s->threshold };
        status = gallery_search(c->g, &q, matches, &count, err);
        for (int k = 0; k < count && !status; k++) {
            const int other = member_of(c, matches[k].face);
            if (other >= 0 && other != i) status = add_edge(c, (edge){ matches[k].cosine, i, other });
        }
    }
    return status;
}

/* ---- The result ------------------------------------------------------------------------------------ */

typedef struct tally {
    int      people, taken_in, placed;
    grouping shown;
} tally;

static bool is_before(const member *a, const member *b)
{
    return (a->person == 0) != (b->person == 0) ? a->person == 0 : a->quality > b->quality;
}

/* Puts member i in its place among those shown: new ones first, then the clearest. */
static void show_member(const clustering *c, int order[GROUP_SHOWN], int *count, int i)
{
    int at = *count;
    while (at > 0 && is_before(&c->members[i], &c->members[order[at - 1]])) at--;
    if (at == GROUP_SHOWN) return;
    if (*count < GROUP_SHOWN) ++*count;
    memmove(&order[at + 1], &order[at], (size_t)(*count - at - 1) * sizeof *order);
    order[at] = i;
}

/* For the page. */
static void show_group(const clustering *c, const group *k, grouping *shown, int64_t person, int new_faces)
{
    int order[GROUP_SHOWN];
    grouped *to = &shown->people[shown->count++];
    *to = (grouped){ .person = person, .faces = k->count, .fresh = new_faces };
    for (int i = k->first; i >= 0; i = c->members[i].next) show_member(c, order, &to->shown_count, i);
    for (int i = 0; i < to->shown_count; i++) to->shown[i] = c->members[order[i]].face;
}

static cyg_status keep_group(clustering *c, int root, tally *t, cyg_error *err)
{
    const group *k = &c->groups[root];
    int64_t person = k->person;
    int new_faces = 0;
    for (int i = k->first; i >= 0; i = c->members[i].next) new_faces += c->members[i].person == 0;
    if (!person && k->count < c->s->least) {
        t->shown.alone += new_faces;
        return CYG_OK;
    }
    t->people += !person;
    *(person ? &t->taken_in : &t->placed) += new_faces;
    cyg_status status = person || c->s->dry_run ? CYG_OK : gallery_add_person(c->g, NULL, &person, err);
    for (int i = k->first; i >= 0 && !status && !c->s->dry_run; i = c->members[i].next)
        if (!c->members[i].person)
            status = gallery_assign(c->g, c->members[i].face, person, GALLERY_CLUSTERED, err);
    if (!status) show_group(c, k, &t->shown, person, new_faces);
    return status;
}

static cyg_status keep_all(clustering *c, cyg_error *err)
{
    tally t = { .shown = { .people = malloc(((size_t)c->count + 1) * sizeof(grouped)), .dry_run = c->s->dry_run } };
    if (!t.shown.people) return no_memory(err);
    cyg_status status = c->s->dry_run ? CYG_OK : gallery_begin(c->g, err);
    for (int i = 0; i < c->count && !status; i++)
        if (find(c, i) == i) status = keep_group(c, i, &t, err);
    if (!c->s->dry_run) {
        if (status) gallery_rollback(c->g);
        else status = gallery_commit(c->g, err);
    }
    if (!status)
        printf("%d new people of %d faces, %d faces to people known, %d faces of nobody left\n", t.people, t.placed,
               t.taken_in, t.shown.alone);
    if (!status && c->s->html) status = cluster_page_write(c->s->html, c->g, &t.shown, c->s->overwrite, err);
    free(t.shown.people);
    return status;
}

static cyg_status cluster(clustering *c, cyg_error *err)
{
    c->err = err;
    c->dimension = gallery_made_by(c->g)->dimension;
    cyg_status status = gallery_each_face(c->g, NULL, GALLERY_EMBEDDINGS, take_face, c, err);
    if (!status) status = c->status;
    c->group_of = malloc(((size_t)c->count + 1) * sizeof *c->group_of);
    gallery_match *matches = malloc(((size_t)c->s->neighbours + 1) * sizeof *matches);
    if (!status && (!c->group_of || !matches)) status = no_memory(err);
    for (int i = 0; i < c->count && !status; i++) c->group_of[i] = i;
    if (!status) status = find_edges(c, matches, err);
    free(matches);
    if (!status) status = join_known(c, err);
    if (status) return status;
    if (c->edge_count) qsort(c->edges, c->edge_count, sizeof *c->edges, by_cosine);
    for (size_t i = 0; i < c->edge_count && !c->status; i++) try_join(c, &c->edges[i]);
    return c->status ? c->status : keep_all(c, err);
}

/* Said before anything is changed. */
static bool page_is_there(const settings *s)
{
    cyg_error err;
    if (!s->html || s->overwrite || access(s->html, F_OK)) return false;
    cyg_fail(&err, CYG_ARGUMENT, "%s: exists already (--overwrite replaces it)", s->html);
    faces_complain(0, &err);
    return true;
}

int cluster_run(int argc, char **argv)
{
    verb v;
    settings s;
    cyg_error err;
    if (!verb_begin(&v, &cluster_app, &s, argc, argv, 1, 1)) return v.code;
    if (page_is_there(&s)) {
        verb_end(&v);
        return FACES_OUTPUT;
    }
    clustering c = { .s = &s };
    cyg_status status = gallery_open(&c.g, v.words[0], s.dry_run ? GALLERY_READ : GALLERY_WRITE, NULL,
                                     s.wait, &err);
    if (!status) status = cluster(&c, &err);
    for (int i = 0; i < c.count; i++) free(c.groups[i].sum);
    free(c.members);
    free(c.groups);
    free(c.group_of);
    free(c.edges);
    gallery_close(c.g);
    verb_end(&v);
    return status ? faces_gallery_failed(&err) : FACES_DONE;
}
