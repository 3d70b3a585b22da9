/*
 * Proofs of views: trees of one leaf made by hand, what of them must be shown
 * named by hand, every bit flipped, and everything that may be wrong.
 */
#include <stdlib.h>

#include "merkle.h"
#include "proof.h"
#include "proofcheck.h"
#include "tap.h"
#include "view.h"

static struct casg_hasher *h;
static struct casg_proof proof;
static struct casg_err err;

/* ---- trees of one leaf --------------------------------------------------- */

enum { MAX = 16 };

/* The records, ascending, and those that are shown: "+KEY" with its description. */
struct set {
	const char *const *records;     /* key, description, key, ... NULL */
	const char *shown;
	struct casg_entry e[MAX];
	uint8_t show[MAX];
	uint32_t n;
};

static int is_shown(const char *list, const char *key)
{
	for (const char *p = list; *p; p += strcspn(p, " ")) {
		int text;

		p += strspn(p, " ");
		text = *p == '+';
		p += text;
		if (strlen(key) == strcspn(p, " ") && !strncmp(p, key, strlen(key)))
			return 1 + text;
	}
	return 0;
}

static void fill(struct set *s)
{
	s->n = 0;
	for (const char *const *r = s->records; *r; r += 2, s->n++) {
		struct casg_entry *e = &s->e[s->n];

		memset(e, 0, sizeof(*e));
		e->key = r[0];
		e->klen = strlen(r[0]);
		/* the same key again is the next occurrence */
		if (s->n && !strcmp(r[-2], r[0]))
			e->occurrence = e[-1].occurrence + 1;
		e->desc = r[1];
		e->dlen = strlen(r[1]);
		casg_hasher_digest(h, "", 0, &e->oid);
		if (e->dlen > CASG_DESC_INLINE)
			casg_hasher_digest(h, e->desc, e->dlen, &e->desc_blob);
		s->show[s->n] = (uint8_t)is_shown(s->shown, e->key);
	}
}

static void range_root(const struct set *s, uint32_t lo, uint32_t hi, struct casg_oid *out)
{
	struct casg_oid hashes[MAX];

	for (uint32_t i = lo; i < hi; i++)
		casg_entry_hash(h, &s->e[i], &hashes[i - lo]);
	casg_merkle_root_of(h, hashes, hi - lo, out);
}

static void root_of(const struct set *s, struct casg_oid *out)
{
	struct casg_oid root;

	range_root(s, 0, s->n, &root);
	casg_node_id_root(h, 1, 0, s->n, &root, out);
}

static void put_range(const struct set *s, uint32_t lo, uint32_t hi, struct casg_buf *out)
{
	uint32_t k = 1, any = 0;

	for (uint32_t i = lo; i < hi; i++)
		any |= s->show[i];
	if (!any) {
		struct casg_oid root;

		range_root(s, lo, hi, &root);
		casg_proof_put_hash(out, hi - lo, &root);
	} else if (hi - lo == 1) {
		struct casg_entry e = s->e[lo];

		if (e.dlen > CASG_DESC_INLINE && s->show[lo] < 2)
			e.desc = NULL;
		casg_proof_put_entry(out, &e);
	} else {
		while (2 * k < hi - lo)
			k *= 2;
		put_range(s, lo, lo + k, out);
		put_range(s, lo + k, hi, out);
	}
}

static void put_tree(const struct set *s, struct casg_buf *out)
{
	if (!s->shown)
		return;
	casg_proof_put_node(out, 1, 0, s->n);
	put_range(s, 0, s->n, out);
}

/* ---- proofs -------------------------------------------------------------- */

/* Sets without 'shown' are not in the proof, without records not in the version. */
struct plan {
	const char *name;
	uint64_t from;
	const char *key;            /* NULL: records */
	const char *sequences, *taxonomy, *mapping; /* shown */
	const char *says;           /* "taxon:lineage;" of each, "" for a record without */
	int unmapped;               /* the taxonomy has no mapping */
};

static char long_text[5001], long_node[5101], long_row[5001];

static const char *const sequences[] = {
	"a", " OX=562", "b", " old OX=77", "c", " gone OX=78", "d", " none OX=9999",
	"e", "", "f", long_text, "h", " x [Escherichia coli]", "i", " loop OX=50", "j", " OX=60",
	"k", " OX=63", "sp|P1.2|X", " mapped", "z", " OX=1", "zz", " two OX=562 OX=561", "zz", " again OX=2", NULL
};
static const char *const taxa[] = {
	"1", "\tnode\t1\tno rank\t\troot\t", "2", "\tnode\t1\tsuperkingdom\t\tBacteria\t",
	"50", "\tnode\t51\tx\t\tloop\t", "51", "\tnode\t50\tx\t\tloop\t",
	"561", "\tnode\t2\tgenus\t\tEscherichia\t",
	"562", "\tnode\t561\tspecies\t\tEscherichia coli\t", "60", long_node,
	"76", "\tmerged\t562", "77", "\tmerged\t76", "78", "\tdeleted", "79", "\tmerged\t78",
	"8", "\tnode\t77\tspecies\t\todd\t", NULL
};
static const char *const mapping[] = {
	"L", long_row, "P1", "\t562,561", "P1.1", "\t2", "Q", "\t1", NULL
};

