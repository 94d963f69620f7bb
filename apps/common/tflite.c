/* tflite.c - reads a TensorFlow Lite file and checks every tensor and operator of it. */
#include "tflite.h"
#include "file.h"
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_FILE = 1 << 30,         /* bytes */
    MAX_THINGS = 10000,         /* tensors, operators */
    MAX_TENSORS = 64,           /* that one operator reads or makes */
    SCHEMA = 3,
};

static const char identifier[] = "TFL3";        /* at byte 4 */

/* Fields of the schema's tables, by number. */
enum { MODEL_VERSION = 0, MODEL_CODES = 1, MODEL_GRAPHS = 2, MODEL_BUFFERS = 4, MODEL_METADATA = 6 };
enum { CODE_OLD = 0, CODE_CUSTOM = 1, CODE_NEW = 3 };       /* the old one had a byte */
enum { GRAPH_TENSORS = 0, GRAPH_INPUTS = 1, GRAPH_OUTPUTS = 2, GRAPH_OPERATORS = 3 };
enum { TENSOR_SHAPE = 0, TENSOR_TYPE = 1, TENSOR_BUFFER = 2, TENSOR_NAME = 3, TENSOR_QUANTISATION = 4,
       TENSOR_SPARSITY = 6 };
enum { QUANTISATION_SCALE = 2, QUANTISATION_ZERO = 3, QUANTISATION_DETAILS = 4, QUANTISATION_AXIS = 6 };
enum { OPERATOR_CODE = 0, OPERATOR_INPUTS = 1, OPERATOR_OUTPUTS = 2, OPERATOR_OPTIONS = 4, OPERATOR_SETTINGS = 5 };
enum { BUFFER_DATA = 0, METADATA_NAME = 0, METADATA_BUFFER = 1 };

/* Where an operator's options have what; -1: nowhere. */
typedef struct fields { int padding, stride, activation, dilation, filter, beta; } fields;

static fields fields_of(int code)
{
    switch (code) {
    case TFLITE_CONV:         return (fields){ 0, 1, 3, 4, -1, -1 };
    case TFLITE_DEPTHWISE:    return (fields){ 0, 1, 4, 5, -1, -1 };
    case TFLITE_AVERAGE_POOL: return (fields){ 0, 1, 5, -1, 3, -1 };
    case TFLITE_DENSE:        return (fields){ -1, -1, 0, -1, -1, -1 };
    case TFLITE_CONCATENATION: return (fields){ -1, -1, 1, -1, -1, -1 };
    case TFLITE_SOFTMAX:      return (fields){ -1, -1, -1, -1, -1, 0 };
    default:                  return (fields){ -1, -1, -1, -1, -1, -1 };
    }
}

static cyg_status damaged(const tflite *m, cyg_error *err, const char *what)
{
    return cyg_fail(err, CYG_FORMAT, "%s: found a damaged file: %s", m->path, what);
}

/* ---- Tensors ------------------------------------------------------------------------ */

/* Bytes of a value; 0: unknown. */
static size_t value_bytes(int type)
{
    switch (type) {
    case TFLITE_F32: case TFLITE_I32: return 4;
    case TFLITE_I64: return 8;
    case TFLITE_F16: return 2;
    case TFLITE_U8: case TFLITE_I8: return 1;
    default: return 0;
    }
}

static void read_shape(tflite_tensor *t, flat_vector shape)
{
    t->rank = shape.count > INT_MAX ? INT_MAX : (int)shape.count;
    t->count = t->rank <= 4;
    for (int i = 0; i < t->rank && i < 4; i++) {
        t->shape[i] = flat_i32(shape, (uint32_t)i);
        if (t->shape[i] < 1 || __builtin_mul_overflow(t->count, (size_t)t->shape[i], &t->count)) t->count = 0;
    }
}

/* One scale and zero for all, or one for every index of the axis; all of them finite. */
static bool quantisation_fits(const tflite_tensor *t)
{
    if (t->zero.count && t->zero.count != t->scale.count) return false;
    const bool has_axis = t->axis >= 0 && t->axis < t->rank && t->axis < 4;
    if (t->scale.count > 1 && !(has_axis && t->scale.count == (uint32_t)t->shape[t->axis])) return false;
    for (uint32_t i = 0; i < t->scale.count; i++) {
        const float scale = flat_f32(t->scale, i);
        const int64_t zero = t->zero.count ? flat_i64(t->zero, i) : 0;
        if (!(scale >= 0 && isfinite(scale)) || zero < -128 || zero > 255) return false;
    }
    return true;
}

