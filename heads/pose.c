/* pose.c - people as key points with a tree between them (PersonLab, arXiv 1803.08225, section 3.1; as PoseNet).
 *
 * Its keys in the model file, all needed:
 *
 *   "type": "pose"
 *   "labels": ["person"]         what it finds: one text
 *   "tap": "conv13_pw"           a map of the backbone; on it four 1x1 convolutions, NAME/weights and NAME/bias:
 *   "heat": "head0/heat"             [K]: of each point, the logit of its being in the cell
 *   "offsets": "head0/offsets"       [2K]: from the cell's centre to the point, y of all points, then x, input pixels
 *   "forward": "head0/forward"       [2E]: from the parent's place to the child's, of each edge of the tree: y, then x
 *   "backward": "head0/backward"     [2E]: from the child's to the parent's
 *   "points": ["nose", ...]      K texts
 *   "tree": [[0, 1], ...]        E = K - 1 pairs parent, child: from point 0 on, a parent stands before its children
 *   "bones": [[5, 7], ...]       pairs of points to draw a line between; may be an empty list
 *   "start": 0.5                 a pose starts at a point that scores at least this
 *   "point_threshold": 0.5       points that are worth showing; the box is around them
 *   "apart": 20                  input pixels: nearer than this, the same point of two poses is one
 *   "threshold": 0.2, "max_count": 20                            what cyg_head_params may override
 *
 * Poses start at points that no neighbouring cell beats, the best first, unless a pose before has the same point
 * near there. The displacements lead from point to point, up and down the tree; each place is taken twice to where
 * its cell says that the point is. A pose's score is the mean of its points' scores, those left out that a pose
 * before has near there. If a single pose is asked for (max_count 1), each point is where its own map is highest.
 */
#include "pose.h"
#include "head.h"
#include "nms.h"
#include "settings.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_POSES = CYG_MAX_DETECTIONS, REFINEMENTS = 2 };

/* Cells along an axis: cell i is at first + i * step of the input, pixels. */
typedef struct axis { float first, step; int count; } axis;

typedef struct edge { int parent, child; } edge;
typedef struct pose {
    float         score;
    cyg_key_point points[CYG_MAX_POINTS];       /* input pixels */
} pose;

/* One of the four convolutions, and what came out of it. */
typedef struct layer { cyg_conv_part part; float *values; } layer;

struct cyg_pose {
    cyg_skeleton   skeleton;
    const char    *tap;
    float          start, apart, threshold;
    int            max_count, edge_count;
    edge           tree[CYG_MAX_POINTS];
    cyg_conv      *conv;                /* all four: */
    layer          heat, offsets, forward, backward;
    axis           rows, columns;
    cyg_candidate *candidates;          /* [rows][columns][points] */
    pose          *poses;               /* [MAX_POSES] */
    int            pose_count;
};

static void pose_free(void *self)
{
    cyg_pose *d = self;
    if (!d) return;
    cyg_conv_free(d->conv);
    free(d->heat.values);
    free(d->offsets.values);
    free(d->forward.values);
    free(d->backward.values);
    free(d->candidates);
    free(d->poses);
    free(d);
}

/* ---- Create ----------------------------------------------------------------------- */

static void read_points(cyg_reader *r, const json_t *list, cyg_skeleton *s)
{
    const size_t count = json_array_size(list);
    if (count < 2 || count > CYG_MAX_POINTS) {
        cyg_mistake(r, "'points': expected a list of 2 to %d texts", CYG_MAX_POINTS);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        s->points[i] = json_string_value(json_array_get(list, i));
        if (!s->points[i]) cyg_mistake(r, "'points': number %zu is not a text", i + 1);
    }
    s->point_count = (int)count;
}

/* Two different points, by number. */
static edge read_pair(cyg_reader *r, const json_t *pair, const char *key, int points)
{
    double ends[2] = { 0, 0 };
    cyg_read_numbers(r, pair, key, 2, 2, 0, points - 1, ends);
    const edge e = { (int)ends[0], (int)ends[1] };
    if (!r->status && (ends[0] != e.parent || ends[1] != e.child || e.parent == e.child))
        cyg_mistake(r, "'%s': found [%g, %g], expected the numbers of two points", key, ends[0], ends[1]);
    return e;
}

static void read_tree(cyg_reader *r, const json_t *list, cyg_pose *d)
{
    bool known[CYG_MAX_POINTS] = { true };
    d->edge_count = d->skeleton.point_count - 1;
    if (!r->status && json_array_size(list) != (size_t)d->edge_count)
        cyg_mistake(r, "'tree': found %zu pairs, expected %d", json_array_size(list), d->edge_count);
    for (int i = 0; i < d->edge_count && !r->status; i++) {
        const edge e = read_pair(r, json_array_get(list, (size_t)i), "tree", d->skeleton.point_count);
        if (!r->status && (!known[e.parent] || known[e.child]))
            cyg_mistake(r, "'tree': pair %d: expected a parent that stands before and a new child", i + 1);
        known[e.child] = true;
        d->tree[i] = e;
    }
}

