#include "taxindex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endian.h"
#include "io.h"
#include "map.h"
#include "taxabuild.h"
#include "taxon.h"
#include "tmpfile.h"

static const char key_head[] = "casg-taxindex 1\n";

struct casg_taxindex {
	struct casg_taxindex_opts o;
	struct casg_oid key;
	char name[CASG_OID_HEXSZ + sizeof(".tax")];
	struct casg_map map;
	struct casg_taxaidx idx;
	int is_open, is_new;
};

int casg_taxa_declared(void *ctx, const char *key, size_t klen, const char *desc,
		       size_t dlen, struct casg_buf *out, struct casg_err *err)
{
	size_t at = out->len;

	(void)ctx;
	if (casg_taxon_declared(key, klen, desc, dlen, out))
		return casg_err_nomem(err);
	if (out->len == at + 1 && out->data[at] == '-') {
		out->len = at;
		return 0;
	}
	for (; at < out->len; at++)
		if (out->data[at] == ',')
			out->data[at] = '\0';
	casg_buf_addch(out, '\0');
	return casg_buf_check(out, err);
}

static void make_key(struct casg_taxindex *x)
{
	const struct casg_taxa_source *s = &x->o.source;
	struct casg_hasher *h = casg_coder_hasher(x->o.coders[0]);
	uint8_t n[4];

	casg_hasher_init(h);
	casg_hasher_update(h, key_head, sizeof(key_head) - 1);
	casg_hasher_update(h, x->o.roots->records.b, CASG_OID_RAWSZ);
	casg_hasher_update(h, x->o.roots->order.b, CASG_OID_RAWSZ);
	casg_put_be32(n, (uint32_t)s->nids);
	casg_hasher_update(h, n, sizeof(n));
	for (size_t i = 0; i < s->nids; i++)
		casg_hasher_update(h, s->ids[i].b, CASG_OID_RAWSZ);
	casg_put_be32(n, (uint32_t)strlen(s->name));
	casg_hasher_update(h, n, sizeof(n));
	casg_hasher_update(h, s->name, strlen(s->name));
	casg_hasher_final(h, &x->key);
	casg_oid_hex(&x->key, x->name);
	strcat(x->name, ".tax");
}

static void drop(struct casg_taxindex *x)
{
	if (x->is_open)
		casg_taxaidx_release(&x->idx);
	casg_map_close(&x->map);
	x->is_open = 0;
}

/* What is mapped, if it is the index that is wanted. */
static int take(struct casg_taxindex *x, struct casg_err *err)
{
	int rc = casg_taxaidx_open(&x->idx, x->map.data, x->map.size, err);

	x->is_open = !rc;
	if (!rc && (!casg_oid_eq(&x->idx.head.key, &x->key) ||
		    x->idx.head.nrecords != x->o.roots->count))
		rc = casg_err_set(err, CASG_ECORRUPT, "it is of something else");
	if (rc)
		drop(x);
	return rc;
}

static char *path_of(const struct casg_taxindex *x)
{
	char *path;

	return asprintf(&path, "%s/%s", x->o.dir, x->name) < 0 ? NULL : path;
}

/* Into the folder of indexes, or else, if that cannot be, a file without a name. */
static int make(struct casg_taxindex *x, struct casg_err *err)
{
	struct casg_tmpfile t = CASG_TMPFILE_INIT;
	char *path = path_of(x);
	int fd, rc = 0;

	drop(x);
	if (!path)
		return casg_err_nomem(err);
	if (casg_mkdir_p(x->o.dir, NULL) || casg_tmpfile_create(&t, x->o.dir, "tax", NULL))
		fd = casg_tmpfile_scratch(x->o.scratch_dir, err);
	else
		fd = t.fd;
	rc = fd < 0 ? fd : casg_taxabuild(&x->o, &x->key, fd, err);
	if (!rc)
		rc = casg_map_fd(&x->map, fd, err);
	if (!rc)
		rc = take(x, err);
	x->is_new = !rc;
	/* it is mapped already: without a name it serves as well, but once */
	if (!rc && t.active)
		(void)casg_tmpfile_commit_replace(&t, path, NULL);
	else if (!t.active && fd >= 0)
		close(fd);
	casg_tmpfile_abandon(&t);
	free(path);
	return rc;
}

static int open_or_make(struct casg_taxindex *x, struct casg_err *err)
{
	char *path = path_of(x);
	int rc;

	if (!path)
		return casg_err_nomem(err);
	rc = casg_map_open(&x->map, path, err);
	free(path);
	if (!rc)
		rc = take(x, err);
	return rc && rc != CASG_ENOMEM ? make(x, err) : rc;
}

struct casg_taxindex *casg_taxindex_open(const struct casg_taxindex_opts *o,
					 struct casg_err *err)
{
	struct casg_taxindex *x = calloc(1, sizeof(*x));

	if (!x) {
		casg_err_nomem(err);
		return NULL;
	}
	x->o = *o;
	make_key(x);
	if (open_or_make(x, err)) {
		casg_err_prefix(err, "index of taxa");
		casg_taxindex_free(x);
		return NULL;
	}
	return x;
}

int casg_taxindex_is_kept(const struct casg_taxindex_opts *o, struct casg_err *err)
{
	struct casg_taxindex x = { .o = *o };
	char *path;
	int kept;

	make_key(&x);
	path = path_of(&x);
	if (!path)
		return casg_err_nomem(err);
	kept = !access(path, R_OK);
	free(path);
	return kept;
}

void casg_taxindex_free(struct casg_taxindex *x)
{
	if (!x)
		return;
	drop(x);
	free(x);
}

const char *casg_taxindex_name(const struct casg_taxindex *x)
{
	return x->name;
}

int casg_taxindex_is_new(const struct casg_taxindex *x)
{
	return x->is_new;
}

int casg_taxindex_try(struct casg_taxindex *x, casg_taxindex_fn *fn, void *ctx,
		      struct casg_err *err)
{
	int rc = fn(ctx, &x->idx, err);

	if (rc != CASG_ECORRUPT || x->is_new)
		return rc;
	rc = make(x, err);
	if (rc)
		return casg_err_prefix(err, "index of taxa"), rc;
	return fn(ctx, &x->idx, err);
}

static int check_blocks(void *ctx, struct casg_taxaidx *x, struct casg_err *err)
{
	(void)ctx;
	return casg_blocks_check_all(&x->blocks, err);
}

int casg_taxindex_check(struct casg_taxindex *x, struct casg_err *err)
{
	return casg_taxindex_try(x, check_blocks, NULL, err);
}
