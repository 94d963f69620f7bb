/* video.h - video in and out of files and streams; all of FFmpeg stands behind this.
 *
 * The source decodes the best video stream and hands out every frame as decoded, in
 * its own pixel format, with its own time stamp, upright (a display matrix is applied
 * to the pixels, which is an exact transposition). Packets of the other streams travel
 * with the frames, untouched, and the sink writes them as they are.
 */
#ifndef VIDEO_H
#define VIDEO_H

#include "frame.h"

typedef struct video_source video_source;
typedef struct video_sink   video_sink;

typedef struct video_source_options {
    double start, end;          /* seconds; end 0 = to the end */
    int    threads;             /* of the decoder; 0 = FFmpeg's choice */
    bool   copy_streams;        /* collect the other streams' packets */
    bool   live;                /* the newest picture soon: nothing is buffered, and where the picture
                                   changes its size, so do the frames (else it is scaled to the first) */
    int    width, height;       /* asked of a camera or the pattern; 0 = its own choice */
    double rate;                /* likewise: frames a second */
    const char *pixel_format;   /* asked of a camera: FFmpeg's name of a format or codec; NULL */
    const char *transport;      /* of RTSP: "tcp" or "udp"; NULL = tcp */
    /* One line for people each time the source has to change something; NULL = silent. */
    void (*notice)(void *context, const char *sentence);
    /* Asked again and again by the thread that opens or reads; true ends both soon, with CYG_END.
     * NULL = never. */
    bool (*cancelled)(void *context);
    void  *context;
} video_source_options;

/* What a person or a record wants to know; strings live as long as the source. */
typedef struct video_info {
    int         width, height;          /* upright */
    int         rotation;               /* degrees clockwise that were applied: 0, 90, 180, 270 */
    bool        mirrored;               /* and then left and right exchanged */
    int         time_base_num, time_base_den;
    int         rate_num, rate_den;     /* average; 0/0 = unknown */
    int64_t     frames;                 /* estimate; 0 = unknown */
    double      duration;               /* seconds; 0 = unknown */
    bool        endless;                /* a camera or stream: it ends only by being lost (CYG_IO) */
    const char *container, *codec, *pixel_format;
} video_info;

/* uri: a file, "-" for standard input, a URL, "/dev/video2", or "test:" for a moving pattern, as in
 * "test:640x480@25". CYG_IO, CYG_NOT_FOUND (no such camera), CYG_FORMAT (no video in it),
 * CYG_UNSUPPORTED (no decoder), CYG_NO_MEMORY, CYG_END (cancelled). */
CYG_MUST_USE cyg_status video_source_open(video_source **out, const char *uri,
                                          const video_source_options *options, cyg_error *err);
void              video_source_close(video_source *s);
const video_info *video_source_info(const video_source *s);
/* The extension ("mp4", "mkv", "mov", "png" ...) of the file that holds most of what the
 * source has beside H.264 video: the source's own where it can. */
const char       *video_source_extension(const video_source *s);

/* Fills *f (empty) with the next frame. CYG_END after the last one (f then carries the
 * packets that came after it). A frame without a picture (f->image.width 0) only carries
 * packets: there are thousands of them between two pictures, and memory stays bounded;
 * pass it on to the sink in its place (f->order). Damaged packets are skipped and counted;
 * CYG_FORMAT when nothing more can be decoded, CYG_IO when reading fails. */
CYG_MUST_USE cyg_status video_source_read(video_source *s, frame *f, cyg_error *err);
int64_t           video_source_damaged(const video_source *s);   /* packets or frames lost so far */
/* Makes a read that waits return CYG_END soon. Safe from any thread and from a signal handler. */
void              video_source_interrupt(video_source *s);

typedef struct video_sink_options {
    const char *codec;          /* FFmpeg encoder name or "auto" (libx264, else what there is) */
    double      crf;            /* < 0 = the codec's own */
    const char *preset;         /* NULL = the codec's own */
    int         threads;        /* of the encoder; 0 = FFmpeg's choice */
    bool        no_audio;
    /* One line for people each time something of the source cannot be carried over. */
    void      (*notice)(void *context, const char *sentence);
    void       *context;
} video_sink_options;

/* Starts PATH's hidden sibling ".NAME.part", playable up to its last second even after
 * kill -9. Pixel format, size, time base, colour tags, streams and metadata come from
 * the source, which must outlive the sink. CYG_IO, CYG_UNSUPPORTED, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status video_sink_open(video_sink **out, const char *path, video_source *source,
                                        const video_sink_options *options, cyg_error *err);
/* Encodes the picture with exactly its pts, and writes the packets that travel with it. */
CYG_MUST_USE cyg_status video_sink_write(video_sink *s, frame *f, cyg_error *err);
/* Ends the .part file, remuxes it (stream copy) into an ordinary file, renames it to PATH. */
CYG_MUST_USE cyg_status video_sink_finish(video_sink *s, cyg_error *err);
/* Frees the sink; without finish before, removes the .part file. */
void              video_sink_close(video_sink *s);

/* ---- Frames that come from elsewhere --------------------------------------------- */

/* What a sink needs instead of a source for frames like f (which is shared or of a video): nothing
 * can be read from it. rate: frames a second, nearly; 0 = not known. CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status video_source_like(video_source **out, const frame *f, double rate, cyg_error *err);
/* Gives f its time in such a recording, from the first frame on, and how long it is shown. */
void video_frame_stamp(frame *f, double seconds, double duration);

/* ---- Stills ---------------------------------------------------------------------- */

/* The picture in RGB24 in a frame of its own, with f's objects. NULL: no memory. */
frame *video_frame_rgb(frame *f);
/* Writes an RGB24 frame of video_frame_rgb to PATH by way of its hidden sibling ".NAME.part". CYG_IO, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status video_frame_png(const frame *rgb, const char *path, cyg_error *err);

#endif