static void read_bones(cyg_reader *r, const json_t *list, cyg_skeleton *s)
{
    const size_t count = json_array_size(list);
    if (!json_is_array(list) || count > CYG_MAX_BONES)
        cyg_mistake(r, "'bones': expected a list of up to %d pairs", CYG_MAX_BONES);
    for (size_t i = 0; i < count && !r->status; i++) {
        const edge e = read_pair(r, json_array_get(list, i), "bones", s->point_count);
        s->bones[s->bone_count++] = (cyg_bone){ e.parent, e.child };
    }
}

static cyg_status read_settings(cyg_pose *d, const json_t *json, const char *path, cyg_error *err)
{
    cyg_reader r = { .path = path, .head = "pose", .err = err };
    cyg_read_keys(&r, json, "",
                  (const char *const[]){ "type", "labels", "tap", "heat", "offsets", "forward", "backward", "points",
                                         "tree", "bones", "start", "point_threshold", "apart", "threshold",
                                         "max_count", NULL });
    if (json_array_size(json_object_get(json, "labels")) != 1) cyg_mistake(&r, "'labels': expected one text");
    d->tap = cyg_read_text(&r, json, "", "tap");
    read_points(&r, json_object_get(json, "points"), &d->skeleton);
    read_tree(&r, json_object_get(json, "tree"), d);
    read_bones(&r, json_object_get(json, "bones"), &d->skeleton);
    d->heat = (layer){ { cyg_read_text(&r, json, "", "heat"), d->skeleton.point_count }, NULL };
    d->offsets = (layer){ { cyg_read_text(&r, json, "", "offsets"), 2 * d->skeleton.point_count }, NULL };
    d->forward = (layer){ { cyg_read_text(&r, json, "", "forward"), 2 * d->edge_count }, NULL };
    d->backward = (layer){ { cyg_read_text(&r, json, "", "backward"), 2 * d->edge_count }, NULL };
    d->start = (float)cyg_read_number(&r, json_object_get(json, "start"), "start", 0.001, 0.999);
    d->skeleton.threshold = (float)cyg_read_number(&r, json_object_get(json, "point_threshold"), "point_threshold",
                                                   0.001, 0.999);
    d->apart = (float)cyg_read_number(&r, json_object_get(json, "apart"), "apart", 0, 10000);
    d->threshold = (float)cyg_read_number(&r, json_object_get(json, "threshold"), "threshold", 0.001, 0.999);
    d->max_count = cyg_read_integer(&r, json, "max_count", 1, MAX_POSES);
    return r.status;
}

/* Where the middle of what cells see lies, from paddings and strides of the layers up to the map. */
static axis cells_of(const cyg_backbone *net, const char *tap, bool across)
{
    axis a = { .first = 0, .step = 1 };
    for (int i = 0; i < cyg_backbone_layer_count(net); i++) {
        const cyg_layer_info l = cyg_backbone_layer(net, i);
        const int in = across ? l.in_width : l.in_height, out = across ? l.out_width : l.out_height;
        const int zeros = (out - 1) * l.stride + l.kernel - in;
        a.first += a.step * (float)((l.kernel - 1) / 2 - (zeros > 0 ? zeros / 2 : 0));
        a.step *= (float)l.stride;
        a.count = out;
        if (!strcmp(l.name, tap)) break;
    }
    return a;
}

static bool allocate(layer *l, cyg_tensor map)
{
    l->values = calloc((size_t)map.height * (size_t)map.width, (size_t)l->part.channels * sizeof *l->values);
    return l->values != NULL;
}

static cyg_status open_layers(cyg_pose *d, const cyg_backbone *net, cyg_error *err)
{
    const cyg_tensor map = cyg_backbone_map(net, d->tap);
    if (map.height == 0)
        return cyg_fail(err, CYG_FORMAT, "%s: head 'pose': 'tap': the backbone has no map '%.80s'",
                        cyg_model_path(cyg_backbone_model(net)), d->tap);
    d->rows = cells_of(net, d->tap, false);
    d->columns = cells_of(net, d->tap, true);
    if (d->rows.count != map.height || d->columns.count != map.width)
        return cyg_fail(err, CYG_FORMAT, "%s: head 'pose': 'tap': '%.80s' is no layer of the backbone",
                        cyg_model_path(cyg_backbone_model(net)), d->tap);
    const cyg_conv_part parts[] = { d->heat.part, d->offsets.part, d->forward.part, d->backward.part };
    const cyg_status status = cyg_conv_create(&d->conv, net, d->tap, map.channels, parts, 4, err);
    if (status == CYG_NOT_FOUND && err) err->status = CYG_FORMAT;       /* the tensor; that of create is the head */
    if (status) return status == CYG_NOT_FOUND ? CYG_FORMAT : status;
    d->candidates = calloc((size_t)map.height * (size_t)map.width,
                           (size_t)d->skeleton.point_count * sizeof *d->candidates);
    d->poses = calloc(MAX_POSES, sizeof *d->poses);
    const bool enough = allocate(&d->heat, map) && allocate(&d->offsets, map) && allocate(&d->forward, map) &&
                        allocate(&d->backward, map) && d->candidates && d->poses;
    return enough ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "out of memory");
}

