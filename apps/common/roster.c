/* roster.c - one entry for each track that is there; descriptions are averaged in it. */
#include "roster.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALWAYS = 3, MOST_LABELS = 8 };           /* descriptions whatever their quality; labels of an attribute */

static const double pause = 0.25;               /* seconds from one look at a track's quality to the next */
static const double apart = 1;                  /* seconds between those descriptions that are always made */
static const float  better = 1.2f;              /* times as good as the best so far: described again */
static const float  least_weight = 0.01f;

/* Sums over descriptions, weighted: of a number and its deviation; of a label's probability where
 * it was the likeliest, and of what was left for the others then. */
typedef struct sums {
    double value, deviation;
    double chosen[MOST_LABELS], left[MOST_LABELS];
    const char *labels[MOST_LABELS];
} sums;

typedef struct entry {
    appearance is;
    double     looked, described;               /* when, last */
    double     weight;                          /* of all descriptions */
    sums       attributes[CYG_MAX_ATTRIBUTES];
    double    *total;                           /* [dimension] of weighted embeddings */
    float     *embedding;                       /* [dimension], of length 1 */
} entry;

struct roster {
    roster_options o;
    entry         *entries;                     /* [count], by number of track */
    int            count, room;
    description    seen;                        /* of one object */
};

/* ---- life ------------------------------------------------------------------------------ */

roster *roster_create(const roster_options *options)
{
    roster *r = calloc(1, sizeof *r);
    if (r) r->o = *options;
    return r;
}

static void empty(entry *e)
{
    free(e->total);
    free(e->embedding);
}

void roster_free(roster *r)
{
    if (!r) return;
    for (int i = 0; i < r->count; i++) empty(&r->entries[i]);
    free(r->entries);
    free(r);
}

/* ---- entries ------------------------------------------------------------------------------ */

/* The place of that track, or where it would be. */
static int place_of(const roster *r, int track)
{
    int low = 0, high = r->count;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (r->entries[middle].is.track < track) low = middle + 1;
        else high = middle;
    }
    return low;
}

static entry *find(const roster *r, int track)
{
    const int i = place_of(r, track);
    return i < r->count && r->entries[i].is.track == track ? &r->entries[i] : NULL;
}

const appearance *roster_find(const roster *r, int track)
{
    const entry *e = find(r, track);
    return e ? &e->is : NULL;
}

static entry *add(roster *r, const frame *f, const object *o)
{
    if (r->count == r->room) {
        const int room = r->room ? 2 * r->room : 16;
        entry *more = realloc(r->entries, (size_t)room * sizeof *more);
        if (!more) return NULL;
        r->entries = more;
        r->room = room;
    }
    const int i = place_of(r, o->track);
    memmove(&r->entries[i + 1], &r->entries[i], (size_t)(r->count++ - i) * sizeof *r->entries);
    r->entries[i] = (entry){
        .is = { .track = o->track, .label = o->label, .label_text = o->label_text,
                .first = f->number, .from = f->time },
        .looked = -INFINITY, .described = -INFINITY,
    };
    return &r->entries[i];
}

bool roster_leave(roster *r, double before, appearance *out)
{
    for (int i = 0; i < r->count; i++) {
        if (r->entries[i].is.to >= before) continue;
        *out = r->entries[i].is;
        out->embedding = NULL;
        empty(&r->entries[i]);
        memmove(&r->entries[i], &r->entries[i + 1], (size_t)(--r->count - i) * sizeof *r->entries);
        return true;
    }
    return false;
}

/* ---- descriptions ----------------------------------------------------------------------------- */

/* Worth a pass of the network? */
static bool needs(entry *e, const frame *f, const object *o)
{
    if (o->src != FROM_DETECT || f->time - e->looked < pause) return false;
    e->looked = f->time;
    if (e->is.descriptions == 0) return true;
    if (e->is.descriptions < ALWAYS && f->time - e->described >= apart) return true;
    return quality_of(&f->image, o->box).score > better * e->is.quality;
}

static void add_number(entry *e, int i, const cyg_attribute *said, double weight)
{
    sums *s = &e->attributes[i];
    s->value += weight * (double)said->value;
    s->deviation += weight * (double)said->deviation;
    e->is.attributes[i].value = (float)(s->value / e->weight);
    e->is.attributes[i].deviation = (float)(s->deviation / e->weight);
}

/* Of the labels that were ever the likeliest the one of the highest mean probability. Where another
 * one was chosen all that was left is counted for it: exact for two labels, the most it can be for more. */
