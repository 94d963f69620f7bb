/* report.h - the records of one input: JSON Lines, or CSV from the same calls.
 *
 * JSON Lines: first line {"type":"header",...}, then "frame" lines, "track" and "error" lines, last
 * {"type":"summary",...}. Each line is valid alone and flushed whole, so a killed run
 * leaves a usable file. Keys: report.c's opening comment is their specification.
 *
 *     report_open, report_begin, report_frame ..., report_end, report_finish, report_close
 *
 * After report_end another input's records may follow in the same file, from report_begin on.
 *
 * A record is in the file (in the kernel's hands) when its call returns. What fails gives
 * CYG_IO with the sentence; the report can then only be closed.
 */
#ifndef REPORT_H
#define REPORT_H

#include "frame.h"
#include "roster.h"
#include "video.h"

typedef struct report report;

typedef enum report_format { REPORT_JSONL, REPORT_CSV } report_format;

typedef struct report_header {
    const char *tool;                       /* "cygnet-annotate" */
    const char *source, *source_sha256;     /* sha256 NULL: not known (a stream) */
    int64_t     source_bytes;               /* -1: not known */
    const video_info *video;                /* width, height, rotation, time_base ...; NULL: it cannot be read */
    const char *model, *model_sha256, *isa, *precision;
    const char *describer, *describer_sha256;   /* NULL = none */
    const char *settings;                   /* JSON text; NULL = none */
} report_header;

typedef struct report_summary {
    int64_t frames, objects, damaged;
    int     tracks;
    double  seconds;                        /* wall time */
    double  ms_decode, ms_detect, ms_track, ms_describe, ms_draw, ms_encode;    /* mean a frame */
    bool    interrupted;
    const char *output;                     /* path; NULL = none */
} report_summary;

/* Writes to PATH's hidden .part sibling; "-" is stdout. CYG_IO; CYG_END when another
 * process is writing the same records. */
CYG_MUST_USE cyg_status report_open(report **out, const char *path, report_format format, cyg_error *err);
CYG_MUST_USE cyg_status report_begin(report *r, const report_header *h, cyg_error *err);
CYG_MUST_USE cyg_status report_frame(report *r, const frame *f, cyg_error *err);
/* Of a track that has ended. */
CYG_MUST_USE cyg_status report_track(report *r, const appearance *a, cyg_error *err);
/* stage: "open", "decode"; t: seconds into the source, NAN = not in it yet. */
CYG_MUST_USE cyg_status report_error(report *r, const char *stage, const cyg_error *what, double t, cyg_error *err);
CYG_MUST_USE cyg_status report_end(report *r, const report_summary *s, cyg_error *err);
/* Renames .part to PATH. */
CYG_MUST_USE cyg_status report_finish(report *r, cyg_error *err);
void report_close(report *r);               /* without finish before: removes the .part file */

/* True if path is a records file that tells of no frame: nobody's work is in it. */
bool report_is_failure(const char *path);

#endif
