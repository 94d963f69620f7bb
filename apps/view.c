/* view.c - cygnet-view: shows a camera, stream, video or picture, and what is found in it, as it comes.
 *
 *     words -> settings -> live --+--> view_run: window, keys, records -> exit code
 *               models -> analysis+         |
 *                                         saver
 */
#include "view.h"
#include "devices.h"
#include "clock.h"
#include "model_path.h"
#include "options.h"
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(field) offsetof(view_settings, field)
static const option table[] = {
    { NULL, "output", 'o', OPTION_TEXT, AT(folder), ".", 0, 0, NULL, "FOLDER",
      "where screenshots and recordings go; recordings have no sound" },
    { NULL, "headless", 0, OPTION_FLAG, AT(headless), "false", 0, 0, NULL, NULL,
      "no window: only records, and figures at the end" },
    { NULL, "frames", 0, OPTION_INT, AT(frames), "0", 0, INFINITY, NULL, "N",
      "end after so many pictures; 0 is never" },
    { NULL, "time-limit", 0, OPTION_TIME, AT(time_limit), "0", 0, 1e9, NULL, "TIME",
      "end after that time; 0 is never" },
    { NULL, "list-devices", 0, OPTION_FLAG, AT(list_devices), "false", 0, 0, NULL, NULL,
      "list the cameras with their formats, sizes and rates" },
    { NULL, "verbose", 'v', OPTION_FLAG, AT(verbose), "false", 0, 0, NULL, NULL, "say more" },
    { NULL, "quiet", 'q', OPTION_FLAG, AT(quiet), "false", 0, 0, NULL, NULL, "say nothing but errors" },
    { "source.size", "size", 's', OPTION_TEXT, AT(size), NULL, 0, 0, NULL, "WxH",
      "of a camera's picture, 1280x720; default its own choice" },
    { "source.rate", "fps", 0, OPTION_REAL, AT(rate), "0", 0, 1000, NULL, "N",
      "pictures a second of a camera; 0 is its own choice" },
    { "source.pixel_format", "pixel-format", 0, OPTION_TEXT, AT(pixel_format), NULL, 0, 0, NULL, "NAME",
      "of a camera: mjpeg, yuyv422, ...; default its own choice" },
    { "source.transport", "transport", 0, OPTION_TEXT, AT(transport), NULL, 0, 0, NULL, "NAME",
      "of RTSP: tcp or udp; default tcp" },
    { "source.stall", NULL, 0, OPTION_TIME, AT(stall), "10", 1, 3600, NULL, "TIME",
      "a camera or stream without a picture for so long is lost and tried again" },
    { "detect.model", "model", 'm', OPTION_TEXT, AT(model), "face-ssd-mobilenet-v1", 0, 0, NULL, "NAME",
      "model that finds the objects: its name, or a .safetensors file" },
    { "detect.threshold", "threshold", 't', OPTION_REAL, AT(threshold), "0.5", 0.05, 0.95, NULL, "SCORE",
      "keep what scores above this, and of what is followed also what scores a third of it" },
    { "detect.classes", "classes", 0, OPTION_TEXT, AT(classes), NULL, 0, 0, NULL, "NAMES",
      "keep only these of the model's classes, such as person,car; default all" },
    { "detect.max_faces", "max-faces", 0, OPTION_INT, AT(max_faces), "100", 1, CYG_MAX_DETECTIONS, NULL, "N",
      "keep the best N of a picture" },
    { "detect.resolution", "resolution", 0, OPTION_INT, AT(resolution), "0", 0, 4096, NULL, "N",
      "input of the network in pixels, smaller is faster, larger sees smaller faces; 0 is the model's own" },
    { "detect.isa", "isa", 0, OPTION_TEXT, AT(isa), NULL, 0, 0, NULL, "NAME",
      "instruction set: ref, sse2, avx2, avx512, avx512bf16, neon; default the best of this CPU" },
    { "detect.precision", "precision", 0, OPTION_TEXT, AT(precision), "auto", 0, 0, NULL, "NAME",
      "numbers of the network: f32, bf16, i8, or auto: the fastest measured to give the model's answers in f32" },
    { "describe.faces", "describe", 0, OPTION_FLAG, AT(describe), "true", 0, 0, NULL, NULL,
      "guess age and gender of each face" },
    { "describe.model", "describer", 0, OPTION_TEXT, AT(describer), "faceres", 0, 0, NULL, "NAME",
      "model that describes faces" },
    { "describe.gallery", "gallery", 'g', OPTION_TEXT, AT(gallery), NULL, 0, 0, NULL, "FOLDER",
      "gallery of cygnet-faces whose people are named, and where the key e adds to" },
    { "describe.false_match", "false-match", 0, OPTION_REAL, AT(false_match), "0.01", 1e-9, 1, NULL, "RATE",
      "how often a stranger may be taken for somebody of the gallery, whoever of it" },
    { "draw.labels", "labels", 0, OPTION_FLAG, AT(labels), "true", 0, 0, NULL, NULL, "write what each object is" },
    { "draw.scores", "scores", 0, OPTION_FLAG, AT(scores), "true", 0, 0, NULL, NULL, "write how sure it is" },
    { "draw.scale", "scale", 0, OPTION_REAL, AT(scale), "1", 0.1, 10, NULL, "FACTOR",
      "size of lines and text; 1 fits the window" },
    { "draw.font", "font", 0, OPTION_TEXT, AT(font), NULL, 0, 0, NULL, "FAMILY", "font of the labels; default sans" },
    { "draw.figures", "figures", 0, OPTION_FLAG, AT(hud), "true", 0, 0, NULL, NULL, "show rates, latency and model" },
    { "draw.mirror", "mirror", 0, OPTION_FLAG, AT(mirror), "false", 0, 0, NULL, NULL, "left and right exchanged" },
    { "draw.blur", "blur", 0, OPTION_FLAG, AT(blur), "false", 0, 0, NULL, NULL, "make found faces unrecognisable" },
    { "draw.full_screen", "full-screen", 'f', OPTION_FLAG, AT(full_screen), "false", 0, 0, NULL, NULL,
      "begin on the whole screen" },
    { "output.codec", "codec", 0, OPTION_TEXT, AT(codec), "auto", 0, 0, NULL, "NAME",
      "FFmpeg video encoder; auto is H.264 by what this machine has" },
    { "output.crf", "crf", 0, OPTION_REAL, AT(crf), "-1", -1, 63, NULL, "Q",
      "quality, less is better; -1 is the encoder's own" },
    { "output.preset", "preset", 0, OPTION_TEXT, AT(preset), NULL, 0, 0, NULL, "NAME", "preset of the encoder" },
    { "output.records", "records", 'r', OPTION_CHOICE, AT(records), "none", 0, 0, "none|-", "FORM",
      "- writes what is found as JSON Lines to standard output" },
    { "run.threads", "threads", 'j', OPTION_INT, AT(threads), "0", 0, 64, NULL, "N",
      "threads of the network; 0 is half of the cores" },
    { "run.decode_threads", NULL, 0, OPTION_INT, AT(decode_threads), "1", 0, 64, NULL, "N",
      "threads of the decoder, each delays by a picture; 0 is its own choice" },
    { "run.repeat", NULL, 0, OPTION_INT, AT(repeat), "1", 1, 100, NULL, "N",
      "times that each picture goes through the detector: to see what a slower network does" },
    { 0 },
};
#undef AT

