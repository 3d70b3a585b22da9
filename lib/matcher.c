#include "matcher.h"

#include <stdlib.h>

#include "array.h"
#include "bases.h"
#include "residues.h"
#include "varint.h"

enum {
	K = 20,           /* bases of a seed */
	CENTER = 8,       /* of them, those that choose it */
	PROBES = 8,       /* slots of the table that are looked into */
	MISMATCH = 5,     /* what a substitution costs, in bases of two bits */
	DROP = 35,        /* a match that has lost so much does not recover */
	JUMP = 22,        /* what a jump costs, */
	SHIFT = 10,       /* and a gap */
	NEW_BASE = 3,     /* each further chunk to be read makes another one dearer */
	PENDING = 1024,   /* bases that wait for a match that reaches back to them */
	KEEP = 256,       /* of them, kept waiting */
	RAISE2 = 4096,    /* what it must bring that a chunk becomes of level 2, */
	RAISE3 = 131072,  /* and 3: then nobody can use what it makes */
	MADE_SHARE = 8,   /* of the seeds of bases that are made, one in so many counts */
	MADE_COPIED = 64, /* they are kept if one base in so many at least is copied */
	CONTESTS = 32,    /* better matches that are looked for under one */
	PAUSE = 512       /* bases without looking behind one in vain, twice as many each time */
};

/* ---- scanning ---------------------------------------------------------- */

/* Of a k-mer or its reverse complement, whichever is less. */
static inline uint64_t hash_of(uint64_t kmer)
{
	return kmer * UINT64_C(0x9e3779b97f4a7c15);
}

/*
 * Which k-mers are seeds, is said by the CENTER bases in their middle: those of
 * the other strand's k-mer are the same read from the other strand.  So the one
 * test of a few bits stands before any work with a k-mer.
 */
static void choose_centers(struct casg_scan *s, unsigned int share)
{
	memset(s->centers, 0, sizeof(s->centers));
	for (uint64_t c = 0; c <= casg_bases_mask(CENTER); c++) {
		uint64_t r = casg_bases_reverse(c, CENTER);

		if (hash_of(c < r ? c : r) <= UINT64_MAX / share)
			s->centers[c / 64] |= (uint64_t)1 << c % 64;
	}
	s->share = share;
}

static int add_seed(struct casg_scan *s, const uint8_t *p, size_t at)
{
	uint64_t w = casg_bases_word(p, at, K), r = casg_bases_reverse(w, K);
	uint64_t hash = hash_of(w < r ? w : r);

	if (CASG_GROW(s->seeds, s->nseeds + 1, s->cap_seeds))
		return -1;
	s->seeds[s->nseeds++] = (struct casg_seed){
		.high = (uint32_t)(hash >> 32), .low = (uint32_t)hash,
		.at = (uint32_t)at & INT32_MAX, .backward = r < w
	};
	return 0;
}

static uint64_t seed_hash(const struct casg_seed *s)
{
	return (uint64_t)s->high << 32 | s->low;
}

/* Seeds that n residues have, and a few more. */
static size_t seeds_of(uint64_t n, unsigned int share)
{
	return (size_t)(n / share + n / share / 16 + 64);
}

uint64_t casg_scan_nbytes(uint64_t n, unsigned int share)
{
	return n / 4 + seeds_of(n, share) * sizeof(struct casg_seed);
}

/* Seeds of bases from .. to, which are all A, C, G or T. */
static int scan_run(struct casg_scan *s, const uint8_t *p, size_t from, size_t to)
{
	const size_t before = (K - CENTER) / 2, step = CASG_BASES_WORD - CENTER + 1;
	size_t i, end;

	if (to - from < K)
		return 0;
	end = to - K + 1 + before;
	for (i = from + before; i < end; i += step) {
		size_t n = end - i < step ? end - i : step;
		uint64_t w = casg_bases_word(p, i, CASG_BASES_WORD);

		for (size_t j = 0; j < n; j++, w >>= 2) {
			uint64_t c = w & casg_bases_mask(CENTER);

			if (__builtin_expect(s->centers[c / 64] >> c % 64 & 1, 0) &&
			    add_seed(s, p, i + j - before))
				return -1;
		}
	}
	return 0;
}

/* The bits of bases from .. to are cleared. */
static void clear_bases(uint8_t *ok, size_t from, size_t to)
{
	for (; from < to && from % 4; from++)
		ok[from / 4] &= (uint8_t)~(3 << 2 * (from % 4));
	memset(ok + from / 4, 0, (to - from) / 4);
	for (from += (to - from) / 4 * 4; from < to; from++)
		ok[from / 4] &= (uint8_t)~(3 << 2 * (from % 4));
}

