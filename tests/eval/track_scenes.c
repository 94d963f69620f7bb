/* track_scenes.c - scenes of moving boxes with a detector's faults, from a random generator that is always the same. */
#include "track_scenes.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 1280, HEIGHT = 720, MOST_ACTORS = 64, MOST_BOXES = 60000 };

/* How a made scene is. Sizes in pixels, times in seconds, chances per frame. */
typedef struct recipe {
    const char *name;
    int    actors, things;          /* things: what stands still and is taken for an object now and then */
    double size, speed;             /* of actors: height, pixels a second */
    double aspect;                  /* width over height */
    double jitter;                  /* of boxes, over their size */
    double miss, flicker;           /* chances: a seen object is not told of; a false box anywhere */
    double dip;                     /* chance, a second, that an object turns away: it scores little for a while */
    double thing_score;             /* mean of what those things score */
    double pan;                     /* of the camera, pixels a second at most */
} recipe;

static const recipe recipes[SCENES_MADE] = {
    { "walkers",        8, 0, 200, 90,  .4,  .04, .02, .05, .05, 0,   0 },
    { "crowd",         40, 6, 110, 70,  .4,  .05, .05, .20, .10, .25, 0 },
    { "panning",       10, 4, 180, 110, .4,  .05, .04, .10, .10, .25, 250 },
    { "faces",          5, 2, 130, 50,  .8,  .05, .02, .02, .50, .20, 0 },
    { "small, unsure", 12, 6, 60,  60,  .4,  .08, .10, .20, .60, .30, 0 },
    { "clutter",        6, 20, 150, 80, .4,  .05, .03, .30, .10, .35, 0 },
};

static const double seconds = 20, rate = 25;

/* ---- chance ---------------------------------------------------------------------------------- */

static double chance(uint64_t *state)           /* 0 .. 1; splitmix64, as published by S. Vigna */
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.;
}

static double normal(uint64_t *state)           /* nearly: mean 0, deviation 1 */
{
    double sum = 0;
    for (int i = 0; i < 12; i++) sum += chance(state);
    return sum - 6;
}

/* ---- actors --------------------------------------------------------------------------------------- */

typedef struct actor {
    double x, y, vx, vy, height;        /* of the middle; where the world is, not the picture */
    double from, to;                    /* seconds that it is there */
    double turned;                      /* until then it is seen badly */
    double bias;                        /* of its score, that changes slowly */
} actor;

static void enter(actor *a, const recipe *r, uint64_t *random)
{
    const double angle = 6.2832 * chance(random), pace = r->speed * (.4 + 1.2 * chance(random));
    *a = (actor){
        .x = WIDTH * chance(random), .y = HEIGHT * (.2 + .6 * chance(random)),
        .vx = pace * cos(angle), .vy = .3 * pace * sin(angle), .height = r->size * (.7 + .8 * chance(random)),
        .from = chance(random) < .5 ? 0 : .6 * seconds * chance(random), .bias = .12 * normal(random),
    };
    a->to = a->from + seconds * (.3 + .7 * chance(random));
}

/* What a detector makes of something changes little from frame to frame: in about half a second. */
static void drift(actor *a, uint64_t *random)
{
    a->bias = .92 * a->bias + .12 * .39 * normal(random);       /* .12 is its deviation: .39^2 = 1 - .92^2 */
}

/* On its way, with some restlessness; it turns round at the edges of the world, a little beyond the picture's. */
static void walk(actor *a, const recipe *r, uint64_t *random)
{
    const double dt = 1 / rate, restless = .6 * r->speed * sqrt(dt);
    a->vx += restless * normal(random);
    a->vy += .3 * restless * normal(random);
    const double pace = hypot(a->vx, a->vy), most = 2 * r->speed;
    if (pace > most) a->vx *= most / pace, a->vy *= most / pace;
    a->x += dt * a->vx;
    a->y += dt * a->vy;
    if ((a->x < -60 && a->vx < 0) || (a->x > WIDTH + 60 && a->vx > 0)) a->vx = -a->vx;
    if ((a->y < .15 * HEIGHT && a->vy < 0) || (a->y > .85 * HEIGHT && a->vy > 0)) a->vy = -a->vy;
}

static cyg_box box_of(const actor *a, const recipe *r, double pan)
{
    const double h = a->height, w = r->aspect * h, x = a->x + pan;
    return (cyg_box){ (float)(x - w / 2), (float)(a->y - h / 2), (float)(x + w / 2), (float)(a->y + h / 2) };
}

static double part_of(cyg_box of, cyg_box by)
{
    const double w = fmin((double)of.x2, (double)by.x2) - fmax((double)of.x1, (double)by.x1);
    const double h = fmin((double)of.y2, (double)by.y2) - fmax((double)of.y1, (double)by.y1);
    return w > 0 && h > 0 ? w * h / ((double)(of.x2 - of.x1) * (double)(of.y2 - of.y1)) : 0;
}

/* ---- the detector ------------------------------------------------------------------------------------ */

static void detect(scene *s, int frame, cyg_box b, double score, double jitter, uint64_t *random)
{
    if (s->detection_count == MOST_BOXES || score < .05) return;
    const double w = (double)(b.x2 - b.x1), h = (double)(b.y2 - b.y1);
    const double dx = jitter * w * normal(random), dy = jitter * h * normal(random);
    const double dw = jitter * w * normal(random) / 2, dh = jitter * h * normal(random) / 2;
    s->detections[s->detection_count++] = (scene_detection){
        frame, (float)fmin(score, .99),
        { (float)((double)b.x1 + dx - dw), (float)((double)b.y1 + dy - dh),
          (float)((double)b.x2 + dx + dw), (float)((double)b.y2 + dy + dh) },
    };
}

