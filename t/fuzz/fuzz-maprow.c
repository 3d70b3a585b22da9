/*
 * Rows of a mapping, any text: what is said does not depend on how the bytes
 * are split.  The first byte says how.
 */
#include <stdlib.h>

#include "maprow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int add_row(void *ctx, const struct casg_maprow *row, struct casg_err *err)
{
	struct casg_buf *b = ctx;

	(void)err;
	casg_buf_add(b, row->key, row->klen);
	casg_buf_addch(b, '\t');
	casg_buf_add(b, row->accession, row->accession ? row->alen : 0);
	casg_buf_addch(b, '\t');
	casg_buf_add(b, row->taxon, row->tlen);
	casg_buf_addch(b, '\n');
	return 0;
}

static int parse(const uint8_t *data, size_t size, size_t step, struct casg_buf *out)
{
	struct casg_maprow_parser p;
	int rc = 0;

	casg_maprow_init(&p, add_row, out);
	for (size_t i = 0; i < size && !rc; i += step)
		rc = casg_maprow_feed(&p, data + i, size - i < step ? size - i : step, NULL);
	if (!rc)
		rc = casg_maprow_end(&p, NULL);
	casg_maprow_release(&p);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_buf whole = CASG_BUF_INIT, parts = CASG_BUF_INIT;
	int rc;

	if (!size)
		return 0;
	rc = parse(data + 1, size - 1, size, &whole);
	if (parse(data + 1, size - 1, 1 + data[0], &parts) != rc || whole.len != parts.len ||
	    (whole.len && memcmp(whole.data, parts.data, whole.len)))
		abort();
	casg_buf_release(&whole);
	casg_buf_release(&parts);
	return 0;
}
