/* simd.h - vectors for simd.c: GCC and Clang's vector types, which know + - * and comparisons
 * on every CPU, plus the few operations they lack.
 *
 * Included once per instruction set; the compiler's own macros say which. Order matters:
 * compilers for AVX-512 define __AVX2__ as well.
 */
#ifndef CYG_SIMD_H
#define CYG_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

/* VBYTES: bytes in a vector. MR: rows of the register tile, such that its MR * NV sums leave
 * a quarter of the registers free (GCC spills if not). */
#if defined(__AVX512F__)
enum { VBYTES = 64, MR = 8 };
#elif defined(__AVX2__)
enum { VBYTES = 32, MR = 6 };
#elif defined(__aarch64__)
enum { VBYTES = 16, MR = 8 };
#else
enum { VBYTES = 16, MR = 4 };
#endif

enum {
    VF = VBYTES / 4,        /* float or int32 lanes of a vector */
    NV = 2,                 /* vectors of a tile's row */
    NR = VF * NV            /* columns of a whole tile */
};

typedef float   vf __attribute__((vector_size(VBYTES)));
typedef int32_t vi __attribute__((vector_size(VBYTES)));
/* The same at any address. */
typedef float vf_any __attribute__((vector_size(VBYTES), aligned(4), may_alias));

static inline vf   vf_load(const float *p)      { return *(const vf_any *)p; }
static inline void vf_store(float *p, vf v)     { *(vf_any *)p = v; }
static inline vf   vf_all(float x)              { return x - (vf){ 0 }; }

/* The first `count` lanes, 0 < count < VF. */
static inline void vf_store_part(float *p, vf v, int count)
{
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
#else
    memcpy(p, &v, (size_t)count * sizeof *p);
#endif
}

/* C has no vector ?: (C++ has), so choose by mask; compilers make this one min or max. */
static inline vf vf_choose(vi mask, vf a, vf b) { return (vf)(((vi)a & mask) | ((vi)b & ~mask)); }
static inline vf vf_min(vf a, vf b)             { return vf_choose(a < b, a, b); }
static inline vf vf_max(vf a, vf b)             { return vf_choose(a > b, a, b); }

#endif
