/* kernels.c - which tables this CPU can run. */
#include "kernels.h"
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

extern const cyg_kernels cyg_kernels_ref;

#if defined(__x86_64__)

extern const cyg_kernels cyg_kernels_sse2, cyg_kernels_avx2, cyg_kernels_avxvnni, cyg_kernels_avx512,
    cyg_kernels_avx512vnni, cyg_kernels_avx512bf16;

/* Clang 14 does not know it by name. */
static bool has_avxvnni(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && a >> 4 & 1;
}

int cyg_kernels_list(const cyg_kernels *out[CYG_MAX_ISAS])
{
    /* __builtin_cpu_supports asks about the system's register state as well. */
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    const bool avx512vnni = avx512 && __builtin_cpu_supports("avx512vnni");
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    int n = 0;
    if (avx512vnni && __builtin_cpu_supports("avx512bf16")) out[n++] = &cyg_kernels_avx512bf16;
    if (avx512vnni) out[n++] = &cyg_kernels_avx512vnni;
    if (avx512) out[n++] = &cyg_kernels_avx512;
    if (avx2 && has_avxvnni()) out[n++] = &cyg_kernels_avxvnni;
    if (avx2) out[n++] = &cyg_kernels_avx2;
    out[n++] = &cyg_kernels_sse2;
    out[n++] = &cyg_kernels_ref;
    return n;
}

#elif defined(__aarch64__)

extern const cyg_kernels cyg_kernels_neon, cyg_kernels_neondot;

int cyg_kernels_list(const cyg_kernels *out[CYG_MAX_ISAS])
{
    enum { ASIMDDP = 1 << 20 };         /* of Linux's <asm/hwcap.h> */
    int n = 0;
    if (getauxval(AT_HWCAP) & ASIMDDP) out[n++] = &cyg_kernels_neondot;
    out[n++] = &cyg_kernels_neon;
    out[n++] = &cyg_kernels_ref;
    return n;
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
    const cyg_arithmetic *const all[] = { &table->f32, &table->bf16, table->i8 };
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
