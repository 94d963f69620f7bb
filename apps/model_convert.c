/* model_convert.c - cygnet-model convert: published weights -> model file, by a recipe or from TensorFlow Lite. */
#include "model.h"
#include "file.h"
#include "heads.h"
#include "model_writer.h"
#include "ops.h"
#include "recipe.h"
#include "tfjs.h"
#include "tflite_import.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    const char *output, *name, *labels, *range;
    bool        overwrite;
} settings;

static const option table[] = {
    { .flag = "output", .letter = 'o', .type = OPTION_TEXT, .offset = offsetof(settings, output),
      .argument = "FILE", .help = "write the model file here" },
    { .flag = "overwrite", .type = OPTION_FLAG, .offset = offsetof(settings, overwrite), .initial = "false",
      .help = "replace the file if it exists" },
    { .flag = "labels", .type = OPTION_TEXT, .offset = offsetof(settings, labels), .argument = "FILE",
      .help = "a TensorFlow Lite file: its classes, one a line, instead of those attached to it" },
    { .flag = "name", .type = OPTION_TEXT, .offset = offsetof(settings, name), .argument = "NAME",
      .help = "a TensorFlow Lite file: the model's name instead of the output's" },
    { .flag = "range", .type = OPTION_TEXT, .offset = offsetof(settings, range), .argument = "LOW..HIGH",
      .help = "a TensorFlow Lite file of floats: what black and white are to the network, if it does not say" },
    { 0 }
};

const options_app convert_app = {
    .name = "cygnet-model convert",
    .summary = "make a model file of a published network, from TensorFlow Lite or as a recipe says",
    .usage = "[options] RECIPE SOURCE... | FILE.tflite [HEAD.tflite] -o FILE",
    .examples =
        "cygnet-model convert mobilenet_v1_1.0_224_quant.tflite -o mobilenet.safetensors\n"
        "cygnet-model convert --labels labels.txt detect.tflite -o coco.safetensors\n"
        "cygnet-model convert config/models/face-ssd-mobilenet-v1.yaml weights_manifest.json -o face.safetensors\n"
        "cygnet-model convert --overwrite my.yaml model.json -o models/my.safetensors\n"
        "cygnet-model convert my.yaml first-manifest.json second-manifest.json -o my.safetensors",
    .exits =
        "0  the model file is written\n"
        "2  usage, or the recipe is wrong\n"
        "5  the weights are missing, damaged, not those of the recipe, or of no network that is known\n"
        "6  the model file cannot be written, or exists",
    .table = table,
};

enum { MAX_PARTS = 2 };

/* What a conversion works on: a recipe and open weight manifests, or TensorFlow Lite files. */
typedef struct job {
    recipe       *recipe;
    tfjs        **sources;
    int           source_count;
    tflite       *parts[MAX_PARTS];
    json_t       *description;      /* owned */
    model_writer *writer;
    uint8_t      *bytes;            /* the finished file */
    size_t        size;
} job;

/* ---- Sources ---------------------------------------------------------------------- */

/* Every file of a source is the one that the recipe was written for. */
static cyg_status check_files(const job *j, const tfjs *source, cyg_error *err)
{
    for (int i = 0; i < tfjs_file_count(source); i++) {
        const tfjs_file *const file = tfjs_file_at(source, i);
        const char *const expected = recipe_sha256(j->recipe, file->name);
        if (!expected) {
            return cyg_fail(err, CYG_FORMAT, "%s: '%s': found a file that the recipe does not list under "
                            "source.files, expected one of its files", tfjs_path(source), file->name);
        }
        if (strcmp(expected, file->sha256) != 0) {
            return cyg_fail(err, CYG_FORMAT, "%s: '%s': found SHA-256 %s, expected %s", tfjs_path(source),
                            file->name, file->sha256, expected);
        }
    }
    return CYG_OK;
}

static cyg_status open_sources(job *j, const char *const *paths, int count, cyg_error *err)
{
    j->sources = calloc((size_t)count, sizeof *j->sources);
    if (!j->sources) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    for (int i = 0; i < count; i++) {
        cyg_status status = tfjs_open(&j->sources[j->source_count++], paths[i], err);
        if (!status) status = check_files(j, j->sources[i], err);
        if (status) return status;
    }
    return CYG_OK;
}

/* ---- Tensors ---------------------------------------------------------------------- */

/* *source is where it was found. */
static const tfjs_tensor *find_theirs(const job *j, const char *name, const tfjs **source)
{
    for (int i = 0; i < j->source_count; i++) {
        const tfjs_tensor *const t = tfjs_find(*source = j->sources[i], name);
        if (t) return t;
    }
    return NULL;
}

