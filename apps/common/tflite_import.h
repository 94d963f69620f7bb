/* tflite_import.h - a TensorFlow Lite file of a MobileNetV1, as the contents of a model file.
 *
 * Recognised, not asked for: width, resolution, activation, the ranges of quantised layers, a classifier behind
 * the pooling, an SSD with its anchors, labels attached to the file. What a file does not say is assumed, and the
 * description says so under source.assumed. Everything else is refused by the name of its first operator.
 */
#ifndef TFLITE_IMPORT_H
#define TFLITE_IMPORT_H

#include "model_writer.h"
#include "tflite.h"

typedef struct tflite_options {
    const char *name;           /* of the model */
    const char *labels;         /* a file with a label in each line, instead of those of the file; NULL: none */
    bool        has_range;      /* black and white are these numbers to the network ... */
    double      low, high;      /* ... instead of what the file says or -1 and 1 */
} tflite_options;

/* files: one; or two: one that ends in the pooled features, and one that goes on from there. The caller
 * frees *description. CYG_IO (of the labels), CYG_FORMAT, CYG_UNSUPPORTED, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status tflite_import(json_t **description, model_writer *to, const tflite *const *files, int count,
                                      const tflite_options *options, cyg_error *err);

#endif
