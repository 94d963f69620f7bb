/* view.h - what the view_*.c files share: one viewer, all of it the main thread's.
 *
 *     live ----> view_run ----> analysis        the newest frame, shared
 *                  |  ^------------'            the newest finding
 *                  +-> window, saver, records
 */
#ifndef VIEW_H
#define VIEW_H

#include "live.h"
#include "log.h"
#include "overlay.h"
#include "records.h"
#include "stop.h"
#include "view_analysis.h"
#include "view_meter.h"
#include "view_save.h"
#include "window.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum view_exit {
    VIEW_DONE = 0, VIEW_USAGE = 2, VIEW_NO_SOURCE = 4, VIEW_MODEL = 5, VIEW_OUTPUT = 6, VIEW_GALLERY = 7, VIEW_LOST = 8,
};

/* What a user may choose; the keys change some of it. */
typedef struct view_settings {
    const char *model, *describer, *isa, *precision, *classes;
    double      threshold;
    int         max_faces, resolution;
    bool        describe;
    const char *gallery;
    double      false_match;
    bool        labels, scores;
    double      scale;
    const char *font;
    bool        hud, mirror, blur, full_screen;
    const char *size, *pixel_format, *transport;
    double      rate, stall;
    const char *folder, *codec, *preset;
    double      crf;
    int         records;            /* 0 none, 1 standard output */
    bool        list_devices, headless;
    int         frames;
    double      time_limit;
    int         threads, decode_threads, repeat;
    bool        verbose, quiet;
} view_settings;

/* A sentence at the lower edge of the window for a while; any thread may leave one. */
typedef struct view_notice {
    pthread_mutex_t lock;
    char            text[700];
    bool            bad;
    double          until;          /* seconds of clock.h */
} view_notice;

enum { VIEW_ENTRY = 200 };          /* bytes of a name that is being typed, as a gallery takes them */

/* The records so far: the analysis' thread's, until that has stopped. */
typedef struct recorder {
    records         out;            /* no report in it: none are wanted */
    int             input;          /* whose records they are now; -1 = not begun */
    int             tracks;         /* from here on: of this input */
    int64_t         frames, objects;
    double          began, worked;  /* since when; seconds of analysis */
    int64_t         damaged;        /* until it began, of all inputs */
} recorder;

typedef struct view {
    view_settings  *settings;
    const char     *settings_json;
    logger         *log;
    stop           *stop;
    live           *live;
    analysis       *analysis;
    saver          *saver;
    recorder        recorder;
    atomic_bool     records_failed;
    _Atomic(window *) window;       /* NULL: headless, or not open yet */

    overlay        *overlay, *hider;    /* for the window, and to make faces unrecognisable */
    frame          *shown;          /* the newest picture; its objects as found, moved to its time */
    frame          *visible;        /* what is on the screen: shown, or a copy with blurred faces */
    frame          *found;          /* the newest finding */
    frame           layer;          /* the objects in canvas pixels */
    placement       place;          /* of the picture when it was last drawn */
    double          drawn;          /* when that was, seconds of clock.h */
    bool            stale;          /* something has changed since: draw it now */
    bool            newly_found;    /* draw it soon, if no picture comes */

    bool            paused, help, recording, quit;
    int             selected;       /* number of a track; 0 = none */
    bool            typing;         /* a name for the selected face */
    char            entry[VIEW_ENTRY + 1];
    view_notice     notice;

    int64_t         number;         /* of the newest frame that was taken; -1 = none */
    double          began, recording_began;
    meter           captured, displayed, analysed;      /* displayed takes: from capture to screen */
    char            figures[1200];
    double          figures_at;
    live_phase      phase;          /* that was told last */
    int             code;
} view;

/* ---- view.c ---------------------------------------------------------------------------------- */

/* What cameras there are, to out; and what to do without one. */
void view_tell_cameras(logger *log, FILE *out, bool formats);

/* ---- view_show.c: the loop ----------------------------------------------------------------- */

/* Shows until it is over; returns the exit code. The window is open still. */
int  view_run(view *v);
/* The overlay's look by the settings of now. */
overlay_options view_look(const view *v);
/* "face #7 is now called Ada" at the lower edge. Safe from any thread. */
void view_say(view *v, bool bad, const char *sentence);
void view_set_blur(view *v, bool on);
/* The picture that is shown is looked at, as soon as that is possible. */
void view_analyse(view *v);

/* ---- view_records.c: what was found, as JSON Lines -------------------------------------------- */

/* For analysis_options.found and .left; view is a view *. */
void view_record(void *view, const frame *found, double seconds);
void view_record_left(void *view, const appearance *gone);
/* When the analysis has stopped. */
void view_record_end(view *v);

/* ---- view_draw.c ------------------------------------------------------------------------------ */

void view_draw(view *v);
/* The number of the track at that point of the canvas; 0 = none. */
int  view_object_at(const view *v, float x, float y);

/* ---- view_hud.c: what the window says ------------------------------------------------------------ */

/* Brings v->figures up to date, not too often. */
void view_figures(view *v, double now);
/* What is to be said of the source in the middle of the window; "" = nothing. *alarm: it is bad news. */
void view_source_text(view *v, char *out, size_t size, bool *alarm);
extern const char view_help_text[];

/* ---- view_keys.c ----------------------------------------------------------------------------------- */

void view_event(view *v, const window_event *e);

#endif
