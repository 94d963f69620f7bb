/* plan.c - from layers to steps: what is fused, what is packed, what stays in the cache, and
 * where each map lies. */
#include "plan.h"
#include <stdlib.h>
#include <string.h>

/* Of one core; chosen low, since the plan must hold on every machine. */
enum {
    PANEL_BYTES = 32 << 10,     /* a panel stays in the first level, ... */
    HEAVY_BYTES = 256 << 10,    /* ... unless weights of this size pass by each time: then it is ... */
    HEAVY_PANEL_BYTES = 64 << 10,
    GROUP_BYTES = 768 << 10,    /* rings and weights of a group stay in the second level */
    SMALL_BYTES = 256 << 10     /* a map of this size stays there by itself */
};

static bool is_kept(const cyg_backbone *net, int layer)
{
    if (net->pool_tap >= 0 && layer == net->pool_layer) return true;
    for (int i = 0; i < net->tap_count; i++)
        if (!strcmp(net->taps[i].name, net->layers[layer].info.name)) return true;
    return layer == net->layer_count - 1;
}

/* ---- Fusing ------------------------------------------------------------------------ */

/* A depthwise layer joins the 1x1 layer after it, unless it must be kept itself. */
static bool joins_next(const cyg_backbone *net, int layer)
{
    if (!net->layers[layer].info.depthwise || is_kept(net, layer)) return false;
    const cyg_layer_info *next = &net->layers[layer + 1].info;
    return !next->depthwise && next->kernel == 1 && next->stride == 1;
}

static cyg_step make_step(const cyg_layer *window, const cyg_layer_info *out)
{
    const cyg_layer_info *l = &window->info;
    return (cyg_step){
        .window = l->depthwise ? CYG_DEPTHWISE : l->kernel == 1 && l->stride == 1 ? CYG_NONE : CYG_PATCHES,
        .runs = 1,
        .kernel = l->kernel, .stride = l->stride, .pad_x = window->pad_x, .pad_y = window->pad_y,
        .in_width = l->in_width, .in_height = l->in_height, .in_channels = l->in_channels,
        .out_width = out->out_width, .out_height = out->out_height, .out_channels = out->out_channels,
        .depth = l->depthwise ? l->in_channels : l->kernel * l->kernel * l->in_channels,
    };
}

static cyg_status no_memory(const cyg_backbone *net, cyg_error *err)
{
    return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", cyg_model_path(net->model));
}

/* ---- Packing ----------------------------------------------------------------------- */

static bool is_integer(const cyg_backbone *net)
{
    return net->arithmetic == net->kernels->i8;
}

/* What a level of each output of a layer is worth; the caller frees it. */
static cyg_status worth_of(float **out, const cyg_backbone *net, const cyg_layer *layer, cyg_error *err)
{
    *out = NULL;
    if (!(layer->range > 0))
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: precision i8: layer '%s' has no range; "
                        "cygnet-model quantize makes a model file that has them", cyg_model_path(net->model),
                        layer->info.name);
    float *const worth = malloc((size_t)layer->info.out_channels * sizeof *worth);
    if (!worth) return no_memory(net, err);
    for (int c = 0; c < layer->info.out_channels; c++) worth[c] = layer->range / 127;
    *out = worth;
    return CYG_OK;
}

/* Weights of inputs that are values to weights of inputs that are levels. */
static cyg_status take_levels(float *weights, float *bias, cyg_backbone *net, const cyg_layer *layer, cyg_error *err)
{
    const cyg_layer_info *l = &layer->info;
    if (layer == net->layers) {
        cyg_integers_input(weights, bias, &net->input, l);
        return CYG_OK;
    }
    float *worth;
    const cyg_status status = worth_of(&worth, net, layer - 1, err);
    if (status) return status;
    const size_t n = l->depthwise ? 1 : (size_t)l->out_channels, rows = (size_t)l->kernel * l->kernel * l->in_channels;
    for (size_t row = 0; row < rows; row++)
        for (size_t j = 0; j < n; j++) weights[row * n + j] *= worth[row % l->in_channels];
    free(worth);
    return CYG_OK;
}

