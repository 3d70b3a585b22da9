/*
 * proof and proofcheck: trees made by hand, proofs of every kind over them,
 * and everything that may be wrong with a proof.
 *
 * The trees need not be cut where real ones are, which a proof cannot show;
 * leaves of 5 and nodes of 3 entries make four levels of 140 records.
 */
#include <stdlib.h>

#include "merkle.h"
#include "oidset.h"
#include "proof.h"
#include "proofcheck.h"
#include "tap.h"

enum { LEAF = 5, FAN = 3, MAX = 160 };

static struct casg_hasher *h;

/* ---- trees ------------------------------------------------------------- */

struct tnode {
	int level;
	uint32_t count;
	struct tnode *below[FAN];
	struct casg_entry *entries;
	uint64_t nrecords;
	struct casg_child as_child; /* how its parent has it */
	struct casg_oid id;
};

/* What is wrong with the tree, or with what is shown of it. */
enum lie {
	NO_LIE, LIE_COUNT, LIE_FIRST, LIE_LAST, LIE_ORDER, LIE_SWAP, LIE_EMPTY, LIE_TOTAL
};

static struct casg_entry records[MAX];
static char keys[MAX][16];
static struct tnode pool[MAX * 2];
static size_t npool;

static void make_entry(size_t i, const char *key, uint32_t occurrence, const char *desc)
{
	struct casg_entry *e = &records[i];
	char residues[32];

	memset(e, 0, sizeof(*e));
	snprintf(keys[i], sizeof(keys[i]), "%s", key);
	snprintf(residues, sizeof(residues), "ACGT%zu", i % 50);
	casg_hasher_digest(h, residues, strlen(residues), &e->oid);
	e->key = keys[i];
	e->klen = strlen(keys[i]);
	e->occurrence = occurrence;
	e->length = strlen(residues);
	e->desc = desc;
	e->dlen = strlen(desc);
}

static void node_hash(struct tnode *n, uint32_t i, struct casg_oid *out)
{
	if (n->level)
		casg_child_hash(h, &n->below[i]->as_child, out);
	else
		casg_entry_hash(h, &n->entries[i], out);
}

static void seal(struct tnode *n)
{
	struct casg_oid hashes[LEAF];

	for (uint32_t i = 0; i < n->count; i++)
		node_hash(n, i, &hashes[i]);
	casg_node_id(h, 1, n->level, n->count, hashes, &n->id);
}

static void set_child(struct tnode *n)
{
	const struct tnode *a = n, *b = n;
	struct casg_child *c = &n->as_child;

	while (a->level)
		a = a->below[0];
	while (b->level)
		b = b->below[b->count - 1];
	c->first = a->entries[0].key;
	c->first_len = a->entries[0].klen;
	c->first_occurrence = a->entries[0].occurrence;
	c->last = b->entries[b->count - 1].key;
	c->last_len = b->entries[b->count - 1].klen;
	c->last_occurrence = b->entries[b->count - 1].occurrence;
	c->count = n->nrecords;
	c->id = n->id;
}

static void swap(size_t i, size_t k)
{
	struct casg_entry tmp = records[i];

	records[i] = records[k];
	records[k] = tmp;
}

/* A tree of the first n records; 'lie' is told of every node below the root. */
static struct tnode *build(size_t n, enum lie lie)
{
	struct tnode *row[MAX];
	size_t nrow = 0;

	npool = 0;
	/* two records of one leaf, two leaves of one node; undone the next time */
	if (lie == LIE_ORDER)
		swap(71, 72);
	for (size_t i = 60; lie == LIE_SWAP && i < 65; i++)
		swap(i, i + LEAF);
	for (size_t i = 0; i < n || !nrow; i += LEAF) {
		struct tnode *t = row[nrow++] = &pool[npool++];

		memset(t, 0, sizeof(*t));
		t->entries = &records[i];
		t->nrecords = t->count = (uint32_t)(n - i < LEAF ? n - i : LEAF);
	}
	for (int level = 0; ; level++) {
		size_t next = 0;

		for (size_t i = 0; i < nrow; i++) {
			seal(row[i]);
			if (!row[i]->nrecords)
				continue;
			set_child(row[i]);
			if (lie == LIE_COUNT)
				row[i]->as_child.count++;
			if (lie == LIE_FIRST && row[i]->as_child.first_len)
				row[i]->as_child.first_len--;
			if (lie == LIE_LAST)
				row[i]->as_child.last_occurrence++;
			if (lie == LIE_EMPTY && level == 0)
				row[i]->as_child.count = 0;
		}
		if (nrow == 1)
			return row[0];
		for (size_t i = 0; i < nrow; i += FAN) {
			struct tnode *t = &pool[npool++];

			memset(t, 0, sizeof(*t));
			t->level = level + 1;
			for (size_t k = i; k < nrow && k < i + FAN; k++) {
				t->below[t->count++] = row[k];
				t->nrecords += row[k]->nrecords;
			}
			row[next++] = t;
		}
		nrow = next;
	}
}

