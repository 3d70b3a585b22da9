/*
 * tap - results of a unit test as TAP, for tests that are programs.
 *
 *	int main(void)
 *	{
 *		ok(1 + 1 == 2, "addition");
 *		is_int(strlen("abc"), 3, "length of %s", "abc");
 *		return done_testing();
 *	}
 *
 * Each check prints one line and returns whether it passed.
 */
#ifndef CASG_TAP_H
#define CASG_TAP_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int tap_count, tap_failed;

/* Started without a standard input, a test must not get files of its own there. */
__attribute__((constructor))
static void tap_keep_std_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
}

__attribute__((unused, format(printf, 4, 0)))
static int tap_result(int good, const char *file, int line, const char *fmt, va_list ap)
{
	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	vprintf(fmt, ap);
	putchar('\n');
	if (!good) {
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	fflush(stdout);
	return good;
}

__attribute__((unused, format(printf, 4, 5)))
static int tap_ok(int good, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	good = tap_result(!!good, file, line, fmt, ap);
	va_end(ap);
	return good;
}

__attribute__((unused, format(printf, 5, 6)))
static int tap_is_int(int64_t got, int64_t want, const char *file, int line,
		      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_result(got == want, file, line, fmt, ap);
	va_end(ap);
	if (got != want)
		printf("# got %lld, expected %lld\n", (long long)got, (long long)want);
	return got == want;
}

__attribute__((unused, format(printf, 5, 6)))
static int tap_is_str(const char *got, const char *want, const char *file, int line,
		      const char *fmt, ...)
{
	int good = got && want ? !strcmp(got, want) : got == want;
	va_list ap;

	va_start(ap, fmt);
	tap_result(good, file, line, fmt, ap);
	va_end(ap);
	if (!good)
		printf("# got '%s', expected '%s'\n", got ? got : "(null)",
		       want ? want : "(null)");
	return good;
}

__attribute__((unused, format(printf, 7, 8)))
static int tap_is_mem(const void *got, size_t ngot, const void *want, size_t nwant,
		      const char *file, int line, const char *fmt, ...)
{
	int good = ngot == nwant && (!ngot || !memcmp(got, want, ngot));
	va_list ap;

	va_start(ap, fmt);
	tap_result(good, file, line, fmt, ap);
	va_end(ap);
	if (!good)
		printf("# got %zu bytes, expected %zu%s\n", ngot, nwant,
		       ngot == nwant ? ", and they differ" : "");
	return good;
}

#define ok(cond, ...) tap_ok(!!(cond), __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...) \
	tap_is_int((int64_t)(got), (int64_t)(want), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(got, want, ...) tap_is_str(got, want, __FILE__, __LINE__, __VA_ARGS__)
#define is_mem(got, ngot, want, nwant, ...) \
	tap_is_mem(got, ngot, want, nwant, __FILE__, __LINE__, __VA_ARGS__)

/* A remark that is no result. */
#define diag(...) do { printf("# "); printf(__VA_ARGS__); putchar('\n'); } while (0)

/* With a plan first, a test that ends early is seen; done_testing without one. */
static int tap_planned;

__attribute__((unused))
static void plan(int n)
{
	tap_planned = n;
	printf("1..%d\n", n);
}

/* Returns what main() should. */
__attribute__((unused))
static int done_testing(void)
{
	if (!tap_planned)
		printf("1..%d\n", tap_count);
	else if (tap_planned != tap_count)
		return 1;
	return tap_failed != 0;
}

#endif
