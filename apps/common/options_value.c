/* options_value.c - one value: from text to settings, and what to say when it does not fit. */
#include "options_internal.h"
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- reading ------------------------------------------------------------------- */

/* "-12", "0.5", "1e-3": digits first, so no "nan", "inf", " 1" or "0x10". False: no number, or too large. */
static bool read_number(double *out, const char *text, const char **end)
{
    const char *digits = text + (*text == '-' || *text == '+');
    if (!isdigit((unsigned char)*digits) && !(*digits == '.' && isdigit((unsigned char)digits[1]))) return false;
    if (digits[0] == '0' && (digits[1] | 32) == 'x') return false;
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);    /* glibc's own: nothing is allocated */
    if (!c) return false;
    char *stop;
    *out = strtod_l(text, &stop, c);
    freelocale(c);
    *end = stop;
    return isfinite(*out);
}

static bool read_int(int *out, const char *text)
{
    if (!isdigit((unsigned char)text[*text == '-' || *text == '+'])) return false;
    char *end;
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (*end || errno || value < INT_MIN || value > INT_MAX) return false;
    *out = (int)value;
    return true;
}

/* [H:]M:S[.f] with M and S under 60 where something larger stands before them. */
static bool read_clock(double *out, const char *text)
{
    double fields[3], value;
    int count = 0;
    for (const char *p = text; count < 3; p++) {
        if (!isdigit((unsigned char)*p) || !read_number(&value, p, &p)) return false;
        fields[count++] = value;
        if (!*p) break;
        if (*p != ':' || value != floor(value)) return false;
        if (count == 3) return false;
    }
    double seconds = 0;
    for (int i = 0; i < count; i++) {
        if (i && fields[i] >= 60) return false;
        seconds = seconds * 60 + fields[i];
    }
    *out = seconds;
    return true;
}

static bool read_time(double *out, const char *text)
{
    static const struct { const char *name; double seconds; } units[] = {
        { "", 1 }, { "s", 1 }, { "ms", 1e-3 }, { "m", 60 }, { "h", 3600 },
    };
    const char *end;
    if (strchr(text, ':')) return read_clock(out, text);
    if (!read_number(out, text, &end) || *out < 0) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].name)) continue;
        *out *= units[i].seconds;
        return isfinite(*out);
    }
    return false;
}

static bool read_flag(bool *out, const char *text)
{
    static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };
    for (int i = 0; i < 6; i++)
        if (!strcasecmp(text, words[i])) {
            *out = i & 1;
            return true;
        }
    return false;
}

static bool read_choice(int *out, const char *choices, const char *text)
{
    const size_t length = strlen(text);
    int index = 0;
    for (const char *c = choices; ; c++, index++) {
        const size_t n = strcspn(c, "|");
        if (n == length && !memcmp(c, text, n)) {
            *out = index;
            return true;
        }
        c += n;
        if (!*c) return false;
    }
}

static bool in_range(const option *row, double value)
{
    return row->min == row->max || (value >= row->min && value <= row->max);
}

/* Writes the value to where the row says; false if text is none. text NULL: a TEXT or REAL that is none. */
static bool store(const option *row, void *settings, const char *text)
{
    void *to = (char *)settings + row->offset;
    const char *end;
    double number;
    int whole;
    bool flag;
    if (!text) {
        number = NAN;
        if (row->type == OPTION_TEXT) memcpy(to, &text, sizeof text);
        else if (row->type == OPTION_REAL) memcpy(to, &number, sizeof number);
        return row->type == OPTION_TEXT || row->type == OPTION_REAL;
    }
    switch (row->type) {
    case OPTION_FLAG:
        if (!read_flag(&flag, text)) return false;
        memcpy(to, &flag, sizeof flag);
        return true;
    case OPTION_INT:
        if (!read_int(&whole, text) || !in_range(row, whole)) return false;
        memcpy(to, &whole, sizeof whole);
        return true;
    case OPTION_CHOICE:
        if (!read_choice(&whole, row->choices, text)) return false;
        memcpy(to, &whole, sizeof whole);
        return true;
    case OPTION_REAL:
        if (!read_number(&number, text, &end) || *end || !in_range(row, number)) return false;
        memcpy(to, &number, sizeof number);
        return true;
    case OPTION_TIME:
        if (!read_time(&number, text) || !in_range(row, number)) return false;
        memcpy(to, &number, sizeof number);
        return true;
    case OPTION_TEXT:
        if (!*text) return false;
        memcpy(to, &text, sizeof text);
        return true;
    }
    return false;
}

cyg_status option_set(options *o, int row, const char *text, const char *where, const char *key, cyg_error *err)
{
    const option *r = &o->app->table[row];
    option_value *v = &o->values[row];
    const char *value = text ? text : r->initial;
    char *copy = value ? strdup(value) : NULL, *from = where ? strdup(where) : NULL;
    if ((value && !copy) || (where && !from)) {
        free(copy);
        free(from);
        return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
    }
    if (!store(r, o->settings, copy)) {
        char expected[200];
        option_expects(expected, sizeof expected, r);
        cyg_fail(err, CYG_ARGUMENT, "%s: %s%sfound '%s', expected %s", where ? where : "built in",
                 key ? key : "", key ? ": " : "", quote(value ? value : "").text, expected);
        free(copy);
        free(from);
        return CYG_ARGUMENT;
    }
    free(v->text);
    free(v->where);
    v->text = copy;
    v->where = from;
    return CYG_OK;
}

/* ---- talking --------------------------------------------------------------------- */

/* %.15g with a point, whatever the locale. */
static void print_number(char out[40], double value)
{
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = uselocale(c);
    snprintf(out, 40, "%.15g", value);
    uselocale(before);
    if (c) freelocale(c);
}

void option_range(char *out, size_t size, const option *row)
{
    char min[40], max[40];
    size_t n = 0;
    *out = '\0';
    if (row->type == OPTION_CHOICE) {
        for (const char *c = row->choices; *c && n + 3 < size; c++) {
            out[n++] = *c == '|' ? ',' : *c;
            if (*c == '|') out[n++] = ' ';
            out[n] = '\0';
        }
        return;
    }
    if (row->type == OPTION_FLAG || row->type == OPTION_TEXT || row->min == row->max) return;
    print_number(min, row->min);
    print_number(max, row->max);
    if (isfinite(row->min) && isfinite(row->max)) snprintf(out, size, "%s to %s", min, max);
    else if (isfinite(row->min)) snprintf(out, size, "%s or more", min);
    else snprintf(out, size, "%s or less", max);
}

void option_expects(char *out, size_t size, const option *row)
{
    static const char *const what[] = {
        [OPTION_FLAG] = "true or false", [OPTION_INT] = "a whole number", [OPTION_REAL] = "a number",
        [OPTION_TEXT] = "some text", [OPTION_CHOICE] = "one of ", [OPTION_TIME] = "a time such as 90, 1:30 or 500ms",
    };
    char range[160];
    option_range(range, sizeof range, row);
    const char *join = isfinite(row->min) && isfinite(row->max) ? " from " : ", ";
    if (!*range || row->type == OPTION_CHOICE) join = "";
    snprintf(out, size, "%s%s%s", what[row->type], join, range);
}

quoted quote(const char *text)
{
    quoted q;
    size_t n = 0;
    for (; text[n] && n < 60; n++) q.text[n] = (unsigned char)text[n] < 32 || text[n] == 127 ? '?' : text[n];
    while (text[n] && n && (text[n] & 0xC0) == 0x80) n--;       /* not inside of a UTF-8 character */
    strcpy(q.text + n, text[n] ? "..." : "");
    return q;
}
