/* eval_precision.c - what a network answers in one kind of numbers, against float32, picture by picture.
 *
 *   eval_precision MODEL PRECISION INPUT...
 *
 * How far what its first head computes before scores is apart (L2, relative), and how the answers compare, as
 * cygnet-model quantize says it.
 */
#include "classifier.h"
#include "head.h"
#include "inputs.h"
#include "model_answers.h"
#include "model_look.h"
#include "ssd.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLOATS, OTHER };

typedef struct counts {
    looker  looker;
    subject subjects[2];
    answers answers;
    int     pictures;
    double  sum, most;                  /* of the relative distances */
} counts;

static void quit(const cyg_error *err)
{
    fprintf(stderr, "eval_precision: %s\n", err->message);
    exit(2);
}

/* What a head computed before scores: of an SSD the logits of all anchors. */
static const float *logits_of(const subject *s, int *count)
{
    void *const head = cyg_head_self(s->heads[0]);
    *count = 0;
    if (cyg_head_kind(s->heads[0]) == CYG_CLASSES) return cyg_classifier_logits(head, count);
    if (strcmp(cyg_head_find(s->net, CYG_DETECTIONS), "ssd") != 0) return NULL;
    const cyg_ssd_raw raw = cyg_ssd_last(head);
    *count = raw.anchor_count * raw.classes;
    return raw.logits;
}

static double distance(const counts *c)
{
    int count;
    const float *const a = logits_of(&c->subjects[FLOATS], &count);
    const float *const b = logits_of(&c->subjects[OTHER], &count);
    double apart = 0, length = 0;
    for (int i = 0; i < count; i++) {
        apart += pow((double)a[i] - (double)b[i], 2);
        length += pow((double)a[i], 2);
    }
    return length > 0 ? sqrt(apart / length) : 0;
}

static cyg_status look(void *context, const frame *f, const char *path, cyg_error *err)
{
    counts *const c = context;
    answers_compare(&c->answers, &c->subjects[FLOATS], &c->subjects[OTHER], &f->image,
                    cyg_region_letterbox(c->looker.net, &f->image));
    const double apart = distance(c);
    c->pictures++;
    c->sum += apart;
    c->most = fmax(c->most, apart);
    return CYG_OK;
}

static void report(const counts *c, const char *precision)
{
    char said[400];
    answers_say(said, sizeof said, &c->answers);
    printf("%s, %s against f32, %d pictures: logits apart by %.4f on average, %.4f at most; %s: %s\n",
           cyg_model_name(c->looker.model), precision, c->pictures, c->sum / c->pictures, c->most, said,
           answers_equal(&c->answers) ? "equal" : "not equal");
}

int main(int argc, char **argv)
{
    inputs in = { 0 };
    cyg_error err = { .message = "found too few words, expected MODEL PRECISION INPUT..." };
    counts *const c = calloc(1, sizeof *c);
    if (argc < 4 || !c) quit(&err);
    if (look_open(&c->looker, argv[1], &(look_options){ 0 }, &err)) quit(&err);
    for (int i = 0; i < 2; i++)
        if (subject_open(&c->subjects[i], c->looker.model, i ? argv[2] : "f32", &err)) quit(&err);
    if (inputs_find(&in, (const char *const *)argv + 3, argc - 3, &err)) quit(&err);
    for (size_t i = 0; i < in.count; i++)
        if (look_at(&c->looker, in.items[i].path, look, c, &err)) fprintf(stderr, "%s\n", err.message);
    if (c->pictures) report(c, argv[2]);
    for (int i = 0; i < 2; i++) subject_close(&c->subjects[i]);
    look_close(&c->looker);
    inputs_free(&in);
    free(c);
    return 0;
}