/* What each input of a 1x1 convolution is on the average, in levels; NULL: that is not known. */
static cyg_status expect_inputs(float **inputs, const cyg_backbone *net, const cyg_layer *layer, double epsilon,
                                cyg_error *err)
{
    const cyg_layer *before = layer - 1;
    *inputs = NULL;
    if (layer == net->layers || layer->info.depthwise || layer->info.kernel != 1) return CYG_OK;
    const cyg_status status = cyg_layer_means(inputs, net->model, before, epsilon, before->range, err);
    for (int c = 0; *inputs && c < before->info.out_channels; c++) (*inputs)[c] *= 127 / before->range;
    return status;
}

static cyg_status pack_integers(void **packed, cyg_backbone *net, const cyg_step *step, const cyg_layer *layer,
                                float *weights, float *bias, double epsilon, cyg_error *err)
{
    const bool first = layer == net->layers;
    const int n = layer->info.out_channels, parts = first ? step->arithmetic->parts : 1;
    const int k = layer->info.depthwise ? 9 : step->runs * step->depth / parts;
    float *worth = NULL, *inputs = NULL;
    cyg_integers w = { 0 };
    cyg_status status = take_levels(weights, bias, net, layer, err);
    if (!status) status = worth_of(&worth, net, layer, err);
    if (!status) status = expect_inputs(&inputs, net, layer, epsilon, err);
    if (!status) status = cyg_integers_make(&w, net->model, weights, bias, k, n, worth, inputs, err);
    if (!status && parts == 2) status = cyg_integers_repeat(&w, net->model, k, n, err);
    if (!status && layer->info.depthwise) cyg_pack_depthwise_i8(*packed, step->kernels, &w, n);
    else if (!status) cyg_pack_product_i8(*packed, step->kernels, &w, step->runs, step->depth, n);
    cyg_integers_free(&w);
    free(inputs);
    free(worth);
    return status;
}

/* The weights of a layer as the kernels read them. */
static cyg_status pack_layer(void **packed, cyg_backbone *net, const cyg_step *step, const cyg_layer *layer,
                             double epsilon, cyg_error *err)
{
    float *weights, *bias;
    cyg_status status = cyg_layer_weights(&weights, &bias, net->model, layer, epsilon, err);
    if (status) return status;
    const cyg_arithmetic *a = step->arithmetic;
    const int n = layer->info.out_channels;
    const bool depthwise = layer->info.depthwise;
    const size_t size = depthwise ? cyg_pack_depthwise_size(step->kernels, a, n)
                                  : cyg_pack_product_size(step->kernels, a, step->runs, step->depth, n);
    net->packed_size += size;
    if (!(*packed = malloc(size))) status = no_memory(net, err);
    else if (is_integer(net)) status = pack_integers(packed, net, step, layer, weights, bias, epsilon, err);
    else if (depthwise) cyg_pack_depthwise(*packed, step->kernels, a, weights, bias, n);
    else cyg_pack_product(*packed, step->kernels, a, weights, bias, step->runs, step->depth, n);
    free(weights);
    free(bias);
    return status;
}

/* Few channels leave most of a wide vector empty. A depthwise layer in integers makes use of it otherwise. */
static void choose_kernels(cyg_step *step, const cyg_backbone *net)
{
    const cyg_kernels *half = net->kernels->half;
    const bool depthwise = step->window == CYG_DEPTHWISE;
    const int channels = depthwise ? step->in_channels : step->out_channels;
    step->kernels = half && !(depthwise && is_integer(net)) && channels <= half->lanes ? half : net->kernels;
    step->arithmetic = cyg_kernels_arithmetic(step->kernels, net->arithmetic->precision);
}

/* Of the first step. Its input has a border as wide as the kernel reaches, and one pixel more: products
 * read a run in whole groups. */
static void read_rows(cyg_backbone *net, cyg_step *step)
{
    const int before = step->pad_x + step->in_width, reach = (step->out_width - 1) * step->stride + step->kernel;
    step->window = CYG_ROWS;
    step->in_channels = 3 * step->arithmetic->parts;
    step->in_step = (size_t)step->in_channels;
    step->runs = step->kernel;
    step->depth = step->kernel * step->in_channels;
    const size_t pixel = step->in_step * net->arithmetic->element;
    net->input_left = step->pad_x * pixel;
    net->input_row = ((before > reach ? before : reach) + 1) * pixel;
}

