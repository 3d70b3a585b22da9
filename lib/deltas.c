#include "deltas.h"

#include <stdlib.h>

#include "array.h"
#include "packidx.h"
#include "reach.h"

/* Literals of a chunk, from .. from + n, are residues of a member from 'at' on. */
struct origin {
	uint64_t from, n, at;
	uint32_t member;
};

/* All of a chunk, in order, and the ids of its members. */
struct traced {
	uint32_t pack, chunk;
	uint64_t used;      /* for which chunk last */
	struct origin *origins;
	size_t n, cap;
	struct casg_oid *ids;
	uint64_t *ends;     /* of each member, in the bases of all */
	uint32_t nmembers;
};

/* Chunks lie behind those that they need: what was used last is used again. */
enum { TRACED_MAX = 512 };

struct casg_deltas {
	struct casg_store *s;
	struct casg_coder *c;
	struct traced *traced[TRACED_MAX];
	size_t ntraced;
	uint64_t nchunks;       /* told so far */
	/* the chunk under way */
	struct traced *segments[CASG_SCRIPT_BASES_MAX + 1];
	casg_delta_fn *fn;
	void *ctx;
};

struct casg_deltas *casg_deltas_new(struct casg_store *s, struct casg_coder *c)
{
	struct casg_deltas *d = calloc(1, sizeof(*d));

	if (d) {
		d->s = s;
		d->c = c;
	}
	return d;
}

static void free_traced(struct traced *t)
{
	if (!t)
		return;
	free(t->origins);
	free(t->ids);
	free(t->ends);
	free(t);
}

void casg_deltas_free(struct casg_deltas *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->ntraced; i++)
		free_traced(d->traced[i]);
	free(d);
}

static int note_origin(void *ctx, const struct casg_script_part *part, struct casg_err *err)
{
	struct traced *t = ctx;

	if (!part->literal)
		return 0;
	if (CASG_GROW(t->origins, t->n + 1, t->cap))
		return casg_err_nomem(err);
	t->origins[t->n++] = (struct origin){ part->from, part->n, part->to, part->member };
	return 0;
}

static int read_ids(struct casg_deltas *d, struct traced *t, struct casg_err *err)
{
	struct casg_idx_chunk e;
	struct casg_objinfo info;
	int rc = casg_packidx_chunk(casg_store_idx(d->s, t->pack), t->chunk, &e, err);

	if (rc)
		return rc;
	t->ids = calloc((size_t)e.nmembers + 1, sizeof(*t->ids));
	t->ends = calloc((size_t)e.nmembers + 1, sizeof(*t->ends));
	if (!t->ids || !t->ends)
		return casg_err_nomem(err);
	t->nmembers = e.nmembers;
	for (uint32_t i = 0; i < e.nmembers && !rc; i++) {
		const struct casg_loc loc = { t->pack, t->chunk, i };

		rc = casg_store_info(d->s, d->c, &loc, &info, err);
		t->ids[i] = info.id;
		t->ends[i] = (i ? t->ends[i - 1] : 0) + info.nbytes;
	}
	return rc;
}

/* Tell the parts of a chunk to 'fn'. */
static int each_part(struct casg_deltas *d, uint32_t pack, uint32_t chunk,
		     casg_script_part_fn *fn, void *ctx, struct casg_err *err)
{
	struct casg_store_place place = { d->s, pack, chunk, 0 };
	struct casg_chunk_bases bases = casg_store_bases(&place);
	struct casg_buf raw = CASG_BUF_INIT;
	int rc = casg_store_raw(d->s, pack, chunk, &raw, err);

	if (!rc) {
		rc = casg_chunk_each_part(d->c, raw.data, raw.len, &bases, fn, ctx, err);
		if (rc)
			casg_err_prefix(err, "pack '%s', chunk %u",
					casg_store_pack_path(d->s, pack), chunk);
	}
	casg_buf_release(&raw);
	return rc;
}

/* Twice as many are kept as one chunk may need, so it is none of those. */
static struct traced **oldest(struct casg_deltas *d)
{
	struct traced **old = &d->traced[0];

	for (size_t i = 1; i < d->ntraced; i++)
		if (d->traced[i]->used < (*old)->used)
			old = &d->traced[i];
	return old;
}

