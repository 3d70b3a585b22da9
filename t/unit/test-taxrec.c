/* Taxon records: what is written is read, what is not canonical is refused. */
#include "taxrec.h"

#include "node.h"
#include "tap.h"

static struct casg_err err;

static struct casg_taxstr str(const char *s)
{
	struct casg_taxstr t = { s, strlen(s) };

	return t;
}

static struct casg_taxname name3(const char *cls, const char *name, const char *unique)
{
	struct casg_taxname t = { str(cls), str(name), str(unique) };

	return t;
}

/* Take it apart and put it together again. */
static int again(const char *desc, size_t n, struct casg_buf *out)
{
	struct casg_taxrec r;
	struct casg_taxname names[8];
	struct casg_taxstr at;
	size_t nnames = 0;
	int ret = casg_taxrec_decode(&r, desc, n, &err);

	if (ret)
		return ret;
	at = r.others;
	while (nnames < 8 && casg_taxrec_next_name(&at, &names[nnames]))
		nnames++;
	is_int(nnames, r.nothers, "as many names as were counted");
	casg_buf_reset(out);
	return casg_taxrec_encode(out, &r, names, nnames, &err);
}

static void test_good(void)
{
	static const char *const good[] = {
		"\tnode\t1\tno rank\t\troot\t",
		"\tnode\t561\tspecies\tEC|0|1\tEscherichia coli\t",
		"\tnode\ts__A%20b%2C%25%7F\t\t\tx\tx <y>",
		"\tnode\t1\tr\t\tn\tu\ta\tb\t\ta\tb\tc\tb\ta\t",
		"\tmerged\t562", "\tmerged\ts__A%20b", "\tdeleted",
	};
	struct casg_buf out = CASG_BUF_INIT;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		is_int(again(good[i], strlen(good[i]), &out), 0, "good %d", (int)i);
		is_mem(out.data, out.len, good[i], strlen(good[i]), "the same %d", (int)i);
	}
	casg_buf_release(&out);
}

static void test_bad(void)
{
	static const char *const bad[] = {
		"", "node\t1\tr\t\tn\t", "\tnode", "\tnode\t1\tr\t\tn", "\tnode\t1\tr\t\t\t",
		"\tnode\t\tr\t\tn\t", "\tnode\ta b\tr\t\tn\t", "\tnode\ta%2c\tr\t\tn\t",
		"\tnode\ta%41\tr\t\tn\t", "\tnode\ta%2\tr\t\tn\t", "\tnode\t1,2\tr\t\tn\t",
		"\tnode\t1\tr\t\tn\tu\t", "\tnode\t1\tr\t\tn\tu\ta\tb", "\tnode\t1\tr\t\tn\tu\t\tb\t",
		"\tnode\t1\tr\t\tn\tu\ta\t\t", "\tnode\t1\tr\t\tn\tu\tb\ta\t\ta\tb\t",
		"\tnode\t1\tr\t\tn\tu\ta\tb\t\ta\tb\t", "\tnode\t1\tr\t\tn\tu\ta\tb\tc\ta\tb\t",
		"\tnode\t1\tr\t\tn\nm\t", "\tnode\t1\tr\t\tn\r\t", "\tmerged", "\tmerged\t",
		"\tmerged\t1\t2", "\tmerged\t1,2", "\tdeleted\t", "\tdeletedx", "\tmoved\t1", "\t",
	};
	static const char nul[] = "\tnode\t1\tr\t\tn\0m\t";
	struct casg_buf out = CASG_BUF_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(again(bad[i], strlen(bad[i]), &out), CASG_ECORRUPT, "bad %d", (int)i);
	is_int(again(nul, sizeof(nul) - 1, &out), CASG_ECORRUPT, "NUL is refused");
	casg_buf_release(&out);
}

