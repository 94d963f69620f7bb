/* model.c - the model file: one .safetensors file per trained network.
 *
 *   bytes 0..7      N, the length of the header, 64-bit little endian
 *   bytes 8..8+N    JSON: { "NAME": { "dtype": "F32", "shape": [3,3,3,32],
 *                           "data_offsets": [begin, end] }, ...,
 *                           "__metadata__": { "cygnet": "<JSON text, below>" } }
 *   the rest        the tensors, raw, little endian, row-major; offsets count from here. They
 *                   lie one behind the other and fill the file; names are printable ASCII
 *
 * The text under "cygnet" is the description of the network:
 *
 *   { "format": 1,
 *     "name": "face-ssd-mobilenet-v1",
 *     "summary": "one sentence for people",
 *     "backbone": {
 *       "family": "mobilenet_v1",           the layer list comes from these two (families: mobilenet.c)
 *       "width": 1.0,
 *       "input": { "width": 512, "height": 512,
 *                  "channels": "rgb",       or "bgr"
 *                  "mean": [127.5, 127.5, 127.5],        x = (v - mean) * scale, v = 0..255,
 *                  "scale": [0.00784313725490196, ...],  both in the order of `channels`
 *                  "sample": "corner",      input pixel i reads image position i*step; or "centre": (i+.5)*step-.5
 *                  "letterbox": "corner",   padding right or below; or "centre": around; or "stretch": none, the
 *                                           aspect ratio is lost; or "crop": the middle in the input's shape,
 *                  "crop": 0.875,           this part of the largest that fits; only with "crop"
 *                  "border": "black" },     outside of the image; or "edge": the nearest pixel
 *       "activation": "relu6",              or "relu"
 *       "epsilon": 0.0010000000474974513,   of batch norm
 *       "extra": [ { "kernel": 1, "stride": 1, "channels": 256 }, ... ],   layers extra0, extra1 ...
 *       "taps": ["conv11_pw", "conv13_pw", "extra1"],                      maps kept for heads; also "pool"
 *       "ranges": { "conv0": 5.31, "conv1_dw": 6.0, ... },                 optional, for precision i8, see below
 *       "equal": ["bf16", "i8"] },          optional: precisions measured to give the answers of f32
 *     "heads": [ { "type": "ssd", ... the head's own keys, see heads/TYPE.c ... } ],
 *     "source": { "package": ..., "version": ..., "files": { "NAME": "sha256" }, "url"?: ...,
 *                 "paper"?: ... },
 *     "licence": { "code": "MIT ...", "weights": "Apache-2.0 ...", "training_data"?: "..." } }
 *
 * Layers are named conv0, conv1_dw, conv1_pw ... conv13_dw, conv13_pw, extra0 ...
 * A layer's tensors, weights [kernel][kernel][in][out] (depthwise [3][3][channels][1]):
 *   NAME/weights, and any of NAME/mean NAME/variance NAME/gamma NAME/beta (batch norm),
 *   NAME/scale, NAME/bias, each [out]: y = conv(x); y = (y - mean) * gamma / sqrt(variance
 *   + epsilon) + beta; y = y * scale + bias; then the activation. What is absent does nothing.
 *
 * backbone.ranges says, by name of a layer, the upper end of its output after the activation, above
 *   0; the lower end is 0. In 8-bit integers the layer's output is 127 levels from 0 to there, and
 *   what is more saturates. A layer without one has 6 where the activation is relu6; where it is
 *   relu, precision i8 is refused. cygnet-model quantize measures ranges on pictures.
 */
#include "ops.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are read as they lie");

enum {
    FORMAT = 1,                 /* of the description */
    MAX_HEADER = 16 << 20,      /* bytes; a network of ten thousand tensors needs one */
    MAX_NAME = 100,             /* bytes of a tensor's name */
};

struct cyg_model {
    char       *path;
    const uint8_t *bytes;
    size_t      size;
    bool        mapped;         /* bytes are this model's own mapping */
    json_t     *header;         /* owns the names of the tensors */
    json_t     *description;
    cyg_stored *tensors;        /* by rising name */
    int         tensor_count;
};

