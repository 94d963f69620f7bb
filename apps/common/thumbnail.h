/* thumbnail.h - a small JPEG of a part of a picture, in memory (libjpeg-turbo). */
#ifndef THUMBNAIL_H
#define THUMBNAIL_H

#include "backbone.h"

/* The square around the centre of box, `scale` times its longer side, as a JPEG of side x side
 * pixels in *out (malloc'ed; the caller frees); black outside of the image. Every format of
 * cyg_image. CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status thumbnail_make(uint8_t **out, size_t *size, const cyg_image *image, cyg_box box,
                                       float scale, int side, cyg_error *err);

#endif
