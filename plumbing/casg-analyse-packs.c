/* casg-analyse-packs - what of the packs could be smaller, and why */
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "blocks.h"
#include "buf.h"
#include "cli.h"
#include "cliversion.h"
#include "cliwork.h"
#include "reach.h"
#include "rfc3339.h"

static const char *before_arg, *memory;
static int nul_ends;

static const char *const usage[] = { "[-z] [--before=TIME] [--memory=SIZE] <BLOBS", NULL };

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "before", "TIME", &before_arg,
	  "also what only versions before TIME need" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "lines end with NUL, read and printed" },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;
static int64_t before;

/* An object of the packs; several with one id lie behind each other when sorted. */
struct object {
	uint64_t prefix;   /* of its id */
	uint32_t pack, number;
};

static struct object *objects;
static size_t nobjects, cap_objects;

struct version {
	struct casg_oid id;
	struct casg_version v;
	int is_previous;   /* of another one: not the newest */
};

static struct version *versions;
static size_t nversions, cap_versions;
static struct casg_oid *maps;
static size_t nmaps, cap_maps;

static struct {
	uint64_t packs, pack_bytes, index_bytes;
	uint64_t unneeded_packs, unneeded_bytes;
	uint64_t dead_objects, duplicates, old_objects, old_sequences;
	double dead_bytes, duplicate_bytes, old_bytes, old_sequence_bytes;
	uint64_t chunks, small_chunks;
	uint64_t read_bytes, wanted_residues;
} sums;

static void die(const struct casg_err *err)
{
	casg_out_flush();
	casg_die_err(err);
}

/* ---- versions ------------------------------------------------------------ */

static void add_version(void *ctx, struct casg_version *v, const struct casg_oid *id)
{
	(void)ctx;
	if (CASG_GROW(versions, nversions + 1, cap_versions))
		casg_die("out of memory");
	versions[nversions++] = (struct version){ .id = *id, .v = *v };
}

/* The map of a reduction profile: needed, and of no version. */
static void add_profile(void *ctx, const struct casg_profile *p)
{
	(void)ctx;
	if (CASG_GROW(maps, nmaps + 1, cap_maps))
		casg_die("out of memory");
	maps[nmaps++] = p->members;
}

static int by_id(const void *a, const void *b)
{
	return casg_oid_cmp(&((const struct version *)a)->id, &((const struct version *)b)->id);
}

static void note_previous(void)
{
	for (size_t i = 0; i < nversions; i++)
		for (size_t k = 0; k < versions[i].v.nprevious; k++) {
			struct version key = { .id = versions[i].v.previous[k] };
			struct version *p = bsearch(&key, versions, nversions, sizeof(*versions),
						    by_id);

			if (p)
				p->is_previous = 1;
		}
}

static void read_versions(void)
{
	casg_cli_each_version(&work.repo, 0, nul_ends ? '\0' : '\n', add_version, add_profile,
			      NULL);
	if (nversions)
		qsort(versions, nversions, sizeof(*versions), by_id);
	note_previous();
}

/* What the versions need; with 'recent' only those that are not before the time. */
static struct casg_marks *mark_versions(int recent)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_marks *m = casg_marks_new(work.store, casg_work_coder(&work), &err);
	struct casg_roots roots;

	if (!m)
		die(&err);
	casg_marks_everything(m);
	for (size_t i = 0; i < nversions; i++) {
		if (recent && versions[i].v.sequence_time < before)
			continue;
		casg_work_roots(&versions[i].v, &roots);
		if (casg_marks_add(m, &roots, &err))
			die(&err);
	}
	for (size_t i = 0; i < nmaps; i++)
		if (casg_marks_blob(m, &maps[i], &err))
			die(&err);
	if (casg_marks_finish(m, &err))
		die(&err);
	return m;
}

/* ---- objects ------------------------------------------------------------- */

static void read_chunk(uint32_t pack, uint32_t chunk, struct casg_idx_chunk *c)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_packidx_chunk(casg_store_idx(work.store, pack), chunk, c, &err)) {
		casg_err_prefix(&err, "index of '%s'", casg_store_pack_path(work.store, pack));
		die(&err);
	}
}

static int holds_objects(int kind)
{
	return kind == CASG_CHUNK_SEQ || kind == CASG_CHUNK_LIST || kind == CASG_CHUNK_BLOB ||
	       kind == CASG_CHUNK_ORDER;
}

static void list_chunk(uint32_t pack, uint32_t chunk, const struct casg_idx_chunk *c)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_objinfo info;

	if (CASG_GROW(objects, nobjects + c->nmembers, cap_objects))
		casg_die("out of memory");
	for (uint32_t i = 0; i < c->nmembers; i++) {
		const struct casg_loc loc = { pack, chunk, i };

		if (casg_store_info(work.store, casg_work_coder(&work), &loc, &info, &err))
			die(&err);
		objects[nobjects++] = (struct object){ casg_oid_prefix(&info.id), pack, c->first + i };
	}
}

/* Ours, and in use? */
static int is_counted(uint32_t pack)
{
	return !casg_store_quarantined(work.store, pack) && !casg_store_borrowed(work.store, pack);
}

