/* bench_backbone.c - how long a pass takes, with the 1x1 convolutions of its head: random weights,
 * one line of JSON. cpu_ms is the least time of the processor, which other jobs on the machine
 * disturb less.
 *
 *     bench_backbone [--width A] [--resolution R] [--ssd] [--precision P] [--isa I] [--threads N]
 *                    [--seconds S]
 */
#include "../network.h"
#include "pool.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_RUNS = 100000, MAX_CONVS = 12 };

typedef struct settings {
    double width, seconds;
    int resolution, threads;
    const char *isa, *precision;
    bool ssd;
} settings;

typedef struct bench {
    cyg_backbone *net;
    cyg_features *maps;
    cyg_conv *conv[MAX_CONVS];      /* of the head, each with the map it reads */
    const char *map[MAX_CONVS];
    int convs;
    float *input, *output;
    int64_t mult_adds;
} bench;

static const char extra[] =
    "[{\"kernel\":1,\"stride\":1,\"channels\":256},{\"kernel\":3,\"stride\":2,\"channels\":512},"
    "{\"kernel\":1,\"stride\":1,\"channels\":128},{\"kernel\":3,\"stride\":2,\"channels\":256},"
    "{\"kernel\":1,\"stride\":1,\"channels\":128},{\"kernel\":3,\"stride\":2,\"channels\":256},"
    "{\"kernel\":1,\"stride\":1,\"channels\":64},{\"kernel\":3,\"stride\":2,\"channels\":128}]";
static const char *const levels[] = { "conv11_pw", "conv13_pw", "extra1", "extra3", "extra5", "extra7" };
static const int level_boxes[] = { 3, 6, 6, 6, 6, 6 };

static void check(cyg_status status, const cyg_error *err)
{
    if (!status) return;
    fprintf(stderr, "bench_backbone: %s\n", err->message);
    exit(1);
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static settings read_settings(int argc, char **argv)
{
    settings s = { .width = 1, .seconds = 1, .resolution = 224, .threads = 1 };
    for (int i = 1; i < argc; i++) {
        const char *o = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(o, "--ssd")) { s.ssd = true; continue; }
        if (!strcmp(o, "--width")) s.width = atof(value);
        else if (!strcmp(o, "--resolution")) s.resolution = atoi(value);
        else if (!strcmp(o, "--threads")) s.threads = atoi(value);
        else if (!strcmp(o, "--seconds")) s.seconds = atof(value);
        else if (!strcmp(o, "--isa")) s.isa = value;
        else if (!strcmp(o, "--precision")) s.precision = value;
        else exit(2);
        i++;
    }
    if (s.threads < 1 || s.threads > 64) exit(2);
    return s;
}

/* The head's convolutions as network_make_heads wants them: 7 values a box, or 1000 classes. */
static network make_network(const settings *s)
{
    char text[600] = "[";
    const int channels = (int)(1024 * s->width), middle = (int)(512 * s->width);
    const int in[] = { middle, channels, 512, 256, 256, 128 };
    for (int i = 0; i < 6 && s->ssd; i++)
        for (int values = 3; values <= 4; values++)
            sprintf(text + strlen(text), "[\"%s_%d\",%d,%d],", levels[i], values, in[i], level_boxes[i] * values);
    if (!s->ssd) sprintf(text + strlen(text), "[\"classes\",%d,1000],", channels);
    text[strlen(text) - 1] = ']';
    return network_make_heads(s->width, s->resolution, s->resolution, s->ssd ? extra : "[]", s->ssd ?
        "[\"conv11_pw\",\"conv13_pw\",\"extra1\",\"extra3\",\"extra5\",\"extra7\"]" : "[\"pool\"]", "[]", text);
}

static void add_conv(bench *b, const char *name, const char *map, int out)
{
    cyg_error err;
    const cyg_tensor shape = cyg_backbone_map(b->net, map);
    check(cyg_conv_create(&b->conv[b->convs], b->net, name, shape.channels, out, &err), &err);
    b->map[b->convs++] = map;
    b->mult_adds += (int64_t)shape.width * shape.height * shape.channels * out;
}

static void make_convs(bench *b, bool ssd)
{
    if (!ssd) add_conv(b, "classes", "pool", 1000);
    for (int i = 0; i < 6 && ssd; i++)
        for (int values = 3; values <= 4; values++) {
            char name[32];
            snprintf(name, sizeof name, "%s_%d", levels[i], values);
            add_conv(b, name, levels[i], level_boxes[i] * values);
        }
}

static void run(const bench *b)
{
    cyg_backbone_run_tensor(b->net, b->input, b->maps);
    for (int i = 0; i < b->convs; i++)
        cyg_conv_run(b->conv[i], cyg_features_get(b->maps, b->map[i]), b->output);
}

static void measure(const bench *b, const settings *s)
{
    static double times[MAX_RUNS], cpu[MAX_RUNS];
    int n = 0;
    for (int i = 0; i < 3; i++) run(b);
    const double end = now(CLOCK_MONOTONIC) + s->seconds * 1e3;
    for (; n < MAX_RUNS && (n < 5 || now(CLOCK_MONOTONIC) < end); n++) {
        const double begin = now(CLOCK_MONOTONIC), before = now(CLOCK_PROCESS_CPUTIME_ID);
        run(b);
        times[n] = now(CLOCK_MONOTONIC) - begin;
        cpu[n] = now(CLOCK_PROCESS_CPUTIME_ID) - before;
    }
    qsort(times, (size_t)n, sizeof *times, by_value);
    qsort(cpu, (size_t)n, sizeof *cpu, by_value);
    printf("{\"isa\": \"%s\", \"precision\": \"%s\", \"threads\": %d, \"min_ms\": %.4f, \"median_ms\": %.4f, "
           "\"cpu_ms\": %.4f, \"gflops\": %.1f, \"runs\": %d}\n", cyg_backbone_isa(b->net),
           cyg_backbone_precision(b->net), s->threads, times[0], times[n / 2], cpu[0],
           2e-6 * (double)b->mult_adds / times[0], n);
}

int main(int argc, char **argv)
{
    const settings s = read_settings(argc, argv);
    network random = make_network(&s);
    const cyg_backbone_params params = { .isa = s.isa, .precision = s.precision };
    bench b = { 0 };
    cyg_error err;
    pool *threads;
    check(pool_create(&threads, s.threads, &err), &err);
    const cyg_executor executor = pool_executor(threads);
    check(cyg_backbone_create(&b.net, random.model, &params, &err), &err);
    check(cyg_features_create(&b.maps, b.net, &executor, &err), &err);
    for (int i = 0; i < cyg_backbone_layer_count(b.net); i++) b.mult_adds += cyg_backbone_layer(b.net, i).mult_adds;
    make_convs(&b, s.ssd);
    const size_t values = (size_t)s.resolution * s.resolution * 3;
    b.input = malloc(values * sizeof(float));
    b.output = malloc(values * sizeof(float) + 4000);
    for (size_t i = 0; i < values; i++) b.input[i] = (float)(uint32_t)(i * 2654435761u) / 2147483648.f - 1;
    measure(&b, &s);
    for (int i = 0; i < b.convs; i++) cyg_conv_free(b.conv[i]);
    cyg_features_free(b.maps);
    cyg_backbone_free(b.net);
    pool_free(threads);
    network_free(&random);
    free(b.input);
    free(b.output);
}
