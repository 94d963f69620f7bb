/* stop.c - the thread that waits for signals. */
#include "stop.h"
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { WAKE = SIGUSR2 };                /* stop_free wakes the thread with it */

struct stop {
    pthread_mutex_t lock;
    pthread_t       thread;
    sigset_t        signals;
    int             signal;
    bool            ended;
    void          (*call)(void *context);
    void           *context;
};

static void *wait_for_signals(void *arg)
{
    stop *s = arg;
    for (int signal; sigwait(&s->signals, &signal) == 0;) {
        pthread_mutex_lock(&s->lock);
        const bool ended = s->ended;
        if (!ended && signal != WAKE) {
            if (s->signal) _exit(128 + signal);
            s->signal = signal;
            if (s->call) s->call(s->context);
        }
        pthread_mutex_unlock(&s->lock);
        if (ended) break;
    }
    return NULL;
}

static void add_unless_ignored(sigset_t *set, int signal)
{
    struct sigaction now;
    if (sigaction(signal, NULL, &now) == 0 && now.sa_handler != SIG_IGN) sigaddset(set, signal);
}

stop *stop_watch(void)
{
    stop *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    pthread_mutex_init(&s->lock, NULL);
    sigemptyset(&s->signals);
    add_unless_ignored(&s->signals, SIGINT);
    add_unless_ignored(&s->signals, SIGTERM);
    add_unless_ignored(&s->signals, SIGHUP);
    sigaddset(&s->signals, WAKE);
    pthread_sigmask(SIG_BLOCK, &s->signals, NULL);
    if (pthread_create(&s->thread, NULL, wait_for_signals, s) != 0) {
        pthread_mutex_destroy(&s->lock);
        free(s);
        return NULL;
    }
    return s;
}

void stop_free(stop *s)
{
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->ended = true;
    pthread_mutex_unlock(&s->lock);
    pthread_kill(s->thread, WAKE);
    pthread_join(s->thread, NULL);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void stop_call(stop *s, void (*call)(void *context), void *context)
{
    pthread_mutex_lock(&s->lock);
    s->call = call;
    s->context = context;
    if (call && s->signal) call(context);
    pthread_mutex_unlock(&s->lock);
}

int stop_signal(stop *s)
{
    pthread_mutex_lock(&s->lock);
    const int signal = s->signal;
    pthread_mutex_unlock(&s->lock);
    return signal;
}
