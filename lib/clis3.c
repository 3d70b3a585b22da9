#include "clis3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "awsconf.h"
#include "cli.h"
#include "clihttp.h"
#include "clisettings.h"
#include "io.h"

#define FORM "s3://BUCKET[/PREFIX]"
#define CONF_MAX (1u << 20) /* bytes of a file of AWS */
#define PAGE_MAX 1000

enum key {
	ENDPOINT, REGION, PROFILE, STYLE, STORAGE_CLASS, ENCRYPTION, ENCRYPTION_KEY, REQUESTER_PAYS,
	RETENTION_DAYS, RETENTION_MODE, RESTORE_DAYS, CLOCK_OFFSET, NKEYS
};

static const struct {
	const char *name;         /* in git config, lower case */
	const char *variables[2];
	const char *profile;      /* in the files of AWS */
} keys[NKEYS] = {
	[ENDPOINT] = { "endpoint", { "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL" }, "endpoint_url" },
	[REGION] = { "region", { "AWS_REGION", "AWS_DEFAULT_REGION" }, "region" },
	[PROFILE] = { "profile", { "AWS_PROFILE", NULL }, NULL },
	[STYLE] = { "style", { "CASG_S3_STYLE", NULL }, NULL },
	[STORAGE_CLASS] = { "storageclass", { "CASG_S3_STORAGE_CLASS", NULL }, NULL },
	[ENCRYPTION] = { "encryption", { "CASG_S3_ENCRYPTION", NULL }, NULL },
	[ENCRYPTION_KEY] = { "encryptionkey", { "CASG_S3_ENCRYPTION_KEY", NULL }, NULL },
	[REQUESTER_PAYS] = { "requesterpays", { "CASG_S3_REQUESTER_PAYS", NULL }, NULL },
	[RETENTION_DAYS] = { "retentiondays", { "CASG_S3_RETENTION_DAYS", NULL }, NULL },
	[RETENTION_MODE] = { "retentionmode", { "CASG_S3_RETENTION_MODE", NULL }, NULL },
	[RESTORE_DAYS] = { "restoredays", { "CASG_S3_RESTORE_DAYS", NULL }, NULL },
	[CLOCK_OFFSET] = { "clockoffset", { "CASG_S3_CLOCK_OFFSET", NULL }, NULL },
};

struct conf {
	const char *url;
	struct casg_buf entries;  /* of git config: key, NUL, value, NUL, and so on */
	const char *name;         /* of the storage in it, or NULL */
	size_t nname;
	struct casg_buf files[2]; /* AWS's credentials and config */
	char sections[2][80];     /* of the profile in them */
};

/* ---- git config ---- */

static int add_entry(void *ctx, const char *key, const char *value, struct casg_err *err)
{
	struct conf *c = ctx;

	casg_buf_add(&c->entries, key, strlen(key) + 1);
	casg_buf_add(&c->entries, value, strlen(value) + 1);
	return casg_buf_check(&c->entries, err);
}

static size_t length(const char *url)
{
	size_t n = strlen(url);

	while (n && url[n - 1] == '/')
		n--;
	return n;
}

/* "casg.remote.NAME.url" with our URL. */
static void find_name(struct conf *c)
{
	const char *at = casg_buf_chars(&c->entries), *end = at + c->entries.len;

	while (at < end) {
		const char *key = at, *value = key + strlen(key) + 1, *dot = strrchr(key, '.');

		if (!strncmp(key, "casg.remote.", 12) && dot > key + 12 && !strcmp(dot, ".url") &&
		    length(value) == length(c->url) && !memcmp(value, c->url, length(value))) {
			c->name = key;
			c->nname = (size_t)(dot - key);
		}
		at = value + strlen(value) + 1;
	}
}

static void read_git_config(struct conf *c)
{
	const char *dir = casg_cli_env("CASG_DIR");
	struct casg_repo repo = { .git_dir = NULL };
	struct casg_err err = CASG_ERR_INIT;
	int found;

	if (!dir)
		dir = casg_cli_env("GIT_DIR");
	found = !casg_repo_discover(&repo, NULL, dir, &err);
	if (casg_cli_may_be_configured(found ? &repo : NULL, "casg") &&
	    casg_cli_each_config(found ? &repo : NULL, "^casg\\.(remote|s3)\\.", add_entry, c, &err))
		casg_die_err(&err);
	casg_repo_release(&repo);
	find_name(c);
}

/* The last value of "SECTION.key"; NULL: not set. */
static const char *config(const struct conf *c, const char *section, size_t nsection,
			  const char *key)
{
	const char *at = casg_buf_chars(&c->entries), *end = at + c->entries.len, *found = NULL;

	while (at < end) {
		const char *name = at, *value = name + strlen(name) + 1;

		if (!strncmp(name, section, nsection) && name[nsection] == '.' &&
		    !strcmp(name + nsection + 1, key))
			found = value;
		at = value + strlen(value) + 1;
	}
	return found && *found ? found : NULL;
}

