/* video_encoder.c - frames in, packets with the frames' own time stamps out.
 *
 * The encoder only counts frames (its clock is the nominal frame rate); the true stamps and
 * durations wait here and are put on the packets. So no encoder's idea of a time base can
 * bend them: a packet's pts is its frame's, its dts the pts of an earlier frame.
 *
 * Default encoders: 8-bit sources become H.264 yuv420p (plays everywhere), deeper ones HEVC
 * Main 10. The preset is veryfast and the quality (crf 18, HEVC 20) one that shows no loss:
 * the file grows, not the waiting time. At most about half a second of frames is inside the
 * encoder at any time, because what is in there is lost when the process is killed.
 */
#include "video_internal.h"
#include <errno.h>
#include <libavutil/cpu.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DELAY = 1024 };      /* frames inside an encoder; a power of two */

struct video_encoder {
    AVCodecContext    *context;
    struct SwsContext *scaler;
    const video_source *source;
    int64_t            sent, received;
    int64_t            last_key;        /* stamp of the last frame asked to be a key frame */
    int64_t            pts[MAX_DELAY], duration[MAX_DELAY];     /* of frame i: [i % MAX_DELAY] */
    int64_t            first_pts, first_duration;
};

/* ---- Choosing ------------------------------------------------------------------------------ */

static bool in_list(const enum AVPixelFormat *list, enum AVPixelFormat format)
{
    for (; list && *list != AV_PIX_FMT_NONE; list++)
        if (*list == format) return true;
    return false;
}

/* An encoder that gives back the very pixels it got. */
static bool is_lossless(const AVCodec *codec, double crf)
{
    const AVCodecDescriptor *d = avcodec_descriptor_get(codec->id);
    if (d && d->props & AV_CODEC_PROP_LOSSLESS && !(d->props & AV_CODEC_PROP_LOSSY)) return true;
    return crf == 0 && strcmp(codec->name, "libx264") == 0;
}

static enum AVPixelFormat choose_format(const AVCodec *codec, enum AVPixelFormat source, bool lossless)
{
    const int depth = av_pix_fmt_desc_get(source)->comp[0].depth;
    const enum AVPixelFormat usual = depth > 8 ? AV_PIX_FMT_YUV420P10 : AV_PIX_FMT_YUV420P;
    if (!codec->pix_fmts) return lossless ? source : usual;
    if (!lossless && in_list(codec->pix_fmts, usual)) return usual;
    if (in_list(codec->pix_fmts, source)) return source;
    return avcodec_find_best_pix_fmt_of_list(codec->pix_fmts, source, 0, NULL);
}

static bool container_holds(const AVOutputFormat *format, const AVCodec *codec)
{
    return avformat_query_codec(format, codec->id, FF_COMPLIANCE_NORMAL) != 0;
}

/* ---- Settings --------------------------------------------------------------------------------- */

static double rate_of(const video_source *s)
{
    const double rate = s->rate.num ? av_q2d(s->rate) : 25;
    return FFMIN(FFMAX(rate, 1), 240);
}

/* Colours as the first frame has them; what it does not say the stream may. */
static void set_colours(AVCodecContext *c, const video_source *s)
{
    const AVFrame *f = s->model;
    const AVCodecParameters *par = s->stream->codecpar;
    const bool from_rgb = s->format == AV_PIX_FMT_RGB24;
    const bool to_rgb = av_pix_fmt_desc_get(c->pix_fmt)->flags & AV_PIX_FMT_FLAG_RGB;
    c->color_primaries = f->color_primaries != AVCOL_PRI_UNSPECIFIED ? f->color_primaries : par->color_primaries;
    c->color_trc = f->color_trc != AVCOL_TRC_UNSPECIFIED ? f->color_trc : par->color_trc;
    c->colorspace = f->colorspace != AVCOL_SPC_UNSPECIFIED ? f->colorspace : par->color_space;
    c->color_range = f->color_range != AVCOL_RANGE_UNSPECIFIED ? f->color_range : par->color_range;
    if (!s->turn.transpose && !s->turn.flip_x && !s->turn.flip_y)
        c->chroma_sample_location = f->chroma_location ? f->chroma_location : par->chroma_location;
    if (from_rgb && !to_rgb) {      /* as video_format_convert does it */
        c->color_range = AVCOL_RANGE_MPEG;
        c->colorspace = FFMAX(c->width, c->height) >= 1280 || FFMIN(c->width, c->height) > 576 ?
                        AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    }
}