/* One step from layers[*layer] on; *layer moves behind it. */
static cyg_status add_step(cyg_backbone *net, int *layer, double epsilon, cyg_error *err)
{
    const cyg_layer *window = &net->layers[*layer], *product = window;
    if (joins_next(net, *layer)) product = &net->layers[++*layer];
    ++*layer;
    cyg_step *step = &net->steps[net->step_count++];
    *step = make_step(window, &product->info);
    if (net->step_count > 1) step->in_step = step[-1].out_step;
    step->out_step = is_kept(net, *layer - 1) ? (size_t)step->out_channels
                                              : cyg_spread(net->arithmetic, step->out_channels);
    choose_kernels(step, net);
    if (net->step_count == 1) read_rows(net, step);
    cyg_status status = CYG_OK;
    if (window->info.depthwise) status = pack_layer(&step->window_packed, net, step, window, epsilon, err);
    if (!status && !product->info.depthwise) status = pack_layer(&step->packed, net, step, product, epsilon, err);
    if (!status && is_integer(net)) status = worth_of(&step->worth, net, product, err);
    return status;
}

/* ---- Grouping ------------------------------------------------------------------------ */

static size_t weight_bytes(const cyg_backbone *net, const cyg_step *step)
{
    return (size_t)step->runs * step->depth * step->out_channels * net->arithmetic->element +
           10 * (size_t)step->in_channels * sizeof(float);
}

/* Output pixels in a panel: whole rows if several fit, else an equal share of one. */
static int chunk_pixels(const cyg_backbone *net, const cyg_step *step)
{
    const int bytes = weight_bytes(net, step) < HEAVY_BYTES ? PANEL_BYTES : HEAVY_PANEL_BYTES;
    int fit = bytes / (int)net->arithmetic->element / (step->runs * step->depth);
    if (fit < 16) fit = 16;
    if (fit >= step->out_width) return fit / step->out_width * step->out_width;
    const int parts = (step->out_width + fit - 1) / fit;
    return (step->out_width + parts - 1) / parts;
}

/* Rows of input that a step needs at once for one panel. */
static int input_lines(const cyg_step *step)
{
    const int rows = step->chunk / step->out_width, band = rows > 1 ? rows : 1;
    const int lines = (band - 1) * step->stride + step->kernel;
    return lines < step->in_height ? lines : step->in_height;
}

static size_t row_bytes(const cyg_backbone *net, const cyg_step *step)
{
    return step->out_width * step->out_step * net->arithmetic->element;
}

/* Joins steps while everything between and in them fits; `ends` says where maps are kept. */
static void make_groups(cyg_backbone *net, const bool *ends)
{
    for (int s = 0; s < net->step_count; ) {
        cyg_group *group = &net->groups[net->group_count++];
        group->first = group->last = s;
        size_t bytes = weight_bytes(net, &net->steps[s]);
        for (; s + 1 < net->step_count && !ends[s]; s++) {
            cyg_step *step = &net->steps[s];
            const cyg_step *next = step + 1;
            const int lines = input_lines(next);
            if (row_bytes(net, step) * step->out_height <= SMALL_BYTES) break;
            bytes += row_bytes(net, step) * lines + weight_bytes(net, next);
            if (bytes > GROUP_BYTES) break;
            step->lines = lines;
            group->last = s + 1;
        }
        s = group->last + 1;
    }
}

/* ---- Memory ---------------------------------------------------------------------------- */

