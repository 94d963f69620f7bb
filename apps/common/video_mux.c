/* video_mux.c - an output file: which of the source's streams it carries, with everything
 * that is said about them, and packets written so that they survive a kill.
 *
 * A file of the mov family is written in fragments whose stamps are absolute
 * (frag_discont), with a track time scale in which every stamp of the source is whole.
 */
#include "video_internal.h"
#include <errno.h>
#include <libavcodec/bsf.h>
#include <libavutil/avstring.h>
#include <libavutil/opt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Streams --------------------------------------------------------------------------------- */

/* The tag of the source's container where this one knows it too; else 0, the muxer's choice. */
static unsigned tag_for(const AVOutputFormat *format, const AVCodecParameters *par)
{
    unsigned tag;
    if (!format->codec_tag || av_codec_get_id(format->codec_tag, par->codec_tag) == par->codec_id ||
        !av_codec_get_tag2(format->codec_tag, par->codec_id, &tag))
        return par->codec_tag;
    return 0;
}

static int copy_side_data(AVStream *to, const AVStream *from, bool is_video)
{
    for (int i = 0; i < from->nb_side_data; i++) {
        const AVPacketSideData *side = &from->side_data[i];
        if (is_video && (side->type == AV_PKT_DATA_DISPLAYMATRIX || side->type == AV_PKT_DATA_CPB_PROPERTIES ||
                         side->type == AV_PKT_DATA_DOVI_CONF))
            continue;
        uint8_t *copy = av_stream_new_side_data(to, side->type, side->size);
        if (!copy) return AVERROR(ENOMEM);
        memcpy(copy, side->data, side->size);
    }
    return 0;
}

/* Light levels that stand in the frames alone. */
static int copy_frame_side_data(AVStream *to, const AVFrame *first)
{
    static const struct { enum AVFrameSideDataType frame; enum AVPacketSideDataType packet; } kinds[] = {
        { AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, AV_PKT_DATA_MASTERING_DISPLAY_METADATA },
        { AV_FRAME_DATA_CONTENT_LIGHT_LEVEL, AV_PKT_DATA_CONTENT_LIGHT_LEVEL },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const AVFrameSideData *side = av_frame_get_side_data(first, kinds[i].frame);
        if (!side || av_stream_get_side_data(to, kinds[i].packet, NULL)) continue;
        uint8_t *copy = av_stream_new_side_data(to, kinds[i].packet, side->size);
        if (!copy) return AVERROR(ENOMEM);
        memcpy(copy, side->data, side->size);
    }
    return 0;
}

static void copy_metadata(AVDictionary **to, const AVDictionary *from, const char *const *except)
{
    const AVDictionaryEntry *e = NULL;
    while ((e = av_dict_get(from, "", e, AV_DICT_IGNORE_SUFFIX))) {
        bool keep = true;
        for (const char *const *name = except; *name; name++)
            keep = keep && av_strncasecmp(e->key, *name, strlen(*name));
        if (keep) av_dict_set(to, e->key, e->value, AV_DICT_MULTIKEY);
    }
}

/* The video that is encoded. What its metadata says of the old coding is true no more. */
static int add_video(AVFormatContext *out, const video_source *s, const AVCodecContext *encoder)
{
    static const char *const stale[] = { "encoder", "rotate", "BPS", "NUMBER_OF_BYTES", "NUMBER_OF_FRAMES", "DURATION",
                                         "_STATISTICS", NULL };
    AVStream *st = avformat_new_stream(out, NULL);
    if (!st) return AVERROR(ENOMEM);
    int r = avcodec_parameters_from_context(st->codecpar, encoder);
    if (r < 0) return r;
    if (encoder->codec_tag && !video_container_is_mov(out->oformat)) st->codecpar->codec_tag = 0;
    st->time_base = s->stream->time_base;
    st->avg_frame_rate = s->stream->avg_frame_rate;
    st->sample_aspect_ratio = s->aspect;
    st->disposition = s->stream->disposition;
    copy_metadata(&st->metadata, s->stream->metadata, stale);
    if ((r = copy_side_data(st, s->stream, true)) < 0) return r;
    return copy_frame_side_data(st, s->model);
}

