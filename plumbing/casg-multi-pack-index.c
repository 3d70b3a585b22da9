/* casg-multi-pack-index - write or check one index over all packs */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "clirepo.h"
#include "cliwork.h"
#include "multipacks.h"
#include "packfiles.h"

/* With --auto: so many packs may have come or gone before it is written anew. */
enum { AUTO_PACKS = 8 };

static int automatic;
static struct casg_work work;

static const char *const usage[] = { "[--auto] write", "verify", NULL };

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 0, "auto", NULL, &automatic,
	  "write only if eight packs or more have come or gone" },
	{ .type = CASG_OPT_END }
};

/* How many packs in use are not in the index, and how many of it are not in use. */
static uint64_t count_changes(const struct casg_repo *repo)
{
	struct casg_multipacks *m = casg_multipacks_open(repo->index_dir, NULL);
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid *ids;
	uint64_t nhas = 0;
	size_t n;

	if (casg_packfiles_list(repo->packs_dir, &ids, &n, &err))
		casg_die_err(&err);
	for (size_t i = 0; i < n && m; i++)
		nhas += (uint64_t)casg_multipacks_has(m, &ids[i]);
	free(ids);
	n -= nhas;
	if (m)
		n += casg_multipacks_count(m) - nhas;
	casg_multipacks_free(m);
	return n;
}

static int write_index(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_packidx **packs;
	struct casg_repo repo;
	uint32_t n = 0;

	casg_cli_repo(&repo);
	if (automatic && count_changes(&repo) < AUTO_PACKS) {
		casg_repo_release(&repo);
		return 0;
	}
	casg_repo_release(&repo);
	casg_work_open_quick(&work, 0);
	packs = calloc(casg_store_npacks(work.store) + 1u, sizeof(*packs));
	if (!packs)
		casg_die("out of memory");
	for (uint32_t i = 0; i < casg_store_npacks(work.store); i++)
		if (!casg_store_borrowed(work.store, i) && !casg_store_quarantined(work.store, i) &&
		    !casg_store_promised(work.store, i))
			packs[n++] = casg_store_idx(work.store, i);
	if (casg_repo_mkdirs(&work.repo, &err) ||
	    casg_multipacks_write(work.repo.index_dir, work.repo.tmp_dir, packs, n, &err))
		casg_die_err(&err);
	free(packs);
	casg_work_close(&work);
	return 0;
}

static int verify(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_multipacks *m;
	int bad;

	casg_work_open_quick_reader(&work, 0);
	m = casg_multipacks_open(work.repo.index_dir, &err);
	bad = !m && err.code != CASG_EABSENT;
	for (uint32_t i = 0; m && !bad && i < casg_store_npacks(work.store); i++) {
		struct casg_packidx *x = casg_store_idx(work.store, i);

		if (!casg_store_borrowed(work.store, i) && casg_multipacks_has(m, &x->pack_id))
			bad = casg_multipacks_check(m, x, &err);
	}
	if (bad && err.code != CASG_ECORRUPT && err.code != CASG_ENOTOURS &&
	    err.code != CASG_EUNSUPPORTED)
		casg_die_err(&err);
	if (bad)
		casg_error("multi-pack index: %s (casg multi-pack-index write replaces it)", err.msg);
	casg_multipacks_free(m);
	casg_work_close(&work);
	return bad ? 1 : 0;
}

static int run(int argc, char **argv)
{
	(void)argc;
	if (!strcmp(argv[0], "write"))
		return write_index();
	if (strcmp(argv[0], "verify"))
		casg_usage_die("'%s' is neither write nor verify", argv[0]);
	if (automatic)
		casg_usage_die("--auto goes with write only");
	return verify();
}

const struct casg_cmd casg_cmd = { "casg-multi-pack-index", usage, opts, 1, 1, run };