/* H.264 and HEVC crop in whole chroma samples, so an odd picture gets its last row or column
 * twice: nothing is lost, and it plays everywhere. */
static void set_size(AVCodecContext *c, const video_source *s)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(c->pix_fmt);
    c->width = s->info.width;
    c->height = s->info.height;
    if (c->codec_id != AV_CODEC_ID_H264 && c->codec_id != AV_CODEC_ID_HEVC) return;
    c->width = FFALIGN(c->width, 1 << d->log2_chroma_w);
    c->height = FFALIGN(c->height, 1 << d->log2_chroma_h);
}

static void set_x265(AVCodecContext *c, const video_source *s, int lookahead, int b_frames)
{
    char text[600];
    int n = snprintf(text, sizeof text, "log-level=none:open-gop=0:frame-threads=2:bframes=%d:rc-lookahead=%d",
                     b_frames, lookahead);
    size_t size = 0;
    const uint8_t *data = av_stream_get_side_data(s->stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, &size);
    const AVFrameSideData *side = av_frame_get_side_data(s->model, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
    const AVMasteringDisplayMetadata *m = data ? (const void *)data : side ? (const void *)side->data : NULL;
    if (m && m->has_primaries && m->has_luminance) {
        const AVRational step = { 1, 50000 }, nits = { 1, 10000 };
#define IN(q, unit) (int)av_rescale_q(1, q, unit)
        n += snprintf(text + n, sizeof text - n, ":master-display=G(%d,%d)B(%d,%d)R(%d,%d)WP(%d,%d)L(%d,%d)",
                      IN(m->display_primaries[1][0], step), IN(m->display_primaries[1][1], step),
                      IN(m->display_primaries[2][0], step), IN(m->display_primaries[2][1], step),
                      IN(m->display_primaries[0][0], step), IN(m->display_primaries[0][1], step),
                      IN(m->white_point[0], step), IN(m->white_point[1], step),
                      IN(m->max_luminance, nits), IN(m->min_luminance, nits));
#undef IN
    }
    data = av_stream_get_side_data(s->stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, &size);
    side = av_frame_get_side_data(s->model, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
    const AVContentLightMetadata *light = data ? (const void *)data : side ? (const void *)side->data : NULL;
    if (light) snprintf(text + n, sizeof text - n, ":max-cll=%u,%u", light->MaxCLL, light->MaxFALL);
    av_opt_set(c->priv_data, "x265-params", text, 0);
}

static cyg_status set_quality(AVCodecContext *c, const video_sink_options *o, cyg_error *err)
{
    const bool x264 = strcmp(c->codec->name, "libx264") == 0, x265 = strcmp(c->codec->name, "libx265") == 0;
    const char *preset = o->preset ? o->preset : x264 || x265 ? "veryfast" : NULL;
    const double crf = o->crf >= 0 ? o->crf : x264 ? 18 : x265 ? 20 : -1;
    if (preset && av_opt_set(c->priv_data, "preset", preset, 0) < 0 && o->preset)
        return cyg_fail(err, CYG_ARGUMENT, "encoder %s: found preset '%s', which it does not have", c->codec->name,
                        preset);
    if (crf >= 0 && av_opt_set_double(c->priv_data, "crf", crf, 0) < 0 && o->crf >= 0) {
        c->flags |= AV_CODEC_FLAG_QSCALE;
        c->global_quality = (int)(crf * FF_QP2LAMBDA);
    }
    if (crf < 0 && (c->codec_id == AV_CODEC_ID_MPEG4 || c->codec_id == AV_CODEC_ID_MJPEG)) {
        c->flags |= AV_CODEC_FLAG_QSCALE;       /* about as good as crf 18 */
        c->global_quality = 2 * FF_QP2LAMBDA;
    } else if (crf < 0) {       /* encoders that only know a bit rate */
        c->bit_rate = (int64_t)(0.15 * c->width * c->height * av_q2d(c->framerate));
    }
    return CYG_OK;
}

/* Key frames every two seconds, closed; little inside the encoder at any time. */
static void set_delay(AVCodecContext *c, const video_source *s, const video_sink_options *o)
{
    const double rate = rate_of(s);
    const int lookahead = av_clip((int)(rate / 8), 2, 15), b_frames = av_clip((int)(rate / 8), 0, 3);
    c->gop_size = FFMAX((int)(2 * rate + 0.5), 1);
    c->flags |= AV_CODEC_FLAG_CLOSED_GOP;
    c->thread_count = o->threads ? o->threads : av_clip((int)(rate / 5), 1, FFMIN(av_cpu_count(), 16));
    if (c->codec_id == AV_CODEC_ID_MJPEG || c->codec_id == AV_CODEC_ID_MPEG4 || c->codec_id == AV_CODEC_ID_MPEG2VIDEO)
        /* closed groups go with no scene detection there */
        av_opt_set_int(c->priv_data, "sc_threshold", 1000000000, 0);
    if (!(c->codec->capabilities & AV_CODEC_CAP_OTHER_THREADS)) c->thread_type = FF_THREAD_SLICE;
    if (strcmp(c->codec->name, "libx264") == 0) {
        c->max_b_frames = b_frames;
        av_opt_set_int(c->priv_data, "rc-lookahead", lookahead, 0);
        av_opt_set_int(c->priv_data, "forced-idr", 1, 0);
        av_opt_set(c->priv_data, "x264-params", "sync-lookahead=0:sliced-threads=1", 0);
    }
    if (strcmp(c->codec->name, "libx265") == 0) {
        av_opt_set_int(c->priv_data, "forced-idr", 1, 0);
        set_x265(c, s, FFMAX(lookahead, b_frames + 1), b_frames);
    }
}

static cyg_status open_codec(video_encoder *e, const AVCodec *codec, const AVOutputFormat *format,
                             const video_sink_options *o, cyg_error *err)
{
    const video_source *s = e->source;
    AVCodecContext *c = e->context = avcodec_alloc_context3(codec);
    if (!c) return cyg_fail(err, CYG_NO_MEMORY, "encoder %s: out of memory", codec->name);
    c->pix_fmt = choose_format(codec, s->format, is_lossless(codec, o->crf));
    set_size(c, s);
    set_colours(c, s);
    const AVRational nominal = s->rate.num ? s->rate : av_make_q(25, 1);
    av_reduce(&c->framerate.num, &c->framerate.den, nominal.num, nominal.den, 60000);   /* MPEG-4: at most 65535 */
    c->time_base = av_inv_q(c->framerate);
    c->sample_aspect_ratio = s->aspect;
    if (c->codec_id == AV_CODEC_ID_HEVC) c->codec_tag = MKTAG('h', 'v', 'c', '1');      /* what Apple plays */
    if (format->flags & AVFMT_GLOBALHEADER) c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (codec->capabilities & AV_CODEC_CAP_EXPERIMENTAL) c->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    const cyg_status status = set_quality(c, o, err);
    if (status) return status;
    set_delay(c, s, o);
    video_log_begin();
    const int r = avcodec_open2(c, codec, NULL);
    return r < 0 ? video_fail(err, r, codec->name, "this encoder cannot be opened") : CYG_OK;
}

static void notify(const video_sink_options *o, const char *sentence)
{
    if (o->notice) o->notice(o->context, sentence);
}

/* The first of the usual encoders that this FFmpeg has, the container holds, and opens. */
static cyg_status open_auto(video_encoder *e, const AVOutputFormat *format, const video_sink_options *o, cyg_error *err)
{
    static const char *const deep[] = { "libx265", "libx264", NULL };
    static const char *const usual[] = { "libx264", "libopenh264", "h264_nvenc", "h264_qsv", "h264_v4l2m2m",
                                         "libvpx-vp9", "mpeg4", NULL };
    const bool is_deep = av_pix_fmt_desc_get(e->source->format)->comp[0].depth > 8;
    cyg_status status = CYG_UNSUPPORTED;
    for (int list = !is_deep; list < 2; list++)
        for (const char *const *name = list ? usual : deep; *name; name++) {
            const AVCodec *codec = avcodec_find_encoder_by_name(*name);
            if (!codec || !container_holds(format, codec)) continue;
            if (is_deep && !list && !in_list(codec->pix_fmts, AV_PIX_FMT_YUV420P10)) continue;
            status = open_codec(e, codec, format, o, err);
            if (!status && is_deep && list)
                notify(o, "no encoder for more than 8 bits here: the output has 8 bits a sample");
            if (!status || status == CYG_ARGUMENT) return status;
            avcodec_free_context(&e->context);
        }
    const AVCodec *codec = avcodec_find_encoder(format->video_codec);
    if (codec) return open_codec(e, codec, format, o, err);
    return status == CYG_UNSUPPORTED
               ? cyg_fail(err, status, "no video encoder for %s in this FFmpeg", format->long_name)
               : status;
}

/* A picture file has one codec, which its ending names: png is PNG whatever videos become. */
static cyg_status open_picture(video_encoder *e, const AVOutputFormat *format, const char *path,
                               const video_sink_options *o, cyg_error *err)
{
    const AVCodec *codec = avcodec_find_encoder(av_guess_codec(format, NULL, path, NULL, AVMEDIA_TYPE_VIDEO));
    return codec ? open_codec(e, codec, format, o, err)
                 : cyg_fail(err, CYG_UNSUPPORTED, "%s: no encoder for such pictures", path);
}

cyg_status video_encoder_open(video_encoder **out, const video_source *source, const AVOutputFormat *format,
                              const char *path, const video_sink_options *o, cyg_error *err)
{
    *out = NULL;
    video_encoder *e = calloc(1, sizeof *e);
    if (!e) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    e->source = source;
    cyg_status status;
    if (strcmp(format->name, "image2pipe") == 0) {
        status = open_picture(e, format, path, o, err);
    } else if (!o->codec || strcmp(o->codec, "auto") == 0) {
        status = open_auto(e, format, o, err);
    } else {
        const AVCodec *codec = avcodec_find_encoder_by_name(o->codec);
        if (!codec || codec->type != AVMEDIA_TYPE_VIDEO)
            status = cyg_fail(err, CYG_UNSUPPORTED, "no video encoder '%s' in this FFmpeg", o->codec);
        else if (!container_holds(format, codec))
            status = cyg_fail(err, CYG_UNSUPPORTED, "%s cannot hold %s", format->long_name,
                              avcodec_get_name(codec->id));
        else status = open_codec(e, codec, format, o, err);
    }
    if (status) {
        video_encoder_close(e);
        return status;
    }
    const AVCodecContext *c = e->context;
    if (c->width != source->info.width || c->height != source->info.height) {
        char sentence[200];
        snprintf(sentence, sizeof sentence,
                 "%s needs even sizes: the last row or column is repeated (%dx%d becomes %dx%d)",
                 avcodec_get_name(c->codec_id), source->info.width, source->info.height, c->width, c->height);
        notify(o, sentence);
    }
    *out = e;
    return CYG_OK;
}

void video_encoder_close(video_encoder *e)
{
    if (!e) return;
    sws_freeContext(e->scaler);
    avcodec_free_context(&e->context);
    free(e);
}

const AVCodecContext *video_encoder_context(const video_encoder *e) { return e->context; }

/* ---- Encoding ------------------------------------------------------------------------------------ */

/* Repeats the last sample of each row and the last row where the plane grew. */
static int pad(AVFrame *dst, const AVFrame *src)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(src->format);
    int r = av_frame_get_buffer(dst, 0);
    if (r < 0) return r;
    for (int i = 0; i < av_pix_fmt_count_planes(src->format); i++) {
        const int size = d->comp[i].step, shift_x = i ? d->log2_chroma_w : 0, shift_y = i ? d->log2_chroma_h : 0;
        const int from_width = AV_CEIL_RSHIFT(src->width, shift_x), width = AV_CEIL_RSHIFT(dst->width, shift_x);
        const int from_height = AV_CEIL_RSHIFT(src->height, shift_y), height = AV_CEIL_RSHIFT(dst->height, shift_y);
        for (int y = 0; y < height; y++) {
            uint8_t *row = dst->data[i] + y * (ptrdiff_t)dst->linesize[i];
            memcpy(row, src->data[i] + FFMIN(y, from_height - 1) * (ptrdiff_t)src->linesize[i],
                   (size_t)from_width * size);
            for (int x = from_width; x < width; x++)
                memcpy(row + x * size, row + (from_width - 1) * size, (size_t)size);
        }
    }
    return 0;
}

/* f in the encoder's format and size; a new reference if it is so already. */
static int fit(video_encoder *e, AVFrame *out, const AVFrame *f)
{
    const AVCodecContext *c = e->context;
    int r = f->format == c->pix_fmt ? av_frame_ref(out, f)
                                    : video_format_convert(out, f, c->pix_fmt, f->width, f->height, &e->scaler);
    if (r < 0 || (out->width == c->width && out->height == c->height)) return r;
    AVFrame *padded = av_frame_alloc();
    if (!padded) return AVERROR(ENOMEM);
    if ((r = av_frame_copy_props(padded, out)) >= 0) {
        padded->format = out->format;
        padded->width = c->width;
        padded->height = c->height;
        r = pad(padded, out);
    }
    av_frame_unref(out);
    if (r >= 0) av_frame_move_ref(out, padded);
    av_frame_free(&padded);
    return r;
}

int video_encoder_send(video_encoder *e, const AVFrame *f)
{
    if (!f) return avcodec_send_frame(e->context, NULL);
    if (e->sent - e->received >= MAX_DELAY / 2) return AVERROR_BUG;
    AVFrame *mine = av_frame_alloc();
    if (!mine) return AVERROR(ENOMEM);
    int r = fit(e, mine, f);
    if (r >= 0) {
        const AVRational tb = e->source->stream->time_base, seconds = { 2, 1 };
        if (!e->sent) {
            e->first_pts = f->pts;
            e->first_duration = FFMAX(f->pkt_duration, 1);
        }
        e->pts[e->sent % MAX_DELAY] = f->pts;
        e->duration[e->sent % MAX_DELAY] = f->pkt_duration;
        const bool key = !e->sent || av_compare_ts(f->pts - e->last_key, tb, 1, seconds) >= 0;
        if (key) e->last_key = f->pts;
        mine->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
        mine->pts = e->sent++;
        mine->pkt_duration = 1;
        r = avcodec_send_frame(e->context, mine);
    }
    av_frame_free(&mine);
    return r;
}

/* The stamp of frame i; before the first one, time goes on at the first one's pace. */
static int64_t stamp_of(const video_encoder *e, int64_t i)
{
    return i < 0 ? e->first_pts + i * e->first_duration : e->pts[i % MAX_DELAY];
}

int video_encoder_receive(video_encoder *e, AVPacket *p)
{
    const int r = avcodec_receive_packet(e->context, p);
    if (r < 0) return r;
    const int64_t number = p->pts != AV_NOPTS_VALUE ? p->pts : e->received;
    e->received++;
    p->dts = stamp_of(e, p->dts != AV_NOPTS_VALUE ? p->dts : number);
    p->pts = stamp_of(e, number);
    p->duration = e->duration[number % MAX_DELAY];
    return 0;
}
