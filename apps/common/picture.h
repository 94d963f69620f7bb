/* picture.h - JPEG photos in and out (libjpeg-turbo), upright (EXIF orientation, libexif). */
#ifndef PICTURE_H
#define PICTURE_H

#include "frame.h"

typedef struct picture_info {
    int    orientation;         /* EXIF 1 .. 8 that was applied; 1 = none */
    void  *exif, *icc;          /* carried over to the output; orientation reset to 1. Owned. */
    size_t exif_size, icc_size;
    int    sampling_x, sampling_y;
} picture_info;

/* True if the file begins like a JPEG. */
bool picture_is_jpeg(const char *path);
/* Fills *f with RGB24 pixels, upright. A picture cut short or of more than max_pixels is
 * an error. CYG_IO, CYG_FORMAT, CYG_UNSUPPORTED, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status picture_read(frame *f, picture_info *info, const char *path,
                                     int64_t max_pixels, cyg_error *err);
/* Writes PATH by way of a hidden .part sibling; quality 1 .. 100. */
CYG_MUST_USE cyg_status picture_write(const frame *f, const picture_info *info, const char *path,
                                      int quality, cyg_error *err);
void picture_info_free(picture_info *info);

#endif