/* Scan between the exceptions, and mark them. */
static int scan_around(struct casg_scan *s, const struct casg_scanned *piece)
{
	const uint8_t *p = (const uint8_t *)casg_buf_chars(&s->exceptions);
	const uint8_t *end = p + s->exceptions.len;
	const uint8_t *packed = s->packed.data + piece->packed;
	size_t at = 0;

	while (p < end) {
		uint64_t gap, len;

		/* casg_dna_pack has made it */
		if (casg_varint_get(&p, end, &gap) || casg_varint_get(&p, end, &len))
			return -1;
		p++;
		if (scan_run(s, packed, at, at + gap))
			return -1;
		clear_bases(s->ok.data + piece->ok, at + gap, at + gap + len);
		at += gap + len;
	}
	return scan_run(s, packed, at, piece->n);
}

/* Room for n bases, behind what is there but its slack. */
static int add_room(struct casg_buf *b, size_t n, size_t *at_out)
{
	size_t at = b->len ? b->len - CASG_BASES_SLACK : 0;

	if (casg_buf_grow(b, casg_dna_packed_size(n) + CASG_BASES_SLACK))
		return -1;
	*at_out = at;
	b->len = at + casg_dna_packed_size(n) + CASG_BASES_SLACK;
	memset(b->data + b->len - CASG_BASES_SLACK, 0, CASG_BASES_SLACK);
	return 0;
}

void casg_scan_reset(struct casg_scan *s)
{
	casg_buf_reset(&s->packed);
	casg_buf_reset(&s->ok);
	s->nseeds = s->npieces = 0;
}

int casg_scan_add(struct casg_scan *s, const uint8_t *residues, size_t n, unsigned int share,
		  struct casg_err *err)
{
	struct casg_scanned *piece;

	if (CASG_GROW(s->pieces, s->npieces + 1, s->cap_pieces))
		return casg_err_nomem(err);
	piece = &s->pieces[s->npieces++];
	piece->n = n;
	piece->ok = SIZE_MAX;
	piece->first_seed = s->nseeds;
	if (add_room(&s->packed, n, &piece->packed))
		return casg_err_nomem(err);
	casg_buf_reset(&s->exceptions);
	casg_dna_pack(residues, n, s->packed.data + piece->packed, &s->exceptions);
	if (casg_buf_check(&s->exceptions, err))
		return CASG_ENOMEM;
	if (s->exceptions.len) {
		if (add_room(&s->ok, n, &piece->ok))
			return casg_err_nomem(err);
		memset(s->ok.data + piece->ok, 0xff, casg_dna_packed_size(n));
	}
	if (s->share != share)
		choose_centers(s, share);
	/* at once: what grows by and by takes half as much again */
	if (CASG_GROW(s->seeds, s->nseeds + seeds_of(n, share), s->cap_seeds))
		return casg_err_nomem(err);
	if (scan_around(s, piece))
		return casg_err_nomem(err);
	piece->end_seed = s->nseeds;
	return 0;
}

void casg_scan_release(struct casg_scan *s)
{
	casg_buf_release(&s->packed);
	casg_buf_release(&s->exceptions);
	casg_buf_release(&s->ok);
	free(s->seeds);
	free(s->pieces);
	memset(s, 0, sizeof(*s));
}

/* ---- the pool ---------------------------------------------------------- */

struct slot {
	uint32_t at;    /* of the k-mer in the pool + 1; 0: free */
	uint32_t tag;   /* low bits of its hash; the lowest bit: backward */
};

/* Literals of one chunk, or the bases that it makes. */
struct segment {
	uint64_t start, end; /* of the chunk under way, the end is that of the pool */
	uint32_t chunk;      /* of m->chunks */
	uint32_t used_by;    /* number of the chunk that used it last + 1 */
	int made;
};

/* A chunk that has segments; those that it names follow one another in m->names. */
struct known {
	uint32_t number;     /* in the pack */
	uint32_t named_by;   /* number of the chunk that named it last + 1 */
	uint32_t nnames;
	size_t names;
	uint8_t level;       /* of its script */
};

/*
 * A diagonal: base a of the piece goes with base off + a of the pool, or with
 * the complement of base off - a.
 */
struct diagonal {
	int64_t off;
	int reverse;
	uint32_t segment;
	uint64_t lo, hi;    /* bases of the piece for which that is in the segment */
};

/* Bases start .. end of the piece on a diagonal, but for some. */
struct match {
	struct diagonal d;
	uint64_t start, end;
	uint32_t *differs;  /* ascending */
	size_t n, cap;
};

struct casg_matcher {
	uint64_t max_bases, max_nbytes;
	uint8_t *pool;
	size_t cap_pool, nclear; /* bytes of it that have been cleared */
	uint64_t n;             /* bases in it */
	struct slot *table;
	size_t nslots, nused;
	int full;               /* the table may not grow */
	int was_full;           /* when the chunk under way began */
	struct segment *segments;
	size_t nsegments, cap_segments;
	struct known *chunks;
	size_t nchunks, cap_chunks;
	uint32_t *names;        /* chunks, as numbered in m->chunks, ascending */
	size_t nnames, cap_names;
	/* the chunk under way: the last of m->chunks, its literals the last segment */
	struct casg_script *script;
	const struct casg_scan *scan;
	uint32_t nbases;        /* segments of others it uses, */
	uint32_t nmade;         /* of them, bases that are made; */
	uint32_t nnamed;        /* other chunks it names */
	/* the piece under way */
	const uint8_t *packed, *ok; /* its bases; which are, or NULL: all */
	const struct casg_seed *seeds;
	size_t nseeds;
	uint64_t piece_n;
	uint64_t done;          /* bases of it that are told */
	size_t next_seed;       /* the first that is not in the table */
	uint32_t *left, *right; /* mismatches of the match that is extended */
	size_t nleft, cap_left, nright, cap_right;
	struct match best, other;
};