static cyg_status add_tensor(const job *j, const recipe_tensor *pair, const char *recipe_path, cyg_error *err)
{
    const tfjs *source;
    const tfjs_tensor *const t = find_theirs(j, pair->theirs, &source);
    if (!t) {
        return cyg_fail(err, CYG_NOT_FOUND, "%s: tensor '%s': found no '%s' in the source, expected it there",
                        recipe_path, pair->ours, pair->theirs);
    }
    void *const values = malloc(tfjs_size(t));
    if (!values) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    tfjs_values(source, t, values);
    const cyg_status status = model_writer_add(j->writer, pair->ours, tfjs_dtype(t), t->rank, t->shape,
                                               values, tfjs_size(t), err);
    free(values);
    return status;
}

static bool is_used(const job *j, const char *theirs)
{
    for (int i = 0; i < j->recipe->tensor_count; i++) {
        if (strcmp(j->recipe->tensors[i].theirs, theirs) == 0) return true;
    }
    return recipe_skips(j->recipe, theirs);
}

/* Nothing that the source holds is left out unsaid. */
static cyg_status check_all_used(const job *j, const char *recipe_path, cyg_error *err)
{
    for (int s = 0; s < j->source_count; s++) {
        for (int i = 0; i < tfjs_tensor_count(j->sources[s]); i++) {
            const char *const name = tfjs_tensor_at(j->sources[s], i)->name;
            if (is_used(j, name)) continue;
            return cyg_fail(err, CYG_FORMAT, "%s: found '%.100s' in the source, expected it under tensors or "
                            "unused", recipe_path, name);
        }
    }
    return CYG_OK;
}

/* ---- The file --------------------------------------------------------------------- */

static cyg_status build(job *j, const char *recipe_path, cyg_error *err)
{
    cyg_status status = model_writer_create(&j->writer, err);
    for (int i = 0; !status && i < j->recipe->tensor_count; i++) {
        status = add_tensor(j, &j->recipe->tensors[i], recipe_path, err);
    }
    if (!status) status = check_all_used(j, recipe_path, err);
    j->description = json_incref(j->recipe->description);
    if (!status) status = model_writer_finish(&j->bytes, &j->size, j->writer, j->description, err);
    return status;
}

/* Reads the new file as its users will: every value, the backbone, every head. */
static cyg_status prove(const job *j, const char *path, cyg_error *err)
{
    cyg_model *model = NULL;
    cyg_backbone *net = NULL;
    cyg_status status = cyg_model_wrap(&model, j->bytes, j->size, path, err);
    for (int i = 0; !status && i < cyg_model_tensor_count(model); i++) {
        const cyg_stored t = cyg_model_tensor(model, i);
        float *values;
        status = cyg_model_floats(&values, model, t.name, t.rank, t.shape, err);
        free(values);
    }
    if (!status) status = cyg_backbone_create(&net, model, NULL, err);
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(j->description, "heads"), i, entry) {
        cyg_head *head = NULL;
        if (!status) status = cyg_head_create(&head, net, json_string_value(json_object_get(entry, "type")), NULL, err);
        cyg_head_free(head);
    }
    cyg_backbone_free(net);
    cyg_model_close(model);
    return status;
}

static void report(const job *j, const char *path)
{
    char sha256[HASH_TEXT];
    size_t i;
    const json_t *sentence;
    json_array_foreach(json_object_get(json_object_get(j->description, "source"), "assumed"), i, sentence)
        fprintf(stderr, "%s: assumed: %s\n", path, json_string_value(sentence));
    if (hash_bytes(sha256, j->bytes, j->size, NULL)) return;
    fprintf(stderr, "%s: %d tensors, %.1f MB, SHA-256 %s\n", path, model_writer_count(j->writer),
            (double)j->size / 1e6, sha256);
}

/* ---- From TensorFlow Lite ------------------------------------------------------------ */

/* The file's name without its folder and its last ending. */
static void name_after(char *out, size_t size, const char *path)
{
    const char *const slash = strrchr(path, '/'), *const base = slash ? slash + 1 : path;
    const char *const dot = strrchr(base, '.');
    snprintf(out, size, "%.*s", (int)(dot && dot > base ? (size_t)(dot - base) : strlen(base)), base);
}

