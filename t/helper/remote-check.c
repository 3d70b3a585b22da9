/*
 * casg-remote-check - does a helper keep to the protocol?
 *
 *	casg-remote-check [--through=URL2] URL
 *
 * Works in an empty place of a storage and prints a line of TAP for each case.
 * With --through, what has to be stored goes through the helper of URL2, which
 * reaches the same place: for helpers that only read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cliremote.h"

#define BIG ((size_t)3 << 20)

static const char *through;

static const char *const usage[] = { "[--through=URL] URL", NULL };

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "through", "URL", &through, "store by another helper" },
	{ .type = CASG_OPT_END }
};

static struct casg_remote *r, *w; /* read, write; may be the same */
static struct casg_err err = CASG_ERR_INIT;
static struct casg_remote_result got;
static struct casg_buf data = CASG_BUF_INIT;
static uint8_t *big;
static int ncases, nfailed;

static int can(unsigned what)
{
	return (casg_remote_cans(r) & what) == what;
}

static void ok(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++ncases, what);
	if (!good) {
		printf("# last answer: kind %d, %llu bytes, validator '%s', '%s'; %s\n", (int)got.kind,
		       (unsigned long long)got.nbytes, got.validator, got.message, err.msg);
		nfailed++;
	}
	err.msg[0] = '\0';
}

static void skip(const char *what)
{
	printf("ok %d # SKIP %s\n", ++ncases, what);
}

/* ---- one request, and what should come ---- */

static int have(const char *name, enum casg_remote_kind kind)
{
	return !casg_remote_have(r, name, &got, &err) && got.kind == kind;
}

static int get(const char *name, const char *validator, enum casg_remote_kind kind)
{
	casg_buf_reset(&data);
	return !casg_remote_get(r, name, validator, BIG + 10, &data, &got, &err) &&
	       got.kind == kind;
}

static int holds(const char *name, const void *p, size_t n)
{
	return get(name, NULL, CASG_ANSWER_DONE) && data.len == n && got.nbytes == n &&
	       (!n || !memcmp(data.data, p, n));
}

static int put(enum casg_remote_op op, const char *name, const void *p, size_t n,
	       enum casg_remote_kind kind)
{
	return !casg_remote_put(w, op, name, p, n, &got, &err) && got.kind == kind;
}

/* ---- ranges, many at a time ---- */

struct part {
	uint64_t first, last;
	int open_end, done, wrong;
	uint64_t at;             /* where the next byte belongs */
	const uint8_t *whole;
	uint64_t nbytes;
};

static int part_sink(void *ctx, const uint8_t *p, size_t n)
{
	struct part *x = ctx;

	if (x->at + n > x->nbytes || memcmp(x->whole + x->at, p, n))
		x->wrong = 1;
	x->at += n;
	return 0;
}

static void part_done(void *ctx, const struct casg_remote_reply *reply)
{
	struct part *x = ctx;

	x->done++;
	if (reply->kind != CASG_ANSWER_DONE || reply->nbytes != x->nbytes)
		x->wrong = 1;
	if (reply->kind == CASG_ANSWER_ERROR)
		snprintf(got.message, sizeof(got.message), "%s", reply->message);
}

static void ask_part(struct part *x, const char *name)
{
	struct casg_remote_ask a = {
		.op = CASG_REMOTE_GET, .name = name, .has_range = 1, .has_last = !x->open_end,
		.first = x->first, .last = x->last, .max_nbytes = x->nbytes, .ctx = x,
		.sink = part_sink, .done = part_done,
	};

	x->at = x->first;
	if (casg_remote_ask(r, &a, &err))
		x->wrong = 1;
}

/* Up to where the bytes of a good answer go. */
static int part_good(const struct part *x)
{
	uint64_t end = x->open_end || x->last >= x->nbytes ? x->nbytes : x->last + 1;

	if (x->first >= x->nbytes)
		end = x->first;
	return x->done == 1 && !x->wrong && x->at == end;
}

static void one_range(uint64_t first, uint64_t last, int open_end, const char *what)
{
	struct part x = { .first = first, .last = last, .open_end = open_end,
			  .whole = (const uint8_t *)"hello", .nbytes = 5 };

	ask_part(&x, "a/hello");
	casg_remote_wait(r, 0);
	ok(part_good(&x), what);
}

