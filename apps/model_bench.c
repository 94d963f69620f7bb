/* model_bench.c - cygnet-model bench: how fast networks run on this machine, and how near that is
 * to what it can do at all. */
#include "model.h"
#include "model_pass.h"
#include "model_path.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_RUNS = 100000, MIN_RUNS = 5, MAX_CHOICES = 16 };

typedef struct settings {
    double      width, seconds;
    int         resolution;
    bool        ssd, layers, json;
    const char *isa, *precision, *threads, *family;
} settings;

#define AT(field) .offset = offsetof(settings, field)
static const option table[] = {
    { .flag = "width", .type = OPTION_REAL, AT(width), .initial = "1", .min = .01, .max = 16, .argument = "A",
      .help = "without MODEL: the width multiplier of a MobileNetV1 of random weights" },
    { .flag = "family", .type = OPTION_TEXT, AT(family), .argument = "NAME",
      .help = "without MODEL: mobilenet_v1, or mobilenet_v1_conv or mobilenet_v1_shallow, the paper's "
              "Tables 4 and 5, or mobilenet_v1_pose" },
    { .flag = "resolution", .type = OPTION_INT, AT(resolution), .initial = "0", .min = 0, .max = 4096, .argument = "R",
      .help = "side of the input in pixels, from 16; 0 is the model's own, or 224" },
    { .flag = "ssd", .type = OPTION_FLAG, AT(ssd), .initial = "false",
      .help = "without MODEL: with the extra layers and predictors of an SSD, not with 1000 classes" },
    { .flag = "precision", .type = OPTION_TEXT, AT(precision), .initial = "all", .argument = "LIST",
      .help = "numbers to compute with, by name, such as f32,bf16; or all" },
    { .flag = "isa", .type = OPTION_TEXT, AT(isa), .argument = "LIST",
      .help = "instruction sets by name, such as avx512,avx2; or all; default the best of this CPU" },
    { .flag = "threads", .letter = 'j', .type = OPTION_TEXT, AT(threads), .initial = "1", .argument = "LIST",
      .help = "threads of a pass, such as 1,2; all is one and as many as there are cores" },
    { .flag = "seconds", .type = OPTION_REAL, AT(seconds), .initial = "1", .min = .001, .max = 3600, .argument = "S",
      .help = "how long to run each combination" },
    { .flag = "layers", .type = OPTION_FLAG, AT(layers), .initial = "false",
      .help = "also show the layers that run together, and what each such stage takes" },
    { .flag = "json", .type = OPTION_FLAG, AT(json), .initial = "false",
      .help = "print one JSON object a line, one for each combination, instead of the table" },
    { 0 }
};
#undef AT

const options_app bench_app = {
    .name = "cygnet-model bench",
    .summary = "measure the speed of a model, or of a MobileNet of random weights, on this machine",
    .usage = "[options] [MODEL]",
    .examples =
        "cygnet-model bench face-ssd-mobilenet-v1 --threads all\n"
        "cygnet-model bench --width 0.25 --resolution 128 --isa all --precision f32\n"
        "cygnet-model bench --width 1 --resolution 224 --precision bf16 --threads 2 --json",
    .exits =
        "0  measured\n"
        "2  usage, or this CPU has no such instruction set\n"
        "5  the model is missing or damaged\n"
        "6  standard output cannot be written",
    .table = table,
};

/* ---- Combinations ---------------------------------------------------------------------------- */

/* A list of names, from "a,b" or from "all" there are. */
typedef struct choices {
    char names[MAX_CHOICES][24];
    int  count;
} choices;

static cyg_status add_choice(choices *c, const char *name, size_t length, cyg_error *err)
{
    if (c->count == MAX_CHOICES || length == 0 || length >= sizeof c->names[0])
        return cyg_fail(err, CYG_ARGUMENT, "list: found '%.*s', expected up to %d names, with a comma between two",
                        (int)(length < 40 ? length : 40), name, MAX_CHOICES);
    snprintf(c->names[c->count++], sizeof c->names[0], "%.*s", (int)length, name);
    return CYG_OK;
}

static cyg_status read_choices(choices *c, const char *text, const char *(*all)(int i), cyg_error *err)
{
    cyg_status status = CYG_OK;
    c->count = 0;
    if (!strcmp(text, "all")) {
        for (int i = 0; all(i) && !status; i++) status = add_choice(c, all(i), strlen(all(i)), err);
        return status;
    }
    for (const char *at = text; !status; at++) {
        const size_t length = strcspn(at, ",");
        status = add_choice(c, at, length, err);
        at += length;
        if (!*at) break;
    }
    return status;
}

