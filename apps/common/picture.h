/* picture.h - JPEG photos in and out (libjpeg-turbo), upright (EXIF orientation, libexif). */
#ifndef PICTURE_H
#define PICTURE_H

#include "frame.h"

/* What a photo carries besides its pixels, for the one made from it. */
typedef struct picture_info {
    int    orientation;         /* EXIF 1 .. 8 that was applied; 1 = none */
    void  *exif, *icc;          /* owned, NULL = none; the EXIF is that of the upright picture, without thumbnail */
    size_t exif_size, icc_size;
    int    sampling_x, sampling_y;      /* of chroma in the upright picture: 1, 2 or 4 pixels a sample */
} picture_info;

/* True if PATH is a file that begins like a JPEG. */
bool picture_is_jpeg(const char *path);
/* Fills *f (empty) with RGB24 pixels, upright; grey and CMYK photos too. A photo that has lost data, or
 * has more than max_pixels, is an error. CYG_IO, CYG_FORMAT, CYG_UNSUPPORTED, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status picture_read(frame *f, picture_info *info, const char *path,
                                     int64_t max_pixels, cyg_error *err);
/* Writes the RGB24 picture to PATH by way of its hidden sibling ".NAME.part"; quality 1 .. 100;
 * info may be NULL. CYG_IO, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status picture_write(const frame *f, const picture_info *info, const char *path,
                                      int quality, cyg_error *err);
void picture_info_free(picture_info *info);

#endif
