/* options.h - one table of rows is the command line, the YAML settings, --help, the man
 * page and config/APP.yaml.
 *
 * Layers, later wins: built in, user's file ($XDG_CONFIG_HOME/cygnet/APP.yaml), --config
 * FILE (repeatable), --set a.b=c, flags. An unknown key or a value out of range is an
 * error with file:line:column (or the flag) and the nearest known name.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "backbone.h"

typedef enum option_type {
    OPTION_FLAG,        /* bool */
    OPTION_INT,         /* int */
    OPTION_REAL,        /* double */
    OPTION_TEXT,        /* const char *: owned by the options */
    OPTION_CHOICE,      /* int: index into choices */
    OPTION_TIME,        /* double seconds: "90", "1:30", "0:01:30.5" */
} option_type;

typedef struct option {
    const char *key;            /* "detect.threshold": where it stands in YAML; NULL = command line only */
    const char *flag;           /* "threshold": --threshold; NULL = YAML only. A FLAG also has --no-FLAG */
    char        letter;         /* 't': -t; 0 = none */
    option_type type;
    size_t      offset;         /* of the value in the app's settings struct */
    const char *initial;        /* the built-in value, written as a user would */
    double      min, max;       /* of INT, REAL, TIME; min == max: any */
    const char *choices;        /* of CHOICE: "auto|text|jsonl|none" */
    const char *argument;       /* what --help calls the value: "N", "FILE" */
    const char *help;           /* one sentence, no full stop */
} option;                       /* a table ends with { 0 } */

typedef struct options_app {
    const char   *name;         /* "cygnet-annotate" */
    const char   *summary;      /* one sentence */
    const char   *usage;        /* "[options] INPUT..." */
    const char   *examples;     /* three, one a line */
    const char   *exits;        /* exit codes, one a line */
    const option *table;
} options_app;

typedef struct options options;     /* owns every text value */

/* Fills *settings from all layers; the words that are no option are left in
 * options_words. CYG_ARGUMENT or CYG_IO with the sentence in *err. --help, --man,
 * --version and --print-config print to stdout and give CYG_END: exit with 0. */
CYG_MUST_USE cyg_status options_read(options **out, const options_app *app, void *settings,
                                     int argc, char **argv, cyg_error *err);
void options_free(options *o);
int  options_words(const options *o, const char *const **words);
/* The effective settings as one line of compact JSON: for records. Lives in *o. */
const char *options_json(const options *o);

/* One YAML file into settings: the fuzz target and options_read's own step. */
CYG_MUST_USE cyg_status options_read_yaml(options *o, const char *bytes, size_t size,
                                          const char *name, cyg_error *err);

#endif
