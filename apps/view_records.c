/* view_records.c - what was found, as JSON Lines in the annotator's form: for each input a header, its frames and
 * tracks, and a summary. */
#include "view.h"
#include "clock.h"
#include <math.h>
#include <stdio.h>

static bool is_failure(cyg_status why)
{
    return why != CYG_OK && why != CYG_END;
}

/* ---- one input ---------------------------------------------------------------------------------- */

static cyg_status begin_input(view *v, int input, const live_state *s, cyg_error *err)
{
    recorder *r = &v->recorder;
    analysis_state a;
    analysis_state_now(v->analysis, &a);
    const video_info video = {
        .width = s->width, .height = s->height, .rate_num = (int)lround(s->rate * 1000),
        .rate_den = s->rate > 0 ? 1000 : 0, .container = s->container, .codec = s->codec,
        .pixel_format = s->pixel_format,
    };
    const report_header header = {
        .tool = "cygnet-view", .source = s->name, .source_bytes = -1, .video = s->width ? &video : NULL,
        .model = a.model ? a.model : v->settings->model, .model_sha256 = a.sha256, .isa = a.isa,
        .precision = a.precision, .describer = a.describer, .describer_sha256 = a.describer_sha256,
        .settings = v->settings_json,
    };
    *r = (recorder){ .out = r->out, .input = input, .damaged = r->damaged, .began = clock_now() };
    return records_begin(&r->out, &header, err);
}

static cyg_status end_input(view *v, bool interrupted, cyg_error *err)
{
    recorder *r = &v->recorder;
    live_state s;
    cyg_status status = CYG_OK;
    if (!live_state_of(v->live, r->input, &s)) return CYG_OK;
    cyg_error why = { .status = s.why };
    snprintf(why.message, sizeof why.message, "%s", s.sentence);
    if (is_failure(s.why)) status = records_error(&r->out, s.width ? "decode" : "open", &why, NAN, err);
    const report_summary summary = {
        .frames = r->frames, .objects = r->objects, .tracks = r->tracks, .damaged = s.damaged - r->damaged,
        .seconds = clock_now() - r->began, .ms_decode = NAN,
        .ms_detect = r->frames ? 1e3 * r->worked / (double)r->frames : NAN, .ms_track = NAN, .ms_describe = NAN,
        .ms_draw = NAN, .ms_encode = NAN, .interrupted = interrupted,
    };
    r->damaged = s.damaged;
    return status == CYG_OK ? records_end(&r->out, &summary, err) : status;
}

/* Ends what is before that input. Of those between, which gave no picture, the ones that failed are told of. */
static cyg_status go_to(view *v, int input, cyg_error *err)
{
    recorder *r = &v->recorder;
    live_state s;
    cyg_status status = CYG_OK;
    for (int i = r->input + 1; status == CYG_OK && i <= input; i++) {
        if (!live_state_of(v->live, i, &s) || (i < input && !is_failure(s.why))) continue;
        if (r->input >= 0) status = end_input(v, false, err);
        if (status == CYG_OK) status = begin_input(v, i, &s, err);
    }
    return status;
}

/* ---- for the analysis ---------------------------------------------------------------------------- */

static void give_up(view *v, const cyg_error *err)
{
    log_print(v->log, LOG_ERROR, "%s", err->message);
    records_close(&v->recorder.out);
    v->records_failed = true;
}

void view_record(void *context, const frame *found, double seconds)
{
    view *v = context;
    recorder *r = &v->recorder;
    cyg_error err;
    if (!r->out.count) return;
    cyg_status status = go_to(v, found->input, &err);
    if (status == CYG_OK) status = records_frame(&r->out, found, &err);
    if (status != CYG_OK) give_up(v, &err);
    r->frames++;
    r->objects += found->object_count;
    r->worked += seconds;
}

void view_record_left(void *context, const appearance *gone)
{
    view *v = context;
    recorder *r = &v->recorder;
    cyg_error err;
    if (!r->out.count) return;
    if (records_track(&r->out, gone, &err) != CYG_OK) give_up(v, &err);
    r->tracks++;
}

void view_record_end(view *v)
{
    recorder *r = &v->recorder;
    cyg_error err;
    live_state now, s;
    if (!r->out.count) return;
    live_state_now(v->live, &now);
    int last = now.input;
    while (last > 0 && !(live_state_of(v->live, last, &s) && is_failure(s.why))) last--;
    cyg_status status = go_to(v, last, &err);
    if (status == CYG_OK) status = end_input(v, stop_signal(v->stop) != 0, &err);
    if (status == CYG_OK) status = records_finish(&r->out, &err);
    if (status != CYG_OK) give_up(v, &err);
    records_close(&r->out);
}
