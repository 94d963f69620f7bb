/* tflite_anchors.c - finds the rule (heads/anchors.h) that makes the anchors of a file.
 *
 * Files hold anchors as a list, often rounded to 8 bits. What they were before rounding is told by the rule that
 * TensorFlow's object detection API makes them with: a scale for each map and ratios for all. It is found
 * from the shapes in the first cell of each map, and every anchor is then compared with it. */
#include "tflite_ssd.h"
#include <math.h>
#include <stdlib.h>

enum { SHAPES = 16 };

/* Of a map's cells: width and height in parts of the input's shorter side. */
typedef struct cell {
    int    count;
    double width[SHAPES], height[SHAPES];
} cell;

/* The anchors of a file. */
typedef struct list {
    const tflite_tensor *t;
    double scale, zero, step;           /* step: as far as rounding may have moved a value */
    double across, down;                /* of the input's shorter side: the input's sizes */
} list;

static double part(const list *l, int anchor, int i)
{
    return l->scale * (tflite_stored(l->t, 4 * (size_t)anchor + (size_t)i) - l->zero);
}

static bool is_near(double a, double b, double most)
{
    return fabs(a - b) <= most;
}

/* ---- The rule from the cells -------------------------------------------------------------- */

static double side_of(const cell *c, int i)
{
    return sqrt(c->width[i] * c->height[i]);
}

static bool is_square(const cell *c, int i, double step)
{
    return is_near(c->width[i], c->height[i], 2 * step);
}

/* The nearest ratio in use; the measured one if none is near. */
static double known_ratio(double ratio)
{
    static const double known[] = { 1, 2, 1. / 2, 3, 1. / 3, 1.5, 2. / 3, 4, 1. / 4 };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (fabs(log(ratio / known[i])) < .06) return known[i];
    return ratio;
}

/* Of two squares the larger stands between this scale and the next; -1: there are not two. */
static int find_between(const cell *c, double step)
{
    int first = -1;
    for (int i = 0; i < c->count; i++) {
        if (!is_square(c, i, step)) continue;
        if (first >= 0) return side_of(c, i) > side_of(c, first) ? i : first;
        first = i;
    }
    return -1;
}

/* The scale of a map, from all shapes but those of another scale. */
static double find_scale(const cell *c, int from, int between)
{
    double sum = 0;
    int count = 0;
    for (int i = from; i < c->count; i++) {
        if (i == between) continue;
        const double root = sqrt(known_ratio(c->width[i] / c->height[i]));
        sum += c->width[i] / root + c->height[i] * root;
        count += 2;
    }
    return count ? sum / count : 0;
}

static void read_rule(ssd_rule *r, const cell *cells, int maps, double step)
{
    const cell *const last = &cells[maps - 1];
    const int between = find_between(last, step);
    r->between = between < 0 ? BETWEEN_NONE : between == last->count - 1 ? BETWEEN_LAST : BETWEEN_AFTER_SQUARE;
    r->ratio_count = 0;
    for (int i = 0; i < last->count; i++)
        if (i != between) r->ratios[r->ratio_count++] = known_ratio(last->width[i] / last->height[i]);
    r->reduce_lowest = maps > 1 && cells[0].count == 3 && last->count != 3;
    for (int m = 0; m < maps; m++)
        r->scales[m] = m == 0 && r->reduce_lowest ? find_scale(&cells[0], 1, -1)
                                                  : find_scale(&cells[m], 0, find_between(&cells[m], step));
    const double side = between < 0 ? 1 : side_of(last, between);
    r->scales[maps] = between < 0 ? 1 : side * side / r->scales[maps - 1];
}

/* Scales are chosen by people: to two places. */
static void round_scales(ssd_rule *r, int maps)
{
    for (int m = 0; m <= maps; m++) r->scales[m] = round(r->scales[m] * 100) / 100;
}

/* ---- The cells from the rule ---------------------------------------------------------------- */

static void add_shape(cell *c, double scale, double ratio)
{
    if (c->count == SHAPES) return;
    c->width[c->count] = scale * sqrt(ratio);
    c->height[c->count++] = scale / sqrt(ratio);
}

