/* annotate.c - cygnet-annotate: finds objects in videos and pictures, draws and records them.
 *
 *     words -> settings -> inputs -> outputs
 *                                       |
 *     model -> pipelines -> annotator --+--> each input: annotator_run -> exit code
 */
#include "annotator.h"
#include "lanes.h"
#include "model_path.h"
#include "options.h"
#include "text.h"
#include "track.h"
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum exit_code {
    DONE = 0, BAD_USAGE = 2, SOME_FAILED = 3, ALL_FAILED = 4, BAD_MODEL = 5, BAD_OUTPUT = 6, BAD_GALLERY = 7, LOST = 8,
    BUSY = 75
};

/* With --hide: what is covered before and after it was seen, and what may wait for that. */
static const double hide_around = 1;                    /* seconds */
static const size_t hide_bytes = (size_t)128 << 20;     /* 32 frames of 1080p, 10 of 2160p */
enum { AT_ONCE = -1 };                                  /* of tracker_options.appear */

typedef struct settings {
    const char *model, *isa, *precision, *classes;
    double      threshold;
    int         max_faces, every, resolution;
    bool        tiles, track, describe;
    double      keep;
    const char *describer, *gallery;
    double      false_match;
    bool        labels, scores, numbers;
    int         hide, colours;
    double      scale;
    const char *font;
    const char *target, *codec, *preset;
    double      crf;
    bool        audio, video, overwrite;
    int         records, quality;
    double      start, end;
    int         threads, decode_threads, encode_threads, progress;
    bool        verbose, quiet, dry_run;
} settings;

