/*
 * The map of members, and PROFILE.  The first byte is 'p' for a PROFILE, whose
 * encoding has to be the text again; for a map it says where the bytes are split
 * into pieces, which must not matter, and the second how many records it is of.
 */
#include <stdlib.h>

#include "members.h"
#include "pieces.h"
#include "profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read, as text. */
static int read_map(const uint8_t *data, size_t size, size_t step, uint64_t count,
		    struct casg_buf *out)
{
	struct source s = { data, size, step };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_membersr *r = casg_membersr_new(pieces, &s, count, &err);
	struct casg_member m;
	uint64_t n = 0;
	int rc = r ? 1 : err.code;

	while (rc > 0 && (rc = casg_membersr_next(r, &m, &err)) > 0) {
		if (m.representative >= count || ++n > count)
			abort();
		casg_buf_addf(out, "%llu %llu %d\n", (unsigned long long)m.representative,
			      (unsigned long long)m.edits, m.reverse);
	}
	if ((!rc && n != count) || (rc && !*err.msg))
		abort();
	casg_membersr_free(r);
	return rc;
}

static void fuzz_profile(const uint8_t *data, size_t size)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_profile p;

	if (casg_profile_decode(&p, data, size, &err)) {
		if (!*err.msg)
			abort();
		return;
	}
	if (casg_profile_encode(&p, &out, &err) || out.len != size || memcmp(out.data, data, size))
		abort();
	casg_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_buf a = CASG_BUF_INIT, b = CASG_BUF_INIT;

	if (size < 2)
		return 0;
	if (data[0] == 'p') {
		fuzz_profile(data + 1, size - 1);
		return 0;
	}
	if (read_map(data + 2, size - 2, size, data[1], &a) !=
		    read_map(data + 2, size - 2, 1 + data[0], data[1], &b) ||
	    a.len != b.len || (a.len && memcmp(a.data, b.data, a.len)))
		abort();
	casg_buf_release(&a);
	casg_buf_release(&b);
	return 0;
}
