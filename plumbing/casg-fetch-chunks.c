/* casg-fetch-chunks - get chunks of packs from storages, for a partial clone */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array.h"
#include "chunkfetch.h"
#include "chunkfile.h"
#include "cli.h"
#include "clipromise.h"
#include "cliremote.h"
#include "cliwork.h"
#include "fastachunks.h"
#include "lines.h"
#include "packjoin.h"

static struct casg_strs urls, from;
static const char *announce;
static uint64_t jobs = 32;
static int quiet, show_progress = -1, dry_run, json, batch, into_cache, nul_ends, all;

static const char *const usage[] = {
	"[-q] [--progress] [--jobs=N] [--cache] [-n [--json]] [-z] [--url=URL]... <RECORDS",
	"[-q] [--progress] [--jobs=N] [-n [--json]] [-z] --from=FILE... [--announce=FILE] [--url=URL]... <RECORDS",
	"[-q] [--progress] [--jobs=N] [-n [--json]] [--from=FILE]... [--announce=FILE] [--url=URL]... --all",
	"--batch [--jobs=N] --url=URL...",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 0, "all", NULL, &all, "of packs that are here in part, all sequences" },
	{ CASG_OPT_STR, 0, "announce", "FILE", &announce, "append the ids of packs that are written" },
	{ CASG_OPT_FLAG, 0, "batch", NULL, &batch, "read 'PACK CHUNK' lines, print the bytes" },
	{ CASG_OPT_FLAG, 0, "cache", NULL, &into_cache, "into the cache, not to stay" },
	{ CASG_OPT_LIST, 0, "from", "FILE", &from,
	  "take what this FASTA file has; may be given several times" },
	{ CASG_OPT_FLAG, 'n', "dry-run", NULL, &dry_run, "only say what would be asked for" },
	{ CASG_OPT_FLAG, 0, "json", NULL, &json, "with --dry-run: as JSON" },
	{ CASG_OPT_LIST, 0, "url", "URL", &urls, "a storage to ask; may be given several times" },
	{ CASG_OPT_U64, 0, "jobs", "N", &jobs, "requests at a time, 1 to 64; default 32" },
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "lines end with NUL" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress, "progress also where there is no terminal" },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;

#define NOT_WANTED UINT32_MAX
#define FROM_FILES (UINT32_MAX - 1)

static struct {
	struct casg_chunkfetch *fetch;
	struct place {
		uint32_t pack, chunk;
		struct casg_oid id;
		size_t number;   /* --batch: of the request */
	} *v;                    /* as they were added to fetch */
	size_t n, cap;
	struct casg_loc *more;   /* what those that came rest on */
	size_t nmore, cap_more;
	uint32_t npacks;         /* when it began */
	uint32_t **seen;         /* a pack: of a chunk its number in v + 1, or one of these; 0: not seen */
	uint64_t nlocal, local_nbytes; /* chunks that files have, and their bytes in the packs */
	char *chunks_dir;
	struct casg_diskcache *cache;
	struct casg_progress *progress;
	uint64_t nchunks, nbytes;
	unsigned char *useless;
	size_t url;
} job;

/* ---- storages ---- */

static int open_remote(void *ctx, const char *url, struct casg_remote **out, struct casg_err *err)
{
	(void)ctx;
	return casg_cli_remote_open(out, url, (unsigned)jobs, err);
}

static void complain(void *ctx, const char *shown, const struct casg_oid *pack, const char *what)
{
	casg_cli_remote_complain(ctx, shown, pack, what);
	if (!pack)
		job.useless[job.url] = 1;
}

/* As many chunks before it. */
static int note_needs(void *ctx, size_t i, const uint32_t *distances, uint32_t n,
		      struct casg_err *err)
{
	const struct place *at = &job.v[i];

	(void)ctx;
	if (CASG_GROW(job.more, job.nmore + n, job.cap_more))
		return casg_err_nomem(err);
	for (uint32_t k = 0; k < n; k++)
		if (distances[k] <= at->chunk)
			job.more[job.nmore++] = (struct casg_loc){ at->pack, at->chunk - distances[k], 0 };
	return 0;
}

