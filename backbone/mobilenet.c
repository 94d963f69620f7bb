/* mobilenet.c - the layers of a MobileNet (arXiv 1704.04861) from its description: the list of
 * a family, the width multiplier and the input size. */
#include "plan.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A family is a list of these. Layer i is named convI; the two of a separable one (depthwise
 * 3x3 with the stride, then 1x1) convI_dw and convI_pw. */
typedef struct block {
    enum { FULL_3X3 = 1, SEPARABLE } kind;
    int stride, channels;
} block;

static const block mobilenet_v1[] = {       /* Table 1 of the paper */
    { FULL_3X3,  2, 32 },
    { SEPARABLE, 1, 64 },
    { SEPARABLE, 2, 128 },  { SEPARABLE, 1, 128 },
    { SEPARABLE, 2, 256 },  { SEPARABLE, 1, 256 },
    { SEPARABLE, 2, 512 },  { SEPARABLE, 1, 512 }, { SEPARABLE, 1, 512 }, { SEPARABLE, 1, 512 },
    { SEPARABLE, 1, 512 },  { SEPARABLE, 1, 512 },
    { SEPARABLE, 2, 1024 }, { SEPARABLE, 1, 1024 },
    { 0 }
};

static const block shallow[] = {            /* the same without its five layers of 14x14x512 */
    { FULL_3X3,  2, 32 },
    { SEPARABLE, 1, 64 },
    { SEPARABLE, 2, 128 },  { SEPARABLE, 1, 128 },
    { SEPARABLE, 2, 256 },  { SEPARABLE, 1, 256 },
    { SEPARABLE, 2, 512 },
    { SEPARABLE, 2, 1024 }, { SEPARABLE, 1, 1024 },
    { 0 }
};

static const block pose[] = {               /* as PoseNet has it: fine maps, and no layer wider than 512 */
    { FULL_3X3,  2, 32 },
    { SEPARABLE, 1, 64 },
    { SEPARABLE, 2, 128 },  { SEPARABLE, 1, 128 },
    { SEPARABLE, 2, 256 },  { SEPARABLE, 1, 256 },
    { SEPARABLE, 2, 512 },  { SEPARABLE, 1, 512 }, { SEPARABLE, 1, 512 }, { SEPARABLE, 1, 512 },
    { SEPARABLE, 1, 512 },  { SEPARABLE, 1, 512 },
    { SEPARABLE, 1, 512 },  { SEPARABLE, 1, 512 },
    { 0 }
};

typedef struct family {
    const char  *name;
    const block *blocks;
    bool         full;          /* every SEPARABLE is one FULL_3X3 */
} family;

static const family families[] = {
    { "mobilenet_v1", mobilenet_v1, false },
    { "mobilenet_v1_conv", mobilenet_v1, true },        /* Table 4 */
    { "mobilenet_v1_shallow", shallow, false },         /* Table 5 */
    { "mobilenet_v1_pose", pose, false },
};

enum { MIN_SIDE = 16, MAX_SIDE = 4096, MAX_CHANNELS = 65536, MAX_WIDTH = 16 };

/* ---- Reading the description --------------------------------------------------------- */

static cyg_status wrong(const cyg_backbone *net, cyg_error *err, const char *key, const char *expected)
{
    return cyg_fail(err, CYG_FORMAT, "%s: description: backbone.%s: expected %s",
                    cyg_model_path(net->model), key, expected);
}

/* True if object[key] is `yes`, false if it is `no`; anything else is an error. */
static cyg_status read_choice(bool *out, const cyg_backbone *net, const json_t *object,
                              const char *key, const char *no, const char *yes, cyg_error *err)
{
    const char *text = json_string_value(json_object_get(object, key));
    *out = text && !strcmp(text, yes);
    if (*out || (text && !strcmp(text, no))) return CYG_OK;
    return cyg_fail(err, CYG_FORMAT, "%s: description: backbone.%s: found \"%s\", expected \"%s\" or \"%s\"",
                    cyg_model_path(net->model), key, text ? text : "", no, yes);
}

static cyg_status read_letterbox(cyg_backbone *net, const json_t *input, cyg_error *err)
{
    static const char *const words[] = { "corner", "centre", "stretch", "crop" };
    const char *text = json_string_value(json_object_get(input, "letterbox"));
    int found = 0;
    while (found < 4 && !(text && !strcmp(text, words[found]))) found++;
    if (found == 4)
        return cyg_fail(err, CYG_FORMAT, "%s: description: backbone.input.letterbox: found \"%s\", expected "
                        "\"corner\", \"centre\", \"stretch\" or \"crop\"", cyg_model_path(net->model),
                        text ? text : "");
    net->input.letterbox = (cyg_letterbox)found;
    net->input.crop = (float)json_number_value(json_object_get(input, "crop"));
    if (found == CYG_CROP && !(net->input.crop > 0 && net->input.crop <= 1))
        return wrong(net, err, "input.crop", "a number above 0, up to 1");
    return CYG_OK;
}

