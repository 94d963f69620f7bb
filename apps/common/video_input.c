/* video_input.c - what a source's name means to FFmpeg: a file, a pipe, a URL, a camera or the pattern. */
#include "video_internal.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <libavutil/avstring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { VIDEO4LINUX_MAJOR = 81 };                /* of the devices' numbers: Linux' devices.txt */

static bool is_url(const char *uri)
{
    return strstr(uri, "://") != NULL;
}

static bool has_scheme(const char *uri, const char *scheme)
{
    const size_t length = strlen(scheme);
    return strncmp(uri, scheme, length) == 0 && strncmp(uri + length, "://", 3) == 0;
}

static bool is_camera(const char *uri, const struct stat *info)
{
    return info ? S_ISCHR(info->st_mode) && major(info->st_rdev) == VIDEO4LINUX_MAJOR
                : strncmp(uri, "/dev/video", 10) == 0;
}

/* ---- what FFmpeg is told for each kind ------------------------------------------------- */

/* A local file may not lead FFmpeg to the network, whatever a playlist in it says; and if that
 * does not grow, there is no waiting for more. */
static void set_local(AVDictionary **settings, const char *protocols)
{
    av_dict_set(settings, "protocol_whitelist", protocols, 0);
    av_dict_set(settings, "max_reload", "0", 0);
    av_dict_set(settings, "m3u8_hold_counters", "0", 0);
}

/* Nor may a server lead it to local files. (A protocol_blacklist FFmpeg 5.1 copies for each URL, and never frees.) */
static char *describe_url(video_source *s, const char *uri, const video_source_options *o, AVDictionary **settings)
{
    if (!has_scheme(uri, "file"))
        s->in->protocol_whitelist = av_strdup("http,https,httpproxy,tls,tcp,udp,udplite,rtp,srtp,rtmp,rtmpe,rtmps,"
            "rtmpt,rtmpte,rtmpts,ffrtmpcrypt,ffrtmphttp,srt,sctp,rist,ftp,sftp,mmsh,mmst,crypto,data,hls");
    av_dict_set(settings, "rw_timeout", "20000000", 0);             /* microseconds */
    if (has_scheme(uri, "http") || has_scheme(uri, "https")) {      /* a file that is cut off goes on where it was */
        av_dict_set(settings, "reconnect", "1", 0);
        av_dict_set(settings, "reconnect_delay_max", "30", 0);      /* seconds, doubling to it */
    }
    if (has_scheme(uri, "rtsp") || has_scheme(uri, "rtsps")) {
        av_dict_set(settings, "timeout", "20000000", 0);
        av_dict_set(settings, "rtsp_transport", o->transport ? o->transport : "tcp", 0);
        if (!s->copy_streams) av_dict_set(settings, "allowed_media_types", "video", 0);
    }
    if (has_scheme(uri, "udp")) av_dict_set(settings, "overrun_nonfatal", "1", 0);
    if (s->live) s->in->flags |= AVFMT_FLAG_NOBUFFER;
    return av_strdup(uri);
}

/* Its own reads cannot be interrupted, so they do not wait. */
static char *describe_camera(video_source *s, const char *uri, const video_source_options *o, AVDictionary **settings)
{
    char text[64];
    if (o->width) {
        snprintf(text, sizeof text, "%dx%d", o->width, o->height);
        av_dict_set(settings, "video_size", text, 0);
    }
    if (o->rate > 0) {
        snprintf(text, sizeof text, "%.6g", o->rate);
        av_dict_set(settings, "framerate", text, 0);
    }
    if (o->pixel_format) av_dict_set(settings, "input_format", o->pixel_format, 0);
    s->in->flags |= AVFMT_FLAG_NONBLOCK;
    s->camera = true;
    return av_strdup(uri);
}

static cyg_status open_bytes(video_source *s, AVIOContext *bytes, cyg_error *err)
{
    s->bytes = bytes;
    s->in->pb = bytes;
    return bytes ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", s->name);
}

static cyg_status open_fifo(video_source *s, const char *path, cyg_error *err)
{
    s->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (s->fd < 0) return cyg_fail(err, CYG_IO, "%s: %s", s->name, strerror(errno));
    return open_bytes(s, video_pipe_open(s, s->fd), err);
}

/* What FFmpeg would only say in a roundabout way. */
static cyg_status check_file(const video_source *s, const struct stat *info, cyg_error *err)
{
    if (S_ISDIR(info->st_mode)) return cyg_fail(err, CYG_IO, "%s: is a folder, expected a video", s->name);
    if (S_ISREG(info->st_mode) && info->st_size == 0) return cyg_fail(err, CYG_FORMAT, "%s: is empty", s->name);
    return CYG_OK;
}

