/* frame.c - the life of a frame; who owns its pixels decides how they go. */
#include "frame.h"
#include <stdlib.h>
#include "video_internal.h"

frame *frame_create(void)
{
    return calloc(1, sizeof(frame));
}

void frame_free(frame *f)
{
    if (!f) return;
    video_frame_release(f);
    free(f->memory);
    free(f);
}
