/* head.h - what a head type is made of. For heads/ only. */
#ifndef CYG_HEAD_H
#define CYG_HEAD_H

#include "heads.h"
#include "ops.h"

typedef struct cyg_head_type {
    const char     *name;       /* "type" in the model file */
    cyg_result_kind kind;
    /* settings: this head's object of the model file; the "labels" of detections and classes are checked already.
     * params: never NULL; 0 in a field = the model's value. */
    cyg_status (*create)(void **out, const cyg_backbone *net, const json_t *settings,
                         const cyg_head_params *params, cyg_error *err);
    void       (*free)(void *self);                 /* NULL is fine */
    void       (*run)(void *self, const cyg_features *maps, cyg_result *out);
    const cyg_skeleton *(*skeleton)(const void *self);      /* NULL: detections without points */
} cyg_head_type;

extern const cyg_head_type cyg_ssd_type;            /* ssd.c */
extern const cyg_head_type cyg_attributes_type;     /* attributes.c */
extern const cyg_head_type cyg_embedding_type;      /* embedding.c */
extern const cyg_head_type cyg_classifier_type;     /* classifier.c */
extern const cyg_head_type cyg_pose_type;           /* pose.c */

/* What *create made: for tests that look behind the results. */
void *cyg_head_self(const cyg_head *head);

#endif
