/* anchors.h - the default boxes of an SSD (arXiv 1512.02325, section 2.2). */
#ifndef CYG_ANCHORS_H
#define CYG_ANCHORS_H

#include "backbone.h"

enum { CYG_MAX_LEVELS = 16, CYG_MAX_RATIOS = 16, CYG_MAX_SHAPES = CYG_MAX_RATIOS + 1 };

/* Where among a level's shapes the one between this scale and the next stands. */
typedef enum cyg_between { CYG_BETWEEN_AFTER_SQUARE, CYG_BETWEEN_LAST, CYG_BETWEEN_NONE } cyg_between;

/* The rule of TensorFlow's object detection API (create_ssd_anchors). */
typedef struct cyg_anchor_rule {
    int         level_count, ratio_count;
    double      scales[CYG_MAX_LEVELS + 1];     /* of each level, of the input's shorter side; and one to end with */
    double      ratios[CYG_MAX_RATIOS];         /* width / height */
    bool        reduce_lowest;                  /* level 0 has three shapes: 0.1 square, its scale at 2 and 1/2 */
    cyg_between between;
} cyg_anchor_rule;

typedef struct cyg_anchor_shape { double width, height; } cyg_anchor_shape;
typedef struct cyg_anchor { float x, y, width, height; } cyg_anchor;   /* centre and size, input pixels */

/* Where a level's cells lie along one axis, input pixels: the centre of cell i is first + i * step. */
typedef struct cyg_cells {
    int    count;
    double first, step;
} cyg_cells;

/* The shapes of a level, in the order of its anchors; side: the shorter one of the
 * input that the network was trained with, pixels. Returns their count. */
int cyg_anchor_shapes(cyg_anchor_shape shapes[CYG_MAX_SHAPES], const cyg_anchor_rule *rule, int level, double side);
int cyg_anchor_shape_count(const cyg_anchor_rule *rule, int level);

/* The cells of the map that layer `tap` leaves. With the input size that the network was trained with
 * (`trained`) they share the input evenly. With another, cell and box sizes stay as trained, in pixels,
 * and the cells move with the padding. False if the network has no layer of that name. */
bool cyg_cells_of(cyg_cells *out, const cyg_backbone *net, const char *tap, int trained, int input);

/* out [rows.count][columns.count][shape_count]. */
void cyg_anchors_fill(cyg_anchor *out, cyg_cells rows, cyg_cells columns, const cyg_anchor_shape *shapes,
                      int shape_count);

#endif
