/*
 * The lines of the remote protocol, and validators: parsing accepts exactly
 * what formatting emits.  The first byte: 'q' a request, 'v' a validator,
 * anything else an answer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "remotemsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* The formatted line is the one that came, and its LF. */
static void require_same(const struct casg_buf *out, const char *line, size_t n)
{
	require(out->len == n + 1 && !memcmp(out->data, line, n) && out->data[n] == '\n',
		"formatting gives another line");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data + 1;
	struct casg_buf out = CASG_BUF_INIT, bytes = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_remote_request r;
	struct casg_remote_answer a;

	if (!size)
		return 0;
	if (data[0] == 'q') {
		if (!casg_remote_request_parse(&r, line, size - 1, &err)) {
			require(!casg_remote_request_format(&out, &r, &err), "cannot be formatted");
			require_same(&out, line, size - 1);
		}
	} else if (data[0] == 'v') {
		if (!casg_remote_unquote(&bytes, line, size - 1, &err)) {
			casg_remote_quote(&out, bytes.data, bytes.len);
			casg_buf_addch(&out, '\n');
			require_same(&out, line, size - 1);
		}
	} else if (!casg_remote_answer_parse(&a, line, size - 1, &err)) {
		require(!casg_remote_answer_format(&out, &a, &err), "cannot be formatted");
		require_same(&out, line, size - 1);
	}
	casg_buf_release(&out);
	casg_buf_release(&bytes);
	return 0;
}
