/* faces_search.h - what a search found, and the ways to show it. */
#ifndef FACES_SEARCH_H
#define FACES_SEARCH_H

#include "faces.h"
#include "faces_look.h"
#include "faces_models.h"

/* A face that is searched for: of one photo, or of several of one person. */
typedef struct probe {
    char    *label;                     /* the photo's name, or "3 photos" */
    float   *embedding;
    uint8_t *thumbnail;                 /* NULL = none */
    size_t   thumbnail_size;
    unsigned flaws;
} probe;

/* One face found. Texts and thumbnail are owned. */
typedef struct hit {
    gallery_face face;
    float        cosine;
    cyg_false_match rate;               /* of strangers who are at least so much alike */
    bool         rated;                 /* the model knows that */
    char        *path, *name, sha256[65];
} hit;

typedef struct found {
    const probe *of;
    hit         *hits;                  /* [count], best first */
    int          count;
} found;

/* "one stranger in 1200", "fewer than one stranger in 10000"; "" if the model does not know. */
void rate_text(char out[80], const hit *h);

/* A page that needs nothing else: CYG_IO, CYG_ARGUMENT (it exists), CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status search_page_write(const char *path, const found *all, int count, float threshold,
                                          bool overwrite, cyg_error *err);

#endif
