/*
 * casg-remote-memory - a storage that is gone when its helper ends.
 *
 *	casg-remote-memory memory:
 *
 * The least that the protocol asks for, for tests of casg's side and as an
 * example of a helper.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cli.h"
#include "remoteserve.h"

struct object {
	char name[CASG_REMOTE_NAME_MAX + 1];
	uint8_t *data;
	size_t n;
	unsigned change;        /* the validator */
};

struct memory {
	struct object *v;
	size_t n, cap;
	unsigned changes;
};

static struct object *find(struct memory *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->v[i].name, name))
			return &m->v[i];
	return NULL;
}

static const char *validator(const struct object *o)
{
	static char out[32];

	snprintf(out, sizeof(out), "%%22%u%%22", o->change);
	return out;
}

static int have(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
		struct casg_err *err)
{
	struct object *o = find(ctx, r->name);

	(void)err;
	if (o)
		casg_serve_yes(s, r->tag, o->n, validator(o));
	else
		casg_serve_say(s, r->tag, CASG_ANSWER_NO);
	return 0;
}

static int get(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
	       struct casg_err *err)
{
	struct object *o = find(ctx, r->name);
	uint64_t first = 0, end = o ? o->n : 0;

	(void)err;
	if (!o) {
		casg_serve_say(s, r->tag, CASG_ANSWER_NO);
		return 0;
	}
	if (!strcmp(r->if_validator, validator(o))) {
		casg_serve_say(s, r->tag, CASG_ANSWER_SAME);
		return 0;
	}
	if (r->has_range) {
		first = r->first < end ? r->first : end;
		if (r->has_last && r->last < end)
			end = r->last + 1;
	}
	if (first < end)
		casg_serve_data(s, r->tag, o->data + first, (size_t)(end - first));
	casg_serve_done(s, r->tag, o->n, validator(o));
	return 0;
}

static int put(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
	       struct casg_err *err)
{
	struct memory *m = ctx;
	struct object *o = find(m, r->name);
	uint8_t *data = malloc(r->nbytes ? (size_t)r->nbytes : 1);
	size_t at = 0;
	long got;

	if (!data)
		return casg_err_nomem(err);
	while ((got = casg_serve_body(s, CASG_SERVE_WAIT, data + at, (size_t)r->nbytes - at, err)) > 0)
		at += (size_t)got;
	if (got < 0 || !casg_serve_body_good(s) || (o && r->op == CASG_REMOTE_PUT_NEW)) {
		free(data);
		if (got < 0)
			return (int)got;
		if (casg_serve_body_good(s))
			casg_serve_say(s, r->tag, CASG_ANSWER_EXISTS);
		else
			casg_serve_error(s, r->tag, CASG_REMOTE_REFUSED, "another SHA-256");
		return 0;
	}
	if (!o) {
		if (CASG_GROW(m->v, m->n + 1, m->cap)) {
			free(data);
			return casg_err_nomem(err);
		}
		o = &m->v[m->n++];
		strcpy(o->name, r->name);
	} else {
		free(o->data);
	}
	o->data = data;
	o->n = at;
	o->change = ++m->changes;
	casg_serve_done(s, r->tag, o->n, validator(o));
	return 0;
}

static int list(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
		struct casg_err *err)
{
	struct memory *m = ctx;
	uint64_t n = 0;

	(void)err;
	for (size_t i = 0; i < m->n; i++)
		if (casg_remote_in_prefix(m->v[i].name, r->name)) {
			casg_serve_entry(s, r->tag, m->v[i].name, m->v[i].n);
			n++;
		}
	casg_serve_done(s, r->tag, n, NULL);
	return 0;
}

static int delete(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
		  struct casg_err *err)
{
	struct memory *m = ctx;
	struct object *o = find(m, r->name);

	(void)err;
	if (!o) {
		casg_serve_say(s, r->tag, CASG_ANSWER_NO);
		return 0;
	}
	free(o->data);
	*o = m->v[--m->n];
	casg_serve_done(s, r->tag, 0, NULL);
	return 0;
}

static const struct casg_serve_ops ops = {
	.cans = CASG_CAN_HAVE | CASG_CAN_GET | CASG_CAN_RANGE | CASG_CAN_IF | CASG_CAN_PUT |
		CASG_CAN_PUT_NEW | CASG_CAN_LIST | CASG_CAN_DELETE,
	.have = have, .get = get, .put = put, .list = list, .delete = delete,
};

static const char *const usage[] = { "URL", NULL };
static const struct casg_opt no_opts[] = { { .type = CASG_OPT_END } };

static int run(int argc, char **argv)
{
	struct casg_serve *s = casg_serve_new(0, 1);
	struct casg_err err = CASG_ERR_INIT;
	struct memory m = { NULL, 0, 0, 0 };

	(void)argc;
	(void)argv;
	if (!s)
		casg_die("out of memory");
	if (casg_serve_loop(s, &ops, &m, &err))
		casg_die_err(&err);
	for (size_t i = 0; i < m.n; i++)
		free(m.v[i].data);
	free(m.v);
	casg_serve_free(s);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-remote-memory", usage, no_opts, 1, 1, run };
