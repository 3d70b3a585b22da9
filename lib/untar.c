#include "untar.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

#define BLOCK 512
#define LONG_MAX_NBYTES ((uint64_t)1 << 20) /* of a pax header or a long name */

/* Where things stand in a header: POSIX.1-1988, section 10.1.1. */
enum { NAME = 0, SIZE = 124, CHECKSUM = 148, TYPE = 156, MAGIC = 257, PREFIX = 345 };

enum state {
	HEADER,    /* gathering a block */
	BODY,      /* 'left' bytes of a member, then padding to a block */
	LONG_NAME, /* the same of a GNU long name, gathered */
	PAX,       /* the same of a pax header of the next member */
	ZEROS,     /* one block of zeros was read */
	ENDED
};

struct casg_untar {
	struct casg_member_handler h;
	enum state state;
	int wanted;
	uint8_t block[BLOCK];
	size_t have;
	uint64_t left, padding;
	uint64_t nmembers;
	struct casg_buf longer;  /* body of a LONG_NAME or PAX */
	struct casg_buf name;    /* of the next member, if one of those gave it */
	int has_name, has_size;
	uint64_t size;           /* of the next member, if a pax header gave it */
};

static int bad(const struct casg_untar *t, struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "tar archive: member %" PRIu64 ": %s",
			    t->nmembers + 1, what);
}

/* Octal digits, with blanks before and a blank or NUL behind; -1 otherwise. */
static int parse_octal(const uint8_t *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;
	size_t i = 0;

	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) {
		if (v >> 60)
			return -1;
		v = v << 3 | (uint64_t)(p[i] - '0');
	}
	for (; i < n; i++)
		if (p[i] != ' ' && p[i])
			return -1;
	*out = v;
	return 0;
}

/* The same, or GNU's base 256 for sizes from 8 GiB on. */
static int parse_number(const uint8_t *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	if (p[0] != 0x80)
		return parse_octal(p, n, out);
	for (size_t i = 1; i < n; i++) {
		if (v >> 55)
			return -1;
		v = v << 8 | p[i];
	}
	*out = v;
	return 0;
}

static int checksum_holds(const uint8_t *b)
{
	uint64_t want, sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= CHECKSUM && i < CHECKSUM + 8 ? ' ' : b[i];
	return !parse_octal(b + CHECKSUM, 8, &want) && want == sum;
}

static int is_zero(const uint8_t *p, size_t n)
{
	return !n || (!p[0] && !memcmp(p, p + 1, n - 1));
}

int casg_untar_detect(const uint8_t *p, size_t n)
{
	return n >= BLOCK && p[0] && checksum_holds(p);
}

struct casg_untar *casg_untar_new(const struct casg_member_handler *h)
{
	struct casg_untar *t = calloc(1, sizeof(*t));

	if (t)
		t->h = *h;
	return t;
}

void casg_untar_free(struct casg_untar *t)
{
	if (!t)
		return;
	casg_buf_release(&t->longer);
	casg_buf_release(&t->name);
	free(t);
}

static size_t field_len(const uint8_t *p, size_t max)
{
	const uint8_t *nul = memchr(p, 0, max);

	return nul ? (size_t)(nul - p) : max;
}

static void set_body(struct casg_untar *t, enum state state, uint64_t size)
{
	t->state = state;
	t->left = size;
	t->padding = -size & (BLOCK - 1);
}

static int begin_member(struct casg_untar *t, uint64_t size, struct casg_err *err)
{
	const uint8_t *b = t->block;
	int ret;

	if (!t->has_name) {
		casg_buf_reset(&t->name);
		if (!memcmp(b + MAGIC, "ustar\0", 6) && b[PREFIX]) {
			casg_buf_add(&t->name, b + PREFIX, field_len(b + PREFIX, 155));
			casg_buf_addch(&t->name, '/');
		}
		casg_buf_add(&t->name, b + NAME, field_len(b + NAME, 100));
	}
	if (t->has_size)
		size = t->size;
	t->has_name = t->has_size = 0;
	if (casg_buf_check(&t->name, err))
		return CASG_ENOMEM;
	set_body(t, BODY, size);
	ret = t->h.begin(t->h.ctx, casg_buf_cstr(&t->name), t->name.len, err);
	t->wanted = ret > 0;
	return ret < 0 ? ret : 0;
}

static int header(struct casg_untar *t, struct casg_err *err)
{
	const uint8_t *b = t->block;
	uint64_t size;

	if (is_zero(b, BLOCK)) {
		t->state = t->state == ZEROS ? ENDED : ZEROS;
		return t->has_name || t->has_size ? bad(t, err, "it is not there") : 0;
	}
	if (t->state == ZEROS)
		return bad(t, err, "it stands behind a block of zeros");
	if (!checksum_holds(b) || parse_number(b + SIZE, 12, &size) || size >> 62)
		return bad(t, err, "its header is damaged");
	casg_buf_reset(&t->longer);
	switch (b[TYPE]) {
	case 'L':
	case 'x':
		if (size > LONG_MAX_NBYTES)
			return bad(t, err, "its name is too long");
		set_body(t, b[TYPE] == 'L' ? LONG_NAME : PAX, size);
		return 0;
	case '0':
	case '\0':
	case '7':
		return begin_member(t, size, err);
	case 'S': /* GNU's sparse files have more headers behind this one */
		return casg_err_set(err, CASG_EUNSUPPORTED, "tar archive: member %" PRIu64
				    ": it is a sparse file", t->nmembers + 1);
	case '1': /* links have no body, whatever the size says */
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
		size = 0;
		break;
	default: /* 'K': the long name of a link, 'g': a global pax header */
		break;
	}
	if (b[TYPE] != 'K' && b[TYPE] != 'g')
		t->has_name = t->has_size = 0;
	t->wanted = 0;
	set_body(t, BODY, size);
	return 0;
}

