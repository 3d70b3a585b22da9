#include "strsort.h"

#include <string.h>

#define SMALL 16                /* entries that insertion sort is good for */
#define SPLIT_MIN 4096          /* entries not worth a task of their own */
#define SEGMENTS_MAX 256

/* Entries whose strings have 'depth' bytes in common, with keys from there. */
struct segment {
	struct casg_strent *e;
	size_t n, depth;
	int budget;             /* bad pivots to go before heap sort takes over */
};

uint64_t casg_strsort_key(const uint8_t *p, size_t nbytes, size_t depth)
{
	uint64_t key = 0;

	if (nbytes >= depth + 8)
		return casg_get_be64(p + depth);
	for (size_t i = depth; i < nbytes; i++)
		key |= (uint64_t)p[i] << (56 - 8 * (i - depth));
	return key;
}

static void load_keys(struct casg_strent *e, size_t n, size_t depth)
{
	for (size_t i = 0; i < n; i++) {
		if (i + 8 < n)
			__builtin_prefetch(e[i + 8].p + depth);
		e[i].key = casg_strsort_key(casg_strent_bytes(&e[i]),
					    casg_strent_len(&e[i]), depth);
	}
}

static inline void swap(struct casg_strent *a, struct casg_strent *b)
{
	struct casg_strent tmp = *a;

	*a = *b;
	*b = tmp;
}

/* Whole comparison, for entries whose keys were taken at 'depth'. */
static inline int less(const struct casg_strent *a, const struct casg_strent *b,
		       size_t depth)
{
	size_t na, nb;
	int c;

	if (a->key != b->key)
		return a->key < b->key;
	na = casg_strent_len(a);
	nb = casg_strent_len(b);
	c = memcmp(casg_strent_bytes(a) + depth, casg_strent_bytes(b) + depth,
		   (na < nb ? na : nb) - depth);
	return c ? c < 0 : na < nb;
}

static void insertion_sort(struct casg_strent *e, size_t n, size_t depth)
{
	for (size_t i = 1; i < n; i++) {
		struct casg_strent x = e[i];
		size_t j = i;

		for (; j && less(&x, &e[j - 1], depth); j--)
			e[j] = e[j - 1];
		e[j] = x;
	}
}

static void sift_down(struct casg_strent *e, size_t i, size_t n, size_t depth)
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && less(&e[child], &e[child + 1], depth))
			child++;
		if (!less(&e[i], &e[child], depth))
			return;
		swap(&e[i], &e[child]);
	}
}

/* What keeps input made to defeat the pivots at n log n comparisons. */
static void heap_sort(struct casg_strent *e, size_t n, size_t depth)
{
	for (size_t i = n / 2; i-- > 0;)
		sift_down(e, i, n, depth);
	for (size_t i = n; i-- > 1;) {
		swap(&e[0], &e[i]);
		sift_down(e, 0, i, depth);
	}
}

static inline uint64_t median3(uint64_t a, uint64_t b, uint64_t c)
{
	if (a < b)
		return b < c ? b : a < c ? c : a;
	return a < c ? a : b < c ? c : b;
}

static uint64_t pick_pivot(const struct casg_strent *e, size_t n)
{
	size_t s = n / 8;

	if (n < 128)
		return median3(e[0].key, e[n / 2].key, e[n - 1].key);
	return median3(median3(e[0].key, e[s].key, e[2 * s].key),
		       median3(e[3 * s].key, e[4 * s].key, e[5 * s].key),
		       median3(e[6 * s].key, e[7 * s].key, e[n - 1].key));
}

/* Below the pivot: e[0..*lt), equal: e[*lt..*gt), above: the rest. */
static void partition(struct casg_strent *e, size_t n, uint64_t pivot,
		      size_t *lt_out, size_t *gt_out)
{
	size_t lt = 0, i = 0, gt = n;

	/*
	 * First below and not below, without a branch that depends on the
	 * keys, then the equal ones to the front of the latter.
	 */
	for (; i < n; i++) {
		struct casg_strent x = e[i];
		size_t below = x.key < pivot;

		e[i] = e[lt];
		e[lt] = x;
		lt += below;
	}
	for (gt = i = lt; i < n; i++) {
		struct casg_strent x = e[i];
		size_t equal = x.key == pivot;

		e[i] = e[gt];
		e[gt] = x;
		gt += equal;
	}
	*lt_out = lt;
	*gt_out = gt;
}

