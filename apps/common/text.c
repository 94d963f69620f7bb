/* text.c - text from outside, made safe for those who insist on UTF-8. */
#include "text.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the valid character at p (1 .. 4), or 0: Unicode 15, table 3-7. */
static int character_bytes(const unsigned char *p)
{
    const int c = p[0];
    if (c < 0x80) return 1;
    if (c < 0xC2 || c > 0xF4) return 0;
    const int bytes = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    const int low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;         /* no longer form than needed */
    const int high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;        /* no surrogates, nothing past U+10FFFF */
    if (p[1] < low || p[1] > high) return 0;
    for (int i = 2; i < bytes; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    return bytes;
}

char *text_valid_utf8(const char *text)
{
    const size_t size = strlen(text);
    if (size > SIZE_MAX / 3 - 1) return NULL;
    char *out = malloc(size * 3 + 1), *to = out;
    if (!out) return NULL;
    for (const char *p = text; *p; ) {
        const int bytes = character_bytes((const unsigned char *)p);
        memcpy(to, bytes ? p : "\xEF\xBF\xBD", bytes ? (size_t)bytes : 3);
        to += bytes ? bytes : 3;
        p += bytes ? bytes : 1;
    }
    *to = '\0';
    return out;
}
