#include "clipack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "clirepo.h"
#include "clisettings.h"
#include "map.h"

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

/* Outside a repository is fine, unless one was named. */
static int find_repo(struct casg_repo *repo)
{
	struct casg_err err = CASG_ERR_INIT;
	const char *dir = env("CASG_DIR"), *cache = env("CASG_CACHE_DIR");
	int rc;

	if (!dir)
		dir = env("GIT_DIR");
	rc = casg_repo_discover(repo, NULL, dir, &err);
	if (!rc && cache)
		rc = casg_repo_set_cache_dir(repo, cache, &err);
	if (rc == CASG_EABSENT && !dir) {
		casg_repo_release(repo);
		return 0;
	}
	if (rc)
		casg_die_err(&err);
	casg_cli_share(repo);
	return 1;
}

/* The packs beside the one named; there may be no such folder. */
static void open_store(struct casg_packtool *t, const char *packs_dir, const char *tmp_dir)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_store_opts o = {
		.packs_dir = packs_dir,
		.quarantine_dir = t->in_repo ? t->repo.quarantine_dir : NULL,
		.lenders = t->repo.lenders,
		.nlenders = t->repo.nlenders,
		.tmp_dir = tmp_dir,
		.cache_nbytes = t->settings.memory / 4,
		.skip_unindexed = 1,
	};

	if (t->in_repo)
		t->promise = casg_cli_promise_open(&t->repo, 0);
	o.promised = casg_cli_promise_packs(t->promise);
	if (casg_store_open(&t->store, &o, &err) && t->in_repo)
		casg_die_err(&err);
}

void casg_packtool_open(struct casg_packtool *t, const char *threads, const char *name)
{
	struct casg_err err = CASG_ERR_INIT;

	memset(t, 0, sizeof(*t));
	t->in_repo = find_repo(&t->repo);
	casg_cli_settings(t->in_repo ? &t->repo : NULL, &t->settings);
	casg_cli_setting(&t->settings, "casg.threads", "--threads", threads);
	casg_heap_large_pages(t->settings.memory);
	t->pool = casg_workers_new((int)t->settings.threads, &err);
	if (!t->pool)
		casg_die_err(&err);
	if (t->in_repo) {
		open_store(t, t->repo.packs_dir, t->repo.tmp_dir);
	} else if (name) {
		const char *slash = strrchr(name, '/');
		char *dir = slash ? strndup(name, (size_t)(slash - name) + 1) : strdup("./");

		if (!dir)
			casg_die("out of memory");
		t->packs_dir = dir;
		open_store(t, dir, NULL);
	}
}

void casg_packtool_close(struct casg_packtool *t)
{
	casg_store_close(t->store);
	casg_cli_promise_close(t->promise);
	casg_workers_free(t->pool);
	free(t->packs_dir);
	if (t->in_repo)
		casg_repo_release(&t->repo);
}

static int ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

void casg_packtool_path(const struct casg_packtool *t, const char *name,
			const char *ext, struct casg_buf *out)
{
	size_t n = strlen(name);
	struct casg_oid id;

	if (t->in_repo && !casg_oid_parse(&id, name, n)) {
		casg_buf_addf(out, "%s/pack-%s.%s", t->repo.packs_dir, name, ext);
	} else {
		if (ends_in(name, ".idx"))
			n -= 4;
		else if (ends_in(name, ".pack"))
			n -= 5;
		else if (!strcmp(ext, "pack"))
			ext = NULL; /* any file may be a pack */
		casg_buf_add(out, name, n);
		if (ext)
			casg_buf_addf(out, ".%s", ext);
	}
	casg_buf_cstr(out);
	if (out->failed)
		casg_die("out of memory");
}
