/* casg-remote-file - store packs in a folder, or get them from there */
#include "cli.h"
#include "remotefile.h"

static const char *const usage[] = { "URL", NULL };

static const struct casg_opt opts[] = { { .type = CASG_OPT_END } };

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_serve *s = casg_serve_new(0, 1);
	struct casg_remotefile f;

	(void)argc;
	if (!s)
		casg_die("out of memory");
	if (casg_remotefile_open(&f, argv[0], &err) ||
	    casg_serve_loop(s, &casg_remotefile_ops, &f, &err))
		casg_die_err(&err);
	casg_remotefile_close(&f);
	casg_serve_free(s);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-remote-file", usage, opts, 1, 1, run };
