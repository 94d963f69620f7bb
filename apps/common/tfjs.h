/* tfjs.h - weights as TensorFlow.js stores them: a JSON manifest, and binary shards beside it.
 *
 *   [ { "paths": ["a.bin", ...],             or the same list as "weightsManifest" of a model.json
 *       "weights": [ { "name": "conv/weights", "shape": [3,3,3,32], "dtype": "float32",
 *                      "quantization": { "dtype": "uint8", "scale": .1, "min": -2 } }, ... ] }, ... ]
 *
 * The shards of a group, joined, hold its weights one behind the other, little endian:
 * float32 and int32 as they are; quantised to uint8 or uint16, a value is q * scale + min in
 * double, rounded once to float32 (tfjs io_utils.ts, decodeWeights); or to float16.
 */
#ifndef TFJS_H
#define TFJS_H

#include "hash.h"

typedef enum tfjs_stored { TFJS_FLOAT32, TFJS_INT32, TFJS_FLOAT16, TFJS_UINT8, TFJS_UINT16 } tfjs_stored;

typedef struct tfjs_tensor {
    const char    *name;
    int            rank, shape[4];      /* each at least 1 */
    size_t         count;               /* values */
    tfjs_stored    stored;
    bool           integer;             /* a quantised int32: values are rounded to integers */
    double         scale, min;          /* of TFJS_UINT8 and TFJS_UINT16 */
    int            group;
    size_t         offset, size;        /* bytes within the joined shards of its group */
} tfjs_tensor;

typedef struct tfjs_file {
    const char *name;                   /* without its folder */
    int         group;                  /* -1: the manifest */
    char        sha256[HASH_TEXT];
} tfjs_file;

typedef struct tfjs tfjs;

/* The manifest and all its shards. CYG_IO, CYG_FORMAT, CYG_UNSUPPORTED, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status tfjs_open(tfjs **out, const char *path, cyg_error *err);
/* The manifest alone, from memory: tfjs_values then must not be called. */
CYG_MUST_USE cyg_status tfjs_parse(tfjs **out, const char *json, size_t size, const char *path,
                                   cyg_error *err);
void tfjs_close(tfjs *w);

const char        *tfjs_path(const tfjs *w);
int                tfjs_file_count(const tfjs *w);
const tfjs_file   *tfjs_file_at(const tfjs *w, int i);
int                tfjs_tensor_count(const tfjs *w);
const tfjs_tensor *tfjs_tensor_at(const tfjs *w, int i);
/* NULL if there is none of that name. */
const tfjs_tensor *tfjs_find(const tfjs *w, const char *name);

/* What the tensor's values become: "F32", "F16" or "I32", and how many bytes they take. */
const char *tfjs_dtype(const tfjs_tensor *t);
size_t      tfjs_size(const tfjs_tensor *t);
/* Writes them, tfjs_size bytes, to out. */
void        tfjs_values(const tfjs *w, const tfjs_tensor *t, void *out);

#endif
