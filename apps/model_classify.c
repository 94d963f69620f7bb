/* model_classify.c - cygnet-model classify: what whole pictures show, by a model with a classifier. */
#include "model.h"
#include "inputs.h"
#include "model_look.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    int         top;
    double      crop, step;
    bool        json;
    const char *isa, *precision;
} settings;

#define AT(field) .offset = offsetof(settings, field)
static const option table[] = {
    { .flag = "top", .letter = 'k', .type = OPTION_INT, AT(top), .initial = "5", .min = 1, .max = CYG_MAX_CLASSES,
      .argument = "N", .help = "tell the N likeliest classes" },
    { .flag = "crop", .type = OPTION_REAL, AT(crop), .initial = "0", .min = 0, .max = 1, .argument = "PART",
      .help = "see the middle square, this part of the picture's shorter side; 0 is as the model says" },
    { .flag = "step", .type = OPTION_TIME, AT(step), .initial = "1", .min = .001, .max = 86400, .argument = "TIME",
      .help = "of a video, look at one frame every TIME" },
    { .flag = "json", .type = OPTION_FLAG, AT(json), .initial = "false",
      .help = "print JSON Lines: a header, then an object for each picture" },
    { .flag = "isa", .type = OPTION_TEXT, AT(isa), .argument = "NAME",
      .help = "instruction set; default the best of this CPU" },
    { .flag = "precision", .type = OPTION_TEXT, AT(precision), .initial = "auto", .argument = "NAME",
      .help = "numbers of the network: f32, bf16, i8, or auto: the fastest measured to give the model's answers in "
              "f32" },
    { 0 }
};
#undef AT

const options_app classify_app = {
    .name = "cygnet-model classify",
    .summary = "say what pictures show, the likeliest classes first",
    .usage = "[options] MODEL INPUT...",
    .examples =
        "cygnet-model classify mobilenet.safetensors cat.jpg\n"
        "cygnet-model classify --top 1 --json mobilenet.safetensors photos/ >classes.jsonl\n"
        "cygnet-model classify --step 10 mobilenet.safetensors holiday.mp4",
    .exits =
        "0  done\n"
        "2  usage\n"
        "3  some inputs failed\n"
        "4  all inputs failed\n"
        "5  the model is missing, damaged, or no classifier\n"
        "6  standard output cannot be written",
    .table = table,
};

typedef struct work {
    const settings *settings;
    looker     looker;
    cyg_head  *head;
    cyg_result found;
} work;

/* ---- Answers ---------------------------------------------------------------------------- */

/* Takes the object. */
static cyg_status print_object(json_t *o, cyg_error *err)
{
    char *const line = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!line) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    puts(line);
    free(line);
    return CYG_OK;
}

/* A path as JSON can carry it. */
static json_t *json_path(const char *path)
{
    char *const text = text_cleaned(path, TEXT_DATA);
    json_t *const out = text ? json_string(text) : NULL;
    free(text);
    return out;
}

static cyg_status print_header(const work *w, cyg_error *err)
{
    return print_object(json_pack("{s:s, s:s, s:s+, s:{s:s, s:s}, s:s, s:s}", "type", "header", "schema",
        "cygnet.classes/1", "tool", "cygnet-model ", cyg_version(), "model", "name", cyg_model_name(w->looker.model),
        "sha256", w->looker.sha256, "isa", cyg_backbone_isa(w->looker.net), "precision",
        cyg_backbone_precision(w->looker.net)), err);
}

static cyg_status print_classes_json(const work *w, const frame *f, const char *path, cyg_error *err)
{
    json_t *const classes = json_array();
    for (int i = 0; classes && i < w->found.count; i++) {
        const cyg_class *const c = &w->found.classes[i];
        json_array_append_new(classes, json_pack("{s:i, s:s, s:f}", "class", c->label, "label",
                                                 cyg_head_label(w->head, c->label), "score", (double)c->score));
    }
    return print_object(json_pack("{s:s, s:o, s:I, s:f, s:o}", "type", "picture", "input", json_path(path), "n",
                                  (json_int_t)f->number, "t", f->time, "classes", classes), err);
}

