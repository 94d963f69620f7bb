/* model_family.c - the layers of the paper's family by its two multipliers: a table, or JSON. */
#include "model_family.h"
#include "model.h"
#include "model_layers.h"
#include <stdio.h>
#include <stdlib.h>

static void print_table(const family_choice *c, const layer_list *list)
{
    const cyg_layer_info *const last = &list->layers[list->count - 1];
    printf("%s, width %.4g, input %d x %d\n", c->family, c->width, c->resolution, c->resolution);
    layers_print(list);
    if (c->classes > 0) {
        char shapes[60];
        snprintf(shapes, sizeof shapes, "%-12s -> %s", shape_of(1, 1, last->out_channels).text,
                 shape_of(1, 1, c->classes).text);
        layers_print_row("classifier", "dense", shapes, list->heads);
    }
    layers_print_row("total", "", "", layers_cost(list));
    layers_print_types(list, "classifier");
}

static bool print_json(const family_choice *c, const layer_list *list)
{
    json_t *const root = json_pack("{s:s, s:f, s:[i, i], s:i, s:o, s:o, s:o}", "family", c->family, "width", c->width,
        "input", c->resolution, c->resolution, "classes", c->classes, "layers", layers_json(list),
        "types", layers_types_json(list), "total", cost_json(layers_cost(list)));
    char *const text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    if (text) puts(text);
    free(text);
    json_decref(root);
    return text;
}

int family_show(const family_choice *choice, bool json)
{
    family_choice c = *choice;
    layer_list list = { .count = 0 };
    cyg_error err;
    if (!c.family) c.family = "mobilenet_v1";
    if (c.width == 0) c.width = 1;
    if (c.resolution == 0) c.resolution = 224;
    if (cyg_family_layers(list.layers, &list.count, c.family, c.width, c.resolution, c.resolution, &err))
        return complain(EXIT_USAGE, &err);
    const int64_t weights = (int64_t)list.layers[list.count - 1].out_channels * c.classes;
    list.heads = (cost){ weights, weights, c.classes };
    if (!json) {
        print_table(&c, &list);
    } else if (!print_json(&c, &list)) {
        cyg_fail(&err, CYG_NO_MEMORY, "out of memory");
        return complain(EXIT_MODEL, &err);
    }
    return EXIT_SUCCESS;
}
