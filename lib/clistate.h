/*
 * clistate - a program that can be taken up where it was interrupted: the file
 * that says how far it came (savedstate.h), and the check that its input is
 * still the one it was.
 *
 * What is finished is found again in the store, by what it holds: the file is
 * never needed to find it, only to refuse what is not the same operation.  Only
 * programs may use this; everything here dies with the message on failure, and
 * then what the pack writer had finished stays if it was to.
 */
#ifndef CASG_CLISTATE_H
#define CASG_CLISTATE_H

#include "cliwork.h"
#include "oid.h"
#include "savedstate.h"

struct casg_cli_state {
	struct casg_work *work;
	const char *path;              /* NULL: nothing is saved */
	int stays;                     /* what is finished, also when the program fails */
	struct casg_savedstate now, before;
	int pending;                   /* the digest of 'before' was not compared yet */
	int differs;
	uint32_t nlooked;              /* packs of the writer that are in 'now', if they are new */
};

/*
 * 'path' NULL: all of this does nothing but to hash.  'resume': go on where the
 * file says, if there is one, and let stay what is finished.
 */
void casg_cli_state_open(struct casg_cli_state *s, struct casg_work *work, const char *path,
			 const char *operation, int resume);
/* The bytes of the input on disk are known now; 0: they are not. */
void casg_cli_state_total(struct casg_cli_state *s, uint64_t total);
/* The next bytes of the input go into its digest.  Any thread; does not die. */
void casg_cli_state_hash(struct casg_cli_state *s, struct casg_hasher *input,
			 const uint8_t *p, size_t n);
/*
 * All bytes so far have been hashed: die if they are others than before, and save
 * what was done if a pack was finished since.
 */
void casg_cli_state_check(struct casg_cli_state *s, const struct casg_hasher *input,
			  uint64_t nrecords);
/* The same at the end of the input, which may have come too early. */
void casg_cli_state_finish(struct casg_cli_state *s, const struct casg_hasher *input,
			   uint64_t nrecords);
/*
 * For a program that has several inputs, which it reads in its own order: the digest
 * of what it will do, and the bytes of packs that it does it to, before it begins:
 * saved.  Dies if it was something else before.
 */
void casg_cli_state_plan(struct casg_cli_state *s, const struct casg_oid *digest,
			 uint64_t total);
/* A pack was finished: save that so many bytes of packs, with so many objects, are. */
void casg_cli_state_wrote(struct casg_cli_state *s, uint64_t nbytes, uint64_t nobjects);
void casg_cli_state_close(struct casg_cli_state *s);

#endif
