#include "grouping.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "array.h"
#include "sum.h"

/* A home that is a hash, not a node: behind all that are nodes. */
#define BY_NAME (UINT64_C(1) << 63)

enum { CACHE = 1 << 12, DEPTH_MAX = 256 };

/* The one home of the defaults; casg-config(5) lists them. */
static const char *const presets[CASG_GROUPING_NLISTS] = {
	/* human, mouse, rat, zebrafish, fly, worm, cress, both yeasts, E. coli, B. subtilis */
	[CASG_GROUPING_DEDICATED] =
		"9606,10090,10116,7955,7227,6239,3702,4932,559292,4896,284812,562,83333,224308",
	[CASG_GROUPING_SPECIES] = "",
	/* pathogens: bacteria, then fungi and protists, then viruses */
	[CASG_GROUPING_GENUS] =
		"194,209,234,286,445,469,482,517,561,570,590,620,629,662,724,810,1279,1301,"
		"1350,1637,1763,32008,1870884,"
		"5052,5475,5658,5690,5820,"
		"11051,11646,197911,694002",
	[CASG_GROUPING_FAMILY] = "",
	/* unclassified and artificial sequences, metagenomes, environmental samples */
	[CASG_GROUPING_HIGHER] = "12908,28384,408169,48479,environmental samples",
};

static const char *const rank_names[] = {
	"dedicated", "species", "genus", "family", "higher", "none",
};

const char *casg_grouping_rank_name(int rank)
{
	return rank >= 0 && rank <= CASG_GROUPING_NONE ? rank_names[rank] : NULL;
}

void casg_grouping_policy_init(struct casg_grouping_policy *p)
{
	memset(p, 0, sizeof(*p));
	p->rest = CASG_GROUPING_FAMILY;
	p->max_cost = 4;
	for (int i = 0; i < CASG_GROUPING_NLISTS; i++) {
		casg_grouping_policy_add(p, i, presets[i]);
		p->given[i] = 0;
	}
}

int casg_grouping_policy_add(struct casg_grouping_policy *p, int list, const char *text)
{
	char *out = p->list[list];
	size_t len;

	if (!p->given[list] || !*text)
		*out = '\0';
	p->given[list] = 1;
	len = strlen(out);
	while (*text) {
		size_t n;

		text += strspn(text, " \t");
		n = strcspn(text, ",");
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
				return -1;
		while (n && text[n - 1] == ' ')
			n--;
		if (!n || len + n + 2 > CASG_GROUPING_LIST_MAX)
			return -1;
		memcpy(out + len, text, n);
		len += n;
		out[len++] = '\n';
		out[len] = '\0';
		text += strcspn(text, ",");
		if (*text == ',' && !*++text)
			return -1;
	}
	return 0;
}

/* A taxon that a list names. */
struct named {
	const char *text;
	size_t n;
	int list;
	uint32_t node;
	uint8_t is_number;
	uint8_t has_node;
};

struct casg_grouping {
	struct casg_grouping_policy policy;
	const struct casg_grouping_taxonomy *taxonomy;
	struct named *named;
	size_t nnamed, cap_named;
	struct {
		uint64_t hash;
		struct casg_group group;
	} cache[CACHE];
};

static int add_named(struct casg_grouping *g, int list, const char *text, size_t n,
		     struct casg_err *err)
{
	struct named *d;
	int rc;

	if (CASG_GROW(g->named, g->nnamed + 1, g->cap_named))
		return casg_err_nomem(err);
	d = &g->named[g->nnamed++];
	*d = (struct named){ .text = text, .n = n, .list = list, .is_number = 1 };
	for (size_t i = 0; i < n; i++)
		d->is_number &= text[i] >= '0' && text[i] <= '9';
	if (!g->taxonomy)
		return 0;
	/* the defaults are of NCBI; another taxonomy need not know them */
	rc = g->taxonomy->find(g->taxonomy->ctx, text, n, &d->node, err);
	d->has_node = rc > 0;
	return rc < 0 ? rc : 0;
}

