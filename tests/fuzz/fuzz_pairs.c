/* fuzz_pairs.c - any bytes as a file of labelled pairs: pairs of photos that are there, or one sentence. */
#include "pairs.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FILE *f = size ? fmemopen((void *)(uintptr_t)data, size, "r") : fopen("/dev/null", "r");
    if (!f) return 0;
    pairs p;
    cyg_error err = { 0 };
    const cyg_status status = pairs_read(&p, f, "FILE", &err);
    must(status ? status == err.status && !strncmp(err.message, "FILE:", 5) : p.count > 0 && p.photo_count > 0);
    for (int i = 0; i < p.count; i++)
        must(p.list[i].a >= 0 && p.list[i].a < p.photo_count && p.list[i].b >= 0 && p.list[i].b < p.photo_count);
    for (int i = 0; i < p.photo_count && i < 50; i++) {
        const char *const path = p.photos[i];
        must(*path && !strpbrk(path, "\t\n") && *path != ' ');
        for (int j = 0; j < i; j++) must(strcmp(path, p.photos[j]) != 0);
    }
    pairs_free(&p);
    fclose(f);
    return 0;
}
