/* flex.h - numbers by name from a FlexBuffer that is a map, as custom operators carry their options.
 *
 *   the last byte     how wide the root is; before it its type; before that the root: how far before it the map lies
 *   map               values of `width` bytes each, behind them a byte of type for each; before them, as wide:
 *                     how many there are; how wide the keys are; how far before this number the list of keys lies
 *   list of keys      how far before each number its text lies, which ends with 0; sorted
 *   type              kind * 4 + log2 of the width; kinds 1 int, 2 unsigned, 3 float, 9 map, 26 bool; 6, 7, 8 the
 *                     first three, with how far before it the number lies
 * (FlatBuffers, "FlexBuffers")
 */
#ifndef FLEX_H
#define FLEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False: the bytes are no such map, or it has no number of that name. */
bool flex_number(double *out, const uint8_t *bytes, size_t size, const char *key);

#endif
