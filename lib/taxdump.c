#include "taxdump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array.h"
#include "buf.h"
#include "input.h"
#include "taxtext.h"
#include "untar.h"
#include "unzip.h"

#define BLOCK_SIZE ((size_t)256 << 10)

static const char *const suffixes[] = { "", ".gz", ".xz", ".zst", ".bz2" };
#define NSUFFIXES (sizeof(suffixes) / sizeof(*suffixes))

struct source {
	char *name;
	struct casg_oid sha256;
};

struct dump {
	struct casg_taxtable *table;
	struct casg_hasher *hasher;
	uint8_t *block;
	struct casg_taxtext *text;  /* the file being read */
	const char *path;           /* the archive being read */
	int text_failed;            /* its message has a place already */
	int has[CASG_TAXTEXT_NDUMP], is_dump;
	struct source *sources;
	size_t nsources, cap;
	uint64_t nbytes;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Without folders and a suffix of compression; to be freed. */
static char *plain_name(const char *path)
{
	const char *base = base_name(path);
	size_t n = strlen(base);

	for (size_t i = 1; i < NSUFFIXES; i++) {
		size_t k = strlen(suffixes[i]);

		if (n > k && !strcmp(base + n - k, suffixes[i]))
			return strndup(base, n - k);
	}
	return strdup(base);
}

/* Which file of a dump is called so?  -1: none. */
static int kind_of_name(const char *name, size_t n)
{
	for (int kind = 0; kind < CASG_TAXTEXT_NDUMP; kind++) {
		const char *want = casg_taxtext_name((enum casg_taxtext_kind)kind);

		if (strlen(want) == n && !memcmp(name, want, n))
			return kind;
	}
	return -1;
}

/* ---- one text --------------------------------------------------------------- */

static int begin_text(struct dump *d, enum casg_taxtext_kind kind, const char *shown,
		      char *name, struct casg_err *err)
{
	if (!name || CASG_GROW(d->sources, d->nsources + 1, d->cap)) {
		free(name);
		return casg_err_nomem(err);
	}
	d->sources[d->nsources++].name = name;
	if (kind < CASG_TAXTEXT_NDUMP)
		d->has[kind] = d->is_dump = 1;
	casg_hasher_init(d->hasher);
	d->text = casg_taxtext_new(d->table, kind, shown, err);
	return d->text ? 0 : err->code;
}

static int feed_text(struct dump *d, const uint8_t *p, size_t n, struct casg_err *err)
{
	int ret = casg_taxtext_feed(d->text, p, n, err);

	casg_hasher_update(d->hasher, p, n);
	d->nbytes += n;
	d->text_failed |= ret != 0;
	return ret;
}

static int end_text(struct dump *d, struct casg_err *err)
{
	int ret = casg_taxtext_finish(d->text, err);

	casg_taxtext_free(d->text);
	d->text = NULL;
	casg_hasher_final(d->hasher, &d->sources[d->nsources - 1].sha256);
	d->text_failed |= ret != 0;
	return ret;
}

/* ---- archives ----------------------------------------------------------------- */

static int member_begin(void *ctx, const char *name, size_t n, struct casg_err *err)
{
	struct dump *d = ctx;
	const char *slash = n ? memrchr(name, '/', n) : NULL;
	const char *base = slash ? slash + 1 : name;
	int kind = kind_of_name(base, n - (size_t)(base - name)), ret;
	struct casg_buf shown = CASG_BUF_INIT;

	if (kind < 0)
		return 0;
	base = casg_taxtext_name((enum casg_taxtext_kind)kind);
	casg_buf_addf(&shown, "%s: %s", d->path, base);
	ret = casg_buf_check(&shown, err);
	if (!ret)
		ret = begin_text(d, (enum casg_taxtext_kind)kind, casg_buf_cstr(&shown),
				 strdup(base), err);
	casg_buf_release(&shown);
	d->text_failed |= ret != 0;
	return ret ? ret : 1;
}

static int member_data(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	return feed_text(ctx, p, n, err);
}

static int member_end(void *ctx, struct casg_err *err)
{
	return end_text(ctx, err);
}

/* What reads a file: a text or an archive; both ends look alike. */
struct reader {
	struct casg_untar *tar;
	struct casg_unzip *zip;
};

static int reader_open(struct dump *d, struct reader *r, size_t n, struct casg_err *err)
{
	const struct casg_member_handler h = { d, member_begin, member_data, member_end };
	char *name = plain_name(d->path);
	int kind = name ? kind_of_name(name, strlen(name)) : -1;

	if (!name)
		return casg_err_nomem(err);
	if (kind < 0 && casg_unzip_detect(d->block, n)) {
		free(name);
		r->zip = casg_unzip_new(&h, err);
		return r->zip ? 0 : err->code;
	}
	if (kind < 0 && casg_untar_detect(d->block, n)) {
		free(name);
		r->tar = casg_untar_new(&h);
		return r->tar ? 0 : casg_err_nomem(err);
	}
	if (kind < 0)
		kind = casg_taxtext_detect(d->block, n);
	if (kind >= 0)
		return begin_text(d, (enum casg_taxtext_kind)kind, strcmp(d->path, "-") ?
				  d->path : "standard input", name, err);
	free(name);
	return casg_err_set(err, CASG_ENOTOURS, "it is no folder, file or archive of a taxonomy "
			    "dump, and no table of lineages or taxa");
}

static int reader_feed(struct dump *d, struct reader *r, size_t n, struct casg_err *err)
{
	if (r->tar)
		return casg_untar_feed(r->tar, d->block, n, err);
	if (r->zip)
		return casg_unzip_feed(r->zip, d->block, n, err);
	return feed_text(d, d->block, n, err);
}

static int reader_finish(struct dump *d, struct reader *r, struct casg_err *err)
{
	if (r->tar)
		return casg_untar_finish(r->tar, err);
	if (r->zip)
		return casg_unzip_finish(r->zip, err);
	return end_text(d, err);
}

/* ---- files ---------------------------------------------------------------------- */

/* At least what tells the kind of a file, unless it is shorter. */
static long read_head(struct casg_input *in, struct dump *d, struct casg_err *err)
{
	size_t have = 0;
	long n = 1;

	while (have < CASG_UNTAR_HEAD && n) {
		n = casg_input_read(in, d->block + have, BLOCK_SIZE - have, err);
		if (n < 0)
			return n;
		have += (size_t)n;
	}
	return (long)have;
}

static int read_opened(struct casg_input *in, struct dump *d, struct reader *r,
		       struct casg_err *err)
{
	long n = read_head(in, d, err);
	int ret = 0;

