/*
 * VERSION and PACKS: decoding accepts exactly what encoding emits.  The first
 * byte is 'p' for a list of packs, anything else for a version.
 */
#include <stdio.h>
#include <stdlib.h>

#include "packlist.h"
#include "version.h"

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
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_version v;

	if (!size)
		return 0;
	if (data[0] == 'p') {
		require(!casg_packlist_check(data + 1, size - 1, &err) || *err.msg,
			"refused without a reason");
		return 0;
	}
	casg_version_init(&v);
	if (!casg_version_decode(&v, data + 1, size - 1, &err)) {
		require(!casg_version_encode(&v, &out, &err), "cannot be encoded");
		require(out.len == size - 1 && !memcmp(out.data, data + 1, out.len),
			"encoding gives another text");
	} else {
		require(*err.msg && !v.release && !v.nsources && !v.nprevious,
			"refused without a reason, or half filled");
	}
	casg_version_release(&v);
	casg_buf_release(&out);
	return 0;
}