#define AT(field) offsetof(settings, field)
static const option table[] = {
    { NULL, "output", 'o', OPTION_TEXT, AT(target), NULL, 0, 0, NULL, "OUT",
      "folder for the outputs, or the file of a single input; default beside each input" },
    { NULL, "verbose", 'v', OPTION_FLAG, AT(verbose), "false", 0, 0, NULL, NULL, "say more" },
    { NULL, "quiet", 'q', OPTION_FLAG, AT(quiet), "false", 0, 0, NULL, NULL, "say nothing but errors" },
    { NULL, "dry-run", 'n', OPTION_FLAG, AT(dry_run), "false", 0, 0, NULL, NULL,
      "only list what would be read and written" },
    { "detect.model", "model", 'm', OPTION_TEXT, AT(model), "face-ssd-mobilenet-v1", 0, 0, NULL, "NAME",
      "model that finds the objects: its name, or a .safetensors file" },
    { "detect.threshold", "threshold", 't', OPTION_REAL, AT(threshold), "0.5", 0.001, 0.999, NULL, "SCORE",
      "keep what scores above this, and a third of it if it is followed already or to be hidden" },
    { "detect.classes", "classes", 0, OPTION_TEXT, AT(classes), NULL, 0, 0, NULL, "NAMES",
      "keep only these of the model's classes, such as person,car; default all" },
    { "detect.max_faces", "max-faces", 0, OPTION_INT, AT(max_faces), "100", 1, CYG_MAX_DETECTIONS, NULL, "N",
      "keep the best N of a frame" },
    { "detect.every", "every", 0, OPTION_INT, AT(every), "1", 1, 1000000, NULL, "N",
      "analyse one frame of N; the others get their boxes from its tracks" },
    { "detect.isa", "isa", 0, OPTION_TEXT, AT(isa), NULL, 0, 0, NULL, "NAME",
      "instruction set: ref, sse2, avx2, avx512, avx512bf16, neon; default the best of this CPU" },
    { "detect.precision", "precision", 0, OPTION_TEXT, AT(precision), "auto", 0, 0, NULL, "NAME",
      "numbers of the network: f32, bf16, i8, or auto: the fastest measured to give the model's answers in f32" },
    { "detect.resolution", "resolution", 0, OPTION_INT, AT(resolution), "0", 0, 4096, NULL, "N",
      "side of the network's input in pixels, from 16: less is faster and misses small faces; 0 is the model's own" },
    { "detect.tiles", "tiles", 0, OPTION_FLAG, AT(tiles), "false", 0, 0, NULL, NULL,
      "look at large pictures piece by piece as well: finds small faces, and takes several times as long" },
    { "track.follow", "track", 0, OPTION_FLAG, AT(track), "true", 0, 0, NULL, NULL,
      "follow objects through a video: number them, and fill in where they were missed for a moment" },
    { "track.keep", "keep", 0, OPTION_TIME, AT(keep), "1", 0.01, 3600, NULL, "TIME",
      "wait so long for an object that is not seen until it is forgotten" },
    { "describe.faces", "describe", 0, OPTION_FLAG, AT(describe), "false", 0, 0, NULL, NULL,
      "say of each face of a photo or a track what its network sees: age and gender" },
    { "describe.model", NULL, 0, OPTION_TEXT, AT(describer), "faceres", 0, 0, NULL, "NAME",
      "model that describes them: its name, or a .safetensors file" },
    { "describe.gallery", "gallery", 'g', OPTION_TEXT, AT(gallery), NULL, 0, 0, NULL, "FOLDER",
      "gallery of cygnet-faces whose people are named; it is only read, and the names stand in the outputs" },
    { "describe.false_match", "false-match", 0, OPTION_REAL, AT(false_match), "0.01", 1e-9, 1, NULL, "RATE",
      "how often a stranger may be taken for somebody of the gallery, whoever of it" },
    { "draw.hide", "hide", 0, OPTION_CHOICE, AT(hide), "none", 0, 0, "none|blur|pixelate|solid", "HOW",
      "make what was found unrecognisable; no boxes and labels then" },
    { "draw.colours", "colours", 0, OPTION_CHOICE, AT(colours), "class", 0, 0, "class|track", "WHAT",
      "what has a colour of its own" },
    { "draw.numbers", "numbers", 0, OPTION_FLAG, AT(numbers), "true", 0, 0, NULL, NULL,
      "write the number of its track beside each object" },
    { "draw.labels", "labels", 0, OPTION_FLAG, AT(labels), "true", 0, 0, NULL, NULL, "write what each object is" },
    { "draw.scores", "scores", 0, OPTION_FLAG, AT(scores), "true", 0, 0, NULL, NULL, "write how sure it is" },
    { "draw.scale", "scale", 0, OPTION_REAL, AT(scale), "1", 0.1, 10, NULL, "FACTOR",
      "size of lines and text; 1 fits the picture" },
    { "draw.font", "font", 0, OPTION_TEXT, AT(font), NULL, 0, 0, NULL, "FAMILY", "font of the labels; default sans" },
    { "output.video", "video", 0, OPTION_FLAG, AT(video), "true", 0, 0, NULL, NULL,
      "write the annotated video or picture, not the records alone" },
    { "output.codec", "codec", 0, OPTION_TEXT, AT(codec), "auto", 0, 0, NULL, "NAME",
      "FFmpeg video encoder; auto is H.264 by what this machine has" },
    { "output.crf", "crf", 0, OPTION_REAL, AT(crf), "-1", -1, 63, NULL, "Q",
      "quality, less is better; -1 is the encoder's own" },
    { "output.preset", "preset", 0, OPTION_TEXT, AT(preset), NULL, 0, 0, NULL, "NAME", "preset of the encoder" },
    { "output.audio", "audio", 0, OPTION_FLAG, AT(audio), "true", 0, 0, NULL, NULL, "carry the sound over, as it is" },
    { "output.jpeg_quality", "jpeg-quality", 0, OPTION_INT, AT(quality), "95", 1, 100, NULL, "Q",
      "of annotated photos" },
    { "output.records", "records", 'r', OPTION_CHOICE, AT(records), "jsonl", 0, 0, "jsonl|csv|both|none|-", "FORM",
      "form of the records; - is JSON Lines on standard output" },
    { "output.overwrite", "overwrite", 'y', OPTION_FLAG, AT(overwrite), "false", 0, 0, NULL, NULL,
      "replace outputs that are there already" },
    { "run.start", "start", 0, OPTION_TIME, AT(start), "0", 0, 1e9, NULL, "TIME", "begin there: 90, 1:30, 0:01:30.5" },
    { "run.end", "end", 0, OPTION_TIME, AT(end), "0", 0, 1e9, NULL, "TIME", "stop there; 0 is the end of the input" },
    { "run.threads", "threads", 'j', OPTION_INT, AT(threads), "0", 0, 256, NULL, "N",
      "detectors at work at once; 0 is one a core" },
    { "run.decode_threads", NULL, 0, OPTION_INT, AT(decode_threads), "0", 0, 64, NULL, "N",
      "threads of the decoder; 0 is one for four cores" },
    { "run.encode_threads", NULL, 0, OPTION_INT, AT(encode_threads), "0", 0, 64, NULL, "N",
      "threads of the encoder; 0 is its own choice" },
    { "run.progress", "progress", 0, OPTION_CHOICE, AT(progress), "auto", 0, 0, "auto|text|jsonl|none", "FORM",
      "how progress is told on standard error; auto is a bar on a terminal" },
    { 0 },
};
#undef AT

