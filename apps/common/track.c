/* track.c - ByteTrack: two associations, by high and by low scores, of boxes that Kalman filters expect. */
#include "track.h"
#include "assign.h"
#include "kalman.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TRACKS = ASSIGN_MOST, NOBODY = -1 };
_Static_assert((int)CYG_MAX_DETECTIONS <= (int)ASSIGN_MOST, "all detections of a frame can be assigned at once");

/* IoU from which two boxes may be the same thing: for sure tracks, for weak detections, for young tracks. */
static const float sure_overlap = 0.2f, weak_overlap = 0.5f, young_overlap = 0.3f;

/* Over the size of the box: error of a sighting; speed of a newcomer, a second; and what the
 * speed changes by in a second (square root of the acceleration's spectral density). */
static const double sighting_error = 0.05, first_speed = 2, restlessness = 0.75;

static const double memory = 1;             /* seconds over which a track's scores are averaged */

enum { CENTRE_X, CENTRE_Y, WIDTH, HEIGHT, STATES };

typedef struct track {
    kalman  state[STATES];
    object  last;               /* its last sighting */
    double  seen;               /* when that was */
    double  first;              /* and when the first was */
    float   trust;              /* mean of its scores, the latest counting most */
    int     birth;              /* < 0: what it was called when it was young */
    int     number;             /* > 0: sure; birth: young */
    int     found;              /* which object of the frame at hand; NOBODY */
} track;

struct tracker {
    tracker_options o;
    bool   low_chosen;
    double time;                /* of the last update */
    bool   begun, fresh;        /* fresh: nothing was seen yet, or since the last cut */
    int    count, numbers, births;
    track  tracks[MOST_TRACKS];

    /* of one update */
    bool   taken[CYG_MAX_DETECTIONS];
    int    rows[MOST_TRACKS], columns[CYG_MAX_DETECTIONS], column_of[MOST_TRACKS];
    float  cost[MOST_TRACKS * CYG_MAX_DETECTIONS];
};

/* ---- life ------------------------------------------------------------------------------ */

float tracker_low(const tracker_options *options)
{
    const float high = options->high > 0 ? options->high : 0.5f;
    return fminf(high, options->low > 0 ? options->low : fmaxf(high / 3, 0.1f));
}

tracker *tracker_create(const tracker_options *options)
{
    tracker *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->o = *options;
    t->low_chosen = options->low > 0;
    t->o.low = tracker_low(options);
    if (t->o.high <= 0) t->o.high = 0.5f;
    if (t->o.keep <= 0) t->o.keep = 1;
    if (t->o.hold <= 0) t->o.hold = 0.3;
    if (t->o.appear == 0) t->o.appear = 0.06;
    t->fresh = true;
    return t;
}

void tracker_free(tracker *t)
{
    free(t);
}

void tracker_set_high(tracker *t, float high)
{
    if (!t->low_chosen) t->o.low = 0;
    t->o.high = high;
    t->o.low = tracker_low(&t->o);
}

void tracker_reset(tracker *t)
{
    t->count = 0;
    t->fresh = true;
}

int tracker_count(const tracker *t)
{
    return t->numbers;
}

/* ---- boxes and filters ------------------------------------------------------------------- */

static double size_of(cyg_box b)
{
    return fmax(((double)b.x2 - (double)b.x1 + (double)b.y2 - (double)b.y1) / 2, 1);
}

static void measure(cyg_box b, double out[STATES])
{
    out[CENTRE_X] = ((double)b.x1 + (double)b.x2) / 2;
    out[CENTRE_Y] = ((double)b.y1 + (double)b.y2) / 2;
    out[WIDTH] = (double)b.x2 - (double)b.x1;
    out[HEIGHT] = (double)b.y2 - (double)b.y1;
}

static cyg_box box_of(const track *k)
{
    const double x = k->state[CENTRE_X].x, y = k->state[CENTRE_Y].x;
    const double w = fmax(k->state[WIDTH].x, 1) / 2, h = fmax(k->state[HEIGHT].x, 1) / 2;
    return (cyg_box){ (float)(x - w), (float)(y - h), (float)(x + w), (float)(y + h) };
}

