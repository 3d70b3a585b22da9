#include "fastachunks.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "chunk.h"
#include "endian.h"
#include "extsort.h"
#include "fasta.h"
#include "fastain.h"
#include "residues.h"

/* Integers in items are big-endian: they sort as numbers. */
#define LINE_SZ (CASG_OID_RAWSZ + 1 + 24)  /* id, what, and what a place or a want says */
#define PART_SZ 32                         /* chunk, member, and where in the files */

/* Of one id, first what the files have of it. */
enum what {
	THERE = 'a',   /* length, number in the files */
	WANTED = 'b'   /* start, length, chunk, member */
};

struct wanted {
	struct casg_oid id;
	uint32_t nmembers;
	uint8_t has;
};

/* Part of a sequence that is under way. */
struct part {
	uint64_t ordinal, start, n;
	uint32_t chunk, member;
	uint64_t at;              /* residues that came */
	struct casg_buf item;     /* as it is sorted: chunk, member, residues */
};

struct casg_fastachunks {
	struct casg_fastachunks_opts o;
	struct casg_hasher *hasher;
	struct casg_coder *coder;
	struct wanted *v;
	size_t n, cap;
	struct casg_extsort *ids;      /* what is wanted, what is there */
	struct casg_extsort *parts;    /* by where they lie in the files */
	struct casg_extsort *residues; /* by chunk and member */
	uint64_t ordinal, length;      /* of the sequence under way */
	struct part next;              /* that was read ahead of parts */
	int has_next;
	struct part **open;            /* parts of the sequence under way */
	size_t nopen, cap_open;
};

struct casg_fastachunks *casg_fastachunks_new(const struct casg_fastachunks_opts *o,
					      struct casg_err *err)
{
	struct casg_fastachunks *f = calloc(1, sizeof(*f));

	if (!f) {
		casg_err_nomem(err);
		return NULL;
	}
	f->o = *o;
	f->hasher = casg_hasher_new();
	f->coder = casg_coder_new();
	f->ids = casg_extsort_new(o->tmp_dir, (size_t)o->memory_nbytes / 2, NULL, err);
	if (f->hasher && f->coder && f->ids)
		return f;
	if (f->ids)
		casg_err_nomem(err);
	casg_fastachunks_free(f);
	return NULL;
}

static void free_part(struct part *p)
{
	casg_buf_release(&p->item);
	free(p);
}

void casg_fastachunks_free(struct casg_fastachunks *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->nopen; i++)
		free_part(f->open[i]);
	free(f->open);
	free(f->v);
	casg_extsort_free(f->ids);
	casg_extsort_free(f->parts);
	casg_extsort_free(f->residues);
	casg_hasher_free(f->hasher);
	casg_coder_free(f->coder);
	free(f);
}

/* ---- what is wanted ---- */

int casg_fastachunks_want(struct casg_fastachunks *f, const struct casg_oid *chunk_id,
			  uint32_t nmembers, struct casg_err *err)
{
	if (f->n == UINT32_MAX)
		return casg_err_set(err, CASG_EBUG, "too many chunks");
	if (CASG_GROW(f->v, f->n + 1, f->cap))
		return casg_err_nomem(err);
	f->v[f->n++] = (struct wanted){ *chunk_id, nmembers, 0 };
	return 0;
}

int casg_fastachunks_member(struct casg_fastachunks *f, uint32_t chunk, uint32_t member,
			    const struct casg_oid *sequence, uint64_t start, uint64_t n,
			    struct casg_err *err)
{
	uint8_t line[LINE_SZ];

	memcpy(line, sequence->b, CASG_OID_RAWSZ);
	line[CASG_OID_RAWSZ] = WANTED;
	casg_put_be64(line + 33, start);
	casg_put_be64(line + 41, n);
	casg_put_be32(line + 49, chunk);
	casg_put_be32(line + 53, member);
	return casg_extsort_add(f->ids, line, sizeof(line), err);
}

/* ---- what is there ---- */

static int on_facts(void *ctx, const struct casg_facts *facts, struct casg_err *err)
{
	(void)ctx;
	(void)facts;
	(void)err;
	return 0;
}

static int on_begin(void *ctx, const char *key, size_t klen, const char *desc, size_t dlen,
		    struct casg_err *err)
{
	struct casg_fastachunks *f = ctx;

