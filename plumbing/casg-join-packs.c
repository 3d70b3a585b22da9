/* casg-join-packs - make one pack of several */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "cliwork.h"
#include "io.h"
#include "pack.h"
#include "packjoin.h"
#include "reach.h"

static const char *geometric, *memory, *into;
static int nul_ends, promised;

static const char *const usage[] = {
	"[-z] [--memory=SIZE] PACK...",
	"[-z] [--memory=SIZE] --geometric=FACTOR",
	"[-z] [--memory=SIZE] [--into=DIR] --promised",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "geometric", "FACTOR", &geometric,
	  "choose packs, so that sizes grow by FACTOR" },
	{ CASG_OPT_STR, 0, "into", "DIR", &into, "with --promised: write the packs there" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "how much memory to use" },
	{ CASG_OPT_FLAG, 0, "promised", NULL, &promised,
	  "packs of a partial clone of which all is here, each alone" },
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "lines end with NUL" },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;

struct chosen {
	uint64_t nbytes;
	uint32_t pack;
	int old;    /* of an older version of the format */
};

static int by_size(const void *a, const void *b)
{
	const struct chosen *x = a, *y = b;

	if (x->old != y->old)
		return x->old ? -1 : 1;
	if (x->nbytes != y->nbytes)
		return x->nbytes < y->nbytes ? -1 : 1;
	return casg_oid_cmp(&casg_store_idx(work.store, x->pack)->pack_id,
			    &casg_store_idx(work.store, y->pack)->pack_id);
}

static int is_old(uint32_t pack)
{
	const char *path = casg_store_pack_path(work.store, pack);
	uint8_t h[CASG_PACK_HEADSZ];
	struct casg_err err = CASG_ERR_INIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t got;

	if (fd < 0)
		casg_die("cannot open '%s'", path);
	if (casg_pread_full(fd, h, sizeof(h), 0, &got, &err) ||
	    casg_pack_head_decode(h, got, &err)) {
		casg_err_prefix(&err, "'%s'", path);
		casg_die_err(&err);
	}
	close(fd);
	return casg_pack_head_version(h) < CASG_PACK_VERSION;
}

/* Does the pack hold all chunks of the other?  Those are verified. */
static int holds(uint32_t pack, uint32_t other)
{
	struct casg_packidx *x = casg_store_idx(work.store, other);
	struct casg_err err = CASG_ERR_INIT;
	struct casg_idx_chunk c;
	struct casg_chunk *ch;
	uint32_t at;
	int rc = 1;

	if (casg_store_idx(work.store, pack)->nchunks < x->nchunks)
		return 0;
	for (uint32_t i = 0; i < x->nchunks && rc > 0; i++) {
		rc = casg_packidx_chunk(x, i, &c, &err);
		if (!rc)
			rc = casg_packidx_find_chunk(casg_store_idx(work.store, pack), &c.id, &at,
						     &err);
	}
	for (uint32_t i = 0; i < x->nchunks && rc > 0; i++) {
		rc = casg_packidx_chunk(x, i, &c, &err);
		if (!rc)
			rc = casg_packidx_find_chunk(casg_store_idx(work.store, pack), &c.id, &at,
						     &err);
		if (rc > 0 && !casg_store_load(work.store, casg_work_coder(&work), pack, at, &ch,
					       &err))
			casg_chunk_free(ch);
		else
			rc = 0;
	}
	return rc > 0;
}

/*
 * Packs that are in a larger one already, from joining without deleting, go
 * behind the others: the number of those.
 */
static uint32_t put_apart(struct chosen *v, uint32_t n)
{
	struct chosen x;
	uint32_t left = n;

	for (uint32_t i = 0; i < left; i++) {
		uint32_t k = i + 1;

		while (k < left && (v[i].old || !holds(v[k].pack, v[i].pack)))
			k++;
		if (k >= left)
			continue;
		x = v[i];
		memmove(&v[i], &v[i + 1], (n - i - 1) * sizeof(*v));
		v[n - 1] = x;
		left--;
		i--;
	}
	return n - left;
}

/*
 * Packs that have reached half the size of a pack stay as they are; those of
 * an older version of the format go in any case.
 */
static uint32_t choose(struct chosen *v, uint32_t *napart_out)
{
	uint32_t npacks = casg_store_npacks(work.store), n = 0, nold = 0;
	uint64_t factor, *sizes = calloc((size_t)npacks + 1, sizeof(*sizes));
	char *end;

	factor = strtoull(geometric, &end, 10);
	if (*end || *geometric < '1' || *geometric > '9' || factor < 2 || factor > 999)
		casg_usage_die("bad value '%s' of --geometric: wanted a number from 2 to 999", geometric);
	if (!sizes)
		casg_die("out of memory");
	for (uint32_t i = 0; i < npacks; i++) {
		const struct casg_packidx *x = casg_store_idx(work.store, i);

		if (casg_store_quarantined(work.store, i) || casg_store_borrowed(work.store, i) ||
		    casg_store_promised(work.store, i))
			continue;
		v[n] = (struct chosen){ x->pack_nbytes, i, is_old(i) };
		if (v[n].old || v[n].nbytes < work.settings.pack_size / 2)
			nold += (uint32_t)v[n++].old;
	}
	qsort(v, n, sizeof(*v), by_size);
	*napart_out = put_apart(v, n);
	n -= *napart_out;
	memmove(v + npacks, v + n, *napart_out * sizeof(*v));
	for (uint32_t i = nold; i < n; i++)
		sizes[i - nold] = v[i].nbytes;
	n = nold + casg_packjoin_geometric(sizes, n - nold, factor);
	free(sizes);
	memmove(v + n, v + npacks, *napart_out * sizeof(*v));
	return n;
}

