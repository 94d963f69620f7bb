/* video_rotate.c - turns pictures the right way up by moving samples: nothing is computed,
 * so nothing is lost. */
#include "video_internal.h"
#include <stdlib.h>
#include <string.h>

/* The matrix takes the decoded pixel (x, y) to (a x + c y, b x + d y) on screen:
 * { a, b, u, c, d, v, tx, ty, w } in 16.16 fixed point. */
video_turn video_turn_of_matrix(const int32_t matrix[9], bool *exact)
{
    *exact = true;
    if (!matrix) return (video_turn){ 0 };
    const int64_t a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
    const int64_t straight = llabs(a) + llabs(d), crossed = llabs(b) + llabs(c);
    *exact = FFMIN(straight, crossed) * 100 <= FFMAX(straight, crossed);
    if (straight >= crossed) return (video_turn){ false, a < 0, d < 0 };
    return (video_turn){ true, c < 0, b < 0 };
}

bool video_turn_is_none(video_turn turn)
{
    return !turn.transpose && !turn.flip_x && !turn.flip_y;
}

bool video_turn_mirrors(video_turn turn)
{
    return turn.transpose ^ turn.flip_x ^ turn.flip_y;
}

int video_turn_rotation(video_turn turn)
{
    /* Take the mirroring of left and right, which comes last, away: a pure rotation is left. */
    if (video_turn_mirrors(turn)) turn.flip_x = !turn.flip_x;
    if (turn.transpose) return turn.flip_x ? 90 : 270;
    return turn.flip_x ? 180 : 0;
}

enum AVPixelFormat video_turn_format(video_turn turn, enum AVPixelFormat format,
                                     enum AVPixelFormat *before)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    *before = format;
    if (!turn.transpose || d->nb_components == 1 || d->log2_chroma_w == d->log2_chroma_h) return format;
    static const enum AVPixelFormat pairs[][2] = {
        { AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV440P },
        { AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV440P10 },
        { AV_PIX_FMT_YUV422P12, AV_PIX_FMT_YUV440P12 },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (int side = 0; side < 2; side++)
            if (format == pairs[i][side]) return pairs[i][!side];
    const int depth = d->comp[0].depth;         /* 4:1:1 and rarities: each sample its chroma */
    *before = depth <= 8 ? AV_PIX_FMT_YUV444P : depth <= 10 ? AV_PIX_FMT_YUV444P10 :
              depth <= 12 ? AV_PIX_FMT_YUV444P12 : AV_PIX_FMT_YUV444P16;
    return *before;
}

typedef struct plane_view {
    uint8_t  *data;
    ptrdiff_t stride;
    int       width, height;        /* in samples of `size` bytes */
} plane_view;

/* One sample of 1, 2 or 3 bytes. */
static inline void copy_sample(uint8_t *to, const uint8_t *from, int size)
{
    to[0] = from[0];
    if (size > 1) to[1] = from[1];
    if (size > 2) to[2] = from[2];
}

/* Squares, so that both pictures stay in the cache; `size` is constant at each call. */
static inline void __attribute__((always_inline))
transpose_samples(plane_view dst, plane_view src, video_turn turn, const int size)
{
    enum { BLOCK = 32 };
    for (int y0 = 0; y0 < dst.height; y0 += BLOCK)
        for (int x0 = 0; x0 < dst.width; x0 += BLOCK)
            for (int y = y0; y < FFMIN(y0 + BLOCK, dst.height); y++) {
                const int column = turn.flip_y ? src.width - 1 - y : y;
                uint8_t *row = dst.data + y * dst.stride;
                for (int x = x0; x < FFMIN(x0 + BLOCK, dst.width); x++) {
                    const int line = turn.flip_x ? src.height - 1 - x : x;
                    copy_sample(row + x * size, src.data + line * src.stride + column * size, size);
                }
            }
}

static inline void __attribute__((always_inline))
flip_samples(plane_view dst, plane_view src, video_turn turn, const int size)
{
    for (int y = 0; y < dst.height; y++) {
        const uint8_t *from = src.data + (turn.flip_y ? src.height - 1 - y : y) * src.stride;
        uint8_t *to = dst.data + y * dst.stride;
        if (!turn.flip_x) {
            memcpy(to, from, (size_t)dst.width * size);
            continue;
        }
        for (int x = 0; x < dst.width; x++)
            copy_sample(to + x * size, from + (src.width - 1 - x) * size, size);
    }
}

static void turn_plane(plane_view dst, plane_view src, video_turn turn, int size)
{
    if (turn.transpose) {
        if (size == 1) transpose_samples(dst, src, turn, 1);
        if (size == 2) transpose_samples(dst, src, turn, 2);
        if (size == 3) transpose_samples(dst, src, turn, 3);
    } else {
        if (size == 1) flip_samples(dst, src, turn, 1);
        if (size == 2) flip_samples(dst, src, turn, 2);
        if (size == 3) flip_samples(dst, src, turn, 3);
    }
}

static plane_view plane_of(const AVFrame *f, int plane, const AVPixFmtDescriptor *d)
{
    const int shift_x = plane ? d->log2_chroma_w : 0, shift_y = plane ? d->log2_chroma_h : 0;
    return (plane_view){ f->data[plane], f->linesize[plane], AV_CEIL_RSHIFT(f->width, shift_x),
                         AV_CEIL_RSHIFT(f->height, shift_y) };
}

int video_turn_apply(AVFrame *dst, const AVFrame *src, video_turn turn)
{
    enum AVPixelFormat before;
    int r = av_frame_copy_props(dst, src);
    if (r < 0) return r;
    dst->format = video_turn_format(turn, src->format, &before);
    dst->width = turn.transpose ? src->height : src->width;
    dst->height = turn.transpose ? src->width : src->height;
    if (turn.transpose && src->sample_aspect_ratio.num)
        dst->sample_aspect_ratio = av_make_q(src->sample_aspect_ratio.den, src->sample_aspect_ratio.num);
    if ((r = av_frame_get_buffer(dst, 0)) < 0) return r;

    const AVPixFmtDescriptor *from = av_pix_fmt_desc_get(src->format), *to = av_pix_fmt_desc_get(dst->format);
    for (int i = 0; i < av_pix_fmt_count_planes(src->format); i++)
        turn_plane(plane_of(dst, i, to), plane_of(src, i, from), turn,
                   from->comp[i].step);     /* RGB24: 3; U of NV12: the pair */
    return 0;
}
