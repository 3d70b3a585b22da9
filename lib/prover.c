#include "prover.h"

#include <stdlib.h>

#include "lookup.h"
#include "oidset.h"
#include "proofcheck.h"
#include "prover_in.h"

/* ---- proofs ------------------------------------------------------------ */

struct casg_treer *casg_prover_tree(const struct casg_prover *p, const struct casg_version *v,
				    struct casg_err *err)
{
	struct casg_treer *t = casg_treer_open(p->store, casg_prover_coder(p), &v->records, err);

	if (t && casg_treer_count(t) != v->count) {
		casg_err_set(err, CASG_ECORRUPT,
			     "the tree holds other records than the version counts");
		casg_treer_free(t);
		return NULL;
	}
	return t;
}

int casg_prover_put_version(const struct casg_version *v, struct casg_oid *id_out,
			    struct casg_hasher *h, struct casg_buf *out, struct casg_err *err)
{
	struct casg_buf text = CASG_BUF_INIT;
	int rc = casg_version_encode(v, &text, err);

	if (!rc) {
		casg_hasher_digest(h, text.data, text.len, id_out);
		casg_proof_put_version(out, text.data, text.len);
	}
	casg_buf_release(&text);
	return rc;
}

int casg_prover_finish(const struct casg_prover *p, const struct casg_oid *id, size_t start,
		       struct casg_buf *out, struct casg_err *err)
{
	struct casg_hasher *h = casg_coder_hasher(casg_prover_coder(p));
	struct casg_proof proof;
	int rc;

	casg_proof_put_end(out, start, h);
	rc = casg_buf_check(out, err);
	if (rc)
		return rc;
	casg_proof_init(&proof);
	rc = casg_proof_decode(&proof, out->data + start, out->len - start, h, err);
	if (!rc)
		rc = casg_proof_check(&proof, id, h, err);
	if (!rc)
		err->code = rc = CASG_ECORRUPT;
	if (rc < 0 && rc != CASG_ENOMEM)
		casg_err_prefix(err, "the version cannot be proved to hold this");
	casg_proof_release(&proof);
	return rc;
}

