/* model_family.h - what a network of the paper would cost, without a model file. */
#ifndef MODEL_FAMILY_H
#define MODEL_FAMILY_H

#include <stdbool.h>

typedef struct family_choice {
    const char *family;         /* NULL: mobilenet_v1 */
    double      width;          /* multiplier; 0: 1 */
    int         resolution;     /* side of the input, pixels; 0: 224 */
    int         classes;        /* of the classifier on the mean of the last map; 0: none */
} family_choice;

/* Prints it, as a table or as JSON; returns the exit code. */
int family_show(const family_choice *choice, bool json);

#endif
