/* model_info.c - cygnet-model info: what is in a model file, as a table or as JSON. */
#include "model.h"
#include "hash.h"
#include "model_path.h"
#include "ops.h"
#include "text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    bool json;
} settings;

static const option table[] = {
    { .flag = "json", .type = OPTION_FLAG, .offset = offsetof(settings, json), .initial = "false",
      .help = "print one JSON object instead of the table" },
    { 0 }
};

const options_app info_app = {
    .name = "cygnet-model info",
    .summary = "show the layers, the cost, the heads, the source and the licence of a model",
    .usage = "[options] MODEL",
    .examples =
        "cygnet-model info face-ssd-mobilenet-v1\n"
        "cygnet-model info assets/models/face-ssd-mobilenet-v1.safetensors\n"
        "cygnet-model info --json my.safetensors | jq .total.mult_adds",
    .exits =
        "0  shown\n"
        "2  usage\n"
        "5  the model is missing or damaged\n"
        "6  standard output cannot be written",
    .table = table,
};

/* What something costs and takes. */
typedef struct cost {
    int64_t mult_adds, parameters;
} cost;

/* ---- What the description says --------------------------------------------------------- */

/* The value at a path of keys such as "backbone.input.width"; NULL if there is none. */
static const json_t *look(const json_t *from, const char *path)
{
    while (from && *path) {
        char key[64];
        const size_t length = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)length, path);
        from = json_object_get(from, key);
        path += length + (path[length] == '.');
    }
    return from;
}

/* Text as a terminal may see it; "-" if it is none. Lives until the end of the program's one answer. */
static const char *say(const json_t *from, const char *path)
{
    static char shown[8][400];
    static int next;
    char *const out = shown[next++ % 8];
    const char *const text = json_string_value(look(from, path));
    text_clean(out, sizeof shown[0], text ? text : "-", TEXT_TERMINAL);
    return out;
}

/* Convolutions that a head puts on the maps: every tensor name beside a "tap" under "maps". */
static cost head_cost(const cyg_backbone *net, const json_t *head)
{
    const cyg_model *const model = cyg_backbone_model(net);
    cost sum = { 0 };
    size_t i;
    const json_t *map;
    json_array_foreach(json_object_get(head, "maps"), i, map) {
        const char *const tap = json_string_value(json_object_get(map, "tap"));
        const cyg_tensor size = cyg_backbone_map(net, tap ? tap : "");
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)map, key, value) {
            char name[128];
            cyg_stored t;
            if (strcmp(key, "tap") == 0 || !json_is_string(value)) continue;
            snprintf(name, sizeof name, "%s/weights", json_string_value(value));
            if (!cyg_model_find(model, name, &t)) continue;
            sum.mult_adds += (int64_t)t.count * size.width * size.height;
            sum.parameters += (int64_t)t.count;
            snprintf(name, sizeof name, "%s/bias", json_string_value(value));
            if (cyg_model_find(model, name, &t)) sum.parameters += (int64_t)t.count;
        }
    }
    return sum;
}

static cost backbone_cost(const cyg_backbone *net)
{
    cost sum = { 0 };
    for (int i = 0; i < cyg_backbone_layer_count(net); i++) {
        const cyg_layer_info layer = cyg_backbone_layer(net, i);
        sum.mult_adds += layer.mult_adds;
        sum.parameters += layer.parameters;
    }
    return sum;
}

/* ---- The table ------------------------------------------------------------------------- */

/* 1234567 as "1,234,567". */
typedef struct grouped { char text[32]; } grouped;

static grouped group_digits(int64_t number)
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

typedef struct shape_text { char text[24]; } shape_text;

static shape_text shape_of(int width, int height, int channels)
{
    shape_text s;
    snprintf(s.text, sizeof s.text, "%dx%dx%d", width, height, channels);
    return s;
}

static void print_row(const char *name, const char *kind, const char *shapes, cost c)
{
    printf("  %-10s %-9s %-29s %15s %12s\n", name, kind, shapes, group_digits(c.mult_adds).text,
           group_digits(c.parameters).text);
}

static void print_layers(const cyg_backbone *net)
{
    printf("\n  %-10s %-9s %-29s %15s %12s\n", "layer", "kind", "shape", "mult-adds", "parameters");
    for (int i = 0; i < cyg_backbone_layer_count(net); i++) {
        const cyg_layer_info layer = cyg_backbone_layer(net, i);
        const shape_text in = shape_of(layer.in_width, layer.in_height, layer.in_channels);
        const shape_text out = shape_of(layer.out_width, layer.out_height, layer.out_channels);
        char kind[24], shapes[60];
        snprintf(kind, sizeof kind, "%dx%d%s%s", layer.kernel, layer.kernel, layer.depthwise ? " dw" : "",
                 layer.stride == 2 ? " /2" : "");
        snprintf(shapes, sizeof shapes, "%-12s -> %s", in.text, out.text);
        print_row(layer.name, kind, shapes, (cost){ layer.mult_adds, layer.parameters });
    }
}

