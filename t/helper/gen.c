/*
 * casg-gen - make a FASTA file, or the next release from a former one.
 *
 * The same options give the same bytes on every machine: the random numbers
 * are splitmix64 (Steele, Lea, Flood 2014), all arithmetic is on integers.
 * It only has to look enough like the real thing: amino acid frequencies,
 * UniProt's headers, families of near-identical sequences.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "buf.h"
#include "cli.h"

#define MILLION 1000000u
#define RING 64         /* families that are alive at a time */
#define NEW_AT 100000u  /* accessions beyond these take the long form */

static uint64_t seed = 1, records = 100, mean = 300, width = 60;
static int crlf;
static const char *type = "dna";
static const char *family_arg = "0", *mutate;
static const char *add_arg = "0", *remove_arg = "0";
static const char *change_arg = "0", *describe_arg = "0";

static const char *const usage[] = {
	"[--seed N] [--type dna|protein] [--records N] [--length MEAN] [--width N] [--family FRACTION] [--crlf]",
	"[--seed N] --mutate FILE [--add PERCENT] [--remove PERCENT] [--change PERCENT] [--describe PERCENT]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_U64, 0, "seed", "N", &seed, "another file for another number (1)" },
	{ CASG_OPT_STR, 0, "type", "TYPE", &type, "dna or protein (dna)" },
	{ CASG_OPT_U64, 0, "records", "N", &records, "how many records (100)" },
	{ CASG_OPT_U64, 0, "length", "MEAN", &mean, "mean length in residues (300)" },
	{ CASG_OPT_U64, 0, "width", "N", &width, "residues a line; 0: one line (60)" },
	{ CASG_OPT_STR, 0, "family", "FRACTION", &family_arg,
	  "how many records are near-copies of an earlier one (0)" },
	{ CASG_OPT_FLAG, 0, "crlf", NULL, &crlf, "lines end in CR LF" },
	{ CASG_OPT_STR, 0, "mutate", "FILE", &mutate, "make the release after FILE" },
	{ CASG_OPT_STR, 0, "add", "PERCENT", &add_arg, "new records" },
	{ CASG_OPT_STR, 0, "remove", "PERCENT", &remove_arg, "records left out" },
	{ CASG_OPT_STR, 0, "change", "PERCENT", &change_arg, "sequences changed" },
	{ CASG_OPT_STR, 0, "describe", "PERCENT", &describe_arg, "descriptions changed" },
	{ CASG_OPT_END, 0, NULL, NULL, NULL, NULL }
};

/* ---- random numbers -------------------------------------------------- */

static uint64_t state;

static uint64_t draw(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t below(uint64_t n)
{
	return draw() % n;
}

static int chance(uint32_t per_million)
{
	return per_million && below(MILLION) < per_million;
}

/* "12.5" times 'unit', with six decimals and no floating point. */
static uint32_t parse_share(const char *name, const char *s, uint32_t unit)
{
	const char *p = s;
	uint64_t v = 0, scale = unit;

	for (; *p >= '0' && *p <= '9' && v <= MILLION; p++)
		v = v * 10 + (uint64_t)(*p - '0') * unit;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++) {
			scale /= 10;
			v += scale * (uint64_t)(*p - '0');
		}
	if (!*s || *p || v > MILLION)
		casg_usage_die("option '--%s' expects a share, not '%s'", name, s);
	return (uint32_t)v;
}

/* ---- residues -------------------------------------------------------- */

/* Swiss-Prot's composition, in 256ths. */
static const struct { char aa; uint8_t n; } composition[] = {
	{ 'A', 21 }, { 'R', 14 }, { 'N', 10 }, { 'D', 14 }, { 'C', 4 }, { 'Q', 10 },
	{ 'E', 17 }, { 'G', 18 }, { 'H', 6 }, { 'I', 15 }, { 'L', 25 }, { 'K', 15 },
	{ 'M', 6 }, { 'F', 10 }, { 'P', 12 }, { 'S', 17 }, { 'T', 14 }, { 'W', 3 },
	{ 'Y', 8 }, { 'V', 17 }
};

