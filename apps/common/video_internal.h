/* video_internal.h - what the video_*.c files share; FFmpeg's types stop here. */
#ifndef VIDEO_INTERNAL_H
#define VIDEO_INTERNAL_H

#include "video.h"
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/pixdesc.h>
#include <stdatomic.h>

struct SwsContext;

/* ---- video_log.c: FFmpeg prints nothing; its last complaint goes into our sentence ---- */

void        video_log_begin(void);              /* forgets this thread's last complaint */
/* "why FFmpeg failed": its last complaint in this thread, else the text of error. In buffer. */
const char *video_log_reason(int error, char *buffer, size_t size);
/* The status that an FFmpeg error code means. */
cyg_status  video_status(int error);
cyg_status  video_fail(cyg_error *err, int error, const char *name, const char *what);

/* ---- video_format.c: FFmpeg's pixel formats and ours --------------------------------- */

/* The format of cyg_image that shows the same picture: format itself if it has it. */
enum AVPixelFormat video_format_nearest(enum AVPixelFormat format);
/* Calls yuvj420p what it is: yuv420p of full range. */
void     video_format_plain(AVFrame *f);
/* A view of f's pixels; f is of a video_format_nearest. */
cyg_image video_format_image(const AVFrame *f);
/* Of the frame, or where it does not say of its stream. */
frame_light video_format_light(const AVFrame *f, const AVCodecParameters *par);
/* Something shows through it, in whatever format it is. */
bool     video_format_is_transparent(const AVFrame *f);
/* dst (empty) becomes src in that format and size, with src's properties; the scaler is kept
 * in *scaler from call to call. Negative on error. */
int      video_format_convert(AVFrame *dst, const AVFrame *src, enum AVPixelFormat format,
                              int width, int height, struct SwsContext **scaler);

/* ---- video_rotate.c: the right way up, by moving samples -------------------------------- */

/* How to make a picture upright: transpose first, then flip. */
typedef struct video_turn { bool transpose, flip_x, flip_y; } video_turn;

/* Of a display matrix (NULL = none); *exact is false if it was rounded to a multiple of 90. */
video_turn video_turn_of_matrix(const int32_t matrix[9], bool *exact);
bool       video_turn_is_none(video_turn turn);
int        video_turn_rotation(video_turn turn);    /* degrees clockwise: 0, 90, 180, 270 */
bool       video_turn_mirrors(video_turn turn);
/* The format after the turn, to which the picture must be converted before it. */
enum AVPixelFormat video_turn_format(video_turn turn, enum AVPixelFormat format,
                                     enum AVPixelFormat *before);
/* dst (empty) becomes src turned; src is of the format `before`. Negative on error. */
int        video_turn_apply(AVFrame *dst, const AVFrame *src, video_turn turn);

/* ---- video_packets.c: packets that wait for a frame to travel with ----------------------------- */

typedef struct video_packets {
    AVPacket **items;
    int        count, room;
    int64_t    bytes;
} video_packets;

/* Moves p in. Negative on error. */
int  video_packets_keep(video_packets *q, AVPacket *p);
/* The oldest ones go with f, so many at a time. Negative on error. */
int  video_packets_give(video_packets *q, frame *f);
/* True if so many wait that a frame must take some along; room: so many times more may wait. */
bool video_packets_are_full(const video_packets *q, int room);
void video_packets_free(video_packets *q);

/* ---- video_source.c -------------------------------------------------------------------------- */

enum { EARLY_PACKETS = 64 };

struct video_source {
    video_info       info;
    char             name[300];         /* for sentences; no password in it */
    AVFormatContext *in;
    AVIOContext     *bytes;             /* in's, if they are ours: a pipe's, the pattern's */
    int              fd;                /* of a pipe that was opened; 0 = none */
    AVStream        *stream;            /* the video */
    AVCodecContext  *decoder;
    AVPacket        *packet;
    AVFrame         *decoded;           /* scratch */
    AVFrame         *model;             /* what all frames are like: properties without pixels */
    AVFrame         *first;             /* decoded by open, handed out by the first read */
    AVPacket        *early[EARLY_PACKETS];  /* video packets that open has read */
    int              early_count;
    struct SwsContext *scaler;
    video_turn       turn;
    enum AVPixelFormat format, before_turn;     /* of every frame handed out, and before the turn */
    AVRational       rate;              /* nominal frame rate; 0/1 = unknown */
    AVRational       aspect;            /* of a sample, upright */
    int64_t          start, end;        /* span in the video's time base; INT64_MIN, INT64_MAX = all */
    int64_t          begin;             /* the file's first stamp, time base 1/1000000 */
    int64_t          last_pts;          /* of the frame before */
    int64_t          orders, numbers, damaged;
    bool             live, camera;
    bool             opened, copy_streams, input_ended, decoder_ended, past_end;
    int              read_error;        /* what ended the input before its time; 0 = nothing */
    int              bad_reads;         /* failed reads in a row */
    video_packets    packets;
    void           (*notice)(void *context, const char *sentence);
    bool           (*cancelled)(void *context);
    void            *context;
    bool             transparent;       /* its first frame, or its stream by its own word */
    bool             noticed_change;
    atomic_int       interrupted;
};

