/* model_images.h - what a network is tried on: regions of a person's pictures. */
#ifndef MODEL_IMAGES_H
#define MODEL_IMAGES_H

#include "backbone.h"

/* The words are files, folders, globs or lists, as everywhere (inputs.h). At most `most` pictures
 * are taken, evenly from all of them; of a video it is the first frame. With a detector's model
 * file the regions are the faces that it finds, in the square that faces are described in;
 * without, each is a whole picture. */
typedef struct images_options {
    const char *const *words;
    int         word_count, most;
    const char *detector;               /* path; NULL = none */
    void      (*complain)(const char *sentence);    /* of each picture that cannot be read */
} images_options;

typedef struct images images;

/* CYG_NOT_FOUND: a word names nothing, or nothing that could be a picture. The detector's faults
 * are those of pipeline_models_open. */
CYG_MUST_USE cyg_status images_open(images **out, const images_options *options, cyg_error *err);
void images_close(images *in);

/* Shows each region of each picture, in the same order every time; net says how large its input
 * is. Pictures that cannot be read are left out from then on. *seen: how many regions there were. */
typedef void images_visit(void *context, const cyg_image *image, cyg_region region);
CYG_MUST_USE cyg_status images_show(images *in, const cyg_backbone *net, images_visit *visit, void *context,
                                    int *seen, cyg_error *err);
int images_count(const images *in);     /* pictures, those that cannot be read left out */

#endif
