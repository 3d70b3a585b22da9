/*
 * roundtrip - parse a FASTA text into memory and write it again, for the unit
 * tests and fuzz targets of fasta and layout.  Included, not linked.
 */
#ifndef CASG_TEST_ROUNDTRIP_H
#define CASG_TEST_ROUNDTRIP_H

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "fasta.h"
#include "layout.h"

/* A record; its parts lie one behind the other in parsed.bytes. */
struct rt_rec {
	size_t at;              /* key, description, residues, presentation */
	size_t klen, dlen, preslen;
	uint64_t nresidues;
};

struct rt_parsed {
	int ret;
	struct casg_err err;
	uint64_t error_record, error_offset, nbytes;
	struct casg_facts facts;
	int nfacts;
	struct rt_rec *recs;
	size_t nrecs, cap;
	struct casg_buf bytes;
	struct casg_buf calls;  /* every call, in order */
	unsigned nwarnings;
};

static void rt_log(struct rt_parsed *p, char what, const void *bytes, size_t n)
{
	casg_buf_addch(&p->calls, what);
	casg_buf_add_u64(&p->calls, n);
	casg_buf_addch(&p->calls, ' ');
	casg_buf_add(&p->calls, bytes, n);
}

static int rt_facts(void *ctx, const struct casg_facts *f, struct casg_err *err)
{
	struct rt_parsed *p = ctx;

	p->nfacts++;
	casg_facts_format(&p->calls, f);
	return casg_facts_copy(&p->facts, f, err);
}

static int rt_begin(void *ctx, const char *key, size_t klen, const char *desc,
		    size_t dlen, struct casg_err *err)
{
	struct rt_parsed *p = ctx;
	struct rt_rec *r;

	if (CASG_GROW(p->recs, p->nrecs + 1, p->cap))
		return casg_err_nomem(err);
	casg_buf_grow(&p->bytes, 1);
	r = &p->recs[p->nrecs++];
	memset(r, 0, sizeof(*r));
	r->at = p->bytes.len;
	r->klen = klen;
	r->dlen = dlen;
	casg_buf_add(&p->bytes, key, klen);
	casg_buf_add(&p->bytes, desc, dlen);
	rt_log(p, 'k', key, klen);
	rt_log(p, 'd', desc, dlen);
	return 0;
}

static int rt_residues(void *ctx, const uint8_t *residues, size_t n,
		       struct casg_err *err)
{
	struct rt_parsed *p = ctx;

	casg_buf_add(&p->bytes, residues, n);
	rt_log(p, 'r', residues, n);
	return casg_buf_check(&p->bytes, err);
}

static int rt_end(void *ctx, uint64_t nresidues, const char *pres,
		  size_t preslen, struct casg_err *err)
{
	struct rt_parsed *p = ctx;
	struct rt_rec *r = &p->recs[p->nrecs - 1];

	r->nresidues = nresidues;
	r->preslen = preslen;
	casg_buf_add(&p->bytes, pres, preslen);
	rt_log(p, 'p', pres, preslen);
	return casg_buf_check(&p->calls, err);
}

static void rt_warn(void *ctx, const char *msg)
{
	struct rt_parsed *p = ctx;

	p->nwarnings++;
	rt_log(p, '!', msg, strlen(msg));
}

static inline uint64_t rt_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* 1..max, or all when max is 0; never more than left. */
static inline size_t rt_piece(uint64_t *seed, size_t max, size_t left)
{
	size_t n = max ? 1 + (size_t)(rt_random(seed) % max) : left;

	return n < left ? n : left;
}

/* Parse in pieces of 1..max bytes (0: at once); p is initialised here. */
static int rt_parse(struct rt_parsed *p, const uint8_t *text, size_t n,
		    size_t max, uint64_t seed)
{
	struct casg_fasta_handler h = {
		p, rt_facts, rt_begin, rt_residues, rt_end, rt_warn
	};
	struct casg_fasta *f = casg_fasta_new(&h);
	size_t at = 0;

	memset(p, 0, sizeof(*p));
	casg_facts_init(&p->facts);
	while (at < n && !p->ret) {
		size_t piece = rt_piece(&seed, max, n - at);

		p->ret = casg_fasta_feed(f, text + at, piece, &p->err);
		at += piece;
	}
	if (!p->ret)
		p->ret = casg_fasta_finish(f, &p->err);
	p->error_record = casg_fasta_error_record(f);
	p->error_offset = casg_fasta_error_offset(f);
	p->nbytes = casg_fasta_bytes(f);
	p->facts.final_newline = casg_fasta_final_newline(f);
	casg_fasta_free(f);
	return p->ret;
}