static void list_pack(uint32_t pack, int needed)
{
	struct casg_packidx *x = casg_store_idx(work.store, pack);
	uint64_t index_bytes = (x->blocks.nblocks - 1) * CASG_BLOCK + x->blocks.last + CASG_BLOCK_SUM;
	struct casg_idx_chunk c;

	sums.packs++;
	sums.pack_bytes += x->pack_nbytes;
	sums.index_bytes += index_bytes;
	if (!needed) {
		sums.unneeded_packs++;
		sums.unneeded_bytes += x->pack_nbytes + index_bytes;
		return;
	}
	for (uint32_t i = 0; i < x->nchunks; i++) {
		read_chunk(pack, i, &c);
		sums.chunks += c.kind == CASG_CHUNK_SEQ;
		sums.small_chunks += c.kind == CASG_CHUNK_SEQ && c.nraw < work.settings.chunk_size / 4;
		if (holds_objects(c.kind))
			list_chunk(pack, i, &c);
	}
}

/* Does it hold sequences, and none that recent versions need? */
static int is_old(const struct casg_marks *recent, uint32_t pack)
{
	struct casg_packidx *x = casg_store_idx(work.store, pack);
	struct casg_idx_chunk c;
	int found = 0;

	for (uint32_t i = 0; i < x->nchunks; i++) {
		read_chunk(pack, i, &c);
		if (c.kind != CASG_CHUNK_SEQ && c.kind != CASG_CHUNK_LIST)
			continue;
		found |= c.kind == CASG_CHUNK_SEQ;
		for (uint32_t k = 0; k < c.nmembers; k++)
			if (casg_marks_has(recent, pack, c.first + k))
				return 0;
	}
	return found;
}

static void print_old_packs(const struct casg_marks *all, const struct casg_marks *recent)
{
	struct casg_buf b = CASG_BUF_INIT;

	for (uint32_t i = 0; i < casg_store_npacks(work.store); i++)
		if (is_counted(i) && casg_marks_needed(all, i) && is_old(recent, i)) {
			casg_buf_addstr(&b, "old-pack ");
			casg_oid_addhex(&b, &casg_store_idx(work.store, i)->pack_id);
			casg_buf_addch(&b, nul_ends ? '\0' : '\n');
		}
	if (b.failed)
		casg_die("out of memory");
	if (b.len)
		casg_out(b.data, b.len);
	casg_buf_release(&b);
}

