/* tflite_network.h - recognises MobileNetV1 (arXiv 1704.04861) in a TensorFlow Lite file, and what
 * comes after it: more layers, a classifier, the predictors of an SSD. */
#ifndef TFLITE_NETWORK_H
#define TFLITE_NETWORK_H

#include "tflite.h"

enum { NETWORK_LAYERS = 64, NETWORK_MAPS = 16 };

/* A convolution: the operator and its constants, and the tensor behind its activation. */
typedef struct network_layer {
    char                   name[32];        /* as in a model file: "conv5_pw", "extra0", "head0/boxes" */
    const tflite          *file;
    const tflite_operator *op;
    const tflite_tensor   *weights, *bias;  /* bias NULL: none */
    const tflite_tensor   *out;
    int                    kernel, stride, channels;    /* channels: of the output */
    double                 upper;           /* end of the output's quantised range; 0: not quantised */
} network_layer;

typedef struct network {
    const tflite        *file;
    const tflite_tensor *input;
    double               width;             /* the multiplier */
    bool                 relu6;             /* else ReLU */
    int                  layer_count, body_count;       /* body: conv0 .. conv13_pw; then the extra ones */
    network_layer        layers[NETWORK_LAYERS];
} network;

/* The body, from the file's input on. CYG_UNSUPPORTED names the first operator that does not fit. */
CYG_MUST_USE cyg_status network_find(network *out, const tflite *file, cyg_error *err);

/* Full convolutions behind the body, as long as there are; those of `predictors` are not meant. */
CYG_MUST_USE cyg_status network_find_extra(network *n, const tflite_operator *const *predictors, int predictor_count,
                                           cyg_error *err);
/* Operator o as a convolution that reads t, with its activation if `activated`, without one else. A dense layer counts
 * as a 1x1 convolution. */
CYG_MUST_USE cyg_status network_layer_read(network_layer *out, const tflite *file, const tflite_operator *o,
                                           const tflite_tensor *t, bool activated, bool *relu6, cyg_error *err);
/* t behind whatever only changes its shape or how its numbers are stored. */
const tflite_tensor *network_reshaped(const tflite *file, const tflite_tensor *t);

#endif
