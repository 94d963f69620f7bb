/* pipeline.h - the one place where backbone and heads meet: finds what is in a frame, and describes it. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "frame.h"
#include "passes.h"
#include "quality.h"

typedef struct pipeline_models pipeline_models;     /* immutable, shared by all threads */
typedef struct pipeline        pipeline;            /* one per thread */

typedef struct pipeline_options {
    const char *model;          /* model file of the detector */
    const char *describer;      /* model file that describes what was found; NULL = none */
    pass_plan   passes;         /* how often a picture is looked at: SINGLE for video, PORTRAIT for photos */
    const char *isa;            /* NULL = the best of this CPU */
    const char *precision, *describer_precision;        /* "f32", "bf16", "i8", "auto"; NULL = f32 */
    float       threshold;      /* 0 = the model's if it is one pass, 0.3 if it is more: weak boxes are merged */
    int         max_objects;    /* 0 = the model's */
    int         width, height;  /* of the network's input; 0 = the model's own */
    const char *classes;        /* "person,car": only these labels of the model; NULL = all */
} pipeline_options;

/* Besides the model's own faults (CYG_IO, CYG_FORMAT, CYG_UNSUPPORTED, CYG_NOT_FOUND: it has no detector):
 * CYG_ARGUMENT for an option out of range or a class that the model does not know, CYG_NOT_FOUND for an isa
 * this CPU lacks, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status pipeline_models_open(pipeline_models **out, const pipeline_options *o, cyg_error *err);
void pipeline_models_close(pipeline_models *m);
const char *pipeline_models_name(const pipeline_models *m);
const char *pipeline_models_sha256(const pipeline_models *m);   /* of the file, 64 hex digits */
const char *pipeline_models_isa(const pipeline_models *m);
const char *pipeline_models_precision(const pipeline_models *m);
/* Of the detector's input, pixels. */
void        pipeline_models_size(const pipeline_models *m, int *width, int *height);

/* The models must outlive the pipeline, and the frames' labels live as long as it. CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status pipeline_create(pipeline **out, const pipeline_models *m, cyg_error *err);
/* Each of its passes spread over the threads of the executor (cyg_features_create). */
CYG_MUST_USE cyg_status pipeline_create_spread(pipeline **out, const pipeline_models *m,
                                               const cyg_executor *executor, cyg_error *err);
void pipeline_free(pipeline *p);
/* Fills f->objects and sets f->analysed. */
void pipeline_detect(pipeline *p, frame *f);
/* Another plan from now on, where photos and videos take turns. The threshold stays. */
void pipeline_set_passes(pipeline *p, pass_plan plan);

/* ---- With a describer ------------------------------------------------------------ */

/* What is known of one object beyond its box. Plain data. */
typedef struct description {
    quality       quality;
    int           attribute_count;
    cyg_attribute attributes[CYG_MAX_ATTRIBUTES];   /* texts live as long as the models */
    int           dimension;
    float         embedding[CYG_MAX_EMBEDDING];     /* [dimension], of length 1 */
} description;

/* One pass over the square around the object's box, read by both heads. */
void pipeline_describe(pipeline *p, const frame *f, const object *o, description *out);

/* That square. */
cyg_region pipeline_crop(const cyg_backbone *describer, cyg_box box);

/* Of the describer; NULL without one. */
const char *pipeline_models_describer(const pipeline_models *m);            /* its name */
const char *pipeline_models_describer_sha256(const pipeline_models *m);
/* How a describer's input is cut out, and its numbers if they are not f32, in a line: embeddings made
 * otherwise cannot be compared. */
const char *pipeline_models_preprocessing(const pipeline_models *m);
/* For cyg_head_false_match and cyg_head_threshold. */
const cyg_head *pipeline_embedding(const pipeline *p);
/* How long an embedding is; 0: the describer makes none, or no memory. It looks at nothing to find out. */
int pipeline_dimension(pipeline *p);

#endif
