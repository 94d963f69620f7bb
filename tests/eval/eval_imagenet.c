/* eval_imagenet.c - how many pictures classifiers name rightly, what they cost, and a plot of both.
 *
 *   eval_imagenet FOLDER PLOT.svg MODEL...
 *
 * FOLDER holds pictures and labels.tsv: NAME, class 1 .. 1000. Of 1001 classes the first is the background. Models
 * that are no classifiers of 1000 or 1001 classes are left out. Each is run in float32, and in 8-bit integers if its
 * file was made of them. Milliseconds: the fastest of all passes in two seconds, one thread, heads included.
 */
#include "eval.h"
#include "model_look.h"
#include "model_pass.h"
#include "plot.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOP = 5, MOST_PICTURES = 10000, MOST_POINTS = 60 };
static const double bench_ms = 2000;

typedef struct picture { char name[100]; int class; } picture;

typedef struct figures {
    int    pictures, right, among;      /* among the TOP likeliest */
    double ms, mult_adds;
} figures;

typedef struct job {
    const looker *looker;
    cyg_head     *head;
    int           class;                /* of the picture at hand, as the head counts */
    figures      *out;
} job;

static picture pictures[MOST_PICTURES];
static plot_point points[MOST_POINTS];

static void quit(const char *what, const char *why)
{
    fprintf(stderr, "eval_imagenet: %s: %s\n", what, why);
    exit(2);
}

static int read_labels(const char *folder)
{
    char path[1000];
    int count = 0;
    snprintf(path, sizeof path, "%s/labels.tsv", folder);
    FILE *file = fopen(path, "r");
    if (!file) quit(path, "cannot be read");
    while (count < MOST_PICTURES && fscanf(file, "%99s %d", pictures[count].name, &pictures[count].class) == 2) count++;
    fclose(file);
    return count;
}

static cyg_status look(void *context, const frame *f, const char *path, cyg_error *err)
{
    job *j = context;
    static cyg_result found;
    look_run(j->looker, f);
    cyg_head_run(j->head, j->looker->maps, &found);
    j->out->pictures++;
    j->out->right += found.classes[0].label == j->class;
    for (int i = 0; i < found.count; i++) j->out->among += found.classes[i].label == j->class;
    return CYG_OK;
}

static void look_at_all(figures *out, const looker *l, cyg_head *head, const char *folder, int count)
{
    job j = { l, head, 0, out };
    const int background = cyg_head_label_count(head) == 1001;
    for (int i = 0; i < count; i++) {
        char *path;
        cyg_error err;
        if (asprintf(&path, "%s/%s", folder, pictures[i].name) < 0) quit("picture", "out of memory");
        j.class = pictures[i].class - 1 + background;
        if (look_at(l, path, look, &j, &err)) quit("picture", err.message);
        free(path);
    }
}

static void measure(figures *out, const char *model, const char *precision)
{
    const bench_network network = { .path = model };
    bench_pass pass;
    cyg_error err;
    if (bench_pass_open(&pass, &network, NULL, precision, 1, &err)) quit(model, err.message);
    out->mult_adds = (double)pass.mult_adds;
    out->ms = INFINITY;
    for (const double end = bench_now() + bench_ms; bench_now() < end;) {
        const double began = bench_now();
        bench_pass_run(&pass);
        out->ms = fmin(out->ms, bench_now() - began);
    }
    bench_pass_close(&pass);
}

/* Its weights are of 8 bits, or came from there: their ranges are known. */
static bool is_quantised(const cyg_model *model)
{
    return json_object_get(json_object_get(cyg_model_description(model), "backbone"), "ranges");
}

static void add_point(const looker *l, const char *precision, const figures *f, int *count)
{
    const json_t *backbone = json_object_get(cyg_model_description(l->model), "backbone");
    const bool integers = strcmp(precision, "i8") == 0;
    plot_point *p = &points[(*count)++];
    *p = (plot_point){ .series = integers ? 2 : is_quantised(l->model) ? 1 : 0,
                       .x = { f->ms, f->mult_adds / 1e6 }, .y = 100. * f->right / f->pictures };
    const double width = json_number_value(json_object_get(backbone, "width"));
    snprintf(p->label, sizeof p->label, width == floor(width) ? "%.1f-%d" : "%g-%d", width, cyg_backbone_width(l->net));
}

/* One model in one precision; false: it is no classifier of these classes. */
static bool judge(const char *model, const char *precision, const char *folder, int pictures_count, int *count)
{
    looker l;
    cyg_head *head;
    cyg_error err;
    const look_options options = { .precision = precision };
    const cyg_head_params params = { .max_count = TOP };
    if (look_open(&l, model, &options, &err)) quit(model, err.message);
    const bool known = cyg_head_create(&head, l.net, "classifier", &params, &err) == CYG_OK;
    const int classes = known ? cyg_head_label_count(head) : 0;
    const bool fits = classes == 1000 || classes == 1001;
    bool again = false;
    if (fits && *count < MOST_POINTS) {
        figures f = { 0, 0, 0, 0, 0 };
        look_at_all(&f, &l, head, folder, pictures_count);
        measure(&f, l.path, precision);
        printf("%-36s %-4s top-1 %5.1f %%, top-5 %5.1f %%  %7.1f million mult-adds  %7.3f ms\n",
               cyg_model_name(l.model),
               precision, 100. * f.right / f.pictures, 100. * f.among / f.pictures, f.mult_adds / 1e6, f.ms);
        fflush(stdout);
        add_point(&l, precision, &f, count);
        again = is_quantised(l.model);
    }
    if (known) cyg_head_free(head);
    look_close(&l);
    return again;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: eval_imagenet FOLDER PLOT.svg MODEL...\n");
        return 2;
    }
    const int pictures_count = read_labels(argv[1]);
    int count = 0;
    for (int i = 3; i < argc; i++)
        if (judge(argv[i], "f32", argv[1], pictures_count, &count))
            judge(argv[i], "i8", argv[1], pictures_count, &count);
    char subtitle[200];
    snprintf(subtitle, sizeof subtitle, "%d pictures of ImageNet's 1000 classes; width multiplier and resolution at "
             "each point; instruction set %s", pictures_count, cyg_isa_name(0));
    const plot p = {
        .title = "MobileNetV1: accuracy against cost", .subtitle = subtitle, .y_name = "named rightly (top-1)",
        .x_name = { "milliseconds a picture, one thread (log)", "million mult-adds (log)" },
        .series = { "trained in float32", "trained for 8 bits, run in float32", "trained for 8 bits, run in 8 bits" },
        .points = points, .count = count,
    };
    if (count && !plot_write(&p, argv[2])) quit(argv[2], "cannot be written");
    return count ? 0 : 1;
}
