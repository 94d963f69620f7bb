/* kernels.c - which tables this CPU can run. */
#include "kernels.h"
#include <string.h>

extern const cyg_kernels cyg_kernels_ref;

#if defined(__x86_64__)

extern const cyg_kernels cyg_kernels_sse2, cyg_kernels_avx2, cyg_kernels_avx512,
    cyg_kernels_avx512bf16;

int cyg_kernels_list(const cyg_kernels *out[CYG_MAX_ISAS])
{
    /* __builtin_cpu_supports asks about the system's register state as well. */
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    int n = 0;
    if (avx512 && __builtin_cpu_supports("avx512bf16")) out[n++] = &cyg_kernels_avx512bf16;
    if (avx512) out[n++] = &cyg_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        out[n++] = &cyg_kernels_avx2;
    out[n++] = &cyg_kernels_sse2;
    out[n++] = &cyg_kernels_ref;
    return n;
}

#elif defined(__aarch64__)

extern const cyg_kernels cyg_kernels_neon;

int cyg_kernels_list(const cyg_kernels *out[CYG_MAX_ISAS])
{
    out[0] = &cyg_kernels_neon;
    out[1] = &cyg_kernels_ref;
    return 2;
}

#else

int cyg_kernels_list(const cyg_kernels *out[CYG_MAX_ISAS])
{
    out[0] = &cyg_kernels_ref;
    return 1;
}

#endif

const cyg_arithmetic *cyg_kernels_arithmetic_at(const cyg_kernels *table, int i)
{
    const cyg_arithmetic *const all[] = { &table->f32, &table->bf16 };
    return i >= 0 && i < (int)(sizeof all / sizeof *all) ? all[i] : NULL;
}

const cyg_arithmetic *cyg_kernels_arithmetic(const cyg_kernels *table, const char *precision)
{
    const cyg_arithmetic *a;
    for (int i = 0; (a = cyg_kernels_arithmetic_at(table, i)); i++)
        if (!strcmp(a->precision, precision)) break;
    return a;
}

const cyg_kernels *cyg_kernels_find(const char *isa)
{
    const cyg_kernels *list[CYG_MAX_ISAS];
    const int count = cyg_kernels_list(list);
    for (int i = 0; i < count; i++)
        if (!isa || !strcmp(list[i]->isa, isa)) return list[i];
    return NULL;
}
