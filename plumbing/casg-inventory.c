/* casg-inventory - what storages hold, and which packs versions need */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "cli.h"
#include "clirepo.h"
#include "cliremote.h"
#include "lines.h"
#include "remoteinv.h"

static struct casg_strs urls;
static int cached, want_list, want_versions, want_packs, want_need, want_add, want_copy, want_rebuild;

static const char *const usage[] = {
	"--url=URL... [--cached] (--list | --versions | --packs)",
	"--url=URL... [--cached] --need <VERSIONS",
	"--url=URL --add <LINES",
	"--url=URL --copy <SUMMARY",
	"--url=URL --rebuild",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_LIST, 0, "url", "URL", &urls, "a storage; may be given several times to read" },
	{ CASG_OPT_FLAG, 0, "cached", NULL, &cached, "what was read last: ask nobody" },
	{ CASG_OPT_FLAG, 0, "list", NULL, &want_list, "print all records" },
	{ CASG_OPT_FLAG, 0, "versions", NULL, &want_versions, "print the ids of all versions" },
	{ CASG_OPT_FLAG, 0, "packs", NULL, &want_packs, "print all packs that none replaces" },
	{ CASG_OPT_FLAG, 0, "need", NULL, &want_need, "print the packs that versions need" },
	{ CASG_OPT_FLAG, 0, "add", NULL, &want_add, "add a record" },
	{ CASG_OPT_FLAG, 0, "copy", NULL, &want_copy, "add the records of a summary as they are" },
	{ CASG_OPT_FLAG, 0, "rebuild", NULL, &want_rebuild, "make the summary of the records again" },
	{ .type = CASG_OPT_END }
};

static struct casg_repo repo;
static int in_repo;
static struct casg_inventory *inv;
static struct casg_err err = CASG_ERR_INIT;

/* ---- storages ---- */

struct storage {
	struct casg_remote *r;   /* NULL: not reached */
	struct casg_invcache cache;
	int failed;              /* it may hold more than we know */
};

static struct storage *storages;

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

static void find_repo(void)
{
	const char *dir = env("CASG_DIR") ? env("CASG_DIR") : env("GIT_DIR");
	int rc = casg_repo_discover(&repo, NULL, dir, &err);

	if (rc && (rc != CASG_EABSENT || dir))
		casg_die_err(&err);
	in_repo = !rc;
	if (!in_repo) {
		casg_repo_release(&repo);
		return;
	}
	casg_cli_share(&repo);
	if (casg_repo_mkdirs(&repo, &err))
		casg_die_err(&err);
}

/* The file that keeps the inventory of a URL: casg/state/inventory-<sha256>. */
static void cache_of(struct casg_invcache *c, const char *url)
{
	struct casg_hasher *h = casg_hasher_new();
	char hex[CASG_OID_HEXSZ + 1], *path;
	struct casg_oid id;

	if (!in_repo) {
		casg_hasher_free(h);
		return;
	}
	if (!h)
		casg_die("out of memory");
	casg_hasher_digest(h, url, strlen(url), &id);
	casg_hasher_free(h);
	if (asprintf(&path, "%s/inventory-%s", repo.state_dir, casg_oid_hex(&id, hex)) < 0)
		casg_die("out of memory");
	c->path = path;
	c->tmp_dir = repo.tmp_dir;
}

static void warn(const char *url, const struct casg_err *why)
{
	struct casg_buf shown = CASG_BUF_INIT;
	size_t n;

	casg_remote_mask(&shown, url);
	casg_buf_cstr(&shown);
	n = shown.len;
	/* what comes from a conversation says where already */
	if (n && !strncmp(why->msg, (char *)shown.data, n))
		casg_warn("%s", why->msg);
	else
		casg_warn("%s: %s", casg_buf_cstr(&shown), why->msg);
	casg_buf_release(&shown);
}

static void read_cached(struct storage *s, const char *url)
{
	if (!s->cache.path)
		casg_die("--cached needs a casg repository");
	if (!casg_invcache_read(&s->cache, inv, NULL)) {
		struct casg_err none = CASG_ERR_INIT;

		casg_err_set(&none, CASG_EABSENT, "its inventory has not been read yet");
		warn(url, &none);
		s->failed = 1;
	}
}

/* A summary that is not good: the records themselves may be. */
static void read_storage(struct storage *s, const char *url)
{
	int rc = casg_cli_remote_open(&s->r, url, 0, &err);

	if (!rc)
		rc = casg_remoteinv_read(s->r, &s->cache, inv, &err);
	if (!rc)
		return;
	warn(url, &err);
	s->failed = 1;
	if (rc == CASG_ECORRUPT && s->r && casg_remote_cans(s->r) & CASG_CAN_LIST) {
		if (!casg_remoteinv_complete(s->r, inv, &err))
			s->failed = 0;
		else
			warn(url, &err);
	}
}

