#include "multidx.h"

#include <stdlib.h>

#include "array.h"
#include "endian.h"

static const char magic[8] = { 'c', 'a', 's', 'g', 'm', 'i', 'd', 'x' };

enum {
	HEAD_SZ = 32, PACK_SZ = CASG_OID_RAWSZ, BUCKET_SZ = 8, ENTRY_MAX = 8,
	ID_BITS_MAX = 32,      /* that entries tell of an id */
	RUN = 1 << 20          /* entries sorted at a time, about */
};

/* 16 to 32 entries a bucket. */
static unsigned int bucket_bits(uint64_t nentries)
{
	unsigned int bits = 0;

	while (bits < CASG_PACKIDX_PREFIX_BITS && nentries >> bits > 32)
		bits++;
	return bits;
}

static unsigned int bits_for(uint32_t n)
{
	unsigned int bits = 0;

	while (bits < 32 && (uint64_t)n > (uint64_t)1 << bits)
		bits++;
	return bits;
}

static void set_form(struct casg_multidx *m)
{
	m->bits = bucket_bits(m->nentries);
	m->number_bits = bits_for(m->npacks);
	m->entry_sz = (m->id_bits - m->bits + m->number_bits + 7) / 8;
	if (!m->entry_sz)
		m->entry_sz = 1;
	m->at_packs = casg_place_after((struct casg_place){ 0, 0 }, 1, HEAD_SZ);
	m->at_entries = casg_place_after(m->at_packs, m->npacks, PACK_SZ);
	m->at_buckets = casg_place_after(m->at_entries, m->nentries, m->entry_sz);
	m->end = casg_place_after(m->at_buckets, ((uint64_t)1 << m->bits) + 1, BUCKET_SZ);
}

/* ---- building ---------------------------------------------------------- */

struct keys {
	uint64_t *v; /* the first bits of an id, 0 up to bit 32, the number of a pack */
	size_t n, cap;
	uint64_t mask;
	uint32_t pack;
	int failed;
};

static void add_key(void *ctx, uint64_t prefix)
{
	struct keys *k = ctx;

	if (CASG_GROW(k->v, k->n + 1, k->cap))
		k->failed = 1;
	else
		k->v[k->n++] = (prefix & k->mask) | k->pack;
}

struct build {
	struct casg_packidx *const *packs;
	struct casg_multidx form;
	struct casg_buf out;
	struct casg_blocks_writer w;
	casg_multidx_sink *sink;
	void *ctx;
	struct keys few;        /* of nodes and chunks, of all packs, in order */
	size_t few_at;
	struct keys run, sorted;
	uint64_t *starts;       /* of each bucket */
	uint64_t nput;
};

