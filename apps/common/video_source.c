/* video_source.c - reads and decodes: every frame of the best video stream, and the packets
 * of all others, which travel with the frames. */
#include "video_internal.h"
#include <errno.h>
#include <libavutil/avstring.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MAX_PACKETS = 1024, MAX_PACKET_BYTES = 4 << 20,     /* that wait for a picture to travel with */
    MAX_BAD_READS = 64,                                 /* in a row, then nothing more will come */
    MAX_DECODER_PIXELS = 1 << 27,                       /* a picture of 400 MB is an attack */
};

static const AVRational SECOND = { 1, 1 };

/* ---- Opening ---------------------------------------------------------------------------- */

static int is_interrupted(void *source)
{
    video_source *s = source;
    return atomic_load(&s->interrupted) || (s->cancelled && s->cancelled(s->context));
}

static bool is_url(const char *uri)
{
    return strstr(uri, "://") != NULL;
}

/* How sentences call the source: without the password of a URL. */
static void name_source(video_source *s, const char *uri)
{
    const char *host = is_url(uri) ? strstr(uri, "://") + 3 : NULL;
    const char *at = host ? memchr(host, '@', strcspn(host, "/")) : NULL;
    const char *colon = at ? memchr(host, ':', (size_t)(at - host)) : NULL;
    if (strcmp(uri, "-") == 0) snprintf(s->name, sizeof s->name, "standard input");
    else if (colon) snprintf(s->name, sizeof s->name, "%.*s:***%s", (int)(colon - uri), uri, at);
    else snprintf(s->name, sizeof s->name, "%s", uri);
}

/* What FFmpeg would only say in a roundabout way. */
static cyg_status check_file(const video_source *s, const char *path, cyg_error *err)
{
    struct stat info;
    if (stat(path, &info)) return cyg_fail(err, CYG_IO, "%s: %s", s->name, strerror(errno));
    if (S_ISDIR(info.st_mode)) return cyg_fail(err, CYG_IO, "%s: is a folder, expected a video", s->name);
    if (S_ISREG(info.st_mode) && info.st_size == 0) return cyg_fail(err, CYG_FORMAT, "%s: is empty", s->name);
    return CYG_OK;
}

/* A local file may not lead FFmpeg to the network, whatever a playlist in it says. */
static cyg_status open_input(video_source *s, const char *uri, cyg_error *err)
{
    AVDictionary *settings = NULL;
    char *url = NULL;
    if (is_url(uri)) {
        url = av_strdup(uri);
        av_dict_set(&settings, "rw_timeout", "20000000", 0);        /* microseconds */
    } else if (strcmp(uri, "-") == 0) {
        url = av_strdup("pipe:0");
        av_dict_set(&settings, "protocol_whitelist", "pipe,file,crypto,data", 0);
    } else {
        const cyg_status status = check_file(s, uri, err);
        if (status) return status;
        url = av_asprintf("file:%s", uri);
        av_dict_set(&settings, "protocol_whitelist", "file,crypto,data", 0);
    }
    if (!is_url(uri)) {     /* a playlist that is a file does not grow: no waiting for more */
        av_dict_set(&settings, "max_reload", "0", 0);
        av_dict_set(&settings, "m3u8_hold_counters", "0", 0);
    }
    s->in = avformat_alloc_context();
    int r = url && s->in ? 0 : AVERROR(ENOMEM);
    if (!r) {
        s->in->interrupt_callback = (AVIOInterruptCB){ is_interrupted, s };
        video_log_begin();
        r = avformat_open_input(&s->in, url, NULL, &settings);      /* frees s->in if it fails */
    }
    if (!r) r = avformat_find_stream_info(s->in, NULL);
    av_dict_free(&settings);
    av_free(url);
    return r < 0 ? video_fail(err, r, s->name, "cannot be opened") : CYG_OK;
}

/* A real video before a cover picture, the one marked as default before others, then the
 * larger one. */
static int64_t rank_of(const AVStream *st)
{
    return (int64_t)st->codecpar->width * st->codecpar->height +
           (st->disposition & AV_DISPOSITION_DEFAULT ? (int64_t)1 << 40 : 0) +
           (st->disposition & AV_DISPOSITION_ATTACHED_PIC ? 0 : (int64_t)1 << 50);
}