static void read_all(void)
{
	storages = calloc(urls.n, sizeof(*storages));
	inv = casg_inventory_new();
	if (!storages || !inv)
		casg_die("out of memory");
	for (size_t i = 0; i < urls.n; i++) {
		cache_of(&storages[i].cache, urls.v[i]);
		if (cached)
			read_cached(&storages[i], urls.v[i]);
		else
			read_storage(&storages[i], urls.v[i]);
	}
}

static int any_failed(void)
{
	for (size_t i = 0; i < urls.n; i++)
		if (storages[i].failed)
			return 1;
	return 0;
}

/* Records that came after the summaries were written. */
static void complete_all(void)
{
	for (size_t i = 0; i < urls.n; i++) {
		struct storage *s = &storages[i];

		if (!s->r || s->failed)
			continue;
		if (casg_remoteinv_complete(s->r, inv, &err)) {
			warn(urls.v[i], &err);
			s->failed = 1;
		}
	}
}

static void close_all(void)
{
	for (size_t i = 0; i < urls.n; i++) {
		casg_remote_close(storages[i].r);
		free((char *)storages[i].cache.path);
	}
	free(storages);
	casg_inventory_free(inv);
	if (in_repo)
		casg_repo_release(&repo);
}

/* ---- printing ---- */

static void print(struct casg_buf *b)
{
	if (b->failed)
		casg_die("out of memory");
	casg_out(b->data, b->len);
	casg_buf_release(b);
}

static void print_packs(struct casg_invpack *packs, size_t n)
{
	struct casg_buf b = CASG_BUF_INIT;

	for (size_t i = 0; i < n; i++)
		casg_invpack_format(&b, &packs[i]);
	print(&b);
	free(packs);
}

static void print_all(void)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_invpack *packs;
	struct casg_oid *ids;
	size_t n;

	if (want_list) {
		if (casg_inventory_summary(inv, &b, &err))
			casg_die_err(&err);
		print(&b);
	} else if (want_versions) {
		if (casg_inventory_versions(inv, &ids, &n, &err))
			casg_die_err(&err);
		for (size_t i = 0; i < n; i++) {
			casg_oid_addhex(&b, &ids[i]);
			casg_buf_addch(&b, '\n');
		}
		print(&b);
		free(ids);
	} else {
		if (casg_inventory_packs(inv, &packs, &n, &err))
			casg_die_err(&err);
		print_packs(packs, n);
	}
	if (any_failed()) {
		casg_out_flush();
		casg_die("not all storages could be read");
	}
}

/* ---- what versions need ---- */

struct ids {
	struct casg_oid *v;
	size_t n, cap;
};

static void read_versions(struct ids *out)
{
	struct casg_lines *l = casg_lines_open(0, '\n');
	const char *line;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		if (CASG_GROW(out->v, out->n + 1, out->cap))
			casg_die("out of memory");
		if (n < CASG_OID_HEXSZ || casg_oid_parse(&out->v[out->n], line, CASG_OID_HEXSZ) ||
		    (n > CASG_OID_HEXSZ && line[CASG_OID_HEXSZ] != ' '))
			casg_die("bad line of standard input: not '<version id> ...'");
		out->n++;
	}
	if (rc < 0)
		casg_die_err(&err);
	casg_lines_close(l);
}

/* Each version that no record names, on standard error; how many. */
static size_t name_missing(const struct ids *versions)
{
	char hex[CASG_OID_HEXSZ + 1];
	size_t n = 0;

	for (size_t i = 0; i < versions->n; i++)
		if (!casg_inventory_version(inv, &versions->v[i])) {
			casg_error("version %s is not there", casg_oid_hex(&versions->v[i], hex));
			n++;
		}
	return n;
}

static int need(void)
{
	struct ids versions = { NULL, 0, 0 };
	struct casg_invpack *packs;
	size_t n;
	int rc;

	read_versions(&versions);
	rc = casg_inventory_need(inv, versions.v, versions.n, &packs, &n, NULL, &err);
	if (rc == CASG_EABSENT && !cached) {
		complete_all();
		rc = casg_inventory_need(inv, versions.v, versions.n, &packs, &n, NULL, &err);
	}
	if (rc == CASG_EABSENT) {
		size_t missing = name_missing(&versions);

		if (any_failed())
			casg_die("not all storages could be read");
		if (!missing)
			casg_die_err(&err);
		free(versions.v);
		return CASG_EXIT_NO;
	}
	if (rc)
		casg_die_err(&err);
	print_packs(packs, n);
	free(versions.v);
	return CASG_EXIT_YES;
}

