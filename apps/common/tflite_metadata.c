/* tflite_metadata.c - reads metadata and attached files of a TensorFlow Lite file, every place checked. */
#include "tflite_metadata.h"
#include "text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fields of the schema's tables, by number. */
enum { MODEL_VERSION = 2, MODEL_GRAPHS = 3, MODEL_AUTHOR = 4, MODEL_LICENCE = 5 };
enum { GRAPH_INPUTS = 2, GRAPH_OUTPUTS = 3 };
enum { TENSOR_UNITS = 4, TENSOR_FILES = 6 };
enum { UNIT_KIND = 0, UNIT_OPTIONS = 1, UNIT_IS_NORMALISATION = 1 };
enum { NORMALISATION_MEAN = 0, NORMALISATION_DEVIATION = 1 };
enum { FILE_NAME = 0, FILE_KIND = 2, FILE_IS_AXIS_LABELS = 2, FILE_IS_VALUE_LABELS = 3 };

enum { MAX_LABELS = 100000, MAX_ENTRIES = 1000 };

/* ---- Metadata --------------------------------------------------------------------------- */

static void copy_text(char *out, size_t size, flat_vector text)
{
    char raw[400];
    snprintf(raw, sizeof raw, "%.*s", (int)(text.count < sizeof raw ? text.count : sizeof raw - 1),
             text.items ? (const char *)text.items : "");
    text_clean(out, size, raw, TEXT_TERMINAL);
}

/* One value for all three channels, or three. */
static bool read_three(double out[3], flat_vector list)
{
    for (uint32_t i = 0; i < 3 && (list.count == 1 || list.count == 3); i++) {
        out[i] = (double)flat_f32(list, list.count == 1 ? 0 : i);
        if (!isfinite(out[i])) return false;
    }
    return list.count == 1 || list.count == 3;
}

static void read_input(tflite_metadata *to, flat *f, flat_table tensor)
{
    const flat_vector units = flat_list(f, tensor, TENSOR_UNITS, 4);
    for (uint32_t i = 0; i < units.count && i < MAX_ENTRIES; i++) {
        const flat_table unit = flat_at(f, units, i), options = flat_child(f, unit, UNIT_OPTIONS);
        if (flat_int(f, unit, UNIT_KIND, 1, 0) != UNIT_IS_NORMALISATION) continue;
        to->normalised = read_three(to->mean, flat_list(f, options, NORMALISATION_MEAN, 4)) &&
                         read_three(to->deviation, flat_list(f, options, NORMALISATION_DEVIATION, 4)) &&
                         to->deviation[0] > 0 && to->deviation[1] > 0 && to->deviation[2] > 0;
    }
}

static void read_output(tflite_metadata *to, flat *f, flat_table tensor)
{
    const flat_vector files = flat_list(f, tensor, TENSOR_FILES, 4);
    for (uint32_t i = 0; i < files.count && i < MAX_ENTRIES && !*to->labels; i++) {
        const flat_table file = flat_at(f, files, i);
        const int64_t kind = flat_int(f, file, FILE_KIND, 1, 0);
        if (kind == FILE_IS_AXIS_LABELS || kind == FILE_IS_VALUE_LABELS)
            copy_text(to->labels, sizeof to->labels, flat_list(f, file, FILE_NAME, 1));
    }
}

cyg_status tflite_metadata_read(tflite_metadata *out, const tflite *m, cyg_error *err)
{
    *out = (tflite_metadata){ 0 };
    if (m->metadata.count == 0) return CYG_OK;
    flat f = { .bytes = m->metadata.items, .size = m->metadata.count };
    const flat_table root = flat_root(&f);
    copy_text(out->version, sizeof out->version, flat_list(&f, root, MODEL_VERSION, 1));
    copy_text(out->author, sizeof out->author, flat_list(&f, root, MODEL_AUTHOR, 1));
    copy_text(out->licence, sizeof out->licence, flat_list(&f, root, MODEL_LICENCE, 1));
    const flat_vector graphs = flat_list(&f, root, MODEL_GRAPHS, 4);
    if (graphs.count > 0) {
        const flat_table graph = flat_at(&f, graphs, 0);
        const flat_vector inputs = flat_list(&f, graph, GRAPH_INPUTS, 4);
        const flat_vector outputs = flat_list(&f, graph, GRAPH_OUTPUTS, 4);
        if (inputs.count > 0) read_input(out, &f, flat_at(&f, inputs, 0));
        for (uint32_t i = 0; i < outputs.count && i < MAX_ENTRIES; i++) read_output(out, &f, flat_at(&f, outputs, i));
    }
    if (!f.broken) return CYG_OK;
    return cyg_fail(err, CYG_FORMAT, "%s: found damaged metadata: it ends before what it points to", m->path);
}

