#include "pack.h"

#include <stdlib.h>

#include "tap.h"

static struct casg_err err;

static void test_head(void)
{
	uint8_t h[CASG_PACK_HEADSZ];

	casg_pack_head_encode(h);
	is_mem(h, 16, "casgpack\2\0\0\0\0\0\0\0", 16, "the header is as the page says");
	is_int(casg_pack_head_decode(h, 16, &err), 0, "and is read");
	is_int(casg_pack_head_decode(h, 15, &err), CASG_ENOTOURS, "not 15 bytes of it");
	for (int i = 0; i < 8; i++) {
		h[i] ^= 1;
		is_int(casg_pack_head_decode(h, 16, &err), CASG_ENOTOURS, "not ours at %d", i);
		h[i] ^= 1;
	}
	h[8] = 3;
	is_int(casg_pack_head_decode(h, 16, &err), CASG_EUNSUPPORTED, "version 3");
	is_str(err.msg, "unsupported pack version 3", "is named");
	h[8] = 0;
	is_int(casg_pack_head_decode(h, 16, &err), CASG_EUNSUPPORTED, "version 0");
	h[8] = 1;
	is_int(casg_pack_head_decode(h, 16, &err), 0, "version 1 is read");
	h[13] = 1;
	is_int(casg_pack_head_decode(h, 16, &err), CASG_EUNSUPPORTED, "a flag");
	is_str(err.msg, "unsupported pack flags 0x100", "is named");
}

static void test_trail(void)
{
	uint8_t t[CASG_PACK_TRAILSZ];
	uint64_t n;

	casg_pack_trail_encode(t, 0x123456789);
	is_mem(t, 16, "casgend\n\x89\x67\x45\x23\1\0\0\0", 16, "the trailer is as the page says");
	ok(!casg_pack_trail_decode(t, 16, &n, &err) && n == 0x123456789, "and is read");
	is_int(casg_pack_trail_decode(t, 15, &n, &err), CASG_ECORRUPT, "not 15 bytes of it");
	t[3] ^= 1;
	is_int(casg_pack_trail_decode(t, 16, &n, &err), CASG_ECORRUPT, "nor with another magic");
}

static void make_list(struct casg_list *l, size_t n)
{
	memset(l, 0, sizeof(*l));
	l->kind = CASG_CHUNK_SEQ;
	memset(l->id.b, 0xab, CASG_OID_RAWSZ);
	l->pieces = calloc(n, sizeof(*l->pieces));
	l->npieces = l->cap = n;
	for (size_t i = 0; i < n; i++) {
		l->pieces[i].ref = i * 1000;
		l->pieces[i].nbytes = 1 + i * 77;
		l->nbytes += l->pieces[i].nbytes;
	}
}

static int decodes(const struct casg_buf *b)
{
	struct casg_list l = { 0 };
	int rc = casg_list_decode(&l, b->data, b->len, &err);

	casg_list_release(&l);
	return rc;
}

static void test_list(void)
{
	struct casg_buf b = CASG_BUF_INIT, again = CASG_BUF_INIT;
	struct casg_list l, back = { 0 };
	size_t accepted = 0, different = 0;

	make_list(&l, 40);
	casg_list_encode(&l, &b);
	is_int(casg_list_decode(&back, b.data, b.len, &err), 0, "a list comes back");
	ok(back.kind == l.kind && casg_oid_eq(&back.id, &l.id) && back.nbytes == l.nbytes &&
	   back.npieces == 40 && !memcmp(back.pieces, l.pieces, 40 * sizeof(*l.pieces)),
	   "as it was");
	for (size_t n = 0; n < b.len; n++) {
		struct casg_buf cut = { b.data, n, n, 0 };

		accepted += !decodes(&cut);
	}
	is_int(accepted, 0, "no early end is taken");
	/* what is taken after a change is another list, in its only form */
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 0x10;
		if (!casg_list_decode(&back, b.data, b.len, &err)) {
			casg_buf_reset(&again);
			casg_list_encode(&back, &again);
			different += again.len != b.len || memcmp(again.data, b.data, b.len);
		}
		b.data[i] ^= 0x10;
	}
	is_int(different, 0, "only what the encoder emits is taken");
	casg_buf_addch(&b, 0);
	is_int(decodes(&b), CASG_ECORRUPT, "no byte too many is taken");
	casg_list_release(&l);
	casg_list_release(&back);
	casg_buf_release(&b);
	casg_buf_release(&again);
}

static void refuse(struct casg_list *l, const char *what)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_list_encode(l, &b);
	is_int(decodes(&b), CASG_ECORRUPT, "%s is refused", what);
	casg_list_release(l);
	casg_buf_release(&b);
}

static void test_list_limits(void)
{
	struct casg_list l;

	make_list(&l, 1);
	refuse(&l, "one piece");
	make_list(&l, 3);
	l.nbytes++;
	refuse(&l, "a length that is not the sum");
	make_list(&l, 3);
	l.kind = CASG_CHUNK_NODE;
	refuse(&l, "a list of nodes");
	make_list(&l, 3);
	l.nbytes -= l.pieces[1].nbytes;
	l.pieces[1].nbytes = 0;
	refuse(&l, "an empty piece");
	make_list(&l, 3);
	l.nbytes += CASG_CHUNK_RAW_MAX;
	l.pieces[1].nbytes += CASG_CHUNK_RAW_MAX;
	refuse(&l, "a piece larger than a chunk");
}

int main(void)
{
	test_head();
	test_trail();
	test_list();
	test_list_limits();
	return done_testing();
}
