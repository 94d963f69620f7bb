/* fuzz_vectors.c - any bytes as a vector file: as they are, and with their checksums made right, so
 * that what lies behind them is reached too. */
#include "gallery_vectors.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(vectors *v)
{
    float probe[256] = { .5f, -.25f };
    gallery_match got[8];
    int count = 8;
    const uint64_t bits[2] = { 0x123456789abcdef0, ~(uint64_t)0 };
    const vectors_filter filter = { bits, 128 };
    const uint16_t *half;
    if (vectors_made_from(v).dimension <= 256) {
        if (!vectors_search(v, probe, -1, NULL, got, &count, NULL))
            for (int i = 0; i < count; i++)
                if (!(got[i].cosine >= -1)) abort();
        count = 3;
        if (!vectors_search(v, probe, .5f, &filter, got, &count, NULL) && count > 3) abort();
    }
    if (!vectors_find(v, 7, &half, NULL) && half && *half == 1) count = 0;
    if (!vectors_check(v, NULL) && vectors_count(v) < 0) abort();
}

static void put64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

static void make_right(uint8_t *bytes, size_t size)
{
    uint32_t dimension, low;
    uint64_t count, id;
    memcpy(&dimension, bytes + 12, 4);
    memcpy(&count, bytes + 16, 8);
    const uint64_t stride = ((uint64_t)dimension + 255) / 256 * 192;
    if (dimension > 65536 || count > size / 32) count = 0;
    const uint64_t codes = 4096 + (32 * count + 4095) / 4096 * 4096;
    const uint64_t halves = codes + (stride * count + 4095) / 4096 * 4096;
    for (uint64_t i = 0; i < count && halves + (i + 1) * dimension * 2 <= size; i++) {
        uint8_t *row = bytes + 4096 + i * 32;
        memcpy(&id, row, 8);
        low = (uint32_t)vectors_sum(bytes + codes + i * stride, stride, id);
        memcpy(row + 20, &low, 4);
        put64(row + 24, vectors_sum(bytes + halves + i * dimension * 2, (size_t)dimension * 2, id));
    }
    memcpy(bytes, "CYGVECT\n\2\0\0", 12);
    put64(bytes + 48, vectors_sum(bytes + 4096, 4096 + 32 * count <= size ? 32 * count : 0, 1));
    put64(bytes + 4088, vectors_sum(bytes, 4088, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = aligned_alloc(64, size / 64 * 64 + 64);
    memcpy(bytes, data, size);
    for (int right = 0; right < 2; right++) {
        vectors *v;
        if (right && size >= 4096) make_right(bytes, size);
        if (!vectors_wrap(&v, bytes, size, "fuzz", NULL)) use(v);
        vectors_close(v);
    }
    free(bytes);
    return 0;
}
