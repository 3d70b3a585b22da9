/*
 * Descriptions of taxon records, of mapping rows, and ids in key form: what is
 * accepted is what the encoders emit.  All three readers see all bytes.
 */
#include <stdlib.h>

#include "taxrec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_same(const struct casg_buf *out, const uint8_t *data, size_t size)
{
	if (out->len != size || memcmp(out->data, data, size))
		abort();
}

static void record(const uint8_t *data, size_t size, struct casg_buf *out)
{
	struct casg_taxname *names = NULL;
	struct casg_taxrec r;
	struct casg_taxstr at;
	size_t n = 0;

	if (casg_taxrec_decode(&r, (const char *)data, size, NULL))
		return;
	names = calloc((size_t)r.nothers + 1, sizeof(*names));
	if (!names)
		abort();
	/* given in the opposite order */
	at = r.others;
	while (n < r.nothers && casg_taxrec_next_name(&at, &names[r.nothers - 1 - n]))
		n++;
	casg_buf_reset(out);
	if (n != r.nothers || casg_taxrec_encode(out, &r, names, n, NULL))
		abort();
	require_same(out, data, size);
	free(names);
}

static void mapping(const uint8_t *data, size_t size, struct casg_buf *out)
{
	struct casg_taxstr ids[CASG_TAXMAP_MAX], at;
	size_t n = 0;

	if (casg_taxmap_decode(&at, (const char *)data, size, NULL))
		return;
	while (n < CASG_TAXMAP_MAX && casg_taxmap_next(&at, &ids[n]))
		n++;
	casg_buf_reset(out);
	if (casg_taxmap_encode(out, ids, n, NULL))
		abort();
	require_same(out, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_buf out = CASG_BUF_INIT, id = CASG_BUF_INIT;

	record(data, size, &out);
	mapping(data, size, &out);
	if (!casg_taxid_from_key(&id, (const char *)data, size, NULL)) {
		casg_buf_reset(&out);
		if (casg_taxid_to_key(&out, (const char *)id.data, id.len, NULL))
			abort();
		require_same(&out, data, size);
	}
	casg_buf_release(&out);
	casg_buf_release(&id);
	return 0;
}