static const options_app app = {
    .name = "cygnet-view",
    .summary = "show a camera or video and the faces in it, live",
    .usage = "[options] [SOURCE...]",
    .examples = "cygnet-view                                     the first camera\n"
                "cygnet-view --gallery people/ rtsp://camera/stream\n"
                "cygnet-view --headless --records - --time-limit 60 clip.mp4",
    .exits = "0   ended, by a key or a limit, or the video has\n"
             "2   wrong usage or settings\n"
             "4   no source could be opened, or no camera is there\n"
             "5   a model is missing or damaged\n"
             "6   no window, or an output could not be written\n"
             "7   the gallery is damaged, or of another model\n"
             "8   the source was lost, or gave no picture in time\n"
             "130 / 143  interrupted, after recordings were finished",
    .table = table,
};

void view_tell_cameras(logger *log, FILE *out, bool formats)
{
    const int count = devices_list(out, formats);
    fflush(out);
    if (!count) log_print(log, LOG_NOTE, "no camera found; 'cygnet-view test:' shows a moving pattern to try with");
}

/* ---- the parts ---------------------------------------------------------------------------- */

static int core_count(void)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > 64 ? 64 : (int)cores;
}

static void wake(void *context)
{
    const view *v = context;
    window *w = v->window;
    if (w) window_wake(w);
}

