/* test_video.c - turning pictures upright against the definition of a display matrix, and
 * what no command line shows: interrupts, bounded memory, frames that are the caller's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "video_internal.h"

/* ---- Turning ------------------------------------------------------------------------------ */

static AVFrame *noise(enum AVPixelFormat format, int width, int height)
{
    AVFrame *f = av_frame_alloc();
    f->format = format;
    f->width = width;
    f->height = height;
    assert_int_equal(av_frame_get_buffer(f, 0), 0);
    for (int i = 0; i < 4 && f->buf[i]; i++)
        for (size_t b = 0; b < f->buf[i]->size; b++) f->buf[i]->data[b] = (uint8_t)rand();
    return f;
}

/* The sample of component c under pixel (x, y) of the chroma-resolution grid of that component. */
static int sample(const AVFrame *f, int c, int x, int y)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    const uint8_t *at = f->data[d->comp[c].plane] + y * (ptrdiff_t)f->linesize[d->comp[c].plane] +
                        x * d->comp[c].step + d->comp[c].offset;
    return d->comp[c].depth > 8 ? *(const uint16_t *)at : *at;
}

/* Every decoded sample must stand where the matrix takes its pixel: (x, y) to
 * (a x + c y, b x + d y), moved so that the picture begins at (0, 0). */
static void check_turn(enum AVPixelFormat format, const int m[4])
{
    const int32_t matrix[9] = { m[0] * 65536, m[1] * 65536, 0, m[2] * 65536, m[3] * 65536, 0, 0, 0, 1 << 30 };
    bool exact;
    const video_turn turn = video_turn_of_matrix(matrix, &exact);
    assert_true(exact);
    enum AVPixelFormat before;
    const enum AVPixelFormat after = video_turn_format(turn, format, &before);
    AVFrame *src = noise(before, 37, 21), *dst = av_frame_alloc();
    assert_int_equal(video_turn_apply(dst, src, turn), 0);
    assert_int_equal(dst->format, after);
    assert_int_equal(dst->width, m[0] ? 37 : 21);
    assert_int_equal(dst->height, m[0] ? 21 : 37);
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(before);
    for (int c = 0; c < d->nb_components; c++) {
        const bool chroma = (c == 1 || c == 2) && format != AV_PIX_FMT_RGB24;
        const int width = chroma ? AV_CEIL_RSHIFT(37, d->log2_chroma_w) : 37;
        const int height = chroma ? AV_CEIL_RSHIFT(21, d->log2_chroma_h) : 21;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                int to_x = m[0] * x + m[2] * y, to_y = m[1] * x + m[3] * y;
                if (to_x < 0 || m[0] + m[2] < 0) to_x += (m[0] ? width : height) - 1;
                if (to_y < 0 || m[1] + m[3] < 0) to_y += (m[1] ? width : height) - 1;
                assert_int_equal(sample(dst, c, to_x, to_y), sample(src, c, x, y));
            }
    }
    av_frame_free(&src);
    av_frame_free(&dst);
}

static void test_turns_follow_the_display_matrix(void **state)
{
    static const int matrices[8][4] = {
        { 1, 0, 0, 1 }, { 0, 1, -1, 0 }, { -1, 0, 0, -1 }, { 0, -1, 1, 0 },
        { -1, 0, 0, 1 }, { 1, 0, 0, -1 }, { 0, 1, 1, 0 }, { 0, -1, -1, 0 },
    };
    static const enum AVPixelFormat formats[] = {
        AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV440P, AV_PIX_FMT_YUV444P12, AV_PIX_FMT_YUV411P,
        AV_PIX_FMT_YUV422P16, AV_PIX_FMT_NV12, AV_PIX_FMT_GRAY8, AV_PIX_FMT_GRAY10, AV_PIX_FMT_RGB24,
    };
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) check_turn(formats[k], matrices[i]);
}

static void test_turns_have_the_names_people_use(void **state)
{
    static const struct { int32_t m[4]; int rotation; bool mirrored; } cases[] = {
        { { 1, 0, 0, 1 }, 0, false },   { { 0, 1, -1, 0 }, 90, false }, { { -1, 0, 0, -1 }, 180, false },
        { { 0, -1, 1, 0 }, 270, false }, { { -1, 0, 0, 1 }, 0, true },   { { 1, 0, 0, -1 }, 180, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int32_t *m = cases[i].m;
        const int32_t matrix[9] = { m[0] * 65536, m[1] * 65536, 0, m[2] * 65536, m[3] * 65536 };
        bool exact;
        const video_turn turn = video_turn_of_matrix(matrix, &exact);
        assert_int_equal(video_turn_rotation(turn), cases[i].rotation);
        assert_int_equal(video_turn_mirrors(turn), cases[i].mirrored);
    }
    const int32_t slanted[9] = { 65000, 9000, 0, -9000, 65000 };
    bool exact;
    assert_true(video_turn_is_none(video_turn_of_matrix(slanted, &exact)));
    assert_false(exact);
}

/* ---- Formats ------------------------------------------------------------------------------- */

static void test_every_format_has_a_nearest_one(void **state)
{
    for (const AVPixFmtDescriptor *d = NULL; (d = av_pix_fmt_desc_next(d));) {
        const enum AVPixelFormat format = av_pix_fmt_desc_get_id(d), nearest = video_format_nearest(format);
        if (d->flags & AV_PIX_FMT_FLAG_HWACCEL) {
            assert_int_equal(nearest, AV_PIX_FMT_NONE);
            continue;
        }
        assert_int_equal(video_format_nearest(nearest), nearest);
        const AVPixFmtDescriptor *n = av_pix_fmt_desc_get(nearest);
        if (!(d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BAYER | AV_PIX_FMT_FLAG_FLOAT)))
            assert_true(n->comp[0].depth >= d->comp[0].depth);
        if (nearest == format && d->nb_components == 3 && format != AV_PIX_FMT_RGB24) {
            assert_true(n->log2_chroma_w <= 2 && n->log2_chroma_h <= 1);
        }
    }
}

