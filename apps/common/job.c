/* job.c - opens, fills and ends the outputs of one input. */
#include "job.h"
#include "clock.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

annotator_result job_fail(job *j, const cyg_error *what)
{
    if (what->status == CYG_UNSUPPORTED || what->status == CYG_ARGUMENT) {      /* says nothing of files */
        log_print(j->a->log, LOG_ERROR, "%s: %s", j->name, what->message);
        return OUTPUT_UNFIT;
    }
    log_print(j->a->log, LOG_ERROR, "%s", what->message);
    return what->status == CYG_END ? OUTPUT_BUSY : OUTPUT_FAILED;
}

/* ---- opening -------------------------------------------------------------------- */

static bool wants(const job *j, records_form form)
{
    return j->a->options.records == form || j->a->options.records == RECORDS_BOTH;
}

static bool name_outputs(job *j, const char *ending)
{
    const bool media = j->a->options.media && ending;
    if (media) j->media = output_media(j->out, ending);
    if (wants(j, RECORDS_JSONL)) j->jsonl = output_records(j->out, "jsonl");
    if (wants(j, RECORDS_CSV)) j->csv = output_records(j->out, "csv");
    return (j->media || !media) && (j->jsonl || !wants(j, RECORDS_JSONL)) && (j->csv || !wants(j, RECORDS_CSV));
}

static cyg_status check_outputs(const job *j, cyg_error *err)
{
    const char *const paths[] = { j->media, j->jsonl, j->csv };
    cyg_status status = CYG_OK;
    for (int i = 0; status == CYG_OK && i < 3; i++) {
        if (!paths[i]) continue;
        status = output_check(paths[i], j->a->inputs, j->a->options.overwrite, err);
        if (status == CYG_OK && i > 0 && j->media && strcmp(j->media, paths[i]) == 0)
            status = cyg_fail(err, CYG_ARGUMENT, "%s: cannot hold both the pictures and the records", j->media);
    }
    return status;
}

static cyg_status add_reports(job *j, cyg_error *err)
{
    const char *any = j->media ? j->media : j->jsonl ? j->jsonl : j->csv;
    cyg_status status = any ? output_make_folder(any, err) : CYG_OK;
    if (status == CYG_OK && j->jsonl) status = records_add(&j->records, j->jsonl, REPORT_JSONL, err);
    if (status == CYG_OK && j->csv) status = records_add(&j->records, j->csv, REPORT_CSV, err);
    if (status == CYG_OK && j->a->options.records == RECORDS_STDOUT)
        status = records_add(&j->records, "-", REPORT_JSONL, err);
    return status;
}

static cyg_status begin_records(job *j, cyg_error *err)
{
    struct stat st;
    char sha256[HASH_TEXT];
    const bool is_file = j->in->kind == INPUT_FILE && stat(j->in->path, &st) == 0 && S_ISREG(st.st_mode);
    const bool hashed = is_file && j->records.count && hash_file(sha256, j->in->path, NULL) == CYG_OK;
    const report_header header = {
        .tool = "cygnet-annotate",
        .source = j->in->path,
        .source_sha256 = hashed ? sha256 : NULL,
        .source_bytes = is_file ? st.st_size : -1,
        .video = j->video,
        .model = pipeline_models_name(j->a->models),
        .model_sha256 = pipeline_models_sha256(j->a->models),
        .describer = pipeline_models_describer(j->a->models),
        .describer_sha256 = pipeline_models_describer_sha256(j->a->models),
        .isa = pipeline_models_isa(j->a->models), .precision = pipeline_models_precision(j->a->models),
        .settings = j->a->options.settings,
    };
    return records_begin(&j->records, &header, err);
}

annotator_result job_open(job *j, const char *ending)
{
    cyg_error err;
    if (!name_outputs(j, ending)) {
        cyg_fail(&err, CYG_NO_MEMORY, "%s: out of memory", j->in->path);
        return job_fail(j, &err);
    }
    if (check_outputs(j, &err) != CYG_OK) {
        log_print(j->a->log, LOG_ERROR, "%s", err.message);
        return BAD_INPUT;
    }
    if (add_reports(j, &err) != CYG_OK || begin_records(j, &err) != CYG_OK) return job_fail(j, &err);
    return ANNOTATED;
}

