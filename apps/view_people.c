/* view_people.c - a face into a gallery; the writer's lock is held for no longer than that takes. */
#include "view_people.h"
#include "thumbnail.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THUMBNAIL_SIDE = 160 };                  /* pixels */

static const double patience = 1;               /* seconds for another writer to end */
static const float  thumbnail_scale = 1.5f;     /* times the box */

static cyg_status find_or_add(gallery *g, const char *name, int64_t *person, cyg_error *err)
{
    const cyg_status status = gallery_find_person(g, name, person, err);
    return status == CYG_NOT_FOUND ? gallery_add_person(g, name, person, err) : status;
}

static cyg_status put(gallery *g, const gallery_file *file, gallery_face *face, const char *name, cyg_error *err)
{
    cyg_status status = gallery_begin(g, err);
    if (status != CYG_OK) return status;
    status = find_or_add(g, name, &face->person, err);
    if (status == CYG_OK) status = gallery_put_file(g, file, face, 1, err);
    if (status == CYG_OK) status = gallery_commit(g, err);
    if (status != CYG_OK) gallery_rollback(g);
    return status;
}

cyg_status people_add(const char *path, const gallery_recipe *recipe, const char *name, const frame *f,
                      const object *o, const appearance *a, const char *source, cyg_error *err)
{
    char seen[500], stamp[32];
    uint8_t *jpeg = NULL;
    size_t size = 0;
    gallery *g = NULL;
    const time_t now = time(NULL);
    struct tm local;
    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &local));
    snprintf(seen, sizeof seen, "%s, seen %s #%d", source, stamp, a->track);
    if (!a->embedding) return cyg_fail(err, CYG_NOT_FOUND, "face #%d was not described yet", a->track);
    cyg_status status = thumbnail_make(&jpeg, &size, &f->image, o->box, thumbnail_scale, THUMBNAIL_SIDE, err);
    if (status == CYG_OK) status = gallery_open(&g, path, GALLERY_CREATE, recipe, patience, err);
    const gallery_file file = {
        .path = seen, .kind = GALLERY_PHOTO, .width = f->image.width, .height = f->image.height, .state = GALLERY_DONE,
        .mtime_ns = (int64_t)now * 1000000000,
    };
    gallery_face face = {
        .box = o->box, .score = o->score, .quality = a->quality, .track = -1, .how = GALLERY_NAMED,
        .embedding = a->embedding, .thumbnail = jpeg, .thumbnail_size = size,
    };
    if (status == CYG_OK) status = put(g, &file, &face, name, err);
    if (status == CYG_OK) status = gallery_finish(g, err);
    if (status == CYG_BUSY && g) status = CYG_OK;       /* it is kept; others read it right now */
    gallery_close(g);
    free(jpeg);
    return status;
}
