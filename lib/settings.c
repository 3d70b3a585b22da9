#include "settings.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

enum kind { COUNT, SIZE, LEVEL, SOURCES };

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
	{ "casg.shrinkLimit", offsetof(struct casg_settings, shrink_limit), COUNT,
	  50, 0, 100 },
	{ "casg.gcGrace", offsetof(struct casg_settings, gc_grace), COUNT,
	  14 * 86400, 0, UINT64_C(1) << 40 },
	{ "casg.gcAuto", offsetof(struct casg_settings, gc_auto), COUNT,
	  50, 0, UINT32_MAX },
	{ "casg.taxonFrom", offsetof(struct casg_settings, taxon_from), SOURCES,
	  CASG_TAXON_HEADER | CASG_TAXON_MAPPING << 8 | CASG_TAXON_ORGANISM << 16,
	  0, UINT64_MAX },
};

#define NTABLE (sizeof(table) / sizeof(table[0]))

static uint64_t *slot(struct casg_settings *s, size_t i)
{
	return (uint64_t *)((char *)s + table[i].offset);
}

void casg_settings_init(struct casg_settings *s)
{
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

int casg_parse_taxon_from(const char *text, uint64_t *v_out)
{
	static const char *const names[] = { NULL, "header", "mapping", "organism" };
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
	if (kind == LEVEL && !strcmp(text, "none")) {
		*v_out = 0;
		return 0;
	}
	if (kind == SOURCES)
		return casg_parse_taxon_from(text, v_out);
	if (kind != SIZE && text[strspn(text, "0123456789")])
		return -1;
	return casg_parse_size(text, v_out);
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
		return 0;
	if (!origin)
		origin = table[i].name;
	if (parse(table[i].kind, value, &v))
		return casg_err_set(err, CASG_ECORRUPT, "bad value '%s' of %s: wanted %s",
				    value, origin,
				    table[i].kind == SIZE ? "a size such as 64m" :
				    table[i].kind == LEVEL ? "'none' or a level from 0 to 19" :
				    table[i].kind == SOURCES ?
				    "a list of header, mapping and organism" :
				    "a number");
	if (v < table[i].least || v > table[i].most)
		return casg_err_set(err, CASG_ECORRUPT,
				    "bad value '%s' of %s: out of range (%llu to %llu)",
				    value, origin, (unsigned long long)table[i].least,
				    (unsigned long long)table[i].most);
	*slot(s, i) = v;
	return 0;
}