static int cmp_key(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int collect_few(struct build *b, struct casg_err *err)
{
	for (uint32_t i = 0; i < b->form.npacks; i++) {
		struct casg_packidx *x = b->packs[i];

		b->few.pack = i;
		for (uint32_t k = 0; k < x->nchunks; k++) {
			struct casg_idx_chunk c;

			if (casg_packidx_chunk(x, k, &c, err))
				return CASG_ECORRUPT;
			add_key(&b->few, casg_oid_prefix(&c.id));
		}
		for (uint32_t k = 0; k < x->nnodes; k++) {
			struct casg_idx_node n;

			if (casg_packidx_node(x, k, &n, err))
				return CASG_ECORRUPT;
			add_key(&b->few, casg_oid_prefix(&n.id));
		}
		if (b->few.failed)
			return casg_err_nomem(err);
	}
	if (b->few.n)
		qsort(b->few.v, b->few.n, sizeof(*b->few.v), cmp_key);
	return 0;
}

/* What is whole of the file goes; the block under way stays. */
static int drain(struct build *b, size_t keep, struct casg_err *err)
{
	size_t n = b->out.len - keep;
	int rc = casg_buf_check(&b->out, err);

	if (!rc && n)
		rc = b->sink(b->ctx, b->out.data, n, err);
	if (!rc && n) {
		memmove(b->out.data, b->out.data + n, keep);
		b->out.len = keep;
	}
	return rc;
}

static int put(struct build *b, const void *entry, size_t size, struct casg_err *err)
{
	casg_blocks_put(&b->w, entry, size);
	return b->out.len < (1u << 20) ? 0 : drain(b, b->w.fill, err);
}

static int put_head(struct build *b, struct casg_err *err)
{
	uint8_t h[HEAD_SZ] = { 0 };
	int rc;

	memcpy(h, magic, sizeof(magic));
	casg_put_le32(h + 8, CASG_MULTIDX_VERSION);
	casg_put_le32(h + 12, b->form.npacks);
	casg_put_le64(h + 16, b->form.nentries);
	casg_put_le32(h + 24, b->form.bits);
	casg_put_le32(h + 28, b->form.id_bits);
	rc = put(b, h, sizeof(h), err);
	for (uint32_t i = 0; i < b->form.npacks && !rc; i++) {
		if (i && casg_oid_cmp(&b->packs[i - 1]->pack_id, &b->packs[i]->pack_id) >= 0)
			return casg_err_set(err, CASG_ECORRUPT, "packs are out of order");
		rc = put(b, b->packs[i]->pack_id.b, PACK_SZ, err);
	}
	return rc;
}

static uint32_t bucket_of(const struct build *b, uint64_t key)
{
	return b->form.bits ? (uint32_t)(key >> (64 - b->form.bits)) : 0;
}

/*
 * The run, whose keys fall into the buckets lo .. hi, in order: counted into
 * its buckets, which leaves some ten keys to each insertion.
 */
static int sort_run(struct build *b, uint32_t lo, uint32_t hi, struct casg_err *err)
{
	uint64_t *at = b->starts, base = b->nput;
	struct keys *s = &b->sorted;

	if (CASG_GROW(s->v, b->run.n + 1, s->cap))
		return casg_err_nomem(err);
	s->n = b->run.n;
	for (size_t i = 0; i < b->run.n; i++)
		at[bucket_of(b, b->run.v[i]) + 1]++;
	at[lo] = base;
	for (uint32_t k = lo; k < hi; k++)
		at[k + 1] += at[k];
	for (size_t i = 0; i < b->run.n; i++) {
		uint64_t key = b->run.v[i];
		uint32_t k = bucket_of(b, key);
		size_t to = (size_t)(at[k]++ - base);

		/* where the bucket began is where the one before it ends by now, or will */
		s->v[to] = key;
	}
	/* each start has moved to its end, which is the next one's start */
	for (uint32_t k = hi; k > lo; k--)
		at[k] = at[k - 1];
	at[lo] = base;
	for (uint32_t k = lo; k < hi; k++) {
		size_t first = (size_t)(at[k] - base), end = (size_t)(at[k + 1] - base);

		for (size_t i = first + 1; i < end; i++) {
			uint64_t key = s->v[i];
			size_t j = i;

			for (; j > first && s->v[j - 1] > key; j--)
				s->v[j] = s->v[j - 1];
			s->v[j] = key;
		}
	}
	return 0;
}

static int put_run(struct build *b, struct casg_err *err)
{
	const unsigned int tag_bits = b->form.id_bits - b->form.bits;
	uint8_t e[ENTRY_MAX];
	int rc = 0;

	for (size_t i = 0; i < b->sorted.n && !rc; i++) {
		uint64_t key = b->sorted.v[i];
		uint64_t tag = key >> (64 - b->form.id_bits) & (((uint64_t)1 << tag_bits) - 1);

		casg_put_le64(e, tag << b->form.number_bits | (uint32_t)key);
		rc = put(b, e, b->form.entry_sz, err);
	}
	b->nput += b->sorted.n;
	return rc;
}

/* The keys of the buckets lo .. hi from all packs, as they come. */
static int collect_run(struct build *b, uint32_t lo, uint32_t hi, struct casg_err *err)
{
	uint64_t from = b->form.bits ? (uint64_t)lo << (64 - b->form.bits) : 0;
	uint64_t last = (hi >> b->form.bits ? UINT64_MAX : ((uint64_t)hi << (64 - b->form.bits)) - 1);

	b->run.n = 0;
	for (uint32_t i = 0; i < b->form.npacks; i++) {
		int rc;

		b->run.pack = i;
		rc = casg_packidx_each_prefix_in(b->packs[i], from, last, add_key, &b->run, err);
		if (rc)
			return rc;
	}
	while (b->few_at < b->few.n && bucket_of(b, b->few.v[b->few_at]) < hi) {
		uint64_t key = b->few.v[b->few_at++];

		b->run.pack = (uint32_t)key;
		add_key(&b->run, key);
	}
	return b->run.failed ? casg_err_nomem(err) : 0;
}

static int put_buckets(struct build *b, struct casg_err *err)
{
	int rc = 0;

	for (uint64_t k = 0; k <= (uint64_t)1 << b->form.bits && !rc; k++) {
		uint8_t e[BUCKET_SZ];

		casg_put_le64(e, b->starts[k]);
		rc = put(b, e, sizeof(e), err);
	}
	casg_blocks_finish_short(&b->w);
	return rc ? rc : drain(b, 0, err);
}

static int build(struct build *b, struct casg_err *err)
{
	uint64_t nbuckets, step;
	int rc;

	b->form.id_bits = ID_BITS_MAX;
	for (uint32_t i = 0; i < b->form.npacks; i++) {
		const struct casg_packidx *x = b->packs[i];

		if (x->nobjects && x->bits + x->tag_bits < b->form.id_bits)
			b->form.id_bits = x->bits + x->tag_bits;
	}
	b->few.mask = b->run.mask = UINT64_MAX << (64 - b->form.id_bits);
	rc = collect_few(b, err);
	if (rc)
		return rc;
	b->form.nentries = b->few.n;
	for (uint32_t i = 0; i < b->form.npacks; i++)
		b->form.nentries += b->packs[i]->nobjects;
	set_form(&b->form);
	nbuckets = (uint64_t)1 << b->form.bits;
	b->starts = calloc((size_t)nbuckets + 2, sizeof(*b->starts));
	if (!b->starts)
		return casg_err_nomem(err);
	rc = put_head(b, err);
	step = b->form.nentries > RUN ? nbuckets / (b->form.nentries / RUN + 1) : nbuckets;
	step = step ? step : 1;
	for (uint64_t k = 0; k < nbuckets && !rc; k += step) {
		uint64_t end = k + step < nbuckets ? k + step : nbuckets;

		rc = collect_run(b, (uint32_t)k, (uint32_t)end, err);
		if (!rc)
			rc = sort_run(b, (uint32_t)k, (uint32_t)end, err);
		if (!rc)
			rc = put_run(b, err);
	}
	if (!rc && b->nput != b->form.nentries)
		rc = casg_err_set(err, CASG_ECORRUPT, "an index of a pack lists what it does not count");
	return rc ? rc : put_buckets(b, err);
}

int casg_multidx_build(struct casg_packidx *const *packs, uint32_t npacks,
		       casg_multidx_sink *sink, void *ctx, struct casg_err *err)
{
	struct build b = { .packs = packs, .out = CASG_BUF_INIT, .sink = sink, .ctx = ctx };
	int rc;

	b.w.out = &b.out;
	b.form.npacks = npacks;
	rc = build(&b, err);
	casg_buf_release(&b.out);
	free(b.few.v);
	free(b.run.v);
	free(b.sorted.v);
	free(b.starts);
	return rc;
}

/* ---- reading ----------------------------------------------------------- */

static int malformed(struct casg_multidx *m, const char *what, struct casg_err *err)
{
	casg_multidx_release(m);
	return casg_err_set(err, CASG_ECORRUPT, "%s", what);
}

int casg_multidx_open(struct casg_multidx *m, const uint8_t *data, uint64_t nbytes,
		      struct casg_err *err)
{
	const uint8_t *h;
	uint32_t version;
	int rc;

	memset(m, 0, sizeof(*m));
	if (nbytes < HEAD_SZ + CASG_BLOCK_SUM || memcmp(data, magic, sizeof(magic)))
		return casg_err_set(err, CASG_ENOTOURS, "it is not a casg multi-pack index");
	version = casg_get_le32(data + 8);
	if (version != CASG_MULTIDX_VERSION)
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "unsupported multi-pack index version %u", version);
	rc = casg_blocks_init_short(&m->blocks, data, nbytes, err);
	if (rc)
		return rc;
	h = casg_blocks_entry(&m->blocks, (struct casg_place){ 0, 0 }, 0, HEAD_SZ, err);
	if (!h) {
		casg_multidx_release(m);
		return CASG_ECORRUPT;
	}
	m->npacks = casg_get_le32(h + 12);
	m->nentries = casg_get_le64(h + 16);
	/* an entry has a byte at least: what is more than the file is no count */
	if (m->nentries > nbytes)
		return malformed(m, "it counts more than it holds", err);
	m->id_bits = casg_get_le32(h + 28);
	if (m->id_bits < CASG_PACKIDX_PREFIX_BITS || m->id_bits > ID_BITS_MAX)
		return malformed(m, "its header is malformed", err);
	set_form(m);
	if (casg_get_le32(h + 24) != m->bits)
		return malformed(m, "its header is malformed", err);
	if (casg_place_blocks(m->end) != m->blocks.nblocks || m->end.offset != m->blocks.last)
		return malformed(m, "its length is not what its header says", err);
	return 0;
}