/* "-1..1"; the first number ends where the dots begin. */
static cyg_status read_range(tflite_options *o, const char *range, cyg_error *err)
{
    if (!range) return CYG_OK;
    char first[32], *low_end = first, *high_end = first;
    const char *const dots = strstr(range, "..");
    snprintf(first, sizeof first, "%.*s", dots ? (int)(dots - range) : 0, range);
    o->low = strtod(first, &low_end);
    o->high = dots ? strtod(dots + 2, &high_end) : 0;
    o->has_range = *first && !*low_end && high_end > dots + 2 && !*high_end && isfinite(o->low) && isfinite(o->high) &&
                   o->low < o->high;
    if (o->has_range) return CYG_OK;
    return cyg_fail(err, CYG_ARGUMENT, "--range: found '%.60s', expected LOW..HIGH, such as 0..1", range);
}

/* The exit code. words: one file, or two halves. */
static int convert_tflite(job *j, const settings *s, const char *const *words, int count)
{
    cyg_error err;
    char name[100];
    name_after(name, sizeof name, s->output);
    tflite_options choice = { .name = s->name ? s->name : name, .labels = s->labels };
    if (read_range(&choice, s->range, &err)) return complain(EXIT_USAGE, &err);
    if (count > MAX_PARTS) {
        cyg_fail(&err, CYG_ARGUMENT, "found %d files, expected one TensorFlow Lite file or its two halves", count);
        return complain(EXIT_USAGE, &err);
    }
    for (int i = 0; i < count; i++)
        if (tflite_open(&j->parts[i], words[i], &err)) return complain(EXIT_MODEL, &err);
    cyg_status status = model_writer_create(&j->writer, &err);
    if (!status)
        status = tflite_import(&j->description, j->writer, (const tflite *const *)j->parts, count, &choice, &err);
    if (!status) status = model_writer_finish(&j->bytes, &j->size, j->writer, j->description, &err);
    if (!status) status = prove(j, s->output, &err);
    if (status) return complain(EXIT_MODEL, &err);
    if (file_write(s->output, j->bytes, j->size, s->overwrite, &err)) return complain(EXIT_OUTPUT, &err);
    report(j, s->output);
    return EXIT_SUCCESS;
}

/* ---- By a recipe ------------------------------------------------------------------------ */

/* The exit code. words: the recipe, then the sources. */
static int convert(job *j, const settings *s, const char *const *words, int count)
{
    cyg_error err;
    if (recipe_open(&j->recipe, words[0], &err)) return complain(EXIT_USAGE, &err);
    if (open_sources(j, words + 1, count - 1, &err)) return complain(EXIT_MODEL, &err);
    if (build(j, words[0], &err)) return complain(EXIT_USAGE, &err);
    if (prove(j, s->output, &err)) return complain(EXIT_USAGE, &err);
    if (file_write(s->output, j->bytes, j->size, s->overwrite, &err)) return complain(EXIT_OUTPUT, &err);
    report(j, s->output);
    return EXIT_SUCCESS;
}

static void free_job(job *j)
{
    for (int i = 0; i < j->source_count; i++) tfjs_close(j->sources[i]);
    free(j->sources);
    for (int i = 0; i < MAX_PARTS; i++) tflite_close(j->parts[i]);
    json_decref(j->description);
    recipe_free(j->recipe);
    model_writer_free(j->writer);
    free(j->bytes);
}

/* By its first bytes, or its name if it has others: then the reader says what is wrong. */
static bool is_tflite(const char *path)
{
    const size_t length = strlen(path);
    return tflite_is(path) || (length > 7 && strcmp(path + length - 7, ".tflite") == 0);
}

int convert_run(int argc, char **argv)
{
    settings s;
    options *o;
    cyg_error err;
    const char *const *words;
    const cyg_status status = options_read(&o, &convert_app, &s, argc, argv, &err);
    if (status == CYG_END) return EXIT_SUCCESS;
    if (status) return complain(EXIT_USAGE, &err);

    int code;
    const int count = options_words(o, &words);
    const bool lite = count > 0 && is_tflite(words[0]);
    if (count < (lite ? 1 : 2) || !s.output) {
        cyg_fail(&err, CYG_ARGUMENT, "found %s, expected RECIPE SOURCE... or FILE.tflite, and -o FILE; see "
                 "cygnet-model convert --help",
                 count == 0 ? "no recipe" : count == 1 && !lite ? "no source" : "no -o FILE");
        code = complain(EXIT_USAGE, &err);
    } else if (!lite && (s.labels || s.name || s.range)) {
        cyg_fail(&err, CYG_ARGUMENT, "--labels, --name, --range: found a recipe, expected a TensorFlow Lite file: a "
                 "recipe says these itself");
        code = complain(EXIT_USAGE, &err);
    } else {
        job j = { 0 };
        code = lite ? convert_tflite(&j, &s, words, count) : convert(&j, &s, words, count);
        free_job(&j);
    }
    options_free(o);
    return code;
}
