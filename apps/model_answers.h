/* model_answers.h - whether two precisions of one network give a person the same answers. */
#ifndef MODEL_ANSWERS_H
#define MODEL_ANSWERS_H

#include "heads.h"

/* A network in one precision, with a map of every layer, and all heads of its model. */
typedef struct subject {
    cyg_backbone *net;
    cyg_features *maps;
    cyg_head     *heads[8];
    int           head_count;
} subject;

/* The faults of cyg_backbone_create, cyg_features_create and cyg_head_create. */
CYG_MUST_USE cyg_status subject_open(subject *out, const cyg_model *model, const char *precision, cyg_error *err);
void subject_close(subject *s);

/* What was compared so far. Detections are matched at an overlap of 0.8. */
typedef struct answers {
    double    things, matched, extra;   /* that f32 sees above its threshold; of them; what it does not see */
    double    score, box;               /* the largest changes of matched ones; box: of its size */
    double    score2, box2;             /* sums of their squares */
    double    said, same;               /* attributes; of them: the same label, or the number within 2 % */
    double    embeddings, alike;        /* embeddings; of them: cosine to f32's at least 0.98 */
    double    cosine;                   /* the least */
} answers;

/* Runs both over the region and adds up how their answers compare; reference is f32. */
void answers_compare(answers *a, subject *reference, subject *other, const cyg_image *image, cyg_region region);
/* True if a person would hardly tell them apart: 99 % of all things are found, and as few are
 * added; scores change by 0.05 and boxes by 2 % of their size or less (root mean square); 99 % of
 * attributes are the same and 99 % of embeddings alike. False without any answer. */
bool answers_equal(const answers *a);
/* A sentence that says it. */
void answers_say(char *out, size_t size, const answers *a);

#endif
