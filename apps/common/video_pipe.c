/* video_pipe.c - the bytes of a pipe, awaited so that an interrupt ends the waiting. */
#include "video_internal.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUFFER = 32768, GLANCE = 100 };          /* bytes; milliseconds between two looks at the interrupt */

typedef struct pipe_end {
    video_source *source;
    int           fd;
} pipe_end;

static int read_bytes(void *opaque, uint8_t *out, int size)
{
    const pipe_end *p = opaque;
    for (;;) {
        struct pollfd waiting = { .fd = p->fd, .events = POLLIN };
        if (video_source_is_cancelled(p->source)) return AVERROR_EXIT;
        const int ready = poll(&waiting, 1, GLANCE);
        if (ready < 0 && errno != EINTR) return AVERROR(errno);
        if (ready <= 0) continue;
        const ssize_t n = read(p->fd, out, (size_t)size);
        if (n > 0) return (int)n;
        if (n == 0) return AVERROR_EOF;
        if (errno != EINTR && errno != EAGAIN) return AVERROR(errno);
    }
}

AVIOContext *video_pipe_open(video_source *source, int fd)
{
    pipe_end *p = malloc(sizeof *p);
    uint8_t *buffer = av_malloc(BUFFER);
    AVIOContext *io = p && buffer ? avio_alloc_context(buffer, BUFFER, 0, p, read_bytes, NULL, NULL) : NULL;
    if (!io) {
        av_free(buffer);
        free(p);
        return NULL;
    }
    *p = (pipe_end){ source, fd };
    return io;
}
