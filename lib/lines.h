/*
 * lines - reading a descriptor line by line, LF or NUL.
 *
 * A line is held in memory, so its length is bounded: by more than the longest
 * line of a record stream, in which each byte of a description may take four.
 * Threads: one thread a handle.
 */
#ifndef CASG_LINES_H
#define CASG_LINES_H

#include <stddef.h>

#include "err.h"

#define CASG_LINE_MAX ((size_t)320 << 20) /* bytes */

struct casg_lines;

/*
 * A reader over fd, which stays the caller's to close; delim is '\n' or 0.
 * NULL when out of memory.
 */
struct casg_lines *casg_lines_open(int fd, int delim);
void casg_lines_close(struct casg_lines *l);

/*
 * The next line without its delimiter: 1 and the line (valid until the next
 * call), 0 at the end, CASG_EIO, CASG_ENOMEM, or CASG_ECORRUPT for a line of
 * more than CASG_LINE_MAX bytes.  What follows the last
 * delimiter is a line too, if it is not empty.
 */
int casg_lines_next(struct casg_lines *l, const char **line_out,
		    size_t *nbytes_out, struct casg_err *err);

/* Had the line returned last no delimiter? */
int casg_lines_unterminated(const struct casg_lines *l);

/*
 * Would casg_lines_next return without waiting: is a line buffered, or has
 * the descriptor something to read (or reached its end)?  For batch programs,
 * which flush their answers before they wait.
 */
int casg_lines_pending(const struct casg_lines *l);

#endif
