/* fuzz_model.c - any bytes as a model file: opened and read through to the heads, or refused with a sentence. */
#include "heads.h"
#include "ops.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) abort();
}

static void read_tensors(const cyg_model *model)
{
    for (int i = 0; i < cyg_model_tensor_count(model); i++) {
        const cyg_stored t = cyg_model_tensor(model, i);
        cyg_stored found;
        float *values;
        must(cyg_model_find(model, t.name, &found) && found.bytes == t.bytes);
        if (cyg_model_floats(&values, model, t.name, t.rank, t.shape, NULL) == CYG_OK) free(values);
    }
}

static void read_network(const cyg_model *model)
{
    cyg_backbone *net;
    cyg_head *head;
    cyg_error err = { 0 };
    if (cyg_backbone_create(&net, model, &(cyg_backbone_params){ .isa = "ref" }, &err)) {
        must(err.message[0]);
        return;
    }
    if (cyg_head_create(&head, net, "ssd", NULL, &err)) must(err.message[0]);
    else cyg_head_free(head);
    cyg_backbone_free(net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cyg_model *model;
    cyg_error err = { 0 };
    if (cyg_model_wrap(&model, data, size, "FILE", &err)) {
        must(!model && strncmp(err.message, "FILE: ", 6) == 0);
        return 0;
    }
    must(cyg_model_name(model)[0]);
    read_tensors(model);
    read_network(model);
    cyg_model_close(model);
    return 0;
}
