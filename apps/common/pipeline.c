/* pipeline.c - where backbone and heads meet. */
#include "pipeline.h"
#include "hash.h"
#include "nearest.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A model file, and the network in it. */
typedef struct network {
    cyg_model    *model;
    cyg_backbone *backbone;
    char          sha256[HASH_TEXT];
} network;

struct pipeline_models {
    network         detector, describer;        /* describer.model is NULL without one */
    cyg_head_params params;                     /* of the detector's head */
    pass_plan       plan;
    int             most;                       /* objects of a frame */
    bool           *wanted;                     /* [labels]; NULL = all */
};

struct pipeline {
    const pipeline_models *models;
    passes                 passes;
    cyg_features          *maps;                /* of the describer */
    cyg_head              *attributes, *embedding;
    cyg_result             said;
};

/* Over the longer side of the box: the best of those that were measured, ACCURACY.md. */
static const float crop_scale = 1.1f;
#define PREPROCESSING "square 1.1 x box, upright"

/* With more than one pass; their weak boxes are mostly faces, and merging takes care of the rest. */
static const float low_threshold = 0.3f;

/* ---- Models ----------------------------------------------------------------------- */

static cyg_status network_open(network *n, const char *path, const cyg_backbone_params *params, cyg_error *err)
{
    cyg_status status = cyg_model_open(&n->model, path, err);
    if (!status) status = hash_file(n->sha256, path, err);
    if (!status) status = cyg_backbone_create(&n->backbone, n->model, params, err);
    return status;
}

static void network_close(network *n)
{
    cyg_backbone_free(n->backbone);
    cyg_model_close(n->model);
}

/* Which label has that name, and if none has, the nearest one in the sentence. */
static cyg_status want_class(pipeline_models *m, const cyg_head *head, const char *name, cyg_error *err)
{
    nearest known = nearest_start(name);
    for (int i = 0; i < cyg_head_label_count(head); i++) {
        if (!strcmp(cyg_head_label(head, i), name)) {
            m->wanted[i] = true;
            return CYG_OK;
        }
        nearest_try(&known, cyg_head_label(head, i), cyg_head_label(head, i));
    }
    return cyg_fail(err, CYG_ARGUMENT, "%s knows no class '%s'%s", cyg_model_name(m->detector.model), name,
                    nearest_hint(&known).text);
}

static cyg_status want_classes(pipeline_models *m, const cyg_head *head, const char *classes, cyg_error *err)
{
    char *names = strdup(classes), *rest = names;
    m->wanted = calloc((size_t)cyg_head_label_count(head) + 1, sizeof *m->wanted);
    cyg_status status = names && m->wanted ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    for (char *name; !status && (name = strsep(&rest, ",")); ) {
        name += strspn(name, " ");
        status = want_class(m, head, name, err);
    }
    free(names);
    return status;
}

cyg_status pipeline_models_open(pipeline_models **out, const pipeline_options *o, cyg_error *err)
{
    *out = NULL;
    pipeline_models *m = calloc(1, sizeof *m);
    if (!m) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    const bool low = o->passes != PASSES_SINGLE && o->threshold == 0;
    m->params = (cyg_head_params){ .threshold = low ? low_threshold : o->threshold, .max_count = o->max_objects };
    m->plan = o->passes;
    m->most = o->max_objects > 0 ? o->max_objects : CYG_MAX_DETECTIONS;
    if (o->classes) m->params.max_count = CYG_MAX_DETECTIONS;       /* the best of those that are wanted */
    const cyg_backbone_params detector = {
        .isa = o->isa, .precision = o->precision, .width = o->width, .height = o->height,
    };
    const cyg_backbone_params describer = { .isa = o->isa, .precision = o->describer_precision };

    cyg_status status = network_open(&m->detector, o->model, &detector, err);
    if (!status && o->describer) status = network_open(&m->describer, o->describer, &describer, err);
    pipeline *trial = NULL;             /* a fault of a head is told here, not in every thread */
    if (!status) status = pipeline_create(&trial, m, err);
    if (!status && o->classes) status = want_classes(m, trial->passes.detector, o->classes, err);
    pipeline_free(trial);
    if (status) {
        pipeline_models_close(m);
        return status;
    }
    *out = m;
    return CYG_OK;
}

void pipeline_models_close(pipeline_models *m)
{
    if (!m) return;
    network_close(&m->detector);
    network_close(&m->describer);
    free(m->wanted);
    free(m);
}

const char *pipeline_models_name(const pipeline_models *m)
{
    return cyg_model_name(m->detector.model);
}

const char *pipeline_models_sha256(const pipeline_models *m)
{
    return m->detector.sha256;
}

const char *pipeline_models_isa(const pipeline_models *m)
{
    return cyg_backbone_isa(m->detector.backbone);
}

const char *pipeline_models_precision(const pipeline_models *m)
{
    return cyg_backbone_precision(m->detector.backbone);
}

void pipeline_models_size(const pipeline_models *m, int *width, int *height)
{
    *width = cyg_backbone_width(m->detector.backbone);
    *height = cyg_backbone_height(m->detector.backbone);
}

