/* faces_write.c - what the verbs print: text for a terminal, CSV fields, JSON lines. */
#include "faces.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void csv_field(const char *text)
{
    if (*text && strchr("=+-@\t\r", *text)) {         /* a spreadsheet would run it */
        fputs("\"'", stdout);
    } else if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stdout);
        return;
    } else {
        putchar('"');
    }
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    putchar('"');
}

void print_json(json_t *object)
{
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(7));
    if (line) puts(line);
    free(line);
    json_decref(object);
}

json_t *json_text(const char *text)
{
    char *valid = text_valid_utf8(text ? text : "");
    json_t *value = text ? json_string(valid ? valid : "") : json_null();
    free(valid);
    return value;
}

void say_text(const char *text)
{
    char *shown = text_cleaned(text, TEXT_TERMINAL);
    fputs(shown ? shown : "?", stdout);
    free(shown);
}

void say_time(char out[32], int64_t seconds)
{
    const time_t when = (time_t)seconds;
    struct tm local;
    if (!localtime_r(&when, &local) || !strftime(out, 32, "%Y-%m-%d %H:%M", &local)) strcpy(out, "?");
}

typedef struct wanted { int64_t id; char *name; } wanted;

static bool take_name(void *context, const gallery_person *p)
{
    wanted *w = context;
    if (p->id != w->id) return true;
    w->name = strdup(p->name ? p->name : "");
    return false;
}

char *person_name(gallery *g, int64_t person)
{
    wanted w = { person, NULL };
    if (person && gallery_each_person(g, take_name, &w, NULL)) return NULL;
    return w.name ? w.name : strdup("");
}

