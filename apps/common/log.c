/* log.c - messages and the status line share stderr under one lock. */
#include "log.h"
#include "text.h"
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct logger {
    pthread_mutex_t lock;
    const char     *program;
    log_level       level;
    bool            json, terminal, colour;
    char            status[1024];       /* on the terminal now; "" = none */
};

logger *log_create(const char *program, log_level level, bool json)
{
    logger *log = calloc(1, sizeof *log);
    if (!log) return NULL;
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    pthread_mutex_init(&log->lock, NULL);
    log->program = program;
    log->level = level;
    log->json = json;
    log->terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    log->colour = log->terminal && !(no_color && *no_color);
    return log;
}

void log_free(logger *log)
{
    if (!log) return;
    log_status(log, "");
    pthread_mutex_destroy(&log->lock);
    free(log);
}

/* One write for all, so that a line never mixes with another program's. */
static void show(logger *log, const char *line)
{
    pthread_mutex_lock(&log->lock);
    const char *wipe = log->status[0] ? "\r\033[K" : "";
    fprintf(stderr, "%s%s\n%s", wipe, line, log->status);
    fflush(stderr);
    pthread_mutex_unlock(&log->lock);
}

static void show_json(logger *log, log_level level, const char *message)
{
    static const char *const names[] = { "error", "warning", "note", "detail" };
    json_t *record = json_pack("{ss ss ss}", "type", "log", "level", names[level], "message", message);
    char *line = record ? json_dumps(record, JSON_COMPACT) : NULL;
    if (line) show(log, line);
    free(line);
    json_decref(record);
}

void log_print(logger *log, log_level level, const char *format, ...)
{
    if (level > log->level) return;
    char raw[2048], clean[3 * sizeof raw], line[sizeof clean + 128];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    text_clean(clean, sizeof clean, raw, log->json ? TEXT_DATA : TEXT_TERMINAL);
    if (log->json) {
        show_json(log, level, clean);
        return;
    }
    const char *begin = !log->colour || level > LOG_WARNING ? "" : level == LOG_ERROR ? "\033[1;31m" : "\033[1;33m";
    if (level <= LOG_WARNING)
        snprintf(line, sizeof line, "%s%s:%s %s%s", begin, log->program, *begin ? "\033[0m" : "",
                 level == LOG_WARNING ? "warning: " : "", clean);
    else
        snprintf(line, sizeof line, "%s", clean);
    show(log, line);
}

void log_line(logger *log, const char *line)
{
    show(log, line);
}

void log_status(logger *log, const char *line)
{
    if (!log->terminal) return;
    pthread_mutex_lock(&log->lock);
    if (*line || log->status[0]) {
        snprintf(log->status, sizeof log->status, "%s", line);
        fprintf(stderr, "\r%s\033[K", log->status);
        fflush(stderr);
    }
    pthread_mutex_unlock(&log->lock);
}

int log_columns(const logger *log)
{
    struct winsize size;
    if (!log->terminal) return 0;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}
