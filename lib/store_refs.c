#include "store_in.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "array.h"
#include "endian.h"
#include "io.h"
#include "orderdelta.h"
#include "tmpfile.h"

#define SCRATCH_FILE_MIN 4096 /* bytes; up to that, scratch is memory */

/* ---- references -------------------------------------------------------- */

/* The lines of one chunk of references, the count of members behind *base. */
static int read_refs(const struct casg_chunk *ch, struct ref_entry *v, uint64_t *base)
{
	for (uint32_t i = 0; i < ch->nmembers; i++) {
		const uint8_t *m = ch->data + ch->offset[i];

		if (casg_chunk_len(ch, i) != CASG_REF_SZ)
			return -1;
		memcpy(v[i].id.b, m, CASG_OID_RAWSZ);
		v[i].nmembers = casg_get_le32(m + CASG_OID_RAWSZ);
		v[i].base = *base;
		*base += v[i].nmembers;
	}
	return 0;
}

struct refs {
	struct ref_entry *v;
	size_t n, cap;
	uint64_t *base; /* of each chunk of references, and behind the last */
};

static int read_sections(struct casg_store *s, struct casg_coder *c, uint32_t pack,
			 struct refs *r, struct casg_err *err)
{
	struct casg_packidx *x = &s->packs[pack].x;
	uint64_t base = 0;
	int rc = 0;

	r->base = calloc((size_t)x->nrefs + 1, sizeof(*r->base));
	if (!r->base)
		return casg_err_nomem(err);
	for (uint32_t k = 0; k < x->nrefs && !rc; k++) {
		struct casg_chunk *ch = NULL;

		r->base[k] = base;
		rc = casg_store_load(s, c, pack, x->refs[k], &ch, err);
		if (!rc && CASG_GROW(r->v, r->n + ch->nmembers, r->cap))
			rc = casg_err_nomem(err);
		if (!rc) {
			memset(r->v + r->n, 0, ch->nmembers * sizeof(*r->v));
			if (read_refs(ch, r->v + r->n, &base))
				rc = casg_err_set(err, CASG_ECORRUPT,
						  "pack '%s': malformed references",
						  s->packs[pack].path);
			r->n += ch->nmembers;
		}
		casg_chunk_free(ch);
	}
	r->base[x->nrefs] = base;
	return rc;
}

