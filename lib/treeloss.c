#include "treeloss.h"

#include <stdio.h>
#include <stdlib.h>

#include "node.h"
#include "nodelink.h"
#include "oidset.h"
#include "treer.h"
#include "withdrawn.h"

/* What is known of a pack; all of it allocated on first use. */
struct known {
	uint8_t *damaged; /* a flag a chunk */
	uint8_t *clean;   /* a bit a node: all is well below it */
};

/* A subtree that was entered and is not finished. */
struct open {
	uint64_t nlosses; /* before it */
	uint32_t pack;
	uint32_t number;  /* of the node, or CASG_NO_NUMBER */
	int level;
};

struct casg_treeloss {
	struct casg_store *s;
	struct casg_coder *c;
	struct known *known;
	uint32_t npacks;
	struct casg_oidset sound; /* leaves, by what their parents say of them */
	/* the version under way */
	casg_loss_fn *fn;
	void *ctx;
	uint64_t nlosses;
	struct open open[CASG_NODE_LEVEL_MAX + 2];
	int nopen;
};

const char *casg_lost_name(enum casg_lost what)
{
	static const char *const names[] = {
		"record", "description", "records", "order", "presentation", "withdrawn"
	};

	return names[what];
}

struct casg_treeloss *casg_treeloss_new(struct casg_store *s, struct casg_coder *c,
					  struct casg_err *err)
{
	struct casg_treeloss *t = calloc(1, sizeof(*t));

	if (t) {
		t->s = s;
		t->c = c;
		t->npacks = casg_store_npacks(s);
		t->known = calloc(t->npacks + 1u, sizeof(*t->known));
	}
	if (!t || !t->known) {
		free(t);
		casg_err_nomem(err);
		return NULL;
	}
	return t;
}

void casg_treeloss_free(struct casg_treeloss *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->npacks; i++) {
		free(t->known[i].damaged);
		free(t->known[i].clean);
	}
	free(t->known);
	casg_oidset_release(&t->sound);
	free(t);
}

int casg_treeloss_damaged(struct casg_treeloss *t, uint32_t pack, uint32_t chunk,
			   struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(t->s, pack);

	if (!t->known[pack].damaged)
		t->known[pack].damaged = calloc(x->nchunks + 1u, 1);
	if (!t->known[pack].damaged)
		return casg_err_nomem(err);
	if (chunk < x->nchunks)
		t->known[pack].damaged[chunk] = 1;
	return 0;
}

int casg_treeloss_sound(struct casg_treeloss *t, const struct casg_oid *as_child,
			struct casg_err *err)
{
	int rc = casg_oidset_add(&t->sound, as_child, err);

	return rc < 0 ? rc : 0;
}

/* ---- losses ------------------------------------------------------------ */

static int lose(struct casg_treeloss *t, enum casg_lost what, const char *key, size_t klen,
		const char *last, size_t last_len, uint64_t count, const struct casg_err *why,
		struct casg_err *err)
{
	struct casg_loss loss = { what, key, last, klen, last_len, count, why->msg };

	if (why->code == CASG_ENOMEM) {
		*err = *why;
		return CASG_ENOMEM;
	}
	t->nlosses++;
	return t->fn(t->ctx, &loss, err);
}

/* ---- what a record needs ----------------------------------------------- */

/* Some copy of the chunk is not known to be damaged: 0. */
static int check_chunk(struct casg_treeloss *t, const struct casg_loc *loc,
		       struct casg_idx_chunk *e, struct casg_err *why)
{
	int rc = casg_packidx_chunk(casg_store_idx(t->s, loc->pack), loc->chunk, e, why);
	uint32_t other, n = t->npacks;
	char hex[CASG_OID_HEXSZ + 1];

