/* gallery_vectors.c - the vector file: every embedding of a gallery, laid out for scanning.
 *
 * Derived from the database, made again from it at any time. Little endian, read-only once
 * written. S = 192 * ceil(dimension / 256), P(x) = 4096 * ceil(x / 4096).
 *
 *   header, 4096 bytes, at 0
 *        0   8  "CYGVECT\n"
 *        8   4  version: 2
 *       12   4  dimension: 1 .. 65536
 *       16   8  count of rows
 *       24   8  generation of the database that it was made from
 *       32  16  id of the gallery
 *       48   8  checksum of the table of rows, seed 1
 *       56      zeros
 *     4088   8  checksum of bytes 0 .. 4087, seed 0
 *   table of rows [count], 32 bytes each, by rising id, at 4096
 *        0   8  id of the face, > 0
 *        8   4  low        float; the row, at unit length, is nearly low + step * code
 *       12   4  step       float
 *       16   4  error      float; length of (row - (low + step * code)), rounded up; what
 *                          that is made of adds up to nothing
 *       20   4  checksum of its codes, low half, seed = id
 *       24   8  checksum of its halves, seed = id
 *   codes  [count][S]          0 .. 63, 256 packed in 192 bytes (cyg_scan_fn of backbone.h says how); 0
 *                              beyond the dimension; at 4096 + P(32 * count)
 *   halves [count][dimension]  IEEE half precision, the embedding as in the database; next P
 * The file ends with the last half.
 */
#include "gallery_vectors.h"
#include "gallery_rows.h"
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is mapped as it is");

enum { HEADER = 4096, VERSION = 2, CHUNK = 512 /* rows written at once */ };
static const char magic[8] = "CYGVECT\n";

typedef struct header {
    char     magic[8];
    uint32_t version, dimension;
    int64_t  count, generation;
    uint8_t  gallery[16];
    uint64_t rows_sum;
    uint8_t  zeros[HEADER - 64];
    uint64_t sum;
} header;

_Static_assert(sizeof(header) == HEADER && sizeof(vectors_row) == 32, "as specified");

/* ---- Numbers --------------------------------------------------------------------- */

typedef uint32_t words __attribute__((vector_size(64), aligned(1), may_alias));

/* Sixteen sums of words and sixteen sums of those sums, so that place matters as well; then
 * both mixed, as two chains that a CPU runs side by side. */
uint64_t vectors_sum(const void *bytes, size_t size, uint64_t seed)
{
    const uint8_t *at = bytes;
    words plain = { 1 }, placed = { 0 };
    for (; size >= 64; size -= 64, at += 64) {
        plain += *(const words *)at;
        placed += plain;
    }
    uint8_t last[64] = { 0 };
    memcpy(last, at, size);
    plain += *(const words *)last;
    placed += plain + (uint32_t)size;
    uint64_t a[8], b[8], one = seed, two = ~seed;
    memcpy(a, &plain, sizeof a);
    memcpy(b, &placed, sizeof b);
    for (int i = 0; i < 8; i++) {
        one = (one ^ a[i]) * 0xff51afd7ed558ccdu;
        two = (two ^ b[i]) * 0xc4ceb9fe1a85ec53u;
        one ^= one >> 32;
        two ^= two >> 32;
    }
    one ^= two * 0x9e3779b97f4a7c15u;
    one = (one ^ one >> 33) * 0xff51afd7ed558ccdu;
    return one ^ one >> 29;
}

float float_from_half(uint16_t half)
{
    union { uint32_t bits; float value; } f = { .bits = (uint32_t)(half & 0x7fff) << 13 };
    f.value *= 0x1p112f;                            /* the exponents' different origins; exact */
    f.bits |= (uint32_t)(half & 0x8000) << 16;
    return f.value;
}

uint16_t half_from_float(float value)
{
    union { float value; uint32_t bits; } f = { .value = value };
    const uint32_t sign = f.bits >> 16 & 0x8000;
    f.bits &= 0x7fffffff;
    if (f.bits < 0x38800000)                        /* below 2^-14: steps of 2^-24 */
        return (uint16_t)(sign | (uint32_t)lrintf(f.value * 0x1p24f));
    f.bits += 0xfff + (f.bits >> 13 & 1);
    return (uint16_t)(sign | (f.bits - 0x38000000) >> 13);
}

