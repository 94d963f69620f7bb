/* eval.c - every picture of a folder through a pipeline, on two threads. */
#include "eval.h"
#include "picture.h"
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 2, MOST_PIXELS = 200 * 1000 * 1000 };

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
    atomic_int             next;
} work;

static void *run_thread(void *arg)
{
    work *w = arg;
    pipeline *p;
    cyg_error err;
    if (pipeline_create(&p, w->models, &err)) quit("pipeline", err.message);
    for (int i; (i = atomic_fetch_add(&w->next, 1)) < w->files->count;) {
        char path[1000];
        picture_info info = { 0 };
        frame *const f = frame_create();
        if (!f) quit("frame", "out of memory");
        snprintf(path, sizeof path, "%s/%s", w->folder, w->files->names[i]);
        if (picture_read(f, &info, path, MOST_PIXELS, &err)) fprintf(stderr, "%s\n", err.message);
        else w->visit(w->context, i, p, f);
        picture_info_free(&info);
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
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run_thread, &w)) quit("threads", "cannot be started");
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pipeline_models_close(models);
}

pipeline_options eval_options(const char *models)
{
    static char detector[1000], describer[1000];
    snprintf(detector, sizeof detector, "%s/face-ssd-mobilenet-v1.safetensors", models);
    snprintf(describer, sizeof describer, "%s/faceres.safetensors", models);
    return (pipeline_options){ .model = detector, .describer = describer, .passes = PASSES_PORTRAIT };
}