	(void)key;
	(void)klen;
	(void)desc;
	(void)dlen;
	(void)err;
	casg_hasher_init(f->hasher);
	f->length = 0;
	return 0;
}

static int hash_residues(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	struct casg_fastachunks *f = ctx;

	(void)err;
	casg_hasher_update(f->hasher, p, n);
	return 0;
}

static int hash_end(void *ctx, uint64_t nresidues, const char *pres, size_t preslen,
		    struct casg_err *err)
{
	struct casg_fastachunks *f = ctx;
	uint8_t line[CASG_OID_RAWSZ + 17];
	struct casg_oid id;

	(void)pres;
	(void)preslen;
	casg_hasher_final(f->hasher, &id);
	memcpy(line, id.b, CASG_OID_RAWSZ);
	line[CASG_OID_RAWSZ] = THERE;
	casg_put_be64(line + 33, nresidues);
	casg_put_be64(line + 41, f->ordinal++);
	return casg_extsort_add(f->ids, line, sizeof(line), err);
}

/* Each wanted part of a sequence that is there: by chunk, member, place in the files. */
static int join_ids(struct casg_fastachunks *f, struct casg_extsort *out, struct casg_err *err)
{
	uint8_t there[CASG_OID_RAWSZ], part[PART_SZ];
	uint64_t length = 0, ordinal = 0, start, count;
	const uint8_t *p;
	int rc, any = 0;
	size_t n;

	while ((rc = casg_extsort_next(f->ids, &p, &n, err)) > 0) {
		int same = any && !memcmp(there, p, CASG_OID_RAWSZ);

		if (p[CASG_OID_RAWSZ] == THERE && !same) {
			any = 1;
			memcpy(there, p, CASG_OID_RAWSZ);
			length = casg_get_be64(p + 33);
			ordinal = casg_get_be64(p + 41);
		}
		if (p[CASG_OID_RAWSZ] == THERE || !same)
			continue;
		start = casg_get_be64(p + 33);
		count = casg_get_be64(p + 41);
		if (start > length || count > length - start)
			continue;
		memcpy(part, p + 49, 8);
		casg_put_be64(part + 8, ordinal);
		casg_put_be64(part + 16, start);
		casg_put_be64(part + 24, count);
		rc = casg_extsort_add(out, part, sizeof(part), err);
		if (rc)
			return rc;
	}
	return rc;
}

struct found {
	uint64_t ordinal, start, n;
};

/* All parts of one chunk: if they are all its members, by their place in the files. */
static int take_chunk(struct casg_fastachunks *f, uint32_t chunk, const struct found *members,
		      size_t n, struct casg_err *err)
{
	uint8_t part[PART_SZ];
	int rc = 0;

	if (n != f->v[chunk].nmembers)
		return 0;
	f->v[chunk].has = 1;
	for (size_t i = 0; i < n && !rc; i++) {
		casg_put_be64(part, members[i].ordinal);
		casg_put_be64(part + 8, members[i].start);
		casg_put_be64(part + 16, members[i].n);
		casg_put_be32(part + 24, chunk);
		casg_put_be32(part + 28, (uint32_t)i);
		rc = casg_extsort_add(f->parts, part, sizeof(part), err);
	}
	return rc;
}

/* Which chunks have all their members? */
static int choose_chunks(struct casg_fastachunks *f, struct casg_extsort *in, struct casg_err *err)
{
	struct found *members = NULL;
	size_t n = 0, cap = 0, len;
	uint32_t chunk = UINT32_MAX;
	const uint8_t *p;
	int rc;

	while ((rc = casg_extsort_next(in, &p, &len, err)) > 0) {
		if (casg_get_be32(p) != chunk) {
			if (n && (rc = take_chunk(f, chunk, members, n, err)))
				break;
			chunk = casg_get_be32(p);
			n = 0;
		}
		/* a second place of one is not needed; behind a gap nothing is */
		if (casg_get_be32(p + 4) != n)
			continue;
		if (CASG_GROW(members, n + 1, cap)) {
			rc = casg_err_nomem(err);
			break;
		}
		members[n++] = (struct found){ casg_get_be64(p + 8), casg_get_be64(p + 16),
					       casg_get_be64(p + 24) };
	}
	if (!rc && n)
		rc = take_chunk(f, chunk, members, n, err);
	free(members);
	return rc;
}