static int add_copy(AVFormatContext *out, const AVStream *from)
{
    static const char *const stale[] = { NULL };
    AVStream *st = avformat_new_stream(out, NULL);
    if (!st) return AVERROR(ENOMEM);
    int r = avcodec_parameters_copy(st->codecpar, from->codecpar);
    if (r < 0) return r;
    st->codecpar->codec_tag = tag_for(out->oformat, from->codecpar);
    st->time_base = from->time_base;
    st->avg_frame_rate = from->avg_frame_rate;
    st->r_frame_rate = from->r_frame_rate;
    st->sample_aspect_ratio = from->sample_aspect_ratio;
    st->disposition = from->disposition;
    copy_metadata(&st->metadata, from->metadata, stale);
    return copy_side_data(st, from, false);
}

/* A cover picture; Matroska has it as an attached file. */
static int add_picture(AVFormatContext *out, const AVStream *from)
{
    int r = add_copy(out, from);
    if (r < 0 || !video_container_is_matroska(out->oformat)) return r;
    AVStream *st = out->streams[out->nb_streams - 1];
    const bool png = from->codecpar->codec_id == AV_CODEC_ID_PNG;
    st->disposition = 0;
    st->codecpar->codec_type = AVMEDIA_TYPE_ATTACHMENT;
    st->codecpar->codec_tag = 0;
    av_freep(&st->codecpar->extradata);
    st->codecpar->extradata = av_mallocz((size_t)from->attached_pic.size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!st->codecpar->extradata) return AVERROR(ENOMEM);
    memcpy(st->codecpar->extradata, from->attached_pic.data, (size_t)from->attached_pic.size);
    st->codecpar->extradata_size = from->attached_pic.size;
    av_dict_set(&st->metadata, "filename", png ? "cover.png" : "cover.jpg", AV_DICT_DONT_OVERWRITE);
    av_dict_set(&st->metadata, "mimetype", png ? "image/png" : "image/jpeg", AV_DICT_DONT_OVERWRITE);
    return 0;
}

int video_mux_add_stream(AVFormatContext *out, const video_source *s, int i, const AVCodecContext *encoder,
                         video_carry how)
{
    switch (how) {
    case CARRY_VIDEO:   return add_video(out, s, encoder);
    case CARRY_COPY:    return add_copy(out, s->in->streams[i]);
    case CARRY_PICTURE: return add_picture(out, s->in->streams[i]);
    case CARRY_NOT:     break;
    }
    return 0;
}

/* ---- Opening ------------------------------------------------------------------------------------------ */

/* The smallest time scale in which the stamps of all video streams are whole numbers, made
 * finer until players like it; the encoded stream's own if there is no common one. */
static int64_t time_scale(const video_source *s, const video_carry *carry)
{
    int64_t scale = s->stream->time_base.den;
    for (unsigned i = 0; i < s->in->nb_streams; i++) {
        const AVStream *st = s->in->streams[i];
        if (carry[i] != CARRY_COPY || st->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) continue;
        const int64_t common = scale / av_gcd(scale, st->time_base.den) * st->time_base.den;
        if (common <= INT_MAX) scale = common;
    }
    while (scale < 10000) scale *= 2;
    return scale;
}

/* The movie's own time scale, in which tracks say when they start: whole for sound as well. */
static int64_t movie_scale(const video_source *s, const video_carry *carry, int64_t scale)
{
    for (unsigned i = 0; i < s->in->nb_streams; i++) {
        const int rate = s->in->streams[i]->codecpar->sample_rate;
        if (carry[i] != CARRY_COPY || rate <= 0) continue;
        const int64_t common = scale / av_gcd(scale, rate) * rate;
        if (common <= INT_MAX) scale = common;
    }
    return scale;
}

/* Names like com.apple.quicktime.make need the newer kind of metadata, which on the other hand
 * has no place for a cover picture. */