enum {
	HEADER = CASG_TAXON_HEADER, MAPPING = CASG_TAXON_MAPPING, ORGANISM = CASG_TAXON_ORGANISM,
	USUAL = HEADER | MAPPING << 8 | ORGANISM << 16
};

struct made {
	struct casg_buf text;
	struct casg_oid id, ids[2];
};

static void put_version(struct made *m, int k, const struct set *s, const struct casg_oid *map)
{
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_version v;

	casg_version_init(&v);
	v.kind = k ? CASG_VERSION_TAXONOMY : CASG_VERSION_DATABASE;
	root_of(s, &v.records);
	v.count = s->n;
	v.sequence_time = 1700000000 + k;
	v.has_mapping = map != NULL;
	if (map)
		v.mapping = *map;
	casg_version_encode(&v, &text, &err);
	casg_version_id(text.data, text.len, &m->ids[k], &err);
	casg_version_release(&v);
	casg_proof_put_version(&m->text, text.data, text.len);
	casg_buf_release(&text);
}

static struct made make(const struct plan *p)
{
	const struct casg_proof_claim claim = {
		.kind = CASG_CLAIM_VIEW, .key = p->key, .klen = p->key ? strlen(p->key) : 0,
		.from = p->from
	};
	struct set seq = { .records = sequences, .shown = p->sequences };
	struct set tax = { .records = taxa, .shown = p->taxonomy };
	struct set map = { .records = mapping, .shown = p->mapping };
	struct made m = { .text = CASG_BUF_INIT };
	struct casg_oid map_root;

	fill(&seq);
	/* what is not shown is there all the same */
	tax.shown = p->taxonomy ? p->taxonomy : "";
	map.shown = p->mapping ? p->mapping : "";
	fill(&tax);
	fill(&map);
	tax.shown = p->taxonomy;
	map.shown = p->mapping;
	root_of(&map, &map_root);
	casg_proof_put_claim(&m.text, &claim);
	put_version(&m, 0, &seq, NULL);
	put_tree(&seq, &m.text);
	put_version(&m, 1, &tax, p->unmapped ? NULL : &map_root);
	put_tree(&tax, &m.text);
	if (map.shown)
		casg_proof_put_mapping(&m.text);
	put_tree(&map, &m.text);
	casg_proof_put_end(&m.text, 0, h);
	casg_view_id(&m.ids[0], &m.ids[1], &m.id, &err);
	return m;
}

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

/* "562:562,561,2,1;" of each taxon of each record; "-;" for a record without. */
static void tell(struct casg_buf *out)
{
	struct casg_classified c = { 0 };

	for (size_t i = 0; i < proof.versions[0].nproved; i++) {
		casg_proof_classify(&proof, proof.versions[0].first_proved + i, &c, &err);
		if (!c.ntaxa)
			casg_buf_addstr(out, "-;");
		for (size_t k = 0; k < c.ntaxa; k++) {
			casg_buf_addstr(out, casg_classified_text(&c, c.taxa[k].id));
			for (size_t s = 0; s < c.taxa[k].n; s++)
				casg_buf_addf(out, "%c%s", s ? ',' : ':', casg_classified_text(
					      &c, c.steps[c.taxa[k].first + s].id));
			casg_buf_addch(out, ';');
		}
	}
	casg_classified_release(&c);
}

/* ---- what holds ---------------------------------------------------------- */

