#include "clisettled.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cli.h"

static void add_lineage(struct casg_cli_settled *x, uint32_t taxon)
{
	struct casg_err err = CASG_ERR_INIT;

	casg_buf_addstr(&x->lineages, x->lineages.len ? "|" : "");
	if (taxon == CASG_TAXON_NONE)
		casg_buf_addch(&x->lineages, '-');
	else if (casg_taxonomy_lineage_text(x->t, taxon, ";", &x->lineages, &err))
		casg_die_err(&err);
}

/* One that is there, unless another id of the record led to it already. */
static void add_found(struct casg_cli_settled *x, uint32_t taxon)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxon_info info;

	for (size_t i = 0; i < x->nseen; i++)
		if (x->seen[i] == taxon)
			return;
	if (CASG_GROW(x->seen, x->nseen + 1, x->cap_seen))
		casg_die("out of memory");
	x->seen[x->nseen++] = taxon;
	if (casg_taxonomy_info(x->t, taxon, &info, &err))
		casg_die_err(&err);
	casg_buf_addstr(&x->ids, x->ids.len ? "," : "");
	casg_buf_add(&x->ids, info.id.p, info.id.n);
	add_lineage(x, taxon);
}

void casg_cli_settle(struct casg_cli_settled *x, const char *key, size_t klen,
		     const char *desc, size_t dlen)
{
	struct casg_err err = CASG_ERR_INIT;
	int deleted = 0, unknown = 0;
	const char *p;

	casg_buf_reset(&x->given);
	casg_buf_reset(&x->ids);
	casg_buf_reset(&x->lineages);
	x->nseen = 0;
	if (casg_taxonof_record(x->of, key, klen, desc, dlen, &x->given, &err) < 0)
		casg_die_err(&err);
	for (size_t at = 0; at < x->given.len; at += strlen(p) + 1) {
		uint32_t taxon;
		int found;

		p = (const char *)x->given.data + at;
		found = casg_taxonomy_find(x->t, p, strlen(p), &taxon, &err);
		if (found < 0)
			casg_die_err(&err);
		if (taxon != CASG_TAXON_NONE) {
			add_found(x, taxon);
			continue;
		}
		casg_buf_addstr(&x->ids, x->ids.len ? "," : "");
		casg_buf_addstr(&x->ids, p);
		add_lineage(x, taxon);
		deleted |= found == CASG_TAXON_DELETED;
		unknown |= found == CASG_TAXON_UNKNOWN;
	}
	if (!x->given.len) {
		casg_buf_addch(&x->ids, '-');
		add_lineage(x, CASG_TAXON_NONE);
	}
	if (x->ids.failed || x->lineages.failed)
		casg_die("out of memory");
	x->ndeleted += (uint64_t)deleted;
	x->nunknown += (uint64_t)unknown;
}

void casg_cli_settled_warn(const struct casg_cli_settled *x)
{
	if (x->ndeleted)
		casg_warn("%llu records have a taxon that was deleted from the taxonomy",
			  (unsigned long long)x->ndeleted);
	if (x->nunknown)
		casg_warn("%llu records have a taxon that the taxonomy does not know",
			  (unsigned long long)x->nunknown);
}

void casg_cli_settled_release(struct casg_cli_settled *x)
{
	casg_buf_release(&x->given);
	casg_buf_release(&x->ids);
	casg_buf_release(&x->lineages);
	free(x->seen);
}