static bool has_long_names(const video_source *s, const video_carry *carry)
{
    const AVDictionaryEntry *e = NULL;
    bool found = false;
    for (unsigned i = 0; i < s->in->nb_streams; i++)
        if (carry[i] == CARRY_PICTURE) return false;
    while ((e = av_dict_get(s->in->metadata, "", e, AV_DICT_IGNORE_SUFFIX))) found = found || strchr(e->key, '.');
    return found;
}

static void set_mov(AVDictionary **settings, const video_source *s, const video_carry *carry, bool fragmented)
{
    const int64_t scale = time_scale(s, carry);
    av_dict_set_int(settings, "video_track_timescale", scale, 0);
    av_dict_set_int(settings, "movie_timescale", movie_scale(s, carry, scale), 0);
    av_dict_set(settings, "movflags", fragmented ? "frag_custom+delay_moov+default_base_moof" : "faststart", 0);
    if (has_long_names(s, carry)) av_dict_set(settings, "movflags", "+use_metadata_tags", AV_DICT_APPEND);
    for (unsigned i = 0; i < s->in->nb_streams; i++)
        if (fragmented ||
            (carry[i] == CARRY_COPY && s->in->streams[i]->codecpar->codec_tag == MKTAG('t', 'm', 'c', 'd')))
            av_dict_set(settings, "write_tmcd", "0", 0);
}

/* What of a chapter lies in the span, in the output's time; false: nothing. */
static bool cut_chapter(AVChapter *to, const AVChapter *from, const video_source *s)
{
    const AVRational tb = s->stream->time_base;
    const bool begun = s->start == INT64_MIN, endless = s->end == INT64_MAX;
    const int64_t start = begun ? 0 : av_rescale_q(s->start, tb, from->time_base);
    const int64_t end = endless ? from->end : FFMIN(from->end, av_rescale_q(s->end, tb, from->time_base));
    *to = (AVChapter){ .id = from->id, .time_base = from->time_base,
                       .start = (begun ? from->start : FFMAX(from->start, start)) - start, .end = end - start };
    return to->start < to->end || (begun && endless);
}

static int copy_chapters(AVFormatContext *out, const video_source *s)
{
    static const char *const stale[] = { NULL };
    const AVFormatContext *in = s->in;
    if (!in->nb_chapters) return 0;
    out->chapters = av_calloc(in->nb_chapters, sizeof *out->chapters);
    if (!out->chapters) return AVERROR(ENOMEM);
    for (unsigned i = 0; i < in->nb_chapters; i++) {
        AVChapter cut;
        if (!cut_chapter(&cut, in->chapters[i], s)) continue;
        AVChapter *to = av_mallocz(sizeof *to);
        if (!to) return AVERROR(ENOMEM);
        *to = cut;
        copy_metadata(&to->metadata, in->chapters[i]->metadata, stale);
        out->chapters[out->nb_chapters++] = to;
    }
    return 0;
}

/* The packets of a part are in its container's dialect (lengths instead of start codes, no
 * ADTS headers), which the codec's extra data must match. */
static int adopt_extradata(AVCodecParameters *to, const AVCodecParameters *from)
{
    if (!from->extradata_size) return 0;
    uint8_t *copy = av_mallocz((size_t)from->extradata_size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!copy) return AVERROR(ENOMEM);
    memcpy(copy, from->extradata, (size_t)from->extradata_size);
    av_freep(&to->extradata);
    to->extradata = copy;
    to->extradata_size = from->extradata_size;
    return 0;
}

