/* job.h - the outputs of one input while they are being made. Annotator's inner part. */
#ifndef JOB_H
#define JOB_H

#include "annotator.h"
#include "hash.h"
#include "records.h"

typedef struct job {
    annotator        *a;
    const input      *in;
    const output     *out;
    const char       *name;             /* of the input, for people */
    const video_info *video;            /* NULL until it is known */
    char             *media, *jsonl, *csv;  /* paths; NULL = none */
    records           records;
    roster           *roster;           /* NULL: objects are not followed */

    double      began;                  /* clock_now */
    int64_t     frames, objects, damaged;
    double      time;                   /* of the last frame, seconds into the source; NAN = none yet */
    int         tracks;                 /* numbers given */
    double      decode, detect, track, describe, draw, encode;  /* seconds at work */
    const char *label;                  /* of the objects, "face"; NULL = of several kinds */
    bool        interrupted;
} job;

/* Names the outputs, media with that ending, and asks whether they may be written; opens
 * the records and writes their header. What went wrong has been said. */
annotator_result job_open(job *j, const char *ending);
/* Writes what is known of f to the records, then draws it into f. */
CYG_MUST_USE cyg_status job_take(job *j, frame *f, cyg_error *err);
/* The input, or the rest of it, is lost: says so and records it. */
annotator_result job_lose(job *j, const char *stage, const cyg_error *what);
/* An output is: says so. */
annotator_result job_fail(job *j, const cyg_error *what);
/* Ends the records; they keep their hidden name until job_finish, after which nothing can fail. */
CYG_MUST_USE cyg_status job_end(job *j, cyg_error *err);
CYG_MUST_USE cyg_status job_finish(job *j, cyg_error *err);
/* Without job_finish before, what was written is removed. */
void job_close(job *j);

#endif
