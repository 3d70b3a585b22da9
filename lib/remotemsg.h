/*
 * remotemsg - the lines that casg and its remote helpers say to each other.
 *
 * casgprotocol-remote(7) has the grammar.  A line is at most
 * CASG_REMOTE_LINE_MAX bytes with its LF; fields are separated by one space,
 * hold no control character, and a parser accepts exactly what the formatters
 * here emit.  The bytes that may follow a line are not this module's business.
 *
 * Pure.  Threads: reentrant.
 */
#ifndef CASG_REMOTEMSG_H
#define CASG_REMOTEMSG_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"

#define CASG_REMOTE_VERSION 1
#define CASG_REMOTE_LINE_MAX 4096u      /* bytes, with LF */
#define CASG_REMOTE_NAME_MAX 1024u      /* bytes of an object's name */
#define CASG_REMOTE_PART_MAX 255u       /* bytes between two slashes */
#define CASG_REMOTE_VALIDATOR_MAX 512u  /* bytes, as it stands in the line */
#define CASG_REMOTE_MESSAGE_MAX 1024u   /* bytes of the text of an error */
#define CASG_REMOTE_BLOCK_MAX 1048576u  /* bytes behind one 'data' line */
#define CASG_REMOTE_URL_MAX 4096u       /* bytes */

/* What a helper can do: the words of its greeting, in this order. */
enum casg_remote_can {
	CASG_CAN_HAVE = 1, CASG_CAN_GET = 2, CASG_CAN_RANGE = 4, CASG_CAN_IF = 8,
	CASG_CAN_PUT = 16, CASG_CAN_PUT_NEW = 32, CASG_CAN_LIST = 64,
	CASG_CAN_DELETE = 128, CASG_CAN_RESTORE = 256
};
#define CASG_NCANS 9
const char *casg_remote_can_name(int i); /* of 1 << i */
/* The capability that a word names, or 0: unknown words are passed over. */
unsigned casg_remote_can_parse(const char *s, size_t n);

enum casg_remote_op {
	CASG_REMOTE_HAVE, CASG_REMOTE_GET, CASG_REMOTE_PUT, CASG_REMOTE_PUT_NEW,
	CASG_REMOTE_LIST, CASG_REMOTE_DELETE, CASG_REMOTE_RESTORE, CASG_REMOTE_NOPS
};
const char *casg_remote_op_name(enum casg_remote_op op);

struct casg_remote_request {
	uint64_t tag;              /* 1 .. 10^18 - 1 */
	enum casg_remote_op op;
	char name[CASG_REMOTE_NAME_MAX + 1]; /* LIST: a prefix, see below */
	int has_range, has_last;   /* GET */
	uint64_t first, last;      /* bytes, inclusive */
	char if_validator[CASG_REMOTE_VALIDATOR_MAX + 1]; /* GET; "": none */
	uint64_t nbytes;           /* PUT, PUT_NEW: that follow the line */
	struct casg_oid sha256;    /* of them */
};

/* Append the line, with LF.  CASG_EBUG for what the grammar has no line for. */
int casg_remote_request_format(struct casg_buf *out, const struct casg_remote_request *r,
			       struct casg_err *err);
/* 'line' is without LF.  CASG_ECORRUPT with what is wrong. */
int casg_remote_request_parse(struct casg_remote_request *r, const char *line, size_t n,
			      struct casg_err *err);

enum casg_remote_kind {
	CASG_ANSWER_YES, CASG_ANSWER_NO, CASG_ANSWER_DATA, CASG_ANSWER_DONE,
	CASG_ANSWER_SAME, CASG_ANSWER_EXISTS, CASG_ANSWER_ENTRY, CASG_ANSWER_ERROR,
	CASG_ANSWER_BUSY /* no answer yet, but the storage is at work on it */
};

/* Why a request failed. */
enum casg_remote_class {
	CASG_REMOTE_RETRY,    /* it may work when it is asked again */
	CASG_REMOTE_DENIED,   /* not allowed, or no longer */
	CASG_REMOTE_REFUSED,  /* it never will */
	CASG_REMOTE_WRONG,    /* what the storage says makes no sense */
	CASG_REMOTE_ARCHIVED, /* it has to be restored first */
	CASG_REMOTE_NCLASSES
};
const char *casg_remote_class_name(enum casg_remote_class c);

struct casg_remote_answer {
	uint64_t tag;
	enum casg_remote_kind kind;
	/* YES, DONE, ENTRY: of the object; DATA: that follow; DONE of list: entries */
	uint64_t nbytes;
	char validator[CASG_REMOTE_VALIDATOR_MAX + 1]; /* YES, DONE; "-": none */
	char name[CASG_REMOTE_NAME_MAX + 1];           /* ENTRY */
	enum casg_remote_class class;                  /* ERROR */
	char message[CASG_REMOTE_MESSAGE_MAX + 1];     /* ERROR */
};

/*
 * Append the line, with LF.  Control characters in a message become '?', and
 * it is cut at its maximum.
 */
int casg_remote_answer_format(struct casg_buf *out, const struct casg_remote_answer *a,
			      struct casg_err *err);
int casg_remote_answer_parse(struct casg_remote_answer *a, const char *line, size_t n,
			     struct casg_err *err);

/*
 * An object's name: parts of [A-Za-z0-9._-] joined by '/', none beginning with
 * '.', within the maxima above.  1 or 0.
 */
int casg_remote_is_name(const char *s, size_t n);
/* A prefix to list: "-" for everything, else a name with a '/' behind it. */
int casg_remote_is_prefix(const char *s, size_t n);
/* Is 'name' among what 'prefix' asks for? */
int casg_remote_in_prefix(const char *name, const char *prefix);

/*
 * Append bytes in the form of a validator: all but [A-Za-z0-9._~-] as %XX, and
 * "-" for none at all.  Back again: CASG_ECORRUPT for what that does not emit.
 */
void casg_remote_quote(struct casg_buf *out, const void *bytes, size_t n);
int casg_remote_unquote(struct casg_buf *out, const char *s, size_t n, struct casg_err *err);

/*
 * The scheme of a storage's URL, [a-z][a-z0-9+-]* before its first ':': its
 * length, or CASG_ECORRUPT when 'url' is none (too long, control characters).
 */
int casg_remote_scheme(const char *url, struct casg_err *err);
/* Append the URL as people may see it: without a password. */
void casg_remote_mask(struct casg_buf *out, const char *url);

#endif
