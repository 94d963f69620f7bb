/* follow.h - frames in order in, the same frames with tracks out, a few frames later.
 *
 * The tracker (track.h) sees every analysed frame. A few frames wait before they go on, so that what
 * is known only later still reaches them: the number of an object that was young in them, and the
 * boxes of an object that was missed in them and found again, which stand in a straight line
 * between the two (FROM_FILL). On frames that are not analysed (`every` of batch.h) objects are
 * filled in alike, or, where the next analysis is too far away, moved on from the last one at their
 * speed (FROM_TRACK).
 *
 * A cut to another scene (cut.h) ends all tracks; nothing is filled in or held across it.
 *
 * As many frames wait as fit into `bytes`, at least 1 and at most FOLLOW_MOST: about five of 1080p
 * in 16 MB. One a video, one thread.
 */
#ifndef FOLLOW_H
#define FOLLOW_H

#include "track.h"

enum { FOLLOW_MOST = 32 };

typedef struct follower follower;

typedef struct follower_options {
    tracker_options tracker;
    bool    plain;              /* no tracks, no waiting: frames not analysed carry the last one's objects, FROM_FILL */
    double  hold;               /* seconds that an object is told of still that is not found again, FROM_TRACK,
                                   and before it was first found, in frames that still wait; for hiding: its box then
                                   has all places in it from where it was seen to where it is expected */
    size_t  bytes;              /* of pixels that may wait; 0 = 16 MB */

    /* Gets every frame, in order; it stays the follower's. */
    cyg_status (*write)(void *context, frame *f, cyg_error *err);
    void    *context;
} follower_options;

follower *follower_create(const follower_options *options);     /* NULL: no memory */
void      follower_free(follower *w);                           /* with all frames that still wait */

/* Takes over the next frame, pixels or packets alone, also when it fails: with what write said. */
CYG_MUST_USE cyg_status follower_put(follower *w, frame *f, cyg_error *err);
/* Writes all that wait: nothing comes after them. */
CYG_MUST_USE cyg_status follower_flush(follower *w, cyg_error *err);

/* Numbers given, and seconds at work in tracking, until now. */
int       follower_tracks(const follower *w);
double    follower_seconds(const follower *w);

#endif
