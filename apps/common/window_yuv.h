/* window_yuv.h - any picture as YUV 4:2:0 of 8 bits, which every graphics driver knows. */
#ifndef WINDOW_YUV_H
#define WINDOW_YUV_H

#include "backbone.h"

/* Memory for one picture, kept from picture to picture. Begins as 0. */
typedef struct window_yuv {
    uint8_t *pixels;
    size_t   size;
} window_yuv;

/* *out becomes image (not RGB24) in that form, in w's memory. False: no memory. */
bool window_yuv_convert(window_yuv *w, const cyg_image *image, cyg_image *out);
void window_yuv_free(window_yuv *w);

#endif
