/* window.h - the window on the screen: a picture, what lies over it, keys and mouse. All of SDL stands behind this.
 *
 *     window_open(&w, &options, &err);
 *     for (window_event e; window_wait(w, &e, 100), e.kind != WINDOW_QUIT;) {
 *         window_picture(w, &f->image);                        // a new one; kept until the next
 *         window_begin(w, place_picture(...));                 // black, and the picture at its place
 *         window_sprite(w, &sprite, x, y, width, height);      // over it, as often as needed
 *         window_end(w);                                       // on the screen
 *     }
 *
 * Units. Pixels of the screen ("canvas"): on a screen of high density more than the window's
 *   own points, and so are the mouse's. window_size says how many there are, window_density how
 *   many to a point.
 * Pictures. YUV 4:2:0 of 8 bits goes to the graphics driver as it is, which turns it into colours;
 *   other YUV, and the colours that drivers do not know, are brought to that first.
 * Threads. All calls from the thread that opened it, except window_wake. A process has one window.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include "backbone.h"
#include "sprite.h"
#include "place.h"

typedef struct window window;

typedef struct window_options {
    const char *title;
    int  width, height;         /* of the first picture: the window is so large if the screen has room */
    bool full_screen;
} window_options;

typedef enum window_event_kind {
    WINDOW_NOTHING,             /* the time is over, or window_wake was called */
    WINDOW_QUIT,                /* its close button, or the end of the session */
    WINDOW_KEY,                 /* key */
    WINDOW_TEXT,                /* text, while window_type is on */
    WINDOW_CLICK,               /* the left button, at x, y of the canvas */
    WINDOW_CHANGED,             /* another size, or uncovered: draw again */
} window_event_kind;

/* Keys that are no character. The others are what they write: 'a', '+', '?', ' '. Letters are small. */
enum { WINDOW_BACKSPACE = 8, WINDOW_TAB = 9, WINDOW_ENTER = 13, WINDOW_ESCAPE = 27, WINDOW_DELETE = 127,
       WINDOW_LEFT = 0x110000, WINDOW_RIGHT, WINDOW_UP, WINDOW_DOWN, WINDOW_F1, WINDOW_F11 };

typedef struct window_event {
    window_event_kind kind;
    int   key;
    bool  control, repeated;    /* with the key */
    char  text[40];             /* UTF-8 */
    float x, y;
} window_event;

/* CYG_IO: there is no display, or it cannot draw. CYG_BUSY: this process has a window already. CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status window_open(window **out, const window_options *options, cyg_error *err);
void window_close(window *w);

/* The next event, at most so many milliseconds away. */
void window_wait(window *w, window_event *event, int milliseconds);
/* Makes window_wait return soon. Safe from any thread. */
void window_wake(window *w);

void        window_size(const window *w, int *width, int *height);
float       window_density(const window *w);
const char *window_driver(const window *w);             /* who draws: "opengl", "software" ... */
void        window_set_title(window *w, const char *title);
bool        window_is_full_screen(const window *w);
void        window_set_full_screen(window *w, bool on);
/* Keys write text from now on (window_event.text) besides being keys. */
void        window_type(window *w, bool on);
/* What was copied elsewhere; malloc'ed UTF-8, NULL = nothing. */
char       *window_pasted(window *w);

/* The picture from now on; its pixels are copied. CYG_IO: the driver refuses it, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status window_picture(window *w, const cyg_image *image, cyg_error *err);
void window_begin(window *w, placement place);
/* At x, y, stretched by repeating its middle column and row; its pixels are kept by its id. */
void window_sprite(window *w, const sprite *sprite, int x, int y, int width, int height);
/* Everything inside darker; alpha 0 .. 1. */
void window_shade(window *w, placement place, float alpha);
void window_end(window *w);

#endif
