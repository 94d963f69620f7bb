/* view_save.h - the thread that writes files: screenshots and recordings, while the picture goes on. */
#ifndef VIEW_SAVE_H
#define VIEW_SAVE_H

#include "frame.h"
#include "overlay.h"
#include "video.h"

typedef struct saver saver;

typedef struct saver_options {
    const char        *folder;          /* where files go */
    overlay_options    look;
    video_sink_options video;
    double             rate;            /* frames a second, nearly; 0 = not known */
    /* A sentence about each file, from the thread; bad: it could not be written. */
    void             (*say)(void *context, bool bad, const char *sentence);
    void              *context;
} saver_options;

/* CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status saver_open(saver **out, const saver_options *o, cyg_error *err);
/* Finishes what it is at. False: something could not be written. */
bool saver_close(saver *s);

/* Two PNG files of f, taken over: clean, and with its objects drawn. */
void saver_still(saver *s, frame *f, const overlay_options *look);
/* A recording begins with the next saver_frame, in a file of its own. */
void saver_begin(saver *s, const overlay_options *look, double rate);
/* Takes f over; while there is no recording it is only freed. */
void saver_frame(saver *s, frame *f);
void saver_end(saver *s);
/* Frames that were left out of the recording because writing is too slow. */
int64_t saver_dropped(saver *s);

#endif
