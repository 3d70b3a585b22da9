/*
 * fastachunks - chunks of sequences put together from FASTA files, wherever their
 * members lie in these.
 *
 * A chunk's id is the RFC 6962 root of its members' SHA-256 (chunk.h), and that of a
 * sequence is the SHA-256 of its residues: so a chunk whose members are all in some
 * files can be had from there, and proves itself.  Its bytes are not those that lie
 * in a pack, as it is compressed anew, but its id and its members are.
 *
 * The files are read twice, first to know which sequences they hold, then for the
 * residues.  Memory is bounded: ids and residues are sorted outside memory.  A file
 * that changes meanwhile, or lies in any other way, makes no chunk.
 *
 * Threads: one a handle.
 */
#ifndef CASG_FASTACHUNKS_H
#define CASG_FASTACHUNKS_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"

struct casg_fastachunks;

struct casg_fastachunks_opts {
	const char *const *paths;  /* as casg_fasta_from_files takes them; each is read twice */
	size_t npaths;
	const char *tmp_dir;
	uint64_t memory_nbytes;
	int level;                 /* compression, 0 to 19 */
};

/* Paths are borrowed.  NULL: out of memory. */
struct casg_fastachunks *casg_fastachunks_new(const struct casg_fastachunks_opts *o,
					      struct casg_err *err);
void casg_fastachunks_free(struct casg_fastachunks *f);

/* A chunk is wanted, of so many members; they are numbered from 0. */
int casg_fastachunks_want(struct casg_fastachunks *f, const struct casg_oid *chunk_id,
			  uint32_t nmembers, struct casg_err *err);
/*
 * Its member is made of the residues [start, start + n) of the sequence with this id
 * (a whole sequence, as files have them).  The same member may be had from several.
 */
int casg_fastachunks_member(struct casg_fastachunks *f, uint32_t chunk, uint32_t member,
			    const struct casg_oid *sequence, uint64_t start, uint64_t n,
			    struct casg_err *err);

/* After the last: read the files.  CASG_ECORRUPT and so on as casg_fasta_from_files. */
int casg_fastachunks_find(struct casg_fastachunks *f, struct casg_err *err);
/* Are all members of the chunk in the files? */
int casg_fastachunks_has(const struct casg_fastachunks *f, uint32_t chunk);

/*
 * After that: read them again, and make the chunks that they have, in the order of
 * their numbers; 'made' is told of each that is what its id says, its encoded bytes.
 * Non-zero ends it and is returned.  Those that were not made are had no more.
 */
typedef int casg_fastachunks_made_fn(void *ctx, uint32_t chunk, const struct casg_buf *bytes,
				     struct casg_err *err);
int casg_fastachunks_make(struct casg_fastachunks *f, casg_fastachunks_made_fn *made, void *ctx,
			  struct casg_err *err);

#endif
