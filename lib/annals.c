#include "annals.h"

#include <stdlib.h>

#include "array.h"
#include "lookup.h"
#include "taxon.h"
#include "treer.h"
#include "withdrawn.h"

/* What is known of a commit: its VERSION, and what the record was there. */
struct state {
	char version[CASG_GITID_SIZE]; /* empty: no such database */
	struct casg_oid records;
	size_t value;                  /* in walk.values; 0: no record */
	int seen;                      /* here or in an ancestor */
};

struct walk {
	struct casg_refs *refs;
	struct casg_store *store;
	struct casg_coder *coder;
	const struct casg_annals_query *q;
	casg_annal_fn *fn;
	void *ctx;
	struct state *states;          /* by the commit's number */
	size_t nstates, cap_states;
	struct casg_annal_value **values;
	size_t nvalues, cap_values;
	struct casg_annals_stats stats;
	struct casg_annal_tomb *tombs; /* of the version under way */
	size_t ntombs, cap_tombs;
};

/* ---- what the record is in one version ---------------------------------- */

static void release_value(struct casg_annal_value *v)
{
	for (size_t i = 0; v && i < v->n; i++) {
		free(v->v[i].key);
		free(v->v[i].desc);
		free(v->v[i].taxon);
	}
	if (v)
		free(v->v);
	free(v);
}

static char *copy(const void *p, size_t n)
{
	char *s = malloc(n + 1);

	if (s) {
		memcpy(s, p, n);
		s[n] = '\0';
	}
	return s;
}

struct finding {
	struct walk *w;
	struct casg_annal_value *value;
};

static int add_record(void *ctx, const struct casg_entry *e, const struct casg_loc *loc,
		      struct casg_err *err)
{
	struct finding *f = ctx;
	struct casg_buf taxon = CASG_BUF_INIT;
	struct casg_annal_record *r;
	struct casg_objinfo info;
	int rc = casg_store_info(f->w->store, f->w->coder, loc, &info, err);

	if (rc)
		return rc;
	if (CASG_GROW(f->value->v, f->value->n + 1, f->value->cap) ||
	    casg_taxon_declared(e->key, e->klen, e->desc, (size_t)e->dlen, &taxon))
		return casg_err_nomem(err);
	r = &f->value->v[f->value->n++];
	r->oid = info.id;
	r->length = info.nbytes;
	r->klen = e->klen;
	r->dlen = (size_t)e->dlen;
	r->key = copy(e->key, r->klen);
	r->desc = copy(e->desc, r->dlen);
	r->taxon = copy(taxon.data, taxon.len);
	casg_buf_release(&taxon);
	return r->key && r->desc && r->taxon ? 0 : casg_err_nomem(err);
}

/* The number of a new value in w->values; 0 when there is no such record. */
static int find_record(struct walk *w, const struct casg_oid *root, size_t *value_out,
		       struct casg_err *err)
{
	struct finding f = { w, calloc(1, sizeof(*f.value)) };
	struct casg_treer *t;
	int rc;

	*value_out = 0;
	if (!f.value || CASG_GROW(w->values, w->nvalues + 1, w->cap_values)) {
		free(f.value);
		return casg_err_nomem(err);
	}
	t = casg_treer_open(w->store, w->coder, root, err);
	rc = t ? casg_lookup_key(t, w->q->key, w->q->klen, add_record, &f, err) : CASG_ECORRUPT;
	if (!rc)
		rc = casg_lookup_accession(t, w->q->key, w->q->klen, add_record, &f, err);
	w->stats.nlookups++;
	w->stats.nnodes += t ? casg_treer_nodes_read(t) : 0;
	casg_treer_free(t);
	if (rc <= 0) {
		release_value(f.value);
		return rc;
	}
	*value_out = w->nvalues;
	w->values[w->nvalues++] = f.value;
	return 0;
}

/* ---- what differs -------------------------------------------------------- */

static const struct casg_annal_value no_record;

static const struct casg_annal_value *value_of(const struct walk *w, size_t value)
{
	return value ? w->values[value] : &no_record;
}

