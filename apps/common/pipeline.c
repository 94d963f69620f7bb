/* pipeline.c - where backbone and heads meet. */
#include "pipeline.h"
#include "hash.h"
#include <stdlib.h>

struct pipeline_models {
    cyg_model      *model;
    cyg_backbone   *backbone;
    cyg_head_params detector;
    char            sha256[HASH_TEXT];
};

struct pipeline {
    const cyg_backbone *backbone;
    cyg_features       *maps;
    cyg_head           *detector;
    cyg_result          found;
};

cyg_status pipeline_models_open(pipeline_models **out, const pipeline_options *o, cyg_error *err)
{
    *out = NULL;
    pipeline_models *m = calloc(1, sizeof *m);
    if (!m) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    m->detector = (cyg_head_params){ .threshold = o->threshold, .max_count = o->max_objects };
    const cyg_backbone_params params = { .isa = o->isa, .width = o->width, .height = o->height };
    cyg_head *trial = NULL;             /* a fault of the head is told here, not in every thread */

    cyg_status status = cyg_model_open(&m->model, o->model, err);
    if (!status) status = hash_file(m->sha256, o->model, err);
    if (!status) status = cyg_backbone_create(&m->backbone, m->model, &params, err);
    if (!status) status = cyg_head_create(&trial, m->backbone, "ssd", &m->detector, err);
    cyg_head_free(trial);
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
    cyg_backbone_free(m->backbone);
    cyg_model_close(m->model);
    free(m);
}

const char *pipeline_models_name(const pipeline_models *m)
{
    return cyg_model_name(m->model);
}

const char *pipeline_models_sha256(const pipeline_models *m)
{
    return m->sha256;
}

const char *pipeline_models_isa(const pipeline_models *m)
{
    return cyg_backbone_isa(m->backbone);
}

cyg_status pipeline_create(pipeline **out, const pipeline_models *m, cyg_error *err)
{
    *out = NULL;
    pipeline *p = calloc(1, sizeof *p);
    if (!p) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    p->backbone = m->backbone;
    cyg_status status = cyg_features_create(&p->maps, m->backbone, NULL, err);
    if (!status) status = cyg_head_create(&p->detector, m->backbone, "ssd", &m->detector, err);
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
    cyg_head_free(p->detector);
    cyg_features_free(p->maps);
    free(p);
}

void pipeline_detect(pipeline *p, frame *f)
{
    cyg_backbone_run(p->backbone, &f->image, cyg_region_letterbox(p->backbone, &f->image), p->maps);
    cyg_head_run(p->detector, p->maps, &p->found);
    for (int i = 0; i < p->found.count; i++) {
        const cyg_detection *d = &p->found.detections[i];
        f->objects[i] = (object){ .box = d->box, .score = d->score, .label = d->label,
                                  .label_text = cyg_head_label(p->detector, d->label), .src = FROM_DETECT };
    }
    f->object_count = p->found.count;
    f->analysed = true;
}
