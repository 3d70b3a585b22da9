#include "repackplan.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "sum.h"
#include "taxon.h"

enum { PASSES_MAX = 16, OFTEN_LEAST = 8, OFTEN_TIMES = 4 };

/* Equal when all of it is. */
struct plan_key {
	struct casg_group group;
	uint64_t apart;
};

struct planned {
	struct plan_key key;
	uint64_t nbytes;
	uint32_t pass;
};

struct casg_repackplan {
	struct casg_store *s;
	struct casg_coder *c;
	struct casg_repackplan_opts opts;
	uint32_t npacks;
	uint32_t **group_of;      /* [pack][object]: a number in groups; 0: not known */
	struct planned *groups;   /* the first: nothing is known */
	size_t ngroups, cap_groups;
	uint32_t *set;            /* hash table of numbers; 0: free */
	size_t set_cap;
	uint64_t often;           /* reads of a chunk from which on that is often */
	int apart;                /* what is noted now */
	uint32_t first_apart;     /* pass */
	struct casg_buf desc, taxon;
};

/* Several times what the others are, and not a few. */
static int find_often(struct casg_repackplan *p, struct casg_err *err)
{
	uint64_t nchunks = 0, nreads = 0;
	struct casg_idx_chunk c;
	int rc = 0;

	for (uint32_t i = 0; i < p->npacks; i++) {
		struct casg_packidx *x = casg_store_idx(p->s, i);

		for (uint32_t k = 0; k < x->nchunks && !rc; k++) {
			rc = casg_packidx_chunk(x, k, &c, err);
			if (rc || c.kind != CASG_CHUNK_SEQ)
				continue;
			nchunks++;
			nreads += casg_reads_of(p->opts.reads, &c.id);
		}
	}
	p->often = nchunks ? nreads / nchunks * OFTEN_TIMES : 0;
	if (p->often < OFTEN_LEAST)
		p->often = OFTEN_LEAST;
	return rc;
}

struct casg_repackplan *casg_repackplan_new(struct casg_store *s, struct casg_coder *c,
					    const struct casg_repackplan_opts *opts,
					    struct casg_err *err)
{
	struct casg_repackplan *p = calloc(1, sizeof(*p));
	int rc = 0;

	if (p) {
		p->s = s;
		p->c = c;
		p->opts = *opts;
		p->npacks = casg_store_npacks(s);
		p->group_of = calloc((size_t)p->npacks + 1, sizeof(*p->group_of));
	}
	if (!p || !p->group_of || CASG_GROW(p->groups, 1, p->cap_groups))
		rc = casg_err_nomem(err);
	if (!rc) {
		p->groups[p->ngroups++] = (struct planned){ .nbytes = 0 };
		rc = opts->reads && opts->often ? find_often(p, err) : 0;
	}
	if (!rc)
		return p;
	casg_repackplan_free(p);
	return NULL;
}

void casg_repackplan_free(struct casg_repackplan *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; p->group_of && i < p->npacks; i++)
		free(p->group_of[i]);
	free(p->group_of);
	free(p->groups);
	free(p->set);
	casg_buf_release(&p->desc);
	casg_buf_release(&p->taxon);
	free(p);
}

static size_t slot_of(const struct casg_repackplan *p, const struct plan_key *g)
{
	size_t i = (size_t)casg_xxh64(0, g, sizeof(*g)) & (p->set_cap - 1);

	while (p->set[i] && memcmp(&p->groups[p->set[i]].key, g, sizeof(*g)))
		i = (i + 1) & (p->set_cap - 1);
	return i;
}

static int number_of(struct casg_repackplan *p, const struct plan_key *g, uint32_t *out,
		     struct casg_err *err)
{
	size_t i;

	if (p->ngroups * 2 >= p->set_cap) {
		size_t cap = p->set_cap ? p->set_cap * 2 : 1024;
		uint32_t *set = calloc(cap, sizeof(*set));

		if (!set)
			return casg_err_nomem(err);
		free(p->set);
		p->set = set;
		p->set_cap = cap;
		for (size_t k = 1; k < p->ngroups; k++)
			set[slot_of(p, &p->groups[k].key)] = (uint32_t)k;
	}
	i = slot_of(p, g);
	if (!p->set[i]) {
		if (CASG_GROW(p->groups, p->ngroups + 1, p->cap_groups))
			return casg_err_nomem(err);
		p->groups[p->ngroups] = (struct planned){ .key = *g };
		p->set[i] = (uint32_t)p->ngroups++;
	}
	*out = p->set[i];
	return 0;
}

static int group_of_record(struct casg_repackplan *p, const struct casg_entry *e, int often,
			   struct casg_group *out, struct casg_err *err)
{
	const char *desc = e->desc;
	struct casg_group finer;
	int rc;

