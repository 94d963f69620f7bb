/* video_container.c - which container can hold what, and which one suits a source best. */
#include "video_internal.h"
#include <libavutil/avstring.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool video_container_is_mov(const AVOutputFormat *format)
{
    static const char *const family[] = { "mov", "mp4", "3gp", "3g2", "ipod", "psp", "f4v", "ismv" };
    for (size_t i = 0; i < sizeof family / sizeof *family; i++)
        if (strcmp(format->name, family[i]) == 0) return true;
    return false;
}

bool video_container_is_matroska(const AVOutputFormat *format)
{
    return strcmp(format->name, "matroska") == 0 || strcmp(format->name, "webm") == 0;
}

/* Ticks a second of the container's clock; 0 = it has none that can be trusted. */
static int64_t clock_of(const AVOutputFormat *format, AVRational time_base)
{
    if (video_container_is_mov(format) || strcmp(format->name, "nut") == 0) return time_base.den;
    if (video_container_is_matroska(format) || strcmp(format->name, "flv") == 0) return 1000;
    return strcmp(format->name, "mpegts") == 0 ? 90000 : 0;
}

bool video_container_is_exact(const AVOutputFormat *format, AVRational time_base)
{
    const int64_t ticks = clock_of(format, time_base);
    return ticks && ticks * time_base.num % time_base.den == 0;
}

const AVOutputFormat *video_container_of_path(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot && (!strcasecmp(dot, ".m4v") || !strcasecmp(dot, ".mp4"))) return av_guess_format("mp4", NULL, NULL);
    const AVOutputFormat *format = av_guess_format(NULL, path, NULL);
    if (format && strcmp(format->name, "image2") == 0) return av_guess_format("image2pipe", NULL, NULL);
    return format;
}

/* Its muxer is the judge: it writes a header for the video and that one stream, into memory. */
static bool can_hold(const video_source *s, int i, const AVOutputFormat *format, const AVCodecContext *encoder,
                     video_carry how)
{
    AVFormatContext *out = NULL;
    AVDictionary *settings = NULL;
    bool holds = false;
    if (avformat_alloc_output_context2(&out, format, NULL, NULL) < 0) return false;
    out->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    if (video_container_is_mov(format)) av_dict_set(&settings, "movflags", "frag_custom+delay_moov", 0);
    if (avio_open_dyn_buf(&out->pb) >= 0) {
        holds = video_mux_add_stream(out, s, s->stream->index, encoder, CARRY_VIDEO) >= 0 &&
                video_mux_add_stream(out, s, i, encoder, how) >= 0 && avformat_write_header(out, &settings) >= 0;
        uint8_t *bytes;
        avio_close_dyn_buf(out->pb, &bytes);
        av_free(bytes);
    }
    av_dict_free(&settings);
    avformat_free_context(out);
    return holds;
}

video_carry video_container_carry(const video_source *s, int i, const AVOutputFormat *format,
                                  const AVCodecContext *encoder)
{
    const AVStream *st = s->in->streams[i];
    if (st == s->stream) return CARRY_VIDEO;
    const video_carry how = st->disposition & AV_DISPOSITION_ATTACHED_PIC ? CARRY_PICTURE : CARRY_COPY;
    return can_hold(s, i, format, encoder, how) ? how : CARRY_NOT;
}

/* ---- The best extension ----------------------------------------------------------------- */

/* True if the demuxer's name, a list, has that word. */
static bool is_demuxer(const video_source *s, const char *word)
{
    return av_match_name(word, s->in->iformat->name);
}

static bool is_picture(const video_source *s)
{
    const char *name = s->in->iformat->name, *pipe = strstr(name, "_pipe");
    return strcmp(name, "image2") == 0 || (pipe && pipe[5] == '\0');
}

/* The extension of the source's own name if it says the same as its bytes. */
static const char *own_extension(const video_source *s)
{
    static const struct { const char *demuxer, *extension; } known[] = {
        { "mp4", "mp4" }, { "mp4", "m4v" }, { "mp4", "mov" }, { "mp4", "3gp" }, { "mp4", "3g2" }, { "matroska", "mkv" },
        { "mpegts", "ts" }, { "mpegts", "mts" }, { "mpegts", "m2ts" }, { "nut", "nut" },
    };
    const char *dot = strrchr(s->name, '.');
    for (size_t i = 0; dot && i < sizeof known / sizeof *known; i++)
        if (!strcasecmp(dot + 1, known[i].extension) && is_demuxer(s, known[i].demuxer)) return known[i].extension;
    if (is_demuxer(s, "matroska")) return "mkv";
    if (is_demuxer(s, "mpegts")) return "ts";
    const AVDictionaryEntry *brand = av_dict_get(s->in->metadata, "major_brand", NULL, 0);
    return is_demuxer(s, "mov") && brand && strncmp(brand->value, "qt", 2) == 0 ? "mov" : "mp4";
}

/* How much a container loses: streams first, then exact time. The video stands in for the H.264
 * to come, whose header needs a real encoder. */
static int losses(const video_source *s, const char *extension)
{
    char path[16];
    snprintf(path, sizeof path, "x.%s", extension);
    const AVOutputFormat *format = video_container_of_path(path);
    AVCodecContext *stand_in = avcodec_alloc_context3(NULL);
    if (!format || !stand_in) return INT_MAX;
    stand_in->codec_type = AVMEDIA_TYPE_VIDEO;
    stand_in->codec_id = AV_CODEC_ID_MPEG4;
    stand_in->width = s->info.width;
    stand_in->height = s->info.height;
    stand_in->pix_fmt = AV_PIX_FMT_YUV420P;
    int lost = !video_container_is_exact(format, s->stream->time_base);
    for (unsigned i = 0; i < s->in->nb_streams; i++) {
        const AVStream *st = s->in->streams[i];
        const video_carry how = video_container_carry(s, (int)i, format, stand_in);
        const enum AVMediaType type = st->codecpar->codec_type;
        if (how == CARRY_NOT && st->discard != AVDISCARD_ALL)
            lost += type == AVMEDIA_TYPE_AUDIO || type == AVMEDIA_TYPE_VIDEO ? 100
                    : type == AVMEDIA_TYPE_SUBTITLE                          ? 10
                                                                             : 2;
    }
    avcodec_free_context(&stand_in);
    return lost;
}

const char *video_source_extension(const video_source *s)
{
    if (is_picture(s)) return s->stream->codecpar->codec_id == AV_CODEC_ID_MJPEG ? "jpg" : "png";
    const char *const candidates[] = { own_extension(s), "mp4", "mov", "mkv" };
    const char *best = candidates[0];
    int least = losses(s, best);
    for (size_t i = 1; i < sizeof candidates / sizeof *candidates && least; i++) {
        const int lost = losses(s, candidates[i]);
        if (lost < least) {
            least = lost;
            best = candidates[i];
        }
    }
    return best;
}
