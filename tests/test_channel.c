/* test_channel.c - order, waiting, giving back and closing, alone and among many threads. */
#include "channel.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static int numbers[16];

static void takes_in_the_order_of_puts(void **state)
{
    channel *ch = channel_create(3, CHANNEL_WAIT);
    for (int round = 0; round < 5; round++) {           /* the ring wraps */
        assert_null(channel_put(ch, &numbers[round]));
        assert_null(channel_put(ch, &numbers[round + 1]));
        assert_ptr_equal(channel_take(ch), &numbers[round]);
        assert_ptr_equal(channel_poll(ch), &numbers[round + 1]);
    }
    assert_null(channel_poll(ch));
    channel_free(ch);
}

static void newest_gives_the_oldest_back(void **state)
{
    channel *ch = channel_create(2, CHANNEL_NEWEST);
    assert_null(channel_put(ch, &numbers[0]));
    assert_null(channel_put(ch, &numbers[1]));
    assert_ptr_equal(channel_put(ch, &numbers[2]), &numbers[0]);
    assert_ptr_equal(channel_put(ch, &numbers[3]), &numbers[1]);
    assert_ptr_equal(channel_take(ch), &numbers[2]);
    assert_ptr_equal(channel_take(ch), &numbers[3]);
    channel_free(ch);
}

static void closed_takes_nothing_more_and_gives_the_rest(void **state)
{
    channel *ch = channel_create(2, CHANNEL_WAIT);
    assert_null(channel_put(ch, &numbers[0]));
    channel_close(ch);
    channel_close(ch);
    assert_ptr_equal(channel_put(ch, &numbers[1]), &numbers[1]);
    assert_ptr_equal(channel_take(ch), &numbers[0]);
    assert_null(channel_take(ch));
    channel_free(ch);
}

struct pair {
    channel   *ch;
    atomic_int done;            /* puts that have returned */
};

static void *put_ten(void *arg)
{
    struct pair *p = arg;
    for (int i = 0; i < 10; i++) {
        if (channel_put(p->ch, &numbers[i])) return "closed";
        atomic_fetch_add(&p->done, 1);
    }
    return NULL;
}

static void a_full_channel_makes_the_sender_wait(void **state)
{
    struct pair p = { .ch = channel_create(2, CHANNEL_WAIT) };
    pthread_t sender;
    pthread_create(&sender, NULL, put_ten, &p);
    for (int i = 0; i < 10; i++) {
        assert_true(atomic_load(&p.done) <= i + 2);     /* never more than fit */
        assert_ptr_equal(channel_take(p.ch), &numbers[i]);
    }
    pthread_join(sender, NULL);
    channel_free(p.ch);
}

static void *take_one(void *arg)
{
    return channel_take(arg);
}

static void closing_wakes_who_waits(void **state)
{
    channel *empty = channel_create(1, CHANNEL_WAIT);
    pthread_t takers[3];
    for (int i = 0; i < 3; i++) pthread_create(&takers[i], NULL, take_one, empty);
    channel_close(empty);
    for (int i = 0; i < 3; i++) {
        void *item = &numbers[0];
        pthread_join(takers[i], &item);
        assert_null(item);
    }
    channel_free(empty);

    struct pair full = { .ch = channel_create(2, CHANNEL_WAIT) };
    pthread_t sender;
    pthread_create(&sender, NULL, put_ten, &full);
    assert_ptr_equal(channel_take(full.ch), &numbers[0]);
    channel_close(full.ch);
    void *said = NULL;
    pthread_join(sender, &said);
    assert_non_null(said);                              /* ten never fit in one and two */
    while (channel_take(full.ch)) { }
    channel_free(full.ch);
}

enum { SENDERS = 4, TAKERS = 4, EACH = 5000 };

/* What travels: sender in the upper bits, the sender's count from 1 in the lower ones. */
static void *send_many(void *arg)
{
    const struct { channel *ch; int sender; } *who = arg;
    for (uintptr_t i = 1; i <= EACH; i++)
        channel_put(who->ch, (void *)((uintptr_t)who->sender << 16 | i));
    return NULL;
}

static void *take_many(void *arg)
{
    uintptr_t last[SENDERS] = { 0 }, taken = 0;
    for (uintptr_t item; (item = (uintptr_t)channel_take(arg)); taken++) {
        if ((item & 0xffff) <= last[item >> 16]) return NULL;   /* out of order */
        last[item >> 16] = item & 0xffff;
    }
    return (void *)(taken + 1);
}

static void many_threads_lose_nothing(void **state)
{
    channel *ch = channel_create(3, CHANNEL_WAIT);
    struct { channel *ch; int sender; } who[SENDERS];
    pthread_t senders[SENDERS], takers[TAKERS];
    for (int i = 0; i < TAKERS; i++) pthread_create(&takers[i], NULL, take_many, ch);
    for (int i = 0; i < SENDERS; i++) {
        who[i].ch = ch;
        who[i].sender = i;
        pthread_create(&senders[i], NULL, send_many, &who[i]);
    }
    for (int i = 0; i < SENDERS; i++) pthread_join(senders[i], NULL);
    channel_close(ch);
    uintptr_t total = 0;
    for (int i = 0; i < TAKERS; i++) {
        void *taken;
        pthread_join(takers[i], &taken);
        assert_non_null(taken);
        total += (uintptr_t)taken - 1;
    }
    assert_int_equal(total, SENDERS * EACH);
    channel_free(ch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_in_the_order_of_puts),
        cmocka_unit_test(newest_gives_the_oldest_back),
        cmocka_unit_test(closed_takes_nothing_more_and_gives_the_rest),
        cmocka_unit_test(a_full_channel_makes_the_sender_wait),
        cmocka_unit_test(closing_wakes_who_waits),
        cmocka_unit_test(many_threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