static cyg_box speed_of(const track *k)
{
    const double x = k->state[CENTRE_X].v, y = k->state[CENTRE_Y].v;
    const double w = k->state[WIDTH].v / 2, h = k->state[HEIGHT].v / 2;
    return (cyg_box){ (float)(x - w), (float)(y - h), (float)(x + w), (float)(y + h) };
}

static double squared(double x)
{
    return x * x;
}

static void predict(track *k, double dt)
{
    const double density = squared(restlessness * size_of(k->last.box));
    for (int i = 0; i < STATES; i++) kalman_predict(&k->state[i], dt, density);
}

static void correct(track *k, cyg_box seen)
{
    double place[STATES];
    const double variance = squared(sighting_error * size_of(seen));
    measure(seen, place);
    for (int i = 0; i < STATES; i++) kalman_correct(&k->state[i], place[i], variance);
}

static float overlap(cyg_box a, cyg_box b)
{
    const float w = fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1), h = fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1);
    if (!(w > 0 && h > 0)) return 0;
    const float both = w * h;
    return both / ((a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - both);
}

/* ---- association ------------------------------------------------------------------------- */

typedef enum kind { SURE, TRUSTED, YOUNG } kind;        /* of tracks */

static bool is_of(const tracker *t, const track *k, kind wanted)
{
    if (k->found != NOBODY) return false;
    switch (wanted) {
    case SURE: return k->number > 0;
    case TRUSTED: return k->number > 0 && k->seen == t->time && k->trust > t->o.high;
    case YOUNG: return k->number < 0;
    }
    return false;
}

/* Tracks of that kind that are not found yet, with the free detections that score above `from`, up to `to`. */
static void associate(tracker *t, const frame *f, kind wanted, float from, float to, float least)
{
    int rows = 0, columns = 0;
    for (int i = 0; i < t->count; i++)
        if (is_of(t, &t->tracks[i], wanted)) t->rows[rows++] = i;
    for (int j = 0; j < f->object_count; j++)
        if (!t->taken[j] && f->objects[j].score > from && f->objects[j].score <= to) t->columns[columns++] = j;
    for (int r = 0; r < rows; r++) {
        const track *const k = &t->tracks[t->rows[r]];
        const cyg_box expected = box_of(k);
        for (int c = 0; c < columns; c++) {
            const object *const o = &f->objects[t->columns[c]];
            const float shared = o->label == k->last.label ? overlap(expected, o->box) : 0;
            t->cost[r * columns + c] = shared >= least ? 1 - shared : INFINITY;
        }
    }
    assign(t->column_of, t->cost, rows, columns, 1);
    for (int r = 0; r < rows; r++) {
        if (t->column_of[r] == ASSIGN_ALONE) continue;
        t->tracks[t->rows[r]].found = t->columns[t->column_of[r]];
        t->taken[t->columns[t->column_of[r]]] = true;
    }
}

/* ---- tracks begin, go on, end ---------------------------------------------------------------- */

static void grow_up(tracker *t, track *k)
{
    const bool seen_enough = k->seen - k->first >= t->o.appear || (t->fresh && t->o.fresh_at_once);
    if (k->number < 0 && seen_enough) k->number = ++t->numbers;
}

static void tell(const track *k, object *o)
{
    o->track = k->number;
    o->speed = speed_of(k);
}

static void go_on(tracker *t, track *k, frame *f)
{
    object *const o = &f->objects[k->found];
    correct(k, o->box);
    k->trust += (float)(1 - exp((k->seen - f->time) / memory)) * (o->score - k->trust);
    k->last = *o;
    k->seen = f->time;
    grow_up(t, k);
    tell(k, o);
}

/* Found tracks go on; of the others young ones and those unseen for too long end. */
static void settle(tracker *t, frame *f)
{
    int kept = 0;
    for (int i = 0; i < t->count; i++) {
        track *const k = &t->tracks[i];
        if (k->found != NOBODY) go_on(t, k, f);
        else if (k->number < 0 || f->time - k->seen > t->o.keep) continue;
        t->tracks[kept++] = *k;
    }
    t->count = kept;
}

