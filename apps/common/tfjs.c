/* tfjs.c - reads a TensorFlow.js weight manifest (format: tfjs.h) and its shards. */
#include "tfjs.h"
#include "file.h"
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MANIFEST = 64 << 20, MAX_SHARD = 1 << 30 };      /* bytes */

typedef struct group {
    size_t   size;              /* bytes that its weights take */
    uint8_t *bytes;             /* its shards, joined; NULL after tfjs_parse */
} group;

struct tfjs {
    char        *path;
    json_t      *root;          /* owns the names */
    const json_t *groups_json;
    group       *groups;
    tfjs_file   *files;         /* the manifest first */
    tfjs_tensor *tensors;       /* by rising name */
    int          group_count, file_count, tensor_count;
};

/* ---- The manifest ---------------------------------------------------------------- */

static cyg_status bad(const tfjs *w, const tfjs_tensor *t, cyg_error *err, const char *what)
{
    return cyg_fail(err, CYG_FORMAT, "%s: weights '%.100s': %s", w->path, t->name, what);
}

static cyg_status parse_quantization(tfjs_tensor *t, const tfjs *w, const json_t *q, cyg_error *err)
{
    const char *const type = json_string_value(json_object_get(q, "dtype"));
    if (type && strcmp(type, "float16") == 0 && !t->integer) {
        t->stored = TFJS_FLOAT16;
        return CYG_OK;
    }
    if (!type || (strcmp(type, "uint8") != 0 && strcmp(type, "uint16") != 0)) {
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: weights '%.100s': found quantization dtype '%.20s', "
                        "expected uint8, uint16 or float16", w->path, t->name, type ? type : "missing");
    }
    t->stored = strcmp(type, "uint8") == 0 ? TFJS_UINT8 : TFJS_UINT16;
    const json_t *const scale = json_object_get(q, "scale"), *const min = json_object_get(q, "min");
    if (!json_is_number(scale) || !json_is_number(min)) {
        return bad(w, t, err, "found no valid scale and min, expected two numbers");
    }
    t->scale = json_number_value(scale);
    t->min = json_number_value(min);
    return CYG_OK;
}

static cyg_status parse_type(tfjs_tensor *t, const tfjs *w, const json_t *entry, cyg_error *err)
{
    const char *const type = json_string_value(json_object_get(entry, "dtype"));
    const json_t *const quantization = json_object_get(entry, "quantization");
    t->integer = type && strcmp(type, "int32") == 0;
    if (!t->integer && (!type || strcmp(type, "float32") != 0)) {
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: weights '%.100s': found dtype '%.20s', "
                        "expected float32 or int32", w->path, t->name, type ? type : "missing");
    }
    t->stored = t->integer ? TFJS_INT32 : TFJS_FLOAT32;
    return quantization ? parse_quantization(t, w, quantization, err) : CYG_OK;
}

static cyg_status parse_shape(tfjs_tensor *t, const tfjs *w, const json_t *entry, cyg_error *err)
{
    static const size_t sizes[] = {
        [TFJS_FLOAT32] = 4, [TFJS_INT32] = 4, [TFJS_FLOAT16] = 2, [TFJS_UINT8] = 1, [TFJS_UINT16] = 2,
    };
    const json_t *const shape = json_object_get(entry, "shape");
    if (!json_is_array(shape) || json_array_size(shape) > 4) {
        return bad(w, t, err, "found no valid shape, expected an array of 0 to 4 sizes");
    }
    t->rank = (int)json_array_size(shape);
    t->count = 1;
    for (int i = 0; i < t->rank; i++) {
        const json_int_t n = json_integer_value(json_array_get(shape, (size_t)i));
        if (n < 1 || n > INT_MAX || __builtin_mul_overflow(t->count, (size_t)n, &t->count) ||
            t->count > MAX_SHARD) {
            return bad(w, t, err, "found a size of its shape to be out of range");
        }
        t->shape[i] = (int)n;
    }
    t->size = t->count * sizes[t->stored];
    return CYG_OK;
}

static cyg_status parse_tensor(tfjs *w, const json_t *entry, int g, cyg_error *err)
{
    tfjs_tensor *const t = &w->tensors[w->tensor_count++];
    t->name = json_string_value(json_object_get(entry, "name"));
    t->group = g;
    t->offset = w->groups[g].size;
    if (!t->name) {
        return cyg_fail(err, CYG_FORMAT, "%s: found weights without a name, expected one", w->path);
    }
    cyg_status status = parse_type(t, w, entry, err);
    if (!status) status = parse_shape(t, w, entry, err);
    if (status) return status;
    w->groups[g].size += t->size;
    if (w->groups[g].size > MAX_SHARD) return bad(w, t, err, "found more than 1 GiB before its end");
    return CYG_OK;
}

