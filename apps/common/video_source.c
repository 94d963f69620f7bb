/* video_source.c - a source from opening to closing, and what is to be known of it. */
#include "video_internal.h"
#include "text.h"
#include <libswscale/swscale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DECODER_PIXELS = 1 << 27 };                  /* a picture of 400 MB is an attack */

static const AVRational SECOND = { 1, 1 };

/* ---- Opening ---------------------------------------------------------------------------- */

int video_source_is_cancelled(void *source)
{
    const video_source *s = source;
    return atomic_load(&s->interrupted) || (s->cancelled && s->cancelled(s->context));
}

/* How sentences call the source: without the password of a URL. */
static void name_source(video_source *s, const char *uri)
{
    text_clean(s->name, sizeof s->name, strcmp(uri, "-") == 0 ? "standard input" : uri, TEXT_DATA);
}

static cyg_status open_decoder(video_source *s, int threads, cyg_error *err)
{
    s->stream = video_input_best(s->in);
    if (!s->stream)
        return cyg_fail(err, CYG_FORMAT, "%s: no video in it; other streams: %u", s->name, s->in->nb_streams);
    const AVCodecParameters *par = s->stream->codecpar;
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    if (!codec)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: no decoder for %s in this FFmpeg", s->name,
                        avcodec_get_name(par->codec_id));
    s->decoder = avcodec_alloc_context3(codec);
    if (!s->decoder) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", s->name);
    int r = avcodec_parameters_to_context(s->decoder, par);
    s->decoder->pkt_timebase = s->stream->time_base;
    s->decoder->thread_count = threads;
    if (s->live) s->decoder->thread_type = FF_THREAD_SLICE;     /* whole frames in threads come out late */
    s->decoder->max_pixels = MAX_DECODER_PIXELS;
    video_log_begin();
    if (r >= 0) r = avcodec_open2(s->decoder, codec, NULL);
    return r < 0 ? video_fail(err, r, s->name, "cannot be decoded") : CYG_OK;
}

void video_source_notify(const video_source *s, const char *sentence)
{
    if (s->notice) s->notice(s->context, sentence);
}

/* Packets nobody wants are not even parsed. */
static void discard_unwanted(video_source *s)
{
    for (unsigned i = 0; i < s->in->nb_streams; i++)
        if (!s->copy_streams && s->in->streams[i] != s->stream) s->in->streams[i]->discard = AVDISCARD_ALL;
}

static void set_span(video_source *s, const video_source_options *o)
{
    s->begin = s->in->start_time == AV_NOPTS_VALUE ? 0 : s->in->start_time;
    const AVRational tb = s->stream->time_base;
    const double ticks = 1 / av_q2d(tb), begin = s->begin / 1e6;
    s->start = o->start > 0 ? (int64_t)ceil((o->start + begin) * ticks - 1e-6) : INT64_MIN;
    s->end = o->end > 0 ? (int64_t)ceil((o->end + begin) * ticks - 1e-6) : INT64_MAX;
}

/* To the key frame before the start. Where that is not possible, all frames before it are
 * decoded and dropped. */
static void seek_to_start(video_source *s)
{
    if (s->start == INT64_MIN || s->stream->start_time == AV_NOPTS_VALUE) return;
    int64_t target = s->start;
    if (!(s->in->iformat->flags & AVFMT_SEEK_TO_PTS))      /* it seeks by dts, which lies before pts */
        target -= av_rescale_q(1, SECOND, s->stream->time_base);
    if (target <= s->stream->start_time) return;
    if (s->in->pb && !(s->in->pb->seekable & AVIO_SEEKABLE_NORMAL)) return;     /* a try would eat the data */
    video_log_begin();
    (void)av_seek_frame(s->in, s->stream->index, target, AVSEEK_FLAG_BACKWARD);
}

static void fill_info(video_source *s)
{
    video_info *info = &s->info;
    const AVStream *st = s->stream;
    info->width = s->turn.transpose ? s->model->height : s->model->width;
    info->height = s->turn.transpose ? s->model->width : s->model->height;
    info->rotation = video_turn_rotation(s->turn);
    info->mirrored = video_turn_mirrors(s->turn);
    info->time_base_num = st->time_base.num;
    info->time_base_den = st->time_base.den;
    info->rate_num = st->avg_frame_rate.num;
    info->rate_den = st->avg_frame_rate.den;
    if (!info->rate_num || !info->rate_den) {
        info->rate_num = st->r_frame_rate.num;
        info->rate_den = st->r_frame_rate.den;
    }
    if ((!info->rate_num || !info->rate_den) && s->decoder) {       /* a stream's own word, where its server has none */
        info->rate_num = s->decoder->framerate.num;
        info->rate_den = s->decoder->framerate.den;
    }
    if (!info->rate_num || !info->rate_den) info->rate_num = info->rate_den = 0;
    s->rate = info->rate_num ? av_make_q(info->rate_num, info->rate_den) : av_make_q(0, 1);
    if (st->duration > 0) info->duration = st->duration * av_q2d(st->time_base);
    else if (s->in->duration > 0) info->duration = s->in->duration / 1e6;
    info->frames = st->nb_frames > 0 ? st->nb_frames : (int64_t)(info->duration * av_q2d(s->rate) + 0.5);
    info->container = s->in->iformat->name;
    info->codec = avcodec_get_name(st->codecpar->codec_id);
    info->pixel_format = av_get_pix_fmt_name(s->model->format);
}