static cyg_status pose_create(void **out, const cyg_backbone *net, const json_t *settings,
                              const cyg_head_params *params, cyg_error *err)
{
    *out = NULL;
    cyg_pose *d = calloc(1, sizeof *d);
    if (!d) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    cyg_status status = read_settings(d, settings, cyg_model_path(cyg_backbone_model(net)), err);
    if (params->threshold > 0) d->threshold = params->threshold;
    if (params->max_count > 0) d->max_count = params->max_count;
    if (!status) status = open_layers(d, net, err);
    if (status) pose_free(d);
    else *out = d;
    return status;
}

/* ---- Places ------------------------------------------------------------------------- */

static int nearest(const axis *a, float at)
{
    return (int)lroundf(fminf(fmaxf((at - a->first) / a->step, 0), (float)(a->count - 1)));
}

static int cell_at(const cyg_pose *d, cyg_point at)
{
    return nearest(&d->rows, at.y) * d->columns.count + nearest(&d->columns, at.x);
}

/* Where the cell says that its point k is. */
static cyg_point place_of(const cyg_pose *d, int cell, int k)
{
    const float *offsets = d->offsets.values + (size_t)cell * (size_t)d->offsets.part.channels;
    const int row = cell / d->columns.count, column = cell % d->columns.count;
    return (cyg_point){ d->columns.first + (float)column * d->columns.step + offsets[k + d->skeleton.point_count],
                        d->rows.first + (float)row * d->rows.step + offsets[k] };
}

static cyg_key_point point_of(const cyg_pose *d, int cell, int k, cyg_point place)
{
    return (cyg_key_point){ place.x, place.y, cyg_sigmoid(d->heat.values[cell * d->skeleton.point_count + k]) };
}

/* A pose before has point k near there. */
static bool is_taken(const cyg_pose *d, int poses, int k, const cyg_key_point *at)
{
    for (int i = 0; i < poses; i++) {
        const float x = d->poses[i].points[k].x - at->x, y = d->poses[i].points[k].y - at->y;
        if (x * x + y * y <= d->apart * d->apart) return true;
    }
    return false;
}

/* ---- Poses -------------------------------------------------------------------------- */

/* No cell around is more sure of point k. */
static bool is_highest(const cyg_pose *d, int row, int column, int k)
{
    const int points = d->skeleton.point_count;
    const float own = d->heat.values[(row * d->columns.count + column) * points + k];
    for (int y = row - 1; y <= row + 1; y++)
        for (int x = column - 1; x <= column + 1; x++) {
            if (y < 0 || x < 0 || y >= d->rows.count || x >= d->columns.count) continue;
            if (d->heat.values[(y * d->columns.count + x) * points + k] > own) return false;
        }
    return true;
}

static int find_starts(const cyg_pose *d)
{
    const int points = d->skeleton.point_count;
    const float limit = logf(d->start / (1 - d->start));
    int count = 0;
    for (int cell = 0; cell < d->rows.count * d->columns.count; cell++)
        for (int k = 0; k < points; k++) {
            const float logit = d->heat.values[cell * points + k];
            if (!(logit >= limit) || !is_highest(d, cell / d->columns.count, cell % d->columns.count, k)) continue;
            d->candidates[count++] = (cyg_candidate){ logit, cell * points + k };
        }
    cyg_candidates_order(d->candidates, count);
    return count;
}

/* Along edge e, from one end of it to the other. */
static cyg_key_point follow(const cyg_pose *d, const layer *displacements, int e, cyg_key_point from, int to)
{
    const float *moves = displacements->values +
                         (size_t)cell_at(d, (cyg_point){ from.x, from.y }) * (size_t)displacements->part.channels;
    cyg_point place = { from.x + moves[e + d->edge_count], from.y + moves[e] };
    for (int i = 0; i < REFINEMENTS; i++) place = place_of(d, cell_at(d, place), to);
    return point_of(d, cell_at(d, place), to, place);
}