const char *pipeline_models_describer(const pipeline_models *m)
{
    return m->describer.model ? cyg_model_name(m->describer.model) : NULL;
}

const char *pipeline_models_describer_sha256(const pipeline_models *m)
{
    return m->describer.model ? m->describer.sha256 : NULL;
}

const char *pipeline_models_preprocessing(const pipeline_models *m)
{
    if (!m->describer.model) return NULL;
    const char *const precision = cyg_backbone_precision(m->describer.backbone);
    return !strcmp(precision, "bf16") ? PREPROCESSING ", bf16" : !strcmp(precision, "i8") ? PREPROCESSING ", i8"
                                                                                          : PREPROCESSING;
}

/* ---- Pipelines ---------------------------------------------------------------------- */

static cyg_status open_describer(pipeline *p, const network *describer, const cyg_executor *executor, cyg_error *err)
{
    if (!describer->model) return CYG_OK;
    cyg_status status = cyg_features_create(&p->maps, describer->backbone, executor, err);
    if (!status) status = cyg_head_create(&p->attributes, describer->backbone, "attributes", NULL, err);
    if (!status) status = cyg_head_create(&p->embedding, describer->backbone, "embedding", NULL, err);
    return status;
}

cyg_status pipeline_create(pipeline **out, const pipeline_models *m, cyg_error *err)
{
    return pipeline_create_spread(out, m, NULL, err);
}

cyg_status pipeline_create_spread(pipeline **out, const pipeline_models *m, const cyg_executor *executor,
                                  cyg_error *err)
{
    *out = NULL;
    pipeline *p = calloc(1, sizeof *p);
    if (!p) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    p->models = m;
    p->passes.backbone = m->detector.backbone;
    p->passes.plan = m->plan;
    const char *type = cyg_head_find(m->detector.backbone, CYG_DETECTIONS);
    if (!type) type = "ssd";
    cyg_status status = cyg_features_create(&p->passes.maps, m->detector.backbone, executor, err);
    if (!status) status = cyg_head_create(&p->passes.detector, m->detector.backbone, type, &m->params, err);
    if (!status) status = open_describer(p, &m->describer, executor, err);
    if (status) {
        pipeline_free(p);
        return status;
    }
    *out = p;
    return CYG_OK;
}

void pipeline_free(pipeline *p)
{
    if (!p) return;
    cyg_head_free(p->passes.detector);
    cyg_features_free(p->passes.maps);
    cyg_head_free(p->attributes);
    cyg_head_free(p->embedding);
    cyg_features_free(p->maps);
    free(p);
}

void pipeline_set_passes(pipeline *p, pass_plan plan)
{
    p->passes.plan = plan;
}

void pipeline_detect(pipeline *p, frame *f)
{
    passes_run(&p->passes, &f->image);
    const cyg_result *const found = &p->passes.merged;
    const bool *const wanted = p->models->wanted;
    f->object_count = 0;
    const cyg_skeleton *const skeleton = cyg_head_skeleton(p->passes.detector);
    for (int i = 0; i < found->count && f->object_count < p->models->most; i++) {
        const cyg_detection *d = &found->detections[i];
        if (wanted && !wanted[d->label]) continue;
        object *o = &f->objects[f->object_count++];
        *o = (object){ .box = d->box, .score = d->score, .label = d->label, .src = FROM_DETECT,
                       .label_text = cyg_head_label(p->passes.detector, d->label), .skeleton = skeleton };
        if (skeleton) memcpy(o->points, d->points, sizeof o->points);
    }
    f->analysed = true;
}

cyg_region pipeline_crop(const cyg_backbone *describer, cyg_box box)
{
    return cyg_region_crop(describer, box, crop_scale);
}

void pipeline_describe(pipeline *p, const frame *f, const object *o, description *out)
{
    assert(p->maps);
    const cyg_backbone *const backbone = p->models->describer.backbone;
    cyg_backbone_run(backbone, &f->image, pipeline_crop(backbone, o->box), p->maps);
    out->quality = quality_of(&f->image, o->box);

    cyg_head_run(p->attributes, p->maps, &p->said);
    out->attribute_count = p->said.count;
    for (int i = 0; i < p->said.count; i++) out->attributes[i] = p->said.attributes[i];

    cyg_head_run(p->embedding, p->maps, &p->said);
    out->dimension = p->said.count;
    for (int i = 0; i < p->said.count; i++) out->embedding[i] = p->said.embedding[i];
}

const cyg_head *pipeline_embedding(const pipeline *p)
{
    return p->embedding;
}

int pipeline_dimension(pipeline *p)
{
    static uint8_t grey[16 * 16];
    frame *f = frame_create();
    description *d = malloc(sizeof *d);
    int dimension = 0;
    if (f && d) {
        f->image = (cyg_image){ .format = CYG_GRAY, .width = 16, .height = 16, .depth = 8,
                                .plane = { grey }, .stride = { 16 } };
        const object o = { .box = { 0, 0, 16, 16 } };
        pipeline_describe(p, f, &o, d);
        dimension = d->dimension;
    }
    free(d);
    frame_free(f);
    return dimension;
}
