#include "chain.h"

#include <stdlib.h>

#include "array.h"
#include "oidmap.h"

#define NONE SIZE_MAX

/* A VERSION in the history, by its Git blob. */
struct text {
	char blob[CASG_GITID_SIZE];
	struct casg_oid id;
	size_t version;         /* in the chain, or NONE */
	int read;               /* id is known */
	int bad;                /* and it is no version: said already */
};

struct commit {
	char commit[CASG_GITID_SIZE];
	size_t text;            /* or NONE */
	int brings;
};

struct check {
	struct casg_refs *refs;
	const struct casg_chain_query *q;
	struct casg_chain *out;
	casg_chain_fault_fn *fault;
	void *ctx;
	struct text *texts;
	size_t ntexts, cap_texts;
	struct commit *commits;
	size_t ncommits, cap_commits;
	struct casg_oidset blobs;  /* Git's ids, padded, in the order of texts */
	struct casg_oidmap ids;    /* version id to text */
};

static void report(struct check *k, int code, const struct casg_err *err)
{
	k->fault(k->ctx, code, err->msg);
}

/* ---- the history --------------------------------------------------------- */

static void pad_hex(struct casg_oid *out, const char *hex)
{
	size_t n = strlen(hex) / 2;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < n && i < sizeof(out->b); i++) {
		int hi = hex[2 * i], lo = hex[2 * i + 1];

		out->b[i] = (uint8_t)((hi > '9' ? hi - 'a' + 10 : hi - '0') << 4 |
				      (lo > '9' ? lo - 'a' + 10 : lo - '0'));
	}
}

static int find_text(struct check *k, const char *blob, size_t *out, struct casg_err *err)
{
	struct casg_oid key;

	pad_hex(&key, blob);
	if (casg_oidset_find(&k->blobs, &key, out))
		return 0;
	if (CASG_GROW(k->texts, k->ntexts + 1, k->cap_texts))
		return casg_err_nomem(err);
	if (casg_oidset_add(&k->blobs, &key, err) < 0)
		return CASG_ENOMEM;
	*out = k->ntexts;
	memset(&k->texts[k->ntexts], 0, sizeof(*k->texts));
	strcpy(k->texts[k->ntexts].blob, blob);
	k->texts[k->ntexts++].version = NONE;
	return 0;
}

static int on_step(void *ctx, const struct casg_step *s, struct casg_err *err)
{
	struct check *k = ctx;
	struct commit *c;
	int rc = 0;

	if (CASG_GROW(k->commits, s->number + 1, k->cap_commits))
		return casg_err_nomem(err);
	c = &k->commits[s->number];
	k->ncommits = s->number + 1;
	strcpy(c->commit, s->commit);
	c->text = NONE;
	if (s->version)
		rc = find_text(k, s->version, &c->text, err);
	c->brings = c->text != NONE;
	for (size_t i = 0; i < s->nparents; i++)
		if (k->commits[s->parents[i]].text == c->text)
			c->brings = 0;
	return rc;
}

static int read_text(struct check *k, size_t i, struct casg_buf *out, struct casg_err *err)
{
	casg_buf_reset(out);
	return casg_refs_blob(k->refs, k->texts[i].blob, CASG_VERSION_MAX_BYTES, out, err);
}

/* The ids of all of them, whatever they hold. */
static int read_ids(struct check *k, struct casg_err *err)
{
	struct casg_buf text = CASG_BUF_INIT;
	int rc = 0;

	for (size_t i = 0; i < k->ntexts && !rc; i++) {
		struct casg_err why = CASG_ERR_INIT;
		int r = read_text(k, i, &text, &why);

		if (r) {
			/* it may be the one that another names */
			report(k, r == CASG_ECORRUPT ? CASG_ECORRUPT : CASG_EABSENT, &why);
			continue;
		}
		rc = casg_version_id(text.data, text.len, &k->texts[i].id, err);
		if (!rc)
			rc = casg_oidmap_set(&k->ids, &k->texts[i].id, i, err);
		k->texts[i].read = 1;
	}
	casg_buf_release(&text);
	return rc;
}