/* Fills settings and *url, with memory of FFmpeg's; s->in is there. */
static cyg_status describe(video_source *s, const char *uri, const video_source_options *o, char **url,
                           const AVInputFormat **format, AVDictionary **settings, cyg_error *err)
{
    struct stat info;
    cyg_status status = CYG_OK;
    if (video_pattern_is(uri)) {
        AVIOContext *bytes = NULL;
        status = video_pattern_open(&bytes, uri, o, err);
        if (status == CYG_OK) status = open_bytes(s, bytes, err);
    } else if (strcmp(uri, "-") == 0) {
        set_local(settings, "pipe,file,crypto,data");
        status = open_bytes(s, video_pipe_open(s, STDIN_FILENO), err);
    } else if (is_url(uri)) {
        *url = describe_url(s, uri, o, settings);
    } else if (stat(uri, &info)) {
        status = is_camera(uri, NULL) && errno == ENOENT ? cyg_fail(err, CYG_NOT_FOUND, "%s: no such camera", s->name)
                                                         : cyg_fail(err, CYG_IO, "%s: %s", s->name, strerror(errno));
    } else if (is_camera(uri, &info)) {
        *format = av_find_input_format("v4l2");
        if (!*format)
            return cyg_fail(err, CYG_UNSUPPORTED, "%s: is a camera, which only cygnet-view reads", s->name);
        *url = describe_camera(s, uri, o, settings);
    } else if (S_ISFIFO(info.st_mode)) {
        set_local(settings, "pipe,file,crypto,data");
        status = open_fifo(s, uri, err);
    } else {
        set_local(settings, "file,crypto,data");
        status = check_file(s, &info, err);
        *url = av_asprintf("file:%s", uri);
    }
    return status;
}

/* ---- opening --------------------------------------------------------------------------- */

/* Without a known length it only ends by being lost. */
static bool is_endless(const video_source *s, const char *uri)
{
    if (s->camera) return true;
    if (!is_url(uri) || has_scheme(uri, "file") || s->in->duration > 0) return false;
    const char *format = s->in->iformat->name;
    const bool list = strcmp(format, "hls") == 0 || strcmp(format, "dash") == 0;    /* its size is not the video's */
    return !s->in->pb || list || avio_size(s->in->pb) <= 0;
}

/* Looking ahead costs the first picture's time, and a camera without one its patience. */
static bool needs_look_ahead(const video_source *s)
{
    if (s->camera) return false;
    if (!s->live || !s->info.endless) return true;
    const AVStream *video = video_input_best(s->in);
    return !video || video->codecpar->codec_id == AV_CODEC_ID_NONE;
}

cyg_status video_input_open(video_source *s, const char *uri, const video_source_options *o, cyg_error *err)
{
    AVDictionary *settings = NULL;
    const AVInputFormat *format = NULL;
    char *url = NULL;
    s->in = avformat_alloc_context();
    if (!s->in) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", s->name);
    s->in->interrupt_callback = (AVIOInterruptCB){ video_source_is_cancelled, s };
    cyg_status status = describe(s, uri, o, &url, &format, &settings, err);
    if (status == CYG_OK) {
        video_log_begin();
        int r = avformat_open_input(&s->in, url, format, &settings);        /* frees s->in if it fails */
        if (!r) {
            s->info.endless = is_endless(s, uri);
            if (!s->info.endless) s->in->flags &= ~AVFMT_FLAG_NOBUFFER;     /* what is looked at is shown as well */
            if (needs_look_ahead(s)) r = avformat_find_stream_info(s->in, NULL);
        }
        if (r < 0 && video_source_is_cancelled(s)) r = AVERROR_EXIT;
        if (r < 0) status = video_fail(err, r, s->name, "cannot be opened");
    }
    av_dict_free(&settings);
    av_free(url);
    return status;
}

void video_input_close(video_source *s)
{
    avformat_close_input(&s->in);
    if (s->bytes) {
        av_freep(&s->bytes->buffer);
        free(s->bytes->opaque);
        avio_context_free(&s->bytes);
    }
    if (s->fd > 0) close(s->fd);
}

/* A real video before a cover picture, the one marked as default before others, then the
 * larger one. */
static int64_t rank_of(const AVStream *st)
{
    return (int64_t)st->codecpar->width * st->codecpar->height +
           (st->disposition & AV_DISPOSITION_DEFAULT ? (int64_t)1 << 40 : 0) +
           (st->disposition & AV_DISPOSITION_ATTACHED_PIC ? 0 : (int64_t)1 << 50);
}

AVStream *video_input_best(const AVFormatContext *in)
{
    AVStream *best = NULL;
    for (unsigned i = 0; i < in->nb_streams; i++) {
        AVStream *st = in->streams[i];
        if (st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && (!best || rank_of(st) > rank_of(best))) best = st;
    }
    return best;
}