/* Maps that are kept have their own place; the others, between two groups, take turns in two. */
static void place_maps(cyg_backbone *net, const int *last_layer)
{
    size_t turn[2] = { 0 }, kept = 0;
    for (int g = 0; g < net->group_count; g++) {
        cyg_step *step = &net->steps[net->groups[g].last];
        const size_t size = cyg_padded(row_bytes(net, step) * step->out_height);
        step->lines = step->out_height;
        if (is_kept(net, last_layer[net->groups[g].last])) {
            step->offset = kept;
            kept += size;
        } else if (turn[g % 2] < size) {
            turn[g % 2] = size;
        }
    }
    for (int g = 0; g < net->group_count; g++)
        if (!is_kept(net, last_layer[net->groups[g].last]))
            net->steps[net->groups[g].last].offset = kept + (g % 2 ? turn[0] : 0);
    net->arena_size = kept + turn[0] + turn[1];
}

/* Floats of a step's map: the map itself, or a copy. */
static size_t place_floats(cyg_backbone *net, int s)
{
    const cyg_step *step = &net->steps[s];
    const size_t at = net->arena_size;
    if (net->arithmetic == &net->kernels->f32) return step->offset;
    net->arena_size += cyg_padded((size_t)step->out_width * step->out_height * step->out_channels * sizeof(float));
    return at;
}

static void place_taps(cyg_backbone *net, const int *last_layer)
{
    for (int i = 0; i < net->tap_count; i++) {
        cyg_tap *tap = &net->taps[i];
        if (i == net->pool_tap) {
            tap->offset = net->arena_size;
            net->arena_size += cyg_padded(tap->channels * sizeof(float));
            net->pool_floats = place_floats(net, net->pool_step);
            continue;
        }
        while (strcmp(tap->name, net->layers[last_layer[tap->step]].info.name)) tap->step++;
        tap->offset = place_floats(net, tap->step);
    }
}

static void size_scratch(cyg_backbone *net)
{
    const size_t element = net->arithmetic->element;
    net->input_lines = input_lines(&net->steps[0]);
    const size_t input = cyg_padded(net->input_lines * net->input_row);
    for (int g = 0; g < net->group_count; g++) {
        size_t size = g ? 0 : input;
        for (int s = net->groups[g].first; s < net->groups[g].last; s++)
            size += cyg_padded(row_bytes(net, &net->steps[s]) * net->steps[s].lines);
        if (net->scratch_size < size) net->scratch_size = size;
    }
    for (int s = 0; s < net->step_count; s++) {
        const cyg_step *step = &net->steps[s];
        const size_t panel = cyg_padded((size_t)step->chunk * cyg_spread(net->arithmetic, step->depth) * element);
        const size_t read = cyg_padded((size_t)CYG_HEAD_PIXELS * step->out_channels * sizeof(float));
        const size_t zeros = cyg_padded(step->in_width * step->in_step * element);
        if (net->panel_size < panel) net->panel_size = panel;
        if (net->panel_size < read) net->panel_size = read;
        if (net->zeros < zeros) net->zeros = zeros;
    }
    net->scratch_size += net->panel_size + cyg_padded((size_t)net->input.width * 3 * sizeof(float));
}

/* ---- All of it --------------------------------------------------------------------------- */

cyg_status cyg_plan_make(cyg_backbone *net, double epsilon, cyg_error *err)
{
    int last_layer[CYG_MAX_LAYERS];
    bool ends[CYG_MAX_LAYERS];
    net->levels = cyg_integers_levels(&net->input);
    for (int layer = 0; layer < net->layer_count; ) {
        const cyg_status status = add_step(net, &layer, epsilon, err);
        if (status) return status;
        last_layer[net->step_count - 1] = layer - 1;
        ends[net->step_count - 1] = is_kept(net, layer - 1);
    }
    for (int s = 0; s < net->step_count; s++) {
        net->steps[s].chunk = chunk_pixels(net, &net->steps[s]);
        if (last_layer[s] == net->pool_layer) net->pool_step = s;
    }
    make_groups(net, ends);
    for (int g = 0, layer = 0; g < net->group_count; g++)
        while (layer <= last_layer[net->groups[g].last]) net->layers[layer++].info.stage = g;
    place_maps(net, last_layer);
    place_taps(net, last_layer);
    size_scratch(net);
    return CYG_OK;
}

void cyg_plan_free(cyg_backbone *net)
{
    for (int s = 0; s < net->step_count; s++) {
        free(net->steps[s].window_packed);
        free(net->steps[s].packed);
        free(net->steps[s].worth);
    }
}
