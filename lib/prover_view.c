#include "prover_in.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "classify.h"
#include "oidset.h"
#include "view.h"

/* A record of a tree that the proof needs, and if its description is meant. */
struct need {
	uint64_t rank;
	uint8_t text;
};

struct needs {
	struct need *v;
	size_t n, cap;
};

/* What a tree was found to have under a key: neighbouring records ask the same. */
struct answer {
	size_t at, n;               /* in the text */
	int found;
};

struct asked {
	const struct casg_version *v; /* NULL: the mapping */
	struct casg_oid root;
	struct casg_treer *tree;      /* NULL: not asked yet */
	struct needs needs;
	struct casg_oidset keys;      /* SHA-256 of each key; answers are in its order */
	struct answer *answers;
	size_t cap_answers;
	struct casg_buf text;
};

struct proving {
	const struct casg_prover *p;
	const struct casg_prove_view *view;
	struct casg_hasher *h;
	struct asked trees[2];        /* by enum casg_classify_tree */
	struct needs records;
	struct casg_classified out;
	uint64_t nbare;
};

static int add_need(struct needs *s, uint64_t rank, int text, struct casg_err *err)
{
	if (CASG_GROW(s->v, s->n + 1, s->cap))
		return casg_err_nomem(err);
	s->v[s->n++] = (struct need){ rank, (uint8_t)text };
	return 0;
}

static int cmp_need(const void *a, const void *b)
{
	const struct need *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (int)y->text - (int)x->text;
}

/* ---- what a classifier asks ---------------------------------------------- */

static int open_asked(const struct proving *pr, struct asked *a, struct casg_err *err)
{
	if (!a->tree)
		a->tree = a->v ? casg_prover_tree(pr->p, a->v, err) :
			  casg_treer_open(pr->p->store, casg_prover_coder(pr->p), &a->root, err);
	return a->tree ? 0 : err->code;
}

/* The record, or those between which it would stand. */
static int look_up(struct asked *a, const char *key, size_t klen, struct answer *out,
		   struct casg_err *err)
{
	uint64_t rank = casg_treer_count(a->tree);
	struct casg_entry e;
	struct casg_loc loc;
	int rc = casg_treer_seek(a->tree, key, klen, err);

	*out = (struct answer){ a->text.len, 0, 0 };
	if (!rc)
		rc = casg_treer_next(a->tree, &e, &loc, err);
	if (rc < 0)
		return rc;
	if (rc) {
		rank = casg_treer_rank(a->tree);
		out->found = e.klen == klen && !memcmp(e.key, key, klen);
		rc = add_need(&a->needs, rank, out->found, err);
		if (rc)
			return rc;
	}
	if (!out->found)
		return rank ? add_need(&a->needs, rank - 1, 0, err) : 0;
	out->n = (size_t)e.dlen;
	casg_buf_add(&a->text, e.desc, out->n);
	return casg_buf_check(&a->text, err);
}

static int get_stored(void *ctx, enum casg_classify_tree tree, const char *key, size_t klen,
		      struct casg_taxstr *desc_out, struct casg_err *err)
{
	struct proving *pr = ctx;
	struct asked *a = &pr->trees[tree];
	struct casg_oid id;
	size_t i;
	int rc;

	casg_hasher_digest(pr->h, key, klen, &id);
	if (!casg_oidset_find(&a->keys, &id, &i)) {
		i = a->keys.n;
		if (CASG_GROW(a->answers, i + 1, a->cap_answers))
			return casg_err_nomem(err);
		rc = open_asked(pr, a, err);
		if (!rc)
			rc = look_up(a, key, klen, &a->answers[i], err);
		if (!rc)
			rc = casg_oidset_add(&a->keys, &id, err);
		if (rc < 0)
			return rc;
	}
	*desc_out = (struct casg_taxstr){
		casg_buf_chars(&a->text) + a->answers[i].at, a->answers[i].n
	};
	return a->answers[i].found;
}

/* ---- the proof ------------------------------------------------------------ */

/* Classify the record of a rank. */
static int add_record(struct proving *pr, struct casg_treer *t, uint64_t rank,
		      struct casg_err *err)
{
	const struct casg_classifier c = {
		.from = pr->view->from, .has_mapping = pr->view->taxonomy->has_mapping,
		.get = get_stored, .ctx = pr
	};
	struct casg_entry e;
	struct casg_loc loc;
	int rc = casg_treer_seek_rank(t, rank, err);

	if (!rc)
		rc = casg_treer_next(t, &e, &loc, err);
	if (!rc)
		rc = casg_err_set(err, CASG_EBUG, "there is no such record");
	if (rc < 0)
		return rc;
	rc = casg_classify(&c, e.key, e.klen, e.desc, (size_t)e.dlen, &pr->out, err);
	if (rc)
		return casg_err_prefix(err, "'%.*s'", (int)(e.klen < 200 ? e.klen : 200), e.key);
	pr->nbare += !pr->out.ntaxa;
	return add_need(&pr->records, rank, 1, err);
}