static void many_ranges(void)
{
	struct part x[64] = { { 0 } };
	int good = 1;

	for (int i = 0; i < 64; i++) {
		x[i].whole = big;
		x[i].nbytes = BIG;
		x[i].first = (uint64_t)i * (BIG / 64);
		x[i].last = x[i].first + 1000 * (uint64_t)i;
		ask_part(&x[i], "big");
	}
	casg_remote_wait(r, 0);
	for (int i = 0; i < 64; i++)
		good &= part_good(&x[i]);
	ok(good, "64 ranges at a time");
}

/* ---- the cases ---- */

static int count_entry(void *ctx, const char *name, uint64_t nbytes)
{
	uint64_t *sum = ctx;

	(void)name;
	sum[0]++;
	sum[1] += nbytes;
	return 0;
}

static int listed(const char *prefix, uint64_t n, uint64_t nbytes)
{
	uint64_t sum[2] = { 0, 0 };

	return !casg_remote_list(r, prefix, count_entry, sum, &err) && sum[0] == n &&
	       sum[1] == nbytes;
}

static void test_absent(void)
{
	if (can(CASG_CAN_LIST))
		ok(listed("-", 0, 0), "nothing is there at first");
	else
		skip("cannot list");
	ok(have("a/hello", CASG_ANSWER_NO), "have: no");
	ok(get("a/hello", NULL, CASG_ANSWER_NO), "get: no");
	ok(get("a", NULL, CASG_ANSWER_NO), "get of a folder to be: no");
}

static void test_simple(void)
{
	char before[sizeof(got.validator)];

	ok(put(CASG_REMOTE_PUT, "a/hello", "HELLO!!", 7, CASG_ANSWER_DONE) && got.nbytes == 7, "put");
	ok(have("a/hello", CASG_ANSWER_YES) && got.nbytes == 7, "have: yes, with its size");
	ok(holds("a/hello", "HELLO!!", 7), "get gives it back");
	ok(get("a/hello/b", NULL, CASG_ANSWER_NO), "nothing below an object");
	get("a/hello", NULL, CASG_ANSWER_DONE);
	strcpy(before, got.validator);
	if (can(CASG_CAN_IF)) {
		ok(*before && get("a/hello", before, CASG_ANSWER_SAME) && !data.len,
		   "if it has changed: same");
		put(CASG_REMOTE_PUT, "a/hello", "hello", 5, CASG_ANSWER_DONE);
		ok(get("a/hello", before, CASG_ANSWER_DONE) && data.len == 5 &&
		   strcmp(before, got.validator), "if it has changed: the bytes");
	} else {
		skip("cannot ask for changes");
		put(CASG_REMOTE_PUT, "a/hello", "hello", 5, CASG_ANSWER_DONE);
	}
	ok(holds("a/hello", "hello", 5), "put replaces");
	ok(put(CASG_REMOTE_PUT, "a/none", "", 0, CASG_ANSWER_DONE) && holds("a/none", "", 0),
	   "an object of no bytes");
}

static void test_ranges(void)
{
	if (!can(CASG_CAN_RANGE)) {
		skip("no ranges");
		return;
	}
	one_range(0, 0, 0, "the first byte");
	one_range(1, 3, 0, "some of it");
	one_range(2, 0, 1, "from there on");
	one_range(3, 99, 0, "beyond the end");
	one_range(4, 4, 0, "the last byte");
	one_range(5, 9, 0, "from the end on: nothing");
	one_range(7, 0, 1, "behind the end: nothing");
}

static void test_new(void)
{
	if (!(casg_remote_cans(w) & CASG_CAN_PUT_NEW)) {
		skip("no put-new");
		return;
	}
	ok(put(CASG_REMOTE_PUT_NEW, "a/new", "one", 3, CASG_ANSWER_DONE), "put-new");
	ok(put(CASG_REMOTE_PUT_NEW, "a/new", "two", 3, CASG_ANSWER_EXISTS), "put-new: exists");
	ok(holds("a/new", "one", 3), "and stays what it is");
}

static int raw_source(void *ctx, uint8_t *p, size_t n)
{
	(void)ctx;
	memset(p, 'x', n);
	return 0;
}

