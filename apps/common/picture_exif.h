/* picture_exif.h - what picture.c needs of EXIF (libexif). */
#ifndef PICTURE_EXIF_H
#define PICTURE_EXIF_H

#include <stddef.h>

/* bytes: an APP1 segment from "Exif\0\0" on. The orientation 1 .. 8; 1 if it tells none. */
int exif_orientation(const unsigned char *bytes, size_t size);
/* The same segment for the picture turned upright, width x height: orientation 1, that size,
 * no thumbnail (it shows another picture). malloc'ed; NULL if there is nothing to tell. */
unsigned char *exif_upright(const unsigned char *bytes, size_t size, int width, int height, size_t *out_size);

#endif
