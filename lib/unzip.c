#include "unzip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "buf.h"
#include "endian.h"
#include "inflate.h"

#define OUT_NBYTES ((size_t)64 << 10)
#define NAMES_MAX ((size_t)16 << 20) /* of all members together */

/* APPNOTE.TXT 6.3, sections 4.3.7, 4.3.9, 4.3.12, 4.3.14 to 4.3.16 */
#define SIG_LOCAL UINT32_C(0x04034b50)
#define SIG_DESCRIPTOR UINT32_C(0x08074b50)
#define SIG_CENTRAL UINT32_C(0x02014b50)
#define SIG_END UINT32_C(0x06054b50)
#define SIG_END64 UINT32_C(0x06064b50)
#define SIG_LOCATOR64 UINT32_C(0x07064b50)
#define LOCAL_LEN 30
#define CENTRAL_LEN 46
#define END_LEN 22

enum { ENCRYPTED = 1, SIZES_BEHIND = 8 };
enum { STORED = 0, DEFLATED = 8 };

struct member {
	uint64_t offset;       /* of its local header */
	size_t name, nname;    /* in z->names */
	uint32_t crc, csize, usize;
	unsigned flags, method;
};

enum state {
	RECORD,      /* 'need' bytes of a record, its signature first */
	BODY,
	DESCRIPTOR,
	ENDED
};

struct casg_unzip {
	struct casg_member_handler h;
	enum state state;
	struct casg_buf part;  /* the record being gathered */
	size_t need;
	uint64_t pos;          /* bytes taken */
	struct member *members;
	size_t nmembers, cap;
	size_t nlisted;        /* of those, in the central directory so far */
	uint64_t directory;    /* where that began */
	struct casg_buf names;
	struct casg_inflater *inflater;
	uint8_t *out;
	/* the member being read */
	int wanted;
	uint64_t in_nbytes, out_nbytes;
	uint32_t crc;
};

static int bad(const struct casg_unzip *z, struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "zip archive: byte offset %" PRIu64 ": %s",
			    z->pos, what);
}

static int unsupported(const struct casg_unzip *z, struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_EUNSUPPORTED, "zip archive: byte offset %" PRIu64
			    ": %s, which is not supported", z->pos, what);
}

int casg_unzip_detect(const uint8_t *p, size_t n)
{
	return n >= 4 && (casg_get_le32(p) == SIG_LOCAL || casg_get_le32(p) == SIG_END);
}

static void next_record(struct casg_unzip *z)
{
	z->state = RECORD;
	z->need = 4;
	casg_buf_reset(&z->part);
}

struct casg_unzip *casg_unzip_new(const struct casg_member_handler *h, struct casg_err *err)
{
	struct casg_unzip *z = calloc(1, sizeof(*z));

	if (!z) {
		casg_err_nomem(err);
		return NULL;
	}
	z->h = *h;
	z->out = malloc(OUT_NBYTES);
	z->inflater = casg_inflater_new(err);
	if (!z->out || !z->inflater) {
		casg_unzip_free(z);
		casg_err_nomem(err);
		return NULL;
	}
	next_record(z);
	return z;
}

void casg_unzip_free(struct casg_unzip *z)
{
	if (!z)
		return;
	casg_inflater_free(z->inflater);
	casg_buf_release(&z->part);
	casg_buf_release(&z->names);
	free(z->members);
	free(z->out);
	free(z);
}

/* ---- a member ------------------------------------------------------------- */

/* Extra fields: id, length, bytes.  Number 1 holds the sizes of zip64. */
static int refuse_zip64(const struct casg_unzip *z, const uint8_t *p, size_t n,
			struct casg_err *err)
{
	while (n >= 4) {
		size_t len = casg_get_le16(p + 2);

		if (casg_get_le16(p) == 1)
			return unsupported(z, err, "this is a zip64 archive");
		if (len > n - 4)
			break; /* some writers pad with bytes that are no field */
		p += 4 + len;
		n -= 4 + len;
	}
	return 0;
}

static int check_member(const struct casg_unzip *z, const struct member *m,
			const uint8_t *extra, size_t nextra, struct casg_err *err)
{
	if (m->csize == UINT32_MAX || m->usize == UINT32_MAX)
		return unsupported(z, err, "this is a zip64 archive");
	if (refuse_zip64(z, extra, nextra, err))
		return CASG_EUNSUPPORTED;
	if (m->flags & ENCRYPTED)
		return unsupported(z, err, "the member is encrypted");
	if (m->flags & SIZES_BEHIND && m->method != DEFLATED)
		return unsupported(z, err, "the member is not deflated and has its size behind it");
	return 0;
}

