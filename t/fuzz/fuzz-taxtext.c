/*
 * Texts of taxonomies.  The first byte: ids are numbers or names; the second:
 * how the bytes are split, which must not matter.  A line of "=" and a letter
 * begins a text of that kind; what is accepted gives records that are taxon
 * records, in ascending order of their keys.
 */
#include <stdlib.h>

#include "taxtable.h"
#include "taxtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int feed(struct casg_taxtable *t, enum casg_taxtext_kind kind, const uint8_t *p,
		size_t n, size_t step, struct casg_err *err)
{
	struct casg_taxtext *x = casg_taxtext_new(t, kind, "text", err);
	int ret = 0;

	if (!x)
		abort();
	for (size_t i = 0; i < n && !ret; i += step)
		ret = casg_taxtext_feed(x, p + i, n - i < step ? n - i : step, err);
	if (!ret)
		ret = casg_taxtext_finish(x, err);
	casg_taxtext_free(x);
	return ret;
}

static int read_texts(struct casg_taxtable *t, const uint8_t *p, size_t n, size_t step,
		      struct casg_err *err)
{
	int ret = 0;

	while (n >= 3 && p[0] == '=' && p[1] < 6 + '0' && p[1] >= '0' && p[2] == '\n' && !ret) {
		enum casg_taxtext_kind kind = (enum casg_taxtext_kind)(p[1] - '0');
		size_t len = 3;

		while (len < n && !(p[len] == '=' && p[len - 1] == '\n'))
			len++;
		ret = feed(t, kind, p + 3, len - 3, step, err);
		p += len;
		n -= len;
	}
	return ret ? ret : casg_taxtable_finish(t, err);
}

static void check_records(struct casg_taxtable *t, struct casg_buf *all)
{
	struct casg_buf key = CASG_BUF_INIT, desc = CASG_BUF_INIT, last = CASG_BUF_INIT;
	struct casg_taxrec r;
	int ret;

	while ((ret = casg_taxtable_next(t, &key, &desc, NULL)) > 0) {
		struct casg_taxstr a = { (char *)last.data, last.len };
		struct casg_taxstr b = { (char *)key.data, key.len };

		if (casg_taxrec_decode(&r, (char *)desc.data, desc.len, NULL) ||
		    casg_taxid_check_key((char *)key.data, key.len, NULL) ||
		    casg_taxstr_cmp(&a, &b) >= 0)
			abort();
		casg_buf_reset(&last);
		casg_buf_add(&last, key.data, key.len);
		casg_buf_add(all, key.data, key.len);
		casg_buf_add(all, desc.data, desc.len);
	}
	if (ret)
		abort();
	casg_buf_release(&key);
	casg_buf_release(&desc);
	casg_buf_release(&last);
}

static int all_of(const uint8_t *data, size_t size, size_t step, struct casg_buf *out)
{
	struct casg_err err = CASG_ERR_INIT;
	enum casg_taxids ids = data[0] & 1 ? CASG_TAXIDS_NAMES : CASG_TAXIDS_NUMBERS;
	struct casg_taxtable *t = casg_taxtable_new(ids, 64 << 20, &err);
	int ret;

	if (!t)
		abort();
	ret = read_texts(t, data + 2, size - 2, step, &err);
	if (!ret)
		check_records(t, out);
	else
		casg_buf_addstr(out, err.msg);
	casg_taxtable_free(t);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_buf whole = CASG_BUF_INIT, pieces = CASG_BUF_INIT;
	int a, b;

	if (size < 2)
		return 0;
	a = all_of(data, size, size, &whole);
	b = all_of(data, size, 1 + data[1] % 64, &pieces);
	if (a != b || whole.len != pieces.len ||
	    (whole.len && memcmp(whole.data, pieces.data, whole.len)))
		abort();
	casg_buf_release(&whole);
	casg_buf_release(&pieces);
	return 0;
}
