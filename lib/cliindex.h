/*
 * cliindex - packs that come from elsewhere: checked from their bytes alone,
 * indexed, and only then put where readers look.
 *
 * For casg-index-pack and casg-fetch-pack.  Only programs may use this;
 * failures of the machine end the program with the message, a pack that is
 * not good does not.  The temporary file of an index under way is removed by
 * casg_cli_index_abandon.
 */
#ifndef CASG_CLIINDEX_H
#define CASG_CLIINDEX_H

#include "clipack.h"

enum casg_index_verdict {
	CASG_INDEX_GOOD,
	CASG_INDEX_LATER, /* it lacks only what other packs hold */
	CASG_INDEX_BAD    /* what is wrong has been said */
};

/*
 * Check all of a pack; 'later' says that LATER may be returned, else what is
 * lacking makes it BAD.  'version' is that of the index to make, 0: the
 * newest.  The caller closes *w_out when it is GOOD.
 */
enum casg_index_verdict casg_cli_check_pack(struct casg_packtool *tool, int fd,
					    const char *path, const struct casg_oid *expected,
					    int later, uint32_t version,
					    struct casg_packwalk **w_out);

/* The index of a good pack at 'path', written in the folder that it is in. */
void casg_cli_write_index(const struct casg_packwalk *w, const char *path);

/* For signal handlers and atexit. */
void casg_cli_index_abandon(void);

#endif
