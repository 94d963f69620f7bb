/* quality.c - size, sharpness, light and cut edges of a face, from the pixels of its box. */
#include "quality.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Each limit stands where embeddings of spoilt copies of a face left those of the face itself: ACCURACY.md. */
static const float least_size = 40, least_sharpness = 0.11f, least_inside = 0.7f, least_brightness = 0.08f;
/* From here on more of it brings nothing. */
static const float full_size = 112, full_sharpness = 0.25f, full_brightness = 0.16f;

enum { GRID = 64 };             /* cells along each side of the box */

/* 0 .. 1 */
static float luma_at(const cyg_image *image, int x, int y)
{
    const uint8_t *const row = image->plane[0] + y * image->stride[0];
    if (image->format == CYG_RGB24) {
        const uint8_t *const p = row + 3 * x;
        return (.299f * p[0] + .587f * p[1] + .114f * p[2]) / 255;
    }
    const float value = image->depth > 8 ? ((const uint16_t *)(const void *)row)[x] : row[x];
    return value / (float)((1 << image->depth) - 1);
}

static float mix(const cyg_image *image, float x, float y)
{
    const float last_x = (float)image->width - 1, last_y = (float)image->height - 1;
    x = fminf(fmaxf(x - .5f, 0), last_x);
    y = fminf(fmaxf(y - .5f, 0), last_y);
    const int x0 = (int)x, y0 = (int)y;
    const int x1 = x0 + 1 < image->width ? x0 + 1 : x0, y1 = y0 + 1 < image->height ? y0 + 1 : y0;
    const float fx = x - (float)x0, fy = y - (float)y0;
    const float top = luma_at(image, x0, y0) * (1 - fx) + luma_at(image, x1, y0) * fx;
    const float bottom = luma_at(image, x0, y1) * (1 - fx) + luma_at(image, x1, y1) * fx;
    return top * (1 - fy) + bottom * fy;
}

/* The box as cells; each is the mean of a few places, so that a large face is not sharper for
 * the pixels that are skipped. */
static void sample(float cells[GRID][GRID], const cyg_image *image, cyg_box box)
{
    const float width = (box.x2 - box.x1) / GRID, height = (box.y2 - box.y1) / GRID;
    const int across = width > 3 ? 4 : (int)ceilf(width);
    const int down = height > 3 ? 4 : (int)ceilf(height);
    for (int y = 0; y < GRID; y++) {
        for (int x = 0; x < GRID; x++) {
            float sum = 0;
            for (int i = 0; i < across * down; i++)
                sum += mix(image, box.x1 + width * ((float)x + ((float)(i % across) + .5f) / (float)across),
                           box.y1 + height * ((float)y + ((float)(i / across) + .5f) / (float)down));
            cells[y][x] = sum / (float)(across * down);
        }
    }
}

/* Mean square of the Laplacian, over the variance: contrast does not count, detail does. */
static float sharpness(float cells[GRID][GRID], float *mean)
{
    double sum = 0, square = 0, detail = 0;
    for (int y = 0; y < GRID; y++) {
        for (int x = 0; x < GRID; x++) {
            sum += cells[y][x];
            square += cells[y][x] * cells[y][x];
        }
    }
    for (int y = 1; y < GRID - 1; y++) {
        for (int x = 1; x < GRID - 1; x++) {
            const float laplacian = cells[y - 1][x] + cells[y + 1][x] + cells[y][x - 1] + cells[y][x + 1] -
                                    4 * cells[y][x];
            detail += laplacian * laplacian;
        }
    }
    const double all = GRID * GRID;
    *mean = (float)(sum / all);
    const double variance = square / all - sum / all * (sum / all);
    if (!(variance > 1e-6)) return 0;
    return (float)fmin(sqrt(detail / ((GRID - 2) * (GRID - 2)) / variance), 1);
}

quality quality_of(const cyg_image *image, cyg_box box)
{
    const float width = box.x2 - box.x1, height = box.y2 - box.y1;
    const cyg_box on = { fmaxf(box.x1, 0), fmaxf(box.y1, 0), fminf(box.x2, (float)image->width),
                         fminf(box.y2, (float)image->height) };
    quality q = { .size = fmaxf(width, height) };
    if (width > 0 && height > 0 && on.x2 > on.x1 && on.y2 > on.y1) {
        float cells[GRID][GRID];
        q.inside = (on.x2 - on.x1) / width * ((on.y2 - on.y1) / height);
        sample(cells, image, on);
        q.sharpness = sharpness(cells, &q.brightness);
    }
    q.flaws = (q.size < least_size ? QUALITY_SMALL : 0u) | (q.sharpness < least_sharpness ? QUALITY_BLURRED : 0u) |
              (q.inside < least_inside ? QUALITY_CUT : 0u) | (q.brightness < least_brightness ? QUALITY_DARK : 0u);
    q.score = fminf(q.size / full_size, 1) * fminf(q.sharpness / full_sharpness, 1) * q.inside *
              fminf(q.brightness / full_brightness, 1);
    return q;
}

/* ---- In words ------------------------------------------------------------------------ */

/* Bit by bit. */
static const char *const flaw_texts[QUALITY_FLAWS] = { "too small", "blurred", "cut off", "too dark" };

const char *quality_text(char *out, size_t size, unsigned flaws)
{
    out[0] = 0;
    for (int i = 0; i < QUALITY_FLAWS; i++) {
        if (!(flaws >> i & 1)) continue;
        if (out[0]) strncat(out, ", ", size - strlen(out) - 1);
        strncat(out, flaw_texts[i], size - strlen(out) - 1);
    }
    return out;
}

void quality_count(quality_tally *t, unsigned flaws)
{
    t->faces++;
    for (int i = 0; i < QUALITY_FLAWS; i++) t->with[i] += flaws >> i & 1;
}

void quality_add(quality_tally *sum, const quality_tally *more)
{
    sum->faces += more->faces;
    for (int i = 0; i < QUALITY_FLAWS; i++) sum->with[i] += more->with[i];
}

const char *quality_tally_text(char *out, size_t size, const quality_tally *t)
{
    int n = snprintf(out, size, "%" PRId64 " left out", t->faces);
    const char *before = " (";
    for (int i = 0; i < QUALITY_FLAWS; i++) {
        if (!t->with[i] || n < 0 || (size_t)n >= size) continue;
        n += snprintf(out + n, size - (size_t)n, "%s%" PRId64 " %s", before, t->with[i], flaw_texts[i]);
        before = ", ";
    }
    if (t->faces && n > 0 && (size_t)n < size) snprintf(out + n, size - (size_t)n, ")");
    return out;
}
