/*
 * The order and presentation objects.  The first byte says which and, for the
 * order, how many records the version counts; the second where the bytes are
 * split into pieces.  The result must not depend on the split, every rank must
 * be in range, and what was read must be written as the same bytes.
 */
#include <stdlib.h>

#include "objects.h"
#include "pieces.h"
#include "varint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns 0 and what the writer would make of it, or the class of the refusal. */
static int read_order(const uint8_t *data, size_t size, size_t step, uint64_t count,
		      struct casg_buf *out)
{
	struct source s = { data, size, step };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_orderr *o = casg_orderr_new(pieces, &s, count, &err);
	uint64_t rank, last = UINT64_MAX;
	int rc = o ? 0 : err.code;

	casg_buf_addstr(out, "casg-order 1\n");
	casg_varint_add(out, count);
	while (!rc && (rc = casg_orderr_next(o, &rank, &err)) > 0) {
		if (rank >= count)
			abort();
		casg_varint_add(out, casg_zigzag((int64_t)(rank - last - 1)));
		last = rank;
		rc = 0;
	}
	casg_orderr_free(o);
	return rc;
}

static int read_pres(const uint8_t *data, size_t size, size_t step, struct casg_buf *out)
{
	struct source s = { data, size, step };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_presr *r;
	struct casg_facts f;
	const char *p;
	size_t n;
	int rc;

	casg_facts_init(&f);
	r = casg_presr_new(pieces, &s, &f, &err);
	rc = r ? 0 : err.code;
	if (!rc)
		casg_facts_format(out, &f);
	while (!rc && casg_presr_more(r)) {
		rc = casg_presr_next(r, &p, &n, &err);
		if (!rc) {
			casg_buf_addch(out, '\n');
			casg_buf_add(out, p, n);
		}
	}
	casg_presr_free(r);
	casg_facts_release(&f);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_buf a = CASG_BUF_INIT, b = CASG_BUF_INIT;
	int ra, rb;

	if (size < 2)
		return 0;
	if (data[0] & 1) {
		ra = read_order(data + 2, size - 2, size, data[0] >> 1, &a);
		rb = read_order(data + 2, size - 2, 1 + data[1], data[0] >> 1, &b);
		if (!ra && (a.len != size - 2 || memcmp(a.data, data + 2, a.len)))
			abort();
	} else {
		ra = read_pres(data + 2, size - 2, size, &a);
		rb = read_pres(data + 2, size - 2, 1 + data[1], &b);
	}
	if (ra != rb || (!ra && (a.len != b.len || memcmp(a.data, b.data, a.len))))
		abort();
	casg_buf_release(&a);
	casg_buf_release(&b);
	return 0;
}
