/* pass.c - one pass: runs the steps of a plan over an image or a tensor. */
#include "plan.h"
#include <assert.h>
#include <string.h>

static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }

/* Output pixels from .. to-1 in reading order, output channels first .. last-1. */
typedef struct extent { int from, to, first, last; } extent;

static char *row_at(const cyg_rows *rows, int y)
{
    return rows->data + y % rows->lines * rows->row;
}

/* ---- The window: input to panel ---------------------------------------------------- */

/* Where the patches of a row of output are laid, and what from: of each plane, three rows. */
typedef struct patches {
    const cyg_step *s;
    char       *panel;              /* of output pixel `from` */
    size_t      panel_step;         /* bytes */
    int         from;
    size_t      plane, patch;       /* from one plane to the next, in the rows and in the panel, bytes */
    const char *in[3], *outside;    /* what stands for pixels that the row does not have */
} patches;

/* One at a time, [planes][kernel][kernel][channels]. */
static void lay_any(const patches *p, size_t element, int x0, int x1)
{
    const cyg_step *s = p->s;
    const size_t bytes = s->in_channels * element;
    for (int x = x0; x < x1; x++)
        for (int i = 0; i < s->planes; i++) {
            char *out = p->panel + (x - p->from) * p->panel_step + i * p->patch;
            for (int ky = 0; ky < s->kernel; ky++)
                for (int kx = 0; kx < s->kernel; kx++, out += bytes) {
                    const int column = x * s->stride - s->pad_x + kx;
                    const bool inside = column >= 0 && column < s->in_width;
                    const char *const at = inside ? p->in[ky] + column * s->in_step * element : p->outside;
                    memcpy(out, at + i * p->plane, bytes);
                }
        }
}

/* Of the network's first layer, inside of the row: runs of 9 values. Copying 12 at a time is faster,
 * and what is too much of one run the next one overwrites. */
static inline void lay_inside(const patches *p, size_t element, int x0, int x1)
{
    size_t at = (size_t)(x0 * p->s->stride - p->s->pad_x) * 3 * element;
    char *panel = p->panel + (x0 - p->from) * p->panel_step;
    for (int x = x0; x < x1; x++, panel += p->panel_step, at += p->s->stride * 3 * element)
        for (int i = 0; i < p->s->planes; i++)
            for (int ky = 0; ky < 3; ky++)
                memcpy(panel + i * p->patch + ky * 9 * element, p->in[ky] + i * p->plane + at, 12 * element);
}

/* The patches of output pixels p->from .. to-1 of a row, from left to right. */
static void lay_patches(const patches *p, size_t element, int to)
{
    const cyg_step *s = p->s;
    const bool first = s->in_channels == 3 && s->in_step == 3 && s->kernel == 3;
    int begin = max(p->from, (s->pad_x + s->stride - 1) / s->stride);      /* from here to end, 4 columns are inside */
    int end = min(to, (s->in_width - 4 + s->pad_x) / s->stride + 1);
    if (!first || begin > end) begin = end = to;
    lay_any(p, element, p->from, begin);
    if (element == 4) lay_inside(p, 4, begin, end);
    else if (element == 2) lay_inside(p, 2, begin, end);
    else lay_inside(p, 1, begin, end);
    lay_any(p, element, end, to);
}

static void fill_panel(const cyg_features *maps, const cyg_step *s, char *panel, size_t panel_step,
                       const cyg_rows *in, int from, int to)
{
    const cyg_backbone *net = maps->net;
    const size_t element = net->arithmetic->element;
    const cyg_window window = { s->in_width, s->in_channels, s->stride, s->pad_x };
    const char *const outside = s == net->steps ? maps->border : maps->zeros;
    const size_t plane = s->in_width * s->in_step * element, patch = s->depth / s->planes * element;
    for (int p = from; p < to; ) {
        const int y = p / s->out_width, x0 = p % s->out_width;
        const int x1 = min(s->out_width, x0 + to - p);
        const char *rows[3] = { outside, outside, outside };
        for (int ky = 0; ky < s->kernel; ky++) {
            const int line = y * s->stride - s->pad_y + ky;
            if (line >= 0 && line < s->in_height) rows[ky] = row_at(in, line);
        }
        if (s->window == CYG_DEPTHWISE)
            s->arithmetic->depthwise(panel, panel_step, (const void *[]){ rows[0], rows[1], rows[2] },
                                       s->in_step, &window, x0, x1, s->window_packed, net->lo, net->hi);
        else
            lay_patches(&(patches){ s, panel, panel_step * element, x0, plane, patch,
                                    { rows[0], rows[1], rows[2] }, outside }, element, x1);
        panel += (x1 - x0) * panel_step * element;
        p += x1 - x0;
    }
}

