/* who.c - the named people of a gallery, and who of them is nearest. */
#include "who.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct who {
    int      dimension, people, faces, room;
    float   *rows;                  /* [faces][dimension], of length 1 */
    int     *owners;                /* [faces]: which of the people */
    int64_t *ids;                   /* [people] */
    char   **names;                 /* [people] */
};

typedef struct reading {
    gallery   *g;
    who       *w;
    int        first;               /* row of the person at hand */
    float      quality[WHO_EACH];   /* of that person's rows */
    cyg_status status;
    cyg_error *err;
} reading;

/* ---- Opening -------------------------------------------------------------------- */

static bool make_room(who *w)
{
    if (w->faces + WHO_EACH <= w->room) return true;
    const int room = w->room * 2 + WHO_EACH;
    float *rows = realloc(w->rows, (size_t)room * (size_t)w->dimension * sizeof *rows);
    if (rows) w->rows = rows;
    int *owners = realloc(w->owners, (size_t)room * sizeof *owners);
    if (owners) w->owners = owners;
    if (rows && owners) w->room = room;
    return rows && owners;
}

/* The row for a face of that quality: a new one, or that of a poorer face; -1: it is the poorest. */
static int place(reading *r, float quality)
{
    who *w = r->w;
    int poorest = 0;
    if (w->faces - r->first < WHO_EACH) {
        poorest = w->faces++ - r->first;
    } else {
        for (int i = 1; i < WHO_EACH; i++)
            if (r->quality[i] < r->quality[poorest]) poorest = i;
        if (r->quality[poorest] >= quality) return -1;
    }
    r->quality[poorest] = quality;
    return r->first + poorest;
}

static bool take_face(void *context, const gallery_face *f, const char *path)
{
    reading *r = context;
    who *w = r->w;
    const int row = place(r, f->quality);
    if (row < 0) return true;
    float *to = w->rows + (size_t)row * (size_t)w->dimension;
    double square = 0;
    for (int i = 0; i < w->dimension; i++) square += (double)f->embedding[i] * (double)f->embedding[i];
    const float unit = square > 0 ? (float)(1 / sqrt(square)) : 0;
    for (int i = 0; i < w->dimension; i++) to[i] = unit * f->embedding[i];
    w->owners[row] = w->people - 1;
    return true;
}

static bool add_person(who *w, const gallery_person *p)
{
    if (!make_room(w)) return false;
    int64_t *ids = realloc(w->ids, ((size_t)w->people + 1) * sizeof *ids);
    if (ids) w->ids = ids;
    char **names = realloc(w->names, ((size_t)w->people + 1) * sizeof *names);
    if (names) w->names = names;
    char *name = ids && names ? strdup(p->name) : NULL;
    if (!name) return false;
    w->ids[w->people] = p->id;
    w->names[w->people++] = name;
    return true;
}

static bool take_person(void *context, const gallery_person *p)
{
    reading *r = context;
    if (!p->name) return true;
    if (!add_person(r->w, p)) {
        r->status = cyg_fail(r->err, CYG_NO_MEMORY, "out of memory for the people of a gallery");
        return false;
    }
    r->first = r->w->faces;
    const gallery_filter theirs = { .person = p->id };
    r->status = gallery_each_face(r->g, &theirs, GALLERY_EMBEDDINGS, take_face, r, r->err);
    return !r->status;
}

cyg_status who_open(who **out, const char *path, const gallery_recipe *recipe, cyg_error *err)
{
    *out = NULL;
    gallery *g;
    cyg_status status = gallery_open(&g, path, GALLERY_READ, recipe, 0, err);
    if (status) return status;
    who *w = calloc(1, sizeof *w);
    if (!w) status = cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    if (!status) {
        w->dimension = gallery_made_by(g)->dimension;
        reading r = { .w = w, .g = g, .err = err };
        status = gallery_each_person(g, take_person, &r, err);
        if (!status) status = r.status;
    }
    gallery_close(g);
    if (status) who_close(w);
    else *out = w;
    return status;
}

void who_close(who *w)
{
    if (!w) return;
    for (int i = 0; i < w->people; i++) free(w->names[i]);
    free(w->names);
    free(w->ids);
    free(w->owners);
    free(w->rows);
    free(w);
}

int who_people(const who *w)
{
    return w->people;
}

int who_faces(const who *w)
{
    return w->faces;
}

/* ---- Asking ------------------------------------------------------------------------- */

/* Sixteen partial sums in a fixed order: the same on every CPU, and vectors to the compiler. */
static float dot(const float *a, const float *b, int count)
{
    float part[16] = { 0 }, sum = 0;
    int i = 0;
    for (; i + 16 <= count; i += 16)
        for (int j = 0; j < 16; j++) part[j] += a[i + j] * b[i + j];
    for (int j = 0; i < count; i++, j++) part[j] += a[i] * b[i];
    for (int j = 0; j < 16; j++) sum += part[j];
    return sum;
}

identity who_is(const who *w, const float *embedding, float threshold)
{
    identity best = { .cosine = -1 };
    int nearest = -1;
    for (int i = 0; i < w->faces; i++) {
        const float cosine = dot(w->rows + (size_t)i * (size_t)w->dimension, embedding, w->dimension);
        if (!(cosine > best.cosine)) continue;
        best.cosine = cosine;
        nearest = i;
    }
    if (nearest < 0 || best.cosine < threshold) return best;
    best.person = w->ids[w->owners[nearest]];
    best.name = w->names[w->owners[nearest]];
    return best;
}
