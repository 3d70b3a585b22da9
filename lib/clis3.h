/*
 * clis3 - where a bucket is, and with which key it is asked: the settings of
 * casg-remote-s3, which its page has.
 *
 * Each comes from git config for the storage (casg.remote.NAME.KEY, NAME being
 * the one whose URL it is), else from the environment, else from git config for
 * all (casg.s3.KEY), else from the profile in AWS's own files.
 *
 * Only programs may use this.
 */
#ifndef CASG_CLIS3_H
#define CASG_CLIS3_H

#include "remotes3.h"

/* All settings of the storage; dies when one makes no sense.  Memory stays. */
void casg_cli_s3(const char *url, struct casg_s3 *out);

#endif
