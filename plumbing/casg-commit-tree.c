/*
 * casg-commit-tree - a VERSION becomes a Git commit; no ref moves.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cli.h"
#include "cliwork.h"
#include "clirepo.h"
#include "clisign.h"
#include "packlist.h"
#include "reach.h"
#include "refs.h"
#include "version.h"

static struct casg_strs parents;
static struct casg_strs messages;
static const char *database;
static const char *packs_file;
static const char *base;
static int sign;

static const char *const usage[] = {
	"[-p PARENT]... [-m MESSAGE]... [-S] --database=NAME [--base=COMMIT] [--packs=FILE] <VERSION",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_LIST, 'p', NULL, "PARENT", &parents,
	  "a parent commit" },
	{ CASG_OPT_LIST, 'm', NULL, "MESSAGE", &messages,
	  "a paragraph of the commit message" },
	{ CASG_OPT_STR, 0, "database", "NAME", &database,
	  "the database whose version this is" },
	{ CASG_OPT_STR, 0, "base", "COMMIT", &base,
	  "whose tree is built upon (default: the first parent's)" },
	{ CASG_OPT_STR, 0, "packs", "FILE", &packs_file,
	  "the PACKS to commit beside it: '<id> <bytes> <kinds>' lines" },
	{ CASG_OPT_FLAG, 'S', "gpg-sign", NULL, &sign, "sign the commit, as git config says" },
	{ CASG_OPT_END, 0, NULL, NULL, NULL, NULL }
};

/* Paragraphs as 'git commit-tree -m' makes them, or what the version says. */
static void make_message(struct casg_buf *out, const struct casg_version *v)
{
	char when[CASG_TIME_SIZE];

	for (size_t i = 0; i < messages.n; i++)
		casg_buf_addf(out, "%s%s\n", i ? "\n" : "", messages.v[i]);
	if (!messages.n)
		casg_buf_addf(out, "%s: %s\n", database, v->release ? v->release :
			      casg_time_format(v->sequence_time, when));
}

/* What Git falls back on: the password file and the host's name. */
static void make_fallback(struct casg_buf *name, struct casg_buf *email)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *user = pw && *pw->pw_name ? pw->pw_name : "unknown";
	char host[256] = "";

	if (pw && pw->pw_gecos)
		casg_buf_add(name, pw->pw_gecos, strcspn(pw->pw_gecos, ","));
	if (!name->len)
		casg_buf_addstr(name, user);
	if (gethostname(host, sizeof(host) - 1) || !*host)
		strcpy(host, "localhost");
	casg_buf_addf(email, "%s@%s", user, host);
}

/*
 * A mapping is kept by a version of its own, 'taxonomy/NAME.map', which must
 * be there already: what only names its root would not keep it.
 */
static void check_mapping(struct casg_refs *refs, const struct casg_commit_req *req)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf spec = CASG_BUF_INIT;
	struct casg_version v, map;
	struct casg_found found;

	casg_version_init(&v);
	casg_version_init(&map);
	casg_found_init(&found);
	if (casg_version_decode(&v, req->version, req->version_len, &err))
		casg_die_err(&err);
	if (v.has_mapping) {
		casg_buf_addf(&spec, "%s:%s.map", req->base ? req->base :
			      req->nparents ? req->parents[0] : "HEAD", req->database);
		if (casg_refs_find(refs, casg_buf_cstr(&spec), &found, &err) ||
		    casg_version_decode(&map, found.text.data, found.text.len, &err))
			casg_die_err(&err);
		if (!casg_oid_eq(&map.records, &v.mapping))
			casg_die("the mapping of '%s' is not what '%s.map' holds",
				 req->database, req->database);
	}
	casg_found_release(&found);
	casg_buf_release(&spec);
	casg_version_release(&map);
	casg_version_release(&v);
}