/* ---- proofs, by another way than the prover's -------------------------- */

static uint8_t show[MAX]; /* by rank */

static int any_shown(uint64_t lo, uint64_t hi)
{
	while (lo < hi)
		if (show[lo++])
			return 1;
	return 0;
}

static uint64_t below(const struct tnode *n, uint32_t i)
{
	return n->level ? n->below[i]->nrecords : 1;
}

static void put_range(struct tnode *n, uint32_t lo, uint32_t hi, uint64_t rank,
		      struct casg_buf *out)
{
	uint64_t end = rank;
	uint32_t k = 1;

	for (uint32_t i = lo; i < hi; i++)
		end += below(n, i);
	if (!any_shown(rank, end)) {
		struct casg_oid hashes[LEAF], root;

		for (uint32_t i = lo; i < hi; i++)
			node_hash(n, i, &hashes[i - lo]);
		casg_merkle_root_of(h, hashes, hi - lo, &root);
		casg_proof_put_hash(out, hi - lo, &root);
		return;
	}
	if (hi - lo == 1) {
		if (n->level)
			casg_proof_put_child(out, &n->below[lo]->as_child);
		else
			casg_proof_put_entry(out, &n->entries[lo]);
		return;
	}
	while (2 * k < hi - lo)
		k *= 2;
	put_range(n, lo, lo + k, rank, out);
	for (uint32_t i = lo; i < lo + k; i++)
		rank += below(n, i);
	put_range(n, lo + k, hi, rank, out);
}

static void put_tree(struct tnode *n, uint64_t rank, struct casg_buf *out)
{
	casg_proof_put_node(out, 1, n->level, n->count);
	if (n->count)
		put_range(n, 0, n->count, rank, out);
	for (uint32_t i = 0; n->level && i < n->count; i++) {
		uint64_t end = rank + below(n, i);

		if (any_shown(rank, end))
			put_tree(n->below[i], rank, out);
		rank = end;
	}
}

struct made {
	struct casg_buf text;
	struct casg_oid id;
};

static void put_version(struct made *m, const struct tnode *root, uint64_t count,
			int64_t when, const struct casg_oid *previous,
			struct casg_oid *id_out)
{
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_version v;

	casg_version_init(&v);
	v.records = root->id;
	v.count = count;
	v.sequence_time = when;
	if (previous)
		casg_version_add_previous(&v, previous, &err);
	casg_version_encode(&v, &text, &err);
	casg_version_id(text.data, text.len, id_out, &err);
	casg_version_release(&v);
	if (m)
		casg_proof_put_version(&m->text, text.data, text.len);
	casg_buf_release(&text);
}

static void show_key(size_t n, const char *key, size_t klen)
{
	size_t lo = 0, hi;

	memset(show, 0, sizeof(show));
	while (lo < n && casg_key_cmp(records[lo].key, records[lo].klen, 0, key, klen, 0) < 0)
		lo++;
	for (hi = lo; hi < n && !casg_key_cmp(records[hi].key, records[hi].klen, 0, key, klen, 0);)
		hi++;
	lo -= lo > 0;
	hi += hi < n;
	for (; lo < hi; lo++)
		show[lo] = 1;
}

/* Records are shown by 'show'. */
static struct made make(const struct casg_proof_claim *c, struct tnode *root, uint64_t count)
{
	struct made m = { CASG_BUF_INIT, { { 0 } } };

	casg_proof_put_claim(&m.text, c);
	put_version(&m, root, count, 1709251200, NULL, &m.id);
	put_tree(root, 0, &m.text);
	casg_proof_put_end(&m.text, 0, h);
	return m;
}

