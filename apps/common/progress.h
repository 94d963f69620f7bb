/* progress.h - how far a run is: a bar with ETA on a terminal, else lines of text or JSON.
 *
 * JSON lines: {"type":"progress","input":1,"inputs":3,"name":"a.mp4","frames":120,
 * "of":900,"objects":31,"fps":41.2,"eta":18.9} - of and eta are null where not known -
 * at the first frame and then ten times a second at most; text: every ten seconds.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include "log.h"
#include <stddef.h>
#include <stdint.h>

typedef enum progress_mode { PROGRESS_AUTO, PROGRESS_TEXT, PROGRESS_JSONL, PROGRESS_NONE } progress_mode;

typedef struct progress {
    logger       *log;
    progress_mode mode;         /* AUTO = a bar */
    size_t        input, inputs;
    const char   *name;
    const char   *unit, *thing; /* what is counted: "frames" with "objects" in them */
    int64_t       of;           /* frames expected; 0 = not known */
    double        began, shown; /* seconds, monotonic */
} progress;

/* AUTO becomes TEXT where there is no terminal. */
void progress_init(progress *p, logger *log, progress_mode mode, size_t inputs);
/* The next input; name lives until progress_end. */
void progress_begin(progress *p, size_t input, const char *name, int64_t of);
void progress_frame(progress *p, int64_t frames, int64_t objects);
void progress_end(progress *p);

/* "0:09", "1:02:03". */
void progress_clock(char out[16], double seconds);

#endif