/* ---- A step ------------------------------------------------------------------------- */

/* How many pixels from p on lie in rows that follow each other in memory. */
static int unbroken(const cyg_rows *rows, int width, int p)
{
    return (p / width / rows->lines + 1) * rows->lines * width - p;
}

static void run_step(const cyg_features *maps, const cyg_step *s, char *panel,
                     const cyg_rows *in, const cyg_rows *out, extent e)
{
    const cyg_backbone *net = maps->net;
    const cyg_arithmetic *a = s->arithmetic;
    const char *packed = s->packed ? (char *)s->packed + cyg_pack_product_at(a, s->depth, e.first) : NULL;
    for (int p = e.from, n; p < e.to; p += n) {
        char *to = row_at(out, p / s->out_width) + p % s->out_width * s->out_step * a->element;
        n = min(min(s->chunk, e.to - p), unbroken(out, s->out_width, p));
        if (!packed) {
            fill_panel(maps, s, to, s->out_step, in, p, p + n);
            continue;
        }
        const char *from = panel;
        size_t step = cyg_spread(a, s->depth);
        if (s->window == CYG_NONE) {
            n = min(n, unbroken(in, s->in_width, p));
            step = s->in_step;
            from = row_at(in, p / s->in_width) + p % s->in_width * step * a->element;
        } else {
            fill_panel(maps, s, panel, step, in, p, p + n);
        }
        a->product(to + e.first * a->element, s->out_step, from, step, packed, n, s->depth,
                   e.last - e.first, net->lo, net->hi);
    }
}

/* ---- A group -------------------------------------------------------------------------- */

/* Makes the network's input up to row `end`, by way of a row of floats. */
static void pull_input(const cyg_features *maps, const cyg_scratch *scratch, cyg_rows *rows, int end)
{
    const cyg_backbone *net = maps->net;
    const size_t values = (size_t)net->input.width * 3;
    for (; rows->next < end; rows->next++) {
        const float *row = maps->tensor + (maps->tensor ? rows->next * values : 0);
        if (!maps->tensor) {
            float *sampled = cyg_input_floats(net, scratch);
            cyg_sampler_row(&maps->sampler, sampled, rows->next);
            row = sampled;
        }
        net->arithmetic->narrow(row_at(rows, rows->next), row, (size_t)net->input.width, &net->levels);
    }
}

/* Makes what output rows from .. to-1 of step s need of its input. */
static void pull(const cyg_features *maps, cyg_scratch *scratch, int s, int from, int to)
{
    const cyg_step *step = &maps->net->steps[s], *before = step - 1;
    cyg_rows *in = &scratch->in[s];
    const int end = min(step->in_height, (to - 1) * step->stride - step->pad_y + step->kernel);
    if (in->next < 0) in->next = max(0, from * step->stride - step->pad_y);
    if (s == 0) {
        pull_input(maps, scratch, in, end);
        return;
    }
    while (in->next < end) {
        const int next = min(end, in->next + max(1, before->chunk / before->out_width));
        pull(maps, scratch, s - 1, in->next, next);
        run_step(maps, before, scratch->memory, &scratch->in[s - 1], in,
                 (extent){ in->next * before->out_width, next * before->out_width, 0, before->out_channels });
        in->next = next;
    }
}

