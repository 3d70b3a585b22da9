#include "script.h"

#include <stdlib.h>

#include "array.h"
#include "bases.h"
#include "varint.h"

/* A shift that is told as such: a jump takes more bytes from here on. */
enum { SHIFT_MAX = 4096 };

void casg_script_reset(struct casg_script *s)
{
	casg_buf_reset(&s->steps);
	casg_buf_reset(&s->copies);
	casg_buf_reset(&s->numbers);
	casg_buf_reset(&s->jumps);
	casg_buf_reset(&s->literals);
	casg_buf_reset(&s->bases);
	s->ntargets = 0;
	s->deep = 0;
}

void casg_script_release(struct casg_script *s)
{
	casg_buf_release(&s->steps);
	casg_buf_release(&s->copies);
	casg_buf_release(&s->numbers);
	casg_buf_release(&s->jumps);
	casg_buf_release(&s->literals);
	casg_buf_release(&s->bases);
	free(s->target);
	s->target = NULL;
	s->ntargets = s->cap_targets = 0;
}

/* ---- writing ----------------------------------------------------------- */

void casg_script_begin(struct casg_script *s)
{
	s->run = s->nlit = 0;
	s->has_source = 0;
}

static void step(struct casg_script *s, int what)
{
	casg_buf_addch(&s->steps, what);
	casg_varint_add(&s->copies, s->run);
	s->run = 0;
}

void casg_script_literals(struct casg_script *s, uint64_t n)
{
	s->nlit += n;
}

/* The source moves on along its direction. */
static void advance(struct casg_script *s, uint64_t n)
{
	s->next = s->reverse ? s->next - n : s->next + n;
	s->run += n;
}

int casg_script_copy(struct casg_script *s, uint64_t at, int reverse, uint32_t segment,
		     uint64_t n, struct casg_err *err)
{
	int64_t shift = (int64_t)(reverse ? s->next - at : at - s->next);

	if (!s->has_source || reverse != s->reverse || segment != s->segment ||
	    shift > SHIFT_MAX || shift < -SHIFT_MAX) {
		step(s, reverse ? CASG_STEP_REVERSE : CASG_STEP_FORWARD);
		casg_varint_add(&s->numbers, s->nlit);
		if (CASG_GROW(s->target, s->ntargets + 1, s->cap_targets))
			return casg_err_nomem(err);
		s->target[s->ntargets++] = at;
	} else if (s->nlit && (uint64_t)shift == s->nlit) {
		step(s, CASG_STEP_BLOCK);
		casg_varint_add(&s->numbers, s->nlit);
	} else if (s->nlit || shift) {
		step(s, CASG_STEP_SHIFT);
		casg_varint_add(&s->numbers, s->nlit);
		casg_varint_add(&s->numbers, casg_zigzag(shift));
	}
	s->nlit = 0;
	s->has_source = 1;
	s->reverse = reverse;
	s->segment = segment;
	s->next = at;
	advance(s, n);
	return 0;
}

void casg_script_substitute(struct casg_script *s, unsigned int base, uint64_t n)
{
	step(s, (int)(CASG_STEP_SUBST + base));
	advance(s, n + 1);
	s->run = n;
}

int casg_script_end(struct casg_script *s, struct casg_err *err)
{
	if (s->nlit)
		step(s, CASG_STEP_LITERAL);
	else if (s->run)
		casg_buf_addch(&s->steps, CASG_STEP_REST);
	if (casg_buf_check(&s->steps, err) || casg_buf_check(&s->copies, err))
		return CASG_ENOMEM;
	return casg_buf_check(&s->numbers, err);
}

/* ---- reading ----------------------------------------------------------- */

static int bad(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "corrupt chunk: its script %s", what);
}

/* Numbers that are read from front to back. */
struct numbers {
	const uint8_t *p, *end;
};

static int next(struct numbers *v, uint64_t *out)
{
	return casg_varint_get(&v->p, v->end, out);
}

