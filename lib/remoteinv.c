#include "remoteinv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "io.h"
#include "tmpfile.h"

#define SUMMARY "INVENTORY"
#define FOLDER "inventory/"
#define MAGIC "casg-inventory-cache 1 "
#define ROUNDS 10 /* of writers that disturb one another */

/* ---- the file ---- */

/* "MAGIC VALIDATOR SHA256 LF", in front of the text that has this digest. */
static int split_cache(struct casg_buf *file, char *validator, size_t *at_out)
{
	const char *p = (const char *)file->data, *eol, *sp;
	const size_t magic = sizeof(MAGIC) - 1;
	struct casg_oid said, is;
	struct casg_hasher *h;

	if (file->len < magic || memcmp(p, MAGIC, magic) || !(eol = memchr(p, '\n', file->len)))
		return -1;
	p += magic;
	sp = memchr(p, ' ', (size_t)(eol - p));
	if (!sp || sp - p > (long)CASG_REMOTE_VALIDATOR_MAX ||
	    casg_oid_parse(&said, sp + 1, (size_t)(eol - sp - 1)))
		return -1;
	memcpy(validator, p, (size_t)(sp - p));
	validator[sp - p] = '\0';
	*at_out = (size_t)(eol + 1 - (const char *)file->data);
	h = casg_hasher_new();
	if (!h)
		return -1;
	casg_hasher_digest(h, file->data + *at_out, file->len - *at_out, &is);
	casg_hasher_free(h);
	return casg_oid_eq(&said, &is) ? 0 : -1;
}

/* The text in the file, and its validator: 1, or 0. */
static int load(const struct casg_invcache *c, struct casg_buf *text, char *validator)
{
	struct casg_buf file = CASG_BUF_INIT;
	size_t at;
	int there;

	there = c->path && !casg_read_file(c->path, CASG_INVENTORY_MAX_BYTES + 1024u, &file, NULL) &&
		!split_cache(&file, validator, &at);
	if (there)
		casg_buf_add(text, file.data + at, file.len - at);
	casg_buf_release(&file);
	return there && !text->failed;
}

int casg_invcache_read(const struct casg_invcache *c, struct casg_inventory *inv,
		       char *validator_out)
{
	char validator[CASG_REMOTE_VALIDATOR_MAX + 1];
	struct casg_buf text = CASG_BUF_INIT;
	int there = load(c, &text, validator) &&
		    !casg_inventory_add_summary(inv, text.data, text.len, NULL);

	if (there && validator_out)
		strcpy(validator_out, validator);
	casg_buf_release(&text);
	return there;
}

static int save(const struct casg_invcache *c, const struct casg_buf *text, const char *validator,
		struct casg_err *err)
{
	struct casg_tmpfile t = CASG_TMPFILE_INIT;
	struct casg_hasher *h = casg_hasher_new();
	struct casg_buf line = CASG_BUF_INIT;
	struct casg_oid id;
	int rc = h ? 0 : casg_err_nomem(err);

	if (!c->path || rc)
		goto out;
	casg_hasher_digest(h, text->data, text->len, &id);
	casg_buf_addf(&line, MAGIC "%s ", *validator ? validator : "-");
	casg_oid_addhex(&line, &id);
	casg_buf_addch(&line, '\n');
	rc = casg_buf_check(&line, err);
	if (!rc)
		rc = casg_tmpfile_create(&t, c->tmp_dir, "inventory", err);
	if (!rc)
		rc = casg_write_full(t.fd, line.data, line.len, err);
	if (!rc)
		rc = casg_write_full(t.fd, text->data, text->len, err);
	if (!rc)
		rc = casg_tmpfile_commit_replace(&t, c->path, err);
	casg_tmpfile_abandon(&t);
out:
	casg_buf_release(&line);
	casg_hasher_free(h);
	return rc;
}

/* ---- the summary ---- */

static int wrong(struct casg_remote *r, struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "%s: '" SUMMARY "' %s", casg_remote_shown(r), what);
}

/* What came with the validator 'got', when 'old' was kept with 'validator'. */
static int take_new(struct casg_remote *r, const struct casg_invcache *c,
		    struct casg_inventory *inv, const struct casg_buf *old, const char *validator,
		    const struct casg_buf *text, const char *got, struct casg_err *err)
{
	int differs = old->len != text->len || (old->len && memcmp(old->data, text->data, old->len));
	int rc;

	if (old->len && *got && differs && !strcmp(validator, got))
		return wrong(r, err, "is another one, under the same validator");
	rc = casg_inventory_add_summary(inv, text->data, text->len, err);
	if (rc) {
		casg_err_prefix(err, "%s: '" SUMMARY "'", casg_remote_shown(r));
		return rc == CASG_ENOTOURS ? CASG_ECORRUPT : rc;
	}
	return differs || strcmp(validator, got) ? save(c, text, got, err) : 0;
}

int casg_remoteinv_read(struct casg_remote *r, const struct casg_invcache *c,
			struct casg_inventory *inv, struct casg_err *err)
{
	char validator[CASG_REMOTE_VALIDATOR_MAX + 1] = "";
	struct casg_buf old = CASG_BUF_INIT, text = CASG_BUF_INIT;
	struct casg_remote_result got;
	int there = load(c, &old, validator), rc;

