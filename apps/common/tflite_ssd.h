/* tflite_ssd.h - recognises the predictors of an SSD (arXiv 1512.02325) that end in TFLite_Detection_PostProcess. */
#ifndef TFLITE_SSD_H
#define TFLITE_SSD_H

#include "tflite_network.h"
#include <jansson.h>

typedef struct ssd_map {
    const tflite_tensor *source;            /* what its predictors read */
    const char          *tap;               /* the layer that makes it; in network.layers */
    network_layer        boxes, scores;
    int                  shapes;            /* anchors in a cell */
} ssd_map;

/* Anchors by the rule of heads/ssd.c. */
typedef struct ssd_rule {
    double scales[NETWORK_MAPS + 1], ratios[16];
    int    ratio_count;
    bool   reduce_lowest;
    enum { BETWEEN_AFTER_SQUARE, BETWEEN_LAST, BETWEEN_NONE } between;
} ssd_rule;

typedef struct ssd {
    int      map_count;
    ssd_map  maps[NETWORK_MAPS];
    bool     softmax;
    int      classes, first_class;          /* columns of scores; the first that stands for a label */
    double   box_scale[4], overlap;
    ssd_rule rule;
} ssd;

/* The file's TFLite_Detection_PostProcess; NULL: it is no SSD. */
const tflite_operator *ssd_operator(const tflite *file);
/* Adds the layers behind the body to the network. CYG_UNSUPPORTED names the operator that does not fit. */
CYG_MUST_USE cyg_status ssd_find(ssd *out, network *n, const tflite_operator *o, cyg_error *err);
/* Its object of the model file, with these labels; NULL: no memory. */
json_t *ssd_describe(const ssd *s, json_t *labels);

/* tflite_anchors.c: the rule that makes the anchors, [count][4] of y, x, height, width in parts of the input. */
CYG_MUST_USE cyg_status ssd_find_rule(ssd *s, const network *n, const tflite_operator *o, const tflite_tensor *anchors,
                                      cyg_error *err);

#endif
