/* faces_look.h - one photo or video looked at: its faces, described, ready for a gallery. */
#ifndef FACES_LOOK_H
#define FACES_LOOK_H

#include "gallery.h"
#include "pipeline.h"
#include "quality.h"
#include "stop.h"

typedef struct look_options {
    bool   poor;                /* also faces with flaws */
    bool   thumbnails;
    double step;                /* seconds between the frames of a video that are looked at */
    stop  *stop;                /* ends a video early; NULL = never */
} look_options;

typedef struct looked {
    gallery_file  file;         /* kind, width, height, duration; the rest is the caller's */
    gallery_face *faces;        /* [count], by falling quality; embeddings and thumbnails are theirs */
    int           count;
    quality_tally poor;         /* faces left out for their flaws */
} looked;

/* A photo, or every few frames of a video, of which each row of sightings of one face gives one entry:
 * its best picture, its times, the mean of its embeddings weighted by quality.
 * CYG_IO, CYG_FORMAT, CYG_UNSUPPORTED, CYG_NO_MEMORY; CYG_END: stopped. */
CYG_MUST_USE cyg_status look_at(looked *out, pipeline *p, const char *path, const look_options *o, cyg_error *err);
/* The face of the largest box; NULL: there is none. */
gallery_face *looked_largest(looked *l);
/* Keeps the first `count` faces. */
void looked_cut(looked *l, int count);
void looked_free(looked *l);

#endif
