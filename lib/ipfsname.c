#include "ipfsname.h"

#include <stdlib.h>

#include "remotemsg.h"

#define RAW 36 /* bytes of a CID */
#define LINE (CASG_OID_HEXSZ + 1)
#define BLOCKS "casg-blocks 1 "
#define INDEX "casg-ipfs 1\n"

static const uint8_t head[] = { 0x01, 0x55, 0x12, 0x20 };
static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char base58[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* ---- CIDs ---- */

char *casg_ipfs_cid(const struct casg_oid *id, char *out)
{
	uint8_t raw[RAW];
	uint32_t bits = 0;
	int nbits = 0;
	char *to = out;

	memcpy(raw, head, sizeof(head));
	memcpy(raw + sizeof(head), id->b, CASG_OID_RAWSZ);
	*to++ = 'b';
	for (size_t i = 0; i < RAW; i++) {
		bits = bits << 8 | raw[i];
		for (nbits += 8; nbits >= 5; nbits -= 5)
			*to++ = base32[bits >> (nbits - 5) & 31];
	}
	*to++ = base32[bits << (5 - nbits) & 31];
	*to = '\0';
	return out;
}

/* A number of RAW bytes from digits of a base. */
static int parse_base58(uint8_t raw[RAW], const char *s, size_t n)
{
	memset(raw, 0, RAW);
	for (size_t i = 0; i < n; i++) {
		const char *at = s[i] ? strchr(base58, s[i]) : NULL;
		uint32_t carry = at ? (uint32_t)(at - base58) : 0;

		if (!at)
			return -1;
		for (int k = RAW - 1; k >= 0; k--) {
			carry += (uint32_t)raw[k] * 58;
			raw[k] = (uint8_t)carry;
			carry >>= 8;
		}
		if (carry)
			return -1;
	}
	return 0;
}

int casg_ipfs_cid_parse(struct casg_oid *out, const char *s, size_t n)
{
	uint8_t raw[RAW];
	char text[CASG_IPFS_CID_SIZE];
	uint32_t bits = 0;
	int nbits = 0;
	size_t at = 0;

	if (n < 2 || n >= CASG_IPFS_CID_SIZE)
		return -1;
	if (*s == 'z') {
		if (parse_base58(raw, s + 1, n - 1) || memcmp(raw, head, sizeof(head)))
			return -1;
		memcpy(out->b, raw + sizeof(head), CASG_OID_RAWSZ);
		return 0;
	}
	for (size_t i = 1; i < n && at < RAW; i++) {
		const char *digit = s[i] ? strchr(base32, s[i]) : NULL;

		if (!digit)
			return -1;
		bits = bits << 5 | (uint32_t)(digit - base32);
		nbits += 5;
		if (nbits >= 8) {
			nbits -= 8;
			raw[at++] = (uint8_t)(bits >> nbits);
		}
	}
	if (at < RAW)
		return -1;
	memcpy(out->b, raw + sizeof(head), CASG_OID_RAWSZ);
	/* the one way to write it */
	return n == CASG_IPFS_CID_SIZE - 1 && !memcmp(casg_ipfs_cid(out, text), s, n) ? 0 : -1;
}

/* ---- lines ---- */

/* Digits up to 'end': the byte behind them, or NULL. */
static const char *number(const char *p, const char *end, char close, uint64_t *out)
{
	const char *from = p;

	*out = 0;
	while (p < end && *p >= '0' && *p <= '9' && p - from < 18)
		*out = *out * 10 + (uint64_t)(*p++ - '0');
	if (p == from || (*from == '0' && p - from > 1) || p == end || *p != close)
		return NULL;
	return p + 1;
}

static const char *oid(const char *p, const char *end, struct casg_oid *out)
{
	if (end - p < LINE || casg_oid_parse(out, p, CASG_OID_HEXSZ) || p[CASG_OID_HEXSZ] != '\n')
		return NULL;
	return p + LINE;
}

/* ---- lists of blocks ---- */

uint64_t casg_ipfs_object_max(void)
{
	uint64_t room = CASG_IPFS_BLOCK_MAX - (sizeof(BLOCKS) + 20 + LINE);

	return room / LINE * CASG_IPFS_BLOCK_MAX;
}

void casg_ipfs_blocks_begin(struct casg_buf *out, uint64_t nbytes, const struct casg_oid *sha256)
{
	casg_buf_addstr(out, BLOCKS);
	casg_buf_add_u64(out, nbytes);
	casg_buf_addch(out, ' ');
	casg_oid_addhex(out, sha256);
	casg_buf_addch(out, '\n');
}

void casg_ipfs_blocks_add(struct casg_buf *out, const struct casg_oid *block)
{
	casg_oid_addhex(out, block);
	casg_buf_addch(out, '\n');
}

int casg_ipfs_blocks_parse(struct casg_ipfs_blocks *b, const void *text, size_t n,
			   struct casg_err *err)
{
	const char *p = text, *end = p + n;
	struct casg_oid id;

	if (n < sizeof(BLOCKS) - 1 || memcmp(p, BLOCKS, sizeof(BLOCKS) - 1) ||
	    !(p = number(p + sizeof(BLOCKS) - 1, end, ' ', &b->nbytes)) ||
	    !(p = oid(p, end, &b->sha256)))
		return casg_err_set(err, CASG_ECORRUPT, "what came is no list of blocks");
	b->ids = p;
	b->n = b->nbytes / CASG_IPFS_BLOCK_MAX + !!(b->nbytes % CASG_IPFS_BLOCK_MAX);
	if ((uint64_t)(end - p) / LINE != b->n || (end - p) % LINE)
		return casg_err_set(err, CASG_ECORRUPT, "a list of blocks has another length");
	while (p < end)
		if (!(p = oid(p, end, &id)))
			return casg_err_set(err, CASG_ECORRUPT, "a list of blocks is damaged");
	return 0;
}

void casg_ipfs_block(const struct casg_ipfs_blocks *b, uint64_t i, struct casg_oid *out)
{
	casg_oid_parse(out, b->ids + i * LINE, CASG_OID_HEXSZ);
}

/* ---- the index ---- */

static const char *entry(const char *p, const char *end, struct casg_ipfs_entry *e)
{
	const char *space = memchr(p, ' ', (size_t)(end - p));

	if (!space || !casg_remote_is_name(p, (size_t)(space - p)))
		return NULL;
	e->name = p;
	e->nname = (size_t)(space - p);
	p = number(space + 1, end, ' ', &e->nbytes);
	return p ? oid(p, end, &e->list) : NULL;
}

static int compare(const char *a, size_t na, const char *b, size_t nb)
{
	int d = memcmp(a, b, na < nb ? na : nb);

	return d ? d : (na > nb) - (na < nb);
}

void casg_ipfs_index_init(struct casg_buf *index)
{
	casg_buf_reset(index);
	casg_buf_addstr(index, INDEX);
}

int casg_ipfs_index_check(const struct casg_buf *index, struct casg_err *err)
{
	size_t n = sizeof(INDEX) - 1;
	const char *p = casg_buf_chars(index), *end = p + index->len;
	struct casg_ipfs_entry e, last = { 0 };

	if (index->len < n || memcmp(p, INDEX, n))
		return casg_err_set(err, CASG_ECORRUPT, "what came is no index");
	for (p += n; p < end; last = e)
		if (!(p = entry(p, end, &e)) ||
		    (last.name && compare(last.name, last.nname, e.name, e.nname) >= 0))
			return casg_err_set(err, CASG_ECORRUPT, "the index is damaged");
	return 0;
}

int casg_ipfs_index_next(const struct casg_buf *index, size_t *at, struct casg_ipfs_entry *e)
{
	const char *text = casg_buf_chars(index), *p;

	if (!*at)
		*at = sizeof(INDEX) - 1;
	p = *at < index->len ? entry(text + *at, text + index->len, e) : NULL;
	if (p)
		*at = (size_t)(p - text);
	return p != NULL;
}

int casg_ipfs_index_find(const struct casg_buf *index, const char *name, struct casg_ipfs_entry *e)
{
	size_t at = 0, n = strlen(name);

	while (casg_ipfs_index_next(index, &at, e))
		if (e->nname == n && !memcmp(e->name, name, n))
			return 1;
	return 0;
}

static void add_entry(struct casg_buf *out, const char *name, size_t n,
		      const struct casg_ipfs_entry *e)
{
	casg_buf_add(out, name, n);
	casg_buf_addch(out, ' ');
	casg_buf_add_u64(out, e->nbytes);
	casg_buf_addch(out, ' ');
	casg_oid_addhex(out, &e->list);
	casg_buf_addch(out, '\n');
}

void casg_ipfs_index_set(const struct casg_buf *index, const char *name,
			 const struct casg_ipfs_entry *e, struct casg_buf *out)
{
	size_t at = 0, n = strlen(name);
	struct casg_ipfs_entry x;

	casg_ipfs_index_init(out);
	while (casg_ipfs_index_next(index, &at, &x)) {
		int d = compare(name, n, x.name, x.nname);

		if (d <= 0 && e) {
			add_entry(out, name, n, e);
			e = NULL;
		}
		if (d)
			add_entry(out, x.name, x.nname, &x);
	}
	if (e)
		add_entry(out, name, n, e);
}
