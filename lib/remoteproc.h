/*
 * remoteproc - the process of a remote helper: started without a shell, its
 * three descriptors, and its end.
 *
 * Threads: one a structure.
 */
#ifndef CASG_REMOTEPROC_H
#define CASG_REMOTEPROC_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

struct casg_remoteproc {
	pid_t pid;     /* 0: none */
	int in_fd;     /* a socket, its standard input; -1: closed */
	int out_fd;    /* its standard output */
	int err_fd;    /* its standard error */
	int status;    /* once it has been waited for */
};

void casg_remoteproc_init(struct casg_remoteproc *p);
/*
 * casg-remote-<scheme> of 'url', in exec_dir (or NULL) or PATH.  CASG_ECORRUPT
 * for what is no URL, CASG_EABSENT when there is no such program.
 */
int casg_remoteproc_start(struct casg_remoteproc *p, const char *url, const char *exec_dir,
			  struct casg_err *err);
/* It has closed its output: wait for its end, not long, and say how it ended. */
void casg_remoteproc_end(struct casg_remoteproc *p, char *how_out, size_t n);
/* End it now. */
void casg_remoteproc_kill(struct casg_remoteproc *p);
/* Close its input and give it some seconds to end by itself. */
void casg_remoteproc_finish(struct casg_remoteproc *p);
/* Close what is open; a process that is there still is ended. */
void casg_remoteproc_release(struct casg_remoteproc *p);

#endif
