/* stream_server.h - a web server with bad manners, for tests of what happens to a stream.
 *
 * One connection at a time, on a free port of 127.0.0.1. What it does with the next one, and with
 * the one it holds, is said by server_serve.
 */
#ifndef STREAM_SERVER_H
#define STREAM_SERVER_H

#include <stddef.h>
#include <stdint.h>

typedef struct server server;

typedef enum server_manner {
    SERVE_AND_CLOSE,            /* all bytes, then it hangs up */
    SERVE_AND_HOLD,             /* all bytes, then nothing more */
    SERVE_PIECES,               /* a file of known size, from where it is asked for; hangs up after a third of it */
    SERVE_MOST,                 /* its first two thirds and no more, then it hangs up */
    SERVE_SILENCE,              /* accepts, and never says a word */
} server_manner;

server *server_start(void);     /* NULL: it cannot */
void    server_stop(server *s);
int     server_port(const server *s);
int     server_connections(const server *s);    /* so far */
/* bytes stay the caller's; authorization: what the client must say ("Basic dTpw"), NULL = nothing. */
void    server_serve(server *s, server_manner manner, const void *bytes, size_t size, const char *authorization);

#endif
