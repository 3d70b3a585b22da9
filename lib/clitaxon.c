#include "clitaxon.h"

#include <string.h>

#include "cli.h"
#include "clisettings.h"
#include "clitaxonomy.h"

void casg_cli_taxon_begin(struct casg_cli_taxon *t, struct casg_work *w, const char *spec,
			  const char *from)
{
	memset(t, 0, sizeof(*t));
	casg_cli_setting(&w->settings, "casg.taxonFrom", "--taxon-from", from);
	t->from = w->settings.taxon_from;
	t->taxonomy = casg_cli_taxonomy(&w->repo, spec, &t->version, NULL);
}

void casg_cli_taxon_map(struct casg_cli_taxon *t, struct casg_work *w, struct casg_coder *c,
			uint64_t memory_nbytes)
{
	struct casg_err err = CASG_ERR_INIT;

	if (t->version.has_mapping &&
	    casg_taxmap_open(&t->map, w->store, c, &t->version.mapping, memory_nbytes, &err)) {
		casg_err_prefix(&err, "the mapping of the taxonomy");
		casg_die_err(&err);
	}
	t->of = casg_taxonof_new(t->from, t->taxonomy, t->map, &err);
	if (!t->of)
		casg_die_err(&err);
}

void casg_cli_taxon_open(struct casg_cli_taxon *t, struct casg_work *w, const char *spec,
			 const char *from)
{
	casg_cli_taxon_begin(t, w, spec, from);
	casg_cli_taxon_map(t, w, casg_work_coder(w), w->settings.memory / 3);
}

void casg_cli_taxon_close(struct casg_cli_taxon *t)
{
	casg_taxonof_free(t->of);
	casg_taxmap_close(t->map);
	casg_taxonomy_close(t->taxonomy);
	casg_version_release(&t->version);
}

int casg_cli_taxon_find(const struct casg_cli_taxon *t, const char *id, uint32_t *taxon_out)
{
	struct casg_err err = CASG_ERR_INIT;
	int status = casg_taxonomy_find(t->taxonomy, id, strlen(id), taxon_out, &err);

	if (status < 0)
		casg_die_err(&err);
	return status;
}

struct casg_taxon_info casg_cli_taxon_info(const struct casg_cli_taxon *t, uint32_t taxon)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxon_info info;

	if (casg_taxonomy_info(t->taxonomy, taxon, &info, &err))
		casg_die_err(&err);
	return info;
}