int casg_fastachunks_find(struct casg_fastachunks *f, struct casg_err *err)
{
	const struct casg_fasta_handler h = {
		.ctx = f, .facts = on_facts, .begin = on_begin, .residues = hash_residues,
		.end = hash_end,
	};
	struct casg_extsort *places;
	int rc = casg_fasta_from_files(f->o.paths, f->o.npaths, &h, NULL, NULL, NULL, err);

	if (!rc)
		rc = casg_extsort_finish(f->ids, err);
	if (rc)
		return rc;
	places = casg_extsort_new(f->o.tmp_dir, (size_t)f->o.memory_nbytes / 2, NULL, err);
	if (!places)
		return CASG_ENOMEM;
	rc = join_ids(f, places, err);
	casg_extsort_free(f->ids);
	f->ids = NULL;
	if (!rc)
		rc = casg_extsort_finish(places, err);
	if (!rc) {
		f->parts = casg_extsort_new(f->o.tmp_dir, (size_t)f->o.memory_nbytes / 2, NULL, err);
		rc = f->parts ? 0 : CASG_ENOMEM;
	}
	if (!rc)
		rc = choose_chunks(f, places, err);
	casg_extsort_free(places);
	return rc ? rc : casg_extsort_finish(f->parts, err);
}

int casg_fastachunks_has(const struct casg_fastachunks *f, uint32_t chunk)
{
	return f->v[chunk].has;
}

/* ---- residues ---- */

static int read_next(struct casg_fastachunks *f, struct casg_err *err)
{
	const uint8_t *p;
	size_t n;
	int rc = casg_extsort_next(f->parts, &p, &n, err);

	f->has_next = rc > 0;
	if (rc <= 0)
		return rc;
	f->next = (struct part){
		.ordinal = casg_get_be64(p), .start = casg_get_be64(p + 8),
		.n = casg_get_be64(p + 16), .chunk = casg_get_be32(p + 24),
		.member = casg_get_be32(p + 28), .item = CASG_BUF_INIT,
	};
	return 0;
}

/* The part that was read ahead begins. */
static int open_part(struct casg_fastachunks *f, struct casg_err *err)
{
	struct part *p = malloc(sizeof(*p));
	uint8_t head[8];

	if (!p || CASG_GROW(f->open, f->nopen + 1, f->cap_open)) {
		free(p);
		return casg_err_nomem(err);
	}
	*p = f->next;
	casg_put_be32(head, p->chunk);
	casg_put_be32(head + 4, p->member);
	casg_buf_add(&p->item, head, sizeof(head));
	f->open[f->nopen++] = p;
	return read_next(f, err);
}

static int close_part(struct casg_fastachunks *f, size_t i, struct casg_err *err)
{
	struct part *p = f->open[i];
	int rc = casg_buf_check(&p->item, err);

	if (!rc)
		rc = casg_extsort_add(f->residues, p->item.data, p->item.len, err);
	free_part(p);
	f->open[i] = f->open[--f->nopen];
	return rc;
}

static int open_parts(struct casg_fastachunks *f, uint64_t before, struct casg_err *err)
{
	int rc = 0;

	while (!rc && f->has_next && f->next.ordinal == f->ordinal &&
	       (f->next.start < before || (!f->next.n && f->next.start == before)))
		rc = open_part(f, err);
	return rc;
}

/* The pieces of a long sequence do not overlap as a rule: one or two are open. */
static int part_residues(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	struct casg_fastachunks *f = ctx;
	int rc = open_parts(f, f->length + n, err);

	for (size_t i = 0; i < f->nopen && !rc; ) {
		struct part *q = f->open[i];
		uint64_t skip = q->start + q->at - f->length, take = q->n - q->at;

		if (take > n - skip)
			take = n - skip;
		casg_buf_add(&q->item, p + skip, (size_t)take);
		q->at += take;
		if (q->at < q->n)
			i++;
		else
			rc = close_part(f, i, err);
	}
	f->length += n;
	return rc;
}

/* What is open still is of a file that was longer when it was read first. */
static int part_end(void *ctx, uint64_t nresidues, const char *pres, size_t preslen,
		    struct casg_err *err)
{
	struct casg_fastachunks *f = ctx;
	int rc = open_parts(f, nresidues, err);