static int load_refs(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		     struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	struct refs r = { NULL, 0, 0, NULL };
	int rc;

	if (__atomic_load_n(&p->refs_loaded, __ATOMIC_ACQUIRE))
		return 0;
	if (!p->x.nrefs)
		return casg_err_set(err, CASG_ECORRUPT, "pack '%s' has no references",
				    p->path);
	rc = read_sections(s, c, pack, &r, err);
	pthread_mutex_lock(&s->lock);
	if (!rc && !p->refs_loaded) {
		p->refs = r.v;
		p->nrefs = r.n;
		p->refs_base = r.base;
		__atomic_store_n(&p->refs_loaded, 1, __ATOMIC_RELEASE);
		r.v = NULL;
		r.base = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	free(r.v);
	free(r.base);
	return rc;
}

int casg_store_section(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		       uint32_t chunk, struct casg_section *out, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	uint32_t k = 0;
	int rc;

	while (k < p->x.nrefs && p->x.refs[k] < chunk)
		k++;
	/* where there is but one, casg_store_ref finds what is out of range */
	*out = k && k == p->x.nrefs ? CASG_SECTION_NONE : CASG_SECTION_ANY;
	if (p->x.nrefs < 2 || k == p->x.nrefs)
		return 0;
	rc = load_refs(s, c, pack, err);
	if (!rc)
		*out = (struct casg_section){ p->refs_base[k],
					      p->refs_base[k + 1] - p->refs_base[k] };
	return rc;
}

static int resolve_entry(struct casg_store *s, struct ref_entry *r, struct casg_err *err)
{
	struct casg_idx_chunk e;
	uint32_t pack, chunk;
	char hex[CASG_OID_HEXSZ + 1];
	int rc = casg_store_find_chunk(s, &r->id, &pack, &chunk, err);

	if (rc < 0)
		return rc;
	if (!rc)
		return casg_err_set(err, CASG_EABSENT, "chunk %s is in no pack here",
				    casg_oid_hex(&r->id, hex));
	rc = casg_packidx_chunk(&s->packs[pack].x, chunk, &e, err);
	if (rc)
		return rc;
	if (e.nmembers != r->nmembers)
		return casg_err_set(err, CASG_ECORRUPT,
				    "chunk %s has %u members where %u are referred to",
				    casg_oid_hex(&r->id, hex), e.nmembers, r->nmembers);
	__atomic_store_n(&r->place, ((uint64_t)pack + 1) << 32 | chunk, __ATOMIC_RELAXED);
	return 0;
}

int casg_store_ref(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		   uint64_t ref, struct casg_loc *loc_out, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	size_t lo = 0, hi;
	struct ref_entry *r;
	uint64_t place;
	int rc = load_refs(s, c, pack, err);

	if (rc)
		return rc;
	hi = p->nrefs;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->refs[mid].base <= ref)
			lo = mid + 1;
		else
			hi = mid;
	}
	r = lo ? &p->refs[lo - 1] : NULL;
	if (!r || ref - r->base >= r->nmembers)
		return casg_err_set(err, CASG_ECORRUPT,
				    "pack '%s': a reference is out of range", p->path);
	place = __atomic_load_n(&r->place, __ATOMIC_RELAXED);
	if (!place) {
		rc = resolve_entry(s, r, err);
		if (rc)
			return casg_err_prefix(err, "pack '%s'", p->path);
		place = __atomic_load_n(&r->place, __ATOMIC_RELAXED);
	}
	loc_out->pack = (uint32_t)(place >> 32) - 1;
	loc_out->chunk = (uint32_t)place;
	loc_out->member = (uint32_t)(ref - r->base);
	return 0;
}

int casg_store_refs(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		    struct casg_oid **ids_out, size_t *n_out, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	int rc;

	*ids_out = NULL;
	*n_out = 0;
	if (!p->x.nrefs)
		return 0;
	rc = load_refs(s, c, pack, err);
	if (rc)
		return rc;
	*ids_out = malloc(p->nrefs * sizeof(**ids_out) + 1);
	if (!*ids_out)
		return casg_err_nomem(err);
	for (size_t i = 0; i < p->nrefs; i++)
		(*ids_out)[i] = p->refs[i].id;
	*n_out = p->nrefs;
	return 0;
}

/* ---- ids --------------------------------------------------------------- */

static int use_scratch_fd(struct pack *p, int fd, struct casg_err *err)
{
	static const uint8_t not_mapped;

	p->have = calloc(p->x.nchunks + 1, 1);
	if (!p->have) {
		close(fd);
		return casg_err_nomem(err);
	}
	p->scratch_fd = fd;
	__atomic_store_n(&p->scratch, (uint8_t *)(uintptr_t)&not_mapped, __ATOMIC_RELEASE);
	return 0;
}

/* Scratch is a nameless file where there is a folder for it and it is of some size, else memory. */
static int make_scratch(struct casg_store *s, struct pack *p, struct casg_err *err)
{
	size_t n = (size_t)p->x.nobjects * CASG_OBJINFO_SZ;
	int fd = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *m;

	if (p->scratch)
		return 0;
	if (s->opts.tmp_dir && n > SCRATCH_FILE_MIN) {
		fd = casg_tmpfile_scratch(s->opts.tmp_dir, NULL);
		/* in full: a hole that the disk cannot fill is a SIGBUS later */
		if (fd >= 0 && !posix_fallocate(fd, 0, (off_t)n))
			flags = MAP_SHARED;
	}
	if (flags == MAP_SHARED && (s->ids_mapped + n > CASG_IDS_MAPPED_MAX ||
				    s->ids_mapped + n > s->opts.cache_nbytes))
		return use_scratch_fd(p, fd, err);
	s->ids_mapped += n;
	m = mmap(NULL, n ? n : 1, PROT_READ | PROT_WRITE, flags,
		 flags == MAP_SHARED ? fd : -1, 0);
	if (fd >= 0)
		close(fd);
	p->have = calloc(p->x.nchunks + 1, 1);
	if (m == MAP_FAILED || !p->have) {
		if (m != MAP_FAILED)
			munmap(m, n ? n : 1);
		free(p->have);
		p->have = NULL;
		return casg_err_nomem(err);
	}
	p->scratch_nbytes = n ? n : 1;
	__atomic_store_n(&p->scratch, m, __ATOMIC_RELEASE);
	return 0;
}

