/* casg-remote-az - store packs in Azure Blob Storage, or get them from there */
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "cli.h"
#include "clihttp.h"
#include "remoteaz.h"

#define FORM "az://ACCOUNT/CONTAINER[/PREFIX]"
#define PAGE_MAX 5000

static const char *const usage[] = { "URL", NULL };

static const struct casg_opt opts[] = { { .type = CASG_OPT_END } };

/* What the environment says of an account. */
struct account {
	char *name, *endpoint, *key, *sas;
	const char *bearer;
};

static char *copy(const char *s, size_t n)
{
	char *c = strndup(s, n);

	if (!c)
		casg_die("out of memory");
	return c;
}

/* The value of NAME=...; in a connection string, or NULL. */
static char *word(const char *s, const char *name)
{
	size_t n = strlen(name);

	while (s && *s) {
		if (!strncasecmp(s, name, n) && s[n] == '=')
			return copy(s + n + 1, strcspn(s + n + 1, ";"));
		s += strcspn(s, ";");
		s += *s == ';';
	}
	return NULL;
}

static void set(char **to, const char *variable)
{
	const char *s = casg_cli_env(variable);

	if (s) {
		free(*to);
		*to = copy(s, strlen(s));
	}
}

/* A variable of its own comes before the connection string. */
static void read_env(struct account *a, const char *account)
{
	const char *c = casg_cli_env("AZURE_STORAGE_CONNECTION_STRING");
	char *protocol = word(c, "DefaultEndpointsProtocol"), *suffix = word(c, "EndpointSuffix");
	const char *scheme = protocol ? protocol : "https", *end = suffix ? suffix : "core.windows.net";

	a->name = word(c, "AccountName");
	a->endpoint = word(c, "BlobEndpoint");
	a->key = word(c, "AccountKey");
	a->sas = word(c, "SharedAccessSignature");
	set(&a->name, "AZURE_STORAGE_ACCOUNT");
	set(&a->endpoint, "AZURE_STORAGE_BLOB_ENDPOINT");
	set(&a->key, "AZURE_STORAGE_KEY");
	set(&a->sas, "AZURE_STORAGE_SAS_TOKEN");
	a->bearer = casg_cli_env("AZURE_STORAGE_ACCESS_TOKEN");
	/* all that belongs to another account stays here */
	if (!a->name || strcmp(a->name, account)) {
		if (a->key || a->sas || a->bearer)
			casg_warn("AZURE_STORAGE_ACCOUNT is not '%s': asking without credentials", account);
		a->endpoint = a->key = a->sas = NULL;
		a->bearer = NULL;
		scheme = "https";
		end = "core.windows.net";
	}
	if (!a->endpoint) {
		struct casg_buf b = CASG_BUF_INIT;

		casg_buf_addf(&b, "%s://%s.blob.%s", scheme, account, end);
		a->endpoint = copy(casg_buf_cstr(&b), b.len);
	}
}

static void check(struct account *a)
{
	size_t n = strlen(a->endpoint);

	while (n && a->endpoint[n - 1] == '/')
		a->endpoint[--n] = '\0';
	if ((strncmp(a->endpoint, "http://", 7) && strncmp(a->endpoint, "https://", 8)) ||
	    strpbrk(a->endpoint, "?#@ \t\r\n"))
		casg_die("the endpoint of the account is not http://HOST or https://HOST");
	if (a->sas && *a->sas == '?')
		a->sas++;
	if ((a->sas && (!*a->sas || strpbrk(a->sas, "# \t\r\n"))) ||
	    (a->bearer && strpbrk(a->bearer, " \t\r\n")))
		casg_die("the shared access signature or token makes no sense");
	if ((a->sas || a->bearer) && !a->key && !casg_cli_is_safe(a->endpoint))
		casg_die("a token would go over '%s' without TLS", a->endpoint);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_serve *s = casg_serve_new(0, 1);
	struct casg_buf key = CASG_BUF_INIT;
	struct casg_cloud_opts o;
	struct account a;
	struct casg_az az = { 0 };
	char *account, *container, *prefix;

	(void)argc;
	if (!s)
		casg_die("out of memory");
	if (strncmp(argv[0], "az://", 5))
		casg_die("'%s' is not " FORM, argv[0]);
	casg_cli_cloud_url(argv[0], FORM, &account, &container, &prefix);
	if (account[strspn(account, "abcdefghijklmnopqrstuvwxyz0123456789")])
		casg_die("'%s' is no account of Azure Storage", account);
	read_env(&a, account);
	check(&a);
	if (a.key && (casg_base64_parse(&key, a.key, strlen(a.key)) || !key.len))
		casg_die("the key of account '%s' is not base64", account);
	az.account = account;
	az.endpoint = a.endpoint;
	az.container = container;
	az.prefix = prefix;
	az.key = key.len ? key.data : NULL;
	az.nkey = key.len;
	az.sas = az.key ? NULL : a.sas;
	az.bearer = az.key || az.sas ? NULL : a.bearer;
	az.page_size = casg_cli_cloud_page_size(PAGE_MAX);
	casg_cli_cloud_opts(&o);
	if (casg_az_serve(s, &az, &o, &err))
		casg_die_err(&err);
	casg_serve_free(s);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-remote-az", usage, opts, 1, 1, run };