/* Everything about the file but its packets. */
static int describe(video_mux *m, const video_source *s, const AVCodecContext *encoder, const video_carry *carry,
                    const AVFormatContext *part)
{
    unsigned track = 0;
    static const char *const stale[] = { "major_brand", "minor_version", "compatible_brands", "encoder", NULL };
    int r = 0;
    for (unsigned i = 0; i < s->in->nb_streams && r >= 0; i++) {
        m->index[i] = carry[i] == CARRY_NOT ? -1 : (int)m->out->nb_streams;
        r = video_mux_add_stream(m->out, s, i, encoder, carry[i]);
        if (!part || r < 0 || carry[i] == CARRY_NOT || carry[i] == CARRY_PICTURE) continue;
        if (track < part->nb_streams)
            r = adopt_extradata(m->out->streams[m->index[i]]->codecpar, part->streams[track]->codecpar);
        m->track_count = ++track;
        m->tracks[track - 1] = (int)i;
    }
    copy_metadata(&m->out->metadata, s->in->metadata, stale);
    if (!m->fragmented && r >= 0) r = copy_chapters(m->out, s);
    m->out->avoid_negative_ts = 0;      /* stamps stay as they are */
    m->out->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    m->out->max_interleave_delta = 0;
    m->last_dts = av_malloc_array(m->out->nb_streams, sizeof *m->last_dts);
    for (unsigned i = 0; m->last_dts && i < m->out->nb_streams; i++) m->last_dts[i] = INT64_MIN;
    m->filters = av_calloc(m->out->nb_streams, sizeof *m->filters);
    return m->last_dts && m->filters ? r : AVERROR(ENOMEM);
}

/* The cover pictures come first. */
static int write_pictures(video_mux *m, const video_source *s, const video_carry *carry)
{
    int r = 0;
    for (unsigned i = 0; i < s->in->nb_streams && r >= 0; i++) {
        if (carry[i] != CARRY_PICTURE || video_container_is_matroska(m->out->oformat)) continue;
        AVPacket *p = av_packet_clone(&s->in->streams[i]->attached_pic);
        if (!p) return AVERROR(ENOMEM);
        p->stream_index = m->index[i];
        p->pts = p->dts = 0;
        r = av_write_frame(m->out, p);
        av_packet_free(&p);
    }
    return r;
}

cyg_status video_mux_open(video_mux **out, const char *path, const AVOutputFormat *format, const video_source *s,
                          const AVCodecContext *encoder, const video_carry *carry, const AVFormatContext *part,
                          cyg_error *err)
{
    *out = NULL;
    video_mux *m = calloc(1, sizeof *m);
    AVDictionary *settings = NULL;
    char *url = av_asprintf("file:%s", path);
    int r = AVERROR(ENOMEM);
    if (m) {
        m->fragmented = !part && video_container_is_mov(format);
        m->index = calloc(s->in->nb_streams, sizeof *m->index);
        m->tracks = calloc(s->in->nb_streams, sizeof *m->tracks);
        m->path = strdup(path);
    }
    video_log_begin();
    if (m && m->index && m->tracks && m->path && url) r = avformat_alloc_output_context2(&m->out, format, NULL, url);
    if (r >= 0) r = describe(m, s, encoder, carry, part);
    if (r >= 0) r = avio_open(&m->out->pb, url, AVIO_FLAG_READ_WRITE);
    if (r >= 0 && video_container_is_mov(format)) set_mov(&settings, s, carry, m->fragmented);
    if (r >= 0 && strcmp(format->name, "mpegts") == 0) av_dict_set(&settings, "mpegts_copyts", "1", 0);
    if (r >= 0) r = avformat_write_header(m->out, &settings);
    if (r >= 0) r = write_pictures(m, s, carry);
    av_dict_free(&settings);
    av_free(url);
    if (r < 0) {
        const cyg_status status = video_fail(err, r, path, "cannot be written");
        video_mux_close(m);
        return status;
    }
    *out = m;
    return CYG_OK;
}

/* ---- Writing ------------------------------------------------------------------------------------------ */

/* The mov family wants AAC without its ADTS headers. The muxer takes them off by itself, but
 * not of a fragmented file. */
static int take_off_adts(video_mux *m, int i, AVPacket *p)
{
    const AVCodecParameters *par = m->out->streams[i]->codecpar;
    int r = 0;
    if (!m->filters[i]) {
        const bool adts = par->codec_id == AV_CODEC_ID_AAC && !par->extradata_size && p->size > 2 &&
                          p->data[0] == 0xff && (p->data[1] & 0xf0) == 0xf0;
        if (!m->fragmented || !adts) return 0;
        r = av_bsf_alloc(av_bsf_get_by_name("aac_adtstoasc"), &m->filters[i]);
        if (r >= 0) r = avcodec_parameters_copy(m->filters[i]->par_in, par);
        if (r >= 0) r = av_bsf_init(m->filters[i]);
    }
    if (r >= 0) r = av_bsf_send_packet(m->filters[i], p);
    return r < 0 ? r : av_bsf_receive_packet(m->filters[i], p);
}