static uint32_t named(struct chosen *v, int argc, char **argv)
{
	struct casg_oid id;

	for (int i = 0; i < argc; i++) {
		if (casg_oid_parse(&id, argv[i], strlen(argv[i])))
			casg_usage_die("'%s' is not a pack id", argv[i]);
		if (!casg_store_find_pack(work.store, &id, &v[i].pack))
			casg_die("pack %s is not here", argv[i]);
		for (int k = 0; k < i; k++)
			if (v[k].pack == v[i].pack)
				casg_usage_die("pack %s is named twice", argv[i]);
	}
	return (uint32_t)argc;
}

static void say(const char *what, const struct casg_oid *id)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_buf_addf(&b, "%s ", what);
	casg_oid_addhex(&b, id);
	casg_buf_addch(&b, nul_ends ? '\0' : '\n');
	casg_out(b.data, b.len);
	casg_buf_release(&b);
}

/* ---- --promised ---- */

/* Is the chunk here to stay? */
static int is_kept(uint32_t pack, uint32_t chunk, struct casg_idx_chunk *e)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_packidx_chunk(casg_store_idx(work.store, pack), chunk, e, &err))
		casg_die_err(&err);
	return casg_promised_kept(casg_cli_promise_packs(work.promise), &e->id);
}

/* The literals that a chunk uses have to lie beside it. */
static int note_base(void *all_kept, uint32_t pack, uint32_t chunk, struct casg_err *err)
{
	struct casg_idx_chunk e;

	(void)err;
	*(int *)all_kept &= is_kept(pack, chunk, &e);
	return 0;
}

static int is_all_here(uint32_t pack)
{
	uint32_t n = casg_store_idx(work.store, pack)->nchunks, i = 0;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_loc at;
	int here = 1, rc = 0;

	for (struct casg_idx_chunk e; here && rc >= 0 && i < n; i++) {
		if (!is_kept(pack, i, &e))
			here = (rc = casg_packjoin_find(work.store, &e.id, &at, &err)) > 0;
		else if (casg_layout_is_matched(e.layout) && e.kind == CASG_CHUNK_SEQ)
			rc = casg_reach_needs(work.store, casg_work_coder(&work), pack, i, note_base,
					      &here, &err);
	}
	if (rc < 0)
		casg_die_err(&err);
	return here;
}

/* One pack each, so that one all of whose chunks came keeps its name. */
static void join_promised(void)
{
	uint32_t npacks = casg_store_npacks(work.store), ndone = 0;
	struct casg_err err = CASG_ERR_INIT;

	for (uint32_t i = 0; i < npacks; i++) {
		if (!casg_store_promised(work.store, i) || !is_all_here(i))
			continue;
		if (casg_packjoin_add(work.packw, work.store, casg_work_coder(&work), i, &err) ||
		    casg_packw_finish(work.packw, &err))
			casg_work_die(&work, &err);
		say("pack", casg_packw_pack(work.packw, ndone++, NULL));
		say("replaced", &casg_store_idx(work.store, i)->pack_id);
	}
}

static int is_new(const struct casg_oid *id)
{
	for (uint32_t i = 0; i < casg_packw_npacks(work.packw); i++)
		if (casg_oid_eq(casg_packw_pack(work.packw, i, NULL), id))
			return 1;
	return 0;
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct chosen *v;
	uint32_t n, npacks, napart = 0;
	const char *no = getenv("CASG_NO_FETCH");

	if (!geometric + !promised + !argc != 2)
		casg_usage_die(argc ? "--geometric and --promised take no PACK" :
			       geometric ? "--geometric does not go with --promised" : "too few arguments");
	if (into && !promised)
		casg_usage_die("--into goes with --promised only");
	/* no storage is asked */
	if (promised && !(no && !strcmp(no, "unchecked")) && setenv("CASG_NO_FETCH", "1", 1))
		casg_die("out of memory");
	casg_work_open(&work, "1", memory, (uint64_t)8 << 20);
	if (promised) {
		if (into)
			casg_work_packw_apart(&work, into, 0);
		else
			casg_work_packw(&work);
		join_promised();
		casg_work_close(&work);
		return CASG_EXIT_YES;
	}
	npacks = casg_store_npacks(work.store);
	v = calloc(2 * (size_t)npacks + (size_t)argc + 1, sizeof(*v));
	if (!v)
		casg_die("out of memory");
	n = geometric ? choose(v, &napart) : named(v, argc, argv);
	casg_work_packw(&work);
	for (uint32_t i = 0; i < n; i++)
		if (casg_packjoin_add(work.packw, work.store, casg_work_coder(&work),
				      v[i].pack, &err))
			casg_work_die(&work, &err);
	if (casg_packw_finish(work.packw, &err))
		casg_work_die(&work, &err);
	for (uint32_t i = 0; i < casg_packw_npacks(work.packw); i++)
		say("pack", casg_packw_pack(work.packw, i, NULL));
	for (uint32_t i = 0; i < n + napart; i++) {
		const struct casg_oid *id = &casg_store_idx(work.store, v[i].pack)->pack_id;

		if (!is_new(id))
			say("replaced", id);
	}
	free(v);
	casg_work_close(&work);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-join-packs", usage, opts, 0, -1, run };
