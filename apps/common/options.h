/* options.h - one table of rows is the command line, the YAML settings, --help, the man
 * page and config/APP.yaml.
 *
 *     typedef struct settings { double threshold; bool audio; const char *output; } settings;
 *     static const option table[] = {
 *         { "detect.threshold", "threshold", 't', OPTION_REAL, offsetof(settings, threshold), "0.5", 0, 1,
 *           .argument = "N", .help = "keep what scores above N" },
 *         { "output.audio", "audio", 0, OPTION_FLAG, offsetof(settings, audio), "true",
 *           .help = "carry the sound over" },
 *         { NULL, "output", 'o', OPTION_TEXT, offsetof(settings, output), .argument = "FILE",
 *           .help = "write to FILE" },
 *         { 0 }
 *     };
 *     status = options_read(&o, &app, &settings, argc, argv, &err);
 *     if (status == CYG_END) return 0;                    // --help, --version ... have answered
 *     if (status) { fprintf(stderr, ...err.message); return 2; }
 *
 * Layers, later wins: built in, user's file ($XDG_CONFIG_HOME/cygnet/APP.yaml, else
 * ~/.config/cygnet/APP.yaml), --config FILE (repeatable), --set a.b=c, flags.
 *
 * Command line. Options and words in any order; "--" ends the options. --flag VALUE,
 *   --flag=VALUE, -t VALUE, -tVALUE, letters in one cluster (-vy), --no-FLAG. A value that
 *   begins with "--" needs the "=" form. A flag given twice: the last one counts.
 * YAML. A mapping of groups, each a mapping of names; one value each. Null (or nothing)
 *   is the built-in value. No lists, anchors, aliases, tags, second documents or keys twice;
 *   at most 1 MiB.
 * Values. Numbers are plain decimal whatever the locale; NaN and infinity are refused. A
 *   time is seconds (90, 1.5), has a unit (500ms, 90s, 2m, 1h), or colons (1:30, 0:01:30.5).
 *   A flag is true or false (yes, no, on, off). A text is never empty.
 * Errors. One sentence: file:line:column or the flag, what was found, what was expected,
 *   for a name unknown the nearest known one.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "backbone.h"

typedef enum option_type {
    OPTION_FLAG,        /* bool */
    OPTION_INT,         /* int */
    OPTION_REAL,        /* double */
    OPTION_TEXT,        /* const char *, owned by the options; NULL = none */
    OPTION_CHOICE,      /* int: index into choices */
    OPTION_TIME,        /* double: seconds */
} option_type;

typedef struct option {
    const char *key;            /* "detect.threshold": "group.name" of YAML; NULL = command line only */
    const char *flag;           /* "threshold": --threshold; NULL = YAML only. A FLAG also has --no-FLAG */
    char        letter;         /* 't': -t; 0 = none */
    option_type type;
    size_t      offset;         /* of the value in the app's settings struct */
    const char *initial;        /* the built-in value, written as a user would; NULL: TEXT none, REAL NAN */
    double      min, max;       /* of INT, REAL, TIME; min == max: any; INFINITY: no bound */
    const char *choices;        /* of CHOICE: "auto|text|jsonl|none" */
    const char *argument;       /* what --help calls the value: "N", "FILE" */
    const char *help;           /* one sentence, no full stop */
} option;                       /* a table ends with { 0 }; rows of a group stand together */

typedef struct options_app {
    const char   *name;         /* "cygnet-annotate"; of a verb "cygnet-model convert" */
    const char   *summary;      /* one sentence, no full stop: "find faces in videos ..." */
    const char   *usage;        /* "[options] INPUT..." */
    const char   *examples;     /* three, one a line */
    const char   *exits;        /* exit codes, one a line: "0  all done" */
    const option *table;
} options_app;

typedef struct options options;

/* Fills *settings from all layers; the words that are no option are left in
 * options_words. CYG_ARGUMENT (a person's mistake), CYG_IO (a settings file cannot be
 * read, or stdout not be written), CYG_NO_MEMORY. --help, --man, --version and
 * --print-config print to stdout and give CYG_END: exit with 0. app, argv and settings
 * must outlive the options. */
CYG_MUST_USE cyg_status options_read(options **out, const options_app *app, void *settings,
                                     int argc, char **argv, cyg_error *err);
void options_free(options *o);
int  options_words(const options *o, const char *const **words);
/* The effective settings as one line of compact JSON: for records. Lives in *o. */
const char *options_json(const options *o);

/* The steps of options_read, for tests and other callers: the built-in values alone, and
 * one YAML file over them; name is for messages. After an error *settings holds some of
 * the file's values. CYG_ARGUMENT, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status options_create(options **out, const options_app *app, void *settings, cyg_error *err);
CYG_MUST_USE cyg_status options_read_yaml(options *o, const char *bytes, size_t size,
                                          const char *name, cyg_error *err);

/* A program with verbs: each verb is an options_app of its own. */
typedef struct options_program {
    const char *name;                       /* "cygnet-model" */
    const char *summary;                    /* one sentence, no full stop */
    const options_app *const *verbs;        /* ends with NULL */
} options_program;

/* Which verb argv[1] names; then options_read(&o, p->verbs[verb], &settings, argc - 1,
 * argv + 1, &err). CYG_ARGUMENT; CYG_END after --help, --man or --version. */
CYG_MUST_USE cyg_status options_verb(int *verb, const options_program *program,
                                     int argc, char **argv, cyg_error *err);

#endif
