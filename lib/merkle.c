#include "merkle.h"

/* Entries up to this size are hashed from one copy: one call in place of two. */
#define SMALL 512

void casg_merkle_leaf(struct casg_hasher *h, const void *p, size_t nbytes,
		      struct casg_oid *hash_out)
{
	uint8_t tmp[1 + SMALL];

	tmp[0] = 0x00;
	if (nbytes <= SMALL) {
		if (nbytes)
			memcpy(tmp + 1, p, nbytes);
		casg_hasher_digest(h, tmp, 1 + nbytes, hash_out);
		return;
	}
	casg_hasher_init(h);
	casg_hasher_update(h, tmp, 1);
	casg_hasher_update(h, p, nbytes);
	casg_hasher_final(h, hash_out);
}

void casg_merkle_leafv(struct casg_hasher *h, const struct casg_slice *v,
		       size_t nslices, struct casg_oid *hash_out)
{
	uint8_t tmp[1 + SMALL];
	size_t len = 1;

	/* small slices are gathered; what does not fit goes by itself */
	tmp[0] = 0x00;
	casg_hasher_init(h);
	for (size_t i = 0; i < nslices; i++) {
		if (v[i].nbytes > sizeof(tmp) - len) {
			casg_hasher_update(h, tmp, len);
			len = 0;
		}
		if (v[i].nbytes > sizeof(tmp)) {
			casg_hasher_update(h, v[i].p, v[i].nbytes);
		} else if (v[i].nbytes) {
			memcpy(tmp + len, v[i].p, v[i].nbytes);
			len += v[i].nbytes;
		}
	}
	casg_hasher_update(h, tmp, len);
	casg_hasher_final(h, hash_out);
}

void casg_merkle_node(struct casg_hasher *h, const struct casg_oid *left,
		      const struct casg_oid *right, struct casg_oid *hash_out)
{
	uint8_t tmp[1 + 2 * CASG_OID_RAWSZ];

	tmp[0] = 0x01;
	memcpy(tmp + 1, left->b, CASG_OID_RAWSZ);
	memcpy(tmp + 1 + CASG_OID_RAWSZ, right->b, CASG_OID_RAWSZ);
	casg_hasher_digest(h, tmp, sizeof(tmp), hash_out);
}

void casg_merkle_init(struct casg_merkle *m, struct casg_hasher *hasher)
{
	m->hasher = hasher;
	m->count = 0;
	m->depth = 0;
}

void casg_merkle_add_leafhash(struct casg_merkle *m, const struct casg_oid *leafhash)
{
	struct casg_oid top = *leafhash;

	/* as adding one to a binary number: each carry joins two subtrees */
	for (uint64_t c = m->count++; c & 1; c >>= 1)
		casg_merkle_node(m->hasher, &m->stack[--m->depth], &top, &top);
	m->stack[m->depth++] = top;
}

void casg_merkle_root(const struct casg_merkle *m, struct casg_oid *root_out)
{
	if (!m->count) {
		casg_hasher_digest(m->hasher, "", 0, root_out);
		return;
	}
	*root_out = m->stack[m->depth - 1];
	for (int i = m->depth - 2; i >= 0; i--)
		casg_merkle_node(m->hasher, &m->stack[i], root_out, root_out);
}

void casg_merkle_root_of(struct casg_hasher *h, const struct casg_oid *leafhashes,
			 size_t n, struct casg_oid *root_out)
{
	struct casg_merkle m;

	casg_merkle_init(&m, h);
	for (size_t i = 0; i < n; i++)
		casg_merkle_add_leafhash(&m, &leafhashes[i]);
	casg_merkle_root(&m, root_out);
}

/* The largest power of two below n; n > 1. */
static size_t split(size_t n)
{
	size_t k = 1;

	while (k < n - k)
		k *= 2;
	return k;
}

/* The functions below find their hashes from the root down; proofs go up. */
static void reverse(struct casg_oid *v, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct casg_oid tmp = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = tmp;
	}
}

