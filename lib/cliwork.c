#include "cliwork.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "cli.h"
#include "clirepo.h"
#include "clisettings.h"
#include "io.h"
#include "map.h"
#include "reads.h"

static struct casg_packw *doomed; /* what a signal must undo */

static void on_signal(int sig)
{
	if (doomed)
		casg_packw_abandon(doomed);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void open_rest(struct casg_work *w, int nthreads, uint64_t cache_nbytes,
		      const char *index_dir, int lenient)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_store_opts o = {
		.packs_dir = w->repo.packs_dir,
		.quarantine_dir = w->repo.quarantine_dir,
		.lenders = w->repo.lenders,
		.nlenders = w->repo.nlenders,
		.index_dir = index_dir,
		.tmp_dir = w->repo.tmp_dir,
		.cache_nbytes = cache_nbytes,
		.lenient = lenient,
	};

	casg_heap_large_pages(w->has_settings ? w->settings.memory : (uint64_t)64 << 20);
	w->pool = casg_workers_new(nthreads, &err);
	if (!w->pool)
		casg_die_err(&err);
	w->ncoders = casg_workers_count(w->pool);
	w->coders = calloc((size_t)w->ncoders, sizeof(*w->coders));
	for (int i = 0; w->coders && i < w->ncoders; i++)
		if (!(w->coders[i] = casg_coder_new()))
			casg_die("out of memory");
	if (!w->coders)
		casg_die("out of memory");
	w->promise = casg_cli_promise_open(&w->repo, 1);
	o.promised = casg_cli_promise_packs(w->promise);
	if (casg_store_open(&w->store, &o, &err))
		casg_die_err(&err);
}

static void find_settings(struct casg_work *w, const char *threads, const char *memory)
{
	memset(w, 0, sizeof(*w));
	casg_cli_repo(&w->repo);
	casg_cli_settings(&w->repo, &w->settings);
	w->has_settings = 1;
	casg_cli_setting(&w->settings, "casg.threads", "--threads", threads);
	casg_cli_setting(&w->settings, "casg.memory", "--memory", memory);
}

void casg_work_open(struct casg_work *w, const char *threads, const char *memory,
		    uint64_t cache_nbytes)
{
	find_settings(w, threads, memory);
	open_rest(w, (int)w->settings.threads, cache_nbytes, w->repo.index_dir, 0);
}

void casg_work_open_reader(struct casg_work *w, const char *threads, const char *memory,
			   uint64_t cache_nbytes)
{
	find_settings(w, threads, memory);
	open_rest(w, (int)w->settings.threads, cache_nbytes, w->repo.index_dir, 1);
}

void casg_work_open_fresh(struct casg_work *w, const char *threads, const char *memory,
			  uint64_t cache_nbytes)
{
	find_settings(w, threads, memory);
	open_rest(w, (int)w->settings.threads, cache_nbytes, NULL, 0);
}

static void open_quick(struct casg_work *w, uint64_t cache_nbytes, int lenient)
{
	memset(w, 0, sizeof(*w));
	casg_cli_repo(&w->repo);
	casg_settings_init(&w->settings);
	open_rest(w, 1, cache_nbytes, w->repo.index_dir, lenient);
}

void casg_work_open_quick(struct casg_work *w, uint64_t cache_nbytes)
{
	open_quick(w, cache_nbytes, 0);
}

void casg_work_open_quick_reader(struct casg_work *w, uint64_t cache_nbytes)
{
	open_quick(w, cache_nbytes, 1);
}

void casg_work_announce(struct casg_work *w, const char *path, uint64_t most_nbytes)
{
	w->announce_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (w->announce_fd < 0)
		casg_die("cannot open '%s': %s", path, strerror(errno));
	w->announce_path = path;
	w->most_nbytes = most_nbytes;
}

/* The packs that were told of, as far as they are here still. */
static uint64_t sum_announced(struct casg_work *w)
{
	uint64_t sum = 0;
	struct stat st;

	for (size_t i = 0; i < w->nannounced; i++)
		if (!stat(casg_store_pack_path(w->store, w->announced[i]), &st))
			sum += (uint64_t)st.st_size;
	return sum;
}

