/* text.h - makes text that came from outside (names, URLs, messages) fit to be shown. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum text_use {
    TEXT_UTF8,          /* valid UTF-8: every byte that is part of none shows as U+FFFD */
    TEXT_DATA,          /* also: passwords and other secrets of URLs masked */
    TEXT_TERMINAL,      /* also: no control or direction character, they show as \x1b or \u202e */
} text_use;

/* Writes what may be shown of text; cut between characters where it does not fit.
 * A byte of text takes at most TEXT_GROWTH bytes. Returns the length. */
enum { TEXT_GROWTH = 6 };
size_t text_clean(char *out, size_t size, const char *text, text_use use);
/* The same in memory of its own, whole. NULL: no memory. */
char  *text_cleaned(const char *text, text_use use);
char  *text_valid_utf8(const char *text);           /* TEXT_UTF8 */

/* Terminal columns of valid UTF-8, and how many bytes of it fit into that many columns. */
int    text_columns(const char *text);
size_t text_fit(const char *text, int columns);

#endif