/* The manifest's own name, or that of a file beside it. */
static cyg_status add_file(tfjs *w, const char *name, int g, cyg_error *err)
{
    if (!name || !*name || strchr(name, '/') || strcmp(name, "..") == 0) {
        return cyg_fail(err, CYG_FORMAT, "%s: found path '%.100s', expected the name of a file beside it",
                        w->path, name ? name : "missing");
    }
    w->files[w->file_count++] = (tfjs_file){ .name = name, .group = g };
    return CYG_OK;
}

static cyg_status parse_group(tfjs *w, int g, cyg_error *err)
{
    const json_t *const entry = json_array_get(w->groups_json, (size_t)g);
    const json_t *const paths = json_object_get(entry, "paths");
    const json_t *const weights = json_object_get(entry, "weights");
    const json_t *item;
    size_t i;
    if (!json_is_array(paths) || !json_is_array(weights)) {
        return cyg_fail(err, CYG_FORMAT, "%s: group %d: found no lists of paths and weights, expected both",
                        w->path, g);
    }
    json_array_foreach(paths, i, item) {
        const cyg_status status = add_file(w, json_string_value(item), g, err);
        if (status) return status;
    }
    json_array_foreach(weights, i, item) {
        const cyg_status status = parse_tensor(w, item, g, err);
        if (status) return status;
    }
    return CYG_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const tfjs_tensor *)a)->name, ((const tfjs_tensor *)b)->name);
}

static cyg_status sort_tensors(tfjs *w, cyg_error *err)
{
    qsort(w->tensors, (size_t)w->tensor_count, sizeof *w->tensors, compare_names);
    for (int i = 1; i < w->tensor_count; i++) {
        if (compare_names(&w->tensors[i - 1], &w->tensors[i]) == 0) {
            return bad(w, &w->tensors[i], err, "found the name twice, expected it once");
        }
    }
    return CYG_OK;
}

static cyg_status allocate(tfjs *w, cyg_error *err)
{
    size_t files = 1, tensors = 0, g;
    const json_t *entry;
    json_array_foreach(w->groups_json, g, entry) {
        files += json_array_size(json_object_get(entry, "paths"));
        tensors += json_array_size(json_object_get(entry, "weights"));
    }
    w->group_count = (int)json_array_size(w->groups_json);
    w->groups = calloc((size_t)w->group_count + 1, sizeof *w->groups);
    w->files = calloc(files, sizeof *w->files);
    w->tensors = calloc(tensors + 1, sizeof *w->tensors);
    if (w->groups && w->files && w->tensors) return CYG_OK;
    return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", w->path);
}

static cyg_status parse(tfjs *w, const char *json, size_t size, cyg_error *err)
{
    json_error_t at;
    w->root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &at);
    if (!w->root) {
        return cyg_fail(err, CYG_FORMAT, "%s:%d:%d: found invalid JSON (%s)", w->path, at.line, at.column,
                        at.text);
    }
    w->groups_json = json_is_array(w->root) ? w->root : json_object_get(w->root, "weightsManifest");
    if (!json_is_array(w->groups_json)) {
        return cyg_fail(err, CYG_FORMAT, "%s: found no list of weight groups, expected a weight manifest",
                        w->path);
    }
    cyg_status status = allocate(w, err);
    if (status) return status;
    const char *const slash = strrchr(w->path, '/');
    status = add_file(w, slash ? slash + 1 : w->path, -1, err);
    for (int g = 0; !status && g < w->group_count; g++) status = parse_group(w, g, err);
    return status ? status : sort_tensors(w, err);
}

cyg_status tfjs_parse(tfjs **out, const char *json, size_t size, const char *path, cyg_error *err)
{
    *out = NULL;
    tfjs *w = calloc(1, sizeof *w);
    if (w) w->path = strdup(path);
    if (!w || !w->path) {
        free(w);
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    }
    const cyg_status status = parse(w, json, size, err);
    if (status) tfjs_close(w);
    else *out = w;
    return status;
}

/* ---- The shards ------------------------------------------------------------------ */

