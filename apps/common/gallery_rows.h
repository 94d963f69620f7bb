/* gallery_rows.h - the inside of a mapped vector file, for its reader and its search. */
#ifndef GALLERY_ROWS_H
#define GALLERY_ROWS_H

#include "gallery_vectors.h"

typedef struct vectors_row {        /* as in the file */
    int64_t  id;
    float    low, step, error;
    uint32_t codes_sum;
    uint64_t halves_sum;
} vectors_row;

enum { VECTORS_BLOCK = 256 };       /* rows scanned, and verified, at once: they stay in cache */

struct vectors {
    char              *name;
    const uint8_t     *bytes;
    size_t             mapped;      /* 0 = wrapped */
    int                dimension;
    int64_t            count;
    size_t             stride;      /* bytes of a row of codes */
    const vectors_row *rows;        /* [count] */
    const uint8_t     *codes;       /* [count][stride] */
    const uint16_t    *halves;      /* [count][dimension] */
    uint8_t           *verified;    /* [blocks]: its codes are */
};

/* Codes of a row, those beyond the dimension included. */
static inline size_t vectors_width(int dimension)
{
    return ((size_t)dimension + CYG_SCAN_WIDTH - 1) / CYG_SCAN_WIDTH * CYG_SCAN_WIDTH;
}

/* Verifies the codes of a block unless they are; CYG_FORMAT. */
CYG_MUST_USE cyg_status vectors_verify_codes(vectors *v, int64_t block, cyg_error *err);
/* The halves of a row, verified; CYG_FORMAT. */
CYG_MUST_USE cyg_status vectors_verify_halves(const vectors *v, int64_t row, const uint16_t **half,
                                              cyg_error *err);

#endif