static void put_info(uint8_t *entries, uint32_t i, const struct casg_oid *id, uint64_t nbytes)
{
	uint8_t *e = entries + (size_t)i * CASG_OBJINFO_SZ;

	memcpy(e, id->b, CASG_OID_RAWSZ);
	casg_put_le64(e + CASG_OID_RAWSZ, nbytes);
}

static void get_info(struct casg_objinfo *out, const uint8_t *e)
{
	memcpy(out->id.b, e, CASG_OID_RAWSZ);
	out->nbytes = casg_get_le64(e + CASG_OID_RAWSZ);
}

/* The entries of the members of a chunk. */
static int list_infos(uint8_t *entries, const struct casg_chunk *ch, struct casg_err *err)
{
	struct casg_list l = { 0 };
	struct casg_orderdelta d;
	int rc = 0;

	for (uint32_t i = 0; i < ch->nmembers && !rc; i++) {
		const uint8_t *m = ch->data + ch->offset[i];
		size_t n = (size_t)casg_chunk_len(ch, i);

		if (ch->kind == CASG_CHUNK_LIST) {
			rc = casg_list_decode(&l, m, n, err);
			if (!rc)
				put_info(entries, i, &l.id, l.nbytes);
		} else if (ch->kind == CASG_CHUNK_ORDER) {
			rc = casg_orderdelta_decode(&d, m, n, err);
			if (!rc)
				put_info(entries, i, &d.id, d.nbytes);
		} else {
			put_info(entries, i, &ch->oids[i], n);
		}
	}
	casg_list_release(&l);
	return rc;
}

static int put_infos(struct pack *p, const struct casg_chunk *ch, uint32_t first,
		     struct casg_err *err)
{
	size_t n = (size_t)ch->nmembers * CASG_OBJINFO_SZ;
	uint64_t at = (uint64_t)first * CASG_OBJINFO_SZ;
	uint8_t *entries;
	int rc;

	if (p->scratch_fd < 0)
		return list_infos(p->scratch + at, ch, err);
	entries = malloc(n + 1);
	if (!entries)
		return casg_err_nomem(err);
	rc = list_infos(entries, ch, err);
	if (!rc)
		rc = casg_pwrite_full(p->scratch_fd, entries, n, at, err);
	free(entries);
	return rc;
}

static int scratch_info(struct pack *p, uint32_t object, struct casg_objinfo *out,
			struct casg_err *err)
{
	uint64_t at = (uint64_t)object * CASG_OBJINFO_SZ;
	uint8_t e[CASG_OBJINFO_SZ];
	size_t got;
	int rc;

	if (p->scratch_fd < 0) {
		get_info(out, p->scratch + at);
		return 0;
	}
	rc = casg_pread_full(p->scratch_fd, e, sizeof(e), at, &got, err);
	if (!rc && got < sizeof(e))
		rc = casg_err_set(err, CASG_EIO, "a scratch file is cut short");
	if (!rc)
		get_info(out, e);
	return rc;
}