	if (rc)
		return casg_err_prefix(why, "index of '%s'", casg_store_pack_path(t->s, loc->pack));
	if (!t->known[loc->pack].damaged || !t->known[loc->pack].damaged[loc->chunk])
		return 0;
	/* others mean something else in another pack */
	if (e->kind != CASG_CHUNK_SEQ && e->kind != CASG_CHUNK_BLOB)
		n = 0;
	for (uint32_t i = 0; i < n; i++)
		if (casg_packidx_find_chunk(casg_store_idx(t->s, i), &e->id, &other, NULL) > 0 &&
		    !(t->known[i].damaged && t->known[i].damaged[other]))
			return 0;
	return casg_err_set(why, CASG_ECORRUPT, "chunk %u of pack %s is damaged", loc->chunk,
			    casg_oid_hex(&casg_store_idx(t->s, loc->pack)->pack_id, hex));
}

static int check_place(struct casg_treeloss *t, const struct casg_loc *loc,
		       struct casg_err *why)
{
	struct casg_idx_chunk e;
	struct casg_object o;
	int rc = check_chunk(t, loc, &e, why);

	if (rc || e.kind != CASG_CHUNK_LIST)
		return rc;
	rc = casg_store_object(t->s, t->c, loc, &o, why);
	for (size_t i = 0; i < o.npieces && !rc; i++)
		rc = check_chunk(t, &o.pieces[i], &e, why);
	casg_object_release(&o);
	return rc;
}

static int check_blob(struct casg_treeloss *t, const struct casg_oid *id, struct casg_err *why)
{
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_loc loc;
	int rc = casg_store_find(t->s, t->c, id, &loc, NULL, why);

	if (!rc)
		return casg_err_set(why, CASG_EABSENT, "object %s is in no pack here",
				    casg_oid_hex(id, hex));
	return rc < 0 ? rc : check_place(t, &loc, why);
}

/* One that may be stored as what differs from others: all of it is read. */
static int check_whole(struct casg_treeloss *t, const struct casg_oid *id, struct casg_err *why)
{
	struct casg_blobr *b = casg_blobr_open(t->s, t->c, id, why);
	const uint8_t *p;
	size_t n;
	int rc;

	if (!b)
		return why->code;
	do {
		rc = casg_blobr_next(b, &p, &n, why);
	} while (rc > 0);
	casg_blobr_free(b);
	return rc;
}

static int check_entry(struct casg_treeloss *t, const struct casg_entry *e,
		       struct casg_err *err)
{
	struct casg_err why = CASG_ERR_INIT;
	struct casg_loc loc;
	int rc = casg_store_ref(t->s, t->c, e->pack, e->ref, &loc, &why);

	if (!rc)
		rc = check_place(t, &loc, &why);
	if (rc)
		rc = lose(t, CASG_LOST_RECORD, e->key, e->klen, "", 0, 1, &why, err);
	if (!rc && !e->desc && check_blob(t, &e->desc_blob, &why))
		rc = lose(t, CASG_LOST_DESCRIPTION, e->key, e->klen, "", 0, 1, &why, err);
	return rc;
}

/* ---- subtrees ---------------------------------------------------------- */

/* Its place among the nodes of its pack; CASG_NO_NUMBER where that is not known. */
static void find_number(struct casg_treeloss *t, const struct casg_oid *id, struct open *o)
{
	struct casg_loc loc;

	o->number = CASG_NO_NUMBER;
	if (casg_store_find_node(t->s, id, &loc, NULL) <= 0)
		return;
	o->pack = loc.pack;
	if (casg_packidx_node_number(casg_store_idx(t->s, loc.pack), loc.chunk, loc.member,
				     &o->number, NULL))
		o->number = CASG_NO_NUMBER;
}

static int is_clean(const struct casg_treeloss *t, const struct open *o)
{
	const uint8_t *clean = o->number == CASG_NO_NUMBER ? NULL : t->known[o->pack].clean;

	return clean && (clean[o->number >> 3] >> (o->number & 7) & 1);
}

/* Not to remember costs time only. */
static void set_clean(struct casg_treeloss *t, const struct open *o)
{
	struct known *k = &t->known[o->pack];

	if (o->number == CASG_NO_NUMBER || t->nlosses != o->nlosses)
		return;
	if (!k->clean)
		k->clean = calloc(casg_store_idx(t->s, o->pack)->nnodes / 8 + 1u, 1);
	if (k->clean)
		k->clean[o->number >> 3] |= (uint8_t)(1u << (o->number & 7));
}