static const options_app app = {
    .name = "cygnet-annotate",
    .summary = "find faces in videos and pictures, draw and record them",
    .usage = "[options] INPUT...",
    .examples = "cygnet-annotate holiday.mp4\n"
                "cygnet-annotate photos/ -o annotated/ --threshold 0.3\n"
                "cygnet-annotate --hide blur street.mp4\n"
                "cygnet-annotate --gallery people/ holiday.mp4\n"
                "cygnet-annotate --no-video --records - rtsp://camera/stream",
    .exits = "0   done\n"
             "2   wrong usage or settings\n"
             "3   some inputs failed\n"
             "4   all inputs failed\n"
             "5   the model is missing or damaged\n"
             "6   an output could not be written\n"
             "7   the gallery is missing, damaged, or of another model\n"
             "8   a stream was lost after it had begun\n"
             "75  another process is writing the same output\n"
             "130 / 143  interrupted, after the output was finished",
    .table = table,
};

/* ---- what the results of all inputs come to ------------------------------------------ */

typedef struct tally {
    size_t done[OUTPUT_FAILED + 1];
} tally;

static int exit_code(const tally *t, int signal)
{
    const size_t bad = t->done[BAD_INPUT] + t->done[SOURCE_LOST] + t->done[OUTPUT_BUSY];
    if (signal) return 128 + signal;
    if (t->done[OUTPUT_FAILED] || t->done[OUTPUT_UNFIT]) return BAD_OUTPUT;
    if (t->done[OUTPUT_BUSY]) return BUSY;
    if (t->done[SOURCE_LOST]) return LOST;
    if (bad) return t->done[ANNOTATED] ? SOME_FAILED : ALL_FAILED;
    return DONE;
}

static void say_total(logger *log, const inputs *in, const tally *t)
{
    if (in->count < 2) return;
    const size_t done = t->done[ANNOTATED] + t->done[INTERRUPTED];
    log_print(log, LOG_NOTE, "%zu of %zu inputs annotated", done, in->count);
}

/* ---- the run ---------------------------------------------------------------------------- */

static bool is_picture(const input *in)
{
    return in->kind == INPUT_FILE && input_is_picture(in->path);
}

static int run_inputs(annotator *a, const overlay_options *look, const output *outputs)
{
    tally t = { 0 };
    const inputs *const in = a->inputs;
    for (size_t i = 0, next; i < in->count && !stop_signal(a->stop) && !t.done[OUTPUT_FAILED]; i = next) {
        for (next = i; next < in->count && is_picture(&in->items[next]); next++) { }
        if (next > i) lanes_run(a, look, outputs, i, next, t.done);
        else t.done[annotator_run(a, &in->items[next++], &outputs[i])]++;
    }
    say_total(a->log, in, &t);
    return exit_code(&t, stop_signal(a->stop));
}

static int core_count(void)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > 64 ? 64 : (int)cores;
}

/* The detectors need the cores, and each thread of the decoder holds a frame. */
static int decode_threads(const settings *s)
{
    const int quarter = core_count() / 4;
    return s->decode_threads ? s->decode_threads : quarter < 1 ? 1 : quarter > 8 ? 8 : quarter;
}