/* ---- Layout ------------------------------------------------------------------------ */

typedef struct layout {
    size_t stride, codes, halves, size;             /* bytes */
} layout;

static bool pages(size_t *at, size_t count, size_t each)    /* *at = P(*at + count * each) */
{
    size_t bytes;
    if (__builtin_mul_overflow(count, each, &bytes) || __builtin_add_overflow(*at, bytes, at)) return false;
    if (*at > SIZE_MAX - HEADER) return false;
    *at = (*at + HEADER - 1) / HEADER * HEADER;
    return true;
}

/* False if a size overflows. */
static bool lay_out(layout *l, int dimension, int64_t count)
{
    size_t halves;
    l->stride = vectors_width(dimension) / CYG_SCAN_WIDTH * CYG_SCAN_BYTES;
    l->codes = HEADER;
    if (!pages(&l->codes, (size_t)count, sizeof(vectors_row))) return false;
    l->halves = l->codes;
    if (!pages(&l->halves, (size_t)count, l->stride)) return false;
    return !__builtin_mul_overflow((size_t)count, (size_t)dimension * 2, &halves) &&
           !__builtin_add_overflow(l->halves, halves, &l->size) && l->size <= PTRDIFF_MAX;
}

/* ---- Writing ------------------------------------------------------------------------ */

static void put_code(uint8_t *packed, int i, unsigned code)
{
    packed += i / CYG_SCAN_WIDTH * CYG_SCAN_BYTES;
    i %= CYG_SCAN_WIDTH;
    if (i < CYG_SCAN_BYTES) packed[i] |= (uint8_t)code;
    else for (int k = 0; k < 3; k++) packed[i - CYG_SCAN_BYTES + 64 * k] |= (uint8_t)(code >> 2 * k << 6);
}

/* codes [stride] and the row from halves [dimension], of which it takes the direction only: 0 .. 63
 * between the least and the greatest value. */
