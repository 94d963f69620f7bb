/* bench_backbone.c - how long a pass takes: random weights, classifier or detector. */
#include "../network.h"
#include "pool.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

int main(int argc, char **argv)
{
    double alpha = 1, seconds = 1;
    int size = 224, threads = 1;
    const char *isa = NULL, *precision = NULL;
    bool ssd = false;
    for (int i = 1; i < argc; i++) {
        const char *o = argv[i];
        if (!strcmp(o, "--ssd")) ssd = true;
        else if (i + 1 == argc) return 2;
        else if (!strcmp(o, "--width")) alpha = atof(argv[++i]);
        else if (!strcmp(o, "--resolution")) size = atoi(argv[++i]);
        else if (!strcmp(o, "--threads")) threads = atoi(argv[++i]);
        else if (!strcmp(o, "--seconds")) seconds = atof(argv[++i]);
        else if (!strcmp(o, "--isa")) isa = argv[++i];
        else if (!strcmp(o, "--precision")) precision = argv[++i];
        else return 2;
    }
    network random = network_make(alpha, size, size, ssd ?
        "[{\"kernel\":1,\"stride\":1,\"channels\":256},{\"kernel\":3,\"stride\":2,\"channels\":512},"
        "{\"kernel\":1,\"stride\":1,\"channels\":128},{\"kernel\":3,\"stride\":2,\"channels\":256},"
        "{\"kernel\":1,\"stride\":1,\"channels\":128},{\"kernel\":3,\"stride\":2,\"channels\":256},"
        "{\"kernel\":1,\"stride\":1,\"channels\":64},{\"kernel\":3,\"stride\":2,\"channels\":128}]" : "[]",
        ssd ? "[\"conv11_pw\",\"conv13_pw\",\"extra1\",\"extra3\",\"extra5\",\"extra7\"]" : "[\"pool\"]");
    cyg_backbone_params params = { .isa = isa, .precision = precision };
    cyg_backbone *net; cyg_features *maps; cyg_error err; pool *p;
    if (cyg_backbone_create(&net, random.model, &params, &err) || pool_create(&p, threads, &err)) { puts(err.message); return 1; }
    cyg_executor executor = pool_executor(p);
    if (cyg_features_create(&maps, net, &executor, &err)) { puts(err.message); return 1; }
    float *input = malloc((size_t)size * size * 12);
    for (int i = 0; i < size * size * 3; i++) input[i] = (float)(i * 2654435761u >> 8) / (1 << 23) - 1;
    int64_t mult_adds = 0;
    for (int i = 0; i < cyg_backbone_layer_count(net); i++) mult_adds += cyg_backbone_layer(net, i).mult_adds;

    static double times[100000], cpu[100000];
    int n = 0;
    for (int i = 0; i < 3; i++) cyg_backbone_run_tensor(net, input, maps);
    for (double start = now(CLOCK_MONOTONIC); n < 100000 && (n < 5 || now(CLOCK_MONOTONIC) - start < seconds * 1e3); n++) {
        const double begin = now(CLOCK_MONOTONIC), before = now(CLOCK_PROCESS_CPUTIME_ID);
        cyg_backbone_run_tensor(net, input, maps);
        times[n] = now(CLOCK_MONOTONIC) - begin;
        cpu[n] = now(CLOCK_PROCESS_CPUTIME_ID) - before;
    }
    qsort(times, n, sizeof *times, by_value);
    qsort(cpu, n, sizeof *cpu, by_value);
    printf("{\"isa\": \"%s\", \"precision\": \"%s\", \"threads\": %d, \"min_ms\": %.4f, \"median_ms\": %.4f, \"cpu_ms\": %.4f, \"gflops\": %.1f, \"runs\": %d}\n",
           cyg_backbone_isa(net), cyg_backbone_precision(net), threads, times[0], times[n / 2], cpu[0], 2e-6 * mult_adds / cpu[0], n);
    cyg_features_free(maps); cyg_backbone_free(net); pool_free(p); network_free(&random); free(input);
}
