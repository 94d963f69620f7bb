/* text.h - text from outside, made safe for those who insist on UTF-8. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

/* A copy with every byte that is not part of valid UTF-8 replaced by U+FFFD; the
 * caller's to free. NULL: no memory. */
char *text_valid_utf8(const char *text);

#endif
