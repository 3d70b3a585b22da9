#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode.h"
#include "readahead.h"

/* Regular files held open from the start; more are closed and reopened. */
#define MAX_HELD 16

/* The longest magic that casg_decode_detect asks for. */
#define MAGIC_LEN 6

struct file {
	char *name;      /* as errors call it */
	int fd;          /* -1: closed */
	int is_regular;
	dev_t dev;       /* to know it again when it is reopened */
	ino_t ino;
	uint64_t start;  /* in the stream; set when reading it begins */
	char *expect[CASG_FILESUM_KINDS]; /* digests, or NULL */
};

struct casg_input {
	struct file *files;
	size_t nfiles;
	size_t cur;      /* the file being read; nfiles: all are done */
	int begun;       /* its source is set up */
	uint64_t pos;    /* bytes given out */
	struct casg_source source;
	struct casg_readahead *ahead; /* NULL for a plain file */
	_Atomic uint64_t raw_done;
	uint64_t raw_total;
	struct casg_err failure; /* code 0: none; sticky */
};

static int starts_with(const uint8_t *p, size_t n, const char *magic, size_t len)
{
	return n >= len && !memcmp(p, magic, len);
}

/*
 * A file too short for its magic counts as compressed where its bytes cannot
 * begin a FASTA file or a sequence; what remains ("B", "BZh", "(", "P*M") is
 * for the reader of the text to refuse.
 */
static int is_cut_magic(const uint8_t *p, size_t n, const char *magic, size_t len)
{
	return n && n < len && !memcmp(p, magic, n) &&
	       (p[0] < 0x20 || p[0] >= 0x80 || (n > 1 && p[1] >= 0x80));
}

static int is_magic(const uint8_t *p, size_t n, const char *magic, size_t len)
{
	return starts_with(p, n, magic, len) || is_cut_magic(p, n, magic, len);
}

const struct casg_decoder *casg_decode_detect(const uint8_t *p, size_t n)
{
	if (is_magic(p, n, "\x1f\x8b", 2))
		return &casg_decode_gzip;
	if (is_magic(p, n, "\x28\xb5\x2f\xfd", 4) ||
	    (n > 3 && (p[0] & 0xf0) == 0x50 && starts_with(p + 1, n - 1, "\x2a\x4d\x18", 3)))
		return &casg_decode_zstd;
	if (is_magic(p, n, "\xfd" "7zXZ\0", 6))
		return &casg_decode_xz;
	if (starts_with(p, n, "BZh", 3) && n > 3 && p[3] >= '1' && p[3] <= '9')
		return &casg_decode_bzip2;
	return NULL;
}

static int open_failed(const char *path, struct casg_err *err)
{
	int absent = errno == ENOENT || errno == ENOTDIR;

	casg_err_sys(err, errno, "cannot open '%s'", path);
	if (absent && err)
		err->code = CASG_EABSENT;
	return absent ? CASG_EABSENT : CASG_EIO;
}

