#include "extsort.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

#define MiB ((size_t)1 << 20)

static char dir[] = "tmp-extsort-XXXXXX";
static struct casg_err err = CASG_ERR_INIT;

static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	return v ^ v >> 31;
}

/* Item i: up to 'len' bytes that depend on i alone; every tenth comes twice. */
static size_t make_item(uint64_t i, size_t len, uint8_t *out)
{
	uint64_t s = mix(i % 10 ? i : i / 2 * 2 + UINT64_C(1) * 1000);
	size_t n = s % (len + 1);

	for (size_t k = 0; k < n; k++)
		out[k] = k < 3 ? 'K' : (uint8_t)mix(s + k);
	return n;
}

/* A sum over items that no order changes. */
static uint64_t hash_item(const uint8_t *p, size_t n)
{
	uint64_t h = mix(n + 1);

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return mix(h);
}

static int add_all(struct casg_extsort *s, uint64_t n, size_t len, uint64_t *sum)
{
	uint8_t *item = malloc(len + 1);
	int rc = 0;

	*sum = 0;
	for (uint64_t i = 0; !rc && i < n; i++) {
		/* just the size, so that a sanitizer sees a step too far */
		size_t k = make_item(i, len, item);

		*sum += hash_item(item, k);
		rc = casg_extsort_add(s, item, k, &err);
	}
	free(item);
	return rc;
}

static int take_all(struct casg_extsort *s, uint64_t n, uint64_t sum)
{
	uint8_t *before = NULL;
	size_t nbefore = 0, k;
	const uint8_t *p;
	int rc, bad = 0;

	while ((rc = casg_extsort_next(s, &p, &k, &err)) > 0) {
		int c = before ? memcmp(before, p, nbefore < k ? nbefore : k) : 0;

		bad += c > 0 || (!c && nbefore > k);
		before = realloc(before, k + 1);
		memcpy(before, p, k);
		nbefore = k;
		sum -= hash_item(p, k);
		n--;
	}
	free(before);
	return !rc && !bad && !n && !sum && !casg_extsort_next(s, &p, &k, &err);
}

static void test_sort(uint64_t n, size_t len, size_t memory, struct casg_workers *pool,
		      int min_runs, const char *what)
{
	struct casg_extsort *s = casg_extsort_new(dir, memory, pool, &err);
	uint64_t sum;

	is_int(add_all(s, n, len, &sum), 0, "%s: add", what);
	is_int(casg_extsort_count(s), n, "%s: count", what);
	is_int(casg_extsort_finish(s, &err), 0, "%s: finish", what);
	ok((int64_t)casg_extsort_runs(s) >= min_runs && (min_runs || !casg_extsort_runs(s)),
	   "%s: %d runs", what, (int)casg_extsort_runs(s));
	ok(take_all(s, n, sum), "%s: all come back in order", what);
	casg_extsort_free(s);
}

