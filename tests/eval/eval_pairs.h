/* eval_pairs.h - labelled pairs of pictures, in folds, and how well a threshold tells them apart. */
#ifndef EVAL_PAIRS_H
#define EVAL_PAIRS_H

#include "eval.h"

enum { EVAL_FOLDS = 3 };

typedef struct eval_pair {
    int  a, b;                      /* places in eval_files */
    bool same;
    int  fold;                      /* 0 .. EVAL_FOLDS - 1 */
} eval_pair;

typedef struct eval_pairs {
    eval_pair *list;                /* [count] */
    int        count;
} eval_pairs;

/* Lines "a b same fold"; what cannot be read ends the program with a sentence. */
eval_pairs eval_pairs_read(const char *path, const eval_files *files);

/* Which pairs are meant: those of the fold, or (but) all others. */
typedef struct eval_part { int fold; bool but; } eval_part;

/* cosines [count] go with the pairs. */
double eval_accuracy(const eval_pairs *pairs, const float *cosines, eval_part part, float threshold);
/* The threshold of the best accuracy; *accuracy (may be NULL): that. */
float  eval_best_threshold(const eval_pairs *pairs, const float *cosines, eval_part part, double *accuracy);
/* The cosine that this part of the strangers lies above. */
float  eval_threshold_at(const eval_pairs *pairs, const float *cosines, eval_part part, double false_rate);
/* Which part of the same people (or strangers) lies above. */
double eval_rate_above(const eval_pairs *pairs, const float *cosines, eval_part part, float threshold, bool same);

#endif
