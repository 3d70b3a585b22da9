#include "proof_in.h"

#include <stdlib.h>

#include "array.h"
#include "settings.h"

/* ---- lines and words --------------------------------------------------- */

struct parser {
	struct casg_proof *p;
	const char *start, *at, *end;
	const char *word, *eol;  /* of the line in hand: what is next, its end */
	uint64_t line;
	struct casg_err *err;
};

static int bad(struct parser *r, const char *what)
{
	return casg_err_set(r->err, CASG_ECORRUPT, "malformed proof, line %llu: %s",
			    (unsigned long long)r->line, what);
}

/* Take the line at r->at in hand. */
static int next_line(struct parser *r)
{
	r->line++;
	r->eol = r->at < r->end ? memchr(r->at, '\n', (size_t)(r->end - r->at)) : NULL;
	if (!r->eol)
		return bad(r, "the proof is cut short");
	r->word = r->at;
	r->at = r->eol + 1;
	return 0;
}

/* Does the line at r->at begin with this word? */
static int at_word(const struct parser *r, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(r->end - r->at) > n && !memcmp(r->at, word, n) && r->at[n] == ' ';
}

/* The next word of the line, up to SP or (last) the end of the line. */
static int get_word(struct parser *r, int last, const char **p, size_t *n)
{
	const char *sp = memchr(r->word, ' ', (size_t)(r->eol - r->word));

	if ((sp == NULL) != last)
		return -1;
	*p = r->word;
	*n = (size_t)((last ? r->eol : sp) - r->word);
	r->word = last ? r->eol : sp + 1;
	return 0;
}

static int get_keyword(struct parser *r, int last, const char *want)
{
	const char *p;
	size_t n;

	return get_word(r, last, &p, &n) || n != strlen(want) || memcmp(p, want, n) ? -1 : 0;
}

static int get_number(struct parser *r, int last, uint64_t most, uint64_t *v_out)
{
	const char *p;
	uint64_t v = 0;
	size_t n;

	if (get_word(r, last, &p, &n) || !n || n > 20 || (n > 1 && *p == '0'))
		return -1;
	for (; n; n--, p++) {
		unsigned d = (unsigned)(unsigned char)*p - '0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return -1;
		v = v * 10 + d;
	}
	*v_out = v;
	return v > most ? -1 : 0;
}

static int get_u32(struct parser *r, int last, uint32_t *v_out)
{
	uint64_t v = 0;
	int rc = get_number(r, last, UINT32_MAX, &v);

	*v_out = (uint32_t)v;
	return rc;
}

static int get_oid(struct parser *r, int last, struct casg_oid *id)
{
	const char *p;
	size_t n;

	return get_word(r, last, &p, &n) ? -1 : casg_oid_parse(id, p, n);
}

