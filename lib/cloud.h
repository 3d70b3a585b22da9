/*
 * cloud - the work of a helper whose storage is an object store behind HTTP.
 *
 * The conversation, many requests at a time, answers in parts, lists in pages
 * and uploads in parts are the same for all such stores.  What differs is how
 * a request looks and what an answer means: the store's own functions say so.
 *
 * An upload that fits in one part is one request, others are: BEGIN (where the
 * store has it), a PART for each, END (the same).  The bytes of a part are in
 * memory, so its digest can go before it; nothing that makes the object
 * appear is sent before the SHA-256 of all bytes was found right.
 *
 * Memory: CASG_CLOUD_PARTS parts, a page of a list.  Threads: one.
 */
#ifndef CASG_CLOUD_H
#define CASG_CLOUD_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "http.h"
#include "remotemsg.h"
#include "remoteserve.h"

#define CASG_CLOUD_PARTS 3
#define CASG_CLOUD_PART_SIZE ((uint64_t)8 << 20)

enum casg_cloud_act {
	CASG_CLOUD_HAVE,    /* also before a put-new */
	CASG_CLOUD_GET,
	CASG_CLOUD_DELETE,
	CASG_CLOUD_LIST,    /* one page */
	CASG_CLOUD_PUT,     /* the whole object */
	CASG_CLOUD_BEGIN, CASG_CLOUD_PART, CASG_CLOUD_END,
	CASG_CLOUD_ABORT,   /* what was begun, after a failure */
	CASG_CLOUD_UNDO,    /* delete what was stored wrongly */
	CASG_CLOUD_CHECK,   /* HEAD of what was put */
	CASG_CLOUD_LOOK,    /* is there something to restore? */
	CASG_CLOUD_RESTORE
};

struct casg_cloud_ask {
	enum casg_cloud_act act;
	const struct casg_remote_request *r;
	const char *marker;    /* LIST: where the page begins; "": the first */
	const char *session;   /* PART, END, ABORT: what BEGIN's answer gave, or ""; UNDO: that of 'undo' */
	unsigned part;         /* PART: from 0; END: how many */
	int last;              /* PART: of them */
	uint64_t at;           /* PART: of its first byte */
	const void *body;      /* PUT, PART */
	size_t nbody;
	uint32_t crc32c;       /* PUT, END, the last PART: of the whole object */
	const struct casg_buf *tokens; /* END: of each part, what its answer gave as 'session' */
	int64_t since;         /* when the request began, seconds since 1970 */
	const char *validator; /* CHECK: what the put's answer gave, or "" */
};

/* A request in the making; all empty at first. */
struct casg_cloud_call {
	const char *method;
	struct casg_buf url;
	struct casg_buf headers;   /* "Name: value" and a NUL, each */
	int own_body;              /* 'body' instead of the ask's */
	struct casg_buf body;
};

enum casg_cloud_verdict {
	CASG_CLOUD_OK,
	CASG_CLOUD_NO,       /* there is no such object */
	CASG_CLOUD_SAME,     /* GET: it has not changed */
	CASG_CLOUD_NOTHING,  /* GET: the range begins behind the end, LOOK: it can be read */
	CASG_CLOUD_EXISTS,   /* put-new */
	CASG_CLOUD_AGAIN,    /* PUT, END: the store knows another way, which 'build' takes now */
	CASG_CLOUD_FAILED
};

/* What an answer says.  A judge gets it filled as HTTP would have it. */
struct casg_cloud_seen {
	enum casg_cloud_verdict verdict;
	enum casg_remote_class class;   /* FAILED */
	char message[400];
	int has_nbytes;                 /* of the object */
	uint64_t nbytes;
	char validator[CASG_REMOTE_VALIDATOR_MAX + 1]; /* "": none */
	struct casg_buf session;        /* BEGIN, and FAILED with undo; PART: for END */
	int undo;                       /* FAILED, but an object appeared */
};

struct casg_cloud_list;
/* An object of a page, by the name that the store has for it. */
void casg_cloud_entry(struct casg_cloud_list *l, const char *name, size_t n, uint64_t nbytes);

struct casg_cloud_store {
	unsigned cans;           /* CASG_CAN_* */
	int begins, ends, aborts;/* it has those requests */
	int sums;                /* it wants the crc32c */
	int in_order;            /* one part after the other */
	int asks_first;          /* delete does not say whether there was one */
	int looks_first;         /* put-new may be ignored: HAVE before it */
	uint64_t part_multiple;  /* of the size of a part; 0: any */
	uint64_t max_parts;      /* of one object */
	const char *prefix;      /* of the names: "" or with a '/' at its end */
	void *ctx;
	/* 0, or a class: the request is refused with the message */
	int (*build)(void *ctx, const struct casg_cloud_ask *ask, struct casg_cloud_call *out,
		     struct casg_err *err);
	/* answer: the body of an answer below 300; NULL when a GET begins.  May be NULL */
	void (*judge)(void *ctx, const struct casg_cloud_ask *ask, const struct casg_http_result *r,
		      struct casg_buf *answer, struct casg_cloud_seen *seen);
	/*
	 * Whether a put wants a CHECK; may be NULL.  A put-new that fails there with
	 * REFUSED is deleted again.
	 */
	int (*checks)(void *ctx, const struct casg_remote_request *r);
	/* Entries, and the marker of the next page ("": none).  CASG_ECORRUPT */
	int (*list)(void *ctx, struct casg_buf *answer, struct casg_cloud_list *l,
		    struct casg_buf *marker_out, struct casg_err *err);
};

struct casg_cloud_opts {
	struct casg_http_opts http;
	uint64_t part_size;      /* bytes; 0: CASG_CLOUD_PART_SIZE */
};

/* Append a header. */
void casg_cloud_header(struct casg_cloud_call *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "Range: bytes=..." of a GET, if it has one. */
void casg_cloud_range(struct casg_cloud_call *c, const struct casg_remote_request *r);
/* The same, and "If-None-Match:" of what it must not be, where validators are ETags. */
int casg_cloud_get(struct casg_cloud_call *c, const struct casg_remote_request *r,
		   struct casg_err *err);
/* FAILED, with a message. */
void casg_cloud_fail(struct casg_cloud_seen *seen, enum casg_remote_class class,
		     const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The validator of the protocol for what the store calls it. */
void casg_cloud_validator(struct casg_cloud_seen *seen, const char *text);

/* Hold the conversation. */
int casg_cloud_serve(struct casg_serve *s, const struct casg_cloud_store *store,
		     const struct casg_cloud_opts *o, struct casg_err *err);

#endif
