/* eval_choices.c - which face, which crop, mirrored or not, centred or not? Chosen on two folds of the labelled
 * pairs, measured on the third, so that the figure is not of what was tuned on it.
 *
 *   eval_choices MODELS DATA
 *
 * DATA as of eval_lfw.
 */
#include "eval_pairs.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIMENSION = 1024 };

enum { CENTRAL, NEAREST, LARGEST, SUREST, RULES };
static const char *const rules[RULES] = { "central", "nearest", "largest", "surest" };

enum { CROPS = 5 };
static const float crops[CROPS] = { 1, 1.1f, 1.2f, 1.3f, 1.5f };

/* One way of making a cosine of two pictures. */
typedef struct variant { int rule, crop; bool mirrored, centred; } variant;
enum { VARIANTS = RULES * CROPS * 4 };

static variant variant_of(int i)
{
    return (variant){ i / (CROPS * 4), i / 4 % CROPS, i / 2 % 2, i % 2 };
}

typedef float embedding[DIMENSION];

typedef struct picture {
    int        which[RULES];            /* the object that each rule chooses; equal ones share a row */
    embedding *plain[RULES], *mirror[RULES];    /* [CROPS], of length 1; NULL: no face */
} picture;

typedef struct job {
    const eval_describer *describer;
    picture              *pictures;     /* [files] */
} job;

/* ---- Looking ---------------------------------------------------------------------------- */

static int choose(const frame *f, int rule)
{
    int best = 0;
    float most = -INFINITY;
    for (int i = 0; i < f->object_count; i++) {
        const cyg_box b = f->objects[i].box;
        const float x = (b.x1 + b.x2 - (float)f->image.width) / 2, y = (b.y1 + b.y2 - (float)f->image.height) / 2;
        const float value = rule == NEAREST ? -hypotf(x, y) : rule == SUREST ? f->objects[i].score
                                                            : (b.x2 - b.x1) * (b.y2 - b.y1);
        if (value <= most) continue;
        most = value;
        best = i;
    }
    return rule == CENTRAL ? (int)(eval_central(f) - f->objects) : best;
}

static void describe(const job *j, int thread, embedding *out, const frame *f, cyg_box box, bool mirrored)
{
    cyg_result said;
    for (int c = 0; c < CROPS; c++) {
        eval_describe(j->describer, thread, &f->image, box, crops[c], mirrored);
        cyg_head_run(j->describer->embedding[thread], j->describer->maps[thread], &said);
        memcpy(out[c], said.embedding, sizeof out[c]);
    }
}

static void look(void *context, int thread, int i, pipeline *p, frame *f)
{
    job *j = context;
    picture *to = &j->pictures[i];
    pipeline_detect(p, f);
    for (int rule = 0; rule < RULES && f->object_count; rule++) {
        to->which[rule] = choose(f, rule);
        for (int other = 0; other < rule && !to->plain[rule]; other++)
            if (to->which[other] == to->which[rule]) {
                to->plain[rule] = to->plain[other];
                to->mirror[rule] = to->mirror[other];
            }
        if (to->plain[rule]) continue;
        to->plain[rule] = malloc(CROPS * sizeof(embedding));
        to->mirror[rule] = malloc(CROPS * sizeof(embedding));
        if (!to->plain[rule] || !to->mirror[rule]) exit(2);
        describe(j, thread, to->plain[rule], f, f->objects[to->which[rule]].box, false);
        describe(j, thread, to->mirror[rule], f, f->objects[to->which[rule]].box, true);
    }
}

/* ---- Variants ------------------------------------------------------------------------------ */

static void embed(embedding out, const picture *p, variant v)
{
    memset(out, 0, sizeof(embedding));
    if (!p->plain[v.rule]) return;
    for (int k = 0; k < DIMENSION; k++)
        out[k] = p->plain[v.rule][v.crop][k] + (v.mirrored ? p->mirror[v.rule][v.crop][k] : 0);
}

/* What is common to all faces of the other folds' pairs. */
static void find_centre(double out[DIMENSION], const job *j, const eval_pairs *pairs, variant v, int fold)
{
    int count = 0;
    embedding e;
    memset(out, 0, DIMENSION * sizeof *out);
    for (int i = 0; i < 2 * pairs->count; i++) {
        const eval_pair *p = &pairs->list[i / 2];
        if (p->fold == fold) continue;
        embed(e, &j->pictures[i % 2 ? p->b : p->a], v);
        for (int k = 0; k < DIMENSION; k++) out[k] += (double)e[k];
        count++;
    }
    for (int k = 0; k < DIMENSION; k++) out[k] /= count;
}

