/* eval_age.c - age and gender of face chips, end to end: our own detector and crop.
 *
 *   eval_age MODELS FOLDER
 *
 * Names in FOLDER: AGE_GENDER_...; gender 0 = male, 1 = female. A chip where no face is found counts as
 * missed, and is described by its middle, so that the error is of all chips. Other crops are tried as well:
 * of the face found, and of the chip's middle, as if nobody looked for a face.
 */
#include "eval.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ways to cut: the face found times a factor; a part of the chip. */
typedef struct cut { bool of_chip; float scale; } cut;
static const cut cuts[] = {
    { false, 1.1f },                    /* what the programs do; told in full */
    { false, .9f }, { false, 1 }, { false, 1.25f }, { false, 1.4f }, { false, 1.6f },
    { true, .6f }, { true, .7f }, { true, .8f }, { true, .9f }, { true, 1 },
};
enum { CUTS = sizeof cuts / sizeof *cuts, DECADES = 8 };

/* Faces of the whole set by decade, 70 and more in one: 23702, counted from the names of its files. */
static const int whole_set[DECADES] = { 3062, 1530, 7344, 4536, 2244, 2298, 1316, 1372 };

typedef struct answer { float age, deviation; bool female; } answer;
typedef struct chip { int age, found; bool female; answer said[CUTS]; } chip;

typedef struct job { const eval_files *files; const eval_describer *describer; chip *chips; } job;

/* The largest face is the one the chip was made of. */
static object subject(const frame *f)
{
    const float w = (float)f->image.width, h = (float)f->image.height;
    object best = { .box = { w * .15f, h * .15f, w * .85f, h * .85f } };
    float most = 0;
    for (int i = 0; i < f->object_count; i++) {
        const cyg_box b = f->objects[i].box;
        const float size = fmaxf(b.x2 - b.x1, b.y2 - b.y1);
        if (size > most) {
            most = size;
            best = f->objects[i];
        }
    }
    return best;
}

static answer describe(const job *j, int thread, const frame *f, cyg_box box, float scale)
{
    cyg_result said;
    answer out = { 0 };
    eval_describe(j->describer, thread, &f->image, box, scale, false);
    cyg_head_run(j->describer->attributes[thread], j->describer->maps[thread], &said);
    for (int k = 0; k < said.count; k++) {
        const cyg_attribute *a = &said.attributes[k];
        if (strcmp(a->name, "age") == 0) {
            out.age = a->value;
            out.deviation = a->deviation;
        }
        if (strcmp(a->name, "gender") == 0) out.female = strcmp(a->label, "female") == 0;
    }
    return out;
}

static void look(void *context, int thread, int i, pipeline *p, frame *f)
{
    job *j = context;
    chip *c = &j->chips[i];
    int gender = 0;
    if (sscanf(j->files->names[i], "%d_%d_", &c->age, &gender) != 2) return;
    c->female = gender == 1;
    pipeline_detect(p, f);
    c->found = 1 + (f->object_count > 0);
    const cyg_box face = subject(f).box, whole = { 0, 0, (float)f->image.width, (float)f->image.height };
    for (int k = 0; k < (int)CUTS; k++)
        c->said[k] = describe(j, thread, f, cuts[k].of_chip ? whole : face, cuts[k].scale);
}

static void print_ages(const chip *chips, int count, int from, int to)
{
    double off = 0, bias = 0;
    int n = 0, good = 0, within = 0;
    for (int i = 0; i < count; i++) {
        const chip *c = &chips[i];
        if (!c->found || c->age < from || c->age > to) continue;
        n++;
        off += fabs((double)c->said[0].age - c->age);
        bias += (double)c->said[0].age - c->age;
        good += c->female == c->said[0].female;
        within += fabsf(c->said[0].age - (float)c->age) <= c->said[0].deviation;
    }
    if (n == 0) return;
    printf("ages %3d to %3d: %4d chips, age off by %.2f years (%+.2f on average), within its deviation %.2f, "
           "gender right %.3f\n", from, to, n, off / n, bias / n, (double)within / n, (double)good / n);
}

/* Over these chips, and as if ages were spread as in the whole set, of which these are an even choice. */
static void print_cut(const chip *chips, int count, int which)
{
    double off[DECADES] = { 0 }, good[DECADES] = { 0 }, all_off = 0, all_good = 0, as_off = 0, as_good = 0, weight = 0;
    int n[DECADES] = { 0 }, all = 0;
    for (int i = 0; i < count; i++) {
        const chip *c = &chips[i];
        const int decade = c->age / 10 < DECADES ? c->age / 10 : DECADES - 1;
        if (!c->found) continue;
        n[decade]++;
        off[decade] += fabs((double)c->said[which].age - c->age);
        good[decade] += c->female == c->said[which].female;
    }
    for (int d = 0; d < DECADES; d++) {
        if (n[d] == 0) continue;
        all += n[d];
        all_off += off[d];
        all_good += good[d];
        weight += whole_set[d];
        as_off += whole_set[d] * off[d] / n[d];
        as_good += whole_set[d] * good[d] / n[d];
    }
    if (all == 0) return;
    printf("%s x %.2f: age off by %.2f years, gender right %.3f; as spread in the whole set %.2f years, %.3f\n",
           cuts[which].of_chip ? "chip" : "face", (double)cuts[which].scale, all_off / all, all_good / all,
           as_off / weight,
           as_good / weight);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: eval_age MODELS FOLDER\n");
        return 2;
    }
    eval_files files = eval_list(argv[2]);
    const pipeline_options options = eval_options(argv[1]);
    eval_describer *describer = eval_describer_open(options.describer);
    job j = { &files, describer, calloc((size_t)files.count + 1, sizeof(chip)) };
    if (!j.chips) return 2;
    eval_run(argv[2], &files, &options, look, &j);
    int found = 0;
    for (int i = 0; i < files.count; i++) found += j.chips[i].found == 2;
    printf("%d chips; a face found in %d, %.2f %%\n", files.count, found, 100. * found / files.count);
    static const int bounds[] = { 0, 3, 13, 20, 30, 40, 50, 60, 70, 200 };
    for (size_t i = 0; i + 1 < sizeof bounds / sizeof *bounds; i++)
        print_ages(j.chips, files.count, bounds[i], bounds[i + 1] - 1);
    print_ages(j.chips, files.count, 0, 200);
    for (int k = 0; k < (int)CUTS; k++) print_cut(j.chips, files.count, k);
    eval_describer_close(describer);
    free(j.chips);
    eval_free(&files);
    return 0;
}