static cyg_status read_tensor(tflite *m, flat *f, flat_table from, flat_vector buffers, int i, cyg_error *err)
{
    tflite_tensor *const t = &m->tensors[i];
    const flat_vector name = flat_list(f, from, TENSOR_NAME, 1);
    snprintf(t->name, sizeof t->name, "%.*s", (int)(name.count < sizeof t->name ? name.count : sizeof t->name - 1),
             name.items ? (const char *)name.items : "");
    t->maker = -1;
    t->type = (int)flat_int(f, from, TENSOR_TYPE, 1, TFLITE_F32);
    read_shape(t, flat_list(f, from, TENSOR_SHAPE, 4));
    const flat_table quantisation = flat_child(f, from, TENSOR_QUANTISATION);
    t->scale = flat_list(f, quantisation, QUANTISATION_SCALE, 4);
    t->zero = flat_list(f, quantisation, QUANTISATION_ZERO, 8);
    t->axis = (int)flat_int(f, quantisation, QUANTISATION_AXIS, 4, 0);
    if (!quantisation_fits(t) || flat_int(f, quantisation, QUANTISATION_DETAILS, 1, 0) ||
        flat_child(f, from, TENSOR_SPARSITY))
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: tensor %d '%s': found %u scales and %u zeros, or a sparse tensor, "
                        "expected one of each or one for every index of an axis", m->path, i, t->name, t->scale.count,
                        t->zero.count);

    const uint32_t buffer = (uint32_t)flat_int(f, from, TENSOR_BUFFER, 4, 0);
    if (buffer >= buffers.count) return buffer ? damaged(m, err, "a tensor without its buffer") : CYG_OK;
    const flat_vector data = flat_list(f, flat_at(f, buffers, buffer), BUFFER_DATA, 1);
    const size_t size = value_bytes(t->type);
    if (data.count == 0 || size == 0) return CYG_OK;
    if (t->count == 0 || data.count / size != t->count || data.count % size)
        return cyg_fail(err, CYG_FORMAT, "%s: tensor %d '%s': found %u bytes, expected %s values of %zu", m->path, i,
                        t->name, data.count, tflite_shape(t).text, size);
    t->data = data.items;
    return CYG_OK;
}

/* ---- Operators ------------------------------------------------------------------------ */

static bool are_tensors(const tflite *m, flat_vector list, int least)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (flat_i32(list, i) < least || flat_i32(list, i) >= m->tensor_count) return false;
    return true;
}

/* Its tensors exist, and each is made once. */
static bool take_tensors(tflite *m, int i)
{
    const tflite_operator *const o = &m->operators[i];
    if (o->inputs.count > MAX_TENSORS || o->outputs.count > MAX_TENSORS) return false;
    if (!are_tensors(m, o->inputs, -1) || !are_tensors(m, o->outputs, 0)) return false;
    for (uint32_t k = 0; k < o->outputs.count; k++) {
        tflite_tensor *const t = &m->tensors[flat_i32(o->outputs, k)];
        if (t->data || t->maker >= 0) return false;
        t->maker = i;
    }
    return true;
}

/* Everything is made before it is read: no walk along the operators can turn in a circle. */
static bool order_holds(const tflite *m)
{
    for (int i = 0; i < m->operator_count; i++)
        for (uint32_t k = 0; k < m->operators[i].inputs.count; k++) {
            const tflite_tensor *const t = tflite_in(m, &m->operators[i], k);
            if (t && t->maker >= i) return false;
        }
    return true;
}

