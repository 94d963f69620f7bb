/* passes.h - looks at a picture in one or several passes of the detector, and merges what they find. */
#ifndef PASSES_H
#define PASSES_H

#include "heads.h"

typedef enum pass_plan {
    PASSES_SINGLE,              /* the whole picture once: video */
    PASSES_PORTRAIT,            /* and, where that may have missed a close-up, once more with room around it: photos */
    PASSES_TILES,               /* and in overlapping tiles: small faces in a crowd, at many times the cost */
} pass_plan;

/* What a pass needs; all of it is the caller's. */
typedef struct passes {
    const cyg_backbone *backbone;
    cyg_features       *maps;
    cyg_head           *detector;
    pass_plan           plan;
    cyg_result          found;          /* of one pass */
    cyg_result          merged;         /* of passes_run: by falling score, at most CYG_MAX_DETECTIONS */
} passes;

void passes_run(passes *p, const cyg_image *image);

#endif