/* ---- frames ------------------------------------------------------------------------ */

static void count_objects(job *j, const frame *f)
{
    for (int i = 0; i < f->object_count; i++) {
        const char *label = f->objects[i].label_text;
        if (j->objects++ == 0) j->label = label;
        else if (j->label && strcmp(j->label, label) != 0) j->label = NULL;
    }
}

/* The tracks that were not seen since then have ended. */
static cyg_status end_tracks(job *j, double before, cyg_error *err)
{
    appearance a;
    cyg_status status = CYG_OK;
    while (status == CYG_OK && j->roster && roster_leave(j->roster, before, &a))
        status = records_track(&j->records, &a, err);
    return status;
}

static cyg_status see(job *j, frame *f, cyg_error *err)
{
    if (!j->roster) return CYG_OK;
    const double began = clock_now();
    const cyg_status status = roster_see(j->roster, f, err);
    j->describe += clock_now() - began;
    return status;
}

cyg_status job_take(job *j, frame *f, cyg_error *err)
{
    cyg_status status = see(j, f, err);
    if (status == CYG_OK) status = records_frame(&j->records, f, err);
    if (status == CYG_OK) status = end_tracks(j, f->time - j->a->options.tracker.keep, err);
    if (status != CYG_OK) return status;
    j->frames++;
    j->time = f->time;
    count_objects(j, f);
    if (j->media) {
        const double began = clock_now();
        overlay_draw(j->a->overlay, f);
        j->draw += clock_now() - began;
    }
    progress_frame(j->a->progress, j->frames, j->objects);
    return CYG_OK;
}

/* ---- the end ------------------------------------------------------------------------ */

cyg_status job_end(job *j, cyg_error *err)
{
    const double frames = (double)j->frames;
    const cyg_status status = end_tracks(j, INFINITY, err);
    if (status != CYG_OK) return status;
    const report_summary summary = {
        .frames = j->frames,
        .objects = j->objects,
        .tracks = j->tracks,
        .damaged = j->damaged,
        .seconds = clock_now() - j->began,
        .ms_decode = 1e3 * j->decode / frames,
        .ms_detect = 1e3 * j->detect / frames,
        .ms_track = 1e3 * j->track / frames,
        .ms_describe = 1e3 * j->describe / frames,
        .ms_draw = 1e3 * j->draw / frames,
        .ms_encode = 1e3 * j->encode / frames,
        .interrupted = j->interrupted,
        .output = j->frames ? j->media : NULL,
    };
    return records_end(&j->records, &summary, err);
}

cyg_status job_finish(job *j, cyg_error *err)
{
    return records_finish(&j->records, err);
}

/* Records that only say what went wrong; not for what does not exist at all. */
static cyg_status open_failure(job *j, cyg_error *err)
{
    struct stat st;
    if (j->records.count) return CYG_OK;
    if (j->in->kind == INPUT_FILE && lstat(j->in->path, &st) != 0 && j->a->options.records != RECORDS_STDOUT)
        return CYG_OK;
    if (!name_outputs(j, NULL)) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", j->in->path);
    free(j->csv);
    j->csv = NULL;
    cyg_status status = check_outputs(j, err);
    if (status == CYG_OK) status = add_reports(j, err);
    if (status == CYG_OK) status = begin_records(j, err);
    return status;
}

annotator_result job_lose(job *j, const char *stage, const cyg_error *what)
{
    cyg_error err;
    log_print(j->a->log, LOG_ERROR, "%s", what->message);
    cyg_status status = open_failure(j, &err);
    if (status == CYG_OK) status = records_error(&j->records, stage, what, j->time, &err);
    if (status == CYG_OK && !j->frames) status = job_end(j, &err);
    if (status == CYG_OK && !j->frames) status = job_finish(j, &err);
    const bool lost = j->in->kind != INPUT_FILE && j->frames && what->status == CYG_IO;
    if (status == CYG_OK) return lost ? SOURCE_LOST : BAD_INPUT;
    if (status == CYG_ARGUMENT) return BAD_INPUT;       /* records of an earlier run are there: they stay */
    return job_fail(j, &err);
}

void job_close(job *j)
{
    roster_free(j->roster);
    records_close(&j->records);
    free(j->media);
    free(j->jsonl);
    free(j->csv);
}
