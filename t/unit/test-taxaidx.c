/* taxaidx: what is written is read back, and nothing else is taken. */
#include "taxaidx.h"

#include <stdlib.h>

#include "tap.h"

static struct casg_err err;

/* 'n' records; record r carries r % ntaxa, and stands at n - 1 - r or at r. */
static void write_index(struct casg_buf *out, uint64_t n, uint64_t ntaxa, int in_order,
			const char *prefix)
{
	struct casg_taxaidx_head head = { .nrecords = n, .in_order = in_order };
	struct casg_taxaidx_writer w;
	struct casg_buf text = CASG_BUF_INIT;
	uint64_t *first = calloc(ntaxa + 1, sizeof(*first));
	uint64_t *at = calloc(ntaxa + 1, sizeof(*at));

	memset(head.key.b, 7, sizeof(head.key.b));
	casg_taxaidx_begin(&w, &head, out);
	for (uint64_t t = 0; t < ntaxa; t++) {
		first[t] = w.head.nentries;
		at[t] = text.len;
		casg_buf_addf(&text, "%s%06llu", prefix, (unsigned long long)t);
		for (uint64_t r = t; r < n; r += ntaxa)
			casg_taxaidx_put_entry(&w, r, in_order ? r : n - 1 - r);
	}
	first[ntaxa] = w.head.nentries;
	at[ntaxa] = text.len;
	casg_taxaidx_put_text(&w, text.data, text.len);
	for (uint64_t t = 0; t <= ntaxa; t++)
		casg_taxaidx_put_taxon(&w, at[t], first[t]);
	casg_taxaidx_end(&w);
	casg_taxaidx_seal_head(&w, out->data);
	casg_buf_release(&text);
	free(first);
	free(at);
}

static int is_there(struct casg_taxaidx *x, uint64_t n, uint64_t ntaxa, int in_order,
		    const char *prefix)
{
	struct casg_buf id = CASG_BUF_INIT, want = CASG_BUF_INIT;
	int good = x->head.ntaxa == ntaxa && x->head.nrecords == n && x->head.nentries == n &&
		   x->head.key.b[31] == 7;

	for (uint64_t t = 0; t < ntaxa && good; t++) {
		struct casg_taxaidx_taxon taxon;
		uint64_t found, rank, position, r = t;

		casg_buf_reset(&id);
		casg_buf_reset(&want);
		casg_buf_addf(&want, "%s%06llu", prefix, (unsigned long long)t);
		good = !casg_taxaidx_taxon(x, t, &taxon, &id, &err) && id.len == want.len &&
		       !memcmp(id.data, want.data, id.len) &&
		       casg_taxaidx_find(x, (char *)id.data, id.len, &found, &err) == 1 &&
		       found == t;
		for (uint64_t e = 0; good && e < taxon.n; e++, r += ntaxa)
			good = !casg_taxaidx_entry(x, taxon.first + e, &rank, &position, &err) &&
			       rank == r && position == (in_order ? r : n - 1 - r);
		good = good && r >= n;
	}
	casg_buf_release(&id);
	casg_buf_release(&want);
	return good;
}

static void round_trip(uint64_t n, uint64_t ntaxa, int in_order, const char *prefix)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_taxaidx x;
	uint64_t found;

	write_index(&out, n, ntaxa, in_order, prefix);
	is_int(casg_taxaidx_open(&x, out.data, out.len, &err), 0, "%llu records open",
	       (unsigned long long)n);
	ok(is_there(&x, n, ntaxa, in_order, prefix), "and come back");
	ok(!casg_taxaidx_find(&x, "", 0, &found, &err) &&
	   !casg_taxaidx_find(&x, "zz", 2, &found, &err) &&
	   !casg_taxaidx_find(&x, "000", 3, &found, &err), "what is not there is not found");
	casg_taxaidx_release(&x);
	ok(casg_taxaidx_open(&x, out.data, out.len + CASG_BLOCK, &err) == CASG_ECORRUPT,
	   "another length is refused");
	casg_buf_release(&out);
}

/* A flipped byte is an error, or nobody reads it; never another answer. */
static void damage(void)
{
	struct casg_buf out = CASG_BUF_INIT;
	size_t opened = 0, changed = 0;

	write_index(&out, 3000, 40, 0, "x");
	for (size_t at = 0; at < out.len; at += 41) {
		struct casg_taxaidx x;

		out.data[at] ^= 0x10;
		if (!casg_taxaidx_open(&x, out.data, out.len, &err)) {
			opened++;
			err.code = 0;
			changed += is_there(&x, 3000, 40, 0, "x") || err.code != CASG_ECORRUPT;
			casg_taxaidx_release(&x);
		}
		out.data[at] ^= 0x10;
	}
	ok(opened, "damage behind the header does not keep it from opening");
	is_int(changed, 0, "but is noticed where it is");
	casg_buf_release(&out);
}

int main(void)
{
	char *longest = malloc(CASG_TAXAIDX_ID_MAX + 1);

	memset(longest, 'y', CASG_TAXAIDX_ID_MAX);
	longest[CASG_TAXAIDX_ID_MAX - 6] = '\0';
	round_trip(1, 1, 1, "a");
	round_trip(256, 7, 0, "a");
	round_trip(257, 257, 0, "a");
	round_trip(70000, 1000, 0, "a");
	round_trip(70000, 3, 1, "a");
	round_trip(3, 3, 0, longest);
	damage();
	free(longest);
	return done_testing();
}
