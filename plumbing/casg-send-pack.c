/* casg-send-pack - store packs in a storage */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "array.h"
#include "cli.h"
#include "clipack.h"
#include "clipacksend.h"
#include "cliremote.h"
#include "oidset.h"
#include "packids.h"
#include "promisew.h"

static const char *url;
static uint64_t jobs = 4;
static int quiet, show_progress = -1, dry_run, with_ids, only_ids;

static const char *const usage[] = {
	"[-q] [--progress] [--jobs=N] [--ids] [-n] --url=URL <PACKS",
	"--only-ids --url=URL <PACKS", NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "url", "URL", &url, "the storage" },
	{ CASG_OPT_U64, 0, "jobs", "N", &jobs, "packs at a time, 1 to 16; default 4" },
	{ CASG_OPT_FLAG, 0, "ids", NULL, &with_ids,
	  "store beside packs what partial clones have in their place" },
	{ CASG_OPT_FLAG, 0, "only-ids", NULL, &only_ids,
	  "store that where packs there lack it, and no packs" },
	{ CASG_OPT_FLAG, 'n', "dry-run", NULL, &dry_run, "ask what is there, send nothing" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress, "progress also where there is no terminal" },
	{ .type = CASG_OPT_END }
};

struct pack {
	char *path;
	int promised;     /* not all of it is here */
};

static struct {
	struct casg_cli_pack *v;
	struct pack *packs; /* one for each */
	size_t n, cap, cap_packs;
	struct casg_packtool tool;
	struct casg_store *noted; /* that believes ids which casg has noted; or NULL */
} job;

/* ---- input ---- */

static void add_pack(const struct casg_cli_pack_line *line)
{
	struct casg_store *store = job.tool.store;
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_cli_pack c = { .id = line->id };
	struct pack p = { .path = NULL };
	struct stat st;
	uint32_t i;

	casg_oid_hex(&c.id, hex);
	if (!casg_store_find_pack(store, &c.id, &i))
		casg_die("pack %s is not in this repository", hex);
	p.promised = casg_store_promised(store, i);
	p.path = strdup(casg_store_pack_path(store, i));
	if (!p.path || CASG_GROW(job.v, job.n + 1, job.cap) || CASG_GROW(job.packs, job.n + 1, job.cap_packs))
		casg_die("out of memory");
	if (!p.promised && stat(p.path, &st))
		casg_die("cannot read '%s': %s", p.path, strerror(errno));
	c.nbytes = p.promised ? casg_store_idx(store, i)->pack_nbytes : (uint64_t)st.st_size;
	if (line->nbytes && line->nbytes != c.nbytes)
		casg_die("pack %s has %llu bytes here, not %llu", hex,
			 (unsigned long long)c.nbytes, (unsigned long long)line->nbytes);
	job.packs[job.n] = p;
	job.v[job.n++] = c;
}

/* ---- ids, for partial clones ---- */

/* The file, with ids that casg has noted, or recomputed where these are wrong. */
static int make_ids(const struct casg_oid *id, struct casg_buf *out, struct casg_err *err)
{
	struct casg_store *const stores[] = { job.noted, job.tool.store };
	struct casg_coder *c = casg_coder_new();
	int rc = c ? CASG_EABSENT : casg_err_nomem(err);

	for (int i = 0; c && i < 2 && rc; i++) {
		struct casg_packids ids = { 0 };
		uint32_t number;

		if (!stores[i] || !casg_store_find_pack(stores[i], id, &number))
			continue;
		rc = casg_promisew_list(stores[i], c, number, &ids, err);
		if (!rc)
			rc = casg_packids_check(&ids, err);
		if (!rc)
			rc = casg_packids_encode(&ids.src, out, err);
		casg_packids_release(&ids);
	}
	casg_coder_free(c);
	return rc;
}

/* Before the pack: who sees the pack finds them. */
static int send_ids(void *ctx, struct casg_remote *r, const struct casg_oid *id)
{
	uint32_t number;
	char name[32 + CASG_OID_HEXSZ], hex[CASG_OID_HEXSZ + 1];
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_remote_result got;
	int rc;

	(void)ctx;
	if (!casg_store_find_pack(job.tool.store, id, &number) ||
	    !casg_packidx_has_kind(casg_store_idx(job.tool.store, number), CASG_CHUNK_SEQ))
		return 0;
	snprintf(name, sizeof(name), "ids/pack-%s.ids", casg_oid_hex(id, hex));
	rc = make_ids(id, &b, &err);
	if (!rc)
		rc = casg_remote_put(r, CASG_REMOTE_PUT, name, b.data, b.len, &got, &err);
	if (rc)
		casg_cli_remote_complain(NULL, casg_remote_shown(r), id, err.msg);
	casg_buf_release(&b);
	return rc;
}

/* ---- ids of packs that are there already ---- */

