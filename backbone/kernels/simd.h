/* simd.h - vectors for simd.c and integer.c: GCC and Clang's vector types, which know + - * and comparisons
 * on every CPU, plus the few operations they lack.
 *
 * Included once per instruction set; the compiler's own macros say which. Order matters:
 * compilers for AVX-512 define __AVX2__ as well.
 */
#ifndef CYG_SIMD_H
#define CYG_SIMD_H

#include "bfloat.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Inlined with constant sizes. A TILE never takes the address of its sums, so that they stay in
 * registers. */
#define CONST_INLINE static inline __attribute__((always_inline))
#define TILE CONST_INLINE void

/* Names of what each instruction set has its own of: NAMED(cyg_kernels_, CYG_ISA). */
#define JOIN(a, b) a##b
#define NAMED(what, isa) JOIN(what, isa)
#define TEXT(x) #x
#define QUOTED(isa) TEXT(isa)

/* VBYTES: bytes in a vector. MR: rows of the register tile, such that its MR * NV sums leave
 * a quarter of the registers free (GCC spills if not). CYG_HALF: vectors half as wide as there are. */
#if defined(__AVX512F__) && !defined(CYG_HALF)
#define VBYTES 64
enum { MR = 8 };
#elif defined(__AVX512F__)
#define VBYTES 32
enum { MR = 8 };
#elif defined(__AVX2__)
#define VBYTES 32
enum { MR = 6 };
#elif defined(__aarch64__)
#define VBYTES 16
enum { MR = 8 };
#else
#define VBYTES 16
enum { MR = 4 };
#endif

enum {
    VF = VBYTES / 4,        /* float or int32 lanes of a vector */
    NV = 2,                 /* vectors of a tile's row */
    NR = VF * NV,           /* columns of a whole tile */
    DW = 4                  /* pixels that a depthwise run computes at a time */
};

typedef float   vf __attribute__((vector_size(VBYTES)));
typedef int32_t vi __attribute__((vector_size(VBYTES)));
typedef uint32_t vu __attribute__((vector_size(VBYTES)));
typedef bfloat  vh __attribute__((vector_size(VBYTES / 2)));    /* as many lanes as the others */
typedef int8_t  vb __attribute__((vector_size(VBYTES)));
typedef int16_t vs __attribute__((vector_size(VBYTES)));
/* The same at any address. */
typedef float   vf_any __attribute__((vector_size(VBYTES), aligned(4), may_alias));
typedef int32_t vi_any __attribute__((vector_size(VBYTES), aligned(1), may_alias));
typedef int8_t  vb_any __attribute__((vector_size(VBYTES), aligned(1), may_alias));

static inline vf   vf_load(const float *p)      { return *(const vf_any *)p; }
static inline void vf_store(float *p, vf v)     { *(vf_any *)p = v; }
static inline vf   vf_all(float x)              { return x - (vf){ 0 }; }
static inline vi   vi_load(const void *p)       { return *(const vi_any *)p; }
/* The four bytes at p in every lane. */
static inline vi   vi_all(const void *p)        { int32_t x; memcpy(&x, p, 4); return x - (vi){ 0 }; }
static inline vb   vb_load(const int8_t *p)     { return *(const vb_any *)p; }

/* sum + a * b, rounded once where the CPU can: said outright, since a compiler left to itself does so
 * in some places and not in others, and a result would depend on who computed it. */
static inline vf vf_add_product(vf sum, vf a, vf b)
{
#if VBYTES == 64
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)sum);
#elif defined(__FMA__)
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)sum);
#elif defined(__aarch64__)
    return (vf)vfmaq_f32((float32x4_t)sum, (float32x4_t)a, (float32x4_t)b);
#else
    return sum + a * b;
#endif
}

