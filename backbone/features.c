/* features.c - the memory of a pass, and the maps that stay in it for heads. */
#include "plan.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static size_t sampler_bytes(const cyg_backbone *net)
{
    return cyg_padded(cyg_sampler_size(&net->input) * sizeof(float));
}

size_t cyg_features_bytes(const cyg_backbone *net, int threads)
{
    return net->arena_size + net->zeros + cyg_padded(net->input_row) + sampler_bytes(net) +
           (size_t)threads * net->scratch_size;
}

cyg_status cyg_features_create(cyg_features **out, const cyg_backbone *net,
                               const cyg_executor *executor, cyg_error *err)
{
    *out = NULL;
    const int threads = executor ? executor->threads : 1;
    assert(threads >= 1 && threads <= 64);
    const size_t size = cyg_features_bytes(net, threads);
    if (size > CYG_MAX_PASS_BYTES)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: a pass of %d x %d pixels would take %zu MB, expected at most %zu",
                        cyg_model_path(net->model), net->input.width, net->input.height, size >> 20,
                        CYG_MAX_PASS_BYTES >> 20);
    cyg_features *maps = calloc(1, sizeof *maps);
    if (!maps) return cyg_fail(err, CYG_NO_MEMORY, "feature maps: out of memory");
    maps->net = net;
    if (executor) maps->executor = *executor;
    maps->executor.threads = threads;
    maps->memory = aligned_alloc(64, size);
    maps->scratch = calloc((size_t)threads, sizeof *maps->scratch);
    maps->floats_made = calloc(CYG_MAX_TAPS, sizeof *maps->floats_made);
    if (!maps->memory || !maps->scratch || !maps->floats_made) {
        cyg_features_free(maps);
        return cyg_fail(err, CYG_NO_MEMORY, "feature maps: out of memory (%zu MB)", size >> 20);
    }
    memset(maps->memory, 0, size);
    maps->zeros = maps->memory;
    maps->border = maps->zeros + net->zeros;
    maps->sampler_memory = (float *)(void *)(maps->border + cyg_padded(net->input_row));
    maps->arena = (char *)maps->sampler_memory + sampler_bytes(net);
    for (int i = 0; i < threads; i++)
        maps->scratch[i].memory = maps->arena + net->arena_size + (size_t)i * net->scratch_size;
    const size_t pixel = net->steps[0].in_step * net->arithmetic->element;
    for (size_t at = 0; at < net->input_row; at += pixel)
        net->steps[0].arithmetic->narrow(maps->border + at, (const float[3]){ 0 }, 1, &net->levels);
    *out = maps;
    return CYG_OK;
}

void cyg_features_free(cyg_features *maps)
{
    if (!maps) return;
    free(maps->memory);
    free(maps->scratch);
    free(maps->floats_made);
    free(maps);
}

/* Most maps are read as they are. Of those that are asked for in floats, some are them, others are
 * made when first asked for; "pool" always is. */
static const float *floats_of(const cyg_features *maps, const cyg_tap *tap)
{
    const cyg_backbone *net = maps->net;
    const bool is_pool = tap - net->taps == net->pool_tap;
    const cyg_step *step = &net->steps[is_pool ? net->pool_step : tap->step];
    float *const out = cyg_floats_at(maps, tap->offset);
    float *const wide = is_pool ? cyg_floats_at(maps, net->pool_floats) : out;
    const int pixels = step->out_width * step->out_height;
    bool *const made = &maps->floats_made[tap - net->taps];
    if (*made) return out;
    *made = true;
    if (net->arithmetic != &net->kernels->f32)
        net->arithmetic->widen(wide, maps->arena + step->offset, (size_t)pixels, step->out_channels, step->worth);
    if (is_pool) net->kernels->mean(out, wide, pixels, step->out_channels);
    return out;
}

cyg_map cyg_features_map(const cyg_features *maps, const cyg_tap *tap)
{
    const cyg_backbone *net = maps->net;
    const cyg_step *step = &net->steps[tap->step];
    if (tap - net->taps == net->pool_tap)
        return (cyg_map){ (const char *)floats_of(maps, tap), &net->kernels->f32, NULL };
    return (cyg_map){ maps->arena + step->offset, net->arithmetic, step->worth };
}

cyg_tensor cyg_features_get(const cyg_features *maps, const char *name)
{
    for (int i = 0; i < maps->net->tap_count; i++) {
        const cyg_tap *tap = &maps->net->taps[i];
        if (!strcmp(tap->name, name))
            return (cyg_tensor){ floats_of(maps, tap), tap->height, tap->width, tap->channels };
    }
    return (cyg_tensor){ 0 };
}

cyg_region cyg_features_region(const cyg_features *maps)
{
    return maps->region;
}