/* Reads file f at the end of its group's bytes, of which *used are there already. */
static cyg_status load_shard(tfjs *w, tfjs_file *f, size_t *used, cyg_error *err)
{
    group *const g = &w->groups[f->group];
    const int folder = (int)(strlen(w->path) - strlen(w->files[0].name));
    char *path = NULL, *bytes = NULL;
    size_t size = 0;
    if (asprintf(&path, "%.*s%s", folder, w->path, f->name) < 0) {
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", w->path);
    }
    cyg_status status = file_read(&bytes, &size, path, MAX_SHARD, err);
    if (!status && size > g->size - *used) {
        status = cyg_fail(err, CYG_FORMAT, "%s: found %zu bytes, expected %zu as the manifest says",
                          path, size, g->size - *used);
    }
    if (!status) status = hash_bytes(f->sha256, bytes, size, err);
    if (!status) {
        memcpy(g->bytes + *used, bytes, size);
        *used += size;
    }
    free(bytes);
    free(path);
    return status;
}

static cyg_status load_group(tfjs *w, int g, cyg_error *err)
{
    size_t used = 0;
    w->groups[g].bytes = malloc(w->groups[g].size + 1);
    if (!w->groups[g].bytes) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", w->path);
    for (int i = 0; i < w->file_count; i++) {
        if (w->files[i].group != g) continue;
        const cyg_status status = load_shard(w, &w->files[i], &used, err);
        if (status) return status;
    }
    if (used != w->groups[g].size) {
        return cyg_fail(err, CYG_FORMAT, "%s: found %zu bytes in the files of group %d, expected %zu",
                        w->path, used, g, w->groups[g].size);
    }
    return CYG_OK;
}

cyg_status tfjs_open(tfjs **out, const char *path, cyg_error *err)
{
    *out = NULL;
    char *json;
    size_t size;
    tfjs *w = NULL;
    cyg_status status = file_read(&json, &size, path, MAX_MANIFEST, err);
    if (status) return status;
    status = tfjs_parse(&w, json, size, path, err);
    if (!status) status = hash_bytes(w->files[0].sha256, json, size, err);
    free(json);
    for (int g = 0; !status && g < w->group_count; g++) status = load_group(w, g, err);
    if (status) tfjs_close(w);
    else *out = w;
    return status;
}

void tfjs_close(tfjs *w)
{
    if (!w) return;
    for (int g = 0; w->groups && g < w->group_count; g++) free(w->groups[g].bytes);
    free(w->groups);
    free(w->files);
    free(w->tensors);
    json_decref(w->root);
    free(w->path);
    free(w);
}

/* ---- Reading --------------------------------------------------------------------- */

const char *tfjs_path(const tfjs *w) { return w->path; }
int tfjs_file_count(const tfjs *w) { return w->file_count; }
const tfjs_file *tfjs_file_at(const tfjs *w, int i) { return &w->files[i]; }
int tfjs_tensor_count(const tfjs *w) { return w->tensor_count; }
const tfjs_tensor *tfjs_tensor_at(const tfjs *w, int i) { return &w->tensors[i]; }

const tfjs_tensor *tfjs_find(const tfjs *w, const char *name)
{
    const tfjs_tensor key = { .name = name };
    return bsearch(&key, w->tensors, (size_t)w->tensor_count, sizeof key, compare_names);
}

const char *tfjs_dtype(const tfjs_tensor *t)
{
    return t->integer ? "I32" : t->stored == TFJS_FLOAT16 ? "F16" : "F32";
}

size_t tfjs_size(const tfjs_tensor *t)
{
    return t->count * (t->stored == TFJS_FLOAT16 ? 2 : 4);
}

/* q * scale + min, rounded to double twice: a fused multiply-add would differ in the last bit. */
static double dequantised(const tfjs_tensor *t, unsigned q)
{
    const volatile double product = q * t->scale;
    return product + t->min;
}

static int32_t nearest_integer(double value)
{
    return (int32_t)fmin(fmax(floor(value + 0.5), INT32_MIN), INT32_MAX);
}

void tfjs_values(const tfjs *w, const tfjs_tensor *t, void *out)
{
    const uint8_t *const bytes = w->groups[t->group].bytes + t->offset;
    if (t->stored != TFJS_UINT8 && t->stored != TFJS_UINT16) {
        memcpy(out, bytes, t->size);
        return;
    }
    for (size_t i = 0; i < t->count; i++) {
        const unsigned high = t->stored == TFJS_UINT8 ? 0 : bytes[2 * i + 1];
        const unsigned low = t->stored == TFJS_UINT8 ? bytes[i] : bytes[2 * i];
        const double value = dequantised(t, high << 8 | low);
        const float real = (float)value;
        const int32_t integer = t->integer ? nearest_integer(value) : 0;
        memcpy((uint8_t *)out + 4 * i, t->integer ? (const void *)&integer : &real, 4);
    }
}