static struct made make_key(const char *key, size_t n, enum lie lie)
{
	struct casg_proof_claim c = { .kind = CASG_CLAIM_KEY, .key = key, .klen = strlen(key) };
	struct tnode *root = build(n, lie);

	show_key(n, key, strlen(key));
	return make(&c, root, lie == LIE_TOTAL ? LEAF : n);
}

/* Three versions, the second older than the others; with all three in reach. */
static struct made make_history(const char *key, size_t n)
{
	struct casg_proof_claim c = {
		.kind = CASG_CLAIM_HISTORY, .key = key, .klen = strlen(key),
		.since = 1700000000
	};
	static const int64_t when[] = { 1700000000, 1600000000, 1800000000 };
	struct made m = { CASG_BUF_INIT, { { 0 } } };
	struct casg_oid ids[3];

	for (int i = 0; i < 3; i++)
		put_version(NULL, build(n - 10 * (size_t)i, NO_LIE), n - 10 * (size_t)i, when[i],
			    i ? &ids[i - 1] : NULL, &ids[i]);
	m.id = ids[2];
	casg_proof_put_claim(&m.text, &c);
	for (int i = 2; i >= 0; i--) {
		size_t k = n - 10 * (size_t)i;
		struct tnode *root = build(k, NO_LIE);

		put_version(&m, root, k, when[i], i ? &ids[i - 1] : NULL, &ids[i]);
		if (when[i] < c.since)
			continue;
		show_key(k, key, strlen(key));
		put_tree(root, 0, &m.text);
	}
	casg_proof_put_end(&m.text, 0, h);
	return m;
}

static struct made make_chunk(size_t n)
{
	struct casg_oid members[3] = { records[7].oid, records[3].oid, records[40].oid };
	struct casg_proof_claim c = {
		.kind = CASG_CLAIM_CHUNK, .members = members, .nmembers = 3
	};
	struct casg_oid leaves[3];

	for (int i = 0; i < 3; i++)
		casg_merkle_leaf(h, members[i].b, 32, &leaves[i]);
	casg_merkle_root_of(h, leaves, 3, &c.id);
	memset(show, 0, sizeof(show));
	show[3] = show[7] = show[40] = 1;
	return make(&c, build(n, NO_LIE), n);
}

/* ---- verifying --------------------------------------------------------- */

static struct casg_proof proof;
static struct casg_err err;

/* 1, 0, or negative for what is malformed. */
static int verify(const uint8_t *p, size_t n, const struct casg_oid *id)
{
	int rc;

	err.msg[0] = '\0';
	rc = casg_proof_decode(&proof, p, n, h, &err);
	return rc ? rc : casg_proof_check(&proof, id, h, &err);
}

static int holds(const struct made *m)
{
	return verify(m->text.data, m->text.len, &m->id);
}

/* Put the checksum right. */
static void reseal(uint8_t *p, size_t n)
{
	struct casg_oid sum;
	char hex[CASG_OID_HEXSZ + 1];
	size_t body = n - CASG_OID_HEXSZ - 8;

	casg_hasher_digest(h, p, body, &sum);
	memcpy(p + body + 7, casg_oid_hex(&sum, hex), CASG_OID_HEXSZ);
}

/*
 * Every bit of every byte flipped: never verified.  With the checksum put
 * right again: never, but for a claim that is true as well.
 */
static void flip_all(const char *name, const struct made *m)
{
	size_t n = m->text.len, claim_end, wrong = 0, wrong_sealed = 0, other = 0;
	uint8_t *p = malloc(n);
	const uint8_t *t = m->text.data;
	enum casg_claim kind;

	ok(holds(m) == 1, "%s verifies: %s", name, err.msg);
	kind = proof.claim.kind;
	claim_end = (size_t)((const uint8_t *)memchr(t + 13, '\n', n - 13) - t);
	for (size_t i = 0; i < n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			memcpy(p, t, n);
			p[i] ^= (uint8_t)(1 << bit);
			wrong += verify(p, n, &m->id) == 1;
			if (i >= n - CASG_OID_HEXSZ - 8)
				continue;
			reseal(p, n);
			if (verify(p, n, &m->id) != 1)
				continue;
			if (i < claim_end && (kind == CASG_CLAIM_HISTORY || kind == CASG_CLAIM_KEY))
				other++;
			else
				wrong_sealed++;
		}
	}
	is_int(wrong, 0, "%s: no flipped bit verifies", name);
	is_int(wrong_sealed, 0, "%s: none with the checksum put right, but for %zu true claims",
	       name, other);
	wrong = 0;
	for (size_t i = 0; i < 32 * 8; i++) {
		struct casg_oid id = m->id;

		id.b[i / 8] ^= (uint8_t)(1 << (i % 8));
		wrong += verify(t, n, &id) != 0;
	}
	is_int(wrong, 0, "%s: no other version id", name);
	wrong = 0;
	for (size_t i = 0; i < n; i++)
		wrong += verify(t, i, &m->id) >= 0;
	memcpy(p, t, n);
	is_int(wrong, 0, "%s: malformed when cut anywhere", name);
	free(p);
}

