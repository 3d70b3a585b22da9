/*
 * Tar and zip archives.  The first byte says how the bytes are split, which must
 * not matter; every second member is passed over, and what is passed over is
 * not given out.
 */
#include <stdlib.h>

#include "buf.h"
#include "untar.h"
#include "unzip.h"

#define MAX_OUTPUT (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct casg_buf calls;
	int nmembers, open;
};

static int begin(void *ctx, const char *name, size_t n, struct casg_err *err)
{
	struct seen *s = ctx;

	(void)err;
	if (s->open)
		abort();
	casg_buf_addch(&s->calls, '\n');
	casg_buf_add(&s->calls, name, n);
	casg_buf_addch(&s->calls, '\n');
	s->open = ++s->nmembers & 1;
	return s->open;
}

static int data_of(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	struct seen *s = ctx;

	if (!s->open)
		abort();
	if (s->calls.len > MAX_OUTPUT)
		return casg_err_set(err, CASG_ENOMEM, "too much");
	casg_buf_add(&s->calls, p, n);
	return 0;
}

static int end(void *ctx, struct casg_err *err)
{
	struct seen *s = ctx;

	(void)err;
	if (!s->open)
		abort();
	s->open = 0;
	return 0;
}

static int run_tar(const uint8_t *p, size_t n, size_t step, struct seen *s, struct casg_err *err)
{
	const struct casg_member_handler h = { s, begin, data_of, end };
	struct casg_untar *t = casg_untar_new(&h);
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i += step)
		ret = casg_untar_feed(t, p + i, n - i < step ? n - i : step, err);
	if (!ret)
		ret = casg_untar_finish(t, err);
	casg_untar_free(t);
	return ret;
}

static int run_zip(const uint8_t *p, size_t n, size_t step, struct seen *s, struct casg_err *err)
{
	const struct casg_member_handler h = { s, begin, data_of, end };
	struct casg_unzip *z = casg_unzip_new(&h, err);
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i += step)
		ret = casg_unzip_feed(z, p + i, n - i < step ? n - i : step, err);
	if (!ret)
		ret = casg_unzip_finish(z, err);
	casg_unzip_free(z);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int (*const run[2])(const uint8_t *, size_t, size_t, struct seen *,
			    struct casg_err *) = { run_tar, run_zip };

	if (size < 2)
		return 0;
	for (int i = 0; i < 2; i++) {
		struct seen a = { CASG_BUF_INIT, 0, 0 }, b = { CASG_BUF_INIT, 0, 0 };
		struct casg_err erra = CASG_ERR_INIT, errb = CASG_ERR_INIT;
		int ra = run[i](data + 1, size - 1, size, &a, &erra);
		int rb = run[i](data + 1, size - 1, 1 + data[0], &b, &errb);

		if (ra != rb || (!ra && (a.calls.len != b.calls.len || a.open ||
					 (a.calls.len && memcmp(a.calls.data, b.calls.data, a.calls.len)))))
			abort();
		casg_buf_release(&a.calls);
		casg_buf_release(&b.calls);
	}
	return 0;
}