static void add_label(entry *e, int i, const cyg_attribute *said, double weight)
{
    sums *s = &e->attributes[i];
    const int chosen = (int)said->value;
    if (chosen < 0 || chosen >= MOST_LABELS) return;
    s->labels[chosen] = said->label;
    s->chosen[chosen] += weight * (double)said->probability;
    s->left[chosen] += weight * (1 - (double)said->probability);
    double left = 0, most = -1;
    for (int j = 0; j < MOST_LABELS; j++) left += s->left[j];
    for (int j = 0; j < MOST_LABELS; j++) {
        const double sum = s->chosen[j] + left - s->left[j];
        if (!s->labels[j] || sum <= most) continue;
        most = sum;
        e->is.attributes[i].label = s->labels[j];
        e->is.attributes[i].value = (float)j;
    }
    e->is.attributes[i].probability = (float)(most / e->weight);
}

static void add_attributes(entry *e, const description *seen, double weight)
{
    for (int i = 0; i < seen->attribute_count; i++) {
        const cyg_attribute *said = &seen->attributes[i];
        if (e->is.descriptions == 0) e->is.attributes[i] = *said;
        if (said->label) add_label(e, i, said, weight);
        else add_number(e, i, said, weight);
    }
    e->is.attribute_count = seen->attribute_count;
}

static bool add_embedding(entry *e, const description *seen, double weight)
{
    const int n = seen->dimension;
    if (!e->total) e->total = calloc((size_t)n, sizeof *e->total);
    if (!e->embedding) e->embedding = calloc((size_t)n, sizeof *e->embedding);
    if (!e->total || !e->embedding) return false;
    double square = 0;
    for (int i = 0; i < n; i++) {
        e->total[i] += weight * (double)seen->embedding[i];
        square += e->total[i] * e->total[i];
    }
    for (int i = 0; i < n; i++) e->embedding[i] = square > 0 ? (float)(e->total[i] / sqrt(square)) : 0;
    e->is.dimension = n;
    e->is.embedding = e->embedding;
    return true;
}

static void recognise(const roster *r, entry *e)
{
    if (r->o.recognise && e->is.dimension) r->o.recognise(r->o.gallery, &e->is);
}

static bool describe(roster *r, entry *e, const frame *f, const object *o)
{
    r->o.describe(r->o.describer, f, o, &r->seen);
    const float weight = fmaxf(r->seen.quality.score, least_weight);
    e->weight += (double)weight;
    add_attributes(e, &r->seen, (double)weight);
    if (r->seen.dimension > 0 && !add_embedding(e, &r->seen, (double)weight)) return false;
    e->is.descriptions++;
    e->is.quality = fmaxf(e->is.quality, r->seen.quality.score);
    e->described = f->time;
    recognise(r, e);
    return true;
}

void roster_recognise(roster *r)
{
    for (int i = 0; i < r->count; i++) recognise(r, &r->entries[i]);
}

/* ---- frames --------------------------------------------------------------------------------------- */

void roster_tell(const roster *r, object *objects, int count)
{
    for (int i = 0; i < count; i++) {
        const entry *e = objects[i].track > 0 ? find(r, objects[i].track) : NULL;
        if (!e) continue;
        object *const o = &objects[i];
        o->attribute_count = e->is.attribute_count < OBJECT_ATTRIBUTES ? e->is.attribute_count : OBJECT_ATTRIBUTES;
        for (int j = 0; j < o->attribute_count; j++) o->attributes[j] = e->is.attributes[j];
        snprintf(o->name, sizeof o->name, "%s", e->is.name);
        o->cosine = e->is.cosine;
        o->false_match = e->is.false_match;
    }
}

static void note(entry *e, const frame *f, const object *o)
{
    e->is.last = f->number;
    e->is.to = f->time;
    e->is.frames++;
    e->is.score = fmaxf(e->is.score, o->score);
}

cyg_status roster_see(roster *r, frame *f, cyg_error *err)
{
    int described = 0;
    for (int i = 0; i < f->object_count; i++) {
        const object *o = &f->objects[i];
        if (o->track <= 0) continue;
        entry *e = find(r, o->track);
        if (!e) e = add(r, f, o);
        if (!e) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for track %d", o->track);
        note(e, f, o);
        if (!r->o.describe || (r->o.most && described == r->o.most) || !needs(e, f, o)) continue;
        described++;
        if (!describe(r, e, f, o)) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for track %d", o->track);
    }
    roster_tell(r, f->objects, f->object_count);
    return CYG_OK;
}
