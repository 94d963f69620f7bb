/* model_embed.c - cygnet-model embed: a map of a network for each picture, as a NumPy file. */
#include "model.h"
#include "file.h"
#include "inputs.h"
#include "model_look.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    const char *output, *map, *isa, *precision;
    double      crop;
    bool        overwrite;
} settings;

#define AT(field) .offset = offsetof(settings, field)
static const option table[] = {
    { .flag = "output", .letter = 'o', .type = OPTION_TEXT, AT(output), .argument = "FILE",
      .help = "write the features here, in NumPy's format: float32, a row for each picture, in their order" },
    { .flag = "overwrite", .letter = 'y', .type = OPTION_FLAG, AT(overwrite), .initial = "false",
      .help = "replace the file if it exists" },
    { .flag = "map", .type = OPTION_TEXT, AT(map), .initial = "pool", .argument = "NAME",
      .help = "which map of the network; cygnet-model info tells what a model keeps" },
    { .flag = "crop", .type = OPTION_REAL, AT(crop), .initial = "0", .min = 0, .max = 1, .argument = "PART",
      .help = "see the middle square, this part of the picture's shorter side; 0 is as the model says" },
    { .flag = "isa", .type = OPTION_TEXT, AT(isa), .argument = "NAME",
      .help = "instruction set; default the best of this CPU" },
    { .flag = "precision", .type = OPTION_TEXT, AT(precision), .initial = "f32", .argument = "NAME",
      .help = "numbers of the network: f32, bf16 or i8" },
    { 0 }
};
#undef AT

const options_app embed_app = {
    .name = "cygnet-model embed",
    .summary = "write the features that a network sees in pictures, for programs that read NumPy files",
    .usage = "[options] MODEL PICTURE... -o FILE.npy",
    .examples =
        "cygnet-model embed mobilenet.safetensors photos/ -o photos.npy\n"
        "cygnet-model embed --precision i8 mobilenet.safetensors a.jpg b.png -o two.npy\n"
        "cygnet-model embed --map conv11_pw coco.safetensors street.jpg -o map.npy",
    .exits =
        "0  written\n"
        "2  usage, or the model keeps no such map\n"
        "3  some pictures failed: their rows are NaN, the others are written\n"
        "4  all pictures failed: nothing is written\n"
        "5  the model is missing or damaged\n"
        "6  the file cannot be written, or exists",
    .table = table,
};

typedef struct work {
    const settings *settings;
    looker     looker;
    cyg_tensor map;                     /* its shape */
    float     *rows;                    /* [inputs][values] */
    size_t     values, row;
} work;

static cyg_status keep(void *context, const frame *f, const char *path, cyg_error *err)
{
    work *const w = context;
    look_run(&w->looker, f);
    const cyg_tensor map = cyg_features_get(w->looker.maps, w->settings->map);
    memcpy(w->rows + w->row * w->values, map.data, w->values * sizeof *w->rows);
    return CYG_OK;
}

/* How many failed. */
static size_t run_inputs(work *w, const inputs *in)
{
    size_t failed = 0;
    for (w->row = 0; w->row < in->count; w->row++) {
        cyg_error err;
        const input *const item = &in->items[w->row];
        const cyg_status status = item->problem ? cyg_fail(&err, CYG_IO, "%s", item->problem)
                                                : look_at(&w->looker, item->path, keep, w, &err);
        if (!status) continue;
        failed++;
        complain(0, &err);
        for (size_t i = 0; i < w->values; i++) w->rows[w->row * w->values + i] = NAN;
    }
    return failed;
}

/* NumPy's format, version 1.0 (numpy.lib.format): magic, the header's length, a Python dictionary padded with blanks
 * to a multiple of 64, the values. */
static cyg_status write_rows(const work *w, size_t count, cyg_error *err)
{
    enum { START = 10, HEADER = 128 };
    const size_t size = HEADER + count * w->values * sizeof(float);
    uint8_t *const bytes = malloc(size);
    if (!bytes) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    char shape[80];
    if (w->map.height == 1 && w->map.width == 1)
        snprintf(shape, sizeof shape, "%zu, %d", count, w->map.channels);
    else
        snprintf(shape, sizeof shape, "%zu, %d, %d, %d", count, w->map.height, w->map.width, w->map.channels);
    memcpy(bytes, "\x93NUMPY\x01\x00", 8);
    bytes[8] = HEADER - START;
    bytes[9] = 0;
    const int length = snprintf((char *)bytes + START, HEADER - START,
                                "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", shape);
    memset(bytes + START + length, ' ', (size_t)(HEADER - START - length - 1));
    bytes[HEADER - 1] = '\n';
    memcpy(bytes + HEADER, w->rows, size - HEADER);
    const cyg_status status = file_write(w->settings->output, bytes, size, w->settings->overwrite, err);
    free(bytes);
    return status;
}

static int run_all(work *w, const inputs *in)
{
    cyg_error err;
    const size_t failed = run_inputs(w, in);
    if (failed == in->count) return EXIT_ALL;
    if (write_rows(w, in->count, &err)) return complain(EXIT_OUTPUT, &err);
    return failed ? EXIT_SOME : EXIT_SUCCESS;
}

static int run(work *w, const char *const *words, int count)
{
    cyg_error err;
    inputs in = { 0 };
    const look_options look = { w->settings->isa, w->settings->precision, w->settings->crop, 0 };
    const cyg_status status = look_open(&w->looker, words[0], &look, &err);
    if (status) return complain(look_failed(&w->looker, status), &err);
    w->map = cyg_backbone_map(w->looker.net, w->settings->map);
    w->values = (size_t)w->map.height * (size_t)w->map.width * (size_t)w->map.channels;
    if (w->values == 0) {
        cyg_fail(&err, CYG_ARGUMENT, "%s: found no map '%.60s' among those that the model keeps; cygnet-model info "
                 "tells them", w->looker.path, w->settings->map);
        return complain(EXIT_USAGE, &err);
    }
    int code;
    if (inputs_find(&in, words + 1, count - 1, &err)) {
        code = complain(EXIT_MODEL, &err);
    } else if (!(w->rows = calloc(in.count + 1, w->values * sizeof *w->rows))) {
        cyg_fail(&err, CYG_NO_MEMORY, "out of memory: %zu rows of %zu values", in.count, w->values);
        code = complain(EXIT_OUTPUT, &err);
    } else {
        code = run_all(w, &in);
    }
    inputs_free(&in);
    return code;
}

int embed_run(int argc, char **argv)
{
    settings s;
    options *o;
    cyg_error err;
    const char *const *words;
    const cyg_status status = options_read(&o, &embed_app, &s, argc, argv, &err);
    if (status == CYG_END) return EXIT_SUCCESS;
    if (status) return complain(EXIT_USAGE, &err);

    int code;
    const int count = options_words(o, &words);
    if (count < 2 || !s.output) {
        cyg_fail(&err, CYG_ARGUMENT, "found %s, expected MODEL PICTURE... -o FILE.npy; see cygnet-model embed --help",
                 count == 0 ? "no model" : count == 1 ? "no picture" : "no -o FILE");
        code = complain(EXIT_USAGE, &err);
    } else {
        work w = { .settings = &s };
        code = run(&w, words, count);
        free(w.rows);
        look_close(&w.looker);
    }
    options_free(o);
    return code;
}
