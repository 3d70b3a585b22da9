#include "readahead.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RAW_SIZE (256 * 1024)
#define SLOT_SIZE (1024 * 1024)
#define NSLOTS 4

struct slot {
	uint8_t *data;
	size_t len;
};

struct casg_readahead {
	const struct casg_decoder *decoder;
	void *state;
	struct casg_source *source;
	uint8_t *raw;
	uint8_t *memory;         /* the slots' */
	int cancel[2];           /* a pipe; -1 where reads cannot block */
	pthread_t thread;
	int started;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* under the lock: slots[first .. first + nfull) are the reader's, the
	 * others the thread's */
	struct slot slots[NSLOTS];
	size_t first, nfull;
	int stop;                /* the reader has lost interest */
	int ended;               /* the thread will fill no more */
	struct casg_err err;     /* why it ended, code 0 at end of file */

	size_t off;              /* the reader's place in slots[first] */
};

/* 0 when fd can be read, negative when cancelled. */
static int wait_readable(const struct casg_source *s, struct casg_err *err)
{
	struct pollfd p[2] = {
		{ .fd = s->fd, .events = POLLIN },
		{ .fd = s->cancel_fd, .events = POLLIN }, /* -1 is passed over */
	};

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR && errno != EAGAIN)
			return casg_err_sys(err, errno, "cannot wait for input");
	if (p[1].revents)
		return casg_err_set(err, CASG_EIO, "reading was cancelled");
	return 0;
}

static void sum_up(const struct casg_source *s, const void *p, size_t n)
{
	for (int k = 0; k < CASG_FILESUM_KINDS; k++)
		if (s->sum[k])
			casg_filesum_update(s->sum[k], p, n);
}

long casg_source_read(struct casg_source *s, void *buf, size_t nbytes,
		      struct casg_err *err)
{
	size_t left = s->nhead - s->head_off;
	ssize_t n;
	int ret;

	if (left) {
		if (nbytes > left)
			nbytes = left;
		memcpy(buf, s->head + s->head_off, nbytes);
		s->head_off += nbytes;
		sum_up(s, buf, nbytes);
		return (long)nbytes;
	}
	for (;;) {
		if (s->can_block && s->cancel_fd >= 0) {
			ret = wait_readable(s, err);
			if (ret)
				return ret;
		}
		n = read(s->fd, buf, nbytes);
		if (n >= 0)
			break;
		if (errno == EAGAIN) {
			ret = wait_readable(s, err);
			if (ret)
				return ret;
		} else if (errno != EINTR) {
			return casg_err_sys(err, errno, "cannot read");
		}
	}
	atomic_fetch_add_explicit(s->raw_done, (uint64_t)n, memory_order_relaxed);
	sum_up(s, buf, (size_t)n);
	return n;
}

/* An empty slot, or NULL when the reader wants no more. */
static struct slot *slot_to_fill(struct casg_readahead *ra)
{
	struct slot *s = NULL;

	pthread_mutex_lock(&ra->lock);
	while (!ra->stop && ra->nfull == NSLOTS)
		pthread_cond_wait(&ra->changed, &ra->lock);
	if (!ra->stop)
		s = &ra->slots[(ra->first + ra->nfull) % NSLOTS];
	pthread_mutex_unlock(&ra->lock);
	return s;
}

static void slot_filled(struct casg_readahead *ra, struct slot *s, size_t len)
{
	if (!len)
		return;
	s->len = len;
	pthread_mutex_lock(&ra->lock);
	ra->nfull++;
	pthread_cond_signal(&ra->changed);
	pthread_mutex_unlock(&ra->lock);
}

/* Refill io's input from the file if it is used up. */
static int more_input(struct casg_readahead *ra, struct casg_decode_io *io,
		      struct casg_err *err)
{
	long n;

	if (io->nin || io->eof)
		return 0;
	n = casg_source_read(ra->source, ra->raw, RAW_SIZE, err);
	if (n < 0)
		return (int)n;
	io->in = ra->raw;
	io->nin = (size_t)n;
	io->eof = !n;
	return 0;
}

/* Fill one slot: 1 at the end of the file, 0 if there is more, or negative. */
static int fill(struct casg_readahead *ra, struct casg_decode_io *io,
		struct slot *s, struct casg_err *err)
{
	int ret;

	io->out = s->data;
	io->nout = SLOT_SIZE;
	do {
		ret = more_input(ra, io, err);
		if (!ret)
			ret = ra->decoder->step(ra->state, io, err);
	} while (!ret && io->nout);
	slot_filled(ra, s, SLOT_SIZE - io->nout);
	return ret;
}