	if (n < 0) {
		d->text_failed = 1;
		return (int)n;
	}
	ret = reader_open(d, r, (size_t)n, err);
	while (!ret && n > 0) {
		ret = reader_feed(d, r, (size_t)n, err);
		if (!ret)
			n = casg_input_read(in, d->block, BLOCK_SIZE, err);
	}
	if (n < 0) {
		d->text_failed = 1; /* input.h names the file */
		return (int)n;
	}
	return ret ? ret : reader_finish(d, r, err);
}

static int read_file(struct dump *d, const char *path, struct casg_err *err)
{
	struct reader r = { NULL, NULL };
	struct casg_input *in;
	int ret;

	d->path = path;
	d->text_failed = 0;
	ret = casg_input_open(&in, &path, 1, err);
	if (ret)
		return ret;
	ret = read_opened(in, d, &r, err);
	if (ret && !d->text_failed)
		casg_err_prefix(err, "%s", strcmp(path, "-") ? path : "standard input");
	casg_untar_free(r.tar);
	casg_unzip_free(r.zip);
	casg_taxtext_free(d->text);
	d->text = NULL;
	casg_input_close(in);
	return ret;
}

/* The file of a dump in a folder, compressed or not, into 'out'; 1, 0, negative. */
static int find_in_folder(const char *folder, const char *name, struct casg_buf *out,
			  struct casg_err *err)
{
	struct casg_buf path = CASG_BUF_INIT;
	int found = 0, ret = 0;