/* A record that the other side has too, but for some part, in the same order. */
static unsigned int differences(const struct casg_annal_value *a,
				const struct casg_annal_value *b)
{
	unsigned int fate = 0;

	/* which of them is new or gone cannot be told */
	if (a->n != b->n)
		return CASG_FATE_NUMBER;
	for (size_t i = 0; i < a->n; i++) {
		const struct casg_annal_record *x = &a->v[i], *y = &b->v[i];

		if (!casg_oid_eq(&x->oid, &y->oid))
			fate |= CASG_FATE_SEQUENCE;
		if (x->dlen != y->dlen || memcmp(x->desc, y->desc, x->dlen))
			fate |= CASG_FATE_DESCRIPTION;
		if (strcmp(x->taxon, y->taxon))
			fate |= CASG_FATE_TAXON;
		if (x->klen != y->klen || memcmp(x->key, y->key, x->klen))
			fate |= CASG_FATE_KEY;
	}
	return fate;
}

void casg_fate_format(struct casg_buf *out, unsigned int fate)
{
	static const char *const words[] = {
		"appeared", "returned", "withdrawn", "sequence", "description", "taxon",
		"key", "number"
	};
	int any = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (fate >> i & 1) {
			casg_buf_addf(out, "%s%s", any ? "," : "", words[i]);
			any = 1;
		}
}

static unsigned int fate_of(const struct casg_annal_value *a, const struct casg_annal_value *b,
			    int seen)
{
	if (!a->n && !b->n)
		return 0;
	if (!a->n)
		return seen ? CASG_FATE_BACK : CASG_FATE_APPEARED;
	return b->n ? differences(a, b) : CASG_FATE_WITHDRAWN;
}

/* ---- tombstones ---------------------------------------------------------- */

static void forget_tombs(struct walk *w)
{
	for (size_t i = 0; i < w->ntombs; i++) {
		free(w->tombs[i].key);
		free(w->tombs[i].successor);
		free(w->tombs[i].reason);
	}
	w->ntombs = 0;
}

static int keep_tomb(struct walk *w, const struct casg_tombstone *t, struct casg_err *err)
{
	struct casg_annal_tomb *k;

	if (CASG_GROW(w->tombs, w->ntombs + 1, w->cap_tombs))
		return casg_err_nomem(err);
	k = &w->tombs[w->ntombs++];
	k->klen = t->klen;
	k->slen = t->successor ? t->slen : 0;
	k->rlen = t->rlen;
	k->when = t->when;
	k->key = copy(t->key, t->klen);
	k->successor = t->successor ? copy(t->successor, t->slen) : NULL;
	k->reason = copy(t->reason, t->rlen);
	return k->key && k->reason && (k->successor || !t->successor) ? 0 : casg_err_nomem(err);
}

/* Those of the keys that the record had before. */
static int find_tombs(struct walk *w, const struct casg_version *v,
		      const struct casg_annal_value *before, struct casg_err *err)
{
	struct casg_withdrawnr *r;
	struct casg_tombstone t;
	int rc;

	forget_tombs(w);
	if (!v || !v->has_withdrawn)
		return 0;
	r = casg_withdrawnr_open(w->store, w->coder, &v->withdrawn, err);
	rc = r ? 0 : CASG_ECORRUPT;
	while (!rc && (rc = casg_withdrawnr_next(r, &t, err)) > 0) {
		size_t i = 0;

		while (i < before->n && (before->v[i].klen != t.klen ||
					 memcmp(before->v[i].key, t.key, t.klen)))
			i++;
		rc = i < before->n ? keep_tomb(w, &t, err) : 0;
	}
	casg_withdrawnr_free(r);
	return rc;
}

/* ---- the walk ------------------------------------------------------------ */

/* The parent with the same VERSION, or with none as here; NULL: none has it. */
static const struct state *same_version(const struct walk *w, const struct casg_step *s)
{
	for (size_t i = 0; i < s->nparents; i++) {
		const struct state *p = &w->states[s->parents[i]];

		if (!strcmp(p->version, s->version ? s->version : ""))
			return p;
	}
	return NULL;
}

