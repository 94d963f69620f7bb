/* bench_gallery.c - a gallery of synthetic faces: how fast it is filled, opened and searched, how
 * large it is, and whether its answers are those of comparing with every face.
 *
 *     bench_gallery FOLDER [FACES [DIMENSION]]         default 1000000 and 1024; FOLDER is made
 *
 * The embeddings look like those of a network that ends in ReLU6 and a mean: no negative
 * values, few large ones; 20 faces each of many people, cosine about .75 among a person's.
 */
#include "gallery.h"
#include "gallery_vectors.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { EACH = 20, QUERIES = 100, CHECKED = 40, K = 10 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t mix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Sum of four uniform bytes-pairs: nearly Gaussian, variance 1. */
static float bell(uint64_t *state)
{
    const uint64_t r = mix(state);
    const float sum = (float)(r & 0xffff) + (float)(r >> 16 & 0xffff) + (float)(r >> 32 & 0xffff) + (float)(r >> 48);
    return (sum / 65536 - 2) * 1.7320508f;
}

/* Face i of the population, not normalised. */
static void make_face(float *out, int64_t i, int dimension)
{
    uint64_t person = (uint64_t)(i / EACH) * 2 + 1, own = (uint64_t)i * 2 + 0x1000000000u;
    for (int j = 0; j < dimension; j++) {
        const float x = bell(&person) + .55f * bell(&own) - .4f;
        out[j] = x > 0 ? x * x : 0;
    }
}

static void fail(const cyg_error *err)
{
    fprintf(stderr, "bench_gallery: %s\n", err->message);
    exit(1);
}

static void fill(const char *path, int64_t faces, int dimension)
{
    cyg_error err;
    gallery *g;
    const gallery_recipe recipe = { "synthetic", "0000000000000000000000000000000000000000000000000000000000000000",
                                    "none", dimension };
    float *embeddings = malloc(EACH * (size_t)dimension * sizeof *embeddings);
    gallery_face face[EACH] = { 0 };
    if (gallery_open(&g, path, GALLERY_CREATE, &recipe, 0, &err)) fail(&err);
    double spent = 0;
    for (int64_t i = 0; i < faces; i += EACH) {
        char name[64];
        snprintf(name, sizeof name, "photos/%lld.jpg", (long long)(i / EACH));
        for (int j = 0; j < EACH; j++) {
            make_face(embeddings + (size_t)j * (size_t)dimension, i + j, dimension);
            face[j].embedding = embeddings + (size_t)j * (size_t)dimension;
            face[j].track = -1;
        }
        const gallery_file file = { .path = name, .kind = GALLERY_PHOTO, .width = 4000, .height = 3000 };
        const double start = now();
        if (gallery_put_file(g, &file, face, EACH, &err)) fail(&err);
        spent += now() - start;
    }
    printf("filling          %.0f faces/s, %.0f files/s (one transaction each, made durable)\n",
           (double)faces / spent, (double)faces / EACH / spent);
    const double start = now();
    if (gallery_finish(g, &err)) fail(&err);
    printf("vector file      made in %.2f s\n", now() - start);
    gallery_close(g);
    free(embeddings);
}

static int by_time(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One probe that is compared with every face. */
typedef struct check {
    float        *probe;                /* [dimension], unit length */
    gallery_match got[K], best[K + 1];
    int           held;
} check;

static void keep(check *c, gallery_match m)
{
    int at = c->held;
    for (; at && c->best[at - 1].cosine < m.cosine; at--) c->best[at] = c->best[at - 1];
    c->best[at] = m;
    if (c->held < K) c->held++;
}

/* Sixteen sums, which the compiler makes vectors of. */
static float dot(const float *a, const float *b, int dimension)
{
    float part[16] = { 0 }, sum = 0;
    int i = 0;
    for (; i + 16 <= dimension; i += 16)
        for (int j = 0; j < 16; j++) part[j] += a[i + j] * b[i + j];
    for (; i < dimension; i++) sum += a[i] * b[i];
    for (int j = 0; j < 16; j++) sum += part[j];
    return sum;
}

/* Every face against every probe, in float32 from the stored halves: how many of the first K are the same? */
static int agree(check *checks, vectors *v, int dimension, int64_t count)
{
    float *face = malloc((size_t)dimension * sizeof *face);
    for (int64_t id = 1; id <= count; id++) {
        const uint16_t *half;
        if (vectors_find(v, id, &half, NULL) || !half) exit(1);
        for (int j = 0; j < dimension; j++) face[j] = float_from_half(half[j]);
        const float length = sqrtf(dot(face, face, dimension));
        for (int q = 0; q < CHECKED; q++)
            keep(&checks[q], (gallery_match){ id, dot(face, checks[q].probe, dimension) / length });
    }
    free(face);
    int same = 0;
    for (int q = 0; q < CHECKED; q++)
        for (int i = 0; i < K; i++)
            for (int j = 0; j < K; j++) same += checks[q].got[i].face == checks[q].best[j].face;
    return same;
}

static long memory(const char *key)     /* of this process, in kB */
{
    char line[256];
    long value = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key))) value = atol(line + strlen(key));
    if (f) fclose(f);
    return value;
}

