/* test_live.c - what the source that never dies promises, on files and on streams that fail. */
#include <arpa/inet.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <time.h>
#include <cmocka.h>
#include "clock.h"
#include "live.h"
#include "stream_server.h"

static const double LIMIT = 20;             /* seconds after which what is waited for will not come */

static char folder[] = "/tmp/test_live_XXXXXX";
static char clip[64], photos[64], fifo[64];

/* What the server serves: motion JPEG of 25 pictures of 64x48, and of 25 of 96x64. */
typedef struct piece { uint8_t *bytes; size_t size; } piece;
static piece small_jpegs, large_jpegs, transport, reordered;
static server *web;

static int load(piece *out, const char *name)
{
    char path[100];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END)) return -1;
    out->size = (size_t)ftell(f);
    out->bytes = malloc(out->size);
    rewind(f);
    const size_t n = fread(out->bytes, 1, out->size, f);
    fclose(f);
    return n == out->size ? 0 : -1;
}

static int make_files(void **state)
{
    char command[1200];
    if (!mkdtemp(folder)) return -1;
    snprintf(clip, sizeof clip, "%s/clip.mp4", folder);
    snprintf(photos, sizeof photos, "%s/photos", folder);
    snprintf(fifo, sizeof fifo, "%s/fifo.ts", folder);
    snprintf(command, sizeof command,
             "exec </dev/null; cd %s && mkdir photos || exit 1\n"
             "make() { ffmpeg -v error -f lavfi -i \"$1\" ${3:+-c:v $3} ${4:+-f $4} $2 || exit 1; }\n"
             "make testsrc2=s=64x48:r=25:d=1 clip.mp4 libx264\n"
             "make testsrc2=s=64x48:r=25:d=1 small.mpjpeg mjpeg mpjpeg\n"
             "make testsrc2=s=96x64:r=25:d=1 large.mpjpeg mjpeg mpjpeg\n"
             "make testsrc2=s=64x48:r=25:d=1 stream.ts mpeg2video\n"
             "make testsrc2=s=64x48:r=25:d=2 reordered.ts libx264\n"
             "for i in 1 2 3; do make color=s=$((i * 16))x16:d=0.04 photos/$i.jpg; done", folder);
    if (system(command) || mkfifo(fifo, 0600)) return -1;
    web = server_start();
    return !web || load(&small_jpegs, "small.mpjpeg") || load(&large_jpegs, "large.mpjpeg") ||
                   load(&transport, "stream.ts") || load(&reordered, "reordered.ts") ? -1 : 0;
}

