#include "family.h"

#include <stdlib.h>
#include <string.h>

enum { AHEAD = 12 };

/* The first piece with each sketch: a hash table, as large as a power of two. */
struct firsts {
	struct {
		uint64_t sketch;
		uint32_t piece; /* + 1; 0: free */
	} *slots;
	size_t nslots;
};

static int make_firsts(struct firsts *t, size_t n)
{
	t->nslots = 16;
	while (t->nslots < 2 * n)
		t->nslots *= 2;
	t->slots = malloc(t->nslots * sizeof(*t->slots));
	return t->slots ? 0 : -1;
}

static size_t slot_of(const struct firsts *t, uint64_t sketch)
{
	return (size_t)(sketch * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (t->nslots - 1);
}

/* The first piece with this sketch: i itself, if there was none. */
static uint32_t first_with(struct firsts *t, uint64_t sketch, uint32_t i)
{
	size_t at = slot_of(t, sketch);

	while (t->slots[at].piece && t->slots[at].sketch != sketch)
		at = (at + 1) & (t->nslots - 1);
	if (!t->slots[at].piece) {
		t->slots[at].sketch = sketch;
		t->slots[at].piece = i + 1;
	}
	return t->slots[at].piece - 1;
}

/* The first piece of the family that a piece is in; paths are halved on the way. */
static uint32_t first_of(uint64_t *family, uint32_t i)
{
	while (family[i] != i) {
		family[i] = family[family[i]];
		i = (uint32_t)family[i];
	}
	return i;
}

static void unite(uint64_t *family, uint64_t *nbytes, uint32_t i, uint32_t k, uint64_t most)
{
	i = first_of(family, i);
	k = first_of(family, k);
	if (i == k || nbytes[i] + nbytes[k] > most)
		return;
	if (k < i) {
		uint32_t t = i;

		i = k;
		k = t;
	}
	family[k] = i;
	nbytes[i] += nbytes[k];
}

int casg_families(const struct casg_family_piece *pieces, size_t n, uint64_t most,
		  uint64_t *family, struct casg_err *err)
{
	uint64_t *nbytes = malloc(n * sizeof(*nbytes) + 1);
	struct firsts t;

	if (!nbytes || make_firsts(&t, n)) {
		free(nbytes);
		return casg_err_nomem(err);
	}
	for (size_t i = 0; i < n; i++) {
		family[i] = i;
		nbytes[i] = pieces[i].nbytes;
	}
	for (int f = 0; f < CASG_SKETCHES; f++) {
		memset(t.slots, 0, t.nslots * sizeof(*t.slots));
		for (size_t i = 0; i < n; i++) {
			/* the table is larger than caches: ask for what is needed soon */
			if (i + AHEAD < n)
				__builtin_prefetch(&t.slots[slot_of(&t, pieces[i + AHEAD].sketches[f])]);
			if (pieces[i].sketches[f])
				unite(family, nbytes, first_with(&t, pieces[i].sketches[f],
								 (uint32_t)i),
				      (uint32_t)i, most);
		}
	}
	/* the sizes have served: now the least sketch of each family */
	for (size_t i = 0; i < n; i++)
		nbytes[i] = pieces[i].sketches[0];
	for (size_t i = 0; i < n; i++) {
		uint32_t k = first_of(family, (uint32_t)i);

		if (nbytes[i] && nbytes[i] < nbytes[k])
			nbytes[k] = nbytes[i];
	}
	/* from the back: what a piece leads to lies before it and is as it was */
	for (size_t i = n; i--;)
		family[i] = nbytes[first_of(family, (uint32_t)i)];
	free(t.slots);
	free(nbytes);
	return 0;
}
