#include "cliremote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clisettings.h"
#include "lines.h"
#include "oidset.h"
#include "packfetch.h"

static unsigned timeout;
static char exec_dir[4096];

/* Where this program is, or where the dispatcher says programs are. */
static void find_exec_dir(void)
{
	const char *dir = getenv("CASG_EXEC_PATH");
	ssize_t n;

	if (dir && *dir && strlen(dir) < sizeof(exec_dir)) {
		strcpy(exec_dir, dir);
		return;
	}
	n = readlink("/proc/self/exe", exec_dir, sizeof(exec_dir) - 1);
	exec_dir[n > 0 ? n : 0] = '\0';
	if (n > 0)
		*strrchr(exec_dir, '/') = '\0';
}

void casg_cli_remote_init(const struct casg_repo *repo)
{
	struct casg_settings s;
	char text[32];

	casg_cli_settings(repo, &s);
	timeout = (unsigned)s.remote_timeout;
	/* the helpers have to know it, too */
	snprintf(text, sizeof(text), "%u", timeout);
	if (setenv("CASG_REMOTE_TIMEOUT", text, 1))
		casg_die("out of memory");
	find_exec_dir();
}

static void show_note(void *ctx, const char *line)
{
	(void)ctx;
	fprintf(stderr, "remote: %s\n", line);
}

/* Is it a line of CASG_UNTRUSTED_URLS? */
static int is_untrusted(const char *url)
{
	const char *p = getenv("CASG_UNTRUSTED_URLS");
	size_t n = strlen(url);

	for (; p && *p; p += *p == '\n') {
		size_t len = strcspn(p, "\n");

		if (len == n && !memcmp(p, url, n))
			return 1;
		p += len;
	}
	return 0;
}

int casg_cli_remote_open(struct casg_remote **out, const char *url, unsigned max_open,
			 struct casg_err *err)
{
	const struct casg_remote_opts o = {
		.exec_dir = *exec_dir ? exec_dir : NULL, .timeout = timeout,
		.max_open = max_open, .note = show_note,
	};

	/* for this helper, which gets our environment */
	if (is_untrusted(url) ? setenv("CASG_REMOTE_PUBLIC", "1", 1) : unsetenv("CASG_REMOTE_PUBLIC"))
		casg_die("out of memory");
	return casg_remote_open(out, url, &o, err);
}

int casg_cli_remote_connect(void *ctx, const char *url, struct casg_remote **out,
			    struct casg_err *err)
{
	(void)ctx;
	return casg_cli_remote_open(out, url, 1, err);
}

static void parse_pack_line(const char *line, size_t n, struct casg_cli_pack_line *out)
{
	const char *p = line + CASG_OID_HEXSZ, *end = line + n;
	uint64_t nbytes = 0;

	if (n < CASG_OID_HEXSZ || casg_oid_parse(&out->id, line, CASG_OID_HEXSZ) ||
	    (p < end && *p != ' '))
		casg_die("bad line of standard input: not '<pack id> [<bytes>]'");
	for (p++; p < end && *p >= '0' && *p <= '9' && nbytes <= CASG_PACKFETCH_MAX; p++)
		nbytes = nbytes * 10 + (uint64_t)(*p - '0');
	if ((p < end && *p != ' ') || nbytes > CASG_PACKFETCH_MAX)
		casg_die("bad line of standard input: a size that no pack has");
	out->nbytes = nbytes;
}

void casg_cli_each_pack(casg_cli_pack_fn *fn)
{
	struct casg_lines *l = casg_lines_open(0, '\n');
	struct casg_oidset seen = CASG_OIDSET_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_cli_pack_line line;
	const char *text;
	char *copy;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &text, &n, &err)) > 0) {
		parse_pack_line(text, n, &line);
		rc = casg_oidset_add(&seen, &line.id, &err);
		if (rc < 0)
			break;
		if (!rc)
			continue;
		copy = strndup(text, n);
		if (!copy)
			casg_die("out of memory");
		line.text = copy;
		fn(&line);
		free(copy);
	}
	if (rc < 0)
		casg_die_err(&err);
	casg_oidset_release(&seen);
	casg_lines_close(l);
}

void casg_cli_remote_usage(const struct casg_strs *urls, uint64_t jobs)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!urls->n)
		casg_usage_die("--url is missing");
	if (!jobs || jobs > 64)
		casg_usage_die("bad value of --jobs: wanted 1 to 64");
	for (size_t i = 0; i < urls->n; i++)
		if (casg_remote_scheme(urls->v[i], &err) < 0)
			casg_usage_die("%s", err.msg);
}

void casg_cli_remote_warn(const char *shown, const char *fmt, ...)
{
	char text[CASG_ERR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	casg_warn("%s: %s", shown, text);
}

void casg_cli_remote_complain(void *ctx, const char *shown, const struct casg_oid *pack,
			      const char *what)
{
	char hex[CASG_OID_HEXSZ + 1];

	(void)ctx;
	if (pack)
		casg_cli_remote_warn(shown, "pack %s: %s", casg_oid_hex(pack, hex), what);
	else
		casg_cli_remote_warn(shown, "%s", what);
}