struct casg_matcher *casg_matcher_new(uint64_t max_bases, uint64_t max_nbytes)
{
	struct casg_matcher *m = calloc(1, sizeof(*m));

	if (m) {
		m->max_bases = max_bases;
		m->max_nbytes = max_nbytes;
	}
	return m;
}

void casg_matcher_free(struct casg_matcher *m)
{
	if (!m)
		return;
	free(m->pool);
	free(m->table);
	free(m->segments);
	free(m->chunks);
	free(m->names);
	free(m->left);
	free(m->right);
	free(m->best.differs);
	free(m->other.differs);
	free(m);
}

void casg_matcher_reset(struct casg_matcher *m)
{
	if (m->pool)
		memset(m->pool, 0, m->nclear);
	if (m->table)
		memset(m->table, 0, m->nslots * sizeof(*m->table));
	m->n = m->nused = 0;
	m->nsegments = m->nchunks = m->nnames = 0;
	m->full = 0;
}

static int is_full(const struct casg_matcher *m)
{
	return m->full || m->n >= m->max_bases ||
	       m->n / 4 + m->nslots * sizeof(*m->table) >= m->max_nbytes;
}

/* Room for n more bases, and slack; what is not used yet is not touched. */
static int grow_pool(struct casg_matcher *m, uint64_t n)
{
	size_t need = (size_t)((m->n + n) / 4 + 2 * CASG_BASES_SLACK);

	if (need <= m->nclear)
		return 0;
	if (CASG_GROW(m->pool, need, m->cap_pool))
		return -1;
	memset(m->pool + m->nclear, 0, need - m->nclear);
	m->nclear = need;
	return 0;
}

static struct slot make_slot(uint64_t hash, uint64_t at, uint32_t backward)
{
	return (struct slot){ (uint32_t)at + 1, ((uint32_t)hash & ~1u) | backward };
}

static size_t first_slot(const struct casg_matcher *m, uint64_t hash)
{
	return (size_t)(hash >> 28) & (m->nslots - 1);
}

static void put_slot(struct casg_matcher *m, size_t i, const struct slot *s)
{
	for (int probe = 0; probe < PROBES; probe++, i = (i + 1) & (m->nslots - 1)) {
		if (!m->table[i].at) {
			m->table[i] = *s;
			m->nused++;
			return;
		}
		/* the oldest stays: what refers to it, refers to the same place */
		if (m->table[i].tag >> 1 == s->tag >> 1)
			return;
	}
}

static uint64_t hash_at(const struct casg_matcher *m, uint64_t at)
{
	uint64_t w = casg_bases_word(m->pool, at, K), r = casg_bases_reverse(w, K);

	return hash_of(w < r ? w : r);
}

/* What is in the table, in its order; owned by the caller. */
static uint32_t *list_table(const struct casg_matcher *m)
{
	uint32_t *list = malloc((m->nused + 1) * sizeof(*list));

	for (size_t i = 0, n = 0; list && i < m->nslots; i++)
		if (m->table[i].at)
			list[n++] = (m->table[i].at - 1) << 1 | (m->table[i].tag & 1);
	return list;
}

/*
 * Twice the slots.  The bases say the rest of each k-mer, so that the old table
 * need not lie beside the new one.
 */
static int grow_table(struct casg_matcher *m)
{
	size_t n = m->nused;
	uint32_t *list = list_table(m);

	if (!list)
		return -1;
	free(m->table);
	m->nslots = m->nslots ? 2 * m->nslots : 1 << 14;
	m->table = calloc(m->nslots, sizeof(*m->table));
	m->nused = 0;
	if (!m->table) {
		m->nslots = 0;
		free(list);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		uint64_t at = list[i] >> 1, hash = hash_at(m, at);
		struct slot s = make_slot(hash, at, list[i] & 1);

		put_slot(m, first_slot(m, hash), &s);
	}
	free(list);
	return 0;
}

/*
 * Room for one more k-mer: half of the slots stay free, a quarter when there is no
 * memory for more.  1: there is none.
 */
static int make_room(struct casg_matcher *m)
{
	size_t grown = 2 * m->nslots * sizeof(*m->table) + m->nused * sizeof(uint32_t);

	if (m->nused * 2 < m->nslots)
		return 0;
	if (!m->nslots || m->nclear + grown <= m->max_nbytes)
		return grow_table(m);
	m->full = m->nused * 4 >= m->nslots * 3;
	return m->full;
}