static int remove_files(void **state)
{
    char command[100];
    server_stop(web);
    free(small_jpegs.bytes);
    free(large_jpegs.bytes);
    free(transport.bytes);
    free(reordered.bytes);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static live *open_words(const char *const *words, int count, const live_options *options)
{
    live *l;
    cyg_error err;
    if (live_open(&l, words, count, options, &err)) fail_msg("%s", err.message);
    return l;
}

static live *open_word(const char *word, const live_options *options)
{
    return open_words(&word, 1, options);
}

static live_state state_of(live *l)
{
    live_state s;
    live_state_now(l, &s);
    return s;
}

/* Takes frames and drops them until the state is one that is waited for. */
static live_state wait_for(live *l, bool (*is_it)(const live_state *s))
{
    const double limit = clock_now() + LIMIT;
    live_state s = state_of(l);
    for (; !is_it(&s) && clock_now() < limit; s = state_of(l)) frame_free(live_take(l, 0.01));
    if (!is_it(&s)) fail_msg("phase %d, %s", s.phase, s.sentence);
    return s;
}

static bool is_lost(const live_state *s) { return s->phase == LIVE_LOST; }
static bool is_playing(const live_state *s) { return s->phase == LIVE_PLAYING && s->captured; }

/* Takes frames until the end; returns how many. */
static int64_t take_all(live *l, double *last_time)
{
    const double limit = clock_now() + LIMIT;
    int64_t taken = 0;
    while (clock_now() < limit) {
        frame *f = live_take(l, 0.1);
        if (f) {
            taken++;
            *last_time = f->time;
            assert_true(f->captured > 0 && f->captured <= clock_now());
            frame_free(f);
        } else if (state_of(l).phase == LIVE_ENDED) {
            return taken;
        }
    }
    fail_msg("no end in sight: %s", state_of(l).sentence);
    return 0;
}

static void close_soon(live *l)
{
    const double began = clock_now();
    live_close(l);
    assert_true(clock_now() - began < LIMIT);           /* tests/bench/shutdown.sh measures it */
    assert_int_equal(frame_count(), 0);                 /* none is leaked */
}

/* ---- files ------------------------------------------------------------------------------ */

static void a_file_plays_at_its_own_rate(void **state)
{
    const live_options options = { 0 };
    const double began = clock_now();
    double last = -1;
    live *l = open_word(clip, &options);
    const int64_t taken = take_all(l, &last);
    const double took = clock_now() - began;
    assert_true(took >= 0.96);                          /* 25 frames: the last one 0.96 s after the first */
    assert_true(fabs(last - 0.96) < 1e-3);
    const live_state s = state_of(l);
    assert_int_equal(s.why, CYG_END);
    assert_int_equal(s.captured, 25);
    assert_int_equal(s.captured, taken + s.dropped);
    assert_int_equal(s.width, 64);
    assert_string_equal(s.codec, "h264");
    assert_true(s.rate == 25);
    close_soon(l);
}

static void a_missing_file_is_told(void **state)
{
    const live_options options = { 0 };
    double last;
    live *l = open_word("/nowhere/x.mp4", &options);
    assert_int_equal(take_all(l, &last), 0);
    const live_state s = state_of(l);
    assert_int_equal(s.why, CYG_IO);
    assert_string_equal(s.sentence, "/nowhere/x.mp4: No such file or directory");
    close_soon(l);
}

static void paused_it_comes_step_by_step(void **state)
{
    const live_options options = { 0 };
    live *l = open_word(clip, &options);
    live_pause(l, true);
    int64_t last = -1;
    for (int i = 0; i < 3; i++) {
        live_step(l);
        frame *f = live_take(l, LIMIT);
        assert_non_null(f);
        assert_true(i == 0 || f->number == last + 1);
        last = f->number;
        frame_free(f);
        assert_null(live_take(l, 0.1));
    }
    close_soon(l);
}

static void pictures_come_one_after_the_other(void **state)
{
    const live_options options = { .picture_seconds = 0.1 };
    const double began = clock_now();
    live *l = open_word(photos, &options);
    int widths = 0;
    int input = 0;
    for (frame *f; (f = live_take(l, LIMIT)); frame_free(f)) {
        widths = widths * 100 + f->image.width;
        assert_int_equal(f->input, input++);
    }
    assert_int_equal(widths, 163248);
    assert_true(clock_now() - began >= 0.2);
    assert_int_equal(state_of(l).inputs, 3);
    close_soon(l);
}

static void the_pattern_plays(void **state)
{
    const live_options options = { 0 };
    live *l = open_word("test:160x120@100", &options);
    for (int i = 0; i < 5; i++) {
        frame *f = live_take(l, LIMIT);
        assert_non_null(f);
        assert_int_equal(f->image.width, 160);
        frame_free(f);
    }
    const live_state s = state_of(l);
    assert_true(s.rate == 100 && s.holds && s.phase == LIVE_PLAYING);
    assert_string_equal(s.sentence, "yuv420p 160x120 at 100/s");
    close_soon(l);
}

/* ---- streams ---------------------------------------------------------------------------- */

static const char *url(const char *user)
{
    static char out[100];
    snprintf(out, sizeof out, "http://%s127.0.0.1:%d/cam", user, server_port(web));
    return out;
}

static void a_stream_that_hangs_up_is_found_again(void **state)
{
    const live_options options = { .retry_first = 0.02, .retry_most = 0.1 };
    server_serve(web, SERVE_AND_CLOSE, small_jpegs.bytes, small_jpegs.size, NULL);
    live *l = open_word(url(""), &options);
    live_state s = wait_for(l, is_lost);
    assert_int_equal(s.why, CYG_IO);
    assert_non_null(strstr(s.sentence, "/cam: "));
    assert_true(s.retry_in <= 0.1);
    for (int64_t losses = s.losses; losses < 5; losses = s.losses) {
        frame_free(live_take(l, 0.01));
        s = state_of(l);
        assert_true(s.phase == LIVE_LOST || s.phase == LIVE_PLAYING);
    }
    assert_int_equal(s.failures, 0);
    assert_true(s.captured >= 5 * 25);
    close_soon(l);
}

static void nobody_there_is_tried_at_longer_and_longer_intervals(void **state)
{
    const live_options options = { .retry_first = 0.05, .retry_most = 0.2 };
    const double began = clock_now();
    live *l = open_word("rtsp://user:secret@127.0.0.1:9/x?pwd=secret2", &options);
    double longest = 0;
    for (live_state s = wait_for(l, is_lost); s.failures < 5; s = state_of(l)) {
        longest = fmax(longest, s.retry_in);
        assert_null(strstr(s.sentence, "secret"));
        assert_null(strstr(s.name, "secret"));
        assert_null(live_take(l, 0.005));
    }
    assert_true(longest > 0.1 && longest <= 0.2);
    assert_true(clock_now() - began >= 0.05 + 0.1 + 0.2 + 0.2);
    close_soon(l);
}

static void a_stream_that_says_nothing_more_is_lost(void **state)
{
    const live_options options = { .stall = 0.3, .retry_first = 0.02 };
    server_serve(web, SERVE_AND_HOLD, small_jpegs.bytes, small_jpegs.size, NULL);
    live *l = open_word(url(""), &options);
    live_state s = wait_for(l, is_lost);
    assert_non_null(strstr(s.sentence, ": no picture for 0.3 s"));
    assert_int_equal(s.losses, 1);
    server_serve(web, SERVE_SILENCE, NULL, 0, NULL);    /* not even an answer */
    while (state_of(l).failures < 1) frame_free(live_take(l, 0.01));
    server_serve(web, SERVE_AND_HOLD, small_jpegs.bytes, small_jpegs.size, NULL);
    const int64_t captured = state_of(l).captured;
    while (state_of(l).captured < captured + 25) frame_free(live_take(l, 0.01));
    close_soon(l);
}

static void a_stream_that_changes_its_size_goes_on(void **state)
{
    const live_options options = { 0 };
    enum { BOUNDARY = sizeof "--ffmpeg\r\n" - 1 };     /* the one ends in it, the other begins so */
    piece both = { malloc(small_jpegs.size + large_jpegs.size), small_jpegs.size + large_jpegs.size - BOUNDARY };
    memcpy(both.bytes, small_jpegs.bytes, small_jpegs.size - BOUNDARY);
    memcpy(both.bytes + small_jpegs.size - BOUNDARY, large_jpegs.bytes, large_jpegs.size);
    server_serve(web, SERVE_AND_HOLD, both.bytes, both.size, NULL);
    live *l = open_word(url(""), &options);
    int width = 0;
    for (double limit = clock_now() + LIMIT; width != 96 && clock_now() < limit;) {
        frame *f = live_take(l, 0.01);
        if (f) width = f->image.width;
        frame_free(f);
    }
    assert_int_equal(width, 96);
    const live_state s = state_of(l);
    assert_int_equal(s.losses, 0);
    assert_int_equal(s.width, 96);
    assert_int_equal(s.height, 64);
    close_soon(l);
    server_serve(web, SERVE_SILENCE, NULL, 0, NULL);
    free(both.bytes);
}

/* Pictures that come in another order than they are shown in, all at once: their times are those of the stream. */
static void times_are_those_of_the_stream(void **state)
{
    const live_options options = { 0 };
    int64_t last = 0;
    server_serve(web, SERVE_AND_HOLD, reordered.bytes, reordered.size, NULL);
    live *l = open_word(url(""), &options);
    for (double limit = clock_now() + LIMIT; last < 40 && clock_now() < limit;) {
        frame *f = live_take(l, 0.01);
        if (f) last = f->number;
        if (f) assert_true(fabs(f->time - (double)last / 25) < 1e-3);
        frame_free(f);
    }
    assert_true(last >= 40);
    close_soon(l);
    server_serve(web, SERVE_SILENCE, NULL, 0, NULL);
}

/* Bytes of no meaning before, amid and instead of a stream. */
static void garbage_is_survived(void **state)
{
    const live_options options = { .stall = 0.5, .retry_first = 0.02 };
    piece noise = { malloc(200000), 200000 };
    srand(1);
    for (size_t i = 0; i < noise.size; i++) noise.bytes[i] = (uint8_t)rand();
    server_serve(web, SERVE_AND_CLOSE, noise.bytes, noise.size, NULL);
    live *l = open_word(url(""), &options);
    live_state s = wait_for(l, is_lost);
    assert_int_equal(s.captured, 0);
    piece torn = { malloc(transport.size), transport.size };
    memcpy(torn.bytes, transport.bytes, transport.size);
    memcpy(torn.bytes + torn.size / 3, noise.bytes, torn.size / 4);
    server_serve(web, SERVE_AND_CLOSE, torn.bytes, torn.size, NULL);
    s = wait_for(l, is_playing);
    while (state_of(l).losses < 1) frame_free(live_take(l, 0.01));
    server_serve(web, SERVE_AND_HOLD, transport.bytes, transport.size, NULL);
    wait_for(l, is_playing);
    close_soon(l);
    server_serve(web, SERVE_SILENCE, NULL, 0, NULL);
    free(torn.bytes);
    free(noise.bytes);
}

static void a_file_that_is_cut_off_goes_on_where_it_was(void **state)
{
    const live_options options = { 0 };
    double last;
    server_serve(web, SERVE_PIECES, transport.bytes, transport.size, NULL);
    const int before = server_connections(web);
    live *l = open_word(url(""), &options);
    take_all(l, &last);
    live_state s = state_of(l);
    assert_int_equal(s.why, CYG_END);
    assert_int_equal(s.captured, 25);
    assert_int_equal(s.damaged, 0);
    assert_true(server_connections(web) - before >= 3);
    close_soon(l);

    server_serve(web, SERVE_MOST, transport.bytes, transport.size, NULL);     /* no such server: lost, not begun anew */
    l = open_word(url(""), &options);
    take_all(l, &last);
    s = state_of(l);
    assert_int_equal(s.why, CYG_IO);
    assert_non_null(strstr(s.sentence, "ends before its time"));
    assert_true(s.captured > 0 && s.captured < 25);
    close_soon(l);
    server_serve(web, SERVE_SILENCE, NULL, 0, NULL);
}

static void passwords_open_and_are_never_shown(void **state)
{
    const live_options options = { .retry_first = 0.02 };
    server_serve(web, SERVE_AND_HOLD, small_jpegs.bytes, small_jpegs.size, "Basic dTpzZWNyZXQ=");  /* u:secret */
    live *l = open_word(url("u:wrong@"), &options);
    live_state s = wait_for(l, is_lost);
    assert_null(strstr(s.sentence, "wrong"));
    assert_non_null(strstr(s.sentence, "401"));
    assert_non_null(strstr(s.name, "http://u:***@127.0.0.1"));
    close_soon(l);
    l = open_word(url("u:secret@"), &options);
    s = wait_for(l, is_playing);
    assert_null(strstr(s.name, "secret"));
    close_soon(l);
}

/* ---- stopping ------------------------------------------------------------------------------ */

static atomic_bool blocked, may_resolve;

/* In place of libc's: the one call of opening a URL that nothing can interrupt. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **out)
{
    static const struct timespec glance = { .tv_nsec = 1000 * 1000 };
    struct sockaddr_in *address = calloc(1, sizeof *address + sizeof **out);
    *out = (struct addrinfo *)(address + 1);
    *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                     .sin_port = htons((uint16_t)(service ? atoi(service) : 0)) };
    **out = (struct addrinfo){ .ai_family = AF_INET, .ai_socktype = hints ? hints->ai_socktype : SOCK_STREAM,
                               .ai_addrlen = sizeof *address, .ai_addr = (struct sockaddr *)address };
    if (node && strcmp(node, "nobody.invalid") == 0) {
        atomic_store(&blocked, true);
        while (!atomic_load(&may_resolve)) nanosleep(&glance, NULL);
    }
    return 0;
}

__attribute__((visibility("default"))) void freeaddrinfo(struct addrinfo *info)
{
    free((struct sockaddr_in *)info - 1);
}

static void count_wakes(void *context)
{
    atomic_fetch_add((atomic_int *)context, 1);
}

static void it_ends_soon_whatever_the_source_does(void **state)
{
    static const char *const words[] = { "http://127.0.0.1:%d/", "rtsp://127.0.0.1:%d/", "udp://127.0.0.1:%d" };
    const live_options options = { .retry_first = 20 };
    char address[100];
    server_serve(web, SERVE_SILENCE, NULL, 0, NULL);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {     /* who accepts, and never answers */
        const int before = server_connections(web);
        snprintf(address, sizeof address, words[i], server_port(web));
        live *l = open_word(address, &options);
        while (i < 2 && server_connections(web) == before) assert_null(live_take(l, 0.01));
        close_soon(l);
    }
    close_soon(open_word(fifo, &options));              /* nobody writes */
    server_serve(web, SERVE_AND_HOLD, small_jpegs.bytes, small_jpegs.size, NULL);
    live *l = open_word(url(""), &options);
    wait_for(l, is_playing);
    close_soon(l);                                      /* in the middle of reading */
    l = open_word("http://127.0.0.1:9/", &options);
    wait_for(l, is_lost);
    close_soon(l);                                      /* while it waits to try again */
    l = open_word("test:64x48@0.1", &options);
    wait_for(l, is_playing);
    close_soon(l);                                      /* while a frame waits for its time */
    l = open_word(clip, &options);
    live_pause(l, true);
    close_soon(l);
}

