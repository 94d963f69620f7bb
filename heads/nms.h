/* nms.h - the best boxes first, and none that covers the same thing as a better one. */
#ifndef CYG_NMS_H
#define CYG_NMS_H

#include "heads.h"

typedef struct cyg_candidate {
    float score;
    int   index;                /* anchor * labels + label: breaks ties, smallest first */
} cyg_candidate;

/* A heap of candidates, the best on top: order costs only what is taken. */
void          cyg_candidates_order(cyg_candidate *heap, int count);
/* Takes the best of `count`, which leaves count - 1. */
cyg_candidate cyg_candidates_take(cyg_candidate *heap, int count);

/* Intersection over union; 0 if an area is. */
float cyg_box_overlap(cyg_box a, cyg_box b);
/* True if none of the kept detections with the same label overlaps d by more than `overlap`. */
bool cyg_detection_is_new(const cyg_detection *d, const cyg_detection *kept, int count, float overlap);

#endif