static int await_room(struct casg_work *w, struct casg_err *err)
{
	const struct timespec turn = { 0, 50000000 };

	while (sum_announced(w) > w->most_nbytes) {
		if (access(w->announce_path, F_OK))
			return casg_err_set(err, CASG_EIO, "finished packs stay here, and there is no room for more");
		nanosleep(&turn, NULL);
	}
	return 0;
}

/* One write: who reads meanwhile sees whole lines. */
static int announce(struct casg_work *w, const struct casg_oid *id, struct casg_err *err)
{
	char line[CASG_OID_HEXSZ + 2];
	uint32_t pack;
	int rc;

	casg_oid_hex(id, line);
	line[CASG_OID_HEXSZ] = '\n';
	rc = casg_write_full(w->announce_fd, line, CASG_OID_HEXSZ + 1, err);
	if (rc || !casg_store_find_pack(w->store, id, &pack) ||
	    !casg_packidx_has_kind(casg_store_idx(w->store, pack), CASG_CHUNK_SEQ))
		return rc;
	if (CASG_GROW(w->announced, w->nannounced + 1, w->cap_announced))
		return casg_err_nomem(err);
	w->announced[w->nannounced++] = pack;
	return await_room(w, err);
}

static int finished(void *ctx, const struct casg_oid *id, struct casg_err *err)
{
	struct casg_work *w = ctx;
	int rc = w->announce_fd ? announce(w, id, err) : 0;

	return rc || !w->finished ? rc : w->finished(w->finished_ctx, id, err);
}

static void make_packw(struct casg_work *w, struct casg_store *store, const char *packs_dir,
		       const char *ids_dir)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_packw_opts o = {
		.packs_dir = packs_dir,
		.tmp_dir = w->repo.tmp_dir,
		.ids_dir = ids_dir,
		.pack_nbytes = w->settings.pack_size,
		/* what is kept of each until the pack is finished */
		.max_objects = w->settings.memory / 400 < CASG_PACK_OBJECTS_MAX ?
			       (uint32_t)(w->settings.memory / 400) : CASG_PACK_OBJECTS_MAX,
	};

	o.finished = finished;
	o.finished_ctx = w;
	if (casg_repo_mkdirs(&w->repo, &err))
		casg_die_err(&err);
	w->packw = casg_packw_new(store, &o, &err);
	if (!w->packw)
		casg_die_err(&err);
	casg_store_revive(store);
	doomed = w->packw;
	casg_catch_signals(on_signal);
}

void casg_work_packw(struct casg_work *w)
{
	make_packw(w, w->store, w->repo.packs_dir, w->repo.index_dir);
}

void casg_work_packw_apart(struct casg_work *w, const char *dir, int go_on)
{
	struct casg_store_opts o = {
		.packs_dir = dir ? dir : w->repo.packs_dir,
		.tmp_dir = w->repo.tmp_dir,
		.cache_nbytes = (uint64_t)16 << 20,
		.empty = !go_on,
	};
	struct casg_err err = CASG_ERR_INIT;

	if (casg_store_open(&w->store_apart, &o, &err))
		casg_die_err(&err);
	make_packw(w, w->store_apart, o.packs_dir, NULL);
}

struct casg_packer *casg_work_packer(struct casg_work *w, casg_packer_sink *sink, void *ctx)
{
	const uint64_t most = (uint64_t)48 << 20;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_packer_opts o = {
		.level = (int)w->settings.level,
		.chunk_nbytes = w->settings.chunk_size,
		.pack_nbytes = w->settings.pack_size,
		.max_cost = (unsigned int)w->settings.chunk.max_cost,
		.match = (unsigned int)w->settings.match,
		/* two batches, what they compress to, and the tables beside them */
		.batch_nbytes = w->settings.memory / 9 < most ? w->settings.memory / 9 : most,
	};
	struct casg_packer *p = casg_packer_new(w->store, w->packw, w->pool, w->coders, &o,
						sink, ctx, &err);

	if (!p)
		casg_die_err(&err);
	return p;
}

void casg_work_reopen_store(struct casg_work *w)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_store_rescan(w->store, &err))
		casg_die_err(&err);
}

void casg_work_version(struct casg_work *w, const char *spec,
		       struct casg_version *out, struct casg_roots *roots_out)
{
	casg_cli_resolve(&w->repo, spec, out, NULL);
	casg_work_roots(out, roots_out);
}

