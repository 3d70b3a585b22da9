#include "pattern.h"

#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

struct casg_pattern {
	char *glob;             /* NULL: an expression */
	regex_t regex;
	struct casg_buf text;   /* NUL-terminated, what is looked at */
};

struct casg_pattern *casg_pattern_new(const char *text, int regexp, struct casg_err *err)
{
	struct casg_pattern *p = calloc(1, sizeof(*p));
	char why[256];
	int rc;

	if (p && !regexp)
		p->glob = strdup(text);
	if (!p || (!regexp && !p->glob)) {
		free(p);
		casg_err_nomem(err);
		return NULL;
	}
	rc = regexp ? regcomp(&p->regex, text, REG_EXTENDED | REG_NOSUB) : 0;
	if (!rc)
		return p;
	regerror(rc, &p->regex, why, sizeof(why));
	free(p);
	if (rc == REG_ESPACE)
		casg_err_nomem(err);
	else
		casg_err_set(err, CASG_ECORRUPT, "bad expression '%s': %s", text, why);
	return NULL;
}

void casg_pattern_free(struct casg_pattern *p)
{
	if (!p)
		return;
	if (!p->glob)
		regfree(&p->regex);
	free(p->glob);
	casg_buf_release(&p->text);
	free(p);
}

int casg_pattern_match(struct casg_pattern *p, const char *s, size_t n, struct casg_err *err)
{
	int rc;

	if (n && memchr(s, '\0', n))
		return 0;
	casg_buf_reset(&p->text);
	casg_buf_add(&p->text, s, n);
	s = casg_buf_cstr(&p->text);
	if (casg_buf_check(&p->text, err))
		return CASG_ENOMEM;
	rc = p->glob ? fnmatch(p->glob, s, 0) : regexec(&p->regex, s, 0, NULL, 0);
	if (!p->glob && rc == REG_ESPACE)
		return casg_err_nomem(err);
	return !rc;
}