static int is_protein;
static char aa_of[256];
static char bases_of[256][4];

static void make_tables(void)
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(composition) / sizeof(composition[0]); i++)
		for (int k = 0; k < composition[i].n; k++)
			aa_of[n++] = composition[i].aa;
	for (int i = 0; i < 256; i++)
		for (int k = 0; k < 4; k++)
			bases_of[i][k] = "ACGT"[i >> 2 * k & 3];
}

static void need(struct casg_buf *b, size_t extra)
{
	if (casg_buf_grow(b, extra))
		casg_die("out of memory");
}

static void random_residues(struct casg_buf *seq, size_t n)
{
	size_t step = is_protein ? 8 : 32;

	need(seq, n + step);
	for (size_t i = 0; i < n; i += step) {
		uint8_t *p = seq->data + seq->len + i;
		uint64_t r = draw();

		for (int k = 0; k < 8; k++, r >>= 8) {
			if (is_protein)
				p[k] = (uint8_t)aa_of[r & 255];
			else
				memcpy(p + 4 * k, bases_of[r & 255], 4);
		}
	}
	seq->len += n;
}

static uint8_t random_residue(void)
{
	uint64_t r = draw();

	return (uint8_t)(is_protein ? aa_of[r & 255] : "ACGT"[r & 3]);
}

/* About one residue in a hundred becomes another, at least one. */
static void vary(struct casg_buf *seq)
{
	size_t n = seq->len / 100 + 1;

	if (!seq->len) {
		random_residues(seq, 10);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		uint8_t *p = seq->data + below(seq->len);
		uint8_t was = *p;

		while (*p == was)
			*p = random_residue();
	}
}

/* ---- records --------------------------------------------------------- */

static const struct { const char *name, *code; unsigned taxon, weight; } organisms[] = {
	{ "Escherichia coli (strain K12)", "ECOLI", 83333, 20 },
	{ "Homo sapiens", "HUMAN", 9606, 20 },
	{ "Mus musculus", "MOUSE", 10090, 16 },
	{ "Arabidopsis thaliana", "ARATH", 3702, 14 },
	{ "Saccharomyces cerevisiae (strain ATCC 204508 / S288c)", "YEAST", 559292, 8 },
	{ "Bacillus subtilis (strain 168)", "BACSU", 224308, 6 },
	{ "Schizosaccharomyces pombe (strain 972 / ATCC 24843)", "SCHPO", 284812, 6 },
	{ "Drosophila melanogaster", "DROME", 7227, 4 },
	{ "Caenorhabditis elegans", "CAEEL", 6239, 3 },
	{ "Mycobacterium tuberculosis (strain ATCC 25618 / H37Rv)", "MYCTU", 83332, 2 },
	{ "Enterobacteria phage T4", "BPT4", 10665, 1 }
};

static const char *const words[] = {
	"Probable", "Putative", "Uncharacterized", "Mitochondrial", "Small", "Large",
	"ATP-dependent", "NADH", "Zinc", "Membrane", "Ribosomal", "Heat shock",
	"protein", "kinase", "synthase", "reductase", "transporter", "subunit",
	"hydrolase", "ligase", "protease", "helicase", "factor", "receptor",
	"alpha", "beta", "gamma", "1", "2", "3", "B", "homolog"
};

static size_t random_organism(void)
{
	uint64_t r = below(100);
	size_t i = 0;

	while (r >= organisms[i].weight)
		r -= organisms[i++].weight;
	return i;
}

/* Six characters for small numbers, ten for the others, as UniProt has them. */
static void add_accession(struct casg_buf *b, uint64_t n)
{
	char tail[8] = "0000000";

	if (n < NEW_AT) {
		casg_buf_addf(b, "P%05u", (unsigned)n);
		return;
	}
	for (int i = 6; i >= 0; i--, n /= 36)
		tail[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n % 36];
	casg_buf_addf(b, "A0A%s", tail);
}

