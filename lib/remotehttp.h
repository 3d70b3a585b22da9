/*
 * remotehttp - a storage behind HTTP: the work of casg-remote-http.
 *
 * get and have need nothing but a server of files.  put needs a server that
 * takes PUT; what was put is read back and hashed, as no server says what it
 * stored.  put-new asks first and sends If-None-Match, which some servers
 * ignore: it is not atomic.
 *
 * Threads: one.
 */
#ifndef CASG_REMOTEHTTP_H
#define CASG_REMOTEHTTP_H

#include "err.h"
#include "http.h"
#include "remoteserve.h"

/* Hold the conversation; 'url' is that of the storage. */
int casg_remotehttp_serve(struct casg_serve *s, const char *url,
			  const struct casg_http_opts *o, struct casg_err *err);

#endif