void casg_multidx_release(struct casg_multidx *m)
{
	casg_blocks_release(&m->blocks);
}

int casg_multidx_pack(struct casg_multidx *m, uint32_t n, struct casg_oid *id_out,
		      struct casg_err *err)
{
	const uint8_t *e;

	if (n >= m->npacks)
		return casg_err_set(err, CASG_ECORRUPT, "it has no pack %u", n);
	e = casg_blocks_entry(&m->blocks, m->at_packs, n, PACK_SZ, err);
	if (!e)
		return CASG_ECORRUPT;
	memcpy(id_out->b, e, CASG_OID_RAWSZ);
	return 0;
}

static int get_entry(struct casg_multidx *m, uint64_t i, uint64_t *out, struct casg_err *err)
{
	const uint8_t *e;

	switch (m->entry_sz) {
	case 3: e = casg_blocks_entry(&m->blocks, m->at_entries, i, 3, err); break;
	case 4: e = casg_blocks_entry(&m->blocks, m->at_entries, i, 4, err); break;
	default: e = casg_blocks_entry(&m->blocks, m->at_entries, i, m->entry_sz, err); break;
	}
	if (!e)
		return CASG_ECORRUPT;
	*out = 0;
	for (unsigned int k = 0; k < m->entry_sz; k++)
		*out |= (uint64_t)e[k] << 8 * k;
	return 0;
}

