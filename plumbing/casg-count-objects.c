/* casg-count-objects - count what the packs of a repository hold */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "cli.h"
#include "cliwork.h"
#include "packwalk.h"

static int verbose, human;

static const char *const usage[] = { "[-v] [-H]", NULL };

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'v', "verbose", NULL, &verbose, "a line for each number" },
	{ CASG_OPT_FLAG, 'H', "human-readable", NULL, &human, "sizes in bytes, KiB, MiB, ..." },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;

struct counts {
	uint64_t npacks, nchunks;
	uint64_t members[CASG_CHUNK_KIND_MAX + 1];
	uint64_t raw[CASG_CHUNK_KIND_MAX + 1];
	uint64_t size_packs, size_indexes, size_caches;
	uint64_t nquarantined, size_quarantine;
	uint64_t ngarbage, size_garbage;
};

static uint64_t file_size(const char *dir, const char *name)
{
	char path[4096];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path) ||
	    lstat(path, &st) || !S_ISREG(st.st_mode))
		return 0;
	return (uint64_t)st.st_size;
}

typedef void entry_fn(struct counts *n, const char *dir, const char *name);

/* Each name in a folder, which may be missing when it can be rebuilt. */
static void each_entry(struct counts *n, const char *dir, entry_fn *fn)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d && errno == ENOENT)
		return;
	if (!d)
		casg_die("cannot open '%s': %s", dir, strerror(errno));
	while ((errno = 0, e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			fn(n, dir, e->d_name);
	if (errno)
		casg_die("cannot read '%s': %s", dir, strerror(errno));
	closedir(d);
}

static void garbage(struct counts *n, const char *dir, const char *name)
{
	n->ngarbage++;
	n->size_garbage += file_size(dir, name);
	if (verbose)
		casg_warn("garbage found: %s/%s", dir, name);
}

static int ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

static void pack_entry(struct counts *n, const char *dir, const char *name)
{
	struct casg_oid id;
	uint32_t pack;

	if (!casg_packwalk_name(name, &id) ||
	    !casg_store_find_pack(work.store, &id, &pack) ||
	    casg_store_quarantined(work.store, pack))
		garbage(n, dir, name);
	else if (ends_in(name, ".pack"))
		n->size_packs += file_size(dir, name);
	else
		n->size_indexes += file_size(dir, name);
}

static void quarantine_entry(struct counts *n, const char *dir, const char *name)
{
	n->nquarantined += (uint64_t)ends_in(name, ".pack");
	n->size_quarantine += file_size(dir, name);
}

/* Caches: files of index/, and what is in its folders. */
static void cache_entry(struct counts *n, const char *dir, const char *name)
{
	char path[4096];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path) ||
	    lstat(path, &st))
		return;
	if (S_ISDIR(st.st_mode))
		each_entry(n, path, cache_entry);
	else
		n->size_caches += (uint64_t)st.st_size;
}

static void count_packs(struct counts *n)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_idx_chunk c;

	for (uint32_t p = 0; p < casg_store_npacks(work.store); p++) {
		struct casg_packidx *x = casg_store_idx(work.store, p);

		if (casg_store_quarantined(work.store, p) || casg_store_borrowed(work.store, p))
			continue;
		n->npacks++;
		n->nchunks += x->nchunks;
		for (uint32_t i = 0; i < x->nchunks; i++) {
			int rc = casg_packidx_chunk(x, i, &c, &err);

			if (!rc && (c.kind < CASG_CHUNK_SEQ || c.kind > CASG_CHUNK_KIND_MAX))
				rc = casg_err_set(&err, CASG_EUNSUPPORTED,
						  "unsupported chunk kind %d", c.kind);
			if (rc) {
				casg_err_prefix(&err, "index of '%s'",
						casg_store_pack_path(work.store, p));
				casg_die_err(&err);
			}
			n->members[c.kind] += c.nmembers;
			n->raw[c.kind] += c.nraw;
		}
	}
}

/* KiB as Git prints them, or with -H two decimals and the unit. */
static void add_size(struct casg_buf *b, uint64_t nbytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	int u = 0;
	uint64_t whole = nbytes, rest = 0;

	if (!human) {
		casg_buf_add_u64(b, nbytes / 1024);
		return;
	}
	while (whole >= 1024 && u < 4) {
		rest = whole % 1024;
		whole /= 1024;
		u++;
	}
	if (!u)
		casg_buf_addf(b, "%llu bytes", (unsigned long long)nbytes);
	else
		casg_buf_addf(b, "%llu.%02llu %s", (unsigned long long)whole,
			      (unsigned long long)(rest * 100 / 1024), units[u]);
}

static void add_line(struct casg_buf *b, const char *name, uint64_t v)
{
	casg_buf_addf(b, "%s: %llu\n", name, (unsigned long long)v);
}

static void add_size_line(struct casg_buf *b, const char *name, uint64_t nbytes)
{
	casg_buf_addf(b, "%s: ", name);
	add_size(b, nbytes);
	casg_buf_addch(b, '\n');
}

static void add_all(struct casg_buf *b, const struct counts *n)
{
	add_line(b, "packs", n->npacks);
	add_line(b, "chunks", n->nchunks);
	add_line(b, "sequences", n->members[CASG_CHUNK_SEQ]);
	add_line(b, "residues", n->raw[CASG_CHUNK_SEQ]);
	add_line(b, "lists", n->members[CASG_CHUNK_LIST]);
	add_line(b, "nodes", n->members[CASG_CHUNK_NODE]);
	add_line(b, "blobs", n->members[CASG_CHUNK_BLOB]);
	add_line(b, "orders", n->members[CASG_CHUNK_ORDER]);
	add_line(b, "refs", n->members[CASG_CHUNK_REFS]);
	add_size_line(b, "size-packs", n->size_packs);
	add_size_line(b, "size-indexes", n->size_indexes);
	add_size_line(b, "size-caches", n->size_caches);
	add_line(b, "quarantined", n->nquarantined);
	add_size_line(b, "size-quarantine", n->size_quarantine);
	add_line(b, "garbage", n->ngarbage);
	add_size_line(b, "size-garbage", n->size_garbage);
}

static int run(int argc, char **argv)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct counts n = { 0 };

	(void)argc;
	(void)argv;
	casg_work_open_quick(&work, 0);
	count_packs(&n);
	each_entry(&n, work.repo.packs_dir, pack_entry);
	each_entry(&n, work.repo.quarantine_dir, quarantine_entry);
	each_entry(&n, work.repo.tmp_dir, garbage);
	each_entry(&n, work.repo.index_dir, cache_entry);
	if (verbose) {
		add_all(&b, &n);
	} else {
		casg_buf_addf(&b, "%llu objects, ",
			      (unsigned long long)(n.members[CASG_CHUNK_SEQ] +
						   n.members[CASG_CHUNK_LIST] +
						   n.members[CASG_CHUNK_NODE] +
						   n.members[CASG_CHUNK_BLOB] +
						   n.members[CASG_CHUNK_ORDER]));
		add_size(&b, n.size_packs + n.size_indexes);
		casg_buf_addstr(&b, human ? "\n" : " kilobytes\n");
	}
	if (b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
	casg_work_close(&work);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-count-objects", usage, opts, 0, 0, run };
