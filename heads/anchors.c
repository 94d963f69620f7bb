/* anchors.c - the default boxes of an SSD: shapes from scales and ratios, one set in every cell of a map. */
#include "anchors.h"
#include <math.h>
#include <string.h>

static cyg_anchor_shape shape_of(double scale, double ratio, double side)
{
    return (cyg_anchor_shape){ scale * sqrt(ratio) * side, scale / sqrt(ratio) * side };
}

int cyg_anchor_shapes(cyg_anchor_shape shapes[CYG_MAX_SHAPES], const cyg_anchor_rule *rule, int level, double side)
{
    const double scale = rule->scales[level];
    int count = 0;
    if (level == 0 && rule->reduce_lowest) {
        shapes[count++] = shape_of(0.1, 1, side);
        shapes[count++] = shape_of(scale, 2, side);
        shapes[count++] = shape_of(scale, 0.5, side);
        return count;
    }
    const cyg_anchor_shape between = shape_of(sqrt(scale * rule->scales[level + 1]), 1, side);
    bool placed = rule->between == CYG_BETWEEN_NONE;
    for (int i = 0; i < rule->ratio_count; i++) {
        shapes[count++] = shape_of(scale, rule->ratios[i], side);
        if (!placed && rule->between == CYG_BETWEEN_AFTER_SQUARE && rule->ratios[i] == 1) {
            shapes[count++] = between;
            placed = true;
        }
    }
    if (!placed) shapes[count++] = between;
    return count;
}

int cyg_anchor_shape_count(const cyg_anchor_rule *rule, int level)
{
    cyg_anchor_shape shapes[CYG_MAX_SHAPES];
    return cyg_anchor_shapes(shapes, rule, level, 1);
}

/* Of `out = ceil(size / stride)` cells with zeros around (TensorFlow's SAME): how many go before. */
static int pad_before(int size, int kernel, int stride)
{
    const int out = (size + stride - 1) / stride;
    const int total = (out - 1) * stride + kernel - size;
    return total > 0 ? total / 2 : 0;
}

bool cyg_cells_of(cyg_cells *out, const cyg_backbone *net, const char *tap, int trained, int input)
{
    double shift = 0;                   /* of what a cell sees, against training, input pixels */
    int jump = 1;                       /* input pixels from one cell of the layer's input to the next */
    int size = trained, count = input;
    for (int i = 0; i < cyg_backbone_layer_count(net); i++) {
        const cyg_layer_info layer = cyg_backbone_layer(net, i);
        shift += jump * (pad_before(size, layer.kernel, layer.stride) - pad_before(count, layer.kernel, layer.stride));
        jump *= layer.stride;
        size = (size + layer.stride - 1) / layer.stride;
        count = (count + layer.stride - 1) / layer.stride;
        if (!strcmp(layer.name, tap)) {
            const double step = (double)trained / size;
            *out = (cyg_cells){ count, 0.5 * step + shift, step };
            return true;
        }
    }
    return false;
}

void cyg_anchors_fill(cyg_anchor *out, cyg_cells rows, cyg_cells columns, const cyg_anchor_shape *shapes,
                      int shape_count)
{
    for (int row = 0; row < rows.count; row++)
        for (int column = 0; column < columns.count; column++)
            for (int i = 0; i < shape_count; i++)
                *out++ = (cyg_anchor){ (float)(columns.first + column * columns.step),
                                       (float)(rows.first + row * rows.step),
                                       (float)shapes[i].width, (float)shapes[i].height };
}