/* Whoever hides faces would rather hide too much. */
static bool hides(const settings *s)
{
    return s->hide != OVERLAY_SHOW;
}

static float threshold_of(const settings *s)
{
    const tracker_options following = { .high = (float)s->threshold };
    return hides(s) ? tracker_low(&following) : following.high;
}

/* A second look where a close-up may have been missed costs time: for faces that must not be. */
static pass_plan passes_of(const settings *s)
{
    return s->tiles ? PASSES_TILES : hides(s) ? PASSES_PORTRAIT : PASSES_SINGLE;
}

/* Names come from descriptions. */
static bool describes(const settings *s)
{
    return s->describe || s->gallery;
}

static cyg_status open_models(pipeline_models **out, const settings *s, cyg_error *err)
{
    char *path;
    cyg_status status = model_path_find(&path, s->model, err);
    char *describer = NULL;
    if (status == CYG_OK && describes(s)) status = model_path_find(&describer, s->describer, err);
    const tracker_options following = { .high = threshold_of(s) };
    const pipeline_options wanted = {
        .model = path, .describer = describer, .passes = passes_of(s), .isa = s->isa, .precision = s->precision,
        .width = s->resolution, .height = s->resolution,
        .threshold = s->track ? tracker_low(&following) : following.high, .max_objects = s->max_faces,
        .classes = s->classes,
    };
    if (status == CYG_OK) status = pipeline_models_open(out, &wanted, err);
    free(path);
    free(describer);
    return status;
}

static overlay_options look_of(const settings *s)
{
    const bool hide = hides(s);
    return (overlay_options){
        .labels = s->labels && !hide, .scores = s->scores && !hide, .numbers = s->numbers && !hide,
        .no_boxes = hide, .hide = (overlay_hide)s->hide, .colour_tracks = s->colours == 1,
        .scale = (float)s->scale, .font = s->font,
    };
}

static cyg_status open_workers(annotator *a, const settings *s, cyg_error *err)
{
    const int count = s->threads ? s->threads : core_count();
    const overlay_options look = look_of(s);
    a->overlay = overlay_create(&look);
    a->workers = calloc((size_t)count, sizeof(pipeline *));
    if (!a->overlay || !a->workers) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for %d detectors", count);
    cyg_status status = CYG_OK;
    for (; status == CYG_OK && a->worker_count < count; a->worker_count++)
        status = pipeline_create(&a->workers[a->worker_count], a->models, err);
    if (status == CYG_OK && describes(s)) status = pipeline_create(&a->describer, a->models, err);
    return status;
}

static int open_gallery(naming *n, annotator *a, const settings *s)
{
    cyg_error err;
    char less[200];
    if (!s->gallery) return DONE;
    const cyg_status status = naming_prepare(n, a->models, a->describer, s->false_match, &err);
    int code = status == CYG_OK ? DONE : status == CYG_ARGUMENT ? BAD_USAGE : BAD_MODEL;
    if (code == DONE && naming_open(n, s->gallery, &err) != CYG_OK) code = BAD_GALLERY;
    if (code != DONE) log_print(a->log, LOG_ERROR, "%s", err.message);
    if (naming_says_less(n, less, sizeof less)) log_print(a->log, LOG_WARNING, "%s: %s", s->gallery, less);
    a->naming = n;
    return code;
}

static void close_workers(annotator *a)
{
    for (int i = 0; i < a->worker_count; i++) pipeline_free(a->workers[i]);
    free(a->workers);
    pipeline_free(a->describer);
    overlay_free(a->overlay);
}

static int annotate(annotator *a, const settings *s, const output *outputs)
{
    cyg_error err;
    pipeline_models *models = NULL;
    naming people = { 0 };
    cyg_status status = open_models(&models, s, &err);
    a->models = models;
    if (status == CYG_OK) status = open_workers(a, s, &err);
    int code = BAD_MODEL;
    if (status == CYG_OK) {
        log_print(a->log, LOG_DETAIL, "%s in %s on %s, %d detectors at once", pipeline_models_name(models),
                  pipeline_models_precision(models), pipeline_models_isa(models), a->worker_count);
        code = open_gallery(&people, a, s);
        const overlay_options look = look_of(s);
        if (code == DONE) code = run_inputs(a, &look, outputs);
    } else {
        log_print(a->log, LOG_ERROR, "%s", err.message);
        if (status == CYG_ARGUMENT) code = BAD_USAGE;
    }
    naming_close(&people);
    close_workers(a);
    pipeline_models_close(models);
    return code;
}

