/* frame.c - the life of a frame; who owns its pixels decides how they go. */
#include "frame.h"
#include "video_internal.h"
#include <stdatomic.h>
#include <stdlib.h>

/* Only to show that none is lost: nothing depends on it. */
static atomic_int frames;

frame *frame_create(void)
{
    frame *f = calloc(1, sizeof *f);
    if (f) atomic_fetch_add(&frames, 1);
    return f;
}

void frame_free(frame *f)
{
    if (!f) return;
    video_frame_release(f);
    free(f->memory);
    free(f);
    atomic_fetch_sub(&frames, 1);
}

int frame_count(void)
{
    return atomic_load(&frames);
}
