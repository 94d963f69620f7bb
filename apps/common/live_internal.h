/* live_internal.h - what live.c and live_play.c share. */
#ifndef LIVE_INTERNAL_H
#define LIVE_INTERNAL_H

#include "channel.h"
#include "inputs.h"
#include "live.h"
#include <pthread.h>

struct live {
    live_options    options;
    char            pixel_format[32], transport[8];     /* the options' texts */
    inputs          inputs;
    channel        *frames;             /* of one frame, the newest */
    pthread_t       thread;

    pthread_mutex_t lock;               /* of all below */
    pthread_cond_t  changed;
    live_state      state;
    live_state    **ended;              /* [inputs.count]: of each input at its end; NULL = not there yet */
    double          retry_at;
    bool            stopping, paused, done, abandoned;
    int             steps;              /* frames that may come while paused */

    /* The thread's own. */
    const input    *input;
    bool            endless, paced;     /* the source ends only by being lost; its stamps say when to show it */
    bool            stalled;            /* the watchdog has ended the reading */
    double          deadline;           /* of the next picture, or of opening */
    double          begun;              /* pacing: when second 0 was; NAN = not yet */
    double          first;              /* when the input's first picture was captured; NAN = not yet */
    double          offset, time;       /* of a stream: from its clock to seconds since `first`; its last picture's */
    int64_t         pictures;           /* since the source was opened */
};

/* ---- live.c ------------------------------------------------------------------------------ */

/* The state has changed; l->lock is held. */
void live_announce(live *l);
void live_say(live *l, live_phase phase, cyg_status why, double retry_in, const char *sentence);
/* Until that moment, or a pause, which has rules of its own, unless while_paused; false: all is to end. */
bool live_wait(live *l, double moment, bool while_paused);
bool live_is_stopping(live *l);

/* ---- live_play.c --------------------------------------------------------------------------- */

/* Of what comes over a cable one waits only so long. */
bool live_can_be_lost(const live *l);
/* l->input from opening to its end. CYG_END, or CYG_OK: all is to end; else why it ended. */
cyg_status live_play_once(live *l, cyg_error *err);

#endif
