/*
 * casg-reseal - put the checksums of a tampered index or pack right.
 *
 * What a forger would do: afterwards the blocks of an index, or the chunks of
 * a pack, look sound, and only their content can tell.  The file is changed
 * in place; a pack's name is not.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "buf.h"
#include "chunk.h"
#include "cli.h"
#include "clirepo.h"
#include "endian.h"
#include "pack.h"
#include "sum.h"

static const char *const usage[] = { "idx|pack FILE", NULL };

static const struct casg_opt opts[] = { { .type = CASG_OPT_END } };

static void reseal_blocks(struct casg_buf *b)
{
	/* the last one may be short */
	for (uint64_t k = 0; k * CASG_BLOCK + CASG_BLOCK_SUM < b->len; k++) {
		uint8_t *p = b->data + k * CASG_BLOCK;
		size_t rest = b->len - k * CASG_BLOCK;
		size_t payload = (rest < CASG_BLOCK ? rest : CASG_BLOCK) - CASG_BLOCK_SUM;

		casg_put_le64(p + payload, casg_xxh64(k, p, payload));
	}
}

static void reseal_chunks(struct casg_buf *b)
{
	size_t at = CASG_PACK_HEADSZ;

	while (at + CASG_CHUNK_HEADSZ + CASG_PACK_TRAILSZ <= b->len) {
		uint8_t *p = b->data + at;
		uint64_t n = casg_get_le64(p + 16);

		if (n > b->len - at - CASG_CHUNK_HEADSZ - CASG_PACK_TRAILSZ)
			break;
		casg_put_le64(p + 24, casg_xxh64(casg_xxh64(0, p, 24),
						 p + CASG_CHUNK_HEADSZ, (size_t)n));
		at += CASG_CHUNK_HEADSZ + (size_t)n;
	}
}

static int run(int argc, char **argv)
{
	struct casg_buf b = CASG_BUF_INIT;
	FILE *file;

	(void)argc;
	casg_cli_slurp(argv[1], (size_t)1 << 30, &b);
	if (!strcmp(argv[0], "idx"))
		reseal_blocks(&b);
	else if (!strcmp(argv[0], "pack"))
		reseal_chunks(&b);
	else
		casg_usage_die("'%s' is neither idx nor pack", argv[0]);
	file = fopen(argv[1], "r+b");
	if (!file || fwrite(b.data, 1, b.len, file) != b.len || fclose(file))
		casg_die("cannot write '%s': %s", argv[1], strerror(errno));
	casg_buf_release(&b);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-reseal", usage, opts, 2, 2, run };
