/* video_sink.c - encodes frames and writes them, with the packets that travel along, into
 * a hidden file that stays playable; gives it its name when it is whole. */
#include "video_internal.h"
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_WAITING = 4096, MAX_WAITING_BYTES = 16 << 20 };      /* packets that wait for the video's time */

struct video_sink {
    const video_source  *source;
    video_encoder       *encoder;
    video_mux           *part;
    const AVOutputFormat *format;
    video_carry         *carry;         /* [source streams] */
    char                *path, *part_path, *final_path;
    int64_t             *shift;         /* [source streams] subtracted from stamps, in each one's time base */
    video_extent        *extents;       /* [source streams] of what was written */
    int64_t             *next_dts;      /* [source streams] where the next packet should start */
    AVPacket            *packet;
    AVPacket           **waiting;       /* ring */
    int                  waiting_head, waiting_count;
    int64_t              waiting_bytes, last_flush;
    int                  locked;        /* the part, for other processes; -1 = not yet */
    AVRational           time_base;     /* of the source's video */
    void               (*notice)(void *context, const char *sentence);
    void                *context;
};

/* ---- Opening ------------------------------------------------------------------------------------- */

static void notify(const video_sink *k, const char *sentence)
{
    if (k->notice) k->notice(k->context, sentence);
}

/* DIR/.NAME.SUFFIX of DIR/NAME. */
static char *hidden_sibling(const char *path, const char *suffix)
{
    const char *slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash - path) + 1 : 0;
    char *made = NULL;
    return asprintf(&made, "%.*s.%s.%s", folder, path, path + folder, suffix) < 0 ? NULL : made;
}

static const char *kind_of(const AVStream *st)
{
    const char *kind = av_get_media_type_string(st->codecpar->codec_type);
    return st->disposition & AV_DISPOSITION_ATTACHED_PIC ? "cover picture" : kind ? kind : "unknown";
}

/* AAC whose packets carry ADTS headers, as in AVI and MPEG-TS; mp4 and Matroska have no place for them. */
static bool has_adts_headers(const AVStream *st)
{
    return st->codecpar->codec_id == AV_CODEC_ID_AAC && !st->codecpar->extradata_size;
}

/* Says what is left behind, a sentence for each stream. */
static void report_losses(const video_sink *k)
{
    for (unsigned i = 0; i < k->source->in->nb_streams; i++) {
        const AVStream *st = k->source->in->streams[i];
        char sentence[300];
        if (st->discard == AVDISCARD_ALL) continue;
        if (k->carry[i] != CARRY_NOT) {
            if (!has_adts_headers(st) || strcmp(k->format->name, "mpegts") == 0) continue;
            snprintf(sentence, sizeof sentence,
                     "stream %u (audio, aac) loses its ADTS headers, which %s does not have; "
                     "the sound is the same",
                     i, k->format->long_name);
            notify(k, sentence);
            continue;
        }
        snprintf(sentence, sizeof sentence, "stream %u (%s, %s) is left out: %s cannot hold it", i, kind_of(st),
                 avcodec_get_name(st->codecpar->codec_id), k->format->long_name);
        notify(k, sentence);
    }
    if (k->source->transparent)
        notify(k, "its transparency is left out: what was seen through has a colour of its own now");
    if (!video_container_is_exact(k->format, k->time_base) && !(k->format->flags & AVFMT_NOTIMESTAMPS))
        notify(k, "this container rounds the time stamps; mp4 and mov keep them exactly");
}

static cyg_status plan(video_sink *k, const video_sink_options *o)
{
    const video_source *s = k->source;
    for (unsigned i = 0; i < s->in->nb_streams; i++)
        k->carry[i] = video_container_carry(s, (int)i, k->format, video_encoder_context(k->encoder));
    report_losses(k);
    for (unsigned i = 0; i < s->in->nb_streams; i++) {
        const AVStream *st = s->in->streams[i];
        if (o->no_audio && st->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) k->carry[i] = CARRY_NOT;
        if (st->discard == AVDISCARD_ALL && st != s->stream) k->carry[i] = CARRY_NOT;
        k->shift[i] = s->start == INT64_MIN ? 0 : av_rescale_q(s->start, s->stream->time_base, st->time_base);
        k->next_dts[i] = AV_NOPTS_VALUE;
    }
    return CYG_OK;
}