static void it_ends_soon_though_a_name_is_being_looked_up(void **state)
{
    atomic_int wakes = 0;
    const live_options options = { .wake = count_wakes, .context = &wakes };
    live *l = open_word("http://nobody.invalid:9/", &options);
    for (double limit = clock_now() + LIMIT; !atomic_load(&blocked) && clock_now() < limit;)
        assert_null(live_take(l, 0.01));
    assert_true(atomic_load(&blocked));
    close_soon(l);
    const int before = atomic_load(&wakes);
    atomic_store(&may_resolve, true);                   /* the thread ends by itself, unseen */
    assert_int_equal(atomic_load(&wakes), before);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static long resident_kb(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &pages, &resident), 2);
    fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void lose_until(live *l, int64_t losses)
{
    const double limit = clock_now() + 10 * LIMIT;
    while (state_of(l).losses < losses && clock_now() < limit) frame_free(live_take(l, 0.01));
    assert_true(state_of(l).losses >= losses);
}

static void memory_stays_flat_over_200_losses(void **state)
{
    const live_options options = { .retry_first = 0.001, .threads = 1 };
    server_serve(web, SERVE_AND_CLOSE, small_jpegs.bytes, small_jpegs.size, NULL);
    live *l = open_word(url(""), &options);
    lose_until(l, 40);
    const long before = resident_kb();
    lose_until(l, 240);
    const long grown = resident_kb() - before;
    print_message("resident memory grew by %ld kB over 200 losses, from %ld kB\n", grown, before);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)     /* they keep what is freed */
    assert_true(grown < 1024);
#endif
    close_soon(l);
}

int main(void)
{
    if (system("command -v ffmpeg >/dev/null")) return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_plays_at_its_own_rate),
        cmocka_unit_test(a_missing_file_is_told),
        cmocka_unit_test(paused_it_comes_step_by_step),
        cmocka_unit_test(pictures_come_one_after_the_other),
        cmocka_unit_test(the_pattern_plays),
        cmocka_unit_test(a_stream_that_hangs_up_is_found_again),
        cmocka_unit_test(nobody_there_is_tried_at_longer_and_longer_intervals),
        cmocka_unit_test(a_stream_that_says_nothing_more_is_lost),
        cmocka_unit_test(a_stream_that_changes_its_size_goes_on),
        cmocka_unit_test(times_are_those_of_the_stream),
        cmocka_unit_test(garbage_is_survived),
        cmocka_unit_test(a_file_that_is_cut_off_goes_on_where_it_was),
        cmocka_unit_test(passwords_open_and_are_never_shown),
        cmocka_unit_test(it_ends_soon_whatever_the_source_does),
        cmocka_unit_test(it_ends_soon_though_a_name_is_being_looked_up),
        cmocka_unit_test(memory_stays_flat_over_200_losses),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