/* Said outright as well: of comparing and choosing, GCC makes three instructions. */
#if VBYTES == 64
static inline vf vf_min(vf a, vf b)             { return (vf)_mm512_min_ps((__m512)a, (__m512)b); }
static inline vf vf_max(vf a, vf b)             { return (vf)_mm512_max_ps((__m512)a, (__m512)b); }
static inline vs vs_min(vs a, vs b)             { return (vs)_mm512_min_epi16((__m512i)a, (__m512i)b); }
static inline vs vs_max(vs a, vs b)             { return (vs)_mm512_max_epi16((__m512i)a, (__m512i)b); }
#elif VBYTES == 32
static inline vf vf_min(vf a, vf b)             { return (vf)_mm256_min_ps((__m256)a, (__m256)b); }
static inline vf vf_max(vf a, vf b)             { return (vf)_mm256_max_ps((__m256)a, (__m256)b); }
static inline vs vs_min(vs a, vs b)             { return (vs)_mm256_min_epi16((__m256i)a, (__m256i)b); }
static inline vs vs_max(vs a, vs b)             { return (vs)_mm256_max_epi16((__m256i)a, (__m256i)b); }
#elif defined(__SSE2__)
static inline vf vf_min(vf a, vf b)             { return (vf)_mm_min_ps((__m128)a, (__m128)b); }
static inline vf vf_max(vf a, vf b)             { return (vf)_mm_max_ps((__m128)a, (__m128)b); }
static inline vs vs_min(vs a, vs b)             { return (vs)_mm_min_epi16((__m128i)a, (__m128i)b); }
static inline vs vs_max(vs a, vs b)             { return (vs)_mm_max_epi16((__m128i)a, (__m128i)b); }
#else
static inline vf vf_min(vf a, vf b)             { return (vf)vminnmq_f32((float32x4_t)a, (float32x4_t)b); }
static inline vf vf_max(vf a, vf b)             { return (vf)vmaxnmq_f32((float32x4_t)a, (float32x4_t)b); }
static inline vs vs_min(vs a, vs b)             { return (vs)vminq_s16((int16x8_t)a, (int16x8_t)b); }
static inline vs vs_max(vs a, vs b)             { return (vs)vmaxq_s16((int16x8_t)a, (int16x8_t)b); }
#endif

/* sum[i] += a[4i] * b[4i] + ... + a[4i+3] * b[4i+3], for a in 0..127 and b in -127..127: no pair
 * of products overflows 16 bits, so every instruction below is exact. The VNNI ones are for any a. */
static inline vi vi_dot4(vi sum, vb a, vb b)
{
#if VBYTES == 64 && defined(__AVX512VNNI__)
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif VBYTES == 64
    const __m512i pairs = _mm512_maddubs_epi16((__m512i)a, (__m512i)b);
    return sum + (vi)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
#elif defined(__AVX512VNNI__)
    return (vi)_mm256_dpbusd_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
#elif defined(__AVXVNNI__)
    return (vi)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
#elif defined(__AVX2__)
    const __m256i pairs = _mm256_maddubs_epi16((__m256i)a, (__m256i)b);
    return sum + (vi)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#elif defined(__SSE2__)
    const __m128i even = _mm_madd_epi16(_mm_srai_epi16(_mm_slli_epi16((__m128i)a, 8), 8),
                                        _mm_srai_epi16(_mm_slli_epi16((__m128i)b, 8), 8));
    const __m128i odd = _mm_madd_epi16(_mm_srai_epi16((__m128i)a, 8), _mm_srai_epi16((__m128i)b, 8));
    return sum + (vi)even + (vi)odd;
#elif defined(__ARM_FEATURE_DOTPROD)
    return (vi)vdotq_s32((int32x4_t)sum, (int8x16_t)a, (int8x16_t)b);
#else
    const int16x8_t low = vmull_s8(vget_low_s8((int8x16_t)a), vget_low_s8((int8x16_t)b));
    const int16x8_t high = vmull_s8(vget_high_s8((int8x16_t)a), vget_high_s8((int8x16_t)b));
    return sum + (vi)vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high));
#endif
}

/* To the nearest, ties to even; what is out of range below stays negative. */
static inline vi vf_round(vf v)
{
#if VBYTES == 64
    return (vi)_mm512_cvtps_epi32((__m512)v);
#elif defined(__AVX2__)
    return (vi)_mm256_cvtps_epi32((__m256)v);
#elif defined(__SSE2__)
    return (vi)_mm_cvtps_epi32((__m128)v);
#else
    return (vi)vcvtnq_s32_f32((float32x4_t)v);
#endif
}

