/* casg-promise-pack - get from storages what a partial clone has in place of packs */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "chunkfetch.h"
#include "chunkfile.h"
#include "cli.h"
#include "clipromise.h"
#include "cliremote.h"
#include "cliwork.h"
#include "io.h"
#include "nodes.h"
#include "orderdelta.h"
#include "packfiles.h"
#include "packids.h"
#include "promisew.h"

static struct casg_strs urls;
static uint64_t jobs = 4;
static int check, quiet;

static const char *const usage[] = {
	"[-q] [--jobs=N] --url=URL... <PACKS", "--check", NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 0, "check", NULL, &check, "check the tree nodes of those that have come" },
	{ CASG_OPT_LIST, 0, "url", "URL", &urls, "a storage to ask; may be given several times" },
	{ CASG_OPT_U64, 0, "jobs", "N", &jobs, "requests at a time, 1 to 64; default 4" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "do not say how much it was" },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;

enum state {
	OPEN,     /* its ids are not here */
	LISTED,   /* they are; chunks of it have to come */
	WHOLE     /* to be had as a whole */
};

/* What a pack says of a chunk of lists or orders; to be compared with what it is. */
struct claim {
	size_t pack;      /* index of job.v */
	struct casg_idx_chunk e;
	struct casg_objinfo *infos; /* of lists and orders; or NULL */
};

struct pack {
	struct casg_oid id;
	char *line;       /* of standard input */
	enum state state;
	struct casg_buf part; /* while its ids come */
	unsigned tries;
	int given_up, open;
};

static struct {
	struct pack *v;
	size_t n, cap;
	struct claim *claims;    /* as they were added to fetch */
	size_t nclaims, cap_claims;
	struct casg_chunkfetch *fetch;
	struct casg_remote *remote;
	struct casg_coder *coder;
	struct casg_buf dir;     /* casg/partial */
	char *chunks_dir;
	unsigned char *useless;
	size_t url;
	uint64_t nids, nbytes;   /* that came */
} job;

static void complain(void *ctx, const char *shown, const struct casg_oid *pack, const char *what)
{
	casg_cli_remote_complain(ctx, shown, pack, what);
	if (!pack)
		job.useless[job.url] = 1;
}

/* ---- input ---- */

static char *path_of(const struct casg_oid *id, const char *ext)
{
	char *path = casg_packfiles_path(casg_buf_cstr(&job.dir), id, ext);

	if (!path)
		casg_die("out of memory");
	return path;
}

/* Has it come before, and not been checked yet? */
static int is_begun(const struct casg_oid *id)
{
	char *index = path_of(id, "new"), *objects = path_of(id, "objects");
	int is = !access(index, F_OK) && !access(objects, F_OK);

	free(index);
	free(objects);
	return is;
}

/* Here, as a whole or promised? */
static int is_here(const struct casg_oid *id)
{
	struct casg_err err = CASG_ERR_INIT;
	char *begun = path_of(id, "new");
	uint32_t pack;
	int is_unchecked = !access(begun, F_OK);

	free(begun);
	if (is_unchecked || !casg_store_find_pack(work.store, id, &pack))
		return 0;
	if (casg_store_borrowed(work.store, pack) || !casg_store_settle(work.store, pack, &err))
		return 1;
	if (err.code != CASG_EABSENT)
		casg_die_err(&err);
	return 0;
}

static void add_wanted(const struct casg_cli_pack_line *line)
{
	struct pack p = { .id = line->id, .state = OPEN, .part = CASG_BUF_INIT };

	if (is_here(&p.id))
		return;
	/* where the line tells the kinds, trees alone need no ids */
	if (strlen(line->text) > CASG_OID_HEXSZ && strchr(line->text + CASG_OID_HEXSZ + 1, ' ') &&
	    !strstr(line->text, "sequences"))
		p.state = WHOLE;
	p.line = strdup(line->text);
	if (!p.line || CASG_GROW(job.v, job.n + 1, job.cap))
		casg_die("out of memory");
	job.v[job.n++] = p;
}

