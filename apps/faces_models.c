/* faces_models.c - opens the networks that a verb looks with. */
#include "faces_models.h"
#include "model_path.h"
#include <math.h>
#include <stdlib.h>

cyg_status models_open(models *out, const models_settings *s, cyg_error *err)
{
    *out = (models){ 0 };
    char *detector = NULL, *describer = NULL;
    cyg_status status = model_path_find(&detector, s->detector, err);
    if (!status) status = model_path_find(&describer, s->describer, err);
    const pipeline_options wanted = {
        .model = detector, .describer = describer, .passes = s->tiles ? PASSES_TILES : PASSES_PORTRAIT, .isa = s->isa,
        .precision = s->precision, .describer_precision = s->describer_precision, .threshold = (float)s->threshold,
    };
    if (!status) status = pipeline_models_open(&out->shared, &wanted, err);
    if (!status) status = pipeline_create(&out->first, out->shared, err);
    if (!status) {
        out->recipe = (gallery_recipe){
            .model = pipeline_models_describer(out->shared),
            .model_sha256 = pipeline_models_describer_sha256(out->shared),
            .preprocessing = pipeline_models_preprocessing(out->shared), .dimension = pipeline_dimension(out->first),
        };
        if (out->recipe.dimension < 1)
            status = cyg_fail(err, CYG_UNSUPPORTED, "%s: makes no embeddings", describer);
    }
    free(detector);
    free(describer);
    return status;
}

void models_close(models *m)
{
    pipeline_free(m->first);
    pipeline_models_close(m->shared);
}

cyg_status models_threshold(float *out, const models *m, double cosine, double false_match, cyg_error *err)
{
    const cyg_head *const head = pipeline_embedding(m->first);
    cyg_false_match least;
    *out = (float)cosine;
    if (!isnan(cosine) || cyg_head_threshold(head, (float)false_match, out)) return CYG_OK;
    if (!cyg_head_false_match(head, 1, &least))
        return cyg_fail(err, CYG_ARGUMENT, "--false-match: the model does not say what a cosine stands for; "
                        "give --threshold");
    return cyg_fail(err, CYG_ARGUMENT, "--false-match: found %g, expected %g or more: less was not measured; "
                    "give --threshold", false_match, (double)least.rate);
}
