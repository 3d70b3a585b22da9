#include "sum.h"

#include "tap.h"

/* Known answers of xxHash's own sanity test, over its pseudo-random buffer. */
#define PRIME32 UINT64_C(2654435761)
#define PRIME64 UINT64_C(11400714785074694797)

static const struct {
	size_t n;
	uint64_t seed, want;
} known[] = {
	{ 0, 0, UINT64_C(0x2d06800538d394c2) },
	{ 0, PRIME64, UINT64_C(0xa8a6b918b2f0364a) },
	{ 1, 0, UINT64_C(0xc44bdff4074eecdb) },
	{ 1, PRIME64, UINT64_C(0x032be332dd766ef8) },
	{ 6, 0, UINT64_C(0x27b56a84cd2d7325) },
	{ 6, PRIME64, UINT64_C(0x84589c116ab59ab9) },
	{ 12, 0, UINT64_C(0xa713daf0dfbb77e7) },
	{ 12, PRIME64, UINT64_C(0xe7303e1b2336de0e) },
	{ 24, 0, UINT64_C(0xa3fe70bf9d3510eb) },
	{ 24, PRIME64, UINT64_C(0x850e80fc35bdd690) },
	{ 48, 0, UINT64_C(0x397da259ecba1f11) },
	{ 80, 0, UINT64_C(0xbcdefbbb2c47c90a) },
	{ 195, 0, UINT64_C(0xcd94217ee362ec3a) },
	{ 403, 0, UINT64_C(0xcdeb804d65c6dea4) },
	{ 512, 0, UINT64_C(0x617e49599013cb6b) },
	{ 2048, 0, UINT64_C(0xdd59e2c3a5f038e0) },
	{ 2240, 0, UINT64_C(0x6e73a90539cf2948) },
	{ 2367, 0, UINT64_C(0xcb37aeb9e5d361ed) },
};

int main(void)
{
	uint64_t gen = PRIME32;
	uint8_t p[2367];

	for (size_t i = 0; i < sizeof(p); i++, gen *= PRIME64)
		p[i] = (uint8_t)(gen >> 56);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		ok(casg_xxh64(known[i].seed, p, known[i].n) == known[i].want,
		   "%zu bytes, seed %llx", known[i].n, (unsigned long long)known[i].seed);
	return done_testing();
}