static int is_white(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Bytes of the key that 'p' begins with; -1: NUL, or too long. */
static long key_length(const char *p, const char *end)
{
	const char *q = p;

	while (q < end && *q && !is_white((unsigned char)*q))
		q++;
	return (q < end && !*q) || q - p > CASG_KEY_MAX ? -1 : (long)(q - p);
}

/* A key that fills its word. */
static int get_key(struct parser *r, int last, const char **key, size_t *klen)
{
	return get_word(r, last, key, klen) ||
	       key_length(*key, *key + *klen) != (long)*klen ? -1 : 0;
}

/* ---- the tree ---------------------------------------------------------- */

static int decode_record(struct parser *r, struct casg_entry *e)
{
	long klen;

	memset(e, 0, sizeof(*e));
	if (get_keyword(r, 0, "record") || get_u32(r, 0, &e->occurrence) ||
	    get_oid(r, 0, &e->oid) || get_number(r, 0, UINT64_MAX, &e->length))
		return bad(r, "not a record");
	e->key = r->word;
	klen = key_length(r->word, r->eol);
	if (klen < 0)
		return bad(r, "a key is too long, or holds NUL");
	e->klen = (size_t)klen;
	e->desc = e->key + klen;
	e->dlen = (uint64_t)(r->eol - e->desc);
	if (e->dlen > CASG_DESC_INLINE)
		return bad(r, "the description is too long for a record");
	return memchr(e->desc, 0, (size_t)e->dlen) ? bad(r, "a description holds NUL") : 0;
}

static int decode_long_record(struct parser *r, struct casg_entry *e)
{
	memset(e, 0, sizeof(*e));
	if (get_keyword(r, 0, "long-record") || get_u32(r, 0, &e->occurrence) ||
	    get_oid(r, 0, &e->oid) || get_number(r, 0, UINT64_MAX, &e->length) ||
	    get_oid(r, 0, &e->desc_blob) || get_number(r, 0, UINT64_MAX, &e->dlen) ||
	    get_key(r, 1, &e->key, &e->klen))
		return bad(r, "not a long-record");
	return e->dlen <= CASG_DESC_INLINE ?
	       bad(r, "the description is too short for a long-record") : 0;
}

/* A line that begins with this, whatever comes then. */
static int at_text(const struct parser *r, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(r->end - r->at) >= n && !memcmp(r->at, text, n);
}

/* The description of a long-record, in a view. */
static int decode_description(struct parser *r, struct casg_entry *e)
{
	const char *desc;

	if (next_line(r))
		return CASG_ECORRUPT;
	desc = r->word + sizeof(CASG_PROOF_DESCRIPTION) - 1;
	if ((uint64_t)(r->eol - desc) != e->dlen || !is_white((unsigned char)*desc) ||
	    memchr(desc, 0, (size_t)e->dlen))
		return bad(r, "not the description of the long-record");
	e->desc = desc;
	return 0;
}

static int decode_child(struct parser *r, struct casg_child *c)
{
	memset(c, 0, sizeof(*c));
	if (get_keyword(r, 0, "child") || get_number(r, 0, UINT64_MAX, &c->count) ||
	    get_oid(r, 0, &c->id) || get_u32(r, 0, &c->first_occurrence) ||
	    get_u32(r, 0, &c->last_occurrence) || get_key(r, 0, &c->first, &c->first_len) ||
	    get_key(r, 1, &c->last, &c->last_len))
		return bad(r, "not a child");
	return 0;
}

/* One line of a node; *nentries_out: how many entries it stands for. */
static int decode_item(struct parser *r, int level, struct casg_proof_item *it,
		       uint32_t *nentries_out)
{
	struct casg_proof *p = r->p;
	int is_hash = at_word(r, "hash"), is_long = at_word(r, "long-record");

	if (CASG_GROW(p->hashes, p->nhashes + 1, p->cap_hashes) ||
	    CASG_GROW(p->entries, p->nentries + 1, p->cap_entries) ||
	    CASG_GROW(p->children, p->nchildren + 1, p->cap_children))
		return casg_err_nomem(r->err);
	if (next_line(r))
		return CASG_ECORRUPT;
	it->span = 0;
	*nentries_out = 1;
	if (is_hash) {
		it->slot = (uint32_t)p->nhashes;
		if (get_keyword(r, 0, "hash") || get_u32(r, 0, &it->span) || !it->span ||
		    get_oid(r, 1, &p->hashes[p->nhashes++]))
			return bad(r, "not a hash");
		*nentries_out = it->span;
		return 0;
	}
	if (level) {
		it->slot = (uint32_t)p->nchildren;
		return decode_child(r, &p->children[p->nchildren++]);
	}
	it->slot = (uint32_t)p->nentries;
	if (!is_long)
		return decode_record(r, &p->entries[p->nentries++]);
	if (decode_long_record(r, &p->entries[p->nentries++]))
		return CASG_ECORRUPT;
	return p->claim.kind == CASG_CLAIM_VIEW && at_text(r, CASG_PROOF_DESCRIPTION) ?
	       decode_description(r, &p->entries[p->nentries - 1]) : 0;
}

/*
 * Do the items from *it on cover exactly the entries [lo, hi) of the RFC 6962
 * tree, each hash the largest subtree in which nothing is spelled out?
 * Returns 1 for a hash, 2 for anything else, 0 for no.
 */
static int covers(const struct casg_proof_item **it, const struct casg_proof_item *end,
		  uint32_t lo, uint32_t hi)
{
	uint32_t n = hi - lo, k = 1;
	int left, right;

	if (*it == end)
		return 0;
	if ((*it)->span == n) {
		(*it)++;
		return 1;
	}
	if (n == 1)
		return (*it)++->span ? 0 : 2;
	while (2 * k < n)
		k *= 2;
	left = covers(it, end, lo, lo + k);
	right = left ? covers(it, end, lo + k, hi) : 0;
	/* two hashes side by side are one */
	return right && left + right > 2 ? 2 : 0;
}

static int decode_items(struct parser *r, size_t node)
{
	struct casg_proof *p = r->p;
	uint32_t count = p->nodes[node].count, done = 0, n = 0;
	const struct casg_proof_item *it;
	int rc;

	p->nodes[node].first = p->nitems;
	while (done < count) {
		if (CASG_GROW(p->items, p->nitems + 1, p->cap_items))
			return casg_err_nomem(r->err);
		rc = decode_item(r, p->nodes[node].level, &p->items[p->nitems++], &n);
		if (rc)
			return rc;
		if (n > count - done)
			return bad(r, "a hash stands for more entries than are left");
		done += n;
		p->nodes[node].nitems++;
	}
	/* an empty tree has no items at all */
	if (!count)
		return 0;
	it = p->items + p->nodes[node].first;
	if (covers(&it, it + p->nodes[node].nitems, 0, count) != 2)
		return bad(r, "the hashes of a node are not those of its audit paths");
	return 0;
}

/* level -1: the root, of any level */
static int decode_node(struct parser *r, int level)
{
	struct casg_proof *p = r->p;
	struct casg_proof_node *n;
	uint64_t kind, lv, count;
	size_t node = p->nnodes;
	int rc;

	if (CASG_GROW(p->nodes, p->nnodes + 1, p->cap_nodes))
		return casg_err_nomem(r->err);
	if (next_line(r))
		return CASG_ECORRUPT;
	if (get_keyword(r, 0, "node") || get_number(r, 0, 255, &kind) ||
	    get_number(r, 0, CASG_NODE_LEVEL_MAX, &lv) ||
	    get_number(r, 1, CASG_NODE_MAX, &count))
		return bad(r, "not a node");
	if (kind != CASG_NODE_KIND_RECORD)
		return casg_err_set(r->err, CASG_EUNSUPPORTED,
				    "unsupported tree node kind %d", (int)kind);
	if (level >= 0 && lv != (uint64_t)level)
		return bad(r, "a node is of another level than its parent has below it");
	if (!count && (lv || level >= 0))
		return bad(r, "a node is empty");
	n = &p->nodes[p->nnodes++];
	*n = (struct casg_proof_node){ (uint8_t)kind, (uint8_t)lv, (uint32_t)count, 0, 0 };
	rc = decode_items(r, node);
	/* the nodes of the children that are spelled out, in their order */
	for (uint32_t i = 0; !rc && lv && i < p->nodes[node].nitems; i++)
		if (!p->items[p->nodes[node].first + i].span)
			rc = decode_node(r, (int)lv - 1);
	return rc;
}

/* ---- the whole --------------------------------------------------------- */

static int decode_members(struct parser *r)
{
	struct casg_proof *p = r->p;
	size_t cap = 0;

	while (at_word(r, "member")) {
		if (CASG_GROW(p->members, p->claim.nmembers + 1, cap))
			return casg_err_nomem(r->err);
		if (next_line(r) || get_keyword(r, 0, "member") ||
		    get_oid(r, 1, &p->members[p->claim.nmembers++]))
			return bad(r, "not a member");
	}
	p->claim.members = p->members;
	return p->claim.nmembers ? 0 : bad(r, "a chunk without members");
}

/* LIST key KEY, or LIST records */
static int decode_view(struct parser *r, struct casg_proof_claim *c)
{
	char list[64];
	const char *word;
	size_t n;

	if (get_word(r, 0, &word, &n) || n >= sizeof(list))
		return -1;
	memcpy(list, word, n);
	list[n] = '\0';
	if (strlen(list) != n || casg_parse_taxon_from(list, &c->from))
		return -1;
	if (!get_keyword(r, 1, "records"))
		return 0;
	return get_keyword(r, 0, "key") || get_key(r, 1, &c->key, &c->klen);
}

static int decode_claim(struct parser *r)
{
	struct casg_proof_claim *c = &r->p->claim;
	const char *word;
	size_t n;
	int k = 0, rc = 0;

	if (next_line(r))
		return CASG_ECORRUPT;
	if (get_keyword(r, 0, "claim") ||
	    (get_word(r, 0, &word, &n) && get_word(r, 1, &word, &n)))
		return bad(r, "not a claim");
	while (k < CASG_PROOF_NCLAIMS && (strlen(casg_proof_claim_names[k]) != n || memcmp(casg_proof_claim_names[k], word, n)))
		k++;
	if (k == CASG_PROOF_NCLAIMS)
		return bad(r, "an unknown claim");
	c->kind = (enum casg_claim)k;
	if (c->kind == CASG_CLAIM_RECORDS) {
		/* the line has no more words, not even an empty one */
		rc = word + n != r->eol;
	} else if (word + n == r->eol) {
		rc = -1;
	} else if (c->kind == CASG_CLAIM_SEQUENCE || c->kind == CASG_CLAIM_CHUNK) {
		rc = get_oid(r, 1, &c->id);
	} else if (c->kind == CASG_CLAIM_VIEW) {
		rc = decode_view(r, c);
	} else {
		if (c->kind == CASG_CLAIM_HISTORY)
			rc = get_word(r, 0, &word, &n) || casg_time_parse(word, n, &c->since);
		if (!rc)
			rc = get_key(r, 1, &c->key, &c->klen);
	}
	if (rc)
		return bad(r, "a malformed claim");
	return c->kind == CASG_CLAIM_CHUNK ? decode_members(r) : 0;
}

static struct casg_proof_version *add_version(struct parser *r)
{
	struct casg_proof *p = r->p;
	struct casg_proof_version *v;

	if (CASG_GROW(p->versions, p->nversions + 1, p->cap_versions))
		return NULL;
	v = &p->versions[p->nversions++];
	memset(v, 0, sizeof(*v));
	casg_version_init(&v->v);
	v->first_node = p->nnodes;
	v->first_entry = p->nentries;
	return v;
}

/* The tree of the version added last. */
static int decode_tree(struct parser *r)
{
	struct casg_proof *p = r->p;
	struct casg_proof_version *v = &p->versions[p->nversions - 1];
	int rc = decode_node(r, -1);

	v->nnodes = p->nnodes - v->first_node;
	v->nentries = p->nentries - v->first_entry;
	return rc;
}

static int decode_version(struct parser *r)
{
	struct casg_proof_version *v;
	uint64_t nbytes;
	int rc;

	if (next_line(r))
		return CASG_ECORRUPT;
	if (get_keyword(r, 0, "version") ||
	    get_number(r, 1, CASG_VERSION_MAX_BYTES, &nbytes) ||
	    nbytes > (uint64_t)(r->end - r->at))
		return bad(r, "not a version, or cut short");
	v = add_version(r);
	if (!v)
		return casg_err_nomem(r->err);
	v->text = r->at;
	v->nbytes = (size_t)nbytes;
	rc = casg_version_decode(&v->v, (const uint8_t *)v->text, v->nbytes, r->err);
	if (rc)
		return casg_err_prefix(r->err, "line %llu of the proof",
				       (unsigned long long)r->line);
	r->at += nbytes;
	for (size_t i = 0; i < v->nbytes; i++)
		r->line += v->text[i] == '\n';
	return 0;
}

/* One version, or a history of them. */
static int decode_versions(struct parser *r)
{
	const struct casg_proof_claim *c = &r->p->claim;
	int rc;

	do {
		rc = decode_version(r);
		if (!rc && (c->kind != CASG_CLAIM_HISTORY ||
			    r->p->versions[r->p->nversions - 1].v.sequence_time >= c->since))
			rc = decode_tree(r);
	} while (!rc && c->kind == CASG_CLAIM_HISTORY && at_word(r, "version"));
	return rc;
}

/* Sequences, taxonomy, mapping; of the last two what was asked. */
static int decode_view_versions(struct parser *r)
{
	int rc = decode_version(r);

	if (!rc && r->p->versions[0].v.kind != CASG_VERSION_DATABASE)
		rc = bad(r, "a view begins with a version of sequences");
	if (!rc)
		rc = decode_tree(r);
	if (!rc)
		rc = decode_version(r);
	if (!rc && r->p->versions[1].v.kind != CASG_VERSION_TAXONOMY)
		rc = bad(r, "the second version of a view is that of a taxonomy");
	if (!rc && at_word(r, "node"))
		rc = decode_tree(r);
	if (rc || !at_text(r, CASG_PROOF_MAPPING))
		return rc;
	if (next_line(r))
		return CASG_ECORRUPT;
	return add_version(r) ? decode_tree(r) : casg_err_nomem(r->err);
}

static int decode_sum(struct parser *r, struct casg_hasher *h)
{
	struct casg_oid stated, sum;
	size_t n = (size_t)(r->at - r->start);

	if (next_line(r))
		return CASG_ECORRUPT;
	if (get_keyword(r, 0, "sha256") || get_oid(r, 1, &stated))
		return bad(r, "not the checksum");
	if (r->at != r->end)
		return bad(r, "bytes are left over behind the checksum");
	casg_hasher_digest(h, r->start, n, &sum);
	r->p->sum_ok = casg_oid_eq(&sum, &stated);
	return 0;
}

static int decode_magic(struct parser *r)
{
	uint64_t format;

	if (!at_word(r, CASG_PROOF_MAGIC))
		return casg_err_set(r->err, CASG_ENOTOURS, "not a casg proof");
	if (next_line(r))
		return CASG_ECORRUPT;
	if (get_keyword(r, 0, CASG_PROOF_MAGIC) || get_number(r, 1, UINT64_MAX, &format))
		return bad(r, "not the number of a format");
	if (format != CASG_PROOF_FORMAT)
		return casg_err_set(r->err, CASG_EUNSUPPORTED,
				    "casg-proof %llu is not supported by this casg "
				    "(it knows format %d)", (unsigned long long)format,
				    CASG_PROOF_FORMAT);
	return 0;
}

static int decode_all(struct parser *r, struct casg_hasher *h)
{
	int rc = decode_magic(r);

	if (!rc)
		rc = decode_claim(r);
	if (!rc)
		rc = r->p->claim.kind == CASG_CLAIM_VIEW ? decode_view_versions(r) :
		     decode_versions(r);
	return rc ? rc : decode_sum(r, h);
}

int casg_proof_decode(struct casg_proof *p, const uint8_t *text, size_t n,
		      struct casg_hasher *h, struct casg_err *err)
{
	struct parser r = {
		.p = p, .start = (const char *)text, .at = (const char *)text,
		.end = (const char *)text + n, .err = err
	};
	int rc;

	casg_proof_release(p);
	if (n > CASG_PROOF_MAX_BYTES)
		return casg_err_set(err, CASG_ECORRUPT, "malformed proof: longer than %zu bytes",
				    CASG_PROOF_MAX_BYTES);
	rc = decode_all(&r, h);
	if (rc)
		casg_proof_release(p);
	return rc;
}

void casg_proof_init(struct casg_proof *p)
{
	memset(p, 0, sizeof(*p));
}

void casg_proof_release(struct casg_proof *p)
{
	for (size_t i = 0; i < p->nversions; i++)
		casg_version_release(&p->versions[i].v);
	free(p->members);
	free(p->versions);
	free(p->nodes);
	free(p->items);
	free(p->hashes);
	free(p->entries);
	free(p->children);
	casg_proof_init(p);
}
