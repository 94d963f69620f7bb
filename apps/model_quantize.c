/* model_quantize.c - cygnet-model quantize: measures ranges for integers on a person's pictures, and
 * what integers do to the layers and to the answers. */
#include "model.h"
#include "file.h"
#include "hash.h"
#include "model_answers.h"
#include "model_images.h"
#include "model_path.h"
#include "model_ranges.h"
#include "model_writer.h"
#include "ops.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>



typedef struct settings {
    const char *images, *detector, *output;
    int         most;
    bool        overwrite;
} settings;

static const option table[] = {
    { .flag = "images", .type = OPTION_TEXT, .offset = offsetof(settings, images), .argument = "DIR",
      .help = "pictures such as the network will see: a folder, a file, a glob or a list" },
    { .flag = "most", .type = OPTION_INT, .offset = offsetof(settings, most), .initial = "100", .min = 1, .max = 100000,
      .argument = "N", .help = "take N pictures at most, evenly from all of them" },
    { .flag = "detector", .type = OPTION_TEXT, .offset = offsetof(settings, detector), .argument = "MODEL",
      .help = "try the network on the faces that MODEL finds, instead of on whole pictures" },
    { .flag = "output", .letter = 'o', .type = OPTION_TEXT, .offset = offsetof(settings, output),
      .argument = "FILE", .help = "write the model file here" },
    { .flag = "overwrite", .type = OPTION_FLAG, .offset = offsetof(settings, overwrite), .initial = "false",
      .help = "replace the file if it exists" },
    { 0 }
};

const options_app quantize_app = {
    .name = "cygnet-model quantize",
    .summary = "measure on pictures how far each layer's outputs reach, so that the model runs in 8-bit integers",
    .usage = "[options] MODEL --images DIR -o FILE",
    .examples =
        "cygnet-model quantize face-ssd-mobilenet-v1 --images photos/ -o assets/models/my-faces.safetensors\n"
        "cygnet-model quantize faceres --images photos/ --detector face-ssd-mobilenet-v1 -o my-faceres.safetensors\n"
        "cygnet-model quantize my.safetensors --images 'shots/*.jpg' --most 500 -o my-i8.safetensors",
    .exits =
        "0  the model file is written\n"
        "2  usage\n"
        "4  no picture could be read, or no face was in them\n"
        "5  the model is missing or damaged\n"
        "6  the model file cannot be written, or exists",
    .table = table,
};

/* What the description calls them; the first is what the others are compared with. */
static const char *const precisions[] = { "f32", "bf16", "i8" };
enum { F32, BF16, I8, PRECISIONS };

typedef struct layer_report {
    range_counts counts;
    double range, signal, noise[PRECISIONS];    /* sums of squares: of f32's outputs, and of the differences */
} layer_report;

/* A quantisation. The trial is the model with a map of every layer. */
typedef struct job {
    const settings *settings;
    cyg_model    *model, *trial;
    uint8_t      *trial_bytes, *bytes;
    size_t        size;
    images       *images;
    subject       subjects[PRECISIONS];
    layer_report *layers;
    int           layer_count, regions;
    answers       answers[PRECISIONS];
} job;

/* ---- Model files ------------------------------------------------------------------------ */

static cyg_status no_memory(cyg_error *err)
{
    return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
}

static cyg_status copy_tensors(model_writer *to, const cyg_model *from, cyg_error *err)
{
    static const struct { const char *name; size_t size; } dtypes[] = {
        [CYG_F32] = { "F32", 4 }, [CYG_F16] = { "F16", 2 }, [CYG_U8] = { "U8", 1 },
        [CYG_I8] = { "I8", 1 }, [CYG_I32] = { "I32", 4 },
    };
    cyg_status status = CYG_OK;
    for (int i = 0; !status && i < cyg_model_tensor_count(from); i++) {
        const cyg_stored t = cyg_model_tensor(from, i);
        status = model_writer_add(to, t.name, dtypes[t.type].name, t.rank, t.shape, t.bytes,
                                  t.count * dtypes[t.type].size, err);
    }
    return status;
}

/* The model again with another description. */
static cyg_status write_model(uint8_t **bytes, size_t *size, const cyg_model *from, const json_t *description,
                              cyg_error *err)
{
    model_writer *w;
    cyg_status status = model_writer_create(&w, err);
    if (status) return status;
    status = copy_tensors(w, from, err);
    if (!status) status = model_writer_finish(bytes, size, w, description, err);
    model_writer_free(w);
    return status;
}

/* The numbers of a range that matter: four digits. */
static double rounded(double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.4g", value);
    return strtod(text, NULL);
}

