/*
 * clihttp - what the helpers share that speak HTTP: settings from the
 * environment, and the program of casg-remote-http and casg-remote-https.
 *
 * Only programs may use this.
 */
#ifndef CASG_CLIHTTP_H
#define CASG_CLIHTTP_H

#include "http.h"

/*
 * CASG_REMOTE_TIMEOUT, CASG_REMOTE_RETRIES, CURL_CA_BUNDLE, SSL_CERT_FILE; dies
 * when one is bad.
 */
void casg_cli_http_opts(struct casg_http_opts *o);

/* The whole program. */
int casg_cli_http_run(int argc, char **argv);

#endif