struct casg_grouping *casg_grouping_new(const struct casg_grouping_policy *p,
					const struct casg_grouping_taxonomy *taxonomy,
					struct casg_err *err)
{
	struct casg_grouping *g = calloc(1, sizeof(*g));
	int rc = g ? 0 : casg_err_nomem(err);

	if (rc)
		return NULL;
	g->policy = *p;
	g->taxonomy = taxonomy;
	for (int i = 0; i < CASG_GROUPING_NLISTS; i++) {
		const char *t = g->policy.list[i];

		/* who wants no groups does not want the default ones */
		if (p->rest == CASG_GROUPING_NONE && !p->given[i])
			continue;
		for (; *t && !rc; t += strcspn(t, "\n") + 1)
			rc = add_named(g, i, t, strcspn(t, "\n"), err);
	}
	if (!rc)
		return g;
	casg_grouping_free(g);
	return NULL;
}

void casg_grouping_free(struct casg_grouping *g)
{
	if (!g)
		return;
	free(g->named);
	free(g);
}

/* ---- names ------------------------------------------------------------- */

static int ends_word(char c)
{
	return c == ' ' || c == '\t' || c == '\1';
}

/* Where "KEY=" begins a word, behind it; or NULL. */
static const char *behind(const char *desc, size_t n, const char *key)
{
	size_t klen = strlen(key);
	const char *end = desc + n, *p = desc;

	/* few of them are in a description: quicker than memmem for the key */
	while (p < end && (p = memchr(p, '=', (size_t)(end - p)))) {
		const char *word = p - (klen - 1);

		p++;
		if ((size_t)(p - desc) >= klen && !memcmp(word, key, klen) &&
		    (word == desc || ends_word(word[-1])))
			return p;
	}
	return NULL;
}

/* What ends the value of UniProt's "OS=": a word of letters and a '='. */
static size_t value_length(const char *p, size_t n)
{
	const char *end = p + n, *eq = p, *stop;

	while (eq < end && (eq = memchr(eq, '=', (size_t)(end - eq)))) {
		const char *word = eq++;

		while (word > p && ((word[-1] >= 'A' && word[-1] <= 'Z') ||
				    (word[-1] >= 'a' && word[-1] <= 'z')))
			word--;
		if (word > p && word < eq - 1 && word[-1] == ' ') {
			n = (size_t)(word - 1 - p);
			break;
		}
	}
	stop = memchr(p, '\1', n);
	n = stop ? (size_t)(stop - p) : n;
	stop = memchr(p, '\t', n);
	return stop ? (size_t)(stop - p) : n;
}

static size_t in_brackets(const char *desc, size_t n, const char **out)
{
	const char *first = memchr(desc, '\1', n);
	size_t depth = 0, end, i;

	if (first)
		n = (size_t)(first - desc);
	while (n && (desc[n - 1] == ' ' || desc[n - 1] == '.'))
		n--;
	if (!n || desc[n - 1] != ']')
		return 0;
	end = i = n - 1;
	for (depth = 1; i && depth; )
		depth += desc[--i] == ']' ? 1 : desc[i] == '[' ? (size_t)-1 : 0;
	if (depth || end - i < 2)
		return 0;
	*out = desc + i + 1;
	return end - i - 1;
}

size_t casg_grouping_organism(const char *desc, size_t dlen, const char **out)
{
	const char *p = behind(desc, dlen, "OS=");

	if (!p)
		p = behind(desc, dlen, "Tax=");
	if (!p)
		return in_brackets(desc, dlen, out);
	*out = p;
	return value_length(p, (size_t)(desc + dlen - p));
}

static size_t word(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != ' ')
		i++;
	return i;
}

static int ends_in(const char *p, size_t n, const char *tail)
{
	size_t t = strlen(tail);

	return n >= t && !strncasecmp(p + n - t, tail, t);
}