/* Bases from .. to of the piece are new: literals of the script, and of the pool. */
static int add_literals(struct casg_matcher *m, uint64_t from, uint64_t to)
{
	uint64_t at = m->n;
	int full = is_full(m);

	if (from == to)
		return 0;
	if (grow_pool(m, to - from))
		return -1;
	casg_bases_append(m->pool, m->n, m->packed, casg_dna_packed_size(to) + CASG_BASES_SLACK,
			  from, 0, to - from);
	m->n += to - from;
	casg_script_literals(m->script, to - from);
	while (m->next_seed < m->nseeds && m->seeds[m->next_seed].at < from)
		m->next_seed++;
	for (; !full && m->next_seed < m->nseeds && m->seeds[m->next_seed].at + (uint64_t)K <= to;
	     m->next_seed++) {
		const struct casg_seed *seed = &m->seeds[m->next_seed];
		uint64_t hash = seed_hash(seed);
		struct slot s = make_slot(hash, at + (uint64_t)seed->at - from, seed->backward);
		int rc = make_room(m);

		if (rc)
			return rc < 0 ? -1 : 0;
		put_slot(m, first_slot(m, hash), &s);
	}
	return 0;
}

static uint32_t segment_of(const struct casg_matcher *m, uint64_t at)
{
	size_t lo = 0, hi = m->nsegments;

	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		if (m->segments[mid].start <= at)
			lo = mid;
		else
			hi = mid;
	}
	return (uint32_t)lo;
}

static uint64_t segment_end(const struct casg_matcher *m, uint32_t segment)
{
	return segment + 1 < m->nsegments ? m->segments[segment].end : m->n;
}

/* ---- matches ----------------------------------------------------------- */

static int64_t source_of(const struct diagonal *d, uint64_t a)
{
	return d->reverse ? d->off - (int64_t)a : d->off + (int64_t)a;
}

static void bound_diagonal(const struct casg_matcher *m, struct diagonal *d)
{
	int64_t start = (int64_t)m->segments[d->segment].start;
	int64_t end = (int64_t)segment_end(m, d->segment), lo, hi;

	lo = d->reverse ? d->off - end + 1 : start - d->off;
	hi = d->reverse ? d->off - start + 1 : end - d->off;
	d->lo = lo > (int64_t)m->done ? (uint64_t)lo : m->done;
	d->hi = hi < (int64_t)m->piece_n ? (uint64_t)hi : m->piece_n;
}

/* Which of n bases from a on differ: the low bit of each pair. */
static uint64_t differ(const struct casg_matcher *m, const struct diagonal *d, uint64_t a,
		       unsigned int n)
{
	uint64_t w = casg_bases_word(m->packed, a, n), s;

	if (d->reverse)
		s = casg_bases_reverse(casg_bases_word(m->pool, (uint64_t)(d->off - (int64_t)a) + 1 - n,
						       n), n);
	else
		s = casg_bases_word(m->pool, (uint64_t)(d->off + (int64_t)a), n);
	w ^= s;
	if (m->ok)
		w &= casg_bases_word(m->ok, a, n);
	return (w | w >> 1) & UINT64_C(0x5555555555555555);
}

/* From 'a' up while it pays; where the match ends best, and what it is worth. */
static int extend_right(struct casg_matcher *m, const struct diagonal *d, uint64_t a,
			uint64_t *end_out, int64_t *score_out)
{
	int64_t score = 0, best = 0;
	uint64_t end = a;

	m->nright = 0;
	while (a < d->hi && best - score <= DROP) {
		unsigned int n = d->hi - a < CASG_BASES_WORD ? (unsigned int)(d->hi - a)
							      : CASG_BASES_WORD;
		uint64_t x = differ(m, d, a, n), from = 0;

		for (; x; x &= x - 1) {
			uint64_t at = (uint64_t)__builtin_ctzll(x) / 2;

			score += (int64_t)(at - from);
			if (score > best) {
				best = score;
				end = a + at;
			}
			score -= MISMATCH;
			from = at + 1;
			if (best - score > DROP)
				break;
			if (CASG_GROW(m->right, m->nright + 1, m->cap_right))
				return -1;
			m->right[m->nright++] = (uint32_t)(a + at);
		}
		if (x)
			break;
		score += (int64_t)(n - from);
		a += n;
		if (score > best) {
			best = score;
			end = a;
		}
	}
	while (m->nright && m->right[m->nright - 1] >= end)
		m->nright--;
	*end_out = end;
	*score_out = best;
	return 0;
}