/* Chunks of its pack that it cannot be decoded without. */
static int note_bases(size_t i, const uint8_t *p, size_t n, struct casg_err *err)
{
	uint32_t distances[CASG_SCRIPT_BASES_MAX], nbases = 0;
	int rc = casg_chunk_needs(casg_work_coder(&work), p, n, distances, &nbases, err);

	return rc ? rc : note_needs(NULL, i, distances, nbases, err);
}

/* What is to stay is synced; a cache is not. */
static int got(void *ctx, size_t i, const uint8_t *p, size_t n, struct casg_err *err)
{
	const struct place *at = &job.v[i];
	int rc = 0;

	(void)ctx;
	if (batch) {
		struct casg_buf line = CASG_BUF_INIT;

		casg_buf_addf(&line, "%zu %zu\n", at->number, n);
		casg_out(line.data, line.len);
		casg_out(p, n);
		casg_buf_release(&line);
	} else if (into_cache) {
		casg_diskcache_touch(job.cache, &at->id);
		casg_diskcache_put(job.cache, &at->id, p, n);
	} else {
		rc = casg_chunkfile_write(job.chunks_dir, &at->id, p, n, 1, err);
	}
	/* what is here to stay can be read without any storage */
	if (!rc && !batch)
		rc = note_bases(i, p, n, err);
	job.nchunks++;
	job.nbytes += n;
	casg_progress_update(job.progress, job.nchunks, job.nbytes, 0);
	return rc;
}

static void fetch_all(void)
{
	struct casg_err err = CASG_ERR_INIT;

	for (job.url = 0; job.url < urls.n && casg_chunkfetch_missing(job.fetch); job.url++)
		if (!job.useless[job.url] && casg_chunkfetch_from(job.fetch, urls.v[job.url], &err))
			casg_die_err(&err);
}

static void open_fetch(void)
{
	const struct casg_chunkfetch_opts o = {
		.max_open = (unsigned)jobs, .open = open_remote, .complain = complain, .got = got,
		.needs = note_needs,
	};
	struct casg_buf dir = CASG_BUF_INIT;

	job.useless = calloc(urls.n + 1, 1);
	job.fetch = casg_chunkfetch_new(&o);
	job.npacks = casg_store_npacks(work.store);
	job.seen = calloc(job.npacks + 1u, sizeof(*job.seen));
	if (!job.useless || !job.fetch || !job.seen ||
	    asprintf(&job.chunks_dir, "%s/chunks", casg_cli_partial_dir(&work.repo, &dir)) < 0)
		casg_die("out of memory");
	casg_buf_release(&dir);
}

static void close_fetch(void)
{
	for (uint32_t i = 0; i < job.npacks; i++)
		free(job.seen[i]);
	free(job.seen);
	free(job.useless);
	free(job.chunks_dir);
	free(job.v);
	free(job.more);
	casg_chunkfetch_free(job.fetch);
	casg_diskcache_close(job.cache);
}

static void chunk_of(uint32_t pack, uint32_t chunk, struct casg_idx_chunk *e)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_packidx_chunk(casg_store_idx(work.store, pack), chunk, e, &err)) {
		casg_err_prefix(&err, "index of '%s'", casg_store_pack_path(work.store, pack));
		casg_die_err(&err);
	}
}

static void add(uint32_t pack, uint32_t chunk, const struct casg_idx_chunk *e, size_t number)
{
	struct casg_err err = CASG_ERR_INIT;

	if (CASG_GROW(job.v, job.n + 1, job.cap))
		casg_die("out of memory");
	if (casg_chunkfetch_add(job.fetch, &casg_store_idx(work.store, pack)->pack_id, e, &err))
		casg_die_err(&err);
	job.v[job.n++] = (struct place){ pack, chunk, e->id, number };
}

/* ---- --batch ---- */

static void answer(void)
{
	fetch_all();
	casg_out("end\n", 4);
	casg_out_flush();
	casg_chunkfetch_reset(job.fetch);
	job.n = 0;
}

