/* lanes.h - many pictures at once: a video keeps all detectors busy, a picture only one.
 *
 * Each lane is the annotator with one of its detectors, and an overlay, a describer and a progress of its own. Lanes
 * take the next input as they come free, so messages come in any order, and outputs are what they are one by one.
 */
#ifndef LANES_H
#define LANES_H

#include "annotator.h"

/* Inputs from .. to, but not to; done[annotator_result] counts what became of each. An output that fails, or an
 * interrupt, ends it early. look: how a's overlay was made. */
void lanes_run(annotator *a, const overlay_options *look, const output *outputs, size_t from, size_t to,
               size_t done[]);

#endif
