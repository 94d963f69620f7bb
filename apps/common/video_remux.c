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

/* Every packet of the part; its stamps start where the first one written did. */
static int copy_packets(video_mux *to, AVFormatContext *in, AVPacket *p, const int64_t *first_dts, int64_t *offset)
{
    int r;
    while ((r = av_read_frame(in, p)) >= 0) {
        const int track = p->stream_index;
        if (track >= to->track_count) {
            av_packet_unref(p);
            continue;
        }
        const int i = to->index[to->tracks[track]];
        av_packet_rescale_ts(p, in->streams[track]->time_base, to->out->streams[i]->time_base);
        if (offset[track] == AV_NOPTS_VALUE) offset[track] = first_dts[to->tracks[track]] - p->dts;
        p->dts += offset[track];
        p->pts += offset[track];
        p->stream_index = i;
        p->pos = -1;
        if ((r = av_interleaved_write_frame(to->out, p)) < 0) return r;
    }
    return r == AVERROR_EOF ? av_interleaved_write_frame(to->out, NULL) : r;
}

cyg_status video_remux(const char *path, const video_mux *part, const video_source *s, const AVCodecContext *encoder,
                       const video_carry *carry, const int64_t *first_dts, cyg_error *err)
{
    AVFormatContext *in = NULL;
    video_mux *to = NULL;
    AVPacket *p = av_packet_alloc();
    int64_t *offset = malloc(s->in->nb_streams * sizeof *offset);
    cyg_status status = CYG_OK;
    int r = p && offset ? open_part(&in, part->path) : AVERROR(ENOMEM);
    if (r < 0) status = video_fail(err, r, part->path, "cannot be read back");
    for (unsigned i = 0; offset && i < s->in->nb_streams; i++) offset[i] = AV_NOPTS_VALUE;
    if (!status) status = video_mux_open(&to, path, part->out->oformat, s, encoder, carry, in, err);
    if (!status) {
        r = copy_packets(to, in, p, first_dts, offset);
        if (r >= 0) r = video_mux_finish(to);
        if (r < 0) status = video_fail(err, r, path, "cannot be written");
    }
    video_mux_close(to);
    avformat_close_input(&in);
    av_packet_free(&p);
    free(offset);
    return status;
}