static void say(void *context, bool bad, const char *sentence)
{
    view *v = context;
    log_print(v->log, bad ? LOG_ERROR : LOG_NOTE, "%s", sentence);
    view_say(v, bad, sentence);
    wake(v);
}

static void notice(void *context, const char *sentence)
{
    const view *v = context;
    log_print(v->log, LOG_WARNING, "%s", sentence);
}

static cyg_status read_size(const char *text, int *width, int *height, cyg_error *err)
{
    char rest;
    *width = *height = 0;
    if (!text || (sscanf(text, "%5dx%5d%c", width, height, &rest) == 2 && *width > 0 && *height > 0)) return CYG_OK;
    return cyg_fail(err, CYG_ARGUMENT, "--size: found '%s', expected WxH in pixels, as 1280x720", text);
}

static cyg_status open_source(view *v, const options *o, int width, int height, cyg_error *err)
{
    const view_settings *s = v->settings;
    const char *const *words;
    char camera[DEVICE_PATH];
    const char *const first = camera;
    int count = options_words(o, &words);
    if (!count) {
        if (!devices_first(camera)) return cyg_fail(err, CYG_NOT_FOUND, "nothing to show: no source is named");
        words = &first;
        count = 1;
    }
    const live_options wanted = {
        .width = width, .height = height, .rate = s->rate, .pixel_format = s->pixel_format, .transport = s->transport,
        .threads = s->decode_threads, .stall = s->stall, .wake = wake, .context = v,
    };
    return live_open(&v->live, words, count, &wanted, err);
}

static cyg_status open_analysis(view *v, const char *model, const char *describer, cyg_error *err)
{
    const view_settings *s = v->settings;
    const int half = core_count() / 2;
    const analysis_options wanted = {
        .models = {
            .model = model, .describer = describer, .isa = s->isa, .precision = s->precision, .threshold = 0.1f,
            .classes = s->classes, .max_objects = s->max_faces, .width = s->resolution, .height = s->resolution,
        },
        .threshold = s->threshold, .gallery = s->gallery, .false_match = s->false_match,
        .threads = s->threads ? s->threads : half < 1 ? 1 : half, .repeat = s->repeat,
        .found = view_record, .left = view_record_left, .wake = wake, .say = say, .context = v,
    };
    return analysis_open(&v->analysis, &wanted, err);
}

static cyg_status open_drawing(view *v, cyg_error *err)
{
    const view_settings *s = v->settings;
    const overlay_options look = view_look(v), hiding = { .hide = OVERLAY_BLUR, .no_boxes = true };
    const saver_options saving = {
        .folder = s->folder, .say = say, .context = v,
        .video = { .codec = s->codec, .crf = s->crf, .preset = s->preset, .notice = notice, .context = v },
    };
    v->overlay = overlay_create(&look);
    v->hider = overlay_create(&hiding);
    if (!v->overlay || !v->hider) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    return saver_open(&v->saver, &saving, err);
}

/* In the order that lets nobody call what is gone. */
static void close_all(view *v)
{
    live_close(v->live);
    analysis_close(v->analysis);
    stop_call(v->stop, NULL, NULL);
    window *w = v->window;
    v->window = NULL;
    window_close(w);
    if (!saver_close(v->saver) && v->code == VIEW_DONE) v->code = VIEW_OUTPUT;
    overlay_free(v->overlay);
    overlay_free(v->hider);
    records_close(&v->recorder.out);
    pthread_mutex_destroy(&v->notice.lock);
    if (frame_count()) log_print(v->log, LOG_ERROR, "%d pictures were not freed", frame_count());
}

