/* stop.h - Ctrl-C and its kin: the first one asks the program to end well, the second ends it.
 *
 * A thread of its own waits for SIGINT, SIGTERM and SIGHUP, so what it calls may lock and
 * allocate. A signal that was ignored when the program began stays ignored.
 */
#ifndef STOP_H
#define STOP_H

typedef struct stop stop;

/* Call from main before any other thread begins. NULL: no memory. */
stop *stop_watch(void);
void  stop_free(stop *s);

/* What the first signal calls, from the waiting thread; at once if it was already here.
 * call NULL: nothing any more, and none is under way when this returns. */
void  stop_call(stop *s, void (*call)(void *context), void *context);
/* The signal that came; 0 = none yet. */
int   stop_signal(stop *s);

#endif