	if (!there || !strcmp(validator, "-"))
		*validator = '\0';
	rc = casg_remote_get(r, SUMMARY, *validator ? validator : NULL, CASG_INVENTORY_MAX_BYTES,
			     &text, &got, err);
	if (rc)
		;
	else if (got.kind == CASG_ANSWER_SAME)
		rc = casg_inventory_add_summary(inv, old.data, old.len, err);
	else if (got.kind == CASG_ANSWER_DONE)
		rc = take_new(r, c, inv, &old, validator, &text, got.validator, err);
	else if (there)
		rc = wrong(r, err, "was there and is gone");
	casg_buf_release(&old);
	casg_buf_release(&text);
	return rc;
}

/* ---- the records ---- */

struct record {
	struct casg_oid id;
	uint64_t nbytes;
};

struct listing {
	struct record *v;
	size_t n, cap;
};

static int take_entry(void *ctx, const char *name, uint64_t nbytes)
{
	struct listing *l = ctx;
	struct casg_oid id;

	/* whatever else lies there is none of ours */
	if (strlen(name) != sizeof(FOLDER) - 1 + CASG_OID_HEXSZ ||
	    casg_oid_parse(&id, name + sizeof(FOLDER) - 1, CASG_OID_HEXSZ))
		return 0;
	if (CASG_GROW(l->v, l->n + 1, l->cap))
		return CASG_ENOMEM;
	l->v[l->n++] = (struct record){ id, nbytes };
	return 0;
}

static int list(struct casg_remote *r, struct listing *l, struct casg_err *err)
{
	l->n = 0;
	if (!(casg_remote_cans(r) & CASG_CAN_LIST))
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "%s: this storage cannot be listed", casg_remote_shown(r));
	return casg_remote_list(r, FOLDER, take_entry, l, err);
}

/* A record on its way. */
struct reading {
	struct casg_remote *r;
	struct casg_inventory *inv;
	struct record record;
	struct casg_buf text;
	int *rc;               /* of all of them: the first that fails */
	struct casg_err *err;
};

static int reading_sink(void *ctx, const uint8_t *p, size_t n)
{
	struct reading *x = ctx;

	casg_buf_add(&x->text, p, n);
	return x->text.failed;
}

static void reading_done(void *ctx, const struct casg_remote_reply *reply)
{
	struct reading *x = ctx;
	char hex[CASG_OID_HEXSZ + 1];

	casg_oid_hex(&x->record.id, hex);
	if (*x->rc)
		;
	else if (x->text.failed)
		*x->rc = casg_err_nomem(x->err);
	else if (reply->kind == CASG_ANSWER_ERROR)
		*x->rc = casg_err_set(x->err, CASG_EIO, "%s: cannot get '" FOLDER "%s': %s",
				      casg_remote_shown(x->r), hex, reply->message);
	else if (reply->kind == CASG_ANSWER_DONE) {
		int rc = casg_inventory_add(x->inv, x->text.data, x->text.len, &x->record.id, x->err);

		if (rc < 0) {
			*x->rc = rc;
			casg_err_prefix(x->err, "%s: '" FOLDER "%s'", casg_remote_shown(x->r), hex);
		}
	}
	/* one that is gone since it was listed is no record any more */
	casg_buf_release(&x->text);
	free(x);
}

static int read_records(struct casg_remote *r, struct casg_inventory *inv,
			const struct listing *l, struct casg_err *err)
{
	char name[sizeof(FOLDER) + CASG_OID_HEXSZ] = FOLDER;
	struct casg_remote_ask a = {
		.op = CASG_REMOTE_GET, .name = name, .sink = reading_sink, .done = reading_done,
	};
	int rc = 0;

	for (size_t i = 0; i < l->n && !rc; i++) {
		struct reading *x;

		if (casg_inventory_find(inv, &l->v[i].id))
			continue;
		x = calloc(1, sizeof(*x));
		if (!x) {
			rc = casg_err_nomem(err);
			break;
		}
		*x = (struct reading){ r, inv, l->v[i], CASG_BUF_INIT, &rc, err };
		casg_oid_hex(&l->v[i].id, name + sizeof(FOLDER) - 1);
		a.ctx = x;
		a.max_nbytes = CASG_INVREC_MAX_BYTES;
		if (casg_remote_ask(r, &a, err)) {
			rc = err->code;
			free(x);
		}
	}
	/* 'rc' is written to as long as anything is open */
	casg_remote_wait(r, 0);
	return rc;
}

int casg_remoteinv_complete(struct casg_remote *r, struct casg_inventory *inv,
			    struct casg_err *err)
{
	struct listing l = { NULL, 0, 0 };
	int rc = list(r, &l, err);

	if (!rc)
		rc = read_records(r, inv, &l, err);
	free(l.v);
	return rc;
}

/* ---- writing ---- */

