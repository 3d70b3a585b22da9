#include "sketch.h"

#include "endian.h"
#include "sum.h"

/*
 * The hash of a k-mer is its bytes as one 64-bit number times an odd constant:
 * the upper bits, which decide the comparison, depend on every byte.  Longer
 * k-mers are folded first, each further word turned by two bits, which keeps
 * the letters' differing bits apart.
 */
#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)
#define FOLD 2

static inline uint64_t turn(uint64_t v, unsigned bits)
{
	return bits ? v << bits | v >> (64 - bits) : v;
}

/* The k-mer at p, 8 <= k. */
static inline uint64_t window(const uint8_t *p, int k)
{
	uint64_t x = casg_get_le64(p);
	unsigned bits = FOLD;
	int at;

	for (at = 8; at + 8 < k; at += 8, bits += FOLD)
		x ^= turn(casg_get_le64(p + at), bits);
	if (k > 8)
		x ^= turn(casg_get_le64(p + k - 8), bits);
	return x;
}

/* Sketch i is the least of hash - i * QUARTER, so those below that come last. */
#define QUARTER (UINT64_C(1) << 62)

static inline void keep_least(uint64_t h, uint64_t *least)
{
	for (int i = 0; i < CASG_SKETCHES; i++) {
		uint64_t v = h - (uint64_t)i * QUARTER;

		if (v < least[i])
			least[i] = v;
	}
}

static inline void least_of(const uint8_t *p, size_t nwindows, int k, uint64_t *least)
{
	for (size_t i = 0; i < nwindows; i++)
		keep_least(window(p + i, k) * MULTIPLIER, least);
}

/* k < 8: a word would reach beyond the last k-mers, so roll one along. */
static void least_of_short(const uint8_t *p, size_t nwindows, int k, uint64_t *least)
{
	uint64_t x = 0;
	unsigned top = 8 * (unsigned)(k - 1);

	for (int i = 0; i < k - 1; i++)
		x = x >> 8 | (uint64_t)p[i] << top;
	for (size_t i = 0; i < nwindows; i++) {
		x = x >> 8 | (uint64_t)p[i + (size_t)k - 1] << top;
		keep_least(x * MULTIPLIER, least);
	}
}

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define HAVE_VECTORS
#include <immintrin.h>

/*
 * A vector loaded at p + i holds the windows i, i + 8, i + 16 and so on, so
 * eight loads, each a byte further, cover a block without any shuffling.
 * The last block may overlap the one before: a minimum does not mind.
 */
#define BLOCK_AVX2 32
#define BLOCK_AVX512 64

__attribute__((target("avx2"), always_inline))
static inline __m256i word_avx2(const uint8_t *p, unsigned bits)
{
	__m256i v = _mm256_loadu_si256((const void *)p);

	if (!bits)
		return v;
	return _mm256_or_si256(_mm256_slli_epi64(v, (int)bits),
			       _mm256_srli_epi64(v, (int)(64 - bits)));
}

__attribute__((target("avx2"), always_inline))
static inline __m256i window_avx2(const uint8_t *p, int k)
{
	__m256i x = word_avx2(p, 0);
	unsigned bits = FOLD;
	int at;

	for (at = 8; at + 8 < k; at += 8, bits += FOLD)
		x = _mm256_xor_si256(x, word_avx2(p + at, bits));
	if (k > 8)
		x = _mm256_xor_si256(x, word_avx2(p + k - 8, bits));
	return x;
}

__attribute__((target("avx2"), always_inline))
static inline void least_of_avx2(const uint8_t *p, size_t nwindows, int k, uint64_t *least_out)
{
	const __m256i lo = _mm256_set1_epi64x((long long)(MULTIPLIER & 0xffffffff));
	const __m256i hi = _mm256_set1_epi64x((long long)(MULTIPLIER >> 32));
	/* there is no unsigned comparison: turn the sign bit before and after */
	const __m256i sign = _mm256_set1_epi64x(INT64_MIN);
	__m256i least[CASG_SKETCHES];

	for (int s = 0; s < CASG_SKETCHES; s++)
		least[s] = _mm256_set1_epi64x(INT64_MAX);
	for (size_t i = 0; i < nwindows; i += BLOCK_AVX2) {
		const uint8_t *q = p + i;

		if (nwindows - i < BLOCK_AVX2)
			q = p + nwindows - BLOCK_AVX2;
		for (int o = 0; o < 8; o++) {
			__m256i x = window_avx2(q + o, k), cross, h;

			cross = _mm256_add_epi64(
				_mm256_mul_epu32(_mm256_srli_epi64(x, 32), lo),
				_mm256_mul_epu32(x, hi));
			h = _mm256_add_epi64(_mm256_mul_epu32(x, lo),
					     _mm256_slli_epi64(cross, 32));
			h = _mm256_xor_si256(h, sign);
			for (int s = 0; s < CASG_SKETCHES; s++) {
				least[s] = _mm256_blendv_epi8(least[s], h,
							      _mm256_cmpgt_epi64(least[s], h));
				h = _mm256_sub_epi64(h, _mm256_set1_epi64x((long long)QUARTER));
			}
		}
	}
	for (int s = 0; s < CASG_SKETCHES; s++) {
		uint64_t out[4];

		_mm256_storeu_si256((void *)out, _mm256_xor_si256(least[s], sign));
		least_out[s] = out[0];
		for (int i = 1; i < 4; i++)
			least_out[s] = out[i] < least_out[s] ? out[i] : least_out[s];
	}
}

