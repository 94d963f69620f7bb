/* live.h - a source that never dies: a thread that opens, reads, loses and finds again.
 *
 *     words -> live_open -> [capture thread] -> newest frame -> live_take
 *                                  |
 *                                  +-> state -> live_state_now
 *
 * Opening returns at once; what then happens, a missing file included, is in the state. Only
 * the newest frame waits to be taken: whoever is slow sees fewer, never older ones. A camera
 * or stream that is lost is looked for again, for ever, but for a camera that never was there; a
 * file plays at its own rate, once. One that comes over HTTP and is cut off goes on where it was,
 * or else is lost for good.
 */
#ifndef LIVE_H
#define LIVE_H

#include "frame.h"

typedef struct live live;

typedef enum live_phase {
    LIVE_CONNECTING,            /* opening; no picture of it yet */
    LIVE_PLAYING,
    LIVE_LOST,                  /* a camera or stream: it failed, and will be or is being tried again */
    LIVE_ENDED,                 /* all inputs have played, or cannot; no more frames will come */
} live_phase;

typedef struct live_options {
    int         width, height;  /* asked of a camera; 0 = its own choice */
    double      rate;           /* frames a second, likewise */
    const char *pixel_format;   /* "mjpeg", "yuyv422" ..., likewise; NULL */
    const char *transport;      /* of RTSP: "tcp" or "udp"; NULL = tcp */
    int         threads;        /* of the decoder; 0 = FFmpeg's choice */
    double      stall;          /* seconds without a picture, then a stream or camera is lost; 0 = 10 */
    double      retry_first, retry_most;    /* seconds before it is tried again, doubling; 0 = 1 and 30 */
    double      picture_seconds;            /* how long each of several pictures is shown; 0 = 3 */
    /* Called by the capture thread after each new frame and state. It must return soon and call
     * nothing of live. NULL = nobody wants to know. */
    void      (*wake)(void *context);
    void       *context;
} live_options;

/* What is to be said of the source now: a copy, whole in itself. */
typedef struct live_state {
    live_phase phase;
    cyg_status why;             /* of LOST and ENDED; CYG_END = all played to their end */
    char       name[300];       /* of the input, for people; no password in it */
    char       sentence[400];   /* what it gives, or what went wrong: "rtsp://cam/1: no picture for 10 s" */
    double     retry_in;        /* LOST: seconds until the next try; 0 = it is under way */
    bool       camera;
    bool       holds;           /* a file or pattern: it waits while paused; a stream goes on */
    int        input, inputs;   /* the how many-eth of how many, from 0 */

    /* What it really gives; 0 and "" while nothing has been seen. */
    int        width, height;   /* of the newest frame */
    double     rate;            /* as the source says; 0 = it does not say */
    char       codec[32], pixel_format[32], container[32];

    int64_t    captured;        /* frames decoded */
    int64_t    dropped;         /* of these, never taken: a newer one came, or it was paused */
    int64_t    losses;          /* how often a camera or stream was lost after a picture of it */
    int64_t    failures;        /* how often it could not be opened */
    int64_t    damaged;         /* packets or frames that could not be decoded */
} live_state;

/* words: source names as in inputs.h, count of them, played one after the other. CYG_NO_MEMORY
 * only. */
CYG_MUST_USE cyg_status live_open(live **out, const char *const *words, int count, const live_options *options,
                                  cyg_error *err);
/* Ends within a second whatever the source does. No wake is under way when it returns. */
void  live_close(live *l);

/* The newest frame, once; it is the caller's. Waits up to so many seconds for one (0 = not at
 * all); NULL = none came. number counts the captured frames, captured tells when each was seen by
 * the camera as closely as is known, and time the seconds into the file or since the first picture. */
frame *live_take(live *l, double seconds);
void   live_state_now(live *l, live_state *out);
/* The same of input i: as it ended, or now. False: it has not begun. */
bool   live_state_of(live *l, int i, live_state *out);

/* Paused, no frame comes but those asked for by live_step: of a file or pattern the next one, of
 * a stream or camera the newest. */
void   live_pause(live *l, bool paused);
void   live_step(live *l);

#endif
