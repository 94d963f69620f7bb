/* still.h - one picture out of any file. */
#ifndef STILL_H
#define STILL_H

#include "frame.h"

/* Fills *f (empty): a JPEG photo upright, or the first picture of anything else, such as a PNG or a video.
 * A photo of more than max_pixels is an error. Errors as picture_read and video_source_open; CYG_FORMAT:
 * no picture in it can be decoded. */
CYG_MUST_USE cyg_status still_read(frame *f, const char *path, int64_t max_pixels, cyg_error *err);

#endif