static const struct plan good[] = {
	{ "a header", USUAL, "a", "a b", "562 561 2 1", NULL, "562:562,561,2,1;", 0 },
	{ "merged twice", USUAL, "b", "a b c", "77 76 562 561 2 1", NULL, "77:562,561,2,1;", 0 },
	{ "deleted", USUAL, "c", "b c d", "78", NULL, "78;", 0 },
	{ "unknown", USUAL, "d", "c d e", "8", NULL, "9999;", 0 },
	{ "unknown, beside a long node", USUAL, "k", "j k sp|P1.2|X", "60 76", NULL, "63;", 0 },
	{ "no taxon: nothing is mapped", USUAL, "e", "d e f", NULL, "Q", "-;", 0 },
	{ "no taxon: no mapping", USUAL, "e", "d e f", NULL, NULL, "-;", 1 },
	{ "no taxon: it is not asked for", HEADER, "e", "d e f", NULL, NULL, "-;", 0 },
	{ "a name that is not asked", HEADER | MAPPING << 8, "h", "f h i", NULL, "Q", "-;", 0 },
	{ "a long description", USUAL, "f", "e +f h", "2 1", NULL, "2:2,1;", 0 },
	{ "a long node", USUAL, "j", "i j k", "+60 1", NULL, "60:60,1;", 0 },
	{ "two records, three taxa", USUAL, "zz", "z zz", "562 561 2 1", NULL,
	  "562:562,561,2,1;561:561,2,1;2:2,1;", 0 },
	{ "the mapping, by the last of four forms", USUAL, "sp|P1.2|X", "k sp|P1.2|X z",
	  "562 561 2 1", "P1 P1.1 Q", "562:562,561,2,1;561:561,2,1;", 0 },
	{ "the mapping first, and nothing there", MAPPING | HEADER << 8, "a", "a b",
	  "562 561 2 1", "Q", "562:562,561,2,1;", 0 },
	{ "the header is not asked", MAPPING, "a", "a b", NULL, "Q", "-;", 0 },
	{ "several records", USUAL, NULL, "a d e z", "562 561 2 1 8", "Q",
	  "562:562,561,2,1;9999;-;1:1;", 0 },
};

static void reseal(uint8_t *p, size_t n)
{
	struct casg_oid sum;
	char hex[CASG_OID_HEXSZ + 1];
	size_t body = n - CASG_OID_HEXSZ - 8;

	casg_hasher_digest(h, p, body, &sum);
	memcpy(p + body + 7, casg_oid_hex(&sum, hex), CASG_OID_HEXSZ);
}

/* Every bit, as it is and with the checksum put right: none verifies. */
static void flip_all(const char *name, const struct made *m)
{
	size_t n = m->text.len, wrong = 0;
	uint8_t *p = malloc(n);

	for (size_t i = 0; i < n * 8; i++) {
		memcpy(p, m->text.data, n);
		p[i / 8] ^= (uint8_t)(1 << i % 8);
		wrong += verify(p, n, &m->id) == 1;
		if (i / 8 >= n - CASG_OID_HEXSZ - 8)
			continue;
		reseal(p, n);
		wrong += verify(p, n, &m->id) == 1;
	}
	is_int(wrong, 0, "%s: no flipped bit verifies, whatever the checksum", name);
	for (size_t i = 0; i < 256; i++) {
		struct casg_oid id = m->id;

		id.b[i / 8] ^= (uint8_t)(1 << i % 8);
		wrong += verify(m->text.data, n, &id) != 0;
	}
	is_int(wrong, 0, "%s: no other view id", name);
	for (size_t i = 0; i < n; i++)
		wrong += verify(m->text.data, i, &m->id) >= 0;
	is_int(wrong, 0, "%s: malformed when cut anywhere", name);
	free(p);
}

static void test_good(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct made m = make(&good[i]);
		struct casg_buf said = CASG_BUF_INIT, again = CASG_BUF_INIT;

		ok(holds(&m) == 1, "%s: verifies: %s", good[i].name, err.msg);
		tell(&said);
		is_str(casg_buf_cstr(&said), good[i].says, "%s: says what is so", good[i].name);
		casg_proof_encode(&proof, h, &again, &err);
		is_mem(again.data, again.len, m.text.data, m.text.len,
		       "%s: is encoded again the same", good[i].name);
		is_int(verify(m.text.data, m.text.len, &m.ids[0]), 0, "%s: not of a version",
		       good[i].name);
		/* what is long is flipped in t3030, and some are much alike */
		if (m.text.len < 4000 && (i % 2 || i + 1 == sizeof(good) / sizeof(good[0])))
			flip_all(good[i].name, &m);
		casg_buf_release(&said);
		casg_buf_release(&again);
		casg_buf_release(&m.text);
	}
}

/* ---- what does not ------------------------------------------------------- */

