/* flat.h - reads FlatBuffers without generated code: fields by number, as a schema lists them.
 *
 *   root        u32 at byte 0: where the root table is; all numbers little endian
 *   table       i32: how far before it its list of fields lies: u16 bytes of the list, u16 bytes of the table, and
 *               for every field u16: its place in the table, 0 if it is absent
 *   field       a number as it is; or u32: how far behind it a table, vector or text lies
 *   vector      u32 count, then its items; text is a vector of bytes
 * (FlatBuffers, "FlatBuffer Internals")
 *
 * Every place is checked before it is read. What lies outside of the bytes reads as absent and sets
 * `broken`, which stays: read what you need, then look once.
 */
#ifndef FLAT_H
#define FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct flat {
    const uint8_t *bytes;
    size_t         size;
    bool           broken;
} flat;

typedef size_t flat_table;          /* its place; 0: absent */

/* Items that lie within the bytes. */
typedef struct flat_vector {
    const uint8_t *items;           /* NULL: absent */
    uint32_t       count;
} flat_vector;

flat_table  flat_root(flat *f);
/* Field i of table t; of an absent table everything is absent. */
flat_table  flat_child(flat *f, flat_table t, int i);
flat_vector flat_list(flat *f, flat_table t, int i, size_t item_bytes);
flat_table  flat_at(flat *f, flat_vector tables, uint32_t i);           /* item of a vector of tables */
int64_t     flat_int(flat *f, flat_table t, int i, int bytes, int64_t absent);     /* signed; bytes 1, 2, 4 */
float       flat_float(flat *f, flat_table t, int i, float absent);

/* Items of vectors, 0 <= i < count. */
int32_t flat_i32(flat_vector v, uint32_t i);
int64_t flat_i64(flat_vector v, uint32_t i);
float   flat_f32(flat_vector v, uint32_t i);

#endif
