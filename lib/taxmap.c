#include "taxmap.h"

#include <stdlib.h>
#include <string.h>

#include "accession.h"
#include "buf.h"
#include "endian.h"
#include "sum.h"
#include "treer.h"

/*
 * Loaded: text holds, one after the other, the lengths of key and ids and both;
 * a slot is 0 or one more than where that begins.
 */
struct casg_taxmap {
	struct casg_treer *tree;       /* NULL: loaded */
	struct casg_buf text;
	uint64_t *slots, mask;
};

enum { LENSZ = 4 };

static void unload(struct casg_taxmap *m)
{
	casg_buf_release(&m->text);
	free(m->slots);
	m->slots = NULL;
}

static uint64_t *slot_of(struct casg_taxmap *m, const char *key, size_t n)
{
	uint64_t i = casg_xxh64(0, key, n);

	for (;; i++) {
		uint64_t *slot = &m->slots[i & m->mask];
		const uint8_t *p;

		if (!*slot)
			return slot;
		p = m->text.data + (*slot - 1);
		if (casg_get_le32(p) == n && !memcmp(p + 2 * LENSZ, key, n))
			return slot;
	}
}

static int keep(struct casg_taxmap *m, const struct casg_entry *e, struct casg_err *err)
{
	uint64_t *slot = slot_of(m, e->key, e->klen);
	uint8_t len[2 * LENSZ];

	/* a second record of the key is none that casg writes: the first counts */
	if (*slot)
		return 0;
	*slot = m->text.len + 1;
	casg_put_le32(len, (uint32_t)e->klen);
	casg_put_le32(len + LENSZ, (uint32_t)e->dlen);
	casg_buf_add(&m->text, len, sizeof(len));
	casg_buf_add(&m->text, e->key, e->klen);
	casg_buf_add(&m->text, e->desc, e->dlen);
	return casg_buf_check(&m->text, err);
}

/* 1: it is loaded; 0: it does not fit. */
static int load(struct casg_taxmap *m, uint64_t memory_nbytes, struct casg_err *err)
{
	uint64_t count = casg_treer_count(m->tree), nslots = 16;
	struct casg_entry e;
	struct casg_loc loc;
	int rc = 0;

	while (nslots < count * 2 && nslots <= memory_nbytes / sizeof(*m->slots))
		nslots *= 2;
	/* a buffer doubles when it grows */
	if (nslots * sizeof(*m->slots) > memory_nbytes / 2)
		return 0;
	memory_nbytes = (memory_nbytes - nslots * sizeof(*m->slots)) / 3;
	m->mask = nslots - 1;
	m->slots = calloc(nslots, sizeof(*m->slots));
	if (!m->slots)
		return casg_err_nomem(err);
	casg_treer_rewind(m->tree);
	while (!rc && (rc = casg_treer_next(m->tree, &e, &loc, err)) > 0) {
		if (m->text.len + e.klen + e.dlen > memory_nbytes) {
			unload(m);
			return 0;
		}
		rc = keep(m, &e, err);
	}
	return rc ? rc : 1;
}

int casg_taxmap_open(struct casg_taxmap **out, struct casg_store *s, struct casg_coder *c,
		     const struct casg_oid *root, uint64_t memory_nbytes,
		     struct casg_err *err)
{
	struct casg_taxmap *m = calloc(1, sizeof(*m));
	int rc;

	*out = m;
	if (!m)
		return casg_err_nomem(err);
	m->tree = casg_treer_open(s, c, root, err);
	rc = m->tree ? load(m, memory_nbytes, err) : CASG_EIO;
	if (rc < 0) {
		casg_taxmap_close(m);
		*out = NULL;
		return err && err->code ? err->code : rc;
	}
	if (rc) {
		casg_treer_free(m->tree);
		m->tree = NULL;
	}
	return 0;
}

void casg_taxmap_close(struct casg_taxmap *m)
{
	if (!m)
		return;
	unload(m);
	casg_treer_free(m->tree);
	free(m);
}

int casg_taxmap_is_loaded(const struct casg_taxmap *m)
{
	return !m->tree;
}

static int get_loaded(struct casg_taxmap *m, const char *key, size_t n,
		      const char **desc_out, size_t *dlen_out)
{
	const uint64_t *slot = slot_of(m, key, n);
	const uint8_t *p = m->text.data + *slot - 1;

	if (!*slot)
		return 0;
	*dlen_out = casg_get_le32(p + LENSZ);
	*desc_out = (const char *)p + 2 * LENSZ + n;
	return 1;
}

static int get_in_tree(struct casg_taxmap *m, const char *key, size_t n,
		       const char **desc_out, size_t *dlen_out, struct casg_err *err)
{
	struct casg_entry e;
	struct casg_loc loc;
	int rc = casg_treer_seek(m->tree, key, n, err);

	if (!rc)
		rc = casg_treer_next(m->tree, &e, &loc, err);
	if (rc <= 0 || e.klen != n || memcmp(e.key, key, n))
		return rc < 0 ? rc : 0;
	*desc_out = e.desc;
	*dlen_out = e.dlen;
	return 1;
}

int casg_taxmap_get(struct casg_taxmap *m, const char *accession, size_t n,
		    struct casg_taxstr *ids_out, struct casg_err *err)
{
	const char *desc;
	size_t dlen;
	int rc = m->tree ? get_in_tree(m, accession, n, &desc, &dlen, err) :
		 get_loaded(m, accession, n, &desc, &dlen);

	if (rc <= 0)
		return rc;
	rc = casg_taxmap_decode(ids_out, desc, dlen, err);
	return rc ? casg_err_prefix(err, "the mapping of '%.*s'", (int)n, accession) : 1;
}

int casg_taxmap_find(struct casg_taxmap *m, const char *id, size_t n,
		     struct casg_taxstr *ids_out, struct casg_err *err)
{
	struct casg_accession forms[CASG_ACCESSION_FORMS];
	size_t nforms = casg_accession_forms(id, n, forms);
	int rc = 0;

	for (size_t i = 0; i < nforms && !rc; i++)
		rc = casg_taxmap_get(m, forms[i].p, forms[i].n, ids_out, err);
	return rc;
}
