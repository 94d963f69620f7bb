/* eval.c - every picture of a folder through a pipeline, on two threads. */
#include "eval.h"
#include "still.h"
#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PIXELS = 200 * 1000 * 1000 };

static void quit(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(2);
}

static int is_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

eval_files eval_list(const char *folder)
{
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_file, NULL);
    if (count < 0) quit(folder, "no such folder");
    eval_files files = { .names = calloc((size_t)count + 1, sizeof *files.names), .count = count };
    if (!files.names) quit(folder, "out of memory");
    for (int i = 0; i < count; i++) {
        files.names[i] = strdup(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    qsort(files.names, (size_t)count, sizeof *files.names, by_name);
    return files;
}

int eval_find(const eval_files *files, const char *name)
{
    char **const found = bsearch(&name, files->names, (size_t)files->count, sizeof *files->names, by_name);
    return found ? (int)(found - files->names) : -1;
}

void eval_free(eval_files *files)
{
    for (int i = 0; i < files->count; i++) free(files->names[i]);
    free(files->names);
}

typedef struct work {
    const char            *folder;
    const eval_files      *files;
    const pipeline_models *models;
    eval_visit            *visit;
    void                  *context;
    atomic_int             next, threads;
} work;

static void *run_thread(void *arg)
{
    work *w = arg;
    const int thread = atomic_fetch_add(&w->threads, 1);
    pipeline *p;
    cyg_error err;
    if (pipeline_create(&p, w->models, &err)) quit("pipeline", err.message);
    for (int i; (i = atomic_fetch_add(&w->next, 1)) < w->files->count;) {
        char path[1000];
        frame *const f = frame_create();
        if (!f) quit("frame", "out of memory");
        snprintf(path, sizeof path, "%s/%s", w->folder, w->files->names[i]);
        if (still_read(f, path, MOST_PIXELS, &err)) fprintf(stderr, "%s\n", err.message);
        else w->visit(w->context, thread, i, p, f);
        frame_free(f);
    }
    pipeline_free(p);
    return NULL;
}

void eval_run(const char *folder, const eval_files *files, const pipeline_options *options, eval_visit *visit,
              void *context)
{
    pipeline_models *models;
    cyg_error err;
    if (pipeline_models_open(&models, options, &err)) quit("models", err.message);
    work w = { .folder = folder, .files = files, .models = models, .visit = visit, .context = context };
    pthread_t threads[EVAL_THREADS];
    for (int i = 0; i < EVAL_THREADS; i++)
        if (pthread_create(&threads[i], NULL, run_thread, &w)) quit("threads", "cannot be started");
    for (int i = 0; i < EVAL_THREADS; i++) pthread_join(threads[i], NULL);
    pipeline_models_close(models);
}

pipeline_options eval_options(const char *models)
{
    static char detector[1000], describer[1000];
    snprintf(detector, sizeof detector, "%s/face-ssd-mobilenet-v1.safetensors", models);
    snprintf(describer, sizeof describer, "%s/faceres.safetensors", models);
    return (pipeline_options){ .model = detector, .describer = describer, .passes = PASSES_PORTRAIT };
}

/* ---- Faces ------------------------------------------------------------------------- */

/* The person of the name is the one in the middle; what is far from it, or doubtful, counts less. */
const object *eval_central(const frame *f)
{
    const float x = (float)f->image.width / 2, y = (float)f->image.height / 2;
    const object *best = NULL;
    float most = -1;
    for (int i = 0; i < f->object_count; i++) {
        const cyg_box b = f->objects[i].box;
        const float apart = hypotf((b.x1 + b.x2) / 2 - x, (b.y1 + b.y2) / 2 - y) / hypotf(x, y);
        const float weight = f->objects[i].score * (1 - fminf(apart, 1));
        if (weight > most) {
            most = weight;
            best = &f->objects[i];
        }
    }
    return best;
}

eval_describer *eval_describer_open(const char *path)
{
    eval_describer *d = calloc(1, sizeof *d);
    cyg_error err;
    if (!d) quit(path, "out of memory");
    if (cyg_model_open(&d->model, path, &err) || cyg_backbone_create(&d->backbone, d->model, NULL, &err))
        quit("eval", err.message);
    for (int i = 0; i < EVAL_THREADS; i++)
        if (cyg_features_create(&d->maps[i], d->backbone, NULL, &err) ||
            cyg_head_create(&d->attributes[i], d->backbone, "attributes", NULL, &err) ||
            cyg_head_create(&d->embedding[i], d->backbone, "embedding", NULL, &err))
            quit("eval", err.message);
    return d;
}

void eval_describer_close(eval_describer *d)
{
    for (int i = 0; i < EVAL_THREADS; i++) {
        cyg_features_free(d->maps[i]);
        cyg_head_free(d->attributes[i]);
        cyg_head_free(d->embedding[i]);
    }
    cyg_backbone_free(d->backbone);
    cyg_model_close(d->model);
    free(d);
}

void eval_describe(const eval_describer *d, int thread, const cyg_image *image, cyg_box box, float scale, bool mirrored)
{
    cyg_region region = cyg_region_crop(d->backbone, box, scale);
    if (mirrored) {                 /* x runs from right to left, through the same pixels */
        region.m[2] += region.m[0] * (float)cyg_backbone_width(d->backbone);
        region.m[0] = -region.m[0];
    }
    cyg_backbone_run(d->backbone, image, region, d->maps[thread]);
}