int casg_remoteinv_put(struct casg_remote *r, const struct casg_oid *id,
		       const struct casg_buf *text, struct casg_err *err)
{
	char name[sizeof(FOLDER) + CASG_OID_HEXSZ] = FOLDER;
	unsigned cans = casg_remote_cans(r);
	struct casg_remote_result got;

	casg_oid_hex(id, name + sizeof(FOLDER) - 1);
	if (!(cans & (CASG_CAN_PUT | CASG_CAN_PUT_NEW)))
		return casg_err_set(err, CASG_EUNSUPPORTED, "%s: nothing can be stored there",
				    casg_remote_shown(r));
	return casg_remote_put(r, cans & CASG_CAN_PUT_NEW ? CASG_REMOTE_PUT_NEW : CASG_REMOTE_PUT,
			       name, text->data, text->len, &got, err);
}

/* Records of one inventory that another one lacks. */
static int copy(struct casg_inventory *to, const struct casg_invrec *rec, struct casg_err *err)
{
	struct casg_buf text = CASG_BUF_INIT;
	int rc;

	casg_invrec_format(&text, rec);
	rc = casg_buf_check(&text, err);
	if (!rc)
		rc = casg_inventory_add(to, text.data, text.len, &rec->id, err);
	casg_buf_release(&text);
	return rc < 0 ? rc : 0;
}

/* Those of 'from' that are listed. */
static int copy_listed(struct casg_inventory *to, const struct casg_inventory *from,
		       const struct listing *l, struct casg_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < l->n && !rc; i++) {
		const struct casg_invrec *rec = casg_inventory_find(from, &l->v[i].id);

		if (rec)
			rc = copy(to, rec, err);
	}
	return rc;
}

static int put_summary(struct casg_remote *r, const struct casg_invcache *c,
		       const struct casg_inventory *inv, struct casg_err *err)
{
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_remote_result got;
	int rc = casg_inventory_summary(inv, &text, err);

	if (!rc)
		rc = casg_remote_put(r, CASG_REMOTE_PUT, SUMMARY, text.data, text.len, &got, err);
	if (!rc)
		rc = save(c, &text, got.validator, err);
	casg_buf_release(&text);
	return rc;
}

/* Does the summary hold what is listed, and nothing else? */
static int agrees(const struct casg_inventory *inv, const struct listing *l)
{
	if (casg_inventory_count(inv) != l->n)
		return 0;
	for (size_t i = 0; i < l->n; i++)
		if (!casg_inventory_find(inv, &l->v[i].id))
			return 0;
	return 1;
}

static int write_listed(struct casg_remote *r, const struct casg_invcache *c,
			const struct casg_inventory *inv, size_t *count_out, struct casg_err *err)
{
	struct listing l = { NULL, 0, 0 };
	struct casg_inventory *now = NULL;
	int rc = list(r, &l, err), round = 0;

	while (!rc && !(now && agrees(now, &l))) {
		struct casg_inventory *next = round++ < ROUNDS ? casg_inventory_new() : NULL;

		if (!next) {
			rc = casg_err_set(err, CASG_EIO, "%s: too many write there at the same time",
					  casg_remote_shown(r));
			break;
		}
		rc = copy_listed(next, now ? now : inv, &l, err);
		if (!rc)
			rc = read_records(r, next, &l, err);
		if (!rc)
			rc = put_summary(r, c, next, err);
		if (!rc)
			rc = list(r, &l, err);
		casg_inventory_free(now);
		now = next;
	}
	if (!rc)
		*count_out = casg_inventory_count(now);
	casg_inventory_free(now);
	free(l.v);
	return rc;
}

/* Read, put the record in, write, and read back. */
static int write_unlisted(struct casg_remote *r, const struct casg_invcache *c,
			  const struct casg_invrec *own, size_t *count_out, struct casg_err *err)
{
	const struct casg_invcache none = { NULL, NULL };
	int rc = 0;

	for (int round = 0; round < ROUNDS && !rc; round++) {
		struct casg_inventory *inv = casg_inventory_new();

		rc = inv ? casg_remoteinv_read(r, &none, inv, err) : casg_err_nomem(err);
		if (!rc && (!own || casg_inventory_find(inv, &own->id))) {
			*count_out = casg_inventory_count(inv);
			casg_inventory_free(inv);
			return 0;
		}
		if (!rc)
			rc = copy(inv, own, err);
		if (!rc)
			rc = put_summary(r, c, inv, err);
		casg_inventory_free(inv);
	}
	return rc ? rc : casg_err_set(err, CASG_EIO, "%s: '" SUMMARY "' does not stay as it is written",
				      casg_remote_shown(r));
}

int casg_remoteinv_write(struct casg_remote *r, const struct casg_invcache *c,
			 const struct casg_inventory *inv, const struct casg_oid *own,
			 size_t *count_out, struct casg_err *err)
{
	if (!(casg_remote_cans(r) & CASG_CAN_PUT))
		return casg_err_set(err, CASG_EUNSUPPORTED, "%s: nothing can be replaced there",
				    casg_remote_shown(r));
	if (casg_remote_cans(r) & CASG_CAN_LIST)
		return write_listed(r, c, inv, count_out, err);
	return write_unlisted(r, c, own ? casg_inventory_find(inv, own) : NULL, count_out, err);
}
