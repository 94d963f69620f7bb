/* window_yuv.c - other depths and chroma samplings to YUV 4:2:0 of 8 bits, by the mean of the samples; colours. */
#include "window_yuv.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void window_yuv_free(window_yuv *w)
{
    free(w->memory);
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

/* ---- colours ------------------------------------------------------------------------------ */

bool window_yuv_is_plain(const cyg_image *image)
{
    return image->matrix == CYG_BT601 || (image->matrix == CYG_BT709 && !image->full_range);
}

/* y' = y + y_u u + y_v v, u' = u_u u + u_v v, v' = v_u u + v_v v: the same RGB by the weights of BT.709. (Grey has
 * no u and v in any.) */
typedef struct recolouring { float y_u, y_v, u_u, u_v, v_u, v_v; } recolouring;

static recolouring to_bt709(cyg_matrix from)
{
    static const struct { double red, blue; } weights[] = {     /* of luma; BT.601, BT.709, BT.2020 */
        [CYG_BT601] = { .299, .114 }, [CYG_BT709] = { .2126, .0722 }, [CYG_BT2020] = { .2627, .0593 },
    };
    const double red = weights[from].red, blue = weights[from].blue, green = 1 - red - blue;
    const double kr = weights[CYG_BT709].red, kb = weights[CYG_BT709].blue, kg = 1 - kr - kb;
    const double r_v = 2 * (1 - red), b_u = 2 * (1 - blue);     /* r = y + r_v v, b = y + b_u u */
    const double g_u = -blue * b_u / green, g_v = -red * r_v / green;
    const double y_u = kg * g_u + kb * b_u, y_v = kr * r_v + kg * g_v;
    return (recolouring){
        .y_u = (float)y_u, .y_v = (float)y_v,
        .u_u = (float)((b_u - y_u) / (2 * (1 - kb))), .u_v = (float)(-y_v / (2 * (1 - kb))),
        .v_u = (float)(-y_u / (2 * (1 - kr))), .v_v = (float)((r_v - y_v) / (2 * (1 - kr))),
    };
}

static inline uint8_t level(float value)
{
    return (uint8_t)(fminf(fmaxf(value, 0), 255) + .5f);
}

/* In place. shade [width / 2, rounded up]: what a row's chroma adds to its luma. */
static void recolour(cyg_image *im, float *shade)
{
    const recolouring k = to_bt709(im->matrix);
    const float y_scale = im->full_range ? 219 / 255.f : 1, uv_scale = im->full_range ? 224 / 255.f : 1;
    const float black = im->full_range ? 16 : 0, y_of_uv = 219 / 224.f;
    for (int row = 0; row < (im->height + 1) / 2; row++) {
        uint8_t *u = im->plane[1] + row * im->stride[1], *v = im->plane[2] + row * im->stride[2];
        for (int x = 0; x < (im->width + 1) / 2; x++) {
            const float from_u = uv_scale * (float)(u[x] - 128), from_v = uv_scale * (float)(v[x] - 128);
            u[x] = level(128 + k.u_u * from_u + k.u_v * from_v);
            v[x] = level(128 + k.v_u * from_u + k.v_v * from_v);
            shade[x] = black + y_of_uv * (k.y_u * from_u + k.y_v * from_v);
        }
        for (int y = 2 * row; y < 2 * row + 2 && y < im->height; y++) {
            uint8_t *luma = im->plane[0] + y * im->stride[0];
            for (int x = 0; x < im->width; x++) luma[x] = level(y_scale * (float)luma[x] + shade[x / 2]);
        }
    }
    im->matrix = CYG_BT709;
    im->full_range = false;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static void make_chroma(cyg_image *out, const cyg_image *im)
{
    const bool nv12 = im->format == CYG_NV12;
    const int shift_x = nv12 ? 1 : im->shift_x, shift_y = nv12 ? 1 : im->shift_y;
    plane_job j = { .step = nv12 ? 2 : 1, .from_width = (im->width + (1 << shift_x) - 1) >> shift_x,
                    .from_height = (im->height + (1 << shift_y) - 1) >> shift_y,
                    .across = shift_x == 0 ? 2 : shift_x == 1 ? 1 : -2, .down = shift_y == 0 ? 2 : 1,
                    .shift = im->depth - 8, .wide = im->depth > 8 };
    for (int i = 1; i < 3; i++) {
        j.from = nv12 ? im->plane[1] + i - 1 : im->plane[i];
        j.stride = nv12 ? im->stride[1] : im->stride[i];
        make_plane(out->plane[i], (im->width + 1) / 2, (im->height + 1) / 2, &j);
    }
}

bool window_yuv_convert(window_yuv *w, const cyg_image *im, cyg_image *out)
{
    const int half_x = (im->width + 1) / 2, half_y = (im->height + 1) / 2;
    const size_t luma = (size_t)im->width * (size_t)im->height, chroma = (size_t)half_x * (size_t)half_y;
    const size_t shade = (size_t)half_x * sizeof(float), size = shade + luma + 2 * chroma;
    if (w->size < size) {
        window_yuv_free(w);
        w->memory = malloc(size);
        if (!w->memory) return false;
        w->size = size;
    }
    uint8_t *pixels = (uint8_t *)w->memory + shade;
    *out = (cyg_image){
        .format = CYG_YUV, .width = im->width, .height = im->height, .depth = 8, .shift_x = 1, .shift_y = 1,
        .matrix = im->matrix, .full_range = im->full_range,
        .plane = { pixels, pixels + luma, pixels + luma + chroma }, .stride = { im->width, half_x, half_x },
    };
    const plane_job j = { .from = im->plane[0], .stride = im->stride[0], .step = 1, .from_width = im->width,
                    .from_height = im->height, .across = 1, .down = 1, .shift = im->depth - 8, .wide = im->depth > 8 };
    make_plane(out->plane[0], im->width, im->height, &j);
    if (im->format == CYG_GRAY) memset(out->plane[1], 128, 2 * chroma);
    else make_chroma(out, im);
    if (!window_yuv_is_plain(out)) recolour(out, w->memory);
    return true;
}