static AVStream *best_video(const AVFormatContext *in)
{
    AVStream *best = NULL;
    for (unsigned i = 0; i < in->nb_streams; i++) {
        AVStream *st = in->streams[i];
        if (st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && (!best || rank_of(st) > rank_of(best))) best = st;
    }
    return best;
}

static cyg_status open_decoder(video_source *s, int threads, cyg_error *err)
{
    s->stream = best_video(s->in);
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
    s->decoder->max_pixels = MAX_DECODER_PIXELS;
    video_log_begin();
    if (r >= 0) r = avcodec_open2(s->decoder, codec, NULL);
    return r < 0 ? video_fail(err, r, s->name, "cannot be decoded") : CYG_OK;
}

static void notify(const video_source *s, const char *sentence)
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
    if (!info->rate_num || !info->rate_den) info->rate_num = info->rate_den = 0;
    s->rate = info->rate_num ? av_make_q(info->rate_num, info->rate_den) : av_make_q(0, 1);
    if (st->duration > 0) info->duration = st->duration * av_q2d(st->time_base);
    else if (s->in->duration > 0) info->duration = s->in->duration / 1e6;
    info->frames = st->nb_frames > 0 ? st->nb_frames : (int64_t)(info->duration * av_q2d(s->rate) + 0.5);
    info->container = s->in->iformat->name;
    info->codec = avcodec_get_name(st->codecpar->codec_id);
    info->pixel_format = av_get_pix_fmt_name(s->model->format);
}

/* From the model: size and format of what is handed out. */
static cyg_status learn_format(video_source *s, cyg_error *err)
{
    bool exact;
    const int32_t *matrix = (const int32_t *)av_stream_get_side_data(s->stream, AV_PKT_DATA_DISPLAYMATRIX, NULL);
    s->turn = video_turn_of_matrix(matrix, &exact);
    if (!exact) notify(s, "its rotation is no multiple of 90 degrees: the nearest one is applied");
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

static int decode_next(video_source *s);

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

/* The first frame says what no header does: true size and format, light levels. Where sound
 * alone fills the time before it comes out of the decoder, a second decoder looks ahead. */
static cyg_status decode_first(video_source *s, cyg_error *err)
{
    video_log_begin();
    int r = decode_next(s);
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
    av_frame_unref(s->decoded);
    s->opened = true;
    return learn_format(s, err);
}

cyg_status video_source_open(video_source **out, const char *uri, const video_source_options *options,
                             cyg_error *err)
{
    *out = NULL;
    video_source *s = calloc(1, sizeof *s);
    if (!s) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", uri);
    name_source(s, uri);
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
    if (!status) status = open_input(s, uri, err);
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
    for (int i = 0; i < s->packet_count; i++) av_packet_free(&s->packets[i]);
    free(s->packets);
    sws_freeContext(s->scaler);
    forget_early(s);
    av_frame_free(&s->model);
    av_frame_free(&s->first);
    av_frame_free(&s->decoded);
    av_packet_free(&s->packet);
    avcodec_free_context(&s->decoder);
    avformat_close_input(&s->in);
    free(s);
}

const video_info *video_source_info(const video_source *s) { return &s->info; }
int64_t video_source_damaged(const video_source *s) { return s->damaged; }
void    video_source_interrupt(video_source *s) { atomic_store(&s->interrupted, 1); }

/* ---- Packets of the other streams -------------------------------------------------------- */

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

/* Keeps s->packet until a frame takes it along. */
static int keep_packet(video_source *s)
{
    if (s->packet_count == s->packet_room) {
        const int room = s->packet_room ? 2 * s->packet_room : 64;
        AVPacket **more = realloc(s->packets, (size_t)room * sizeof *more);
        if (!more) return AVERROR(ENOMEM);
        s->packets = more;
        s->packet_room = room;
    }
    AVPacket *p = av_packet_alloc();
    if (!p) return AVERROR(ENOMEM);
    av_packet_move_ref(p, s->packet);
    const int r = av_packet_make_refcounted(p);
    s->packets[s->packet_count++] = p;
    s->packet_bytes += p->size;
    return r;
}

/* The oldest ones, so many at a time. */
static int give_packets(video_source *s, frame *f)
{
    const int count = FFMIN(s->packet_count, MAX_PACKETS);
    if (!count) return 0;
    f->packets = malloc((size_t)count * sizeof *f->packets);
    if (!f->packets) return AVERROR(ENOMEM);
    memcpy(f->packets, s->packets, (size_t)count * sizeof *f->packets);
    memmove(s->packets, s->packets + count, (size_t)(s->packet_count - count) * sizeof *s->packets);
    f->packet_count = count;
    s->packet_count -= count;
    for (int i = 0; i < count; i++) s->packet_bytes -= f->packets[i]->size;
    return 0;
}

/* Before the first picture there is no frame to carry them: more room, then open looks ahead. */
static bool is_full(const video_source *s)
{
    const int64_t room = s->opened ? 1 : 16;
    return s->packet_count >= MAX_PACKETS * room || s->packet_bytes >= MAX_PACKET_BYTES * room;
}

/* ---- Decoding ------------------------------------------------------------------------------- */

/* Reads one packet and hands it to the decoder or keeps it. AVERROR_EOF: there is none. */
static int read_packet(video_source *s)
{
    int r = is_interrupted(s) ? AVERROR_EXIT : av_read_frame(s->in, s->packet);
    if (r == AVERROR(EAGAIN)) return 0;
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
        r = s->decoder_ended ? 0 : avcodec_send_packet(s->decoder, s->packet);
        if (r == AVERROR(EAGAIN)) r = AVERROR_BUG;      /* it was drained before */
        if (r < 0 && r != AVERROR(ENOMEM) && r != AVERROR_BUG) {
            s->damaged++;
            r = 0;
        }
    } else if (s->copy_streams && !(s->in->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC)) {
        r = in_span(s, s->packet) ? keep_packet(s) : 0;
    }
    av_packet_unref(s->packet);
    return r;
}