/* Remembers which text packets are ours: the muxer adds empty ones of its own. */
static int extend_text(video_extent *e, int64_t dts)
{
    if (e->text_count == e->text_room) {
        const int room = e->text_room ? 2 * e->text_room : 64;
        int64_t *more = realloc(e->text_dts, (size_t)room * sizeof *more);
        if (!more) return AVERROR(ENOMEM);
        e->text_dts = more;
        e->text_room = room;
    }
    e->text_dts[e->text_count++] = dts;
    return 0;
}

static int extend(video_extent *e, const AVPacket *p, enum AVCodecID codec)
{
    if (!e->count) e->first_dts = p->dts;
    if (!e->count || p->pts < e->first_pts) e->first_pts = p->pts;
    if (!e->count || p->pts >= e->last_pts) {
        e->last_pts = p->pts;
        e->last_duration = p->duration;
    }
    e->count++;
    return codec == AV_CODEC_ID_MOV_TEXT ? extend_text(e, p->dts) : 0;
}

/* FFmpeg's Matroska demuxer takes Opus's start-up time off the stamps; its muxer does not put
 * it back. */
static int64_t start_up_of(const AVOutputFormat *format, const AVStream *st)
{
    const AVCodecParameters *par = st->codecpar;
    if (!video_container_is_matroska(format) || par->codec_id != AV_CODEC_ID_OPUS) return 0;
    return av_rescale_q(par->initial_padding, av_make_q(1, 48000), st->time_base);
}

int video_mux_write(video_mux *m, const video_source *s, int stream, AVPacket *p, video_extent *extent)
{
    const int i = m->index[stream];
    av_packet_rescale_ts(p, s->in->streams[stream]->time_base, m->out->streams[i]->time_base);
    const int64_t start_up = start_up_of(m->out->oformat, m->out->streams[i]);
    p->pts += start_up;
    p->dts += start_up;
    p->stream_index = i;
    p->pos = -1;
    if (m->last_dts[i] != INT64_MIN && p->dts <= m->last_dts[i]) {      /* muxers refuse time that stands still */
        p->dts = m->last_dts[i] + 1;
        if (p->pts < p->dts) p->pts = p->dts;
    }
    m->last_dts[i] = p->dts;
    int r = extend(extent, p, m->out->streams[i]->codecpar->codec_id);
    if (r >= 0) r = take_off_adts(m, i, p);
    if (r == AVERROR_INVALIDDATA) r = 0;        /* damaged: left out */
    else if (r >= 0) r = av_write_frame(m->out, p);
    av_packet_unref(p);
    return r;
}

int video_mux_flush(video_mux *m)
{
    int r = av_write_frame(m->out, NULL);
    if (r >= 0 && m->fragmented && !m->moov_written) {      /* the first flush writes the header alone */
        m->moov_written = true;
        r = av_write_frame(m->out, NULL);
    }
    if (m->fragmented) av_opt_set(m->out->priv_data, "movflags", "+frag_discont", 0);
    if (m->out->pb) avio_flush(m->out->pb);
    return r < 0 ? r : m->out->pb && m->out->pb->error ? m->out->pb->error : 0;
}

int video_mux_finish(video_mux *m)
{
    int r = av_write_trailer(m->out);
    if (r >= 0 && m->out->pb) {
        avio_flush(m->out->pb);
        r = m->out->pb->error;
    }
    const int closed = avio_closep(&m->out->pb);
    return r < 0 ? r : closed;
}

void video_mux_close(video_mux *m)
{
    if (!m) return;
    for (unsigned i = 0; m->filters && i < m->out->nb_streams; i++) av_bsf_free(&m->filters[i]);
    av_free(m->filters);
    if (m->out) avio_closep(&m->out->pb);
    avformat_free_context(m->out);
    av_free(m->last_dts);
    free(m->index);
    free(m->tracks);
    free(m->path);
    free(m);
}
