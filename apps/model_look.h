/* model_look.h - what classify and embed share: a model ready to run, and pictures one after another. */
#ifndef MODEL_LOOK_H
#define MODEL_LOOK_H

#include "frame.h"
#include "hash.h"
#include "ops.h"

typedef struct look_options {
    const char *isa, *precision;        /* NULL = the best of this CPU; f32 */
    double      crop;                   /* the middle square, this part of the shorter side; 0 = as the model says */
    double      step;                   /* seconds between the frames of a video; 0 = a video is no picture */
} look_options;

typedef struct looker {
    look_options  options;
    char         *path;
    char          sha256[HASH_TEXT];
    cyg_model    *model;
    cyg_backbone *net;
    cyg_features *maps;
} looker;

/* name: a model's name or file. Errors of a model, an isa, a precision. */
CYG_MUST_USE cyg_status look_open(looker *l, const char *name, const look_options *look, cyg_error *err);
/* The exit code of that: there is no such instruction set or precision, or the model is to blame. */
int  look_failed(const looker *l, cyg_status status);
void look_close(looker *l);

/* The whole picture, or the middle that was asked for, through the network: then read the maps. */
void look_run(const looker *l, const frame *f);

/* Calls each(context, f, path) for the picture in path, or for a frame of every `step` seconds of the video.
 * Not CYG_OK from `each` ends it. CYG_IO, CYG_FORMAT, CYG_UNSUPPORTED, CYG_NO_MEMORY. */
typedef cyg_status (*look_each)(void *context, const frame *f, const char *path, cyg_error *err);
CYG_MUST_USE cyg_status look_at(const looker *l, const char *path, look_each each, void *context, cyg_error *err);

#endif
