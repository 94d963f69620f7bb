/* naming.c - embedding -> the nearest of the people -> name, how alike, and how rare that is. */
#include "naming.h"
#include "text.h"
#include <math.h>
#include <stdio.h>

cyg_status naming_prepare(naming *n, const pipeline_models *models, pipeline *p, double false_match, cyg_error *err)
{
    n->recipe = (gallery_recipe){
        .model = pipeline_models_describer(models), .model_sha256 = pipeline_models_describer_sha256(models),
        .preprocessing = pipeline_models_preprocessing(models), .dimension = pipeline_dimension(p),
    };
    n->head = pipeline_embedding(p);
    if (n->recipe.dimension < 1)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: makes no embeddings, and --gallery needs them", n->recipe.model);
    n->wanted = false_match;
    if (!cyg_head_threshold(n->head, (float)false_match, &n->same))
        return cyg_fail(err, CYG_ARGUMENT, "--false-match: %g is less than was measured for %s", false_match,
                        n->recipe.model);
    return CYG_OK;
}

/* A stranger meets every face held, so each may let pass so much less, but no less than was measured. */
static void set_threshold(naming *n)
{
    cyg_false_match least;
    const double faces = who_faces(n->people) > 0 ? who_faces(n->people) : 1;
    cyg_head_false_match(n->head, 1, &least);
    const double each = fmax(n->wanted / faces, (double)least.rate);
    cyg_head_threshold(n->head, (float)each, &n->same);
    n->promised = fmin(each * faces, 1);
}

cyg_status naming_open(naming *n, const char *path, cyg_error *err)
{
    naming_close(n);
    const cyg_status status = who_open(&n->people, path, &n->recipe, err);
    if (status == CYG_OK) set_threshold(n);
    return status;
}

bool naming_says_less(const naming *n, char *out, size_t size)
{
    const bool less = n->people && n->promised > n->wanted * 1.001;
    if (less) snprintf(out, size, "among %d faces a stranger may be given a name in %.2g %% of cases, not in %.2g %%: "
                       "less was not measured", who_faces(n->people), 100 * n->promised, 100 * n->wanted);
    return less;
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