/* ---- ids ---- */

/* A chunk is wanted; of a list or an order infos says what its members claim to be. */
static void add_chunk(size_t i, const struct casg_idx_chunk *e, const struct casg_objinfo *infos)
{
	struct claim c = { .pack = i, .e = *e };
	struct casg_err err = CASG_ERR_INIT;

	if (infos) {
		c.infos = malloc(e->nmembers * sizeof(*c.infos));
		if (!c.infos)
			casg_die("out of memory");
		memcpy(c.infos, infos, e->nmembers * sizeof(*c.infos));
	}
	if (CASG_GROW(job.claims, job.nclaims + 1, job.cap_claims))
		casg_die("out of memory");
	if (casg_chunkfetch_add(job.fetch, &job.v[i].id, e, &err))
		casg_die_err(&err);
	job.claims[job.nclaims++] = c;
}

static int has_claims(const struct casg_idx_chunk *e)
{
	return e->kind == CASG_CHUNK_LIST || e->kind == CASG_CHUNK_ORDER;
}

/* What is no sequence is wanted now. */
static void add_chunks(size_t i, const struct casg_packids *ids)
{
	for (uint32_t k = 0; k < ids->src.nchunks; k++) {
		const struct casg_idx_chunk *e = &ids->chunks[k];

		if (e->kind != CASG_CHUNK_SEQ)
			add_chunk(i, e, has_claims(e) ? ids->objects + e->first : NULL);
	}
}

/* The same of a pack whose ids came before: what of it is not here. */
static void go_on(size_t i)
{
	struct casg_promised *packs = casg_cli_promise_packs(work.promise);
	struct casg_objinfo *infos = NULL;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_loc loc = { 0, 0, 0 };
	struct casg_idx_chunk e;

	if (!is_begun(&job.v[i].id) || !casg_store_find_pack(work.store, &job.v[i].id, &loc.pack))
		return;
	for (; loc.chunk < casg_store_idx(work.store, loc.pack)->nchunks; loc.chunk++) {
		if (casg_packidx_chunk(casg_store_idx(work.store, loc.pack), loc.chunk, &e, &err))
			casg_die_err(&err);
		/* that a kept one is what this pack claims of it nobody may have looked at */
		if (e.kind == CASG_CHUNK_SEQ ||
		    (!has_claims(&e) && casg_promised_kept(packs, &e.id)))
			continue;
		infos = has_claims(&e) ? calloc(e.nmembers, sizeof(*infos)) : NULL;
		if (has_claims(&e) && !infos)
			casg_die("out of memory");
		for (loc.member = 0; infos && loc.member < e.nmembers; loc.member++)
			if (casg_store_info(work.store, casg_work_coder(&work), &loc, &infos[loc.member], &err))
				casg_die_err(&err);
		add_chunk(i, &e, infos);
		free(infos);
	}
	job.v[i].state = LISTED;
}

/* All of its ids have come: an index under another name, for --check. */
static int take_ids(struct pack *p, struct casg_err *err)
{
	struct casg_packids ids;
	int rc = casg_packids_decode(&ids, p->part.data, p->part.len, &p->id, err);

	if (!rc)
		rc = casg_packids_check(&ids, err);
	if (!rc && !casg_packids_has_sequences(&ids)) {
		p->state = WHOLE;
	} else if (!rc) {
		if (casg_promisew_write(casg_buf_cstr(&job.dir), &ids, "new", err))
			casg_die_err(err);
		add_chunks((size_t)(p - job.v), &ids);
		p->state = LISTED;
	}
	job.nids++;
	job.nbytes += p->part.len;
	casg_packids_release(&ids);
	return rc;
}

static int ids_sink(void *ctx, const uint8_t *bytes, size_t n)
{
	struct pack *p = ctx;

	casg_buf_add(&p->part, bytes, n);
	return p->part.failed;
}