static int local_record(struct casg_unzip *z, struct casg_err *err)
{
	const uint8_t *p = z->part.data;
	struct member m = { .flags = casg_get_le16(p + 6), .method = casg_get_le16(p + 8),
			    .crc = casg_get_le32(p + 14), .csize = casg_get_le32(p + 18),
			    .usize = casg_get_le32(p + 22), .nname = casg_get_le16(p + 26) };
	int ret;

	if (z->nlisted || z->directory)
		return bad(z, err, "a member stands behind the directory");
	ret = check_member(z, &m, p + LOCAL_LEN + m.nname, casg_get_le16(p + 28), err);
	if (ret)
		return ret;
	m.offset = z->pos - z->part.len;
	m.name = z->names.len;
	if (z->nmembers == CASG_UNZIP_MEMBERS_MAX || m.name + m.nname > NAMES_MAX)
		return bad(z, err, "it has too many members");
	casg_buf_add(&z->names, p + LOCAL_LEN, m.nname);
	if (casg_buf_check(&z->names, err) || CASG_GROW(z->members, z->nmembers + 1, z->cap))
		return casg_err_nomem(err);
	ret = z->h.begin(z->h.ctx, (const char *)p + LOCAL_LEN, m.nname, err);
	if (ret < 0)
		return ret;
	z->wanted = ret > 0;
	if (z->wanted && m.method != STORED && m.method != DEFLATED)
		return unsupported(z, err, "the member is neither stored nor deflated");
	z->members[z->nmembers++] = m;
	z->in_nbytes = z->out_nbytes = z->crc = 0;
	z->state = BODY;
	casg_inflater_reset(z->inflater);
	return 0;
}

static int give(struct casg_unzip *z, const uint8_t *p, size_t n, struct casg_err *err)
{
	z->out_nbytes += n;
	z->crc = casg_crc32(z->crc, p, n);
	return z->wanted && n ? z->h.data(z->h.ctx, p, n, err) : 0;
}

static int end_member(struct casg_unzip *z, struct casg_err *err)
{
	struct member *m = &z->members[z->nmembers - 1];
	int unpacked = z->wanted || m->flags & SIZES_BEHIND;

	if (unpacked && (m->csize != z->in_nbytes || m->usize != z->out_nbytes || m->crc != z->crc))
		return bad(z, err, "the member's size or sum is another");
	next_record(z);
	return z->wanted ? z->h.end(z->h.ctx, err) : 0;
}

/* Sizes and sum behind a member, with a signature or without. */
static int descriptor(struct casg_unzip *z, struct casg_err *err)
{
	const uint8_t *p = z->part.data;
	struct member *m = &z->members[z->nmembers - 1];

	if (z->part.len == 12 && casg_get_le32(p) == SIG_DESCRIPTOR) {
		z->need = 16;
		return 0;
	}
	p += z->part.len - 12;
	m->crc = casg_get_le32(p);
	m->csize = casg_get_le32(p + 4);
	m->usize = casg_get_le32(p + 8);
	return end_member(z, err);
}

static int inflate_some(struct casg_unzip *z, const struct member *m, const uint8_t **p,
			size_t n, struct casg_err *err)
{
	int behind = m->flags & SIZES_BEHIND, ret = 0;
	size_t left;

	if (!behind && n > m->csize - z->in_nbytes)
		n = (size_t)(m->csize - z->in_nbytes);
	left = n;
	do {
		size_t nout = OUT_NBYTES;
		const uint8_t *before = *p;
		int given;

		ret = casg_inflater_run(z->inflater, p, &left, z->out, &nout, err);
		z->in_nbytes += (uint64_t)(*p - before);
		z->pos += (uint64_t)(*p - before);
		if (ret < 0)
			return ret == CASG_ECORRUPT ? bad(z, err, "the member is damaged") : ret;
		given = give(z, z->out, nout, err);
		if (given)
			return given;
		if (!ret && !left && nout < OUT_NBYTES)
			break;
	} while (!ret);
	if (ret && behind) {
		z->state = DESCRIPTOR;
		z->need = 12;
		casg_buf_reset(&z->part);
		return 0;
	}
	if (ret)
		return end_member(z, err);
	return !behind && z->in_nbytes == m->csize ? bad(z, err, "the member is cut short") : 0;
}

/* Some of a member's bytes; moves *p on. */
static int body(struct casg_unzip *z, const uint8_t **p, const uint8_t *end, struct casg_err *err)
{
	const struct member *m = &z->members[z->nmembers - 1];
	size_t n = (size_t)(end - *p);
	int ret = 0;

	if (m->flags & SIZES_BEHIND || (z->wanted && m->method == DEFLATED))
		return inflate_some(z, m, p, n, err);
	if (n > m->csize - z->in_nbytes)
		n = (size_t)(m->csize - z->in_nbytes);
	if (z->wanted)
		ret = give(z, *p, n, err);
	*p += n;
	z->pos += n;
	z->in_nbytes += n;
	return !ret && z->in_nbytes == m->csize ? end_member(z, err) : ret;
}

