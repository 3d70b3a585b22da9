/*
 * packsend - one pack after the other from files into a storage.
 *
 * A pack goes there with put-new, where the storage can: what is there already
 * is not sent, nor overwritten.  The storage's helper compares what it has
 * stored (casgprotocol-remote(7)), so a pack that is SENT or THERE can be relied
 * on.  What may work when it is asked again is asked again.
 *
 * Threads: one thread a casg_packsend, each with a conversation of its own; the
 * functions of its options are called by that thread.
 */
#ifndef CASG_PACKSEND_H
#define CASG_PACKSEND_H

#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "remote.h"

enum casg_packsend_outcome {
	CASG_PACKSEND_FAILED, /* it has been said why */
	CASG_PACKSEND_THERE,  /* it was, as long as it must be */
	CASG_PACKSEND_LACKING,
	CASG_PACKSEND_SENT
};

struct casg_packsend_opts {
	const char *url;
	/* Connect; also called again when a helper broke. */
	int (*open)(void *ctx, const char *url, struct casg_remote **out, struct casg_err *err);
	/* What went wrong, for people; 'pack' NULL: with the storage. */
	void (*complain)(void *ctx, const char *shown, const struct casg_oid *pack,
			 const char *what);
	/* What goes there before a pack does (or NULL): 0, or it has been said why not. */
	int (*before)(void *ctx, struct casg_remote *r, const struct casg_oid *pack);
	/* Bytes that went. */
	void (*progress)(void *ctx, uint64_t nbytes);
	void *ctx;
};

struct casg_packsend;

/* NULL: out of memory.  Nothing is connected to yet. */
struct casg_packsend *casg_packsend_new(const struct casg_packsend_opts *opts);
void casg_packsend_free(struct casg_packsend *s);

/* THERE, LACKING or FAILED: is there a pack of that size? */
enum casg_packsend_outcome casg_packsend_ask(struct casg_packsend *s, const struct casg_oid *id,
					     uint64_t nbytes);
/* THERE, SENT or FAILED: the pack is in the file at 'path', and in no other form. */
enum casg_packsend_outcome casg_packsend_file(struct casg_packsend *s, const struct casg_oid *id,
					      uint64_t nbytes, const char *path);

#endif
