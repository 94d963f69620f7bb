/* settings.h - reads and checks a head's object of the model file. For heads/ only.
 *
 * Reading goes on after a mistake, and the first sentence stays: a head reads all its keys,
 * then looks at status once.
 */
#ifndef CYG_SETTINGS_H
#define CYG_SETTINGS_H

#include "ops.h"

typedef struct cyg_reader {
    const char *path, *head;    /* of the model file; type of the head: for messages */
    cyg_error  *err;
    cyg_status  status;
} cyg_reader;

void cyg_mistake(cyg_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "a list", "a number" ... */
const char *cyg_json_kind(const json_t *value);
/* Any key of the object that is not among the known ones is a mistake; `where` is put before it. */
void cyg_read_keys(cyg_reader *r, const json_t *object, const char *where, const char *const *known);
/* Never NULL; "" after a mistake. */
const char *cyg_read_text(cyg_reader *r, const json_t *object, const char *where, const char *key);
/* In min .. max, whatever the file says. */
double cyg_read_number(cyg_reader *r, const json_t *value, const char *key, double min, double max);
int    cyg_read_integer(cyg_reader *r, const json_t *object, const char *key, int min, int max);
/* Numbers into out, at least min_count and at most max_count of them; returns how many. */
int    cyg_read_numbers(cyg_reader *r, const json_t *list, const char *key, int min_count, int max_count,
                        double min, double max, double *out);
/* Which of the words (ended by NULL) the text is. */
int    cyg_read_choice(cyg_reader *r, const char *value, const char *key, const char *const *words);

#endif
