/* window_yuv.h - any picture as YUV 4:2:0 of 8 bits in colours that every graphics driver knows: BT.601, or BT.709
 * without full range. Others become BT.709. */
#ifndef WINDOW_YUV_H
#define WINDOW_YUV_H

#include "backbone.h"

/* Memory for one picture, kept from picture to picture. Begins as 0. */
typedef struct window_yuv {
    void  *memory;
    size_t size;
} window_yuv;

/* Drivers know its colours. */
bool window_yuv_is_plain(const cyg_image *image);
/* *out becomes image (not RGB24) in that form, in w's memory. False: no memory. */
bool window_yuv_convert(window_yuv *w, const cyg_image *image, cyg_image *out);
void window_yuv_free(window_yuv *w);

#endif
