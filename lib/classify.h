/*
 * classify - the taxa of a record and their lineages, from records alone.
 *
 * The same answer as taxonof.h and taxonomy.h give, without any index: each
 * step is one question, what the record with a key says, to the tree of a
 * taxonomy or to that of its mapping.  Who can answer these can classify,
 * be it a store or a proof that has no more than those few records.  That is
 * what a proof of a view rests on: the prover notes what was asked, the
 * verifier asks the same.
 *
 * The one source that cannot be asked like this is a name ([Organism]): that
 * no other taxon has it is said by no record.  A record whose taxa would rest
 * on one is refused.
 *
 * Pure; threads: a result belongs to one thread.  The records are hostile.
 */
#ifndef CASG_CLASSIFY_H
#define CASG_CLASSIFY_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "settings.h"
#include "taxrec.h"

enum casg_classify_tree {
	CASG_IN_TAXONOMY,
	CASG_IN_MAPPING
};

/*
 * The description of the record with this key, of the first if there are
 * several: 1, valid until the next call; 0: there is none; negative.
 */
typedef int casg_classify_get(void *ctx, enum casg_classify_tree tree, const char *key,
			      size_t klen, struct casg_taxstr *desc_out,
			      struct casg_err *err);

struct casg_classifier {
	uint64_t from;          /* sources, as casg_parse_taxon_from has them */
	int has_mapping;        /* no: that source gives nothing */
	casg_classify_get *get;
	void *ctx;
};

/* Offsets are those of strings in the text of the result. */
struct casg_class_step {
	size_t id, rank, name;
};

struct casg_class_taxon {
	size_t id;              /* as the record, or the mapping, has it */
	enum casg_taxon_status status;
	size_t first, n;        /* steps from the taxon to the root; 0: there is no such taxon */
};

/* All zero: empty. */
struct casg_classified {
	enum casg_taxon_source source; /* that gave the taxa; 0: none did */
	struct casg_class_taxon *taxa;
	struct casg_class_step *steps;
	size_t ntaxa, nsteps, cap_taxa, cap_steps;
	struct casg_buf text, key; /* ids in key form (taxrec.h); key: private */
};

void casg_classified_release(struct casg_classified *c);

/* A string of the result, NUL-terminated. */
const char *casg_classified_text(const struct casg_classified *c, size_t at);

/*
 * Classify one record.  'out' is emptied first.  CASG_EABSENT when it would
 * rest on a name, which the message has; CASG_ECORRUPT when the taxonomy or
 * its mapping is none.
 */
int casg_classify(const struct casg_classifier *c, const char *key, size_t klen,
		  const char *desc, size_t dlen, struct casg_classified *out,
		  struct casg_err *err);

#endif
