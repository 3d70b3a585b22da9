/*
 * remoteipfs - objects made of blocks in IPFS: the work of casg-remote-ipfs.
 *
 * Blocks are asked for by CIDs that are made of our own digests, and compared
 * with them, so neither gateway nor node is trusted.  Which blocks an object
 * has is in its list, which objects there are in an index (ipfsname.h); both
 * are blocks as well, so that the CID of an index names everything in it.
 *
 * Read from a gateway: an index that never changes.  With a node's RPC: the
 * CID of the newest index is a file of the node's, and putting writes both.
 *
 * Memory: some blocks, the index.  Threads: one.
 */
#ifndef CASG_REMOTEIPFS_H
#define CASG_REMOTEIPFS_H

#include "http.h"
#include "ipfsname.h"
#include "remoteserve.h"

struct casg_ipfs {
	const char *gateway;     /* http[s]://HOST: read 'cid' from there; or NULL */
	struct casg_oid cid;     /* the SHA-256 of the list of the index */
	const char *api;         /* http[s]://HOST of a node: 'name' there; or NULL */
	const char *name;
	int lock_fd;             /* locked while the index changes (flock); -1: none */
};

/*
 * Hold the conversation.  *changed_out: the index was written, and 'cid' is the
 * newest.
 */
int casg_ipfs_serve(struct casg_serve *s, struct casg_ipfs *p, const struct casg_http_opts *o,
		    int *changed_out, struct casg_err *err);

#endif
