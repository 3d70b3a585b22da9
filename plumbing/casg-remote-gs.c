/* casg-remote-gs - store packs in Google Cloud Storage, or get them from there */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "clihttp.h"
#include "remotegs.h"

#define FORM "gs://BUCKET[/PREFIX]"
#define ENDPOINT "https://storage.googleapis.com"
#define PAGE_MAX 1000

static const char *const usage[] = { "URL", NULL };

static const struct casg_opt opts[] = { { .type = CASG_OPT_END } };

/* A secret that makes no sense is not shown. */
static const char *secret(const char *name)
{
	const char *s = casg_cli_env(name);

	if (s && strpbrk(s, " \t\r\n"))
		casg_die("the value of %s makes no sense", name);
	return s;
}

static char *read_endpoint(void)
{
	const char *s = casg_cli_env("STORAGE_EMULATOR_HOST");
	struct casg_buf b = CASG_BUF_INIT;

	if (!s)
		s = ENDPOINT;
	/* Google's own programs take it with and without a scheme */
	if (!strstr(s, "://"))
		casg_buf_addstr(&b, "http://");
	casg_buf_addstr(&b, s);
	while (b.len && b.data[b.len - 1] == '/')
		b.len--;
	casg_buf_cstr(&b);
	if (b.failed)
		casg_die("out of memory");
	s = (char *)b.data;
	if ((strncmp(s, "http://", 7) && strncmp(s, "https://", 8)) || strpbrk(s, "?#@ \t\r\n") ||
	    strchr(strstr(s, "://") + 3, '/'))
		casg_die("STORAGE_EMULATOR_HOST is not http://HOST or https://HOST");
	return (char *)b.data;
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_serve *s = casg_serve_new(0, 1);
	struct casg_cloud_opts o;
	struct casg_gs gs = { 0 };
	char *bucket, *prefix;

	(void)argc;
	if (!s)
		casg_die("out of memory");
	if (strncmp(argv[0], "gs://", 5))
		casg_die("'%s' is not " FORM, argv[0]);
	casg_cli_cloud_url(argv[0], FORM, &bucket, NULL, &prefix);
	gs.bucket = bucket;
	gs.prefix = prefix;
	gs.endpoint = read_endpoint();
	gs.bearer = secret("GOOGLE_OAUTH_ACCESS_TOKEN");
	if (!gs.bearer)
		gs.bearer = secret("CLOUDSDK_AUTH_ACCESS_TOKEN");
	if (!gs.bearer) {
		gs.id = secret("GS_ACCESS_KEY_ID");
		gs.secret = secret("GS_SECRET_ACCESS_KEY");
		if (!gs.id != !gs.secret)
			casg_die("of GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY one is missing");
	}
	if (gs.bearer && !casg_cli_is_safe(gs.endpoint))
		casg_die("a token would go over '%s' without TLS", gs.endpoint);
	gs.page_size = casg_cli_cloud_page_size(PAGE_MAX);
	casg_cli_cloud_opts(&o);
	if (casg_gs_serve(s, &gs, &o, &err))
		casg_die_err(&err);
	casg_serve_free(s);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-remote-gs", usage, opts, 1, 1, run };