static int get_bucket(struct casg_multidx *m, uint64_t b, uint64_t *lo, uint64_t *hi,
		      struct casg_err *err)
{
	const uint8_t *e = casg_blocks_entry(&m->blocks, m->at_buckets, b, BUCKET_SZ, err);

	if (!e)
		return CASG_ECORRUPT;
	*lo = casg_get_le64(e);
	e = casg_blocks_entry(&m->blocks, m->at_buckets, b + 1, BUCKET_SZ, err);
	if (!e)
		return CASG_ECORRUPT;
	*hi = casg_get_le64(e);
	return *lo <= *hi && *hi <= m->nentries ? 0 :
	       casg_err_set(err, CASG_ECORRUPT, "its buckets are out of order");
}

int casg_multidx_find(struct casg_multidx *m, const struct casg_oid *id,
		      uint32_t *packs_out, size_t max, size_t *n_out, struct casg_err *err)
{
	uint64_t bits = casg_oid_prefix(id) >> (64 - m->id_bits), lo, hi, end, e;
	const uint64_t tag = bits & (((uint64_t)1 << (m->id_bits - m->bits)) - 1);
	int rc = get_bucket(m, bits >> (m->id_bits - m->bits), &lo, &end, err);

	*n_out = 0;
	for (hi = end; !rc && lo < hi; ) {
		uint64_t mid = lo + (hi - lo) / 2;

		rc = get_entry(m, mid, &e, err);
		if (e >> m->number_bits < tag)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; !rc && lo < end; lo++) {
		uint32_t pack;

		rc = get_entry(m, lo, &e, err);
		if (rc || e >> m->number_bits != tag)
			break;
		pack = (uint32_t)(e & (((uint64_t)1 << m->number_bits) - 1));
		if (pack >= m->npacks)
			return casg_err_set(err, CASG_ECORRUPT, "it numbers packs beyond its last");
		if (*n_out < max)
			packs_out[*n_out] = pack;
		++*n_out;
	}
	return rc;
}
