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

/* The rows of input that output row y is made from. */
static void find_rows(const void *rows[3], const cyg_features *maps, const cyg_step *s, const cyg_rows *in, int y)
{
    for (int ky = 0; ky < s->kernel; ky++) {
        const int line = y * s->stride - s->pad_y + ky;
        if (line >= 0 && line < s->in_height) rows[ky] = row_at(in, line);
        else rows[ky] = s->window == CYG_ROWS ? maps->border : maps->zeros;
    }
}

/* The patches of output pixels x0 .. x1-1 of a row, each [kernel][kernel][channels]. */
static void lay_patches(const cyg_step *s, char *panel, size_t panel_step, const void *const rows[3],
                        const char *zeros, size_t element, int x0, int x1)
{
    const size_t bytes = s->in_channels * element;
    for (int x = x0; x < x1; x++, panel += panel_step * element) {
        char *out = panel;
        for (int ky = 0; ky < s->kernel; ky++)
            for (int kx = 0; kx < s->kernel; kx++, out += bytes) {
                const int column = x * s->stride - s->pad_x + kx;
                const bool inside = column >= 0 && column < s->in_width;
                memcpy(out, inside ? (const char *)rows[ky] + column * s->in_step * element : zeros, bytes);
            }
    }
}

static void fill_panel(const cyg_features *maps, const cyg_step *s, char *panel, size_t panel_step,
                       const cyg_rows *in, int from, int to)
{
    const cyg_backbone *net = maps->net;
    const size_t element = net->arithmetic->element;
    const cyg_window window = { s->in_width, s->in_channels, s->stride, s->pad_x };
    for (int p = from; p < to; ) {
        const int x0 = p % s->out_width, x1 = min(s->out_width, x0 + to - p);
        const void *rows[3];
        find_rows(rows, maps, s, in, p / s->out_width);
        if (s->window == CYG_DEPTHWISE)
            s->arithmetic->depthwise(panel, panel_step, rows, s->in_step, &window, x0, x1, s->window_packed,
                                     net->lo, net->hi);
        else
            lay_patches(s, panel, panel_step, rows, maps->zeros, element, x0, x1);
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

/* The left side of a product. */
typedef struct operand { const void *in[3]; size_t step; } operand;

/* That of output pixels p .. p + *n - 1, or of fewer, as many as one product can take. */
static operand find_operand(const cyg_features *maps, const cyg_step *s, char *panel, const cyg_rows *in, int p, int *n)
{
    const size_t element = s->arithmetic->element;
    operand from = { { panel }, cyg_spread(s->arithmetic, s->depth) };
    if (s->window == CYG_NONE) {
        *n = min(*n, unbroken(in, s->in_width, p));
        from.step = s->in_step;
        from.in[0] = row_at(in, p / s->in_width) + p % s->in_width * s->in_step * element;
    } else if (s->window == CYG_ROWS) {
        const int x = p % s->out_width;
        *n = min(*n, s->out_width - x);
        from.step = s->stride * s->in_step;
        find_rows(from.in, maps, s, in, p / s->out_width);
        for (int ky = 0; ky < s->kernel; ky++) from.in[ky] = (const char *)from.in[ky] + x * from.step * element;
    } else {
        fill_panel(maps, s, panel, from.step, in, p, p + *n);
    }
    return from;
}

static void run_step(const cyg_features *maps, const cyg_step *s, char *panel,
                     const cyg_rows *in, const cyg_rows *out, extent e)
{
    const cyg_backbone *net = maps->net;
    const cyg_arithmetic *a = s->arithmetic;
    const char *packed = s->packed ? (char *)s->packed + cyg_pack_product_at(a, s->runs, s->depth, e.first) : NULL;
    for (int p = e.from, n; p < e.to; p += n) {
        char *to = row_at(out, p / s->out_width) + p % s->out_width * s->out_step * a->element;
        n = min(min(s->chunk, e.to - p), unbroken(out, s->out_width, p));
        if (!packed) {
            fill_panel(maps, s, to, s->out_step, in, p, p + n);
            continue;
        }
        const operand from = find_operand(maps, s, panel, in, p, &n);
        a->product(to + e.first * a->element, s->out_step, from.in, s->runs, from.step, packed, n, s->depth,
                   e.last - e.first, net->lo, net->hi);
    }
}

/* ---- A group -------------------------------------------------------------------------- */

/* Makes the network's input up to row `end`, by way of a row of floats. */
static void pull_input(const cyg_features *maps, const cyg_scratch *scratch, cyg_rows *rows, int end)
{
    const cyg_backbone *net = maps->net;
    const size_t width = (size_t)net->input.width, left = net->input_left;
    const size_t right = left + width * net->steps[0].in_step * net->arithmetic->element;
    for (; rows->next < end; rows->next++) {
        const float *floats = maps->tensor + (maps->tensor ? rows->next * width * 3 : 0);
        char *const row = row_at(rows, rows->next);
        if (!maps->tensor) {
            float *const sampled = cyg_input_floats(net, scratch);
            cyg_sampler_row(&maps->sampler, sampled, rows->next);
            floats = sampled;
        }
        memcpy(row, maps->border, left);
        net->steps[0].arithmetic->narrow(row + left, floats, width, &net->levels);
        memcpy(row + right, maps->border, net->input_row - right);
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
        const size_t row = s ? step->in_width * step->in_step * net->arithmetic->element : net->input_row;
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
