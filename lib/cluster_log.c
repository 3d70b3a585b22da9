/*
 * The file of decisions (casgformat-profile(5)): frames, each of the sequences that
 * were decided about together, in the order in which that happens, whatever the
 * number of threads.  It is read in step with deciding, a frame must be of what is
 * to be decided now, and each entry one that could have been made.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cluster_in.h"
#include "endian.h"
#include "io.h"
#include "sum.h"

enum { HEAD_SZ = 56, ENTRY_SZ = 24, SUM_SZ = 8 };

static void put_head(const struct casg_cluster *c, size_t n, uint64_t naligned, uint8_t *p)
{
	memcpy(p, "CLD2\0\0\0", 8);
	casg_put_be64(p + 8, c->identity);
	casg_put_be64(p + 16, c->coverage);
	casg_put_be64(p + 24, c->n);
	casg_put_be64(p + 32, c->ids_sum);
	casg_put_be64(p + 40, n);
	casg_put_be64(p + 48, naligned);
}

/* Could this have been decided, when all before it was? */
static int is_possible(const struct casg_cluster *c, uint64_t number, uint64_t chosen, uint64_t edits,
		       int reverse)
{
	const struct casg_clseq *q = &c->seqs[number], *r;

	if (chosen == number)
		return !edits && !reverse;
	if (chosen > number)
		return 0;
	r = &c->seqs[chosen];
	return r->representative == chosen && q->is_dna == r->is_dna && (q->is_dna || !reverse) &&
	       casg_cluster_covers(c, q->nresidues, r->nresidues) &&
	       edits <= casg_cluster_edits(q->nresidues, c->identity);
}

static int take_entries(struct casg_cluster *c, const uint64_t *numbers, size_t n, const uint8_t *p)
{
	for (size_t i = 0; i < n; i++, p += ENTRY_SZ) {
		uint64_t number = casg_get_be64(p), chosen = casg_get_be64(p + 8);
		uint64_t edits = casg_get_be64(p + 16);
		struct casg_clseq *q = &c->seqs[numbers[i]];

		if (number != numbers[i] ||
		    !is_possible(c, number, chosen, edits / 2, (int)(edits % 2))) {
			/* who decides about these waits for those before */
			while (i--)
				c->seqs[numbers[i]].representative = CASG_CLUSTER_UNDECIDED;
			return 0;
		}
		q->representative = chosen;
		q->edits = edits / 2;
		q->reverse = (uint8_t)(edits % 2);
	}
	return 1;
}

size_t casg_cluster_frame_nbytes(size_t n)
{
	return HEAD_SZ + n * ENTRY_SZ + SUM_SZ;
}

int casg_cluster_frame_take(struct casg_cluster *c, const uint64_t *numbers, size_t n,
			    const uint8_t *p, uint64_t *naligned_out)
{
	size_t nbytes = casg_cluster_frame_nbytes(n);
	uint8_t head[HEAD_SZ];

	*naligned_out = casg_get_be64(p + HEAD_SZ - 8);
	put_head(c, n, *naligned_out, head);
	return !memcmp(head, p, HEAD_SZ) &&
	       casg_get_be64(p + nbytes - SUM_SZ) == casg_xxh64(0, p, nbytes - SUM_SZ) &&
	       take_entries(c, numbers, n, p + HEAD_SZ);
}

int casg_cluster_frame_make(const struct casg_cluster *c, const uint64_t *numbers, size_t n,
			    uint64_t naligned, struct casg_buf *out, struct casg_err *err)
{
	uint8_t head[HEAD_SZ], entry[ENTRY_SZ];

	put_head(c, n, naligned, head);
	casg_buf_reset(out);
	casg_buf_add(out, head, sizeof(head));
	for (size_t i = 0; i < n; i++) {
		const struct casg_clseq *q = &c->seqs[numbers[i]];

		casg_put_be64(entry, numbers[i]);
		casg_put_be64(entry + 8, q->representative);
		casg_put_be64(entry + 16, q->edits * 2 + q->reverse);
		casg_buf_add(out, entry, sizeof(entry));
	}
	if (casg_buf_check(out, err))
		return CASG_ENOMEM;
	casg_put_be64(entry, casg_xxh64(0, out->data, out->len));
	casg_buf_add(out, entry, SUM_SZ);
	return casg_buf_check(out, err);
}

int casg_cluster_recall(struct casg_cluster *c, const uint64_t *numbers, size_t n,
			uint64_t *naligned_out, struct casg_err *err)
{
	size_t nbytes = casg_cluster_frame_nbytes(n), got = 0;
	struct casg_buf b = CASG_BUF_INIT;
	int rc, taken = 0;

	if (!c->o.decisions_fd || c->recalled_all)
		return 0;
	if (casg_buf_grow(&b, nbytes))
		return casg_err_nomem(err);
	rc = casg_pread_full(c->o.decisions_fd, b.data, nbytes, c->decisions_at, &got, err);
	if (!rc && got == nbytes)
		taken = casg_cluster_frame_take(c, numbers, n, b.data, naligned_out);
	if (taken) {
		c->decisions_at += nbytes;
	} else if (!rc) {
		c->recalled_all = 1;
		if (ftruncate(c->o.decisions_fd, (off_t)c->decisions_at))
			rc = casg_err_sys(err, errno, "cannot shorten the file of decisions");
	}
	casg_buf_release(&b);
	return rc ? rc : taken;
}

int casg_cluster_record(struct casg_cluster *c, const uint64_t *numbers, size_t n,
			uint64_t naligned, struct casg_err *err)
{
	struct casg_buf b = CASG_BUF_INIT;
	int rc;

	if (!c->o.decisions_fd)
		return 0;
	rc = casg_cluster_frame_make(c, numbers, n, naligned, &b, err);
	if (!rc)
		rc = casg_pwrite_full(c->o.decisions_fd, b.data, b.len, c->decisions_at, err);
	c->decisions_at += b.len;
	casg_buf_release(&b);
	return rc;
}
