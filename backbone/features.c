/* features.c - the memory of a pass, and the maps that stay in it for heads. */
#include "plan.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

cyg_status cyg_features_create(cyg_features **out, const cyg_backbone *net,
                               const cyg_executor *executor, cyg_error *err)
{
    *out = NULL;
    cyg_features *maps = calloc(1, sizeof *maps);
    if (!maps) return cyg_fail(err, CYG_NO_MEMORY, "feature maps: out of memory");
    maps->net = net;
    maps->executor = executor ? *executor : (cyg_executor){ .threads = 1 };
    assert(maps->executor.threads >= 1 && maps->executor.threads <= 64);

    const size_t threads = (size_t)maps->executor.threads;
    const size_t sampler = cyg_padded(cyg_sampler_size(&net->input) * sizeof(float));
    const size_t size = net->arena_size + net->zeros + sampler + threads * net->scratch_size;
    maps->memory = aligned_alloc(64, size);
    maps->scratch = calloc(threads, sizeof *maps->scratch);
    if (!maps->memory || !maps->scratch) {
        cyg_features_free(maps);
        return cyg_fail(err, CYG_NO_MEMORY, "feature maps: out of memory (%zu MB)", size >> 20);
    }
    memset(maps->memory, 0, size);
    maps->zeros = maps->memory;
    maps->sampler_memory = (float *)(void *)(maps->zeros + net->zeros);
    maps->arena = maps->zeros + net->zeros + sampler;
    for (size_t i = 0; i < threads; i++)
        maps->scratch[i].memory = maps->arena + net->arena_size + i * net->scratch_size;
    *out = maps;
    return CYG_OK;
}

void cyg_features_free(cyg_features *maps)
{
    if (!maps) return;
    free(maps->memory);
    free(maps->scratch);
    free(maps);
}

cyg_tensor cyg_features_get(const cyg_features *maps, const char *name)
{
    for (int i = 0; i < maps->net->tap_count; i++) {
        const cyg_tap *tap = &maps->net->taps[i];
        if (!strcmp(tap->name, name))
            return (cyg_tensor){ cyg_floats_at(maps, tap->offset), tap->height, tap->width, tap->channels };
    }
    return (cyg_tensor){ 0 };
}

cyg_region cyg_features_region(const cyg_features *maps)
{
    return maps->region;
}