static int settle_value(struct walk *w, const struct casg_step *s, struct state *st,
			struct casg_err *err)
{
	st->value = 0;
	if (!s->version)
		return 0;
	for (size_t i = 0; i < s->nparents; i++) {
		const struct state *p = &w->states[s->parents[i]];

		if (*p->version && casg_oid_eq(&p->records, &st->records)) {
			st->value = p->value;
			return 0;
		}
	}
	return find_record(w, &st->records, &st->value, err);
}

/* What became of the record; 0 when some parent has it so already. */
static unsigned int settle_fate(const struct walk *w, const struct casg_step *s,
				const struct state *st, struct casg_annal *a)
{
	unsigned int fate = 0;

	a->after = value_of(w, st->value);
	a->before = &no_record;
	for (size_t i = 0; i < s->nparents; i++) {
		const struct casg_annal_value *before =
			value_of(w, w->states[s->parents[i]].value);
		unsigned int f = fate_of(before, a->after, st->seen);

		if (!f)
			return 0;
		if (!a->before->n) {
			a->before = before;
			fate = f;
		}
	}
	return s->nparents ? fate : fate_of(&no_record, a->after, 0);
}

/* A version that no parent has, or no database where every parent has one. */
static int news(struct walk *w, const struct casg_step *s, struct state *st,
		struct casg_err *err)
{
	struct casg_annal a = { .commit = s->commit };
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_version v;
	int rc = 0;

	casg_version_init(&v);
	if (s->version) {
		w->stats.nversions++;
		a.version = &v;
		rc = casg_refs_blob(w->refs, s->version, CASG_VERSION_MAX_BYTES, &text, err);
		if (!rc)
			rc = casg_version_decode(&v, text.data, text.len, err);
		if (!rc)
			rc = casg_version_id(text.data, text.len, &a.id, err);
		if (rc)
			casg_err_prefix(err, "%s:%s/VERSION", s->commit, w->q->database);
		st->records = v.records;
	}
	if (!rc && w->q->key) {
		rc = settle_value(w, s, st, err);
		if (rc)
			casg_err_prefix(err, "%s:%s", s->commit, w->q->database);
		else
			a.fate = settle_fate(w, s, st, &a);
	}
	if (!rc && a.fate == CASG_FATE_WITHDRAWN) {
		rc = find_tombs(w, a.version, a.before, err);
		a.tombs = w->tombs;
		a.ntombs = w->ntombs;
	}
	if (!rc && (w->q->key ? a.fate != 0 : s->version != NULL))
		rc = w->fn(w->ctx, &a, err);
	casg_version_release(&v);
	casg_buf_release(&text);
	return rc;
}

static int on_step(void *ctx, const struct casg_step *s, struct casg_err *err)
{
	struct walk *w = ctx;
	const struct state *same;
	struct state *st;
	int rc = 0;

	if (CASG_GROW(w->states, s->number + 1, w->cap_states))
		return casg_err_nomem(err);
	st = &w->states[s->number];
	w->nstates = s->number + 1;
	memset(st, 0, sizeof(*st));
	if (s->version)
		strcpy(st->version, s->version);
	for (size_t i = 0; i < s->nparents; i++)
		st->seen |= w->states[s->parents[i]].seen;
	same = same_version(w, s);
	if (same) {
		st->records = same->records;
		st->value = same->value;
	} else if (s->version || s->nparents) {
		rc = news(w, s, st, err);
	}
	st->seen |= st->value != 0;
	return rc;
}

int casg_annals(struct casg_refs *refs, struct casg_store *store, struct casg_coder *coder,
		const struct casg_annals_query *q, casg_annal_fn *fn, void *ctx,
		struct casg_annals_stats *stats_out, struct casg_err *err)
{
	struct walk w = { .refs = refs, .store = store, .coder = coder, .q = q, .fn = fn,
			  .ctx = ctx, .nvalues = 1 };
	int rc = CASG_GROW(w.values, 1, w.cap_values) ? casg_err_nomem(err) : 0;

	if (!rc)
		rc = casg_refs_history(refs, q->rev, q->first_parent, q->database, on_step, &w,
				       err);
	for (size_t i = 1; i < w.nvalues; i++)
		release_value(w.values[i]);
	forget_tombs(&w);
	free(w.tombs);
	free(w.values);
	free(w.states);
	*stats_out = w.stats;
	return rc;
}
