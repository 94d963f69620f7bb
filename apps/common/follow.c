/* follow.c - the frames that wait, and what is put right in them. */
#include "follow.h"
#include "clock.h"
#include "cut.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 2 * FOLLOW_MOST };              /* frames of packets alone wait in between */

static const size_t usual_bytes = (size_t)16 << 20;

struct follower {
    follower_options o;
    tracker *tracker;
    frame   *waiting[PLACES];                   /* [count], the oldest first */
    int      count;
    size_t   bytes;                             /* of those */
    int      pictures;                          /* among those */
    double   seconds;
    cut_memory scene;
    int64_t  scene_order;                       /* of the scene's first frame */

    /* of the last analysed frame */
    int      object_count;
    double   time;
    object   objects[CYG_MAX_DETECTIONS];
};

/* ---- life ------------------------------------------------------------------------------ */

follower *follower_create(const follower_options *options)
{
    follower *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    w->o = *options;
    if (!w->o.bytes) w->o.bytes = usual_bytes;
    if (w->o.hold > 0) w->o.tracker.hold = w->o.hold;
    w->tracker = tracker_create(&w->o.tracker);
    if (w->tracker) return w;
    free(w);
    return NULL;
}

void follower_free(follower *w)
{
    if (!w) return;
    for (int i = 0; i < w->count; i++) frame_free(w->waiting[i]);
    tracker_free(w->tracker);
    free(w);
}

int follower_tracks(const follower *w)
{
    return tracker_count(w->tracker);
}

double follower_seconds(const follower *w)
{
    return w->seconds;
}

/* ---- objects in a frame ------------------------------------------------------------------ */

static object *find_in(object *objects, int count, int track)
{
    for (int i = 0; i < count; i++)
        if (objects[i].track == track) return &objects[i];
    return NULL;
}

static object *find(frame *f, int track)
{
    return find_in(f->objects, f->object_count, track);
}

static cyg_box unite(cyg_box a, cyg_box b)
{
    return (cyg_box){ fminf(a.x1, b.x1), fminf(a.y1, b.y1), fmaxf(a.x2, b.x2), fmaxf(a.y2, b.y2) };
}

/* In its place by falling score, instead of what there is of its track; with no room it is left out. */
static void put_object(frame *f, const object *o)
{
    object *old = find(f, o->track);
    int at = old ? (int)(old - f->objects) : f->object_count;
    if (at == CYG_MAX_DETECTIONS) return;
    if (!old) f->object_count++;
    for (; at > 0 && f->objects[at - 1].score < o->score; at--) f->objects[at] = f->objects[at - 1];
    for (; at + 1 < f->object_count && f->objects[at + 1].score > o->score; at++) f->objects[at] = f->objects[at + 1];
    f->objects[at] = *o;
}

/* The objects of the last analysed frame, where they should be by now. */
static void carry_over(follower *w, frame *f)
{
    f->object_count = w->object_count;
    for (int i = 0; i < w->object_count; i++) {
        f->objects[i] = w->objects[i];
        f->objects[i].src = w->o.plain ? FROM_FILL : FROM_TRACK;
        if (w->o.plain) continue;
        f->objects[i].skeleton = NULL;
        object_move(&f->objects[i], f->time - w->time);
        if (w->o.hold > 0) f->objects[i].box = unite(w->objects[i].box, f->objects[i].box);
    }
}

/* Those tracks that this frame should have shown and did not: whoever stopped where he was seen is there too. */
static void hold(follower *w, frame *f)
{
    object expected[CYG_MAX_DETECTIONS];
    const int count = tracker_predict(w->tracker, f->time, expected);
    for (int i = 0; i < count; i++) {
        if (find(f, expected[i].track)) continue;
        const object *before = find_in(w->objects, w->object_count, expected[i].track);
        if (before) expected[i].box = unite(before->box, expected[i].box);
        put_object(f, &expected[i]);
    }
}

/* ---- putting right ------------------------------------------------------------------------- */

/* Young objects that have grown up meanwhile get their numbers. */
static void number_all(follower *w)
{
    for (int i = 0; i < w->count; i++) {
        frame *f = w->waiting[i];
        for (int j = 0; j < f->object_count; j++) {
            object *o = &f->objects[j];
            const int number = o->track < 0 ? tracker_number(w->tracker, o->track) : 0;
            if (number) o->track = number;
        }
    }
}

static float between(float a, float b, float part)
{
    return a + (b - a) * part;
}

static object blend(const object *a, const object *b, float part)
{
    object o = *b;
    o.box = (cyg_box){ between(a->box.x1, b->box.x1, part), between(a->box.y1, b->box.y1, part),
                       between(a->box.x2, b->box.x2, part), between(a->box.y2, b->box.y2, part) };
    o.score = between(a->score, b->score, part);
    o.src = FROM_FILL;
    o.skeleton = NULL;                          /* its points are those of another moment */
    return o;
}

