/*
 * remotefile - a storage that is a folder: the work of casg-remote-file.
 *
 * Objects are regular files below the folder.  None of the names on the way
 * to one may be a symbolic link, so nothing outside of the folder is reached;
 * the folder itself may be one.  Bytes are written under a name that begins
 * with a dot, which no object has, synced, and linked (put-new: one of many
 * wins) or renamed to their name.
 *
 * Threads: one at a time.
 */
#ifndef CASG_REMOTEFILE_H
#define CASG_REMOTEFILE_H

#include "err.h"
#include "remoteserve.h"

struct casg_remotefile {
	int dir_fd;
	char *path;
};

/* The folder of "file:///a%20path"; CASG_ECORRUPT for another URL, CASG_EABSENT, CASG_EIO. */
int casg_remotefile_open(struct casg_remotefile *f, const char *url, struct casg_err *err);
void casg_remotefile_close(struct casg_remotefile *f);

/* For casg_serve_loop; the context is the struct casg_remotefile. */
extern const struct casg_serve_ops casg_remotefile_ops;

#endif
