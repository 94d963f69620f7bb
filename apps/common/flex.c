/* flex.c - numbers by name from a FlexBuffer, every place checked. */
#include "flex.h"
#include <string.h>

enum { INT = 1, UNSIGNED = 2, FLOAT = 3, INDIRECT_INT = 6, INDIRECT_FLOAT = 8, MAP = 9, BOOL = 26 };

typedef struct buffer { const uint8_t *bytes; size_t size; } buffer;

static bool is_width(uint64_t bytes)
{
    return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

/* The unsigned number of 1, 2, 4 or 8 bytes at `at`; false if it lies outside. */
static bool read(uint64_t *out, buffer b, size_t at, size_t width)
{
    *out = 0;
    if (at > b.size || width > b.size - at) return false;
    memcpy(out, b.bytes + at, width);
    return true;
}

/* Where the offset at `at` leads back to. */
static bool back(size_t *to, buffer b, size_t at, size_t width)
{
    uint64_t offset;
    if (!read(&offset, b, at, width) || offset > at) return false;
    *to = at - (size_t)offset;
    return true;
}

static bool read_value(double *out, buffer b, size_t at, size_t width, int kind)
{
    uint64_t bits;
    float f32;
    if (!read(&bits, b, at, width)) return false;
    const int unused = 64 - 8 * (int)width;
    switch (kind) {
    case INT: *out = (double)((int64_t)(bits << unused) >> unused); return true;
    case UNSIGNED:
    case BOOL: *out = (double)bits; return true;
    case FLOAT:
        if (width == 8) memcpy(out, &bits, 8);
        if (width == 4) *out = (memcpy(&f32, &bits, 4), f32);
        return width >= 4;
    default: return false;
    }
}

/* The map at the root: where its values begin, how wide they are, how many. */
static bool find_map(size_t *at, size_t *width, uint64_t *count, buffer b)
{
    if (b.size < 3) return false;
    const size_t root_width = b.bytes[b.size - 1], type = b.bytes[b.size - 2];
    if (type >> 2 != MAP || !is_width(root_width)) return false;
    *width = (size_t)1 << (type & 3);
    return b.size - 2 >= root_width && back(at, b, b.size - 2 - root_width, root_width) && *at >= 3 * *width &&
           read(count, b, *at - *width, *width) && *count <= b.size;
}

static bool is_key(buffer b, size_t at, const char *key)
{
    const size_t length = strlen(key) + 1;
    return at <= b.size && length <= b.size - at && memcmp(b.bytes + at, key, length) == 0;
}

bool flex_number(double *out, const uint8_t *bytes, size_t size, const char *key)
{
    const buffer b = { bytes, size };
    size_t map, width, keys;
    uint64_t count, key_width;
    if (!find_map(&map, &width, &count, b) || !back(&keys, b, map - 3 * width, width) ||
        !read(&key_width, b, map - 2 * width, width) || !is_width(key_width))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        size_t text, at = map + (size_t)i * width;
        uint64_t type;
        if (!back(&text, b, keys + (size_t)i * (size_t)key_width, (size_t)key_width) ||
            !read(&type, b, map + (size_t)count * width + (size_t)i, 1)) return false;
        if (!is_key(b, text, key)) continue;
        const int kind = (int)(type >> 2);
        if (kind < INDIRECT_INT || kind > INDIRECT_FLOAT) return read_value(out, b, at, width, kind);
        return back(&at, b, at, width) && read_value(out, b, at, (size_t)1 << (type & 3), kind - INDIRECT_INT + INT);
    }
    return false;
}
