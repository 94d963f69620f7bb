/* classifier.h - behind the results of the classifier head, for its tests. */
#ifndef CYG_CLASSIFIER_H
#define CYG_CLASSIFIER_H

typedef struct cyg_classifier cyg_classifier;

/* What the last run left, before any softmax or sigmoid: [count]. */
const float *cyg_classifier_logits(const cyg_classifier *c, int *count);

#endif