static int cmp_rank(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A claim about records of given ranks. */
static int prove_ranks(const struct casg_prover *p, const struct casg_version *v,
		       const struct casg_proof_claim *claim, uint64_t *ranks, size_t nranks,
		       struct casg_buf *out, struct casg_err *err)
{
	struct casg_treer *t = casg_prover_tree(p, v, err);
	size_t start = out->len, n = 0;
	struct casg_oid id;
	int rc;

	if (!t)
		return err->code;
	qsort(ranks, nranks, sizeof(*ranks), cmp_rank);
	for (size_t i = 0; i < nranks; i++)
		if (!n || ranks[n - 1] != ranks[i])
			ranks[n++] = ranks[i];
	casg_proof_put_claim(out, claim);
	rc = casg_prover_put_version(v, &id, casg_coder_hasher(casg_prover_coder(p)), out, err);
	if (!rc)
		rc = casg_prooftree_put(p, &v->records, ranks, NULL, n, out, err);
	casg_treer_free(t);
	return rc ? rc : casg_prover_finish(p, &id, start, out, err);
}

int casg_prove_records(const struct casg_prover *p, const struct casg_version *v,
		       uint64_t *ranks, size_t nranks, struct casg_buf *out,
		       struct casg_err *err)
{
	const struct casg_proof_claim claim = { .kind = CASG_CLAIM_RECORDS };

	return prove_ranks(p, v, &claim, ranks, nranks, out, err);
}

int casg_prove_sequence(const struct casg_prover *p, const struct casg_version *v,
			const struct casg_oid *id, uint64_t rank, struct casg_buf *out,
			struct casg_err *err)
{
	const struct casg_proof_claim claim = { .kind = CASG_CLAIM_SEQUENCE, .id = *id };

	return prove_ranks(p, v, &claim, &rank, 1, out, err);
}

/* ---- by key ------------------------------------------------------------ */

int casg_prover_key_ranks(struct casg_treer *t, const char *key, size_t klen,
			  uint64_t **ranks_out, size_t *n_out, size_t *nbefore_out,
			  uint64_t *nrecords_out, struct casg_err *err)
{
	uint64_t first = casg_treer_count(t), n = 0, end;
	struct casg_entry e;
	uint32_t pack;
	int rc = casg_treer_seek(t, key, klen, err);

	while (!rc && (rc = casg_treer_next_raw(t, &e, &pack, err)) > 0) {
		if (!n)
			first = casg_treer_rank(t);
		if (e.klen != klen || memcmp(e.key, key, klen))
			break;
		n++;
		rc = 0;
	}
	if (rc < 0)
		return rc;
	*nrecords_out = n;
	end = first + n + (first + n < casg_treer_count(t));
	*nbefore_out = first > 0;
	first -= first > 0;
	*n_out = 0;
	*ranks_out = malloc((size_t)(end - first + 1) * sizeof(**ranks_out));
	if (!*ranks_out)
		return casg_err_nomem(err);
	while (first < end)
		(*ranks_out)[(*n_out)++] = first++;
	return 0;
}

/* A version and what it says of the key. */
static int put_answer(const struct casg_prover *p, const struct casg_version *v,
		      const char *key, size_t klen, struct casg_buf *out,
		      uint64_t *nrecords_out, struct casg_err *err)
{
	struct casg_treer *t = casg_prover_tree(p, v, err);
	uint64_t *ranks = NULL;
	size_t n, nbefore;
	int rc;

	if (!t)
		return err->code;
	rc = casg_prover_key_ranks(t, key, klen, &ranks, &n, &nbefore, nrecords_out, err);
	if (!rc)
		rc = casg_prooftree_put(p, &v->records, ranks, NULL, n, out, err);
	free(ranks);
	casg_treer_free(t);
	return rc;
}

int casg_prove_key(const struct casg_prover *p, const struct casg_version *v,
		   const char *key, size_t klen, struct casg_buf *out,
		   uint64_t *nrecords_out, struct casg_err *err)
{
	const struct casg_proof_claim claim = {
		.kind = CASG_CLAIM_KEY, .key = key, .klen = klen
	};
	size_t start = out->len;
	struct casg_oid id;
	int rc;

	casg_proof_put_claim(out, &claim);
	rc = casg_prover_put_version(v, &id, casg_coder_hasher(casg_prover_coder(p)), out, err);
	if (!rc)
		rc = put_answer(p, v, key, klen, out, nrecords_out, err);
	return rc ? rc : casg_prover_finish(p, &id, start, out, err);
}

int casg_prove_history(const struct casg_prover *p, const struct casg_version *v,
		       int64_t since, const char *key, size_t klen,
		       casg_version_text_fn *text, void *ctx, struct casg_buf *out,
		       struct casg_err *err)
{
	const struct casg_proof_claim claim = {
		.kind = CASG_CLAIM_HISTORY, .key = key, .klen = klen, .since = since
	};
	struct casg_hasher *h = casg_coder_hasher(casg_prover_coder(p));
	struct casg_oidset chain = CASG_OIDSET_INIT;
	struct casg_buf first = CASG_BUF_INIT;
	size_t start = out->len, nanswers = 0;
	struct casg_version at;
	struct casg_oid id;
	uint64_t unused;
	int rc = casg_version_encode(v, &first, err);

	casg_version_init(&at);
	casg_proof_put_claim(out, &claim);
	if (!rc) {
		casg_hasher_digest(h, first.data, first.len, &id);
		rc = casg_oidset_add(&chain, &id, err);
	}
	for (size_t i = 0; rc >= 0 && i < chain.n; i++) {
		const char *s = (const char *)first.data;
		size_t n = first.len;

		rc = i ? text(ctx, &chain.ids[i], &s, &n, err) : 0;
		if (!rc)
			rc = casg_version_decode(&at, (const uint8_t *)s, n, err);
		if (!rc)
			casg_proof_put_version(out, s, n);
		if (!rc && at.sequence_time >= since) {
			rc = put_answer(p, &at, key, klen, out, &unused, err);
			nanswers++;
		}
		for (size_t k = 0; rc >= 0 && k < at.nprevious; k++)
			rc = casg_oidset_add(&chain, &at.previous[k], err);
	}
	casg_version_release(&at);
	casg_oidset_release(&chain);
	casg_buf_release(&first);
	if (rc < 0)
		return rc;
	if (!nanswers) {
		casg_err_set(err, CASG_OK, "no version is as new as that");
		return 0;
	}
	return casg_prover_finish(p, &id, start, out, err);
}

/* ---- by chunk ---------------------------------------------------------- */

/* The first record of each of the ids. */
struct firsts {
	struct casg_treer *tree;
	uint64_t *rank;
	uint8_t *found;
	size_t nfound;
};

static int note_first(void *ctx, size_t which, const struct casg_entry *e,
		      const struct casg_loc *loc, struct casg_err *err)
{
	struct firsts *f = ctx;

	(void)e;
	(void)loc;
	(void)err;
	if (!f->found[which]) {
		f->found[which] = 1;
		f->rank[which] = casg_treer_rank(f->tree);
		f->nfound++;
	}
	return 0;
}

/* The chunk's members; 0 when it is none of sequences. */
static int chunk_members(const struct casg_prover *p, const struct casg_oid *id,
			 struct casg_oid **members_out, size_t *n_out,
			 struct casg_err *err)
{
	const struct casg_chunk *ch;
	uint32_t pack, chunk;
	int rc = casg_store_find_chunk(p->store, id, &pack, &chunk, err);

	if (rc <= 0) {
		if (!rc)
			casg_err_set(err, CASG_OK, "the chunk is in no pack here");
		return rc;
	}
	rc = casg_store_get(p->store, casg_prover_coder(p), pack, chunk, &ch, err);
	if (rc)
		return rc;
	if (ch->kind != CASG_CHUNK_SEQ) {
		casg_err_set(err, CASG_OK, "the chunk holds %s",
			     casg_chunk_kind_name(ch->kind));
	} else if ((*members_out = malloc((ch->nmembers + 1u) * sizeof(**members_out)))) {
		memcpy(*members_out, ch->oids, ch->nmembers * sizeof(**members_out));
		*n_out = ch->nmembers;
		rc = 1;
	} else {
		rc = casg_err_nomem(err);
	}
	casg_store_put(p->store, ch);
	return rc;
}

/* Their distinct ids, for a chunk may hold one twice. */
static int find_members(const struct casg_prover *p, const struct casg_version *v,
			const struct casg_oidset *ids, struct firsts *f,
			struct casg_err *err)
{
	struct casg_treer *t = casg_prover_tree(p, v, err);
	char hex[CASG_OID_HEXSZ + 1];
	size_t i = 0;
	int rc;

	if (!t)
		return err->code;
	f->tree = t;
	rc = casg_lookup_sequences(p->store, casg_prover_coder(p), t, ids->ids, ids->n, note_first,
				   f, err);
	casg_treer_free(t);
	if (rc < 0)
		return rc;
	while (i < ids->n && f->found[i])
		i++;
	if (i == ids->n)
		return 1;
	casg_err_set(err, CASG_OK, "%zu of the %zu sequences of the chunk are in no record, "
		     "such as %s", ids->n - f->nfound, ids->n,
		     casg_oid_hex(&ids->ids[i], hex));
	return 0;
}

int casg_prove_chunk(const struct casg_prover *p, const struct casg_version *v,
		     const struct casg_oid *id, struct casg_buf *out,
		     struct casg_err *err)
{
	struct casg_proof_claim claim = { .kind = CASG_CLAIM_CHUNK, .id = *id };
	struct casg_oidset ids = CASG_OIDSET_INIT;
	struct casg_oid *members = NULL;
	struct firsts f = { 0 };
	int rc = chunk_members(p, id, &members, &claim.nmembers, err);

	claim.members = members;
	for (size_t i = 0; rc >= 0 && i < claim.nmembers; i++)
		rc = casg_oidset_add(&ids, &members[i], err);
	if (rc >= 0 && ids.n) {
		f.rank = calloc(ids.n, sizeof(*f.rank));
		f.found = calloc(ids.n, 1);
		rc = f.rank && f.found ? find_members(p, v, &ids, &f, err) :
		     casg_err_nomem(err);
		if (rc > 0)
			rc = prove_ranks(p, v, &claim, f.rank, ids.n, out, err);
	}
	free(f.rank);
	free(f.found);
	free(members);
	casg_oidset_release(&ids);
	return rc;
}
