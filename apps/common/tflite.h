/* tflite.h - a TensorFlow Lite file: its tensors and operators, checked.
 *
 * A FlatBuffer (flat.h) of the schema that TensorFlow publishes as tensorflow/lite/schema/schema.fbs, version 3.
 * The first subgraph is the network; constants lie in the file. A quantised tensor stands for
 * scale * (q - zero), with one scale and zero of all, or one for every index of an axis.
 */
#ifndef TFLITE_H
#define TFLITE_H

#include "flat.h"
#include "hash.h"

typedef enum tflite_type {
    TFLITE_F32 = 0, TFLITE_F16 = 1, TFLITE_I32 = 2, TFLITE_U8 = 3, TFLITE_I64 = 4, TFLITE_I8 = 9,
} tflite_type;

/* The operators that MobileNets are made of; there are more. */
typedef enum tflite_code {
    TFLITE_AVERAGE_POOL = 1, TFLITE_CONCATENATION = 2, TFLITE_CONV = 3, TFLITE_DEPTHWISE = 4, TFLITE_DEQUANTIZE = 6,
    TFLITE_DENSE = 9, TFLITE_LOGISTIC = 14, TFLITE_RELU = 19, TFLITE_RELU6 = 21, TFLITE_RESHAPE = 22,
    TFLITE_SOFTMAX = 25, TFLITE_CUSTOM = 32, TFLITE_PAD = 34, TFLITE_MEAN = 40, TFLITE_SQUEEZE = 43,
    TFLITE_SHAPE = 77, TFLITE_QUANTIZE = 114,
} tflite_code;

typedef enum tflite_activation { TFLITE_NONE = 0, TFLITE_FUSED_RELU = 1, TFLITE_FUSED_RELU6 = 3 } tflite_activation;

typedef struct tflite_tensor {
    char           name[64];        /* clipped; may be empty */
    int            type;            /* tflite_type, or another number */
    int            rank, shape[4];  /* the first four; sizes below 1 are unknown */
    size_t         count;           /* of values; 0: unknown */
    const uint8_t *data;            /* [count] values; NULL: computed */
    flat_vector    scale, zero;     /* float, int64; of equal count, 0: not quantised */
    int            axis;            /* that scale and zero go along, if there are several */
    int            maker;           /* the operator that computes it; -1: none */
} tflite_tensor;

typedef struct tflite_operator {
    int         code;               /* tflite_code, or another number */
    flat_vector custom, settings;   /* of TFLITE_CUSTOM: its name, its options (FlexBuffer) */
    flat_vector inputs, outputs;    /* tensors: flat_i32; inputs may be -1: left out */
    bool        valid;              /* padding VALID; else SAME */
    int         stride_x, stride_y, dilation_x, dilation_y, filter_x, filter_y;
    int         activation;         /* tflite_activation, or another number */
    float       beta;
} tflite_operator;

typedef struct tflite {
    char            *path;
    const uint8_t   *bytes;
    size_t           size;
    char             sha256[HASH_TEXT];     /* "" after tflite_parse */
    uint8_t         *own;                   /* NULL after tflite_parse */
    int              tensor_count, operator_count;
    tflite_tensor   *tensors;
    tflite_operator *operators;             /* each after those that make its inputs */
    flat_vector      inputs, outputs;       /* tensors of the network */
    flat_vector      metadata;              /* bytes: a FlatBuffer of TensorFlow's metadata_schema.fbs; or absent */
} tflite;

/* True if the file begins as a TensorFlow Lite file does. */
bool tflite_is(const char *path);
/* CYG_IO, CYG_FORMAT, CYG_UNSUPPORTED, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status tflite_open(tflite **out, const char *path, cyg_error *err);
/* The same of bytes in memory, which must outlive it. */
CYG_MUST_USE cyg_status tflite_parse(tflite **out, const uint8_t *bytes, size_t size, const char *path,
                                     cyg_error *err);
void tflite_close(tflite *m);

/* Input or output i of an operator; NULL if it is left out. */
const tflite_tensor *tflite_in(const tflite *m, const tflite_operator *o, uint32_t i);
const tflite_tensor *tflite_out(const tflite *m, const tflite_operator *o, uint32_t i);
/* The next operator after `after` (NULL: the first) that reads t, not only its shape; NULL: none. */
const tflite_operator *tflite_reader(const tflite *m, const tflite_tensor *t, const tflite_operator *after);
/* The operator that makes t; NULL: none. */
const tflite_operator *tflite_maker(const tflite *m, const tflite_tensor *t);

/* Number i of a constant as it is stored. */
double tflite_stored(const tflite_tensor *t, size_t i);
/* What index i of a tensor's axis is multiplied with, and the number that stands for 0; 1 and 0 if
 * it is not quantised. */
double tflite_scale(const tflite_tensor *t, int i);
double tflite_zero(const tflite_tensor *t, int i);

typedef struct tflite_text { char text[48]; } tflite_text;
tflite_text tflite_name(const tflite_operator *o);          /* "CONV_2D", "operator code 200" */
tflite_text tflite_shape(const tflite_tensor *t);           /* "1x112x112x32" */

/* Writes "FILE: operator 5 (ADD, 'block/add'): ..." and returns CYG_UNSUPPORTED. */
cyg_status tflite_refuse(const tflite *m, const tflite_operator *o, cyg_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