/* "<length> <name>=<value>\n", each as long as it says. */
static int pax_record(struct casg_untar *t, const char *p, size_t n, size_t *used)
{
	const char *eq, *name;
	size_t len = 0, i = 0;

	for (; i < n && p[i] >= '0' && p[i] <= '9' && len <= n; i++)
		len = len * 10 + (size_t)(p[i] - '0');
	if (!i || i >= n || p[i] != ' ' || len > n || len < i + 3 || p[len - 1] != '\n')
		return -1;
	name = p + i + 1;
	eq = memchr(name, '=', len - i - 2);
	if (!eq)
		return -1;
	*used = len;
	len -= (size_t)(eq + 1 - p) + 1; /* of the value */
	if (eq - name == 4 && !memcmp(name, "path", 4)) {
		casg_buf_reset(&t->name);
		casg_buf_add(&t->name, eq + 1, len);
		t->has_name = 1;
	} else if (eq - name == 4 && !memcmp(name, "size", 4)) {
		t->size = 0;
		t->has_size = 1;
		if (!len || len > 18)
			return -1;
		for (i = 0; i < len; i++) {
			if (eq[1 + i] < '0' || eq[1 + i] > '9')
				return -1;
			t->size = t->size * 10 + (uint64_t)(eq[1 + i] - '0');
		}
	} else if (eq - name >= 11 && !memcmp(name, "GNU.sparse.", 11)) {
		return -1;
	}
	return 0;
}

static int pax(struct casg_untar *t, struct casg_err *err)
{
	const char *p = (const char *)t->longer.data;
	size_t left = t->longer.len, used = 0;

	for (; left; p += used, left -= used)
		if (pax_record(t, p, left, &used))
			return bad(t, err, "its pax header is damaged, or that of a sparse file");
	return casg_buf_check(&t->name, err);
}

/* All of a body is read. */
static int body_end(struct casg_untar *t, struct casg_err *err)
{
	enum state was = t->state;

	t->state = HEADER;
	t->have = 0;
	if (was == PAX)
		return pax(t, err);
	if (was == LONG_NAME) {
		casg_buf_reset(&t->name);
		casg_buf_add(&t->name, t->longer.data, t->longer.len ?
			     field_len(t->longer.data, t->longer.len) : 0);
		t->has_name = 1;
		return casg_buf_check(&t->name, err);
	}
	t->nmembers++;
	return t->wanted ? t->h.end(t->h.ctx, err) : 0;
}

/* Take some of a body; the number of bytes, or negative. */
static long body(struct casg_untar *t, const uint8_t *p, size_t n, struct casg_err *err)
{
	uint64_t *left = t->left ? &t->left : &t->padding;
	size_t take = *left < n ? (size_t)*left : n;
	int ret = 0;

	if (t->left && t->state == BODY && t->wanted) {
		ret = t->h.data(t->h.ctx, p, take, err);
	} else if (t->left && t->state != BODY) {
		casg_buf_add(&t->longer, p, take);
		ret = casg_buf_check(&t->longer, err);
	}
	*left -= take;
	return ret ? ret : (long)take;
}

int casg_untar_feed(struct casg_untar *t, const uint8_t *p, size_t n, struct casg_err *err)
{
	const uint8_t *end = p + n;
	int ret = 0;

	while (!ret) {
		int in_body = t->state == BODY || t->state == LONG_NAME || t->state == PAX;

		if (in_body && !t->left && !t->padding) {
			ret = body_end(t, err);
		} else if (p == end) {
			break;
		} else if (in_body) {
			long took = body(t, p, (size_t)(end - p), err);

			ret = took < 0 ? (int)took : 0;
			p += took < 0 ? 0 : took;
		} else if (t->state == ENDED) {
			if (!is_zero(p, (size_t)(end - p)))
				ret = bad(t, err, "it stands behind the end");
			p = end;
		} else {
			size_t take = BLOCK - t->have;

			if (take > (size_t)(end - p))
				take = (size_t)(end - p);
			memcpy(t->block + t->have, p, take);
			t->have += take;
			p += take;
			if (t->have == BLOCK) {
				t->have = 0;
				ret = header(t, err);
			}
		}
	}
	return ret;
}

int casg_untar_finish(struct casg_untar *t, struct casg_err *err)
{
	if (t->state == ENDED)
		return 0;
	return casg_err_set(err, CASG_ECORRUPT, "truncated tar archive: it has no end behind "
			    "%" PRIu64 " members", t->nmembers);
}
