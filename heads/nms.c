/* nms.c - greedy non-maximum suppression over a heap of candidates. */
#include "nms.h"

static bool better(cyg_candidate a, cyg_candidate b)
{
    return a.score > b.score || (a.score == b.score && a.index < b.index);
}

static void sink(cyg_candidate *heap, int count, int at)
{
    const cyg_candidate moving = heap[at];
    for (int child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && better(heap[child + 1], heap[child])) child++;
        if (!better(heap[child], moving)) break;
        heap[at] = heap[child];
    }
    heap[at] = moving;
}

void cyg_candidates_order(cyg_candidate *heap, int count)
{
    for (int i = count / 2 - 1; i >= 0; i--) sink(heap, count, i);
}

cyg_candidate cyg_candidates_take(cyg_candidate *heap, int count)
{
    const cyg_candidate best = heap[0];
    heap[0] = heap[count - 1];
    if (count > 1) sink(heap, count - 1, 0);
    return best;
}

static float area(cyg_box b)
{
    return (b.x2 - b.x1) * (b.y2 - b.y1);
}

float cyg_box_overlap(cyg_box a, cyg_box b)
{
    const float width = (a.x2 < b.x2 ? a.x2 : b.x2) - (a.x1 > b.x1 ? a.x1 : b.x1);
    const float height = (a.y2 < b.y2 ? a.y2 : b.y2) - (a.y1 > b.y1 ? a.y1 : b.y1);
    if (!(width > 0 && height > 0)) return 0;
    const float both = width * height;
    const float either = area(a) + area(b) - both;
    return either > 0 ? both / either : 0;
}

bool cyg_detection_is_new(const cyg_detection *d, const cyg_detection *kept, int count, float overlap)
{
    for (int i = 0; i < count; i++)
        if (kept[i].label == d->label && cyg_box_overlap(kept[i].box, d->box) > overlap) return false;
    return true;
}
