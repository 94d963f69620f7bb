/* devices.c - asks the kernel what cameras there are and what each can give. */
#include "devices.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MOST_DEVICES = 64, MOST_ENTRIES = 256 };     /* a driver that never says "no more" ends there */

static int ask(int fd, unsigned long what, void *about)
{
    int r;
    do r = ioctl(fd, what, about);
    while (r < 0 && errno == EINTR);
    return r;
}

/* The name that --pixel-format takes, FFmpeg's; else the four letters. */
static void name_format(char out[16], uint32_t fourcc)
{
    static const struct { uint32_t fourcc; const char *name; } names[] = {
        { V4L2_PIX_FMT_YUYV, "yuyv422" },  { V4L2_PIX_FMT_UYVY, "uyvy422" },  { V4L2_PIX_FMT_YUV420, "yuv420p" },
        { V4L2_PIX_FMT_YUV422P, "yuv422p" }, { V4L2_PIX_FMT_NV12, "nv12" },   { V4L2_PIX_FMT_GREY, "gray" },
        { V4L2_PIX_FMT_RGB24, "rgb24" },   { V4L2_PIX_FMT_BGR24, "bgr24" },   { V4L2_PIX_FMT_MJPEG, "mjpeg" },
        { V4L2_PIX_FMT_JPEG, "mjpeg" },    { V4L2_PIX_FMT_H264, "h264" },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].fourcc == fourcc) {
            strcpy(out, names[i].name);
            return;
        }
    snprintf(out, 16, "%c%c%c%c", fourcc & 127, fourcc >> 8 & 127, fourcc >> 16 & 127, fourcc >> 24 & 127);
}

static void list_rates(FILE *out, int fd, uint32_t fourcc, uint32_t width, uint32_t height)
{
    struct v4l2_frmivalenum e = { .pixel_format = fourcc, .width = width, .height = height };
    for (; e.index < MOST_ENTRIES && ask(fd, VIDIOC_ENUM_FRAMEINTERVALS, &e) == 0; e.index++) {
        const struct v4l2_fract shortest = e.type == V4L2_FRMIVAL_TYPE_DISCRETE ? e.discrete : e.stepwise.min;
        const struct v4l2_fract longest = e.type == V4L2_FRMIVAL_TYPE_DISCRETE ? e.discrete : e.stepwise.max;
        if (!shortest.numerator || !longest.numerator) return;
        const double most = (double)shortest.denominator / shortest.numerator;
        const double least = (double)longest.denominator / longest.numerator;
        if (least == most) fprintf(out, "%s%.4g", e.index ? ", " : " at ", most);
        else fprintf(out, " at %.4g to %.4g", least, most);
        if (e.type != V4L2_FRMIVAL_TYPE_DISCRETE) break;
    }
    fputs("/s\n", out);
}

static void list_sizes(FILE *out, int fd, uint32_t fourcc)
{
    struct v4l2_frmsizeenum e = { .pixel_format = fourcc };
    for (; e.index < MOST_ENTRIES && ask(fd, VIDIOC_ENUM_FRAMESIZES, &e) == 0; e.index++) {
        if (e.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
            fprintf(out, "    %ux%u", e.discrete.width, e.discrete.height);
            list_rates(out, fd, fourcc, e.discrete.width, e.discrete.height);
            continue;
        }
        fprintf(out, "    %ux%u to %ux%u", e.stepwise.min_width, e.stepwise.min_height, e.stepwise.max_width,
                e.stepwise.max_height);
        list_rates(out, fd, fourcc, e.stepwise.max_width, e.stepwise.max_height);
        break;
    }
}

static void list_formats(FILE *out, int fd)
{
    struct v4l2_fmtdesc f = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
    for (; f.index < MOST_ENTRIES && ask(fd, VIDIOC_ENUM_FMT, &f) == 0; f.index++) {
        char name[16];
        name_format(name, f.pixelformat);
        fprintf(out, "  %s (%.32s)\n", name, (const char *)f.description);
        list_sizes(out, fd, f.pixelformat);
    }
}

/* Opened, if it is a camera; -1: it is none, or errno says why it cannot be asked. */
static int open_camera(int number, char path[DEVICE_PATH], struct v4l2_capability *about)
{
    snprintf(path, DEVICE_PATH, "/dev/video%d", number);
    const int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return -1;
    const bool answers = ask(fd, VIDIOC_QUERYCAP, about) == 0;
    const uint32_t can = about->capabilities & V4L2_CAP_DEVICE_CAPS ? about->device_caps : about->capabilities;
    if (answers && can & V4L2_CAP_VIDEO_CAPTURE) return fd;
    close(fd);
    errno = ENOENT;
    return -1;
}

bool devices_first(char path[DEVICE_PATH])
{
    int fd = -1;
    for (int i = 0; i < MOST_DEVICES && fd < 0; i++) fd = open_camera(i, path, &(struct v4l2_capability){ 0 });
    if (fd >= 0) close(fd);
    return fd >= 0;
}

int devices_list(FILE *out, bool formats)
{
    int count = 0;
    for (int i = 0; i < MOST_DEVICES; i++) {
        char path[DEVICE_PATH];
        struct v4l2_capability about = { 0 };
        const int fd = open_camera(i, path, &about);
        if (fd < 0) {
            if (errno != ENOENT) fprintf(out, "%s: %s\n", path, strerror(errno));
            continue;
        }
        count++;
        fprintf(out, "%s: %.32s\n", path, (const char *)about.card);
        if (formats) list_formats(out, fd);
        close(fd);
    }
    return count;
}
