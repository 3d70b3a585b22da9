/* casg-chunk-cache - what is kept of packs that are elsewhere: counts, checks, clears */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chunkfile.h"
#include "cli.h"
#include "clipromise.h"
#include "clirepo.h"
#include "clisettings.h"
#include "cliwork.h"
#include "io.h"

static int stats, clear, verify, json, kept, drop;

static const char *const usage[] = {
	"--stats [--json]", "--clear", "--verify [--kept [--drop]]", NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 0, "stats", NULL, &stats, "print counts and sizes" },
	{ CASG_OPT_FLAG, 0, "json", NULL, &json, "as JSON" },
	{ CASG_OPT_FLAG, 0, "clear", NULL, &clear, "remove all chunks, and the counts" },
	{ CASG_OPT_FLAG, 0, "verify", NULL, &verify, "hash every chunk; drop what is damaged" },
	{ CASG_OPT_FLAG, 0, "kept", NULL, &kept, "those that are here to stay; name what is damaged" },
	{ CASG_OPT_FLAG, 0, "drop", NULL, &drop, "and remove it" },
	{ .type = CASG_OPT_END }
};

static struct casg_repo repo;
static struct casg_buf dir;
static struct casg_diskcache *cache;

static void open_cache(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_diskcache_opts o = { 0 };
	struct casg_settings s;

	casg_cli_settings(&repo, &s);
	o.dir = casg_cli_cache_dir(&repo, &dir);
	o.max_nbytes = s.cache_size;
	o.keep_free = s.cache_keep_free;
	if (casg_diskcache_open(&cache, &o, &err))
		casg_die_err(&err);
}

/* ---- --stats ---- */

static void print_stats(void)
{
	struct casg_cachestats n;
	struct casg_buf b = CASG_BUF_INIT;

	open_cache();
	casg_diskcache_stats(cache, &n);
	{
		const struct {
			const char *name;
			uint64_t v;
		} rows[] = {
			{ "chunks", n.nentries }, { "bytes", n.nbytes }, { "bound", n.max_nbytes },
			{ "memory-hits", n.memory_hits }, { "hits", n.hits }, { "misses", n.misses },
			{ "fetched-bytes", n.came_nbytes }, { "admitted", n.admitted },
			{ "refused", n.refused }, { "evicted", n.evicted }, { "damaged", n.damaged },
		};
		uint64_t asked = n.hits + n.misses;

		casg_buf_addstr(&b, json ? "{" : "");
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			casg_buf_addf(&b, json ? "\"%s\": %" PRIu64 ", " : "%s\t%" PRIu64 "\n",
				      rows[i].name, rows[i].v);
		casg_buf_addf(&b, json ? "\"hit-rate\": %.4f}\n" : "hit-rate\t%.4f\n",
			      asked ? (double)n.hits / (double)asked : 0.0);
	}
	casg_out(b.data, b.len);
	casg_buf_release(&b);
	casg_diskcache_close(cache);
}

/* ---- --verify ---- */

static struct {
	struct casg_coder *coder;
	const char *dir;
	uint64_t n, nbad;
} check;

static int is_good(const struct casg_oid *id, uint64_t nbytes)
{
	struct casg_buf path = CASG_BUF_INIT, b = CASG_BUF_INIT;
	struct casg_chunk *ch = NULL;
	struct casg_oid got;
	int rc = casg_read_file(casg_chunkfile_path(&path, check.dir, id), nbytes, &b, NULL);
	int good;

	if (!rc)
		rc = casg_chunk_decode(check.coder, b.data, b.len, NULL, &ch, NULL);
	/* what needs other chunks has had its checksum compared, no more */
	good = rc == CASG_EABSENT && b.len ? 1 : !rc && !casg_chunk_hash(check.coder, ch, NULL);
	if (good && ch) {
		casg_chunk_id(casg_coder_hasher(check.coder), ch->oids, ch->nmembers, &got);
		good = casg_oid_eq(&got, id);
	}
	casg_chunk_free(ch);
	casg_buf_release(&path);
	casg_buf_release(&b);
	return good;
}

static int check_one(void *ctx, const struct casg_oid *id, uint64_t nbytes, struct casg_err *err)
{
	struct casg_buf path = CASG_BUF_INIT;
	char hex[CASG_OID_HEXSZ + 1];

	(void)ctx;
	(void)err;
	check.n++;
	if (is_good(id, nbytes))
		return 0;
	check.nbad++;
	casg_error("chunk %s, kept from a pack that is elsewhere, is damaged", casg_oid_hex(id, hex));
	if (cache)
		casg_diskcache_drop(cache, id);
	else if (drop && unlink(casg_chunkfile_path(&path, check.dir, id)))
		casg_die("cannot remove '%s': %s", (char *)path.data, strerror(errno));
	casg_buf_release(&path);
	return 0;
}

static int run_verify(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf b = CASG_BUF_INIT, sub = CASG_BUF_INIT;

	if (kept) {
		casg_buf_addf(&sub, "%s/chunks", casg_cli_partial_dir(&repo, &dir));
		check.dir = casg_buf_cstr(&sub);
	} else {
		open_cache();
		check.dir = casg_buf_cstr(&dir);
	}
	check.coder = casg_coder_new();
	if (!check.coder)
		casg_die("out of memory");
	if (casg_chunkfile_each(check.dir, check_one, NULL, &err))
		casg_die_err(&err);
	casg_buf_addf(&b, "%" PRIu64 " chunks, %" PRIu64 " damaged\n", check.n, check.nbad);
	casg_out(b.data, b.len);
	casg_buf_release(&b);
	casg_buf_release(&sub);
	casg_coder_free(check.coder);
	casg_diskcache_close(cache);
	return check.nbad ? CASG_EXIT_NO : CASG_EXIT_YES;
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	int rc = CASG_EXIT_YES;

	(void)argc;
	(void)argv;
	if (stats + clear + verify != 1 || (json && !stats) || (kept && !verify) || (drop && !kept))
		casg_usage_die("wanted one of --stats, --clear and --verify");
	casg_cli_repo(&repo);
	if (stats) {
		print_stats();
	} else if (clear) {
		open_cache();
		if (casg_diskcache_clear(cache, &err))
			casg_die_err(&err);
		casg_diskcache_close(cache);
	} else {
		rc = run_verify();
	}
	casg_buf_release(&dir);
	casg_repo_release(&repo);
	return rc;
}

const struct casg_cmd casg_cmd = { "casg-chunk-cache", usage, opts, 0, 0, run };
