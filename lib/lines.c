#include "lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"

#define READ_SIZE 65536

struct casg_lines {
	int fd;
	int delim;
	int eof;
	int unterminated;
	size_t pos;             /* the next line begins here */
	struct casg_buf buf;
};

struct casg_lines *casg_lines_open(int fd, int delim)
{
	struct casg_lines *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->fd = fd;
	l->delim = delim;
	if (casg_buf_grow(&l->buf, READ_SIZE)) {
		free(l);
		return NULL;
	}
	return l;
}

void casg_lines_close(struct casg_lines *l)
{
	if (!l)
		return;
	casg_buf_release(&l->buf);
	free(l);
}

int casg_lines_unterminated(const struct casg_lines *l)
{
	return l->unterminated;
}

/* Read once more, behind what is there. */
static int fill(struct casg_lines *l, struct casg_err *err)
{
	ssize_t got;

	if (l->pos) {
		memmove(l->buf.data, l->buf.data + l->pos, l->buf.len - l->pos);
		l->buf.len -= l->pos;
		l->pos = 0;
	}
	if (casg_buf_grow(&l->buf, READ_SIZE / 2))
		return casg_err_nomem(err);
	do {
		got = read(l->fd, l->buf.data + l->buf.len,
			   l->buf.cap - l->buf.len);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return casg_err_sys(err, errno, "cannot read a line");
	l->eof = !got;
	l->buf.len += (size_t)got;
	return 0;
}

int casg_lines_next(struct casg_lines *l, const char **line_out,
		    size_t *nbytes_out, struct casg_err *err)
{
	size_t seen = 0;        /* without a delimiter */

	for (;;) {
		const uint8_t *p = l->buf.data + l->pos;
		size_t n = l->buf.len - l->pos;
		const uint8_t *end = memchr(p + seen, l->delim, n - seen);
		int ret;

		if (end || (l->eof && n)) {
			*line_out = (const char *)p;
			*nbytes_out = end ? (size_t)(end - p) : n;
			l->unterminated = !end;
			l->pos += *nbytes_out + (end ? 1 : 0);
			return 1;
		}
		if (l->eof)
			return 0;
		seen = n;
		if (n > CASG_LINE_MAX)
			return casg_err_set(err, CASG_ECORRUPT,
					    "a line is longer than %zu bytes", CASG_LINE_MAX);
		ret = fill(l, err);
		if (ret)
			return ret;
	}
}

int casg_lines_pending(const struct casg_lines *l)
{
	struct pollfd pfd = { .fd = l->fd, .events = POLLIN };
	size_t n = l->buf.len - l->pos;

	if (l->eof || (n && memchr(l->buf.data + l->pos, l->delim, n)))
		return 1;
	return poll(&pfd, 1, 0) > 0;
}
