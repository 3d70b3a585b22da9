/*
 * cluster_in - what the parts of cluster share.
 *
 * Sequences are numbered from 0: the longest first, of equal length by id.
 */
#ifndef CASG_CLUSTER_IN_H
#define CASG_CLUSTER_IN_H

#include "buf.h"
#include "cluster.h"
#include "extsort.h"

#define CASG_CLUSTER_UNDECIDED UINT64_MAX

struct casg_clseq {
	uint64_t offset, nresidues;  /* in the scratch file of residues */
	uint64_t representative;     /* of the last run, or CASG_CLUSTER_UNDECIDED */
	uint64_t edits;
	uint8_t is_dna, reverse;
};

struct casg_cluster {
	struct casg_cluster_opts o;
	struct casg_extsort *added;  /* length, longest first; id */
	uint64_t nadded, nresidues, n;
	uint64_t ids_sum;            /* of all ids: which sequences these are */
	struct casg_clseq *seqs;     /* mapped, */
	struct casg_oid *ids;        /* and so are these */
	uint64_t seqs_nbytes, ids_nbytes;
	uint64_t touched;            /* bytes of both since they were let go */
	int fd;                      /* all residues; or -1 */
	uint64_t residues_nbytes;
	unsigned identity, coverage; /* of the run under way */
	struct casg_cluster_stats *stats;
	int recalled_all;            /* of the file of decisions */
	uint64_t decisions_at;       /* bytes of it that were read or written */
};

/* Of a failure in a task; the first one counts. */
struct casg_clfail {
	struct casg_err err;
	int failed;
};

void casg_clfail_note(struct casg_clfail *f, const struct casg_err *err);

/* Its residues, in 'out'; any number of threads at once. */
int casg_cluster_residues(const struct casg_cluster *c, const struct casg_clseq *q,
			  struct casg_buf *out, struct casg_err *err);

/*
 * So much of what is mapped was touched, about: when that is much, let all pages
 * go.  They stay in their files, and count as memory of ours no more.  By the
 * owner of the pool, between jobs.
 */
void casg_cluster_touched(struct casg_cluster *c, uint64_t nbytes);
/* As many come with a page that was not there, as systems map around it. */
#define CASG_CLUSTER_AROUND 65536

/* A sorter with a share of the memory. */
struct casg_extsort *casg_cluster_sorter(const struct casg_cluster *c, unsigned share,
					 struct casg_err *err);

/* May the shorter one of these lengths be a member of the longer? */
static inline int casg_cluster_covers(const struct casg_cluster *c, uint64_t nshort,
				      uint64_t nlong)
{
	return (double)nshort * 1000 >= (double)nlong * c->coverage;
}

/*
 * Candidates: items (number, number of an earlier one), 8 bytes each,
 * big-endian, sorted; one for each seed that they share.
 */
struct casg_extsort *casg_cluster_link(struct casg_cluster *c, struct casg_err *err);

/*
 * The decisions about these, in order, from the file of decisions: 1 and how many pairs
 * were aligned for them; 0: they are to be made, and so is all that comes later.
 */
int casg_cluster_recall(struct casg_cluster *c, const uint64_t *numbers, size_t n,
			uint64_t *naligned_out, struct casg_err *err);
/* They have been made. */
int casg_cluster_record(struct casg_cluster *c, const uint64_t *numbers, size_t n,
			uint64_t naligned, struct casg_err *err);

/*
 * A frame of that file, in memory: how long it is; take it, 1, or 0 and those
 * sequences are undecided as they were; make it, in 'out'.
 */
size_t casg_cluster_frame_nbytes(size_t n);
int casg_cluster_frame_take(struct casg_cluster *c, const uint64_t *numbers, size_t n,
			    const uint8_t *p, uint64_t *naligned_out);
int casg_cluster_frame_make(const struct casg_cluster *c, const uint64_t *numbers, size_t n,
			    uint64_t naligned, struct casg_buf *out, struct casg_err *err);

/* Decide about all, in order; links are consumed. */
int casg_cluster_pick(struct casg_cluster *c, struct casg_extsort *links, struct casg_err *err);

#endif
