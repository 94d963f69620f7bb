/* video_read.c - from packets to upright frames, with the packets of the other streams beside them. */
#include "video_internal.h"
#include "clock.h"
#include <libavutil/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GLANCE = 1000,                                      /* microseconds between two looks at a camera */
    EARLY_ROOM = 16,                                    /* times the packets, before the first picture */
    MAX_BAD_READS = 64,                                 /* in a row, then nothing more will come */
};

static const AVRational SECOND = { 1, 1 };

/* ---- Packets ---------------------------------------------------------------------------------- */

/* Before the first picture there is no frame to carry packets: more room, then open looks ahead. */
static bool must_give(const video_source *s)
{
    return video_packets_are_full(&s->packets, s->opened ? 1 : EARLY_ROOM);
}

/* True if the packet belongs to the span that is asked for. */
static bool in_span(video_source *s, const AVPacket *p)
{
    const AVRational tb = s->in->streams[p->stream_index]->time_base, video = s->stream->time_base;
    const int64_t t = p->pts != AV_NOPTS_VALUE ? p->pts : p->dts;
    if (t == AV_NOPTS_VALUE) return true;
    if (s->end != INT64_MAX && av_compare_ts(t, tb, s->end, video) >= 0) return false;
    return s->start == INT64_MIN || av_compare_ts(t + FFMAX(p->duration, 1), tb, s->start, video) > 0;
}

/* True if no packet of the span can come any more, however loosely the file is interleaved. */
static bool is_long_past(const video_source *s, const AVPacket *p)
{
    if (p->dts == AV_NOPTS_VALUE) return false;
    const int64_t margin = av_rescale_q(10, SECOND, s->stream->time_base);
    return av_compare_ts(p->dts, s->in->streams[p->stream_index]->time_base, s->end + margin, s->stream->time_base) > 0;
}

/* Reads one packet and hands it to the decoder or keeps it. AVERROR_EOF: there is none. */
static int read_packet(video_source *s)
{
    int r = video_source_is_cancelled(s) ? AVERROR_EXIT : av_read_frame(s->in, s->packet);
    if (r == AVERROR(EAGAIN)) {
        if (s->camera) av_usleep(GLANCE);
        return 0;
    }
    if (r == AVERROR_INVALIDDATA && ++s->bad_reads < MAX_BAD_READS) {
        s->damaged++;
        return 0;
    }
    if (r < 0) {
        if (r == AVERROR_EOF && s->in->pb && s->in->pb->error) r = s->in->pb->error;
        if (r != AVERROR_EOF && r != AVERROR_EXIT) s->read_error = r;
        return r == AVERROR_EXIT ? r : AVERROR_EOF;
    }
    s->bad_reads = 0;
    const int index = s->packet->stream_index;
    if (s->past_end && is_long_past(s, s->packet)) {
        av_packet_unref(s->packet);
        return AVERROR_EOF;
    }
    if (index == s->stream->index) {
        if (!s->opened && s->early_count < EARLY_PACKETS) {
            s->early[s->early_count] = av_packet_clone(s->packet);
            s->early_count += s->early[s->early_count] != NULL;
        }
        s->decoder->reordered_opaque = (int64_t)(1e6 * clock_now());
        r = s->decoder_ended ? 0 : avcodec_send_packet(s->decoder, s->packet);
        if (r == AVERROR(EAGAIN)) r = AVERROR_BUG;      /* it was drained before */
        if (r < 0 && r != AVERROR(ENOMEM) && r != AVERROR_BUG) {
            s->damaged++;
            r = 0;
        }
    } else if (s->copy_streams && !(s->in->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC)) {
        r = in_span(s, s->packet) ? video_packets_keep(&s->packets, s->packet) : 0;
    }
    av_packet_unref(s->packet);
    return r;
}

/* ---- Frames ----------------------------------------------------------------------------------- */

int video_read_decoded(video_source *s)
{
    for (;;) {
        int r = s->decoder_ended ? AVERROR_EOF : avcodec_receive_frame(s->decoder, s->decoded);
        if (r >= 0) return 0;
        if (r == AVERROR_EOF) {
            s->decoder_ended = true;
            return r;
        }
        if (r != AVERROR(EAGAIN)) {
            if (r == AVERROR(ENOMEM)) return r;
            s->damaged++;       /* goes on with the next packet */
            continue;
        }
        if (must_give(s)) return AVERROR(EAGAIN);
        if ((r = read_packet(s)) == AVERROR_EOF) {
            s->input_ended = true;
            r = avcodec_send_packet(s->decoder, NULL);
        }
        if (r < 0) return r;
    }
}

/* The stamp of a decoded frame; made up from the frame rate only where the file has none. */
static void stamp(video_source *s, AVFrame *f)
{
    const int64_t nominal = s->rate.num ? FFMAX(av_rescale_q(1, av_inv_q(s->rate), s->stream->time_base), 1) : 1;
    if (f->pkt_duration <= 0) f->pkt_duration = nominal;
    f->pts = f->best_effort_timestamp;
    if (f->pts == AV_NOPTS_VALUE) f->pts = s->last_pts == INT64_MIN ? 0 : s->last_pts + nominal;
    if (s->last_pts != INT64_MIN && f->pts <= s->last_pts) f->pts = s->last_pts + 1;
    s->last_pts = f->pts;
}

