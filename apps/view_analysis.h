/* view_analysis.h - the thread that looks at pictures: the newest one, as often as it can.
 *
 * It loads the networks itself, so that pictures can be shown meanwhile, and does everything that
 * takes long with what it finds: tracks, descriptions, names, enrolling.
 */
#ifndef VIEW_ANALYSIS_H
#define VIEW_ANALYSIS_H

#include "frame.h"
#include "pipeline.h"
#include "roster.h"

typedef struct analysis analysis;

typedef struct analysis_options {
    pipeline_options models;        /* the texts live as long as the analysis */
    double      threshold;          /* at first */
    const char *gallery;            /* folder; NULL = nobody has a name */
    double      false_match;        /* how often strangers may be taken for somebody in it, each: 0 .. 1 */
    int         threads;            /* of one pass */
    int         repeat;             /* passes of each picture: to see what a network so many times slower does */
    /* Called by the thread, in order: each finding and what it took, seconds; and each track that is over,
     * before the first finding of another input, and the last ones at the end. NULL = nobody keeps them. */
    void      (*found)(void *context, const frame *f, double seconds);
    void      (*left)(void *context, const appearance *a);
    /* Called by the thread when there is a new finding or another state. NULL = nobody wants to know. */
    void      (*wake)(void *context);
    /* A sentence for people, from the thread. */
    void      (*say)(void *context, bool bad, const char *sentence);
    void       *context;
} analysis_options;

typedef enum analysis_phase { ANALYSIS_LOADING, ANALYSIS_RUNNING, ANALYSIS_FAILED } analysis_phase;

/* A copy, whole in itself; the texts live as long as the analysis, and are NULL while it loads. */
typedef struct analysis_state {
    analysis_phase phase;
    cyg_error   why;                /* of FAILED */
    bool        gallery_failed;     /* it is the gallery that is wrong, not the models */
    int64_t     people;             /* in the gallery; -1 = there is none */
    const char *model, *sha256, *isa, *precision;
    int         width, height;      /* of the detector's input */
    int         threads;
    int64_t     analysed, objects;  /* frames, and what was found in them */
    double      seconds;            /* at work in all */
    const char *describer, *describer_sha256;       /* NULL: none */
    double      last;               /* what the last frame took, seconds */
} analysis_state;

/* CYG_NO_MEMORY only: what is wrong with the models is in the state. */
CYG_MUST_USE cyg_status analysis_open(analysis **out, const analysis_options *o, cyg_error *err);
/* The thread ends, after the pass that it is at; the rest can still be asked. */
void   analysis_stop(analysis *a);
void   analysis_close(analysis *a);

/* Takes f over, in place of one that was not looked at yet. */
void   analysis_put(analysis *a, frame *f);
/* The newest finding, once: a frame whose objects are the tracks in it; NULL = none since. */
frame *analysis_poll(analysis *a);
void   analysis_state_now(analysis *a, analysis_state *out);
void   analysis_set_threshold(analysis *a, float threshold);
/* The face of that track is that person's: into the gallery with the next frame. What becomes of it is
 * said (analysis_options.say). source: where it was seen. */
void   analysis_enrol(analysis *a, int track, const char *name, const char *source);

#endif
