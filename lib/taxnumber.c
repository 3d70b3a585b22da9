#include "taxnumber.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "endian.h"
#include "oid.h"

struct casg_taxnumber {
	const struct casg_taxonomy *t;
	struct casg_hasher *hasher;
	uint32_t *numbers;      /* taxa, then those that are gone; NULL: not made yet */
	uint32_t *used, mask;   /* a hash table of numbers while they are made */
	int adds_root;
};

/* An id that is no number. */
struct name {
	struct casg_taxstr id;
	uint64_t at;            /* in numbers */
};

uint32_t casg_taxnumber_parse(const char *id, size_t n)
{
	uint64_t v = 0;

	if (!n || n > 10 || *id == '0')
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (id[i] < '0' || id[i] > '9')
			return 0;
		v = v * 10 + (unsigned)(id[i] - '0');
	}
	return v <= INT32_MAX ? (uint32_t)v : 0;
}

struct casg_taxnumber *casg_taxnumber_new(const struct casg_taxonomy *t,
					  struct casg_err *err)
{
	struct casg_taxnumber *n = calloc(1, sizeof(*n));

	if (n)
		n->hasher = casg_hasher_new();
	if (!n || !n->hasher) {
		free(n);
		casg_err_nomem(err);
		return NULL;
	}
	n->t = t;
	return n;
}

void casg_taxnumber_free(struct casg_taxnumber *n)
{
	if (!n)
		return;
	casg_hasher_free(n->hasher);
	free(n->numbers);
	free(n->used);
	free(n);
}

/* 0: it was there already. */
static int use(struct casg_taxnumber *n, uint32_t number)
{
	uint32_t i = number * 0x9e3779b1u;

	for (;; i++) {
		uint32_t *slot = &n->used[i & n->mask];

		if (*slot == number)
			return 0;
		if (!*slot) {
			*slot = number;
			return 1;
		}
	}
}

static uint32_t hash(struct casg_taxnumber *n, const struct casg_taxstr *id, unsigned again)
{
	char digits[16];
	struct casg_oid sum;
	size_t at = sizeof(digits);

	casg_hasher_init(n->hasher);
	casg_hasher_update(n->hasher, id->p, id->n);
	if (again) {
		for (; again; again /= 10)
			digits[--at] = (char)('0' + again % 10);
		digits[--at] = '\0';
		casg_hasher_update(n->hasher, digits + at, sizeof(digits) - at);
	}
	casg_hasher_final(n->hasher, &sum);
	return casg_get_be32(sum.b) >> 1;
}

static uint32_t hash_free(struct casg_taxnumber *n, const struct casg_taxstr *id)
{
	uint32_t number;
	unsigned again = 0;

	do
		number = hash(n, id, again++);
	while (number < 2 || !use(n, number));
	return number;
}

static int name_cmp(const void *a, const void *b)
{
	return casg_taxstr_cmp(&((const struct name *)a)->id, &((const struct name *)b)->id);
}

/* The id at 'i' of numbers. */
static int id_at(const struct casg_taxnumber *n, uint64_t i, struct casg_taxstr *id_out,
		 struct casg_err *err)
{
	uint32_t count = casg_taxonomy_count(n->t), into;
	struct casg_taxon_info info;
	int rc;

	if (i >= count)
		return casg_taxonomy_gone(n->t, i - count, id_out, &into, err);
	rc = casg_taxonomy_info(n->t, (uint32_t)i, &info, err);
	*id_out = info.id;
	return rc;
}

/*
 * Number 1 belongs to the root, or to one above all roots: tools want it there.
 * A root whose id is a number keeps that.
 */
static int number_root(struct casg_taxnumber *n, struct casg_err *err)
{
	uint32_t count = casg_taxonomy_count(n->t);
	struct casg_taxon_info info;
	int rc;

	if (!count || !use(n, 1))
		return 0;
	rc = casg_taxonomy_info(n->t, 0, &info, err);
	if (rc)
		return rc;
	if (info.end < count)
		n->adds_root = 1;
	else if (!n->numbers[0])
		n->numbers[0] = 1;
	return 0;
}

/* Numbers of ids from 'from' to 'to': those that are numbers, then the others. */
static int number_ids(struct casg_taxnumber *n, uint64_t from, uint64_t to,
		      struct casg_err *err)
{
	struct name *names = NULL;
	size_t nnames = 0, cap = 0;
	int rc = 0;

	for (uint64_t i = from; i < to && !rc; i++) {
		struct casg_taxstr id;

		rc = id_at(n, i, &id, err);
		if (rc)
			break;
		n->numbers[i] = casg_taxnumber_parse(id.p, id.n);
		if (n->numbers[i])
			use(n, n->numbers[i]);
		else if (CASG_GROW(names, nnames + 1, cap))
			rc = casg_err_nomem(err);
		else
			names[nnames++] = (struct name){ id, i };
	}
	if (!rc && !from)
		rc = number_root(n, err);
	if (nnames)
		qsort(names, nnames, sizeof(*names), name_cmp);
	for (size_t i = 0; i < nnames && !rc; i++)
		if (!n->numbers[names[i].at])
			n->numbers[names[i].at] = hash_free(n, &names[i].id);
	free(names);
	return rc;
}

static int make(struct casg_taxnumber *n, struct casg_err *err)
{
	uint32_t count = casg_taxonomy_count(n->t);
	uint64_t total = count + casg_taxonomy_nmerged(n->t) + casg_taxonomy_ndeleted(n->t);
	uint64_t nslots = 16;
	int rc;

	while (nslots < total * 2)
		nslots *= 2;
	if (nslots > UINT32_MAX)
		return casg_err_set(err, CASG_ENOMEM, "too many taxa to number");
	n->mask = (uint32_t)(nslots - 1);
	n->numbers = calloc(total + 1, sizeof(*n->numbers));
	n->used = calloc(nslots, sizeof(*n->used));
	if (!n->numbers || !n->used)
		return casg_err_nomem(err);
	rc = number_ids(n, 0, count, err);
	if (!rc)
		rc = number_ids(n, count, total, err);
	free(n->used);
	n->used = NULL;
	return rc;
}

/* Nothing is made where all ids that are asked for are numbers. */
static int number_at(struct casg_taxnumber *n, uint64_t i, uint32_t *number_out,
		     struct casg_err *err)
{
	struct casg_taxstr id;
	int rc = n->numbers ? 0 : id_at(n, i, &id, err);

	if (rc)
		return rc;
	*number_out = n->numbers ? n->numbers[i] : casg_taxnumber_parse(id.p, id.n);
	if (*number_out)
		return 0;
	rc = make(n, err);
	if (!rc)
		*number_out = n->numbers[i];
	return rc;
}

int casg_taxnumber_of(struct casg_taxnumber *n, uint32_t taxon, uint32_t *number_out,
		      struct casg_err *err)
{
	return number_at(n, taxon, number_out, err);
}

int casg_taxnumber_gone(struct casg_taxnumber *n, uint64_t i, uint32_t *number_out,
			struct casg_err *err)
{
	return number_at(n, casg_taxonomy_count(n->t) + i, number_out, err);
}

int casg_taxnumber_adds_root(struct casg_taxnumber *n, struct casg_err *err)
{
	uint32_t number;
	int rc = casg_taxonomy_count(n->t) ? number_at(n, 0, &number, err) : 0;

	return rc ? rc : n->adds_root;
}