static int count_files(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* The nameless file this process has open. */
static int scratch_fd(void)
{
	struct stat st;

	for (int fd = 3; fd < 100; fd++)
		if (!fstat(fd, &st) && S_ISREG(st.st_mode) && !st.st_nlink)
			return fd;
	return -1;
}

static int read_until_failure(struct casg_extsort *s)
{
	const uint8_t *p;
	size_t k;
	int rc;

	while ((rc = casg_extsort_next(s, &p, &k, &err)) > 0)
		;
	return rc;
}

static void test_damage(void)
{
	struct casg_extsort *s;
	const uint8_t *p;
	uint64_t sum;
	size_t k;
	struct stat st;
	int fd, rc;

	s = casg_extsort_new(dir, MiB, NULL, &err);
	add_all(s, 30000, 200, &sum);
	is_int(casg_extsort_finish(s, &err), 0, "finish");
	fd = scratch_fd();
	ok(fd >= 0, "there is a scratch file");
	is_int(count_files(), 0, "without a name");
	fstat(fd, &st);
	ok(!ftruncate(fd, st.st_size - 1), "cut a byte off");
	is_int(read_until_failure(s), CASG_ECORRUPT, "is seen");
	ok(strstr(err.msg, "scratch file"), "message: %s", err.msg);
	is_int(casg_extsort_next(s, &p, &k, &err), CASG_EBUG, "and stays so");
	casg_extsort_free(s);

	s = casg_extsort_new(dir, MiB, NULL, &err);
	add_all(s, 30000, 200, &sum);
	fd = scratch_fd();
	ok(pwrite(fd, "\xff\xff\xff\xff", 4, 0) == 4, "a length that cannot be");
	is_int(casg_extsort_finish(s, &err), CASG_ECORRUPT, "is seen");
	is_int(casg_extsort_next(s, &p, &k, &err), CASG_EBUG, "and nothing comes");
	casg_extsort_free(s);

	/* lengths that are in range but do not add up */
	s = casg_extsort_new(dir, MiB, NULL, &err);
	add_all(s, 30000, 200, &sum);
	fd = scratch_fd();
	ok(pwrite(fd, "\xf0\x03\x00\x00", 4, 0) == 4, "a length that is wrong");
	rc = casg_extsort_finish(s, &err);
	ok(rc == CASG_ECORRUPT || read_until_failure(s) == CASG_ECORRUPT, "is seen");
	casg_extsort_free(s);
}

static void test_full_disk(void)
{
	struct rlimit old, small;
	struct casg_extsort *s;
	uint64_t sum;
	int rc;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 1500000;
	s = casg_extsort_new(dir, MiB, NULL, &err);
	setrlimit(RLIMIT_FSIZE, &small);
	rc = add_all(s, 60000, 200, &sum);
	setrlimit(RLIMIT_FSIZE, &old);
	is_int(rc, CASG_EIO, "no room for the runs: %s", err.msg);
	is_int(casg_extsort_add(s, "x", 1, &err), CASG_EBUG, "a failure is final");
	casg_extsort_free(s);
	s = casg_extsort_new("/nonexistent/folder", MiB, NULL, &err);
	ok(s, "the folder is not looked at");
	is_int(add_all(s, 100, 100, &sum), 0, "while memory is enough");
	is_int(add_all(s, 60000, 200, &sum), CASG_EABSENT, "but then");
	casg_extsort_free(s);
}

static void test_misuse(void)
{
	struct casg_extsort *s = casg_extsort_new(dir, 0, NULL, &err);
	const uint8_t *p;
	size_t k;

	is_int(casg_extsort_next(s, &p, &k, &err), CASG_EBUG, "next before finish");
	is_int(casg_extsort_add(s, "", CASG_EXTSORT_ITEM_MAX + 1, &err), CASG_ENOMEM,
	       "an item too long");
	is_int(casg_extsort_add(s, NULL, 0, &err), 0, "an empty item");
	is_int(casg_extsort_finish(s, &err), 0, "finish");
	is_int(casg_extsort_finish(s, &err), CASG_EBUG, "finish twice");
	is_int(casg_extsort_add(s, "x", 1, &err), CASG_EBUG, "add after finish");
	is_int(casg_extsort_next(s, &p, &k, &err), 1, "the empty item");
	is_int(k, 0, "is empty");
	is_int(casg_extsort_next(s, &p, &k, &err), 0, "the end");
	casg_extsort_free(s);
	casg_extsort_free(NULL);
}

int main(void)
{
	struct casg_workers *pool = casg_workers_new(3, &err);

	if (!mkdtemp(dir))
		return 1;
	test_sort(0, 10, MiB, NULL, 0, "nothing");
	test_sort(1, 10, MiB, NULL, 0, "one item");
	test_sort(5000, 50, MiB, NULL, 0, "in memory");
	test_sort(50000, 4, 4 * MiB, pool, 0, "in memory, short, three workers");
	test_sort(40000, 200, MiB, NULL, 2, "some runs");
	test_sort(40000, 200, MiB, pool, 2, "some runs, three workers");
	test_sort(40, 3 * MiB, MiB, NULL, 2, "items larger than memory");
	test_sort(3000, 100000, MiB, NULL, 65, "more runs than are merged at once");
	test_damage();
	test_full_disk();
	test_misuse();
	casg_workers_free(pool);
	is_int(rmdir(dir), 0, "nothing left behind");
	return done_testing();
}