static void encode(vectors_row *row, uint8_t *codes, const uint16_t *half, int dimension, size_t stride)
{
    double square = 0;
    float low = INFINITY, high = -INFINITY;
    for (int i = 0; i < dimension; i++) {
        const float x = float_from_half(half[i]);
        square += (double)x * x;
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    const float unit = square > 0 ? (float)(1 / sqrt(square)) : 0;
    const float least = low * unit, step = (high - low) * unit / 63;
    double square_off = 0, sum_off = 0;
    memset(codes, 0, stride);
    for (int i = 0; i < dimension; i++) {
        const float x = float_from_half(half[i]) * unit;
        const unsigned code = step > 0 ? (unsigned)lrintf((x - least) / step) : 0;
        put_code(codes, i, code);
        const double off = (double)x - ((double)least + (double)step * code);
        square_off += off * off;
        sum_off += off;
    }
    const double mean_off = sum_off / dimension;        /* becomes a part of low */
    row->low = (float)(least + mean_off);
    row->step = step;
    row->error = nextafterf((float)sqrt(fmax(square_off - sum_off * mean_off, 0)), INFINITY);
    row->codes_sum = (uint32_t)vectors_sum(codes, stride, (uint64_t)row->id);
    row->halves_sum = vectors_sum(half, (size_t)dimension * 2, (uint64_t)row->id);
}

static cyg_status write_at(int fd, const char *name, const void *bytes, size_t size, size_t at, cyg_error *err)
{
    for (const char *from = bytes; size; ) {
        const ssize_t n = pwrite(fd, from, size, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return cyg_fail(err, CYG_IO, "%s: cannot be written: %s", name, strerror(n ? errno : ENOSPC));
        from += n;
        at += (size_t)n;
        size -= (size_t)n;
    }
    return CYG_OK;
}

/* Rows first .. first + n: gets, encodes, writes. */
static cyg_status write_chunk(int fd, const char *name, const layout *l, int dimension, int64_t first, int n,
                              vectors_row *rows, uint8_t *codes, uint16_t *halves,
                              vectors_next_fn *next, void *context, cyg_error *err)
{
    const size_t done = (size_t)first, half_row = (size_t)dimension * 2;
    cyg_status status = CYG_OK;
    for (int i = 0; i < n; i++) {
        uint16_t *half = halves + (size_t)i * (size_t)dimension;
        if ((status = next(context, &rows[i].id, half, err))) return status;
        encode(&rows[i], codes + (size_t)i * l->stride, half, dimension, l->stride);
    }
    status = write_at(fd, name, rows, (size_t)n * sizeof *rows, HEADER + done * sizeof *rows, err);
    if (!status) status = write_at(fd, name, codes, (size_t)n * l->stride, l->codes + done * l->stride, err);
    if (!status) status = write_at(fd, name, halves, (size_t)n * half_row, l->halves + done * half_row, err);
    return status;
}

static cyg_status write_rows(int fd, const char *name, const layout *l, const vectors_key *key, int64_t count,
                             vectors_row *table, vectors_next_fn *next, void *context, cyg_error *err)
{
    uint8_t *codes = malloc(CHUNK * l->stride);
    uint16_t *halves = malloc(CHUNK * (size_t)key->dimension * sizeof *halves);
    cyg_status status = codes && halves ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", name);
    for (int64_t i = 0; i < count && !status; i += CHUNK) {
        const int n = count - i < CHUNK ? (int)(count - i) : CHUNK;
        status = write_chunk(fd, name, l, key->dimension, i, n, table + i, codes, halves, next, context, err);
    }
    free(codes);
    free(halves);
    return status;
}

cyg_status vectors_write(int fd, const char *name, const vectors_key *key, int64_t count,
                         vectors_next_fn *next, void *context, cyg_error *err)
{
    layout l;
    if (!lay_out(&l, key->dimension, count))
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: too large for this computer", name);
    vectors_row *table = calloc(count ? (size_t)count : 1, sizeof *table);
    header *h = calloc(1, sizeof *h);
    cyg_status status = table && h ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", name);
    if (!status && ftruncate(fd, (off_t)l.size))        /* the gaps between the parts read as zeros */
        status = cyg_fail(err, CYG_IO, "%s: cannot be written: %s", name, strerror(errno));
    if (!status) status = write_rows(fd, name, &l, key, count, table, next, context, err);
    if (!status) {
        memcpy(h->magic, magic, sizeof magic);
        h->version = VERSION;
        h->dimension = (uint32_t)key->dimension;
        h->count = count;
        h->generation = key->generation;
        memcpy(h->gallery, key->gallery, sizeof h->gallery);
        h->rows_sum = vectors_sum(table, (size_t)count * sizeof *table, 1);
        h->sum = vectors_sum(h, offsetof(header, sum), 0);
        status = write_at(fd, name, h, sizeof *h, 0, err);
    }
    free(table);
    free(h);
    return status;
}

/* ---- Reading -------------------------------------------------------------------------- */

static cyg_status damaged(const char *name, const char *where, cyg_error *err)
{
    return cyg_fail(err, CYG_FORMAT, "%s: damaged: %s", name, where);
}

static cyg_status validate(vectors *v, size_t size, cyg_error *err)
{
    const header *h = (const header *)v->bytes;
    layout l;
    if (size < HEADER) return damaged(v->name, "shorter than its header", err);
    if (memcmp(h->magic, magic, sizeof magic)) return damaged(v->name, "not a vector file", err);
    if (h->version != VERSION)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: version %u, expected %d", v->name, h->version, VERSION);
    if (vectors_sum(h, offsetof(header, sum), 0) != h->sum) return damaged(v->name, "the header's checksum", err);
    if (h->dimension < 1 || h->dimension > 65536 || h->count < 0 ||
        !lay_out(&l, (int)h->dimension, h->count) || l.size != size)
        return damaged(v->name, "its size does not fit its header", err);
    v->dimension = (int)h->dimension;
    v->count = h->count;
    v->stride = l.stride;
    v->rows = (const vectors_row *)(v->bytes + HEADER);
    v->codes = v->bytes + l.codes;
    v->halves = (const uint16_t *)(v->bytes + l.halves);
    if (vectors_sum(v->rows, (size_t)v->count * sizeof *v->rows, 1) != h->rows_sum)
        return damaged(v->name, "the checksum of the table of rows", err);
    for (int64_t i = 0; i < v->count; i++) {
        const vectors_row *r = &v->rows[i];
        if (r->id <= (i ? r[-1].id : 0) || !isfinite(r->low) || !isfinite(r->step) || !isfinite(r->error) ||
            r->step < 0 || r->error < 0)
            return damaged(v->name, "the table of rows", err);
    }
    v->verified = calloc((size_t)(v->count + VECTORS_BLOCK - 1) / VECTORS_BLOCK + 1, 1);
    return v->verified ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", v->name);
}

cyg_status vectors_wrap(vectors **out, const void *bytes, size_t size, const char *name, cyg_error *err)
{
    *out = NULL;
    vectors *v = calloc(1, sizeof *v);
    if (!v || !(v->name = strdup(name))) {
        free(v);
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", name);
    }
    v->bytes = bytes;
    const cyg_status status = validate(v, size, err);
    if (status) vectors_close(v);
    else *out = v;
    return status;
}

cyg_status vectors_open(vectors **out, int fd, const char *name, cyg_error *err)
{
    *out = NULL;
    struct stat st;
    if (fstat(fd, &st)) return cyg_fail(err, CYG_IO, "%s: %s", name, strerror(errno));
    if (st.st_size < HEADER) return damaged(name, "shorter than its header", err);
    const size_t size = (size_t)st.st_size;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) return cyg_fail(err, CYG_IO, "%s: cannot be mapped: %s", name, strerror(errno));
    const cyg_status status = vectors_wrap(out, bytes, size, name, err);
    if (status) munmap(bytes, size);
    else (*out)->mapped = size;
    return status;
}

void vectors_close(vectors *v)
{
    if (!v) return;
    if (v->mapped) munmap((void *)(uintptr_t)v->bytes, v->mapped);
    free(v->verified);
    free(v->name);
    free(v);
}

vectors_key vectors_made_from(const vectors *v)
{
    const header *h = (const header *)v->bytes;
    vectors_key key = { .generation = h->generation, .dimension = v->dimension };
    memcpy(key.gallery, h->gallery, sizeof key.gallery);
    return key;
}

int64_t vectors_count(const vectors *v)
{
    return v->count;
}

/* ---- Verifying -------------------------------------------------------------------------- */

cyg_status vectors_verify_codes(vectors *v, int64_t block, cyg_error *err)
{
    if (v->verified[block]) return CYG_OK;
    const int64_t end = (block + 1) * VECTORS_BLOCK < v->count ? (block + 1) * VECTORS_BLOCK : v->count;
    for (int64_t i = block * VECTORS_BLOCK; i < end; i++)
        if ((uint32_t)vectors_sum(v->codes + (size_t)i * v->stride, v->stride, (uint64_t)v->rows[i].id) !=
            v->rows[i].codes_sum)
            return damaged(v->name, "the checksum of a row's codes", err);
    v->verified[block] = 1;
    return CYG_OK;
}

cyg_status vectors_verify_halves(const vectors *v, int64_t row, const uint16_t **half, cyg_error *err)
{
    const size_t dimension = (size_t)v->dimension;
    *half = v->halves + (size_t)row * dimension;
    if (vectors_sum(*half, dimension * 2, (uint64_t)v->rows[row].id) == v->rows[row].halves_sum) return CYG_OK;
    return damaged(v->name, "the checksum of an embedding", err);
}

cyg_status vectors_find(vectors *v, int64_t id, const uint16_t **half, cyg_error *err)
{
    int64_t low = 0, high = v->count;
    *half = NULL;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (v->rows[middle].id < id) low = middle + 1;
        else high = middle;
    }
    return low < v->count && v->rows[low].id == id ? vectors_verify_halves(v, low, half, err) : CYG_OK;
}

cyg_status vectors_check(vectors *v, cyg_error *err)
{
    const int64_t blocks = (v->count + VECTORS_BLOCK - 1) / VECTORS_BLOCK;
    cyg_status status = CYG_OK;
    memset(v->verified, 0, (size_t)blocks);
    for (int64_t i = 0; i < blocks && !status; i++) status = vectors_verify_codes(v, i, err);
    const uint16_t *half;
    for (int64_t i = 0; i < v->count && !status; i++) status = vectors_verify_halves(v, i, &half, err);
    return status;
}
