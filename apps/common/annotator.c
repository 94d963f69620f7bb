/* annotator.c - input -> frames -> workers -> tracks -> records and overlay -> output. */
#include "annotator.h"
#include "batch.h"
#include "clock.h"
#include "follow.h"
#include "job.h"
#include "picture.h"
#include "text.h"
#include "video.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_PIXELS = 200 * 1000 * 1000 };       /* of a picture: 600 MB in memory */

/* "412 faces", "1 face", "3 objects" */
static const char *count_text(char *out, size_t size, int64_t count, const char *noun)
{
    snprintf(out, size, "%lld %s%s", (long long)count, noun ? noun : "object", count == 1 ? "" : "s");
    return out;
}

/* "clip.mp4: 274 frames, 412 faces in 3 tracks, 9.1 s, 30.1 frames/s -> clip_annotated.mp4, clip.jsonl" */
static void say_done(const job *j)
{
    const double seconds = clock_now() - j->began;
    char frames[48], objects[96], tracks[48], outputs[1536] = "";
    const char *const paths[] = { j->media, j->jsonl, j->csv };
    for (int i = 0; i < 3; i++) {
        const size_t used = strlen(outputs);
        if (paths[i]) snprintf(outputs + used, sizeof outputs - used, "%s%s", used ? ", " : " -> ", paths[i]);
    }
    log_print(j->a->log, LOG_NOTE, "%s: %s%s, %s%s%s, %.1f s, %.1f frames/s%s", j->name,
              count_text(frames, sizeof frames, j->frames, "frame"), j->interrupted ? " (interrupted)" : "",
              count_text(objects, sizeof objects, j->objects, j->label), j->roster ? " in " : "",
              j->roster ? count_text(tracks, sizeof tracks, j->tracks, "track") : "", seconds,
              seconds > 0 ? (double)j->frames / seconds : 0, outputs);
}

/* ---- video ----------------------------------------------------------------------- */

typedef struct video_job {
    job         *job;
    video_sink  *sink;          /* NULL: records only */
    follower    *follower;
} video_job;

/* Also while the source still opens. */
static bool is_cancelled(void *context)
{
    const job *j = context;
    return stop_signal(j->a->stop) != 0;
}

static cyg_status write_frame(void *context, frame *f, cyg_error *err)
{
    video_job *v = context;
    cyg_status status = f->image.width ? job_take(v->job, f, err) : CYG_OK;
    if (status != CYG_OK || !v->sink) return status;
    const double began = clock_now();
    status = video_sink_write(v->sink, f, err);
    v->job->encode += clock_now() - began;
    return status;
}

static cyg_status take_frame(void *context, frame *f, cyg_error *err)
{
    video_job *v = context;
    return follower_put(v->follower, f, err);
}

static void describe(void *describer, const frame *f, const object *o, description *out)
{
    pipeline_describe(describer, f, o, out);
}

/* What comes between detecting and writing. */
static bool open_tracks(video_job *v)
{
    annotator *a = v->job->a;
    const annotator_options *o = &a->options;
    follower_options follow = {
        .tracker = o->tracker, .plain = !o->track, .hold = o->hold, .bytes = o->wait_bytes,
        .write = write_frame, .context = v,
    };
    follow.tracker.high = o->threshold;
    const roster_options known = {
        .describe = a->describer ? describe : NULL, .describer = a->describer,
        .recognise = a->naming ? naming_recognise : NULL, .gallery = a->naming,
    };
    v->follower = follower_create(&follow);
    if (o->track) v->job->roster = roster_create(&known);
    return v->follower && (v->job->roster || !o->track);
}

static void warn(void *context, const char *sentence)
{
    const job *j = context;
    log_print(j->a->log, LOG_WARNING, "%s: %s", j->name, sentence);
}

/* How many frames there will be, of the part that was asked for; 0 = not known. */
static int64_t expected_frames(const video_info *info, const annotator_options *o)
{
    if (info->duration <= 0) return info->frames;
    const double end = o->end > 0 && o->end < info->duration ? o->end : info->duration;
    const double part = (end - o->start) / info->duration;
    return part > 0 ? (int64_t)((double)info->frames * part + 0.5) : 0;
}