/* True if all is to end soon; also FFmpeg's callback. */
int  video_source_is_cancelled(void *source);
void video_source_notify(const video_source *s, const char *sentence);
/* From s->model: size and format of what is handed out. */
cyg_status video_source_learn(video_source *s, cyg_error *err);

/* ---- video_read.c: from packets to upright frames ------------------------------------------------ */

/* The next frame into s->decoded. AVERROR(EAGAIN): so many packets wait that they need a
 * frame of their own. AVERROR_EOF: no more frames. */
int  video_read_decoded(video_source *s);

/* ---- video_frame.c ------------------------------------------------------------------------------ */

/* Frees what of f is FFmpeg's. */
void video_frame_release(frame *f);

/* ---- video_input.c: what the name of a source means -------------------------------------------- */

/* Opens s->in and fills s->info.endless. */
cyg_status video_input_open(video_source *s, const char *uri, const video_source_options *o, cyg_error *err);
void       video_input_close(video_source *s);
/* The stream that is the video; NULL = there is none. */
AVStream  *video_input_best(const AVFormatContext *in);

/* ---- video_pipe.c, video_pattern.c: bytes of our own; opaque and buffer are the caller's to free - */

AVIOContext *video_pipe_open(video_source *source, int fd);     /* NULL: no memory */
bool         video_pattern_is(const char *uri);
cyg_status   video_pattern_open(AVIOContext **out, const char *uri, const video_source_options *o, cyg_error *err);

/* ---- video_encoder.c: frames in, packets with the frames' own stamps out ---------------------- */

typedef struct video_encoder video_encoder;

/* The encoder asked for, or the best there is for a container of that format, whose own codec
 * is the last resort. The source's first frame decides size and pixel format. */
cyg_status video_encoder_open(video_encoder **out, const video_source *source, const AVOutputFormat *format,
                              const char *path, const video_sink_options *o, cyg_error *err);
void       video_encoder_close(video_encoder *e);
const AVCodecContext *video_encoder_context(const video_encoder *e);
/* Takes a frame (NULL = the end) and, until it gives AVERROR(EAGAIN) or AVERROR_EOF, packets
 * in the source's time base. */
int        video_encoder_send(video_encoder *e, const AVFrame *f);
int        video_encoder_receive(video_encoder *e, AVPacket *p);

/* ---- video_container.c: which container can hold what ------------------------------------------ */

typedef enum video_carry { CARRY_NOT, CARRY_VIDEO, CARRY_COPY, CARRY_PICTURE } video_carry;

bool        video_container_is_mov(const AVOutputFormat *format);
bool        video_container_is_matroska(const AVOutputFormat *format);
/* True if stamps in that time base survive in the format. */
bool        video_container_is_exact(const AVOutputFormat *format, AVRational time_base);
/* By the extension; NULL = there is none of that name. */
const AVOutputFormat *video_container_of_path(const char *path);
/* How the source's stream i can go into that format. */
video_carry video_container_carry(const video_source *source, int i, const AVOutputFormat *format,
                                  const AVCodecContext *encoder);

/* ---- video_mux.c: an output file and its streams ------------------------------------------------- */

/* What was written of a stream, in the output's time base. */
typedef struct video_extent {
    int      count;                     /* packets */
    int64_t  first_dts, first_pts;      /* of the packet that is shown first */
    int64_t  last_pts, last_duration;   /* of the packet that is shown last */
    int64_t *text_dts;                  /* [text_count] of every packet of a mov_text stream: few */
    int      text_count, text_room;
} video_extent;

typedef struct video_mux {
    AVFormatContext *out;
    char            *path;
    int             *index;             /* [source streams] of the stream here; -1 = not carried */
    int             *tracks, track_count;   /* of a remux: [tracks of the part] which stream of the source it is */
    bool             fragmented;        /* mov family: a fragment at each flush */
    bool             moov_written;
    int64_t         *last_dts;          /* [streams here] */
    struct AVBSFContext **filters;      /* [streams here]; NULL = packets go as they are */
} video_mux;

/* Adds the source's stream i to out, with all that is said about it. */
int        video_mux_add_stream(AVFormatContext *out, const video_source *source, int i, const AVCodecContext *encoder,
                                video_carry how);
/* Creates the file and writes its header: playable while it is written, or, where part is not
 * NULL, the ordinary file that the packets of that part go into. */
cyg_status video_mux_open(video_mux **out, const char *path, const AVOutputFormat *format,
                          const video_source *source, const AVCodecContext *encoder, const video_carry *carry,
                          const AVFormatContext *part, cyg_error *err);
/* Writes a packet of the source's stream, stamps in that stream's time base; p is blank after. Keeps *extent. */
int        video_mux_write(video_mux *m, const video_source *source, int stream, AVPacket *p, video_extent *extent);
/* Everything written so far is in the file, and playable. */
int        video_mux_flush(video_mux *m);
int        video_mux_finish(video_mux *m);
void       video_mux_close(video_mux *m);       /* closes the file; does not remove it */

/* ---- video_remux.c ----------------------------------------------------------------------------------- */

/* Makes the ordinary file `path` of the part, packet by packet; extents: [source streams]. */
cyg_status video_remux(const char *path, const video_mux *part, const video_source *source,
                       const AVCodecContext *encoder, const video_carry *carry, const video_extent *extents,
                       cyg_error *err);

#endif
