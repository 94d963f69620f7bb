/* view_meter.h - how often something happens, and how long it takes: over the last seconds, or in all. */
#ifndef VIEW_METER_H
#define VIEW_METER_H

#include <stdint.h>

enum { METER_EVENTS = 256, METER_BINS = 2000 };

/* Begins as 0. */
typedef struct meter {
    int64_t count;                      /* events so far */
    double  first, at[METER_EVENTS];    /* when, seconds of clock.h: [i % METER_EVENTS] */
    double  took[METER_EVENTS];         /* seconds */
    int64_t bins[METER_BINS];           /* of all events: [i]: i to i + 1 milliseconds, the last one: more */
} meter;

void   meter_add(meter *m, double now, double took);
/* Events a second in the last two seconds. */
double meter_rate(const meter *m, double now);
/* What so great a part of the last events (at most METER_EVENTS) took at most; 0 without one. part 0 .. 1. */
double meter_recent(const meter *m, double part);
/* The same of all events, to the next millisecond; and their rate from the first to the last. */
double meter_whole(const meter *m, double part);
double meter_mean_rate(const meter *m);

#endif
