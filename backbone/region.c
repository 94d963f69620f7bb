/* region.c - which part of an image a pass sees: one affine map for all ways of choosing it. */
#include "plan.h"
#include <math.h>

cyg_region cyg_region_letterbox(const cyg_backbone *net, const cyg_image *image)
{
    const cyg_input *in = &net->input;
    const float across = (float)image->width / in->width, down = (float)image->height / in->height;
    if (in->letterbox == CYG_STRETCH) return (cyg_region){ { across, 0, 0, 0, down, 0 } };

    const float step = in->letterbox == CYG_CROP ? in->crop * fminf(across, down) : fmaxf(across, down);
    float left = 0, top = 0;
    if (in->letterbox != CYG_CORNER) {
        left = (image->width - step * in->width) / 2;
        top = (image->height - step * in->height) / 2;
    }
    return (cyg_region){ { step, 0, left, 0, step, top } };
}

cyg_region cyg_region_crop(const cyg_backbone *net, cyg_box box, float scale)
{
    const float side = scale * fmaxf(box.x2 - box.x1, box.y2 - box.y1);
    return (cyg_region){ {
        side / net->input.width, 0, (box.x1 + box.x2 - side) / 2,
        0, side / net->input.height, (box.y1 + box.y2 - side) / 2 } };
}

cyg_point cyg_region_to_image(const cyg_region *region, cyg_point input)
{
    const float *m = region->m;
    return (cyg_point){ m[0] * input.x + m[1] * input.y + m[2],
                        m[3] * input.x + m[4] * input.y + m[5] };
}