static void protein_header(struct casg_buf *b, uint64_t n)
{
	size_t org = random_organism();
	uint64_t r = draw();
	char name[5];

	for (int i = 0; i < 4; i++)
		name[i] = (char)('A' + (r >> 5 * i & 31) % 26);
	name[4] = '\0';
	casg_buf_addstr(b, "sp|");
	add_accession(b, n);
	casg_buf_addf(b, "|%s_%s", name, organisms[org].code);
	r >>= 20;
	casg_buf_addf(b, " %s %s %s", words[r % 12], words[12 + (r >> 8) % 12],
		      words[24 + (r >> 16) % 8]);
	casg_buf_addf(b, " OS=%s OX=%u GN=%c%c%c%c PE=%u SV=%u", organisms[org].name,
		      organisms[org].taxon, name[0] + 32, name[1] + 32, name[2] + 32,
		      name[3], (unsigned)(1 + (r >> 24) % 5),
		      (unsigned)(1 + (r >> 32) % 4));
}

static void dna_header(struct casg_buf *b, uint64_t n)
{
	size_t org = random_organism();

	casg_buf_addf(b, "NZ_%08llu.%u %s contig %llu, whole genome shotgun sequence",
		      (unsigned long long)n, (unsigned)(1 + below(3)),
		      organisms[org].name, (unsigned long long)(n % 100));
}

static void new_header(struct casg_buf *b, uint64_t n)
{
	casg_buf_reset(b);
	if (is_protein)
		protein_header(b, n);
	else
		dna_header(b, n);
}

static struct casg_buf ring[RING];
static size_t nring;

static void keep_in_ring(const struct casg_buf *seq)
{
	struct casg_buf *slot = &ring[nring < RING ? nring++ : below(RING)];

	casg_buf_reset(slot);
	casg_buf_add(slot, seq->data, seq->len);
}

static void new_sequence(struct casg_buf *seq, uint32_t family)
{
	casg_buf_reset(seq);
	if (nring && chance(family)) {
		const struct casg_buf *from = &ring[below(nring)];

		casg_buf_add(seq, from->data, from->len);
		vary(seq);
		return;
	}
	random_residues(seq, mean ? mean / 2 + 1 + below(mean) : 0);
	if (family)
		keep_in_ring(seq);
}

static void put_record(const struct casg_buf *header, const struct casg_buf *seq)
{
	const char *eol = crlf ? "\r\n" : "\n";
	size_t neol = crlf ? 2 : 1;
	size_t step = width ? width : seq->len;

	if (header->failed || seq->failed)
		casg_die("out of memory");
	casg_out(">", 1);
	casg_out(header->data, header->len);
	casg_out(eol, neol);
	for (size_t i = 0; i < seq->len; i += step) {
		size_t n = seq->len - i < step ? seq->len - i : step;

		casg_out(seq->data + i, n);
		casg_out(eol, neol);
	}
}

static void generate(void)
{
	uint32_t family = parse_share("family", family_arg, MILLION);
	struct casg_buf header = CASG_BUF_INIT, seq = CASG_BUF_INIT;

	if (!strcmp(type, "protein"))
		is_protein = 1;
	else if (strcmp(type, "dna"))
		casg_usage_die("option '--type' expects dna or protein, not '%s'", type);
	for (uint64_t i = 1; i <= records; i++) {
		new_header(&header, i);
		new_sequence(&seq, family);
		put_record(&header, &seq);
	}
	casg_buf_release(&header);
	casg_buf_release(&seq);
}

/* ---- the release after ----------------------------------------------- */

struct reader {
	FILE *f;
	char *line;
	size_t cap;
	ssize_t len;            /* of the line that is waiting; -1 at the end */
	struct casg_buf header, seq, raw;
	size_t first_line;      /* residues in the first line of the record */
};

static void next_line(struct reader *r)
{
	r->len = getline(&r->line, &r->cap, r->f);
	if (r->len < 0 && ferror(r->f))
		casg_die("cannot read '%s': %s", mutate, strerror(errno));
}

