/* still.c - photos by libjpeg-turbo, everything else by FFmpeg. */
#include "still.h"
#include "picture.h"
#include "video.h"

static cyg_status read_first(frame *f, const char *path, cyg_error *err)
{
    video_source *source;
    const video_source_options single = { .threads = 1 };
    cyg_status status = video_source_open(&source, path, &single, err);
    if (status) return status;
    status = video_source_read(source, f, err);
    if (status == CYG_END || (!status && f->image.width == 0))
        status = cyg_fail(err, CYG_FORMAT, "%s: no picture in it can be decoded", path);
    video_source_close(source);
    return status;
}

cyg_status still_read(frame *f, const char *path, int64_t max_pixels, cyg_error *err)
{
    if (!picture_is_jpeg(path)) return read_first(f, path, err);
    picture_info info;
    const cyg_status status = picture_read(f, &info, path, max_pixels, err);
    if (!status) picture_info_free(&info);
    return status;
}
