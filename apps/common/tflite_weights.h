/* tflite_weights.h - writes the constants of a recognised layer as tensors of a model file. */
#ifndef TFLITE_WEIGHTS_H
#define TFLITE_WEIGHTS_H

#include "model_writer.h"
#include "tflite_network.h"

/* Adds NAME/weights and NAME/bias, and of quantised ones NAME/scale: the integers stay what they are, less
 * their zero, so that nothing is rounded. CYG_ARGUMENT, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status weights_add(model_writer *to, const network_layer *l, cyg_error *err);

#endif