/* The picture has changed its size or format. */
static int follow_change(video_source *s, const AVFrame *f)
{
    if (!s->live) {
        char sentence[200];
        snprintf(sentence, sizeof sentence, "the picture changes from %dx%d to %dx%d: scaled to the first size",
                 s->model->width, s->model->height, f->width, f->height);
        if (!s->noticed_change) video_source_notify(s, sentence);
        s->noticed_change = true;
        return 0;
    }
    s->model->format = f->format;
    s->model->width = f->width;
    s->model->height = f->height;
    return video_source_learn(s, NULL) == CYG_OK ? 0 : AVERROR_PATCHWELCOME;
}

/* Into the agreed format and size, upright, and writable: never the decoder's own pixels. */
static int make_upright(video_source *s, AVFrame *f)
{
    if (f->width != s->model->width || f->height != s->model->height) {
        const int r = follow_change(s, f);
        if (r < 0) return r;
    }
    video_format_plain(f);
    const bool turned = !video_turn_is_none(s->turn);
    const int width = s->model->width, height = s->model->height;
    int r = 0;
    for (int step = 0; step < 2 && r >= 0; step++) {
        const bool convert = step == 0 && (f->format != s->before_turn || f->width != width || f->height != height);
        if (!convert && !(step == 1 && turned)) continue;
        AVFrame *made = av_frame_alloc();
        if (!made) return AVERROR(ENOMEM);
        r = convert ? video_format_convert(made, f, s->before_turn, width, height, &s->scaler)
                    : video_turn_apply(made, f, s->turn);
        av_frame_unref(f);
        if (r >= 0) av_frame_move_ref(f, made);
        av_frame_free(&made);
    }
    return r < 0 ? r : av_frame_make_writable(f);
}

/* The next frame of the span into f->av, upright. AVERROR_EOF after the last one. */
static int next_picture(video_source *s, frame *f)
{
    for (;;) {
        int r = 0;
        if (s->past_end) return AVERROR_EOF;
        if (must_give(s)) return AVERROR(EAGAIN);
        if (s->first->buf[0]) av_frame_move_ref(s->decoded, s->first);
        else r = video_read_decoded(s);
        if (r < 0) return r;
        stamp(s, s->decoded);
        if (s->decoded->pts >= s->end) s->past_end = true;
        if (s->decoded->pts < s->start || s->past_end) {
            av_frame_unref(s->decoded);
            continue;
        }
        f->av = av_frame_alloc();
        if (!f->av) return AVERROR(ENOMEM);
        av_frame_move_ref(f->av, s->decoded);
        return make_upright(s, f->av);
    }
}

/* After the last picture: the packets of the other streams that still come. */
static int remaining_packets(video_source *s)
{
    int r = 0;
    while (!s->input_ended && s->copy_streams && !must_give(s) && r >= 0) r = read_packet(s);
    if (r < 0) s->input_ended = true;
    return must_give(s) ? AVERROR(EAGAIN) : AVERROR_EOF;
}

/* A camera's driver stamps with the same clock, mostly; else what counts is when the packet came. */
static double capture_time(const video_source *s, const AVFrame *f)
{
    const double came = 1e-6 * (double)f->reordered_opaque, stamped = (double)f->pts * av_q2d(s->stream->time_base);
    return s->camera && stamped <= came && stamped > came - 1 ? stamped : came;
}

cyg_status video_source_read(video_source *s, frame *f, cyg_error *err)
{
    video_log_begin();
    f->order = s->orders++;
    f->number = s->numbers;
    int r = video_source_is_cancelled(s) ? AVERROR_EXIT : next_picture(s, f);
    if (r == AVERROR_EOF) r = remaining_packets(s);
    if (r == AVERROR_EXIT) return CYG_END;
    const int given = video_packets_give(&s->packets, f);
    if (given < 0) return video_fail(err, given, s->name, "cannot be read");
    if (r == AVERROR(EAGAIN)) return CYG_OK;
    if (r == AVERROR_EOF && s->read_error) {
        r = s->read_error;
        s->read_error = 0;
        return video_fail(err, r, s->name, "ends before its time");
    }
    if (r == AVERROR_EOF && s->info.endless && !s->past_end)
        return cyg_fail(err, CYG_IO, "%s: the stream has ended", s->name);
    if (r == AVERROR_EOF) return CYG_END;
    if (r < 0) return video_fail(err, r, s->name, "cannot be decoded");
    s->numbers++;
    f->captured = capture_time(s, f->av);
    f->pts = f->av->pts;
    f->time = f->pts * av_q2d(s->stream->time_base) - s->begin / 1e6;
    f->image = video_format_image(f->av);
    f->light = video_format_light(f->av, s->stream->codecpar);
    f->aspect = s->aspect.num ? (float)av_q2d(s->aspect) : 0;
    return CYG_OK;
}
