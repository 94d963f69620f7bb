/* pairs.c - a file of labelled pairs, read. */
#include "pairs.h"
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static char *trimmed(char *text)
{
    text += strspn(text, " \t\r\n");
    for (size_t n = strlen(text); n && strchr(" \t\r\n", text[n - 1]); ) text[--n] = 0;
    return text;
}

/* 1, 0; -1: neither. */
static int read_same(const char *text)
{
    static const char *const words[] = { "0", "1", "no", "yes", "false", "true", "different", "same" };
    for (int i = 0; i < 8; i++)
        if (!strcasecmp(text, words[i])) return i & 1;
    return -1;
}

/* Its number; known ones are found again through the tree, whose nodes are pointers into photos_of. */
typedef struct known { char *path; int number; } known;

static int by_path(const void *a, const void *b)
{
    return strcmp(((const known *)a)->path, ((const known *)b)->path);
}

static int photo_number(pairs *p, void **tree, const char *path)
{
    const known key = { (char *)(uintptr_t)path, 0 };
    known *const *found = tfind(&key, tree, by_path);
    if (found) return (*found)->number;
    if (p->photo_count == p->photo_room) {
        const int room = p->photo_room ? p->photo_room * 2 : 64;
        char **more = realloc(p->photos, (size_t)room * sizeof *more);
        if (!more) return -1;
        p->photos = more;
        p->photo_room = room;
    }
    known *k = malloc(sizeof *k);
    char *copy = k ? strdup(path) : NULL;
    if (!copy) {
        free(k);
        return -1;
    }
    *k = (known){ copy, p->photo_count };
    if (!tsearch(k, tree, by_path)) {
        free(k);
        free(copy);
        return -1;
    }
    p->photos[p->photo_count] = copy;
    return p->photo_count++;
}

static cyg_status add_pair(pairs *p, void **tree, const char *a, const char *b, bool same, cyg_error *err)
{
    if (p->count == p->room) {
        const int room = p->room ? p->room * 2 : 64;
        labelled *more = realloc(p->list, (size_t)room * sizeof *more);
        if (!more) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for so many pairs");
        p->list = more;
        p->room = room;
    }
    const int i = photo_number(p, tree, a), j = photo_number(p, tree, b);
    if (i < 0 || j < 0) return cyg_fail(err, CYG_NO_MEMORY, "out of memory for so many pairs");
    p->list[p->count++] = (labelled){ .a = i, .b = j, .same = same };
    return CYG_OK;
}

static cyg_status read_pair(pairs *p, void **tree, char *line, const char *path, int number, cyg_error *err)
{
    char *fields[3], *rest = line;
    const char *const comma = strchr(line, '\t') ? "\t" : ",";
    if (!*trimmed(line) || *trimmed(line) == '#') return CYG_OK;
    int count = 0;
    for (char *field; count < 3 && (field = strsep(&rest, comma)); ) fields[count++] = trimmed(field);
    const int same = count == 3 ? read_same(fields[2]) : -1;
    if (number == 1 && count == 3 && access(fields[0], F_OK) && access(fields[1], F_OK)) return CYG_OK;
    if (count < 3 || !*fields[0] || !*fields[1])
        return cyg_fail(err, CYG_FORMAT, "%s:%d: expected PHOTO, PHOTO, SAME", path, number);
    if (same < 0)
        return cyg_fail(err, CYG_FORMAT, "%s:%d: found \"%.40s\", expected 1 or 0, yes or no, same or different", path,
                        number, fields[2]);
    return add_pair(p, tree, fields[0], fields[1], same == 1, err);
}

cyg_status pairs_read(pairs *p, FILE *from, const char *name, cyg_error *err)
{
    static const char mark[] = "\xef\xbb\xbf";         /* what some programs begin UTF-8 with */
    *p = (pairs){ 0 };
    char *line = NULL;
    size_t room = 0;
    void *tree = NULL;
    int number = 0;
    cyg_status status = CYG_OK;
    for (ssize_t length; !status && (length = getline(&line, &room, from)) >= 0; ) {
        char *const text = line + (++number == 1 && !strncmp(line, mark, strlen(mark)) ? strlen(mark) : 0);
        status = strlen(line) == (size_t)length ? read_pair(p, &tree, text, name, number, err)
                     : cyg_fail(err, CYG_FORMAT, "%s:%d: found a byte of 0, expected text", name, number);
    }
    if (!status && ferror(from)) status = cyg_fail(err, CYG_IO, "%s: cannot be read: %s", name, strerror(errno));
    if (!status && p->count == 0) status = cyg_fail(err, CYG_FORMAT, "%s: has no pairs in it", name);
    tdestroy(tree, free);
    free(line);
    return status;
}

void pairs_free(pairs *p)
{
    for (int i = 0; i < p->photo_count; i++) free(p->photos[i]);
    free(p->photos);
    free(p->list);
}
