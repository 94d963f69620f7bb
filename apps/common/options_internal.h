/* options_internal.h - what options.c, options_value.c, options_yaml.c and options_help.c share. */
#ifndef OPTIONS_INTERNAL_H
#define OPTIONS_INTERNAL_H

#include "nearest.h"
#include "options.h"

typedef struct option_value {
    char *text;                 /* as written; NULL = none */
    char *where;                /* "my.yaml:3:14", "--threshold"; NULL = built in */
} option_value;

struct options {
    const options_app *app;
    void         *settings;
    int           count;        /* rows of the app's table */
    option_value *values;       /* one a row */
    bool          ignore_user_file, print_config;
    int           word_count;
    const char  **words;        /* into argv */
    char         *json;
};

/* The options that every program has, after its own. */
enum { COMMON_CONFIG, COMMON_NO_CONFIG, COMMON_SET, COMMON_PRINT_CONFIG, COMMON_HELP, COMMON_MAN, COMMON_VERSION };
extern const option options_common[];

int  options_rows(const option *table);
bool options_have_keys(const options_app *app);     /* without: no settings files, no --set */
int  options_find_key(const options *o, const char *key);                   /* -1: none */
/* The length of the group in a key: 6 of "detect.threshold", 0 of "threshold". */
int  options_group_length(const char *key);
/* "annotate" of "cygnet-annotate", "model-convert" of "cygnet-model convert". */
void options_file_name(char out[64], const options_app *app);

/* Sets one row; text NULL = back to the built-in value. where as in option_value, key
 * goes behind it in messages (NULL: where says enough). */
cyg_status option_set(options *o, int row, const char *text, const char *where, const char *key, cyg_error *err);
/* "a number from 0 to 1": what a person may write. */
void option_expects(char *out, size_t size, const option *row);
/* "0 to 1", "auto, text": the same in few words; "" if any will do. */
void option_range(char *out, size_t size, const option *row);
/* Text of others in a message: control characters replaced, cut after 60 bytes. */
typedef struct quoted { char text[68]; } quoted;
quoted quote(const char *text);

cyg_status options_print_help(const options_app *app, cyg_error *err);
cyg_status options_print_man(const options_app *app, cyg_error *err);
cyg_status options_print_config(const options *o, cyg_error *err);
cyg_status options_print_version(const char *name, cyg_error *err);
cyg_status options_print_verbs(const options_program *program, bool man, cyg_error *err);

#endif
