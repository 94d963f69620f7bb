/* view_records.c - one line of JSON for each analysed picture, in the annotator's form. */
#include "view.h"
#include "clock.h"
#include <math.h>
#include <stdio.h>

static void give_up(view *v, const cyg_error *err)
{
    log_print(v->log, LOG_ERROR, "%s", err->message);
    v->code = VIEW_OUTPUT;
    v->quit = true;
    records_close(&v->records);
    v->records = (records){ 0 };
}

static cyg_status begin(view *v, cyg_error *err)
{
    live_state s;
    analysis_state a;
    live_state_now(v->live, &s);
    analysis_state_now(v->analysis, &a);
    const video_info video = {
        .width = s.width, .height = s.height, .rate_num = (int)lround(s.rate * 1000), .rate_den = s.rate > 0 ? 1000 : 0,
        .container = s.container, .codec = s.codec, .pixel_format = s.pixel_format,
    };
    const report_header header = {
        .tool = "cygnet-view", .source = s.name, .source_bytes = -1, .video = s.width ? &video : NULL,
        .model = a.model ? a.model : v->settings->model, .model_sha256 = a.sha256, .isa = a.isa,
        .settings = v->settings_json,
    };
    v->records_begun = true;
    return records_begin(&v->records, &header, err);
}

void view_record(view *v, const frame *found)
{
    cyg_error err;
    if (!v->records.count) return;
    cyg_status status = v->records_begun ? CYG_OK : begin(v, &err);
    if (status == CYG_OK) status = records_frame(&v->records, found, &err);
    if (status != CYG_OK) {
        give_up(v, &err);
        return;
    }
    v->recorded++;
    v->objects += found->object_count;
}

void view_record_end(view *v)
{
    cyg_error err;
    live_state s;
    analysis_state a;
    if (!v->records.count) return;
    live_state_now(v->live, &s);
    analysis_state_now(v->analysis, &a);
    const report_summary summary = {
        .frames = v->recorded, .objects = v->objects, .damaged = s.damaged, .seconds = clock_now() - v->began,
        .ms_decode = NAN, .ms_detect = a.analysed ? 1e3 * a.seconds / (double)a.analysed : NAN, .ms_draw = NAN,
        .ms_encode = NAN, .interrupted = stop_signal(v->stop) != 0,
    };
    const cyg_error why = { .status = s.why };
    cyg_error lost = why;
    snprintf(lost.message, sizeof lost.message, "%s", s.sentence);
    cyg_status status = v->records_begun ? CYG_OK : begin(v, &err);
    if (status == CYG_OK && s.why != CYG_OK && s.why != CYG_END)
        status = records_error(&v->records, "decode", &lost, NAN, &err);
    if (status == CYG_OK) status = records_end(&v->records, &summary, &err);
    if (status == CYG_OK) status = records_finish(&v->records, &err);
    if (status != CYG_OK) give_up(v, &err);
    records_close(&v->records);
    v->records = (records){ 0 };
}
