/*
 * settings - what a user may tune, with one table of names and bounds.
 *
 * Precedence is the caller's business and is always the same: start from the
 * defaults, apply git config (casg_cli_settings), then the environment, then
 * options.  Every value passes casg_settings_set, so that a bad one is the
 * same error wherever it came from.  casg-config(5) is the page.
 *
 * (Not named config.h: that name belongs to autoconf.)
 */
#ifndef CASG_SETTINGS_H
#define CASG_SETTINGS_H

#include <stdint.h>

#include "err.h"
#include "grouping.h"

struct casg_settings {
	uint64_t threads;    /* casg.threads: workers; 0: one a processor */
	uint64_t memory;     /* casg.memory: bytes a program may use */
	uint64_t pack_size;  /* casg.packSize: bytes after which a pack is closed */
	uint64_t chunk_size; /* casg.chunkSize: bytes of content a chunk aims at */
	uint64_t match;      /* casg.match: DNA is matched by one k-mer of so many; 0: not */
	uint64_t level;      /* casg.compression: 0 (none) to 19 */
	uint64_t shrink_limit; /* casg.shrinkLimit: percent of the records that may go */
	uint64_t gc_grace;   /* casg.gcGrace: seconds before what nothing needs goes */
	uint64_t gc_auto;    /* casg.gcAuto: small packs that gc --auto tolerates; 0: any */
	uint64_t count_reads; /* casg.countReads: 0 or 1 */
	uint64_t remote_timeout; /* casg.remoteTimeout: seconds */
	uint64_t cache_size;     /* casg.cache.size: bytes of chunks that are kept */
	uint64_t cache_keep_free; /* casg.cache.keepFree: bytes of the disk that stay free */
	struct casg_grouping_policy chunk; /* casg.chunk.* */
	uint64_t taxon_from; /* casg.taxonFrom: sources, see casg_parse_taxon_from */
};

/* Where the taxon of a record may come from (taxonof.h). */
enum casg_taxon_source {
	CASG_TAXON_HEADER = 1,
	CASG_TAXON_MAPPING,
	CASG_TAXON_ORGANISM
};

/* The defaults. */
void casg_settings_init(struct casg_settings *s);

/*
 * Set the key 'name' ("casg.threads"; case does not matter) from text.
 * Sizes take k, m or g.  'origin' names where it came from in messages (may
 * be NULL: then 'name' is named).  CASG_ECORRUPT for a bad value; an unknown
 * casg.* key is ignored, as Git ignores its own.
 */
int casg_settings_set(struct casg_settings *s, const char *name,
		      const char *value, const char *origin,
		      struct casg_err *err);

/* Decimal with an optional k, m or g (1024); 0 or -1. */
int casg_parse_size(const char *text, uint64_t *nbytes_out);

/*
 * A list such as "header,mapping,organism", each at most once and at least one:
 * the first in the lowest byte of *v_out, and so on.  0 or -1.
 */
int casg_parse_taxon_from(const char *text, uint64_t *v_out);
const char *casg_taxon_source_name(enum casg_taxon_source source);

#endif
