/*
 * Hostile presentations and facts.  The input is a facts line, a line with a
 * presentation, a header line, and the residues; what the writer accepts must
 * read back as the record it was given, twice one after the other.
 */
#include <stdio.h>

#include "roundtrip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* Up to the next LF, which is skipped. */
static const char *take_line(const uint8_t **p, const uint8_t *end, size_t *n)
{
	const uint8_t *start = *p;
	const uint8_t *lf = start < end ?
		memchr(start, '\n', (size_t)(end - start)) : NULL;

	*n = (size_t)((lf ? lf : end) - start);
	*p = lf ? lf + 1 : end;
	return (const char *)start;
}

static void check_facts(const struct casg_facts *f)
{
	struct casg_facts back;
	struct casg_buf line = CASG_BUF_INIT;
	struct casg_oid oid;
	int has_oid;

	casg_facts_init(&back);
	casg_facts_format(&line, f);
	require(!casg_facts_parse(&back, &oid, &has_oid, (char *)line.data,
				  line.len, NULL) && !has_oid,
		"a facts line is refused");
	require(back.width == f->width && back.crlf == f->crlf &&
		back.final_newline == f->final_newline &&
		back.prologue.len == f->prologue.len &&
		(!f->prologue.len || !memcmp(back.prologue.data, f->prologue.data,
					     f->prologue.len)),
		"a facts line says something else");
	casg_facts_release(&back);
	casg_buf_release(&line);
}

/* Lay the record out as parsed.bytes has it. */
static void make_record(struct rt_parsed *p, const char *pres, size_t preslen,
			const char *header, size_t hlen, const uint8_t *residues,
			size_t n)
{
	size_t klen = 0;

	while (klen < hlen && !casg_is_blank(header[klen]))
		klen++;
	memset(p, 0, sizeof(*p));
	rt_begin(p, header, klen, header + klen, hlen - klen, NULL);
	casg_buf_add(&p->bytes, residues, n);
	rt_end(p, n, pres, preslen, NULL);
}

static void check_writer(const struct casg_facts *facts, struct rt_parsed *p,
			 uint64_t seed)
{
	struct casg_buf out = CASG_BUF_INIT, split = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct rt_parsed back;
	int ret;

	require(!CASG_GROW(p->recs, 2, p->cap), "out of memory");
	p->recs[1] = p->recs[0];
	p->nrecs = 2;
	ret = rt_write(p, facts, 0, 0, 0, &out, &err);
	require(rt_write(p, facts, 0, 3, seed, &split, &err) == ret,
		"acceptance depends on the split");
	if (!ret) {
		require(out.len == split.len &&
			!memcmp(out.data, split.data, out.len),
			"the text depends on the split");
		require(!rt_parse(&back, out.data, out.len, 0, 0),
			"what was written is refused");
		require(rt_same_records(p, &back), "the record has changed");
		rt_release(&back);
	} else {
		require(ret == CASG_ECORRUPT, "not refused as corrupt");
	}
	casg_buf_release(&out);
	casg_buf_release(&split);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *p = data, *end = data + size;
	struct casg_facts facts;
	struct casg_oid oid;
	struct rt_parsed rec;
	size_t nline, npres, nheader;
	const char *line = take_line(&p, end, &nline);
	const char *pres = take_line(&p, end, &npres);
	const char *header = take_line(&p, end, &nheader);
	int has_oid;

	casg_facts_init(&facts);
	if (!casg_facts_parse(&facts, &oid, &has_oid, line, nline, NULL))
		check_facts(&facts);
	make_record(&rec, pres, npres, header, nheader, p, (size_t)(end - p));
	check_writer(&facts, &rec, 1 + size);
	rt_release(&rec);
	casg_facts_release(&facts);
	return 0;
}
