#include "settings.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

enum kind { COUNT, SIZE, LEVEL, RANK, BOOL, SOURCES };

/* The one home of names, defaults and bounds. */
static const struct {
	const char *name;
	size_t offset;
	enum kind kind;
	uint64_t preset, least, most;
} table[] = {
	{ "casg.threads", offsetof(struct casg_settings, threads), COUNT,
	  0, 0, 256 },
	{ "casg.memory", offsetof(struct casg_settings, memory), SIZE,
	  448 * MIB, 64 * MIB, UINT64_MAX },
	{ "casg.packSize", offsetof(struct casg_settings, pack_size), SIZE,
	  64 * MIB, 1 * MIB, 4 * GIB },
	{ "casg.chunkSize", offsetof(struct casg_settings, chunk_size), SIZE,
	  1 * MIB, 16 * KIB, 16 * MIB },
	{ "casg.compression", offsetof(struct casg_settings, level), LEVEL,
	  2, 0, 19 },
	{ "casg.match", offsetof(struct casg_settings, match), COUNT,
	  64, 0, 256 },
	{ "casg.shrinkLimit", offsetof(struct casg_settings, shrink_limit), COUNT,
	  50, 0, 100 },
	{ "casg.gcGrace", offsetof(struct casg_settings, gc_grace), COUNT,
	  14 * 86400, 0, UINT64_C(1) << 40 },
	{ "casg.gcAuto", offsetof(struct casg_settings, gc_auto), COUNT,
	  50, 0, UINT32_MAX },
	{ "casg.countReads", offsetof(struct casg_settings, count_reads), BOOL,
	  1, 0, 1 },
	{ "casg.remoteTimeout", offsetof(struct casg_settings, remote_timeout), COUNT,
	  60, 1, 86400 },
	{ "casg.cache.size", offsetof(struct casg_settings, cache_size), SIZE,
	  4 * GIB, 0, UINT64_MAX },
	{ "casg.cache.keepFree", offsetof(struct casg_settings, cache_keep_free), SIZE,
	  1 * GIB, 0, UINT64_MAX },
	{ "casg.chunk.rank", offsetof(struct casg_settings, chunk.rest), RANK,
	  CASG_GROUPING_FAMILY, CASG_GROUPING_SPECIES, CASG_GROUPING_NONE },
	{ "casg.chunk.cost", offsetof(struct casg_settings, chunk.max_cost), COUNT,
	  4, 0, 100 },
	{ "casg.taxonFrom", offsetof(struct casg_settings, taxon_from), SOURCES,
	  CASG_TAXON_HEADER | CASG_TAXON_MAPPING << 8 | CASG_TAXON_ORGANISM << 16,
	  0, UINT64_MAX },
};

static const char list_prefix[] = "casg.chunk.";

#define NTABLE (sizeof(table) / sizeof(table[0]))

static uint64_t *slot(struct casg_settings *s, size_t i)
{
	return (uint64_t *)((char *)s + table[i].offset);
}

void casg_settings_init(struct casg_settings *s)
{
	casg_grouping_policy_init(&s->chunk);
	for (size_t i = 0; i < NTABLE; i++)
		*slot(s, i) = table[i].preset;
}

int casg_parse_size(const char *text, uint64_t *nbytes_out)
{
	uint64_t v = 0, unit = 1;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned d = (unsigned)(*p - '0');

		if (v > (UINT64_MAX - d) / 10)
			return -1;
		v = v * 10 + d;
	}
	if (p == text)
		return -1;
	if (*p == 'k' || *p == 'K')
		unit = KIB;
	else if (*p == 'm' || *p == 'M')
		unit = MIB;
	else if (*p == 'g' || *p == 'G')
		unit = GIB;
	if (p[unit != 1] || v > UINT64_MAX / unit)
		return -1;
	*nbytes_out = v * unit;
	return 0;
}

static const char *const source_names[] = {
	[CASG_TAXON_HEADER] = "header", [CASG_TAXON_MAPPING] = "mapping",
	[CASG_TAXON_ORGANISM] = "organism",
};

const char *casg_taxon_source_name(enum casg_taxon_source source)
{
	return source_names[source];
}

int casg_parse_taxon_from(const char *text, uint64_t *v_out)
{
	const char *const *names = source_names;
	unsigned seen = 1, shift = 0;

	*v_out = 0;
	for (;; text++) {
		size_t n = strcspn(text, ",");
		unsigned i;

		for (i = 1; i < 4; i++)
			if (strlen(names[i]) == n && !memcmp(names[i], text, n))
				break;
		if (i == 4 || seen & 1u << i)
			return -1;
		seen |= 1u << i;
		*v_out |= (uint64_t)i << shift;
		shift += 8;
		text += n;
		if (!*text)
			return 0;
	}
}

