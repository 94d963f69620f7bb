/* naming.c - embedding -> the nearest of the people -> name, how alike, and how rare that is. */
#include "naming.h"
#include "text.h"

cyg_status naming_prepare(naming *n, const pipeline_models *models, pipeline *p, double false_match, cyg_error *err)
{
    n->recipe = (gallery_recipe){
        .model = pipeline_models_describer(models), .model_sha256 = pipeline_models_describer_sha256(models),
        .preprocessing = pipeline_models_preprocessing(models), .dimension = pipeline_dimension(p),
    };
    n->head = pipeline_embedding(p);
    if (n->recipe.dimension < 1)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: makes no embeddings, and --gallery needs them", n->recipe.model);
    if (!cyg_head_threshold(n->head, (float)false_match, &n->same))
        return cyg_fail(err, CYG_ARGUMENT, "--false-match: %g is less than was measured for %s", false_match,
                        n->recipe.model);
    return CYG_OK;
}

cyg_status naming_open(naming *n, const char *path, cyg_error *err)
{
    naming_close(n);
    return who_open(&n->people, path, &n->recipe, err);
}

void naming_close(naming *n)
{
    who_close(n->people);
    n->people = NULL;
}

void naming_recognise(void *context, appearance *a)
{
    const naming *n = context;
    const identity i = n->people ? who_is(n->people, a->embedding, n->same) : (identity){ 0 };
    cyg_false_match rate = { 0 };
    if (i.name) cyg_head_false_match(n->head, i.cosine, &rate);
    text_clean(a->name, sizeof a->name, i.name ? i.name : "", TEXT_UTF8);
    a->cosine = i.name ? i.cosine : 0;
    a->false_match = rate.rate;
}