static void read_options(tflite_operator *o, flat *f, flat_table options)
{
    const fields at = fields_of(o->code);
    o->stride_x = o->stride_y = o->dilation_x = o->dilation_y = o->filter_x = o->filter_y = 1;
    o->beta = 1;
    if (at.padding >= 0) o->valid = flat_int(f, options, at.padding, 1, 0) != 0;
    if (at.stride >= 0) {
        o->stride_x = (int)flat_int(f, options, at.stride, 4, 0);
        o->stride_y = (int)flat_int(f, options, at.stride + 1, 4, 0);
    }
    if (at.activation >= 0) o->activation = (int)flat_int(f, options, at.activation, 1, TFLITE_NONE);
    if (at.dilation >= 0) {
        o->dilation_x = (int)flat_int(f, options, at.dilation, 4, 1);
        o->dilation_y = (int)flat_int(f, options, at.dilation + 1, 4, 1);
    }
    if (at.filter >= 0) {
        o->filter_x = (int)flat_int(f, options, at.filter, 4, 0);
        o->filter_y = (int)flat_int(f, options, at.filter + 1, 4, 0);
    }
    if (at.beta >= 0) o->beta = flat_float(f, options, at.beta, 0);
}

static cyg_status read_operator(tflite *m, flat *f, flat_table from, flat_vector codes, int i, cyg_error *err)
{
    tflite_operator *const o = &m->operators[i];
    const uint32_t code = (uint32_t)flat_int(f, from, OPERATOR_CODE, 4, 0);
    if (code >= codes.count) return damaged(m, err, "an operator without its code");
    const flat_table kind = flat_at(f, codes, code);
    const int64_t old = flat_int(f, kind, CODE_OLD, 1, 0), now = flat_int(f, kind, CODE_NEW, 4, 0);
    o->code = (int)(old > now ? old : now);
    o->custom = flat_list(f, kind, CODE_CUSTOM, 1);
    o->inputs = flat_list(f, from, OPERATOR_INPUTS, 4);
    o->outputs = flat_list(f, from, OPERATOR_OUTPUTS, 4);
    o->settings = flat_list(f, from, OPERATOR_SETTINGS, 1);
    read_options(o, f, flat_child(f, from, OPERATOR_OPTIONS));
    return take_tensors(m, i) ? CYG_OK : damaged(m, err, "an operator whose tensors do not exist or are made twice");
}

/* ---- The file --------------------------------------------------------------------------- */

static flat_vector find_metadata(flat *f, flat_table root, flat_vector buffers)
{
    static const char wanted[] = "TFLITE_METADATA";
    const flat_vector list = flat_list(f, root, MODEL_METADATA, 4);
    for (uint32_t i = 0; i < list.count; i++) {
        const flat_table entry = flat_at(f, list, i);
        const flat_vector name = flat_list(f, entry, METADATA_NAME, 1);
        const uint32_t buffer = (uint32_t)flat_int(f, entry, METADATA_BUFFER, 4, 0);
        if (name.count == strlen(wanted) && memcmp(name.items, wanted, name.count) == 0 && buffer < buffers.count)
            return flat_list(f, flat_at(f, buffers, buffer), BUFFER_DATA, 1);
    }
    return (flat_vector){ 0 };
}

static cyg_status read_graph(tflite *m, flat *f, flat_table root, cyg_error *err)
{
    const flat_vector codes = flat_list(f, root, MODEL_CODES, 4), graphs = flat_list(f, root, MODEL_GRAPHS, 4);
    const flat_vector buffers = flat_list(f, root, MODEL_BUFFERS, 4);
    if (graphs.count == 0) return damaged(m, err, "it has no network");
    const flat_table graph = flat_at(f, graphs, 0);
    const flat_vector tensors = flat_list(f, graph, GRAPH_TENSORS, 4);
    const flat_vector operators = flat_list(f, graph, GRAPH_OPERATORS, 4);
    if (tensors.count > MAX_THINGS || operators.count > MAX_THINGS)
        return damaged(m, err, "it has too many tensors or operators");
    m->tensors = calloc(tensors.count + 1, sizeof *m->tensors);
    m->operators = calloc(operators.count + 1, sizeof *m->operators);
    if (!m->tensors || !m->operators) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", m->path);
    m->tensor_count = (int)tensors.count;
    m->operator_count = (int)operators.count;

    cyg_status status = CYG_OK;
    for (uint32_t i = 0; !status && i < tensors.count; i++)
        status = read_tensor(m, f, flat_at(f, tensors, i), buffers, (int)i, err);
    for (uint32_t i = 0; !status && i < operators.count; i++)
        status = read_operator(m, f, flat_at(f, operators, i), codes, (int)i, err);
    if (!status && !order_holds(m)) status = damaged(m, err, "an operator reads what is made later");
    m->inputs = flat_list(f, graph, GRAPH_INPUTS, 4);
    m->outputs = flat_list(f, graph, GRAPH_OUTPUTS, 4);
    m->metadata = find_metadata(f, root, buffers);
    if (!status && (!are_tensors(m, m->inputs, 0) || !are_tensors(m, m->outputs, 0)))
        status = damaged(m, err, "inputs or outputs that do not exist");
    return status;
}