__attribute__((target("avx2")))
static void least_avx2(const uint8_t *p, size_t nwindows, int k, uint64_t *least)
{
	if (k == 8)
		least_of_avx2(p, nwindows, 8, least);
	else if (k == 24)
		least_of_avx2(p, nwindows, 24, least);
	else
		least_of_avx2(p, nwindows, k, least);
}

__attribute__((target("avx512f,avx512dq"), always_inline))
static inline __m512i word_avx512(const uint8_t *p, unsigned bits)
{
	__m512i v = _mm512_loadu_si512((const void *)p);

	if (!bits)
		return v;
	return _mm512_or_si512(_mm512_slli_epi64(v, bits),
			       _mm512_srli_epi64(v, 64 - bits));
}

__attribute__((target("avx512f,avx512dq"), always_inline))
static inline __m512i window_avx512(const uint8_t *p, int k)
{
	__m512i x = word_avx512(p, 0);
	unsigned bits = FOLD;
	int at;

	for (at = 8; at + 8 < k; at += 8, bits += FOLD)
		x = _mm512_xor_si512(x, word_avx512(p + at, bits));
	if (k > 8)
		x = _mm512_xor_si512(x, word_avx512(p + k - 8, bits));
	return x;
}

__attribute__((target("avx512f,avx512dq"), always_inline))
static inline void least_of_avx512(const uint8_t *p, size_t nwindows, int k, uint64_t *least_out)
{
	const __m512i multiplier = _mm512_set1_epi64((long long)MULTIPLIER);
	__m512i least[CASG_SKETCHES];

	for (int s = 0; s < CASG_SKETCHES; s++)
		least[s] = _mm512_set1_epi64(-1);
	for (size_t i = 0; i < nwindows; i += BLOCK_AVX512) {
		const uint8_t *q = p + i;

		if (nwindows - i < BLOCK_AVX512)
			q = p + nwindows - BLOCK_AVX512;
		for (int o = 0; o < 8; o++) {
			__m512i h = _mm512_mullo_epi64(window_avx512(q + o, k), multiplier);

			for (int s = 0; s < CASG_SKETCHES; s++) {
				least[s] = _mm512_min_epu64(least[s], h);
				h = _mm512_sub_epi64(h, _mm512_set1_epi64((long long)QUARTER));
			}
		}
	}
	for (int s = 0; s < CASG_SKETCHES; s++)
		least_out[s] = _mm512_reduce_min_epu64(least[s]);
}

__attribute__((target("avx512f,avx512dq")))
static void least_avx512(const uint8_t *p, size_t nwindows, int k, uint64_t *least)
{
	if (k == 8)
		least_of_avx512(p, nwindows, 8, least);
	else if (k == 24)
		least_of_avx512(p, nwindows, 24, least);
	else
		least_of_avx512(p, nwindows, k, least);
}
#endif

void casg_sketches(const uint8_t *p, size_t nresidues, int k, uint64_t out[CASG_SKETCHES])
{
	size_t nwindows = nresidues - (size_t)k + 1;

	for (int i = 0; i < CASG_SKETCHES; i++)
		out[i] = UINT64_MAX;
	if (nresidues < (size_t)k) {
		keep_least(casg_xxh64(0, p, nresidues), out);
		return;
	}
	if (k < 8) {
		least_of_short(p, nwindows, k, out);
		return;
	}
#ifdef HAVE_VECTORS
	if (nwindows >= BLOCK_AVX512 && __builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512dq")) {
		least_avx512(p, nwindows, k, out);
		return;
	}
	if (nwindows >= BLOCK_AVX2 && __builtin_cpu_supports("avx2")) {
		least_avx2(p, nwindows, k, out);
		return;
	}
#endif
	if (k == 8)
		least_of(p, nwindows, 8, out);
	else
		least_of(p, nwindows, k, out);
}