static void compare_all(float *cosines, const job *j, const eval_pairs *pairs, variant v, int fold)
{
    double centre[DIMENSION] = { 0 };
    if (v.centred) find_centre(centre, j, pairs, v, fold);
    for (int i = 0; i < pairs->count; i++) {
        embedding a, b;
        embed(a, &j->pictures[pairs->list[i].a], v);
        embed(b, &j->pictures[pairs->list[i].b], v);
        for (int k = 0; k < DIMENSION; k++) {
            a[k] -= (float)centre[k];
            b[k] -= (float)centre[k];
        }
        cosines[i] = cyg_cosine(a, b, DIMENSION);
    }
}

/* What is measured: on the fold, with everything chosen on the others. */
typedef struct figures { double tuned, accuracy, at_2, at_3, false_2, false_3; } figures;

static figures measure(const eval_pairs *pairs, const float *cosines, int fold)
{
    const eval_part others = { fold, true }, held = { fold, false };
    figures f;
    f.accuracy = eval_accuracy(pairs, cosines, held, eval_best_threshold(pairs, cosines, others, &f.tuned));
    const float two = eval_threshold_at(pairs, cosines, others, 1e-2);
    const float three = eval_threshold_at(pairs, cosines, others, 1e-3);
    f.at_2 = eval_rate_above(pairs, cosines, held, two, true);
    f.at_3 = eval_rate_above(pairs, cosines, held, three, true);
    f.false_2 = eval_rate_above(pairs, cosines, held, two, false);
    f.false_3 = eval_rate_above(pairs, cosines, held, three, false);
    return f;
}

static void add(figures *to, const figures *f)
{
    to->accuracy += f->accuracy / EVAL_FOLDS;
    to->at_2 += f->at_2 / EVAL_FOLDS;
    to->at_3 += f->at_3 / EVAL_FOLDS;
    to->false_2 += f->false_2 / EVAL_FOLDS;
    to->false_3 += f->false_3 / EVAL_FOLDS;
}

static void print_name(int i)
{
    const variant v = variant_of(i);
    printf("%-8s %.1f%-9s%-8s", rules[v.rule], (double)crops[v.crop], v.mirrored ? " mirrored" : "",
           v.centred ? " centred" : "");
}

static void print_figures(const figures *f)
{
    printf("  %.4f  %.4f (%.4f)  %.4f (%.4f)\n", f->accuracy, f->at_2, f->false_2, f->at_3, f->false_3);
}

static void print_all(const job *j, const eval_pairs *pairs)
{
    float *cosines = malloc((size_t)pairs->count * sizeof *cosines);
    static figures all[VARIANTS][EVAL_FOLDS];
    if (!cosines) exit(2);
    printf("thresholds of two folds, on the third, mean of three: accuracy, true (false) matches at 1e-2, at 1e-3\n");
    for (int i = 0; i < VARIANTS; i++) {
        figures mean = { 0 };
        for (int fold = 0; fold < EVAL_FOLDS; fold++) {
            compare_all(cosines, j, pairs, variant_of(i), fold);
            all[i][fold] = measure(pairs, cosines, fold);
            add(&mean, &all[i][fold]);
        }
        print_name(i);
        print_figures(&mean);
    }
    figures held = { 0 };
    for (int fold = 0; fold < EVAL_FOLDS; fold++) {
        int best = 0;
        for (int i = 1; i < VARIANTS; i++)
            if (all[i][fold].tuned > all[best][fold].tuned) best = i;
        printf("best on the folds other than %d, %.4f there: ", fold, all[best][fold].tuned);
        print_name(best);
        print_figures(&all[best][fold]);
        add(&held, &all[best][fold]);
    }
    printf("held out, the variant chosen as well:");
    print_figures(&held);
    free(cosines);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: eval_choices MODELS DATA\n");
        return 2;
    }
    char images[1000], list[1000];
    snprintf(images, sizeof images, "%s/images", argv[2]);
    snprintf(list, sizeof list, "%s/pairs.tsv", argv[2]);
    eval_files files = eval_list(images);
    const pipeline_options options = eval_options(argv[1]);
    eval_describer *describer = eval_describer_open(options.describer);
    job j = { describer, calloc((size_t)files.count, sizeof(picture)) };
    if (!j.pictures) return 2;
    eval_run(images, &files, &options, look, &j);
    eval_pairs pairs = eval_pairs_read(list, &files);
    print_all(&j, &pairs);
    for (int i = 0; i < files.count; i++)
        for (int rule = RULES - 1; rule >= 0; rule--) {
            bool shared = false;
            for (int other = 0; other < rule; other++)
                shared |= j.pictures[i].plain[other] == j.pictures[i].plain[rule];
            if (shared) continue;
            free(j.pictures[i].plain[rule]);
            free(j.pictures[i].mirror[rule]);
        }
    free(j.pictures);
    free(pairs.list);
    eval_describer_close(describer);
    eval_free(&files);
    return 0;
}
