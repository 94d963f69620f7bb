/* model_pass.c - makes a network with its heads, runs it, and takes its time stage by stage. */
#include "model_pass.h"
#include "model_layers.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* ---- Networks of random weights ------------------------------------------------------------ */

/* The published SSD's: its extra layers, the maps that its predictors read, boxes at a place. */
static const char ssd_extra[] =
    "[{\"kernel\":1,\"stride\":1,\"channels\":256},{\"kernel\":3,\"stride\":2,\"channels\":512},"
    "{\"kernel\":1,\"stride\":1,\"channels\":128},{\"kernel\":3,\"stride\":2,\"channels\":256},"
    "{\"kernel\":1,\"stride\":1,\"channels\":128},{\"kernel\":3,\"stride\":2,\"channels\":256},"
    "{\"kernel\":1,\"stride\":1,\"channels\":64},{\"kernel\":3,\"stride\":2,\"channels\":128}]";
static const char ssd_taps[] = "[\"conv11_pw\",\"conv13_pw\",\"extra1\",\"extra3\",\"extra5\",\"extra7\"]";
static const char *const ssd_maps[] = { "conv11_pw", "conv13_pw", "extra1", "extra3", "extra5", "extra7" };
static const int ssd_boxes[] = { 3, 6, 6, 6, 6, 6 };
enum { SSD_MAPS = 6, SSD_CORNERS = 4, SSD_CLASSES = 3, CLASSES = 1000 };

static int scaled(int channels, double width)
{
    const int n = (int)(channels * width);
    return n > 8 ? n : 8;
}

cyg_status bench_network_open(bench_network *n, cyg_error *err)
{
    if (n->path) return CYG_OK;
    const char *const family = n->family ? n->family : "mobilenet_v1";
    const int side = n->side ? n->side : 224;
    cyg_layer_info layers[CYG_MAX_LAYERS];
    int count;
    const cyg_status status = cyg_family_layers(layers, &count, family, n->width, side, side, err);
    if (status) return status;
    if (n->ssd && strcmp(family, "mobilenet_v1") != 0)
        return cyg_fail(err, CYG_ARGUMENT, "family: found '%.60s', expected mobilenet_v1 for an SSD", family);
    const int last = layers[count - 1].out_channels;
    const int in[SSD_MAPS] = { scaled(512, n->width), last, 512, 256, 256, 128 };
    char convolutions[1000];
    int end = snprintf(convolutions, sizeof convolutions, "[[\"classes\",%d,%d]", last, CLASSES);
    for (int i = 0; n->ssd && i < SSD_MAPS; i++)
        end += snprintf(convolutions + end, sizeof convolutions - (size_t)end,
                        ",[\"%s_corners\",%d,%d],[\"%s_classes\",%d,%d]", ssd_maps[i], in[i],
                        ssd_boxes[i] * SSD_CORNERS, ssd_maps[i], in[i], ssd_boxes[i] * SSD_CLASSES);
    snprintf(convolutions + end, sizeof convolutions - (size_t)end, "]");
    const random_model_params params = {
        .family = family, .width = n->width, .columns = side, .rows = side, .extra = n->ssd ? ssd_extra : NULL,
        .taps = n->ssd ? ssd_taps : "[\"pool\"]", .convolutions = convolutions,
    };
    return random_model_create(&n->random, &params, err);
}

void bench_network_close(bench_network *n)
{
    random_model_free(&n->random);
}

/* ---- Heads ---------------------------------------------------------------------------------- */

static cyg_status add_conv(bench_pass *p, const char *map, const cyg_conv_part *parts, int count, cyg_error *err)
{
    const cyg_tensor shape = cyg_backbone_map(p->net, map);
    for (int i = 0; i < count; i++)
        p->mult_adds += (int64_t)shape.width * shape.height * shape.channels * parts[i].channels;
    return cyg_conv_create(&p->heads[p->head_count++].conv, p->net, map, shape.channels, parts, count, err);
}

static cyg_status add_random_heads(bench_pass *p, bool ssd, cyg_error *err)
{
    if (!ssd) return add_conv(p, "pool", &(cyg_conv_part){ "classes", CLASSES }, 1, err);
    cyg_status status = CYG_OK;
    for (int i = 0; i < SSD_MAPS && !status; i++) {
        char corners[40], classes[40];
        snprintf(corners, sizeof corners, "%s_corners", ssd_maps[i]);
        snprintf(classes, sizeof classes, "%s_classes", ssd_maps[i]);
        const cyg_conv_part parts[] = { { corners, ssd_boxes[i] * SSD_CORNERS },
                                        { classes, ssd_boxes[i] * SSD_CLASSES } };
        status = add_conv(p, ssd_maps[i], parts, 2, err);
    }
    return status;
}

static cyg_status add_heads(bench_pass *p, cyg_error *err)
{
    size_t i;
    const json_t *head;
    json_array_foreach(json_object_get(cyg_model_description(p->model), "heads"), i, head) {
        const char *const type = json_string_value(json_object_get(head, "type"));
        if (p->head_count == BENCH_MAX_HEADS) break;
        const cyg_status status = cyg_head_create(&p->heads[p->head_count].head, p->net, type ? type : "", NULL, err);
        if (status) return status;
        p->head_count++;
        p->mult_adds += model_head_cost(p->net, head).mult_adds;
    }
    return CYG_OK;
}

static void run_heads(bench_pass *p, const cyg_features *maps)
{
    cyg_result result;
    for (int i = 0; i < p->head_count; i++) {
        const bench_head *const h = &p->heads[i];
        if (h->head) cyg_head_run(h->head, maps, &result);
        else cyg_conv_run(h->conv, maps, p->outputs);
    }
}