/* ---- the files of AWS ---- */

static void read_file(struct casg_buf *out, const char *variable, const char *name)
{
	const char *path = casg_cli_env(variable), *home = casg_cli_env("HOME");
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	int rc = CASG_EABSENT;

	if (!path && home) {
		casg_buf_addf(&b, "%s/.aws/%s", home, name);
		path = casg_buf_cstr(&b);
	}
	if (path)
		rc = casg_read_file(path, CONF_MAX, out, &err);
	if (rc && rc != CASG_EABSENT)
		casg_die_err(&err);
	casg_buf_release(&b);
}

/* Of the profile: in the credentials, or in config; NULL: not there. */
static const char *of_profile(const struct conf *c, const char *key)
{
	struct casg_buf out = CASG_BUF_INIT;

	for (int i = 0; i < 2; i++)
		if (casg_awsconf_get(c->files[i].data, c->files[i].len, c->sections[i], key, &out))
			return casg_buf_cstr(&out);
	return NULL;
}

static void read_profile(struct conf *c, const char *profile)
{
	int found = 0;

	if (strlen(profile) > 60)
		casg_die("the name of the profile is too long");
	read_file(&c->files[0], "AWS_SHARED_CREDENTIALS_FILE", "credentials");
	read_file(&c->files[1], "AWS_CONFIG_FILE", "config");
	strcpy(c->sections[0], profile);
	sprintf(c->sections[1], "%s%s", strcmp(profile, "default") ? "profile " : "", profile);
	for (int i = 0; i < 2; i++)
		found |= casg_awsconf_has(c->files[i].data, c->files[i].len, c->sections[i]);
	if (!found && strcmp(profile, "default"))
		casg_die("there is no profile '%s' in the files of AWS", profile);
}

/* ---- values ---- */

static const char *value(const struct conf *c, enum key k)
{
	const char *v = c->name ? config(c, c->name, c->nname, keys[k].name) : NULL;

	for (int i = 0; i < 2 && !v && keys[k].variables[i]; i++)
		v = casg_cli_env(keys[k].variables[i]);
	if (!v)
		v = config(c, "casg.s3", 7, keys[k].name);
	if (!v && keys[k].profile)
		v = of_profile(c, keys[k].profile);
	return v;
}

/* Nothing but what may stand in a header or a name. */
static const char *word(const struct conf *c, enum key k, const char *signs)
{
	const char *v = value(c, k);

	if (v && (strlen(v) > 512 || v[strspn(v, signs)]))
		casg_die("bad value of the setting '%s' of '%s'", keys[k].name, c->url);
	return v;
}

static const char *one_of(const struct conf *c, enum key k, const char *a, const char *b)
{
	const char *v = value(c, k);

	if (v && strcmp(v, a) && strcmp(v, b))
		casg_die("bad value of the setting '%s' of '%s': wanted %s or %s", keys[k].name, c->url, a,
			 b);
	return v;
}

static unsigned number(const struct conf *c, enum key k, unsigned preset, unsigned most)
{
	const char *v = value(c, k);
	unsigned long n;

	if (!v)
		return preset;
	n = strlen(v) < 9 && !v[strspn(v, "0123456789")] ? strtoul(v, NULL, 10) : most + 1ul;
	if (!n || n > most)
		casg_die("bad value of the setting '%s' of '%s': wanted 1 to %u", keys[k].name, c->url, most);
	return (unsigned)n;
}

static int flag(const struct conf *c, enum key k)
{
	static const char *const words[] = { "false", "no", "off", "0", "true", "yes", "on", "1" };
	const char *v = value(c, k);

	for (size_t i = 0; v && i < 8; i++)
		if (!strcasecmp(v, words[i]))
			return i > 3;
	if (v)
		casg_die("bad value of the setting '%s' of '%s': wanted true or false", keys[k].name, c->url);
	return 0;
}

static int64_t offset(const struct conf *c)
{
	const char *v = value(c, CLOCK_OFFSET), *digits = v && *v == '-' ? v + 1 : v;

	if (!v)
		return 0;
	if (!*digits || strlen(digits) > 8 || digits[strspn(digits, "0123456789")])
		casg_die("bad value of the setting '%s' of '%s': wanted seconds", keys[CLOCK_OFFSET].name,
			 c->url);
	return strtoll(v, NULL, 10);
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* ---- where it is ---- */

/* scheme, host and port, as they are signed: a default port is left out. */
static const char *endpoint(const struct conf *c, const char *region)
{
	const char *v = value(c, ENDPOINT), *port;
	struct casg_buf b = CASG_BUF_INIT;
	size_t n, scheme;

	if (!v) {
		casg_buf_addf(&b, "https://s3.%s.amazonaws.com%s", region,
			      strncmp(region, "cn-", 3) ? "" : ".cn");
		return casg_buf_cstr(&b);
	}
	n = length(v);
	scheme = !strncmp(v, "https://", 8) ? 8 : !strncmp(v, "http://", 7) ? 7 : 0;
	if (!scheme || n <= scheme ||
	    strspn(v + scheme, LOWER UPPER DIGITS ".-_:[]") < n - scheme)
		casg_die("the endpoint of '%s' is not http://HOST[:PORT] or https://HOST[:PORT]", c->url);
	port = scheme == 8 ? ":443" : ":80";
	if (n > scheme + strlen(port) && !memcmp(v + n - strlen(port), port, strlen(port)) &&
	    v[n - strlen(port) - 1] != ':')
		n -= strlen(port);
	casg_buf_add(&b, v, n);
	return casg_buf_cstr(&b);
}

static int is_secret(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s >= 0x7f)
			return 0;
	return 1;
}

