#include "taxtable.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "sum.h"
#include "taxtable_in.h"

/* ---- places and memory ---------------------------------------------------- */

int casg_taxtable_bad_at(const struct casg_taxtable *t, struct casg_err *err, size_t file,
			 uint32_t line, const char *fmt, ...)
{
	char what[CASG_ERR_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return casg_err_set(err, CASG_ECORRUPT, "%s: line %" PRIu32 ": %s",
			    file < t->nfiles ? t->files[file] : "", line, what);
}

int casg_taxtable_bad(const struct casg_taxtable *t, struct casg_err *err,
		      const char *fmt, ...)
{
	char what[CASG_ERR_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return casg_taxtable_bad_at(t, err, t->nfiles - 1, t->line, "%s", what);
}

static uint64_t memory_used(const struct casg_taxtable *t)
{
	return t->text.len + t->names_text.len + t->keys.len +
	       t->nentries * sizeof(*t->entries) + t->nnames * sizeof(*t->names) +
	       t->nruns * sizeof(*t->runs) + 2 * t->nslots * sizeof(*t->slots);
}

int casg_taxtable_too_much(const struct casg_taxtable *t, uint64_t more, struct casg_err *err)
{
	uint64_t used = memory_used(t);

	if (used <= t->memory_nbytes && more <= t->memory_nbytes - used)
		return 0;
	casg_err_set(err, CASG_ENOMEM, "%s: line %" PRIu32 ": the taxonomy needs more than the "
		     "%" PRIu64 " bytes of memory that it may use",
		     t->nfiles ? t->files[t->nfiles - 1] : "", t->line, t->memory_nbytes);
	return 1;
}

struct casg_taxtable *casg_taxtable_new(enum casg_taxids ids, uint64_t memory_nbytes,
					struct casg_err *err)
{
	struct casg_taxtable *t = calloc(1, sizeof(*t));

	if (!t) {
		casg_err_nomem(err);
		return NULL;
	}
	t->ids = ids;
	t->memory_nbytes = memory_nbytes;
	t->nslots = 1024;
	t->slots = calloc(2 * t->nslots, sizeof(*t->slots));
	t->classes[CASG_TAXTABLE_SCIENTIFIC] = strdup("scientific name");
	t->nclasses = 1;
	if (!t->slots || !t->classes[CASG_TAXTABLE_SCIENTIFIC]) {
		casg_taxtable_free(t);
		casg_err_nomem(err);
		return NULL;
	}
	return t;
}

void casg_taxtable_free(struct casg_taxtable *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nfiles; i++)
		free(t->files[i]);
	for (size_t i = 0; i < t->nclasses; i++)
		free(t->classes[i]);
	free(t->files);
	free(t->entries);
	free(t->names);
	free(t->runs);
	free(t->slots);
	free(t->order);
	free(t->list);
	casg_buf_release(&t->text);
	casg_buf_release(&t->names_text);
	casg_buf_release(&t->keys);
	casg_buf_release(&t->parent);
	free(t);
}

int casg_taxtable_file(struct casg_taxtable *t, const char *name, struct casg_err *err)
{
	char *copy;

	if (t->nfiles >= CASG_TAXTABLE_FILES_MAX)
		return casg_err_set(err, CASG_ENOMEM, "%s: too many files", name);
	copy = strdup(name);
	if (!copy || CASG_GROW(t->files, t->nfiles + 1, t->files_cap)) {
		free(copy);
		return casg_err_nomem(err);
	}
	t->files[t->nfiles++] = copy;
	t->line = 0;
	return 0;
}

int casg_taxtable_line(struct casg_taxtable *t, uint64_t line, struct casg_err *err)
{
	if (line > CASG_TAXTABLE_MAX)
		return casg_taxtable_bad(t, err, "too many lines");
	t->line = (uint32_t)line;
	return 0;
}

/* ---- the hash table -------------------------------------------------------- */

/*
 * The first nslots slots are for the numbers below nslots, each its own: the
 * ids of most dumps, dense and in order, so that neighbours there are
 * neighbours here.  All other ids share the second half, by their hash.
 */
static int direct_slot(const struct casg_taxtable *t, const struct casg_taxstr *id,
		       size_t *out)
{
	size_t v = 0;

	if (id->n > 9 || id->p[0] == '0')
		return 0;
	for (size_t i = 0; i < id->n; i++) {
		unsigned d = (unsigned char)id->p[i] - (unsigned)'0';

		if (d > 9)
			return 0;
		v = v * 10 + d;
	}
	*out = v;
	return v < t->nslots;
}

/* The slot of an id, or the empty one where it would go. */
static size_t slot_of(const struct casg_taxtable *t, const struct casg_taxstr *id)
{
	size_t mask = t->nslots - 1, i;

	if (direct_slot(t, id, &i))
		return i;
	for (i = (size_t)casg_xxh64(0, id->p, id->n);; i++) {
		uint32_t slot = t->slots[t->nslots + (i & mask)];
		const struct taxtable_entry *e = slot ? &t->entries[slot - 1] : NULL;

		if (!e || (e->idlen == id->n && !memcmp(t->text.data + e->text, id->p, id->n)))
			return t->nslots + (i & mask);
	}
}

uint32_t casg_taxtable_find(const struct casg_taxtable *t, const struct casg_taxstr *id)
{
	uint32_t slot = id->n ? t->slots[slot_of(t, id)] : 0;

	return slot ? slot - 1 : CASG_TAXTABLE_NONE;
}

static int grow_slots(struct casg_taxtable *t, struct casg_err *err)
{
	uint32_t *old = t->slots;

	if (casg_taxtable_too_much(t, 2 * t->nslots * sizeof(*old), err))
		return CASG_ENOMEM;
	t->slots = calloc(4 * t->nslots, sizeof(*old));
	if (!t->slots) {
		t->slots = old;
		return casg_err_nomem(err);
	}
	free(old);
	t->nslots *= 2;
	for (size_t i = 0; i < t->nentries; i++) {
		struct casg_taxstr id = id_of(t, &t->entries[i]);

		t->slots[slot_of(t, &id)] = (uint32_t)i + 1;
	}
	return 0;
}

/* ---- lines come in ----------------------------------------------------------- */

static int add_entry(struct casg_taxtable *t, enum casg_taxrec_kind kind,
		     const struct casg_taxstr *id, const struct casg_taxstr *other,
		     const struct casg_taxstr *rank, const struct casg_taxstr *rest,
		     struct casg_err *err)
{
	uint64_t more = id->n + other->n + rank->n + rest->n;
	struct taxtable_entry *e;
	size_t slot;

	if (!id->n || id->n > UINT16_MAX)
		return casg_taxtable_bad(t, err, id->n ? "the id is too long" : "the id is empty");
	if (2 * t->nentries >= t->nslots && grow_slots(t, err))
		return CASG_ENOMEM;
	slot = slot_of(t, id);
	if (t->slots[slot]) {
		e = &t->entries[t->slots[slot] - 1];
		return casg_taxtable_bad(t, err, "the id '%.*s' stands in %s, line %" PRIu32 " already",
					 CASG_TAXTABLE_SHOWN(*id), t->files[e->file], e->line);
	}
	if (t->nentries >= CASG_TAXTABLE_MAX || more > UINT32_MAX)
		return casg_taxtable_bad(t, err, "too many taxa");
	if (casg_taxtable_too_much(t, more + sizeof(*e), err))
		return CASG_ENOMEM;
	if (CASG_GROW(t->entries, t->nentries + 1, t->entries_cap))
		return casg_err_nomem(err);
	e = &t->entries[t->nentries];
	*e = (struct taxtable_entry){ .text = t->text.len, .idlen = (uint32_t)id->n,
			     .otherlen = (uint32_t)other->n, .ranklen = (uint32_t)rank->n,
			     .restlen = (uint32_t)rest->n, .other = CASG_TAXTABLE_NONE, .sci = CASG_TAXTABLE_NONE,
			     .names = CASG_TAXTABLE_NONE, .line = t->line, .file = (uint16_t)(t->nfiles - 1),
			     .kind = (uint8_t)kind };
	casg_buf_add(&t->text, id->p, id->n);
	casg_buf_add(&t->text, other->p, other->n);
	casg_buf_add(&t->text, rank->p, rank->n);
	casg_buf_add(&t->text, rest->p, rest->n);
	if (casg_buf_check(&t->text, err))
		return CASG_ENOMEM;
	t->slots[slot] = (uint32_t)++t->nentries;
	t->nkind[kind]++;
	return 0;
}

int casg_taxtable_node(struct casg_taxtable *t, const struct casg_taxstr *id,
		       const struct casg_taxstr *parent, const struct casg_taxstr *rank,
		       const struct casg_taxstr *rest, struct casg_err *err)
{
	if (!parent->n)
		return casg_taxtable_bad(t, err, "the parent is empty (the root names itself)");
	return add_entry(t, CASG_TAXREC_NODE, id, parent, rank, rest, err);
}

static int withdrawn_by_name(const struct casg_taxtable *t, struct casg_err *err)
{
	return casg_taxtable_bad(t, err, "there is no place for merged and deleted numbers "
				 "where the ids are names");
}

int casg_taxtable_merged(struct casg_taxtable *t, const struct casg_taxstr *id,
			 const struct casg_taxstr *into, struct casg_err *err)
{
	static const struct casg_taxstr none = { "", 0 };

	if (t->ids == CASG_TAXIDS_NAMES)
		return withdrawn_by_name(t, err);
	return add_entry(t, CASG_TAXREC_MERGED, id, into, &none, &none, err);
}

int casg_taxtable_deleted(struct casg_taxtable *t, const struct casg_taxstr *id,
			  struct casg_err *err)
{
	static const struct casg_taxstr none = { "", 0 };

	if (t->ids == CASG_TAXIDS_NAMES)
		return withdrawn_by_name(t, err);
	return add_entry(t, CASG_TAXREC_DELETED, id, &none, &none, &none, err);
}

static int find_class(struct casg_taxtable *t, const struct casg_taxstr *cls,
		      uint32_t *out, struct casg_err *err)
{
	uint32_t i = t->last_class;

	for (size_t tried = 0; tried < t->nclasses; tried++) {
		if (strlen(t->classes[i]) == cls->n && !memcmp(t->classes[i], cls->p, cls->n)) {
			*out = t->last_class = i;
			return 0;
		}
		i = i + 1 < t->nclasses ? i + 1 : 0;
	}
	if (!cls->n)
		return casg_taxtable_bad(t, err, "the class of the name is empty");
	if (t->nclasses == CASG_TAXTABLE_CLASSES_MAX)
		return casg_taxtable_bad(t, err, "too many classes of names");
	t->classes[t->nclasses] = strndup(cls->p, cls->n);
	if (!t->classes[t->nclasses])
		return casg_err_nomem(err);
	*out = t->last_class = (uint32_t)t->nclasses++;
	return 0;
}

/* The names behind the first of a taxon join its run. */
static int join_run(struct casg_taxtable *t, const struct casg_taxstr *id,
		    struct casg_err *err)
{
	struct taxtable_run *r = t->nruns ? &t->runs[t->nruns - 1] : NULL;

	if (r && r->idlen == id->n && !memcmp(t->names_text.data + r->text, id->p, id->n))
		return 0;
	if (CASG_GROW(t->runs, t->nruns + 1, t->runs_cap))
		return casg_err_nomem(err);
	t->runs[t->nruns++] = (struct taxtable_run){ t->names_text.len, (uint32_t)id->n,
					    (uint32_t)t->nnames };
	casg_buf_add(&t->names_text, id->p, id->n);
	return casg_buf_check(&t->names_text, err);
}

int casg_taxtable_name(struct casg_taxtable *t, const struct casg_taxstr *id,
		       const struct casg_taxname *name, struct casg_err *err)
{
	uint64_t more = id->n + name->name.n + name->unique.n;
	struct taxtable_name *n;
	uint32_t cls = 0;
	int ret;

	if (!id->n || id->n > UINT16_MAX)
		return casg_taxtable_bad(t, err, id->n ? "the id is too long" : "the id is empty");
	if (!name->name.n)
		return casg_taxtable_bad(t, err, "the name is empty");
	if (t->nnames >= CASG_TAXTABLE_MAX || more > UINT32_MAX)
		return casg_taxtable_bad(t, err, "too many names");
	if (casg_taxtable_too_much(t, more + sizeof(*n) + sizeof(struct taxtable_run), err))
		return CASG_ENOMEM;
	ret = find_class(t, &name->cls, &cls, err);
	if (!ret)
		ret = join_run(t, id, err);
	if (ret)
		return ret;
	if (CASG_GROW(t->names, t->nnames + 1, t->names_cap))
		return casg_err_nomem(err);
	n = &t->names[t->nnames++];
	*n = (struct taxtable_name){ .text = t->names_text.len, .namelen = (uint32_t)name->name.n,
			    .uniquelen = (uint32_t)name->unique.n, .cls = cls, .line = t->line,
			    .next = CASG_TAXTABLE_NONE, .file = (uint32_t)t->nfiles - 1 };
	casg_buf_add(&t->names_text, name->name.p, name->name.n);
	casg_buf_add(&t->names_text, name->unique.p, name->unique.n);
	return casg_buf_check(&t->names_text, err);
}

int casg_taxtable_taxon(struct casg_taxtable *t, const struct casg_taxstr *id,
			const struct casg_taxstr *parent, const struct casg_taxstr *rank,
			const struct casg_taxstr *name, struct casg_err *err)
{
	struct casg_taxname sci = { { t->classes[CASG_TAXTABLE_SCIENTIFIC], strlen(t->classes[CASG_TAXTABLE_SCIENTIFIC]) },
				    *name, { "", 0 } };
	uint32_t i = casg_taxtable_find(t, id);
	int ret;

	if (i != CASG_TAXTABLE_NONE && t->entries[i].kind == CASG_TAXREC_NODE) {
		const struct taxtable_entry *e = &t->entries[i];
		struct casg_taxstr before = other_of(t, e);

		if (!casg_taxstr_cmp(&before, parent))
			return 0;
		return casg_taxtable_bad(t, err, "'%.*s' lies in '%.*s' here and in '%.*s' in %s, "
					 "line %" PRIu32, CASG_TAXTABLE_SHOWN(*id), CASG_TAXTABLE_SHOWN(*parent),
					 CASG_TAXTABLE_SHOWN(before), t->files[e->file], e->line);
	}
	ret = casg_taxtable_node(t, id, parent, rank, &sci.unique, err);
	return ret ? ret : casg_taxtable_name(t, id, &sci, err);
}
