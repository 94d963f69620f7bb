/* view_people.h - a gallery as the viewer uses it: whose face is this, and remember this one. */
#ifndef VIEW_PEOPLE_H
#define VIEW_PEOPLE_H

#include "frame.h"
#include "gallery.h"
#include "roster.h"

typedef struct people people;

/* A gallery that is not there yet is made by the first people_add; until then nobody is known.
 * threshold: the cosine from which two faces are one person's. Errors as in gallery_open. */
CYG_MUST_USE cyg_status people_open(people **out, const char *path, const gallery_recipe *recipe, float threshold,
                                    cyg_error *err);
void people_close(people *p);
int64_t people_count(const people *p);

/* For roster_options.recognise; p is a people *. */
void people_recognise(void *p, appearance *a);

/* The face of f at o, whose appearance is known, belongs to the person of that name: new, or known already.
 * source: what the gallery lists it under. CYG_BUSY: another process writes for longer than a second. */
CYG_MUST_USE cyg_status people_add(people *p, const char *name, const frame *f, const object *o, const appearance *a,
                                   const char *source, cyg_error *err);

#endif
