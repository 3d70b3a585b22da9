/* taxon: which ids a header declares. */
#include "taxon.h"

#include "tap.h"

static const char *declared(struct casg_buf *out, const char *header)
{
	size_t klen = strcspn(header, " \t");

	casg_buf_reset(out);
	casg_buf_addstr(out, "<");
	casg_taxon_declared(header, klen, header + klen,
			    strlen(header) - klen, out);
	casg_buf_addstr(out, ">");
	return casg_buf_cstr(out);
}

int main(void)
{
	static const char *const cases[][2] = {
		{ "", "<->" },
		{ "sp|P1|X_HUMAN Thing OS=Homo sapiens OX=9606 GN=X", "<9606>" },
		{ "x OX=9606", "<9606>" },
		{ "OX=1", "<1>" },
		{ "UniRef50_A n=2 Tax=Homo TaxID=9606 RepID=X", "<9606>" },
		{ "x TaxID=1\001y TaxID=2 OX=1", "<1,2>" },
		{ "x \001OX=7", "<7>" },
		{ "x OX=12 OX=1 OX=12", "<12,1>" },
		{ "seq16|kraken:taxid|32630 Adapter", "<32630>" },
		{ "kraken:taxid|562|NC_1 text", "<562>" },
		{ "x|kraken:taxid|562", "<562>" },
		{ "x|kraken:taxid|562x", "<->" },
		{ "x text|kraken:taxid|5 OX=6", "<5,6>" },
		{ "x notkraken:taxid|5", "<->" },
		{ "x FOX=5 fOX=5 BadTaxID=5", "<->" },
		{ "x OX=", "<->" },
		{ "x OX=5a OX=5_ ", "<5>" },
		{ "x OX=5;", "<5>" },
		{ "x OX = 5 ox=5 taxid=5", "<->" },
		{ "a=b|c==|| =|", "<->" },
	};
	struct casg_buf out = CASG_BUF_INIT, many = CASG_BUF_INIT;
	const char *p;
	int commas = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		is_str(declared(&out, cases[i][0]), cases[i][1],
		       "declared %d", (int)i);
	for (int i = 0; i < 1000; i++)
		casg_buf_addf(&many, " OX=%d", i);
	for (p = declared(&out, casg_buf_cstr(&many)); *p; p++)
		commas += *p == ',';
	is_int(commas + 1, CASG_TAXON_MAX, "there is an end to it");
	casg_buf_release(&out);
	casg_buf_release(&many);
	return done_testing();
}
