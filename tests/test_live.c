/* test_live.c - what the source that never dies promises, on files and on streams that fail. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "clock.h"
#include "live.h"

static const double LIMIT = 20;             /* seconds after which what is waited for will not come */

static char folder[] = "/tmp/test_live_XXXXXX";
static char clip[64], photos[64];

static int make_files(void **state)
{
    char command[600];
    if (!mkdtemp(folder)) return -1;
    snprintf(clip, sizeof clip, "%s/clip.mp4", folder);
    snprintf(photos, sizeof photos, "%s/photos", folder);
    snprintf(command, sizeof command,
             "cd %s && mkdir photos && ffmpeg -v error -f lavfi -i testsrc2=s=64x48:r=25:d=1 -c:v libx264 clip.mp4 "
             "</dev/null && for i in 1 2 3; do ffmpeg -v error -f lavfi -i color=s=$((i * 16))x16 -frames:v 1 "
             "photos/$i.jpg </dev/null || exit 1; done",
             folder);
    return system(command) ? -1 : 0;
}

static int remove_files(void **state)
{
    char command[100];
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
    assert_true(clock_now() - began < 1);
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

int main(void)
{
    if (system("command -v ffmpeg >/dev/null")) return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_plays_at_its_own_rate),
        cmocka_unit_test(a_missing_file_is_told),
        cmocka_unit_test(paused_it_comes_step_by_step),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