void casg_merkle_path(struct casg_hasher *h, const struct casg_oid *leafhashes,
		      size_t n, size_t index, struct casg_oid *path_out,
		      size_t *npath_out)
{
	size_t count = 0;

	while (n > 1) {
		size_t k = split(n);

		if (index < k) {
			casg_merkle_root_of(h, leafhashes + k, n - k, &path_out[count++]);
			n = k;
		} else {
			casg_merkle_root_of(h, leafhashes, k, &path_out[count++]);
			leafhashes += k;
			index -= k;
			n -= k;
		}
	}
	reverse(path_out, count);
	*npath_out = count;
}

int casg_merkle_verify_path(struct casg_hasher *h, const struct casg_oid *leafhash,
			    uint64_t index, uint64_t n,
			    const struct casg_oid *path, size_t npath,
			    const struct casg_oid *root)
{
	struct casg_oid r = *leafhash;
	uint64_t fn = index, sn = n - 1;

	if (index >= n)
		return 0;
	for (size_t i = 0; i < npath; i++) {
		if (!sn)
			return 0;
		if ((fn & 1) || fn == sn) {
			casg_merkle_node(h, &path[i], &r, &r);
			/* levels at which the last subtree has no sibling */
			while (!(fn & 1) && fn) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			casg_merkle_node(h, &r, &path[i], &r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return !sn && casg_oid_eq(&r, root);
}

void casg_merkle_consistency(struct casg_hasher *h, const struct casg_oid *leafhashes,
			     size_t m, size_t n, struct casg_oid *proof_out,
			     size_t *nproof_out)
{
	size_t count = 0;
	int whole = 1; /* the subtree in hand begins where the old tree begins */

	while (m < n) {
		size_t k = split(n);

		if (m <= k) {
			casg_merkle_root_of(h, leafhashes + k, n - k, &proof_out[count++]);
			n = k;
		} else {
			casg_merkle_root_of(h, leafhashes, k, &proof_out[count++]);
			leafhashes += k;
			m -= k;
			n -= k;
			whole = 0;
		}
	}
	/* the verifier knows the old root itself */
	if (!whole)
		casg_merkle_root_of(h, leafhashes, n, &proof_out[count++]);
	reverse(proof_out, count);
	*nproof_out = count;
}

/* The walk of RFC 9162, 2.1.4.2, steps 4 to 7, from the first node on. */
static int walk(struct casg_hasher *h, uint64_t fn, uint64_t sn,
		const struct casg_oid *first, const struct casg_oid *proof,
		size_t nproof, struct casg_oid *old_out, struct casg_oid *new_out)
{
	*old_out = *new_out = *first;
	while (fn & 1) {
		fn >>= 1;
		sn >>= 1;
	}
	for (size_t i = 0; i < nproof; i++) {
		if (!sn)
			return 0;
		if ((fn & 1) || fn == sn) {
			casg_merkle_node(h, &proof[i], old_out, old_out);
			casg_merkle_node(h, &proof[i], new_out, new_out);
			while (!(fn & 1) && fn) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			casg_merkle_node(h, new_out, &proof[i], new_out);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return !sn;
}

int casg_merkle_verify_consistency(struct casg_hasher *h, uint64_t m, uint64_t n,
				   const struct casg_oid *old_root,
				   const struct casg_oid *new_root,
				   const struct casg_oid *proof, size_t nproof)
{
	struct casg_oid old_hash, new_hash;
	const struct casg_oid *first = old_root;

	if (m > n)
		return 0;
	if (m == n && (nproof || !casg_oid_eq(old_root, new_root)))
		return 0;
	if (!m) {
		casg_hasher_digest(h, "", 0, &old_hash);
		return !nproof && casg_oid_eq(&old_hash, old_root);
	}
	if (m == n)
		return 1;
	if (!nproof)
		return 0;
	/* the old tree is a whole subtree of the new one: its root is the start */
	if (m & (m - 1)) {
		first = proof++;
		nproof--;
	}
	return walk(h, m - 1, n - 1, first, proof, nproof, &old_hash, &new_hash) &&
	       casg_oid_eq(&old_hash, old_root) && casg_oid_eq(&new_hash, new_root);
}
