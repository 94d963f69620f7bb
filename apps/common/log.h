/* log.h - the one owner of stderr: lines for people, and one status line below them.
 *
 * Whatever is in a message, a terminal only sees printable text, and no password of
 * an URL is shown. Safe from any thread.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

typedef enum log_level {
    LOG_ERROR,          /* an input or an output is lost */
    LOG_WARNING,        /* the result differs from what one may expect */
    LOG_NOTE,           /* what was done */
    LOG_DETAIL,         /* what a curious person may want to know */
} log_level;

typedef struct logger logger;

/* Shows messages up to level; program begins errors and warnings. json: each line is one
 * JSON object {"type":"log","level":...,"message":...}. NULL: no memory. */
logger *log_create(const char *program, log_level level, bool json);
void    log_free(logger *log);
void    log_print(logger *log, log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A line that is no message (a progress record): shown at every level. */
void    log_line(logger *log, const char *line);
/* Shows line below everything else and replaces the one before; "" takes it away. */
void    log_status(logger *log, const char *line);
/* Columns of the terminal at stderr; 0 = it is none. */
int     log_columns(const logger *log);

#endif
