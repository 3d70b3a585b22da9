#include "clihttp.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "remotehttp.h"

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

static unsigned number(const char *name, unsigned preset, unsigned least, unsigned most)
{
	const char *s = env(name);
	unsigned long v;

	if (!s)
		return preset;
	v = strspn(s, "0123456789") == strlen(s) && strlen(s) < 9 ? strtoul(s, NULL, 10) : most + 1ul;
	if (v < least || v > most)
		casg_die("bad value '%s' of %s: wanted %u to %u", s, name, least, most);
	return (unsigned)v;
}

void casg_cli_http_opts(struct casg_http_opts *o)
{
	memset(o, 0, sizeof(*o));
	o->timeout = number("CASG_REMOTE_TIMEOUT", 60, 1, 86400);
	o->retries = number("CASG_REMOTE_RETRIES", 4, 0, 20);
	o->ca_file = env("CURL_CA_BUNDLE") ? env("CURL_CA_BUNDLE") : env("SSL_CERT_FILE");
	o->agent = "casg";
	o->public_only = env("CASG_REMOTE_PUBLIC") != NULL;
}

const char *casg_cli_env(const char *name)
{
	return env(name);
}

void casg_cli_cloud_opts(struct casg_cloud_opts *o)
{
	memset(o, 0, sizeof(*o));
	casg_cli_http_opts(&o->http);
	o->part_size = number("CASG_REMOTE_PART_SIZE", 0, 65536, 1u << 30);
}

unsigned casg_cli_cloud_page_size(unsigned most)
{
	return number("CASG_REMOTE_PAGE_SIZE", 0, 1, most);
}

static char *part(const char **at, const char *form, const char *url)
{
	size_t n = strspn(*at, "abcdefghijklmnopqrstuvwxyz0123456789._-");
	char *s = strndup(*at, n);

	if (!s)
		casg_die("out of memory");
	if (!n || **at == '.' || **at == '-' || ((*at)[n] && (*at)[n] != '/'))
		casg_die("'%s' is not %s", url, form);
	*at += n;
	*at += **at == '/';
	return s;
}

void casg_cli_cloud_url(const char *url, const char *form, char **a, char **b, char **prefix)
{
	const char *at = strstr(url, "://");
	size_t n;

	if (!at)
		casg_die("'%s' is not %s", url, form);
	at += 3;
	*a = part(&at, form, url);
	if (b)
		*b = part(&at, form, url);
	n = strlen(at);
	while (n && at[n - 1] == '/')
		n--;
	*prefix = malloc(n + 2);
	if (!*prefix)
		casg_die("out of memory");
	memcpy(*prefix, at, n);
	strcpy(*prefix + n, n ? "/" : "");
	if (n && !casg_remote_is_name(at, n))
		casg_die("'%s' is not %s", url, form);
}

int casg_cli_is_safe(const char *endpoint)
{
	static const char *const here[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };

	if (!strncmp(endpoint, "https://", 8))
		return 1;
	for (size_t i = 0; i < sizeof(here) / sizeof(*here); i++) {
		size_t n = strlen(here[i]);

		if (!strncmp(endpoint, here[i], n) && strchr(":/", endpoint[n]))
			return 1;
	}
	return 0;
}

int casg_cli_http_run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_serve *s = casg_serve_new(0, 1);
	struct casg_http_opts o;

	(void)argc;
	if (!s)
		casg_die("out of memory");
	if (strncmp(argv[0], "http://", 7) && strncmp(argv[0], "https://", 8))
		casg_die("'%s' is not http://HOST/PATH or https://HOST/PATH", argv[0]);
	casg_cli_http_opts(&o);
	if (casg_remotehttp_serve(s, argv[0], &o, &err))
		casg_die_err(&err);
	casg_serve_free(s);
	return CASG_EXIT_YES;
}
