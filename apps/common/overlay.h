/* overlay.h - draws what is known of a frame into its pixels (Cairo, Pango), in every
 * format of cyg_image, touching only the pixels under what it draws.
 */
#ifndef OVERLAY_H
#define OVERLAY_H

#include "frame.h"

typedef struct overlay overlay;     /* one per thread */

typedef struct overlay_options {
    bool  labels, scores;
    float scale;                    /* of line width and text; 1 = sized to the picture */
    const char *font;               /* Pango family; NULL = sans */
} overlay_options;

overlay *overlay_create(const overlay_options *options);    /* NULL: no memory */
void     overlay_free(overlay *o);
/* Draws box, label and score of every object. Pixels outside of overlay_bounds of an
 * object stay as they are. */
void     overlay_draw(overlay *o, frame *f);
/* The pixels that drawing object i may change: x1, y1 inclusive, x2, y2 exclusive. */
void     overlay_bounds(overlay *o, const frame *f, int i, int bounds[4]);

#endif
