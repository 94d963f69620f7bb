/* bench_ssd.c - what surrounds a pass: sampling a 1920x1080 frame of I420 to the network's input, by every
 * instruction set of this CPU, and the SSD head: bench_ssd MODEL.safetensors PHOTO.jpg [THRESHOLD] */
#include "../../backbone/plan.h"
#include "head.h"
#include "picture.h"
#include "ssd.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS = 300 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *what, double *times)
{
    qsort(times, RUNS, sizeof *times, by_value);
    printf("%-18s median %.3f ms, best %.3f ms\n", what, times[RUNS / 2], times[0]);
}

static void measure(cyg_head *head, const cyg_features *maps)
{
    static double whole[RUNS], find[RUNS];
    static cyg_result found;
    for (int i = 0; i < RUNS; i++) {
        const double begin = now();
        cyg_head_run(head, maps, &found);
        const double middle = now();
        cyg_ssd_find(cyg_head_self(head), &found);
        find[i] = now() - middle;
        whole[i] = middle - begin;
    }
    printf("%d detections\n", found.count);
    print("whole head", whole);
    print("decode and NMS", find);
}

static void sample(const cyg_kernels *kernels, const cyg_backbone *net, const cyg_image *image, float *memory)
{
    cyg_sampler sampler;
    float *const row = memory + cyg_sampler_size(&net->input);
    cyg_sampler_begin(&sampler, kernels, &net->input, memory, image, cyg_region_letterbox(net, image));
    for (int y = 0; y < net->input.height; y++) cyg_sampler_row(&sampler, row, y);
}

static void measure_sampling(const cyg_backbone *net)
{
    enum { WIDTH = 1920, HEIGHT = 1080, LUMA = WIDTH * HEIGHT };
    static uint8_t pixels[LUMA * 3 / 2];
    static double times[RUNS];
    for (int i = 0; i < LUMA * 3 / 2; i++) pixels[i] = (uint8_t)((uint32_t)i * 2654435761u >> 24);
    const cyg_image image = {
        .format = CYG_YUV, .width = WIDTH, .height = HEIGHT, .depth = 8, .shift_x = 1, .shift_y = 1,
        .matrix = CYG_BT709, .plane = { pixels, pixels + LUMA, pixels + LUMA * 5 / 4 },
        .stride = { WIDTH, WIDTH / 2, WIDTH / 2 },
    };
    float *const memory = malloc((cyg_sampler_size(&net->input) + 3 * (size_t)net->input.width) * sizeof *memory);
    const cyg_kernels *tables[CYG_MAX_ISAS];
    const int count = cyg_kernels_list(tables);
    for (int t = 0; memory && t < count; t++) {
        char what[40];
        for (int i = 0; i < RUNS; i++) {
            const double begin = now();
            sample(tables[t], net, &image, memory);
            times[i] = now() - begin;
        }
        snprintf(what, sizeof what, "sample %s", tables[t]->isa);
        print(what, times);
    }
    free(memory);
}

int main(int argc, char **argv)
{
    if (argc < 3) return 2;
    const cyg_head_params params = { .threshold = argc > 3 ? (float)atof(argv[3]) : 0 };
    cyg_model *model = NULL;
    cyg_backbone *net = NULL;
    cyg_features *maps = NULL;
    cyg_head *head = NULL;
    frame photo = { 0 };
    picture_info info;
    cyg_error err = { 0 };
    if (cyg_model_open(&model, argv[1], &err) || cyg_backbone_create(&net, model, NULL, &err) ||
        cyg_features_create(&maps, net, NULL, &err) || cyg_head_create(&head, net, "ssd", &params, &err) ||
        picture_read(&photo, &info, argv[2], 1 << 28, &err)) {
        fprintf(stderr, "bench_ssd: %s\n", err.message);
        return 1;
    }
    cyg_backbone_run(net, &photo.image, cyg_region_letterbox(net, &photo.image), maps);
    measure(head, maps);
    measure_sampling(net);
    picture_info_free(&info);
    free(photo.memory);
    cyg_head_free(head);
    cyg_features_free(maps);
    cyg_backbone_free(net);
    cyg_model_close(model);
    return 0;
}
