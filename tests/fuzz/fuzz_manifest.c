/* fuzz_manifest.c - any bytes as a TensorFlow.js weight manifest: tensors that follow one another, or a sentence. */
#include "tfjs.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tfjs *w;
    cyg_error err = { 0 };
    if (tfjs_parse(&w, (const char *)data, size, "FILE", &err)) {
        must(!w && strncmp(err.message, "FILE:", 5) == 0);
        return 0;
    }
    for (int i = 0; i < tfjs_tensor_count(w); i++) {
        const tfjs_tensor *const t = tfjs_tensor_at(w, i);
        must(tfjs_find(w, t->name) == t && t->count >= 1 && t->size >= t->count);
        must(tfjs_size(t) >= t->size && tfjs_size(t) % t->count == 0 && tfjs_dtype(t)[0]);
    }
    for (int i = 0; i < tfjs_file_count(w); i++) must(!strchr(tfjs_file_at(w, i)->name, '/'));
    tfjs_close(w);
    return 0;
}
