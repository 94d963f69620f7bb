/* tflite_metadata.h - what a TensorFlow Lite file says of itself beside the network: its input's
 * normalisation, author and licence, and the files that are attached to it as a zip archive.
 *
 * The metadata is a FlatBuffer of the schema that TensorFlow publishes as metadata_schema.fbs. The
 * archive's files are stored, not compressed; its directory is the last thing of the file.
 */
#ifndef TFLITE_METADATA_H
#define TFLITE_METADATA_H

#include "tflite.h"
#include <jansson.h>

typedef struct tflite_metadata {
    bool   normalised;                  /* x = (v - mean) / deviation, v = 0 .. 255 */
    double mean[3], deviation[3];
    char   author[100], licence[200], version[40];      /* "" if it does not say; valid UTF-8 */
    char   labels[100];                 /* name of the attached file of labels; "" none */
} tflite_metadata;

/* CYG_FORMAT: damaged. */
CYG_MUST_USE cyg_status tflite_metadata_read(tflite_metadata *out, const tflite *m, cyg_error *err);

/* An attached file, within the bytes of m. False: there is none of that name, or it is compressed.
 * name "": the only one whose name ends in .txt. */
bool tflite_attached(flat_vector *out, const tflite *m, const char *name);

/* The lines of a file of labels as an array of texts: without blanks at their ends, "???" as "", no empty
 * lines at the end. path names it in messages. CYG_FORMAT, CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status tflite_labels(json_t **out, const char *text, size_t size, const char *path, cyg_error *err);

#endif
