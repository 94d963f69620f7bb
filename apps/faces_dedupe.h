/* faces_dedupe.h - what dedupe compares: every file and face of a gallery, in memory. */
#ifndef FACES_DEDUPE_H
#define FACES_DEDUPE_H

#include "faces.h"

typedef struct item_file {
    gallery_file f;                     /* path is owned */
    int          first;                 /* face; the next one is in item_face.next */
    int          group;                 /* the file that is kept; -1 = none yet */
    int          seen, voter;           /* faces of the leader at hand that are in it, the last of them */
    float        least;                 /* cosine of those */
} item_file;

typedef struct item_face {
    int64_t     id, person;
    gallery_how how;
    int         file, group, next;      /* next: of the same file; -1 = last */
    cyg_box     box;                    /* parts of the picture */
    float       quality;
} item_face;

typedef struct items {
    item_file *files;                   /* [file_count] by id */
    item_face *faces;                   /* [face_count] by id */
    int        file_count, face_count, file_room, face_room;
    bool       full;                    /* out of memory */
} items;

/* Reads them. CYG_NO_MEMORY, or the gallery's errors. items_free in every case. */
CYG_MUST_USE cyg_status items_read(items *out, gallery *g, cyg_error *err);
void items_free(items *it);
/* The place of a face; -1 if there is none. */
int  items_face(const items *it, int64_t id);
/* room for one more in a list of `count`; false: no memory. */
bool items_grow(void **list, int count, int *room, size_t size);
/* Orders [count] of indices: the largest files first, the clearest faces first, files by their bytes. */
typedef int items_order(const void *a, const void *b, void *it);
items_order items_larger, items_clearer, items_by_bytes;

#endif
