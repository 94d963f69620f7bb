/* faces_index.h - what index and enroll share: files looked at by threads, and kept in a gallery. */
#ifndef FACES_INDEX_H
#define FACES_INDEX_H

#include "faces_look.h"
#include "faces_models.h"
#include "inputs.h"
#include "log.h"
#include "progress.h"
#include <pthread.h>

typedef struct index_settings {
    models_settings models;
    bool            poor, thumbnails, again, quiet, verbose;
    double          step, wait;
    int             threads, progress;
} index_settings;

/* The rows that both verbs have. */
#define INDEX_ROWS \
    { NULL, "verbose", 'v', OPTION_FLAG, offsetof(index_settings, verbose), "false", 0, 0, NULL, NULL, \
      "say what is done with each file" }, \
    { NULL, "quiet", 'q', OPTION_FLAG, offsetof(index_settings, quiet), "false", 0, 0, NULL, NULL, \
      "say nothing but errors" }, \
    MODELS_ROWS(index_settings, models), \
    { "index.poor", "poor", 0, OPTION_FLAG, offsetof(index_settings, poor), "false", 0, 0, NULL, NULL, \
      "keep faces too that are too small (below 40 pixels), blurred, cut off or dark" }, \
    { "index.thumbnails", "thumbnails", 0, OPTION_FLAG, offsetof(index_settings, thumbnails), "true", 0, 0, NULL, \
      NULL, "keep a small picture of each face" }, \
    { "index.step", "step", 0, OPTION_TIME, offsetof(index_settings, step), "0.5", 0, 1e6, NULL, "TIME", \
      "look at a video's frames so far apart" }, \
    { "run.threads", "threads", 'j', OPTION_INT, offsetof(index_settings, threads), "0", 0, 256, NULL, "N", \
      "files at once; 0 is one a core" }, \
    { "run.progress", "progress", 0, OPTION_CHOICE, offsetof(index_settings, progress), "auto", 0, 0, \
      "auto|text|jsonl|none", "FORM", "how progress is told on standard error; auto is a bar on a terminal" }, \
    { "run.wait", "wait", 0, OPTION_TIME, offsetof(index_settings, wait), "0", 0, 1e6, NULL, "TIME", \
      "wait so long for another writer to end" }

#define INDEX_EXITS \
    "0   done\n" \
    "2   wrong usage or settings\n" \
    "3   some inputs failed\n" \
    "4   all inputs failed\n" \
    "5   a model is missing or damaged\n" \
    "6   the gallery cannot be written, or the disk is full\n" \
    "7   the gallery is damaged, or of another model or version\n" \
    "75  another process is writing to the gallery\n" \
    "130 / 143  interrupted; what was done is kept"

/* Brings the files that the words name into the gallery; with a name (index alone: NULL), the largest face
 * of each is the person of that name. Returns the exit code. */
int index_files(const index_settings *s, const char *path, const char *name, const char *const *words, int count);

/* ---- One file, on one of several threads ---------------------------------------------- */

typedef struct indexing {
    const index_settings *s;
    const char           *path;         /* of the gallery */
    const inputs         *in;
    models               *models;
    look_options          look;
    logger               *log;
    stop                 *signals;

    pthread_mutex_t lock;               /* of all that follows */
    gallery        *g;
    int64_t         person;             /* whom the largest faces are of; 0 = nobody said */
    bool            is_new;             /* that person was not known before */
    progress        shown;
    size_t          next, done;
    size_t          looked, unchanged, moved, failed;
    int64_t         faces;
    quality_tally   poor;
    cyg_error       lost;               /* the gallery's own failure: ends the run */
} indexing;

/* Notices what has not changed or only moved, looks at the rest, keeps what is seen. Counts and says it all. */
void index_one(indexing *r, pipeline *p, const input *in);
/* Ends the run, at the first of these. */
void index_lose(indexing *r, const cyg_error *err);

#endif