static size_t without_eol(const struct reader *r)
{
	size_t n = (size_t)r->len;

	while (n && (r->line[n - 1] == '\n' || r->line[n - 1] == '\r'))
		n--;
	return n;
}

static int next_record(struct reader *r)
{
	size_t n;

	if (r->len < 0)
		return 0;
	casg_buf_reset(&r->header);
	casg_buf_reset(&r->seq);
	casg_buf_reset(&r->raw);
	r->first_line = 0;
	n = without_eol(r);
	casg_buf_add(&r->header, r->line + 1, n - 1);
	casg_buf_add(&r->raw, r->line, (size_t)r->len);
	for (next_line(r); r->len >= 0 && r->line[0] != '>'; next_line(r)) {
		n = without_eol(r);
		if (!r->seq.len)
			r->first_line = n;
		casg_buf_add(&r->seq, r->line, n);
		casg_buf_add(&r->raw, r->line, (size_t)r->len);
	}
	return 1;
}

/* The layout and the alphabet of a file are those of its first record. */
static void look_at_first(const struct reader *r)
{
	crlf = memchr(r->raw.data, '\r', r->raw.len) != NULL;
	width = r->first_line < r->seq.len ? r->first_line :
		r->seq.len > 60 ? 0 : 60;
	is_protein = 0;
	for (size_t i = 0; i < r->seq.len && !is_protein; i++)
		is_protein = !strchr("ACGTUNacgtun", r->seq.data[i]);
}

/* Accessions of one mutation never meet those of a first release. */
static uint64_t new_number(uint64_t i)
{
	return is_protein ? (1 + seed % 7000) * 10000000 + i :
	       (1 + seed % 9) * 10000000 + i;
}

static void mutate_record(struct reader *r, uint32_t change, uint32_t describe)
{
	int changed = 0;

	if (chance(change)) {
		vary(&r->seq);
		changed = 1;
	}
	if (chance(describe)) {
		casg_buf_addf(&r->header, " updated=%llu", (unsigned long long)seed);
		changed = 1;
	}
	if (changed)
		put_record(&r->header, &r->seq);
	else
		casg_out(r->raw.data, r->raw.len);
}

static void mutate_file(void)
{
	uint32_t add = parse_share("add", add_arg, MILLION / 100);
	uint32_t gone = parse_share("remove", remove_arg, MILLION / 100);
	uint32_t change = parse_share("change", change_arg, MILLION / 100);
	uint32_t describe = parse_share("describe", describe_arg, MILLION / 100);
	struct casg_buf header = CASG_BUF_INIT, seq = CASG_BUF_INIT;
	struct reader r = { 0 };
	uint64_t nread = 0, nnew = 0;

	r.f = fopen(mutate, "r");
	if (!r.f)
		casg_die("cannot open '%s': %s", mutate, strerror(errno));
	next_line(&r);
	if (r.len < 0 || r.line[0] != '>')
		casg_die("'%s' does not start with a FASTA record", mutate);
	while (next_record(&r)) {
		if (!nread++)
			look_at_first(&r);
		if (r.header.failed || r.seq.failed || r.raw.failed)
			casg_die("out of memory");
		if (!chance(gone))
			mutate_record(&r, change, describe);
		if (chance(add)) {
			new_header(&header, new_number(++nnew));
			mean = r.seq.len ? r.seq.len : 1;
			new_sequence(&seq, 0);
			put_record(&header, &seq);
		}
	}
	fclose(r.f);
	free(r.line);
	casg_buf_release(&r.header);
	casg_buf_release(&r.seq);
	casg_buf_release(&r.raw);
	casg_buf_release(&header);
	casg_buf_release(&seq);
}

static int run(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	make_tables();
	state = seed;
	draw();
	if (mutate)
		mutate_file();
	else
		generate();
	for (size_t i = 0; i < RING; i++)
		casg_buf_release(&ring[i]);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-gen", usage, opts, 0, 0, run };
