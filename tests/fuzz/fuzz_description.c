/* fuzz_description.c - any JSON as the description of a small network with one SSD head: made, or refused
 * with a sentence. */
#include "heads.h"
#include "model_writer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) abort();
}

static void add(model_writer *w, const char *format, int number, int a, int b, int c, int d)
{
    static const uint8_t ones[3 * 3 * 64 * 64];
    char name[40];
    const size_t size = (size_t)a * (size_t)b * (size_t)c * (size_t)d;
    snprintf(name, sizeof name, format, number);
    must(size <= sizeof ones);
    must(model_writer_add(w, name, "U8", 4, (const int[]){ a, b, c, d }, ones, size, NULL) == CYG_OK);
}

/* MobileNetV1 of width 1/16, one extra layer, and predictors for three and four anchors of three classes. */
static void add_tensors(model_writer *w)
{
    static const int channels[] = { 8, 8, 8, 8, 16, 16, 32, 32, 32, 32, 32, 32, 64, 64 };
    add(w, "conv%d/weights", 0, 3, 3, 3, 8);
    for (int i = 1; i <= 13; i++) {
        add(w, "conv%d_dw/weights", i, 3, 3, channels[i - 1], 1);
        add(w, "conv%d_pw/weights", i, 1, 1, channels[i - 1], channels[i]);
    }
    add(w, "extra%d/weights", 0, 3, 3, 64, 8);
    for (int k = 0; k < 2; k++) {
        add(w, "boxes%d/weights", k, 1, 1, k ? 8 : 64, 4 * (k ? 4 : 3));
        add(w, "scores%d/weights", k, 1, 1, k ? 8 : 64, 3 * (k ? 4 : 3));
    }
}

static void read_network(const cyg_model *model)
{
    cyg_backbone *net;
    cyg_head *head;
    cyg_error err = { 0 };
    if (cyg_backbone_create(&net, model, &(cyg_backbone_params){ .isa = "ref" }, &err)) {
        must(!net && err.message[0]);
        return;
    }
    if (cyg_head_create(&head, net, "ssd", NULL, &err)) must(!head && err.message[0]);
    else must(cyg_head_label(head, 0)[0] || cyg_head_label_count(head) > 0);
    cyg_head_free(head);
    cyg_backbone_free(net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *const description = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    model_writer *w;
    uint8_t *bytes;
    cyg_model *model;
    if (!description) return 0;
    must(model_writer_create(&w, NULL) == CYG_OK);
    add_tensors(w);
    must(model_writer_finish(&bytes, &size, w, description, NULL) == CYG_OK);
    if (cyg_model_wrap(&model, bytes, size, "FILE", NULL) == CYG_OK) read_network(model);
    cyg_model_close(model);
    free(bytes);
    model_writer_free(w);
    json_decref(description);
    return 0;
}
