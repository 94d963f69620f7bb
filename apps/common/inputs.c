/* inputs.c - words become a list of files and streams. */
#include "inputs.h"
#include "text.h"
#include <ctype.h>
#include <errno.h>
#include <fts.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char *const videos[] = {
    "mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "ts", "mts", "m2ts", "mxf", "flv", "wmv", "asf",
    "3gp", "3g2", "ogv", "vob", "gif", "y4m", "h264", "264", "h265", "265", "hevc", "ivf", "mjpeg", "mjpg", NULL,
};
static const char *const pictures[] = {
    "jpg", "jpeg", "jpe", "png", "bmp", "webp", "tif", "tiff", "ppm", "pgm", "avif", "heic", NULL,
};

static bool ends_in(const char *path, const char *const *endings)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    if (!dot || (slash && dot < slash)) return false;
    for (; *endings; endings++)
        if (strcasecmp(dot + 1, *endings) == 0) return true;
    return false;
}

bool input_is_video(const char *path)
{
    return ends_in(path, videos);
}

bool input_is_picture(const char *path)
{
    return ends_in(path, pictures);
}

static bool is_media(const char *path)
{
    return ends_in(path, videos) || ends_in(path, pictures);
}

/* "clip_annotated.mp4": made by this program. */
static bool is_annotated(const char *name)
{
    static const char mark[] = "_annotated";
    const char *dot = strrchr(name, '.');
    const size_t stem = dot ? (size_t)(dot - name) : strlen(name), length = sizeof mark - 1;
    return stem > length && memcmp(name + stem - length, mark, length) == 0;
}

static bool is_stream(const char *word)
{
    const char *colon = strstr(word, "://");
    if (!colon || colon == word) return false;
    for (const char *s = word; s < colon; s++)
        if (!isalnum((unsigned char)*s) && !strchr("+-.", *s)) return false;
    return true;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static cyg_status add(inputs *in, input_kind kind, const char *path, const char *tree, cyg_error *err,
                      const char *problem, ...) __attribute__((format(printf, 6, 7)));

/* problem NULL: none; else its words, with the arguments that follow. */
static cyg_status add(inputs *in, input_kind kind, const char *path, const char *tree, cyg_error *err,
                      const char *problem, ...)
{
    if (in->count == in->capacity) {
        const size_t capacity = in->capacity ? in->capacity * 2 : 16;
        input *items = reallocarray(in->items, capacity, sizeof *items);
        if (!items) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
        in->items = items;
        in->capacity = capacity;
    }
    input *item = &in->items[in->count++];
    *item = (input){ .kind = kind, .path = strdup(path), .tree = strdup(tree) };
    bool made = item->path && item->tree;
    if (problem) {
        va_list args;
        va_start(args, problem);
        if (vasprintf(&item->problem, problem, args) < 0) item->problem = NULL;
        va_end(args);
        made = made && item->problem;
    }
    return made ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
}

/* What to call the output of a stream: the last part of its path, else "stream". */
static cyg_status add_stream(inputs *in, const char *url, cyg_error *err)
{
    const char *path = strstr(url, "://") + 3;
    path += strcspn(path, "/?#");
    size_t end = strcspn(path, "?#");
    while (end > 0 && path[end - 1] == '/') end--;
    const char *slash = memrchr(path, '/', end);
    char *name = slash ? strndup(slash + 1, (size_t)(path + end - slash - 1)) : strdup("stream");
    char *clean = name ? text_cleaned(name, TEXT_DATA) : NULL;          /* files are named after it */
    const cyg_status status = clean ? add(in, INPUT_STREAM, url, clean, err, NULL)
                                    : cyg_fail(err, CYG_NO_MEMORY, "a stream: out of memory");
    free(clean);
    free(name);
    return status;
}

/* "2" and "/dev/video2" are a camera, be it there or not; a file of that name is "./2". */
static bool is_camera(const char *word)
{
    static const char folder[] = "/dev/video";
    if (strncmp(word, folder, sizeof folder - 1) == 0) word += sizeof folder - 1;
    const size_t digits = strspn(word, "0123456789");
    return digits > 0 && digits < 4 && word[digits] == 0;
}

static cyg_status add_camera(inputs *in, const char *word, cyg_error *err)
{
    char path[32];
    snprintf(path, sizeof path, "%s%s", isdigit((unsigned char)*word) ? "/dev/video" : "", word);
    return add(in, INPUT_CAMERA, path, name_of(path), err, NULL);
}

/* ---- folders ---------------------------------------------------------------- */

static int as_people_count(const FTSENT **a, const FTSENT **b)
{
    return strverscmp((*a)->fts_name, (*b)->fts_name);
}

static cyg_status add_found_file(inputs *in, const FTSENT *e, const char *tree, cyg_error *err)
{
    if (!is_media(e->fts_name)) {
        in->ignored++;
        return CYG_OK;
    }
    if (is_annotated(e->fts_name)) {
        in->annotated++;
        return CYG_OK;
    }
    if (e->fts_info == FTS_F) return add(in, INPUT_FILE, e->fts_path, tree, err, NULL);
    const char *what = e->fts_info == FTS_DEFAULT ? "is no ordinary file" : "is a link to nothing";
    return add(in, INPUT_FILE, e->fts_path, tree, err, "%s: %s", e->fts_path, what);
}

/* One step of the walk. The folder's own number counts the inputs before it. */
static cyg_status visit(inputs *in, FTS *walk, FTSENT *e, size_t root, cyg_error *err)
{
    const char *tree = e->fts_path + root;
    while (*tree == '/') tree++;
    const bool hidden = e->fts_level > 0 && e->fts_name[0] == '.';
    switch (e->fts_info) {
    case FTS_D:
        if (hidden) fts_set(walk, e, FTS_SKIP);
        e->fts_number = (long)in->count;
        return CYG_OK;
    case FTS_DP:
        if (e->fts_level > 0 && is_media(e->fts_name) && e->fts_number == (long)in->count)
            return add(in, INPUT_FILE, e->fts_path, tree, err, "%s: is a folder, with nothing in it", e->fts_path);
        return CYG_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return add(in, INPUT_FILE, e->fts_path, *tree ? tree : e->fts_name, err, "%s: %s", e->fts_path,
                   strerror(e->fts_errno));
    case FTS_F:
    case FTS_SLNONE:
    case FTS_DEFAULT:
        return hidden ? CYG_OK : add_found_file(in, e, tree, err);
    default:                                            /* a circle, or "." and ".." */
        return CYG_OK;
    }
}

static cyg_status add_folder(inputs *in, const char *path, cyg_error *err)
{
    char *const roots[] = { (char *)path, NULL };
    FTS *walk = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, as_people_count);
    if (!walk) return add(in, INPUT_FILE, path, name_of(path), err, "%s: %s", path, strerror(errno));
    const size_t before = in->count;
    cyg_status status = CYG_OK;
    for (FTSENT *e; status == CYG_OK && (e = fts_read(walk));) status = visit(in, walk, e, strlen(path), err);
    fts_close(walk);
    in->several = true;
    if (status == CYG_OK && in->count == before)
        status = add(in, INPUT_FILE, path, name_of(path), err, "%s: no video or picture in this folder", path);
    return status;
}

