/* sprite.h - a small painted picture that lies over another one: what overlay.h paints and window.h shows. */
#ifndef SPRITE_H
#define SPRITE_H

#include <stdint.h>

typedef struct sprite {
    uint64_t        id;                 /* never 0; of one painter, equal ids mean equal pixels */
    const uint32_t *pixels;             /* premultiplied ARGB, native byte order */
    int             stride;             /* pixels from one row to the next */
    int             width, height;
} sprite;

/* Shows s at x, y, stretched to width x height by repeating its middle column and row; where
 * both are repeated it is empty. s lives until the call returns. */
typedef void sprite_show(void *context, const sprite *s, int x, int y, int width, int height);

#endif
