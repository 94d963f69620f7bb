/* pairs.h - a file of labelled pairs of photos. */
#ifndef PAIRS_H
#define PAIRS_H

#include "backbone.h"
#include <stdio.h>

typedef struct labelled {
    int   a, b;                         /* photos */
    bool  same;                         /* person */
    bool  known;                        /* both have a face: */
    float cosine;                       /* of their largest faces */
} labelled;

typedef struct pairs {
    labelled *list;                     /* [count] */
    char    **photos;                   /* [photo_count], each once */
    int       count, room, photo_count, photo_room;
} pairs;

/* A line is "PHOTO, PHOTO, SAME", with tabs instead of commas if the line has any; SAME is 1, yes, true or same, or
 * 0, no, false or different. Empty lines and those that begin with # are passed over, and a first line of names
 * of columns: no photo is there. name is for messages. CYG_IO, CYG_FORMAT (line so-and-so), CYG_NO_MEMORY. pairs_free
 * in every case. */
CYG_MUST_USE cyg_status pairs_read(pairs *out, FILE *from, const char *name, cyg_error *err);
void pairs_free(pairs *p);

#endif
