/* flat.c - reads FlatBuffers, every place checked. */
#include "flat.h"
#include <string.h>

/* The little-endian number of 1, 2, 4 or 8 bytes at p, its sign extended. */
static int64_t number(const uint8_t *p, int bytes)
{
    uint64_t value = 0;
    memcpy(&value, p, (size_t)bytes);
    const int unused = 64 - 8 * bytes;
    return (int64_t)(value << unused) >> unused;
}

static bool has(flat *f, size_t at, size_t bytes)
{
    const bool inside = at <= f->size && bytes <= f->size - at;
    if (!inside) f->broken = true;
    return inside;
}

/* Where the offset at `at` leads; 0 and broken if outside. */
static size_t follow(flat *f, size_t at)
{
    if (!has(f, at, 4)) return 0;
    const size_t to = at + (uint32_t)number(f->bytes + at, 4);
    return has(f, to, 4) ? to : 0;
}

/* Where field i of t lies, and that it has so many bytes; 0 if it is absent. */
static size_t place(flat *f, flat_table t, int i, size_t bytes)
{
    if (t == 0 || !has(f, t, 4)) return 0;
    const int64_t list = (int64_t)t - number(f->bytes + t, 4);
    const size_t entry = 4 + 2 * (size_t)i;
    if (list < 0 || !has(f, (size_t)list, 4)) {
        f->broken = true;
        return 0;
    }
    const size_t list_bytes = (uint16_t)number(f->bytes + list, 2);
    if (entry + 2 > list_bytes) return 0;
    if (!has(f, (size_t)list + entry, 2)) return 0;
    const size_t offset = (uint16_t)number(f->bytes + list + entry, 2);
    return offset && has(f, t + offset, bytes) ? t + offset : 0;
}

flat_table flat_root(flat *f)
{
    return follow(f, 0);
}

flat_table flat_child(flat *f, flat_table t, int i)
{
    const size_t at = place(f, t, i, 4);
    return at ? follow(f, at) : 0;
}

flat_vector flat_list(flat *f, flat_table t, int i, size_t item_bytes)
{
    const size_t at = flat_child(f, t, i);
    if (!at) return (flat_vector){ 0 };
    const uint32_t count = (uint32_t)number(f->bytes + at, 4);
    if (count > f->size / item_bytes || !has(f, at + 4, count * item_bytes)) {
        f->broken = true;
        return (flat_vector){ 0 };
    }
    return (flat_vector){ f->bytes + at + 4, count };
}

flat_table flat_at(flat *f, flat_vector tables, uint32_t i)
{
    return follow(f, (size_t)(tables.items - f->bytes) + 4 * (size_t)i);
}

int64_t flat_int(flat *f, flat_table t, int i, int bytes, int64_t absent)
{
    const size_t at = place(f, t, i, (size_t)bytes);
    return at ? number(f->bytes + at, bytes) : absent;
}

float flat_float(flat *f, flat_table t, int i, float absent)
{
    const size_t at = place(f, t, i, 4);
    if (!at) return absent;
    float value;
    memcpy(&value, f->bytes + at, sizeof value);
    return value;
}

int32_t flat_i32(flat_vector v, uint32_t i)
{
    return (int32_t)number(v.items + 4 * (size_t)i, 4);
}

int64_t flat_i64(flat_vector v, uint32_t i)
{
    return number(v.items + 8 * (size_t)i, 8);
}

float flat_f32(flat_vector v, uint32_t i)
{
    float value;
    memcpy(&value, v.items + 4 * (size_t)i, sizeof value);
    return value;
}
