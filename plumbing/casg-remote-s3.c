/* casg-remote-s3 - store packs in S3 or what speaks it, or get them from there */
#include "cli.h"
#include "clihttp.h"
#include "clis3.h"

static const char *const usage[] = { "URL", NULL };

static const struct casg_opt opts[] = { { .type = CASG_OPT_END } };

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_serve *s = casg_serve_new(0, 1);
	struct casg_cloud_opts o;
	struct casg_s3 s3;

	(void)argc;
	if (!s)
		casg_die("out of memory");
	casg_cli_s3(argv[0], &s3);
	casg_cli_cloud_opts(&o);
	if (casg_s3_serve(s, &s3, &o, &err))
		casg_die_err(&err);
	casg_serve_free(s);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-remote-s3", usage, opts, 1, 1, run };
