/* fuzz_recipe.c - any bytes as a recipe: a whole description, or a sentence. */
#include "recipe.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    recipe *r;
    cyg_error err = { 0 };
    if (recipe_parse(&r, (const char *)data, size, "FILE", &err)) {
        must(!r && strncmp(err.message, "FILE:", 5) == 0);
        return 0;
    }
    char *const text = json_dumps(r->description, JSON_COMPACT);
    must(text && json_is_integer(json_object_get(r->description, "format")));
    free(text);
    for (int i = 0; i < r->tensor_count; i++) must(r->tensors[i].ours[0] && r->tensors[i].theirs[0]);
    must(!recipe_sha256(r, "") || strlen(recipe_sha256(r, "")) == 64);
    recipe_free(r);
    return 0;
}