/* ---- the chain ----------------------------------------------------------- */

/* Decode text i into the chain.  What is wrong with it is a fault. */
static int add_version(struct check *k, size_t i, struct casg_err *err)
{
	struct casg_chain *out = k->out;
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_err why = CASG_ERR_INIT;
	struct casg_chain_version *v;
	char hex[CASG_OID_HEXSZ + 1];
	int rc;

	if (CASG_GROW(out->versions, out->nversions + 1, out->cap_versions))
		return casg_err_nomem(err);
	v = &out->versions[out->nversions];
	casg_version_init(&v->version);
	v->id = k->texts[i].id;
	rc = read_text(k, i, &text, &why);
	if (!rc)
		rc = casg_version_decode(&v->version, text.data, text.len, &why);
	casg_buf_release(&text);
	if (rc == CASG_ENOMEM)
		return casg_err_nomem(err);
	if (rc) {
		casg_err_prefix(&why, "version %s", casg_oid_hex(&k->texts[i].id, hex));
		k->texts[i].bad = 1;
		report(k, rc == CASG_ECORRUPT || rc == CASG_ENOTOURS ? CASG_ECORRUPT
								     : CASG_EABSENT, &why);
		return 0;
	}
	v->in_range = v->version.sequence_time >= k->q->from &&
		      v->version.sequence_time <= k->q->to;
	k->texts[i].version = out->nversions++;
	return 0;
}

static void report_missing(struct check *k, const struct casg_oid *id,
			   const struct casg_oid *named_by)
{
	char hex[CASG_OID_HEXSZ + 1], by[CASG_OID_HEXSZ + 1];
	struct casg_err why = CASG_ERR_INIT;

	casg_err_set(&why, CASG_ECORRUPT,
		     "version %s, which %s names as the one before it, is in no commit of the history%s",
		     casg_oid_hex(id, hex), casg_oid_hex(named_by, by),
		     k->q->shallow ? ", which is shallow" : "");
	report(k, k->q->shallow ? CASG_EABSENT : CASG_ECORRUPT, &why);
}

/* From the version that is text 'tip'; the chain itself is the queue. */
static int follow(struct check *k, size_t tip, struct casg_err *err)
{
	int rc = add_version(k, tip, err);

	for (size_t at = 0; at < k->out->nversions && !rc; at++)
		for (size_t i = 0; i < k->out->versions[at].version.nprevious && !rc; i++) {
			/* versions may move when one is added */
			const struct casg_chain_version *v = &k->out->versions[at];
			const struct casg_oid *id = &v->version.previous[i];
			uint64_t text;

			if (!casg_oidmap_get(&k->ids, id, &text)) {
				if (v->version.sequence_time >= k->q->from)
					report_missing(k, id, &v->id);
			} else if (k->texts[text].version == NONE && !k->texts[text].bad) {
				rc = add_version(k, (size_t)text, err);
			}
		}
	return rc;
}

/* ---- trailers ------------------------------------------------------------ */

struct trailers {
	struct check *k;
	const struct commit *c;
	int right;
};

static int on_trailer(void *ctx, const char *value, struct casg_err *err)
{
	struct trailers *t = ctx;
	struct check *k = t->k;
	struct casg_err why = CASG_ERR_INIT;
	char hex[CASG_OID_HEXSZ + 1] = "-";
	struct casg_oid said;
	uint64_t other;

	(void)err;
	if (t->c->text != NONE)
		casg_oid_hex(&k->texts[t->c->text].id, hex);
	if (!strcmp(value, hex)) {
		t->right = 1;
		return 0;
	}
	/* a word about a version that is not asked for */
	if (t->c->text == NONE && !casg_oid_parse(&said, value, strlen(value)) &&
	    casg_oidmap_get(&k->ids, &said, &other) && k->texts[other].version != NONE &&
	    !k->out->versions[k->texts[other].version].in_range)
		return 0;
	if (t->c->text == NONE)
		casg_err_set(&why, CASG_ECORRUPT,
			     "commit %s says 'Casg-Version: %s %.80s', but holds no such database",
			     t->c->commit, k->q->database, value);
	else
		casg_err_set(&why, CASG_ECORRUPT,
			     "commit %s says 'Casg-Version: %s %.80s', but its VERSION is %s",
			     t->c->commit, k->q->database, value, hex);
	report(k, CASG_ECORRUPT, &why);
	return 0;
}

