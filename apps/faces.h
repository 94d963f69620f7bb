/* faces.h - the verbs of cygnet-faces: each is a file faces_VERB.c and a line in faces.c. */
#ifndef FACES_H
#define FACES_H

#include "gallery.h"
#include "options.h"
#include <jansson.h>

enum faces_exit {
    FACES_DONE = 0, FACES_NO = 1, FACES_USAGE = 2, FACES_SOME_FAILED = 3, FACES_ALL_FAILED = 4,
    FACES_MODEL = 5, FACES_OUTPUT = 6, FACES_GALLERY = 7, FACES_BUSY = 75,
};

#define FACES_EXITS_GALLERY \
    "2   wrong usage, or nothing of that name in the gallery\n" \
    "6   the gallery cannot be read or written, or the disk is full\n" \
    "7   the gallery is damaged, or of another model or version\n" \
    "75  another process is writing to the gallery"

/* A verb: its command line, and what it does. argv[0] is the verb's own name; returns the exit code. */
extern const options_app calibrate_app, check_app, cluster_app, dedupe_app, enroll_app, export_app, index_app,
    list_app, name_app, purge_app, remove_app, search_app, stats_app, verify_app;
int calibrate_run(int argc, char **argv);
int check_run(int argc, char **argv);
int cluster_run(int argc, char **argv);
int dedupe_run(int argc, char **argv);
int enroll_run(int argc, char **argv);
int export_run(int argc, char **argv);
int index_run(int argc, char **argv);
int list_run(int argc, char **argv);
int name_run(int argc, char **argv);
int purge_run(int argc, char **argv);
int remove_run(int argc, char **argv);
int search_run(int argc, char **argv);
int stats_run(int argc, char **argv);
int verify_run(int argc, char **argv);

/* Prints the sentence on stderr, fit for a terminal; returns code: return faces_complain(FACES_MODEL, &err); */
int faces_complain(int code, const cyg_error *err);
/* What to exit with for a status of the gallery; and the same with its sentence. */
int faces_gallery_code(cyg_status status);
int faces_gallery_failed(const cyg_error *err);

/* ---- The command line of one verb ------------------------------------------------- */

typedef struct verb {
    options           *options;
    const char *const *words;           /* [count] */
    int                count;
    int                code;            /* what to exit with if verb_begin was false */
} verb;

/* Reads the settings and wants least .. most words (most < 0: any number). False: all has been said. */
bool verb_begin(verb *v, const options_app *app, void *settings, int argc, char **argv, int least, int most);
void verb_end(verb *v);

/* ---- What a word of a command means in a gallery ------------------------------------- */

typedef enum thing_kind { THING_FACE, THING_PERSON, THING_FILE } thing_kind;

/* "face:17", "person:3", "person:Ada", "file:photos/a.jpg" (files as the gallery lists them, or as
 * seen from here). */
typedef struct thing {
    thing_kind kind;
    int64_t    id;
} thing;

/* CYG_ARGUMENT: not of this form; CYG_NOT_FOUND: not in the gallery. */
CYG_MUST_USE cyg_status thing_find(thing *out, gallery *g, const char *word, cyg_error *err);

/* ---- Writing of what is found ----------------------------------------------------------- */

typedef enum faces_format { FORMAT_TEXT, FORMAT_JSONL, FORMAT_CSV } faces_format;

/* Prints text as one CSV field: quoted if it needs to be, and never a formula. */
void csv_field(const char *text);
/* A JSON string of whatever bytes, valid UTF-8; null for NULL. */
json_t *json_text(const char *text);
/* Prints the object on a line of its own and gives it back. */
void print_json(json_t *object);
/* Prints text as a terminal may show it. */
void say_text(const char *text);
/* "2026-11-23 07:30" in local time. */
void say_time(char out[32], int64_t seconds);

/* The name of a person, or "" if there is none; malloc'ed, NULL: no memory. */
char *person_name(gallery *g, int64_t person);

#endif
