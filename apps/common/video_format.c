/* video_format.c - FFmpeg's pixel formats and ours: which are the same, and how the others
 * become one of them. */
#include "video_internal.h"
#include <libswscale/swscale.h>
#include <stdlib.h>

/* Bits a sample if the format is planar, of whole native samples, one component a plane;
 * 0 if it is anything else. */
static int planar_depth(const AVPixFmtDescriptor *d)
{
    const uint64_t never = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                           AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_FLOAT |
                           AV_PIX_FMT_FLAG_BAYER;
    const int depth = d->comp[0].depth;
    const bool big = d->flags & AV_PIX_FMT_FLAG_BE, big_host = AV_NE(1, 0);
    if (d->flags & never || depth < 8 || depth > 16 || (depth > 8 && big != big_host)) return 0;
    for (int i = 0; i < d->nb_components; i++) {
        const AVComponentDescriptor *c = &d->comp[i];
        if (c->plane != i || c->shift || c->offset || c->depth != depth || c->step != (depth > 8 ? 2 : 1))
            return 0;
    }
    return depth;
}

/* True if cyg_image has the format. */
static bool fits(enum AVPixelFormat format)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    if (!d) return false;
    if (format == AV_PIX_FMT_NV12 || format == AV_PIX_FMT_RGB24) return true;
    return (d->nb_components == 1 || d->nb_components == 3) && planar_depth(d) &&
           d->log2_chroma_w <= 2 && d->log2_chroma_h <= 1;
}

enum AVPixelFormat video_format_nearest(enum AVPixelFormat format)
{
    if (fits(format)) return format;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    if (!d || d->flags & AV_PIX_FMT_FLAG_HWACCEL) return AV_PIX_FMT_NONE;
    const int depth = d->comp[0].depth;
    if (d->flags & (AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BAYER)) return AV_PIX_FMT_RGB24;
    if (d->nb_components <= 2)
        return depth <= 8 ? AV_PIX_FMT_GRAY8 : depth <= 10 ? AV_PIX_FMT_GRAY10 :
               depth <= 12 ? AV_PIX_FMT_GRAY12 : AV_PIX_FMT_GRAY16;
    if (d->flags & AV_PIX_FMT_FLAG_RGB)         /* no RGB of more bits here */
        return depth <= 8 ? AV_PIX_FMT_RGB24 : depth <= 10 ? AV_PIX_FMT_YUV444P12 : AV_PIX_FMT_YUV444P16;
    static const enum AVPixelFormat yuv[3][4] = {   /* [4:4:4, 4:2:2, 4:2:0][8, 10, 12, 16 bits] */
        { AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV444P10, AV_PIX_FMT_YUV444P12, AV_PIX_FMT_YUV444P16 },
        { AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV422P12, AV_PIX_FMT_YUV422P16 },
        { AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUV420P12, AV_PIX_FMT_YUV420P16 },
    };
    const int chroma = d->log2_chroma_w == 1 ? 1 + (d->log2_chroma_h == 1) :
                       d->log2_chroma_w == 2 && d->log2_chroma_h == 2 ? 2 : 0;
    return yuv[chroma][depth <= 8 ? 0 : depth <= 10 ? 1 : depth <= 12 ? 2 : 3];
}

