/* frame.h - what travels through an app: one picture and what is known of it.
 *
 * A frame is always in exactly one place: made by the source, handed from thread to
 * thread by channels, given back with frame_free. Each stage adds its part.
 */
#ifndef FRAME_H
#define FRAME_H

#include "heads.h"

struct AVFrame;
struct AVPacket;

typedef enum object_source { FROM_DETECT, FROM_TRACK, FROM_FILL, FROM_EDIT } object_source;

/* What its samples stand for: light of a screen of any kind, or in ITU-R BT.2100's two ways. */
typedef enum frame_light { LIGHT_SDR, LIGHT_PQ, LIGHT_HLG } frame_light;

enum { OBJECT_NAME = 64, OBJECT_ATTRIBUTES = 3 };

/* One thing in the picture. Plain data: copy it. */
typedef struct object {
    cyg_box       box;          /* pixels of the upright picture; not clipped */
    float         score;        /* 0 .. 1 */
    int           label;        /* index into the detector's labels */
    const char   *label_text;   /* lives as long as the pipeline */
    object_source src;
    int           track;        /* > 0: the number of its track; 0: none; < 0: of a young one (track.h) */
    cyg_box       speed;        /* of the sides, pixels a second; 0 without a track */
    char          name[OBJECT_NAME];                /* who it is, UTF-8; "" = not known */
    float         cosine, false_match;              /* how alike, and how often a stranger is that; 0 = not known */
    int           attribute_count;
    cyg_attribute attributes[OBJECT_ATTRIBUTES];    /* smoothed over its track */
    const cyg_skeleton *skeleton;       /* what the points are; NULL: there are none; lives as long as the pipeline */
    cyg_key_point points[CYG_MAX_POINTS];
} object;

typedef struct frame {
    cyg_image image;            /* the upright picture, in the pixel format of the decoder; writable.
                                   width 0: no picture, only packets on their way to the sink */
    float     aspect;           /* width of a pixel for its height; 0 = not known: square */
    frame_light light;
    int64_t   order;            /* everything the source hands out, from 0: what a writer sorts by */
    int64_t   number;           /* pictures from 0; without a picture: that of the next one */
    int       input;            /* which of several inputs it is of, from 0; each has times of its own */
    int64_t   pts;              /* in the source's time_base */
    double    time;             /* seconds from the source's start */
    double    captured;         /* when it came, in seconds of clock.h; 0 = not known */

    bool      analysed;         /* the detector has seen this very frame */
    int       object_count;
    object    objects[CYG_MAX_DETECTIONS];

    /* Owner of the pixels; only video_*.c and frame.c look inside. */
    struct AVFrame   *av;
    void             *memory;   /* malloc'ed pixels instead (pictures); NULL if av */
    struct AVPacket **packets;  /* packets of the other streams that came before this frame */
    int               packet_count;
} frame;

frame *frame_create(void);      /* empty; NULL: no memory */
void   frame_free(frame *f);
/* Frames made and not yet freed, in the whole process. */
int    frame_count(void);

/* Another frame of the same picture, with what is known of it but no packets. They share the
 * pixels: whoever writes to them calls frame_own before. f must have a picture. NULL: no memory. */
frame *frame_share(frame *f);
/* The pixels, shared so far, are copied if anybody else has them. False: no memory. */
bool   frame_own(frame *f);

#endif
