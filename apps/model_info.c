/* model_info.c - cygnet-model info: what is in a model file, as a table or as JSON. */
#include "model.h"
#include "hash.h"
#include "model_family.h"
#include "model_layers.h"
#include "model_path.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    bool          json;
    family_choice network;
} settings;

static const option table[] = {
    { .flag = "json", .type = OPTION_FLAG, .offset = offsetof(settings, json), .initial = "false",
      .help = "print one JSON object instead of the table" },
    { .flag = "width", .type = OPTION_REAL, .offset = offsetof(settings, network.width), .initial = "0", .max = 16,
      .argument = "N", .help = "without MODEL: a network of this width multiplier; 0 stands for 1" },
    { .flag = "resolution", .type = OPTION_INT, .offset = offsetof(settings, network.resolution), .initial = "0",
      .max = 4096, .argument = "N", .help = "without MODEL: a network for N x N pixels; 0 stands for 224" },
    { .flag = "family", .type = OPTION_TEXT, .offset = offsetof(settings, network.family), .argument = "NAME",
      .help = "without MODEL: mobilenet_v1, or mobilenet_v1_conv or mobilenet_v1_shallow, the paper's "
              "Tables 4 and 5, or mobilenet_v1_pose" },
    { .flag = "classes", .type = OPTION_INT, .offset = offsetof(settings, network.classes), .initial = "1000",
      .max = 100000, .argument = "N", .help = "without MODEL: of its classifier" },
    { 0 }
};

const options_app info_app = {
    .name = "cygnet-model info",
    .summary = "show the layers, the cost, the heads, the source and the licence of a model",
    .usage = "[options] [MODEL]",
    .examples =
        "cygnet-model info face-ssd-mobilenet-v1\n"
        "cygnet-model info assets/models/face-ssd-mobilenet-v1.safetensors\n"
        "cygnet-model info --json my.safetensors | jq .total.mult_adds\n"
        "cygnet-model info --width 0.75 --resolution 160",
    .exits =
        "0  shown\n"
        "2  usage\n"
        "5  the model is missing or damaged\n"
        "6  standard output cannot be written",
    .table = table,
};

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

static layer_list layers_of(const cyg_backbone *net, const json_t *heads)
{
    layer_list list = { .count = cyg_backbone_layer_count(net) };
    size_t i;
    const json_t *head;
    for (int l = 0; l < list.count; l++) list.layers[l] = cyg_backbone_layer(net, l);
    json_array_foreach(heads, i, head) list.heads = cost_sum(list.heads, model_head_cost(net, head));
    return list;
}

/* ---- The table ------------------------------------------------------------------------- */

static void print_costs(const cyg_backbone *net, const json_t *heads)
{
    const layer_list list = layers_of(net, heads);
    size_t i;
    const json_t *head;
    layers_print(&list);
    json_array_foreach(heads, i, head)
        layers_print_row(say(head, "type"), "head", "", model_head_cost(net, head));
    layers_print_row("total", "", "", layers_cost(&list));
    layers_print_types(&list, "heads");
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
    printf("\n  %-10s sampled at the %s, letterbox %s", "", say(input, "sample"), say(input, "letterbox"));
    if (look(input, "crop")) printf(" %.4g", json_number_value(look(input, "crop")));
    printf(", outside %s\n", say(input, "border"));
}

/* The items of a list of text on one line; of a long one its beginning. */
static void print_list(const json_t *list)
{
    enum { MOST = 100, SHOWN = 10 };
    const size_t count = json_array_size(list), shown = count > MOST ? SHOWN : count;
    for (size_t i = 0; i < shown; i++) printf("%s%s", i ? ", " : "", say(json_array_get(list, i), ""));
    if (shown < count) printf(" and %zu more (--json shows them)", count - shown);
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
    size_t i;
    const json_t *sentence;
    json_array_foreach(look(d, "source.assumed"), i, sentence) printf("  %-10s assumed: %s\n", "", say(sentence, ""));
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
    printf("  %-10s %.1f MB of packed weights, %.1f MB a pass (f32, one thread)\n", "memory",
           (double)cyg_backbone_bytes(net) / 1e6, (double)cyg_features_bytes(net, 1) / 1e6);
    printf("  %-10s %s, width %.4g, %s\n", "backbone", say(d, "backbone.family"),
           json_number_value(look(d, "backbone.width")), say(d, "backbone.activation"));
    print_input(net, look(d, "backbone.input"));
    print_taps(net, look(d, "backbone.taps"));
    print_heads(look(d, "heads"));
    print_source(d);
    print_costs(net, look(d, "heads"));
}

/* ---- JSON ------------------------------------------------------------------------------- */

/* False: no memory. */
static bool print_json(const cyg_backbone *net, const json_t *d, const char *sha256)
{
    const layer_list list = layers_of(net, look(d, "heads"));
    json_t *const heads = json_array();
    size_t i;
    const json_t *head;
    json_array_foreach(look(d, "heads"), i, head) {
        json_t *const entry = cost_json(model_head_cost(net, head));
        json_object_set(entry, "type", json_object_get(head, "type"));
        json_array_append_new(heads, entry);
    }
    const cyg_model *const model = cyg_backbone_model(net);
    json_t *const root = json_pack("{s:s, s:i, s:I, s:I, s:I, s:[i, i], s:o, s:o, s:o, s:o, s:O}", "sha256", sha256,
        "tensors", cyg_model_tensor_count(model), "bytes", (json_int_t)stored_bytes(model),
        "weights_bytes", (json_int_t)cyg_backbone_bytes(net), "pass_bytes", (json_int_t)cyg_features_bytes(net, 1),
        "input", cyg_backbone_height(net), cyg_backbone_width(net),
        "layers", layers_json(&list), "heads", heads, "types", layers_types_json(&list),
        "total", cost_json(layers_cost(&list)), "description", d);
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
    const bool chosen = s.network.width > 0 || s.network.resolution > 0 || s.network.family;
    if (count == 0 && chosen) {
        code = family_show(&s.network, s.json);
    } else if (count == 1 && chosen) {
        cyg_fail(&err, CYG_ARGUMENT, "found MODEL '%.200s' and --width, --resolution or --family, expected one of both",
                 words[0]);
        code = complain(EXIT_USAGE, &err);
    } else if (count != 1) {
        cyg_fail(&err, CYG_ARGUMENT, "found %d words, expected one MODEL, or --width, --resolution or --family; "
                 "see cygnet-model info --help", count);
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
