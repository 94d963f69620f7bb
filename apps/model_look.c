/* model_look.c - pictures one after another through a network. */
#include "model_look.h"
#include "model.h"
#include "model_path.h"
#include "picture.h"
#include "video.h"
#include <math.h>
#include <stdlib.h>

enum { MOST_PIXELS = 200 * 1000 * 1000 };

cyg_status look_open(looker *l, const char *name, const look_options *look, cyg_error *err)
{
    *l = (looker){ .options = *look };
    const cyg_backbone_params params = { .isa = look->isa, .precision = look->precision };
    cyg_status status = model_path_find(&l->path, name, err);
    if (!status) status = hash_file(l->sha256, l->path, err);
    if (!status) status = cyg_model_open(&l->model, l->path, err);
    if (!status) status = cyg_backbone_create(&l->net, l->model, &params, err);
    if (!status) status = cyg_features_create(&l->maps, l->net, NULL, err);
    return status;
}

int look_failed(const looker *l, cyg_status status)
{
    return status == CYG_NOT_FOUND && l->model && !l->net ? EXIT_USAGE : EXIT_MODEL;
}

void look_close(looker *l)
{
    cyg_features_free(l->maps);
    cyg_backbone_free(l->net);
    cyg_model_close(l->model);
    free(l->path);
}

void look_run(const looker *l, const frame *f)
{
    const cyg_image *const image = &f->image;
    cyg_region region = cyg_region_letterbox(l->net, image);
    if (l->options.crop > 0) {
        const float side = fminf((float)image->width, (float)image->height);
        const float x = ((float)image->width - side) / 2, y = ((float)image->height - side) / 2;
        region = cyg_region_crop(l->net, (cyg_box){ x, y, x + side, y + side }, (float)l->options.crop);
    }
    cyg_backbone_run(l->net, image, region, l->maps);
}

static cyg_status look_at_photo(const char *path, look_each each, void *context, cyg_error *err)
{
    frame *const f = frame_create();
    if (!f) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    picture_info info;
    cyg_status status = picture_read(f, &info, path, MOST_PIXELS, err);
    if (!status) {
        picture_info_free(&info);
        status = each(context, f, path, err);
    }
    frame_free(f);
    return status;
}

/* The next frame that has a picture in *out, the caller's to free; CYG_END: there is none. */
static cyg_status next_picture(frame **out, video_source *source, cyg_error *err)
{
    for (;;) {
        frame *const f = *out = frame_create();
        if (!f) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
        const cyg_status status = video_source_read(source, f, err);
        if (!status && f->image.width > 0) return CYG_OK;
        frame_free(f);
        *out = NULL;
        if (status) return status;
    }
}

/* One picture; a second one says that it is a video. */
static cyg_status look_at_first(video_source *source, const char *path, look_each each, void *context, cyg_error *err)
{
    frame *f, *more = NULL;
    cyg_status status = next_picture(&f, source, err);
    if (status == CYG_END) return cyg_fail(err, CYG_FORMAT, "%s: no picture in it can be decoded", path);
    if (status) return status;
    const cyg_status end = next_picture(&more, source, NULL);
    frame_free(more);
    status = end == CYG_OK ? cyg_fail(err, CYG_UNSUPPORTED, "%s: found a video, expected a picture", path)
                           : each(context, f, path, err);
    frame_free(f);
    return status;
}

static cyg_status look_at_frames(const looker *l, video_source *source, const char *path, look_each each, void *context,
                                 cyg_error *err)
{
    double next = -INFINITY;
    int64_t pictures = 0;
    for (;; pictures++) {
        frame *f;
        cyg_status status = next_picture(&f, source, err);
        if (status == CYG_END) break;
        if (status) return status;
        if (f->time >= next) {
            next = f->time + l->options.step;
            status = each(context, f, path, err);
        }
        frame_free(f);
        if (status) return status;
    }
    return pictures ? CYG_OK : cyg_fail(err, CYG_FORMAT, "%s: no picture in it can be decoded", path);
}

cyg_status look_at(const looker *l, const char *path, look_each each, void *context, cyg_error *err)
{
    if (picture_is_jpeg(path)) return look_at_photo(path, each, context, err);
    video_source *source;
    const video_source_options single = { .threads = 1 };
    cyg_status status = video_source_open(&source, path, &single, err);
    if (status) return status;
    status = l->options.step > 0 ? look_at_frames(l, source, path, each, context, err)
                                 : look_at_first(source, path, each, context, err);
    video_source_close(source);
    return status;
}