/* o of frame f, the next one, was detected: so it was there since it was detected last, if that still waits. */
static void fill_gap(follower *w, const frame *f, const object *o)
{
    int since = w->count - 1;
    const object *before = NULL;
    for (; since >= 0; since--) {
        before = find(w->waiting[since], o->track);
        if (before && before->src == FROM_DETECT) break;
    }
    if (since < 0) return;
    const double from = w->waiting[since]->time, span = f->time - from;
    const object first = *before;
    for (int i = since + 1; i < w->count; i++) {
        frame *gap = w->waiting[i];
        if (gap->image.width == 0 || !(span > 0)) continue;
        const object filled = blend(&first, o, (float)((gap->time - from) / span));
        put_object(gap, &filled);
    }
}

/* o, seen and numbered just now, is told of before its first sighting too. It stays where it was seen
 * then: the speed that two sightings give is mostly their error. */
static void lead_in(follower *w, const object *o, double now)
{
    int first = 0;
    while (first < w->count && !find(w->waiting[first], o->track)) first++;
    object early = first < w->count ? *find(w->waiting[first], o->track) : *o;
    early.src = FROM_TRACK;
    early.speed = (cyg_box){ 0 };
    early.skeleton = NULL;
    const double since = (first < w->count ? w->waiting[first]->time : now) - w->o.hold;
    for (int i = first; i-- && w->waiting[i]->order >= w->scene_order; )
        if (w->waiting[i]->image.width && w->waiting[i]->time >= since) put_object(w->waiting[i], &early);
}

static void follow(follower *w, frame *f)
{
    const int known = tracker_count(w->tracker);
    tracker_update(w->tracker, f);
    number_all(w);
    for (int i = 0; w->o.hold > 0 && i < f->object_count; i++)
        if (f->objects[i].track > known) lead_in(w, &f->objects[i], f->time);
    for (int i = 0; i < f->object_count; i++)
        if (f->objects[i].track > 0) fill_gap(w, f, &f->objects[i]);
    if (w->o.hold > 0) hold(w, f);
}

/* ---- frames ----------------------------------------------------------------------------------- */

static size_t size_of(const frame *f)
{
    const cyg_image *im = &f->image;
    const size_t luma = (size_t)im->width * (size_t)im->height * (im->depth > 8 ? 2 : 1);
    switch (im->format) {
    case CYG_GRAY: return luma;
    case CYG_RGB24: return 3 * luma;
    case CYG_NV12: return luma + luma / 2;
    case CYG_YUV: return luma + 2 * (luma >> (im->shift_x + im->shift_y));
    }
    return luma;
}

static cyg_status write_oldest(follower *w, cyg_error *err)
{
    frame *f = w->waiting[0];
    memmove(&w->waiting[0], &w->waiting[1], (size_t)--w->count * sizeof *w->waiting);
    w->bytes -= size_of(f);
    w->pictures -= f->image.width != 0;
    for (int i = 0; i < f->object_count; i++)
        if (f->objects[i].track < 0) f->objects[i].track = 0;
    const cyg_status status = w->o.write(w->o.context, f, err);
    frame_free(f);
    return status;
}

/* Room for f at the end, one frame at least being left to wait. */
static cyg_status make_room(follower *w, const frame *f, cyg_error *err)
{
    const size_t most = w->o.plain ? 0 : w->o.bytes;
    cyg_status status = CYG_OK;
    while (!status && w->count && (w->count == PLACES || w->pictures == FOLLOW_MOST ||
                                   (w->bytes + size_of(f) > most && (w->o.plain || w->pictures > 1))))
        status = write_oldest(w, err);
    return status;
}

/* Another scene has other people in it. */
static void watch_cuts(follower *w, const frame *f)
{
    if (w->o.plain || !cut_between(&w->scene, &f->image)) return;
    tracker_reset(w->tracker);
    w->object_count = 0;
    w->scene_order = f->order;
}

static void look(follower *w, frame *f)
{
    const double began = clock_now();
    watch_cuts(w, f);
    if (!f->analysed) {
        carry_over(w, f);
    } else {
        if (!w->o.plain) follow(w, f);
        w->object_count = f->object_count;
        w->time = f->time;
        for (int i = 0; i < f->object_count; i++) w->objects[i] = f->objects[i];
    }
    w->seconds += clock_now() - began;
}

cyg_status follower_put(follower *w, frame *f, cyg_error *err)
{
    if (f->image.width) look(w, f);
    const cyg_status status = make_room(w, f, err);
    if (status) {
        frame_free(f);
        return status;
    }
    w->waiting[w->count++] = f;
    w->bytes += size_of(f);
    w->pictures += f->image.width != 0;
    return w->o.plain ? follower_flush(w, err) : CYG_OK;
}

cyg_status follower_flush(follower *w, cyg_error *err)
{
    cyg_status status = CYG_OK;
    while (!status && w->count) status = write_oldest(w, err);
    return status;
}