static bool read_int(int *out, const json_t *object, const char *key, int min, int max)
{
    const json_t *value = json_object_get(object, key);
    const json_int_t n = json_integer_value(value);
    *out = (int)n;
    return json_is_integer(value) && n >= min && n <= max;
}

static bool read_floats3(float out[3], const json_t *object, const char *key)
{
    const json_t *list = json_object_get(object, key);
    if (json_array_size(list) != 3) return false;
    for (size_t i = 0; i < 3; i++) {
        const json_t *value = json_array_get(list, i);
        out[i] = (float)json_number_value(value);
        if (!json_is_number(value) || !isfinite(out[i])) return false;
    }
    return true;
}

static cyg_status read_input(cyg_backbone *net, const json_t *backbone,
                             const cyg_backbone_params *params, cyg_error *err)
{
    const json_t *json = json_object_get(backbone, "input");
    cyg_input *in = &net->input;
    bool relu6, rgb;
    cyg_status status;
    if (!read_int(&in->width, json, "width", MIN_SIDE, MAX_SIDE) ||
        !read_int(&in->height, json, "height", MIN_SIDE, MAX_SIDE))
        return wrong(net, err, "input.width, .height", "16 to 4096");
    if (!read_floats3(in->mean, json, "mean") || !read_floats3(in->scale, json, "scale"))
        return wrong(net, err, "input.mean, .scale", "three numbers each");
    if ((status = read_choice(&rgb, net, json, "channels", "bgr", "rgb", err)) ||
        (status = read_choice(&in->centre_sample, net, json, "sample", "corner", "centre", err)) ||
        (status = read_letterbox(net, json, err)) ||
        (status = read_choice(&in->edge_border, net, json, "border", "black", "edge", err)) ||
        (status = read_choice(&relu6, net, backbone, "activation", "relu", "relu6", err)))
        return status;
    in->bgr = !rgb;
    net->hi = relu6 ? 6 : INFINITY;

    const int width = params ? params->width : 0, height = params ? params->height : 0;
    if ((width && (width < MIN_SIDE || width > MAX_SIDE)) ||
        (height && (height < MIN_SIDE || height > MAX_SIDE)))
        return cyg_fail(err, CYG_ARGUMENT, "input size: found %d x %d, expected 16 to 4096", width, height);
    if (width) in->width = width;
    if (height) in->height = height;
    return CYG_OK;
}

/* ---- The list of layers ----------------------------------------------------------------- */

/* Output size and zeros before, of padding rule SAME (TensorFlow): an odd zero goes after. */
static int same_padding(int *before, int in, int kernel, int stride)
{
    const int out = (in + stride - 1) / stride;
    const int total = (out - 1) * stride + kernel - in;
    *before = total > 0 ? total / 2 : 0;
    return out;
}

static void add_layer(cyg_backbone *net, int kernel, int stride, bool depthwise, int channels,
                      const char *format, int number)
{
    cyg_layer *layer = &net->layers[net->layer_count];
    cyg_layer_info *l = &layer->info;
    if (net->layer_count) {
        const cyg_layer_info *before = &net->layers[net->layer_count - 1].info;
        l->in_width = before->out_width;
        l->in_height = before->out_height;
        l->in_channels = before->out_channels;
    } else {
        l->in_width = net->input.width;
        l->in_height = net->input.height;
        l->in_channels = 3;
    }
    l->kernel = kernel;
    l->stride = stride;
    l->depthwise = depthwise;
    l->out_channels = depthwise ? l->in_channels : channels;
    l->out_width = same_padding(&layer->pad_x, l->in_width, kernel, stride);
    l->out_height = same_padding(&layer->pad_y, l->in_height, kernel, stride);
    const int64_t weights = (int64_t)kernel * kernel * (depthwise ? 1 : l->in_channels) * l->out_channels;
    l->mult_adds = weights * l->out_width * l->out_height;
    l->parameters = weights + l->out_channels;
    snprintf(l->name, sizeof l->name, format, number);
    net->layer_count++;
}

static void add_family(cyg_backbone *net, const family *f, double width)
{
    for (int i = 0; f->blocks[i].kind; i++) {
        const block *b = &f->blocks[i];
        const int scaled = (int)(b->channels * width), channels = scaled > 8 ? scaled : 8;
        if (f->full || b->kind == FULL_3X3) {
            add_layer(net, 3, b->stride, false, channels, "conv%d", i);
        } else {
            add_layer(net, 3, b->stride, true, 0, "conv%d_dw", i);
            add_layer(net, 1, 1, false, channels, "conv%d_pw", i);
        }
    }
}

