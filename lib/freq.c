#include "freq.h"

size_t casg_freq_nbytes(uint32_t width)
{
	return sizeof(uint64_t) + (size_t)CASG_FREQ_ROWS * width;
}

void casg_freq_over(struct casg_freq *f, void *memory, uint32_t width)
{
	f->asked = memory;
	f->counters = (uint8_t *)memory + sizeof(uint64_t);
	f->width = width;
}

/* One of a row: the hash is a good one, a multiplication tells the rows apart. */
static uint8_t *counter(const struct casg_freq *f, uint64_t hash, unsigned row)
{
	static const uint64_t odd[CASG_FREQ_ROWS] = {
		UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xc2b2ae3d27d4eb4f),
		UINT64_C(0x165667b19e3779f9), UINT64_C(0xd6e8feb86659fd93),
	};

	return f->counters + (size_t)row * f->width + ((hash * odd[row]) >> 32 & (f->width - 1));
}

static void halve(struct casg_freq *f)
{
	for (size_t i = 0; i < (size_t)CASG_FREQ_ROWS * f->width; i++)
		__atomic_store_n(&f->counters[i], f->counters[i] / 2, __ATOMIC_RELAXED);
}

void casg_freq_add(struct casg_freq *f, uint64_t hash)
{
	unsigned least = casg_freq_of(f, hash);
	uint64_t age = (uint64_t)CASG_FREQ_AGE * f->width;

	/* only the least grow: what shares a counter is misjudged less */
	for (unsigned row = 0; row < CASG_FREQ_ROWS && least < CASG_FREQ_MOST; row++) {
		uint8_t *c = counter(f, hash, row);

		if (__atomic_load_n(c, __ATOMIC_RELAXED) == least)
			__atomic_store_n(c, (uint8_t)(least + 1), __ATOMIC_RELAXED);
	}
	if (__atomic_add_fetch(f->asked, 1, __ATOMIC_RELAXED) == age) {
		halve(f);
		__atomic_store_n(f->asked, age / 2, __ATOMIC_RELAXED);
	}
}

unsigned casg_freq_of(const struct casg_freq *f, uint64_t hash)
{
	unsigned least = CASG_FREQ_MOST;

	for (unsigned row = 0; row < CASG_FREQ_ROWS; row++) {
		unsigned c = __atomic_load_n(counter(f, hash, row), __ATOMIC_RELAXED);

		least = c < least ? c : least;
	}
	return least;
}
