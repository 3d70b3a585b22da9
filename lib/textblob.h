/*
 * textblob - blobs that are text: written as they come, read line by line.
 *
 * What is written is kept until the end, in memory and then in a scratch
 * file, so that nothing gets in the way of who writes to the pack meanwhile.
 */
#ifndef CASG_TEXTBLOB_H
#define CASG_TEXTBLOB_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "objects.h"
#include "packw.h"
#include "store.h"

struct casg_textw {
	struct casg_buf mem;   /* what is not in the file; append to it, then call more */
	int fd;                /* scratch file, once there is much; or -1 */
	uint64_t spooled;
	const char *tmp_dir;
};

void casg_textw_init(struct casg_textw *w, const char *tmp_dir);
void casg_textw_release(struct casg_textw *w);
/* After something was appended: spool it if there is much. */
int casg_textw_more(struct casg_textw *w, struct casg_err *err);
/* Store 'head' and all of it as one blob. */
int casg_textw_finish(struct casg_textw *w, const char *head, struct casg_packw *packw,
		      struct casg_store *store, struct casg_coder *coder, int level,
		      struct casg_oid *id_out, struct casg_err *err);

struct casg_textr {
	casg_pieces_fn *pieces;
	void *ctx;
	const uint8_t *p;
	size_t n;
	struct casg_buf line;
};

void casg_textr_init(struct casg_textr *r, casg_pieces_fn *pieces, void *ctx);
void casg_textr_release(struct casg_textr *r);
/*
 * 1 and the next line without its LF, with a NUL behind it, in r->line; 0 at
 * the end.  CASG_ECORRUPT for a last line without LF, a line that holds NUL,
 * and one longer than 'most' bytes.
 */
int casg_textr_line(struct casg_textr *r, size_t most, struct casg_err *err);

#endif
