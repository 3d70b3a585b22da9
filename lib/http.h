/*
 * http - HTTP requests, many at a time, through libcurl.
 *
 * The only module that includes curl.h.  Built without libcurl, casg_http_new
 * fails with CASG_EUNSUPPORTED.
 *
 * HTTP/2 where TLS offers it, connections are used again, paths are sent as
 * they are.  A redirect is followed for GET and HEAD, five deep, never from
 * https to http, and never to a private address unless the first address was
 * private too (RFC 1918, 4193, loopback, link-local and the like).
 *
 * Requests without a body that get no answer, or 429, 500, 502, 503 or 504,
 * are sent again with growing pauses (or what Retry-After says, up to 30
 * seconds), a number of times and at most as long as one time-out in all, as
 * long as no byte of a body was given.
 *
 * Threads: one a handle.
 */
#ifndef CASG_HTTP_H
#define CASG_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

struct casg_http;
struct casg_http_call;

struct casg_http_opts {
	unsigned timeout;      /* seconds without a byte; 0: 60 */
	unsigned retries;
	const char *ca_file;   /* of trusted certificates; NULL: the system's */
	const char *agent;     /* User-Agent */
	int public_only;       /* the first address must not be private either */
};

/* CASG_EUNSUPPORTED, CASG_ENOMEM. */
int casg_http_new(struct casg_http **out, const struct casg_http_opts *o, struct casg_err *err);
/* Calls that are open end without their 'done'. */
void casg_http_free(struct casg_http *h);

/* How a call ended, or where it is. */
struct casg_http_result {
	long status;           /* 0: no answer */
	int failed;            /* the transfer did; 'status' may be there all the same */
	int temporary;         /* it may work when it is asked again */
	char message[256];     /* why it failed; or the beginning of a body of 300 and more */
	const struct casg_buf *head;   /* header lines of the last answer, NUL-terminated */
	const struct casg_buf *body;   /* of an answer of 300 and more: up to 16 KiB */
};

/* The value of a header, into 'out' (cut at n - 1 bytes): 1, or 0. */
int casg_http_header(const struct casg_http_result *r, const char *name, char *out, size_t n);
/* A number in it: 1, or 0. */
int casg_http_header_number(const struct casg_http_result *r, const char *name, uint64_t *out);
/*
 * "bytes FIRST-LAST/WHOLE" or "bytes * /WHOLE" in Content-Range: 0, or -1.  *first
 * is *whole for the second.
 */
int casg_http_content_range(const struct casg_http_result *r, uint64_t *first, uint64_t *whole);
/* Are the bytes of the body not those of the object, but compressed or the like? */
int casg_http_is_encoded(const struct casg_http_result *r);

#define CASG_HTTP_PAUSE (-2)

struct casg_http_request {
	const char *method;            /* GET, HEAD, PUT, POST, DELETE */
	const char *url;
	const char *const *headers;    /* "Name: value", NULL-terminated; or NULL */
	int stays;                     /* follow no redirect */
	int has_body;                  /* of nbytes, from 'source' */
	uint64_t nbytes;
	void *ctx;
	/* Up to n bytes of the body: their number, CASG_HTTP_PAUSE, or -1: give up */
	long (*source)(void *ctx, void *p, size_t n);
	/* An answer below 300 begins; non-zero: no more of it.  May be NULL */
	int (*head)(void *ctx, const struct casg_http_result *r);
	/* Some of its body; the same return */
	int (*sink)(void *ctx, const void *p, size_t n);
	void (*done)(void *ctx, const struct casg_http_result *r);
};

/* Begin; 'done' comes from casg_http_step.  Everything but ctx is copied. */
int casg_http_begin(struct casg_http *h, const struct casg_http_request *r,
		    struct casg_http_call **call_out, struct casg_err *err);
/* The body of a call that paused goes on; the call must be open. */
void casg_http_resume(struct casg_http_call *c);
unsigned casg_http_nopen(const struct casg_http *h);

/*
 * Wait until something can be done, at most timeout_ms, or until 'fd' (or -1)
 * can be read; do it, and call what has to be called.  1 if 'fd' can be read.
 */
int casg_http_step(struct casg_http *h, int fd, int timeout_ms);

#endif
