/*
 * remote - a storage, reached through its helper: casg's side of the protocol.
 *
 * casg_remote_open starts casg-remote-<scheme>, without a shell; requests are
 * asked, many at a time, and each is answered once, by its 'done' function,
 * whatever becomes of the helper: one that ends early, says nothing for three
 * time-outs, or says what the protocol has no room for is ended, and answers
 * whatever is open with an error.  So nothing waits for ever.
 *
 * What comes from a storage is hostile: no more data is taken than was asked
 * for, and who asked compares digests.  Memory: a block each way; data goes to
 * a sink as it comes.
 *
 * The functions that are called back must not ask the same remote.
 * Threads: one at a time.
 */
#ifndef CASG_REMOTE_H
#define CASG_REMOTE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"
#include "remotemsg.h"

struct casg_remote;

/* A line that the helper wrote to its standard error, without control characters. */
typedef void casg_remote_note_fn(void *ctx, const char *line);

struct casg_remote_opts {
	const char *exec_dir; /* where helpers are looked for before PATH; or NULL */
	unsigned timeout;     /* seconds without a byte, of the helper; 0: 60 */
	unsigned max_open;    /* requests at a time; 0: 16 */
	casg_remote_note_fn *note; /* or NULL */
	void *note_ctx;
};

/*
 * CASG_ECORRUPT for what is no URL, CASG_EABSENT when there is no such helper,
 * CASG_EIO when it does not begin as it must.
 */
int casg_remote_open(struct casg_remote **remote_out, const char *url,
		     const struct casg_remote_opts *opts, struct casg_err *err);
/* Ends the helper; what is still open is answered with an error. */
void casg_remote_close(struct casg_remote *r);

/* CASG_CAN_* */
unsigned casg_remote_cans(const struct casg_remote *r);
/* The URL as people may see it; valid until close. */
const char *casg_remote_shown(const struct casg_remote *r);
/* Has it failed, so that it is no use to ask it more? */
int casg_remote_is_dead(const struct casg_remote *r);
/* And was it because nothing came for so long? */
int casg_remote_timed_out(const struct casg_remote *r);

/* The last answer to a request; valid during the call. */
struct casg_remote_reply {
	enum casg_remote_kind kind;    /* YES NO DONE SAME EXISTS ERROR */
	uint64_t nbytes;               /* YES, DONE: as the answer has it */
	const char *validator;         /* YES, DONE; NULL: none */
	enum casg_remote_class class;  /* ERROR */
	const char *message;           /* ERROR */
};

struct casg_remote_ask {
	enum casg_remote_op op;
	const char *name;              /* or a prefix */
	int has_range, has_last;
	uint64_t first, last;
	const char *if_validator;      /* or NULL */
	uint64_t max_nbytes;           /* GET: data that may come; more is wrong */
	uint64_t nbytes;               /* PUT, PUT_NEW */
	const struct casg_oid *sha256; /* PUT, PUT_NEW */
	void *ctx;
	/* GET: data in order; a non-zero return: it is not wanted any more */
	int (*sink)(void *ctx, const uint8_t *p, size_t n);
	/* PUT: exactly the next n bytes; non-zero: they cannot be had, ends the helper */
	int (*source)(void *ctx, uint8_t *p, size_t n);
	/* LIST; the same return */
	int (*entry)(void *ctx, const char *name, uint64_t nbytes);
	void (*done)(void *ctx, const struct casg_remote_reply *reply);
};

/*
 * Ask; waits for answers as long as too many requests are open.  0, also when
 * it fails at once ('done' is called); CASG_ENOMEM or CASG_EBUG for what
 * cannot be asked at all ('done' is not called).
 */
int casg_remote_ask(struct casg_remote *r, const struct casg_remote_ask *a, struct casg_err *err);
/* Wait until at most n requests are open. */
void casg_remote_wait(struct casg_remote *r, unsigned n);

/* ---- one at a time ---- */

/* What became of it; copies. */
struct casg_remote_result {
	enum casg_remote_kind kind;
	uint64_t nbytes;
	char validator[CASG_REMOTE_VALIDATOR_MAX + 1]; /* "": none */
	enum casg_remote_class class;
	char message[CASG_REMOTE_MESSAGE_MAX + 1];
};

/*
 * All of an object of at most max_nbytes, appended to 'out'.  0 and the result
 * (YES, NO, DONE, SAME, EXISTS), or a negative class with err filled: the
 * URL, the name, and what went wrong.  What fails with RETRY is asked again
 * twice, after one and two seconds.
 */
int casg_remote_get(struct casg_remote *r, const char *name, const char *if_validator,
		    uint64_t max_nbytes, struct casg_buf *out,
		    struct casg_remote_result *result_out, struct casg_err *err);
int casg_remote_have(struct casg_remote *r, const char *name,
		     struct casg_remote_result *result_out, struct casg_err *err);
/* op is PUT or PUT_NEW. */
int casg_remote_put(struct casg_remote *r, enum casg_remote_op op, const char *name,
		    const void *p, size_t n, struct casg_remote_result *result_out,
		    struct casg_err *err);
typedef int casg_remote_entry_fn(void *ctx, const char *name, uint64_t nbytes);
int casg_remote_list(struct casg_remote *r, const char *prefix, casg_remote_entry_fn *fn,
		     void *ctx, struct casg_err *err);
int casg_remote_delete(struct casg_remote *r, const char *name,
		       struct casg_remote_result *result_out, struct casg_err *err);

#endif
