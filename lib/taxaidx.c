#include "taxaidx.h"

#include "endian.h"
#include "sum.h"

static const char magic[8] = "casgtaxa";

enum { TAXON_SZ = 16 };

static int corrupt(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "%s", what);
}

/* The least bytes that hold any rank. */
static size_t width_of(uint64_t nrecords)
{
	size_t n = 1;

	while (n < 8 && nrecords && (nrecords - 1) >> (8 * n))
		n++;
	return n;
}

static uint64_t get(const uint8_t *p, size_t width)
{
	uint64_t v = 0;

	for (size_t i = 0; i < width; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

/* ---- reading ------------------------------------------------------------ */

static int read_head(struct casg_taxaidx *x, uint64_t nbytes, struct casg_err *err)
{
	struct casg_taxaidx_head *h = &x->head;
	const uint8_t *p = casg_blocks_entry(&x->blocks, (struct casg_place){ 0, 0 }, 0,
					     CASG_TAXAIDX_HEADSZ, err);

	if (!p)
		return CASG_ECORRUPT;
	if (memcmp(p, magic, sizeof(magic)))
		return casg_err_set(err, CASG_ENOTOURS, "it does not begin as one");
	if (casg_get_le32(p + 8) != CASG_TAXAIDX_VERSION)
		return casg_err_set(err, CASG_EUNSUPPORTED, "unsupported version %lu",
				    (unsigned long)casg_get_le32(p + 8));
	h->nrecords = casg_get_le64(p + 16);
	h->nentries = casg_get_le64(p + 24);
	h->ntaxa = casg_get_le64(p + 32);
	h->ntext = casg_get_le64(p + 40);
	h->in_order = p[13];
	memcpy(h->key.b, p + 48, CASG_OID_RAWSZ);
	x->width = width_of(h->nrecords);
	x->entry_size = x->width << !h->in_order;
	/* none of them takes less than a byte: what follows cannot overflow */
	if (p[12] != x->width || h->in_order > 1 || p[14] || p[15] || h->nentries > nbytes ||
	    h->ntaxa > nbytes || h->ntext > nbytes)
		return corrupt(err, "its header is malformed");
	return 0;
}

int casg_taxaidx_open(struct casg_taxaidx *x, const uint8_t *data, uint64_t nbytes,
		     struct casg_err *err)
{
	struct casg_place end;
	int rc;

	memset(x, 0, sizeof(*x));
	rc = casg_blocks_init(&x->blocks, data, nbytes, err);
	if (!rc)
		rc = read_head(x, nbytes, err);
	if (!rc) {
		x->at_entries = (struct casg_place){ 0, CASG_TAXAIDX_HEADSZ };
		x->at_text = casg_place_after(x->at_entries, x->head.nentries, x->entry_size);
		x->at_taxa = casg_place_after(x->at_text, x->head.ntext, 1);
		end = casg_place_after(x->at_taxa, x->head.ntaxa + 1, TAXON_SZ);
		if (casg_place_blocks(end) != x->blocks.nblocks)
			rc = corrupt(err, "it has another length than it says");
	}
	if (rc)
		casg_taxaidx_release(x);
	return rc;
}

void casg_taxaidx_release(struct casg_taxaidx *x)
{
	casg_blocks_release(&x->blocks);
}

static int read_text(struct casg_taxaidx *x, uint64_t at, uint64_t n, struct casg_buf *out,
		     struct casg_err *err)
{
	while (n) {
		struct casg_place place = casg_place_of(x->at_text, at, 1);
		uint64_t run = CASG_BLOCK_PAYLOAD - place.offset;
		const uint8_t *p = casg_blocks_entry(&x->blocks, x->at_text, at, 1, err);

		if (!p)
			return CASG_ECORRUPT;
		if (run > n)
			run = n;
		casg_buf_add(out, p, (size_t)run);
		at += run;
		n -= run;
	}
	return casg_buf_check(out, err);
}

int casg_taxaidx_taxon(struct casg_taxaidx *x, uint64_t i, struct casg_taxaidx_taxon *out,
		      struct casg_buf *id, struct casg_err *err)
{
	const struct casg_taxaidx_head *h = &x->head;
	const uint8_t *a, *b;
	uint64_t text, text_end, end;

	if (i >= h->ntaxa)
		return casg_err_set(err, CASG_EBUG, "there is no such taxon in the index");
	a = casg_blocks_entry(&x->blocks, x->at_taxa, i, TAXON_SZ, err);
	b = a ? casg_blocks_entry(&x->blocks, x->at_taxa, i + 1, TAXON_SZ, err) : NULL;
	if (!b)
		return CASG_ECORRUPT;
	text = casg_get_le64(a);
	text_end = casg_get_le64(b);
	out->first = casg_get_le64(a + 8);
	end = casg_get_le64(b + 8);
	if (text > text_end || text_end > h->ntext || text_end - text > CASG_TAXAIDX_ID_MAX ||
	    out->first >= end || end > h->nentries || (!i && (text || out->first)) ||
	    (i + 1 == h->ntaxa && (text_end != h->ntext || end != h->nentries)))
		return corrupt(err, "an entry of a taxon is malformed");
	out->n = end - out->first;
	return id ? read_text(x, text, text_end - text, id, err) : 0;
}

static int compare(const uint8_t *a, size_t alen, const char *b, size_t blen)
{
	size_t n = alen < blen ? alen : blen;
	int c = n ? memcmp(a, b, n) : 0;

	return c ? c : (alen > blen) - (alen < blen);
}

int casg_taxaidx_find(struct casg_taxaidx *x, const char *id, size_t n, uint64_t *i_out,
		     struct casg_err *err)
{
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_taxaidx_taxon t;
	uint64_t lo = 0, hi = x->head.ntaxa;
	int rc = 0, found = 0;

	while (!rc && lo < hi && !found) {
		uint64_t mid = lo + (hi - lo) / 2;
		int c;

		casg_buf_reset(&text);
		rc = casg_taxaidx_taxon(x, mid, &t, &text, err);
		c = rc ? 0 : compare(text.data, text.len, id, n);
		found = !rc && !c;
		if (found)
			*i_out = mid;
		else if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	casg_buf_release(&text);
	return rc ? rc : found;
}

int casg_taxaidx_entry(struct casg_taxaidx *x, uint64_t e, uint64_t *rank_out,
		      uint64_t *position_out, struct casg_err *err)
{
	const uint8_t *p;

	if (e >= x->head.nentries)
		return casg_err_set(err, CASG_EBUG, "there is no such entry in the index");
	p = casg_blocks_entry(&x->blocks, x->at_entries, e, x->entry_size, err);
	if (!p)
		return CASG_ECORRUPT;
	*rank_out = get(p, x->width);
	*position_out = x->head.in_order ? *rank_out : get(p + x->width, x->width);
	if (*rank_out >= x->head.nrecords || *position_out >= x->head.nrecords)
		return corrupt(err, "an entry is beyond the last record");
	return 0;
}

/* ---- writing ------------------------------------------------------------ */

void casg_taxaidx_begin(struct casg_taxaidx_writer *w, const struct casg_taxaidx_head *head,
		       struct casg_buf *out)
{
	static const uint8_t nothing[CASG_TAXAIDX_HEADSZ];

	memset(w, 0, sizeof(*w));
	w->head = *head;
	w->head.nentries = w->head.ntaxa = w->head.ntext = 0;
	w->width = width_of(head->nrecords);
	w->blocks.out = out;
	casg_blocks_put(&w->blocks, nothing, sizeof(nothing));
}

void casg_taxaidx_put_entry(struct casg_taxaidx_writer *w, uint64_t rank, uint64_t position)
{
	uint8_t e[16];

	casg_put_le64(e, rank);
	casg_put_le64(e + w->width, position);
	casg_blocks_put(&w->blocks, e, w->width << !w->head.in_order);
	w->head.nentries++;
}

void casg_taxaidx_put_text(struct casg_taxaidx_writer *w, const void *p, size_t n)
{
	const uint8_t *at = p;

	w->head.ntext += n;
	while (n) {
		size_t run = CASG_BLOCK_PAYLOAD - w->blocks.fill;

		if (!run)
			run = CASG_BLOCK_PAYLOAD;
		if (run > n)
			run = n;
		casg_blocks_put(&w->blocks, at, run);
		at += run;
		n -= run;
	}
}

void casg_taxaidx_put_taxon(struct casg_taxaidx_writer *w, uint64_t text, uint64_t first)
{
	uint8_t e[TAXON_SZ];

	casg_put_le64(e, text);
	casg_put_le64(e + 8, first);
	casg_blocks_put(&w->blocks, e, sizeof(e));
	w->head.ntaxa++;
}

void casg_taxaidx_end(struct casg_taxaidx_writer *w)
{
	/* the one behind the last is none */
	w->head.ntaxa--;
	casg_blocks_finish(&w->blocks);
}

void casg_taxaidx_seal_head(const struct casg_taxaidx_writer *w, uint8_t block[CASG_BLOCK])
{
	const struct casg_taxaidx_head *h = &w->head;

	memcpy(block, magic, sizeof(magic));
	casg_put_le32(block + 8, CASG_TAXAIDX_VERSION);
	block[12] = (uint8_t)w->width;
	block[13] = (uint8_t)h->in_order;
	block[14] = block[15] = 0;
	casg_put_le64(block + 16, h->nrecords);
	casg_put_le64(block + 24, h->nentries);
	casg_put_le64(block + 32, h->ntaxa);
	casg_put_le64(block + 40, h->ntext);
	memcpy(block + 48, h->key.b, CASG_OID_RAWSZ);
	casg_put_le64(block + CASG_BLOCK_PAYLOAD, casg_xxh64(0, block, CASG_BLOCK_PAYLOAD));
}
