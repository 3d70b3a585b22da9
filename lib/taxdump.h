/*
 * taxdump - files, folders and archives read into a taxonomy's table.
 *
 * Each path is one of
 *   a folder with nodes.dmp, names.dmp and, if there, merged.dmp, delnodes.dmp,
 *   each also with .gz, .xz, .zst or .bz2 behind its name;
 *   one of those files by its name;
 *   a tar or zip archive that has them as members, in any folder of its;
 *   a table of lineages or of taxa (taxtext.h).
 * Other files of a folder or archive are passed over.  Everything goes through
 * input.h, so all of it may be compressed, and "-" is standard input.  Archives
 * are read in one pass, nothing is unpacked to disk.
 *
 * Refusals say "<path>: [<member>: ]line <n>: <what>" (taxtable.h), or how an
 * archive is damaged.
 */
#ifndef CASG_TAXDUMP_H
#define CASG_TAXDUMP_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "taxtable.h"

struct casg_taxdump_facts {
	uint64_t nbytes; /* of the files read, decompressed */
	/*
	 * Of one file its SHA-256, decompressed; of several, that of what
	 * sha256sum prints of them, ascending by name: "<hex>  <name>\n" each.
	 * A name is without folders and the suffixes above.
	 */
	struct casg_oid sha256;
};

/* Read all paths, in order; the table is not finished yet. */
int casg_taxdump_read(struct casg_taxtable *table, const char *const *paths, size_t npaths,
		      struct casg_taxdump_facts *facts_out, struct casg_err *err);

#endif
