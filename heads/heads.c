/* heads.c - the list of head types; create, run, free. */
#include "head.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const cyg_head_type *const types[] = {
    &cyg_ssd_type,
    &cyg_attributes_type,
    &cyg_embedding_type,
    &cyg_classifier_type,
    &cyg_pose_type,
};

struct cyg_head {
    const cyg_head_type *type;
    const json_t        *labels;        /* array of texts, in the model; NULL: none */
    void                *self;
};

static const cyg_head_type *find_type(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (!strcmp(types[i]->name, name)) return types[i];
    return NULL;
}

/* The model's first head of that type, or NULL. */
static const json_t *find_settings(const cyg_model *model, const char *type)
{
    const json_t *heads = json_object_get(cyg_model_description(model), "heads");
    for (size_t i = 0; i < json_array_size(heads); i++) {
        const json_t *head = json_array_get(heads, i);
        const char *name = json_string_value(json_object_get(head, "type"));
        if (name && !strcmp(name, type)) return head;
    }
    return NULL;
}

static cyg_status check_labels(const json_t *labels, const cyg_model *model, const char *type, cyg_error *err)
{
    if (!json_is_array(labels) || json_array_size(labels) == 0)
        return cyg_fail(err, CYG_FORMAT, "%s: head '%s': 'labels': expected a list of one text or more",
                        cyg_model_path(model), type);
    for (size_t i = 0; i < json_array_size(labels); i++)
        if (!json_is_string(json_array_get(labels, i)))
            return cyg_fail(err, CYG_FORMAT, "%s: head '%s': 'labels': number %zu is not a text",
                            cyg_model_path(model), type, i + 1);
    return CYG_OK;
}

static cyg_status check_params(const cyg_head_params *p, cyg_error *err)
{
    if (!(p->threshold >= 0 && p->threshold < 1))
        return cyg_fail(err, CYG_ARGUMENT, "threshold: found %g, expected more than 0 and less than 1",
                        (double)p->threshold);
    if (!(p->overlap >= 0 && p->overlap <= 1))
        return cyg_fail(err, CYG_ARGUMENT, "overlap: found %g, expected 0 to 1", (double)p->overlap);
    if (p->max_count < 0 || p->max_count > CYG_MAX_DETECTIONS)
        return cyg_fail(err, CYG_ARGUMENT, "max_count: found %d, expected 1 to %d", p->max_count,
                        CYG_MAX_DETECTIONS);
    return CYG_OK;
}

cyg_status cyg_head_create(cyg_head **out, const cyg_backbone *net, const char *type,
                           const cyg_head_params *params, cyg_error *err)
{
    *out = NULL;
    const cyg_head_params chosen = params ? *params : (cyg_head_params){ 0 };
    const cyg_model *model = cyg_backbone_model(net);
    const cyg_head_type *known = find_type(type);
    const json_t *settings = known ? find_settings(model, type) : NULL;
    if (!settings)
        return cyg_fail(err, CYG_NOT_FOUND, "%s: has no head of type '%s'", cyg_model_path(model), type);

    const json_t *labels = json_object_get(settings, "labels");
    cyg_status status = CYG_OK;
    if (known->kind == CYG_DETECTIONS || known->kind == CYG_CLASSES) status = check_labels(labels, model, type, err);
    if (!status) status = check_params(&chosen, err);
    if (status) return status;

    cyg_head *head = malloc(sizeof *head);
    if (!head) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    *head = (cyg_head){ .type = known, .labels = labels };
    status = known->create(&head->self, net, settings, &chosen, err);
    if (status) {
        free(head);
        return status;
    }
    *out = head;
    return CYG_OK;
}

void cyg_head_free(cyg_head *head)
{
    if (!head) return;
    head->type->free(head->self);
    free(head);
}

cyg_result_kind cyg_head_kind(const cyg_head *head)
{
    return head->type->kind;
}

int cyg_head_label_count(const cyg_head *head)
{
    return (int)json_array_size(head->labels);
}

const char *cyg_head_label(const cyg_head *head, int label)
{
    if (label < 0 || label >= cyg_head_label_count(head)) return "?";
    return json_string_value(json_array_get(head->labels, (size_t)label));
}

const cyg_skeleton *cyg_head_skeleton(const cyg_head *head)
{
    return head->type->skeleton ? head->type->skeleton(head->self) : NULL;
}

const char *cyg_head_find(const cyg_backbone *net, cyg_result_kind kind)
{
    const json_t *heads = json_object_get(cyg_model_description(cyg_backbone_model(net)), "heads");
    for (size_t i = 0; i < json_array_size(heads); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(heads, i), "type"));
        const cyg_head_type *known = name ? find_type(name) : NULL;
        if (known && known->kind == kind) return known->name;
    }
    return NULL;
}

void *cyg_head_self(const cyg_head *head)
{
    return head->self;
}

void cyg_head_run(cyg_head *head, const cyg_features *maps, cyg_result *out)
{
    assert(head && maps && out);
    out->kind = head->type->kind;
    out->count = 0;
    head->type->run(head->self, maps, out);
}
