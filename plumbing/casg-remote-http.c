/* casg-remote-http - get packs from a web server, or store them in one, by HTTP */
#include "cli.h"
#include "clihttp.h"

static const char *const usage[] = { "URL", NULL };

static const struct casg_opt opts[] = { { .type = CASG_OPT_END } };

const struct casg_cmd casg_cmd = { "casg-remote-http", usage, opts, 1, 1, casg_cli_http_run };
