#include "packfiles.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "tap.h"

static char top[] = "tmp-packfiles-XXXXXX";
static char packs[64], quarantine[64], tmp[64];
static struct casg_packfiles f = { packs, quarantine, tmp };
static struct casg_err err = CASG_ERR_INIT;
static struct casg_oid id;
static const struct casg_gone why = { .since = 1709251200, .reason = "a\treason" };

static void make(const char *dir, const char *ext, const char *text)
{
	char *path = casg_packfiles_path(dir, &id, ext);
	FILE *s = fopen(path, "w");

	fputs(text, s);
	fclose(s);
	free(path);
}

static int there(const char *dir, const char *ext)
{
	char *path = casg_packfiles_path(dir, &id, ext);
	int yes = !access(path, F_OK);

	free(path);
	return yes;
}

/* Where the pack, its index and its note are: p, q, b for both, - for neither. */
static const char *state(void)
{
	static char out[4];
	static const char *const ext[] = { "pack", "idx", "why" };

	for (int i = 0; i < 3; i++)
		out[i] = "-pqb"[there(packs, ext[i]) + 2 * there(quarantine, ext[i])];
	return out;
}

static void put(const char *want)
{
	static const char *const ext[] = { "pack", "idx", "why" };

	for (int i = 0; i < 3; i++) {
		char *p = casg_packfiles_path(packs, &id, ext[i]);
		char *q = casg_packfiles_path(quarantine, &id, ext[i]);

		unlink(p);
		unlink(q);
		free(p);
		free(q);
		if (want[i] == 'p' || want[i] == 'b')
			make(packs, ext[i], "x");
		if (want[i] == 'q' || want[i] == 'b')
			make(quarantine, ext[i], "x");
	}
}

static void is_state(const char *want, const char *what)
{
	is_str(state(), want, "%s", what);
}

static void test_moves(void)
{
	struct casg_gone got;
	struct casg_oid *ids;
	size_t n;

	put("pp-");
	is_int(casg_packfiles_gone(&f, &id, &got, &err), CASG_EABSENT, "not in quarantine");
	is_int(casg_packfiles_quarantine(&f, &id, &why, &err), 0, "to quarantine");
	is_state("qqq", "all there");
	is_int(casg_packfiles_gone(&f, &id, &got, &err), 0, "its note");
	is_int(got.since, 1709251200, "since");
	is_str(got.reason, "a?reason", "reason, on one line");
	is_int(casg_packfiles_quarantine(&f, &id, &why, &err), CASG_EABSENT, "not twice");
	is_int(casg_packfiles_list(quarantine, &ids, &n, &err), 0, "list");
	ok(n == 1 && casg_oid_eq(ids, &id), "the pack alone is listed");
	free(ids);
	is_int(casg_packfiles_revive(&f, &id, &err), 0, "back");
	is_state("pp-", "no note is left");
	is_int(casg_packfiles_revive(&f, &id, &err), 0, "twice is no failure");
	is_int(casg_packfiles_quarantine(&f, &id, &why, &err), 0, "to quarantine again");
	is_int(casg_packfiles_delete(&f, &id, &err), 0, "delete");
	is_state("---", "nothing is left");
	is_int(casg_packfiles_revive(&f, &id, &err), CASG_EABSENT, "gone for good");
	is_int(casg_packfiles_list("tmp-nowhere", &ids, &n, &err), CASG_EABSENT, "no folder");
}

/* What a process that was killed may leave. */
static void test_halves(void)
{
	struct casg_gone got;

	put("ppq");
	is_int(casg_packfiles_quarantine(&f, &id, &why, &err), 0, "only the note was written");
	is_state("qqq", "moved");
	put("qpq");
	is_int(casg_packfiles_revive(&f, &id, &err), 0, "the index was left behind");
	is_state("pp-", "whole again");
	put("qpq");
	is_int(casg_packfiles_delete(&f, &id, &err), 0, "deleted half-way");
	is_state("-p-", "an index without a pack is rubbish");
	put("q--");
	is_int(casg_packfiles_revive(&f, &id, &err), CASG_EABSENT, "no index: not brought back");
	is_state("q--", "it would make the others unreadable");
	put("bbq");
	is_int(casg_packfiles_revive(&f, &id, &err), 0, "made anew meanwhile");
	is_state("bbq", "the one in quarantine stays until it expires");
	is_int(casg_packfiles_quarantine(&f, &id, &why, &err), 0, "and goes as well");
	is_state("qqq", "one of both is left");
	put("q-q");
	is_int(casg_packfiles_gone(&f, &id, &got, &err), 0, "a note that is none");
	ok(got.since > time(NULL) - 1000 && !strcmp(got.reason, "unknown"), "counts from now");
}

static void test_notes(void)
{
	static const char *const bad[] = {
		"", "casg-quarantine 1\n", "casg-quarantine 2\nsince 2024-03-01T00:00:00Z\nreason x\n",
		"casg-quarantine 1\nsince yesterday\nreason x\n",
		"casg-quarantine 1\nsince 2024-03-01T00:00:00Z\n",
		"casg-quarantine 1\nsince 2024-03-01T00:00:00Z\nreason x",
		"casg-quarantine 1\nsince 2024-03-01T00:00:00Z\nreason x\nmore\n",
		"casg-quarantine 1\nsince 2024-03-01T00:00:00Z reason x\n",
	};
	struct casg_gone got;

	put("qq-");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		make(quarantine, "why", bad[i]);
		ok(!casg_packfiles_gone(&f, &id, &got, &err) && !strcmp(got.reason, "unknown"),
		   "malformed note %zu", i);
	}
	make(quarantine, "why", "casg-quarantine 1\nsince 2024-03-01T00:00:00Z\nreason \033x\n");
	ok(!casg_packfiles_gone(&f, &id, &got, &err) && !strcmp(got.reason, "?x"), "a good one");
}

int main(void)
{
	char cmd[128];

	if (!mkdtemp(top))
		return 1;
	snprintf(packs, sizeof(packs), "%s/packs", top);
	snprintf(quarantine, sizeof(quarantine), "%s/quarantine", top);
	snprintf(tmp, sizeof(tmp), "%s/tmp", top);
	if (mkdir(packs, 0777) || mkdir(quarantine, 0777) || mkdir(tmp, 0777))
		return 1;
	memset(id.b, 0xab, sizeof(id.b));
	test_moves();
	test_halves();
	test_notes();
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", top);
	ok(!system(cmd), "clean up");
	return done_testing();
}
