/* taxonof: what headers and organisms say without any taxonomy; the setting. */
#include "organism.h"
#include "taxonof.h"

#include "tap.h"

static struct casg_err err = CASG_ERR_INIT;

static const char *taxa_of(struct casg_taxonof *t, struct casg_buf *out, const char *header)
{
	size_t klen = strcspn(header, " ");
	int source;

	casg_buf_reset(out);
	source = casg_taxonof_record(t, header, klen, header + klen, strlen(header + klen), out,
				     &err);
	for (size_t i = 0; i < out->len; i++)
		if (!out->data[i])
			out->data[i] = ' ';
	casg_buf_addf(out, "(%d)", source);
	return casg_buf_cstr(out);
}

static const char *organisms(struct casg_buf *out, const char *desc)
{
	struct casg_taxstr name;
	size_t at = 0;

	casg_buf_reset(out);
	while (casg_organism_next(desc, strlen(desc), &at, &name))
		casg_buf_addf(out, "<%.*s>", (int)name.n, name.p);
	return casg_buf_cstr(out);
}

static void test_setting(void)
{
	static const char *const bad[] = {
		"", ",", "header,", ",header", "header,header", "headers", "head", "header mapping"
	};
	struct casg_settings s;
	uint64_t v;

	casg_settings_init(&s);
	is_int((long long)s.taxon_from, 0x030201, "the default");
	is_int(casg_settings_set(&s, "casg.taxonfrom", "organism,header", NULL, &err), 0, "set");
	is_int((long long)s.taxon_from, 0x0103, "another order");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(casg_parse_taxon_from(bad[i], &v) < 0, "'%s' is refused", bad[i]);
	is_int(casg_settings_set(&s, "casg.taxonFrom", "x", NULL, &err), CASG_ECORRUPT, "bad");
	is_str(err.msg, "bad value 'x' of casg.taxonFrom: wanted a list of header, mapping and "
	       "organism", "says what it wants");
}

int main(void)
{
	struct casg_taxonof *t = casg_taxonof_new(0x030201, NULL, NULL, &err);
	struct casg_taxonof *no = casg_taxonof_new(CASG_TAXON_ORGANISM, NULL, NULL, &err);
	struct casg_buf out = CASG_BUF_INIT;

	ok(t && no, "opened");
	is_str(taxa_of(t, &out, "x OX=9 y"), "9 (1)", "declared");
	is_str(taxa_of(t, &out, "x TaxID=9\1y TaxID=8"), "9 8 (1)", "several");
	is_str(taxa_of(t, &out, "x [E]"), "(0)", "none");
	is_str(taxa_of(no, &out, "x OX=9"), "(0)", "a source that is not asked");
	is_str(organisms(&out, " p [Escherichia coli]"), "<Escherichia coli>", "an organism");
	is_str(organisms(&out, " p [Mn] [E. coli]  "), "<E. coli>", "the last");
	is_str(organisms(&out, " a [A]\1b b\1c [C]"), "<A><C>", "of each line");
	is_str(organisms(&out, " p [[Clostridium] innocuum]"), "<[Clostridium] innocuum>", "brackets");
	is_str(organisms(&out, " p ]"), "", "none opens");
	is_str(organisms(&out, " p []"), "", "nothing in it");
	is_str(organisms(&out, " p [a] b"), "<a>", "text behind it");
	is_str(organisms(&out, ""), "", "nothing at all");
	test_setting();
	casg_buf_release(&out);
	casg_taxonof_free(t);
	casg_taxonof_free(no);
	return done_testing();
}
