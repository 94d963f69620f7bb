/* model_writer.c - makes a model file in memory: header, padding, tensors by falling alignment. */
#include "model_writer.h"
#include <stdlib.h>
#include <string.h>

typedef struct tensor {
    char    *name;
    char     dtype[8];
    json_t  *shape;
    size_t   alignment;         /* bytes of a value: wide ones first keeps all of them aligned */
    void    *bytes;
    size_t   size;
} tensor;

struct model_writer {
    tensor *tensors;
    size_t  count;
};

static cyg_status no_memory(cyg_error *err)
{
    return cyg_fail(err, CYG_NO_MEMORY, "out of memory");
}

cyg_status model_writer_create(model_writer **out, cyg_error *err)
{
    *out = calloc(1, sizeof **out);
    return *out ? CYG_OK : no_memory(err);
}

void model_writer_free(model_writer *w)
{
    if (!w) return;
    for (size_t i = 0; i < w->count; i++) {
        free(w->tensors[i].name);
        free(w->tensors[i].bytes);
        json_decref(w->tensors[i].shape);
    }
    free(w->tensors);
    free(w);
}

int model_writer_count(const model_writer *w)
{
    return (int)w->count;
}

cyg_status model_writer_add(model_writer *w, const char *name, const char *dtype, int rank,
                            const int *shape, const void *bytes, size_t size, cyg_error *err)
{
    size_t count = 1;
    for (size_t i = 0; i < w->count; i++) {
        if (strcmp(w->tensors[i].name, name) == 0) {
            return cyg_fail(err, CYG_ARGUMENT, "tensor '%s': given twice, expected once", name);
        }
    }
    tensor *const grown = realloc(w->tensors, (w->count + 1) * sizeof *grown);
    if (!grown) return no_memory(err);
    w->tensors = grown;
    tensor *const t = &grown[w->count++];
    *t = (tensor){ .name = strdup(name), .shape = json_array(), .bytes = malloc(size + 1), .size = size };
    bool whole = t->name && t->shape && t->bytes;
    for (int i = 0; whole && i < rank; i++) {
        whole = json_array_append_new(t->shape, json_integer(shape[i])) == 0;
        count *= (size_t)shape[i];
    }
    if (!whole) return no_memory(err);
    t->alignment = size / count;
    strncpy(t->dtype, dtype, sizeof t->dtype - 1);
    memcpy(t->bytes, bytes, size);
    return CYG_OK;
}

static int compare(const void *a, const void *b)
{
    const tensor *const x = a, *const y = b;
    return x->alignment == y->alignment ? strcmp(x->name, y->name) : x->alignment < y->alignment ? 1 : -1;
}

/* The header's JSON text, malloc'ed; NULL: no memory. */
static char *header_text(const model_writer *w, const json_t *description)
{
    char *const text = json_dumps(description, JSON_COMPACT);
    json_t *const header = json_pack("{s:{s:s}}", "__metadata__", "cygnet", text ? text : "");
    size_t begin = 0;
    bool whole = text && header;
    for (size_t i = 0; whole && i < w->count; i++) {
        const tensor *const t = &w->tensors[i];
        json_t *const entry = json_pack("{s:s, s:O, s:[I, I]}", "dtype", t->dtype, "shape", t->shape,
                                        "data_offsets", (json_int_t)begin, (json_int_t)(begin + t->size));
        whole = json_object_set_new(header, t->name, entry) == 0;
        begin += t->size;
    }
    char *const out = whole ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    free(text);
    return out;
}

cyg_status model_writer_finish(uint8_t **out, size_t *size, model_writer *w, const json_t *description,
                               cyg_error *err)
{
    *out = NULL;
    *size = 0;
    if (w->count) qsort(w->tensors, w->count, sizeof *w->tensors, compare);
    char *const header = header_text(w, description);
    if (!header) return no_memory(err);

    const size_t length = strlen(header);
    const uint64_t padded = (length + 7) / 8 * 8;           /* with blanks, so that the data is aligned */
    size_t total = sizeof padded + (size_t)padded;
    for (size_t i = 0; i < w->count; i++) total += w->tensors[i].size;
    uint8_t *const bytes = malloc(total);
    if (bytes) {
        memcpy(bytes, &padded, sizeof padded);
        uint8_t *at = bytes + sizeof padded;
        memcpy(at, header, length);
        memset(at + length, ' ', (size_t)padded - length);
        at += padded;
        for (size_t i = 0; i < w->count; i++) {
            memcpy(at, w->tensors[i].bytes, w->tensors[i].size);
            at += w->tensors[i].size;
        }
        *out = bytes;
        *size = total;
    }
    free(header);
    return bytes ? CYG_OK : no_memory(err);
}
