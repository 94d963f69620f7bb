/* nearest.c - the known name nearest to a wrong one, by edit distance. */
#include "nearest.h"
#include <stdio.h>
#include <string.h>

/* Edits that turn a into b (Levenshtein, with neighbours swapped as one edit). */
static int edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    int rows[3][LONGEST + 1];
    const int m = (int)strnlen(a, LONGEST), n = (int)strnlen(b, LONGEST);
    for (int j = 0; j <= n; j++) rows[0][j] = j;
    for (int i = 1; i <= m; i++) {
        int *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= n; j++) {
            int d = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < d) d = last[j] + 1;
            if (now[j - 1] + 1 < d) d = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < d)
                d = before[j - 2] + 1;
            now[j] = d;
        }
    }
    return rows[m % 3][n];
}

nearest nearest_start(const char *wrong)
{
    const char *dot = strrchr(wrong, '.');
    const int length = (int)strnlen(dot ? dot + 1 : wrong, 100);
    return (nearest){ .wrong = wrong, .distance = 1 + (length < 4 ? 1 : length < 9 ? 2 : 3) };
}

static void consider(nearest *n, const char *shown, int distance)
{
    if (distance >= n->distance) return;
    n->distance = distance;
    snprintf(n->best, sizeof n->best, "%s", shown);
}

void nearest_try(nearest *n, const char *known, const char *shown)
{
    consider(n, shown, edit_distance(n->wrong, known));
}

void nearest_try_key(nearest *n, const char *key)
{
    const char *wrong_dot = strrchr(n->wrong, '.'), *dot = strrchr(key, '.');
    nearest_try(n, key, key);
    consider(n, key, 1 + edit_distance(wrong_dot ? wrong_dot + 1 : n->wrong, dot ? dot + 1 : key));
}

hint nearest_hint(const nearest *n)
{
    hint h = { "" };
    if (n->best[0]) snprintf(h.text, sizeof h.text, "; did you mean '%s'?", n->best);
    return h;
}
