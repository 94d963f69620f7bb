/* faces_look.c - looks at a photo or a video: finds faces, describes them, follows them. */
#include "faces_look.h"
#include "inputs.h"
#include "picture.h"
#include "thumbnail.h"
#include "video.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PIXELS = 500000000, THUMBNAIL_SIDE = 128 };
static const float thumbnail_scale = 1.3f;

/* A face is the one of a moment ago if it looks like it, or nearly so and in the same place. */
static const float surely_same = 0.65f, maybe_same = 0.35f, same_place = 0.3f;
static const double lost_after = 2;             /* seconds unseen */

_Static_assert((int)QUALITY_SMALL == GALLERY_SMALL && (int)QUALITY_BLURRED == GALLERY_BLURRED &&
               (int)QUALITY_CUT == GALLERY_CUT && (int)QUALITY_DARK == GALLERY_DARK,
               "a gallery keeps flaws as they are");

typedef struct track {
    gallery_face best;                          /* box, score, quality and thumbnail of its best sighting */
    cyg_box      last;                          /* where it was seen last */
    double       weight;
    float       *sum;                           /* [dimension] of weighted embeddings */
    bool         taken;                         /* by a face of this frame */
} track;

typedef struct looker {
    pipeline           *p;
    const look_options *o;
    looked             *out;
    track              *tracks;                 /* [count] */
    int                 count, room, dimension;
    description         seen;                   /* of one face */
} looker;

/* ---- Tracks ------------------------------------------------------------------------------ */

static float overlap(cyg_box a, cyg_box b)
{
    const float w = fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1), h = fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1);
    if (w <= 0 || h <= 0) return 0;
    const float both = w * h;
    return both / ((a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - both);
}

/* The track that this face goes on with; NULL = a new one. */
static track *find_track(looker *l, const object *o, double t)
{
    track *best = NULL;
    float most = 0;
    for (int i = 0; i < l->count; i++) {
        track *k = &l->tracks[i];
        if (k->taken || t - k->best.t2 > lost_after) continue;
        const float alike = cyg_cosine(k->sum, l->seen.embedding, l->dimension);
        const bool same = alike >= surely_same || (alike >= maybe_same && overlap(k->last,
            o->box) >= same_place);
        if (same && alike > most) {
            most = alike;
            best = k;
        }
    }
    return best;
}

static track *new_track(looker *l, double t)
{
    if (l->count == l->room) {
        const int room = l->room ? l->room * 2 : 16;
        track *more = realloc(l->tracks, (size_t)room * sizeof *more);
        if (!more) return NULL;
        l->tracks = more;
        l->room = room;
    }
    track *k = &l->tracks[l->count];
    *k = (track){ .best = { .t1 = t, .track = l->count },
                  .sum = calloc((size_t)l->dimension, sizeof(float)) };
    if (!k->sum) return NULL;
    l->count++;
    return k;
}

/* One more sighting; the best one so far is what is shown of it. */
static cyg_status add_sighting(looker *l, track *k, const frame *f, const object *o, cyg_error *err)
{
    const float weight = fmaxf(l->seen.quality.score, 0.01f);
    for (int i = 0; i < l->dimension; i++) k->sum[i] += weight * l->seen.embedding[i];
    const bool better = k->weight == 0 || l->seen.quality.score > k->best.quality;
    k->weight += (double)weight;
    k->best.t2 = f->time;
    k->last = o->box;
    k->taken = true;
    if (!better) return CYG_OK;
    k->best.box = o->box;
    k->best.score = o->score;
    k->best.quality = l->seen.quality.score;
    k->best.flaws = l->seen.quality.flaws;
    if (!l->o->thumbnails) return CYG_OK;
    uint8_t *jpeg;
    size_t size;
    const cyg_status status = thumbnail_make(&jpeg, &size, &f->image, o->box, thumbnail_scale,
                                             THUMBNAIL_SIDE, err);
    if (status) return status;
    free((void *)(uintptr_t)k->best.thumbnail);
    k->best.thumbnail = jpeg;
    k->best.thumbnail_size = size;
    return CYG_OK;
}

static cyg_status look_at_frame(looker *l, frame *f, cyg_error *err)
{
    pipeline_detect(l->p, f);
    for (int i = 0; i < l->count; i++) l->tracks[i].taken = false;
    for (int i = 0; i < f->object_count; i++) {
        const object *o = &f->objects[i];
        pipeline_describe(l->p, f, o, &l->seen);
        l->dimension = l->seen.dimension;
        if (l->seen.quality.flaws && !l->o->poor) {
            quality_count(&l->out->poor, l->seen.quality.flaws);
            continue;
        }
        track *k = find_track(l, o, f->time);
        if (!k) k = new_track(l, f->time);
        if (!k) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
        const cyg_status status = add_sighting(l, k, f, o, err);
        if (status) return status;
    }
    return CYG_OK;
}