static int open_path(const char *path, int is_stdin)
{
	if (is_stdin)
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

/* How much of it is still to be read, for progress. */
static uint64_t bytes_left(const struct file *f, const struct stat *st)
{
	off_t at = lseek(f->fd, 0, SEEK_CUR);

	return at >= 0 && at < st->st_size ? (uint64_t)(st->st_size - at) : 0;
}

static int file_open(struct file *f, const char *path, uint64_t *nbytes_out,
		     struct casg_err *err)
{
	int is_stdin = !strcmp(path, "-");
	struct stat st;

	f->name = strdup(is_stdin ? "standard input" : path);
	if (!f->name)
		return casg_err_nomem(err);
	f->fd = open_path(path, is_stdin);
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return open_failed(f->name, err);
	if (S_ISDIR(st.st_mode))
		return casg_err_set(err, CASG_EIO,
				    "cannot read '%s': is a directory", f->name);
	f->is_regular = S_ISREG(st.st_mode);
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	*nbytes_out = f->is_regular ? bytes_left(f, &st) : 0;
	return 0;
}

static void file_close(struct file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static int file_reopen(struct file *f, struct casg_err *err)
{
	struct stat st;

	f->fd = open_path(f->name, 0);
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return open_failed(f->name, err);
	if (st.st_dev != f->dev || st.st_ino != f->ino)
		return casg_err_set(err, CASG_EIO,
				    "'%s' was replaced while reading", f->name);
	return 0;
}

static int stdin_twice(const char *const *paths, size_t npaths)
{
	size_t n = 0;

	for (size_t i = 0; i < npaths; i++)
		n += !strcmp(paths[i], "-");
	return n > 1;
}

static int open_all(struct casg_input *in, const char *const *paths,
		    struct casg_err *err)
{
	int all_regular = 1;

	for (size_t i = 0; i < in->nfiles; i++) {
		struct file *f = &in->files[i];
		uint64_t nbytes = 0;
		int ret = file_open(f, paths[i], &nbytes, err);

		if (ret)
			return ret;
		in->raw_total += nbytes;
		all_regular &= f->is_regular;
		/* standard input cannot be opened again by its name */
		if (i >= MAX_HELD && f->is_regular && strcmp(paths[i], "-"))
			file_close(f);
	}
	if (!all_regular)
		in->raw_total = 0;
	return 0;
}

int casg_input_open(struct casg_input **in_out, const char *const *paths,
		    size_t npaths, struct casg_err *err)
{
	struct casg_input *in;
	int ret;

	*in_out = NULL;
	if (stdin_twice(paths, npaths))
		return casg_err_set(err, CASG_EBUG,
				    "standard input can be read only once");
	in = calloc(1, sizeof(*in));
	if (!in)
		return casg_err_nomem(err);
	in->files = calloc(npaths + 1, sizeof(*in->files));
	in->source.head = malloc(CASG_SOURCE_HEAD);
	if (!in->files || !in->source.head) {
		casg_input_close(in);
		return casg_err_nomem(err);
	}
	for (size_t i = 0; i < npaths; i++)
		in->files[i].fd = -1;
	in->nfiles = npaths;
	ret = open_all(in, paths, err);
	if (ret) {
		casg_input_close(in);
		return ret;
	}
	*in_out = in;
	return 0;
}

int casg_input_expect(struct casg_input *in, size_t file, enum casg_filesum_kind kind,
		      const char *hex, struct casg_err *err)
{
	char *copy;

	if (file >= in->nfiles || in->begun || in->cur)
		return casg_err_set(err, CASG_EBUG, "no such file to expect a digest of");
	copy = strdup(hex);
	if (!copy)
		return casg_err_nomem(err);
	free(in->files[file].expect[kind]);
	in->files[file].expect[kind] = copy;
	return 0;
}

/* Read enough of the current file to tell its format. */
static int read_head(struct casg_input *in, struct casg_err *err)
{
	struct casg_source *s = &in->source;
	size_t have = 0;

	while (have < MAGIC_LEN) {
		long n = casg_source_read(s, s->head + have,
					  CASG_SOURCE_HEAD - have, err);

		if (n < 0)
			return (int)n;
		if (!n)
			break;
		have += (size_t)n;
	}
	s->nhead = have;
	return 0;
}

static int begin_file(struct casg_input *in, struct casg_err *err)
{
	struct file *f = &in->files[in->cur];
	const struct casg_decoder *decoder;
	int ret;

	if (f->fd < 0) {
		ret = file_reopen(f, err);
		if (ret)
			return ret;
	}
	f->start = in->pos;
	in->begun = 1;
	in->source.fd = f->fd;
	in->source.can_block = !f->is_regular;
	in->source.cancel_fd = -1;
	in->source.raw_done = &in->raw_done;
	in->source.nhead = in->source.head_off = 0;
	if (f->is_regular)
		posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	ret = read_head(in, err);
	if (ret)
		return casg_err_prefix(err, "%s", f->name);
	/* what was peeked at is summed up when it is given out */
	for (int k = 0; k < CASG_FILESUM_KINDS; k++) {
		if (!f->expect[k])
			continue;
		in->source.sum[k] = casg_filesum_new((enum casg_filesum_kind)k, err);
		if (!in->source.sum[k])
			return err->code;
	}
	decoder = casg_decode_detect(in->source.head, in->source.nhead);
	if (!decoder)
		return 0;
	in->ahead = casg_readahead_start(decoder, &in->source, err);
	if (!in->ahead)
		return casg_err_prefix(err, "%s", f->name);
	return 0;
}

static void free_sums(struct casg_source *s)
{
	for (int k = 0; k < CASG_FILESUM_KINDS; k++) {
		casg_filesum_free(s->sum[k]);
		s->sum[k] = NULL;
	}
}

/* All of the file was read, and by nobody now: is it what was expected? */
static int check_sums(struct casg_input *in, struct casg_err *err)
{
	const struct file *f = &in->files[in->cur];
	struct casg_source *s = &in->source;
	uint8_t rest[4096];
	long n = 0;
	int ret = 0;

	/* whatever a decoder may have left unread */
	while ((s->sum[0] || s->sum[1]) && (n = casg_source_read(s, rest, sizeof(rest), err)) > 0)
		;
	if (n < 0)
		return (int)n;
	for (int k = 0; k < CASG_FILESUM_KINDS && !ret; k++) {
		char got[CASG_FILESUM_TEXTSZ];

		if (!s->sum[k])
			continue;
		casg_filesum_final(s->sum[k], got);
		if (strcmp(got, f->expect[k]))
			ret = casg_err_set(err, CASG_ENOTOURS, "its %s is %s, and not %s as expected",
					   casg_filesum_name((enum casg_filesum_kind)k), got,
					   f->expect[k]);
	}
	free_sums(s);
	return ret;
}

static int end_file(struct casg_input *in, struct casg_err *err)
{
	int ret;

	casg_readahead_stop(in->ahead);
	in->ahead = NULL;
	ret = check_sums(in, err);
	if (ret)
		return casg_err_prefix(err, "%s", in->files[in->cur].name);
	file_close(&in->files[in->cur]);
	in->begun = 0;
	in->cur++;
	return 0;
}

/* As casg_input_read, but err is there and failures are not remembered. */
static long read_some(struct casg_input *in, void *buf, size_t nbytes,
		      struct casg_err *err)
{
	while (in->cur < in->nfiles) {
		long n;

		if (!in->begun) {
			int ret = begin_file(in, err);

			if (ret)
				return ret;
		}
		if (in->ahead)
			n = casg_readahead_read(in->ahead, buf, nbytes, err);
		else
			n = casg_source_read(&in->source, buf, nbytes, err);
		if (n < 0)
			return casg_err_prefix(err, "%s", in->files[in->cur].name);
		if (n > 0) {
			in->pos += (uint64_t)n;
			return n;
		}
		n = end_file(in, err);
		if (n)
			return n;
	}
	return 0;
}

long casg_input_read(struct casg_input *in, void *buf, size_t nbytes,
		     struct casg_err *err)
{
	long n = 0;

	if (nbytes > LONG_MAX)
		nbytes = LONG_MAX;
	if (!nbytes)
		return casg_err_set(err, CASG_EBUG, "read of no bytes");
	if (!in->failure.code)
		n = read_some(in, buf, nbytes, &in->failure);
	if (in->failure.code) {
		if (err)
			*err = in->failure;
		return in->failure.code;
	}
	return n;
}

void casg_input_where(const struct casg_input *in, uint64_t stream_offset,
		      const char **name_out, uint64_t *offset_in_file_out)
{
	size_t lo = 0, hi = in->cur + (size_t)in->begun;

	*name_out = in->nfiles ? in->files[0].name : "";
	*offset_in_file_out = stream_offset;
	while (lo < hi) { /* the last file begun at or before the offset */
		size_t mid = lo + (hi - lo) / 2;

		if (in->files[mid].start <= stream_offset) {
			*name_out = in->files[mid].name;
			*offset_in_file_out = stream_offset - in->files[mid].start;
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
}

long casg_input_empty(const struct casg_input *in)
{
	for (size_t i = 0; i < in->cur; i++) {
		uint64_t end = i + 1 < in->cur ? in->files[i + 1].start : in->pos;

		if (in->files[i].start == end)
			return (long)i;
	}
	return -1;
}

uint64_t casg_input_raw_done(const struct casg_input *in)
{
	return atomic_load_explicit(&in->raw_done, memory_order_relaxed);
}

uint64_t casg_input_raw_total(const struct casg_input *in)
{
	return in->raw_total;
}

void casg_input_close(struct casg_input *in)
{
	if (!in)
		return;
	casg_readahead_stop(in->ahead);
	free_sums(&in->source);
	for (size_t i = 0; i < in->nfiles; i++) {
		file_close(&in->files[i]);
		for (int k = 0; k < CASG_FILESUM_KINDS; k++)
			free(in->files[i].expect[k]);
		free(in->files[i].name);
	}
	free(in->files);
	free(in->source.head);
	free(in);
}