static const struct plan wrong[] = {
	{ "the root is missing", USUAL, "a", "a b", "562 561 2", NULL, "", 0 },
	{ "a parent is missing", USUAL, "a", "a b", "562 2 1", NULL, "", 0 },
	{ "the taxon is missing", USUAL, "a", "a b", "561 2 1", NULL, "", 0 },
	{ "the taxonomy is missing", USUAL, "a", "a b", NULL, NULL, "", 0 },
	{ "a taxon too many", USUAL, "a", "a b", "562 561 2 1 78", NULL, "", 0 },
	{ "what it was merged into is missing", USUAL, "b", "a b c", "77 562 561 2 1", NULL, "", 0 },
	{ "a neighbour is missing", USUAL, "d", "c d e", "79", NULL, "", 0 },
	{ "a neighbour of the key is missing", USUAL, "d", "c d", "8", NULL, "", 0 },
	{ "a neighbour too many", USUAL, "d", "c d e", "79 8", NULL, "", 0 },
	{ "another key", USUAL, "y", "sp|P1.2|X z", "1", NULL, "", 0 },
	{ "the mapping is missing", USUAL, "e", "d e f", NULL, NULL, "", 0 },
	{ "the mapping is not needed", USUAL, "a", "a b", "562 561 2 1", "Q", "", 0 },
	{ "the taxonomy is not needed", USUAL, "e", "d e f", "1", "Q", "", 0 },
	{ "a mapping of none", USUAL, "e", "d e f", NULL, "Q", "", 1 },
	{ "a form of the accession is missing", USUAL, "sp|P1.2|X", "k sp|P1.2|X z",
	  "562 561 2 1", "P1", "", 0 },
	{ "a taxon of two is missing", USUAL, "zz", "z zz", "562 2 1", NULL, "", 0 },
	{ "a name", USUAL, "h", "f h i", NULL, "Q", "", 0 },
	{ "a loop", USUAL, "i", "h i j", "50 51", NULL, "", 0 },
	{ "a description is missing", USUAL, "f", "e f h", "2 1", NULL, "", 0 },
	{ "a description is not needed", USUAL, "e", "d e +f", NULL, "Q", "", 0 },
	{ "one of a neighbour in the taxonomy", USUAL, "k", "j k sp|P1.2|X", "+60 76", NULL, "", 0 },
	{ "a record that is none in the claim", USUAL, NULL, "a", "562 561 2 1 8", NULL, "", 0 },
};

/* The versions change places, or are of one kind; lists of sources that are none. */
static void test_form(void)
{
	static const struct {
		const char *from, *to, *name;
	} edits[] = {
		{ "view header,mapping,organism key", "view header,header key", "a source twice" },
		{ "view header,mapping,organism key", "view headers key", "no source" },
		{ "view header,mapping,organism key", "view key", "no list" },
		{ "key a\n", "keys a\n", "another word" },
		{ "key a\n", "key a b\n", "two keys" },
		{ "key a\n", "records a\n", "a key behind records" },
		{ "casg-taxonomy 1\n", "casg-taxonomy 2\n", "another kind of VERSION" },
		{ "sha256 ", "mapping\nsha256 ", "a mapping without a tree" },
		{ "sha256 ", "description x\nsha256 ", "a description of nothing" },
	};
	struct made m = make(&good[0]);
	const char *t = casg_buf_cstr(&m.text);
	const char *a = strstr(t, "\nversion ") + 1, *b = strstr(a, "\nversion ") + 1;
	const char *tail = strstr(b, "\nsha256 ") + 1;
	struct casg_buf x = CASG_BUF_INIT;

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		const char *at = strstr(t, edits[i].from);

		casg_buf_reset(&x);
		casg_buf_add(&x, t, (size_t)(at - t));
		casg_buf_addstr(&x, edits[i].to);
		at += strlen(edits[i].from);
		casg_buf_add(&x, at, m.text.len - (size_t)(at - t));
		if (x.failed)
			break;
		reseal(x.data, x.len);
		ok(verify(x.data, x.len, &m.id) < 0, "%s: %s", edits[i].name, err.msg);
	}
	for (int k = 0; k < 2; k++) {
		casg_buf_reset(&x);
		casg_buf_add(&x, t, (size_t)(a - t));
		casg_buf_add(&x, b, (size_t)(tail - b));
		casg_buf_add(&x, k ? b : a, k ? (size_t)(tail - b) : (size_t)(b - a));
		casg_proof_put_end(&x, 0, h);
		ok(verify(x.data, x.len, &m.id) < 0, "versions %s: %s",
		   k ? "of a taxonomy both" : "that changed places", err.msg);
	}
	casg_buf_release(&x);
	casg_buf_release(&m.text);
}

static void test_wrong(void)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct made m = make(&wrong[i]);

		is_int(holds(&m), 0, "%s: %s", wrong[i].name, err.msg);
		casg_buf_release(&m.text);
	}
}

int main(void)
{
	memset(long_text, ' ', 4990);
	strcpy(long_text + 4990, " OX=2");
	strcpy(long_node, "\tnode\t1\tspecies\t\tlong\t\tsynonym\t");
	memset(long_node + strlen(long_node), 'x', 5000);
	strcat(long_node, "\t");
	memset(long_row, '7', 5000);
	long_row[0] = '\t';
	h = casg_hasher_new();
	casg_proof_init(&proof);
	test_good();
	test_wrong();
	test_form();
	casg_proof_release(&proof);
	casg_hasher_free(h);
	return done_testing();
}
