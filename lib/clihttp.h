/*
 * clihttp - what the helpers share that speak HTTP: settings from the
 * environment, and the program of casg-remote-http and casg-remote-https.
 *
 * Only programs may use this.
 */
#ifndef CASG_CLIHTTP_H
#define CASG_CLIHTTP_H

#include "cloud.h"
#include "http.h"

/*
 * CASG_REMOTE_TIMEOUT, CASG_REMOTE_RETRIES, CURL_CA_BUNDLE, SSL_CERT_FILE; dies
 * when one is bad.
 */
void casg_cli_http_opts(struct casg_http_opts *o);

/* The same, and CASG_REMOTE_PART_SIZE. */
void casg_cli_cloud_opts(struct casg_cloud_opts *o);
/* CASG_REMOTE_PAGE_SIZE, 1 to 'most'; 0: not set. */
unsigned casg_cli_cloud_page_size(unsigned most);
/* The value of a variable of the environment; NULL: it is not set, or empty. */
const char *casg_cli_env(const char *name);
/*
 * "SCHEME://A/B/PREFIX" without its scheme in three parts, or two (b: NULL).
 * A and B are of [a-z0-9._-], the prefix is a name of objects, and gets a '/' at
 * its end unless it is empty.  Dies with 'form' for what is none.  The parts are
 * the caller's.
 */
void casg_cli_cloud_url(const char *url, const char *form, char **a, char **b, char **prefix);
/* May a secret go there?  By TLS, or to this machine. */
int casg_cli_is_safe(const char *endpoint);

/* The whole program. */
int casg_cli_http_run(int argc, char **argv);

#endif
