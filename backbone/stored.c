/* stored.c - the values of a stored tensor, of whatever type, as floats. */
#include "plan.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* IEEE 754 binary16 to binary32: exact. */
static float half_to_float(uint16_t half)
{
    const uint32_t sign = half >> 15, exponent = half >> 10 & 31, mantissa = half & 1023;
    if (exponent == 0) return (sign ? -0x1p-24f : 0x1p-24f) * (float)mantissa;  /* 0 or subnormal */

    const uint32_t wide = exponent == 31 ? 255 : exponent - 15 + 127;           /* 31: infinite, NaN */
    const uint32_t bits = sign << 31 | wide << 23 | mantissa << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

bool cyg_all_finite(const float *values, size_t count)
{
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        found |= (bits & 0x7f800000) == 0x7f800000;     /* infinite, NaN */
    }
    return !found;
}

/* All of them finite, on the way of most files: 32-bit floats as they lie. */
static bool copy_floats(float *out, const cyg_stored *t)
{
    memcpy(out, t->bytes, t->count * sizeof *out);
    return cyg_all_finite(out, t->count);
}

static float stored_float(const cyg_stored *t, size_t i)
{
    const uint8_t *const bytes = t->bytes;
    float f32;
    uint16_t f16;
    int32_t i32;
    switch (t->type) {
    case CYG_F32: return memcpy(&f32, bytes + i * 4, 4), f32;
    case CYG_F16: return memcpy(&f16, bytes + i * 2, 2), half_to_float(f16);
    case CYG_I32: return memcpy(&i32, bytes + i * 4, 4), (float)i32;
    case CYG_I8:  return (int8_t)bytes[i];
    case CYG_U8:  break;
    }
    return bytes[i];
}

enum { SHAPE_TEXT = 4 * 11 + 1 };       /* four sizes of ten digits, with an x before each */

static void print_shape(char *text, int rank, const int *shape)
{
    if (rank == 0) strcpy(text, "a single value");
    for (int i = 0; i < rank; i++) text += sprintf(text, i ? "x%d" : "%d", shape[i]);
}

cyg_status cyg_model_floats(float **out, const cyg_model *m, const char *name, int rank,
                            const int *shape, cyg_error *err)
{
    *out = NULL;
    const char *const path = cyg_model_path(m);
    char found[SHAPE_TEXT], expected[SHAPE_TEXT];
    print_shape(expected, rank, shape);
    cyg_stored t;
    if (!cyg_model_find(m, name, &t)) {
        return cyg_fail(err, CYG_NOT_FOUND, "%s: tensor '%s': found none, expected %s",
                        path, name, expected);
    }
    bool fits = t.rank == rank;
    for (int i = 0; fits && i < rank; i++) fits = t.shape[i] == shape[i];
    if (!fits) {
        print_shape(found, t.rank, t.shape);
        return cyg_fail(err, CYG_FORMAT, "%s: tensor '%s': found %s, expected %s",
                        path, name, found, expected);
    }
    float *const values = malloc(t.count * sizeof *values);
    if (!values) return cyg_fail(err, CYG_NO_MEMORY, "%s: tensor '%s': out of memory", path, name);
    *out = values;
    if (t.type == CYG_F32 && copy_floats(values, &t)) return CYG_OK;
    for (size_t i = 0; i < t.count; i++) {
        values[i] = stored_float(&t, i);
        if (!isfinite(values[i])) {
            free(values);
            *out = NULL;
            return cyg_fail(err, CYG_FORMAT, "%s: tensor '%s': found value %zu to be infinite or no "
                            "number, expected a finite one", path, name, i);
        }
    }
    return CYG_OK;
}