static bool allocate(video_sink *k, const char *path)
{
    const size_t streams = k->source->in->nb_streams;
    k->path = strdup(path);
    k->part_path = hidden_sibling(path, "part");
    k->final_path = hidden_sibling(path, "whole");
    k->carry = calloc(streams, sizeof *k->carry);
    k->shift = calloc(streams, sizeof *k->shift);
    k->extents = calloc(streams, sizeof *k->extents);
    k->next_dts = calloc(streams, sizeof *k->next_dts);
    k->waiting = calloc(MAX_WAITING, sizeof(AVPacket *));
    k->packet = av_packet_alloc();
    return k->path && k->part_path && k->final_path && k->carry && k->shift && k->extents && k->next_dts &&
           k->waiting && k->packet;
}

cyg_status video_sink_open(video_sink **out, const char *path, video_source *source,
                           const video_sink_options *options, cyg_error *err)
{
    *out = NULL;
    video_sink *k = calloc(1, sizeof *k);
    if (!k) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    k->source = source;
    k->time_base = source->stream->time_base;
    k->notice = options->notice;
    k->context = options->context;
    k->last_flush = INT64_MIN;
    k->locked = -1;
    k->format = video_container_of_path(path);
    cyg_status status = CYG_OK;
    if (!allocate(k, path)) status = cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    else if (!k->format) status = cyg_fail(err, CYG_UNSUPPORTED, "%s: no container of that extension", path);
    if (!status) status = video_encoder_open(&k->encoder, source, k->format, path, options, err);
    if (!status) status = plan(k, options);
    if (!status) status = file_open_part(&k->locked, k->part_path, k->path, err);
    if (!status)
        status = video_mux_open(&k->part, k->part_path, k->format, source, video_encoder_context(k->encoder), k->carry,
                                NULL, err);
    if (status) {
        video_sink_close(k);
        return status;
    }
    *out = k;
    return CYG_OK;
}

/* ---- Writing: packets in the order of their time ------------------------------------------------- */

static int write_packet(video_sink *k, int stream, AVPacket *p)
{
    if (p->dts == AV_NOPTS_VALUE)
        p->dts = p->pts != AV_NOPTS_VALUE                ? p->pts
                 : k->next_dts[stream] != AV_NOPTS_VALUE ? k->next_dts[stream]
                                                         : 0;
    if (p->pts == AV_NOPTS_VALUE) p->pts = p->dts;
    k->next_dts[stream] = p->dts + p->duration;
    p->dts -= k->shift[stream];
    p->pts -= k->shift[stream];
    return video_mux_write(k->part, k->source, stream, p, &k->extents[stream]);
}

static int write_oldest_waiting(video_sink *k)
{
    AVPacket *p = k->waiting[k->waiting_head];
    k->waiting_head = (k->waiting_head + 1) % MAX_WAITING;
    k->waiting_count--;
    k->waiting_bytes -= p->size;
    const int r = write_packet(k, p->stream_index, p);
    av_packet_free(&p);
    return r;
}

/* Other streams' packets wait until the video, late by the encoder's delay, has their time. */
static int take_packets(video_sink *k, frame *f)
{
    int r = 0;
    for (int i = 0; i < f->packet_count && r >= 0; i++) {
        AVPacket *p = f->packets[i];
        if ((unsigned)p->stream_index >= k->source->in->nb_streams || k->carry[p->stream_index] != CARRY_COPY) continue;
        while (r >= 0 && k->waiting_count && (k->waiting_count == MAX_WAITING || k->waiting_bytes > MAX_WAITING_BYTES))
            r = write_oldest_waiting(k);
        k->waiting[(k->waiting_head + k->waiting_count++) % MAX_WAITING] = p;
        k->waiting_bytes += p->size;
        f->packets[i] = NULL;
    }
    return r;
}

static int write_waiting_until(video_sink *k, int64_t video_dts)
{
    int r = 0;
    while (k->waiting_count && r >= 0) {
        const AVPacket *p = k->waiting[k->waiting_head];
        const AVRational tb = k->source->in->streams[p->stream_index]->time_base;
        if (p->dts != AV_NOPTS_VALUE && av_compare_ts(p->dts, tb, video_dts, k->time_base) > 0) break;
        r = write_oldest_waiting(k);
    }
    return r;
}