static void same_again(const char *name, const struct made *m)
{
	struct casg_buf out = CASG_BUF_INIT;

	holds(m);
	casg_proof_encode(&proof, h, &out, &err);
	is_mem(out.data, out.len, m->text.data, m->text.len, "%s is encoded again the same", name);
	casg_buf_addch(&out, '\n');
	ok(verify(out.data, out.len, &m->id) < 0, "%s: a byte behind it", name);
	casg_buf_release(&out);
}

static void every_byte(const char *name, struct made m)
{
	flip_all(name, &m);
	same_again(name, &m);
	casg_buf_release(&m.text);
}

/* ---- the tests --------------------------------------------------------- */

static size_t make_records(void)
{
	static const char *const odd[] = { "", "#casg", "\"q\"", "!", "\x01\x7f" };
	size_t n = 0;

	make_entry(n++, odd[0], 0, "");
	make_entry(n++, odd[4], 0, "\tx\ry");
	make_entry(n++, odd[3], 0, " a b ");
	make_entry(n++, odd[2], 0, " \\ \"");
	make_entry(n++, odd[1], 0, " OX=9606");
	for (int i = 0; n < 140; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%03d", 2 * i);
		/* some keys have several records, over the end of leaves, too */
		for (uint32_t occ = 0; occ < (i % 7 ? 1u : 4u) && n < 140; occ++)
			make_entry(n++, key, occ, i % 3 ? " some text" : "");
	}
	/* a description that is a blob */
	records[60].desc = NULL;
	records[60].dlen = 5000;
	records[60].desc_blob = records[9].oid;
	return n;
}

/* Every key that is there, every gap between, in trees of every size. */
static void test_every_key(size_t most)
{
	size_t bad = 0, asked = 0;

	for (size_t n = 0; n <= most; n += n < 32 ? 1 : 27) {
		for (size_t i = 0; i <= n; i++) {
			for (int gap = 0; gap < 2; gap++) {
				char key[20] = "";
				uint64_t want = 0;
				struct made m;

				if (i < n)
					snprintf(key, sizeof(key), "%s%s", keys[i], gap ? "\x02" : "");
				else
					snprintf(key, sizeof(key), "%s", gap ? "zz" : "\x01");
				for (size_t k = 0; k < n; k++)
					want += !strcmp(keys[k], key);
				m = make_key(key, n, NO_LIE);
				asked++;
				bad += holds(&m) != 1 || proof.versions[0].nproved != want;
				casg_buf_release(&m.text);
			}
		}
	}
	is_int(bad, 0, "all of %zu keys, there or not, in trees of up to %zu records", asked, most);
}

static void test_lies(size_t n)
{
	static const struct {
		enum lie lie;
		const char *name;
	} lies[] = {
		{ LIE_COUNT, "a child counts more records" },
		{ LIE_FIRST, "a child has another first key" },
		{ LIE_LAST, "a child has another last occurrence" },
		{ LIE_EMPTY, "a child counts none" },
		{ LIE_TOTAL, "the version counts too few records" },
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct made m = make_key(keys[25], n, lies[i].lie);

		is_int(holds(&m), 0, "%s: %s", lies[i].name, err.msg);
		casg_buf_release(&m.text);
	}
	for (int k = 0; k < 2; k++) {
		const struct casg_proof_claim c = { .kind = CASG_CLAIM_RECORDS };
		enum lie lie = k ? LIE_SWAP : LIE_ORDER;
		struct tnode *root = build(n, lie);
		struct made m;

		memset(show, 0, sizeof(show));
		show[k ? 61 : 71] = show[k ? 66 : 72] = 1;
		m = make(&c, root, n);
		is_int(holds(&m), 0, "%s out of order: %s", k ? "nodes" : "records", err.msg);
		casg_buf_release(&m.text);
		build(n, lie); /* back again */
	}
}

