/* video_like.c - a source that nothing is read from: what a sink has to know of frames that come from elsewhere. */
#include "video_internal.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TICKS = 90000 };         /* a second */

static bool describe(video_source *s, const frame *f, double rate)
{
    s->model = av_frame_alloc();
    s->in = avformat_alloc_context();
    s->stream = s->in ? avformat_new_stream(s->in, NULL) : NULL;
    if (!s->model || !s->stream || av_frame_copy_props(s->model, f->av) < 0) return false;
    s->model->format = f->av->format;
    s->model->width = f->av->width;
    s->model->height = f->av->height;
    s->stream->time_base = (AVRational){ 1, TICKS };
    s->stream->disposition = AV_DISPOSITION_DEFAULT;
    s->stream->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    s->stream->codecpar->codec_id = AV_CODEC_ID_RAWVIDEO;
    s->rate = rate > 0 ? av_d2q(rate, 60000) : (AVRational){ 0, 1 };
    s->stream->avg_frame_rate = s->rate;
    s->format = s->before_turn = f->av->format;
    s->aspect = f->av->sample_aspect_ratio;
    s->start = s->last_pts = INT64_MIN;
    s->end = INT64_MAX;
    s->info = (video_info){
        .width = f->av->width, .height = f->av->height, .time_base_num = 1, .time_base_den = TICKS,
        .rate_num = s->rate.num, .rate_den = s->rate.den, .container = "", .codec = "",
        .pixel_format = av_get_pix_fmt_name(f->av->format),
    };
    return true;
}

cyg_status video_source_like(video_source **out, const frame *f, double rate, cyg_error *err)
{
    *out = NULL;
    video_source *s = calloc(1, sizeof *s);
    if (!s || !describe(s, f, rate)) {
        video_source_close(s);
        return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    }
    *out = s;
    return CYG_OK;
}

void video_frame_stamp(frame *f, double seconds, double duration)
{
    f->pts = llround(seconds * TICKS);
    f->av->pts = f->pts;
    f->av->pkt_duration = llround(fmax(duration, 0) * TICKS);
}