/* ---- the directory ----------------------------------------------------------- */

static int central_record(struct casg_unzip *z, struct casg_err *err)
{
	const uint8_t *p = z->part.data;
	const struct member *m = &z->members[z->nlisted];

	if (z->nlisted == z->nmembers)
		return bad(z, err, "the directory names a member that is not there");
	if (!z->nlisted)
		z->directory = z->pos - z->part.len;
	if (casg_get_le16(p + 8) != m->flags || casg_get_le16(p + 10) != m->method ||
	    casg_get_le32(p + 16) != m->crc || casg_get_le32(p + 20) != m->csize ||
	    casg_get_le32(p + 24) != m->usize || casg_get_le16(p + 28) != m->nname ||
	    (m->nname && memcmp(p + CENTRAL_LEN, z->names.data + m->name, m->nname)) ||
	    casg_get_le16(p + 34) || casg_get_le32(p + 42) != m->offset)
		return bad(z, err, "the directory says something else than the member");
	z->nlisted++;
	next_record(z);
	return 0;
}

static int end_record(struct casg_unzip *z, struct casg_err *err)
{
	const uint8_t *p = z->part.data;
	uint64_t at = z->pos - z->part.len;

	if (!z->nmembers)
		z->directory = at;
	if (casg_get_le16(p + 8) == UINT16_MAX || casg_get_le32(p + 16) == UINT32_MAX)
		return unsupported(z, err, "this is a zip64 archive");
	if (z->nlisted != z->nmembers)
		return bad(z, err, "the directory does not name all members");
	if (casg_get_le16(p + 4) || casg_get_le16(p + 6) || casg_get_le16(p + 8) != z->nmembers ||
	    casg_get_le16(p + 10) != z->nmembers || casg_get_le32(p + 16) != z->directory ||
	    casg_get_le32(p + 12) != at - z->directory)
		return bad(z, err, "the end does not fit the directory");
	z->state = ENDED;
	return 0;
}

/* How long is the record of which 'part' is the beginning? */
static int whole_record(struct casg_unzip *z, struct casg_err *err)
{
	const uint8_t *p = z->part.data;
	uint32_t sig = casg_get_le32(p);
	size_t fixed = sig == SIG_LOCAL ? LOCAL_LEN : sig == SIG_CENTRAL ? CENTRAL_LEN : END_LEN;

	if (sig == SIG_END64 || sig == SIG_LOCATOR64)
		return unsupported(z, err, "this is a zip64 archive");
	if (sig != SIG_LOCAL && sig != SIG_CENTRAL && sig != SIG_END)
		return bad(z, err, "there is neither a member nor the directory");
	if (z->part.len < fixed)
		z->need = fixed;
	else if (sig == SIG_LOCAL)
		z->need = fixed + casg_get_le16(p + 26) + casg_get_le16(p + 28);
	else if (sig == SIG_CENTRAL)
		z->need = fixed + casg_get_le16(p + 28) + casg_get_le16(p + 30) +
			  casg_get_le16(p + 32);
	else
		z->need = fixed + casg_get_le16(p + 20);
	if (z->part.len < z->need)
		return 0;
	return sig == SIG_LOCAL ? local_record(z, err) :
	       sig == SIG_CENTRAL ? central_record(z, err) : end_record(z, err);
}

int casg_unzip_feed(struct casg_unzip *z, const uint8_t *p, size_t n, struct casg_err *err)
{
	const uint8_t *end = p + n;
	int ret = 0;

	while (!ret) {
		/* a member of no bytes needs none to end */
		if (z->state == BODY && (p < end || !z->members[z->nmembers - 1].csize)) {
			if (p == end && z->members[z->nmembers - 1].flags & SIZES_BEHIND)
				break;
			ret = body(z, &p, end, err);
		} else if (p == end) {
			break;
		} else if (z->state == ENDED) {
			ret = bad(z, err, "something stands behind the end");
		} else {
			size_t take = z->need - z->part.len;

			if (take > (size_t)(end - p))
				take = (size_t)(end - p);
			casg_buf_add(&z->part, p, take);
			if (casg_buf_check(&z->part, err))
				return CASG_ENOMEM;
			p += take;
			z->pos += take;
			if (z->part.len == z->need)
				ret = z->state == RECORD ? whole_record(z, err) :
							   descriptor(z, err);
		}
	}
	return ret;
}

int casg_unzip_finish(struct casg_unzip *z, struct casg_err *err)
{
	if (z->state == ENDED)
		return 0;
	return casg_err_set(err, CASG_ECORRUPT, "truncated zip archive: it has no end behind "
			    "%zu members", z->nmembers);
}