static void list(const inputs *in, const output *outputs)
{
    for (size_t i = 0; i < in->count; i++) {
        const char *problem = in->items[i].problem ? in->items[i].problem : outputs[i].problem;
        char *path = in->items[i].kind == INPUT_STREAM ? text_cleaned(in->items[i].path, TEXT_DATA) : NULL;
        printf("%s\t", path ? path : in->items[i].path);
        if (problem) printf("-\t%s\n", problem);
        else if (outputs[i].file) printf("%s\n", outputs[i].file);
        else printf("%s_annotated.*\n", outputs[i].base);
        free(path);
    }
}

static int run(const settings *s, const options *o, logger *log, stop *signals)
{
    cyg_error err;
    inputs in;
    output *outputs = NULL;
    const char *const *words;
    const int count = options_words(o, &words);
    cyg_status status = inputs_find(&in, words, count, &err);
    if (status == CYG_OK) status = outputs_plan(&outputs, &in, s->target, &err);
    int code = BAD_USAGE;
    if (status != CYG_OK) {
        log_print(log, LOG_ERROR, "%s", err.message);
    } else if (s->dry_run) {
        list(&in, outputs);
        code = DONE;
    } else {
        progress shown;
        progress_init(&shown, log, s->quiet ? PROGRESS_NONE : (progress_mode)s->progress, in.count);
        if (in.annotated)
            log_print(log, LOG_DETAIL, "%lld outputs of earlier runs passed over", (long long)in.annotated);
        if (in.ignored)
            log_print(log, LOG_DETAIL, "%lld files that are no video or picture passed over", (long long)in.ignored);
        annotator a = {
            .options = {
                .media = s->video, .audio = s->audio, .overwrite = s->overwrite, .records = (records_form)s->records,
                .codec = s->codec, .preset = s->preset, .crf = s->crf, .start = s->start, .end = s->end,
                .threshold = threshold_of(s), .track = s->track,
                .tracker = { .keep = s->keep, .appear = hides(s) ? AT_ONCE : 0 },
                .hold = hides(s) ? hide_around : 0, .wait_bytes = hides(s) ? hide_bytes : 0, .every = s->every,
                .decode_threads = decode_threads(s), .encode_threads = s->encode_threads,
                .jpeg_quality = s->quality, .settings = options_json(o),
            },
            .inputs = &in, .log = log, .progress = &shown, .stop = signals,
        };
        code = annotate(&a, s, outputs);
    }
    outputs_free(outputs, in.count);
    inputs_free(&in);
    return code;
}

int main(int argc, char **argv)
{
    cyg_error err;
    settings s;
    options *o;
    signal(SIGPIPE, SIG_IGN);                           /* a closed pipe is a failed write, not the end */
    stop *signals = stop_watch();
    const cyg_status status = options_read(&o, &app, &s, argc, argv, &err);
    if (status == CYG_END) {
        stop_free(signals);
        return fflush(stdout) == 0 ? DONE : BAD_OUTPUT;
    }
    const bool read = status == CYG_OK;
    const log_level level = !read ? LOG_NOTE : s.quiet ? LOG_ERROR : s.verbose ? LOG_DETAIL : LOG_NOTE;
    logger *log = log_create(app.name, level, read && s.progress == PROGRESS_JSONL);
    int code = BAD_USAGE;
    if (!log || !signals) fputs("cygnet-annotate: out of memory\n", stderr);
    else if (!read) log_print(log, LOG_ERROR, "%s", err.message);
    else if (options_words(o, &(const char *const *){ NULL }) == 0)
        log_print(log, LOG_ERROR, "no input: expected a video, picture, folder, list, URL or - (see --help)");
    else code = run(&s, o, log, signals);
    if (read) options_free(o);
    log_free(log);
    stop_free(signals);
    return code;
}
