/* casg-remote-ipfs - store packs in IPFS, or get them from there */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "clihttp.h"
#include "remoteipfs.h"

#define FORM "ipfs://CID or ipfs:///NAME"

static const char *const usage[] = { "URL", NULL };

static const struct casg_opt opts[] = { { .type = CASG_OPT_END } };

static const char *host(const char *name, const char *preset)
{
	const char *s = casg_cli_env(name);

	if (!s)
		s = preset;
	if ((strncmp(s, "http://", 7) && strncmp(s, "https://", 8)) || strpbrk(s, "?#@ \t\r\n") ||
	    s[strlen(s) - 1] == '/')
		casg_die("%s is not http://HOST or https://HOST", name);
	return s;
}

/* Helpers of this user and machine take turns: a file that all of them find. */
static int open_lock(const char *api, const char *name)
{
	const char *dir = casg_cli_env("XDG_RUNTIME_DIR");
	struct casg_buf path = CASG_BUF_INIT;
	struct casg_hasher *h = casg_hasher_new();
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_oid id;
	int fd;

	if (!h)
		casg_die("out of memory");
	casg_buf_addf(&path, "%s %s", api, name);
	casg_hasher_digest(h, path.data, path.len, &id);
	casg_hasher_free(h);
	casg_buf_reset(&path);
	casg_buf_addf(&path, "%s/casg-ipfs-%u-%.16s.lock", dir ? dir : "/tmp", (unsigned)getuid(),
		      casg_oid_hex(&id, hex));
	fd = open(casg_buf_cstr(&path), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		casg_warn("cannot open '%s': who writes at the same time may lose it",
			  casg_buf_cstr(&path));
	casg_buf_release(&path);
	return fd;
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_serve *s = casg_serve_new(0, 1);
	struct casg_http_opts o;
	struct casg_ipfs p = { .lock_fd = -1 };
	const char *url = argv[0];
	char cid[CASG_IPFS_CID_SIZE];
	int changed;

	(void)argc;
	if (!s)
		casg_die("out of memory");
	if (!strncmp(url, "ipfs:///", 8) && casg_remote_is_name(url + 8, strlen(url + 8))) {
		p.name = url + 8;
		p.api = host("CASG_IPFS_API", "http://127.0.0.1:5001");
		p.lock_fd = open_lock(p.api, p.name);
	} else if (!strncmp(url, "ipfs://", 7) && !casg_ipfs_cid_parse(&p.cid, url + 7, strlen(url + 7))) {
		p.gateway = host("CASG_IPFS_GATEWAY", "http://127.0.0.1:8080");
	} else {
		casg_die("'%s' is not " FORM, url);
	}
	casg_cli_http_opts(&o);
	if (casg_ipfs_serve(s, &p, &o, &changed, &err))
		casg_die_err(&err);
	if (changed)
		fprintf(stderr, "'%s' is now ipfs://%s\n", url, casg_ipfs_cid(&p.cid, cid));
	casg_serve_free(s);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-remote-ipfs", usage, opts, 1, 1, run };
