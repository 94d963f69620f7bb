/* quality.h - how much a face in a picture can tell, and why not more. */
#ifndef QUALITY_H
#define QUALITY_H

#include "backbone.h"

/* Why it should not be trusted. */
enum { QUALITY_SMALL = 1, QUALITY_BLURRED = 2, QUALITY_CUT = 4, QUALITY_DARK = 8, QUALITY_FLAWS = 4 };

typedef struct quality {
    float    size;              /* longer side of the box, pixels */
    float    sharpness;         /* 0 .. 1: how much of what varies does so from pixel to pixel of a 64 x 64 face */
    float    inside;            /* 0 .. 1: how much of the box lies on the picture */
    float    brightness;        /* 0 .. 1: mean luma of that */
    float    score;             /* 0 .. 1: all of it in one number, to weigh and rank by */
    unsigned flaws;             /* of the above */
} quality;

/* Faces that were left out for their flaws, and how many of them have each flaw: bit by bit. */
typedef struct quality_tally {
    int64_t faces, with[QUALITY_FLAWS];
} quality_tally;

quality quality_of(const cyg_image *image, cyg_box box);
/* "too small, blurred" into out; "" without flaws. Returns out. */
const char *quality_text(char *out, size_t size, unsigned flaws);

void quality_count(quality_tally *t, unsigned flaws);
void quality_add(quality_tally *sum, const quality_tally *more);
/* "3 left out (2 too small, 2 blurred)" into out, which has room for 160 bytes; returns out. */
const char *quality_tally_text(char *out, size_t size, const quality_tally *t);

#endif