static bool lacks_sound(const video_sink *k)
{
    for (unsigned i = 0; i < k->source->in->nb_streams; i++)
        if (k->carry[i] == CARRY_COPY && !k->extents[i].count &&
            k->source->in->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
            return true;
    return false;
}

/* In the file at least every half second of video; the first time a little later if need be,
 * because the header needs the first packet of sound. */
static int flush_now_and_then(video_sink *k, int64_t dts)
{
    const AVRational half = { 1, 2 };
    if (k->last_flush == INT64_MIN) k->last_flush = dts;
    const int halves = k->part->moov_written || !lacks_sound(k) ? 1 : 4;
    if (av_compare_ts(dts - k->last_flush, k->time_base, halves, half) < 0) return 0;
    k->last_flush = dts;
    return video_mux_flush(k->part);
}

static int write_encoded(video_sink *k)
{
    for (;;) {
        int r = video_encoder_receive(k->encoder, k->packet);
        if (r == AVERROR(EAGAIN) || r == AVERROR_EOF) return 0;
        if (r < 0) return r;
        const int64_t dts = k->packet->dts;
        r = write_waiting_until(k, dts);
        if (r >= 0) r = write_packet(k, k->source->stream->index, k->packet);
        if (r >= 0) r = flush_now_and_then(k, dts);
        if (r < 0) return r;
    }
}

cyg_status video_sink_write(video_sink *k, frame *f, cyg_error *err)
{
    video_log_begin();
    int r = take_packets(k, f);
    if (r >= 0 && f->av) r = video_encoder_send(k->encoder, f->av);
    if (r >= 0) r = write_encoded(k);
    return r < 0 ? video_fail(err, r, k->path, "cannot be written") : CYG_OK;
}

/* ---- Ending --------------------------------------------------------------------------------------- */

/* So that the name never stands for bytes that a power cut takes away. */
static int sync_file(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return AVERROR(errno);
    const int r = fsync(fd) ? AVERROR(errno) : 0;
    close(fd);
    return r;
}

cyg_status video_sink_finish(video_sink *k, cyg_error *err)
{
    video_log_begin();
    int r = video_encoder_send(k->encoder, NULL);
    if (r >= 0) r = write_encoded(k);
    while (r >= 0 && k->waiting_count) r = write_oldest_waiting(k);
    if (r >= 0 && k->part->fragmented) r = video_mux_flush(k->part);
    if (r >= 0) r = video_mux_finish(k->part);
    if (r < 0) return video_fail(err, r, k->path, "cannot be written");

    const bool remux = k->part->fragmented;
    const cyg_status status = remux ? video_remux(k->final_path, k->part, k->source,
                                                  video_encoder_context(k->encoder), k->carry, k->extents, err)
                                    : CYG_OK;
    if (status) return status;
    const char *whole = remux ? k->final_path : k->part_path;
    if ((r = sync_file(whole)) < 0) return video_fail(err, r, k->path, "cannot be written");
    if (rename(whole, k->path)) return cyg_fail(err, CYG_IO, "%s: cannot get its name: %s", k->path, strerror(errno));
    return CYG_OK;
}

void video_sink_close(video_sink *k)
{
    if (!k) return;
    while (k->waiting_count) {
        AVPacket *p = k->waiting[k->waiting_head];
        k->waiting_head = (k->waiting_head + 1) % MAX_WAITING;
        k->waiting_count--;
        av_packet_free(&p);
    }
    if (k->locked >= 0) unlink(k->part_path);
    if (k->part) unlink(k->final_path);
    video_mux_close(k->part);
    if (k->locked >= 0) close(k->locked);
    video_encoder_close(k->encoder);
    av_packet_free(&k->packet);
    free(k->waiting);
    free(k->next_dts);
    for (unsigned i = 0; k->extents && i < k->source->in->nb_streams; i++) free(k->extents[i].text_dts);
    free(k->extents);
    free(k->shift);
    free(k->carry);
    free(k->final_path);
    free(k->part_path);
    free(k->path);
    free(k);
}
