/* eval_hide.c - which faces of a video are left uncovered by `cygnet-annotate --hide`.
 *
 *   eval_hide MODELS STEP VIDEO RECORDS...
 *
 * The judge looks at every STEP-th frame of VIDEO again, in tiles and with room around it. RECORDS are
 * those of runs with --hide: the shape that is hidden (overlay.h) over their boxes. A face is left
 * uncovered where less than 0.9 of its box is. Of each one, its frame, score and box are listed, for the
 * eye: the judge errs too.
 */
#include "eval.h"
#include "video.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 3, GRID = 24 };
static const float levels[LEVELS] = { .3f, .5f, .8f };
static const float enough = .9f;
static const double growth = 1.35;              /* of the hidden shape over the box: overlay_hide.c */

/* One run: the frames of its records as they come. */
typedef struct run {
    const char *path;
    FILE       *file;
    json_t     *objects;                /* of the frame at hand */
    json_t     *frame;
    int         faces[LEVELS], bare[LEVELS], frames[LEVELS], boxes;
} run;

static void quit(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(2);
}

/* Goes on to the records of frame n. */
static void advance(run *r, int64_t n)
{
    char *line = NULL;
    size_t room = 0;
    json_decref(r->frame);
    r->frame = r->objects = NULL;
    while (!r->frame && getline(&line, &room, r->file) > 0) {
        json_t *record = json_loads(line, 0, NULL);
        const char *type = json_string_value(json_object_get(record, "type"));
        if (type && !strcmp(type, "frame") && json_integer_value(json_object_get(record, "n")) == n) r->frame = record;
        else json_decref(record);
    }
    free(line);
    if (!r->frame) quit(r->path, "has no such frame");
    r->objects = json_object_get(r->frame, "objects");
    r->boxes += (int)json_array_size(r->objects);
}

static bool is_hidden(const run *r, double x, double y)
{
    size_t i;
    json_t *o;
    json_array_foreach(r->objects, i, o) {
        const json_t *b = json_object_get(o, "box");
        const double x1 = json_number_value(json_array_get(b, 0)), y1 = json_number_value(json_array_get(b, 1));
        const double x2 = json_number_value(json_array_get(b, 2)), y2 = json_number_value(json_array_get(b, 3));
        const double u = (2 * x - x1 - x2) / (growth * (x2 - x1)), v = (2 * y - y1 - y2) / (growth * (y2 - y1));
        if (u * u * u * u + v * v * v * v <= 1) return true;
    }
    return false;
}

/* How much of the box within the picture is covered. */
static float covered(const run *r, cyg_box b, const cyg_image *image)
{
    int inside = 0, hidden = 0;
    for (int i = 0; i < GRID * GRID; i++) {
        const double x = (double)b.x1 + (i % GRID + .5) / GRID * (double)(b.x2 - b.x1);
        const double y = (double)b.y1 + (i / GRID + .5) / GRID * (double)(b.y2 - b.y1);
        if (x < 0 || y < 0 || x >= image->width || y >= image->height) continue;
        inside++;
        hidden += is_hidden(r, x, y);
    }
    return inside ? (float)hidden / (float)inside : 1;
}

static void judge(run *r, const frame *f)
{
    bool bare[LEVELS] = { false };
    for (int i = 0; i < f->object_count; i++) {
        const object *o = &f->objects[i];
        const float part = covered(r, o->box, &f->image);
        for (int k = 0; k < LEVELS && o->score > levels[k]; k++) {
            r->faces[k]++;
            r->bare[k] += part < enough;
            bare[k] = bare[k] || part < enough;
        }
        if (part < enough && o->score > levels[0])
            printf("%s: frame %lld: score %.2f, covered %.2f, box %.0f %.0f %.0f %.0f\n", r->path,
                   (long long)f->number, (double)o->score, (double)part, (double)o->box.x1, (double)o->box.y1,
                   (double)o->box.x2, (double)o->box.y2);
    }
    for (int k = 0; k < LEVELS; k++) r->frames[k] += bare[k];
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: eval_hide MODELS STEP VIDEO RECORDS...\n");
        return 2;
    }
    const int step = atoi(argv[2]), count = argc - 4;
    run *runs = calloc((size_t)count, sizeof *runs);
    for (int i = 0; runs && i < count; i++) {
        runs[i].path = argv[4 + i];
        runs[i].file = fopen(runs[i].path, "r");
        if (!runs[i].file) quit(runs[i].path, "cannot be read");
    }
    pipeline_options options = eval_options(argv[1]);
    options.describer = NULL;
    options.passes = PASSES_TILES;
    options.threshold = levels[0];
    cyg_error err;
    pipeline_models *models;
    pipeline *p;
    video_source *source;
    if (!runs || step < 1 || pipeline_models_open(&models, &options, &err) || pipeline_create(&p, models, &err))
        quit(argv[1], "cannot be used");
    if (video_source_open(&source, argv[3], &(video_source_options){ .threads = 1 }, &err)) quit(argv[3], err.message);
    int judged = 0;
    for (frame *f; (f = frame_create()) && video_source_read(source, f, &err) == CYG_OK; frame_free(f)) {
        if (f->image.width == 0) continue;
        for (int i = 0; i < count; i++) advance(&runs[i], f->number);
        if (f->number % step) continue;
        pipeline_detect(p, f);
        for (int i = 0; i < count; i++) judge(&runs[i], f);
        judged++;
    }
    for (int i = 0; i < count; i++) {
        printf("%s: %d frames, %d boxes", runs[i].path, judged, runs[i].boxes);
        for (int k = 0; k < LEVELS; k++)
            printf("; above %.1f: %d of %d faces bare, in %d frames", (double)levels[k], runs[i].bare[k],
                   runs[i].faces[k], runs[i].frames[k]);
        printf("\n");
        json_decref(runs[i].frame);
        fclose(runs[i].file);
    }
    free(runs);
    video_source_close(source);
    pipeline_free(p);
    pipeline_models_close(models);
    return 0;
}
