/* eval_coco.c - how well a detector finds the objects of COCO pictures.
 *
 *   eval_coco MODEL FOLDER [FOUND.json]
 *
 * FOLDER holds instances.json and images/. Classes are known by their names. FOUND.json: writes all that was found,
 * in COCO's form for results.
 */
#include "coco_map.h"
#include "eval.h"
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FOUND = 100 };
static const float least_score = .05f;

typedef struct job {
    const eval_files *files;
    json_t           *truth;            /* instances.json */
    int              *images;           /* of each file: its id; 0: none */
    coco_found       *found;
    int               count;
    pthread_mutex_t   lock;
} job;

static void quit(const char *what, const char *why)
{
    fprintf(stderr, "eval_coco: %s: %s\n", what, why);
    exit(2);
}

static int number(const json_t *from, const char *key)
{
    return (int)json_integer_value(json_object_get(from, key));
}

/* The id of the category of that name; 0: none. */
static int category_of(const job *j, const char *name)
{
    size_t i;
    const json_t *category;
    json_array_foreach(json_object_get(j->truth, "categories"), i, category)
        if (strcmp(json_string_value(json_object_get(category, "name")), name) == 0) return number(category, "id");
    return 0;
}

static void look(void *context, int thread, int i, pipeline *p, frame *f)
{
    job *j = context;
    if (j->images[i] == 0) return;
    pipeline_detect(p, f);
    pthread_mutex_lock(&j->lock);
    for (int k = 0; k < f->object_count && k < MOST_FOUND; k++) {
        const object *o = &f->objects[k];
        const int category = category_of(j, o->label_text);
        const double x1 = fmax(o->box.x1, 0), y1 = fmax(o->box.y1, 0);
        const double x2 = fmin(o->box.x2, f->image.width), y2 = fmin(o->box.y2, f->image.height);
        if (category)
            j->found[j->count++] = (coco_found){ j->images[i], category, { x1, y1, x2 - x1, y2 - y1 }, o->score };
    }
    pthread_mutex_unlock(&j->lock);
}

static void find_images(job *j)
{
    size_t i;
    const json_t *image;
    json_array_foreach(json_object_get(j->truth, "images"), i, image) {
        const int at = eval_find(j->files, json_string_value(json_object_get(image, "file_name")));
        if (at >= 0) j->images[at] = number(image, "id");
    }
}

/* Of the pictures that are there. */
static coco_truth *read_truths(const job *j, int *count)
{
    const json_t *list = json_object_get(j->truth, "annotations"), *a;
    coco_truth *truths = calloc(json_array_size(list) + 1, sizeof *truths);
    size_t i;
    *count = 0;
    if (!truths) quit("truth", "out of memory");
    json_array_foreach(list, i, a) {
        const json_t *box = json_object_get(a, "bbox");
        double b[4];
        bool known = false;
        for (int k = 0; k < j->files->count && !known; k++) known = j->images[k] == number(a, "image_id");
        for (size_t k = 0; k < 4; k++) b[k] = json_number_value(json_array_get(box, k));
        if (known)
            truths[(*count)++] = (coco_truth){
                number(a, "image_id"), number(a, "category_id"), { b[0], b[1], b[2], b[3] },
                json_number_value(json_object_get(a, "area")), number(a, "iscrowd") != 0,
            };
    }
    return truths;
}

static void write_found(const job *j, const char *path)
{
    json_t *list = json_array();
    for (int i = 0; i < j->count; i++) {
        const coco_found *d = &j->found[i];
        json_array_append_new(list, json_pack("{s:i, s:i, s:[f,f,f,f], s:f}", "image_id", d->image, "category_id",
            d->category, "bbox", d->box.x, d->box.y, d->box.width, d->box.height, "score", d->score));
    }
    if (json_dump_file(list, path, JSON_COMPACT)) quit(path, "cannot be written");
    json_decref(list);
}

static void print_scores(const coco_scores *s)
{
    static const char *const names[COCO_AREAS] = { "all", "small", "medium", "large" };
    printf("mAP of IoU .50 to .95: %.3f; at .50: %.3f; at .75: %.3f\n", s->ap[COCO_ALL], s->ap50, s->ap75);
    printf("recall with 1 a class and picture: %.3f; with 10: %.3f; with 100: %.3f\n", s->recall_1, s->recall_10,
           s->recall[COCO_ALL]);
    for (int a = COCO_SMALL; a < COCO_AREAS; a++)
        printf("%-6s mAP %.3f, recall %.3f\n", names[a], s->ap[a], s->recall[a]);
}

int main(int argc, char **argv)
{
    char path[1000];
    if (argc < 3) {
        fprintf(stderr, "usage: eval_coco MODEL FOLDER [FOUND.json]\n");
        return 2;
    }
    job j = { .lock = PTHREAD_MUTEX_INITIALIZER };
    snprintf(path, sizeof path, "%s/instances.json", argv[2]);
    json_error_t at;
    if (!(j.truth = json_load_file(path, 0, &at))) quit(path, at.text);
    snprintf(path, sizeof path, "%s/images", argv[2]);
    eval_files files = eval_list(path);
    j.files = &files;
    j.images = calloc((size_t)files.count + 1, sizeof *j.images);
    j.found = calloc((size_t)files.count * MOST_FOUND + 1, sizeof *j.found);
    if (!j.images || !j.found) quit("results", "out of memory");
    find_images(&j);
    const pipeline_options options = { .model = argv[1], .threshold = least_score, .max_objects = MOST_FOUND };
    eval_run(path, &files, &options, look, &j);
    if (argc > 3) write_found(&j, argv[3]);

    int count;
    coco_truth *truths = read_truths(&j, &count);
    coco_scores scores;
    if (!coco_judge(&scores, truths, count, j.found, j.count)) quit("scores", "out of memory");
    printf("%d pictures, %d objects, %d found above %.2f\n", files.count, count, j.count, (double)least_score);
    print_scores(&scores);
    free(truths);
    free(j.found);
    free(j.images);
    json_decref(j.truth);
    eval_free(&files);
    return 0;
}
