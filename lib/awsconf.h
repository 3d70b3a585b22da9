/*
 * awsconf - the files ~/.aws/config and ~/.aws/credentials.
 *
 * Lines "[section]" and "key = value"; what begins with '#' or ';' is a comment,
 * as is what follows " #" or " ;" in the line of a section.  Indented lines are
 * nested settings, and passed over.  The profile NAME is the section "NAME" of
 * the credentials, and "profile NAME" ("default" for the default one) of config.
 * Reference: "Configuration and credential file settings", AWS SDKs and Tools.
 *
 * Pure.  Threads: reentrant.
 */
#ifndef CASG_AWSCONF_H
#define CASG_AWSCONF_H

#include <stddef.h>

#include "buf.h"

/*
 * Append the value of a key in a section, NUL-terminated: 1, or 0.  Of several
 * lines the last counts.  Case counts in sections, not in keys.
 */
int casg_awsconf_get(const void *text, size_t n, const char *section, const char *key,
		     struct casg_buf *out);
/* Is there such a section? */
int casg_awsconf_has(const void *text, size_t n, const char *section);

#endif