static void ids_done(void *ctx, const struct casg_remote_reply *reply)
{
	struct casg_err err = CASG_ERR_INIT;
	struct pack *p = ctx;
	const char *shown = casg_remote_shown(job.remote);

	p->open = 0;
	if (reply->kind == CASG_ANSWER_DONE) {
		if (take_ids(p, &err))
			complain(NULL, shown, &p->id, err.msg);
		p->given_up = 1;
	} else if (reply->kind == CASG_ANSWER_NO) {
		p->given_up = 1;
	} else if (reply->class != CASG_REMOTE_RETRY || ++p->tries == 3) {
		complain(NULL, shown, &p->id, reply->message);
		p->given_up = 1;
	}
	casg_buf_release(&p->part);
}

/* Ask for those that are open still; 1 if there is anything to ask again. */
static int ask_ids(void)
{
	struct casg_err err = CASG_ERR_INIT;
	int again = 0;

	for (size_t i = 0; i < job.n && !casg_remote_is_dead(job.remote); i++) {
		struct pack *p = &job.v[i];
		char name[32 + CASG_OID_HEXSZ], hex[CASG_OID_HEXSZ + 1];
		struct casg_remote_ask a = {
			.op = CASG_REMOTE_GET, .name = name, .max_nbytes = CASG_PACKIDS_MAX,
			.ctx = p, .sink = ids_sink, .done = ids_done,
		};

		if (p->state != OPEN || p->given_up)
			continue;
		casg_remote_wait(job.remote, (unsigned)jobs - 1);
		snprintf(name, sizeof(name), "ids/pack-%s.ids", casg_oid_hex(&p->id, hex));
		p->open = 1;
		if (casg_remote_ask(job.remote, &a, &err))
			casg_die_err(&err);
	}
	casg_remote_wait(job.remote, 0);
	for (size_t i = 0; i < job.n; i++)
		again |= job.v[i].state == OPEN && !job.v[i].given_up;
	return again && !casg_remote_is_dead(job.remote);
}

static int open_remote(void *ctx, const char *url, struct casg_remote **out, struct casg_err *err)
{
	(void)ctx;
	return casg_cli_remote_open(out, url, (unsigned)jobs, err);
}

static void get_ids(void)
{
	for (job.url = 0; job.url < urls.n; job.url++) {
		struct casg_err err = CASG_ERR_INIT;
		struct casg_buf shown = CASG_BUF_INIT;
		size_t nopen = 0;

		for (size_t i = 0; i < job.n; i++) {
			job.v[i].given_up = 0;
			job.v[i].tries = 0;
			nopen += job.v[i].state == OPEN;
		}
		if (!nopen || job.useless[job.url])
			continue;
		casg_remote_mask(&shown, urls.v[job.url]);
		if (open_remote(NULL, urls.v[job.url], &job.remote, &err)) {
			complain(NULL, casg_buf_cstr(&shown), NULL, err.msg);
		} else {
			while (ask_ids())
				sleep(1);
			casg_remote_close(job.remote);
		}
		casg_buf_release(&shown);
	}
	for (size_t i = 0; i < job.n; i++)
		if (job.v[i].state == OPEN)
			job.v[i].state = WHOLE;
}

/* ---- chunks ---- */

/* Is the content of lists and orders what the index says of them? */
static int claims_hold(const struct claim *c, const uint8_t *p, size_t n)
{
	struct casg_chunk *ch = NULL;
	struct casg_list l = { 0 };
	struct casg_orderdelta d;
	int good = !casg_chunk_decode(job.coder, p, n, NULL, &ch, NULL);

	for (uint32_t i = 0; good && i < ch->nmembers; i++) {
		const uint8_t *m = ch->data + ch->offset[i];
		size_t len = (size_t)casg_chunk_len(ch, i);

		if (c->e.kind == CASG_CHUNK_LIST)
			good = !casg_list_decode(&l, m, len, NULL) &&
			       casg_oid_eq(&l.id, &c->infos[i].id) && l.nbytes == c->infos[i].nbytes;
		else
			good = !casg_orderdelta_decode(&d, m, len, NULL) &&
			       casg_oid_eq(&d.id, &c->infos[i].id) && d.nbytes == c->infos[i].nbytes;
	}
	casg_list_release(&l);
	casg_chunk_free(ch);
	return good;
}

