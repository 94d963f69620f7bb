/* network.h - for tests: model files in memory with random weights. */
#ifndef TEST_NETWORK_H
#define TEST_NETWORK_H

#include "../apps/model_random.h"
#include "ops.h"

typedef random_model network;

/* A MobileNetV1 whose input is width x height, with the batch norm of every kind that a file may
 * have. extra and taps are JSON lists. Exits with a sentence if that fails. */
network network_make(double width_multiplier, int width, int height, const char *extra, const char *taps);
/* The same with heads: a JSON list as in a model file, and the 1x1 convolutions they name,
 * [["NAME", in, out], ...]. */
network network_make_heads(double width_multiplier, int width, int height, const char *extra, const char *taps,
                           const char *heads, const char *convolutions);
/* The same of any family. */
network network_make_family(const char *family, double width_multiplier, int width, int height,
                            const char *extra, const char *taps, const char *heads, const char *convolutions);
void    network_free(network *net);

#endif