static void rt_release(struct rt_parsed *p)
{
	free(p->recs);
	casg_facts_release(&p->facts);
	casg_buf_release(&p->bytes);
	casg_buf_release(&p->calls);
}

/* One record through the writer, residues in pieces of 1..max. */
static inline int rt_write_rec(struct casg_layout *l, const struct rt_parsed *p,
			       const struct rt_rec *r, int plain, size_t max,
			       uint64_t *seed, struct casg_buf *out,
			       struct casg_err *err)
{
	const char *key = (const char *)p->bytes.data + r->at;
	const uint8_t *residues = (const uint8_t *)key + r->klen + r->dlen;
	const char *pres = (const char *)residues + r->nresidues;
	size_t left = (size_t)r->nresidues;
	int ret;

	ret = casg_layout_begin(l, key, r->klen, key + r->klen, r->dlen,
				r->nresidues, plain ? "-" : pres,
				plain ? 1 : r->preslen, out, err);
	while (left && !ret) {
		size_t n = rt_piece(seed, max, left);

		ret = casg_layout_feed(l, residues, n, out, err);
		residues += n;
		left -= n;
	}
	return ret ? ret : casg_layout_end(l, out, err);
}

/* Write all records; 'plain' leaves the presentations out. */
static int rt_write(const struct rt_parsed *p, const struct casg_facts *facts,
		    int plain, size_t max, uint64_t seed, struct casg_buf *out,
		    struct casg_err *err)
{
	struct casg_layout *l = casg_layout_new(facts);
	int ret = 0;

	for (size_t i = 0; i < p->nrecs && !ret; i++)
		ret = rt_write_rec(l, p, &p->recs[i], plain, max, &seed, out, err);
	if (!ret)
		ret = casg_layout_finish(l, out, err);
	casg_layout_free(l);
	return ret;
}

/* The same keys, descriptions and residues? */
static inline int rt_same_records(const struct rt_parsed *a,
				  const struct rt_parsed *b)
{
	if (a->nrecs != b->nrecs)
		return 0;
	for (size_t i = 0; i < a->nrecs; i++) {
		const struct rt_rec *x = &a->recs[i], *y = &b->recs[i];

		if (x->klen != y->klen || x->dlen != y->dlen ||
		    x->nresidues != y->nresidues ||
		    memcmp(a->bytes.data + x->at, b->bytes.data + y->at,
			   x->klen + x->dlen + (size_t)x->nresidues))
			return 0;
	}
	return 1;
}

/*
 * Everything that must hold of a text, accepted or refused; NULL, or what
 * does not.
 */
static inline const char *rt_check(const uint8_t *text, size_t n, size_t max,
			    uint64_t seed)
{
	struct rt_parsed whole, pieces, again;
	struct casg_buf out = CASG_BUF_INIT, plain = CASG_BUF_INIT;
	struct casg_facts odd;
	struct casg_err err = CASG_ERR_INIT;
	const char *wrong = NULL;

	casg_facts_init(&odd);
	odd.width = seed % 7;
	odd.crlf = seed % 2;
	rt_parse(&whole, text, n, 0, 0);
	rt_parse(&pieces, text, n, max, seed);
	memset(&again, 0, sizeof(again));
	if (whole.ret != pieces.ret || strcmp(whole.err.msg, pieces.err.msg) ||
	    whole.calls.len != pieces.calls.len ||
	    memcmp(whole.calls.data ? (char *)whole.calls.data : "",
		   pieces.calls.data ? (char *)pieces.calls.data : "",
		   whole.calls.len))
		wrong = "the calls depend on how the input is split";
	else if (whole.ret && (whole.error_offset != pieces.error_offset ||
			       whole.error_record != pieces.error_record))
		wrong = "where it is refused depends on how the input is split";
	else if (whole.ret)
		;
	else if (whole.nfacts != 1)
		wrong = "facts are not given once";
	else if (rt_write(&whole, &whole.facts, 0, max, seed, &out, &err))
		wrong = "the writer refuses what the parser made";
	else if (out.len != n || (n && memcmp(out.data, text, n)))
		wrong = "the text does not come back";
	else if (rt_write(&whole, &odd, 1, 0, 0, &plain, &err))
		wrong = "the writer refuses a canonical record";
	else if (rt_parse(&again, plain.data, plain.len, 0, 0))
		wrong = "canonical text is refused";
	else if (!rt_same_records(&whole, &again))
		wrong = "canonical text holds other records";
	rt_release(&whole);
	rt_release(&pieces);
	rt_release(&again);
	casg_buf_release(&out);
	casg_buf_release(&plain);
	return wrong;
}

#endif