cyg_status video_source_learn(video_source *s, cyg_error *err)
{
    bool exact;
    const int32_t *matrix = (const int32_t *)av_stream_get_side_data(s->stream, AV_PKT_DATA_DISPLAYMATRIX, NULL);
    s->turn = video_turn_of_matrix(matrix, &exact);
    if (!exact) video_source_notify(s, "its rotation is no multiple of 90 degrees: the nearest one is applied");
    fill_info(s);       /* with the name of the decoder's own format */
    video_format_plain(s->model);
    const enum AVPixelFormat nearest = video_format_nearest(s->model->format);
    if (nearest == AV_PIX_FMT_NONE)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: pixel format %s", s->name, s->info.pixel_format);
    s->format = video_turn_format(s->turn, nearest, &s->before_turn);
    s->aspect = s->model->sample_aspect_ratio.num ? s->model->sample_aspect_ratio : s->stream->sample_aspect_ratio;
    if (s->turn.transpose && s->aspect.num) s->aspect = av_make_q(s->aspect.den, s->aspect.num);
    return CYG_OK;
}

static void forget_early(video_source *s)
{
    while (s->early_count) av_packet_free(&s->early[--s->early_count]);
}

/* Decodes the packets read so far apart from the rest, to the end: the first frame without
 * waiting for those after it. */
static int decode_early(video_source *s, AVFrame *out)
{
    AVCodecContext *c = avcodec_alloc_context3(s->decoder->codec);
    int r = c ? avcodec_parameters_to_context(c, s->stream->codecpar) : AVERROR(ENOMEM);
    if (r >= 0) {
        c->thread_count = 1;
        c->max_pixels = MAX_DECODER_PIXELS;
        c->pkt_timebase = s->stream->time_base;
        r = avcodec_open2(c, s->decoder->codec, NULL);
    }
    bool got = false;
    for (int i = 0; i <= s->early_count && r >= 0 && !got; i++) {
        (void)avcodec_send_packet(c, i < s->early_count ? s->early[i] : NULL);
        got = avcodec_receive_frame(c, out) >= 0;
    }
    avcodec_free_context(&c);
    return r < 0 ? r : got ? 0 : AVERROR_EOF;
}

/* WebM's transparency is a video of its own, beside what FFmpeg's decoders see. */
static bool has_alpha_beside(const AVStream *st)
{
    const AVDictionaryEntry *mode = av_dict_get(st->metadata, "alpha_mode", NULL, 0);
    return mode && strcmp(mode->value, "1") == 0;
}

/* The first frame says what no header does: true size and format, light levels. Where sound
 * alone fills the time before it comes out of the decoder, a second decoder looks ahead. */
static cyg_status decode_first(video_source *s, cyg_error *err)
{
    video_log_begin();
    int r = video_read_decoded(s);
    if (r >= 0) av_frame_move_ref(s->first, s->decoded);
    const bool ahead = r == AVERROR(EAGAIN);
    if (ahead) r = decode_early(s, s->decoded);
    forget_early(s);
    if (r == AVERROR_EOF && s->read_error) return video_fail(err, s->read_error, s->name, "cannot be read");
    if (r == AVERROR_EOF)
        return cyg_fail(err, CYG_FORMAT, "%s: not one frame of its video (%s) can be decoded", s->name,
                        avcodec_get_name(s->stream->codecpar->codec_id));
    const AVFrame *like = ahead ? s->decoded : s->first;
    if (r >= 0) r = av_frame_copy_props(s->model, like);
    if (r < 0) return video_fail(err, r, s->name, "cannot be decoded");
    s->model->format = like->format;
    s->model->width = like->width;
    s->model->height = like->height;
    s->transparent = has_alpha_beside(s->stream) || video_format_is_transparent(like);
    av_frame_unref(s->decoded);
    s->opened = true;
    return video_source_learn(s, err);
}

cyg_status video_source_open(video_source **out, const char *uri, const video_source_options *options,
                             cyg_error *err)
{
    *out = NULL;
    video_source *s = calloc(1, sizeof *s);
    if (!s) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", uri);
    name_source(s, uri);
    s->live = options->live;
    s->notice = options->notice;
    s->cancelled = options->cancelled;
    s->context = options->context;
    s->copy_streams = options->copy_streams;
    s->last_pts = INT64_MIN;
    s->packet = av_packet_alloc();
    s->decoded = av_frame_alloc();
    s->first = av_frame_alloc();
    s->model = av_frame_alloc();
    cyg_status status = CYG_OK;
    if (!s->packet || !s->decoded || !s->first || !s->model)
        status = cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", s->name);
    if (!status) status = video_input_open(s, uri, options, err);
    if (!status) status = open_decoder(s, options->threads, err);
    if (!status) {
        discard_unwanted(s);
        set_span(s, options);
        seek_to_start(s);
        status = decode_first(s, err);
    }
    if (status) {
        video_source_close(s);
        return status;
    }
    *out = s;
    return CYG_OK;
}

void video_source_close(video_source *s)
{
    if (!s) return;
    video_packets_free(&s->packets);
    sws_freeContext(s->scaler);
    forget_early(s);
    av_frame_free(&s->model);
    av_frame_free(&s->first);
    av_frame_free(&s->decoded);
    av_packet_free(&s->packet);
    avcodec_free_context(&s->decoder);
    video_input_close(s);
    free(s);
}

const video_info *video_source_info(const video_source *s) { return &s->info; }
int64_t video_source_damaged(const video_source *s) { return s->damaged; }
void    video_source_interrupt(video_source *s) { atomic_store(&s->interrupted, 1); }
