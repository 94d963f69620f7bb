/* passes.c - the regions of the passes, and which of their boxes are the same thing. */
#include "passes.h"
#include <math.h>
#include <string.h>

/* What was measured on portraits cut ever tighter, and on pictures without people: ACCURACY.md. */
static const float sure = 0.95f, large = 0.15f; /* score, and size over the picture's shorter side: enough seen */
static const float rooms[] = { 2, 5.6f };       /* side of the padded picture over the picture's */
static const float same_overlap = 0.5f, same_inside = 0.7f;
static const float tile_overlap = 0.25f;
static const float tile_step = 1.5f;    /* image pixels in one of the network's, at which tiles are no finer */
enum { MOST_TILES = 6 };                /* in a row */

/* ---- Merging -------------------------------------------------------------------------- */

static float area(cyg_box b)
{
    return fmaxf(b.x2 - b.x1, 0) * fmaxf(b.y2 - b.y1, 0);
}

/* Nearly the same box, or one mostly inside of the other: a face within a face. */
static bool is_same(const cyg_detection *a, const cyg_detection *b)
{
    if (a->label != b->label) return false;
    const cyg_box both = { fmaxf(a->box.x1, b->box.x1), fmaxf(a->box.y1, b->box.y1),
                           fminf(a->box.x2, b->box.x2), fminf(a->box.y2, b->box.y2) };
    if (!(both.x2 > both.x1 && both.y2 > both.y1)) return false;
    const float shared = area(both), size_a = area(a->box), size_b = area(b->box);
    return shared > same_overlap * (size_a + size_b - shared) || shared > same_inside * fminf(size_a, size_b);
}

/* Puts d in its place by falling score; what it is better than, and the same as, goes. */
static void merge(cyg_result *into, const cyg_detection *d)
{
    cyg_detection *const list = into->detections;
    int at = 0;
    for (; at < into->count && list[at].score >= d->score; at++)
        if (is_same(&list[at], d)) return;
    int kept = at;
    for (int i = at; i < into->count; i++)
        if (!is_same(&list[i], d)) list[kept++] = list[i];
    if (at == CYG_MAX_DETECTIONS) return;
    if (kept == CYG_MAX_DETECTIONS) kept--;             /* the weakest goes */
    memmove(&list[at + 1], &list[at], (size_t)(kept - at) * sizeof *list);
    list[at] = *d;
    into->count = kept + 1;
}

/* ---- Passes --------------------------------------------------------------------------- */

static void run_pass(passes *p, const cyg_image *image, cyg_region region)
{
    cyg_backbone_run(p->backbone, image, region, p->maps);
    cyg_head_run(p->detector, p->maps, &p->found);
}

/* The whole picture and room around it, black. */
static cyg_region padded(const passes *p, const cyg_image *image, float room)
{
    const int width = cyg_backbone_width(p->backbone), height = cyg_backbone_height(p->backbone);
    const float step = room * cyg_region_letterbox(p->backbone, image).m[0];
    return (cyg_region){ { step, 0, ((float)image->width - step * (float)width) / 2,
                           0, step, ((float)image->height - step * (float)height) / 2 } };
}

static void merge_found(passes *p)
{
    for (int i = 0; i < p->found.count; i++) merge(&p->merged, &p->found.detections[i]);
}

static void run_padded(passes *p, const cyg_image *image, float room)
{
    run_pass(p, image, padded(p, image, room));
    merge_found(p);
}

/* The detector is weak where a face fills the picture: it sees nothing, or half of it, or only who
 * stands far behind. One clear face that is not small is enough to know that this is none of those. */
static bool may_have_missed(const cyg_result *found, const cyg_image *image)
{
    const float side = large * (float)(image->width < image->height ? image->width : image->height);
    for (int i = 0; i < found->count && found->detections[i].score >= sure; i++) {
        const cyg_box b = found->detections[i].box;
        if (fmaxf(b.x2 - b.x1, b.y2 - b.y1) >= side) return false;
    }
    return true;
}

/* Where tile i of `count` along an axis begins, and how long each is, in pixels. */
static float tile_side(int length, int count)
{
    return (float)length / ((float)count - tile_overlap * (float)(count - 1));
}

static int tile_count(int length, float finest)
{
    int count = 1;
    while (count < MOST_TILES && tile_side(length, count) > finest) count++;
    return count;
}

/* A box cut by the side of a tile that is not a side of the picture: another tile has it whole. */
static bool is_cut(cyg_box b, cyg_box tile, const cyg_image *image)
{
    return (tile.x1 > 0 && b.x1 < tile.x1) || (tile.y1 > 0 && b.y1 < tile.y1) ||
           (tile.x2 < (float)image->width && b.x2 > tile.x2) || (tile.y2 < (float)image->height && b.y2 > tile.y2);
}

static void run_tile(passes *p, const cyg_image *image, cyg_box tile)
{
    const float width = (float)cyg_backbone_width(p->backbone), height = (float)cyg_backbone_height(p->backbone);
    const float step = fmaxf((tile.x2 - tile.x1) / width, (tile.y2 - tile.y1) / height);
    run_pass(p, image, (cyg_region){ { step, 0, tile.x1, 0, step, tile.y1 } });
    for (int i = 0; i < p->found.count; i++)
        if (!is_cut(p->found.detections[i].box, tile, image)) merge(&p->merged, &p->found.detections[i]);
}

static void run_tiles(passes *p, const cyg_image *image)
{
    const int columns = tile_count(image->width, tile_step * (float)cyg_backbone_width(p->backbone));
    const int rows = tile_count(image->height, tile_step * (float)cyg_backbone_height(p->backbone));
    if (columns * rows == 1) return;
    const float width = tile_side(image->width, columns), height = tile_side(image->height, rows);
    for (int i = 0; i < columns * rows; i++) {
        const float x = (float)(i % columns) * width * (1 - tile_overlap);
        const float y = (float)(i / columns) * height * (1 - tile_overlap);
        run_tile(p, image, (cyg_box){ x, y, i % columns == columns - 1 ? (float)image->width : x + width,
                                      i / columns == rows - 1 ? (float)image->height : y + height });
    }
}

void passes_run(passes *p, const cyg_image *image)
{
    run_pass(p, image, cyg_region_letterbox(p->backbone, image));
    if (p->plan == PASSES_SINGLE) {
        p->merged = p->found;
        return;
    }
    const bool again = may_have_missed(&p->found, image);
    p->merged.kind = p->found.kind;
    p->merged.count = 0;
    merge_found(p);
    if (again) run_padded(p, image, rooms[0]);
    if (p->merged.count == 0) run_padded(p, image, rooms[1]);
    if (p->plan == PASSES_TILES) run_tiles(p, image);
}
