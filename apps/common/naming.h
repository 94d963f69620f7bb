/* naming.h - gives the faces of a video the names of a gallery's people.
 *
 *     naming_prepare(&n, models, pipeline, 0.01, &err);      // what the networks make, and how alike is alike
 *     naming_open(&n, "people", &err);                        // again: as the gallery is now
 *     roster_options known = { ..., .recognise = naming_recognise, .gallery = &n };
 *     naming_close(&n);
 */
#ifndef NAMING_H
#define NAMING_H

#include "pipeline.h"
#include "roster.h"
#include "who.h"

/* Begins as 0. */
typedef struct naming {
    gallery_recipe  recipe;
    const cyg_head *head;       /* that makes the embeddings */
    double          wanted;     /* how often a stranger may be given a name */
    double          promised;   /* the same, or more, where the gallery has more faces than the curve is long */
    float           same;       /* the cosine from which a face is named */
    who            *people;     /* NULL: nobody has a name */
} naming;

/* p, of models with a describer, outlives it. false_match: how often a stranger may be taken for somebody of
 * the gallery, whoever of it. CYG_UNSUPPORTED: no embeddings, CYG_ARGUMENT: rarer than was measured. */
CYG_MUST_USE cyg_status naming_prepare(naming *n, const pipeline_models *models, pipeline *p, double false_match,
                                       cyg_error *err);
/* Errors as in who_open; nobody has a name then. */
CYG_MUST_USE cyg_status naming_open(naming *n, const char *path, cyg_error *err);
/* More strangers are named than was wanted: then true, and a sentence about it in out. */
bool naming_says_less(const naming *n, char *out, size_t size);
void naming_close(naming *n);

/* For roster_options.recognise; n is a naming *. */
void naming_recognise(void *n, appearance *a);

#endif