/* What the end of reading means; BAD_INPUT and SOURCE_LOST keep what was read. */
static annotator_result judge_reading(job *j, const batch *b)
{
    const bool asked = stop_signal(j->a->stop) != 0;
    j->interrupted = asked && b->read.status == CYG_END;
    j->damaged = video_source_damaged(b->source);
    if (j->frames == 0 && b->read.status == CYG_END) {
        cyg_error err;
        if (asked) return INTERRUPTED;
        cyg_fail(&err, CYG_FORMAT, "%s: no picture of it can be decoded", j->in->path);
        return job_lose(j, "decode", &err);
    }
    if (b->read.status != CYG_END) return job_lose(j, "decode", &b->read);
    return j->interrupted ? INTERRUPTED : ANNOTATED;
}

static annotator_result finish_video(video_job *v, annotator_result result)
{
    job *j = v->job;
    cyg_error err;
    if (j->frames == 0) return result;
    if (j->damaged) log_print(j->a->log, LOG_WARNING, "%s: %lld damaged packets or frames were left out", j->name,
                              (long long)j->damaged);
    if (job_end(j, &err) != CYG_OK) return job_fail(j, &err);
    if (v->sink && video_sink_finish(v->sink, &err) != CYG_OK) return job_fail(j, &err);
    if (job_finish(j, &err) != CYG_OK) return job_fail(j, &err);
    say_done(j);
    return result;
}

static annotator_result run_video(video_job *v, video_source *source)
{
    job *j = v->job;
    annotator *a = j->a;
    batch b = {
        .source = source, .workers = a->workers, .worker_count = a->worker_count, .every = a->options.every,
        .write = take_frame, .context = v,
    };
    cyg_error err;
    cyg_status status = batch_run(&b, &err);
    if (status == CYG_OK) status = follower_flush(v->follower, &err);
    progress_end(a->progress);
    j->decode = b.decode_seconds;
    j->detect = b.detect_seconds;
    j->track = follower_seconds(v->follower);
    j->tracks = follower_tracks(v->follower);
    if (status != CYG_OK) return job_fail(j, &err);
    const annotator_result result = judge_reading(j, &b);
    return result == OUTPUT_FAILED ? result : finish_video(v, result);
}

static annotator_result annotate_source(job *j, video_source *source)
{
    annotator *a = j->a;
    j->video = video_source_info(source);
    annotator_result result = job_open(j, video_source_extension(source));
    if (result != ANNOTATED) return result;
    const video_sink_options options = {
        .codec = a->options.codec, .crf = a->options.crf, .preset = a->options.preset,
        .threads = a->options.encode_threads, .no_audio = !a->options.audio, .notice = warn, .context = j,
    };
    video_job v = { .job = j };
    cyg_error err;
    if (j->media && video_sink_open(&v.sink, j->media, source, &options, &err) != CYG_OK) return job_fail(j, &err);
    if (open_tracks(&v)) {
        progress_begin(a->progress, (size_t)(j->in - a->inputs->items), j->name,
                       expected_frames(j->video, &a->options));
        result = run_video(&v, source);
    } else {
        cyg_fail(&err, CYG_NO_MEMORY, "%s: out of memory", j->in->path);
        result = job_fail(j, &err);
    }
    follower_free(v.follower);
    video_sink_close(v.sink);
    return result;
}

static annotator_result annotate_video(job *j)
{
    const annotator_options *o = &j->a->options;
    const video_source_options options = {
        .start = o->start, .end = o->end, .threads = o->decode_threads, .copy_streams = o->media,
        .notice = warn, .cancelled = is_cancelled, .context = j,
    };
    video_source *source;
    cyg_error err;
    const cyg_status status = video_source_open(&source, j->in->path, &options, &err);
    if (status == CYG_END) return INTERRUPTED;
    if (status != CYG_OK) return job_lose(j, "open", &err);
    const annotator_result result = annotate_source(j, source);
    video_source_close(source);
    return result;
}

/* ---- pictures -------------------------------------------------------------------- */

/* What the eight EXIF orientations do to a picture. */
static video_info describe_picture(const frame *f, const picture_info *info)
{
    static const int degrees[9] = { 0, 0, 0, 180, 180, 90, 90, 270, 270 };
    const int o = info->orientation >= 1 && info->orientation <= 8 ? info->orientation : 1;
    return (video_info){
        .width = f->image.width, .height = f->image.height, .rotation = degrees[o],
        .mirrored = o == 2 || o == 4 || o == 5 || o == 7, .frames = 1, .container = "jpeg", .codec = "jpeg",
        .pixel_format = "rgb24",
    };
}