static void print_costs(const cyg_backbone *net, const json_t *heads)
{
    cost total = backbone_cost(net);
    size_t i;
    const json_t *head;
    json_array_foreach(heads, i, head) {
        const cost c = head_cost(net, head);
        print_row(say(head, "type"), "head", "", c);
        total.mult_adds += c.mult_adds;
        total.parameters += c.parameters;
    }
    print_row("total", "", "", total);
}

static void print_input(const cyg_backbone *net, const json_t *input)
{
    const json_t *const mean = look(input, "mean"), *const scale = look(input, "scale");
    printf("  %-10s %d x %d %s, (v - mean) * scale\n", "input", cyg_backbone_width(net),
           cyg_backbone_height(net), say(input, "channels"));
    printf("  %-10s mean", "");
    for (size_t i = 0; i < 3; i++) printf(" %.7g", json_number_value(json_array_get(mean, i)));
    printf(", scale");
    for (size_t i = 0; i < 3; i++) printf(" %.7g", json_number_value(json_array_get(scale, i)));
    printf("\n  %-10s sampled at the %s, letterbox %s, outside %s\n", "", say(input, "sample"),
           say(input, "letterbox"), say(input, "border"));
}

/* The items of a list of text on one line. */
static void print_list(const json_t *list)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item) printf("%s%s", i ? ", " : "", say(item, ""));
}

static void print_heads(const json_t *heads)
{
    size_t i;
    const json_t *head;
    json_array_foreach(heads, i, head) {
        const json_t *const threshold = look(head, "threshold"), *const overlap = look(head, "overlap");
        const json_t *const labels = look(head, "labels");
        printf("  %-10s %s", "head", say(head, "type"));
        if (labels) printf(", %zu label%s: ", json_array_size(labels), json_array_size(labels) == 1 ? "" : "s");
        print_list(labels);
        if (threshold) printf(", threshold %.4g", json_number_value(threshold));
        if (overlap) printf(", overlap %.4g", json_number_value(overlap));
        printf("\n");
    }
}

static void print_taps(const cyg_backbone *net, const json_t *taps)
{
    size_t i;
    const json_t *tap;
    json_array_foreach(taps, i, tap) {
        const cyg_tensor map = cyg_backbone_map(net, json_string_value(tap) ? json_string_value(tap) : "");
        printf("  %-10s %s %s\n", i ? "" : "maps", say(tap, ""), shape_of(map.width, map.height, map.channels).text);
    }
}

static void print_source(const json_t *d)
{
    const char *name;
    json_t *sha256;
    printf("  %-10s %s %s\n", "source", say(d, "source.package"), say(d, "source.version"));
    json_object_foreach((json_t *)look(d, "source.files"), name, sha256) {
        char shown[200];
        text_clean(shown, sizeof shown, name, TEXT_TERMINAL);
        printf("  %-10s %s\n  %-10s   SHA-256 %s\n", "", shown, "", say(sha256, ""));
    }
    if (look(d, "source.url")) printf("  %-10s %s\n", "", say(d, "source.url"));
    if (look(d, "source.paper")) printf("  %-10s %s\n", "", say(d, "source.paper"));
    printf("  %-10s code: %s\n", "licence", say(d, "licence.code"));
    printf("  %-10s weights: %s\n", "", say(d, "licence.weights"));
    if (look(d, "licence.training_data")) printf("  %-10s training data: %s\n", "", say(d, "licence.training_data"));
}

/* What all tensors take in the file. */
static int64_t stored_bytes(const cyg_model *model)
{
    static const int64_t sizes[] = { [CYG_F32] = 4, [CYG_F16] = 2, [CYG_U8] = 1, [CYG_I8] = 1, [CYG_I32] = 4 };
    int64_t sum = 0;
    for (int i = 0; i < cyg_model_tensor_count(model); i++) {
        const cyg_stored t = cyg_model_tensor(model, i);
        sum += (int64_t)t.count * sizes[t.type];
    }
    return sum;
}

