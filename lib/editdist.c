#include "editdist.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"

enum { ROWS = 64, FIRST_MOST = 31, LOOK_EVERY = 256 };

/*
 * A column of the matrix is kept as its vertical differences, a bit a row: the
 * row is one more than the one above (pv), one less (mv), or equal.
 */
struct block {
	uint64_t pv, mv;
};

struct casg_editdist {
	struct block *blocks;
	uint64_t *equal;        /* [code][block]: rows whose residue has this code */
	size_t cap_blocks, cap_equal;
	uint8_t code[256];      /* of a residue of the sequence, from 1; 0: not in it */
	size_t nblocks;
};

/* Where a question has come to. */
struct band {
	size_t m, n;
	uint64_t most;
	size_t top, bottom;     /* blocks */
	uint64_t score;         /* of the last row of 'bottom' that is in the sequence */
};

struct casg_editdist *casg_editdist_new(void)
{
	return calloc(1, sizeof(struct casg_editdist));
}

void casg_editdist_free(struct casg_editdist *e)
{
	if (!e)
		return;
	free(e->blocks);
	free(e->equal);
	free(e);
}

static int index_rows(struct casg_editdist *e, const uint8_t *seq, size_t m,
		      struct casg_err *err)
{
	size_t ncodes = 1;

	e->nblocks = (m + ROWS - 1) / ROWS;
	memset(e->code, 0, sizeof(e->code));
	for (size_t i = 0; i < m; i++)
		if (!e->code[seq[i]])
			e->code[seq[i]] = (uint8_t)ncodes++;
	if (CASG_GROW(e->blocks, e->nblocks, e->cap_blocks) ||
	    CASG_GROW(e->equal, e->nblocks * ncodes, e->cap_equal))
		return casg_err_nomem(err);
	memset(e->equal, 0, e->nblocks * ncodes * sizeof(*e->equal));
	for (size_t i = 0; i < m; i++)
		e->equal[e->code[seq[i]] * e->nblocks + i / ROWS] |= UINT64_C(1) << i % ROWS;
	return 0;
}

/*
 * One column further: 'hin' is the difference from the column before in the row
 * above the block, the return that in the row of the bit 'last'.
 */
static inline int step(struct block *b, uint64_t eq, int hin, unsigned last)
{
	uint64_t pv = b->pv, mv = b->mv, xv = eq | mv, xh, ph, mh;
	int hout;

	eq |= (uint64_t)(hin < 0);
	xh = (((eq & pv) + pv) ^ pv) | eq;
	ph = mv | ~(xh | pv);
	mh = pv & xh;
	hout = (int)(ph >> last & 1) - (int)(mh >> last & 1);
	ph = ph << 1 | (uint64_t)(hin > 0);
	mh = mh << 1 | (uint64_t)(hin < 0);
	b->pv = mh | ~(xv | ph);
	b->mv = ph & xv;
	return hout;
}

static inline unsigned last_bit(const struct casg_editdist *e, const struct band *w, size_t block)
{
	return block + 1 < e->nblocks ? ROWS - 1 : (unsigned)((w->m - 1) % ROWS);
}

/* Rows that come into reach: no better is known of them than one more a row. */
static void reach_down(struct casg_editdist *e, struct band *w, size_t bottom)
{
	while (w->bottom < bottom) {
		w->bottom++;
		e->blocks[w->bottom] = (struct block){ ~UINT64_C(0), 0 };
		w->score += last_bit(e, w, w->bottom) + 1u;
	}
}

/*
 * Is every row of the column too far already?  Between two rows that are known,
 * a row is at least their mean less half of what lies between.
 */
static int is_hopeless(const struct casg_editdist *e, const struct band *w)
{
	int64_t below = (int64_t)w->score;

	for (size_t b = w->bottom + 1; b-- > w->top; ) {
		unsigned last = last_bit(e, w, b);
		uint64_t mask = last == ROWS - 1 ? ~UINT64_C(0) : (UINT64_C(2) << last) - 1;
		int64_t above = below - __builtin_popcountll(e->blocks[b].pv & mask) +
				__builtin_popcountll(e->blocks[b].mv & mask);

		if ((above + below - (int64_t)last - 1) / 2 <= (int64_t)w->most)
			return 0;
		below = above;
	}
	return 1;
}

/* The distance if it is at most w->most, else more than that. */
static uint64_t search(struct casg_editdist *e, struct band *w, const uint8_t *text)
{
	uint64_t best = UINT64_MAX;
	size_t slack = w->n - w->m;

	w->top = w->bottom = 0;
	e->blocks[0] = (struct block){ ~UINT64_C(0), 0 };
	w->score = last_bit(e, w, 0) + 1u;
	for (size_t j = 1; j <= w->n; j++) {
		const uint64_t *eq = e->equal + e->code[text[j - 1]] * e->nblocks;
		size_t low = j > slack + w->most ? j - slack - (size_t)w->most : 1;
		size_t high = j + (size_t)w->most < w->m ? j + (size_t)w->most : w->m;
		int h;

		w->top = (low - 1) / ROWS;
		reach_down(e, w, (high - 1) / ROWS);
		/* above the band nothing is known: at most one more than before */
		h = w->top ? 1 : 0;
		for (size_t b = w->top; b < w->bottom; b++)
			h = step(&e->blocks[b], eq[b], h, ROWS - 1);
		h = step(&e->blocks[w->bottom], eq[w->bottom], h, last_bit(e, w, w->bottom));
		w->score = (uint64_t)((int64_t)w->score + h);
		if (w->bottom + 1 == e->nblocks && w->score < best)
			best = w->score;
		if (!best || (j % LOOK_EVERY == 0 && best > w->most && is_hopeless(e, w)))
			break;
	}
	return best;
}

/* Residues that differ, side by side; or more than 'most'. */
static uint64_t differing(const uint8_t *a, const uint8_t *b, size_t n, uint64_t most)
{
	uint64_t found = 0;

	for (size_t i = 0; i < n && found <= most; ) {
		size_t end = n - i < ROWS ? n : i + ROWS;
		unsigned here = 0;

		for (; i < end; i++)
			here += a[i] != b[i];
		found += here;
	}
	return found;
}

int casg_editdist(struct casg_editdist *e, const uint8_t *seq, size_t m,
		  const uint8_t *text, size_t n, uint64_t most, uint64_t *distance_out,
		  struct casg_err *err)
{
	struct band w = { .m = m, .n = n, .most = FIRST_MOST };
	uint64_t aligned;
	int rc;

	if (m > n)
		return casg_err_set(err, CASG_EBUG, "a sequence is longer than its text");
	*distance_out = 0;
	if (!m)
		return 1;
	if (most > m)
		most = m; /* as far as nothing of it is */
	/* begun or ended together, without a gap: it is no more than that */
	aligned = differing(seq, text, m, most);
	if (aligned && n > m) {
		uint64_t other = differing(seq, text + (n - m), m, aligned);

		aligned = other < aligned ? other : aligned;
	}
	if (!aligned)
		return 1;
	rc = index_rows(e, seq, m, err);
	if (rc)
		return rc;
	if (aligned <= most)
		most = aligned;
	for (;;) {
		if (w.most > most)
			w.most = most;
		*distance_out = search(e, &w, text);
		if (*distance_out <= w.most)
			return 1;
		if (w.most == most)
			return 0;
		w.most *= 4;
	}
}

uint64_t casg_editdist_cost(size_t m, size_t n, uint64_t most)
{
	uint64_t rows = (uint64_t)(n - m) + 2 * most;

	if (rows > m)
		rows = m;
	return n * (rows / ROWS + 2);
}