static int put_tree(const struct proving *pr, const struct casg_oid *root, struct needs *s,
		    struct casg_buf *out, struct casg_err *err)
{
	uint64_t *ranks = malloc(s->n * sizeof(*ranks) + 1);
	uint8_t *texts = malloc(s->n + 1);
	size_t n = 0;
	int rc;

	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), cmp_need);
	for (size_t i = 0; ranks && texts && i < s->n; i++) {
		/* of the same the one with its text comes first */
		if (n && ranks[n - 1] == s->v[i].rank)
			continue;
		ranks[n] = s->v[i].rank;
		texts[n++] = s->v[i].text;
	}
	rc = ranks && texts ? casg_prooftree_put(pr->p, root, ranks, texts, n, out, err) :
	     casg_err_nomem(err);
	free(ranks);
	free(texts);
	return rc;
}

static int put_all(struct proving *pr, const char *key, size_t klen, size_t start,
		   struct casg_buf *out, struct casg_err *err)
{
	const struct casg_proof_claim claim = {
		.kind = CASG_CLAIM_VIEW, .key = key, .klen = klen, .from = pr->view->from
	};
	struct casg_oid ids[2], id;
	int rc;

	casg_proof_put_claim(out, &claim);
	rc = casg_prover_put_version(pr->view->sequence, &ids[0], pr->h, out, err);
	if (!rc)
		rc = put_tree(pr, &pr->view->sequence->records, &pr->records, out, err);
	if (!rc)
		rc = casg_prover_put_version(pr->view->taxonomy, &ids[1], pr->h, out, err);
	for (int k = 0; !rc && k < 2; k++) {
		struct asked *a = &pr->trees[k];

		if (!a->tree)
			continue;
		if (!a->v)
			casg_proof_put_mapping(out);
		rc = put_tree(pr, &a->root, &a->needs, out, err);
	}
	if (!rc)
		rc = casg_view_id(&ids[0], &ids[1], &id, err);
	return rc ? rc : casg_prover_finish(pr->p, &id, start, out, err);
}

static void begin(struct proving *pr, const struct casg_prover *p,
		  const struct casg_prove_view *view)
{
	memset(pr, 0, sizeof(*pr));
	pr->p = p;
	pr->view = view;
	pr->h = casg_coder_hasher(casg_prover_coder(p));
	pr->trees[CASG_IN_TAXONOMY].v = view->taxonomy;
	pr->trees[CASG_IN_TAXONOMY].root = view->taxonomy->records;
	pr->trees[CASG_IN_MAPPING].root = view->taxonomy->mapping;
}

static void end(struct proving *pr)
{
	for (int k = 0; k < 2; k++) {
		struct asked *a = &pr->trees[k];

		casg_treer_free(a->tree);
		free(a->needs.v);
		casg_oidset_release(&a->keys);
		free(a->answers);
		casg_buf_release(&a->text);
	}
	free(pr->records.v);
	casg_classified_release(&pr->out);
}

int casg_prove_view_key(const struct casg_prover *p, const struct casg_prove_view *view,
			const char *key, size_t klen, struct casg_buf *out,
			uint64_t *nrecords_out, uint64_t *nbare_out, struct casg_err *err)
{
	struct casg_treer *t = casg_prover_tree(p, view->sequence, err);
	size_t start = out->len, n = 0, nbefore;
	uint64_t *ranks = NULL;
	struct proving pr;
	int rc;

	if (!t)
		return err->code;
	begin(&pr, p, view);
	rc = casg_prover_key_ranks(t, key, klen, &ranks, &n, &nbefore, nrecords_out, err);
	if (!rc && *nrecords_out) {
		for (size_t i = 0; !rc && i < n; i++)
			rc = i >= nbefore && i < nbefore + *nrecords_out ?
			     add_record(&pr, t, ranks[i], err) :
			     add_need(&pr.records, ranks[i], 0, err);
		if (!rc)
			rc = put_all(&pr, key, klen, start, out, err);
	} else if (!rc) {
		rc = 1;
	}
	*nbare_out = pr.nbare;
	free(ranks);
	end(&pr);
	casg_treer_free(t);
	return rc;
}

int casg_prove_view_records(const struct casg_prover *p, const struct casg_prove_view *view,
			    uint64_t *ranks, size_t nranks, struct casg_buf *out,
			    uint64_t *nbare_out, struct casg_err *err)
{
	struct casg_treer *t = casg_prover_tree(p, view->sequence, err);
	size_t start = out->len;
	struct proving pr;
	int rc = 0;

	if (!t)
		return err->code;
	begin(&pr, p, view);
	for (size_t i = 0; !rc && i < nranks; i++)
		rc = add_record(&pr, t, ranks[i], err);
	if (!rc)
		rc = put_all(&pr, NULL, 0, start, out, err);
	*nbare_out = pr.nbare;
	end(&pr);
	casg_treer_free(t);
	return rc;
}
