/* file.h - whole files: read into memory, or written as a whole or not at all. */
#ifndef FILE_H
#define FILE_H

#include "backbone.h"

/* The bytes of a regular file in *out (malloc'ed; the caller frees), a NUL behind them.
 * CYG_IO, CYG_FORMAT (more than limit bytes), CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status file_read(char **out, size_t *size, const char *path, size_t limit, cyg_error *err);

/* Writes a hidden sibling and renames it to path once it is whole and on the disk.
 * CYG_ARGUMENT: path exists, and overwrite is false. CYG_IO: nothing is left behind. */
CYG_MUST_USE cyg_status file_write(const char *path, const void *bytes, size_t size, bool overwrite,
                                   cyg_error *err);

/* The hidden file `part` of an output `path`: made if need be, locked for as long as *fd is open, and only then
 * emptied. CYG_END: another process writes it. CYG_IO. */
CYG_MUST_USE cyg_status file_open_part(int *fd, const char *part, const char *path, cyg_error *err);

#endif
