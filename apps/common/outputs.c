/* outputs.c - names for results: no two the same, none that is an input or already there. */
#include "outputs.h"
#include "report.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The ending of a name with its dot, or "" (a dot in front makes a hidden file, not an ending). */
static const char *ending_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return dot && dot != name ? dot : "";
}

/* folder NULL: beside the input. */
static char *base_of(const input *in, const char *folder, bool whole_name)
{
    const char *place = folder || in->kind != INPUT_FILE ? in->tree : in->path;
    const size_t length = strlen(place) - (whole_name ? 0 : strlen(ending_of(place)));
    const bool slash = folder && folder[strlen(folder) - 1] != '/';
    char *base;
    const int n = asprintf(&base, "%s%s%.*s", folder ? folder : "", slash ? "/" : "", (int)length, place);
    return n < 0 ? NULL : base;
}

/* ---- no two the same ------------------------------------------------------------- */

typedef struct claim {
    const char *base;
    size_t      input;
} claim;

static int by_base(const void *a, const void *b)
{
    const claim *x = a, *y = b;
    const int order = strcmp(x->base, y->base);
    return order ? order : (x->input > y->input) - (x->input < y->input);
}

/* claims: every base, sorted, so that equals stand together and the first input first. */
static void sort_claims(claim *claims, const output *out, size_t count)
{
    for (size_t i = 0; i < count; i++) claims[i] = (claim){ out[i].base, i };
    qsort(claims, count, sizeof *claims, by_base);
}

static bool same(const claim *claims, size_t count, size_t i, size_t j)
{
    return i < count && j < count && strcmp(claims[i].base, claims[j].base) == 0;
}

static bool keep_endings(output *out, const inputs *in, const char *folder, claim *claims)
{
    sort_claims(claims, out, in->count);
    char **whole = calloc(in->count + 1, sizeof *whole);
    bool made = whole;
    for (size_t i = 0; made && i < in->count; i++) {
        if (!same(claims, in->count, i, i + 1) && !same(claims, in->count, i, i - 1)) continue;
        const size_t k = claims[i].input;
        made = (whole[k] = base_of(&in->items[k], folder, true));
    }
    for (size_t k = 0; whole && k < in->count; k++) {
        if (!whole[k]) continue;
        free(out[k].base);
        out[k].base = whole[k];
    }
    free(whole);
    return made;
}

static bool refuse_the_same(output *out, const inputs *in, claim *claims)
{
    sort_claims(claims, out, in->count);
    for (size_t i = 1, first = 0; i < in->count; i++) {
        if (!same(claims, in->count, i, first)) {
            first = i;
            continue;
        }
        const size_t k = claims[i].input;
        if (asprintf(&out[k].problem, "%s: its output would have the name of that of %s", in->items[k].path,
                     in->items[claims[first].input].path) < 0) {
            out[k].problem = NULL;
            return false;
        }
    }
    return true;
}

/* ---- the plan ---------------------------------------------------------------------- */

static cyg_status check_target(bool *file, const inputs *in, const char *target, cyg_error *err)
{
    struct stat st;
    *file = false;
    const size_t length = strlen(target);
    if (length == 0 || strcmp(target, "-") == 0)
        return cyg_fail(err, CYG_ARGUMENT, "--output: found '%s', expected a file or a folder", target);
    const bool exists = stat(target, &st) == 0;
    if (exists && !S_ISDIR(st.st_mode) && in->several)
        return cyg_fail(err, CYG_ARGUMENT, "--output %s: is a file, but several inputs need a folder", target);
    if ((exists && S_ISDIR(st.st_mode)) || target[length - 1] == '/' || in->several) return CYG_OK;
    *file = *ending_of(target);
    if (exists && !*file)
        return cyg_fail(err, CYG_ARGUMENT, "--output %s: has no ending, expected .mp4 or another one", target);
    return CYG_OK;
}

static bool name_all(output *out, const inputs *in, const char *folder)
{
    claim *claims = calloc(in->count + 1, sizeof *claims);
    bool made = claims;
    for (size_t i = 0; made && i < in->count; i++) made = (out[i].base = base_of(&in->items[i], folder, false));
    made = made && keep_endings(out, in, folder, claims) && refuse_the_same(out, in, claims);
    free(claims);
    return made;
}

cyg_status outputs_plan(output **out, const inputs *in, const char *target, cyg_error *err)
{
    *out = NULL;
    bool file = false;
    if (target && check_target(&file, in, target, err) != CYG_OK) return CYG_ARGUMENT;
    output *plan = calloc(in->count + 1, sizeof *plan);
    bool made = plan;
    if (plan && file) {
        plan->file = strdup(target);
        plan->base = strndup(target, strlen(target) - strlen(ending_of(target)));
        made = plan->file && plan->base;
    } else if (plan) {
        made = name_all(plan, in, target);
    }
    if (!made) {
        outputs_free(plan, in->count);
        return cyg_fail(err, CYG_NO_MEMORY, "out of memory for %zu inputs", in->count);
    }
    *out = plan;
    return CYG_OK;
}

void outputs_free(output *out, size_t count)
{
    for (size_t i = 0; out && i < count; i++) {
        free(out[i].base);
        free(out[i].file);
        free(out[i].problem);
    }
    free(out);
}

char *output_media(const output *out, const char *ending)
{
    char *path;
    if (out->file) return strdup(out->file);
    return asprintf(&path, "%s_annotated.%s", out->base, ending) < 0 ? NULL : path;
}

char *output_records(const output *out, const char *ending)
{
    char *path;
    return asprintf(&path, "%s.%s", out->base, ending) < 0 ? NULL : path;
}

cyg_status output_check(const char *path, const inputs *in, bool overwrite, cyg_error *err)
{
    struct stat st, source;
    if (stat(path, &st) != 0) return CYG_OK;
    if (S_ISDIR(st.st_mode)) return cyg_fail(err, CYG_ARGUMENT, "%s: is a folder, where the output should be", path);
    for (size_t i = 0; i < in->count; i++)
        if (in->items[i].kind == INPUT_FILE && stat(in->items[i].path, &source) == 0 &&
            source.st_dev == st.st_dev && source.st_ino == st.st_ino)
            return cyg_fail(err, CYG_ARGUMENT, "%s: is an input, and the output would replace it", path);
    if (overwrite || report_is_failure(path)) return CYG_OK;
    return cyg_fail(err, CYG_ARGUMENT, "%s: is there already (--overwrite replaces it)", path);
}

cyg_status output_make_folder(const char *path, cyg_error *err)
{
    char *folder = strdup(path);
    if (!folder) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    cyg_status status = CYG_OK;
    for (char *slash = strchr(folder + 1, '/'); status == CYG_OK && slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(folder, 0777) != 0 && errno != EEXIST)
            status = cyg_fail(err, CYG_IO, "cannot make the folder %s: %s", folder, strerror(errno));
        *slash = '/';
    }
    free(folder);
    return status;
}