	for (size_t i = 0; i < NSUFFIXES && !ret; i++) {
		casg_buf_reset(&path);
		casg_buf_addf(&path, "%s/%s%s", folder, name, suffixes[i]);
		ret = casg_buf_check(&path, err);
		if (ret || access(casg_buf_cstr(&path), F_OK))
			continue;
		if (found++) {
			ret = casg_err_set(err, CASG_ECORRUPT, "%s: there are two %s, compressed "
					   "in different ways or not", folder, name);
			break;
		}
		casg_buf_reset(out);
		casg_buf_add(out, path.data, path.len);
		ret = casg_buf_check(out, err);
	}
	casg_buf_release(&path);
	return ret ? ret : found;
}

static int read_folder(struct dump *d, const char *folder, struct casg_err *err)
{
	struct casg_buf path = CASG_BUF_INIT;
	int ret = 0;

	for (int kind = 0; kind < CASG_TAXTEXT_NDUMP && ret >= 0; kind++) {
		const char *name = casg_taxtext_name((enum casg_taxtext_kind)kind);

		ret = find_in_folder(folder, name, &path, err);
		if (ret > 0)
			ret = read_file(d, casg_buf_cstr(&path), err);
		else if (!ret && (kind == CASG_TAXTEXT_NODES || kind == CASG_TAXTEXT_NAMES))
			ret = casg_err_set(err, CASG_EABSENT, "%s: there is no %s", folder, name);
	}
	casg_buf_release(&path);
	return ret;
}

/* ---- all ------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct source *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : memcmp(x->sha256.b, y->sha256.b, sizeof(x->sha256.b));
}

static int sum_up(struct dump *d, struct casg_taxdump_facts *out, struct casg_err *err)
{
	struct casg_buf list = CASG_BUF_INIT;
	int ret;

	out->nbytes = d->nbytes;
	if (d->nsources == 1) {
		out->sha256 = d->sources[0].sha256;
		return 0;
	}
	qsort(d->sources, d->nsources, sizeof(*d->sources), by_name);
	for (size_t i = 0; i < d->nsources; i++) {
		casg_oid_addhex(&list, &d->sources[i].sha256);
		casg_buf_addf(&list, "  %s\n", d->sources[i].name);
	}
	ret = casg_buf_check(&list, err);
	if (!ret)
		casg_hasher_digest(d->hasher, list.data, list.len, &out->sha256);
	casg_buf_release(&list);
	return ret;
}

static int read_all(struct dump *d, const char *const *paths, size_t npaths,
		    struct casg_err *err)
{
	int ret = 0;

	for (size_t i = 0; i < npaths && !ret; i++) {
		struct stat st;

		if (strcmp(paths[i], "-") && !stat(paths[i], &st) && S_ISDIR(st.st_mode))
			ret = read_folder(d, paths[i], err);
		else
			ret = read_file(d, paths[i], err);
	}
	if (ret)
		return ret;
	for (int kind = 0; kind < 2; kind++)
		if (d->is_dump && !d->has[kind])
			return casg_err_set(err, CASG_EABSENT, "there is no %s among what was read",
					    casg_taxtext_name((enum casg_taxtext_kind)kind));
	return d->nsources ? 0 : casg_err_set(err, CASG_EABSENT, "%s: there is no nodes.dmp in it",
					      npaths ? paths[npaths - 1] : "");
}

int casg_taxdump_read(struct casg_taxtable *table, const char *const *paths, size_t npaths,
		      struct casg_taxdump_facts *facts_out, struct casg_err *err)
{
	struct dump d = { .table = table };
	struct casg_err unused = CASG_ERR_INIT;
	int ret = 0;

	if (!err)
		err = &unused;
	d.hasher = casg_hasher_new();
	d.block = malloc(BLOCK_SIZE);
	if (!d.hasher || !d.block)
		ret = casg_err_nomem(err);
	if (!ret)
		ret = read_all(&d, paths, npaths, err);
	if (!ret)
		ret = sum_up(&d, facts_out, err);
	for (size_t i = 0; i < d.nsources; i++)
		free(d.sources[i].name);
	free(d.sources);
	free(d.block);
	casg_hasher_free(d.hasher);
	return ret;
}