/* ---- adding ---- */

/* Where a record names the version: that record. */
static const struct casg_oid *relied_on(const struct casg_oid *version)
{
	const struct casg_invrec *r = casg_inventory_version(inv, version);
	char hex[CASG_OID_HEXSZ + 1];

	if (!r) {
		complete_all();
		r = casg_inventory_version(inv, version);
	}
	if (!r)
		casg_die("version %s, which is relied on, is not there", casg_oid_hex(version, hex));
	return &r->id;
}

static void add_line(struct casg_invrec *rec, const char *line, size_t n)
{
	const char *sp = memchr(line, ' ', n), *value = sp ? sp + 1 : line;
	size_t word = sp ? (size_t)(sp - line) : n, left = n - (size_t)(value - line);
	struct casg_invpack pack;
	struct casg_oid id;
	int rc = CASG_ECORRUPT, is_id = !casg_oid_parse(&id, value, left);

#define IS(w) (word == sizeof(w) - 1 && !memcmp(line, w, word))
	if (IS("pack") && !casg_invpack_parse(&pack, value, left))
		rc = casg_invrec_add_pack(rec, &pack, &err);
	else if (IS("version") && is_id)
		rc = casg_invids_add(&rec->versions, &id, &err);
	else if (IS("replaced") && is_id)
		rc = casg_invids_add(&rec->replaced, &id, &err);
	else if (IS("after") && is_id)
		rc = casg_invids_add(&rec->after, &id, &err);
	else if (IS("relies") && is_id)
		rc = casg_invids_add(&rec->after, relied_on(&id), &err);
#undef IS
	if (rc == CASG_ENOMEM)
		casg_die("out of memory");
	if (rc)
		casg_die("bad line of standard input: '%.*s'", n > 200 ? 200 : (int)n, line);
}

static void read_record(struct casg_invrec *rec)
{
	struct casg_lines *l = casg_lines_open(0, '\n');
	char hex[CASG_OID_HEXSZ + 1];
	const char *line;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0)
		add_line(rec, line, n);
	if (rc < 0)
		casg_die_err(&err);
	casg_lines_close(l);
	for (size_t i = 0; i < rec->after.n; i++) {
		if (!casg_inventory_find(inv, &rec->after.v[i]))
			complete_all();
		if (!casg_inventory_find(inv, &rec->after.v[i]))
			casg_die("record %s, which is relied on, is not there",
				 casg_oid_hex(&rec->after.v[i], hex));
	}
}

/* Later than whatever added what it replaces. */
static void set_time(struct casg_invrec *rec)
{
	int64_t added;

	rec->time = casg_cli_now();
	for (size_t i = 0; i < rec->replaced.n; i++)
		if (casg_inventory_added(inv, &rec->replaced.v[i], &added) && rec->time <= added)
			rec->time = added + 1;
}

static int same_ids(const struct casg_invids *a, const struct casg_invids *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->v, b->v, a->n * sizeof(*a->v)));
}

/* But for its time; both are sorted. */
static int says_the_same(const struct casg_invrec *a, const struct casg_invrec *b)
{
	if (!same_ids(&a->after, &b->after) || !same_ids(&a->replaced, &b->replaced) ||
	    !same_ids(&a->versions, &b->versions) || a->npacks != b->npacks)
		return 0;
	for (size_t i = 0; i < a->npacks; i++)
		if (!casg_oid_eq(&a->packs[i].id, &b->packs[i].id) ||
		    a->packs[i].nbytes != b->packs[i].nbytes ||
		    strcmp(a->packs[i].kinds, b->packs[i].kinds))
			return 0;
	return 1;
}

static const struct casg_invrec *find_same(const struct casg_invrec *rec)
{
	for (size_t i = 0; i < casg_inventory_count(inv); i++)
		if (says_the_same(casg_inventory_get(inv, i), rec))
			return casg_inventory_get(inv, i);
	return NULL;
}

static void print_id(const struct casg_oid *id)
{
	char hex[CASG_OID_HEXSZ + 2];

	casg_oid_hex(id, hex);
	hex[CASG_OID_HEXSZ] = '\n';
	casg_out(hex, CASG_OID_HEXSZ + 1);
}

