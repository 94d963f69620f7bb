/* eval_lfw.c - are two pictures of the same person? Pictures as they are, our own detector and crop.
 *
 *   eval_lfw MODELS DATA [curve|plain [PRECISION [PRECISION]]]
 *
 * DATA: images/, names NAME_NUMBER.jpg; pairs.tsv: a, b, same (1/0), fold. "curve" prints the curve of
 * false matches, measured on every pair of pictures of two people, as a recipe holds it. Precisions of the
 * detector and of the describer; f32.
 */
#include "eval_pairs.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIMENSION = 1024, BINS = 20000 };     /* of -1 .. 1 */

typedef struct faces {
    float (*embeddings)[DIMENSION];     /* [count]; all 0: no face was found */
    int    *face_counts, *flaws;        /* [count] */
} faces;

static void look(void *context, int thread, int i, pipeline *p, frame *f)
{
    const faces *to = context;
    pipeline_detect(p, f);
    to->face_counts[i] = f->object_count;
    if (!f->object_count) return;
    description said;
    pipeline_describe(p, f, eval_central(f), &said);
    memcpy(to->embeddings[i], said.embedding, sizeof to->embeddings[i]);
    to->flaws[i] = (int)said.quality.flaws;
}

static float alike(const faces *f, int a, int b)
{
    return cyg_cosine(f->embeddings[a], f->embeddings[b], DIMENSION);
}

/* ---- Verification on the pairs ------------------------------------------------------ */

/* Each fold at the threshold that is best on the others. */
static void print_accuracy(const eval_pairs *pairs, const float *cosines)
{
    double sum = 0;
    printf("accuracy by fold:");
    for (int fold = 0; fold < EVAL_FOLDS; fold++) {
        const float threshold = eval_best_threshold(pairs, cosines, (eval_part){ fold, true }, NULL);
        const double now = eval_accuracy(pairs, cosines, (eval_part){ fold, false }, threshold);
        printf(" %.4f (at %.3f)", now, (double)threshold);
        sum += now;
    }
    printf("; mean %.4f\n", sum / EVAL_FOLDS);
}

static void print_rates(const eval_pairs *pairs, const float *cosines)
{
    static const double rates[] = { 1e-2, 1e-3 };
    const eval_part all = { -1, true };
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        const float limit = eval_threshold_at(pairs, cosines, all, rates[r]);
        printf("true matches at %g false ones: %.4f (cosine above %.3f)\n", rates[r],
               eval_rate_above(pairs, cosines, all, limit, true), (double)limit);
    }
}

/* ---- The curve, on all pictures against all --------------------------------------------- */

/* "Name_Of_Person_0001.jpg": whether the two have the same name. */
static bool same_person(const char *a, const char *b)
{
    const size_t length = strcspn(a, ".");
    return length == strcspn(b, ".") && length > 5 && strncmp(a, b, length - 5) == 0;
}

typedef struct histogram { int64_t strangers[BINS], same[BINS], stranger_count, same_count; } histogram;

static void count_all(histogram *h, const eval_files *files, const faces *f)
{
    for (int i = 0; i < files->count; i++) {
        if (!f->face_counts[i]) continue;
        for (int j = 0; j < i; j++) {
            if (!f->face_counts[j]) continue;
            float sum = 0;              /* both have length 1 */
            for (int k = 0; k < DIMENSION; k++) sum += f->embeddings[i][k] * f->embeddings[j][k];
            int bin = (int)((sum + 1) / 2 * BINS);
            bin = bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin;
            if (same_person(files->names[i], files->names[j])) {
                h->same[bin]++;
                h->same_count++;
            } else {
                h->strangers[bin]++;
                h->stranger_count++;
            }
        }
    }
}

/* For each rate the least cosine whose pairs of strangers are no more than that; down to where 30 are left. */
static void print_curve(const eval_files *files, const faces *f)
{
    static const double rates[] = { .9, .75, .5, .3, .2, .1, .05, .02, .01, .005, .002, .001, 5e-4, 2e-4, 1e-4, 5e-5,
                                    2e-5, 1e-5 };
    histogram *h = calloc(1, sizeof *h);
    if (!h) exit(2);
    count_all(h, files, f);
    printf("%lld pairs of strangers, %lld of the same person\n", (long long)h->stranger_count,
           (long long)h->same_count);
    printf("%8s %10s %s\n", "cosine", "strangers", "same person");
    int64_t above = 0, same = 0;
    double cosines[sizeof rates / sizeof *rates];
    int bin = BINS, lowest = 0;
    for (int r = sizeof rates / sizeof *rates - 1; r >= 0; r--) {
        if (rates[r] * (double)h->stranger_count < 30) continue;
        if (!lowest) lowest = r;
        while (bin > 0 && (double)(above + h->strangers[bin - 1]) <= rates[r] * (double)h->stranger_count) {
            bin--;
            above += h->strangers[bin];
            same += h->same[bin];
        }
        cosines[r] = 2. * bin / BINS - 1;
        printf("%8.4f %10g %.4f\n", cosines[r], rates[r], (double)same / (double)h->same_count);
    }
    printf("cosine: [");
    for (int r = 0; r <= lowest; r++) printf("%s%.4f", r ? ", " : "", cosines[r]);
    printf("]\nrate: [");
    for (int r = 0; r <= lowest; r++) printf("%s%g", r ? ", " : "", rates[r]);
    printf("]\n");
    free(h);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: eval_lfw MODELS DATA [curve|plain [PRECISION [PRECISION]]]\n");
        return 2;
    }
    char images[1000], list[1000];
    snprintf(images, sizeof images, "%s/images", argv[2]);
    snprintf(list, sizeof list, "%s/pairs.tsv", argv[2]);
    eval_files files = eval_list(images);
    const size_t count = (size_t)files.count;
    faces f = { calloc(count, sizeof *f.embeddings), calloc(count, sizeof *f.face_counts),
                calloc(count, sizeof *f.flaws) };
    if (!f.embeddings || !f.face_counts || !f.flaws) return 2;
    pipeline_options options = eval_options(argv[1]);
    options.precision = argc > 4 ? argv[4] : NULL;
    options.describer_precision = argc > 5 ? argv[5] : NULL;
    eval_run(images, &files, &options, look, &f);

    int found = 0, faces_found = 0, flawed = 0;
    for (int i = 0; i < files.count; i++) {
        if (!f.face_counts[i]) printf("no face: %s\n", files.names[i]);
        found += f.face_counts[i] > 0;
        faces_found += f.face_counts[i];
        flawed += f.flaws[i] != 0;
    }
    printf("%d pictures; a face found in %d, %.2f %%; %d faces in all; %d of the people flawed\n", files.count, found,
           100. * found / files.count, faces_found, flawed);
    const eval_pairs pairs = eval_pairs_read(list, &files);
    float *cosines = calloc((size_t)pairs.count + 1, sizeof *cosines);
    if (!cosines) return 2;
    for (int i = 0; i < pairs.count; i++) cosines[i] = alike(&f, pairs.list[i].a, pairs.list[i].b);
    printf("%d pairs\n", pairs.count);
    print_accuracy(&pairs, cosines);
    print_rates(&pairs, cosines);
    if (argc > 3 && !strcmp(argv[3], "curve")) print_curve(&files, &f);
    free(cosines);
    free(pairs.list);
    free(f.embeddings);
    free(f.face_counts);
    free(f.flaws);
    eval_free(&files);
    return 0;
}
