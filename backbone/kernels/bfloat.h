/* bfloat.h - bfloat16, the upper half of a float32, one value at a time. */
#ifndef CYG_BFLOAT_H
#define CYG_BFLOAT_H

#include <stdint.h>
#include <string.h>

typedef uint16_t bfloat;

static inline float bfloat_widen(bfloat x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* To the nearest, ties to even; for finite values. */
static inline bfloat bfloat_narrow(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return (bfloat)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#endif