static int check_trailers(struct check *k, uint8_t *said, struct casg_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < k->ncommits && !rc; i++) {
		const struct commit *c = &k->commits[i];
		struct trailers t = { k, c, 0 };
		size_t v = c->text == NONE ? NONE : k->texts[c->text].version;

		/* versions that are not in the chain are nobody's concern here */
		if (c->text != NONE && (v == NONE || !k->out->versions[v].in_range))
			continue;
		rc = casg_refs_trailers(k->refs, c->commit, k->q->database, on_trailer, &t, err);
		if (rc || !c->brings)
			continue;
		said[v] |= (uint8_t)t.right;
		if (CASG_GROW(k->out->commits, k->out->ncommits + 1, k->out->cap_commits))
			return casg_err_nomem(err);
		strcpy(k->out->commits[k->out->ncommits].commit, c->commit);
		k->out->commits[k->out->ncommits++].version = v;
	}
	return rc;
}

static void report_unsaid(struct check *k, const uint8_t *said)
{
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_err why = CASG_ERR_INIT;

	for (size_t i = 0; i < k->out->nversions; i++) {
		if (!k->out->versions[i].in_range || said[i])
			continue;
		casg_err_set(&why, CASG_ECORRUPT,
			     "no commit that brings version %s says so in a Casg-Version trailer",
			     casg_oid_hex(&k->out->versions[i].id, hex));
		report(k, CASG_ECORRUPT, &why);
	}
}

/* ---- all of it ----------------------------------------------------------- */

static int check(struct check *k, struct casg_err *err)
{
	size_t tip = NONE;
	uint8_t *said;
	int rc = casg_refs_history(k->refs, k->q->rev, 0, k->q->database, on_step, k, err);

	if (rc)
		return rc;
	/* all others can be reached from it, so it came last */
	if (k->ncommits)
		tip = k->commits[k->ncommits - 1].text;
	if (tip == NONE)
		return casg_err_set(err, CASG_EABSENT, "there is no database '%s' in '%s'",
				    k->q->database, k->q->rev);
	rc = read_ids(k, err);
	if (!rc && k->texts[tip].read)
		rc = follow(k, tip, err);
	if (rc)
		return rc;
	said = calloc(k->out->nversions + 1, 1);
	if (!said)
		return casg_err_nomem(err);
	rc = check_trailers(k, said, err);
	if (!rc)
		report_unsaid(k, said);
	for (size_t i = 0; i < k->ntexts; i++)
		k->out->nstray += k->texts[i].version == NONE;
	free(said);
	return rc;
}

int casg_chain_check(struct casg_refs *refs, const struct casg_chain_query *q,
		     struct casg_chain *out, casg_chain_fault_fn *fault, void *ctx,
		     struct casg_err *err)
{
	struct check k = {
		.refs = refs, .q = q, .out = out, .fault = fault, .ctx = ctx,
		.blobs = CASG_OIDSET_INIT, .ids = CASG_OIDMAP_INIT,
	};
	int rc;

	memset(out, 0, sizeof(*out));
	rc = check(&k, err);
	casg_oidset_release(&k.blobs);
	casg_oidmap_release(&k.ids);
	free(k.texts);
	free(k.commits);
	return rc;
}

void casg_chain_release(struct casg_chain *c)
{
	for (size_t i = 0; i < c->nversions; i++)
		casg_version_release(&c->versions[i].version);
	free(c->versions);
	free(c->commits);
	memset(c, 0, sizeof(*c));
}
