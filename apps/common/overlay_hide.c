/* overlay_hide.c - makes what is in a box unrecognisable, in the pixel format it has. */
#include "overlay_internal.h"
#include <math.h>

/* Of the shape over the box; how many tiles its longer side has at most, counting those that are cut. */
static const double growth = 1.35;
enum { TILES = 8 };

/* |x / rx|^4 + |y / ry|^4 <= 1: the box's own corners are within it, 2 / 1.35^4 < 1. */
typedef struct shape { double x, y, rx, ry; } shape;

/* What is far outside of any picture may as well be nearer. */
static double nearer(float x)
{
    return fmin(fmax((double)x, -1e6), 1e6);
}

static shape shape_of(const cyg_box *b)
{
    const double x1 = nearer(b->x1), x2 = nearer(b->x2), y1 = nearer(b->y1), y2 = nearer(b->y2);
    return (shape){ (x1 + x2) / 2, (y1 + y2) / 2, fmax(growth * (x2 - x1) / 2, 1), fmax(growth * (y2 - y1) / 2, 1) };
}

void overlay_hide_bounds(const cyg_box *box, int bounds[4])
{
    const shape s = shape_of(box);
    bounds[0] = (int)floor(s.x - s.rx);
    bounds[1] = (int)floor(s.y - s.ry);
    bounds[2] = (int)ceil(s.x + s.rx);
    bounds[3] = (int)ceil(s.y + s.ry);
}

/* ---- tiles: the only thing that is kept ---------------------------------------------------- */

/* Of one component, in its samples. A tile has the mean of its samples; left, top: of the first
 * tile, which may be outside of the picture; x1 .. x2, y1 .. y2: what there is of the shape. */
typedef struct tiles {
    int     left, top, width, height;       /* width, height: of each */
    int     x1, y1, x2, y2;
    int64_t sum[TILES][TILES], count[TILES][TILES];
} tiles;

static int smaller(int a, int b) { return a < b ? a : b; }
static int larger(int a, int b)  { return a > b ? a : b; }

static int tile_x(const tiles *t, int x)
{
    return smaller((x - t->left) / t->width, TILES - 1);
}

static int tile_y(const tiles *t, int y)
{
    return smaller((y - t->top) / t->height, TILES - 1);
}

static void lay_tiles(tiles *t, const component *c, const cyg_image *image, const cyg_box *box)
{
    int bounds[4];
    overlay_hide_bounds(box, bounds);
    const int across = 1 << c->shift_x, down = 1 << c->shift_y;
    const int longer = larger(bounds[2] - bounds[0], bounds[3] - bounds[1]);
    const int side = (longer + TILES - 2) / (TILES - 1);
    *t = (tiles){
        .left = bounds[0] >> c->shift_x, .top = bounds[1] >> c->shift_y,
        .width = (side + across - 1) >> c->shift_x, .height = (side + down - 1) >> c->shift_y,
        .x1 = larger(bounds[0], 0) >> c->shift_x, .y1 = larger(bounds[1], 0) >> c->shift_y,
        .x2 = (smaller(bounds[2], image->width) + across - 1) >> c->shift_x,
        .y2 = (smaller(bounds[3], image->height) + down - 1) >> c->shift_y,
    };
}

static uint8_t *sample_at(const component *c, int x, int y)
{
    return c->base + y * c->stride + x * c->step * (c->wide ? 2 : 1);
}

static void fill_tiles(tiles *t, const component *c)
{
    for (int y = t->y1; y < t->y2; y++)
        for (int x = t->x1; x < t->x2; x++) {
            t->sum[tile_y(t, y)][tile_x(t, x)] += read_sample(sample_at(c, x, y), c->wide);
            t->count[tile_y(t, y)][tile_x(t, x)]++;
        }
    for (int i = 0; i < TILES; i++)
        for (int j = 0; j < TILES; j++)
            if (t->count[i][j]) t->sum[i][j] = (t->sum[i][j] + t->count[i][j] / 2) / t->count[i][j];
}

/* ---- painting ---------------------------------------------------------------------------------- */

/* Where between two tiles' centres a sample stands: they are first and second, `part` of the way on. */
typedef struct between { int first, second; float part; } between;

static between find_between(int place, int origin, int size, int least, int most)
{
    const float at = ((float)(place - origin) + 0.5f) / (float)size - 0.5f;
    const int first = (int)floorf(at);
    return (between){ larger(least, smaller(first, most)), larger(least, smaller(first + 1, most)), at - (float)first };
}

static int64_t smooth(const tiles *t, between x, between y)
{
    const float a = (float)t->sum[y.first][x.first], b = (float)t->sum[y.first][x.second];
    const float c = (float)t->sum[y.second][x.first], d = (float)t->sum[y.second][x.second];
    const float above = a + (b - a) * x.part, below = c + (d - c) * x.part;
    return lrintf(above + (below - above) * y.part);
}

/* The samples of row y that lie in the shape: *from .. *to. A sample that stands for several rows
 * goes by the widest of them. */
static void find_span(const component *c, const tiles *t, const shape *s, int y, int *from, int *to)
{
    const double top = y << c->shift_y, bottom = (y + 1) << c->shift_y;
    const double row = fmin(fmax(s->y, top + 0.5), bottom - 0.5), away = fmin(fabs(row - s->y) / s->ry, 1);
    const double half = s->rx * sqrt(sqrt(1 - away * away * away * away));
    *from = larger((int)floor(s->x - half) >> c->shift_x, t->x1);
    *to = smaller((int)ceil(s->x + half + (1 << c->shift_x) - 1) >> c->shift_x, t->x2);
}

static void hide_row(const component *c, const tiles *t, int y, int from, int to, overlay_hide how)
{
    const int first = tile_x(t, t->x1), last = tile_x(t, t->x2 - 1);
    const between vertical = find_between(y, t->top, t->height, tile_y(t, t->y1), tile_y(t, t->y2 - 1));
    const int64_t black = (c->a * 255 + 32768) >> 16;
    for (int x = from; x < to; x++) {
        int64_t value = black;
        if (how == OVERLAY_PIXELATE) value = t->sum[tile_y(t, y)][tile_x(t, x)];
        if (how == OVERLAY_BLUR) value = smooth(t, find_between(x, t->left, t->width, first, last), vertical);
        write_sample(sample_at(c, x, y), c->wide, value);
    }
}

void overlay_hide_box(cyg_image *image, const cyg_box *box, overlay_hide how)
{
    component c[3];
    tiles t;
    const shape s = shape_of(box);
    const int count = overlay_components(c, image);
    for (int i = 0; i < count; i++) {
        lay_tiles(&t, &c[i], image, box);
        if (how != OVERLAY_SOLID) fill_tiles(&t, &c[i]);
        for (int y = t.y1; y < t.y2; y++) {
            int from, to;
            find_span(&c[i], &t, &s, y, &from, &to);
            hide_row(&c[i], &t, y, from, to, how);
        }
    }
}
