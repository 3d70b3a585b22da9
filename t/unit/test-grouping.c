/* grouping: which group a header falls into; arrange: what becomes of groups. */
#include "arrange.h"
#include "grouping.h"

#include "tap.h"

static struct casg_err err;

static struct casg_group group_of(struct casg_grouping *g, const char *taxon, const char *desc)
{
	struct casg_group out = { 0, 0 };

	if (casg_grouping_of(g, taxon, strlen(taxon), desc, strlen(desc), &out, &err))
		out.home = UINT64_MAX;
	return out;
}

static int same(struct casg_group a, struct casg_group b)
{
	return a.home == b.home && a.own == b.own;
}

static void test_organism(void)
{
	static const char *const cases[][2] = {
		{ " Thing OS=Escherichia coli (strain K12) OX=83333 GN=x", "Escherichia coli (strain K12)" },
		{ " Thing OS=Homo sapiens", "Homo sapiens" },
		{ " Thing n=2 Tax=Bos taurus TaxID=9913 RepID=X", "Bos taurus" },
		{ " kinase [Bacillus subtilis]", "Bacillus subtilis" },
		{ " kinase [[Clostridium] scindens].", "[Clostridium] scindens" },
		{ " a [Mus musculus]\001b [Rattus rattus]", "Mus musculus" },
		{ " OS=Foo (x=1 y) OX=2", "Foo (x=1 y)" }, { " a=b OS=Foo\tOX=1", "Foo" },
		{ " OS=Foo\1OS=Bar", "Foo" }, { " OS=Foo 1=2 =3 A=", "Foo 1=2 =3" },
		{ " XOS=Homo", "" }, { " []", "" }, { " a] ", "" }, { "]", "" }, { "", "" },
		{ " OS=", "" }, { " a [b] c", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *p = NULL;
		size_t n = casg_grouping_organism(cases[i][0], strlen(cases[i][0]), &p);

		ok(n == strlen(cases[i][1]) && !memcmp(n ? p : "", cases[i][1], n), "'%s'",
		   cases[i][0]);
	}
}

static void test_names(void)
{
	struct casg_grouping_policy p;
	struct casg_grouping *g;
	struct casg_group none = { 0, 0 }, coli;

	casg_grouping_policy_init(&p);
	g = casg_grouping_new(&p, NULL, &err);
	coli = group_of(g, "83333", " x OS=Escherichia coli (strain K12) OX=83333");
	ok(coli.home && coli.own, "a model organism has a home and chunks of its own");
	ok(same(coli, group_of(g, "83333", " y OS=Escherichia coli (strain K12) OX=83333")),
	   "and so again");
	ok(group_of(g, "564", " x [Escherichia fergusonii]").home == coli.home,
	   "its genus is at home there");
	ok(!group_of(g, "564", " x [Escherichia fergusonii]").own, "without chunks of its own");
	ok(group_of(g, "-", " x [Salmonella enterica]").home != coli.home, "another genus is not");
	ok(group_of(g, "-", " x OS=Human papillomavirus 16").home ==
	   group_of(g, "-", " x OS=Bovine papillomavirus").home, "viruses by what they are");
	ok(group_of(g, "-", " x [uncultured bacterium]").home ==
	   group_of(g, "-", " x [metagenome]").home, "no genus, one group");
	ok(group_of(g, "-", " x [Candidatus Pelagibacter]").home ==
	   group_of(g, "-", " x [Pelagibacter ubique]").home, "Candidatus is no genus");
	ok(same(none, group_of(g, "-", " nothing known")), "nothing known, no group");
	ok(same(none, group_of(g, "12345", " only an id")), "an id says nothing by itself");
	ok(group_of(g, "9606", " only an id").own, "unless a list names it");
	casg_grouping_free(g);
}

static void test_lists(void)
{
	struct casg_grouping_policy p;
	struct casg_grouping *g;

	casg_grouping_policy_init(&p);
	ok(!casg_grouping_policy_add(&p, CASG_GROUPING_DEDICATED, "Bacillus subtilis, 7") &&
	   !casg_grouping_policy_add(&p, CASG_GROUPING_DEDICATED, "8") &&
	   !strcmp(p.list[CASG_GROUPING_DEDICATED], "Bacillus subtilis\n7\n8\n"),
	   "a list takes the place of the default and adds up");
	ok(casg_grouping_policy_add(&p, 0, ",") && casg_grouping_policy_add(&p, 0, "1,") &&
	   casg_grouping_policy_add(&p, 0, "1,,2") && casg_grouping_policy_add(&p, 0, " "),
	   "no empty names");
	ok(!casg_grouping_policy_add(&p, CASG_GROUPING_SPECIES, "Homo") &&
	   !casg_grouping_policy_add(&p, CASG_GROUPING_HIGHER, "Vibrio"), "more lists");
	g = casg_grouping_new(&p, NULL, &err);
	ok(!group_of(g, "9606", " x").own, "the default is gone");
	ok(group_of(g, "-", " x [Bacillus subtilis 168]").own &&
	   !group_of(g, "-", " x [Bacillus subtilisx]").own, "names by words");
	ok(group_of(g, "-", " x [Homo sapiens]").home != group_of(g, "-", " x [Homo erectus]").home,
	   "by species where a list says so");
	casg_grouping_free(g);
	p.rest = CASG_GROUPING_NONE;
	g = casg_grouping_new(&p, NULL, &err);
	ok(!group_of(g, "-", " x [Mus musculus]").home && group_of(g, "-", " x [Homo sapiens]").home &&
	   group_of(g, "7", " x").own && !group_of(g, "561", " x").home, "none: only what was given");
	ok(!casg_grouping_policy_add(&p, CASG_GROUPING_DEDICATED, "") &&
	   !*p.list[CASG_GROUPING_DEDICATED], "an empty value empties a list");
	casg_grouping_free(g);
}

/* 0 root, 1 family, 2 genus, 3 and 4 its species, 5 another genus, 6 its species */
static int find(void *ctx, const char *text, size_t n, uint32_t *node, struct casg_err *e)
{
	(void)ctx;
	(void)e;
	*node = (uint32_t)(*text - '0');
	return n == 1 && *node < 7;
}

static int info(void *ctx, uint32_t node, uint32_t *parent, const char **rank, size_t *n,
		struct casg_err *e)
{
	static const uint32_t up[] = { 0, 0, 1, 2, 2, 1, 5 };
	static const char *const ranks[] = { "no rank", "family", "genus", "species", "species",
					     "genus", "species" };

	(void)ctx;
	(void)e;
	*parent = up[node];
	*rank = ranks[node];
	*n = strlen(ranks[node]);
	return 0;
}

static void test_lineage(void)
{
	const struct casg_grouping_taxonomy t = { NULL, find, info };
	struct casg_grouping_policy p;
	struct casg_grouping *g;

	casg_grouping_policy_init(&p);
	g = casg_grouping_new(&p, &t, &err);
	ok(group_of(g, "3", " x").home == 2 && group_of(g, "6", " x").home == 2, "by family");
	ok(group_of(g, "0", " x").home == 1, "without one, by the root");
	casg_grouping_free(g);
	casg_grouping_policy_add(&p, CASG_GROUPING_GENUS, "2");
	casg_grouping_policy_add(&p, CASG_GROUPING_DEDICATED, "5");
	g = casg_grouping_new(&p, &t, &err);
	ok(group_of(g, "3", " x").home == 3 && group_of(g, "4", " x").home == 3 &&
	   group_of(g, "6", " x").home == 2, "a list names a genus");
	ok(group_of(g, "6", " x").own && !group_of(g, "3", " x").own, "what is below is meant too");
	casg_grouping_free(g);
	casg_grouping_policy_add(&p, CASG_GROUPING_HIGHER, "0");
	p.rest = CASG_GROUPING_SPECIES;
	g = casg_grouping_new(&p, &t, &err);
	ok(group_of(g, "3", " x").home == 3 && group_of(g, "6", " x").home == 1, "the nearest counts");
	casg_grouping_free(g);
}

/* Pieces of ten thousand bytes: sketch and group by number. */
enum { N = 400 };

static size_t arrange(struct casg_arrange_piece *p, const struct casg_group *groups,
		      uint32_t ngroups, unsigned int cost, uint32_t *order, size_t *ends)
{
	const struct casg_arrange_opts o = { 400000, 1000, cost };
	uint8_t seen[N] = { 0 };
	size_t n = 0;

	if (casg_arrange(p, N, groups, ngroups, &o, order, ends, &n, &err))
		return 0;
	for (size_t i = 0; i < N; i++)
		seen[order[i]]++;
	for (size_t i = 0; i < N; i++)
		if (seen[i] != 1)
			return 0;
	return n && ends[n - 1] == N ? n : 0;
}

/* In how many chunks the group is. */
static size_t spread(const struct casg_arrange_piece *p, const uint32_t *order, const size_t *ends,
		     size_t nchunks, uint32_t group)
{
	size_t at = 0, n = 0;

	for (size_t c = 0; c < nchunks; c++) {
		int here = 0;

		for (; at < ends[c]; at++)
			here |= p[order[at]].group == group;
		n += (size_t)here;
	}
	return n;
}

static void test_arrange(void)
{
	static const struct casg_group groups[] = { { 1, 0 }, { 2, 0 }, { 3, 0 }, { 3, 9 } };
	struct casg_arrange_piece p[N];
	uint32_t order[N];
	size_t ends[N], n;

	for (uint32_t i = 0; i < N; i++)
		p[i] = (struct casg_arrange_piece){ i + 1, 10000, i % 4, 0 };
	n = arrange(p, groups, 4, 4, order, ends);
	ok(n >= 10, "chunks of all pieces");
	for (uint32_t g = 0; g < 4; g++)
		ok(spread(p, order, ends, n, g) <= 3, "group %u lies together", g);
	/* all alike across groups: apart they would cost more than is allowed */
	for (uint32_t i = 0; i < N; i++)
		p[i].sketch = i / 8 + 1;
	n = arrange(p, groups, 4, 4, order, ends);
	ok(spread(p, order, ends, n, 0) > 3, "too dear: not kept apart");
	n = arrange(p, groups, 4, 100, order, ends);
	ok(spread(p, order, ends, n, 0) <= 3 && spread(p, order, ends, n, 3) <= 3,
	   "unless any price is right");
	for (uint32_t i = 0; i < N; i++)
		p[i] = (struct casg_arrange_piece){ i + 1, 10000, i == 200 ? 3 : i % 3, 0 };
	n = arrange(p, groups, 4, 4, order, ends);
	ok(spread(p, order, ends, n, 3) == 1 && n <= 12, "a small group shares a chunk");
	for (uint32_t i = 0; i < N; i++)
		p[i] = (struct casg_arrange_piece){ 0, 0, 0, 0 };
	ok(arrange(p, groups, 4, 0, order, ends) == 1, "pieces of nothing");
	ok(!casg_arrange(p, 0, groups, 0, &(struct casg_arrange_opts){ 4000, 10, 4 }, order, ends,
			 &n, &err) && !n, "no pieces");
}

int main(void)
{
	test_organism();
	test_names();
	test_lists();
	test_lineage();
	test_arrange();
	return done_testing();
}