static int trace(struct casg_deltas *d, uint32_t pack, uint32_t chunk, struct traced **out,
		 struct casg_err *err)
{
	struct traced *t;
	int rc;

	for (size_t i = 0; i < d->ntraced; i++)
		if (d->traced[i]->chunk == chunk && d->traced[i]->pack == pack) {
			*out = d->traced[i];
			(*out)->used = d->nchunks;
			return 0;
		}
	t = calloc(1, sizeof(*t));
	if (!t)
		return casg_err_nomem(err);
	t->pack = pack;
	t->chunk = chunk;
	rc = each_part(d, pack, chunk, note_origin, t, err);
	if (!rc)
		rc = read_ids(d, t, err);
	if (rc) {
		free_traced(t);
		return rc;
	}
	t->used = d->nchunks;
	if (d->ntraced < TRACED_MAX) {
		d->traced[d->ntraced++] = t;
	} else {
		struct traced **old = oldest(d);

		free_traced(*old);
		*old = t;
	}
	*out = t;
	return 0;
}

static const struct origin *find_origin(const struct traced *t, uint64_t from)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (t->origins[mid].from + t->origins[mid].n <= from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->n && t->origins[lo].from <= from ? &t->origins[lo] : NULL;
}

/* Where a base of all members' lies: in which of them, and how far it reaches. */
static int find_made(const struct traced *t, uint64_t from, struct origin *out)
{
	uint32_t lo = 0, hi = t->nmembers;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (t->ends[mid] <= from)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == t->nmembers)
		return 0;
	out->from = lo ? t->ends[lo - 1] : 0;
	out->n = t->ends[lo] - out->from;
	out->at = 0;
	out->member = lo;
	return 1;
}

/* A part is of one sequence; what it is stored by may be of several. */
static int tell_part(void *ctx, const struct casg_script_part *part, struct casg_err *err)
{
	struct casg_deltas *d = ctx;
	const struct traced *t = d->segments[part->segment];
	uint64_t from = part->from, done = 0;

	while (done < part->n) {
		struct origin whole;
		const struct origin *o = !part->made ? find_origin(t, from)
				       : find_made(t, from, &whole) ? &whole : NULL;
		struct casg_delta delta = {
			.at = part->to + done, .literal = part->literal,
			.reverse = part->reverse, .substitution = part->substitution,
		};
		uint64_t n = part->n - done, have;
		int rc;

		/* spare bits behind the last literal are nobody's, and what a
		   substitution stands for may be beyond them */
		have = !o ? n : part->reverse ? from - o->from + 1 : o->from + o->n - from;
		delta.n = n < have ? n : have;
		delta.id = &d->segments[CASG_SCRIPT_BASES_MAX]->ids[part->member];
		if (!part->literal && o) {
			delta.reference = &t->ids[o->member];
			delta.from = o->at + (from - o->from);
		}
		rc = d->fn(d->ctx, &delta, err);
		if (rc)
			return rc;
		done += delta.n;
		from = part->reverse ? from - delta.n : from + delta.n;
	}
	return 0;
}

static int note_need(void *ctx, uint32_t pack, uint32_t chunk, struct casg_err *err)
{
	struct casg_deltas *d = ctx;
	uint32_t i = 0;

	while (d->segments[i])
		i++;
	return trace(d, pack, chunk, &d->segments[i], err);
}

int casg_deltas_each(struct casg_deltas *d, uint32_t pack, uint32_t chunk, casg_delta_fn *fn,
		     void *ctx, struct casg_err *err)
{
	struct casg_idx_chunk e;
	uint32_t n = 0;
	int rc = casg_packidx_chunk(casg_store_idx(d->s, pack), chunk, &e, err);

	if (rc || !casg_layout_is_matched(e.layout))
		return rc;
	d->fn = fn;
	d->ctx = ctx;
	d->nchunks++;
	memset(d->segments, 0, sizeof(d->segments));
	rc = casg_reach_needs(d->s, d->c, pack, chunk, note_need, d, err);
	while (n < CASG_SCRIPT_BASES_MAX && d->segments[n])
		n++;
	if (!rc)
		rc = trace(d, pack, chunk, &d->segments[n], err);
	d->segments[CASG_SCRIPT_BASES_MAX] = d->segments[n];
	if (!rc)
		rc = each_part(d, pack, chunk, tell_part, d, err);
	return rc;
}
