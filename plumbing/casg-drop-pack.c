/* casg-drop-pack - remove packs from here that storages have, and remember what was in them */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array.h"
#include "chunkfile.h"
#include "cli.h"
#include "cliremote.h"
#include "cliwork.h"
#include "io.h"
#include "packfiles.h"
#include "packsend.h"
#include "promisew.h"

static struct casg_strs urls;
static uint64_t copies = 1, keep;

static const char *const usage[] = {
	"[--copies=N] [--keep=SIZE] --url=URL... <PACKS", NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_LIST, 0, "url", "URL", &urls, "a storage to ask; may be given several times" },
	{ CASG_OPT_U64, 0, "copies", "N", &copies, "how many of them must have a pack; default 1" },
	{ CASG_OPT_SIZE, 0, "keep", "SIZE", &keep, "the last packs stay, so many bytes of them" },
	{ .type = CASG_OPT_END }
};

struct pack {
	uint32_t number; /* in the store */
	uint64_t nbytes;
};

static struct {
	struct casg_work work;
	struct casg_packsend **senders; /* one a URL */
	struct pack *v;
	size_t n, cap;
	struct casg_buf dir, chunks_dir;
} job;

/* ---- input ---- */

/* What is in part elsewhere already, is borrowed, or holds trees only, stays as it is. */
static void add_pack(const struct casg_cli_pack_line *line)
{
	struct pack p;
	char hex[CASG_OID_HEXSZ + 1];
	struct stat st;

	if (!casg_store_find_pack(job.work.store, &line->id, &p.number))
		casg_die("pack %s is not in this repository", casg_oid_hex(&line->id, hex));
	if (casg_store_promised(job.work.store, p.number) || casg_store_borrowed(job.work.store, p.number) ||
	    casg_store_quarantined(job.work.store, p.number) ||
	    !casg_packidx_has_kind(casg_store_idx(job.work.store, p.number), CASG_CHUNK_SEQ))
		return;
	if (stat(casg_store_pack_path(job.work.store, p.number), &st))
		casg_die("cannot read '%s': %s", casg_store_pack_path(job.work.store, p.number),
			 strerror(errno));
	p.nbytes = (uint64_t)st.st_size;
	if (CASG_GROW(job.v, job.n + 1, job.cap))
		casg_die("out of memory");
	job.v[job.n++] = p;
}

/* How many of them go: all but the last that fit. */
static size_t count_going(void)
{
	size_t n = job.n;

	for (uint64_t sum = 0; n && keep - sum >= job.v[n - 1].nbytes; n--)
		sum += job.v[n - 1].nbytes;
	return n;
}

/* ---- one pack ---- */

static int is_stored(const struct casg_oid *id, uint64_t nbytes)
{
	uint64_t found = 0;

	for (size_t i = 0; i < urls.n && found < copies; i++)
		found += casg_packsend_ask(job.senders[i], id, nbytes) == CASG_PACKSEND_THERE;
	return found >= copies;
}

/* All but the sequences stays here: it is what versions are read by. */
static int keep_chunks(const struct pack *p, const struct casg_packids *ids, struct casg_err *err)
{
	struct casg_buf raw = CASG_BUF_INIT;
	int rc = 0;

	for (uint32_t i = 0; i < ids->src.nchunks && !rc; i++) {
		if (ids->chunks[i].kind == CASG_CHUNK_SEQ)
			continue;
		casg_buf_reset(&raw);
		rc = casg_store_raw(job.work.store, p->number, i, &raw, err);
		if (!rc)
			rc = casg_chunkfile_write(casg_buf_cstr(&job.chunks_dir), &ids->chunks[i].id,
						  raw.data, raw.len, 1, err);
	}
	casg_buf_release(&raw);
	return rc;
}

