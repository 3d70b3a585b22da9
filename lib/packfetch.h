/*
 * packfetch - packs from storages into partial files, verified as they arrive.
 *
 * Each pack has a file of its own, <tmp_dir>/fetch-<id>.part, that grows as
 * bytes come and is hashed meanwhile; what an interrupted run left is hashed
 * and resumed. A pack is there when its SHA-256 is its id. Storages are asked
 * one after the other; what one lacks, or gives wrongly, is asked of the next,
 * which goes on where the other stopped. Bytes that turn out to be wrong are
 * thrown away, and the storage is named, unless another may have sent some of
 * them: then it is asked for the whole first.
 *
 * Threads: one.
 */
#ifndef CASG_PACKFETCH_H
#define CASG_PACKFETCH_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "remote.h"

/* A pack may have so many bytes when nobody says how many. */
#define CASG_PACKFETCH_MAX (UINT64_C(64) << 30)

struct casg_packfetch;

struct casg_packfetch_opts {
	const char *tmp_dir;
	unsigned max_open;       /* packs at a time */
	/* Connect to a storage; also called again when a helper broke. */
	int (*open)(void *ctx, const char *url, struct casg_remote **out, struct casg_err *err);
	/* What went wrong at a storage, for people; 'pack' NULL: it is no use to ask it more. */
	void (*complain)(void *ctx, const char *shown, const struct casg_oid *pack,
			 const char *what);
	/* Bytes that came (not those that were there); may be NULL. */
	void (*progress)(void *ctx, uint64_t nbytes);
	void *ctx;
};

struct casg_packfetch *casg_packfetch_new(const struct casg_packfetch_opts *opts);
/* Files of packs that are not complete stay, unless they are empty. */
void casg_packfetch_free(struct casg_packfetch *f);

/* A pack that is wanted; nbytes 0: not known.  Twice is once. */
int casg_packfetch_add(struct casg_packfetch *f, const struct casg_oid *id, uint64_t nbytes,
		       struct casg_err *err);
/* How many are wanted and not there. */
size_t casg_packfetch_missing(const struct casg_packfetch *f);

/*
 * Get from a storage what is missing still.  0, also when it had nothing; a
 * negative class for a failure of this machine, such as a full disk.
 */
int casg_packfetch_from(struct casg_packfetch *f, const char *url, struct casg_err *err);

/* In the order of their addition. */
size_t casg_packfetch_count(const struct casg_packfetch *f);
/*
 * Pack i: its id and size; an open descriptor and the path of its file when it
 * is there, -1 when not.  Valid until free.
 */
int casg_packfetch_get(const struct casg_packfetch *f, size_t i, struct casg_oid *id_out,
		       uint64_t *nbytes_out, const char **path_out);
/*
 * The file of pack i becomes 'path': read-only, synced, and so is the folder.
 * A file that is there already stays, if it is as long.
 */
int casg_packfetch_commit(struct casg_packfetch *f, size_t i, const char *path,
			  struct casg_err *err);

#endif