/* What is shown is true, and is not what the claim needs. */
static void test_wrong_run(size_t n)
{
	struct casg_proof_claim c = { .kind = CASG_CLAIM_KEY, .key = keys[52], .klen = strlen(keys[52]) };
	struct tnode *root = build(n, NO_LIE);
	size_t lo = 52, hi = 52, bad = 0, cases = 0;
	struct made m;

	while (!strcmp(keys[lo - 1], keys[52]))
		lo--;
	while (!strcmp(keys[hi], keys[52]))
		hi++;
	/* lo - 1 .. hi belong into it: leave one out, or add one */
	for (size_t i = 0; i < n; i++) {
		show_key(n, c.key, c.klen);
		show[i] = !show[i];
		m = make(&c, root, n);
		bad += holds(&m) != 0;
		cases++;
		casg_buf_release(&m.text);
	}
	is_int(bad, 0, "no run but the right one, of %zu", cases);
	c.key = "k001";
	c.klen = 4;
	bad = 0;
	for (size_t i = 0; i < n; i++) {
		memset(show, 0, sizeof(show));
		show[i] = 1;
		if (i + 1 < n)
			show[i + 1] = 1;
		m = make(&c, root, n);
		/* true for one pair only */
		bad += holds(&m) != (!strcmp(keys[i], "k000") && strcmp(keys[i + 1], "k000"));
		casg_buf_release(&m.text);
	}
	is_int(bad, 0, "no neighbours but the right ones");
	memset(show, 0, sizeof(show));
	show[3] = 1;
	c.kind = CASG_CLAIM_SEQUENCE;
	c.id = records[4].oid;
	m = make(&c, root, n);
	is_int(holds(&m), 0, "a record with another sequence: %s", err.msg);
	casg_buf_release(&m.text);
	show[4] = 1;
	m = make(&c, root, n);
	is_int(holds(&m), 0, "one too many: %s", err.msg);
	casg_buf_release(&m.text);
	root = build(0, NO_LIE);
	c.kind = CASG_CLAIM_RECORDS;
	m = make(&c, root, 0);
	is_int(holds(&m), 0, "no records: %s", err.msg);
	casg_buf_release(&m.text);
}

static void test_wrong_chunk(size_t n)
{
	struct made m = make_chunk(n);
	uint8_t *a, *b;
	char tmp[72];

	/* members in another order have another id */
	a = (uint8_t *)strstr(casg_buf_cstr(&m.text), "member ");
	b = a + 72;
	memcpy(tmp, a, 72);
	memcpy(a, b, 72);
	memcpy(b, tmp, 72);
	reseal(m.text.data, m.text.len);
	is_int(holds(&m), 0, "members in another order: %s", err.msg);
	casg_buf_release(&m.text);
	for (int i = 0; i < 2; i++) {
		struct casg_oid leaf, member = records[7].oid;
		struct casg_proof_claim c = {
			.kind = CASG_CLAIM_CHUNK, .members = &member, .nmembers = 1
		};

		casg_merkle_leaf(h, member.b, 32, &leaf);
		c.id = leaf;
		memset(show, 0, sizeof(show));
		show[8 - i] = show[8] = 1;
		m = make(&c, build(n, NO_LIE), n);
		is_int(holds(&m), 0, "a record too many, or another: %s", err.msg);
		casg_buf_release(&m.text);
	}
}