/* NULL: no family of that name. */
static const family *find_family(const char *name)
{
    for (size_t i = 0; name && i < sizeof families / sizeof *families; i++)
        if (!strcmp(name, families[i].name)) return &families[i];
    return NULL;
}

static cyg_status read_layers(cyg_backbone *net, const json_t *backbone, cyg_error *err)
{
    const char *name = json_string_value(json_object_get(backbone, "family"));
    const double width = json_number_value(json_object_get(backbone, "width"));
    const family *chosen = find_family(name);
    if (!chosen)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: description: backbone.family: found \"%s\", expected \"%s\"",
                        cyg_model_path(net->model), name ? name : "", families[0].name);
    if (!(width > 0 && width <= MAX_WIDTH)) return wrong(net, err, "width", "a number above 0, up to 16");
    add_family(net, chosen, width);
    net->pool_layer = net->layer_count - 1;

    const json_t *extra = json_object_get(backbone, "extra");
    if (json_array_size(extra) > (size_t)(CYG_MAX_LAYERS - net->layer_count))
        return wrong(net, err, "extra", "fewer layers");
    for (size_t i = 0; i < json_array_size(extra); i++) {
        const json_t *layer = json_array_get(extra, i);
        int kernel, stride, channels;
        if (!read_int(&kernel, layer, "kernel", 1, 3) || kernel == 2 ||
            !read_int(&stride, layer, "stride", 1, 2) ||
            !read_int(&channels, layer, "channels", 1, MAX_CHANNELS))
            return wrong(net, err, "extra", "layers with kernel 1 or 3, stride 1 or 2, channels");
        add_layer(net, kernel, stride, false, channels, "extra%d", (int)i);
    }
    return CYG_OK;
}

static cyg_status read_taps(cyg_backbone *net, const json_t *backbone, cyg_error *err)
{
    const json_t *taps = json_object_get(backbone, "taps");
    net->pool_tap = -1;
    if (!json_is_array(taps) || json_array_size(taps) > CYG_MAX_TAPS)
        return wrong(net, err, "taps", "a list of layer names");
    for (size_t i = 0; i < json_array_size(taps); i++) {
        const char *name = json_string_value(json_array_get(taps, i));
        cyg_tap *tap = &net->taps[net->tap_count];
        for (int l = 0; name && l < net->layer_count; l++) {
            const cyg_layer_info *layer = &net->layers[l].info;
            if (!strcmp(name, layer->name))
                *tap = (cyg_tap){ .height = layer->out_height, .width = layer->out_width,
                                  .channels = layer->out_channels };
        }
        if (name && !strcmp(name, "pool")) {
            net->pool_tap = net->tap_count;
            *tap = (cyg_tap){ .height = 1, .width = 1,
                              .channels = net->layers[net->pool_layer].info.out_channels };
        }
        if (!tap->height) return wrong(net, err, "taps", "names of layers, or \"pool\"");
        snprintf(tap->name, sizeof tap->name, "%s", name);
        net->tap_count++;
    }
    return CYG_OK;
}

/* Where the output of each layer ends in integers: as the description says, else where the
 * activation ends. */
static cyg_status read_ranges(cyg_backbone *net, const json_t *backbone, cyg_error *err)
{
    json_t *const ranges = json_object_get(backbone, "ranges");
    if (ranges && !json_is_object(ranges)) return wrong(net, err, "ranges", "an object of numbers by layer");
    size_t known = 0;
    for (int i = 0; i < net->layer_count; i++) {
        cyg_layer *layer = &net->layers[i];
        const json_t *value = json_object_get(ranges, layer->info.name);
        layer->range = isfinite(net->hi) ? net->hi : 0;
        if (!value) continue;
        known++;
        layer->range = (float)json_number_value(value);
        if (!(layer->range > 0x1p-60f && layer->range < 0x1p60f))
            return wrong(net, err, "ranges", "numbers above 0");
    }
    if (known < json_object_size(ranges)) return wrong(net, err, "ranges", "names of layers alone");
    return CYG_OK;
}

/* ---- Without weights ------------------------------------------------------------------------ */

cyg_status cyg_family_layers(cyg_layer_info out[CYG_MAX_LAYERS], int *count, const char *name, double width,
                             int in_width, int in_height, cyg_error *err)
{
    const family *chosen = find_family(name);
    cyg_backbone net = { .input = { .width = in_width, .height = in_height } };
    *count = 0;
    if (!chosen)
        return cyg_fail(err, CYG_NOT_FOUND, "family: found '%.60s', expected %s, %s, %s or %s", name, families[0].name,
                        families[1].name, families[2].name, families[3].name);
    if (!(width > 0 && width <= MAX_WIDTH))
        return cyg_fail(err, CYG_ARGUMENT, "width: found %g, expected a number above 0, up to %d", width, MAX_WIDTH);
    if (in_width < MIN_SIDE || in_width > MAX_SIDE || in_height < MIN_SIDE || in_height > MAX_SIDE)
        return cyg_fail(err, CYG_ARGUMENT, "input size: found %d x %d, expected %d to %d", in_width, in_height,
                        MIN_SIDE, MAX_SIDE);
    add_family(&net, chosen, width);
    for (; *count < net.layer_count; (*count)++) out[*count] = net.layers[*count].info;
    return CYG_OK;
}

