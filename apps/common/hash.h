/* hash.h - SHA-256 of bytes and files, as text. */
#ifndef HASH_H
#define HASH_H

#include "backbone.h"

enum { HASH_TEXT = 64 + 1 };        /* lower-case hex digits and the NUL */

/* CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status hash_bytes(char text[HASH_TEXT], const void *bytes, size_t size, cyg_error *err);
/* Of a regular file, read piece by piece. CYG_IO, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status hash_file(char text[HASH_TEXT], const char *path, cyg_error *err);

#endif
