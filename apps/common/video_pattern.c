/* video_pattern.c - "test:", a moving picture made of nothing but its size, rate and number:
 * colour bars, a ball on its way, the time and the number of the frame. It comes as the bytes of
 * a YUV4MPEG2 stream (mjpegtools' yuv4mpeg(5)), so that all else treats it like any other source. */
#include "video_internal.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_SIDE = 16, MOST_SIDE = 8192, FRAME_MARK = 6 };     /* "FRAME\n" */

static const double MOST_RATE = 1000;
static const char   FORM[] = "expected test:WIDTHxHEIGHT@RATE, as in test:1280x720@30";

typedef struct pattern {
    int        width, height;
    AVRational rate;
    int64_t    number;          /* of the frame in hand */
    size_t     header, each;    /* bytes: of the header, of a frame with its mark */
    size_t     at;              /* bytes handed out of the piece in hand */
    bool       begun;           /* the header is out */
    char       text[128];       /* the header */
    uint8_t    bytes[];         /* [2 * each] the frame in hand, and the background */
} pattern;

typedef struct plane { uint8_t *at; int width, height; } plane;

/* ---- drawing ------------------------------------------------------------------------- */

/* Plane c of the frame that begins with its mark at bytes. */
static plane plane_of(const pattern *p, uint8_t *bytes, int c)
{
    const int half_w = (p->width + 1) / 2, half_h = (p->height + 1) / 2;
    uint8_t *luma = bytes + FRAME_MARK, *chroma = luma + (ptrdiff_t)p->width * p->height;
    if (c == 0) return (plane){ luma, p->width, p->height };
    return (plane){ chroma + (c - 1) * (ptrdiff_t)half_w * half_h, half_w, half_h };
}

static void fill(plane to, int x0, int y0, int x1, int y1, int value)
{
    x0 = FFMAX(x0, 0);
    x1 = FFMIN(x1, to.width);
    for (int y = FFMAX(y0, 0); y < FFMIN(y1, to.height) && x0 < x1; y++)
        memset(to.at + (ptrdiff_t)y * to.width + x0, value, (size_t)(x1 - x0));
}

/* Bars of 75 % (BT.601, limited range), a ramp of greys below them, and room for the text. */
static void draw_background(const pattern *p, uint8_t *bytes)
{
    static const uint8_t bars[8][3] = {
        { 180, 128, 128 }, { 162, 44, 142 }, { 131, 156, 44 }, { 112, 72, 58 },
        { 84, 184, 198 },  { 65, 100, 212 }, { 35, 212, 114 }, { 16, 128, 128 },
    };
    memcpy(bytes, "FRAME\n", FRAME_MARK);
    for (int c = 0; c < 3; c++) {
        const plane to = plane_of(p, bytes, c);
        const int ramp = to.height * 6 / 10, text = to.height * 7 / 10;
        for (int i = 0; i < 8; i++) fill(to, to.width * i / 8, 0, to.width * (i + 1) / 8, ramp, bars[i][c]);
        for (int x = 0; x < to.width; x++) fill(to, x, ramp, x + 1, text, c ? 128 : 16 + 219 * x / to.width);
        fill(to, 0, text, to.width, to.height, c ? 128 : 24);
    }
}

/* A white ball with a dark rim; its path closes every 8 seconds one way and every 5 the other. */
static void draw_ball(const pattern *p, double seconds)
{
    const double radius = p->height / 12.0, room_x = p->width / 2.0 - radius, room_y = p->height * 0.3 - radius;
    const double x = p->width / 2.0 + room_x * sin(seconds * 2 * M_PI / 8);
    const double y = p->height * 0.3 + room_y * cos(seconds * 2 * M_PI / 5);
    for (int c = 0; c < 3; c++) {
        const plane to = plane_of(p, (uint8_t *)p->bytes, c);
        const double scale = c ? 0.5 : 1, outer = radius * scale, inner = outer * 0.85;
        for (int row = (int)((y - radius) * scale); row <= (int)((y + radius) * scale); row++) {
            const double dy = row + 0.5 - y * scale;
            const double wide = dy * dy < outer * outer ? sqrt(outer * outer - dy * dy) : 0;
            const double core = dy * dy < inner * inner ? sqrt(inner * inner - dy * dy) : 0;
            const double centre = x * scale;
            fill(to, (int)(centre - wide), row, (int)(centre + wide), row + 1, c ? 128 : 16);
            if (core > 0) fill(to, (int)(centre - core), row, (int)(centre + core), row + 1, c ? 128 : 235);
        }
    }
}

/* 5 x 7 dots of '0'..'9', ':' and '.', a row in each five bits, top first. */
static const uint8_t glyphs[12][7] = {
    { 14, 17, 19, 21, 25, 17, 14 }, { 4, 12, 4, 4, 4, 4, 14 },    { 14, 17, 1, 2, 4, 8, 31 },
    { 31, 2, 4, 2, 1, 17, 14 },     { 2, 6, 10, 18, 31, 2, 2 },   { 31, 16, 30, 1, 1, 17, 14 },
    { 6, 8, 16, 30, 17, 17, 14 },   { 31, 1, 2, 4, 8, 8, 8 },     { 14, 17, 17, 14, 17, 17, 14 },
    { 14, 17, 17, 15, 1, 2, 12 },   { 0, 4, 0, 0, 0, 4, 0 },      { 0, 0, 0, 0, 0, 12, 12 },
};

