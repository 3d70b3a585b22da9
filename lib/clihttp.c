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
