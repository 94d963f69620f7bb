/* place.c - picture pixels to canvas pixels and back. */
#include "place.h"
#include <math.h>

placement place_picture(int picture_width, int picture_height, float aspect, int canvas_width, int canvas_height,
                        bool mirrored)
{
    placement p = { .mirrored = mirrored };
    if (picture_width <= 0 || picture_height <= 0 || canvas_width <= 0 || canvas_height <= 0) return p;
    const double wide = (double)picture_width * (aspect > 0 ? aspect : 1);
    const double scale = fmin(canvas_width / wide, (double)canvas_height / picture_height);
    p.width = (int)fmax(lround(wide * scale), 1);
    p.height = (int)fmax(lround(picture_height * scale), 1);
    p.x = (canvas_width - p.width) / 2;
    p.y = (canvas_height - p.height) / 2;
    p.scale_x = (float)p.width / (float)picture_width;
    p.scale_y = (float)p.height / (float)picture_height;
    return p;
}

cyg_box place_box(const placement *p, cyg_box box)
{
    float x1 = box.x1 * p->scale_x, x2 = box.x2 * p->scale_x;
    if (p->mirrored) {
        const float left = (float)p->width - x2;
        x2 = (float)p->width - x1;
        x1 = left;
    }
    return (cyg_box){ (float)p->x + x1, (float)p->y + box.y1 * p->scale_y,
                      (float)p->x + x2, (float)p->y + box.y2 * p->scale_y };
}

cyg_point place_point(const placement *p, cyg_point on_canvas)
{
    float x = on_canvas.x - (float)p->x;
    if (p->mirrored) x = (float)p->width - x;
    return (cyg_point){ x / p->scale_x, (on_canvas.y - (float)p->y) / p->scale_y };
}

cyg_point place_mouse(int x, int y, int window_width, int window_height, int canvas_width, int canvas_height)
{
    const float across = window_width > 0 ? (float)canvas_width / (float)window_width : 1;
    const float down = window_height > 0 ? (float)canvas_height / (float)window_height : 1;
    return (cyg_point){ ((float)x + .5f) * across, ((float)y + .5f) * down };
}
