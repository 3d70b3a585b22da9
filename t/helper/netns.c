/*
 * casg-netns - run a program where a public address is this machine.
 *
 *	casg-netns -- ADDRESS PROGRAM ARG...
 *
 * The program sees a network of its own: loopback, and ADDRESS beside it, which
 * may be any IPv4 address; nothing leaves it.  Exits with 77 where that cannot be
 * had, since it takes Linux, and root or user namespaces.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"

static const char *const usage[] = { "-- ADDRESS PROGRAM ARG...", NULL };
static const struct casg_opt no_opts[] = { { .type = CASG_OPT_END } };

#ifdef CLONE_NEWNET
static int write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int bad = fd < 0 || write(fd, text, strlen(text)) < 0;

	if (fd >= 0)
		close(fd);
	return bad;
}

/* In a user namespace of our own, unless we may do it as we are. */
static int enter(void)
{
	char uid[64], gid[64];

	if (!unshare(CLONE_NEWNET))
		return 0;
	snprintf(uid, sizeof(uid), "0 %ld 1", (long)geteuid());
	snprintf(gid, sizeof(gid), "0 %ld 1", (long)getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNET) || write_map("/proc/self/setgroups", "deny") ||
	       write_map("/proc/self/uid_map", uid) || write_map("/proc/self/gid_map", gid);
}

static int raise_interface(int fd, const char *name)
{
	struct ifreq r = { .ifr_flags = IFF_UP | IFF_RUNNING };

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	return ioctl(fd, SIOCSIFFLAGS, &r);
}

static int add_address(int fd, const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct ifreq r = { .ifr_name = "lo:1" };

	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		casg_usage_die("'%s' is no IPv4 address", address);
	memcpy(&r.ifr_addr, &in, sizeof(in));
	if (ioctl(fd, SIOCSIFADDR, &r))
		return -1;
	in.sin_addr.s_addr = INADDR_BROADCAST;
	memcpy(&r.ifr_netmask, &in, sizeof(in));
	return ioctl(fd, SIOCSIFNETMASK, &r);
}

static int prepare(const char *address)
{
	int fd, bad;

	if (enter())
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bad = fd < 0 || raise_interface(fd, "lo") || add_address(fd, address);
	if (fd >= 0)
		close(fd);
	return bad;
}
#else
static int prepare(const char *address)
{
	(void)address;
	return -1;
}
#endif

static int run(int argc, char **argv)
{
	(void)argc;
	if (prepare(argv[0]))
		return 77;
	execvp(argv[1], argv + 1);
	casg_die("cannot run '%s': %s", argv[1], strerror(errno));
}

const struct casg_cmd casg_cmd = { "casg-netns", usage, no_opts, 2, -1, run };
