/*
 * packfiles - packs as files: in use, in quarantine, gone.
 *
 * A pack in use is pack-<id>.pack and pack-<id>.idx in packs/.  One that
 * nothing needs is moved to quarantine/, with a third file beside it,
 * pack-<id>.why, that says since when it is there and for what reason.  From
 * there it comes back (revive) or, after some time, goes for good (delete).
 * The text of pack-<id>.why is three lines:
 *
 *   casg-quarantine 1
 *   since 2024-03-01T00:00:00Z
 *   reason <text without line ends>
 *
 * Every step may be the last: the note is written first, a pack leaves packs/
 * before its index does and comes back after it, so that a pack that can be
 * seen in packs/ has its index.  What is interrupted is completed by doing it
 * again.  Readers look into both folders.
 *
 * Who moves packs to quarantine or deletes them holds the locks of the
 * repository (casg/state/import.lock and refs.lock); reviving needs none.
 *
 * Threads: reentrant.  Errors: CASG_EIO unless stated otherwise.
 */
#ifndef CASG_PACKFILES_H
#define CASG_PACKFILES_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "oid.h"

/* The folders; borrowed. */
struct casg_packfiles {
	const char *packs_dir;
	const char *quarantine_dir;
	const char *tmp_dir; /* where notes are written; only 'quarantine' needs it */
};

/*
 * The ids of the pack-<id>.pack in a folder, sorted; the caller frees.  A
 * folder that is missing is CASG_EABSENT.
 */
int casg_packfiles_list(const char *dir, struct casg_oid **ids_out, size_t *n_out,
			struct casg_err *err);

/* DIR/pack-<id>.<ext>, the caller's to free; NULL: out of memory. */
char *casg_packfiles_path(const char *dir, const struct casg_oid *id, const char *ext);

#define CASG_REASON_MAX 256

/* What the note of a pack in quarantine says. */
struct casg_gone {
	int64_t since; /* seconds since 1970 */
	char reason[CASG_REASON_MAX];
};

/*
 * Move a pack to quarantine.  A reason that is longer is cut, control
 * characters in it become '?'.  CASG_EABSENT: no such pack in packs/.  The
 * two folders are synced.
 */
int casg_packfiles_quarantine(const struct casg_packfiles *f, const struct casg_oid *id,
			      const struct casg_gone *why, struct casg_err *err);

/*
 * Bring it back, as if it had been written now.  0 also when it is in packs/
 * already; CASG_EABSENT when it is in neither folder.
 */
int casg_packfiles_revive(const struct casg_packfiles *f, const struct casg_oid *id,
			  struct casg_err *err);

/*
 * Link a pack and its index from another folder of this file system into packs/, as
 * if they had been written now; they stay in 'dir'.  0 also when the pack is in packs/
 * already.
 */
int casg_packfiles_link(const struct casg_packfiles *f, const char *dir,
			const struct casg_oid *id, struct casg_err *err);

/*
 * Since when it is in quarantine, and why.  Without a good note (somebody put
 * it there by hand) since is the time of the file's last change.
 * CASG_EABSENT: it is not in quarantine.
 */
int casg_packfiles_gone(const struct casg_packfiles *f, const struct casg_oid *id,
			struct casg_gone *out, struct casg_err *err);

/* Remove a pack from quarantine, and the folder is synced. */
int casg_packfiles_delete(const struct casg_packfiles *f, const struct casg_oid *id,
			  struct casg_err *err);

#endif