static void run_batch(void)
{
	struct casg_lines *l = casg_lines_open(0, '\n');
	struct casg_err err = CASG_ERR_INIT;
	struct casg_idx_chunk e;
	struct casg_oid id;
	size_t n, nlines = 0;
	const char *line;
	uint32_t pack;
	int rc;

	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		uint64_t chunk = 0;

		if (!n) {
			answer();
			nlines = 0;
			continue;
		}
		if (n < CASG_OID_HEXSZ + 2 || n > CASG_OID_HEXSZ + 11 || line[CASG_OID_HEXSZ] != ' ' ||
		    casg_oid_parse(&id, line, CASG_OID_HEXSZ))
			casg_die("bad line of standard input: not '<pack id> <chunk>'");
		for (size_t i = CASG_OID_HEXSZ + 1; i < n; i++) {
			if (line[i] < '0' || line[i] > '9')
				casg_die("bad line of standard input: not '<pack id> <chunk>'");
			chunk = chunk * 10 + (uint64_t)(line[i] - '0');
		}
		/* one that another process has fetched or dropped meanwhile */
		if (!casg_store_find_pack(work.store, &id, &pack))
			casg_work_reopen_store(&work);
		if (casg_store_find_pack(work.store, &id, &pack) &&
		    chunk < casg_store_idx(work.store, pack)->nchunks) {
			chunk_of(pack, (uint32_t)chunk, &e);
			add(pack, (uint32_t)chunk, &e, nlines);
		}
		nlines++;
	}
	if (rc < 0)
		casg_die_err(&err);
	casg_lines_close(l);
}

/* ---- records ---- */

/* What is noted of the chunk of a place in a pack of a partial clone. */
static uint32_t *note_of(const struct casg_loc *loc)
{
	uint32_t **seen = &job.seen[loc->pack];

	if (!*seen)
		*seen = calloc(casg_store_idx(work.store, loc->pack)->nchunks + 1u, sizeof(**seen));
	if (!*seen)
		casg_die("out of memory");
	return &(*seen)[loc->chunk];
}

static void want_once(const struct casg_loc *loc, uint32_t *note)
{
	struct casg_idx_chunk e;

	chunk_of(loc->pack, loc->chunk, &e);
	if (casg_promised_kept(casg_cli_promise_packs(work.promise), &e.id) ||
	    (into_cache && casg_promised_here(casg_cli_promise_packs(work.promise), &e.id))) {
		*note = NOT_WANTED;
		return;
	}
	add(loc->pack, loc->chunk, &e, 0);
	*note = (uint32_t)job.n;
}

/* The chunk of a place, once, if it is not here to stay. */
static void want(const struct casg_loc *loc)
{
	uint32_t *note;

	if (!casg_store_promised(work.store, loc->pack))
		return;
	note = note_of(loc);
	if (!*note)
		want_once(loc, note);
}

/* The sequence, or the pieces of a long one. */
static void want_sequence(const struct casg_oid *id)
{
	struct casg_coder *coder = casg_work_coder(&work);
	struct casg_err err = CASG_ERR_INIT;
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_idx_chunk e;
	struct casg_object o;
	struct casg_loc loc;
	int rc = casg_store_find(work.store, coder, id, &loc, NULL, &err);

	if (!rc)
		casg_die("sequence %s is in no pack here", casg_oid_hex(id, hex));
	if (rc < 0)
		casg_die_err(&err);
	want(&loc);
	chunk_of(loc.pack, loc.chunk, &e);
	if (e.kind != CASG_CHUNK_LIST)
		return;
	if (casg_store_object(work.store, coder, &loc, &o, &err))
		casg_die_err(&err);
	for (size_t i = 0; i < o.npieces; i++)
		want(&o.pieces[i]);
	casg_object_release(&o);
}

static void read_records(void)
{
	struct casg_lines *l = casg_lines_open(0, nul_ends ? '\0' : '\n');
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid id;
	const char *line;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		const char *tab = memchr(line, '\t', n);

		if (n >= 5 && !memcmp(line, "#casg", 5))
			continue;
		if (!tab || (size_t)(line + n - tab) < CASG_OID_HEXSZ + 1 ||
		    casg_oid_parse(&id, tab + 1, CASG_OID_HEXSZ))
			casg_die("bad line of standard input: not '<key> TAB <sequence id> ...'");
		want_sequence(&id);
	}
	if (rc < 0)
		casg_die_err(&err);
	casg_lines_close(l);
}