static json_t *describe(const job *j, bool ranges, bool all_taps)
{
    json_t *const description = json_deep_copy(cyg_model_description(j->model));
    json_t *const backbone = json_object_get(description, "backbone"), *taps = json_object_get(backbone, "taps");
    json_t *const object = ranges ? json_object() : NULL;
    for (int i = 0; i < j->layer_count; i++) {
        const char *name = cyg_backbone_layer(j->subjects[F32].net, i).name;
        bool known = false;
        for (size_t t = 0; t < json_array_size(taps); t++)
            known |= !strcmp(json_string_value(json_array_get(taps, t)), name);
        if (all_taps && !known) json_array_append_new(taps, json_string(name));
        if (ranges) json_object_set_new(object, name, json_real(j->layers[i].range));
    }
    if (ranges) json_object_set_new(backbone, "ranges", object);
    json_t *const equal = json_array();
    for (int p = BF16; p < PRECISIONS; p++)
        if (answers_equal(&j->answers[p])) json_array_append_new(equal, json_string(precisions[p]));
    json_object_set_new(backbone, "equal", equal);
    return description;
}

/* The trial anew: with the ranges that are known, and with all maps. */
static cyg_status open_trial(job *j, bool ranges, cyg_error *err)
{
    json_t *const description = describe(j, ranges, true);
    size_t size;
    for (int p = 0; p < PRECISIONS; p++) subject_close(&j->subjects[p]);
    cyg_model_close(j->trial);
    free(j->trial_bytes);
    j->trial = NULL;
    j->trial_bytes = NULL;
    cyg_status status = description ? write_model(&j->trial_bytes, &size, j->model, description, err) : no_memory(err);
    json_decref(description);
    if (!status) status = cyg_model_wrap(&j->trial, j->trial_bytes, size, cyg_model_path(j->model), err);
    for (int p = 0; !status && p < (ranges ? PRECISIONS : 1); p++)
        status = subject_open(&j->subjects[p], j->trial, precisions[p], err);
    return status;
}

/* ---- Measuring -------------------------------------------------------------------------- */

static void complain_of_picture(const char *sentence)
{
    cyg_error err;
    cyg_fail(&err, CYG_FORMAT, "%s; left out", sentence);
    complain(0, &err);
}

static cyg_tensor map_of(const subject *s, int layer)
{
    return cyg_features_get(s->maps, cyg_backbone_layer(s->net, layer).name);
}

static size_t size_of(cyg_tensor map)
{
    return (size_t)map.height * map.width * map.channels;
}

static void count_region(void *context, const cyg_image *image, cyg_region region)
{
    job *j = context;
    cyg_backbone_run(j->subjects[F32].net, image, region, j->subjects[F32].maps);
    for (int i = 0; i < j->layer_count; i++) {
        const cyg_tensor map = map_of(&j->subjects[F32], i);
        range_counts_add(&j->layers[i].counts, map.data, size_of(map));
    }
}

static void compare_region(void *context, const cyg_image *image, cyg_region region)
{
    job *j = context;
    for (int p = BF16; p < PRECISIONS; p++) {
        answers_compare(&j->answers[p], &j->subjects[F32], &j->subjects[p], image, region);
        for (int i = 0; i < j->layer_count; i++) {
            const cyg_tensor want = map_of(&j->subjects[F32], i), got = map_of(&j->subjects[p], i);
            layer_report *l = &j->layers[i];
            for (size_t k = 0; k < size_of(want); k++) {
                const double value = (double)want.data[k], change = (double)got.data[k] - value;
                if (p == I8) l->signal += value * value;
                l->noise[p] += change * change;
            }
        }
    }
}

/* ---- Reports ---------------------------------------------------------------------------- */

static double distance(const layer_report *l, int precision)
{
    return l->signal > 0 ? sqrt(l->noise[precision] / l->signal) : 0;
}

static void print_table(const job *j)
{
    printf("%-12s %9s %9s %10s %10s %8s\n", "layer", "largest", "range", "bf16 L2", "i8 L2", "i8 dB");
    for (int i = 0; i < j->layer_count; i++) {
        const layer_report *l = &j->layers[i];
        printf("%-12s %9.4g %9.4g %10.5f %10.5f %8.1f\n", cyg_backbone_layer(j->subjects[F32].net, i).name,
               l->counts.most, l->range, distance(l, BF16), distance(l, I8),
               distance(l, I8) > 0 ? -20 * log10(distance(l, I8)) : INFINITY);
    }
    printf("\n%d pictures, %d regions; against f32:\n", images_count(j->images), j->regions);
    for (int p = BF16; p < PRECISIONS; p++) {
        char said[400];
        answers_say(said, sizeof said, &j->answers[p]);
        printf("  %-5s %s: %s\n", precisions[p], said, answers_equal(&j->answers[p]) ? "equal" : "not equal");
    }
}