/* ---- Files ---------------------------------------------------------------------------------- */

static cyg_status look_at_photo(looker *l, frame *f, const char *path, cyg_error *err)
{
    picture_info info;
    const cyg_status status = picture_read(f, &info, path, MOST_PIXELS, err);
    if (status) return status;
    picture_info_free(&info);
    l->out->file.kind = GALLERY_PHOTO;
    l->out->file.width = f->image.width;
    l->out->file.height = f->image.height;
    return look_at_frame(l, f, err);
}

/* *frames: how many there were. A video that breaks off counts as far as it went, unless that is nowhere. */
static cyg_status look_at_frames(looker *l, video_source *source, int64_t *frames, cyg_error *err)
{
    cyg_status status = CYG_OK;
    double next = -INFINITY;
    for (*frames = 0; !status; ) {
        if (l->o->stop && stop_signal(l->o->stop)) return CYG_END;
        frame *f = frame_create();
        if (!f) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
        const cyg_status read = video_source_read(source, f, err);
        const bool picture = !read && f->image.width > 0;
        if (picture) {
            ++*frames;
            l->out->file.duration = f->time;
            if (f->time >= next) {
                status = look_at_frame(l, f, err);
                next = f->time + l->o->step;
            }
        }
        frame_free(f);
        if (read == CYG_END) break;
        if (read) return *frames && read == CYG_FORMAT ? CYG_OK : read;
    }
    return status;
}

static cyg_status look_at_video(looker *l, const char *path, cyg_error *err)
{
    video_source *source;
    const video_source_options options = { .threads = 1 };
    cyg_status status = video_source_open(&source, path, &options, err);
    if (status) return status;
    const video_info *info = video_source_info(source);
    l->out->file.width = info->width;
    l->out->file.height = info->height;
    int64_t frames;
    status = look_at_frames(l, source, &frames, err);
    if (!status && frames == 0) status = cyg_fail(err, CYG_FORMAT, "%s: no picture in it can be decoded",
                                                  path);
    l->out->file.kind = frames > 1 || input_is_video(path) ? GALLERY_VIDEO : GALLERY_PHOTO;
    video_source_close(source);
    return status;
}

/* ---- What was seen ----------------------------------------------------------------------------- */

static int by_quality(const void *a, const void *b)
{
    const gallery_face *x = a, *y = b;
    if (x->quality != y->quality) return x->quality > y->quality ? -1 : 1;
    return (x->track > y->track) - (x->track < y->track);
}

/* The tracks become faces, which own what they pointed to. */
static cyg_status hand_over(looker *l, cyg_error *err)
{
    looked *out = l->out;
    if (l->count == 0) return CYG_OK;
    out->faces = calloc((size_t)l->count, sizeof *out->faces);
    if (!out->faces) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    for (int i = 0; i < l->count; i++) {
        gallery_face *face = &out->faces[out->count++];
        *face = l->tracks[i].best;
        face->embedding = l->tracks[i].sum;
        if (out->file.kind == GALLERY_PHOTO) {
            face->track = -1;
            face->t1 = face->t2 = 0;
        }
    }
    l->count = 0;
    qsort(out->faces, (size_t)out->count, sizeof *out->faces, by_quality);
    return CYG_OK;
}

cyg_status look_at(looked *out, pipeline *p, const char *path, const look_options *o, cyg_error *err)
{
    *out = (looked){ 0 };
    looker l = { .p = p, .o = o, .out = out };
    cyg_status status;
    if (picture_is_jpeg(path)) {
        frame *f = frame_create();
        status = f ? look_at_photo(&l, f, path, err) : cyg_fail(err, CYG_NO_MEMORY, "out of memory");
        frame_free(f);
    } else {
        status = look_at_video(&l, path, err);
    }
    if (!status) status = hand_over(&l, err);
    for (int i = 0; i < l.count; i++) {
        free(l.tracks[i].sum);
        free((void *)(uintptr_t)l.tracks[i].best.thumbnail);
    }
    free(l.tracks);
    if (status) looked_free(out);
    return status;
}

gallery_face *looked_largest(looked *l)
{
    gallery_face *largest = NULL;
    float most = -1;
    for (int i = 0; i < l->count; i++) {
        const cyg_box b = l->faces[i].box;
        const float area = (b.x2 - b.x1) * (b.y2 - b.y1);
        if (area > most) largest = &l->faces[i];
        most = fmaxf(area, most);
    }
    return largest;
}

void looked_cut(looked *l, int count)
{
    for (int i = count; i < l->count; i++) {
        free((void *)(uintptr_t)l->faces[i].embedding);
        free((void *)(uintptr_t)l->faces[i].thumbnail);
    }
    l->count = count;
}

void looked_free(looked *l)
{
    looked_cut(l, 0);
    free(l->faces);
    l->faces = NULL;
}