static void want_all(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_idx_chunk e;
	struct casg_loc there;
	int rc;

	for (uint32_t pack = 0; pack < casg_store_npacks(work.store); pack++)
		for (uint32_t i = 0; casg_store_promised(work.store, pack) &&
				     i < casg_store_idx(work.store, pack)->nchunks; i++) {
			const struct casg_loc loc = { pack, i, 0 };

			chunk_of(pack, i, &e);
			rc = casg_packjoin_find(work.store, &e.id, &there, &err);
			if (rc < 0)
				casg_die_err(&err);
			if (!rc)
				want(&loc);
		}
}

/* ---- files ---- */

struct files {
	struct casg_fastachunks *f;
	size_t *places;          /* chunk as f numbers them: index of job.v */
	uint32_t *numbers;       /* the other way round, + 1; 0: no chunk of sequences */
	size_t n;
};

static void want_member(struct files *files, const struct casg_loc *loc, const struct casg_oid *id,
			uint64_t start, uint64_t n)
{
	struct casg_err err = CASG_ERR_INIT;
	uint32_t *note = note_of(loc);

	if (!*note || *note == NOT_WANTED || !files->numbers[*note - 1])
		return;
	if (casg_fastachunks_member(files->f, files->numbers[*note - 1] - 1, loc->member, id, start, n,
				    &err))
		casg_die_err(&err);
}

/* What is wanted: chunks, and their members as sequences of their own. */
static void want_from_files(struct files *files)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_objinfo info;
	struct casg_idx_chunk e;

	for (size_t i = 0; i < job.n; i++) {
		struct casg_loc loc = { job.v[i].pack, job.v[i].chunk, 0 };

		chunk_of(loc.pack, loc.chunk, &e);
		if (e.kind != CASG_CHUNK_SEQ)
			continue;
		if (casg_fastachunks_want(files->f, &e.id, e.nmembers, &err))
			casg_die_err(&err);
		files->places[files->n++] = i;
		files->numbers[i] = (uint32_t)files->n;
		for (; loc.member < e.nmembers; loc.member++) {
			if (casg_store_info(work.store, casg_work_coder(&work), &loc, &info, &err))
				casg_die_err(&err);
			want_member(files, &loc, &info.id, 0, info.nbytes);
		}
	}
}

/* And as pieces of the long ones that this list puts together. */
static void want_pieces(struct files *files, const struct casg_loc *list)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_object o;
	uint64_t at = 0;

	if (casg_store_object(work.store, casg_work_coder(&work), list, &o, &err)) {
		/* pieces of it are in packs that come as a whole, and have not yet */
		if (err.code != CASG_EABSENT)
			casg_die_err(&err);
		return;
	}
	for (size_t i = 0; i < o.npieces; at += o.piece_nbytes[i], i++)
		if (casg_store_promised(work.store, o.pieces[i].pack))
			want_member(files, &o.pieces[i], &o.list_id, at, o.piece_nbytes[i]);
	casg_object_release(&o);
}

static void want_all_pieces(struct files *files)
{
	struct casg_idx_chunk e;

	for (uint32_t pack = 0; pack < casg_store_npacks(work.store); pack++)
		for (uint32_t i = 0; i < casg_store_idx(work.store, pack)->nchunks; i++) {
			struct casg_loc loc = { pack, i, 0 };

			chunk_of(pack, i, &e);
			for (; e.kind == CASG_CHUNK_LIST && loc.member < e.nmembers; loc.member++)
				want_pieces(files, &loc);
		}
}

static void is_local(size_t i)
{
	const struct casg_loc loc = { job.v[i].pack, job.v[i].chunk, 0 };
	struct casg_idx_chunk e;

	*note_of(&loc) = FROM_FILES;
	chunk_of(loc.pack, loc.chunk, &e);
	casg_chunkfetch_skip(job.fetch, i);
	job.nlocal++;
	job.local_nbytes += e.nbytes;
}