static void query(const char *path, int64_t faces, int dimension)
{
    cyg_error err;
    gallery *g;
    static double took[QUERIES];
    double start = now();
    if (gallery_open(&g, path, GALLERY_READ, NULL, 0, &err) || gallery_refresh(g, &err)) fail(&err);
    printf("opening          %.3f s\n", now() - start);

    /* for comparing only: the file once more, through the module below */
    char name[4096];
    snprintf(name, sizeof name, "%s/vectors", path);
    FILE *f = fopen(name, "rb");
    vectors *v;
    if (!f || vectors_open(&v, fileno(f), name, &err)) fail(&err);
    fclose(f);

    static check checks[QUERIES];
    for (int q = 0; q < QUERIES; q++) {
        /* half of them another picture of somebody, half a stranger */
        uint64_t random = (uint64_t)q;
        float *probe = checks[q].probe = malloc((size_t)dimension * sizeof *probe);
        make_face(probe, q % 2 ? faces + q * EACH : (int64_t)(mix(&random) % (uint64_t)faces), dimension);
        for (int j = 0; j < dimension && q % 2 == 0; j++) probe[j] += .2f * fabsf(bell(&random));
        const float length = sqrtf(dot(probe, probe, dimension));
        for (int j = 0; j < dimension; j++) probe[j] /= length;
        int count = K;
        const gallery_query ask = { .probe = probe, .threshold = -1 };
        start = now();
        if (gallery_search(g, &ask, checks[q].got, &count, &err)) fail(&err);
        took[q] = now() - start;
        if (q == 0) printf("first search     %.1f ms (verifies the checksum of every row)\n", took[0] * 1e3);
    }
    qsort(took, QUERIES, sizeof *took, by_time);
    printf("search           median %.1f ms, least %.1f, 95 %% within %.1f (one thread, %d queries)\n",
           took[QUERIES / 2] * 1e3, took[0] * 1e3, took[QUERIES * 95 / 100] * 1e3, QUERIES);
    printf("memory           %.3f GB mapped from files, %.1f MB own\n",
           (double)memory("RssFile:") / 1e6, (double)memory("RssAnon:") / 1e3);
    printf("recall@%d        %.4f against comparing with every face (%d queries)\n", K,
           (double)agree(checks, v, dimension, faces) / (K * CHECKED), CHECKED);
    gallery_counts counts;
    if (gallery_count(g, &counts, &err)) fail(&err);
    printf("disk             %.3f GB\n", (double)counts.bytes / 1e9);
    vectors_close(v);
    gallery_close(g);
    for (int q = 0; q < QUERIES; q++) free(checks[q].probe);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: bench_gallery FOLDER [FACES [DIMENSION]]\n", stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    const int64_t faces = argc > 2 ? atoll(argv[2]) / EACH * EACH : 1000000;
    const int dimension = argc > 3 ? atoi(argv[3]) : 1024;
    cyg_error err;
    gallery *g;
    printf("%lld faces of %d values\n", (long long)faces, dimension);
    if (gallery_open(&g, argv[1], GALLERY_READ, NULL, 0, &err)) fill(argv[1], faces, dimension);
    else gallery_close(g);
    query(argv[1], faces, dimension);
    return 0;
}
