/* video_remux.c - the fragmented file that survives kills becomes an ordinary one: every
 * packet as it is, by stream copy. */
#include "video_internal.h"
#include <errno.h>
#include <libavutil/avstring.h>
#include <stdlib.h>

/* Opens without any guessing: packets and stamps exactly as they are in the file. */
static int open_part(AVFormatContext **out, const char *path)
{
    AVDictionary *settings = NULL;
    char *url = av_asprintf("file:%s", path);
    if (!url) return AVERROR(ENOMEM);
    av_dict_set(&settings, "fflags", "nofillin+noparse", 0);
    av_dict_set(&settings, "ignore_editlist", "1", 0);
    av_dict_set(&settings, "protocol_whitelist", "file", 0);
    const int r = avformat_open_input(out, url, NULL, &settings);
    av_dict_free(&settings);
    av_free(url);
    return r;
}

/* One track of the part on its way. */
typedef struct track {
    const video_extent *extent;
    int       out;              /* stream of the new file */
    bool      started;
    int       next_text;        /* index of the text packet that comes next */
    int64_t   offset;           /* from stamps in the part to those that were written */
    AVPacket *held;             /* until the next one tells its duration, as this kind of file means it */
} track;

static int write_held(video_mux *to, track *t, int64_t next_dts)
{
    AVPacket *p = t->held;
    const video_extent *e = t->extent;
    if (!p->buf) return 0;
    if (next_dts != AV_NOPTS_VALUE) {
        p->duration = next_dts - p->dts;
    } else {        /* the last one: so that all durations add up to the time that is shown */
        const int64_t shown = e->last_pts + e->last_duration - e->first_pts, before = p->dts - e->first_dts;
        p->duration = shown > before ? shown - before : e->last_duration;
    }
    if (p->pts == e->last_pts) p->duration = e->last_duration;
    return av_interleaved_write_frame(to->out, p);
}

/* True for the empty packets that the muxer puts between texts. */
static bool is_filler(track *t, const AVPacket *p)
{
    const video_extent *e = t->extent;
    if (!e->text_count) return false;
    if (t->next_text < e->text_count && e->text_dts[t->next_text] == p->dts) {
        t->next_text++;
        return false;
    }
    return true;
}

/* Every packet of the part; its stamps start where the first one written did. */
static int copy_packets(video_mux *to, AVFormatContext *in, AVPacket *p, track *tracks)
{
    int r;
    while ((r = av_read_frame(in, p)) >= 0) {
        if (p->stream_index >= to->track_count) {
            av_packet_unref(p);
            continue;
        }
        track *t = &tracks[p->stream_index];
        av_packet_rescale_ts(p, in->streams[p->stream_index]->time_base, to->out->streams[t->out]->time_base);
        if (!t->started) t->offset = t->extent->first_dts - p->dts;
        t->started = true;
        p->dts += t->offset;
        p->pts += t->offset;
        p->stream_index = t->out;
        p->pos = -1;
        if (is_filler(t, p)) {
            av_packet_unref(p);
            continue;
        }
        if ((r = write_held(to, t, p->dts)) < 0) return r;
        av_packet_move_ref(t->held, p);
    }
    for (int i = 0; i < to->track_count && r == AVERROR_EOF; i++)
        if (write_held(to, &tracks[i], AV_NOPTS_VALUE) < 0) r = AVERROR(EIO);
    return r == AVERROR_EOF ? av_interleaved_write_frame(to->out, NULL) : r;
}

static int copy_all(video_mux *to, AVFormatContext *in, const video_extent *extents)
{
    AVPacket *p = av_packet_alloc();
    track *tracks = calloc((size_t)to->track_count, sizeof *tracks);
    int r = p && tracks ? 0 : AVERROR(ENOMEM);
    for (int i = 0; tracks && i < to->track_count; i++) {
        tracks[i] = (track){ .extent = &extents[to->tracks[i]],
                             .out = to->index[to->tracks[i]],
                             .held = av_packet_alloc() };
        if (!tracks[i].held) r = AVERROR(ENOMEM);
    }
    if (r >= 0) r = copy_packets(to, in, p, tracks);
    for (int i = 0; tracks && i < to->track_count; i++) av_packet_free(&tracks[i].held);
    free(tracks);
    av_packet_free(&p);
    return r;
}

cyg_status video_remux(const char *path, const video_mux *part, const video_source *s, const AVCodecContext *encoder,
                       const video_carry *carry, const video_extent *extents, cyg_error *err)
{
    AVFormatContext *in = NULL;
    video_mux *to = NULL;
    int r = open_part(&in, part->path);
    if (r < 0) return video_fail(err, r, part->path, "cannot be read back");
    cyg_status status = video_mux_open(&to, path, part->out->oformat, s, encoder, carry, in, err);
    if (!status) {
        r = copy_all(to, in, extents);
        if (r >= 0) r = video_mux_finish(to);
        if (r < 0) status = video_fail(err, r, path, "cannot be written");
    }
    video_mux_close(to);
    avformat_close_input(&in);
    return status;
}