/* ---- A pass ----------------------------------------------------------------------------------- */

/* Noise from -1 to 1. */
static cyg_status make_input(bench_pass *p, cyg_error *err)
{
    const size_t values = (size_t)cyg_backbone_width(p->net) * (size_t)cyg_backbone_height(p->net) * 3;
    p->input = malloc(values * sizeof *p->input);
    for (int i = 0; i < 2; i++) p->outputs[i] = malloc((values + CLASSES) * sizeof **p->outputs);
    if (!p->input || !p->outputs[0] || !p->outputs[1]) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < values; i++) p->input[i] = (float)(uint32_t)(i * 2654435761u) / 2147483648.f - 1;
    return CYG_OK;
}

static cyg_status make_pass(bench_pass *p, const bench_network *n, const cyg_backbone_params *params, cyg_error *err)
{
    cyg_status status = n->path ? cyg_model_open(&p->model, n->path, err) : CYG_OK;
    if (!status) status = cyg_backbone_create(&p->net, n->path ? p->model : n->random.model, params, err);
    if (status) return status;
    const int layers = cyg_backbone_layer_count(p->net);
    for (int i = 0; i < layers; i++) p->mult_adds += cyg_backbone_layer(p->net, i).mult_adds;
    p->stage_count = cyg_backbone_layer(p->net, layers - 1).stage + 1;
    const cyg_executor executor = pool_executor(p->threads);
    status = cyg_features_create(&p->maps, p->net, p->thread_count > 1 ? &executor : NULL, err);
    if (!status) status = n->path ? add_heads(p, err) : add_random_heads(p, n->ssd, err);
    return status;
}

cyg_status bench_pass_open(bench_pass *p, const bench_network *n, const char *isa, const char *precision,
                           int threads, cyg_error *err)
{
    const cyg_backbone_params params = { .isa = isa, .precision = precision, .width = n->side, .height = n->side };
    *p = (bench_pass){ .thread_count = threads };
    cyg_status status = pool_create(&p->threads, threads, err);
    const double begin = bench_now();
    if (!status) status = make_pass(p, n, &params, err);
    const double made = bench_now();
    if (!status) status = make_input(p, err);
    if (status) {
        bench_pass_close(p);
        return status;
    }
    const double before = bench_now();
    bench_pass_run(p);
    p->first_ms = made - begin + bench_now() - before;
    return CYG_OK;
}

void bench_pass_close(bench_pass *p)
{
    for (int i = 0; i < p->head_count; i++) {
        cyg_head_free(p->heads[i].head);
        cyg_conv_free(p->heads[i].conv);
    }
    cyg_features_free(p->maps);
    cyg_backbone_free(p->net);
    cyg_model_close(p->model);
    pool_free(p->threads);
    free(p->input);
    for (int i = 0; i < 2; i++) free(p->outputs[i]);
}

void bench_pass_run(bench_pass *p)
{
    cyg_backbone_run_tensor(p->net, p->input, p->maps);
    run_heads(p, p->maps);
}

/* ---- Stage by stage ------------------------------------------------------------------------------ */

/* An executor that takes the time of another one: a pass asks it once a stage, and then heads may. */
typedef struct stop_watch {
    cyg_executor inner;
    double      *ms;                    /* [stages]: the least so far */
    int          stage, stages;
} stop_watch;

static void keep_least(double *least, double ms)
{
    if (ms < *least) *least = ms;
}

static void timed_for(void *context, int count, void (*task)(void *arg, int i), void *arg)
{
    stop_watch *const watch = context;
    const double begin = bench_now();
    watch->inner.parallel_for(watch->inner.context, count, task, arg);
    if (watch->stage < watch->stages) keep_least(&watch->ms[watch->stage++], bench_now() - begin);
}

cyg_status bench_pass_stages(bench_pass *p, double *ms, int runs, cyg_error *err)
{
    stop_watch watch = { .inner = pool_executor(p->threads), .ms = ms, .stages = p->stage_count };
    const cyg_executor executor = { timed_for, &watch, p->thread_count };
    cyg_features *maps;
    const cyg_status status = cyg_features_create(&maps, p->net, &executor, err);
    if (status) return status;
    for (int i = 0; i <= p->stage_count; i++) ms[i] = 1e9;
    for (int i = 0; i < runs; i++) {
        watch.stage = 0;
        cyg_backbone_run_tensor(p->net, p->input, maps);
        const double begin = bench_now();
        run_heads(p, maps);
        keep_least(&ms[p->stage_count], bench_now() - begin);
    }
    cyg_features_free(maps);
    return CYG_OK;
}

/* ---- The most there is ----------------------------------------------------------------------------- */

/* Each part by its own clock, so that it does not count how long a part waited for a core. */
typedef struct spinning {
    const cyg_backbone *net;
    double              best[64];       /* multiply-adds a millisecond */
} spinning;

static void spin(void *arg, int i)
{
    spinning *const s = arg;
    const double begin = bench_now();
    const int64_t done = cyg_backbone_spin(s->net, 20000);
    s->best[i] = fmax(s->best[i], (double)done / (bench_now() - begin));
}

double bench_pass_peak(const bench_pass *p)
{
    const cyg_executor all = pool_executor(p->threads);
    spinning s = { .net = p->net };
    double sum = 0;
    for (int i = 0; i < 100; i++) all.parallel_for(all.context, p->thread_count, spin, &s);
    for (int t = 0; t < p->thread_count; t++) sum += s.best[t];
    return sum * 1e3;
}