static void *run(void *arg)
{
	struct casg_readahead *ra = arg;
	struct casg_decode_io io = { .in = ra->raw };
	struct casg_err err = CASG_ERR_INIT;
	struct slot *s;
	int ret = 0;

	while (!ret && (s = slot_to_fill(ra)))
		ret = fill(ra, &io, s, &err);
	pthread_mutex_lock(&ra->lock);
	ra->ended = 1;
	if (ret < 0)
		ra->err = err;
	pthread_cond_signal(&ra->changed);
	pthread_mutex_unlock(&ra->lock);
	return NULL;
}

/* Signals belong to the program's own threads. */
static int start_thread(struct casg_readahead *ra, struct casg_err *err)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&ra->thread, NULL, run, ra);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return casg_err_sys(err, ret, "cannot start a thread");
	ra->started = 1;
	return 0;
}

static int allocate(struct casg_readahead *ra, struct casg_err *err)
{
	ra->raw = malloc(RAW_SIZE);
	ra->memory = malloc((size_t)NSLOTS * SLOT_SIZE);
	if (!ra->raw || !ra->memory)
		return casg_err_nomem(err);
	for (size_t i = 0; i < NSLOTS; i++)
		ra->slots[i].data = ra->memory + i * SLOT_SIZE;
	ra->state = ra->decoder->init(err);
	return ra->state ? 0 : err ? err->code : CASG_ENOMEM;
}

static int open_cancel(struct casg_readahead *ra, struct casg_err *err)
{
	if (!ra->source->can_block)
		return 0;
	if (pipe2(ra->cancel, O_CLOEXEC) < 0) {
		ra->cancel[0] = ra->cancel[1] = -1;
		return casg_err_sys(err, errno, "cannot make a pipe");
	}
	ra->source->cancel_fd = ra->cancel[0];
	return 0;
}

struct casg_readahead *casg_readahead_start(const struct casg_decoder *decoder,
					    struct casg_source *source,
					    struct casg_err *err)
{
	struct casg_readahead *ra = calloc(1, sizeof(*ra));

	if (!ra) {
		casg_err_nomem(err);
		return NULL;
	}
	ra->decoder = decoder;
	ra->source = source;
	ra->cancel[0] = ra->cancel[1] = -1;
	pthread_mutex_init(&ra->lock, NULL);
	pthread_cond_init(&ra->changed, NULL);
	if (allocate(ra, err) || open_cancel(ra, err) || start_thread(ra, err)) {
		casg_readahead_stop(ra);
		return NULL;
	}
	return ra;
}

/* Wait for a full slot: NULL at the end, whatever the reason. */
static struct slot *slot_to_read(struct casg_readahead *ra)
{
	struct slot *s;

	pthread_mutex_lock(&ra->lock);
	while (!ra->nfull && !ra->ended)
		pthread_cond_wait(&ra->changed, &ra->lock);
	s = ra->nfull ? &ra->slots[ra->first] : NULL;
	pthread_mutex_unlock(&ra->lock);
	return s;
}

static void slot_emptied(struct casg_readahead *ra)
{
	ra->off = 0;
	pthread_mutex_lock(&ra->lock);
	ra->first = (ra->first + 1) % NSLOTS;
	ra->nfull--;
	pthread_cond_signal(&ra->changed);
	pthread_mutex_unlock(&ra->lock);
}

long casg_readahead_read(struct casg_readahead *ra, void *buf, size_t nbytes,
			 struct casg_err *err)
{
	struct slot *s = slot_to_read(ra);

	if (!s) { /* the thread has ended, ra->err is ours now */
		if (ra->err.code && err)
			*err = ra->err;
		return ra->err.code;
	}
	if (nbytes > s->len - ra->off)
		nbytes = s->len - ra->off;
	memcpy(buf, s->data + ra->off, nbytes);
	ra->off += nbytes;
	if (ra->off == s->len)
		slot_emptied(ra);
	return (long)nbytes;
}

static void join(struct casg_readahead *ra)
{
	ssize_t ignored;

	pthread_mutex_lock(&ra->lock);
	ra->stop = 1;
	pthread_cond_signal(&ra->changed);
	pthread_mutex_unlock(&ra->lock);
	if (ra->cancel[1] >= 0) {
		ignored = write(ra->cancel[1], "", 1);
		(void)ignored; /* one byte into an empty pipe of our own */
	}
	pthread_join(ra->thread, NULL);
}

void casg_readahead_stop(struct casg_readahead *ra)
{
	if (!ra)
		return;
	if (ra->started)
		join(ra);
	if (ra->cancel[0] >= 0) {
		close(ra->cancel[0]);
		close(ra->cancel[1]);
		ra->source->cancel_fd = -1;
	}
	if (ra->state)
		ra->decoder->end(ra->state);
	pthread_cond_destroy(&ra->changed);
	pthread_mutex_destroy(&ra->lock);
	free(ra->memory);
	free(ra->raw);
	free(ra);
}