/* The key of a profile that is made some other way is none that we can use. */
static void check_profile(const struct conf *c, const char *profile)
{
	static const char *const ways[] = { "credential_process", "sso_session", "sso_start_url",
					    "role_arn", "web_identity_token_file" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (of_profile(c, ways[i]))
			casg_die("the profile '%s' of AWS has no key but %s, which casg cannot use: put what "
				 "'aws configure export-credentials --format env' prints into the environment",
				 profile, ways[i]);
}

static void find_key(const struct conf *c, const char *profile, struct casg_s3 *out)
{
	/* a profile that is named for this storage is meant */
	int named = c->name && config(c, c->name, c->nname, keys[PROFILE].name);

	if (!named && casg_cli_env("AWS_ACCESS_KEY_ID")) {
		out->key_id = casg_cli_env("AWS_ACCESS_KEY_ID");
		out->secret = casg_cli_env("AWS_SECRET_ACCESS_KEY");
		out->token = casg_cli_env("AWS_SESSION_TOKEN");
		if (!out->secret)
			casg_die("AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
	} else {
		out->key_id = of_profile(c, "aws_access_key_id");
		out->secret = of_profile(c, "aws_secret_access_key");
		out->token = of_profile(c, "aws_session_token");
		if (!out->key_id != !out->secret)
			casg_die("the profile '%s' of AWS has half a key", profile);
		if (!out->key_id)
			check_profile(c, profile);
	}
	if (out->key_id && (!is_secret(out->key_id) || !is_secret(out->secret) ||
			    (out->token && !is_secret(out->token)) || strchr(out->key_id, '/') ||
			    strchr(out->key_id, ',')))
		casg_die("the key for '%s' makes no sense", c->url);
	if (out->token && !casg_cli_is_safe(out->endpoint))
		casg_die("a session token would go over '%s' without TLS", out->endpoint);
}

static void keeping(const struct conf *c, struct casg_s3 *out)
{
	out->storage_class = word(c, STORAGE_CLASS, UPPER LOWER DIGITS "_-");
	out->encryption = word(c, ENCRYPTION, UPPER LOWER DIGITS ":_-");
	out->encryption_key = word(c, ENCRYPTION_KEY, UPPER LOWER DIGITS ":/_-.");
	out->requester_pays = flag(c, REQUESTER_PAYS);
	out->retention_mode = one_of(c, RETENTION_MODE, "COMPLIANCE", "GOVERNANCE");
	out->retention_days = number(c, RETENTION_DAYS, 0, 36500);
	out->restore_days = number(c, RESTORE_DAYS, 7, 3650);
	if (!out->retention_mode)
		out->retention_mode = "COMPLIANCE";
	if (out->encryption_key && !out->encryption)
		out->encryption = "aws:kms";
}

void casg_cli_s3(const char *url, struct casg_s3 *out)
{
	struct conf c = { .url = url };
	const char *profile, *style;
	char *bucket, *prefix;

	memset(out, 0, sizeof(*out));
	if (strncmp(url, "s3://", 5))
		casg_die("'%s' is not " FORM, url);
	casg_cli_cloud_url(url, FORM, &bucket, NULL, &prefix);
	out->bucket = bucket;
	out->prefix = prefix;
	read_git_config(&c);
	profile = value(&c, PROFILE);
	read_profile(&c, profile ? profile : "default");
	out->region = word(&c, REGION, LOWER DIGITS "-");
	if (!out->region)
		out->region = "us-east-1";
	out->endpoint = endpoint(&c, out->region);
	style = one_of(&c, STYLE, "path", "virtual");
	/* a certificate for *.HOST does not fit a bucket with a dot */
	out->virtual_host = style ? *style == 'v' : !value(&c, ENDPOINT) && !strchr(bucket, '.');
	find_key(&c, profile ? profile : "default", out);
	keeping(&c, out);
	out->clock_offset = offset(&c);
	out->page_size = casg_cli_cloud_page_size(PAGE_MAX);
	/* what git config has is pointed to, and stays */
	casg_buf_release(&c.files[0]);
	casg_buf_release(&c.files[1]);
}
