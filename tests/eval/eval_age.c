/* eval_age.c - age and gender of face chips, end to end: our own detector and crop.
 *
 *   eval_age MODELS FOLDER
 *
 * Names in FOLDER: AGE_GENDER_...; gender 0 = male, 1 = female. A chip where no face is found counts as
 * missed, and is described by its middle, so that the error is of all chips.
 */
#include "eval.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct chip { int age, found; bool female, said_female; float said, deviation; } chip;

typedef struct job { const eval_files *files; chip *chips; } job;

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

static void look(void *context, int i, pipeline *p, frame *f)
{
    job *j = context;
    chip *c = &j->chips[i];
    int gender = 0;
    if (sscanf(j->files->names[i], "%d_%d_", &c->age, &gender) != 2) return;
    c->female = gender == 1;
    pipeline_detect(p, f);
    c->found = 1 + (f->object_count > 0);
    const object face = subject(f);
    description said;
    pipeline_describe(p, f, &face, &said);
    for (int k = 0; k < said.attribute_count; k++) {
        const cyg_attribute *a = &said.attributes[k];
        if (strcmp(a->name, "age") == 0) {
            c->said = a->value;
            c->deviation = a->deviation;
        }
        if (strcmp(a->name, "gender") == 0) c->said_female = strcmp(a->label, "female") == 0;
    }
}

static void print_ages(const chip *chips, int count, int from, int to)
{
    double off = 0, bias = 0;
    int n = 0, good = 0, within = 0;
    for (int i = 0; i < count; i++) {
        const chip *c = &chips[i];
        if (!c->found || c->age < from || c->age > to) continue;
        n++;
        off += fabs((double)c->said - c->age);
        bias += (double)c->said - c->age;
        good += c->female == c->said_female;
        within += fabsf(c->said - (float)c->age) <= c->deviation;
    }
    if (n == 0) return;
    printf("ages %3d to %3d: %4d chips, age off by %.2f years (%+.2f on average), within its deviation %.2f, "
           "gender right %.3f\n", from, to, n, off / n, bias / n, (double)within / n, (double)good / n);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: eval_age MODELS FOLDER\n");
        return 2;
    }
    eval_files files = eval_list(argv[2]);
    job j = { &files, calloc((size_t)files.count + 1, sizeof(chip)) };
    if (!j.chips) return 2;
    const pipeline_options options = eval_options(argv[1]);
    eval_run(argv[2], &files, &options, look, &j);
    int found = 0;
    for (int i = 0; i < files.count; i++) found += j.chips[i].found == 2;
    printf("%d chips; a face found in %d, %.2f %%\n", files.count, found, 100. * found / files.count);
    static const int bounds[] = { 0, 3, 13, 20, 30, 40, 50, 60, 70, 200 };
    for (size_t i = 0; i + 1 < sizeof bounds / sizeof *bounds; i++)
        print_ages(j.chips, files.count, bounds[i], bounds[i + 1] - 1);
    print_ages(j.chips, files.count, 0, 200);
    free(j.chips);
    eval_free(&files);
    return 0;
}