static uint64_t name_key(const char *p, size_t n)
{
	return casg_xxh64(0, p, n) | BY_NAME;
}

/*
 * The first word is the genus, the first two are the species.  Viruses are
 * called after their host first: there it is the word that says virus.  A name
 * that begins with a small letter ("uncultured bacterium") tells no genus.
 */
static uint64_t home_by_name(const char *p, size_t n, int rank)
{
	static const char candidatus[] = "Candidatus ";
	const size_t clen = sizeof(candidatus) - 1;
	size_t w;

	while (n && strchr("['\"", *p)) {
		p++;
		n--;
	}
	if (n > clen && !memcmp(p, candidatus, clen)) {
		p += clen;
		n -= clen;
	}
	for (size_t at = 0; at < n; at += w + 1) {
		w = word(p + at, n - at);
		if (w > 5 && (ends_in(p + at, w, "virus") || ends_in(p + at, w, "phage")))
			return rank == CASG_GROUPING_SPECIES ? name_key(p, n)
							     : name_key(p + at, w);
	}
	if (!n || *p < 'A' || *p > 'Z' || rank == CASG_GROUPING_HIGHER)
		return name_key("", 0);
	w = word(p, n);
	if (rank == CASG_GROUPING_SPECIES && w < n)
		w += 1 + word(p + w + 1, n - w - 1);
	while (w && strchr("]'\",;", p[w - 1]))
		w--;
	return name_key(p, w);
}

static int is_named(const struct named *d, const char *id, size_t idlen, const char *name,
		    size_t n)
{
	if (d->is_number)
		return d->n == idlen && !memcmp(d->text, id, idlen);
	return d->n <= n && !memcmp(d->text, name, d->n) &&
	       (d->n == n || name[d->n] == ' ' || name[d->n] == ',');
}

static void by_name(const struct casg_grouping *g, const char *id, size_t idlen,
		    const char *name, size_t n, struct casg_group *out)
{
	const struct named *d, *own = NULL, *list = NULL;

	for (size_t i = 0; i < g->nnamed; i++) {
		d = &g->named[i];
		if (!is_named(d, id, idlen, name, n))
			continue;
		if (d->list == CASG_GROUPING_DEDICATED)
			own = own ? own : d;
		else
			list = list ? list : d;
	}
	if (own)
		out->own = name_key(own->text, own->n);
	if (list && (list->list == CASG_GROUPING_HIGHER || !n))
		out->home = name_key(list->text, list->n);
	else if (n && (list || g->policy.rest != CASG_GROUPING_NONE))
		out->home = home_by_name(name, n, list ? list->list : (int)g->policy.rest);
}

/* ---- a taxonomy -------------------------------------------------------- */