static void grow(const cyg_pose *d, pose *p, int start)
{
    bool known[CYG_MAX_POINTS] = { false };
    known[start] = true;
    for (int e = d->edge_count - 1; e >= 0; e--) {
        const edge at = d->tree[e];
        if (!known[at.child] || known[at.parent]) continue;
        p->points[at.parent] = follow(d, &d->backward, e, p->points[at.child], at.parent);
        known[at.parent] = true;
    }
    for (int e = 0; e < d->edge_count; e++) {
        const edge at = d->tree[e];
        if (!known[at.parent] || known[at.child]) continue;
        p->points[at.child] = follow(d, &d->forward, e, p->points[at.parent], at.child);
        known[at.child] = true;
    }
}

static void find_many(cyg_pose *d)
{
    const int points = d->skeleton.point_count;
    for (int count = find_starts(d); count > 0 && d->pose_count < MAX_POSES; count--) {
        const int index = cyg_candidates_take(d->candidates, count).index, k = index % points;
        pose *const p = &d->poses[d->pose_count];
        p->points[k] = point_of(d, index / points, k, place_of(d, index / points, k));
        if (is_taken(d, d->pose_count, k, &p->points[k])) continue;
        grow(d, p, k);
        p->score = 0;
        for (int i = 0; i < points; i++)
            if (!is_taken(d, d->pose_count, i, &p->points[i])) p->score += p->points[i].score / (float)points;
        d->pose_count++;
    }
}

static void find_one(cyg_pose *d)
{
    const int points = d->skeleton.point_count, cells = d->rows.count * d->columns.count;
    pose *const p = &d->poses[d->pose_count++];
    p->score = 0;
    for (int k = 0; k < points; k++) {
        int best = 0;
        for (int cell = 1; cell < cells; cell++)
            if (d->heat.values[cell * points + k] > d->heat.values[best * points + k]) best = cell;
        p->points[k] = point_of(d, best, k, place_of(d, best, k));
        p->score += p->points[k].score / (float)points;
    }
}

/* ---- Run ---------------------------------------------------------------------------- */

/* The pose in image pixels, and the box around the points worth showing, or around all if none is. */
static cyg_detection detection_of(const cyg_pose *d, const pose *p, const cyg_region *region)
{
    cyg_detection out = { .box = { INFINITY, INFINITY, -INFINITY, -INFINITY }, .score = p->score };
    bool any = false;
    for (int k = 0; k < d->skeleton.point_count; k++) any |= p->points[k].score >= d->skeleton.threshold;
    for (int k = 0; k < d->skeleton.point_count; k++) {
        const cyg_point at = cyg_region_to_image(region, (cyg_point){ p->points[k].x, p->points[k].y });
        out.points[k] = (cyg_key_point){ at.x, at.y, p->points[k].score };
        if (any && !(p->points[k].score >= d->skeleton.threshold)) continue;
        out.box = (cyg_box){ fminf(out.box.x1, at.x), fminf(out.box.y1, at.y), fmaxf(out.box.x2, at.x),
                             fmaxf(out.box.y2, at.y) };
    }
    return out;
}

static bool is_finite(const cyg_pose *d, const cyg_detection *p)
{
    float sum = p->score;
    for (int k = 0; k < d->skeleton.point_count; k++) sum += p->points[k].x + p->points[k].y;
    return isfinite(sum);
}

/* By falling score; what was found first stands first among equals. */
static void insert(cyg_result *out, const cyg_detection *found, int most)
{
    int at = out->count < most ? out->count++ : most;
    if (at == most && !(found->score > out->detections[--at].score)) return;
    for (; at > 0 && found->score > out->detections[at - 1].score; at--) out->detections[at] = out->detections[at - 1];
    out->detections[at] = *found;
}

void cyg_pose_find(cyg_pose *d, const cyg_region *region, cyg_result *out)
{
    out->count = d->pose_count = 0;
    if (d->max_count == 1) find_one(d);
    else find_many(d);
    for (int i = 0; i < d->pose_count; i++) {
        const cyg_detection found = detection_of(d, &d->poses[i], region);
        if (found.score > d->threshold && is_finite(d, &found)) insert(out, &found, d->max_count);
    }
}

static void pose_run(void *self, const cyg_features *maps, cyg_result *out)
{
    cyg_pose *d = self;
    const cyg_region region = cyg_features_region(maps);
    float *const raw[] = { d->heat.values, d->offsets.values, d->forward.values, d->backward.values };
    cyg_conv_run(d->conv, maps, raw);
    cyg_pose_find(d, &region, out);
}

cyg_pose_maps cyg_pose_last(cyg_pose *d)
{
    return (cyg_pose_maps){ d->heat.values, d->offsets.values, d->forward.values, d->backward.values };
}

static const cyg_skeleton *pose_skeleton(const void *self)
{
    return &((const cyg_pose *)self)->skeleton;
}

const cyg_head_type cyg_pose_type = {
    .name = "pose", .kind = CYG_DETECTIONS, .create = pose_create, .free = pose_free, .run = pose_run,
    .skeleton = pose_skeleton,
};
