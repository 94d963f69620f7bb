/* network.c - random networks for tests, which cannot go on without. */
#include "network.h"
#include <stdio.h>
#include <stdlib.h>

network network_make(double alpha, int width, int height, const char *extra, const char *taps)
{
    return network_make_heads(alpha, width, height, extra, taps, NULL, NULL);
}

network network_make_heads(double alpha, int width, int height, const char *extra, const char *taps,
                           const char *heads, const char *convolutions)
{
    return network_make_family("mobilenet_v1", alpha, width, height, extra, taps, heads, convolutions);
}

network network_make_family(const char *family, double alpha, int width, int height, const char *extra,
                            const char *taps, const char *heads, const char *convolutions)
{
    const random_model_params params = {
        .family = family, .width = alpha, .columns = width, .rows = height, .extra = extra, .taps = taps,
        .heads = heads, .convolutions = convolutions,
    };
    network net;
    cyg_error err;
    if (random_model_create(&net, &params, &err)) {
        fprintf(stderr, "random network: %s\n", err.message);
        exit(2);
    }
    return net;
}

void network_free(network *net)
{
    random_model_free(net);
}
