/* stream_server.c - one thread that accepts, answers and misbehaves. */
#include "stream_server.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GLANCE = 10 };           /* milliseconds between two looks at what is to be done */

struct server {
    pthread_t       thread;
    int             listener, port;
    pthread_mutex_t lock;       /* of all below */
    bool            stopping;
    int             connections, turn;  /* turn: how often server_serve was called */
    server_manner   manner;
    const uint8_t  *bytes;
    size_t          size;
    const char     *authorization;
};

/* A copy of what is to be done now. */
static server look_at(server *s)
{
    pthread_mutex_lock(&s->lock);
    const server now = { .stopping = s->stopping, .turn = s->turn, .manner = s->manner, .bytes = s->bytes,
                         .size = s->size, .authorization = s->authorization, .connections = s->connections };
    pthread_mutex_unlock(&s->lock);
    return now;
}

/* Until the client is gone or something else is to be done. */
static void hold(server *s, int client, int turn)
{
    for (;;) {
        struct pollfd p = { .fd = client, .events = POLLIN };
        char dropped[512];
        const server now = look_at(s);
        if (now.stopping || now.turn != turn) return;
        if (poll(&p, 1, GLANCE) > 0 && recv(client, dropped, sizeof dropped, 0) <= 0) return;
    }
}

static bool send_all(server *s, int client, const void *bytes, size_t size, int turn)
{
    for (size_t sent = 0; sent < size;) {
        struct pollfd p = { .fd = client, .events = POLLOUT };
        const server now = look_at(s);
        if (now.stopping || now.turn != turn) return false;
        if (poll(&p, 1, GLANCE) <= 0) continue;
        const ssize_t n = send(client, (const char *)bytes + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0) return false;
        sent += (size_t)n;
    }
    return true;
}

/* The request's lines; false: the client went away, or something else is to be done. */
static bool read_request(server *s, int client, char *out, size_t size, int turn)
{
    size_t used = 0;
    out[0] = 0;
    while (!strstr(out, "\r\n\r\n")) {
        struct pollfd p = { .fd = client, .events = POLLIN };
        const server now = look_at(s);
        if (now.stopping || now.turn != turn || used + 1 == size) return false;
        if (poll(&p, 1, GLANCE) <= 0) continue;
        const ssize_t n = recv(client, out + used, size - 1 - used, 0);
        if (n <= 0) return false;
        used += (size_t)n;
        out[used] = 0;
    }
    return true;
}

/* A file as most servers send it, but for the end. */
static void send_piece(server *s, const server *now, int client, const char *request)
{
    char head[300];
    const char *range = now->manner == SERVE_PIECES ? strstr(request, "Range: bytes=") : NULL;
    const size_t asked = range ? strtoul(strchr(range, '=') + 1, NULL, 10) : 0;
    const size_t from = asked < now->size ? asked : now->size, left = now->size - from;
    const size_t most = now->size / 3 * (range ? 1 : 2);
    int n;
    if (range) n = snprintf(head, sizeof head, "HTTP/1.1 206 Partial Content\r\nAccept-Ranges: bytes\r\n"
                            "Content-Range: bytes %zu-%zu/%zu\r\nContent-Length: %zu\r\n\r\n", from, now->size - 1,
                            now->size, left);
    else n = snprintf(head, sizeof head, "HTTP/1.0 200 OK\r\nContent-Length: %zu\r\n\r\n", now->size);
    send_all(s, client, head, (size_t)n, now->turn);
    send_all(s, client, now->bytes + from, left < most ? left : most, now->turn);
}

static void answer(server *s, int client)
{
    char request[4096];
    const server now = look_at(s);
    if (now.manner == SERVE_SILENCE) {
        hold(s, client, now.turn);
        return;
    }
    if (!read_request(s, client, request, sizeof request, now.turn)) return;
    if (now.authorization && !strstr(request, now.authorization)) {
        static const char no[] = "HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n";
        send_all(s, client, no, sizeof no - 1, now.turn);
        return;
    }
    if (now.manner == SERVE_PIECES || now.manner == SERVE_MOST) {
        send_piece(s, &now, client, request);
        return;
    }
    static const char yes[] = "HTTP/1.0 200 OK\r\n\r\n";
    send_all(s, client, yes, sizeof yes - 1, now.turn);
    send_all(s, client, now.bytes, now.size, now.turn);
    if (now.manner == SERVE_AND_HOLD) hold(s, client, now.turn);
}

static void *serve(void *arg)
{
    server *s = arg;
    while (!look_at(s).stopping) {
        struct pollfd p = { .fd = s->listener, .events = POLLIN };
        if (poll(&p, 1, GLANCE) <= 0) continue;
        const int client = accept(s->listener, NULL, NULL);
        if (client < 0) continue;
        pthread_mutex_lock(&s->lock);
        s->connections++;
        pthread_mutex_unlock(&s->lock);
        answer(s, client);
        close(client);
    }
    return NULL;
}

server *server_start(void)
{
    server *s = calloc(1, sizeof *s);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    if (!s) return NULL;
    pthread_mutex_init(&s->lock, NULL);
    s->manner = SERVE_SILENCE;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&address, size) || listen(s->listener, 8) ||
        getsockname(s->listener, (struct sockaddr *)&address, &size) || pthread_create(&s->thread, NULL, serve, s)) {
        free(s);
        return NULL;
    }
    s->port = ntohs(address.sin_port);
    return s;
}

void server_stop(server *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    close(s->listener);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

int server_port(const server *s)
{
    return s->port;
}

int server_connections(const server *s)
{
    return look_at((server *)s).connections;
}

void server_serve(server *s, server_manner manner, const void *bytes, size_t size, const char *authorization)
{
    pthread_mutex_lock(&s->lock);
    s->manner = manner;
    s->bytes = bytes;
    s->size = size;
    s->authorization = authorization;
    s->turn++;
    pthread_mutex_unlock(&s->lock);
}
