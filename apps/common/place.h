/* place.h - where a picture is on a canvas: as large as it fits, its shape kept, in the middle. */
#ifndef PLACE_H
#define PLACE_H

#include "backbone.h"

typedef struct placement {
    int   x, y, width, height;      /* canvas pixels; width 0: nowhere */
    float scale_x, scale_y;         /* canvas pixels for one of the picture */
    bool  mirrored;                 /* left and right exchanged */
} placement;

/* aspect: width of a picture's pixel for its height; 1 = square. All sizes 0: nowhere. */
placement place_picture(int picture_width, int picture_height, float aspect, int canvas_width, int canvas_height,
                        bool mirrored);
/* A box of the picture on the canvas, and a point of the canvas in the picture (outside of it: beyond its edges). */
cyg_box   place_box(const placement *p, cyg_box box);
cyg_point place_point(const placement *p, cyg_point on_canvas);
/* The middle of a point of the mouse on a canvas, which has more or fewer pixels than the window has points. */
cyg_point place_mouse(int x, int y, int window_width, int window_height, int canvas_width, int canvas_height);

#endif
