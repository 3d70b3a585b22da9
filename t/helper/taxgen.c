/*
 * casg-taxgen - make a taxonomy dump, as NCBI writes it, or its next release.
 *
 * The same options give the same files on every machine: what a taxon is
 * follows from its number and the seed (splitmix64; Steele, Lea, Flood 2014).
 * It has to look enough like the real thing: numbers with gaps, a deep tree,
 * one and a half names a taxon, merged and deleted numbers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static uint64_t seed = 1, taxa = 1000, change;

static const char *const usage[] = { "[--seed N] [--taxa N] [--change PERMILLE] DIR", NULL };

static const struct casg_opt opts[] = {
	{ CASG_OPT_U64, 0, "seed", "N", &seed, "another dump for another number (1)" },
	{ CASG_OPT_U64, 0, "taxa", "N", &taxa, "how many taxa (1000)" },
	{ CASG_OPT_U64, 0, "change", "PERMILLE", &change,
	  "so many of a thousand taxa are renamed, moved or new (0)" },
	{ CASG_OPT_END, 0, NULL, NULL, NULL, NULL }
};

static uint64_t mix(uint64_t what, uint64_t i)
{
	uint64_t z = seed * UINT64_C(0x9e3779b97f4a7c15) + what * UINT64_C(0xd1342543de82ef95) + i;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

enum { PARENT, RENAME, MOVE, KIND, SYNONYM, AUTHORITY, WORD, GENUS, OTHER };

static int chance(uint64_t what, uint64_t i, uint64_t permille)
{
	return mix(what, i) % 1000 < permille;
}

/* Three numbers in four are taxa, the fourth is merged or deleted. */
static uint64_t number(uint64_t i)
{
	return i + i / 3 + 1;
}

/* Half of the taxa lie in one shortly before, which makes it deep. */
static uint64_t parent(uint64_t i)
{
	uint64_t h = mix(PARENT, i) + chance(MOVE, i, change / 3);

	if (!i)
		return 0;
	if (h & 1 && i > 64)
		return i - 1 - (h >> 1) % 64;
	return (h >> 1) % (i / 8 + 1);
}

static void word(FILE *f, uint64_t h, int capital)
{
	static const char *const parts[] = {
		"bac", "ter", "lac", "to", "coc", "cus", "myc", "es", "pir", "illum",
		"or", "ans", "phy", "lo", "rhi", "zo"
	};

	for (int n = 3 + (int)(h & 1); n--; capital = 0) {
		const char *p = parts[(h >>= 4) & 15];

		fputc(capital ? p[0] - 'a' + 'A' : p[0], f);
		fputs(p + 1, f);
	}
}

static void name(FILE *f, uint64_t i)
{
	word(f, mix(GENUS, i / 16), 1);
	fputc(' ', f);
	word(f, mix(WORD, i), 0);
	fprintf(f, " %s%" PRIu64, chance(RENAME, i, change) ? "strain " : "", i);
}

static void node_line(FILE *f, uint64_t i)
{
	static const char *const ranks[] = {
		"species", "species", "species", "no rank", "strain", "genus", "subspecies", "family"
	};
	uint64_t kind = mix(KIND, i);

	fprintf(f, "%" PRIu64 "\t|\t%" PRIu64 "\t|\t%s\t|\t%s\t|\t%d\t|\t1\t|\t11\t|\t1\t|\t%d\t|\t1"
		"\t|\t1\t|\t0\t|\t%s\t|\n", number(i), number(parent(i)),
		i ? ranks[kind & 7] : "no rank", kind & 8 ? "XX" : "", (int)(kind >> 4 & 7),
		(int)(kind >> 7 & 1), kind >> 8 & 1 ? "code compliant; specified" : "");
}

static void name_lines(FILE *f, uint64_t i)
{
	if (chance(SYNONYM, i, 300)) {
		fprintf(f, "%" PRIu64 "\t|\t", number(i));
		name(f, i + taxa);
		fputs("\t|\t\t|\tsynonym\t|\n", f);
	}
	fprintf(f, "%" PRIu64 "\t|\t", number(i));
	if (i)
		name(f, i);
	else
		fputs("root", f);
	fputs("\t|\t\t|\tscientific name\t|\n", f);
	if (chance(AUTHORITY, i, 230)) {
		fprintf(f, "%" PRIu64 "\t|\t", number(i));
		name(f, i);
		fprintf(f, " (Author, %d)\t|\t\t|\tauthority\t|\n", 1800 + (int)(i % 225));
	}
}

static FILE *create(const char *dir, const char *file)
{
	struct casg_buf path = CASG_BUF_INIT;
	FILE *f;

	casg_buf_addf(&path, "%s/%s", dir, file);
	f = fopen(casg_buf_cstr(&path), "w");
	if (!f)
		casg_die("cannot write '%s'", casg_buf_cstr(&path));
	casg_buf_release(&path);
	return f;
}

static void finish(FILE *f)
{
	if (ferror(f) | fclose(f))
		casg_die("cannot write a file of the dump");
}

static int run(int argc, char **argv)
{
	FILE *nodes, *names, *merged, *deleted;
	uint64_t n = taxa + taxa * change / 3000;

	(void)argc;
	nodes = create(argv[0], "nodes.dmp");
	names = create(argv[0], "names.dmp");
	merged = create(argv[0], "merged.dmp");
	deleted = create(argv[0], "delnodes.dmp");
	for (uint64_t i = 0; i < n; i++) {
		node_line(nodes, i);
		name_lines(names, i);
		if (i % 3 != 2)
			continue;
		/* the number behind this taxon's is free */
		if (chance(OTHER, i, 150))
			fprintf(merged, "%" PRIu64 "\t|\t%" PRIu64 "\t|\n", number(i) + 1, number(i));
		else
			fprintf(deleted, "%" PRIu64 "\t|\n", number(i) + 1);
	}
	finish(nodes);
	finish(names);
	finish(merged);
	finish(deleted);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-taxgen", usage, opts, 1, 1, run };