/* The next frame into s->decoded. AVERROR(EAGAIN): so many packets wait that they need a
 * frame of their own. AVERROR_EOF: no more frames. */
static int decode_next(video_source *s)
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
        if (is_full(s)) return AVERROR(EAGAIN);
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

/* Into the agreed format and size, upright, and writable: never the decoder's own pixels. */
static int make_upright(video_source *s, AVFrame *f)
{
    video_format_plain(f);
    const bool turned = !video_turn_is_none(s->turn);
    const int width = s->turn.transpose ? s->info.height : s->info.width;
    const int height = s->turn.transpose ? s->info.width : s->info.height;
    if ((f->width != width || f->height != height) && !s->noticed_change) {
        char sentence[200];
        snprintf(sentence, sizeof sentence, "the picture changes from %dx%d to %dx%d: scaled to the first size",
                 width, height, f->width, f->height);
        notify(s, sentence);
        s->noticed_change = true;
    }
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
        if (is_full(s)) return AVERROR(EAGAIN);
        if (s->first->buf[0]) av_frame_move_ref(s->decoded, s->first);
        else r = decode_next(s);
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
    while (!s->input_ended && s->copy_streams && !is_full(s) && r >= 0) r = read_packet(s);
    if (r < 0) s->input_ended = true;
    return is_full(s) ? AVERROR(EAGAIN) : AVERROR_EOF;
}

cyg_status video_source_read(video_source *s, frame *f, cyg_error *err)
{
    video_log_begin();
    f->order = s->orders++;
    f->number = s->numbers;
    int r = is_interrupted(s) ? AVERROR_EXIT : next_picture(s, f);
    if (r == AVERROR_EOF) r = remaining_packets(s);
    if (r == AVERROR_EXIT) return CYG_END;
    const int given = give_packets(s, f);
    if (given < 0) return video_fail(err, given, s->name, "cannot be read");
    if (r == AVERROR(EAGAIN)) return CYG_OK;
    if (r == AVERROR_EOF && s->read_error) {
        r = s->read_error;
        s->read_error = 0;
        return video_fail(err, r, s->name, "ends before its time");
    }
    if (r == AVERROR_EOF) return CYG_END;
    if (r < 0) return video_fail(err, r, s->name, "cannot be decoded");
    s->numbers++;
    f->pts = f->av->pts;
    f->time = f->pts * av_q2d(s->stream->time_base) - s->begin / 1e6;
    f->image = video_format_image(f->av);
    return CYG_OK;
}
