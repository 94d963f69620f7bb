/* gallery_vectors.h - the vector file of a gallery: made, mapped, verified, searched.
 * Knows nothing of databases. Only gallery*.c use it.
 */
#ifndef GALLERY_VECTORS_H
#define GALLERY_VECTORS_H

#include "gallery.h"

typedef struct vectors vectors;

/* What a vector file was made from; another one is stale. */
typedef struct vectors_key {
    uint8_t gallery[16];
    int64_t generation;             /* counts changes of the set of embeddings */
    int     dimension;
} vectors_key;

/* Gives the next embedding, by rising id: [dimension] halves, nearly of unit length. */
typedef cyg_status vectors_next_fn(void *context, int64_t *id, uint16_t *half, cyg_error *err);

/* Writes the whole file into fd (empty). name is for messages. CYG_IO, CYG_NO_MEMORY, or what next gave. */
CYG_MUST_USE cyg_status vectors_write(int fd, const char *name, const vectors_key *key, int64_t count,
                                      vectors_next_fn *next, void *context, cyg_error *err);

/* Maps fd (which may be closed afterwards) and verifies its header and its table of rows;
 * the codes and halves of a row are verified when they are first used.
 * CYG_FORMAT: damaged, or not a vector file. CYG_UNSUPPORTED: another version. */
CYG_MUST_USE cyg_status vectors_open(vectors **out, int fd, const char *name, cyg_error *err);
/* The same for bytes in memory, 64-byte aligned, which must outlive it. */
CYG_MUST_USE cyg_status vectors_wrap(vectors **out, const void *bytes, size_t size, const char *name,
                                     cyg_error *err);
void vectors_close(vectors *v);
vectors_key vectors_made_from(const vectors *v);
int64_t     vectors_count(const vectors *v);

/* Which ids may be found: bit id of bits, for id < limit; NULL = all. */
typedef struct vectors_filter {
    const uint64_t *bits;
    int64_t         limit;
} vectors_filter;

/* As gallery_search; probe has unit length. CYG_FORMAT: a row that had to be read is damaged. */
CYG_MUST_USE cyg_status vectors_search(vectors *v, const float *probe, float threshold,
                                       const vectors_filter *filter, gallery_match *out, int *count,
                                       cyg_error *err);

/* The row with that id, verified, as halves; NULL if there is none. CYG_FORMAT if damaged. */
CYG_MUST_USE cyg_status vectors_find(vectors *v, int64_t id, const uint16_t **half, cyg_error *err);
/* Verifies every byte. */
CYG_MUST_USE cyg_status vectors_check(vectors *v, cyg_error *err);

/* 64-bit checksum of bytes, against damage, not against forgery. seed tells apart equal contents. */
uint64_t vectors_sum(const void *bytes, size_t size, uint64_t seed);

/* IEEE half precision, rounded to nearest even; |value| < 65504. */
uint16_t half_from_float(float value);
float    float_from_half(uint16_t half);

#endif