struct reader {
	const struct casg_script_in *in;
	uint64_t start[CASG_SCRIPT_SEGMENTS_MAX + 1]; /* of each segment, and the end */
	struct numbers steps, copies, numbers, jumps;
	uint64_t nliterals;    /* used of its own */
	uint8_t *out;          /* letters; or NULL */
	uint8_t *packed;       /* bases; or NULL */
	uint64_t packed_at;    /* the next of them */
	casg_script_part_fn *fn;
	void *ctx;
	struct casg_err *err;
	/* the member under way */
	struct casg_script_part part;
	uint64_t left;
	/* where copying goes on: a base of this segment; has_source: there was a jump */
	int has_source, reverse;
	uint32_t segment;
	int64_t at;
};

static int tell(struct reader *r, uint64_t from, uint64_t n, uint32_t segment, int literal,
		int substitution)
{
	struct casg_script_part *part = &r->part;
	int rc = 0;

	part->from = from;
	part->n = n;
	part->segment = segment;
	part->literal = literal;
	part->reverse = !literal && r->reverse;
	part->substitution = substitution;
	if (r->fn)
		rc = r->fn(r->ctx, part, r->err);
	part->to += n;
	r->left -= n;
	if (r->out)
		r->out += n;
	r->packed_at += n;
	return rc;
}

static void put(struct reader *r, const struct casg_slice *s, uint64_t at, int reverse, uint64_t n)
{
	if (r->out)
		casg_bases_letters(s->p, s->nbytes, at, reverse, n, r->out);
	else if (r->packed)
		casg_bases_append(r->packed, r->packed_at, s->p, s->nbytes, at, reverse, n);
}

/* n more bases from where the source is. */
static int copy(struct reader *r, uint64_t n)
{
	const struct casg_slice *s = &r->in->literals[r->segment];
	int64_t size = (int64_t)s->nbytes * 4, at = r->at;

	if (!n)
		return 0;
	if (!r->has_source || n > r->left)
		return bad(r->err, "copies what is not there");
	/* n is at most the chunk's size now, so nothing wraps */
	if (at < 0 || at >= size || (r->reverse ? at + 1 < (int64_t)n : size - at < (int64_t)n))
		return bad(r->err, "copies from beyond the literals of a chunk");
	put(r, s, (uint64_t)at, r->reverse, n);
	r->at = r->reverse ? at - (int64_t)n : at + (int64_t)n;
	return tell(r, (uint64_t)at, n, r->segment, 0, 0);
}

static int literals(struct reader *r, uint64_t n)
{
	const struct casg_slice *own = &r->in->literals[r->in->nsegments - 1];
	uint64_t at = r->nliterals;

	if (!n)
		return 0;
	if (n > r->left || n > own->nbytes * 4 - at)
		return bad(r->err, "takes more literals than there are");
	put(r, own, at, 0, n);
	r->nliterals += n;
	return tell(r, at, n, r->in->nsegments - 1, 1, 0);
}

/* Move the source by n along its direction; far beyond is found when it copies. */
static int move(struct reader *r, int64_t n)
{
	if (!r->has_source)
		return bad(r->err, "goes on where nothing was copied");
	if (n > (int64_t)1 << 40 || n < -((int64_t)1 << 40) || r->at > (int64_t)1 << 50 ||
	    r->at < -((int64_t)1 << 50))
		return bad(r->err, "goes out of range");
	r->at += r->reverse ? -n : n;
	return 0;
}

static int substitute(struct reader *r, int base)
{
	const struct casg_slice *s = &r->in->literals[r->segment];
	int rc;

	if (!r->left)
		return bad(r->err, "is longer than its member");
	if (!r->has_source)
		return bad(r->err, "goes on where nothing was copied");
	if (r->at < 0 || r->at >= (int64_t)s->nbytes * 4)
		return bad(r->err, "replaces a base beyond the literals of a chunk");
	if (r->out)
		*r->out = (uint8_t)"ACGT"[base];
	else if (r->packed)
		r->packed[r->packed_at / 4] |= (uint8_t)(base << 2 * (r->packed_at % 4));
	rc = tell(r, (uint64_t)r->at, 1, r->segment, 0, 1);
	return rc ? rc : move(r, 1);
}

