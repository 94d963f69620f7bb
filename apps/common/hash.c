/* hash.c - SHA-256 by libavutil's digests. */
#include "hash.h"
#include <errno.h>
#include <fcntl.h>
#include <libavutil/mem.h>
#include <libavutil/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct AVSHA *begin(cyg_error *err)
{
    struct AVSHA *const sha = av_sha_alloc();
    if (sha) av_sha_init(sha, 256);
    else cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    return sha;
}

static void finish(char text[HASH_TEXT], struct AVSHA *sha)
{
    uint8_t digest[32];
    av_sha_final(sha, digest);
    av_free(sha);
    for (int i = 0; i < 32; i++) sprintf(text + 2 * i, "%02x", digest[i]);
}

cyg_status hash_bytes(char text[HASH_TEXT], const void *bytes, size_t size, cyg_error *err)
{
    text[0] = '\0';
    struct AVSHA *const sha = begin(err);
    if (!sha) return CYG_NO_MEMORY;
    av_sha_update(sha, bytes, size);
    finish(text, sha);
    return CYG_OK;
}

static cyg_status hash_descriptor(char text[HASH_TEXT], int fd, const char *path, cyg_error *err)
{
    struct stat about;
    if (fstat(fd, &about)) return cyg_fail(err, CYG_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode)) return cyg_fail(err, CYG_IO, "%s: found no regular file", path);

    struct AVSHA *const sha = begin(err);
    if (!sha) return CYG_NO_MEMORY;
    uint8_t piece[1 << 16];
    ssize_t got;
    while ((got = read(fd, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0) av_sha_update(sha, piece, (size_t)got);
    }
    const int why = errno;
    finish(text, sha);
    if (got == 0) return CYG_OK;
    text[0] = '\0';
    return cyg_fail(err, CYG_IO, "%s: %s", path, strerror(why));
}

cyg_status hash_file(char text[HASH_TEXT], const char *path, cyg_error *err)
{
    text[0] = '\0';
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);       /* a pipe must not hang */
    if (fd < 0) return cyg_fail(err, CYG_IO, "%s: %s", path, strerror(errno));
    const cyg_status status = hash_descriptor(text, fd, path, err);
    close(fd);
    return status;
}
