/* eval_precision.c - what a network answers in one kind of numbers, against float32, picture by picture.
 *
 *   eval_precision MODEL PRECISION INPUT...
 *
 * Of a classifier: how often the likeliest class is the same, and how far the logits are apart (L2, relative).
 * Of an SSD: how many boxes above the model's threshold have one of the same label that covers them by half.
 */
#include "classifier.h"
#include "head.h"
#include "inputs.h"
#include "model_look.h"
#include "nms.h"
#include "ssd.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLOATS, OTHER };

typedef struct network {
    looker     looker;
    cyg_head  *head;
    cyg_result found;
} network;

typedef struct counts {
    network networks[2];
    bool    is_ssd;
    int     pictures, same;
    double  sum, most;                  /* of the relative distances */
    int     boxes[2], matched[2];
} counts;

static void quit(const cyg_error *err)
{
    fprintf(stderr, "eval_precision: %s\n", err->message);
    exit(2);
}

static void open_network(counts *c, int which, const char *model, const char *precision)
{
    network *const n = &c->networks[which];
    const look_options look = { .precision = precision };
    cyg_error err;
    if (look_open(&n->looker, model, &look, &err)) quit(&err);
    c->is_ssd = cyg_head_create(&n->head, n->looker.net, "classifier", NULL, &err) != CYG_OK;
    if (c->is_ssd && cyg_head_create(&n->head, n->looker.net, "ssd", NULL, &err)) quit(&err);
}

/* What a head computed before scores: of an SSD the logits of all anchors. */
static const float *logits_of(const network *n, bool is_ssd, int *count)
{
    if (!is_ssd) return cyg_classifier_logits(cyg_head_self(n->head), count);
    const cyg_ssd_raw raw = cyg_ssd_last(cyg_head_self(n->head));
    *count = raw.anchor_count * raw.classes;
    return raw.logits;
}

static double distance(const counts *c)
{
    int count;
    const float *const a = logits_of(&c->networks[FLOATS], c->is_ssd, &count);
    const float *const b = logits_of(&c->networks[OTHER], c->is_ssd, &count);
    double apart = 0, length = 0;
    for (int i = 0; i < count; i++) {
        apart += pow((double)a[i] - (double)b[i], 2);
        length += pow((double)a[i], 2);
    }
    return sqrt(apart / length);
}

/* How many of a's boxes b has as well. */
static int matched(const cyg_result *a, const cyg_result *b)
{
    int count = 0;
    for (int i = 0; i < a->count; i++) {
        bool found = false;
        for (int k = 0; k < b->count && !found; k++)
            found = a->detections[i].label == b->detections[k].label &&
                    cyg_box_overlap(a->detections[i].box, b->detections[k].box) >= .5f;
        count += found;
    }
    return count;
}

static cyg_status look(void *context, const frame *f, const char *path, cyg_error *err)
{
    counts *const c = context;
    for (int i = 0; i < 2; i++) {
        network *const n = &c->networks[i];
        look_run(&n->looker, f);
        cyg_head_run(n->head, n->looker.maps, &n->found);
    }
    const cyg_result *const a = &c->networks[FLOATS].found, *const b = &c->networks[OTHER].found;
    const double apart = distance(c);
    c->pictures++;
    c->sum += apart;
    c->most = fmax(c->most, apart);
    if (!c->is_ssd) {
        c->same += a->classes[0].label == b->classes[0].label;
        return CYG_OK;
    }
    c->boxes[FLOATS] += a->count;
    c->boxes[OTHER] += b->count;
    c->matched[FLOATS] += matched(a, b);
    c->matched[OTHER] += matched(b, a);
    return CYG_OK;
}

static void report(const counts *c, const char *model, const char *precision)
{
    printf("%s, %s against f32, %d pictures: logits apart by %.4f on average, %.4f at most",
           model, precision, c->pictures,
           c->sum / c->pictures, c->most);
    if (c->is_ssd)
        printf("; boxes %d and %d, of which %d and %d in both\n", c->boxes[FLOATS], c->boxes[OTHER], c->matched[FLOATS],
               c->matched[OTHER]);
    else
        printf("; same class %d, %.1f %%\n", c->same, 100. * c->same / c->pictures);
}

int main(int argc, char **argv)
{
    inputs in = { 0 };
    cyg_error err = { .message = "found too few words, expected MODEL PRECISION INPUT..." };
    counts *const c = calloc(1, sizeof *c);
    if (argc < 4 || !c) quit(&err);
    open_network(c, FLOATS, argv[1], "f32");
    open_network(c, OTHER, argv[1], argv[2]);
    if (inputs_find(&in, (const char *const *)argv + 3, argc - 3, &err)) quit(&err);
    for (size_t i = 0; i < in.count; i++)
        if (look_at(&c->networks[0].looker, in.items[i].path, look, c, &err)) fprintf(stderr, "%s\n", err.message);
    if (c->pictures) report(c, cyg_model_name(c->networks[0].looker.model), argv[2]);
    for (int i = 0; i < 2; i++) {
        cyg_head_free(c->networks[i].head);
        look_close(&c->networks[i].looker);
    }
    inputs_free(&in);
    free(c);
    return 0;
}
