/* cut.c - pictures as a few hundred means of brightness, and how two of them correlate. */
#include "cut.h"
#include <math.h>
#include <string.h>

/* Measured on cuts, pans, flashes and fast motion: ACCURACY.md. */
static const float little = 0.4f;
enum { LOOKS = 4 };                             /* samples across and down a cell */

static float sample(const cyg_image *im, int x, int y)
{
    const int step = im->format == CYG_RGB24 ? 3 : 1, at = step / 3;        /* of RGB, green */
    const uint8_t *row = im->plane[0] + y * im->stride[0];
    if (im->depth <= 8) return row[x * step + at];
    uint16_t word;
    memcpy(&word, row + 2 * x, sizeof word);
    return (float)word / (float)(1 << (im->depth - 8));
}

static float cell(const cyg_image *im, int column, int row)
{
    float sum = 0;
    for (int i = 0; i < LOOKS * LOOKS; i++) {
        const int x = (int)((int64_t)im->width * (2 * (column * LOOKS + i % LOOKS) + 1) / (2 * CUT_COLUMNS * LOOKS));
        const int y = (int)((int64_t)im->height * (2 * (row * LOOKS + i / LOOKS) + 1) / (2 * CUT_ROWS * LOOKS));
        sum += sample(im, x, y);
    }
    return sum / (LOOKS * LOOKS);
}

float cut_likeness(cut_memory *m, const cyg_image *image)
{
    enum { COUNT = CUT_COLUMNS * CUT_ROWS };
    float now[COUNT];
    double mean = 0, square = 0, likeness = 0;
    for (int i = 0; i < COUNT; i++) mean += (double)(now[i] = cell(image, i % CUT_COLUMNS, i / CUT_COLUMNS)) / COUNT;
    for (int i = 0; i < COUNT; i++) square += ((double)now[i] - mean) * ((double)now[i] - mean);
    const bool plain = square < COUNT;          /* less than one of 256 levels: noise */
    for (int i = 0; i < COUNT; i++) now[i] = plain ? 0 : (float)(((double)now[i] - mean) / sqrt(square));
    bool was_plain = true;
    for (int i = 0; i < COUNT; i++) {
        likeness += (double)now[i] * (double)m->seen[i];
        was_plain = was_plain && m->seen[i] == 0;
    }
    if (!m->begun || plain || was_plain) likeness = 1;
    m->begun = true;
    memcpy(m->seen, now, sizeof now);
    return (float)likeness;
}

bool cut_between(cut_memory *m, const cyg_image *image)
{
    return cut_likeness(m, image) < little;
}