cyg_status tflite_parse(tflite **out, const uint8_t *bytes, size_t size, const char *path, cyg_error *err)
{
    *out = NULL;
    tflite *const m = calloc(1, sizeof *m);
    if (!m || !(m->path = strdup(path))) {
        free(m);
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    }
    m->bytes = bytes;
    m->size = size;
    flat f = { .bytes = bytes, .size = size };
    cyg_status status = CYG_OK;
    if (size < 8 || memcmp(bytes + 4, identifier, 4) != 0)
        status = cyg_fail(err, CYG_FORMAT, "%s: found no '%s' at byte 4, expected a TensorFlow Lite file", path,
                          identifier);
    const flat_table root = status ? 0 : flat_root(&f);
    if (!status && !f.broken && flat_int(&f, root, MODEL_VERSION, 4, 0) != SCHEMA)
        status = cyg_fail(err, CYG_UNSUPPORTED, "%s: found schema version %lld, expected %d", path,
                          (long long)flat_int(&f, root, MODEL_VERSION, 4, 0), SCHEMA);
    if (!status) status = read_graph(m, &f, root, err);
    if (f.broken) status = damaged(m, err, "it ends before what it points to");
    if (status) tflite_close(m);
    else *out = m;
    return status;
}

cyg_status tflite_open(tflite **out, const char *path, cyg_error *err)
{
    *out = NULL;
    char *bytes, sha256[HASH_TEXT];
    size_t size;
    cyg_status status = file_read(&bytes, &size, path, MAX_FILE, err);
    if (status) return status;
    status = hash_bytes(sha256, bytes, size, err);
    if (!status) status = tflite_parse(out, (const uint8_t *)bytes, size, path, err);
    if (status) {
        free(bytes);
        return status;
    }
    (*out)->own = (uint8_t *)bytes;
    memcpy((*out)->sha256, sha256, sizeof sha256);
    return CYG_OK;
}

void tflite_close(tflite *m)
{
    if (!m) return;
    free(m->tensors);
    free(m->operators);
    free(m->own);
    free(m->path);
    free(m);
}

bool tflite_is(const char *path)
{
    char start[8] = "";
    FILE *const file = fopen(path, "rbe");
    const bool read = file && fread(start, 1, sizeof start, file) == sizeof start;
    if (file) fclose(file);
    return read && memcmp(start + 4, identifier, 4) == 0;
}

/* ---- Looking ------------------------------------------------------------------------------ */

static const tflite_tensor *tensor_of(const tflite *m, flat_vector list, uint32_t i)
{
    const int32_t index = i < list.count ? flat_i32(list, i) : -1;
    return index < 0 ? NULL : &m->tensors[index];
}

const tflite_tensor *tflite_in(const tflite *m, const tflite_operator *o, uint32_t i)
{
    return tensor_of(m, o->inputs, i);
}

const tflite_tensor *tflite_out(const tflite *m, const tflite_operator *o, uint32_t i)
{
    return tensor_of(m, o->outputs, i);
}

const tflite_operator *tflite_maker(const tflite *m, const tflite_tensor *t)
{
    return t && t->maker >= 0 ? &m->operators[t->maker] : NULL;
}

const tflite_operator *tflite_reader(const tflite *m, const tflite_tensor *t, const tflite_operator *after)
{
    const tflite_operator *const end = m->operators + m->operator_count;
    for (const tflite_operator *o = after ? after + 1 : m->operators; o < end; o++) {
        if (o->code == TFLITE_SHAPE) continue;
        for (uint32_t i = 0; i < o->inputs.count; i++)
            if (tflite_in(m, o, i) == t) return o;
    }
    return NULL;
}

static double half_value(uint16_t half)
{
    const int exponent = half >> 10 & 31, mantissa = half & 1023;
    const double size = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return half >> 15 ? -size : size;       /* what is infinite or no number becomes a large one */
}