/* ---- Attached files (ZIP, APPNOTE.TXT 4.3) ------------------------------------------------ */

enum { END_SIZE = 22, ENTRY_SIZE = 46, LOCAL_SIZE = 30, STORED = 0 };

static uint32_t small_at(const uint8_t *p, int bytes)
{
    uint32_t value = 0;
    memcpy(&value, p, (size_t)bytes);
    return value;
}

/* The end record, searched from the end, before at most 64 KiB of comment; NULL: no archive. */
static const uint8_t *find_end(const tflite *m)
{
    for (size_t back = END_SIZE; back <= m->size && back <= END_SIZE + 65535; back++) {
        const uint8_t *const p = m->bytes + m->size - back;
        if (memcmp(p, "PK\5\6", 4) == 0) return p;
    }
    return NULL;
}

/* What a directory's entry stands for. */
static bool find_data(flat_vector *out, const tflite *m, const uint8_t *entry)
{
    const size_t local = small_at(entry + 42, 4), size = small_at(entry + 20, 4);
    if (small_at(entry + 10, 2) != STORED || local > m->size || m->size - local < LOCAL_SIZE) return false;
    const uint8_t *const header = m->bytes + local;
    const size_t begin = local + LOCAL_SIZE + small_at(header + 26, 2) + small_at(header + 28, 2);
    if (memcmp(header, "PK\3\4", 4) != 0 || begin > m->size || size > m->size - begin) return false;
    *out = (flat_vector){ m->bytes + begin, (uint32_t)size };
    return true;
}

static bool is_wanted(const uint8_t *entry, const char *name)
{
    const char *const theirs = (const char *)entry + ENTRY_SIZE;
    const size_t length = small_at(entry + 28, 2), wanted = strlen(name);
    if (*name) return length == wanted && memcmp(theirs, name, length) == 0;
    return length > 4 && memcmp(theirs + length - 4, ".txt", 4) == 0;
}

bool tflite_attached(flat_vector *out, const tflite *m, const char *name)
{
    const uint8_t *const end = find_end(m);
    int found = 0;
    if (!end) return false;
    size_t at = small_at(end + 16, 4);
    for (uint32_t i = small_at(end + 10, 2); i > 0 && at <= m->size && m->size - at >= ENTRY_SIZE; i--) {
        const uint8_t *const entry = m->bytes + at;
        const size_t length = ENTRY_SIZE + small_at(entry + 28, 2) + small_at(entry + 30, 2) + small_at(entry + 32, 2);
        if (memcmp(entry, "PK\1\2", 4) != 0 || length > m->size - at) return false;
        if (is_wanted(entry, name) && find_data(out, m, entry)) found++;
        at += length;
    }
    return found == 1;
}

/* ---- Labels ------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static json_t *label_of(const char *line, size_t length)
{
    while (length > 0 && is_blank(line[length - 1])) length--;
    for (; length > 0 && is_blank(*line); length--) line++;
    return length == 3 && memcmp(line, "???", 3) == 0 ? json_string("") : json_stringn(line, length);
}

cyg_status tflite_labels(json_t **out, const char *text, size_t size, const char *path, cyg_error *err)
{
    json_t *const list = *out = json_array();
    const char *const end = text + size;
    size_t named = 0;                           /* up to the last label that is not empty */
    while (list && text < end) {
        const char *const next = memchr(text, '\n', (size_t)(end - text));
        const size_t length = (size_t)((next ? next : end) - text);
        json_t *const label = label_of(text, length);
        const size_t line = json_array_size(list) + 1;
        if (!label || memchr(text, 0, length) || line > MAX_LABELS) {
            json_decref(label);
            json_decref(list);
            *out = NULL;
            return cyg_fail(err, CYG_FORMAT, "%s:%zu: found no label, expected a line of UTF-8 for each class", path,
                            line);
        }
        if (length > 0) named = line;
        json_array_append_new(list, label);
        text = next ? next + 1 : end;
    }
    if (!list) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    while (json_array_size(list) > named) json_array_remove(list, json_array_size(list) - 1);
    return CYG_OK;
}