static void raw_done(void *ctx, const struct casg_remote_reply *reply)
{
	(void)ctx;
	got.kind = reply->kind;
	got.class = reply->class;
	snprintf(got.message, sizeof(got.message), "%s", reply->message ? reply->message : "");
}

static void test_wrong_digest(void)
{
	struct casg_oid zero = { { 0 } };
	struct casg_remote_ask a = {
		.op = CASG_REMOTE_PUT, .name = "a/wrong", .nbytes = 70000, .sha256 = &zero,
		.source = raw_source, .done = raw_done,
	};

	casg_remote_ask(w, &a, &err);
	casg_remote_wait(w, 0);
	ok(got.kind == CASG_ANSWER_ERROR && got.class == CASG_REMOTE_REFUSED,
	   "other bytes than announced are refused");
	ok(have("a/wrong", CASG_ANSWER_NO), "and not stored");
}

static void test_big(void)
{
	uint64_t x = 88172645463325252u;

	big = malloc(BIG);
	if (!big)
		casg_die("out of memory");
	for (size_t i = 0; i < BIG; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		big[i] = (uint8_t)x;
	}
	ok(put(CASG_REMOTE_PUT, "big", big, BIG, CASG_ANSWER_DONE), "a larger object");
	ok(holds("big", big, BIG), "comes back");
	if (can(CASG_CAN_RANGE))
		many_ranges();
	else
		skip("no ranges");
}

static void test_names(void)
{
	char name[400];

	memset(name, 'n', sizeof(name));
	memcpy(name, "d/", 2);
	name[2 + 200] = '\0';
	ok(put(CASG_REMOTE_PUT, name, "x", 1, CASG_ANSWER_DONE) && holds(name, "x", 1),
	   "a long name");
	ok(put(CASG_REMOTE_PUT, "d/-_.AZ", "y", 1, CASG_ANSWER_DONE) && holds("d/-_.AZ", "y", 1),
	   "every sign that a name may have");
	ok(have("d/-_.Az", CASG_ANSWER_NO), "case counts");
}

static void test_list(void)
{
	if (!can(CASG_CAN_LIST)) {
		skip("cannot list");
		return;
	}
	ok(listed("d/", 2, 2), "list what is under a prefix");
	ok(listed("none/", 0, 0), "list where there is nothing");
	ok(listed("-", 5 + !!(casg_remote_cans(w) & CASG_CAN_PUT_NEW),
		  5 + 0 + (casg_remote_cans(w) & CASG_CAN_PUT_NEW ? 3 : 0) + BIG + 2),
	   "list everything");
}

static void test_delete(void)
{
	static const char *const names[] = { "a/hello", "a/none", "a/new", "big", "d/-_.AZ" };
	char name[400] = "d/";
	int good = 1;

	if (!(casg_remote_cans(w) & CASG_CAN_DELETE)) {
		skip("cannot delete");
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		good &= !casg_remote_delete(w, names[i], &got, &err);
	memset(name + 2, 'n', 200);
	good &= !casg_remote_delete(w, name, &got, &err) && got.kind == CASG_ANSWER_DONE;
	ok(good, "delete");
	ok(have("a/hello", CASG_ANSWER_NO), "and it is gone");
	ok(!casg_remote_delete(w, "a/hello", &got, &err) && got.kind == CASG_ANSWER_NO,
	   "delete: no");
}

static int run(int argc, char **argv)
{
	(void)argc;
	casg_cli_remote_init(NULL);
	if (casg_cli_remote_open(&r, argv[0], 8, &err))
		casg_die_err(&err);
	w = r;
	if (through && casg_cli_remote_open(&w, through, 8, &err))
		casg_die_err(&err);
	if (!(casg_remote_cans(w) & CASG_CAN_PUT))
		casg_die("nothing can be put there");
	test_absent();
	test_simple();
	test_ranges();
	test_new();
	test_wrong_digest();
	test_big();
	test_names();
	test_list();
	test_delete();
	ok(!casg_remote_is_dead(r) && !casg_remote_is_dead(w), "the helper lives");
	printf("1..%d\n", ncases);
	if (w != r)
		casg_remote_close(w);
	casg_remote_close(r);
	free(big);
	casg_buf_release(&data);
	return nfailed ? CASG_EXIT_NO : CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-remote-check", usage, opts, 1, 1, run };
