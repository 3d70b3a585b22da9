/*
 * Chunks of sequences that need one another: the input is up to four, each
 * behind two bytes with its length; lengths and checksums are put right.  Each
 * is decoded with the literals of those before it, and with what these make, and
 * what its script says of itself must be what it makes.
 */
#include "forge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHUNKS = 4 };

struct pack {
	struct casg_buf chunk[CHUNKS];
	uint32_t n;
	int given;
};

/* A chunk that is decoded, for itself or for another one. */
struct decoding {
	struct pack *pack;
	uint32_t chunk;
	unsigned int depth;
};

static void put_literals(void *ctx, struct casg_literals *l)
{
	const struct decoding *d = ctx;

	free((void *)(uintptr_t)l->bytes.p);
	free(l);
	d->pack->given--;
}

static int get_literals(void *ctx, struct casg_coder *c, uint32_t distance, int made,
			struct casg_literals **out, struct casg_err *err)
{
	const struct decoding *d = ctx;
	struct decoding base = { d->pack, d->chunk - distance, d->depth + 1 };
	const struct casg_chunk_bases bases = { get_literals, put_literals, &base, base.depth };
	struct casg_buf b = CASG_BUF_INIT;
	const struct casg_buf *from;
	uint8_t level = 0;
	int rc;

	require(distance, "a distance of 0");
	if (distance > d->chunk)
		return casg_err_set(err, CASG_ECORRUPT, "before the first");
	require(base.depth < CASG_SCRIPT_LEVEL_MAX || !made, "too deep");
	from = &d->pack->chunk[base.chunk];
	rc = made ? casg_chunk_made(c, from->data, from->len, &bases, &b, &level, err)
		  : casg_chunk_literals(c, from->data, from->len, &b, err);
	if (rc) {
		casg_buf_release(&b);
		return rc;
	}
	require(!made == !level && level < CASG_SCRIPT_LEVEL_MAX, "a level that is none");
	*out = malloc(sizeof(**out));
	**out = (struct casg_literals){ { b.data, b.len }, level };
	d->pack->given++;
	return 0;
}

/* The parts of a member follow one another and fill it. */
struct told {
	uint64_t total, to;
	uint32_t member, nsegments;
};

static int note(void *ctx, const struct casg_script_part *part, struct casg_err *err)
{
	struct told *t = ctx;

	(void)err;
	if (part->member != t->member) {
		require(part->member > t->member, "members out of order");
		t->member = part->member;
		t->to = 0;
	}
	require(part->n && part->to == t->to && part->segment < t->nsegments, "a part that is none");
	require(part->from < CASG_SCRIPT_LITERALS_MAX * 4, "a position that is none");
	t->to += part->n;
	t->total += part->n;
	return 0;
}

/* From its first bytes one learns the same, or how many it takes. */
static void look_at_starts(struct casg_coder *c, const struct casg_buf *b, const uint32_t *distance,
			   uint32_t n)
{
	uint32_t d[CASG_SCRIPT_BASES_MAX], nd = 0;
	size_t len = CASG_CHUNK_HEADSZ, more = 0;
	struct casg_err err = CASG_ERR_INIT;
	uint8_t *p = NULL;
	int rc;

	do {
		p = realloc(p, len);
		memcpy(p, b->data, len);
		rc = casg_chunk_needs_start(c, p, len, d, &nd, &more, &err);
		require(!rc || (rc == CASG_EABSENT && more > len), "a start that leads nowhere");
		len = more < b->len ? more : b->len;
	} while (rc);
	require(nd == n && !memcmp(d, distance, n * sizeof(*d)), "its start says something else");
	free(p);
}

static void look_at(struct casg_coder *c, struct pack *k, uint32_t chunk)
{
	struct decoding d = { k, chunk, 0 };
	const struct casg_chunk_bases bases = { get_literals, put_literals, &d, 0 };
	const struct casg_buf *b = &k->chunk[chunk];
	uint32_t distance[CASG_SCRIPT_BASES_MAX], n = 0;
	struct casg_err err = CASG_ERR_INIT;
	struct told t = { 0, 0, 0, 1 };
	struct casg_chunk *ch = NULL;
	int rc = casg_chunk_decode(c, b->data, b->len, &bases, &ch, &err), told;

	require(!k->given, "literals are not given back");
	require(!rc || *err.msg, "refused without a reason");
	if (!casg_chunk_needs(c, b->data, b->len, distance, &n, &err)) {
		t.nsegments = n + 1;
		look_at_starts(c, b, distance, n);
	}
	for (uint32_t i = 1; i < n; i++)
		require(distance[i] < distance[i - 1], "distances do not descend");
	told = casg_chunk_each_part(c, b->data, b->len, &bases, note, &t, &err);
	require(!k->given, "literals are not given back");
	if (!rc && casg_layout_is_matched(ch->layout)) {
		require(ch->level && ch->level <= CASG_SCRIPT_LEVEL_MAX, "a level that is none");
		require(!told && t.total == ch->offset[ch->nmembers], "parts are not the whole");
		require(!casg_chunk_hash(c, ch, &err), "cannot be hashed");
	}
	casg_chunk_free(ch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_coder *c = casg_coder_new();
	struct pack k = { .n = 0 };

	while (k.n < CHUNKS && size >= 2 + CASG_CHUNK_HEADSZ) {
		size_t n = data[0] | (size_t)data[1] << 8;

		data += 2;
		size -= 2;
		if (n < CASG_CHUNK_HEADSZ || n > size)
			break;
		casg_buf_add(&k.chunk[k.n], data, n);
		/* what is large is for fuzz-chunk */
		if (casg_get_le64(k.chunk[k.n].data + 8) > 1 << 16)
			break;
		forge_chunk(k.chunk[k.n].data, n);
		k.n++;
		data += n;
		size -= n;
	}
	for (uint32_t i = 0; i < k.n; i++)
		look_at(c, &k, i);
	for (int i = 0; i < CHUNKS; i++)
		casg_buf_release(&k.chunk[i]);
	casg_coder_free(c);
	return 0;
}
