/* model_layers.c - layers, their costs and their shares of the whole, for people and as JSON. */
#include "model_layers.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef enum layer_type { POINTWISE, DEPTHWISE, FULL, HEADS, TYPES } layer_type;

static const char *const type_names[TYPES] = { "1x1", "3x3 dw", "3x3", "heads" };

static cost layer_cost(const cyg_layer_info *l)
{
    return (cost){ l->mult_adds, l->parameters - l->out_channels, l->out_channels };
}

cost cost_sum(cost a, cost b)
{
    return (cost){ a.mult_adds + b.mult_adds, a.weights + b.weights, a.biases + b.biases };
}

cost layers_cost(const layer_list *list)
{
    cost sum = list->heads;
    for (int i = 0; i < list->count; i++) sum = cost_sum(sum, layer_cost(&list->layers[i]));
    return sum;
}

static void sum_types(cost types[TYPES], const layer_list *list)
{
    for (int t = 0; t < TYPES; t++) types[t] = (cost){ 0 };
    types[HEADS] = list->heads;
    for (int i = 0; i < list->count; i++) {
        const cyg_layer_info *const l = &list->layers[i];
        cost *const type = &types[l->depthwise ? DEPTHWISE : l->kernel == 1 ? POINTWISE : FULL];
        *type = cost_sum(*type, layer_cost(l));
    }
}

/* ---- Heads ------------------------------------------------------------------------------- */

/* The convolution that is called NAME, on a map of this size; nothing if there is none. */
static cost convolution_cost(const cyg_backbone *net, const char *name, cyg_tensor map)
{
    char full[128];
    cyg_stored weights, bias = { .count = 0 };
    snprintf(full, sizeof full, "%s/weights", name);
    if (!cyg_model_find(cyg_backbone_model(net), full, &weights)) return (cost){ 0 };
    snprintf(full, sizeof full, "%s/bias", name);
    cyg_model_find(cyg_backbone_model(net), full, &bias);
    return (cost){ (int64_t)weights.count * map.width * map.height, (int64_t)weights.count, (int64_t)bias.count };
}

/* All that is named in a head's settings; `map` is what they are put on, until a "tap" says otherwise. */
static cost settings_cost(const cyg_backbone *net, const json_t *value, cyg_tensor map)
{
    const char *const tap = json_string_value(json_object_get(value, "tap")), *key;
    cost sum = { 0 };
    size_t i;
    json_t *item;
    if (json_is_string(value)) return convolution_cost(net, json_string_value(value), map);
    if (tap) map = cyg_backbone_map(net, tap);
    json_array_foreach(value, i, item) sum = cost_sum(sum, settings_cost(net, item, map));
    json_object_foreach((json_t *)value, key, item)
        if (strcmp(key, "labels") != 0 && strcmp(key, "tap") != 0) sum = cost_sum(sum, settings_cost(net, item, map));
    return sum;
}

cost model_head_cost(const cyg_backbone *net, const json_t *head)
{
    return settings_cost(net, head, (cyg_tensor){ .height = 1, .width = 1 });
}

/* ---- For people -------------------------------------------------------------------------- */

grouped group_digits(int64_t number)
{
    grouped g;
    char digits[24], *out = g.text;
    const int length = snprintf(digits, sizeof digits, "%" PRId64, number);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return g;
}

shape_text shape_of(int width, int height, int channels)
{
    shape_text s;
    snprintf(s.text, sizeof s.text, "%dx%dx%d", width, height, channels);
    return s;
}

void layers_print_row(const char *name, const char *kind, const char *shapes, cost c)
{
    printf("  %-10s %-9s %-29s %15s %12s\n", name, kind, shapes, group_digits(c.mult_adds).text,
           group_digits(c.weights + c.biases).text);
}

void layers_print(const layer_list *list)
{
    printf("\n  %-10s %-9s %-29s %15s %12s\n", "layer", "kind", "shape", "mult-adds", "parameters");
    for (int i = 0; i < list->count; i++) {
        const cyg_layer_info *const l = &list->layers[i];
        const shape_text in = shape_of(l->in_width, l->in_height, l->in_channels);
        const shape_text out = shape_of(l->out_width, l->out_height, l->out_channels);
        char kind[24], shapes[60];
        snprintf(kind, sizeof kind, "%dx%d%s%s", l->kernel, l->kernel, l->depthwise ? " dw" : "",
                 l->stride == 2 ? " /2" : "");
        snprintf(shapes, sizeof shapes, "%-12s -> %s", in.text, out.text);
        layers_print_row(l->name, kind, shapes, layer_cost(l));
    }
}

static double share(int64_t part, int64_t whole)
{
    return whole ? 100. * (double)part / (double)whole : 0;
}

void layers_print_types(const layer_list *list, const char *heads)
{
    cost types[TYPES];
    const cost total = layers_cost(list);
    sum_types(types, list);
    printf("\n  %-10s %15s %9s %15s %9s\n", "type", "mult-adds", "share", "weights", "share");
    for (int t = 0; t < TYPES; t++) {
        if (types[t].weights == 0) continue;
        printf("  %-10s %15s %7.2f %% %15s %7.2f %%\n", t == HEADS ? heads : type_names[t],
               group_digits(types[t].mult_adds).text, share(types[t].mult_adds, total.mult_adds),
               group_digits(types[t].weights).text, share(types[t].weights, total.weights));
    }
    printf("  %-10s %15s %9s %15s\n", "total", group_digits(total.mult_adds).text, "",
           group_digits(total.weights).text);
}

/* ---- JSON -------------------------------------------------------------------------------- */

json_t *cost_json(cost c)
{
    return json_pack("{s:I, s:I, s:I}", "mult_adds", (json_int_t)c.mult_adds,
                     "parameters", (json_int_t)(c.weights + c.biases), "weights", (json_int_t)c.weights);
}

json_t *layers_json(const layer_list *list)
{
    json_t *const array = json_array();
    for (int i = 0; array && i < list->count; i++) {
        const cyg_layer_info l = list->layers[i];
        json_array_append_new(array, json_pack("{s:s, s:i, s:i, s:b, s:[i, i, i], s:[i, i, i], s:I, s:I}",
            "name", l.name, "kernel", l.kernel, "stride", l.stride, "depthwise", l.depthwise,
            "in", l.in_height, l.in_width, l.in_channels, "out", l.out_height, l.out_width, l.out_channels,
            "mult_adds", (json_int_t)l.mult_adds, "parameters", (json_int_t)l.parameters));
    }
    return array;
}

json_t *layers_types_json(const layer_list *list)
{
    cost types[TYPES];
    sum_types(types, list);
    json_t *const object = json_object();
    for (int t = 0; object && t < TYPES; t++) json_object_set_new(object, type_names[t], cost_json(types[t]));
    return object;
}
