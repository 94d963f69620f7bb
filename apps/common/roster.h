/* roster.h - who appears in a video, from when to when, and what is known of each.
 *
 *     roster *r = roster_create(&options);
 *     for each frame, in order, after the tracker:
 *         roster_see(r, f);                   // f->objects now have names and attributes
 *         while (roster_leave(r, f->time - 1, &a)) ...;       // gone for a second: its last word
 *     while (roster_leave(r, INFINITY, &a)) ...;
 *
 * A track is described when it is first seen, twice more in the following seconds, and then
 * whenever it is seen clearly better than ever before: a pass of a network a face and frame would
 * cost more than finding it. What is said is smoothed over all descriptions, each weighted by the
 * quality of what was seen: the embedding is their mean, of length 1; a number the mean; of labels
 * the likeliest by the mean of their probabilities.
 *
 * One a stream, one thread. Memory grows with the tracks that are there at once.
 */
#ifndef ROSTER_H
#define ROSTER_H

#include "pipeline.h"

typedef struct roster roster;

/* What a track was from first to last. Plain data; the embedding is the roster's. */
typedef struct appearance {
    int         track, label;
    const char *label_text;
    int64_t     first, last;            /* frame numbers */
    double      from, to;               /* their times, seconds */
    int64_t     frames;                 /* it was in; others between were missed */
    float       score;                  /* the highest */
    int         descriptions;
    float       quality;                /* of the best sighting that was described */
    char        name[OBJECT_NAME];      /* "" = not known */
    float       cosine, false_match;    /* to that person; the rate it stands for; 0 = not known */
    int           attribute_count;
    cyg_attribute attributes[CYG_MAX_ATTRIBUTES];
    int           dimension;            /* 0 = not described */
    const float  *embedding;            /* [dimension]; until the roster's next call, NULL once it has left */
} appearance;

typedef struct roster_options {
    /* Fills in what the network says of an object of f; NULL: nothing is described. */
    void (*describe)(void *describer, const frame *f, const object *o, description *out);
    void  *describer;
    /* Whose embedding a has: writes name, cosine and false_match; "" and 0 for nobody's. NULL: nobody has one. */
    void (*recognise)(void *gallery, appearance *a);
    void  *gallery;
    int    most;                        /* descriptions a frame; 0 = all that are due */
} roster_options;

roster *roster_create(const roster_options *options);       /* NULL: no memory */
void    roster_free(roster *r);

/* Takes note of the objects of f that have a number, describes those that need it, which must have
 * been detected in this very frame, and writes names and attributes into all. CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status roster_see(roster *r, frame *f, cyg_error *err);
/* Writes what is known into other objects of these tracks. */
void    roster_tell(const roster *r, object *objects, int count);
/* Everybody is looked up again: somebody was enrolled. */
void    roster_recognise(roster *r);

/* NULL: not there. Until the roster's next call. */
const appearance *roster_find(const roster *r, int track);
/* Takes out the first track that was not seen since `before`; false: there is none. */
bool    roster_leave(roster *r, double before, appearance *out);

#endif
