#include "proof_in.h"
#include "settings.h"

const char *const casg_proof_claim_names[CASG_PROOF_NCLAIMS] = {
	[CASG_CLAIM_KEY] = "key",
	[CASG_CLAIM_RECORDS] = "records",
	[CASG_CLAIM_SEQUENCE] = "sequence",
	[CASG_CLAIM_CHUNK] = "chunk",
	[CASG_CLAIM_HISTORY] = "history",
	[CASG_CLAIM_VIEW] = "view",
};

static void add_word(struct casg_buf *out, const char *word)
{
	casg_buf_addstr(out, word);
	casg_buf_addch(out, ' ');
}

static void add_number(struct casg_buf *out, uint64_t v, int end)
{
	casg_buf_add_u64(out, v);
	casg_buf_addch(out, end);
}

static void add_oid(struct casg_buf *out, const struct casg_oid *id, int end)
{
	casg_oid_addhex(out, id);
	casg_buf_addch(out, end);
}

void casg_proof_put_claim(struct casg_buf *out, const struct casg_proof_claim *c)
{
	char when[CASG_TIME_SIZE];

	casg_buf_addf(out, CASG_PROOF_MAGIC " %d\nclaim %s", CASG_PROOF_FORMAT,
		      casg_proof_claim_names[c->kind]);
	switch (c->kind) {
	case CASG_CLAIM_RECORDS:
		break;
	case CASG_CLAIM_VIEW:
		for (uint64_t from = c->from; from; from >>= 8) {
			casg_buf_addch(out, from == c->from ? ' ' : ',');
			casg_buf_addstr(out, casg_taxon_source_name(from & 0xff));
		}
		casg_buf_addstr(out, c->key ? " key " : " records");
		casg_buf_add(out, c->key, c->key ? c->klen : 0);
		break;
	case CASG_CLAIM_HISTORY:
		casg_buf_addch(out, ' ');
		casg_buf_addstr(out, casg_time_format(c->since, when));
		/* fallthrough */
	case CASG_CLAIM_KEY:
		casg_buf_addch(out, ' ');
		casg_buf_add(out, c->key, c->klen);
		break;
	case CASG_CLAIM_SEQUENCE:
	case CASG_CLAIM_CHUNK:
		casg_buf_addch(out, ' ');
		casg_oid_addhex(out, &c->id);
		break;
	}
	casg_buf_addch(out, '\n');
	for (size_t i = 0; c->kind == CASG_CLAIM_CHUNK && i < c->nmembers; i++) {
		add_word(out, "member");
		add_oid(out, &c->members[i], '\n');
	}
}

void casg_proof_put_version(struct casg_buf *out, const void *text, size_t n)
{
	add_word(out, "version");
	add_number(out, n, '\n');
	casg_buf_add(out, text, n);
}

void casg_proof_put_mapping(struct casg_buf *out)
{
	casg_buf_addstr(out, CASG_PROOF_MAPPING);
}

void casg_proof_put_node(struct casg_buf *out, int kind, int level, uint32_t count)
{
	add_word(out, "node");
	add_number(out, (uint64_t)kind, ' ');
	add_number(out, (uint64_t)level, ' ');
	add_number(out, count, '\n');
}

void casg_proof_put_hash(struct casg_buf *out, uint32_t span, const struct casg_oid *hash)
{
	add_word(out, "hash");
	add_number(out, span, ' ');
	add_oid(out, hash, '\n');
}

void casg_proof_put_entry(struct casg_buf *out, const struct casg_entry *e)
{
	int inl = e->dlen <= CASG_DESC_INLINE;

	add_word(out, inl ? "record" : "long-record");
	add_number(out, e->occurrence, ' ');
	add_oid(out, &e->oid, ' ');
	add_number(out, e->length, ' ');
	if (!inl) {
		add_oid(out, &e->desc_blob, ' ');
		add_number(out, e->dlen, ' ');
	}
	casg_buf_add(out, e->key, e->klen);
	if (inl)
		casg_buf_add(out, e->desc, (size_t)e->dlen);
	casg_buf_addch(out, '\n');
	if (inl || !e->desc)
		return;
	casg_buf_addstr(out, CASG_PROOF_DESCRIPTION);
	casg_buf_add(out, e->desc, (size_t)e->dlen);
	casg_buf_addch(out, '\n');
}

void casg_proof_put_child(struct casg_buf *out, const struct casg_child *c)
{
	add_word(out, "child");
	add_number(out, c->count, ' ');
	add_oid(out, &c->id, ' ');
	add_number(out, c->first_occurrence, ' ');
	add_number(out, c->last_occurrence, ' ');
	casg_buf_add(out, c->first, c->first_len);
	casg_buf_addch(out, ' ');
	casg_buf_add(out, c->last, c->last_len);
	casg_buf_addch(out, '\n');
}

void casg_proof_put_end(struct casg_buf *out, size_t start, struct casg_hasher *h)
{
	struct casg_oid sum;

	if (out->failed)
		return;
	casg_hasher_digest(h, out->data + start, out->len - start, &sum);
	add_word(out, "sha256");
	add_oid(out, &sum, '\n');
}

static void encode_node(const struct casg_proof *p, const struct casg_proof_node *n,
			struct casg_buf *out)
{
	casg_proof_put_node(out, n->kind, n->level, n->count);
	for (size_t i = n->first; i < n->first + n->nitems; i++) {
		const struct casg_proof_item *it = &p->items[i];

		if (it->span)
			casg_proof_put_hash(out, it->span, &p->hashes[it->slot]);
		else if (n->level)
			casg_proof_put_child(out, &p->children[it->slot]);
		else
			casg_proof_put_entry(out, &p->entries[it->slot]);
	}
}

int casg_proof_encode(const struct casg_proof *p, struct casg_hasher *h,
		      struct casg_buf *out, struct casg_err *err)
{
	size_t start = out->len;

	casg_proof_put_claim(out, &p->claim);
	for (size_t i = 0; i < p->nversions; i++) {
		const struct casg_proof_version *v = &p->versions[i];

		if (v->text)
			casg_proof_put_version(out, v->text, v->nbytes);
		else
			casg_proof_put_mapping(out);
		for (size_t k = v->first_node; k < v->first_node + v->nnodes; k++)
			encode_node(p, &p->nodes[k], out);
	}
	casg_proof_put_end(out, start, h);
	return casg_buf_check(out, err);
}
