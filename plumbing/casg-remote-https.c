/* casg-remote-https - get packs from a web server, or store them in one, by HTTPS */
#include "cli.h"
#include "clihttp.h"

static const char *const usage[] = { "URL", NULL };

static const struct casg_opt opts[] = { { .type = CASG_OPT_END } };

const struct casg_cmd casg_cmd = { "casg-remote-https", usage, opts, 1, 1, casg_cli_http_run };