static const char *thread_name(int i)
{
    static char cores[12];
    snprintf(cores, sizeof cores, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    return i == 0 ? "1" : i == 1 && strcmp(cores, "1") ? cores : NULL;
}

static cyg_status read_threads(int *out, const char *text, cyg_error *err)
{
    char *end;
    const long threads = strtol(text, &end, 10);
    *out = (int)threads;
    if (*end || threads < 1 || threads > 64)
        return cyg_fail(err, CYG_ARGUMENT, "--threads: found '%s', expected 1 to 64", text);
    return CYG_OK;
}

/* ---- Measuring --------------------------------------------------------------------------------- */

typedef struct timing {
    double min, median;                 /* ms a pass */
    double speed, peak;                 /* operations (a multiply-add is two) a second, in 10^9 */
    double stage_ms[BENCH_MAX_STAGES + 1];
} timing;

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static cyg_status measure(timing *t, bench_pass *p, const settings *s, cyg_error *err)
{
    double *const times = malloc(MAX_RUNS * sizeof *times);
    if (!times) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    int n = 0;
    t->peak = 2e-9 * bench_pass_peak(p);
    bench_pass_run(p);
    for (const double end = bench_now() + s->seconds * 1e3; n < MAX_RUNS; n++) {
        const double begin = bench_now();
        if (n >= MIN_RUNS && begin >= end) break;
        bench_pass_run(p);
        times[n] = bench_now() - begin;
    }
    qsort(times, (size_t)n, sizeof *times, by_value);
    t->min = times[0];
    t->median = times[n / 2];
    t->speed = 2e-6 * (double)p->mult_adds / t->min;
    free(times);
    return s->layers ? bench_pass_stages(p, t->stage_ms, n, err) : CYG_OK;
}

/* ---- Telling ------------------------------------------------------------------------------------- */

/* The layers of stage i: first to last as a text, and their multiply-adds. */
static int64_t tell_stage(char *text, size_t size, const bench_pass *p, int stage)
{
    int64_t sum = 0;
    for (int i = 0; i < cyg_backbone_layer_count(p->net); i++) {
        const cyg_layer_info layer = cyg_backbone_layer(p->net, i);
        if (layer.stage != stage) continue;
        if (sum == 0) snprintf(text, size, "%s", layer.name);
        else snprintf(text + strcspn(text, " "), size - strcspn(text, " "), " to %s", layer.name);
        sum += layer.mult_adds;
    }
    return sum;
}

static void print_stages(const bench_pass *p, const timing *t)
{
    int64_t left = p->mult_adds;
    printf("\n  %-24s %15s %10s %10s %9s\n", "layers", "mult-adds", "ms", "10^9 op/s", "of peak");
    for (int i = 0; i <= p->stage_count; i++) {
        char name[64] = "heads";
        const int64_t work = i < p->stage_count ? tell_stage(name, sizeof name, p, i) : left;
        const double speed = 2e-6 * (double)work / t->stage_ms[i];
        left -= work;
        printf("  %-24s %15lld %10.4f %10.1f %8.1f%%\n", name, (long long)work, t->stage_ms[i], speed,
               100 * speed / t->peak);
    }
    printf("\n");
}

static void print_row(const bench_pass *p, const timing *t, bool first)
{
    if (first)
        printf("%-11s %-9s %7s %10s %10s %10s %8s %9s %11s %8s\n", "isa", "precision", "threads",
               "median ms", "min ms", "10^9 op/s", "of peak", "first ms", "weights MB", "pass MB");
    printf("%-11s %-9s %7d %10.4f %10.4f %10.1f %7.1f%% %9.1f %11.2f %8.2f\n", cyg_backbone_isa(p->net),
           cyg_backbone_precision(p->net), p->thread_count, t->median, t->min, t->speed, 100 * t->speed / t->peak,
           p->first_ms, (double)cyg_backbone_bytes(p->net) / 1e6,
           (double)cyg_features_bytes(p->net, p->thread_count) / 1e6);
    fflush(stdout);
}

static json_t *json_stages(const bench_pass *p, const timing *t)
{
    json_t *const list = json_array();
    int64_t left = p->mult_adds;
    for (int i = 0; i <= p->stage_count; i++) {
        char name[64] = "heads";
        const int64_t work = i < p->stage_count ? tell_stage(name, sizeof name, p, i) : left;
        left -= work;
        json_array_append_new(list, json_pack("{s:s, s:I, s:f}", "layers", name, "mult_adds", (json_int_t)work,
                                              "min_ms", t->stage_ms[i]));
    }
    return list;
}

static void print_json(const bench_pass *p, const timing *t, bool stages)
{
    json_t *const root = json_pack("{s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I}",
        "isa", cyg_backbone_isa(p->net), "precision", cyg_backbone_precision(p->net), "threads", p->thread_count,
        "width", cyg_backbone_width(p->net), "height", cyg_backbone_height(p->net),
        "min_ms", t->min, "median_ms", t->median, "first_ms", p->first_ms,
        "gflops", t->speed, "peak_gflops", t->peak, "mult_adds", (json_int_t)p->mult_adds,
        "weights_bytes", (json_int_t)cyg_backbone_bytes(p->net),
        "pass_bytes", (json_int_t)cyg_features_bytes(p->net, p->thread_count));
    if (stages) json_object_set_new(root, "stages", json_stages(p, t));
    char *const text = json_dumps(root, JSON_REAL_PRECISION(6));
    if (text) puts(text);
    fflush(stdout);
    free(text);
    json_decref(root);
}

/* ---- The verb -------------------------------------------------------------------------------------- */

static cyg_status bench_one(const bench_network *n, const settings *s, const char *isa, const char *precision,
                            const char *threads, bool first, cyg_error *err)
{
    bench_pass p;
    timing t;
    int count;
    cyg_status status = read_threads(&count, threads, err);
    if (!status) status = bench_pass_open(&p, n, isa, precision, count, err);
    if (status) return status;
    status = measure(&t, &p, s, err);
    if (!status && s->json) print_json(&p, &t, s->layers);
    if (!status && !s->json) print_row(&p, &t, first || s->layers);
    if (!status && !s->json && s->layers) print_stages(&p, &t);
    bench_pass_close(&p);
    return status;
}

static cyg_status bench_all(const bench_network *n, const settings *s, cyg_error *err)
{
    choices isas, precisions, threads;
    cyg_status status = read_choices(&isas, s->isa ? s->isa : cyg_isa_name(0), cyg_isa_name, err);
    if (!status) status = read_choices(&precisions, s->precision, cyg_precision_name, err);
    if (!status) status = read_choices(&threads, s->threads, thread_name, err);
    for (int p = 0; p < precisions.count && !status; p++)
        for (int i = 0; i < isas.count && !status; i++)
            for (int j = 0; j < threads.count && !status; j++)
                status = bench_one(n, s, isas.names[i], precisions.names[p], threads.names[j],
                                   p + i + j == 0, err);
    return status;
}

static int exit_code_of(cyg_status status)       /* of a failure */
{
    return status == CYG_ARGUMENT || status == CYG_NOT_FOUND ? EXIT_USAGE : EXIT_MODEL;
}

static int bench(const settings *s, const char *path)
{
    bench_network n = { .path = path, .family = s->family, .width = s->width, .ssd = s->ssd, .side = s->resolution };
    cyg_error err;
    cyg_status status = bench_network_open(&n, &err);
    if (!status) status = bench_all(&n, s, &err);
    bench_network_close(&n);
    return status ? complain(exit_code_of(status), &err) : EXIT_SUCCESS;
}

int bench_run(int argc, char **argv)
{
    settings s;
    options *o;
    cyg_error err;
    const char *const *words;
    const cyg_status status = options_read(&o, &bench_app, &s, argc, argv, &err);
    if (status == CYG_END) return EXIT_SUCCESS;
    if (status) return complain(EXIT_USAGE, &err);

    int code;
    char *path = NULL;
    const int count = options_words(o, &words);
    if (s.resolution && s.resolution < 16) {
        cyg_fail(&err, CYG_ARGUMENT, "--resolution: found %d, expected 16 to 4096, or 0", s.resolution);
        code = complain(EXIT_USAGE, &err);
    } else if (count > 1) {
        cyg_fail(&err, CYG_ARGUMENT, "found %d words, expected one MODEL or none; see cygnet-model bench --help",
                 count);
        code = complain(EXIT_USAGE, &err);
    } else if (count == 1 && model_path_find(&path, words[0], &err)) {
        code = complain(EXIT_MODEL, &err);
    } else {
        code = bench(&s, path);
    }
    free(path);
    options_free(o);
    return code;
}