double tflite_stored(const tflite_tensor *t, size_t i)
{
    float f32;
    int32_t i32;
    uint16_t f16;
    switch (t->type) {
    case TFLITE_F32: return memcpy(&f32, t->data + 4 * i, 4), f32;
    case TFLITE_I32: return memcpy(&i32, t->data + 4 * i, 4), i32;
    case TFLITE_F16: return memcpy(&f16, t->data + 2 * i, 2), half_value(f16);
    case TFLITE_I64: return (double)flat_i64((flat_vector){ t->data, 0 }, (uint32_t)i);
    case TFLITE_I8:  return (int8_t)t->data[i];
    default:         return t->data[i];
    }
}

double tflite_scale(const tflite_tensor *t, int i)
{
    return t->scale.count == 0 ? 1 : flat_f32(t->scale, t->scale.count == 1 ? 0 : (uint32_t)i);
}

double tflite_zero(const tflite_tensor *t, int i)
{
    return t->zero.count == 0 ? 0 : (double)flat_i64(t->zero, t->zero.count == 1 ? 0 : (uint32_t)i);
}

/* ---- Saying ---------------------------------------------------------------------------------- */

tflite_text tflite_name(const tflite_operator *o)
{
    static const char *const names[] = {        /* BuiltinOperator of the schema, as far as it is likely */
        "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "DEQUANTIZE",
        "EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED", "HASHTABLE_LOOKUP", "L2_NORMALIZATION", "L2_POOL_2D",
        "LOCAL_RESPONSE_NORMALIZATION", "LOGISTIC", "LSH_PROJECTION", "LSTM", "MAX_POOL_2D", "MUL", "RELU",
        "RELU_N1_TO_1", "RELU6", "RESHAPE", "RESIZE_BILINEAR", "RNN", "SOFTMAX", "SPACE_TO_DEPTH", "SVDF", "TANH",
        "CONCAT_EMBEDDINGS", "SKIP_GRAM", "CALL", "CUSTOM", "EMBEDDING_LOOKUP_SPARSE", "PAD",
        "UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER", "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND", "TRANSPOSE", "MEAN", "SUB",
        "DIV", "SQUEEZE", "UNIDIRECTIONAL_SEQUENCE_LSTM", "STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN", "EXP",
        "TOPK_V2", "SPLIT", "LOG_SOFTMAX", "DELEGATE", "BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU", "MAXIMUM",
        "ARG_MAX", "MINIMUM", "LESS", "NEG", "PADV2", "GREATER", "GREATER_EQUAL", "LESS_EQUAL", "SELECT", "SLICE",
        "SIN", "TRANSPOSE_CONV", "SPARSE_TO_DENSE", "TILE", "EXPAND_DIMS", "EQUAL", "NOT_EQUAL", "LOG", "SUM", "SQRT",
        "RSQRT", "SHAPE", "POW", "ARG_MIN", "FAKE_QUANT", "REDUCE_PROD", "REDUCE_MAX", "PACK",
    };
    tflite_text out;
    if (o->code == TFLITE_CUSTOM && o->custom.count > 0)
        snprintf(out.text, sizeof out.text, "%.*s", (int)(o->custom.count < 40 ? o->custom.count : 40),
                 (const char *)o->custom.items);
    else if (o->code == TFLITE_QUANTIZE)
        snprintf(out.text, sizeof out.text, "QUANTIZE");
    else if (o->code >= 0 && o->code < (int)(sizeof names / sizeof *names))
        snprintf(out.text, sizeof out.text, "%s", names[o->code]);
    else
        snprintf(out.text, sizeof out.text, "operator code %d", o->code);
    return out;
}

tflite_text tflite_shape(const tflite_tensor *t)
{
    tflite_text out = { "one value" };
    int at = 0;
    for (int i = 0; i < t->rank && i < 4; i++)
        at += snprintf(out.text + at, sizeof out.text - (size_t)at, i ? "x%d" : "%d", t->shape[i]);
    if (t->rank > 4) snprintf(out.text, sizeof out.text, "%d dimensions", t->rank);
    return out;
}

cyg_status tflite_refuse(const tflite *m, const tflite_operator *o, cyg_error *err, const char *format, ...)
{
    char what[300];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    const tflite_tensor *const made = tflite_out(m, o, 0);
    return cyg_fail(err, CYG_UNSUPPORTED, "%s: operator %td (%s, '%s'): %s", m->path, o - m->operators,
                    tflite_name(o).text, made ? made->name : "", what);
}
