/* quality.h - how much a face in a picture can tell, and why not more. */
#ifndef QUALITY_H
#define QUALITY_H

#include "backbone.h"

/* Why it should not be trusted. */
enum { QUALITY_SMALL = 1, QUALITY_BLURRED = 2, QUALITY_CUT = 4, QUALITY_DARK = 8 };

typedef struct quality {
    float    size;              /* longer side of the box, pixels */
    float    sharpness;         /* 0 .. 1: how much of what varies does so from pixel to pixel of a 64 x 64 face */
    float    inside;            /* 0 .. 1: how much of the box lies on the picture */
    float    brightness;        /* 0 .. 1: mean luma of that */
    float    score;             /* 0 .. 1: all of it in one number, to weigh and rank by */
    unsigned flaws;             /* of the above */
} quality;

quality quality_of(const cyg_image *image, cyg_box box);
/* "too small, blurred" into out; "" without flaws. Returns out. */
const char *quality_text(char *out, size_t size, unsigned flaws);

#endif