/* ---- Sources --------------------------------------------------------------------------------- */

static char folder[] = "/tmp/test_video_XXXXXX";
static char clip[64], sparse[64];

static int make_clips(void **state)
{
    char command[600];
    if (!mkdtemp(folder)) return -1;
    snprintf(clip, sizeof clip, "%s/clip.mp4", folder);
    snprintf(sparse, sizeof sparse, "%s/sparse.mkv", folder);
    snprintf(command, sizeof command,
             "ffmpeg -v error -f lavfi -i testsrc2=s=64x48:r=25:d=2 -c:v libx264 -g 100 %s </dev/null", clip);
    if (system(command)) return -1;
    snprintf(command, sizeof command,
             "ffmpeg -v error -f lavfi -i testsrc2=s=64x48:r=25:d=0.08 -f lavfi -i sine=r=48000:d=240 "
             "-c:v libx264 -c:a pcm_s16le %s </dev/null",
             sparse);
    return system(command) ? -1 : 0;
}

static int remove_clips(void **state)
{
    unlink(clip);
    unlink(sparse);
    return rmdir(folder);
}

static video_source *open_clip(const char *path)
{
    video_source *s;
    cyg_error err;
    const video_source_options options = { .copy_streams = true };
    if (video_source_open(&s, path, &options, &err)) fail_msg("%s", err.message);
    return s;
}

static void test_frames_are_the_callers_own(void **state)
{
    video_source *kept = open_clip(clip), *spoilt = open_clip(clip);
    for (int i = 0; i < 50; i++) {
        frame *a = frame_create(), *b = frame_create();
        assert_int_equal(video_source_read(kept, a, NULL), CYG_OK);
        assert_int_equal(video_source_read(spoilt, b, NULL), CYG_OK);
        assert_int_equal(b->number, i);
        for (int y = 0; y < 48; y++) {
            assert_memory_equal(a->image.plane[0] + y * a->image.stride[0],
                                b->image.plane[0] + y * b->image.stride[0], 64);
            memset(b->image.plane[0] + y * b->image.stride[0], 0, 64);     /* must not reach later frames */
        }
        frame_free(a);
        frame_free(b);
    }
    video_source_close(kept);
    video_source_close(spoilt);
}

static void test_an_interrupt_ends_the_reading(void **state)
{
    video_source *s = open_clip(clip);
    frame *f = frame_create();
    assert_int_equal(video_source_read(s, f, NULL), CYG_OK);
    frame_free(f);
    video_source_interrupt(s);
    f = frame_create();
    assert_int_equal(video_source_read(s, f, NULL), CYG_END);
    frame_free(f);
    video_source_close(s);
}

/* Four minutes of sound behind two pictures come in portions. */
static void test_packets_in_flight_are_bounded(void **state)
{
    video_source *s = open_clip(sparse);
    int pictures = 0, portions = 0, packets = 0;
    for (cyg_status status = CYG_OK; !status;) {
        frame *f = frame_create();
        status = video_source_read(s, f, NULL);
        assert_int_equal(f->order, pictures + portions);
        if (f->image.width) pictures++;
        else portions++;
        assert_in_range(f->packet_count, 0, 1100);
        packets += f->packet_count;
        frame_free(f);
    }
    assert_int_equal(pictures, 2);
    assert_true(portions > 4);
    assert_true(packets > 5000);
    video_source_close(s);
}

int main(void)
{
    if (system("command -v ffmpeg >/dev/null")) return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns_follow_the_display_matrix),
        cmocka_unit_test(test_turns_have_the_names_people_use),
        cmocka_unit_test(test_every_format_has_a_nearest_one),
        cmocka_unit_test(test_frames_are_the_callers_own),
        cmocka_unit_test(test_an_interrupt_ends_the_reading),
        cmocka_unit_test(test_packets_in_flight_are_bounded),
    };
    return cmocka_run_group_tests(tests, make_clips, remove_clips);
}
