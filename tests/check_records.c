/* check_records.c - checks a records file line by line against its specification (report.c),
 * for the scripts: prints "frames N objects N errors N interrupted 0|1 summary 0|1", or says
 * what is wrong and exits with 1. With --pts it prints the time stamp of each frame instead,
 * with --src the frame's number and where its objects come from.
 *
 * A file without a summary (of a killed run) is fine but for its last line, if that has no
 * end: pass --cut to allow one. */
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct check {
    const char *path;
    int         line;
    long long   frames, objects, errors, last_n;
    long long   followed, tracks, of_tracks;    /* objects with a track; tracks, and their objects by their own word */
    bool        summary, interrupted, print_pts, print_src;
} check;

static void wrong(const check *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%s:%d: ", c->path, c->line);
    vprintf(format, args);
    puts("");
    exit(1);
}

/* The members of an object, in order, each with its JSON type: "s" string, "i" integer, "r"
 * number, "b" boolean, "a" array, "o" object; a capital may be null, and with a "?" it may be absent. */
static void expect(const check *c, json_t *object, const char *const (*members)[2])
{
    const char *key;
    json_t *value;
    size_t n = 0;
    json_object_foreach(object, key, value) {
        while (members[n][0] && members[n][1][1] == '?' && strcmp(members[n][0], key)) n++;
        if (!members[n][0] || strcmp(members[n][0], key)) wrong(c, "found '%s', expected '%s'", key, members[n][0]);
        const char type = members[n++][1][0];
        if (json_is_null(value) && type >= 'A' && type <= 'Z') continue;
        const bool fits = strchr("sS", type) ? json_is_string(value) : strchr("iI", type) ? json_is_integer(value)
            : strchr("rR", type) ? json_is_number(value) : type == 'b' ? json_is_boolean(value)
            : type == 'a' ? json_is_array(value) : json_is_object(value) || (type == 'O' && json_is_null(value));
        if (!fits) wrong(c, "'%s' is of the wrong type", key);
    }
    while (members[n][0] && members[n][1][1] == '?') n++;
    if (members[n][0]) wrong(c, "no '%s'", members[n][0]);
}

static void check_header(const check *c, json_t *line)
{
    expect(c, line, (const char *const[][2]){ { "type", "s" }, { "schema", "s" }, { "tool", "s" }, { "source", "o" },
        { "width", "I" }, { "height", "I" }, { "rotation", "I" }, { "time_base", "S" }, { "frame_rate", "S" },
        { "codec", "S" }, { "models", "a" }, { "isa", "S" }, { "precision", "S" }, { "settings", "O" },
        { NULL, NULL } });
    expect(c, json_object_get(line, "source"), (const char *const[][2]){ { "path", "s" }, { "sha256", "S" },
        { "bytes", "I" }, { NULL, NULL } });
    expect(c, json_array_get(json_object_get(line, "models"), 0), (const char *const[][2]){ { "role", "s" },
        { "name", "s" }, { "sha256", "s" }, { NULL, NULL } });
    if (strcmp(json_string_value(json_object_get(line, "schema")), "cygnet.records/1")) wrong(c, "another schema");
}

static void check_object(check *c, json_t *object)
{
    expect(c, object, (const char *const[][2]){ { "track", "i?" }, { "class", "s" }, { "score", "r" }, { "box", "a" },
        { "src", "s" }, { "attributes", "o?" }, { "name", "s?" }, { "points", "o?" },
        { NULL, NULL } });
    json_t *track = json_object_get(object, "track");
    if (track && json_integer_value(track) < 1) wrong(c, "track %lld", (long long)json_integer_value(track));
    c->followed += track != NULL;
    const double score = json_number_value(json_object_get(object, "score"));
    if (score <= 0 || score > 1) wrong(c, "score %g", score);
    json_t *box = json_object_get(object, "box");
    double at[4];
    for (size_t i = 0; i < 4; i++) at[i] = json_number_value(json_array_get(box, i));
    if (json_array_size(box) != 4 || at[0] > at[2] || at[1] > at[3]) wrong(c, "a box that is none");
    if (c->print_src) printf(" %s", json_string_value(json_object_get(object, "src")));
    c->objects++;
}