/* ---- Public --------------------------------------------------------------------------------- */

/* The fastest precision of the table among those that are equal in the description. */
static const char *choose_precision(const cyg_kernels *table, const json_t *backbone)
{
    const json_t *const equal = json_object_get(backbone, "equal");
    for (int i = 0; table->faster[i]; i++)
        for (size_t k = 0; k < json_array_size(equal); k++) {
            const char *const name = json_string_value(json_array_get(equal, k));
            if (name && !strcmp(name, table->faster[i])) return table->faster[i];
        }
    return "f32";
}

cyg_status cyg_backbone_create(cyg_backbone **out, const cyg_model *model,
                               const cyg_backbone_params *params, cyg_error *err)
{
    const json_t *json = json_object_get(cyg_model_description(model), "backbone");
    const char *isa = params ? params->isa : NULL;
    const char *precision = params && params->precision ? params->precision : "f32";
    *out = NULL;
    cyg_backbone *net = calloc(1, sizeof *net);
    if (!net) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", cyg_model_path(model));
    net->model = model;
    net->kernels = cyg_kernels_find(isa);
    if (net->kernels && !strcmp(precision, "auto")) precision = choose_precision(net->kernels, json);
    if (net->kernels) net->arithmetic = cyg_kernels_arithmetic(net->kernels, precision);

    cyg_status status = CYG_OK;
    if (!net->kernels)
        status = cyg_fail(err, CYG_NOT_FOUND, "instruction set '%s': this processor has none of that name", isa);
    else if (!net->arithmetic)
        status = cyg_fail(err, CYG_NOT_FOUND, "precision '%s': expected auto, f32, bf16 or i8", precision);
    if (!status) status = read_input(net, json, params, err);
    if (!status) status = read_layers(net, json, err);
    if (!status) status = read_taps(net, json, err);
    if (!status) status = read_ranges(net, json, err);
    const json_t *epsilon = json_object_get(json, "epsilon");
    if (!status && epsilon && !(json_number_value(epsilon) >= 0))
        status = wrong(net, err, "epsilon", "a number from 0");
    if (!status) status = cyg_plan_make(net, json_number_value(epsilon), err);
    if (status) {
        cyg_backbone_free(net);
        return status;
    }
    *out = net;
    return CYG_OK;
}

void cyg_backbone_free(cyg_backbone *net)
{
    if (!net) return;
    cyg_plan_free(net);
    free(net);
}

const char *cyg_isa_name(int i)
{
    const cyg_kernels *list[CYG_MAX_ISAS];
    const int count = cyg_kernels_list(list);
    return i >= 0 && i < count ? list[i]->isa : NULL;
}

const char *cyg_precision_name(int i)
{
    const cyg_arithmetic *const a = cyg_kernels_arithmetic_at(cyg_kernels_find(NULL), i);
    return a ? a->precision : NULL;
}

const char *cyg_backbone_isa(const cyg_backbone *net)       { return net->kernels->isa; }
const char *cyg_backbone_precision(const cyg_backbone *net) { return net->arithmetic->precision; }
int cyg_backbone_width(const cyg_backbone *net)             { return net->input.width; }
int cyg_backbone_height(const cyg_backbone *net)            { return net->input.height; }
int cyg_backbone_layer_count(const cyg_backbone *net)       { return net->layer_count; }
size_t cyg_backbone_bytes(const cyg_backbone *net)          { return net->packed_size; }
const cyg_model *cyg_backbone_model(const cyg_backbone *net) { return net->model; }

cyg_layer_info cyg_backbone_layer(const cyg_backbone *net, int i)
{
    assert(i >= 0 && i < net->layer_count);
    return net->layers[i].info;
}

int64_t cyg_backbone_spin(const cyg_backbone *net, int rounds)
{
    return net->arithmetic->spin(rounds);
}

cyg_tensor cyg_backbone_map(const cyg_backbone *net, const char *name)
{
    for (int i = 0; i < net->tap_count; i++) {
        const cyg_tap *tap = &net->taps[i];
        if (!strcmp(tap->name, name)) return (cyg_tensor){ NULL, tap->height, tap->width, tap->channels };
    }
    return (cyg_tensor){ 0 };
}
