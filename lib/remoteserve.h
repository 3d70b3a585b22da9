/*
 * remoteserve - the helper's side of the protocol: requests in, answers out.
 *
 * What casgprotocol-remote(7) asks of a helper whatever its storage: greeting,
 * lines, the bytes behind a put with their SHA-256, blocks of data.  A helper
 * that does one thing at a time gives casg_serve_loop a table; one that does
 * many asks for requests, and for the bytes of a put, as they come.
 *
 * Answers are collected and written before a read that waits, or when there is
 * much; a failed write is remembered and comes back from the next call that
 * returns a class.  Memory: one block.
 *
 * Threads: one a handle.
 */
#ifndef CASG_REMOTESERVE_H
#define CASG_REMOTESERVE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "remotemsg.h"

struct casg_serve;

/* The descriptors stay the caller's.  NULL: out of memory. */
struct casg_serve *casg_serve_new(int in_fd, int out_fd);
void casg_serve_free(struct casg_serve *s);

/* Write the greeting; 'cans' are CASG_CAN_*. */
int casg_serve_hello(struct casg_serve *s, unsigned cans, struct casg_err *err);

enum casg_serve_wait {
	CASG_SERVE_WAIT, /* for input */
	CASG_SERVE_POLL  /* return CASG_SERVE_LATER rather than wait */
};
#define CASG_SERVE_LATER 2

/*
 * The next request: 1, 0 at the end, CASG_SERVE_LATER, CASG_ECORRUPT for a
 * line that is none or for input that ends inside the bytes of a put,
 * CASG_EIO.  What is left of the bytes of a put is passed over first.
 */
int casg_serve_next(struct casg_serve *s, enum casg_serve_wait wait,
		    struct casg_remote_request *r, struct casg_err *err);

/*
 * Up to n bytes that follow the line of the put that was returned last: their
 * number, 0 when all have come; or CASG_SERVE_LATER_BODY (a negative number
 * that is no class), CASG_ECORRUPT when the input ends too early, CASG_EIO.
 */
#define CASG_SERVE_LATER_BODY (-100)
long casg_serve_body(struct casg_serve *s, enum casg_serve_wait wait, void *buf, size_t n,
		     struct casg_err *err);
/* Once all have come: is their SHA-256 the one of the line? */
int casg_serve_body_good(struct casg_serve *s);
/* The descriptor to poll for input. */
int casg_serve_fd(const struct casg_serve *s);

/* Answers.  'validator' is in the form of the protocol; NULL: none. */
void casg_serve_yes(struct casg_serve *s, uint64_t tag, uint64_t nbytes, const char *validator);
void casg_serve_data(struct casg_serve *s, uint64_t tag, const void *p, size_t n);
void casg_serve_done(struct casg_serve *s, uint64_t tag, uint64_t nbytes, const char *validator);
void casg_serve_entry(struct casg_serve *s, uint64_t tag, const char *name, uint64_t nbytes);
/* NO, SAME, EXISTS, BUSY */
void casg_serve_say(struct casg_serve *s, uint64_t tag, enum casg_remote_kind kind);
void casg_serve_error(struct casg_serve *s, uint64_t tag, enum casg_remote_class class,
		      const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Write what is collected. */
int casg_serve_flush(struct casg_serve *s, struct casg_err *err);

/*
 * A helper that does one thing after the other.  Each function gives the last
 * answer of its request; a negative class ends the conversation.  Those that
 * 'cans' does not name are not called.  put: also put-new.
 */
typedef int casg_serve_fn(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
			  struct casg_err *err);
struct casg_serve_ops {
	unsigned cans;
	casg_serve_fn *have, *get, *put, *list, *delete;
};
int casg_serve_loop(struct casg_serve *s, const struct casg_serve_ops *ops, void *ctx,
		    struct casg_err *err);

#endif