/* Four vectors clamped to 0 .. 127, as bytes: in every 16 of them, four of each vector in turn. */
static inline vb vb_levels(vi a, vi b, vi c, vi d)
{
#if VBYTES == 64
    const __m512i ab = _mm512_packs_epi32((__m512i)a, (__m512i)b), cd = _mm512_packs_epi32((__m512i)c, (__m512i)d);
    return (vb)_mm512_min_epu8(_mm512_packus_epi16(ab, cd), _mm512_set1_epi8(127));
#elif defined(__AVX2__)
    const __m256i ab = _mm256_packs_epi32((__m256i)a, (__m256i)b), cd = _mm256_packs_epi32((__m256i)c, (__m256i)d);
    return (vb)_mm256_min_epu8(_mm256_packus_epi16(ab, cd), _mm256_set1_epi8(127));
#elif defined(__SSE2__)
    const __m128i ab = _mm_packs_epi32((__m128i)a, (__m128i)b), cd = _mm_packs_epi32((__m128i)c, (__m128i)d);
    return (vb)_mm_min_epu8(_mm_packus_epi16(ab, cd), _mm_set1_epi8(127));
#else
    const int16x8_t ab = vcombine_s16(vqmovn_s32((int32x4_t)a), vqmovn_s32((int32x4_t)b));
    const int16x8_t cd = vcombine_s16(vqmovn_s32((int32x4_t)c), vqmovn_s32((int32x4_t)d));
    return (vb)vminq_u8(vcombine_u8(vqmovun_s16(ab), vqmovun_s16(cd)), vdupq_n_u8(127));
#endif
}

