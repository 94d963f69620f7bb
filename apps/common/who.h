/* who.h - whose face is this? The named people of a gallery, held in memory.
 *
 *     who *people;  cyg_error err;
 *     who_open(&people, "people.cygnet", &recipe, &err);
 *     const identity i = who_is(people, description.embedding, 0.7f);
 *     if (i.person) printf("%s, cosine %.3f\n", i.name, i.cosine);
 *
 * A snapshot: what the gallery learns later is not seen; open it again for that. Immutable, so any
 * number of threads may ask at once. No file, no lock and no failure once it is open. One question
 * takes about 0.1 microseconds a face; WHO_EACH faces a person are held, those of best quality.
 */
#ifndef WHO_H
#define WHO_H

#include "gallery.h"

enum { WHO_EACH = 16 };

typedef struct who who;

typedef struct identity {
    int64_t     person;             /* 0 = nobody that is known */
    const char *name;               /* lives as long as the who; NULL = nobody */
    float       cosine;             /* to the nearest face, whosever; -1: there is none */
} identity;

/* recipe as in gallery_open, whose errors these are; CYG_NO_MEMORY. Nobody named is no error. */
CYG_MUST_USE cyg_status who_open(who **out, const char *path, const gallery_recipe *recipe, cyg_error *err);
void who_close(who *w);
int  who_people(const who *w);
int  who_faces(const who *w);

/* Whose face is nearest, if it is as near as threshold. embedding [dimension], of length 1. */
identity who_is(const who *w, const float *embedding, float threshold);

#endif