static int report_file(const job *j)
{
    char sha256[HASH_TEXT];
    if (hash_bytes(sha256, j->bytes, j->size, NULL)) return EXIT_SUCCESS;
    fprintf(stderr, "%s: %.1f MB, SHA-256 %s\n", j->settings->output, (double)j->size / 1e6, sha256);
    return EXIT_SUCCESS;
}

/* ---- All of it ---------------------------------------------------------------------------- */

static cyg_status make_layers(job *j, cyg_error *err)
{
    cyg_status status = CYG_OK;
    j->layer_count = cyg_backbone_layer_count(j->subjects[F32].net);
    j->layers = calloc((size_t)j->layer_count, sizeof *j->layers);
    if (!j->layers) return no_memory(err);
    for (int i = 0; !status && i < j->layer_count; i++) status = range_counts_create(&j->layers[i].counts, err);
    return status;
}

/* A layer that was silent keeps a range of its own all the same. */
static void choose_ranges(job *j)
{
    for (int i = 0; i < j->layer_count; i++) {
        const double best = range_counts_best(&j->layers[i].counts);
        j->layers[i].range = rounded(best > 1e-6 ? best : 1);
    }
}

static cyg_status measure(job *j, images_visit *visit, cyg_error *err)
{
    const cyg_status status = images_show(j->images, j->subjects[F32].net, visit, j, &j->regions, err);
    if (status || j->regions) return status;
    const char *what = images_count(j->images) ? "found no face in its pictures" : "found no picture that can be read";
    return cyg_fail(err, CYG_NOT_FOUND, "%s: %s, expected some", j->settings->images, what);
}

static int quantize(job *j, const char *path)
{
    cyg_error err;
    if (cyg_model_open(&j->model, path, &err)) return complain(EXIT_MODEL, &err);
    if (subject_open(&j->subjects[F32], j->model, "f32", &err)) return complain(EXIT_MODEL, &err);
    if (make_layers(j, &err)) return complain(EXIT_MODEL, &err);
    if (open_trial(j, false, &err)) return complain(EXIT_MODEL, &err);
    if (measure(j, count_region, &err)) return complain(EXIT_ALL, &err);
    choose_ranges(j);
    if (open_trial(j, true, &err)) return complain(EXIT_MODEL, &err);
    if (measure(j, compare_region, &err)) return complain(EXIT_ALL, &err);
    json_t *const description = describe(j, true, false);
    const cyg_status status = description ? write_model(&j->bytes, &j->size, j->model, description, &err)
                                          : no_memory(&err);
    json_decref(description);
    if (status) return complain(EXIT_MODEL, &err);
    print_table(j);
    if (file_write(j->settings->output, j->bytes, j->size, j->settings->overwrite, &err))
        return complain(EXIT_OUTPUT, &err);
    return report_file(j);
}

static void free_job(job *j)
{
    for (int p = 0; p < PRECISIONS; p++) subject_close(&j->subjects[p]);
    for (int i = 0; j->layers && i < j->layer_count; i++) range_counts_free(&j->layers[i].counts);
    free(j->layers);
    cyg_model_close(j->trial);
    cyg_model_close(j->model);
    images_close(j->images);
    free(j->trial_bytes);
    free(j->bytes);
}

/* Finds what the words name, and goes to work. */
static int start(const settings *s, const char *model)
{
    job j = { .settings = s };
    cyg_error err;
    char *path = NULL, *detector = NULL;
    int code = EXIT_MODEL;
    cyg_status status = model_path_find(&path, model, &err);
    if (!status && s->detector) status = model_path_find(&detector, s->detector, &err);
    const images_options chosen = {
        .words = &s->images, .word_count = 1, .most = s->most, .detector = detector, .complain = complain_of_picture,
    };
    if (!status && (status = images_open(&j.images, &chosen, &err)))
        code = status == CYG_NOT_FOUND ? EXIT_ALL : EXIT_MODEL;
    code = status ? complain(code, &err) : quantize(&j, path);
    free_job(&j);
    free(path);
    free(detector);
    return code;
}

int quantize_run(int argc, char **argv)
{
    settings s;
    options *o;
    cyg_error err;
    const char *const *words;
    const cyg_status status = options_read(&o, &quantize_app, &s, argc, argv, &err);
    if (status == CYG_END) return EXIT_SUCCESS;
    if (status) return complain(EXIT_USAGE, &err);
    const int count = options_words(o, &words);
    int code;
    if (count != 1 || !s.images || !s.output) {
        cyg_fail(&err, CYG_ARGUMENT, "found %s, expected MODEL --images DIR -o FILE; see cygnet-model quantize --help",
                 count == 0 ? "no model" : count > 1 ? "more than one model"
                 : !s.images ? "no --images" : "no -o FILE");
        code = complain(EXIT_USAGE, &err);
    } else {
        code = start(&s, words[0]);
    }
    options_free(o);
    return code;
}
