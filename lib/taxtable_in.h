/*
 * taxtable_in - what the two halves of taxtable share: taxtable.c takes lines
 * in, taxtable_finish.c checks them and gives records out.
 */
#ifndef CASG_TAXTABLE_IN_H
#define CASG_TAXTABLE_IN_H

#include "strsort.h"
#include "taxtable.h"

#define CASG_TAXTABLE_NONE UINT32_MAX
#define CASG_TAXTABLE_SCIENTIFIC 0 /* the number of that class */

/* A taxon, a merged or a deleted id: one space of ids, one hash table. */
struct taxtable_entry {
	uint64_t text;     /* in t->text: id, parent or into, rank, rest */
	uint32_t idlen, otherlen, ranklen, restlen;
	uint32_t other;    /* entry of the parent, of what it was merged into */
	uint32_t sci;      /* name, or CASG_TAXTABLE_NONE */
	uint32_t names;    /* the others, as a list; or CASG_TAXTABLE_NONE */
	uint32_t line;
	uint16_t file;
	uint8_t kind;      /* enum casg_taxrec_kind */
};

struct taxtable_name {
	uint64_t text;     /* in t->names_text: name, unique */
	uint32_t namelen, uniquelen;
	uint32_t cls;
	uint32_t line;
	uint32_t next;     /* of the same taxon, or CASG_TAXTABLE_NONE */
	uint32_t file;
};

/* Names of one taxon that stand together. */
struct taxtable_run {
	uint64_t text;     /* in t->names_text: the id */
	uint32_t idlen;
	uint32_t first;    /* name */
};

struct casg_taxtable {
	enum casg_taxids ids;
	uint64_t memory_nbytes;
	char **files;
	size_t nfiles, files_cap;
	uint32_t line;
	struct casg_buf text, names_text;
	struct taxtable_entry *entries;
	size_t nentries, entries_cap;
	uint64_t nkind[3];
	struct taxtable_name *names;
	size_t nnames, names_cap;
	struct taxtable_run *runs;
	size_t nruns, runs_cap;
	char *classes[CASG_TAXTABLE_CLASSES_MAX];
	size_t nclasses;
	uint32_t last_class;
	uint32_t *slots;   /* entry + 1, or 0: nslots by number, nslots by hash */
	size_t nslots;     /* a power of two, at least twice nentries */
	/* after finish: keys as strsort.h lays them down, each with its entry */
	struct casg_buf keys;
	struct casg_strent *order;
	size_t at;
	struct casg_taxname *list; /* the names of one taxon */
	size_t list_cap;
	struct casg_buf parent;
};

/* An id or a name as a message shows it: not all of a very long one. */
#define CASG_TAXTABLE_SHOWN(s) (int)((s).n < 200 ? (s).n : 200), (s).p

static inline struct casg_taxstr id_of(const struct casg_taxtable *t, const struct taxtable_entry *e)
{
	struct casg_taxstr s = { (const char *)t->text.data + e->text, e->idlen };

	return s;
}

static inline struct casg_taxstr other_of(const struct casg_taxtable *t, const struct taxtable_entry *e)
{
	struct casg_taxstr s = { (const char *)t->text.data + e->text + e->idlen, e->otherlen };

	return s;
}

static inline struct casg_taxstr name_of(const struct casg_taxtable *t, uint32_t i)
{
	const struct taxtable_name *n = &t->names[i];
	struct casg_taxstr s = { (const char *)t->names_text.data + n->text, n->namelen };

	return s;
}

/* CASG_ECORRUPT: "<file>: line <n>: <what>". */
int casg_taxtable_bad_at(const struct casg_taxtable *t, struct casg_err *err, size_t file,
			 uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Would that be over the bound?  1 with err filled, or 0. */
int casg_taxtable_too_much(const struct casg_taxtable *t, uint64_t more, struct casg_err *err);

/* The entry of an id, or CASG_TAXTABLE_NONE. */
uint32_t casg_taxtable_find(const struct casg_taxtable *t, const struct casg_taxstr *id);

#endif