static const struct dtype { const char *name; size_t size; } dtypes[] = {
    [CYG_F32] = { "F32", 4 }, [CYG_F16] = { "F16", 2 }, [CYG_U8] = { "U8", 1 },
    [CYG_I8]  = { "I8", 1 },  [CYG_I32] = { "I32", 4 },
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

/* ---- JSON ------------------------------------------------------------------------ */

/* An object from text that a stranger may have written; part names it in messages. */
static cyg_status load_object(json_t **out, const cyg_model *m, const char *part,
                              const char *text, size_t size, cyg_error *err)
{
    json_error_t at;
    *out = json_loadb(text, size, JSON_REJECT_DUPLICATES, &at);
    if (!*out) {
        if (json_error_code(&at) == json_error_out_of_memory) {
            return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", m->path);
        }
        return cyg_fail(err, CYG_FORMAT, "%s: %s: found invalid JSON (byte %d: %s), "
                        "expected an object", m->path, part, at.position, at.text);
    }
    if (!json_is_object(*out)) {
        return cyg_fail(err, CYG_FORMAT, "%s: %s: found other JSON, expected an object",
                        m->path, part);
    }
    return CYG_OK;
}

static cyg_status load_header(cyg_model *m, size_t *data_begin, cyg_error *err)
{
    uint64_t length = 0;
    if (m->size < sizeof length) {
        return cyg_fail(err, CYG_FORMAT, "%s: found %zu bytes, expected a model file (safetensors)",
                        m->path, m->size);
    }
    memcpy(&length, m->bytes, sizeof length);
    const size_t rest = m->size - sizeof length;
    if (length > rest || length > MAX_HEADER) {
        return cyg_fail(err, CYG_FORMAT, "%s: found a header of %llu bytes, expected at most %zu",
                        m->path, (unsigned long long)length, rest < MAX_HEADER ? rest : MAX_HEADER);
    }
    *data_begin = sizeof length + (size_t)length;
    return load_object(&m->header, m, "header", (const char *)m->bytes + sizeof length,
                       (size_t)length, err);
}

static cyg_status load_description(cyg_model *m, cyg_error *err)
{
    const json_t *text = json_object_get(json_object_get(m->header, "__metadata__"), "cygnet");
    if (!json_is_string(text)) {
        return cyg_fail(err, CYG_FORMAT, "%s: found no description in its header, expected a file "
                        "made by cygnet-model convert", m->path);
    }
    const cyg_status status = load_object(&m->description, m, "description",
                                          json_string_value(text), json_string_length(text), err);
    if (status) return status;

    const json_t *format = json_object_get(m->description, "format");
    if (!json_is_integer(format) || json_integer_value(format) < 1) {
        return cyg_fail(err, CYG_FORMAT, "%s: description: found no valid 'format', expected %d",
                        m->path, FORMAT);
    }
    if (json_integer_value(format) > FORMAT) {
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: description: found format %lld, expected %d: "
                        "a newer version of Cygnet made this file", m->path,
                        (long long)json_integer_value(format), FORMAT);
    }
    const json_t *name = json_object_get(m->description, "name");
    if (!json_is_string(name) || json_string_length(name) == 0) {
        return cyg_fail(err, CYG_FORMAT, "%s: description: found no 'name', expected the network's",
                        m->path);
    }
    return CYG_OK;
}

/* ---- Tensors --------------------------------------------------------------------- */

static cyg_status bad(const cyg_model *m, const cyg_stored *t, cyg_error *err, const char *what)
{
    return cyg_fail(err, CYG_FORMAT, "%s: tensor '%s': %s", m->path, t->name, what);
}

static bool name_is_plain(const char *name)
{
    const size_t length = strlen(name);
    for (size_t i = 0; i < length; i++) {
        if (name[i] <= ' ' || name[i] > '~') return false;
    }
    return length >= 1 && length <= MAX_NAME;
}

static cyg_status parse_dtype(cyg_stored *t, const cyg_model *m, const json_t *entry,
                              cyg_error *err)
{
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    if (!dtype) return bad(m, t, err, "found no dtype, expected F32, F16, U8, I8 or I32");
    for (int i = 0; i < DTYPES; i++) {
        if (strcmp(dtype, dtypes[i].name) == 0) {
            t->type = i;
            return CYG_OK;
        }
    }
    return cyg_fail(err, CYG_UNSUPPORTED, "%s: tensor '%s': found dtype '%.20s', "
                    "expected F32, F16, U8, I8 or I32", m->path, t->name, dtype);
}