static int by_prefix(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	if (x->pack != y->pack)
		return x->pack < y->pack ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Its id, the kind of its chunk, and its share of the bytes that this takes. */
static double weigh(const struct object *o, struct casg_oid *id, int *kind)
{
	struct casg_packidx *x = casg_store_idx(work.store, o->pack);
	struct casg_err err = CASG_ERR_INIT;
	struct casg_loc loc = { .pack = o->pack };
	struct casg_objinfo info;
	struct casg_idx_chunk c;

	if (casg_packidx_locate(x, o->number, &loc.chunk, &loc.member, &err) ||
	    casg_store_info(work.store, casg_work_coder(&work), &loc, &info, &err))
		die(&err);
	read_chunk(o->pack, loc.chunk, &c);
	*id = info.id;
	*kind = c.kind;
	/* of lists and orders the length is that of the whole */
	if (c.kind == CASG_CHUNK_LIST || c.kind == CASG_CHUNK_ORDER || !c.nraw)
		return (double)c.nbytes / c.nmembers;
	return (double)c.nbytes * (double)info.nbytes / c.nraw;
}

/* Objects first .. end have one prefix: one of each id that is needed counts. */
static void judge_prefix(const struct casg_marks *all, const struct casg_marks *recent,
			 const struct object *o, size_t count)
{
	struct casg_oid *id = calloc(count, sizeof(*id));
	double *weight = calloc(count, sizeof(*weight));
	int *kept = calloc(count, sizeof(*kept)), *kind = calloc(count, sizeof(*kind));

	if (!id || !weight || !kept || !kind)
		casg_die("out of memory");
	for (size_t i = 0; i < count; i++) {
		weight[i] = weigh(&o[i], &id[i], &kind[i]);
		kept[i] = casg_marks_has(all, o[i].pack, o[i].number);
	}
	for (size_t i = 0; i < count; i++) {
		int elsewhere = 0;

		for (size_t k = 0; k < count; k++)
			elsewhere |= k != i && kept[k] && casg_oid_eq(&id[k], &id[i]) && (!kept[i] || k < i);
		if (elsewhere) {
			sums.duplicates++;
			sums.duplicate_bytes += weight[i];
		} else if (!kept[i]) {
			sums.dead_objects++;
			sums.dead_bytes += weight[i];
		} else if (recent && !casg_marks_has(recent, o[i].pack, o[i].number)) {
			sums.old_objects++;
			sums.old_bytes += weight[i];
			if (kind[i] == CASG_CHUNK_SEQ) {
				sums.old_sequences++;
				sums.old_sequence_bytes += weight[i];
			}
		}
	}
	free(id);
	free(weight);
	free(kept);
	free(kind);
}

static void judge_objects(const struct casg_marks *all, const struct casg_marks *recent)
{
	size_t end;

	if (nobjects)
		qsort(objects, nobjects, sizeof(*objects), by_prefix);
	for (size_t i = 0; i < nobjects; i = end) {
		for (end = i + 1; end < nobjects && objects[end].prefix == objects[i].prefix;)
			end++;
		if (end - i > 1 || !casg_marks_has(all, objects[i].pack, objects[i].number) ||
		    (recent && !casg_marks_has(recent, objects[i].pack, objects[i].number)))
			judge_prefix(all, recent, objects + i, end - i);
	}
	free(objects);
}

/* ---- fragmentation ------------------------------------------------------- */

static int mark_chunk(void *ctx, uint32_t pack, uint32_t chunk, struct casg_err *err)
{
	uint8_t **seen = ctx;
	struct casg_idx_chunk c;

	if (!seen[pack])
		seen[pack] = calloc(casg_store_idx(work.store, pack)->nchunks + 1u, 1);
	if (!seen[pack])
		return casg_err_nomem(err);
	if (seen[pack][chunk])
		return 0;
	seen[pack][chunk] = 1;
	read_chunk(pack, chunk, &c);
	sums.read_bytes += c.kind == CASG_CHUNK_SEQ ? c.nraw : 0;
	return 0;
}

/* What has to be decoded for the newest versions, and what of it is theirs. */
static void judge_reading(void)
{
	uint32_t npacks = casg_store_npacks(work.store);

	for (size_t i = 0; i < nversions; i++) {
		uint8_t **seen = calloc(npacks + 1u, sizeof(*seen));
		struct casg_err err = CASG_ERR_INIT;
		struct casg_roots roots;

		if (!seen)
			casg_die("out of memory");
		casg_work_roots(&versions[i].v, &roots);
		if (!versions[i].is_previous && versions[i].v.kind == CASG_VERSION_DATABASE) {
			sums.wanted_residues += versions[i].v.residues;
			if (casg_reach_chunks(work.store, casg_work_coder(&work), &roots, mark_chunk,
					      seen, &err))
				die(&err);
		}
		for (uint32_t p = 0; p < npacks; p++)
			free(seen[p]);
		free(seen);
	}
}

/* ---- output -------------------------------------------------------------- */

static void print_number(const char *name, uint64_t v)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_buf_addf(&b, "%s %llu%c", name, (unsigned long long)v, nul_ends ? '\0' : '\n');
	if (b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
}

/* What a partial clone keeps of so many that are elsewhere (promisew.h). */
static uint64_t id_bytes(uint64_t nobjects)
{
	const struct casg_place start = { 0, 0 };

	return casg_place_blocks(casg_place_after(start, nobjects, CASG_OBJINFO_SZ)) * CASG_BLOCK;
}

static void print_all(void)
{
	print_number("versions", nversions);
	print_number("packs", sums.packs);
	print_number("pack-bytes", sums.pack_bytes);
	print_number("index-bytes", sums.index_bytes);
	print_number("unneeded-packs", sums.unneeded_packs);
	print_number("unneeded-bytes", sums.unneeded_bytes);
	print_number("dead-objects", sums.dead_objects);
	print_number("dead-bytes", (uint64_t)sums.dead_bytes);
	print_number("duplicate-objects", sums.duplicates);
	print_number("duplicate-bytes", (uint64_t)sums.duplicate_bytes);
	print_number("sequence-chunks", sums.chunks);
	print_number("small-chunks", sums.small_chunks);
	print_number("newest-residues", sums.wanted_residues);
	print_number("newest-decoded", sums.read_bytes);
	if (before_arg) {
		print_number("old-objects", sums.old_objects);
		print_number("old-bytes", (uint64_t)sums.old_bytes);
		print_number("old-sequences", sums.old_sequences);
		print_number("old-sequence-bytes", (uint64_t)sums.old_sequence_bytes);
		print_number("old-id-bytes", id_bytes(sums.old_sequences));
	}
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_marks *all, *recent = NULL;

	(void)argc;
	(void)argv;
	if (before_arg && casg_time_parse_user(before_arg, &before, &err))
		casg_usage_die("bad value '%s' of --before: %s", before_arg, err.msg);
	casg_work_open(&work, NULL, memory, (uint64_t)32 << 20);
	read_versions();
	all = mark_versions(0);
	if (before_arg)
		recent = mark_versions(1);
	for (uint32_t i = 0; i < casg_store_npacks(work.store); i++)
		if (is_counted(i))
			list_pack(i, casg_marks_needed(all, i));
	judge_objects(all, recent);
	judge_reading();
	print_all();
	if (recent)
		print_old_packs(all, recent);
	for (size_t i = 0; i < nversions; i++)
		casg_version_release(&versions[i].v);
	free(versions);
	free(maps);
	casg_marks_free(all);
	casg_marks_free(recent);
	casg_work_close(&work);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-analyse-packs", usage, opts, 0, 0, run };
