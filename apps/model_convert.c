/* model_convert.c - cygnet-model convert: recipe + published weights -> model file. */
#include "model.h"
#include "file.h"
#include "heads.h"
#include "model_writer.h"
#include "ops.h"
#include "recipe.h"
#include "tfjs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    const char *output;
    bool        overwrite;
} settings;

static const option table[] = {
    { .flag = "output", .letter = 'o', .type = OPTION_TEXT, .offset = offsetof(settings, output),
      .argument = "FILE", .help = "write the model file here" },
    { .flag = "overwrite", .type = OPTION_FLAG, .offset = offsetof(settings, overwrite), .initial = "false",
      .help = "replace the file if it exists" },
    { 0 }
};

const options_app convert_app = {
    .name = "cygnet-model convert",
    .summary = "make a model file of a published network's weights, as a recipe says",
    .usage = "[options] RECIPE SOURCE... -o FILE",
    .examples =
        "cygnet-model convert config/models/face-ssd-mobilenet-v1.yaml weights_manifest.json -o face.safetensors\n"
        "cygnet-model convert --overwrite my.yaml model.json -o models/my.safetensors\n"
        "cygnet-model convert my.yaml first-manifest.json second-manifest.json -o my.safetensors",
    .exits =
        "0  the model file is written\n"
        "2  usage, or the recipe is wrong\n"
        "5  the weights are missing, damaged, or not those of the recipe\n"
        "6  the model file cannot be written, or exists",
    .table = table,
};

/* What a conversion works on; sources are open weight manifests. */
typedef struct job {
    recipe       *recipe;
    tfjs        **sources;
    int           source_count;
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
    if (!status) status = model_writer_finish(&j->bytes, &j->size, j->writer, j->recipe->description, err);
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
    json_array_foreach(json_object_get(j->recipe->description, "heads"), i, entry) {
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
    if (hash_bytes(sha256, j->bytes, j->size, NULL)) return;
    fprintf(stderr, "%s: %d tensors, %.1f MB, SHA-256 %s\n", path, j->recipe->tensor_count,
            (double)j->size / 1e6, sha256);
}

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
    recipe_free(j->recipe);
    model_writer_free(j->writer);
    free(j->bytes);
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
    if (count < 2 || !s.output) {
        cyg_fail(&err, CYG_ARGUMENT, "found %s, expected RECIPE SOURCE... -o FILE; see cygnet-model convert --help",
                 count == 0 ? "no recipe" : count == 1 ? "no source" : "no -o FILE");
        code = complain(EXIT_USAGE, &err);
    } else {
        job j = { 0 };
        code = convert(&j, &s, words, count);
        free_job(&j);
    }
    options_free(o);
    return code;
}