/* Shape and count; *bytes is what the values take. */
static cyg_status parse_shape(cyg_stored *t, size_t *bytes, const cyg_model *m,
                              const json_t *entry, cyg_error *err)
{
    const json_t *shape = json_object_get(entry, "shape");
    if (!json_is_array(shape) || json_array_size(shape) > 4) {
        return bad(m, t, err, "found no valid shape, expected an array of 0 to 4 sizes");
    }
    t->rank = (int)json_array_size(shape);
    *bytes = dtypes[t->type].size;
    for (int i = 0; i < t->rank; i++) {
        const json_int_t n = json_integer_value(json_array_get(shape, (size_t)i));
        if (n < 1 || n > INT_MAX) {
            return bad(m, t, err, "found a shape with another size, expected 1 to 2147483647");
        }
        t->shape[i] = (int)n;
        if (__builtin_mul_overflow(*bytes, (size_t)n, bytes)) {
            return bad(m, t, err, "found a shape of more bytes than can be counted, expected less");
        }
    }
    t->count = *bytes / dtypes[t->type].size;
    return CYG_OK;
}

static cyg_status parse_offsets(cyg_stored *t, const cyg_model *m, const json_t *entry,
                                size_t bytes, size_t data_begin, cyg_error *err)
{
    const size_t data_size = m->size - data_begin;
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end)) {
        return bad(m, t, err, "found no valid data_offsets, expected [begin, end]");
    }
    const json_int_t b = json_integer_value(begin), e = json_integer_value(end);
    if (b < 0 || e < b || (uint64_t)e > data_size) {
        return cyg_fail(err, CYG_FORMAT, "%s: tensor '%s': found bytes %lld to %lld, expected them "
                        "within the file's %zu bytes of data", m->path, t->name, (long long)b,
                        (long long)e, data_size);
    }
    if ((uint64_t)(e - b) != bytes) {
        return cyg_fail(err, CYG_FORMAT, "%s: tensor '%s': found %lld bytes, expected %zu as its "
                        "shape says", m->path, t->name, (long long)(e - b), bytes);
    }
    t->bytes = m->bytes + data_begin + (size_t)b;
    return CYG_OK;
}

static cyg_status parse_tensor(cyg_stored *t, const cyg_model *m, const json_t *entry,
                               size_t data_begin, cyg_error *err)
{
    if (!name_is_plain(t->name)) {
        return cyg_fail(err, CYG_FORMAT, "%s: tensor '%.*s': found a name of %zu bytes, expected 1 "
                        "to %d printable ASCII characters without spaces", m->path, MAX_NAME,
                        t->name, strlen(t->name), MAX_NAME);
    }
    if (!json_is_object(entry)) return bad(m, t, err, "found other JSON, expected an object");

    size_t bytes = 0;
    cyg_status status = parse_dtype(t, m, entry, err);
    if (!status) status = parse_shape(t, &bytes, m, entry, err);
    if (!status) status = parse_offsets(t, m, entry, bytes, data_begin, err);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const cyg_stored *)a)->name, ((const cyg_stored *)b)->name);
}

static int compare_places(const void *a, const void *b)
{
    const uint8_t *const x = ((const cyg_stored *)a)->bytes;
    const uint8_t *const y = ((const cyg_stored *)b)->bytes;
    return (x > y) - (x < y);
}

/* The tensors, by rising place, lie one behind the other and fill the file. */
static cyg_status check_places(const cyg_model *m, size_t data_begin, cyg_error *err)
{
    const uint8_t *const data = m->bytes + data_begin;
    const uint8_t *end = data;
    for (int i = 0; i < m->tensor_count; i++) {
        const cyg_stored *t = &m->tensors[i];
        if (t->bytes != end) {
            return cyg_fail(err, CYG_FORMAT, "%s: tensor '%s': found it at byte %td of the data, "
                            "expected %td, right behind the one before", m->path, t->name,
                            (const uint8_t *)t->bytes - data, end - data);
        }
        end += t->count * dtypes[t->type].size;
    }
    if (end != m->bytes + m->size) {
        return cyg_fail(err, CYG_FORMAT, "%s: found %td bytes behind the last tensor, "
                        "expected none", m->path, m->bytes + m->size - end);
    }
    return CYG_OK;
}

