#include "savedstate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

#define FIRST "casg-state 1\n"

void casg_savedstate_release(struct casg_savedstate *s)
{
	casg_buf_release(&s->operation);
	casg_buf_release(&s->casg);
	free(s->packs);
	s->packs = NULL;
	s->npacks = s->cap_packs = 0;
}

/* Not empty, and nothing that would end the line or hide it from who looks. */
static int is_line(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			return 0;
	return n > 0;
}

int casg_savedstate_encode(const struct casg_savedstate *s, struct casg_buf *out,
			   struct casg_err *err)
{
	const char *operation = casg_buf_chars(&s->operation), *casg = casg_buf_chars(&s->casg);

	if (!is_line(operation, s->operation.len) || !is_line(casg, s->casg.len))
		return casg_err_set(err, CASG_EBUG, "the name of an operation is no line");
	casg_buf_addstr(out, FIRST "operation ");
	casg_buf_add(out, operation, s->operation.len);
	casg_buf_addstr(out, "\ncasg ");
	casg_buf_add(out, casg, s->casg.len);
	casg_buf_addf(out, "\nchunk-size %" PRIu64 "\ntotal %" PRIu64 "\nread %" PRIu64 "\ndigest ",
		      s->chunk_nbytes, s->total, s->nread);
	casg_oid_addhex(out, &s->digest);
	casg_buf_addf(out, "\nrecords %" PRIu64 "\n", s->nrecords);
	for (size_t i = 0; i < s->npacks; i++) {
		casg_buf_addstr(out, "pack ");
		casg_oid_addhex(out, &s->packs[i]);
		casg_buf_addch(out, '\n');
	}
	return casg_buf_check(out, err);
}

struct cursor {
	const char *p, *end;
};

/* The value of the line that comes next, which has this name; NULL: it has not. */
static const char *next_value(struct cursor *c, const char *name, size_t *n_out)
{
	size_t left = (size_t)(c->end - c->p), k = strlen(name);
	const char *lf, *value;

	if (left <= k || memcmp(c->p, name, k) || c->p[k] != ' ')
		return NULL;
	value = c->p + k + 1;
	lf = memchr(value, '\n', (size_t)(c->end - value));
	if (!lf)
		return NULL;
	*n_out = (size_t)(lf - value);
	c->p = lf + 1;
	return value;
}

static int take_line(struct cursor *c, const char *name, struct casg_buf *out)
{
	size_t n;
	const char *v = next_value(c, name, &n);

	if (!v || !is_line(v, n))
		return 0;
	casg_buf_reset(out);
	casg_buf_add(out, v, n);
	casg_buf_cstr(out);
	return !out->failed;
}

static int take_number(struct cursor *c, const char *name, uint64_t *out)
{
	size_t n;
	const char *v = next_value(c, name, &n);

	*out = 0;
	if (!v || !n || n > 19 || (v[0] == '0' && n > 1))
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (v[i] < '0' || v[i] > '9')
			return 0;
		*out = *out * 10 + (uint64_t)(v[i] - '0');
	}
	return 1;
}

static int take_id(struct cursor *c, const char *name, struct casg_oid *out)
{
	size_t n;
	const char *v = next_value(c, name, &n);

	return v && !casg_oid_parse(out, v, n);
}

int casg_savedstate_decode(struct casg_savedstate *s, const uint8_t *p, size_t n,
			   struct casg_err *err)
{
	struct cursor c = { (const char *)p, (const char *)p + n };

	s->npacks = 0;
	if (n < sizeof(FIRST) - 1 || memcmp(p, FIRST, sizeof(FIRST) - 1))
		return casg_err_set(err, n > 12 && !memcmp(p, "casg-state ", 11) ?
				    CASG_EUNSUPPORTED : CASG_ECORRUPT,
				    "not a saved state, or one of another version");
	c.p += sizeof(FIRST) - 1;
	if (!take_line(&c, "operation", &s->operation) || !take_line(&c, "casg", &s->casg) ||
	    !take_number(&c, "chunk-size", &s->chunk_nbytes) ||
	    !take_number(&c, "total", &s->total) || !take_number(&c, "read", &s->nread) ||
	    !take_id(&c, "digest", &s->digest) || !take_number(&c, "records", &s->nrecords))
		return casg_err_set(err, CASG_ECORRUPT, "the saved state is damaged");
	while (c.p < c.end) {
		if (CASG_GROW(s->packs, s->npacks + 1, s->cap_packs))
			return casg_err_nomem(err);
		if (!take_id(&c, "pack", &s->packs[s->npacks]))
			return casg_err_set(err, CASG_ECORRUPT, "the saved state is damaged");
		s->npacks++;
	}
	return 0;
}

static int same_line(const struct casg_buf *a, const struct casg_buf *b)
{
	return a->len == b->len && !memcmp(casg_buf_chars(a), casg_buf_chars(b), a->len);
}

int casg_savedstate_compare(const struct casg_savedstate *before,
			    const struct casg_savedstate *now, struct casg_err *err)
{
	if (!same_line(&before->operation, &now->operation))
		return casg_err_set(err, CASG_ECORRUPT,
				    "what was interrupted is another operation: %.*s, and this is %.*s",
				    (int)before->operation.len, casg_buf_chars(&before->operation),
				    (int)now->operation.len, casg_buf_chars(&now->operation));
	if (!same_line(&before->casg, &now->casg))
		return casg_err_set(err, CASG_ECORRUPT,
				    "what was interrupted is the work of casg %.*s, and this is casg %.*s",
				    (int)before->casg.len, casg_buf_chars(&before->casg),
				    (int)now->casg.len, casg_buf_chars(&now->casg));
	if (before->chunk_nbytes != now->chunk_nbytes)
		return casg_err_set(err, CASG_ECORRUPT, "casg.chunkSize was %" PRIu64
				    " and is %" PRIu64, before->chunk_nbytes, now->chunk_nbytes);
	if (before->total && now->total && before->total != now->total)
		return casg_err_set(err, CASG_ECORRUPT, "the input had %" PRIu64
				    " bytes and has %" PRIu64, before->total, now->total);
	return 0;
}