/* Cut a VERSION and its tree out of a history, put it twice, change the order. */
static void test_wrong_history(size_t n)
{
	struct made m = make_history(keys[20], n), x = { CASG_BUF_INIT, m.id };
	const char *t = casg_buf_cstr(&m.text), *at[4];
	size_t len = m.text.len;

	at[0] = strstr(t, "\nversion ") + 1;
	at[1] = strstr(at[0], "\nversion ") + 1;
	at[2] = strstr(at[1], "\nversion ") + 1;
	at[3] = t + len - CASG_OID_HEXSZ - 8;
	for (int skip = 0; skip < 6; skip++) {
		casg_buf_reset(&x.text);
		casg_buf_add(&x.text, t, (size_t)(at[0] - t));
		for (int i = 0; i < 3; i++) {
			int k = skip == 4 && i ? 3 - i : i;

			if (skip != i)
				casg_buf_add(&x.text, at[k], (size_t)(at[k + 1] - at[k]));
			if (skip == 5 && i == 2)
				casg_buf_add(&x.text, at[k], (size_t)(at[k + 1] - at[k]));
		}
		casg_proof_put_end(&x.text, 0, h);
		is_int(holds(&x), skip == 3, "history, change %d: %s", skip, err.msg);
	}
	casg_buf_release(&x.text);
	casg_buf_release(&m.text);
}

/* Forms that are refused although the hashes could be right. */
static void test_form(void)
{
	static const struct {
		const char *from, *to, *name;
	} edits[] = {
		{ "casg-proof 1\n", "casg-proof 2\n", "another format" },
		{ "casg-proof 1\n", "casg-proof 01\n", "a leading zero" },
		{ "casg-proof 1\n", "casg-proof 1\r\n", "CR LF" },
		{ "claim key", "claim  key", "two spaces" },
		{ "claim key", "claim keys", "an unknown claim" },
		{ "claim key k004\n", "claim key\n", "no key" },
		{ "claim key k004\n", "claim key k004 \n", "a space behind" },
		{ "claim key k004\n", "claim records \n", "a space behind records" },
		{ "claim key k004\n", "claim records x\n", "a word behind records" },
		{ "claim key k004\n", "claim sequence k004\n", "no id" },
		{ "claim key k004\n", "claim history k004\n", "no time" },
		{ "claim key k004\n", "claim key k004\nmember x\n", "a member" },
		{ "version ", "version 0", "a zero before a length" },
		{ "casg-version 1", "casg-version 7", "another VERSION" },
		{ "\nnode 1 ", "\nnode 2 ", "another kind of node" },
		{ "\nnode 1 3 ", "\nnode 1 33 ", "too high a level" },
		{ "\nnode 1 3 ", "\nnode 1 2 ", "the level of a child" },
		{ "\nnode 1 0 5", "\nnode 1 0 4", "another count" },
		{ "\nnode 1 0 5", "\nnode 1 0 513", "too many entries" },
		{ "\nnode 1 0 5", "\nnode 1 0 0", "an empty leaf" },
		{ "\nhash 2 ", "\nhash 0 ", "a hash of nothing" },
		{ "\nhash 1 ", "\nhash 4294967295 ", "a hash of too much" },
		{ "\nrecord 0 ", "\nrecord 4294967296 ", "an occurrence above 32 bits" },
		{ "\nrecord 0 ", "\nrecord -0 ", "a sign" },
		{ "\nrecord 0 ", "\nlong-record 0 ", "no long-record" },
		{ "\nrecord 0 ", "\nchild 0 ", "a child in a leaf" },
		{ "\nchild ", "\nrecord ", "a record above the leaves" },
		{ "\nchild ", "\nhash 1 ", "a hash with more words" },
		{ "\nsha256 ", "\nsha256  ", "two spaces before the checksum" },
		{ "\nsha256 ", "\nversion 0\nsha256 ", "a second version" },
		{ "\nsha256 ", "\n\nsha256 ", "an empty line" },
	};
	struct made m = make_key("k004", 140, NO_LIE);
	const char *t = casg_buf_cstr(&m.text);

	ok(holds(&m) == 1, "the proof to be changed verifies: %s", err.msg);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		const char *at = strstr(t, edits[i].from);
		struct casg_buf x = CASG_BUF_INIT;

		if (!ok(at != NULL, "there is '%s'", edits[i].name))
			continue;
		casg_buf_add(&x, t, (size_t)(at - t));
		casg_buf_addstr(&x, edits[i].to);
		casg_buf_addstr(&x, at + strlen(edits[i].from));
		if (strcmp(edits[i].from, "\nsha256 "))
			reseal(x.data, x.len);
		ok(verify(x.data, x.len, &m.id) < 0, "%s: %s", edits[i].name, err.msg);
		casg_buf_release(&x);
	}
	is_int(verify((const uint8_t *)"casg-proo", 9, &m.id), CASG_ENOTOURS, "not ours");
	is_int(verify((const uint8_t *)"", 0, &m.id), CASG_ENOTOURS, "nothing");
	is_int(verify((const uint8_t *)"casg-proof 2\nx", 14, &m.id), CASG_EUNSUPPORTED,
	       "%s", err.msg);
	casg_buf_release(&m.text);
}

