/* eval_pairs.c - labelled pairs, their accuracy and their rates at a threshold. */
#include "eval_pairs.h"
#include <stdio.h>
#include <stdlib.h>

enum { MOST_PAIRS = 10000 };

static void quit(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    exit(2);
}

eval_pairs eval_pairs_read(const char *path, const eval_files *files)
{
    FILE *file = fopen(path, "r");
    eval_pairs pairs = { calloc(MOST_PAIRS, sizeof *pairs.list), 0 };
    char a[200], b[200];
    int same, fold;
    if (!file || !pairs.list) quit(path, "cannot be read");
    while (pairs.count < MOST_PAIRS && fscanf(file, "%199s %199s %d %d", a, b, &same, &fold) == 4) {
        const int i = eval_find(files, a), j = eval_find(files, b);
        if (i < 0 || j < 0 || fold < 0 || fold >= EVAL_FOLDS) quit(path, "names a picture or a fold that there is not");
        pairs.list[pairs.count++] = (eval_pair){ i, j, same == 1, fold };
    }
    fclose(file);
    return pairs;
}

static bool is_in(const eval_pair *p, eval_part part)
{
    return (p->fold == part.fold) != part.but;
}

double eval_accuracy(const eval_pairs *pairs, const float *cosines, eval_part part, float threshold)
{
    int all = 0, good = 0;
    for (int i = 0; i < pairs->count; i++) {
        if (!is_in(&pairs->list[i], part)) continue;
        all++;
        good += (cosines[i] >= threshold) == pairs->list[i].same;
    }
    return all ? (double)good / all : 0;
}

float eval_best_threshold(const eval_pairs *pairs, const float *cosines, eval_part part, double *accuracy)
{
    double best = -1;
    float threshold = 0;
    for (float t = -0.2f; t < 0.95f; t += 0.001f) {
        const double now = eval_accuracy(pairs, cosines, part, t);
        if (now <= best) continue;
        best = now;
        threshold = t;
    }
    if (accuracy) *accuracy = best;
    return threshold;
}

static int falling(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

float eval_threshold_at(const eval_pairs *pairs, const float *cosines, eval_part part, double false_rate)
{
    static float strangers[MOST_PAIRS];
    int count = 0;
    for (int i = 0; i < pairs->count; i++)
        if (is_in(&pairs->list[i], part) && !pairs->list[i].same) strangers[count++] = cosines[i];
    qsort(strangers, (size_t)count, sizeof *strangers, falling);
    return count ? strangers[(int)(false_rate * count)] : 1;
}

double eval_rate_above(const eval_pairs *pairs, const float *cosines, eval_part part, float threshold, bool same)
{
    int all = 0, above = 0;
    for (int i = 0; i < pairs->count; i++) {
        if (!is_in(&pairs->list[i], part) || pairs->list[i].same != same) continue;
        all++;
        above += cosines[i] > threshold;
    }
    return all ? (double)above / all : 0;
}