/* A chunk that files have, into a pack of its own kind: no storage has one like it. */
static int made(void *ctx, uint32_t chunk, const struct casg_buf *bytes, struct casg_err *err)
{
	const struct files *files = ctx;
	const struct place *at = &job.v[files->places[chunk]];
	struct casg_loc loc = { at->pack, at->chunk, 0 };
	struct casg_objinfo *infos;
	struct casg_idx_chunk e;
	int rc = 0;

	chunk_of(at->pack, at->chunk, &e);
	infos = calloc(e.nmembers, sizeof(*infos));
	if (!infos)
		return casg_err_nomem(err);
	for (; loc.member < e.nmembers && !rc; loc.member++)
		rc = casg_store_info(work.store, casg_work_coder(&work), &loc, &infos[loc.member], err);
	if (!rc)
		rc = casg_packw_room(work.packw, bytes->len, e.nmembers, err);
	if (!rc)
		rc = casg_packw_add(work.packw, bytes->data, bytes->len, &e.id, infos, err);
	free(infos);
	if (!rc)
		is_local(files->places[chunk]);
	return rc;
}

static void make_from_files(struct files *files)
{
	struct casg_err err = CASG_ERR_INIT;

	if (announce)
		casg_work_announce(&work, announce, UINT64_MAX);
	casg_work_packw(&work);
	if (casg_fastachunks_make(files->f, made, files, &err) ||
	    casg_packw_finish(work.packw, &err))
		casg_work_die(&work, &err);
}

static void use_files(void)
{
	const struct casg_fastachunks_opts o = {
		.paths = from.v, .npaths = from.n, .tmp_dir = work.repo.tmp_dir,
		.memory_nbytes = work.settings.memory / 2, .level = (int)work.settings.level,
	};
	struct casg_err err = CASG_ERR_INIT;
	struct files files = { .f = casg_fastachunks_new(&o, &err) };

	files.places = calloc(job.n + 1, sizeof(*files.places));
	files.numbers = calloc(job.n + 1, sizeof(*files.numbers));
	if (!files.f || !files.places || !files.numbers)
		casg_die("out of memory");
	want_from_files(&files);
	if (files.n)
		want_all_pieces(&files);
	if (casg_fastachunks_find(files.f, &err))
		casg_die_err(&err);
	for (uint32_t i = 0; dry_run && i < files.n; i++)
		if (casg_fastachunks_has(files.f, i))
			is_local(files.places[i]);
	if (!dry_run)
		make_from_files(&files);
	casg_fastachunks_free(files.f);
	free(files.places);
	free(files.numbers);
}

/* ---- all of them ---- */

static void tell(uint64_t nchunks, uint64_t nbytes, uint64_t nrequests)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_buf_addf(&b, json ? "{\"chunks\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"requests\": %" PRIu64 :
		      "%" PRIu64 " chunks, %" PRIu64 " bytes, %" PRIu64 " requests",
		      nchunks, nbytes, nrequests);
	if (from.n)
		casg_buf_addf(&b, json ? ", \"file_chunks\": %" PRIu64 ", \"file_bytes\": %" PRIu64 :
			      "; %" PRIu64 " chunks, %" PRIu64 " bytes from files",
			      job.nlocal, job.local_nbytes);
	casg_buf_addstr(&b, json ? "}\n" : "\n");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
}

static void fetch_wanted(void)
{
	size_t missing;

	fetch_all();
	missing = casg_chunkfetch_missing(job.fetch);
	if (missing)
		casg_die("%zu of %zu chunks could not be fetched", missing, job.n);
}

static void next_round(void)
{
	struct casg_loc *more = job.more;
	size_t n = job.nmore;

	job.more = NULL;
	job.nmore = job.cap_more = 0;
	casg_chunkfetch_reset(job.fetch);
	job.n = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t *note = note_of(&more[i]);

		/* what was made from files has no literals that others could use */
		if (!*note || *note == FROM_FILES)
			want_once(&more[i], note);
	}
	free(more);
}

/* What is asked for: chunks, and requests and bytes that it takes. */
struct plan {
	uint64_t nchunks, nrequests, nbytes;
};

