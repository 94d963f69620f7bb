/* video_packets.c - packets of the other streams that wait for a picture to travel with. */
#include "video_internal.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_PACKETS = 1024, MAX_PACKET_BYTES = 4 << 20 };

int video_packets_keep(video_packets *q, AVPacket *from)
{
    if (q->count == q->room) {
        const int room = q->room ? 2 * q->room : 64;
        AVPacket **more = realloc(q->items, (size_t)room * sizeof *more);
        if (!more) return AVERROR(ENOMEM);
        q->items = more;
        q->room = room;
    }
    AVPacket *p = av_packet_alloc();
    if (!p) return AVERROR(ENOMEM);
    av_packet_move_ref(p, from);
    const int r = av_packet_make_refcounted(p);
    q->items[q->count++] = p;
    q->bytes += p->size;
    return r;
}

int video_packets_give(video_packets *q, frame *f)
{
    const int count = FFMIN(q->count, MAX_PACKETS);
    if (!count) return 0;
    f->packets = malloc((size_t)count * sizeof *f->packets);
    if (!f->packets) return AVERROR(ENOMEM);
    memcpy(f->packets, q->items, (size_t)count * sizeof *f->packets);
    memmove(q->items, q->items + count, (size_t)(q->count - count) * sizeof *q->items);
    f->packet_count = count;
    q->count -= count;
    for (int i = 0; i < count; i++) q->bytes -= f->packets[i]->size;
    return 0;
}

bool video_packets_are_full(const video_packets *q, int room)
{
    return q->count >= MAX_PACKETS * room || q->bytes >= MAX_PACKET_BYTES * (int64_t)room;
}

void video_packets_free(video_packets *q)
{
    for (int i = 0; i < q->count; i++) av_packet_free(&q->items[i]);
    free(q->items);
    *q = (video_packets){ 0 };
}