static void print_classes(const work *w, const frame *f, const char *path)
{
    char shown[1200];
    text_clean(shown, sizeof shown, path, TEXT_TERMINAL);
    if (input_is_video(path)) printf("%s at %.3f s\n", shown, f->time);
    else printf("%s\n", shown);
    for (int i = 0; i < w->found.count; i++) {
        text_clean(shown, sizeof shown, cyg_head_label(w->head, w->found.classes[i].label), TEXT_TERMINAL);
        printf("  %6.4f  %s\n", (double)w->found.classes[i].score, shown);
    }
}

static cyg_status classify(void *context, const frame *f, const char *path, cyg_error *err)
{
    work *const w = context;
    look_run(&w->looker, f);
    cyg_head_run(w->head, w->looker.maps, &w->found);
    if (w->settings->json) return print_classes_json(w, f, path, err);
    print_classes(w, f, path);
    return CYG_OK;
}

/* ---- The verb ------------------------------------------------------------------------------ */

/* How many inputs failed. */
static size_t run_inputs(work *w, const inputs *in)
{
    size_t failed = 0;
    for (size_t i = 0; i < in->count && !ferror(stdout); i++) {
        cyg_error err = { 0 };
        const input *const item = &in->items[i];
        cyg_status status = item->problem ? cyg_fail(&err, CYG_IO, "%s", item->problem)
                                          : look_at(&w->looker, item->path, classify, w, &err);
        if (!status) continue;
        failed++;
        complain(0, &err);
        if (w->settings->json) {
            json_t *const text = json_path(err.message);
            (void)!print_object(json_pack("{s:s, s:o, s:o}", "type", "error", "input", json_path(item->path), "message",
                                          text), &err);
        }
    }
    return failed;
}

static int run(work *w, const char *const *words, int count)
{
    cyg_error err;
    const look_options look = { w->settings->isa, w->settings->precision, w->settings->crop, w->settings->step };
    const cyg_head_params params = { .max_count = w->settings->top };
    inputs in = { 0 };
    cyg_status status = look_open(&w->looker, words[0], &look, &err);
    const int failed_code = look_failed(&w->looker, status);
    if (!status) status = cyg_head_create(&w->head, w->looker.net, "classifier", &params, &err);
    if (!status) status = inputs_find(&in, words + 1, count - 1, &err);
    if (!status && w->settings->json) status = print_header(w, &err);
    int code = status ? complain(failed_code, &err) : EXIT_SUCCESS;
    if (!status) {
        const size_t failed = run_inputs(w, &in);
        code = failed == 0 ? EXIT_SUCCESS : failed < in.count ? EXIT_SOME : EXIT_ALL;
    }
    inputs_free(&in);
    return code;
}

int classify_run(int argc, char **argv)
{
    settings s;
    options *o;
    cyg_error err;
    const char *const *words;
    const cyg_status status = options_read(&o, &classify_app, &s, argc, argv, &err);
    if (status == CYG_END) return EXIT_SUCCESS;
    if (status) return complain(EXIT_USAGE, &err);

    int code;
    const int count = options_words(o, &words);
    if (count < 2) {
        cyg_fail(&err, CYG_ARGUMENT, "found %s, expected MODEL INPUT...; see cygnet-model classify --help",
                 count == 0 ? "no model" : "no input");
        code = complain(EXIT_USAGE, &err);
    } else {
        work *const w = calloc(1, sizeof *w);
        if (w) w->settings = &s;
        cyg_fail(&err, CYG_NO_MEMORY, "out of memory");
        code = w ? run(w, words, count) : complain(EXIT_MODEL, &err);
        if (w) {
            cyg_head_free(w->head);
            look_close(&w->looker);
        }
        free(w);
    }
    options_free(o);
    return code;
}