static const char *picture_ending(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0) ? dot + 1 : "jpg";
}

/* What only helps to follow objects is no object of a photo. */
static void drop_weak(frame *f, float threshold)
{
    int kept = 0;
    for (int i = 0; i < f->object_count; i++)
        if (f->objects[i].score > threshold) f->objects[kept++] = f->objects[i];
    f->object_count = kept;
}

static void name_one(naming *n, const description *seen, object *o)
{
    appearance face = { .embedding = seen->embedding, .dimension = seen->dimension };
    naming_recognise(n, &face);
    memcpy(o->name, face.name, sizeof o->name);
    o->cosine = face.cosine;
    o->false_match = face.false_match;
}

static void describe_all(annotator *a, frame *f)
{
    description seen;
    for (int i = 0; i < f->object_count; i++) {
        object *o = &f->objects[i];
        pipeline_describe(a->describer, f, o, &seen);
        o->attribute_count = seen.attribute_count < OBJECT_ATTRIBUTES ? seen.attribute_count : OBJECT_ATTRIBUTES;
        for (int k = 0; k < o->attribute_count; k++) o->attributes[k] = seen.attributes[k];
        if (a->naming) name_one(a->naming, &seen, o);
    }
}

static annotator_result run_picture(job *j, frame *f, const picture_info *info)
{
    cyg_error err;
    const video_info about = describe_picture(f, info);
    j->video = &about;
    annotator_result result = job_open(j, picture_ending(j->in->path));
    if (result != ANNOTATED) return result;
    const double began = clock_now();
    pipeline_detect(j->a->workers[0], f);
    drop_weak(f, j->a->options.threshold);
    if (j->a->describer) describe_all(j->a, f);
    j->detect = clock_now() - began;
    if (job_take(j, f, &err) != CYG_OK) return job_fail(j, &err);
    const double drawn = clock_now();
    if (j->media && picture_write(f, info, j->media, j->a->options.jpeg_quality, &err) != CYG_OK)
        return job_fail(j, &err);
    j->encode = clock_now() - drawn;
    if (job_end(j, &err) != CYG_OK || job_finish(j, &err) != CYG_OK) return job_fail(j, &err);
    say_done(j);
    return ANNOTATED;
}

static annotator_result annotate_picture(job *j)
{
    cyg_error err;
    picture_info info = { 0 };
    frame *f = frame_create();
    if (!f) {
        cyg_fail(&err, CYG_NO_MEMORY, "%s: out of memory", j->in->path);
        return job_lose(j, "open", &err);
    }
    const cyg_status status = picture_read(f, &info, j->in->path, MOST_PIXELS, &err);
    j->decode = clock_now() - j->began;
    annotator_result result;
    if (status != CYG_OK) {
        result = job_lose(j, "decode", &err);
    } else {
        progress_begin(j->a->progress, (size_t)(j->in - j->a->inputs->items), j->name, 1);
        result = run_picture(j, f, &info);
        progress_end(j->a->progress);
    }
    picture_info_free(&info);
    frame_free(f);
    return result;
}

/* ---- one input -------------------------------------------------------------------- */

/* What was known before anything was opened. */
static annotator_result refuse(job *j)
{
    cyg_error err;
    if (j->in->problem) {
        cyg_fail(&err, CYG_IO, "%s", j->in->problem);
        return job_lose(j, "open", &err);
    }
    log_print(j->a->log, LOG_ERROR, "%s", j->out->problem);
    return BAD_INPUT;
}

annotator_result annotator_run(annotator *a, const input *in, const output *out)
{
    job j = { .a = a, .in = in, .out = out, .began = clock_now(), .time = NAN };
    j.name = in->kind == INPUT_STDIN ? "stdin" : in->path;
    const bool refused = in->problem || out->problem;
    const bool picture = !refused && in->kind == INPUT_FILE && !input_is_video(in->path) && picture_is_jpeg(in->path);
    const annotator_result result = refused ? refuse(&j) : picture ? annotate_picture(&j) : annotate_video(&j);
    job_close(&j);
    return result;
}
