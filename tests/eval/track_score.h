/* track_score.h - how well tracks follow what is truly there.
 *
 * MOTA and its parts are CLEAR MOT's (K. Bernardin and R. Stiefelhagen, "Evaluating Multiple Object Tracking
 * Performance: The CLEAR MOT Metrics", EURASIP Journal on Image and Video Processing, 2008, section 2.1.3):
 * frame by frame an object keeps the track that it had last, if that still covers it; the others are assigned
 * anew, as many as can be, and of those the best fitting; MOTA = 1 - (missed + false + switched) / there. IDF1
 * is E. Ristani et al.'s ("Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking", ECCV
 * workshops 2016, arXiv 1609.01775, section 2): whole objects are assigned to whole tracks so that the frames
 * in which they agree are the most; IDF1 = 2 * those / (boxes there + boxes found). Two boxes agree where they
 * overlap by IoU .5 or more.
 */
#ifndef TRACK_SCORE_H
#define TRACK_SCORE_H

#include "heads.h"

typedef struct track_box {
    int     frame, id;
    cyg_box box;
} track_box;

typedef struct track_scores {
    int truths, found;          /* boxes */
    int objects, tracks;        /* ids among those */
    int missed, false_found;    /* boxes */
    int switches;               /* an object was last covered by another track */
    int agreed;                 /* boxes, of the best assignment of objects to tracks */
} track_scores;

/* Reorders both. At most 512 ids each, and as many boxes in a frame. False: more than that, or no memory. */
bool   track_judge(track_scores *out, track_box *truths, int truth_count, track_box *found, int found_count);
/* Adds up, for several scenes. */
void   track_scores_add(track_scores *sum, const track_scores *s);
double track_mota(const track_scores *s);
double track_idf1(const track_scores *s);

#endif
