/* video_frame.c - frames that share pixels, get pixels of their own, become RGB, become a PNG file. */
#include "video_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void video_frame_release(frame *f)
{
    for (int i = 0; i < f->packet_count; i++) av_packet_free(&f->packets[i]);
    free(f->packets);
    av_frame_free(&f->av);
}

/* ---- sharing ------------------------------------------------------------------------------- */

static void wrap(AVFrame *out, const frame *f)
{
    static const enum AVPixelFormat formats[] = { [CYG_GRAY] = AV_PIX_FMT_GRAY8, [CYG_RGB24] = AV_PIX_FMT_RGB24 };
    out->format = formats[f->image.format];
    out->width = f->image.width;
    out->height = f->image.height;
    out->data[0] = f->image.plane[0];
    out->linesize[0] = (int)f->image.stride[0];
}

/* Pictures come in memory of their own (RGB24): from their first sharing on FFmpeg counts its users. */
static int count_users(frame *f)
{
    if (f->av) return 0;
    AVFrame *plain = av_frame_alloc(), *counted = av_frame_alloc();
    int r = plain && counted ? 0 : AVERROR(ENOMEM);
    if (r >= 0) {
        wrap(plain, f);
        counted->format = plain->format;
        counted->width = plain->width;
        counted->height = plain->height;
        r = av_frame_get_buffer(counted, 0);
    }
    if (r >= 0) r = av_frame_copy(counted, plain);
    av_frame_free(&plain);
    if (r < 0) {
        av_frame_free(&counted);
        return r;
    }
    f->av = counted;
    f->image = video_format_image(counted);
    free(f->memory);
    f->memory = NULL;
    return 0;
}

frame *frame_share(frame *f)
{
    frame *other = frame_create();
    if (!other || count_users(f) < 0) {
        frame_free(other);
        return NULL;
    }
    *other = *f;
    other->packets = NULL;
    other->packet_count = 0;
    other->av = av_frame_clone(f->av);
    if (other->av) return other;
    frame_free(other);
    return NULL;
}

bool frame_own(frame *f)
{
    if (!f->av) return true;
    if (av_frame_make_writable(f->av) < 0) return false;
    for (int i = 0; i < 3; i++) {
        f->image.plane[i] = f->av->data[i];
        f->image.stride[i] = f->av->linesize[i];
    }
    return true;
}

/* ---- stills ----------------------------------------------------------------------------------- */

frame *video_frame_rgb(frame *f)
{
    frame *rgb = frame_create();
    struct SwsContext *scaler = NULL;
    if (rgb) rgb->av = av_frame_alloc();
    int r = rgb && rgb->av ? count_users(f) : AVERROR(ENOMEM);
    if (r >= 0) r = video_format_convert(rgb->av, f->av, AV_PIX_FMT_RGB24, f->av->width, f->av->height, &scaler);
    sws_freeContext(scaler);
    if (r < 0) {
        frame_free(rgb);
        return NULL;
    }
    rgb->image = video_format_image(rgb->av);
    rgb->object_count = f->object_count;
    memcpy(rgb->objects, f->objects, (size_t)f->object_count * sizeof *f->objects);
    return rgb;
}

static int encode_png(AVPacket *out, const AVFrame *f)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
    AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!c) return codec ? AVERROR(ENOMEM) : AVERROR_ENCODER_NOT_FOUND;
    c->width = f->width;
    c->height = f->height;
    c->pix_fmt = f->format;
    c->sample_aspect_ratio = f->sample_aspect_ratio;
    c->time_base = (AVRational){ 1, 1 };
    c->thread_count = 1;
    int r = avcodec_open2(c, codec, NULL);
    if (r >= 0) r = avcodec_send_frame(c, f);
    if (r >= 0) r = avcodec_send_frame(c, NULL);
    if (r >= 0) r = avcodec_receive_packet(c, out);
    avcodec_free_context(&c);
    return r;
}

static int write_whole(const char *path, const uint8_t *bytes, size_t size)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return errno;
    int why = 0;
    while (size && !why) {
        const ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno != EINTR) why = errno;
        if (n > 0) bytes += n, size -= (size_t)n;
    }
    return close(fd) != 0 && !why ? errno : why;
}

cyg_status video_frame_png(const frame *rgb, const char *path, cyg_error *err)
{
    const char *slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash - path) + 1 : 0;
    char *part = NULL;
    AVPacket *packet = av_packet_alloc();
    if (!packet || asprintf(&part, "%.*s.%s.part", folder, path, path + folder) < 0) {
        av_packet_free(&packet);
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    }
    video_log_begin();
    const int r = encode_png(packet, rgb->av);
    cyg_status status = r < 0 ? video_fail(err, r, path, "cannot be made") : CYG_OK;
    int why = status == CYG_OK ? write_whole(part, packet->data, (size_t)packet->size) : 0;
    if (status == CYG_OK && !why && rename(part, path) != 0) why = errno;
    if (why) {
        status = cyg_fail(err, CYG_IO, "cannot write %s: %s", path, strerror(why));
        unlink(part);
    }
    av_packet_free(&packet);
    free(part);
    return status;
}