/* Luma alone; dot pixels a dot. */
static void draw_text(const pattern *p, const char *text, int x, int y, int dot)
{
    const plane to = plane_of(p, (uint8_t *)p->bytes, 0);
    for (; *text; text++, x += 6 * dot) {
        const int which = *text == ':' ? 10 : *text == '.' ? 11 : *text - '0';
        if (which < 0 || which > 11) continue;
        for (int row = 0; row < 7; row++)
            for (int column = 0; column < 5; column++)
                if (glyphs[which][row] >> (4 - column) & 1)
                    fill(to, x + column * dot, y + row * dot, x + (column + 1) * dot, y + (row + 1) * dot, 235);
    }
}

static void draw_frame(pattern *p)
{
    const double seconds = (double)p->number * p->rate.den / p->rate.num;
    const int64_t ms = av_rescale(p->number, 1000 * (int64_t)p->rate.den, p->rate.num);
    const int dot = FFMAX(FFMIN(p->height / 40, p->width / 130), 1), y = p->height * 85 / 100 - 7 * dot / 2;
    char text[32];
    memcpy(p->bytes, p->bytes + p->each, p->each);
    draw_ball(p, seconds);
    snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", (int)(ms / 3600000 % 100), (int)(ms / 60000 % 60),
             (int)(ms / 1000 % 60), (int)(ms % 1000));
    draw_text(p, text, p->width / 20, y, dot);
    snprintf(text, sizeof text, "%06d", (int)(p->number % 1000000));
    draw_text(p, text, p->width - p->width / 20 - 36 * dot, y, dot);
}

/* ---- bytes --------------------------------------------------------------------------- */

static int read_bytes(void *opaque, uint8_t *out, int size)
{
    pattern *p = opaque;
    const size_t piece = p->begun ? p->each : p->header;
    const size_t n = FFMIN((size_t)size, piece - p->at);
    if (p->begun && p->at == 0) draw_frame(p);
    memcpy(out, (p->begun ? p->bytes : (const uint8_t *)p->text) + p->at, n);
    p->at += n;
    if (p->at == piece) {
        p->at = 0;
        p->number += p->begun;
        p->begun = true;
    }
    return (int)n;
}

bool video_pattern_is(const char *uri)
{
    return strncmp(uri, "test:", 5) == 0;
}

/* Size and rate: what the name says, else the options, else 1280x720 at 30. */
static cyg_status read_name(const char *uri, const video_source_options *o, int *width, int *height, double *rate,
                            cyg_error *err)
{
    const char *at = uri + 5;
    int length = 0;
    *width = o->width ? o->width : 1280;
    *height = o->width ? o->height : 720;
    *rate = o->rate > 0 ? o->rate : 30;
    if (sscanf(at, "%5dx%5d%n", width, height, &length) == 2) at += length;
    if (*at == '@') {
        char *end;
        *rate = strtod(at + 1, &end);
        at = end > at + 1 ? end : at;
    }
    if (*at) return cyg_fail(err, CYG_ARGUMENT, "%s: unknown pattern '%s'; %s", uri, at, FORM);
    if (*width < LEAST_SIDE || *width > MOST_SIDE || *height < LEAST_SIDE || *height > MOST_SIDE)
        return cyg_fail(err, CYG_ARGUMENT, "%s: size %dx%d; expected %d to %d pixels each way", uri, *width, *height,
                        LEAST_SIDE, MOST_SIDE);
    if (!(*rate >= 0.1 && *rate <= MOST_RATE))
        return cyg_fail(err, CYG_ARGUMENT, "%s: rate %g; expected 0.1 to %g frames a second", uri, *rate, MOST_RATE);
    return CYG_OK;
}

cyg_status video_pattern_open(AVIOContext **out, const char *uri, const video_source_options *o, cyg_error *err)
{
    int width, height;
    double rate;
    const cyg_status status = read_name(uri, o, &width, &height, &rate, err);
    if (status != CYG_OK) return status;
    const size_t half = (size_t)((width + 1) / 2) * (size_t)((height + 1) / 2);
    const size_t each = FRAME_MARK + (size_t)width * (size_t)height + 2 * half;
    pattern *p = malloc(sizeof *p + 2 * each);
    uint8_t *buffer = av_malloc(each);
    *out = p && buffer ? avio_alloc_context(buffer, (int)each, 0, p, read_bytes, NULL, NULL) : NULL;
    if (!*out) {
        av_free(buffer);
        free(p);
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", uri);
    }
    *p = (pattern){ .width = width, .height = height, .rate = av_d2q(rate, 1001000), .each = each };
    p->header = (size_t)snprintf(p->text, sizeof p->text,
                                 "YUV4MPEG2 W%d H%d F%d:%d Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n", width, height,
                                 p->rate.num, p->rate.den);
    draw_background(p, p->bytes + each);
    return CYG_OK;
}