static void forget(const struct casg_oid *id)
{
	static const char *const exts[] = { "new", "objects" };

	for (size_t i = 0; i < 2; i++) {
		char *path = path_of(id, exts[i]);

		if (unlink(path) && errno != ENOENT)
			casg_die("cannot remove '%s': %s", path, strerror(errno));
		free(path);
	}
}

static int got(void *ctx, size_t i, const uint8_t *p, size_t n, struct casg_err *err)
{
	const struct claim *c = &job.claims[i];
	char hex[CASG_OID_HEXSZ + 1];

	(void)ctx;
	job.nbytes += n;
	if (c->infos && !claims_hold(c, p, n)) {
		casg_warn("pack %s: the ids that were published are not those of its lists",
			  casg_oid_hex(&job.v[c->pack].id, hex));
		job.v[c->pack].state = WHOLE;
		return 0;
	}
	return casg_chunkfile_write(job.chunks_dir, &c->e.id, p, n, 1, err);
}

static void get_chunks(void)
{
	struct casg_err err = CASG_ERR_INIT;

	for (job.url = 0; job.url < urls.n && casg_chunkfetch_missing(job.fetch); job.url++)
		if (!job.useless[job.url] && casg_chunkfetch_from(job.fetch, urls.v[job.url], &err))
			casg_die_err(&err);
	for (size_t i = 0; i < job.nclaims; i++)
		if (!casg_chunkfetch_has_come(job.fetch, i))
			job.v[job.claims[i].pack].state = WHOLE;
}

static void promise(void)
{
	const struct casg_chunkfetch_opts o = {
		.max_open = (unsigned)jobs, .open = open_remote, .complain = complain, .got = got,
	};
	struct casg_err err = CASG_ERR_INIT;
	uint64_t nrequests, nchunk_bytes;
	size_t nwhole = 0;

	job.useless = calloc(urls.n + 1, 1);
	job.fetch = casg_chunkfetch_new(&o);
	job.coder = casg_coder_new();
	if (!job.useless || !job.fetch || !job.coder ||
	    asprintf(&job.chunks_dir, "%s/chunks", casg_buf_cstr(&job.dir)) < 0)
		casg_die("out of memory");
	if (casg_mkdir_p(job.chunks_dir, &err))
		casg_die_err(&err);
	casg_cli_each_pack(add_wanted);
	for (size_t i = 0; i < job.n; i++)
		go_on(i);
	get_ids();
	if (casg_chunkfetch_plan(job.fetch, &nrequests, &nchunk_bytes, &err))
		casg_die_err(&err);
	get_chunks();
	for (size_t i = 0; i < job.n; i++) {
		struct pack *p = &job.v[i];

		if (p->state == WHOLE) {
			forget(&p->id);
			casg_out(p->line, strlen(p->line));
			casg_out("\n", 1);
			nwhole++;
		}
		free(p->line);
	}
	if (!quiet)
		fprintf(stderr, "%zu packs in part: %llu bytes of ids and trees\n", job.n - nwhole,
			(unsigned long long)job.nbytes);
	for (size_t i = 0; i < job.nclaims; i++)
		free(job.claims[i].infos);
	free(job.claims);
	free(job.v);
	free(job.useless);
	free(job.chunks_dir);
	casg_chunkfetch_free(job.fetch);
	casg_coder_free(job.coder);
}

/* ---- --check ---- */

static int hash_record(struct casg_coder *c, struct casg_entry e, struct casg_oid *out,
		       struct casg_err *err)
{
	struct casg_objinfo info;
	struct casg_loc loc;
	int rc = casg_store_ref(work.store, c, e.pack, e.ref, &loc, err);