void casg_work_version_file(const char *path, struct casg_version *out,
			    struct casg_roots *roots_out)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf text = CASG_BUF_INIT;

	casg_cli_slurp(path, CASG_VERSION_MAX_BYTES, &text);
	if (casg_version_decode(out, text.data, text.len, &err)) {
		casg_err_prefix(&err, "'%s'", path);
		casg_die_err(&err);
	}
	casg_work_roots(out, roots_out);
	casg_buf_release(&text);
}

void casg_work_roots(const struct casg_version *v, struct casg_roots *roots_out)
{
	roots_out->records = v->records;
	roots_out->order = v->order;
	roots_out->presentation = v->presentation;
	roots_out->has_withdrawn = v->has_withdrawn;
	roots_out->withdrawn = v->withdrawn;
	roots_out->count = v->count;
}

static void add_root(struct casg_buf *out, const char *name, const struct casg_oid *id)
{
	casg_buf_addf(out, "%s ", name);
	casg_oid_addhex(out, id);
	casg_buf_addch(out, '\n');
}

void casg_work_format_roots(const struct casg_roots *roots, uint64_t nresidues,
			    struct casg_buf *out)
{
	add_root(out, "records", &roots->records);
	add_root(out, "order", &roots->order);
	add_root(out, "presentation", &roots->presentation);
	if (roots->has_withdrawn)
		add_root(out, "withdrawn", &roots->withdrawn);
	casg_buf_addf(out, "count %" PRIu64 "\nresidues %" PRIu64 "\n", roots->count, nresidues);
}

void casg_work_count_reads(struct casg_work *w)
{
	w->counts_reads = 1;
}

const char *casg_work_reads_path(const struct casg_work *w, struct casg_buf *out)
{
	casg_buf_reset(out);
	casg_buf_addf(out, "%s/reads", w->repo.state_dir);
	return casg_buf_cstr(out);
}

/* After the answer; whatever happens here is nobody's trouble. */
static void count_reads(struct casg_work *w)
{
	struct casg_oid *ids = NULL;
	struct casg_idx_chunk c;
	struct casg_buf path = CASG_BUF_INIT;
	size_t n = 0, cap = 0;

	for (uint32_t p = 0; p < casg_store_npacks(w->store); p++) {
		struct casg_packidx *x;

		if (!casg_store_was_opened(w->store, p))
			continue;
		x = casg_store_idx(w->store, p);
		for (uint32_t i = 0; i < x->nchunks; i++) {
			if (!casg_store_was_read(w->store, p, i) ||
			    casg_packidx_chunk(x, i, &c, NULL) || c.kind != CASG_CHUNK_SEQ)
				continue;
			if (CASG_GROW(ids, n + 1, cap))
				break;
			ids[n++] = c.id;
		}
	}
	if (n && (w->has_settings ? (int)w->settings.count_reads
				  : casg_cli_counts_reads(&w->repo)))
		casg_reads_add(casg_work_reads_path(w, &path), ids, n);
	casg_buf_release(&path);
	free(ids);
}

void casg_work_close(struct casg_work *w)
{
	if (w->counts_reads)
		count_reads(w);
	doomed = NULL;
	casg_packw_free(w->packw);
	free(w->announced);
	casg_store_close(w->store_apart);
	casg_store_close(w->store);
	casg_cli_promise_close(w->promise);
	for (int i = 0; i < w->ncoders; i++)
		casg_coder_free(w->coders[i]);
	free(w->coders);
	casg_workers_free(w->pool);
	casg_repo_release(&w->repo);
}

struct casg_coder *casg_work_coder(struct casg_work *w)
{
	return w->coders[w->ncoders - 1];
}

void casg_work_die(struct casg_work *w, const struct casg_err *err)
{
	if (w->packw)
		casg_packw_abandon(w->packw);
	casg_die_err(err);
}

void casg_work_list_packs(struct casg_work *w, struct casg_buf *out)
{
	for (uint32_t i = 0; i < casg_packw_npacks(w->packw); i++) {
		int ours;
		const struct casg_oid *id = casg_packw_pack(w->packw, i, &ours);

		if (!ours)
			continue;
		casg_buf_addstr(out, "pack ");
		casg_oid_addhex(out, id);
		casg_buf_addch(out, '\n');
	}
}
