/* fuzz_tflite.c - any bytes as a TensorFlow Lite file: read, recognised, written as a model, or refused. */
#include "tflite_import.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const tflite_options options = { .name = "fuzz" };
    tflite *file;
    cyg_error err = { 0 };
    if (tflite_parse(&file, bytes, size, "fuzz.tflite", &err)) {
        if (!err.message[0]) abort();
        return 0;
    }
    model_writer *writer = NULL;
    json_t *description = NULL;
    uint8_t *model = NULL;
    size_t model_size;
    cyg_model *opened = NULL;
    cyg_status status = model_writer_create(&writer, &err);
    if (!status) status = tflite_import(&description, writer, (const tflite *[]){ file }, 1, &options, &err);
    if (!status) status = model_writer_finish(&model, &model_size, writer, description, &err);
    if (!status) status = cyg_model_wrap(&opened, model, model_size, "fuzz", &err);
    if (status && !err.message[0]) abort();
    cyg_model_close(opened);
    free(model);
    json_decref(description);
    model_writer_free(writer);
    tflite_close(file);
    return 0;
}
