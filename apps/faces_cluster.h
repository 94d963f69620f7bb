/* faces_cluster.h - the people that a clustering found, and the page that shows them. */
#ifndef FACES_CLUSTER_H
#define FACES_CLUSTER_H

#include "faces.h"

enum { GROUP_SHOWN = 12 };

typedef struct grouped {
    int64_t person;                     /* 0: new, and not kept (dry run) */
    int     faces, fresh;               /* all; those of nobody before */
    int64_t shown[GROUP_SHOWN];         /* faces of best quality, fresh ones first */
    int     shown_count;
} grouped;

typedef struct grouping {
    grouped *people;                    /* [count] */
    int      count;
    int      alone;                     /* faces of nobody left */
    bool     dry_run;
} grouping;

/* Those with most faces first, sorted in place. CYG_IO, CYG_ARGUMENT (it exists), CYG_NO_MEMORY, or the gallery's. */
CYG_MUST_USE cyg_status cluster_page_write(const char *path, gallery *g, const grouping *found, bool overwrite,
                                           cyg_error *err);

#endif
