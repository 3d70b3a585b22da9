/*
 * The list of withdrawn records.  The first byte says where the bytes are split
 * into pieces: the result must not depend on that, and what was read must be
 * written as the same bytes.
 */
#include <stdlib.h>

#include "pieces.h"
#include "withdrawn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_list(const uint8_t *data, size_t size, size_t step, struct casg_buf *out)
{
	struct source s = { data, size, step };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_withdrawnr *r = casg_withdrawnr_new(pieces, &s, &err);
	struct casg_tombstone t;
	int rc = r ? 1 : err.code;

	casg_buf_addstr(out, "casg-withdrawn 1\n");
	while (rc > 0 && (rc = casg_withdrawnr_next(r, &t, &err)) > 0)
		if (casg_tombstone_format(out, &t, 0, &err))
			abort();
	casg_withdrawnr_free(r);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_buf a = CASG_BUF_INIT, b = CASG_BUF_INIT;
	int ra, rb;

	if (size < 1)
		return 0;
	ra = read_list(data + 1, size - 1, size, &a);
	rb = read_list(data + 1, size - 1, 1 + data[0], &b);
	if (ra != rb || a.len != b.len || memcmp(a.data, b.data, a.len))
		abort();
	if (!ra && (a.len != size - 1 || memcmp(a.data, data + 1, a.len)))
		abort();
	casg_buf_release(&a);
	casg_buf_release(&b);
	return 0;
}