	if (!rc)
		rc = casg_store_info(work.store, c, &loc, &info, err);
	if (rc)
		return rc;
	e.oid = info.id;
	e.length = info.nbytes;
	casg_entry_hash(casg_coder_hasher(c), &e, out);
	return 0;
}

/* A node is what its id says. */
static int check_node(struct casg_nodes *nodes, const struct casg_idx_node *x, uint32_t pack,
		      struct casg_err *err)
{
	struct casg_coder *c = casg_work_coder(&work);
	const struct casg_loc loc = { pack, x->chunk, x->member };
	struct casg_oid hashes[CASG_NODE_MAX], id;
	const struct casg_tnode *t;
	char hex[CASG_OID_HEXSZ + 1];
	int rc = casg_nodes_at(nodes, &loc, &t, err);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < t->node.count && !rc; i++) {
		if (t->node.level)
			casg_child_hash(casg_coder_hasher(c), &t->node.children[i], &hashes[i]);
		else
			rc = hash_record(c, t->node.entries[i], &hashes[i], err);
	}
	if (!rc) {
		casg_node_id(casg_coder_hasher(c), t->node.kind, t->node.level, t->node.count, hashes,
			     &id);
		if (!casg_oid_eq(&id, &x->id))
			rc = casg_err_set(err, CASG_ECORRUPT, "tree node %s is not what its id says",
					  casg_oid_hex(&x->id, hex));
	}
	casg_nodes_put(nodes, t);
	return rc;
}

static int check_pack(uint32_t pack, struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(work.store, pack);
	struct casg_nodes *nodes = casg_nodes_new(work.store, casg_work_coder(&work));
	struct casg_idx_node n;
	int rc = nodes ? 0 : casg_err_nomem(err);

	for (uint32_t i = 0; i < x->nnodes && !rc; i++) {
		rc = casg_packidx_node_at(x, i, &n, err);
		if (!rc)
			rc = check_node(nodes, &n, pack, err);
	}
	casg_nodes_free(nodes);
	return rc;
}

/* Those that are good are there for everybody from now on. */
static int check_all(void)
{
	size_t nbad = 0;

	for (uint32_t i = 0; i < casg_store_npacks(work.store); i++) {
		const struct casg_oid *id = &casg_store_idx(work.store, i)->pack_id;
		char *from = path_of(id, "new"), *to = path_of(id, "idx");
		char hex[CASG_OID_HEXSZ + 1];
		struct casg_err err = CASG_ERR_INIT;

		if (casg_store_promised(work.store, i) && !access(from, F_OK)) {
			if (check_pack(i, &err)) {
				casg_error("what was published of pack %s is not good: %s",
					   casg_oid_hex(id, hex), err.msg);
				forget(id);
				nbad++;
			} else if (rename(from, to) || casg_fsync_parent(to, &err)) {
				casg_die("cannot rename '%s': %s", from, strerror(errno));
			}
		}
		free(from);
		free(to);
	}
	return nbad ? CASG_EXIT_FATAL : CASG_EXIT_YES;
}

static int run(int argc, char **argv)
{
	struct casg_repo repo;
	int rc = CASG_EXIT_YES;

	(void)argc;
	(void)argv;
	if (check && urls.n)
		casg_usage_die("--check asks no storage");
	if (!check)
		casg_cli_remote_usage(&urls, jobs);
	/* those that were not checked yet are seen as well; no storage is asked for more */
	if (setenv("CASG_NO_FETCH", "unchecked", 1))
		casg_die("out of memory");
	casg_work_open(&work, "1", NULL, (uint64_t)32 << 20);
	repo = work.repo;
	casg_cli_remote_init(&work.repo);
	casg_cli_partial_dir(&repo, &job.dir);
	if (check)
		rc = check_all();
	else
		promise();
	casg_buf_release(&job.dir);
	casg_work_close(&work);
	return rc;
}

const struct casg_cmd casg_cmd = { "casg-promise-pack", usage, opts, 0, 0, run };