/* A hash may not be two, even if they give the same root. */
static void test_cover(void)
{
	struct casg_proof_claim c = { .kind = CASG_CLAIM_KEY, .key = "zz", .klen = 2 };
	struct tnode *root = build(4, NO_LIE);
	struct made m = { CASG_BUF_INIT, { { 0 } } };
	struct casg_oid hash;

	for (int split = 0; split < 2; split++) {
		casg_buf_reset(&m.text);
		casg_proof_put_claim(&m.text, &c);
		put_version(&m, root, 4, 0, NULL, &m.id);
		casg_proof_put_node(&m.text, 1, 0, 4);
		for (uint32_t i = 0; split && i < 2; i++) {
			node_hash(root, i, &hash);
			casg_proof_put_hash(&m.text, 1, &hash);
		}
		if (!split) {
			struct casg_oid pair[2];

			node_hash(root, 0, &pair[0]);
			node_hash(root, 1, &pair[1]);
			casg_merkle_root_of(h, pair, 2, &hash);
			casg_proof_put_hash(&m.text, 2, &hash);
		}
		node_hash(root, 2, &hash);
		casg_proof_put_hash(&m.text, 1, &hash);
		casg_proof_put_entry(&m.text, &root->entries[3]);
		casg_proof_put_end(&m.text, 0, h);
		is_int(holds(&m), split ? CASG_ECORRUPT : 1, "hashes %s: %s",
		       split ? "that could be one" : "as they should be", err.msg);
	}
	casg_buf_release(&m.text);
}

static void test_oidset(void)
{
	struct casg_oidset s = CASG_OIDSET_INIT;
	struct casg_oid id = { { 0 } };
	size_t bad = 0, at;

	ok(!casg_oidset_find(&s, &id, NULL), "an empty set holds nothing");
	for (int twice = 0; twice < 2; twice++)
		for (uint32_t i = 0; i < 1000; i++) {
			/* all with one hash */
			id.b[30] = (uint8_t)(i >> 8);
			id.b[31] = (uint8_t)i;
			bad += casg_oidset_add(&s, &id, &err) != !twice;
			bad += casg_oidset_find(&s, &id, &at) != 1 || at != i;
		}
	is_int(bad, 0, "ids are added once and found");
	is_int(s.n, 1000, "in the order in which they came");
	casg_oidset_release(&s);
}

int main(void)
{
	struct casg_proof_claim c = { .kind = CASG_CLAIM_RECORDS };
	size_t n;

	h = casg_hasher_new();
	casg_proof_init(&proof);
	n = make_records();
	test_oidset();
	test_every_key(n);
	every_byte("a key", make_key("k004", n, NO_LIE));
	every_byte("several records", make_key(keys[52], n, NO_LIE));
	every_byte("a blob", make_key(keys[60], n, NO_LIE));
	every_byte("an absent key", make_key("k005", n, NO_LIE));
	every_byte("a key before the first", make_key("", n - 130, NO_LIE));
	every_byte("a key behind the last", make_key("zz", n, NO_LIE));
	every_byte("an empty tree", make_key("zz", 0, NO_LIE));
	memset(show, 0, sizeof(show));
	show[0] = show[1] = show[17] = show[100] = show[139] = 1;
	every_byte("a subset", make(&c, build(n, NO_LIE), n));
	memset(show, 0, sizeof(show));
	show[33] = 1;
	c.kind = CASG_CLAIM_SEQUENCE;
	c.id = records[33].oid;
	every_byte("a sequence", make(&c, build(n, NO_LIE), n));
	every_byte("a chunk", make_chunk(n));
	every_byte("a history", make_history(keys[20], n));
	test_lies(n);
	test_wrong_run(n);
	test_wrong_chunk(n);
	test_wrong_history(n);
	test_form();
	test_cover();
	casg_proof_release(&proof);
	casg_hasher_free(h);
	return done_testing();
}