static void add_plan(struct plan *p)
{
	struct casg_err err = CASG_ERR_INIT;
	uint64_t nrequests, nbytes;

	if (casg_chunkfetch_plan(job.fetch, &nrequests, &nbytes, &err))
		casg_die_err(&err);
	p->nchunks += casg_chunkfetch_missing(job.fetch);
	p->nrequests += nrequests;
	p->nbytes += nbytes;
}

/* Without having them: the beginning of a chunk says what it rests on. */
static void learn_needs(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_idx_chunk e;
	size_t n = job.n, nleft = 0;
	struct place *left = calloc(n + 1, sizeof(*left));

	if (!left)
		casg_die("out of memory");
	for (size_t i = 0; i < n; i++) {
		chunk_of(job.v[i].pack, job.v[i].chunk, &e);
		if (casg_layout_is_matched(e.layout) && !casg_chunkfetch_has_come(job.fetch, i))
			left[nleft++] = job.v[i];
	}
	casg_chunkfetch_reset(job.fetch);
	for (size_t i = 0; i < nleft; i++) {
		job.v[i] = left[i];
		chunk_of(left[i].pack, left[i].chunk, &e);
		if (casg_chunkfetch_add_needs(job.fetch, &casg_store_idx(work.store, left[i].pack)->pack_id,
					      &e, &err))
			casg_die_err(&err);
	}
	free(left);
	fetch_all();
	if (casg_chunkfetch_missing(job.fetch))
		casg_die("what %zu chunks rest on is not to be learnt", casg_chunkfetch_missing(job.fetch));
}

static void plan_records(void)
{
	struct plan plan = { 0, 0, 0 };

	add_plan(&plan);
	if (urls.n)
		learn_needs();
	while (job.nmore) {
		next_round();
		add_plan(&plan);
		learn_needs();
	}
	tell(plan.nchunks, plan.nbytes, plan.nrequests);
}

static void fetch_records(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct plan plan = { 0, 0, 0 };
	struct casg_buf dir = CASG_BUF_INIT;

	add_plan(&plan);
	if (into_cache) {
		const struct casg_diskcache_opts o = {
			.dir = casg_cli_cache_dir(&work.repo, &dir),
			.max_nbytes = work.settings.cache_size,
			.keep_free = work.settings.cache_keep_free,
		};

		if (casg_diskcache_open(&job.cache, &o, &err))
			casg_die_err(&err);
	}
	if (plan.nchunks && !urls.n)
		casg_die("%zu chunks are not here, and there is no storage to ask", (size_t)plan.nchunks);
	job.progress = casg_progress_start("fetching", quiet ? 0 : show_progress);
	fetch_wanted();
	/* what those that have come rest on is known only now */
	while (job.nmore) {
		next_round();
		add_plan(&plan);
		fetch_wanted();
	}
	casg_progress_stop(job.progress);
	casg_buf_release(&dir);
	tell(plan.nchunks, plan.nbytes, plan.nrequests);
}

static void run_records(void)
{
	if (all)
		want_all();
	else
		read_records();
	if (from.n && job.n)
		use_files();
	if (dry_run)
		plan_records();
	else
		fetch_records();
}

static int run(int argc, char **argv)
{
	const char *no;

	(void)argc;
	(void)argv;
	if ((json && !dry_run) || (batch && (dry_run || into_cache || nul_ends || from.n || all)) ||
	    (into_cache && (from.n || all)) || (all && nul_ends) || (announce && !from.n))
		casg_usage_die("these options do not go together");
	for (size_t i = 0; i < from.n; i++)
		if (!strcmp(from.v[i], "-"))
			casg_usage_die("standard input cannot be read twice: --from needs a file");
	if (batch || urls.n)
		casg_cli_remote_usage(&urls, jobs);
	/* this is who asks */
	if (!((no = getenv("CASG_NO_FETCH")) && !strcmp(no, "unchecked")) &&
	    setenv("CASG_NO_FETCH", "1", 1))
		casg_die("out of memory");
	casg_work_open_reader(&work, "1", NULL, (uint64_t)24 << 20);
	casg_cli_remote_init(&work.repo);
	open_fetch();
	if (batch)
		run_batch();
	else
		run_records();
	close_fetch();
	casg_work_close(&work);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-fetch-chunks", usage, opts, 0, 0, run };
