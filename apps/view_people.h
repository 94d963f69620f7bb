/* view_people.h - a face that the viewer was told the name of, into a gallery. */
#ifndef VIEW_PEOPLE_H
#define VIEW_PEOPLE_H

#include "frame.h"
#include "gallery.h"
#include "roster.h"

/* The face of f at o, whose appearance is known, belongs to the person of that name: new, or known already.
 * A gallery that is not there yet is made. source: what it lists the face under. Errors as in gallery_open;
 * CYG_BUSY: another process writes for longer than a second; CYG_NOT_FOUND: it was not described yet. */
CYG_MUST_USE cyg_status people_add(const char *path, const gallery_recipe *recipe, const char *name, const frame *f,
                                   const object *o, const appearance *a, const char *source, cyg_error *err);

#endif