void video_format_plain(AVFrame *f)
{
    static const enum AVPixelFormat pairs[][2] = {
        { AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P }, { AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV422P },
        { AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P }, { AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV440P },
        { AV_PIX_FMT_YUVJ411P, AV_PIX_FMT_YUV411P },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (f->format == pairs[i][0]) {
            f->format = pairs[i][1];
            f->color_range = AVCOL_RANGE_JPEG;
        }
}

/* The frame's tag; without one as players guess: high definition is BT.709, the rest BT.601. */
static cyg_matrix matrix_of(const AVFrame *f)
{
    switch (f->colorspace) {
    case AVCOL_SPC_BT709:
        return CYG_BT709;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return CYG_BT2020;
    case AVCOL_SPC_UNSPECIFIED: {
        const int longer = FFMAX(f->width, f->height), shorter = FFMIN(f->width, f->height);
        return longer >= 1280 || shorter > 576 ? CYG_BT709 : CYG_BT601;
    }
    default:
        return CYG_BT601;
    }
}

/* The frame's tag; without one as FFmpeg does: gray is full range, YUV is not. */
static bool full_range_of(const AVFrame *f, int components)
{
    if (f->color_range == AVCOL_RANGE_UNSPECIFIED) return components == 1;
    return f->color_range == AVCOL_RANGE_JPEG;
}

cyg_image video_format_image(const AVFrame *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    cyg_image image = {
        .width = f->width,
        .height = f->height,
        .depth = d->comp[0].depth,
        .format = f->format == AV_PIX_FMT_RGB24 ? CYG_RGB24 : f->format == AV_PIX_FMT_NV12 ? CYG_NV12 :
                  d->nb_components == 1 ? CYG_GRAY : CYG_YUV,
        .matrix = matrix_of(f),
        .full_range = full_range_of(f, d->nb_components),
    };
    if (d->nb_components == 3 && f->format != AV_PIX_FMT_RGB24) {
        image.shift_x = d->log2_chroma_w;
        image.shift_y = d->log2_chroma_h;
    }
    for (int i = 0; i < 3; i++) {
        image.plane[i] = f->data[i];
        image.stride[i] = f->linesize[i];
    }
    return image;
}

frame_light video_format_light(const AVFrame *f, const AVCodecParameters *par)
{
    const enum AVColorTransferCharacteristic c = f->color_trc != AVCOL_TRC_UNSPECIFIED ? f->color_trc : par->color_trc;
    return c == AVCOL_TRC_SMPTE2084 ? LIGHT_PQ : c == AVCOL_TRC_ARIB_STD_B67 ? LIGHT_HLG : LIGHT_SDR;
}

bool video_format_is_transparent(const AVFrame *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    if (!d || !(d->flags & AV_PIX_FMT_FLAG_ALPHA)) return false;
    const int alpha = d->nb_components - 1, palette = d->flags & AV_PIX_FMT_FLAG_PAL ? 1 : 0;
    const int opaque = (1 << d->comp[alpha].depth) - 1;
    uint16_t *row = malloc((size_t)f->width * sizeof *row);
    bool found = false;
    for (int y = 0; row && !found && y < f->height; y++) {
        av_read_image_line(row, (const uint8_t **)(uintptr_t)f->data, f->linesize, d, 0, y, alpha, f->width, palette);
        for (int x = 0; x < f->width; x++) found = found || row[x] < opaque;
    }
    free(row);
    return found;
}

/* The matrix to convert with: that of the YUV side's picture, as cyg_image names it. */
static const int *coefficients_of(const AVFrame *f)
{
    const cyg_matrix m = matrix_of(f);
    return sws_getCoefficients(m == CYG_BT709 ? SWS_CS_ITU709 : m == CYG_BT2020 ? SWS_CS_BT2020 : SWS_CS_ITU601);
}

int video_format_convert(AVFrame *dst, const AVFrame *src, enum AVPixelFormat format,
                         int width, int height, struct SwsContext **scaler)
{
    const AVPixFmtDescriptor *from = av_pix_fmt_desc_get(src->format), *to = av_pix_fmt_desc_get(format);
    int r = av_frame_copy_props(dst, src);
    if (r < 0) return r;
    dst->format = format;
    dst->width = width;
    dst->height = height;
    if ((r = av_frame_get_buffer(dst, 0)) < 0) return r;
    *scaler = sws_getCachedContext(
        *scaler, src->width, src->height, src->format, width, height, format,
        SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT, NULL, NULL, NULL);
    if (!*scaler) return AVERROR(ENOMEM);
    const bool from_rgb = from->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL);
    const bool to_rgb = to->flags & AV_PIX_FMT_FLAG_RGB;
    /* Range stays what it is; RGB becomes YUV of limited range, as players expect. */
    const int src_full = from_rgb || full_range_of(src, from->nb_components);
    const int dst_full = to_rgb || (from_rgb ? 0 : src_full);
    const int *matrix = coefficients_of(from_rgb ? dst : src);
    sws_setColorspaceDetails(*scaler, matrix, src_full, matrix, dst_full, 0, 1 << 16, 1 << 16);
    r = sws_scale(*scaler, (const uint8_t *const *)src->data, src->linesize, 0, src->height,
                  dst->data, dst->linesize);
    if (from_rgb && !to_rgb) {
        dst->color_range = AVCOL_RANGE_MPEG;
        dst->colorspace = matrix_of(dst) == CYG_BT709 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    }
    return r < 0 ? r : 0;
}