/* The pack first: without it, its index is nobody's. */
static void remove_pack(const struct casg_oid *id)
{
	const char *const dirs[] = { job.work.repo.packs_dir, job.work.repo.packs_dir, job.work.repo.index_dir };
	static const char *const exts[] = { "pack", "idx", "objects" };
	struct casg_err err = CASG_ERR_INIT;

	for (size_t i = 0; i < 3; i++) {
		char *path = casg_packfiles_path(dirs[i], id, exts[i]);

		if (!path)
			casg_die("out of memory");
		if (unlink(path) && errno != ENOENT)
			casg_die("cannot remove '%s': %s", path, strerror(errno));
		if (!i && casg_fsync_parent(path, &err))
			casg_die_err(&err);
		free(path);
	}
}

static void drop(const struct pack *p)
{
	const struct casg_oid *id = &casg_store_idx(job.work.store, p->number)->pack_id;
	struct casg_packids ids = { 0 };
	struct casg_err err = CASG_ERR_INIT;
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_buf b = CASG_BUF_INIT;
	int rc;

	casg_oid_hex(id, hex);
	if (!is_stored(id, p->nbytes))
		casg_die("pack %s stays: fewer than %llu of these storages have it", hex,
			 (unsigned long long)copies);
	rc = casg_promisew_list(job.work.store, casg_work_coder(&job.work), p->number, &ids, &err);
	if (!rc)
		rc = casg_packids_check(&ids, &err);
	if (!rc)
		rc = keep_chunks(p, &ids, &err);
	if (!rc)
		rc = casg_promisew_write(casg_buf_cstr(&job.dir), &ids, "idx", &err);
	casg_packids_release(&ids);
	if (rc) {
		casg_err_prefix(&err, "pack %s stays", hex);
		casg_die_err(&err);
	}
	remove_pack(id);
	casg_buf_addf(&b, "dropped %s %llu\n", hex, (unsigned long long)p->nbytes);
	if (b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_out_flush();
	casg_buf_release(&b);
}

/* ---- all of them ---- */

/* Who borrows from here looks for whole packs. */
static void refuse_lent(void)
{
	struct casg_buf path = CASG_BUF_INIT;
	struct stat st;

	casg_buf_addf(&path, "%s/borrowers", job.work.repo.casg_dir);
	if (!stat(casg_buf_cstr(&path), &st) && st.st_size)
		casg_die("packs of this repository are lent: they stay here");
	casg_buf_release(&path);
}

static void open_senders(void)
{
	struct casg_packsend_opts o = { .open = casg_cli_remote_connect, .complain = casg_cli_remote_complain };

	job.senders = calloc(urls.n, sizeof(*job.senders));
	for (size_t i = 0; job.senders && i < urls.n; i++) {
		o.url = urls.v[i];
		job.senders[i] = casg_packsend_new(&o);
		if (!job.senders[i])
			casg_die("out of memory");
	}
	if (!job.senders)
		casg_die("out of memory");
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	size_t n;

	(void)argc;
	(void)argv;
	casg_cli_remote_usage(&urls, 1);
	if (!copies || copies > urls.n)
		casg_usage_die("bad value of --copies: wanted 1 to the number of URLs");
	casg_work_open(&job.work, "1", NULL, (uint64_t)32 << 20);
	casg_cli_remote_init(&job.work.repo);
	refuse_lent();
	casg_cli_partial_dir(&job.work.repo, &job.dir);
	casg_buf_addf(&job.chunks_dir, "%s/chunks", casg_buf_cstr(&job.dir));
	if (casg_mkdir_p(casg_buf_cstr(&job.chunks_dir), &err))
		casg_die_err(&err);
	open_senders();
	casg_cli_each_pack(add_pack);
	n = count_going();
	for (size_t i = 0; i < n; i++)
		drop(&job.v[i]);
	for (size_t i = 0; i < urls.n; i++)
		casg_packsend_free(job.senders[i]);
	free(job.senders);
	free(job.v);
	casg_buf_release(&job.dir);
	casg_buf_release(&job.chunks_dir);
	casg_work_close(&job.work);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-drop-pack", usage, opts, 0, 0, run };
