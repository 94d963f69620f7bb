/* test_batch.c - the threads of a batch, with a source, a detector and frames made of nothing. */
#include "batch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sched.h>
#include <cmocka.h>

/* ---- stand-ins for what the batch calls ------------------------------------------- */

struct video_source {
    int64_t    next, number, length;    /* everything handed out; pictures; all there is */
    cyg_status ends;                    /* what comes after the last one */
    int        tail;                    /* packets with it */
    atomic_bool interrupted;
};

struct pipeline { int64_t seen; };

static atomic_int alive, most_alive;    /* frames */

frame *frame_create(void)
{
    const int now = atomic_fetch_add(&alive, 1) + 1;
    for (int most = atomic_load(&most_alive); now > most && !atomic_compare_exchange_weak(&most_alive, &most, now);) { }
    return calloc(1, sizeof(frame));
}

void frame_free(frame *f)
{
    atomic_fetch_sub(&alive, 1);
    free(f);
}

/* Every third thing is packets alone. */
cyg_status video_source_read(video_source *s, frame *f, cyg_error *err)
{
    f->order = s->next;
    f->number = s->number;
    if (s->next == s->length || atomic_load(&s->interrupted)) {
        f->packet_count = s->tail;
        return cyg_fail(err, s->interrupted ? CYG_END : s->ends, "the end");
    }
    if (s->next++ % 3 == 2) return CYG_OK;
    f->image.width = 640;
    s->number++;
    return CYG_OK;
}

void video_source_interrupt(video_source *s)
{
    atomic_store(&s->interrupted, true);
}

/* One object, whose score tells the frame; some frames take longer than others. */
void pipeline_detect(pipeline *p, frame *f)
{
    for (int i = 0; i < (int)(f->number * 7919 % 5); i++) sched_yield();
    f->analysed = true;
    f->object_count = 1;
    f->objects[0] = (object){ .score = (float)f->number, .src = FROM_DETECT };
    p->seen++;
}

/* ---- what the writer sees ------------------------------------------------------------- */

typedef struct seen {
    int64_t order, pictures, every, fails_at;
    bool    wrong;
} seen;

static cyg_status look(void *context, frame *f, cyg_error *err)
{
    seen *s = context;
    const bool picture = f->image.width != 0, analysed = s->pictures % s->every == 0;
    s->wrong |= f->order != s->order++;
    if (picture) {
        s->wrong |= f->analysed != analysed || f->object_count != analysed;
        s->wrong |= analysed && f->objects[0].score != (float)s->pictures;
    }
    frame_free(f);
    if (picture && ++s->pictures == s->fails_at) return cyg_fail(err, CYG_IO, "disk full");
    return CYG_OK;
}

static cyg_status run(video_source *source, seen *s, batch *b, int workers)
{
    pipeline pipelines[8] = { 0 }, *list[8];
    for (int i = 0; i < 8; i++) list[i] = &pipelines[i];
    *b = (batch){ .source = source, .workers = list, .worker_count = workers, .every = (int)s->every,
                  .write = look, .context = s };
    atomic_store(&most_alive, 0);
    cyg_error err;
    const cyg_status status = batch_run(b, &err);
    int64_t total = 0;
    for (int i = 0; i < 8; i++) total += pipelines[i].seen;
    assert_int_equal(total, b->analysed);
    assert_int_equal(atomic_load(&alive), 0);                   /* none lost */
    assert_true(atomic_load(&most_alive) <= workers + 3);       /* never too many */
    assert_false(s->wrong);
    return status;
}

static void frames_come_in_order(void **state)
{
    for (int workers = 1; workers <= 8; workers++) {
        video_source source = { .length = 150, .ends = CYG_END };
        seen s = { .every = 1 };
        batch b;
        assert_int_equal(run(&source, &s, &b, workers), CYG_OK);
        assert_int_equal(b.read.status, CYG_END);
        assert_int_equal(s.order, 150);
        assert_int_equal(s.pictures, 100);
        assert_int_equal(b.decoded, 100);
        assert_int_equal(b.analysed, 100);
    }
}

static void skipped_frames_are_not_analysed(void **state)
{
    video_source source = { .length = 300, .ends = CYG_END, .tail = 1 };
    seen s = { .every = 7 };
    batch b;
    assert_int_equal(run(&source, &s, &b, 3), CYG_OK);
    assert_int_equal(b.analysed, 29);                           /* ceil(200 / 7) */
    assert_int_equal(s.order, 301);                             /* and the packets after the last picture */
}

static void a_source_that_fails_keeps_what_came_before(void **state)
{
    video_source source = { .length = 50, .ends = CYG_IO };
    seen s = { .every = 1 };
    batch b;
    assert_int_equal(run(&source, &s, &b, 4), CYG_OK);
    assert_int_equal(b.read.status, CYG_IO);
    assert_string_equal(b.read.message, "the end");
    assert_int_equal(s.order, 50);
}

static void a_writer_that_fails_ends_it(void **state)
{
    video_source source = { .length = 1 << 30, .ends = CYG_END };
    seen s = { .every = 1, .fails_at = 20 };
    batch b;
    assert_int_equal(run(&source, &s, &b, 4), CYG_IO);
    assert_int_equal(s.pictures, 20);
}

static void nothing_in_it(void **state)
{
    video_source source = { .ends = CYG_END };
    seen s = { .every = 1 };
    batch b;
    assert_int_equal(run(&source, &s, &b, 2), CYG_OK);
    assert_int_equal(b.decoded, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_in_order),
        cmocka_unit_test(skipped_frames_are_not_analysed),
        cmocka_unit_test(a_source_that_fails_keeps_what_came_before),
        cmocka_unit_test(a_writer_that_fails_ends_it),
        cmocka_unit_test(nothing_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