/* What is nearer, lower in the picture, hides what is behind; the half hidden score low. */
static void see_actors(scene *s, const recipe *r, actor *actors, int frame, double pan, uint64_t *random)
{
    const cyg_box picture = { 0, 0, WIDTH, HEIGHT };
    const double now = frame / rate;
    for (int i = 0; i < r->actors; i++) {
        actor *a = &actors[i];
        if (now < a->from || now > a->to) continue;
        drift(a, random);
        const cyg_box b = box_of(a, r, pan);
        double visible = part_of(b, picture);
        if (visible < .5) continue;
        for (int k = 0; k < r->actors; k++)
            if (k != i && now >= actors[k].from && now <= actors[k].to && actors[k].y > a->y)
                visible *= 1 - part_of(b, box_of(&actors[k], r, pan));
        if (visible >= .1 && s->truth_count < MOST_BOXES) s->truths[s->truth_count++] = (track_box){ frame, i, b };
        if (chance(random) < r->dip / rate) a->turned = now + .2 + .8 * chance(random);
        const double turned = now < a->turned ? .35 : 1;
        const double score = .95 * pow(visible, .9) * turned + a->bias + .04 * normal(random);
        if (chance(random) > r->miss) detect(s, frame, b, score, r->jitter * (2 - visible), random);
    }
}

static void see_nothing(scene *s, const recipe *r, actor *things, int frame, double pan, uint64_t *random)
{
    for (int i = 0; i < r->things; i++) {
        drift(&things[i], random);
        detect(s, frame, box_of(&things[i], r, pan), r->thing_score + things[i].bias + .04 * normal(random), r->jitter,
               random);
    }
    if (chance(random) >= r->flicker) return;
    actor a;
    enter(&a, r, random);
    detect(s, frame, box_of(&a, r, 0), .15 + .5 * chance(random), 0, random);
}

static bool allocate(scene *s)
{
    s->truths = calloc(MOST_BOXES, sizeof *s->truths);
    s->detections = calloc(MOST_BOXES, sizeof *s->detections);
    return s->truths && s->detections;
}

bool scene_make(scene *out, int which)
{
    const recipe *r = &recipes[which];
    uint64_t random = (uint64_t)which + 1;
    actor actors[MOST_ACTORS], things[MOST_ACTORS];
    *out = (scene){ .rate = rate, .frames = (int)(seconds * rate) };
    snprintf(out->name, sizeof out->name, "%s", r->name);
    if (!allocate(out)) return false;
    for (int i = 0; i < r->actors; i++) enter(&actors[i], r, &random);
    for (int i = 0; i < r->things; i++) enter(&things[i], r, &random);
    for (int frame = 0; frame < out->frames; frame++) {
        const double pan = r->pan * sin(frame / rate);
        see_actors(out, r, actors, frame, pan, &random);
        see_nothing(out, r, things, frame, pan, &random);
        for (int i = 0; i < r->actors; i++) walk(&actors[i], r, &random);
    }
    return true;
}

/* ---- files ------------------------------------------------------------------------------------------------ */

static FILE *open_list(const char *folder, const char *name)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file) fprintf(stderr, "%s: cannot be read\n", path);
    return file;
}

static int compare_detections(const void *a, const void *b)
{
    const scene_detection *x = a, *y = b;
    return x->frame != y->frame ? (x->frame < y->frame ? -1 : 1) : (x->score < y->score) - (x->score > y->score);
}

bool scene_read(scene *out, const char *folder, double frames_a_second)
{
    *out = (scene){ .rate = frames_a_second };
    const char *slash = strrchr(folder, '/');
    snprintf(out->name, sizeof out->name, "%.60s", slash ? slash + 1 : folder);
    FILE *truth = open_list(folder, "gt/gt.txt"), *found = open_list(folder, "det/det.txt");
    const bool good = truth && found && allocate(out);
    int frame, id;
    float x, y, w, h, score;
    char line[300];
    while (good && out->truth_count < MOST_BOXES && fgets(line, sizeof line, truth))
        if (sscanf(line, "%d,%d,%f,%f,%f,%f,%f", &frame, &id, &x, &y, &w, &h, &score) == 7 && score > 0)
            out->truths[out->truth_count++] = (track_box){ frame - 1, id, { x, y, x + w, y + h } };
    while (good && out->detection_count < MOST_BOXES && fgets(line, sizeof line, found))
        if (sscanf(line, "%d,%d,%f,%f,%f,%f,%f", &frame, &id, &x, &y, &w, &h, &score) == 7)
            out->detections[out->detection_count++] = (scene_detection){ frame - 1, score, { x, y, x + w, y + h } };
    for (int i = 0; i < out->truth_count; i++)
        if (out->truths[i].frame >= out->frames) out->frames = out->truths[i].frame + 1;
    if (good) qsort(out->detections, (size_t)out->detection_count, sizeof *out->detections, compare_detections);
    if (truth) fclose(truth);
    if (found) fclose(found);
    return good;
}

void scene_free(scene *s)
{
    free(s->truths);
    free(s->detections);
    *s = (scene){ 0 };
}
