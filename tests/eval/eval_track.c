/* eval_track.c - how well objects are followed, by the settings of the tracker.
 *
 *   eval_track [FOLDER RATE]...
 *
 * Scenes that are made up, or those of folders as of motchallenge.net, whose frames a second are RATE. What is
 * judged is what cygnet-annotate writes of 720p: boxes with numbers, gaps filled in (follow.h).
 */
#include "follow.h"
#include "track_scenes.h"
#include <stdio.h>
#include <stdlib.h>

enum { MOST_FOUND = 200000 };

typedef struct way { const char *name; tracker_options options; } way;

static const way ways[] = {
    { "as it is",            { .low = 0 } },
    { "no weak ones",        { .low = .5f } },
    { "weak from .35",       { .low = .35f } },
    { "weak from .25",       { .low = .25f } },
    { "weak from .1",        { .low = .1f } },
    { "appear at once",      { .appear = -1 } },
    { "appear after .03 s",  { .appear = .03 } },
    { "appear after .1 s",   { .appear = .1 } },
    { "appear after .2 s",   { .appear = .2 } },
    { "keep .3 s",           { .keep = .3 } },
    { "keep .5 s",           { .keep = .5 } },
    { "keep 2 s",            { .keep = 2 } },
};

typedef struct collected {
    track_box *boxes;
    int        count, unnumbered;
} collected;

static cyg_status collect(void *context, frame *f, cyg_error *err)
{
    collected *c = context;
    for (int i = 0; i < f->object_count; i++) {
        const object *o = &f->objects[i];
        if (o->track <= 0) c->unnumbered++;
        else if (c->count == MOST_FOUND) return cyg_fail(err, CYG_NO_MEMORY, "too many boxes");
        else c->boxes[c->count++] = (track_box){ (int)f->number, o->track, o->box };
    }
    return CYG_OK;
}

static uint8_t nothing[1280];               /* one row of pixels that are all alike, for all rows */

static frame *make_frame(const scene *s, int number, int *next, float least)
{
    frame *f = frame_create();
    if (!f) return NULL;
    f->order = f->number = number;
    f->time = number / s->rate;
    f->analysed = true;
    f->image = (cyg_image){ .format = CYG_YUV, .width = 1280, .height = 720, .depth = 8, .shift_x = 1, .shift_y = 1,
                            .plane = { nothing, nothing, nothing } };
    for (; *next < s->detection_count && s->detections[*next].frame <= number; ++*next) {
        const scene_detection *d = &s->detections[*next];
        if (d->frame < number || d->score <= least || f->object_count == CYG_MAX_DETECTIONS) continue;
        f->objects[f->object_count++] = (object){ .box = d->box, .score = d->score, .label_text = "face" };
    }
    return f;
}

static bool run(track_scores *out, int *unnumbered, const scene *s, const way *w)
{
    collected c = { malloc(MOST_FOUND * sizeof *c.boxes), 0, 0 };
    const follower_options options = { .tracker = w->options, .write = collect, .context = &c };
    follower *follow = c.boxes ? follower_create(&options) : NULL;
    cyg_error err;
    bool good = follow;
    for (int i = 0, next = 0; good && i < s->frames; i++) {
        frame *f = make_frame(s, i, &next, tracker_low(&options.tracker));
        good = f && follower_put(follow, f, &err) == CYG_OK;
    }
    good = good && follower_flush(follow, &err) == CYG_OK;
    good = good && track_judge(out, s->truths, s->truth_count, c.boxes, c.count);
    *unnumbered += c.unnumbered;
    follower_free(follow);
    free(c.boxes);
    return good;
}

static void print(const char *name, const track_scores *s, int unnumbered)
{
    printf("| %-20s | %.3f | %.3f | %5d | %6d | %6d | %4d / %d | %d |\n", name, track_idf1(s), track_mota(s),
           s->switches, s->missed, s->false_found, s->tracks, s->objects, unnumbered);
}

int main(int argc, char **argv)
{
    const int count = argc > 2 ? (argc - 1) / 2 : SCENES_MADE;
    scene *scenes = calloc((size_t)count, sizeof *scenes);
    if (!scenes) return 2;
    for (int i = 0; i < count; i++)
        if (!(argc > 2 ? scene_read(&scenes[i], argv[1 + 2 * i], atof(argv[2 + 2 * i])) : scene_make(&scenes[i], i)))
            return 2;
    int boxes = 0;
    for (int i = 0; i < count; i++) boxes += scenes[i].truth_count;
    printf("%d scenes, %d boxes\n\n", count, boxes);
    printf("| %-20s | IDF1  | MOTA  | switches | missed | false | tracks / objects | boxes without number |\n", "");
    printf("|---|---|---|---|---|---|---|---|\n");
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        track_scores sum = { 0 }, s;
        int unnumbered = 0;
        for (int i = 0; i < count; i++) {
            int own = 0;
            if (!run(&s, &own, &scenes[i], &ways[w])) return 2;
            if (w == 0) print(scenes[i].name, &s, own);
            track_scores_add(&sum, &s);
            unnumbered += own;
        }
        print(ways[w].name, &sum, unnumbered);
    }
    for (int i = 0; i < count; i++) scene_free(&scenes[i]);
    free(scenes);
    return 0;
}