static int fill_scratch(struct casg_store *s, struct casg_coder *c, uint32_t pack,
			uint32_t chunk, uint32_t first, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	const struct casg_chunk *ch;
	int rc = casg_store_get(s, c, pack, chunk, &ch, err);

	if (rc)
		return rc;
	if ((uint64_t)first + ch->nmembers > p->x.nobjects) {
		casg_store_put(s, ch);
		return casg_err_set(err, CASG_ECORRUPT,
				    "index of '%s' counts too few objects", p->path);
	}
	/* once: another thread may be reading it already */
	pthread_mutex_lock(&s->lock);
	if (!p->have[chunk]) {
		rc = put_infos(p, ch, first, err);
		if (!rc)
			__atomic_store_n(&p->have[chunk], 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&s->lock);
	casg_store_put(s, ch);
	return rc;
}

void casg_store_tell_infos(struct casg_store *s, uint32_t pack, uint32_t chunk,
			   const struct casg_oid *chunk_id, const struct casg_objinfo *infos,
			   uint32_t n)
{
	struct pack *p = &s->packs[pack];
	size_t nbytes = (size_t)n * CASG_OBJINFO_SZ;
	struct casg_idx_chunk x;
	uint8_t *entries;
	uint64_t at;

	if (p->has_ids_file || casg_packidx_chunk(&p->x, chunk, &x, NULL) ||
	    !casg_oid_eq(&x.id, chunk_id) || x.nmembers != n ||
	    (uint64_t)x.first + n > p->x.nobjects)
		return;
	entries = malloc(nbytes + 1);
	if (!entries)
		return;
	for (uint32_t i = 0; i < n; i++)
		put_info(entries, i, &infos[i].id, infos[i].nbytes);
	at = (uint64_t)x.first * CASG_OBJINFO_SZ;
	pthread_mutex_lock(&s->lock);
	if (!make_scratch(s, p, NULL) && !p->have[chunk]) {
		if (p->scratch_fd < 0)
			memcpy(p->scratch + at, entries, nbytes);
		if (p->scratch_fd < 0 || !casg_pwrite_full(p->scratch_fd, entries, nbytes, at, NULL))
			__atomic_store_n(&p->have[chunk], 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&s->lock);
	free(entries);
}

/* The block becomes that one; 0, or -1 if it is not sound. */
static int read_ids_block(struct casg_store *s, uint32_t pack, uint64_t number,
			  struct ids_block *b)
{
	size_t got;

	if (b->pack == pack && b->number == number)
		return 0;
	b->pack = UINT32_MAX;
	if (casg_pread_full(s->packs[pack].ids_fd, b->bytes, sizeof(b->bytes),
			    number * CASG_BLOCK, &got, NULL) ||
	    got < sizeof(b->bytes) || casg_block_check(b->bytes, number))
		return -1;
	b->pack = pack;
	b->number = number;
	return 0;
}

/* From a .objects file that is not mapped. */
static int info_read(struct casg_store *s, uint32_t pack, uint32_t object,
		     struct casg_objinfo *out)
{
	struct casg_place at = casg_place_of((struct casg_place){ 0, 0 }, object, CASG_OBJINFO_SZ);
	struct ids_block **slot = &s->ids_blocks[(pack * 7919 + at.block) % CASG_IDS_BLOCKS];
	struct ids_block *b = __atomic_exchange_n(slot, NULL, __ATOMIC_ACQ_REL);
	int rc;

	if (!b) {
		b = malloc(sizeof(*b));
		if (!b)
			return 0;
		b->pack = UINT32_MAX;
	}
	rc = read_ids_block(s, pack, at.block, b);
	if (!rc)
		get_info(out, b->bytes + at.offset);
	free(__atomic_exchange_n(slot, b, __ATOMIC_ACQ_REL));
	return !rc;
}

/* From the .objects file, if there is one and it is good here; 1 or 0. */
int casg_store_info_noted(struct casg_store *s, uint32_t pack, uint32_t object,
			  struct casg_objinfo *out)
{
	struct pack *p = &s->packs[pack];
	const uint8_t *e;

	if (!p->has_ids_file)
		return 0;
	if (p->ids_fd >= 0)
		return info_read(s, pack, object, out);
	e = casg_blocks_entry(&p->ids_blocks, (struct casg_place){ 0, 0 }, object,
			      CASG_OBJINFO_SZ, NULL);
	if (e)
		get_info(out, e);
	return e != NULL;
}

int casg_store_info_at(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		   uint32_t object, uint32_t chunk, uint32_t member,
		   struct casg_objinfo *out, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	int rc = 0;

	if (object >= p->x.nobjects)
		return casg_err_set(err, CASG_ECORRUPT,
				    "index of '%s' counts too few objects", p->path);
	if (casg_store_info_noted(s, pack, object, out))
		return 0;
	if (!__atomic_load_n(&p->scratch, __ATOMIC_ACQUIRE)) {
		pthread_mutex_lock(&s->lock);
		rc = make_scratch(s, p, err);
		pthread_mutex_unlock(&s->lock);
	}
	if (!rc && !__atomic_load_n(&p->have[chunk], __ATOMIC_ACQUIRE))
		rc = fill_scratch(s, c, pack, chunk, object - member, err);
	return rc ? rc : scratch_info(p, object, out, err);
}

int casg_store_info(struct casg_store *s, struct casg_coder *c,
		    const struct casg_loc *loc, struct casg_objinfo *out,
		    struct casg_err *err)
{
	struct casg_idx_chunk e;
	int rc = casg_packidx_chunk(&s->packs[loc->pack].x, loc->chunk, &e, err);

	if (!rc && loc->member >= e.nmembers)
		rc = casg_err_set(err, CASG_ECORRUPT, "chunk %u has no member %u",
				  loc->chunk, loc->member);
	/* these have no object numbers: theirs would be those of others */
	if (!rc && (e.kind == CASG_CHUNK_NODE || e.kind == CASG_CHUNK_REFS))
		rc = casg_err_set(err, CASG_ECORRUPT, "chunk %u holds no objects", loc->chunk);
	if (rc)
		return casg_err_prefix(err, "index of '%s'", s->packs[loc->pack].path);
	return casg_store_info_at(s, c, loc->pack, e.first + loc->member, loc->chunk, loc->member,
		       out, err);
}

/* Those of a chunk that stand in a scratch file, together. */
static int scratch_infos(struct pack *p, uint32_t object, uint32_t n, struct casg_objinfo *out,
			 struct casg_err *err)
{
	size_t nbytes = (size_t)n * CASG_OBJINFO_SZ, got;
	uint8_t *e = malloc(nbytes);
	int rc = e ? casg_pread_full(p->scratch_fd, e, nbytes, (uint64_t)object * CASG_OBJINFO_SZ,
				     &got, err) : casg_err_nomem(err);

	if (!rc && got < nbytes)
		rc = casg_err_set(err, CASG_EIO, "a scratch file is cut short");
	for (uint32_t i = 0; i < n && !rc; i++)
		get_info(&out[i], e + (size_t)i * CASG_OBJINFO_SZ);
	free(e);
	return rc;
}

int casg_store_infos(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
		     uint32_t n, struct casg_objinfo *out, struct casg_err *err)
{
	struct pack *p = &s->packs[loc->pack];
	struct casg_loc at = *loc;
	struct casg_idx_chunk e;
	/* of a whole chunk; afterwards all of it is in the scratch file, if there is one */
	int rc = n ? casg_store_info(s, c, &at, &out[0], err) : 0;

	if (!rc && n)
		rc = casg_packidx_chunk(&p->x, loc->chunk, &e, err);
	if (!rc && n > 1 && !p->has_ids_file && p->scratch_fd >= 0 &&
	    n <= e.nmembers - loc->member)
		return scratch_infos(p, e.first + loc->member, n, out, err);
	for (uint32_t i = 1; i < n && !rc; i++) {
		at.member++;
		rc = casg_store_info(s, c, &at, &out[i], err);
	}
	return rc;
}