static void commit(struct casg_commit_req *req)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf name = CASG_BUF_INIT, email = CASG_BUF_INIT;
	char hex[CASG_GITID_SIZE + 1];
	struct casg_repo repo;
	struct casg_refs *refs;

	req->author = (struct casg_ident){ getenv("GIT_AUTHOR_NAME"),
		getenv("GIT_AUTHOR_EMAIL"), getenv("GIT_AUTHOR_DATE") };
	req->committer = (struct casg_ident){ getenv("GIT_COMMITTER_NAME"),
		getenv("GIT_COMMITTER_EMAIL"), getenv("GIT_COMMITTER_DATE") };
	make_fallback(&name, &email);
	req->fallback_name = casg_buf_cstr(&name);
	req->fallback_email = getenv("EMAIL") ? getenv("EMAIL") : casg_buf_cstr(&email);
	casg_cli_repo(&repo);
	if (sign) {
		req->write = casg_write_signed;
		req->write_ctx = &repo;
	}
	if (casg_refs_open(&refs, &repo, &err))
		casg_die_err(&err);
	check_mapping(refs, req);
	if (casg_refs_commit(refs, req, hex, &err))
		casg_die_err(&err);
	casg_out(hex, strlen(hex));
	casg_out("\n", 1);
	casg_refs_free(refs);
	casg_repo_release(&repo);
	casg_buf_release(&name);
	casg_buf_release(&email);
}

/* Each pack of the list, or marked, must be in packs/ now, not when it was found. */
static void settle(struct casg_work *w, struct casg_buf *list, const struct casg_marks *marks)
{
	const char *p = casg_buf_cstr(list), *eol;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid id;
	uint32_t pack;

	for (; (eol = strchr(p, '\n')); p = eol + 1)
		if (!casg_oid_parse(&id, p, CASG_OID_HEXSZ) &&
		    casg_store_find_pack(w->store, &id, &pack) &&
		    casg_store_settle(w->store, pack, &err))
			casg_die_err(&err);
	for (pack = 0; pack < casg_store_npacks(w->store); pack++)
		if (casg_marks_needed(marks, pack) && casg_store_settle(w->store, pack, &err))
			casg_die_err(&err);
}

/*
 * That everything is there is settled here, before anything names it: what is
 * in quarantine comes back.  What leaves and presentations name by id alone
 * is looked for only where something may have gone; reading them all takes as
 * long as an export.
 */
static void find_packs(const struct casg_version *v, struct casg_buf *out)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_marks *marks;
	struct casg_roots roots;
	struct casg_work w;
	uint32_t npacks, gone = 0;

	casg_work_open_quick(&w, (uint64_t)8 << 20);
	casg_store_revive(w.store);
	casg_work_roots(v, &roots);
	npacks = casg_store_npacks(w.store);
	for (uint32_t i = 0; i < npacks; i++)
		gone += (uint32_t)casg_store_quarantined(w.store, i);
	if (casg_reach_text(w.store, casg_work_coder(&w), &roots, out, &err))
		casg_die_err(&err);
	marks = casg_marks_new(w.store, casg_work_coder(&w), &err);
	if (!marks || (gone && (casg_marks_add(marks, &roots, &err) ||
				casg_marks_finish(marks, &err))))
		casg_die_err(&err);
	settle(&w, out, marks);
	casg_marks_free(marks);
	casg_work_close(&w);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf text = CASG_BUF_INIT, packs = CASG_BUF_INIT;
	struct casg_buf message = CASG_BUF_INIT;
	struct casg_commit_req req = { 0 };
	struct casg_version v;

	(void)argc;
	(void)argv;
	if (!database)
		casg_usage_die("option '--database' is required");
	if (casg_database_check(database, &err))
		casg_usage_die("%s", err.msg);
	casg_version_init(&v);
	casg_cli_slurp("-", CASG_VERSION_MAX_BYTES, &text);
	if (casg_version_decode(&v, text.data, text.len, &err))
		casg_die_err(&err);
	if (packs_file) {
		casg_cli_slurp(packs_file, CASG_PACKLIST_MAX_BYTES, &packs);
	} else {
		find_packs(&v, &packs);
	}
	req.packs = casg_buf_cstr(&packs);
	req.packs_len = packs.len;
	make_message(&message, &v);
	casg_version_release(&v);
	req.message = casg_buf_cstr(&message);
	req.database = database;
	req.version = text.data;
	req.version_len = text.len;
	req.parents = parents.v;
	req.nparents = parents.n;
	req.base = base;
	commit(&req);
	casg_buf_release(&text);
	casg_buf_release(&packs);
	casg_buf_release(&message);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = {
	.name = "casg-commit-tree",
	.usage = usage,
	.opts = opts,
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