/* The walk is at an item of a node of this level: what lies below is finished. */
static void close_below(struct casg_treeloss *t, int level)
{
	while (t->nopen && t->open[t->nopen - 1].level < level)
		set_clean(t, &t->open[--t->nopen]);
}

/* Is it here, and known to be as the node above says it is? */
static int is_sound(struct casg_treeloss *t, const struct casg_child *c, const struct open *o)
{
	struct casg_oid hash;

	if (o->level || o->number == CASG_NO_NUMBER || !t->sound.n)
		return 0;
	casg_child_hash(casg_coder_hasher(t->c), c, &hash);
	return casg_oidset_find(&t->sound, &hash, NULL);
}

static int check_subtree(struct casg_treeloss *t, struct casg_treer *r,
			 const struct casg_treer_item *item, struct casg_err *err)
{
	const struct casg_child *c = item->child;
	struct open o = { .nlosses = t->nlosses, .level = item->level - 1 };
	struct casg_err why = CASG_ERR_INIT;
	int rc;

	find_number(t, &c->id, &o);
	if (is_clean(t, &o) || is_sound(t, c, &o)) {
		casg_treer_skip(r);
		return 0;
	}
	if (!casg_treer_enter(r, &why)) {
		t->open[t->nopen++] = o;
		return 0;
	}
	rc = lose(t, CASG_LOST_RECORDS, c->first, c->first_len, c->last, c->last_len, c->count,
		  &why, err);
	casg_treer_skip(r);
	return rc;
}

static int check_tree(struct casg_treeloss *t, const struct casg_roots *roots,
		      struct casg_err *err)
{
	struct open root = { .nlosses = t->nlosses };
	struct casg_err why = CASG_ERR_INIT;
	struct casg_treer_item item;
	struct casg_treer *r;
	int rc = 0;

	find_number(t, &roots->records, &root);
	if (is_clean(t, &root))
		return 0;
	r = casg_treer_open(t->s, t->c, &roots->records, &why);
	if (!r)
		return lose(t, CASG_LOST_RECORDS, "", 0, "", 0, roots->count, &why, err);
	t->nopen = 0;
	while (!rc && casg_treer_item(r, &item)) {
		/* the root, the last to be closed, is above all levels */
		close_below(t, item.level);
		if (item.level) {
			rc = check_subtree(t, r, &item, err);
		} else {
			rc = check_entry(t, item.entry, err);
			casg_treer_skip(r);
		}
	}
	if (!rc) {
		close_below(t, CASG_NODE_LEVEL_MAX + 1);
		set_clean(t, &root);
	}
	casg_treer_free(r);
	return rc;
}

/* A short text, and nobody else looks whether it is one. */
static int check_withdrawn(struct casg_treeloss *t, const struct casg_oid *id,
			   struct casg_err *why)
{
	struct casg_withdrawnr *r;
	struct casg_tombstone s;
	int rc = check_blob(t, id, why);

	if (rc)
		return rc;
	r = casg_withdrawnr_open(t->s, t->c, id, why);
	rc = r ? 1 : CASG_ECORRUPT;
	while (rc > 0)
		rc = casg_withdrawnr_next(r, &s, why);
	casg_withdrawnr_free(r);
	return rc;
}

int casg_treeloss_version(struct casg_treeloss *t, const struct casg_roots *roots,
			   casg_loss_fn *fn, void *ctx, struct casg_err *err)
{
	struct casg_err why = CASG_ERR_INIT;
	int rc;

	t->fn = fn;
	t->ctx = ctx;
	rc = check_tree(t, roots, err);
	if (!rc && check_whole(t, &roots->order, &why))
		rc = lose(t, CASG_LOST_ORDER, "", 0, "", 0, roots->count, &why, err);
	if (!rc && check_whole(t, &roots->presentation, &why))
		rc = lose(t, CASG_LOST_PRESENTATION, "", 0, "", 0, roots->count, &why, err);
	if (!rc && roots->has_withdrawn && check_withdrawn(t, &roots->withdrawn, &why))
		rc = lose(t, CASG_LOST_WITHDRAWN, "", 0, "", 0, 0, &why, err);
	return rc;
}