/* Of every 16 bytes of vb_levels, first the first 4 * vectors, then the second ... */
static inline vb vb_row_after_row(vb levels, int vectors)
{
    const vi in = (vi)levels;
#if VBYTES == 64
    return vectors == 1 ? (vb)__builtin_shufflevector(in, in, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
                        : (vb)__builtin_shufflevector(in, in, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
#elif VBYTES == 32
    return vectors == 1 ? (vb)__builtin_shufflevector(in, in, 0, 4, 1, 5, 2, 6, 3, 7)
                        : (vb)__builtin_shufflevector(in, in, 0, 1, 4, 5, 2, 3, 6, 7);
#else
    return (vb)in;
#endif
}

/* In every 16 bytes, of the first (low) or second (high) 8 of a and b in turn: one of a, one of b;
 * vb_zip_.. by bytes, vb_zip2_.. by pairs of bytes. */
#if VBYTES == 64
static inline vb vb_zip_low(vb a, vb b)   { return (vb)_mm512_unpacklo_epi8((__m512i)a, (__m512i)b); }
static inline vb vb_zip_high(vb a, vb b)  { return (vb)_mm512_unpackhi_epi8((__m512i)a, (__m512i)b); }
static inline vb vb_zip2_low(vb a, vb b)  { return (vb)_mm512_unpacklo_epi16((__m512i)a, (__m512i)b); }
static inline vb vb_zip2_high(vb a, vb b) { return (vb)_mm512_unpackhi_epi16((__m512i)a, (__m512i)b); }
#elif defined(__AVX2__)
static inline vb vb_zip_low(vb a, vb b)   { return (vb)_mm256_unpacklo_epi8((__m256i)a, (__m256i)b); }
static inline vb vb_zip_high(vb a, vb b)  { return (vb)_mm256_unpackhi_epi8((__m256i)a, (__m256i)b); }
static inline vb vb_zip2_low(vb a, vb b)  { return (vb)_mm256_unpacklo_epi16((__m256i)a, (__m256i)b); }
static inline vb vb_zip2_high(vb a, vb b) { return (vb)_mm256_unpackhi_epi16((__m256i)a, (__m256i)b); }
#elif defined(__SSE2__)
static inline vb vb_zip_low(vb a, vb b)   { return (vb)_mm_unpacklo_epi8((__m128i)a, (__m128i)b); }
static inline vb vb_zip_high(vb a, vb b)  { return (vb)_mm_unpackhi_epi8((__m128i)a, (__m128i)b); }
static inline vb vb_zip2_low(vb a, vb b)  { return (vb)_mm_unpacklo_epi16((__m128i)a, (__m128i)b); }
static inline vb vb_zip2_high(vb a, vb b) { return (vb)_mm_unpackhi_epi16((__m128i)a, (__m128i)b); }
#else
static inline vb vb_zip_low(vb a, vb b)   { return (vb)vzip1q_s8((int8x16_t)a, (int8x16_t)b); }
static inline vb vb_zip_high(vb a, vb b)  { return (vb)vzip2q_s8((int8x16_t)a, (int8x16_t)b); }
static inline vb vb_zip2_low(vb a, vb b)  { return (vb)vzip1q_s16((int16x8_t)a, (int16x8_t)b); }
static inline vb vb_zip2_high(vb a, vb b) { return (vb)vzip2q_s16((int16x8_t)a, (int16x8_t)b); }
#endif

/* The first `count` bytes, or all if it is more. */
static inline void vb_store_part(char *p, vb v, int count)
{
    if (count >= VBYTES) *(vb_any *)p = v;
#if VBYTES == 64
    else _mm512_mask_storeu_epi8(p, ((__mmask64)1 << count) - 1, (__m512i)v);
#elif defined(__AVX512VL__)
    else _mm256_mask_storeu_epi8(p, ((__mmask32)1 << count) - 1, (__m256i)v);
#else
    else memcpy(p, &v, (size_t)count);
#endif
}

static inline int32_t vi_sum(vi v)
{
    typedef int32_t four __attribute__((vector_size(16)));
    four part[VBYTES / 16], sum = { 0 };
    memcpy(part, &v, sizeof part);
    for (int i = 0; i < VBYTES / 16; i++) sum += part[i];
    return sum[0] + sum[1] + sum[2] + sum[3];
}

/* To bfloat16, the nearest, ties to even: a's lanes, then b's. */
static inline vs vs_narrow(vf a, vf b)
{
#if VBYTES == 64 && defined(__AVX512BF16__)
    return (vs)_mm512_cvtne2ps_pbh((__m512)b, (__m512)a);
#elif defined(__AVX512BF16__)
    return (vs)_mm256_cvtne2ps_pbh((__m256)b, (__m256)a);
#else
    const vf in[2] = { a, b };
    vh halves[2];
    vs out;
    for (int i = 0; i < 2; i++) {
        const vu bits = (vu)in[i];
        halves[i] = __builtin_convertvector((bits + 0x7fff + (bits >> 16 & 1)) >> 16, vh);
    }
    memcpy(&out, halves, sizeof out);
    return out;
#endif
}

/* The lanes of a vector that was zipped by pairs of bytes, widened, computed with, and narrowed, the low half
 * first: back in order. */
static inline vs vs_unzip(vs v)
{
#if VBYTES == 64
    return (vs)_mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7), (__m512i)v);
#elif VBYTES == 32
    return (vs)_mm256_permute4x64_epi64((__m256i)v, 0xd8);
#else
    return v;
#endif
}

static inline vs vs_all(int16_t x)              { return x - (vs){ 0 }; }

/* sum[i] += a[2i]*b[2i] + a[2i+1]*b[2i+1] of bfloat16 pairs. */
static inline vf vf_add_pairs(vf sum, vi a, vi b)
{
#if VBYTES == 64 && defined(__AVX512BF16__)
    return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#elif defined(__AVX512BF16__)
    return (vf)_mm256_dpbf16_ps((__m256)sum, (__m256bh)a, (__m256bh)b);
#else
    const vi upper = (vi){ 0 } + (int32_t)0xffff0000;
    sum = vf_add_product(sum, (vf)(a << 16), (vf)(b << 16));
    return vf_add_product(sum, (vf)(a & upper), (vf)(b & upper));
#endif
}

/* The left side of a product: row i has `runs` runs of `words` words (k / group) at in[run] + i * step. */
typedef struct operand {
    const void *const *in;
    size_t step;                    /* bytes */
    int runs, words;
} operand;

#endif
