/* faces_pairs.h - a file of labelled pairs of photos, and how alike the faces of each pair are. */
#ifndef FACES_PAIRS_H
#define FACES_PAIRS_H

#include "faces_models.h"
#include "progress.h"

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
 * of columns: no photo is there. CYG_IO, CYG_FORMAT (line so-and-so), CYG_NO_MEMORY. pairs_free in every case. */
CYG_MUST_USE cyg_status pairs_read(pairs *out, const char *path, cyg_error *err);
void pairs_free(pairs *p);

/* Looks at every photo, on so many threads; say gets a sentence for each that has no face. CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status pairs_compare(pairs *p, models *m, int threads, progress *shown,
                                      void (*say)(const char *sentence), cyg_error *err);

#endif
