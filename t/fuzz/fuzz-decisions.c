/*
 * A frame of the file of decisions.  Two bytes of options (1: head and checksum are
 * put right; the identity), a byte that says of how many sequences, one for each
 * (nucleotides, open, length), and the frame.  What is taken could have been decided,
 * and is written as the same bytes; what is not leaves the sequences undecided.
 */
#include <string.h>

#include "cluster_in.h"
#include "forge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEQUENCES = 64, FORGED = 1, HEAD_SZ = 56, SUM_SZ = 8 };

/* The head of a frame about none has all but how many, and how many pairs. */
static void forge_frame(const struct casg_cluster *c, size_t n, uint8_t *p, size_t nbytes)
{
	struct casg_buf empty = CASG_BUF_INIT;

	require(!casg_cluster_frame_make(c, NULL, 0, 0, &empty, NULL), "no frame");
	memcpy(p, empty.data, HEAD_SZ - 16);
	casg_put_be64(p + HEAD_SZ - 16, n);
	casg_put_be64(p + nbytes - SUM_SZ, casg_xxh64(0, p, nbytes - SUM_SZ));
	casg_buf_release(&empty);
}

static void check_taken(const struct casg_cluster *c, const uint64_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct casg_clseq *q = &c->seqs[numbers[i]];
		const struct casg_clseq *r = &c->seqs[q->representative];

		require(q->representative <= numbers[i], "a representative that comes later");
		require(r->representative == q->representative, "a member of a member");
		require(r->is_dna == q->is_dna && q->reverse <= q->is_dna, "of another kind");
		require(q->edits <= casg_cluster_edits(q->nresidues, c->identity), "too many edits");
	}
}

static void fuzz_frame(struct casg_cluster *c, const uint64_t *numbers, size_t n,
		       const uint8_t *p)
{
	struct casg_buf again = CASG_BUF_INIT;
	size_t nbytes = casg_cluster_frame_nbytes(n);
	uint64_t naligned;

	if (casg_cluster_frame_take(c, numbers, n, p, &naligned)) {
		check_taken(c, numbers, n);
		require(!casg_cluster_frame_make(c, numbers, n, naligned, &again, NULL) &&
			again.len == nbytes && !memcmp(again.data, p, nbytes),
			"it is written as other bytes");
	} else {
		for (size_t i = 0; i < n; i++)
			require(c->seqs[numbers[i]].representative == CASG_CLUSTER_UNDECIDED,
				"decided by half");
	}
	casg_buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_clseq seqs[SEQUENCES];
	struct casg_cluster c = { .seqs = seqs, .coverage = 800, .ids_sum = 7 };
	uint64_t numbers[SEQUENCES], last = 64;
	size_t n = 0, nbytes;
	uint8_t *frame;

	if (size < 3 || data[2] > SEQUENCES || size < 3 + (size_t)data[2])
		return 0;
	c.identity = 400 + data[1];
	c.n = data[2];
	for (size_t i = 0; i < c.n; i++) {
		uint8_t b = data[3 + i];

		seqs[i] = (struct casg_clseq){ .nresidues = b >> 2 < last ? b >> 2 : last,
					       .representative = i, .is_dna = b & 1 };
		last = seqs[i].nresidues;
		if (!(b & 2))
			continue;
		seqs[i].representative = CASG_CLUSTER_UNDECIDED;
		numbers[n++] = i;
	}
	nbytes = casg_cluster_frame_nbytes(n);
	data += 3 + c.n;
	size -= 3 + (size_t)c.n;
	if (size != nbytes)
		return 0;
	frame = malloc(nbytes);
	require(frame != NULL, "out of memory");
	memcpy(frame, data, nbytes);
	if (data[-3 - (long)c.n] & FORGED)
		forge_frame(&c, n, frame, nbytes);
	fuzz_frame(&c, numbers, n, frame);
	free(frame);
	return 0;
}
