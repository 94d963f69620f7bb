/* track_score.c - frame by frame for MOTA, track by track for IDF1. */
#include "track_score.h"
#include "assign.h"
#include <math.h>
#include <stdlib.h>

static const float least_overlap = .5f;
enum { NOBODY = -1 };

/* Ids of one side, by rising id: [count]. */
typedef struct id_list { int ids[ASSIGN_MOST], count; } id_list;

typedef struct judge {
    id_list objects, tracks;
    int    *together;                   /* [objects][tracks] frames in which they agree */
    int     last[ASSIGN_MOST];          /* [objects] the track it was covered by last; NOBODY */
    int     rows[ASSIGN_MOST], columns[ASSIGN_MOST], column_of[ASSIGN_MOST];
    float   cost[ASSIGN_MOST * ASSIGN_MOST];
} judge;

/* The boxes of one frame, and which ids they have. */
typedef struct moment {
    const track_box *truths, *found;
    int  truth_count, found_count;
    bool covered[ASSIGN_MOST], used[ASSIGN_MOST];
} moment;

/* ---- ids and order ------------------------------------------------------------------------ */

static int by_frame(const void *a, const void *b)
{
    const track_box *x = a, *y = b;
    if (x->frame != y->frame) return x->frame < y->frame ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int place_of(const id_list *l, int id)
{
    int low = 0, high = l->count;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (l->ids[middle] < id) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool list_ids(id_list *l, const track_box *boxes, int count)
{
    for (int i = 0; i < count; i++) {
        const int at = place_of(l, boxes[i].id);
        if (at < l->count && l->ids[at] == boxes[i].id) continue;
        if (l->count == ASSIGN_MOST) return false;
        for (int j = l->count++; j > at; j--) l->ids[j] = l->ids[j - 1];
        l->ids[at] = boxes[i].id;
    }
    return true;
}

static float overlap(cyg_box a, cyg_box b)
{
    const float w = fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1), h = fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1);
    if (!(w > 0 && h > 0)) return 0;
    return w * h / ((a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - w * h);
}

/* ---- frame by frame ------------------------------------------------------------------------- */

static void cover(judge *j, moment *m, int i, int k, track_scores *out)
{
    const int object = place_of(&j->objects, m->truths[i].id), track = m->found[k].id;
    m->covered[i] = m->used[k] = true;
    if (j->last[object] != NOBODY && j->last[object] != track) out->switches++;
    j->last[object] = track;
}

static void keep_tracks(judge *j, moment *m, track_scores *out)
{
    for (int i = 0; i < m->truth_count; i++) {
        const int last = j->last[place_of(&j->objects, m->truths[i].id)];
        for (int k = 0; last != NOBODY && k < m->found_count; k++)
            if (m->found[k].id == last && !m->used[k] && overlap(m->truths[i].box, m->found[k].box) >= least_overlap)
                cover(j, m, i, k, out);
    }
}

/* As many pairs as there can be: one more is worth more than any fit. */
static void assign_others(judge *j, moment *m, track_scores *out)
{
    int rows = 0, columns = 0;
    for (int i = 0; i < m->truth_count; i++)
        if (!m->covered[i]) j->rows[rows++] = i;
    for (int k = 0; k < m->found_count; k++)
        if (!m->used[k]) j->columns[columns++] = k;
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++) {
            const float shared = overlap(m->truths[j->rows[r]].box, m->found[j->columns[c]].box);
            j->cost[r * columns + c] = shared >= least_overlap ? 1 - shared : INFINITY;
        }
    assign(j->column_of, j->cost, rows, columns, 1000);
    for (int r = 0; r < rows; r++)
        if (j->column_of[r] != ASSIGN_ALONE) cover(j, m, j->rows[r], j->columns[j->column_of[r]], out);
}

static void judge_frame(judge *j, moment *m, track_scores *out)
{
    for (int i = 0; i < m->truth_count; i++)
        for (int k = 0; k < m->found_count; k++)
            if (overlap(m->truths[i].box, m->found[k].box) >= least_overlap)
                j->together[place_of(&j->objects, m->truths[i].id) * j->tracks.count +
                            place_of(&j->tracks, m->found[k].id)]++;
    keep_tracks(j, m, out);
    assign_others(j, m, out);
    for (int i = 0; i < m->truth_count; i++) out->missed += !m->covered[i];
    for (int k = 0; k < m->found_count; k++) out->false_found += !m->used[k];
}

static int frame_end(const track_box *boxes, int from, int count, int frame)
{
    while (from < count && boxes[from].frame == frame) from++;
    return from;
}

static bool judge_frames(judge *j, const track_box *truths, const track_box *found, track_scores *out)
{
    for (int i = 0, k = 0; i < out->truths || k < out->found; ) {
        const int frame = k == out->found || (i < out->truths && truths[i].frame < found[k].frame) ? truths[i].frame
                                                                                                   : found[k].frame;
        moment m = { .truths = truths + i, .found = found + k };
        m.truth_count = frame_end(truths, i, out->truths, frame) - i;
        m.found_count = frame_end(found, k, out->found, frame) - k;
        if (m.truth_count > ASSIGN_MOST || m.found_count > ASSIGN_MOST) return false;
        judge_frame(j, &m, out);
        i += m.truth_count;
        k += m.found_count;
    }
    return true;
}

/* ---- whole tracks -------------------------------------------------------------------------------- */

static int most_agreed(judge *j)
{
    const int rows = j->objects.count, columns = j->tracks.count;
    int most = 0, sum = 0;
    for (int i = 0; i < rows * columns; i++) most = j->together[i] > most ? j->together[i] : most;
    for (int i = 0; i < rows * columns; i++) j->cost[i] = (float)(most - j->together[i]);
    assign(j->column_of, j->cost, rows, columns, (float)most);
    for (int r = 0; r < rows; r++)
        if (j->column_of[r] != ASSIGN_ALONE) sum += j->together[r * columns + j->column_of[r]];
    return sum;
}

bool track_judge(track_scores *out, track_box *truths, int truth_count, track_box *found, int found_count)
{
    judge *j = calloc(1, sizeof *j);
    *out = (track_scores){ .truths = truth_count, .found = found_count };
    if (truth_count) qsort(truths, (size_t)truth_count, sizeof *truths, by_frame);
    if (found_count) qsort(found, (size_t)found_count, sizeof *found, by_frame);
    bool good = j && list_ids(&j->objects, truths, truth_count) && list_ids(&j->tracks, found, found_count);
    if (good) {
        out->objects = j->objects.count;
        out->tracks = j->tracks.count;
        for (int i = 0; i < out->objects; i++) j->last[i] = NOBODY;
        j->together = calloc((size_t)out->objects * (size_t)out->tracks + 1, sizeof *j->together);
        good = j->together && judge_frames(j, truths, found, out);
        if (good) out->agreed = most_agreed(j);
    }
    if (j) free(j->together);
    free(j);
    return good;
}

void track_scores_add(track_scores *sum, const track_scores *s)
{
    sum->truths += s->truths;
    sum->found += s->found;
    sum->objects += s->objects;
    sum->tracks += s->tracks;
    sum->missed += s->missed;
    sum->false_found += s->false_found;
    sum->switches += s->switches;
    sum->agreed += s->agreed;
}

double track_mota(const track_scores *s)
{
    return s->truths ? 1 - (double)(s->missed + s->false_found + s->switches) / s->truths : 0;
}

double track_idf1(const track_scores *s)
{
    return s->truths + s->found ? 2. * s->agreed / (s->truths + s->found) : 0;
}