static void begin(tracker *t, frame *f, object *o)
{
    if (t->count == MOST_TRACKS) return;
    track *const k = &t->tracks[t->count++];
    double place[STATES];
    const double size = size_of(o->box);
    const int birth = -++t->births;
    *k = (track){
        .last = *o, .seen = f->time, .first = f->time, .trust = o->score, .birth = birth, .number = birth,
        .found = NOBODY,
    };
    measure(o->box, place);
    for (int i = 0; i < STATES; i++)
        k->state[i] = kalman_start(place[i], squared(sighting_error * size), squared(first_speed * size));
    grow_up(t, k);
    tell(k, o);
}

/* Drops what is weak and was not expected anywhere. */
static void drop_weak(tracker *t, frame *f)
{
    int kept = 0;
    for (int i = 0; i < f->object_count; i++)
        if (t->taken[i] || f->objects[i].score > t->o.high) f->objects[kept++] = f->objects[i];
    f->object_count = kept;
}

void tracker_update(tracker *t, frame *f)
{
    const double dt = f->time - t->time;
    if (t->begun && (dt < 0 || dt > t->o.keep)) tracker_reset(t);
    for (int i = 0; i < t->count; i++) {
        predict(&t->tracks[i], dt);
        t->tracks[i].found = NOBODY;
    }
    for (int i = 0; i < f->object_count; i++) {
        t->taken[i] = false;
        f->objects[i].track = 0;
        f->objects[i].speed = (cyg_box){ 0 };
    }
    associate(t, f, SURE, t->o.high, INFINITY, sure_overlap);
    associate(t, f, TRUSTED, t->o.low, t->o.high, weak_overlap);
    associate(t, f, YOUNG, t->o.high, INFINITY, young_overlap);
    settle(t, f);
    for (int i = 0; i < f->object_count; i++)
        if (!t->taken[i] && f->objects[i].score > t->o.high) begin(t, f, &f->objects[i]);
    drop_weak(t, f);
    t->time = f->time;
    t->begun = true;
    t->fresh = false;
}

int tracker_number(const tracker *t, int young)
{
    for (int i = 0; i < t->count; i++)
        if (t->tracks[i].birth == young) return t->tracks[i].number > 0 ? t->tracks[i].number : 0;
    return 0;
}

/* ---- between updates ----------------------------------------------------------------------------- */

void object_move(object *o, double seconds)
{
    const float s = (float)seconds;
    cyg_box b = { o->box.x1 + s * o->speed.x1, o->box.y1 + s * o->speed.y1,
                  o->box.x2 + s * o->speed.x2, o->box.y2 + s * o->speed.y2 };
    if (b.x2 < b.x1 + 1) b.x1 = (b.x1 + b.x2 - 1) / 2, b.x2 = b.x1 + 1;
    if (b.y2 < b.y1 + 1) b.y1 = (b.y1 + b.y2 - 1) / 2, b.y2 = b.y1 + 1;
    const float x = (b.x1 + b.x2 - o->box.x1 - o->box.x2) / 2, y = (b.y1 + b.y2 - o->box.y1 - o->box.y2) / 2;
    for (int i = 0; o->skeleton && i < o->skeleton->point_count; i++) {
        o->points[i].x += x;
        o->points[i].y += y;
    }
    o->box = b;
}

/* Puts o in its place by falling score; with no room, the weakest goes. */
static int insert(object *list, int count, const object *o)
{
    int at = count;
    while (at > 0 && list[at - 1].score < o->score) at--;
    if (at == CYG_MAX_DETECTIONS) return count;
    if (count == CYG_MAX_DETECTIONS) count--;
    memmove(&list[at + 1], &list[at], (size_t)(count - at) * sizeof *list);
    list[at] = *o;
    return count + 1;
}

int tracker_predict(const tracker *t, double time, object out[CYG_MAX_DETECTIONS])
{
    int count = 0;
    for (int i = 0; i < t->count; i++) {
        const track *const k = &t->tracks[i];
        if (k->number < 0 || time - k->seen > t->o.hold) continue;
        object o = k->last;
        o.box = box_of(k);
        tell(k, &o);
        object_move(&o, time - t->time);
        o.src = k->seen == time ? FROM_DETECT : FROM_TRACK;
        count = insert(out, count, &o);
    }
    return count;
}