	casg_buf_reset(&p->taxon);
	if (!desc) {
		casg_buf_reset(&p->desc);
		rc = casg_store_read_id(p->s, p->c, &e->desc_blob, CASG_CHUNK_RAW_MAX, &p->desc, err);
		if (rc)
			return rc;
		if (p->desc.len != e->dlen)
			return casg_err_set(err, CASG_ECORRUPT,
					    "a description has another length than listed");
		desc = (const char *)p->desc.data;
	}
	if (casg_taxon_declared(e->key, e->klen, desc, (size_t)e->dlen, &p->taxon))
		return casg_err_nomem(err);
	rc = casg_grouping_of(p->opts.grouping, (const char *)p->taxon.data, p->taxon.len, desc,
			      (size_t)e->dlen, out, err);
	if (rc || !often || out->own)
		return rc;
	rc = casg_grouping_of(p->opts.often, (const char *)p->taxon.data, p->taxon.len, desc,
			      (size_t)e->dlen, &finer, err);
	out->own = finer.home;
	return rc;
}

int casg_repackplan_note(void *plan, const struct casg_entry *e, const struct casg_loc *loc,
			 struct casg_err *err)
{
	struct casg_repackplan *p = plan;
	struct casg_packidx *x = casg_store_idx(p->s, loc->pack);
	struct casg_objinfo info = { .nbytes = 0 };
	struct plan_key g = { .apart = (uint64_t)p->apart };
	struct casg_idx_chunk c;
	uint32_t *number;
	int rc = casg_packidx_chunk(x, loc->chunk, &c, err);

	if (rc)
		return rc;
	if (!p->group_of[loc->pack])
		p->group_of[loc->pack] = calloc((size_t)x->nobjects + 1, sizeof(*number));
	if (!p->group_of[loc->pack])
		return casg_err_nomem(err);
	number = &p->group_of[loc->pack][c.first + loc->member];
	if (*number)
		return 0;
	rc = group_of_record(p, e, p->often && casg_reads_of(p->opts.reads, &c.id) >= p->often,
			     &g.group, err);
	if (!rc)
		rc = number_of(p, &g, number, err);
	/* of short ones the mean is enough */
	info.nbytes = c.nmembers ? c.nraw / c.nmembers : 0;
	if (!rc && c.kind == CASG_CHUNK_LIST)
		rc = casg_store_info(p->s, p->c, loc, &info, err);
	if (!rc)
		p->groups[*number].nbytes += info.nbytes;
	return rc;
}

void casg_repackplan_apart(struct casg_repackplan *p, int apart)
{
	p->apart = apart;
}

uint32_t casg_repackplan_first_apart(const struct casg_repackplan *p)
{
	return p->first_apart;
}

struct by_home {
	struct plan_key key;
	uint32_t number;
};

static int cmp_by_home(const void *a, const void *b)
{
	const struct plan_key *x = a, *y = b;

	if (x->apart != y->apart)
		return x->apart < y->apart ? -1 : 1;
	if (x->group.home != y->group.home)
		return x->group.home < y->group.home ? -1 : 1;
	return x->group.own < y->group.own ? -1 : x->group.own > y->group.own;
}

int casg_repackplan_settle(struct casg_repackplan *p, uint64_t nresidues, uint32_t *npasses_out,
			   struct casg_err *err)
{
	struct by_home *order = malloc(p->ngroups * sizeof(*order) + 1);
	uint64_t total = 0, sum = 0;
	uint32_t first = 0;

	if (!order)
		return casg_err_nomem(err);
	for (size_t i = 0; i < p->ngroups; i++) {
		order[i].key = p->groups[i].key;
		order[i].number = (uint32_t)i;
		total += p->groups[i].nbytes;
	}
	qsort(order, p->ngroups, sizeof(*order), cmp_by_home);
	if (nresidues < total / PASSES_MAX + 1)
		nresidues = total / PASSES_MAX + 1;
	*npasses_out = 1;
	p->first_apart = UINT32_MAX;
	for (size_t i = 0; i < p->ngroups; i++) {
		struct planned *g = &p->groups[order[i].number];

		if (g->key.apart && p->first_apart == UINT32_MAX) {
			p->first_apart = first = *npasses_out;
			sum = 0;
		}
		g->pass = first + (uint32_t)(sum / nresidues);
		sum += g->nbytes;
		*npasses_out = g->pass + 1;
	}
	free(order);
	return 0;
}

static const struct planned *planned(const struct casg_repackplan *p, uint32_t pack,
				     uint32_t object)
{
	return &p->groups[p->group_of[pack] ? p->group_of[pack][object] : 0];
}

uint32_t casg_repackplan_pass(const struct casg_repackplan *p, uint32_t pack, uint32_t object)
{
	return planned(p, pack, object)->pass;
}

const struct casg_group *casg_repackplan_group(const struct casg_repackplan *p, uint32_t pack,
					       uint32_t object)
{
	return &planned(p, pack, object)->key.group;
}
