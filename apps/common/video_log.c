/* video_log.c - FFmpeg prints nothing: what it complains of last goes into our sentence.
 *
 * FFmpeg's log is one for the whole process, so it is the one place with a global: per
 * thread, which is enough, because opening, reading headers and writing happen in the
 * thread that asks.
 */
#include "video_internal.h"
#include "text.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char complaint[300];

/* Where FFmpeg names one of its objects by its place in memory, which nobody can use: "mov @ 0x55d0". */
static void hide_addresses(char *line)
{
    for (char *at = line; (at = strstr(at, "0x"));) {
        const size_t digits = strspn(at + 2, "0123456789abcdef");
        if (digits < 6) {
            at += 2;
            continue;
        }
        char *from = at - line >= 3 && strncmp(at - 3, " @ ", 3) == 0 ? at - 3 : at;
        memmove(from, at + 2 + digits, strlen(at + 2 + digits) + 1);
        at = from;
    }
}

static void keep(void *sender, int level, const char *format, va_list args)
{
    if (level > AV_LOG_ERROR) return;
    char line[sizeof complaint];
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\r\n")] = '\0';
    if (!line[0]) return;
    hide_addresses(line);
    text_clean(complaint, sizeof complaint, line, TEXT_DATA);
}

static void install(void)
{
    av_log_set_callback(keep);
}

void video_log_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    complaint[0] = '\0';
}

const char *video_log_reason(int error, char *buffer, size_t size)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    if (error == AVERROR_INVALIDDATA) snprintf(text, sizeof text, "damaged or no video");
    else av_strerror(error, text, sizeof text);
    const size_t length = strcspn(complaint, "\n");
    if (length && video_status(error) != CYG_IO)
        snprintf(buffer, size, "%s (%.*s)", text, (int)length, complaint);
    else
        snprintf(buffer, size, "%s", text);
    return buffer;
}

cyg_status video_status(int error)
{
    switch (error) {
    case AVERROR(ENOMEM):
        return CYG_NO_MEMORY;
    case AVERROR_INVALIDDATA:
    case AVERROR_EOF:
    case AVERROR_STREAM_NOT_FOUND:
    case AVERROR(EINVAL):
    case AVERROR(ERANGE):
        return CYG_FORMAT;
    case AVERROR_DECODER_NOT_FOUND:
    case AVERROR_ENCODER_NOT_FOUND:
    case AVERROR_DEMUXER_NOT_FOUND:
    case AVERROR_MUXER_NOT_FOUND:
    case AVERROR_PATCHWELCOME:
    case AVERROR(ENOSYS):
        return CYG_UNSUPPORTED;
    case AVERROR_EXIT:
        return CYG_END;
    default:
        return CYG_IO;
    }
}

cyg_status video_fail(cyg_error *err, int error, const char *name, const char *what)
{
    char reason[400];
    return cyg_fail(err, video_status(error), "%s: %s: %s", name, what,
                    video_log_reason(error, reason, sizeof reason));
}
