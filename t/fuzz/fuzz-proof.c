/*
 * Proofs.  What decodes must be encoded to the same text, but for a checksum
 * that was wrong; and checking it, with the checksum let pass, must end.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proof.h"
#include "proofcheck.h"
#include "view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* The id that the proof itself is about: of a version or of a view. */
static void named_id(const struct casg_proof *p, struct casg_hasher *h, struct casg_oid *id)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid taxonomy, sequence;

	casg_hasher_digest(h, p->versions[0].text, p->versions[0].nbytes, id);
	if (p->claim.kind != CASG_CLAIM_VIEW)
		return;
	sequence = *id;
	casg_hasher_digest(h, p->versions[1].text, p->versions[1].nbytes, &taxonomy);
	require(!casg_view_id(&sequence, &taxonomy, id, &err), "no view id");
}

/* What a view that holds says of each record can be told. */
static void classify_all(const struct casg_proof *p)
{
	const struct casg_proof_version *v = &p->versions[0];
	struct casg_classified out = { 0 };
	struct casg_err err = CASG_ERR_INIT;

	for (size_t i = 0; i < v->nproved; i++)
		require(!casg_proof_classify(p, v->first_proved + i, &out, &err),
			"verifies, and cannot be told");
	casg_classified_release(&out);
}

static void again(struct casg_proof *p, struct casg_hasher *h, const uint8_t *data, size_t size)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid id;
	size_t same = size - (p->sum_ok ? 0 : CASG_OID_HEXSZ + 1);
	int rc;

	require(!casg_proof_encode(p, h, &out, &err), "cannot be encoded");
	require(out.len == size && !memcmp(out.data, data, same), "encoding gives another text");
	casg_buf_release(&out);
	named_id(p, h, &id);
	p->sum_ok = 1;
	rc = casg_proof_check(p, &id, h, &err);
	require(rc == 1 || *err.msg, "does not verify, without a reason");
	for (size_t i = 0; rc == 1 && i < p->nversions; i++)
		require(p->versions[i].first_proved + p->versions[i].nproved <= p->nentries,
			"proves records that are not there");
	if (rc == 1 && p->claim.kind == CASG_CLAIM_VIEW)
		classify_all(p);
	id.b[0] ^= 1;
	require(casg_proof_check(p, &id, h, &err) == 0, "verifies for two versions");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_hasher *h = casg_hasher_new();
	struct casg_err err = CASG_ERR_INIT;
	struct casg_proof p;

	casg_proof_init(&p);
	if (!casg_proof_decode(&p, data, size, h, &err))
		again(&p, h, data, size);
	else
		require(*err.msg && !p.nversions && !p.nodes && !p.items,
			"refused without a reason, or half filled");
	casg_proof_release(&p);
	casg_hasher_free(h);
	return 0;
}
