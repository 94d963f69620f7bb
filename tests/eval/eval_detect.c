/* eval_detect.c - how many faces are found in a folder of pictures, by plan of passes.
 *
 *   eval_detect MODELS FOLDER [NAMES]
 *
 * NAMES: a file of names, one a line: those alone. Of pictures without people, all that is found is false.
 */
#include "eval.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THRESHOLDS = 3 };
static const float thresholds[THRESHOLDS] = { .3f, .5f, .7f };

typedef struct counts { int *boxes; } counts;      /* [files][THRESHOLDS] */

static void look(void *context, int thread, int i, pipeline *p, frame *f)
{
    const counts *c = context;
    pipeline_detect(p, f);
    for (int t = 0; t < THRESHOLDS; t++)
        for (int k = 0; k < f->object_count; k++) c->boxes[i * THRESHOLDS + t] += f->objects[k].score > thresholds[t];
}

/* Keeps the files that are named in PATH. */
static void choose(eval_files *files, const char *path)
{
    FILE *file = fopen(path, "r");
    char name[500];
    if (!file) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(2);
    }
    eval_files kept = { calloc((size_t)files->count + 1, sizeof *kept.names), 0 };
    while (kept.names && kept.count < files->count && fgets(name, sizeof name, file)) {
        name[strcspn(name, "\r\n")] = 0;
        if (eval_find(files, name) >= 0) kept.names[kept.count++] = strdup(name);
    }
    fclose(file);
    eval_free(files);
    *files = kept;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: eval_detect MODELS FOLDER [NAMES]\n");
        return 2;
    }
    static const char *const plans[] = { "single", "portrait", "tiles" };
    eval_files files = eval_list(argv[2]);
    if (argc > 3) choose(&files, argv[3]);
    for (int plan = PASSES_SINGLE; plan <= PASSES_TILES; plan++) {
        counts c = { calloc((size_t)files.count * THRESHOLDS + 1, sizeof(int)) };
        if (!c.boxes) return 2;
        pipeline_options options = eval_options(argv[1]);
        options.passes = (pass_plan)plan;
        options.threshold = thresholds[0];
        eval_run(argv[2], &files, &options, look, &c);
        printf("%-8s %d pictures:", plans[plan], files.count);
        for (int t = 0; t < THRESHOLDS; t++) {
            int boxes = 0, pictures = 0;
            for (int i = 0; i < files.count; i++) {
                boxes += c.boxes[i * THRESHOLDS + t];
                pictures += c.boxes[i * THRESHOLDS + t] > 0;
            }
            printf("  above %.1f: %d boxes in %d pictures", (double)thresholds[t], boxes, pictures);
        }
        printf("\n");
        free(c.boxes);
    }
    eval_free(&files);
    return 0;
}