static cyg_status load_tensors(cyg_model *m, size_t data_begin, cyg_error *err)
{
    m->tensors = calloc(json_object_size(m->header) + 1, sizeof *m->tensors);
    if (!m->tensors) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", m->path);

    const char *name;
    json_t *entry;
    json_object_foreach(m->header, name, entry) {
        if (strcmp(name, "__metadata__") == 0) continue;
        cyg_stored *const t = &m->tensors[m->tensor_count++];
        t->name = name;
        const cyg_status status = parse_tensor(t, m, entry, data_begin, err);
        if (status) return status;
    }
    const size_t count = (size_t)m->tensor_count;
    qsort(m->tensors, count, sizeof *m->tensors, compare_places);
    const cyg_status status = check_places(m, data_begin, err);
    qsort(m->tensors, count, sizeof *m->tensors, compare_names);
    return status;
}

/* ---- Opening --------------------------------------------------------------------- */

static cyg_status load(cyg_model *m, cyg_error *err)
{
    size_t data_begin = 0;          /* where the header ends */
    cyg_status status = load_header(m, &data_begin, err);
    if (!status) status = load_description(m, err);
    if (!status) status = load_tensors(m, data_begin, err);
    return status;
}

cyg_status cyg_model_wrap(cyg_model **out, const void *bytes, size_t size, const char *name,
                          cyg_error *err)
{
    *out = NULL;
    cyg_model *m = calloc(1, sizeof *m);
    if (m) m->path = strdup(name);
    if (!m || !m->path) {
        free(m);
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", name);
    }
    m->bytes = bytes;
    m->size = size;
    const cyg_status status = load(m, err);
    if (status) cyg_model_close(m);
    else *out = m;
    return status;
}

/* *bytes stays NULL for an empty file. */
static cyg_status map_file(const uint8_t **bytes, size_t *size, const char *path, cyg_error *err)
{
    *bytes = NULL;
    *size = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);  /* a pipe must not hang */
    struct stat about;
    if (fd < 0 || fstat(fd, &about)) {
        const int why = errno;
        if (fd >= 0) close(fd);
        return cyg_fail(err, CYG_IO, "%s: %s", path, strerror(why));
    }
    if (!S_ISREG(about.st_mode)) {
        close(fd);
        return cyg_fail(err, CYG_IO, "%s: found no regular file, expected a model file", path);
    }
    cyg_status status = CYG_OK;
    if (about.st_size > 0) {
        void *const map = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            status = cyg_fail(err, CYG_IO, "%s: %s", path, strerror(errno));
        } else {
            *bytes = map;
            *size = (size_t)about.st_size;
        }
    }
    close(fd);
    return status;
}

cyg_status cyg_model_open(cyg_model **out, const char *path, cyg_error *err)
{
    *out = NULL;
    const uint8_t *bytes;
    size_t size;
    cyg_status status = map_file(&bytes, &size, path, err);
    if (status) return status;
    status = cyg_model_wrap(out, bytes, size, path, err);
    if (!status) (*out)->mapped = true;
    else if (bytes) munmap((void *)bytes, size);
    return status;
}

void cyg_model_close(cyg_model *m)
{
    if (!m) return;
    if (m->mapped) munmap((void *)m->bytes, m->size);
    json_decref(m->description);
    json_decref(m->header);
    free(m->tensors);
    free(m->path);
    free(m);
}

/* ---- Reading --------------------------------------------------------------------- */

const char *cyg_model_name(const cyg_model *m)
{
    return json_string_value(json_object_get(m->description, "name"));
}

const json_t *cyg_model_description(const cyg_model *m)
{
    return m->description;
}

const char *cyg_model_path(const cyg_model *m)
{
    return m->path;
}

int cyg_model_tensor_count(const cyg_model *m)
{
    return m->tensor_count;
}

cyg_stored cyg_model_tensor(const cyg_model *m, int i)
{
    return m->tensors[i];
}

bool cyg_model_find(const cyg_model *m, const char *name, cyg_stored *out)
{
    const cyg_stored key = { .name = name };
    const cyg_stored *const found = bsearch(&key, m->tensors, (size_t)m->tensor_count, sizeof key,
                                            compare_names);
    if (found) *out = *found;
    return found;
}