/* How coarse: an enum casg_grouping_rank, or NONE for a rank between others. */
static int coarseness(const char *rank, size_t n)
{
	static const struct {
		const char *name;
		int rank;
	} table[] = {
		{ "species", CASG_GROUPING_SPECIES }, { "genus", CASG_GROUPING_GENUS },
		{ "family", CASG_GROUPING_FAMILY }, { "order", CASG_GROUPING_HIGHER },
		{ "class", CASG_GROUPING_HIGHER }, { "phylum", CASG_GROUPING_HIGHER },
		{ "kingdom", CASG_GROUPING_HIGHER }, { "superkingdom", CASG_GROUPING_HIGHER },
		{ "domain", CASG_GROUPING_HIGHER }, { "realm", CASG_GROUPING_HIGHER },
		{ "acellular root", CASG_GROUPING_HIGHER },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (n == strlen(table[i].name) && !memcmp(rank, table[i].name, n))
			return table[i].rank;
	return CASG_GROUPING_NONE;
}

struct lineage {
	uint32_t node[DEPTH_MAX]; /* from the taxon up */
	uint8_t coarse[DEPTH_MAX];
	size_t n;
};

/* The nearest that a list of [least, most] names. */
static const struct named *nearest(const struct casg_grouping *g, const struct lineage *l,
				   int least, int most)
{
	for (size_t k = 0; k < l->n; k++)
		for (size_t i = 0; i < g->nnamed; i++) {
			const struct named *d = &g->named[i];

			if (d->has_node && d->node == l->node[k] && d->list >= least &&
			    d->list <= most)
				return d;
		}
	return NULL;
}

static int read_lineage(const struct casg_grouping *g, uint32_t node, struct lineage *l,
			struct casg_err *err)
{
	const struct casg_grouping_taxonomy *t = g->taxonomy;
	const char *rank;
	uint32_t up;
	size_t n;
	int rc;

	for (l->n = 0; l->n < DEPTH_MAX; node = up) {
		rc = t->info(t->ctx, node, &up, &rank, &n, err);
		if (rc)
			return rc;
		l->coarse[l->n] = (uint8_t)coarseness(rank, n);
		l->node[l->n++] = node;
		if (up == node)
			break;
	}
	return 0;
}

static int by_lineage(const struct casg_grouping *g, uint32_t node, struct casg_group *out,
		      struct casg_err *err)
{
	struct lineage l;
	const struct named *d;
	int rank, rc = read_lineage(g, node, &l, err);

	if (rc)
		return rc;
	/* hashed, so that it is no home, and the same without a taxonomy */
	d = nearest(g, &l, CASG_GROUPING_DEDICATED, CASG_GROUPING_DEDICATED);
	if (d)
		out->own = name_key(d->text, d->n);
	d = nearest(g, &l, CASG_GROUPING_SPECIES, CASG_GROUPING_HIGHER);
	if (d && d->list == CASG_GROUPING_HIGHER) {
		out->home = (uint64_t)d->node + 1;
		return 0;
	}
	rank = d ? d->list : (int)g->policy.rest;
	if (rank == CASG_GROUPING_NONE)
		return 0;
	/* of that rank, or of the next above it that there is */
	out->home = (uint64_t)l.node[l.n - 1] + 1;
	for (size_t k = 0; k < l.n; k++)
		if (l.coarse[k] != CASG_GROUPING_NONE && l.coarse[k] >= rank) {
			out->home = (uint64_t)l.node[k] + 1;
			break;
		}
	return 0;
}

int casg_grouping_of(struct casg_grouping *g, const char *taxon, size_t tlen,
		     const char *desc, size_t dlen, struct casg_group *out,
		     struct casg_err *err)
{
	const char *name = "";
	size_t n, idlen = 0, slot;
	uint64_t hash;
	uint32_t node;
	int rc = 0;

	*out = (struct casg_group){ 0, 0 };
	if (!g->nnamed && g->policy.rest == CASG_GROUPING_NONE)
		return 0;
	while (idlen < tlen && taxon[idlen] != ',')
		idlen++;
	if (idlen == 1 && *taxon == '-')
		idlen = 0;
	n = casg_grouping_organism(desc, dlen, &name);
	if (!n && !idlen)
		return 0;
	hash = casg_xxh64(casg_xxh64(1, taxon, idlen), name, n) | 1;
	slot = (size_t)(hash >> 32) & (CACHE - 1);
	if (g->cache[slot].hash == hash) {
		*out = g->cache[slot].group;
		return 0;
	}
	if (g->taxonomy && idlen)
		rc = g->taxonomy->find(g->taxonomy->ctx, taxon, idlen, &node, err);
	if (g->taxonomy && !rc && n)
		rc = g->taxonomy->find(g->taxonomy->ctx, name, n, &node, err);
	if (rc < 0)
		return rc;
	if (rc)
		rc = by_lineage(g, node, out, err);
	else
		by_name(g, taxon, idlen, name, n, out);
	if (rc)
		return rc;
	g->cache[slot].hash = hash;
	g->cache[slot].group = *out;
	return 0;
}
