/* file.c - whole files: read into memory, or written as a whole or not at all. */
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Reading --------------------------------------------------------------------- */

/* Reads until `size` bytes are there or the file ends; how many, or -1. */
static ssize_t read_up_to(int fd, char *bytes, size_t size)
{
    size_t length = 0;
    while (length < size) {
        const ssize_t got = read(fd, bytes + length, size - length);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

static cyg_status read_descriptor(char **out, size_t *size, int fd, const char *path, size_t limit,
                                  cyg_error *err)
{
    struct stat about;
    if (fstat(fd, &about)) return cyg_fail(err, CYG_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode)) return cyg_fail(err, CYG_IO, "%s: found no regular file", path);
    if ((uintmax_t)about.st_size > limit) {
        return cyg_fail(err, CYG_FORMAT, "%s: found %jd bytes, expected at most %zu", path,
                        (intmax_t)about.st_size, limit);
    }
    char *const bytes = malloc((size_t)about.st_size + 1);
    if (!bytes) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    const ssize_t length = read_up_to(fd, bytes, (size_t)about.st_size);
    if (length < 0) {
        const int why = errno;
        free(bytes);
        return cyg_fail(err, CYG_IO, "%s: %s", path, strerror(why));
    }
    bytes[length] = '\0';
    *out = bytes;
    *size = (size_t)length;
    return CYG_OK;
}

cyg_status file_read(char **out, size_t *size, const char *path, size_t limit, cyg_error *err)
{
    *out = NULL;
    *size = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);       /* a pipe must not hang */
    if (fd < 0) return cyg_fail(err, CYG_IO, "%s: %s", path, strerror(errno));
    const cyg_status status = read_descriptor(out, size, fd, path, limit, err);
    close(fd);
    return status;
}

/* ---- Writing --------------------------------------------------------------------- */

/* "DIR/.NAME.PID.part" of "DIR/NAME". */
static char *hidden_sibling(const char *path)
{
    const char *const slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash - path) + 1 : 0;
    char *sibling;
    const int length = asprintf(&sibling, "%.*s.%s.%ld.part", folder, path, path + folder, (long)getpid());
    return length < 0 ? NULL : sibling;
}

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        bytes += put;
        size -= (size_t)put;
    }
    return true;
}

/* Whole, on the disk, and closed; else errno says why. */
static bool write_new(const char *path, const void *bytes, size_t size)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return false;
    const bool written = write_all(fd, bytes, size) && fsync(fd) == 0;
    const int why = errno;
    const bool closed = close(fd) == 0;
    if (!written) errno = why;
    return written && closed;
}

cyg_status file_write(const char *path, const void *bytes, size_t size, bool overwrite, cyg_error *err)
{
    struct stat about;
    if (!overwrite && lstat(path, &about) == 0) {
        return cyg_fail(err, CYG_ARGUMENT, "%s: exists already (--overwrite replaces it)", path);
    }
    char *const part = hidden_sibling(path);
    if (!part) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    cyg_status status = CYG_OK;
    if (!write_new(part, bytes, size) || rename(part, path)) {
        status = cyg_fail(err, CYG_IO, "%s: cannot be written: %s", path, strerror(errno));
        unlink(part);
    }
    free(part);
    return status;
}

/* The file at path is the one behind fd still: nobody has renamed it meanwhile. */
static bool is_same(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

cyg_status file_open_part(int *out, const char *part, const char *path, cyg_error *err)
{
    for (;;) {
        const int fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0) return cyg_fail(err, CYG_IO, "cannot write %s: %s", path, strerror(errno));
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            close(fd);
            return cyg_fail(err, CYG_END, "%s: another process is writing it", path);
        }
        if (!is_same(fd, part)) {
            close(fd);
            continue;
        }
        *out = fd;
        if (ftruncate(fd, 0) == 0) return CYG_OK;
        const int why = errno;
        unlink(part);
        close(fd);
        return cyg_fail(err, CYG_IO, "cannot write %s: %s", path, strerror(why));
    }
}
