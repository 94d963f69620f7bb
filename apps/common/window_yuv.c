/* window_yuv.c - other depths and chroma samplings to YUV 4:2:0 of 8 bits, by the mean of the samples. */
#include "window_yuv.h"
#include <stdlib.h>
#include <string.h>

void window_yuv_free(window_yuv *w)
{
    free(w->pixels);
    *w = (window_yuv){ 0 };
}

static inline unsigned sample(const uint8_t *row, int x, int step, bool wide)
{
    uint16_t word;
    if (!wide) return row[x * step];
    memcpy(&word, row + 2 * x * step, sizeof word);
    return word;
}

/* One plane: each sample of `to` is the mean of across x down samples of `from`, or one of them
 * repeated where across is -2 (4:1:1). width, height: of the plane that is made. */
typedef struct plane_job {
    const uint8_t *from;
    ptrdiff_t      stride;
    int            step, from_width, from_height;
    int            across, down;
    int            shift;               /* bits too many */
    bool           wide;
} plane_job;

static inline int smaller(int a, int b) { return a < b ? a : b; }

static void make_plane(uint8_t *to, int width, int height, const plane_job *j)
{
    for (int y = 0; y < height; y++, to += width) {
        const uint8_t *row = j->from + smaller(y * j->down, j->from_height - 1) * j->stride;
        const uint8_t *next = j->from + smaller(y * j->down + j->down - 1, j->from_height - 1) * j->stride;
        if (!j->wide && j->step == 1 && j->across == 1 && j->down == 1) {
            memcpy(to, row, (size_t)width);
            continue;
        }
        for (int x = 0; x < width; x++) {
            const int a = j->across > 0 ? smaller(x * j->across, j->from_width - 1) : x / 2;
            const int b = j->across > 0 ? smaller(x * j->across + j->across - 1, j->from_width - 1) : a;
            const unsigned sum = sample(row, a, j->step, j->wide) + sample(row, b, j->step, j->wide) +
                                 sample(next, a, j->step, j->wide) + sample(next, b, j->step, j->wide);
            const unsigned mean = (sum + (2u << j->shift)) >> (2 + j->shift);
            to[x] = (uint8_t)(mean > 255 ? 255 : mean);
        }
    }
}

bool window_yuv_convert(window_yuv *w, const cyg_image *im, cyg_image *out)
{
    const int half_x = (im->width + 1) / 2, half_y = (im->height + 1) / 2;
    const size_t luma = (size_t)im->width * (size_t)im->height, chroma = (size_t)half_x * (size_t)half_y;
    if (w->size < luma + 2 * chroma) {
        window_yuv_free(w);
        w->pixels = malloc(luma + 2 * chroma);
        if (!w->pixels) return false;
        w->size = luma + 2 * chroma;
    }
    *out = (cyg_image){
        .format = CYG_YUV, .width = im->width, .height = im->height, .depth = 8, .shift_x = 1, .shift_y = 1,
        .matrix = im->matrix, .full_range = im->full_range,
        .plane = { w->pixels, w->pixels + luma, w->pixels + luma + chroma }, .stride = { im->width, half_x, half_x },
    };
    plane_job j = { .from = im->plane[0], .stride = im->stride[0], .step = 1, .from_width = im->width,
                    .from_height = im->height, .across = 1, .down = 1, .shift = im->depth - 8, .wide = im->depth > 8 };
    make_plane(out->plane[0], im->width, im->height, &j);
    if (im->format == CYG_GRAY) {
        memset(out->plane[1], 128, 2 * chroma);
        return true;
    }
    const bool nv12 = im->format == CYG_NV12;
    const int shift_x = nv12 ? 1 : im->shift_x, shift_y = nv12 ? 1 : im->shift_y;
    j.from_width = (im->width + (1 << shift_x) - 1) >> shift_x;
    j.from_height = (im->height + (1 << shift_y) - 1) >> shift_y;
    j.across = shift_x == 0 ? 2 : shift_x == 1 ? 1 : -2;
    j.down = shift_y == 0 ? 2 : 1;
    j.step = nv12 ? 2 : 1;
    for (int i = 1; i < 3; i++) {
        j.from = nv12 ? im->plane[1] + i - 1 : im->plane[i];
        j.stride = nv12 ? im->stride[1] : im->stride[i];
        make_plane(out->plane[i], half_x, half_y, &j);
    }
    return true;
}
