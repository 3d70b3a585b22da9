#include "clisettings.h"

#include <stdlib.h>

#include "cli.h"
#include "refs.h"

void casg_cli_settings(const struct casg_repo *repo, struct casg_settings *out)
{
	static const char *const vars[][2] = {
		{ "CASG_THREADS", "casg.threads" }, { "CASG_MEMORY", "casg.memory" },
	};
	struct casg_err err = CASG_ERR_INIT;

	casg_settings_init(out);
	if (casg_refs_settings(repo ? repo->git_dir : NULL, out, &err))
		casg_die_err(&err);
	for (size_t i = 0; i < sizeof(vars) / sizeof(vars[0]); i++) {
		const char *v = getenv(vars[i][0]);

		if (v && *v && casg_settings_set(out, vars[i][1], v, vars[i][0], &err))
			casg_die_err(&err);
	}
}

void casg_cli_setting(struct casg_settings *s, const char *key,
		      const char *option, const char *value)
{
	struct casg_err err = CASG_ERR_INIT;

	if (value && casg_settings_set(s, key, value, option, &err))
		casg_usage_die("%s", err.msg);
}
