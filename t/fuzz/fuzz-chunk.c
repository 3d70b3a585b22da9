/*
 * Chunks: the input is one; its stored length and checksum are put right, so
 * that streams, lengths, packed bases and columns are reached.  What decodes
 * must encode to a chunk with the same members.
 */
#include "forge.h"

#define NODE_KIND CASG_CHUNK_NODE

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two bits a base is for what a sequence may hold. */
static int printable(const uint8_t *p, uint64_t n)
{
	for (; n && *p >= 0x21 && *p <= 0x7e; p++)
		n--;
	return !n;
}

static void again(struct casg_coder *c, const struct casg_chunk *ch)
{
	uint32_t per = ch->kind == NODE_KIND ? CASG_COLUMNS : 1;
	struct casg_slice *m = calloc((size_t)ch->nmembers * per, sizeof(*m));
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_chunk *back;
	struct casg_oid id;
	const uint8_t *p = ch->data;
	int rc, dna = printable(ch->data, ch->offset[ch->nmembers]);

	for (uint32_t i = 0; i < ch->nmembers * per; i++) {
		m[i].p = p;
		m[i].nbytes = per > 1 ? ch->column[i] : (size_t)casg_chunk_len(ch, i);
		p += m[i].nbytes;
	}
	if (per > 1)
		rc = casg_chunk_encode_nodes(c, CASG_LAYOUT_COLUMNS, 1, m, ch->nmembers, &out, &id, &err);
	else
		rc = casg_chunk_encode(c, ch->kind, dna, 1, m, ch->nmembers, NULL, &out,
				       &id, &err);
	require(!rc, "cannot be encoded");
	require(!casg_chunk_decode(c, out.data, out.len, NULL, &back, &err), "cannot be decoded");
	require(back->nmembers == ch->nmembers &&
		back->offset[ch->nmembers] == ch->offset[ch->nmembers] &&
		!memcmp(back->data, ch->data, (size_t)ch->offset[ch->nmembers]) &&
		!memcmp(back->offset, ch->offset, ch->nmembers * sizeof(*ch->offset)),
		"does not come back");
	casg_chunk_free(back);
	casg_buf_release(&out);
	free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_coder *c;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_chunk *ch;
	uint8_t *p;

	if (size < CASG_CHUNK_HEADSZ || size > 1 << 20)
		return 0;
	p = malloc(size);
	memcpy(p, data, size);
	c = casg_coder_new();
	if (!casg_chunk_decode(c, p, size, NULL, &ch, &err))
		casg_chunk_free(ch);
	forge_chunk(p, size);
	if (!casg_chunk_decode(c, p, size, NULL, &ch, &err)) {
		require(!casg_chunk_hash(c, ch, &err), "cannot be hashed");
		if (ch->offset[ch->nmembers] < 1 << 20)
			again(c, ch);
		casg_chunk_free(ch);
	} else {
		require(*err.msg, "refused without a reason");
	}
	casg_coder_free(c);
	free(p);
	return 0;
}