/* ---- globs and lists ---------------------------------------------------------- */

static cyg_status add_word(inputs *in, const char *word, bool lists, cyg_error *err);

static int as_people_count_words(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

static cyg_status add_glob(inputs *in, const char *pattern, cyg_error *err)
{
    glob_t found;
    const int result = glob(pattern, GLOB_NOSORT, NULL, &found);
    if (result == GLOB_NOSPACE) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", pattern);
    if (result != 0) return add(in, INPUT_FILE, pattern, pattern, err, "%s: no file matches", pattern);
    qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, as_people_count_words);
    cyg_status status = CYG_OK;
    for (size_t i = 0; status == CYG_OK && i < found.gl_pathc; i++)
        status = add_word(in, found.gl_pathv[i], false, err);
    globfree(&found);
    in->several = true;
    return status;
}

static cyg_status add_list(inputs *in, const char *path, cyg_error *err)
{
    FILE *file = fopen(path, "re");
    if (!file) return add(in, INPUT_FILE, path, name_of(path), err, "%s: %s", path, strerror(errno));
    char *line = NULL;
    size_t capacity = 0;
    cyg_status status = CYG_OK;
    for (ssize_t n; status == CYG_OK && (n = getline(&line, &capacity, file)) >= 0;) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) line[--n] = 0;
        if (strlen(line) != (size_t)n)
            status = add(in, INPUT_FILE, path, name_of(path), err, "%s: is no text: it has zero bytes", path);
        else if (n > 0)
            status = add_word(in, line, false, err);
    }
    if (status == CYG_OK && ferror(file))
        status = add(in, INPUT_FILE, path, name_of(path), err, "%s: %s", path, strerror(errno));
    free(line);
    fclose(file);
    in->several = true;
    return status;
}

static bool ends_in_txt(const char *path)
{
    static const char *const lists[] = { "txt", NULL };
    return ends_in(path, lists);
}

/* lists: this word may be a list (a line of a list may not). */
static cyg_status add_word(inputs *in, const char *word, bool lists, cyg_error *err)
{
    struct stat st;
    if (strcmp(word, "-") == 0) return add(in, INPUT_STDIN, word, "stdin", err, NULL);
    if (is_stream(word)) return add_stream(in, word, err);
    if (is_camera(word)) return add_camera(in, word, err);
    if (strncmp(word, "test:", 5) == 0) return add(in, INPUT_PATTERN, word, "test", err, NULL);
    if (stat(word, &st) == 0) {
        if (S_ISDIR(st.st_mode)) return add_folder(in, word, err);
        if (lists && S_ISREG(st.st_mode) && ends_in_txt(word)) return add_list(in, word, err);
    } else if (strpbrk(word, "*?[")) {
        return add_glob(in, word, err);
    } else {
        return add(in, INPUT_FILE, word, name_of(word), err, "%s: %s", word, strerror(errno));
    }
    return add(in, INPUT_FILE, word, name_of(word), err, NULL);
}

cyg_status inputs_find(inputs *out, const char *const *words, int count, cyg_error *err)
{
    *out = (inputs){ .several = count > 1 };
    cyg_status status = CYG_OK;
    for (int i = 0; status == CYG_OK && i < count; i++) status = add_word(out, words[i], true, err);
    return status;
}

void inputs_free(inputs *in)
{
    for (size_t i = 0; i < in->count; i++) {
        free(in->items[i].path);
        free(in->items[i].tree);
        free(in->items[i].problem);
    }
    free(in->items);
    *in = (inputs){ 0 };
}