static void print_table(const cyg_backbone *net, const json_t *d, const char *sha256)
{
    const cyg_model *const model = cyg_backbone_model(net);
    printf("%s\n  %s\n\n", say(d, "name"), say(d, "summary"));
    printf("  %-10s %d tensors of %s bytes\n", "file", cyg_model_tensor_count(model),
           group_digits(stored_bytes(model)).text);
    printf("  %-10s SHA-256 %s\n", "", sha256);
    printf("  %-10s %s, width %.4g, %s\n", "backbone", say(d, "backbone.family"),
           json_number_value(look(d, "backbone.width")), say(d, "backbone.activation"));
    print_input(net, look(d, "backbone.input"));
    print_taps(net, look(d, "backbone.taps"));
    print_heads(look(d, "heads"));
    print_source(d);
    print_layers(net);
    print_costs(net, look(d, "heads"));
}

/* ---- JSON: shapes are [height, width, channels] ------------------------------------------ */

static json_t *json_cost(cost c)
{
    return json_pack("{s:I, s:I}", "mult_adds", (json_int_t)c.mult_adds, "parameters", (json_int_t)c.parameters);
}

static json_t *json_layers(const cyg_backbone *net)
{
    json_t *const list = json_array();
    for (int i = 0; list && i < cyg_backbone_layer_count(net); i++) {
        const cyg_layer_info l = cyg_backbone_layer(net, i);
        json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:b, s:[i, i, i], s:[i, i, i], s:I, s:I}",
            "name", l.name, "kernel", l.kernel, "stride", l.stride, "depthwise", l.depthwise,
            "in", l.in_height, l.in_width, l.in_channels, "out", l.out_height, l.out_width, l.out_channels,
            "mult_adds", (json_int_t)l.mult_adds, "parameters", (json_int_t)l.parameters));
    }
    return list;
}

/* False: no memory. */
static bool print_json(const cyg_backbone *net, const json_t *d, const char *sha256)
{
    json_t *const heads = json_array();
    cost total = backbone_cost(net);
    size_t i;
    const json_t *head;
    json_array_foreach(look(d, "heads"), i, head) {
        const cost c = head_cost(net, head);
        json_t *const entry = json_cost(c);
        json_object_set(entry, "type", json_object_get(head, "type"));
        json_array_append_new(heads, entry);
        total.mult_adds += c.mult_adds;
        total.parameters += c.parameters;
    }
    const cyg_model *const model = cyg_backbone_model(net);
    json_t *const root = json_pack("{s:s, s:i, s:I, s:[i, i], s:o, s:o, s:o, s:O}", "sha256", sha256,
        "tensors", cyg_model_tensor_count(model), "bytes", (json_int_t)stored_bytes(model),
        "input", cyg_backbone_height(net), cyg_backbone_width(net),
        "layers", json_layers(net), "heads", heads, "total", json_cost(total), "description", d);
    char *const text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    if (text) puts(text);
    free(text);
    json_decref(root);
    return text;
}

/* ---- The verb ---------------------------------------------------------------------------- */

static int show(const settings *s, const char *path)
{
    cyg_model *model = NULL;
    cyg_backbone *net = NULL;
    cyg_error err;
    char sha256[HASH_TEXT];
    int code = EXIT_SUCCESS;
    if (hash_file(sha256, path, &err) || cyg_model_open(&model, path, &err) ||
        cyg_backbone_create(&net, model, NULL, &err)) {
        code = complain(EXIT_MODEL, &err);
    } else if (s->json) {
        if (!print_json(net, cyg_model_description(model), sha256)) {
            cyg_fail(&err, CYG_NO_MEMORY, "out of memory");
            code = complain(EXIT_MODEL, &err);
        }
    } else {
        print_table(net, cyg_model_description(model), sha256);
    }
    cyg_backbone_free(net);
    cyg_model_close(model);
    return code;
}

int info_run(int argc, char **argv)
{
    settings s;
    options *o;
    cyg_error err;
    const char *const *words;
    const cyg_status status = options_read(&o, &info_app, &s, argc, argv, &err);
    if (status == CYG_END) return EXIT_SUCCESS;
    if (status) return complain(EXIT_USAGE, &err);

    int code;
    char *path = NULL;
    const int count = options_words(o, &words);
    if (count != 1) {
        cyg_fail(&err, CYG_ARGUMENT, "found %d words, expected one MODEL; see cygnet-model info --help", count);
        code = complain(EXIT_USAGE, &err);
    } else if (model_path_find(&path, words[0], &err)) {
        code = complain(EXIT_MODEL, &err);
    } else {
        code = show(&s, path);
    }
    free(path);
    options_free(o);
    return code;
}