static cell make_cell(const ssd_rule *r, int map)
{
    cell c = { 0 };
    if (map == 0 && r->reduce_lowest) {
        add_shape(&c, .1, 1);
        add_shape(&c, r->scales[0], 2);
        add_shape(&c, r->scales[0], .5);
        return c;
    }
    const double between = sqrt(r->scales[map] * r->scales[map + 1]);
    for (int i = 0; i < r->ratio_count; i++) {
        add_shape(&c, r->scales[map], r->ratios[i]);
        if (r->between == BETWEEN_AFTER_SQUARE && r->ratios[i] == 1) add_shape(&c, between, 1);
    }
    if (r->between == BETWEEN_LAST) add_shape(&c, between, 1);
    return c;
}

/* The first anchor of a map that the rule does not make, counted from `first`; -1: none. */
static int find_stranger(const list *l, const ssd_rule *r, int map, int rows, int columns, int shapes, int first)
{
    const cell c = make_cell(r, map);
    if (c.count != shapes) return first;
    for (int i = 0; i < rows * columns * shapes; i++) {
        const int place = i / shapes, k = i % shapes, anchor = first + i;
        if (!is_near(part(l, anchor, 0), (place / columns + .5) / rows, l->step) ||
            !is_near(part(l, anchor, 1), (place % columns + .5) / columns, l->step) ||
            !is_near(part(l, anchor, 2) * l->down, c.height[k], l->step * l->down) ||
            !is_near(part(l, anchor, 3) * l->across, c.width[k], l->step * l->across)) return anchor;
    }
    return -1;
}

static int find_strangers(const list *l, const ssd *s)
{
    int first = 0, found = -1;
    for (int m = 0; m < s->map_count && found < 0; m++) {
        const int *const size = s->maps[m].source->shape;
        found = find_stranger(l, &s->rule, m, size[1], size[2], s->maps[m].shapes, first);
        first += size[1] * size[2] * s->maps[m].shapes;
    }
    return found;
}

/* ---- Both --------------------------------------------------------------------------------------- */

/* Fills the cells from the first of each map; false if the maps do not have that many anchors. */
static bool read_cells(cell *cells, const list *l, const ssd *s)
{
    int64_t first = 0;
    for (int m = 0; m < s->map_count; m++) {
        const tflite_tensor *const source = s->maps[m].source;
        if (source->rank != 4 || source->count == 0) return false;
        const int64_t count = (int64_t)source->shape[1] * source->shape[2] * s->maps[m].shapes;
        if (first + count > l->t->shape[0]) return false;
        cells[m].count = s->maps[m].shapes;
        for (int i = 0; i < s->maps[m].shapes; i++) {
            cells[m].height[i] = part(l, (int)first + i, 2) * l->down;
            cells[m].width[i] = part(l, (int)first + i, 3) * l->across;
            if (!(cells[m].height[i] > 0 && cells[m].width[i] > 0)) return false;
        }
        first += count;
    }
    return first == l->t->shape[0];
}

cyg_status ssd_find_rule(ssd *s, const network *n, const tflite_operator *o, const tflite_tensor *anchors,
                         cyg_error *err)
{
    if (!anchors || !anchors->data || anchors->rank != 2 || anchors->shape[1] != 4 || anchors->scale.count > 1)
        return tflite_refuse(n->file, o, err, "found no constant anchors, expected count x 4");
    const int height = n->input->shape[1], width = n->input->shape[2], side = width < height ? width : height;
    const bool rounded = anchors->type == TFLITE_U8 || anchors->type == TFLITE_I8;
    const list l = { anchors, tflite_scale(anchors, 0), tflite_zero(anchors, 0),
                     rounded ? .51 * tflite_scale(anchors, 0) : 1e-4, (double)width / side, (double)height / side };
    cell cells[NETWORK_MAPS] = { 0 };
    if (!read_cells(cells, &l, s))
        return tflite_refuse(n->file, o, err, "found %d anchors, which the maps do not have", anchors->shape[0]);
    read_rule(&s->rule, cells, s->map_count, rounded ? l.step : 1e-4);
    const ssd_rule measured = s->rule;
    round_scales(&s->rule, s->map_count);
    if (find_strangers(&l, s) < 0) return CYG_OK;
    s->rule = measured;
    const int stranger = find_strangers(&l, s);
    if (stranger < 0) return CYG_OK;
    return tflite_refuse(n->file, o, err, "found anchor %d at %.4g, %.4g of size %.4g x %.4g, expected anchors by the "
                         "rule of TensorFlow's object detection API", stranger, part(&l, stranger, 1),
                         part(&l, stranger, 0), part(&l, stranger, 3), part(&l, stranger, 2));
}