/* The same from below 'a' down. */
static int extend_left(struct casg_matcher *m, const struct diagonal *d, uint64_t a,
		       uint64_t *start_out, int64_t *score_out)
{
	int64_t score = 0, best = 0;
	uint64_t start = a;

	m->nleft = 0;
	while (a > d->lo && best - score <= DROP) {
		unsigned int n = a - d->lo < CASG_BASES_WORD ? (unsigned int)(a - d->lo)
							      : CASG_BASES_WORD;
		uint64_t x = differ(m, d, a - n, n), from = n;

		while (x) {
			uint64_t at = (63 - (uint64_t)__builtin_clzll(x)) / 2;

			x ^= (uint64_t)1 << 2 * at;
			score += (int64_t)(from - at - 1);
			if (score > best) {
				best = score;
				start = a - n + at + 1;
			}
			score -= MISMATCH;
			from = at;
			if (best - score > DROP) {
				x = 1;
				break;
			}
			if (CASG_GROW(m->left, m->nleft + 1, m->cap_left))
				return -1;
			m->left[m->nleft++] = (uint32_t)(a - n + at);
		}
		if (x)
			break;
		score += (int64_t)from;
		a -= n;
		if (score > best) {
			best = score;
			start = a;
		}
	}
	while (m->nleft && m->left[m->nleft - 1] < start)
		m->nleft--;
	*start_out = start;
	*score_out = best;
	return 0;
}

static unsigned int base_at(const struct casg_matcher *m, uint64_t a)
{
	return m->packed[a / 4] >> 2 * (a % 4) & 3;
}

/* Tell a match up to 'end'. */
static int tell(struct casg_matcher *m, const struct match *v, uint64_t end,
		struct casg_err *err)
{
	uint64_t at = v->start;
	int rc;

	if (add_literals(m, m->done, v->start))
		return casg_err_nomem(err);
	for (size_t i = 0; at <= end; i++) {
		uint64_t stop = i < v->n && v->differs[i] < end ? v->differs[i] : end;

		if (!i) {
			rc = casg_script_copy(m->script, (uint64_t)source_of(&v->d, at), v->d.reverse,
					      v->d.segment, stop - at, err);
			if (rc)
				return rc;
		} else {
			casg_script_substitute(m->script, base_at(m, at - 1), stop - at);
		}
		at = stop + 1;
	}
	m->done = end;
	return 0;
}