static cyg_rows output_of(const cyg_features *maps, const cyg_step *s)
{
    const size_t row = s->out_width * s->out_step * maps->net->arithmetic->element;
    return (cyg_rows){ maps->arena + s->offset, s->out_height, row, s->out_height };
}

/* The first step of a group reads a whole map, the others a ring that is still empty. */
static void begin_group(const cyg_features *maps, cyg_scratch *scratch, const cyg_group *group)
{
    const cyg_backbone *net = maps->net;
    char *free = scratch->memory + net->panel_size + cyg_padded((size_t)net->input.width * 3 * sizeof(float));
    for (int s = group->first; s <= group->last; s++) {
        const cyg_step *step = &net->steps[s];
        const size_t row = s ? step->in_width * step->in_step * net->arithmetic->element : cyg_input_row(net);
        if (s > 0 && s == group->first) {
            scratch->in[s] = output_of(maps, step - 1);
            continue;
        }
        const int lines = s ? step[-1].lines : net->input_lines;
        scratch->in[s] = (cyg_rows){ free, lines, row, -1 };
        free += cyg_padded(lines * row);
    }
}

/* How many equal parts task i of `tasks` does: of the pixels if there are enough of them, of
 * the output channels otherwise. Which part it is never changes a result. */
static extent share(const cyg_features *maps, const cyg_step *s, int tasks, int i)
{
    const int pixels = s->out_width * s->out_height, columns = s->arithmetic->columns;
    const int panels = s->packed ? (s->out_channels + columns - 1) / columns : 1;
    int parts = tasks;
    while (parts > 1 && pixels / parts < 12) parts /= 2;
    const int across = tasks / parts, part = i % parts, slice = i / parts;
    if (slice >= across) return (extent){ 0 };
    return (extent){ (int)((int64_t)pixels * part / parts), (int)((int64_t)pixels * (part + 1) / parts),
                     panels * slice / across * columns,
                     min(s->out_channels, panels * (slice + 1) / across * columns) };
}

typedef struct group_task { cyg_features *maps; const cyg_group *group; int tasks; } group_task;

static void run_share(void *arg, int i)
{
    const group_task *task = arg;
    const cyg_features *maps = task->maps;
    const cyg_step *s = &maps->net->steps[task->group->last];
    cyg_scratch *scratch = &maps->scratch[i];
    const cyg_rows out = output_of(maps, s);
    extent e = share(maps, s, task->tasks, i);
    const int to = e.first < e.last ? e.to : 0;

    begin_group(maps, scratch, task->group);
    while (e.from < to) {
        const int row = e.from / s->out_width;
        const int rows = max(1, s->chunk / s->out_width);
        e.to = min(to, (row + rows) * s->out_width);
        pull(maps, scratch, task->group->last, row, (e.to - 1) / s->out_width + 1);
        run_step(maps, s, scratch->memory, &scratch->in[task->group->last], &out, e);
        e.from = e.to;
    }
}

static void run_pass(cyg_features *maps)
{
    const cyg_backbone *net = maps->net;
    memset(maps->floats_made, 0, (size_t)net->tap_count * sizeof *maps->floats_made);
    for (int g = 0; g < net->group_count; g++) {
        group_task task = { maps, &net->groups[g], maps->executor.threads };
        if (maps->executor.parallel_for)
            maps->executor.parallel_for(maps->executor.context, task.tasks, run_share, &task);
        else
            run_share(&task, 0);
    }
}

/* ---- Public --------------------------------------------------------------------------- */

void cyg_backbone_run(const cyg_backbone *net, const cyg_image *image, cyg_region region,
                      cyg_features *maps)
{
    assert(maps->net == net);
    maps->region = region;
    cyg_sampler_begin(&maps->sampler, net->kernels, &net->input, maps->sampler_memory, image, region);
    run_pass(maps);
}

void cyg_backbone_run_tensor(const cyg_backbone *net, const float *input, cyg_features *maps)
{
    assert(maps->net == net);
    maps->tensor = input;
    maps->region = (cyg_region){ { 1, 0, 0, 0, 1, 0 } };
    run_pass(maps);
    maps->tensor = NULL;
}