static void add(void)
{
	struct storage *s = &storages[0];
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_hasher *h = casg_hasher_new();
	const struct casg_invrec *same;
	struct casg_invrec rec;
	size_t n;

	if (s->failed || !s->r)
		casg_die("the storage could not be read");
	casg_invrec_init(&rec);
	read_record(&rec);
	set_time(&rec);
	if (!h)
		casg_die("out of memory");
	if (casg_invrec_encode(&rec, h, &text, &err))
		casg_die_err(&err);
	/* replacing again may be meant: the time tells */
	same = rec.replaced.n ? NULL : find_same(&rec);
	if (same) {
		print_id(&same->id);
	} else {
		if (casg_remoteinv_put(s->r, &rec.id, &text, &err) ||
		    casg_inventory_add(inv, text.data, text.len, &rec.id, &err) < 0 ||
		    casg_remoteinv_write(s->r, &s->cache, inv, &rec.id, &n, &err))
			casg_die_err(&err);
		print_id(&rec.id);
	}
	casg_hasher_free(h);
	casg_invrec_release(&rec);
	casg_buf_release(&text);
}

/* Those that the storage lacks; what they rely on must be among them, or there. */
static void copy(void)
{
	struct casg_inventory *from = casg_inventory_new();
	struct storage *s = &storages[0];
	struct casg_buf text = CASG_BUF_INIT;
	const struct casg_invrec *own = NULL;
	size_t n = 0, all;

	if (s->failed || !s->r)
		casg_die("the storage could not be read");
	if (!from)
		casg_die("out of memory");
	casg_cli_slurp("-", CASG_INVENTORY_MAX_BYTES, &text);
	if (casg_inventory_add_summary(from, text.data, text.len, &err))
		casg_die_err(&err);
	for (size_t i = 0; i < casg_inventory_count(from); i++) {
		const struct casg_invrec *rec = casg_inventory_get(from, i);

		if (casg_inventory_find(inv, &rec->id))
			continue;
		casg_buf_reset(&text);
		casg_invrec_format(&text, rec);
		if (text.failed)
			casg_die("out of memory");
		if (casg_remoteinv_put(s->r, &rec->id, &text, &err) ||
		    casg_inventory_add(inv, text.data, text.len, &rec->id, &err) < 0)
			casg_die_err(&err);
		own = rec;
		n++;
		/* where it cannot be listed, the summary must take in each */
		if (!(casg_remote_cans(s->r) & CASG_CAN_LIST) &&
		    casg_remoteinv_write(s->r, &s->cache, inv, &own->id, &all, &err))
			casg_die_err(&err);
	}
	if (own && casg_remoteinv_write(s->r, &s->cache, inv, &own->id, &all, &err))
		casg_die_err(&err);
	printf("%zu\n", n);
	casg_buf_release(&text);
	casg_inventory_free(from);
}

/* Whatever the summary says, if it says anything. */
static void rebuild(void)
{
	struct storage s = { NULL, { NULL, NULL }, 0 };
	size_t n;

	inv = casg_inventory_new();
	if (!inv)
		casg_die("out of memory");
	cache_of(&s.cache, urls.v[0]);
	if (casg_cli_remote_open(&s.r, urls.v[0], 0, &err))
		casg_die_err(&err);
	if (!(casg_remote_cans(s.r) & CASG_CAN_LIST))
		casg_die("%s: this storage cannot be listed", casg_remote_shown(s.r));
	if (casg_remoteinv_write(s.r, &s.cache, inv, NULL, &n, &err))
		casg_die_err(&err);
	printf("%zu\n", n);
	casg_remote_close(s.r);
	free((char *)s.cache.path);
	casg_inventory_free(inv);
	if (in_repo)
		casg_repo_release(&repo);
}

static int run(int argc, char **argv)
{
	int status = CASG_EXIT_YES;

	(void)argc;
	(void)argv;
	if (want_list + want_versions + want_packs + want_need + want_add + want_copy + want_rebuild != 1)
		casg_usage_die("give one of --list, --versions, --packs, --need, --add, --copy and --rebuild");
	if (!urls.n)
		casg_usage_die("--url is missing");
	if ((want_add || want_copy || want_rebuild) && (urls.n > 1 || cached))
		casg_usage_die("--add, --copy and --rebuild take one --url, and not --cached");
	for (size_t i = 0; i < urls.n; i++)
		if (casg_remote_scheme(urls.v[i], &err) < 0)
			casg_usage_die("%s", err.msg);
	find_repo();
	casg_cli_remote_init(in_repo ? &repo : NULL);
	if (want_rebuild) {
		rebuild();
		return CASG_EXIT_YES;
	}
	read_all();
	if (want_need)
		status = need();
	else if (want_add)
		add();
	else if (want_copy)
		copy();
	else
		print_all();
	close_all();
	return status;
}

const struct casg_cmd casg_cmd = { "casg-inventory", usage, opts, 0, 0, run };
