/* track_scenes.h - what a detector says of moving things, and what was truly there: made up, or read from a file. */
#ifndef TRACK_SCENES_H
#define TRACK_SCENES_H

#include "track_score.h"

typedef struct scene_detection {
    int     frame;
    float   score;
    cyg_box box;
} scene_detection;

typedef struct scene {
    char             name[64];
    double           rate;              /* frames a second */
    int              frames;            /* numbered 0 .. frames - 1 */
    track_box       *truths;
    int              truth_count;
    scene_detection *detections;        /* by rising frame */
    int              detection_count;
} scene;

/* Scenes of known paths, always the same ones: people and faces that cross, hide each other, come and go, are missed
 * and half seen, beside things that the detector takes for one of them; the camera still or panning. */
enum { SCENES_MADE = 6 };
bool scene_make(scene *out, int which);
/* A folder as of motchallenge.net: FOLDER/gt/gt.txt and FOLDER/det/det.txt. False, having said why: cannot be read. */
bool scene_read(scene *out, const char *folder, double rate);
void scene_free(scene *s);

#endif
