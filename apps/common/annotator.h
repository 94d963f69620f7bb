/* annotator.h - one input in, its annotated copy and its records out. */
#ifndef ANNOTATOR_H
#define ANNOTATOR_H

#include "inputs.h"
#include "log.h"
#include "naming.h"
#include "outputs.h"
#include "overlay.h"
#include "pipeline.h"
#include "progress.h"
#include "stop.h"
#include "track.h"

typedef enum records_form { RECORDS_JSONL, RECORDS_CSV, RECORDS_BOTH, RECORDS_NONE, RECORDS_STDOUT } records_form;

/* What a user may choose for every input of a run. */
typedef struct annotator_options {
    bool         media, audio, overwrite;
    records_form records;
    const char  *codec, *preset;
    double       crf, start, end;
    float        threshold;             /* from which an object counts; the models' is lower where they are followed */
    bool         track;
    tracker_options tracker;            /* without its threshold */
    double       hold;                  /* seconds, of the follower */
    size_t       wait_bytes;            /* likewise */
    int          every, decode_threads, encode_threads, jpeg_quality;
    const char  *settings;              /* JSON text, for the records */
} annotator_options;

/* All that the inputs of a run share. The pipelines are used one input after the other. */
typedef struct annotator {
    annotator_options      options;
    const pipeline_models *models;
    pipeline             **workers;     /* [worker_count] */
    int                    worker_count;
    pipeline              *describer;   /* one more; NULL = nothing is described */
    naming                *naming;      /* of the describer's faces; NULL = nobody is named */
    overlay               *overlay;
    const inputs          *inputs;
    logger                *log;
    progress              *progress;
    stop                  *stop;
} annotator;

typedef enum annotator_result {
    ANNOTATED,
    INTERRUPTED,                        /* the outputs are whole, up to there */
    BAD_INPUT,
    SOURCE_LOST,                        /* a stream that had begun */
    OUTPUT_BUSY,                        /* another process writes it */
    OUTPUT_UNFIT,                       /* what was asked cannot be encoded */
    OUTPUT_FAILED,                      /* the place to write to fails: so will the next input */
} annotator_result;

/* Everything to say has been said to the log when it returns. */
annotator_result annotator_run(annotator *a, const input *in, const output *out);

#endif