static void test_sorting(void)
{
	struct casg_taxname names[] = {
		name3("synonym", "b", ""), name3("synonym", "a", ""), name3("authority", "z", ""),
		name3("synonym", "a", "u"), name3("synonym", "a", ""), name3("a", "a", ""),
		name3("synonym", "a", "u"), name3("a\001", "a", ""), name3("synonym", "aa", ""),
	};
	static const char want[] = "\tnode\t1\tr\t\tn\t\ta\ta\t\ta\001\ta\t\tauthority\tz\t"
		"\tsynonym\ta\t\tsynonym\ta\tu\tsynonym\taa\t\tsynonym\tb\t";
	struct casg_taxrec r = { .kind = CASG_TAXREC_NODE };
	struct casg_buf out = CASG_BUF_INIT;

	r.parent = str("1");
	r.rank = str("r");
	r.rest = r.unique = str("");
	r.name = str("n");
	is_int(casg_taxrec_encode(&out, &r, names, 9, &err), 0, "names in any order");
	is_mem(out.data, out.len, want, sizeof(want) - 1, "are sorted, each once");
	is_int(again((const char *)out.data, out.len, &out), 0, "and read");
	casg_buf_reset(&out);
	names[0].name = str("a\tb");
	is_int(casg_taxrec_encode(&out, &r, names, 9, &err), CASG_ECORRUPT, "not with TAB inside");
	names[0].name = str("");
	is_int(casg_taxrec_encode(&out, &r, names, 9, &err), CASG_ECORRUPT, "nor empty");
	r.rest = str("a\nb");
	is_int(casg_taxrec_encode(&out, &r, names, 0, &err), CASG_ECORRUPT, "nor with LF");
	r.rest = str("");
	r.parent = str("a b");
	is_int(casg_taxrec_encode(&out, &r, names, 0, &err), CASG_ECORRUPT,
	       "nor with a parent not in key form");
	casg_buf_release(&out);
}

static void test_ids(void)
{
	static const struct { const char *id, *key; } pairs[] = {
		{ "562", "562" }, { "s__Escherichia coli", "s__Escherichia%20coli" },
		{ "a%b,c\x7f", "a%25b%2Cc%7F" }, { "\t\n", "%09%0A" }, { "\xc3\xa9", "\xc3\xa9" },
	};
	struct casg_buf out = CASG_BUF_INIT;
	static char longest[CASG_KEY_MAX + 1];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		casg_buf_reset(&out);
		casg_taxid_to_key(&out, pairs[i].id, strlen(pairs[i].id), &err);
		is_str(casg_buf_cstr(&out), pairs[i].key, "key %d", (int)i);
		casg_buf_reset(&out);
		casg_taxid_from_key(&out, pairs[i].key, strlen(pairs[i].key), &err);
		is_str(casg_buf_cstr(&out), pairs[i].id, "id %d", (int)i);
	}
	is_int(casg_taxid_to_key(&out, "", 0, &err), CASG_ECORRUPT, "no empty id");
	is_int(casg_taxid_from_key(&out, "", 0, &err), CASG_ECORRUPT, "no empty key");
	memset(longest, 'x', sizeof(longest));
	is_int(casg_taxid_to_key(&out, longest, CASG_KEY_MAX, &err), 0, "the longest");
	is_int(casg_taxid_to_key(&out, longest, CASG_KEY_MAX + 1, &err), CASG_ECORRUPT,
	       "one longer");
	longest[0] = ' ';
	is_int(casg_taxid_to_key(&out, longest, CASG_KEY_MAX, &err), CASG_ECORRUPT,
	       "one longer in key form");
	casg_buf_release(&out);
}

static void test_mapping(void)
{
	static const char *const bad[] = {
		"", "562", "\t", "\t562,", "\t,562", "\t562,,561", "\t562,562", "\t561,562,561",
		"\ta b", "\t562\t", "\t562\n",
	};
	struct casg_taxstr ids[3] = { str("562"), str("s__A%20b"), str("561") }, all, id;
	struct casg_buf out = CASG_BUF_INIT;
	int n = 0;

	is_int(casg_taxmap_encode(&out, ids, 3, &err), 0, "a mapping row");
	is_str(casg_buf_cstr(&out), "\t562,s__A%20b,561", "is its ids");
	is_int(casg_taxmap_decode(&all, (const char *)out.data, out.len, &err), 0, "read");
	for (; casg_taxmap_next(&all, &id); n++)
		ok(!casg_taxstr_cmp(&id, &ids[n]), "id %d", n);
	is_int(n, 3, "all of them");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(casg_taxmap_decode(&all, bad[i], strlen(bad[i]), &err), CASG_ECORRUPT,
		       "bad mapping %d", (int)i);
	ids[2] = ids[0];
	is_int(casg_taxmap_encode(&out, ids, 3, &err), CASG_ECORRUPT, "no id twice");
	is_int(casg_taxmap_encode(&out, ids, 0, &err), CASG_ECORRUPT, "not none");
	casg_buf_release(&out);
}

int main(void)
{
	test_good();
	test_bad();
	test_sorting();
	test_ids();
	test_mapping();
	return done_testing();
}