static int code_of(cyg_status status)
{
    return status == CYG_ARGUMENT ? VIEW_USAGE : status == CYG_NOT_FOUND ? VIEW_NO_SOURCE : VIEW_OUTPUT;
}

static void open_and_run(view *v, const options *o, const char *model, const char *describer)
{
    cyg_error err;
    int width, height;
    cyg_status status = read_size(v->settings->size, &width, &height, &err);
    if (status == CYG_OK && v->settings->records) status = records_add(&v->recorder.out, "-", REPORT_JSONL, &err);
    if (status == CYG_OK) status = open_drawing(v, &err);
    if (status == CYG_OK) status = open_source(v, o, width, height, &err);
    if (status == CYG_OK) status = open_analysis(v, model, describer, &err);
    stop_call(v->stop, wake, v);
    if (status == CYG_OK) {
        view_run(v);
    } else {
        log_print(v->log, LOG_ERROR, "%s", err.message);
        v->code = code_of(status);
        if (v->code == VIEW_NO_SOURCE) view_tell_cameras(v->log, stderr, false);
    }
}

/* Only names need it: without it faces are found all the same. */
static cyg_status find_describer(char **out, const view_settings *s, logger *log, cyg_error *err)
{
    const cyg_status status = model_path_find(out, s->describer, err);
    if (status == CYG_OK || status == CYG_NO_MEMORY || s->gallery) return status;
    log_print(log, LOG_WARNING, "%s; faces are not described", err->message);
    return CYG_OK;
}

static int run(view_settings *s, const options *o, logger *log, stop *signals, double began)
{
    cyg_error err;
    char *model = NULL, *describer = NULL;
    view *v = calloc(1, sizeof *v);
    cyg_status status = v ? model_path_find(&model, s->model, &err) : cyg_fail(&err, CYG_NO_MEMORY, "out of memory");
    if (status == CYG_OK && (s->describe || s->gallery)) status = find_describer(&describer, s, log, &err);
    int code = VIEW_MODEL;
    if (status == CYG_OK) {
        *v = (view){ .settings = s, .settings_json = options_json(o), .log = log, .stop = signals, .began = began,
                     .number = -1, .recorder.input = -1 };
        pthread_mutex_init(&v->notice.lock, NULL);
        open_and_run(v, o, model, describer);
        close_all(v);
        code = v->code;
    } else {
        log_print(log, LOG_ERROR, "%s", err.message);
    }
    free(model);
    free(describer);
    free(v);
    return code;
}

static int list_devices(logger *log)
{
    view_tell_cameras(log, stdout, true);
    return fflush(stdout) == 0 ? VIEW_DONE : VIEW_OUTPUT;
}

int main(int argc, char **argv)
{
    cyg_error err;
    view_settings s;
    options *o;
    const double began = clock_now();
    signal(SIGPIPE, SIG_IGN);                           /* a closed pipe is a failed write, not the end */
    stop *signals = stop_watch();
    devices_enable();
    const cyg_status status = options_read(&o, &app, &s, argc, argv, &err);
    if (status == CYG_END) {
        stop_free(signals);
        return fflush(stdout) == 0 ? VIEW_DONE : VIEW_OUTPUT;
    }
    const bool read = status == CYG_OK;
    const log_level level = !read ? LOG_NOTE : s.quiet ? LOG_ERROR : s.verbose ? LOG_DETAIL : LOG_NOTE;
    logger *log = log_create(app.name, level, false);
    int code = VIEW_USAGE;
    if (!log || !signals) fputs("cygnet-view: out of memory\n", stderr);
    else if (!read) log_print(log, LOG_ERROR, "%s", err.message);
    else if (s.list_devices) code = list_devices(log);
    else code = run(&s, o, log, signals, began);
    if (read) options_free(o);
    log_free(log);
    stop_free(signals);
    return code;
}
