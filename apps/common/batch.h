/* batch.h - one video through many workers: reader -> detectors -> the frames in order again.
 *
 *     source --read--> channel --detect (N threads)--> channel --write--> caller
 *
 * A frame takes a seat before it is read and gives it back when the caller has it, so there
 * are never more than N + 3 of them here, however slow a stage is; the slowest stage alone
 * sets the pace.
 */
#ifndef BATCH_H
#define BATCH_H

#include "pipeline.h"
#include "video.h"

typedef struct batch {
    video_source    *source;
    pipeline *const *workers;       /* [worker_count] */
    int              worker_count;
    int              every;         /* analyse one frame of so many; the others have no objects */

    /* Takes over every frame, in order, in the caller's thread. What is not CYG_OK ends the run. */
    cyg_status     (*write)(void *context, frame *f, cyg_error *err);
    void            *context;

    /* What batch_run leaves. */
    cyg_error read;                 /* how reading ended: CYG_END, or what went wrong */
    int64_t   decoded, analysed;    /* frames */
    double    decode_seconds, detect_seconds;   /* time at work, all threads together */
} batch;

/* Runs until the source ends, fails or is interrupted: b->read says which. Returns what
 * write said, or CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status batch_run(batch *b, cyg_error *err);

#endif
