/* track.h - follows objects from frame to frame and gives them numbers that stay.
 *
 *     tracker *t = tracker_create(&(tracker_options){ .high = 0.5f });
 *     for each analysed frame, in order:
 *         pipeline_detect(p, f);                  // with a threshold of tracker_low(&options)
 *         tracker_update(t, f);                   // f->objects have numbers; what is too weak is gone
 *     between two of them, for drawing:
 *         count = tracker_predict(t, now, objects);
 *
 * The method is ByteTrack's (Y. Zhang et al., "ByteTrack: Multi-Object Tracking by Associating
 * Every Detection Box", ECCV 2022, arXiv 2110.06864, section 3 and algorithm 1):
 *
 *   1. Every track's box is moved to the frame's time by its Kalman filter.
 *   2. Sure tracks, lost ones too, are matched with the detections that score above `high`:
 *      the assignment (assign.h) of least 1 - IoU, pairs below IoU 0.2 forbidden.
 *   3. The tracks still seen in the frame before and left over are matched with the weak
 *      detections, `low` to `high`, at IoU 0.5 or more: somebody half hidden scores low, but
 *      where a track expects him a low score is enough. This rescue is what the paper is about.
 *      It is for tracks whose scores are above `high` on the average of the last second: what
 *      scores low for long is something else, that was taken for an object once.
 *   4. Young tracks are matched with what is left of the high ones, at IoU 0.3 or more.
 *   5. What still is left of the high ones begins a young track. It becomes sure, and gets its
 *      number, when it is seen for `appear` seconds without a gap, at least twice; a young track
 *      that is missed is forgotten. So what flickers has no number, and numbers have no gaps.
 *   6. A sure track that is not seen is kept for `keep` seconds, and forgotten then.
 *
 * Where this differs from the paper: all times are seconds, not frames, so that frame rates may
 * vary and frames be missing (live sources drop them); the filter's state is the box's centre,
 * width and height, each with its own speed (as in N. Aharon et al., "BoT-SORT", arXiv
 * 2206.14651, section 3.1); objects of different classes never match.
 *
 * Only the objects' boxes, scores, labels and times are looked at: the same input gives the
 * same numbers, everywhere. One tracker a stream, one thread. tracker_create allocates; nothing
 * else does.
 */
#ifndef TRACK_H
#define TRACK_H

#include "frame.h"

typedef struct tracker tracker;

typedef struct tracker_options {            /* 0 = the value in brackets */
    float  high;            /* [0.5] score above which a detection counts by itself: the user's threshold */
    float  low;             /* [tracker_low] score above which it helps a track it fits */
    double keep;            /* [1] seconds that a track waits unseen to be found again */
    double hold;            /* [0.3] seconds that tracker_predict goes on telling of it meanwhile; at most keep */
    double appear;          /* [0.06] seconds of sightings in a row until it has a number; < 0: at the first */
    bool   fresh_at_once;   /* in the first frame, and the first after a cut, at the first sighting */
} tracker_options;

tracker *tracker_create(const tracker_options *options);        /* NULL: no memory */
void     tracker_free(tracker *t);

/* The threshold that a detector needs for this: a third of `high`, but not below 0.1. Never above `high`. */
float    tracker_low(const tracker_options *options);

/* Takes f->objects as the detections of f->time, and leaves in f->objects those that score
 * above `high` and those that a track was found by, by falling score, with their numbers and
 * speeds; boxes, scores and labels stay as detected. Time that runs back, or on by more than
 * `keep`, is a cut or a jump: no track lives on. */
void tracker_update(tracker *t, frame *f);

/* The sure tracks that were seen within `hold` before `time`, by falling score, where the filter
 * expects them at `time`; src is FROM_DETECT for those seen at the very time, else FROM_TRACK.
 * time is not before the last update's. Returns how many. They are plain data: another thread
 * may move them on with object_move. */
int  tracker_predict(const tracker *t, double time, object out[CYG_MAX_DETECTIONS]);

/* Where the object is so many seconds later, at its speed. Its size stays positive. */
void object_move(object *o, double seconds);

/* Another threshold from now on; `low` follows it as in tracker_low, unless it was chosen. */
void tracker_set_high(tracker *t, float high);

/* No track lives on; their numbers are not given again. For cuts and jumps that time does not show. */
void tracker_reset(tracker *t);

/* What a young object's track (object.track < 0) has become by now: its number, or 0. */
int  tracker_number(const tracker *t, int young);
/* How many numbers were given: 1 .. tracker_count. */
int  tracker_count(const tracker *t);

#endif