/*
 * Entries with equal keys at 'depth': those that end within the key come
 * first, the shorter before the longer (keys are filled up with zeros, and
 * "a" stands before "a\0").  Returns how many they are.
 */
static size_t settle_ended(struct casg_strent *e, size_t n, size_t depth)
{
	size_t nended = 0, done = 0;

	for (size_t i = 0; i < n; i++)
		if (casg_strent_len(&e[i]) <= depth + 8)
			swap(&e[i], &e[nended++]);
	for (size_t len = depth; done < nended && len < depth + 8; len++)
		for (size_t i = done; i < nended; i++)
			if (casg_strent_len(&e[i]) == len)
				swap(&e[i], &e[done++]);
	return nended;
}

/* Go on with the entries of equal key, eight bytes further. */
static void deepen(struct segment *s)
{
	size_t nended = settle_ended(s->e, s->n, s->depth);

	s->e += nended;
	s->n -= nended;
	s->depth += 8;
	load_keys(s->e, s->n, s->depth);
}

/*
 * One step: two segments to be sorted by themselves, and the equal ones stay
 * in *s, deepened.
 */
static void step(struct segment *s, struct segment *below, struct segment *above)
{
	size_t lt, gt;

	partition(s->e, s->n, pick_pivot(s->e, s->n), &lt, &gt);
	*below = (struct segment){ s->e, lt, s->depth, s->budget - 1 };
	*above = (struct segment){ s->e + gt, s->n - gt, s->depth, s->budget - 1 };
	s->e += lt;
	s->n = gt - lt;
	if (s->n > 1)
		deepen(s);
	else
		s->n = 0;
}

/*
 * Recursion goes no deeper than the budget, because only the unequal parts
 * recur; a string equal to its neighbours for long is a loop.
 */
static void sort_segment(struct segment s)
{
	while (s.n > SMALL && s.budget > 0) {
		struct segment below, above;

		step(&s, &below, &above);
		sort_segment(below);
		sort_segment(above);
	}
	if (s.n <= SMALL)
		insertion_sort(s.e, s.n, s.depth);
	else
		heap_sort(s.e, s.n, s.depth);
}

struct batch {
	struct segment seg[SEGMENTS_MAX];
	size_t n;
	struct casg_strent *e;  /* for loading keys in parallel */
	size_t nentries, depth;
};

static void sort_task(void *ctx, size_t task, int worker)
{
	struct batch *b = ctx;

	(void)worker;
	sort_segment(b->seg[task]);
}

static void keys_task(void *ctx, size_t task, int worker)
{
	struct batch *b = ctx;
	size_t from = task * SPLIT_MIN, n = b->nentries - from;

	(void)worker;
	load_keys(b->e + from, n < SPLIT_MIN ? n : SPLIT_MIN, b->depth);
}

/* Split the largest segment again and again, until there is enough to share. */
static void split(struct batch *b, size_t want)
{
	while (b->n < want && b->n + 2 <= SEGMENTS_MAX) {
		struct segment s, below, above;
		size_t largest = 0;

		for (size_t i = 1; i < b->n; i++)
			if (b->seg[i].n > b->seg[largest].n)
				largest = i;
		s = b->seg[largest];
		if (s.n < SPLIT_MIN || s.budget <= 0)
			return;
		step(&s, &below, &above);
		b->seg[largest] = below;
		b->seg[b->n++] = above;
		b->seg[b->n++] = s;
	}
}

void casg_strsort(struct casg_strent *e, size_t n, size_t prefix,
		  struct casg_workers *pool)
{
	size_t nworkers = (size_t)casg_workers_count(pool);
	struct batch b = { .n = 1, .e = e, .nentries = n, .depth = prefix };
	int budget = 16;

	for (size_t i = n; i; i >>= 1)
		budget += 3;
	b.seg[0] = (struct segment){ e, n, prefix, budget };
	casg_workers_run(pool, (n + SPLIT_MIN - 1) / SPLIT_MIN, keys_task, &b);
	if (nworkers > 1)
		split(&b, 8 * nworkers);
	casg_workers_run(pool, b.n, sort_task, &b);
}