	(void)pres;
	(void)preslen;
	while (f->nopen && !rc)
		rc = close_part(f, f->nopen - 1, err);
	f->ordinal++;
	while (!rc && f->has_next && f->next.ordinal < f->ordinal)
		rc = read_next(f, err);
	return rc;
}

/* ---- chunks ---- */

struct making {
	struct casg_buf residues, out;
	size_t *at;               /* where each member begins */
	struct casg_slice *members;
	size_t n, cap_at, cap_members;
	uint32_t chunk;
};

/* Bases, with so few others that two bits are worth trying? */
static int looks_dna(const struct casg_buf *b)
{
	uint64_t nother, nruns;

	casg_dna_scan(b->data, b->len, &nother, &nruns);
	return nother * 4 <= b->len && nruns * 16 <= b->len;
}

/* All members of a chunk are there; it is made if they are what its id says. */
static int make_chunk(struct casg_fastachunks *f, struct making *m, casg_fastachunks_made_fn *made,
		      void *ctx, struct casg_err *err)
{
	struct wanted *w = &f->v[m->chunk];
	struct casg_oid id;
	int rc = casg_buf_check(&m->residues, err);

	if (rc || m->n != w->nmembers)
		return rc;
	if (CASG_GROW(m->members, m->n, m->cap_members))
		return casg_err_nomem(err);
	for (size_t i = 0; i < m->n; i++) {
		size_t end = i + 1 < m->n ? m->at[i + 1] : m->residues.len;

		m->members[i] = (struct casg_slice){ casg_buf_chars(&m->residues) + m->at[i],
						     end - m->at[i] };
	}
	casg_buf_reset(&m->out);
	rc = casg_chunk_encode(f->coder, CASG_CHUNK_SEQ, looks_dna(&m->residues), f->o.level,
			       m->members, (uint32_t)m->n, NULL, &m->out, &id, err);
	if (rc || !casg_oid_eq(&id, &w->id))
		return rc;
	w->has = 1;
	return made(ctx, m->chunk, &m->out, err);
}

static int make_chunks(struct casg_fastachunks *f, struct making *m, casg_fastachunks_made_fn *made,
		       void *ctx, struct casg_err *err)
{
	const uint8_t *p;
	size_t n;
	int rc;

	while ((rc = casg_extsort_next(f->residues, &p, &n, err)) > 0) {
		if (m->n && casg_get_be32(p) != m->chunk) {
			rc = make_chunk(f, m, made, ctx, err);
			if (rc)
				return rc;
			m->n = 0;
			casg_buf_reset(&m->residues);
		}
		m->chunk = casg_get_be32(p);
		if (CASG_GROW(m->at, m->n + 1, m->cap_at))
			return casg_err_nomem(err);
		m->at[m->n++] = m->residues.len;
		casg_buf_add(&m->residues, p + 8, n - 8);
	}
	return rc || !m->n ? rc : make_chunk(f, m, made, ctx, err);
}

int casg_fastachunks_make(struct casg_fastachunks *f, casg_fastachunks_made_fn *made, void *ctx,
			  struct casg_err *err)
{
	const struct casg_fasta_handler h = {
		.ctx = f, .facts = on_facts, .begin = on_begin, .residues = part_residues,
		.end = part_end,
	};
	struct making m = { .residues = CASG_BUF_INIT, .out = CASG_BUF_INIT };
	int rc;

	for (size_t i = 0; i < f->n; i++)
		f->v[i].has = 0;
	f->residues = casg_extsort_new(f->o.tmp_dir, (size_t)f->o.memory_nbytes / 2, NULL, err);
	if (!f->residues)
		return CASG_ENOMEM;
	f->ordinal = 0;
	rc = read_next(f, err);
	if (!rc && f->has_next)
		rc = casg_fasta_from_files(f->o.paths, f->o.npaths, &h, NULL, NULL, NULL, err);
	if (!rc)
		rc = casg_extsort_finish(f->residues, err);
	if (!rc)
		rc = make_chunks(f, &m, made, ctx, err);
	casg_buf_release(&m.residues);
	casg_buf_release(&m.out);
	free(m.at);
	free(m.members);
	return rc;
}