static int parse(enum kind kind, const char *text, uint64_t *v_out)
{
	static const char *const no_yes[] = { "no", "yes", "off", "on", "false", "true" };

	if (kind == LEVEL && !strcmp(text, "none")) {
		*v_out = 0;
		return 0;
	}
	for (*v_out = 0; kind == RANK && *v_out <= CASG_GROUPING_NONE; ++*v_out)
		if (!strcasecmp(text, casg_grouping_rank_name((int)*v_out)))
			return 0;
	for (size_t i = 0; kind == BOOL && i < sizeof(no_yes) / sizeof(no_yes[0]); i++)
		if (!strcasecmp(text, no_yes[i])) {
			*v_out = i & 1;
			return 0;
		}
	if (kind == RANK)
		return -1;
	if (kind == SOURCES)
		return casg_parse_taxon_from(text, v_out);
	if (kind != SIZE && text[strspn(text, "0123456789")])
		return -1;
	return casg_parse_size(text, v_out);
}

static const char *wanted(enum kind kind)
{
	switch (kind) {
	case SIZE:
		return "a size such as 64m";
	case LEVEL:
		return "'none' or a level from 0 to 19";
	case SOURCES:
		return "a list of header, mapping and organism";
	case RANK:
		return "species, genus, family, higher or none";
	case BOOL:
		return "true or false";
	default:
		return "a number";
	}
}

/* A bound as it would be typed: 64m, not 67108864. */
static int out_of_range(size_t i, const char *value, const char *origin, struct casg_err *err)
{
	static const char units[] = { 'k', 'm', 'g' };
	uint64_t bounds[2] = { table[i].least, table[i].most };
	char unit[2][2] = { "", "" };

	for (int b = 0; b < 2 && table[i].kind == SIZE; b++)
		for (int u = 0; u < 3 && bounds[b] && !(bounds[b] % KIB); u++) {
			bounds[b] /= KIB;
			unit[b][0] = units[u];
		}
	if (bounds[1] == UINT64_MAX)
		return casg_err_set(err, CASG_ECORRUPT, "bad value '%s' of %s: wanted %llu%s or more",
				    value, origin, (unsigned long long)bounds[0], unit[0]);
	return casg_err_set(err, CASG_ECORRUPT, "bad value '%s' of %s: wanted %llu%s to %llu%s",
			    value, origin, (unsigned long long)bounds[0], unit[0],
			    (unsigned long long)bounds[1], unit[1]);
}

/* casg.chunk.dedicated and the like. */
static int set_list(struct casg_settings *s, const char *name, const char *value,
		    const char *origin, struct casg_err *err)
{
	const size_t n = sizeof(list_prefix) - 1;

	for (int i = 0; i < CASG_GROUPING_NLISTS && !strncasecmp(name, list_prefix, n); i++)
		if (!strcasecmp(name + n, casg_grouping_rank_name(i)) &&
		    casg_grouping_policy_add(&s->chunk, i, value))
			return casg_err_set(err, CASG_ECORRUPT,
					    "bad value '%s' of %s: wanted taxon ids or names "
					    "between commas, at most %d bytes of them",
					    value, origin ? origin : name, CASG_GROUPING_LIST_MAX);
	return 0;
}

int casg_settings_set(struct casg_settings *s, const char *name,
		      const char *value, const char *origin,
		      struct casg_err *err)
{
	uint64_t v;
	size_t i;

	for (i = 0; i < NTABLE; i++)
		if (!strcasecmp(table[i].name, name))
			break;
	if (i == NTABLE)
		return set_list(s, name, value, origin, err);
	if (!origin)
		origin = table[i].name;
	if (parse(table[i].kind, value, &v))
		return casg_err_set(err, CASG_ECORRUPT, "bad value '%s' of %s: wanted %s",
				    value, origin, wanted(table[i].kind));
	if ((v < table[i].least || v > table[i].most) && table[i].kind == RANK)
		return casg_err_set(err, CASG_ECORRUPT, "bad value '%s' of %s: wanted %s",
				    value, origin, wanted(RANK));
	if (v < table[i].least || v > table[i].most)
		return out_of_range(i, value, origin, err);
	*slot(s, i) = v;
	return 0;
}
