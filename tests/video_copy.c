/* video_copy.c - a video through source and sink with nothing drawn: what the media tests run.
 *
 *     video_copy [-c CODEC] [-q CRF] [-p PRESET] [-s START] [-e END] [-a] [-k COUNT] INPUT OUTPUT
 *
 * OUTPUT "ext" prints the extension that suits the source, "null" only decodes. -a leaves the
 * sound out; -k kills the process (SIGKILL) after COUNT frames were written. Prints the number of
 * frames; notices and errors go to stderr; exits with 0, or 1 after an error.
 */
#include "video.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_notice(void *context, const char *sentence)
{
    fprintf(stderr, "notice: %s\n", sentence);
}

static int fail(const cyg_error *err)
{
    fprintf(stderr, "error %d: %s\n", err->status, err->message);
    return 1;
}

/* Every frame from source to sink (may be NULL). */
static cyg_status copy(video_source *source, video_sink *sink, long kill_at, long *count, cyg_error *err)
{
    cyg_status status;
    do {
        frame *f = frame_create();
        if (!f) return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
        const cyg_status read = video_source_read(source, f, err);
        status = read;
        if (f->av) {
            ++*count;
            fprintf(stdout, "frame %lld %lld\n", (long long)f->number, (long long)f->pts);
        }
        if ((read == CYG_OK || read == CYG_END) && sink) {
            status = video_sink_write(sink, f, err);
            if (!status) status = read;
        }
        frame_free(f);
        if (kill_at && *count >= kill_at) {
            fflush(stdout);
            kill(getpid(), SIGKILL);
        }
    } while (!status);
    return status == CYG_END ? CYG_OK : status;
}

int main(int argc, char **argv)
{
    video_source_options from = { .copy_streams = true, .notice = print_notice };
    video_sink_options to = { .codec = "auto", .crf = -1, .notice = print_notice };
    long kill_at = 0, count = 0;
    for (int letter; (letter = getopt(argc, argv, "c:q:p:s:e:k:a")) != -1;) {
        switch (letter) {
        case 'c': to.codec = optarg; break;
        case 'q': to.crf = atof(optarg); break;
        case 'p': to.preset = optarg; break;
        case 's': from.start = atof(optarg); break;
        case 'e': from.end = atof(optarg); break;
        case 'k': kill_at = atol(optarg); break;
        case 'a': to.no_audio = true; break;
        default: return 2;
        }
    }
    if (argc - optind != 2) return 2;
    const char *output = argv[optind + 1];
    video_source *source;
    video_sink *sink = NULL;
    cyg_error err;
    if (video_source_open(&source, argv[optind], &from, &err)) return fail(&err);
    if (strcmp(output, "ext") == 0) {
        puts(video_source_extension(source));
        video_source_close(source);
        return 0;
    }
    cyg_status status = CYG_OK;
    if (strcmp(output, "null") != 0) status = video_sink_open(&sink, output, source, &to, &err);
    if (!status) status = copy(source, sink, kill_at, &count, &err);
    if (!status && sink) status = video_sink_finish(sink, &err);
    if (!status && video_source_damaged(source))
        fprintf(stderr, "damaged: %lld\n", (long long)video_source_damaged(source));
    video_sink_close(sink);
    video_source_close(source);
    return status ? fail(&err) : 0;
}
