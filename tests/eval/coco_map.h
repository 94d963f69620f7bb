/* coco_map.h - mean average precision as COCO defines it (cocodataset.org, "Detection Evaluation").
 *
 * For each class, each range of areas and each of ten overlaps, .50 to .95: what was found, the surest first, is
 * matched with what is there; precision at 101 recalls, each the best at that recall or above; their mean. A crowd
 * may be matched any number of times and counts neither as found nor as missed; overlap with it is over the box
 * alone. What is of another area counts neither way, and neither does what is found of another area and
 * matches nothing.
 */
#ifndef COCO_MAP_H
#define COCO_MAP_H

#include <stdbool.h>

typedef struct coco_box { double x, y, width, height; } coco_box;     /* pixels */

typedef struct coco_truth {
    int      image, category;
    coco_box box;
    double   area;              /* of its outline, pixels: which range it is in */
    bool     crowd;
} coco_truth;

typedef struct coco_found {
    int      image, category;
    coco_box box;
    double   score;
} coco_found;

enum { COCO_ALL, COCO_SMALL, COCO_MEDIUM, COCO_LARGE, COCO_AREAS };     /* below 32^2, below 96^2, above */

/* -1: there is nothing of that kind to find. */
typedef struct coco_scores {
    double ap[COCO_AREAS];      /* mean over classes and overlaps; at most 100 found an image */
    double ap50, ap75;          /* of all areas, at one overlap */
    double recall_1, recall_10; /* of all areas, at most 1 and 10 found an image and class */
    double recall[COCO_AREAS];  /* at most 100 */
} coco_scores;

/* Reorders both. False: no memory. */
bool coco_judge(coco_scores *out, coco_truth *truths, int truth_count, coco_found *found, int found_count);

#endif
