/* text.c - UTF-8 by hand: whatever the locale, names must come out valid and harmless. */
#include "text.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NOT_UTF8 = -1 };

/* The character at s and its length in bytes; NOT_UTF8 (length 1) where there is none. */
static int32_t decode(const unsigned char *s, int *length)
{
    static const int32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    int n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
    *length = 1;
    if (n == 0) return NOT_UTF8;
    int32_t c = n == 1 ? s[0] : s[0] & (0x7f >> n);
    for (int i = 1; i < n; i++) {
        if (s[i] >> 6 != 2) return NOT_UTF8;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return NOT_UTF8;
    *length = n;
    return c;
}

/* Moves the cursor, hides text, or turns the direction of writing. */
static bool is_control(int32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* If an URL's "://USER:PASSWORD@" begins here: where PASSWORD does, and its length. One with a
 * slash in it is no valid URL, and is hidden all the same. */
static const char *find_password(const char *s, size_t *length)
{
    if (strncmp(s, "://", 3) != 0) return NULL;
    const size_t host = strcspn(s + 3, "/?# \t\r\n'\"");
    const char *colon = memchr(s + 3, ':', host), *at = memrchr(s + 3, '@', host);
    const bool port = colon && colon + 1 + strspn(colon + 1, "0123456789") == s + 3 + host;
    if (!at && !port) at = memrchr(s + 3, '@', strcspn(s + 3, " \t\r\n'\""));
    if (!at || !colon || colon > at) return NULL;
    *length = (size_t)(at - colon - 1);
    return colon + 1;
}

/* If a parameter of an URL begins here whose name promises a secret: where that does, and its length. */
static const char *find_secret(const char *s, size_t *length)
{
    static const char *const names[] = {
        "password", "passwd", "pass", "pwd", "psw", "token", "secret", "key", "apikey", "auth", "sig", "signature",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const size_t n = strlen(names[i]);
        if (strncasecmp(s, names[i], n) != 0 || s[n] != '=') continue;
        *length = strcspn(s + n + 1, "&#; \t\r\n'\"");
        return s + n + 1;
    }
    return NULL;
}

size_t text_clean(char *out, size_t size, const char *text, text_use use)
{
    size_t used = 0, hidden = 0;
    const char *password = NULL;
    bool in_url = false;
    for (const char *s = text; *s;) {
        if (strncmp(s, "://", 3) == 0) in_url = true;
        else if (strchr(" \t\r\n'\"", *s)) in_url = false;
        if (!password && use != TEXT_UTF8) {
            password = find_password(s, &hidden);
            if (in_url && s > text && strchr("?&;/_", s[-1])) password = find_secret(s, &hidden);
        }
        char piece[8];
        int length, n;
        const int32_t c = decode((const unsigned char *)s, &length);
        if (s == password) {
            n = snprintf(piece, sizeof piece, "***");
            length = (int)hidden;
            password = NULL;
        } else if (c == NOT_UTF8) {
            n = snprintf(piece, sizeof piece, "\uFFFD");
        } else if (use == TEXT_TERMINAL && is_control(c)) {
            n = snprintf(piece, sizeof piece, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
        } else {
            n = length;
            memcpy(piece, s, (size_t)length);
        }
        if (used + (size_t)n >= size) break;
        memcpy(out + used, piece, (size_t)n);
        used += (size_t)n;
        s += length;
    }
    if (size) out[used] = 0;
    return used;
}

char *text_cleaned(const char *text, text_use use)
{
    const size_t size = strlen(text) * TEXT_GROWTH + 4;
    char *out = malloc(size);
    if (out) text_clean(out, size, text, use);
    return out;
}

char *text_valid_utf8(const char *text)
{
    return text_cleaned(text, TEXT_UTF8);
}

/* Two for the wide scripts and emoji, none for marks that combine: near enough to cut a line. */
static int columns_of(int32_t c)
{
    if ((c >= 0x300 && c < 0x370) || (c >= 0x200b && c <= 0x200d) || (c >= 0xfe00 && c <= 0xfe0f)) return 0;
    const bool wide = (c >= 0x1100 && c < 0x1160) || (c >= 0x2e80 && c < 0xa4d0) || (c >= 0xac00 && c < 0xd7a4) ||
                      (c >= 0xf900 && c < 0xfb00) || (c >= 0xfe30 && c < 0xfe70) || (c >= 0xff00 && c < 0xff61) ||
                      (c >= 0x1f300 && c < 0x1fb00) || (c >= 0x20000 && c < 0x3fffe);
    return wide ? 2 : 1;
}

size_t text_fit(const char *text, int columns)
{
    const char *s = text;
    for (int length; *s; s += length) {
        columns -= columns_of(decode((const unsigned char *)s, &length));
        if (columns < 0) break;
    }
    return (size_t)(s - text);
}

int text_columns(const char *text)
{
    int columns = 0, length;
    for (const char *s = text; *s; s += length) columns += columns_of(decode((const unsigned char *)s, &length));
    return columns;
}
