/*
 * cliwork - the tools of a program that works on a store: repository, worker
 * pool, a coder for each worker, the packs, and a pack writer.
 *
 * Only programs may use this; everything here dies with the message on
 * failure.  A pack under way is removed when a signal ends the program.
 */
#ifndef CASG_CLIWORK_H
#define CASG_CLIWORK_H

#include "chunk.h"
#include "clipromise.h"
#include "packer.h"
#include "packw.h"
#include "records.h"
#include "repo.h"
#include "settings.h"
#include "store.h"
#include "version.h"
#include "workers.h"

struct casg_work {
	struct casg_repo repo;
	struct casg_settings settings;
	struct casg_workers *pool;
	struct casg_coder **coders;
	int ncoders;
	struct casg_cli_promise *promise; /* of a partial clone; or NULL */
	struct casg_store *store;
	struct casg_packw *packw;
	struct casg_store *store_apart; /* of casg_work_packw_apart; or NULL */
	int has_settings;               /* read, not the defaults */
	int counts_reads;
	int announce_fd;                /* where packs are told of; 0: nowhere */
	/* told of each pack that is new when it is finished; or NULL */
	int (*finished)(void *ctx, const struct casg_oid *id, struct casg_err *err);
	void *finished_ctx;
	const char *announce_path;
	uint64_t most_nbytes;           /* that may be here of them */
	uint32_t *announced;            /* numbers in the store */
	size_t nannounced, cap_announced;
};

/*
 * Discover the repository, read the settings (then 'threads' and 'memory',
 * the texts of options, or NULL) and open the store with a cache of at most
 * cache_nbytes.
 */
void casg_work_open(struct casg_work *w, const char *threads, const char *memory,
		    uint64_t cache_nbytes);
/* As casg_work_open, but caches are not believed: ids are recomputed. */
void casg_work_open_fresh(struct casg_work *w, const char *threads, const char *memory,
			  uint64_t cache_nbytes);
/* The same for one quick read: default settings, one thread, no libgit2. */
void casg_work_open_quick(struct casg_work *w, uint64_t cache_nbytes);
/*
 * The same for programs that look things up by id and write nothing: a pack
 * whose index cannot be used stops them only if something is not found.
 */
void casg_work_open_reader(struct casg_work *w, const char *threads, const char *memory,
			   uint64_t cache_nbytes);
void casg_work_open_quick_reader(struct casg_work *w, uint64_t cache_nbytes);
/*
 * What this program reads counts: casg_work_close enters the chunks of sequences
 * in casg/state/reads (unless casg.countReads says no).
 */
void casg_work_count_reads(struct casg_work *w);
/* casg/state/reads, in 'out'; valid as long as that is. */
const char *casg_work_reads_path(const struct casg_work *w, struct casg_buf *out);
void casg_work_packw(struct casg_work *w);
/*
 * Before that: the id of each pack is appended to this file as soon as it is finished.
 * Then, while packs with sequences that were told of take more than most_nbytes here, the
 * writer waits: somebody removes them (casg-drop-pack), or the file when he cannot, and
 * then writing fails.
 */
void casg_work_announce(struct casg_work *w, const char *path, uint64_t most_nbytes);
/*
 * The same into a store that shows its new packs only, and leaves no caches; in
 * another folder than that of the repository's packs if 'dir' is not NULL.  'go_on':
 * it shows what is there, too.
 */
void casg_work_packw_apart(struct casg_work *w, const char *dir, int go_on);
/* A packer over casg_work_packw, with the settings' sizes. */
struct casg_packer *casg_work_packer(struct casg_work *w, casg_packer_sink *sink, void *ctx);
/* See the packs that others have finished since the store was opened. */
void casg_work_reopen_store(struct casg_work *w);
/* The version that 'spec' names, and its roots. */
void casg_work_version(struct casg_work *w, const char *spec,
		       struct casg_version *out, struct casg_roots *roots_out);
/* The same of a file that is a VERSION, "-" for standard input. */
void casg_work_version_file(const char *path, struct casg_version *out,
			    struct casg_roots *roots_out);
void casg_work_roots(const struct casg_version *v, struct casg_roots *roots_out);
/* The "name value" lines that casg-write-version reads, appended. */
void casg_work_format_roots(const struct casg_roots *roots, uint64_t nresidues,
			    struct casg_buf *out);
void casg_work_close(struct casg_work *w);
/* The coder of the thread that owns the pool. */
struct casg_coder *casg_work_coder(struct casg_work *w);
/* Undo what the pack writer did, then die with the message. */
void casg_work_die(struct casg_work *w, const struct casg_err *err)
	__attribute__((noreturn));

/* A "pack <id>" line for each pack that the writer added to the repository. */
void casg_work_list_packs(struct casg_work *w, struct casg_buf *out);

#endif