static struct {
	struct casg_remote *remote;
	struct casg_oidset there; /* packs that have them */
	struct casg_err err;
	size_t nfailed;
} lacking;

static int note_ids(void *ctx, const char *name, uint64_t nbytes)
{
	static const char before[] = "ids/pack-", after[] = ".ids";
	const size_t n = strlen(name), nbefore = sizeof(before) - 1;
	struct casg_oid id;

	(void)ctx;
	(void)nbytes;
	if (n != nbefore + CASG_OID_HEXSZ + sizeof(after) - 1 || strncmp(name, before, nbefore) ||
	    strcmp(name + nbefore + CASG_OID_HEXSZ, after) ||
	    casg_oid_parse(&id, name + nbefore, CASG_OID_HEXSZ))
		return 0;
	return casg_oidset_add(&lacking.there, &id, &lacking.err) < 0;
}

static void add_ids(const struct casg_cli_pack_line *line)
{
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_buf b = CASG_BUF_INIT;
	uint32_t number;

	if (casg_oidset_find(&lacking.there, &line->id, NULL) ||
	    !casg_store_find_pack(job.tool.store, &line->id, &number) ||
	    !casg_packidx_has_kind(casg_store_idx(job.tool.store, number), CASG_CHUNK_SEQ))
		return;
	if (send_ids(NULL, lacking.remote, &line->id)) {
		lacking.nfailed++;
		return;
	}
	casg_buf_addf(&b, "ids %s\n", casg_oid_hex(&line->id, hex));
	if (b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
}

/* One listing tells who lacks them. */
static void send_only_ids(void)
{
	if (casg_cli_remote_open(&lacking.remote, url, 1, &lacking.err))
		casg_die_err(&lacking.err);
	if (casg_remote_cans(lacking.remote) & CASG_CAN_LIST) {
		if (casg_remote_list(lacking.remote, "ids/", note_ids, NULL, &lacking.err))
			casg_die_err(&lacking.err);
		casg_cli_each_pack(add_ids);
	}
	casg_remote_close(lacking.remote);
	casg_oidset_release(&lacking.there);
	if (lacking.nfailed) {
		casg_out_flush();
		casg_die("ids of %zu packs could not be stored", lacking.nfailed);
	}
}

/* ---- one pack, by one worker ---- */

/* A pack that is not all here can only be there already. */
static enum casg_packsend_outcome send(struct casg_packsend *s, size_t i)
{
	const struct casg_cli_pack *c = &job.v[i];
	enum casg_packsend_outcome o;

	if (!dry_run && !job.packs[i].promised)
		return casg_packsend_file(s, &c->id, c->nbytes, job.packs[i].path);
	o = casg_packsend_ask(s, &c->id, c->nbytes);
	if (o != CASG_PACKSEND_LACKING || dry_run)
		return o;
	casg_cli_remote_complain(NULL, url, &c->id, "not all of it is here (a partial clone), and it is not there");
	return CASG_PACKSEND_FAILED;
}

/* ---- all of them ---- */

/* Without it ids are recomputed, which only takes longer. */
static void open_noted(void)
{
	const struct casg_store_opts o = {
		.packs_dir = job.tool.repo.packs_dir, .index_dir = job.tool.repo.index_dir,
		.lenders = job.tool.repo.lenders, .nlenders = job.tool.repo.nlenders,
		.tmp_dir = job.tool.repo.tmp_dir, .cache_nbytes = (uint64_t)16 << 20, .lenient = 1,
	};

	if (casg_store_open(&job.noted, &o, NULL))
		job.noted = NULL;
}

static int run(int argc, char **argv)
{
	const struct casg_cli_packsend how = {
		.url = url, .jobs = jobs, .doing = "sending", .done = "stored", .send = send,
		.before = with_ids ? send_ids : NULL,
		.show_progress = quiet || dry_run ? 0 : show_progress,
	};

	(void)argc;
	(void)argv;
	casg_cli_packsend_usage(url, jobs);
	if (only_ids && (with_ids || dry_run))
		casg_usage_die("--only-ids goes neither with --ids nor with --dry-run");
	casg_packtool_open(&job.tool, "1", NULL);
	if (!job.tool.in_repo)
		casg_die("not in a casg repository");
	casg_cli_remote_init(&job.tool.repo);
	if (!only_ids)
		casg_cli_each_pack(add_pack);
	if (only_ids || (with_ids && !dry_run))
		open_noted();
	if (only_ids)
		send_only_ids();
	else
		casg_cli_packsend_run(&how, job.v, job.n);
	for (size_t i = 0; i < job.n; i++)
		free(job.packs[i].path);
	free(job.packs);
	free(job.v);
	casg_store_close(job.noted);
	casg_packtool_close(&job.tool);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-send-pack", usage, opts, 0, 0, run };
