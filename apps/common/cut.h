/* cut.h - whether a picture shows another scene than the one before it.
 *
 * Both are seen as 32 x 18 means of brightness, whatever their size; where these have little in common, by their
 * correlation, a cut lies between them. Light that changes, a flash or a fade, and a camera that moves leave
 * enough of the first scene in the second. Plain data, for one stream.
 */
#ifndef CUT_H
#define CUT_H

#include "backbone.h"
#include <stdbool.h>

enum { CUT_COLUMNS = 32, CUT_ROWS = 18 };

typedef struct cut_memory {
    bool  begun;
    float seen[CUT_COLUMNS * CUT_ROWS];         /* of the last picture; their mean is 0, their length 1, or 0 */
} cut_memory;

/* -1 .. 1: how much the picture is like the last one, which it then replaces; 1 for the first. A picture
 * without any contrast is like every other. */
float cut_likeness(cut_memory *m, const cyg_image *image);
/* That is so little that the two are of different scenes. */
bool  cut_between(cut_memory *m, const cyg_image *image);

#endif