static void check_frame(check *c, json_t *line)
{
    expect(c, line, (const char *const[][2]){ { "type", "s" }, { "n", "i" }, { "pts", "i" }, { "t", "r" },
        { "objects", "a" }, { NULL, NULL } });
    const long long n = json_integer_value(json_object_get(line, "n"));
    if (n <= c->last_n) wrong(c, "frame %lld after frame %lld", n, c->last_n);
    if (c->print_pts) printf("%lld\n", (long long)json_integer_value(json_object_get(line, "pts")));
    if (c->print_src) printf("%lld", n);
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(line, "objects"), i, object) check_object(c, object);
    if (c->print_src) puts("");
    c->last_n = n;
    c->frames++;
}

/* Together they have all objects that are in one. */
static void check_track(check *c, json_t *line)
{
    expect(c, line, (const char *const[][2]){ { "type", "s" }, { "track", "i" }, { "class", "s" }, { "first", "i" },
        { "last", "i" }, { "from", "r" }, { "to", "r" }, { "frames", "i" }, { "score", "r" }, { "attributes", "o?" },
        { "name", "s?" }, { NULL, NULL } });
    const long long first = json_integer_value(json_object_get(line, "first"));
    const long long last = json_integer_value(json_object_get(line, "last"));
    const long long frames = json_integer_value(json_object_get(line, "frames"));
    if (first > last || last > c->last_n || frames < 1 || frames > last - first + 1) wrong(c, "a track that is none");
    c->tracks++;
    c->of_tracks += frames;
}

static void check_summary(check *c, json_t *line)
{
    expect(c, line, (const char *const[][2]){ { "type", "s" }, { "frames", "i" }, { "objects", "i" },
        { "tracks", "i" }, { "damaged", "i" }, { "errors", "i" }, { "seconds", "r" }, { "fps", "r" }, { "ms", "o" },
        { "interrupted", "b" }, { "outputs", "a" }, { NULL, NULL } });
    if (json_integer_value(json_object_get(line, "frames")) != c->frames) wrong(c, "the frames are not so many");
    if (json_integer_value(json_object_get(line, "objects")) != c->objects) wrong(c, "the objects are not so many");
    if (json_integer_value(json_object_get(line, "errors")) != c->errors) wrong(c, "the errors are not so many");
    if (json_integer_value(json_object_get(line, "tracks")) != c->tracks) wrong(c, "the tracks are not so many");
    if (c->followed != c->of_tracks) wrong(c, "%lld objects of tracks that have %lld", c->followed, c->of_tracks);
    c->interrupted = json_is_true(json_object_get(line, "interrupted"));
    c->summary = true;
}

static void check_line(check *c, const char *text)
{
    json_error_t why;
    json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!line) wrong(c, "%s", why.text);
    const char *type = json_string_value(json_object_get(line, "type"));
    if (!type || c->summary || (c->line == 1) != !strcmp(type, "header")) wrong(c, "a line out of place");
    if (!strcmp(type, "header")) check_header(c, line);
    else if (!strcmp(type, "frame")) check_frame(c, line);
    else if (!strcmp(type, "track")) check_track(c, line);
    else if (!strcmp(type, "summary")) check_summary(c, line);
    else if (!strcmp(type, "error")) {
        expect(c, line, (const char *const[][2]){ { "type", "s" }, { "stage", "s" }, { "t", "R" },
            { "code", "s" }, { "message", "s" }, { NULL, NULL } });
        c->errors++;
    } else wrong(c, "unknown type %s", type);
    json_decref(line);
}

int main(int argc, char **argv)
{
    check c = { .last_n = -1 };
    bool cut = false;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--pts")) c.print_pts = true;
        else if (!strcmp(argv[i], "--src")) c.print_src = true;
        else if (!strcmp(argv[i], "--cut")) cut = true;
        else c.path = argv[i];
    }
    FILE *file = c.path && strcmp(c.path, "-") ? fopen(c.path, "r") : stdin;
    if (!file) wrong(&c, "cannot be opened");
    char *text = NULL;
    size_t capacity = 0;
    for (ssize_t n; (n = getline(&text, &capacity, file)) >= 0;) {
        c.line++;
        if (text[n - 1] == '\n') check_line(&c, text);
        else if (!cut) wrong(&c, "the line has no end");
    }
    free(text);
    if (c.line == 0) wrong(&c, "is empty");
    if (!c.print_pts && !c.print_src)
        printf("frames %lld objects %lld errors %lld interrupted %d summary %d\n", c.frames, c.objects, c.errors,
               c.interrupted, c.summary);
    if (file != stdin) fclose(file);
    return 0;
}
