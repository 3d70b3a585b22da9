/*
 * Lines of the record stream: what is accepted is what formatting emits.  The
 * first byte is 'z' for -z; the rest is the line.
 */
#include <stdio.h>
#include <stdlib.h>

#include "stream.h"
#include "taxon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_buf scratch = CASG_BUF_INIT, out = CASG_BUF_INIT;
	const char *line = (const char *)data + 1;
	struct casg_rec r;
	int z;

	if (!size)
		return 0;
	z = data[0] == 'z';
	size--;
	if (!casg_rec_parse(&r, line, size, z, &scratch, NULL)) {
		require(!casg_stream_is_facts(line, size),
			"both a record and facts");
		require(!casg_rec_format(&out, &r, z), "cannot be formatted");
		require(out.len == size + 1 && !memcmp(out.data, line, size) &&
			out.data[size] == (z ? 0 : '\n'),
			"formatting gives another line");
		casg_buf_reset(&out);
		require(!casg_taxon_declared(r.key, r.klen, r.desc, r.dlen,
					     &out) && out.len,
			"no taxon");
	}
	casg_buf_release(&scratch);
	casg_buf_release(&out);
	return 0;
}