static int jump(struct reader *r, int reverse)
{
	uint32_t lo = 0, hi = r->in->nsegments;
	uint64_t to;

	if (next(&r->jumps, &to) || to >= r->start[hi])
		return bad(r->err, "jumps to nowhere");
	while (hi - lo > 1) {
		uint32_t mid = (lo + hi) / 2;

		if (r->start[mid] <= to)
			lo = mid;
		else
			hi = mid;
	}
	r->segment = lo;
	r->at = (int64_t)(to - r->start[lo]);
	r->reverse = reverse;
	r->has_source = 1;
	return 0;
}

/* Literals, and where copying goes on behind them. */
static int turn(struct reader *r, int what)
{
	uint64_t n, shift;
	int rc;

	if (next(&r->numbers, &n))
		return bad(r->err, "lacks a number");
	if (what == CASG_STEP_SHIFT && next(&r->numbers, &shift))
		return bad(r->err, "lacks a number");
	rc = literals(r, n);
	if (rc)
		return rc;
	if (what == CASG_STEP_BLOCK)
		return move(r, (int64_t)n);
	if (what == CASG_STEP_SHIFT)
		return move(r, casg_unzigzag(shift));
	return jump(r, what == CASG_STEP_REVERSE);
}

static int do_step(struct reader *r)
{
	uint64_t n;
	int what, rc;

	if (r->steps.p == r->steps.end)
		return bad(r->err, "ends inside a member");
	what = *r->steps.p++;
	if (what > CASG_STEP_MAX)
		return casg_err_set(r->err, CASG_EUNSUPPORTED, "unsupported step %d of a script",
				    what);
	if (what == CASG_STEP_REST)
		return copy(r, r->left);
	if (next(&r->copies, &n))
		return bad(r->err, "lacks a number");
	rc = copy(r, n);
	if (rc)
		return rc;
	if (what < CASG_STEP_BLOCK)
		return substitute(r, what);
	if (what == CASG_STEP_LITERAL)
		return literals(r, r->left);
	return turn(r, what);
}

static void start_numbers(struct numbers *v, const struct casg_slice *s)
{
	v->p = s->p;
	v->end = s->p + s->nbytes;
}

static int apply(const struct casg_script_in *in, const uint64_t *offset, uint32_t nmembers,
		 uint8_t *out, uint8_t *packed, casg_script_part_fn *fn, void *ctx,
		 struct casg_err *err)
{
	struct reader r = { .in = in, .packed = packed, .fn = fn, .ctx = ctx, .err = err };
	const struct casg_slice *own = &in->literals[in->nsegments - 1];
	int rc = 0;

	for (uint32_t i = 0; i < in->nsegments; i++)
		r.start[i + 1] = r.start[i] + in->literals[i].nbytes * 4;
	start_numbers(&r.steps, &in->steps);
	start_numbers(&r.copies, &in->copies);
	start_numbers(&r.numbers, &in->numbers);
	start_numbers(&r.jumps, &in->jumps);
	for (uint32_t i = 0; i < nmembers && !rc; i++) {
		r.part.member = i;
		r.part.to = 0;
		r.out = out ? out + offset[i] : NULL;
		r.packed_at = offset[i];
		r.left = offset[i + 1] - offset[i];
		r.has_source = 0;
		while (r.left && !rc)
			rc = do_step(&r);
	}
	if (rc)
		return rc;
	if (r.steps.p != r.steps.end || r.copies.p != r.copies.end ||
	    r.numbers.p != r.numbers.end || r.jumps.p != r.jumps.end ||
	    own->nbytes != r.nliterals / 4 + (r.nliterals % 4 != 0))
		return bad(err, "leaves bytes over");
	if (r.nliterals % 4 && ((const uint8_t *)own->p)[own->nbytes - 1] >> 2 * (r.nliterals % 4))
		return bad(err, "has spare bits set");
	return 0;
}

int casg_script_apply(const struct casg_script_in *in, const uint64_t *offset,
		      uint32_t nmembers, uint8_t *out, casg_script_part_fn *fn, void *ctx,
		      struct casg_err *err)
{
	return apply(in, offset, nmembers, out, NULL, fn, ctx, err);
}

int casg_script_apply_packed(const struct casg_script_in *in, const uint64_t *offset,
			     uint32_t nmembers, uint8_t *out, struct casg_err *err)
{
	return apply(in, offset, nmembers, NULL, out, NULL, NULL, err);
}