/* How many mismatches of a match are below 'at'. */
static size_t differing(const struct match *v, uint64_t at)
{
	size_t lo = 0, hi = v->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (v->differs[mid] < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* What the part of a match from .. to is worth, in bases. */
static int64_t worth(const struct match *v, uint64_t from, uint64_t to)
{
	if (from < v->start)
		from = v->start;
	if (to > v->end)
		to = v->end;
	if (from >= to)
		return 0;
	return (int64_t)(to - from) -
	       (MISMATCH + 1) * (int64_t)(differing(v, to) - differing(v, from));
}

/* The mark of what the chunk under way uses. */
static uint32_t mark(const struct casg_matcher *m)
{
	return m->chunks[m->nchunks - 1].number + 1;
}

static int is_used(const struct casg_matcher *m, uint32_t segment)
{
	return segment + 1 == m->nsegments || m->segments[segment].used_by == mark(m);
}

/* Chunks that would be named, and are not yet, if a segment were used. */
static uint32_t more_names(const struct casg_matcher *m, const struct segment *s)
{
	const struct known *k = &m->chunks[s->chunk];
	uint32_t n = k->named_by != mark(m);

	for (uint32_t i = 0; s->made && i < k->nnames; i++)
		n += m->chunks[m->names[k->names + i]].named_by != mark(m);
	return n;
}

/* May a segment be used, besides what is, and so many more names and made segments? */
static int may_use(const struct casg_matcher *m, uint32_t segment, uint32_t names, uint32_t made)
{
	const struct segment *s = &m->segments[segment];

	return is_used(m, segment) ||
	       (m->nnamed + names + more_names(m, s) <= CASG_SCRIPT_BASES_MAX &&
		m->nmade + made + (uint32_t)s->made <= CASG_SCRIPT_MADE_MAX);
}

/*
 * What it must be worth that the chunk becomes of a higher level, if a segment is
 * used: it is slower to read, and the fewer can use what it makes.
 */
static int64_t raise(const struct casg_matcher *m, uint32_t segment)
{
	const struct segment *s = &m->segments[segment];
	uint8_t level = m->chunks[s->chunk].level;

	if (!s->made || level < m->chunks[m->nchunks - 1].level)
		return 0;
	return level == 1 ? RAISE2 : RAISE3;
}

/* What a match must be worth more than, for its jump and the chunk to be read. */
static int64_t price(const struct casg_matcher *m, const struct diagonal *d)
{
	if (m->script->has_source && m->script->segment == d->segment)
		return SHIFT;
	if (is_used(m, d->segment))
		return JUMP;
	if (!may_use(m, d->segment, 0, 0))
		return INT64_MAX;
	return JUMP + NEW_BASE * (int64_t)m->nbases + raise(m, d->segment);
}

static void name_chunk(struct casg_matcher *m, uint32_t chunk)
{
	if (m->chunks[chunk].named_by == mark(m))
		return;
	m->chunks[chunk].named_by = mark(m);
	m->nnamed++;
}

static void note_use(struct casg_matcher *m, uint32_t segment)
{
	struct segment *s = &m->segments[segment];
	const struct known *k = &m->chunks[s->chunk];

	if (is_used(m, segment))
		return;
	s->used_by = mark(m);
	m->nbases++;
	m->nmade += (uint32_t)s->made;
	if (s->made && k->level >= m->chunks[m->nchunks - 1].level)
		m->chunks[m->nchunks - 1].level = k->level + 1;
	name_chunk(m, s->chunk);
	/* it cannot be made without those that it names itself */
	for (uint32_t i = 0; s->made && i < k->nnames; i++)
		name_chunk(m, m->names[k->names + i]);
}

/* Does the seed's k-mer continue the match told last?  Then that is as good. */
static int follows(struct casg_matcher *m, const struct diagonal *last, const struct casg_seed *s)
{
	struct diagonal d = *last;

	bound_diagonal(m, &d);
	return s->at >= d.lo && s->at + (uint64_t)K <= d.hi && !differ(m, &d, s->at, K);
}

/* The place in the pool that has this seed's k-mer: 1, or 0. */
static int find_seed(const struct casg_matcher *m, const struct casg_seed *seed,
		     struct diagonal *d)
{
	uint32_t tag = seed->low >> 1;
	size_t i = first_slot(m, seed_hash(seed));

	for (int probe = 0; probe < PROBES && m->table[i].at; probe++, i = (i + 1) & (m->nslots - 1)) {
		const struct slot *s = &m->table[i];
		uint64_t at;

		if (s->tag >> 1 != tag)
			continue;
		at = s->at - 1;
		d->reverse = (s->tag & 1) != seed->backward;
		d->off = d->reverse ? (int64_t)(at + K - 1 + seed->at)
				    : (int64_t)at - (int64_t)seed->at;
		d->segment = segment_of(m, at);
		return 1;
	}
	return 0;
}

static void prefetch(const struct casg_matcher *m, size_t seed)
{
	if (seed < m->nseeds && m->nslots)
		__builtin_prefetch(&m->table[first_slot(m, seed_hash(&m->seeds[seed]))]);
}

/* Extend from a seed on the diagonal that v has: 1 if its k-mer is there, 0, or negative. */
static int extend(struct casg_matcher *m, const struct casg_seed *seed, struct match *v)
{
	int64_t left, right;

	bound_diagonal(m, &v->d);
	if (seed->at < v->d.lo || seed->at + (uint64_t)K > v->d.hi || differ(m, &v->d, seed->at, K))
		return 0;
	if (extend_left(m, &v->d, seed->at, &v->start, &left) ||
	    extend_right(m, &v->d, seed->at + K, &v->end, &right) ||
	    CASG_GROW(v->differs, m->nleft + m->nright, v->cap))
		return -1;
	v->n = 0;
	while (m->nleft)
		v->differs[v->n++] = m->left[--m->nleft];
	for (size_t i = 0; i < m->nright; i++)
		v->differs[v->n++] = m->right[i];
	return 1;
}

/* Does a seed count among bases that are made? */
static int counts(const struct casg_seed *seed)
{
	return seed->low / 256 % MADE_SHARE == 0;
}

static int same_diagonal(const struct diagonal *a, const struct diagonal *b)
{
	return a->off == b->off && a->reverse == b->reverse && a->segment == b->segment;
}

/*
 * The other match is better than the best one, where it is: so that one is told up
 * to there, if that is worth it, and the other takes its place.
 */
static int change(struct casg_matcher *m, struct casg_err *err)
{
	struct match v = m->best;
	int rc = 0;

	if (v.start < m->other.start && worth(&v, 0, m->other.start) > price(m, &v.d)) {
		note_use(m, v.d.segment);
		rc = tell(m, &v, m->other.start, err);
	}
	m->best = m->other;
	m->other = v;
	return rc;
}

static int may_both(const struct casg_matcher *m, const struct diagonal *a, const struct diagonal *b)
{
	const struct segment *s = &m->segments[a->segment];

	return is_used(m, a->segment) ? may_use(m, b->segment, 0, 0)
				      : may_use(m, b->segment, more_names(m, s), (uint32_t)s->made);
}

/*
 * Look for a match that is better than the best one, by the seeds from number i on
 * that it does not have: they may be in what was made from the same bases.
 */
static int contest(struct casg_matcher *m, size_t i, struct casg_err *err)
{
	uint64_t from = 0, pause = PAUSE;

	for (int left = CONTESTS; left && i < m->nseeds && m->seeds[i].at < m->best.end; i++) {
		const struct casg_seed *seed = &m->seeds[i];
		struct match *v = &m->other;
		int rc;

		if (seed->at < from || seed->at < m->best.start || !counts(seed) ||
		    (seed->at + (uint64_t)K <= m->best.d.hi &&
		     !differ(m, &m->best.d, seed->at, K)) || !find_seed(m, seed, &v->d) ||
		    same_diagonal(&v->d, &m->best.d) || !may_both(m, &m->best.d, &v->d))
			continue;
		rc = extend(m, seed, v);
		if (rc < 0)
			return casg_err_nomem(err);
		if (!rc)
			continue;
		left--;
		if (worth(v, 0, UINT64_MAX) - worth(&m->best, v->start, v->end) > price(m, &v->d)) {
			rc = change(m, err);
			if (rc)
				return rc;
			pause = PAUSE;
		} else {
			from = seed->at + pause;
			pause *= 2;
		}
	}
	return 0;
}

/* Extend from a seed, and tell the match if it is worth it. */
static int try_seed(struct casg_matcher *m, size_t i, struct diagonal *last,
		    struct casg_err *err)
{
	const struct casg_seed *seed = &m->seeds[i];
	int rc;

	if (last->hi && follows(m, last, seed))
		m->best.d = *last;
	else if (!m->nslots || !find_seed(m, seed, &m->best.d))
		return 0;
	rc = extend(m, seed, &m->best);
	if (rc < 0)
		return casg_err_nomem(err);
	if (!rc || worth(&m->best, 0, UINT64_MAX) <= price(m, &m->best.d))
		return 0;
	rc = contest(m, i, err);
	if (rc)
		return rc;
	note_use(m, m->best.d.segment);
	*last = m->best.d;
	return tell(m, &m->best, m->best.end, err);
}

int casg_matcher_match(struct casg_matcher *m, const struct casg_scan *scan, size_t piece,
		       struct casg_err *err)
{
	const struct casg_scanned *p = &scan->pieces[piece];
	struct diagonal last = { .hi = 0 };
	int rc = 0;

	m->packed = scan->packed.data + p->packed;
	m->ok = p->ok == SIZE_MAX ? NULL : scan->ok.data + p->ok;
	m->nseeds = p->end_seed - p->first_seed;
	m->seeds = m->nseeds ? scan->seeds + p->first_seed : NULL;
	m->piece_n = p->n;
	m->done = 0;
	m->next_seed = 0;
	m->scan = scan;
	casg_script_begin(m->script);
	for (size_t i = 0; i < m->nseeds && !rc; i++) {
		const struct casg_seed *seed = &m->seeds[i];

		prefetch(m, i + 8);
		if (seed->at < m->done)
			continue;
		rc = try_seed(m, i, &last, err);
		if (!rc && seed->at >= m->done + PENDING) {
			uint64_t to = seed->at - KEEP;

			rc = add_literals(m, m->done, to) ? casg_err_nomem(err) : 0;
			m->done = to;
		}
	}
	if (!rc && add_literals(m, m->done, m->piece_n))
		rc = casg_err_nomem(err);
	return rc ? rc : casg_script_end(m->script, err);
}

/* ---- chunks ------------------------------------------------------------ */

/* A segment that begins where the pool ends, of the chunk that is the last. */
static int add_segment(struct casg_matcher *m, int made)
{
	if (CASG_GROW(m->segments, m->nsegments + 1, m->cap_segments))
		return -1;
	m->segments[m->nsegments++] = (struct segment){
		.start = m->n, .chunk = (uint32_t)m->nchunks - 1, .made = made
	};
	return 0;
}

int casg_matcher_begin(struct casg_matcher *m, uint32_t chunk, struct casg_script *script,
		       struct casg_err *err)
{
	m->n = (m->n + 3) / 4 * 4;
	if (grow_pool(m, 0) || CASG_GROW(m->chunks, m->nchunks + 1, m->cap_chunks))
		return casg_err_nomem(err);
	m->chunks[m->nchunks++] = (struct known){ .number = chunk, .level = 1 };
	if (add_segment(m, 0))
		return casg_err_nomem(err);
	m->nbases = m->nmade = m->nnamed = 0;
	m->was_full = is_full(m);
	m->script = script;
	m->scan = NULL;
	casg_script_reset(script);
	return 0;
}

/* Segments that a script uses, and where they begin in its positions. */
struct used {
	uint32_t segment[CASG_SCRIPT_SEGMENTS_MAX];
	uint64_t start[CASG_SCRIPT_SEGMENTS_MAX];
	uint32_t n;
};

/* Positions in the pool become positions in the segments that the chunk uses. */
static void settle(struct casg_matcher *m, const struct used *u)
{
	struct casg_script *s = m->script;

	for (size_t i = 0; i < s->ntargets; i++) {
		uint64_t at = s->target[i];
		uint32_t lo = 0, hi = u->n;

		while (hi - lo > 1) {
			uint32_t mid = (lo + hi) / 2;

			if (m->segments[u->segment[mid]].start <= at)
				lo = mid;
			else
				hi = mid;
		}
		casg_varint_add(&s->jumps, u->start[lo] + at - m->segments[u->segment[lo]].start);
	}
}

/* The literals of the last chunk leave the pool. */
static void forget_last(struct casg_matcher *m)
{
	uint64_t start = m->segments[--m->nsegments].start;

	memset(m->pool + start / 4, 0, (size_t)((m->n - start + 3) / 4));
	m->n = start;
}

/* Which segments are used. */
static void list_used(const struct casg_matcher *m, struct used *u)
{
	uint64_t at = 0;

	u->n = 0;
	for (uint32_t i = 0; i < m->nsegments; i++) {
		const struct segment *s = &m->segments[i];

		if (!is_used(m, i))
			continue;
		u->segment[u->n] = i;
		u->start[u->n++] = at;
		/* a segment takes whole bytes; behind the last base they are 0 */
		at += (segment_end(m, i) - s->start + 3) / 4 * 4;
	}
}

/* The chunks that are named, with what is used of each, and for those who use this one. */
static int list_names(struct casg_matcher *m, const struct used *u)
{
	struct known *me = &m->chunks[m->nchunks - 1];
	uint32_t at = 0;

	m->script->deep = me->level > 1;
	me->names = m->nnames;
	me->nnames = m->nnamed;
	if (CASG_GROW(m->names, m->nnames + m->nnamed, m->cap_names))
		return -1;
	for (uint32_t i = 0; i + 1 < m->nchunks; i++) {
		uint64_t distance = me->number - m->chunks[i].number;
		unsigned int use = 0;

		if (m->chunks[i].named_by != mark(m))
			continue;
		m->names[m->nnames++] = i;
		for (; at < u->n && m->segments[u->segment[at]].chunk == i; at++)
			use |= m->segments[u->segment[at]].made ? CASG_USE_MADE : CASG_USE_LITERALS;
		casg_varint_add(&m->script->bases, m->script->deep ? 4 * distance + use : distance);
	}
	return 0;
}

/* Bytes that the pool and its table may have, if what is made is added. */
static uint64_t made_room(const struct casg_matcher *m)
{
	return m->max_nbytes / 4 * 3;
}

/* Bases of the chunk: are they worth having, and is there room? */
static int is_wanted(const struct casg_matcher *m, uint64_t n)
{
	const struct segment *own = &m->segments[m->nsegments - 1];
	const struct known *me = &m->chunks[m->nchunks - 1];
	uint64_t copied = n - (own->end - own->start);

	return me->level < CASG_SCRIPT_LEVEL_MAX && copied * MADE_COPIED >= n && copied &&
	       !m->full && m->n + n <= m->max_bases / 4 * 3 &&
	       (m->n + n) / 4 + m->nslots * sizeof(*m->table) <= made_room(m);
}

/* The seeds of a piece, whose bases are in the pool from 'at' on, if nothing has them. */
static int add_seeds(struct casg_matcher *m, const struct casg_scanned *p, uint64_t at)
{
	for (size_t i = p->first_seed; i < p->end_seed; i++) {
		const struct casg_seed *seed = &m->scan->seeds[i];
		uint64_t hash = seed_hash(seed);
		struct slot s = make_slot(hash, at + seed->at, seed->backward);

		if (!counts(seed))
			continue;
		if (m->nused * 2 >= m->nslots) {
			if (m->nclear + 2 * m->nslots * sizeof(*m->table) +
			    m->nused * sizeof(uint32_t) > made_room(m))
				return 0;
			if (grow_table(m))
				return -1;
		}
		put_slot(m, first_slot(m, hash), &s);
	}
	return 0;
}

/* What the script of the last chunk makes joins the pool. */
static int add_made(struct casg_matcher *m)
{
	uint64_t n = 0, at;

	for (size_t i = 0; m->scan && i < m->scan->npieces; i++)
		n += m->scan->pieces[i].n;
	if (!is_wanted(m, n))
		return 0;
	m->n = at = (m->n + 3) / 4 * 4;
	if (grow_pool(m, n) || add_segment(m, 1))
		return -1;
	for (size_t i = 0; i < m->scan->npieces; i++) {
		const struct casg_scanned *p = &m->scan->pieces[i];

		casg_bases_append(m->pool, at, m->scan->packed.data + p->packed,
				  casg_dna_packed_size(p->n) + CASG_BASES_SLACK, 0, 0, p->n);
		m->n = at + p->n;
		if (add_seeds(m, p, at))
			return -1;
		at = m->n;
	}
	m->segments[m->nsegments - 1].end = m->n;
	return 0;
}

int casg_matcher_end(struct casg_matcher *m, struct casg_err *err)
{
	struct casg_script *s = m->script;
	struct segment *own = &m->segments[m->nsegments - 1];
	struct used used;

	own->end = m->n;
	list_used(m, &used);
	if (list_names(m, &used))
		return casg_err_nomem(err);
	settle(m, &used);
	casg_buf_add(&s->literals, m->pool + own->start / 4,
		     (size_t)((m->n - own->start + 3) / 4));
	/* of a chunk that began when the pool was full, no k-mer is in the table */
	if (m->was_full)
		forget_last(m);
	else if (add_made(m))
		return casg_err_nomem(err);
	if (casg_buf_check(&s->bases, err) || casg_buf_check(&s->jumps, err))
		return CASG_ENOMEM;
	return casg_buf_check(&s->literals, err);
}
