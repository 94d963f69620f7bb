/* model_writer.h - makes a model file (format: backbone/model.c) in memory. */
#ifndef MODEL_WRITER_H
#define MODEL_WRITER_H

#include "backbone.h"
#include <jansson.h>

typedef struct model_writer model_writer;

CYG_MUST_USE cyg_status model_writer_create(model_writer **out, cyg_error *err);
void model_writer_free(model_writer *w);
int  model_writer_count(const model_writer *w);     /* tensors so far */

/* Adds a tensor of that dtype ("F32" ...) and shape; its `size` bytes are copied.
 * CYG_ARGUMENT: the name is taken. CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status model_writer_add(model_writer *w, const char *name, const char *dtype, int rank,
                                         const int *shape, const void *bytes, size_t size, cyg_error *err);

/* The whole file in *out (malloc'ed; the caller frees). The same tensors and description
 * give the same bytes, in whatever order they were added. CYG_NO_MEMORY. */
CYG_MUST_USE cyg_status model_writer_finish(uint8_t **out, size_t *size, model_writer *w,
                                            const json_t *description, cyg_error *err);

#endif
