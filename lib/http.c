#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#ifdef HAVE_LIBCURL

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX ((size_t)64 << 10)
#define BODY_MAX ((size_t)16 << 10)
#define PAUSE_MAX_MS 30000
#define REDIRECTS 5
#define CONNECT_MAX 20

struct casg_http {
	CURLM *multi;
	struct casg_http_opts o;
	char *ca_file, *agent;
	struct casg_http_call *open;   /* a list */
	unsigned nopen;
	int origin_private;            /* -1: not known yet */
	unsigned seed;
};

struct casg_http_call {
	struct casg_http *h;
	struct casg_http_call *next;
	struct casg_http_request r;
	char *method, *url;
	struct curl_slist *headers;
	CURL *easy;
	int running;                   /* in the multi handle */
	int64_t again_ms;              /* when it is to be sent again */
	int64_t paused_ms;             /* in all */
	unsigned tries;
	int begun;                     /* 'head' was called */
	int refused;                   /* by head or sink */
	int private_redirect;
	struct casg_buf head, body;
	struct casg_http_result result;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int casg_http_new(struct casg_http **out, const struct casg_http_opts *o, struct casg_err *err)
{
	struct casg_http *h = calloc(1, sizeof(*h));

	*out = NULL;
	if (!h || curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(h);
		return casg_err_nomem(err);
	}
	h->o = *o;
	h->o.timeout = o->timeout ? o->timeout : 60;
	h->multi = curl_multi_init();
	h->ca_file = o->ca_file ? strdup(o->ca_file) : NULL;
	h->agent = strdup(o->agent ? o->agent : "casg");
	h->origin_private = -1;
	h->seed = (unsigned)getpid();
	if (!h->multi || !h->agent || (o->ca_file && !h->ca_file)) {
		casg_http_free(h);
		return casg_err_nomem(err);
	}
	curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 16L);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 32L);
	*out = h;
	return 0;
}

static void free_call(struct casg_http_call *c)
{
	if (c->running)
		curl_multi_remove_handle(c->h->multi, c->easy);
	curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->headers);
	free(c->method);
	free(c->url);
	casg_buf_release(&c->head);
	casg_buf_release(&c->body);
	free(c);
}

void casg_http_free(struct casg_http *h)
{
	if (!h)
		return;
	while (h->open) {
		struct casg_http_call *c = h->open;

		h->open = c->next;
		free_call(c);
	}
	curl_multi_cleanup(h->multi);
	free(h->ca_file);
	free(h->agent);
	free(h);
	curl_global_cleanup();
}

unsigned casg_http_nopen(const struct casg_http *h)
{
	return h->nopen;
}

/* ---- addresses ---- */

static int is_private4(uint32_t a)
{
	return a >> 24 == 0 || a >> 24 == 10 || a >> 24 == 127 || a >> 20 == 0xac1 ||
	       a >> 16 == 0xc0a8 || a >> 16 == 0xa9fe || a >> 22 == 0x191 || a >> 28 == 14 ||
	       a >> 28 == 15;
}

static int is_private(const struct sockaddr *sa)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)sa;
	const uint8_t *b;

	if (sa->sa_family == AF_INET)
		return is_private4(ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr));
	if (sa->sa_family != AF_INET6)
		return 1;
	b = six->sin6_addr.s6_addr;
	if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) || !memcmp(b, "\0\x64\xff\x9b\0\0\0\0\0\0\0\0", 12))
		return is_private4((uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 |
				   (uint32_t)b[14] << 8 | b[15]);
	return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr) ||
	       (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0x80)) || b[0] == 0xff;
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct casg_http_call *c = ctx;
	int private = is_private(&a->addr);
	long hops = 0;

	(void)purpose;
	curl_easy_getinfo(c->easy, CURLINFO_REDIRECT_COUNT, &hops);
	if (!hops && c->h->origin_private < 0)
		c->h->origin_private = private;
	if (private && (c->h->o.public_only || (hops && c->h->origin_private != 1))) {
		c->private_redirect = 1;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* ---- what curl calls ---- */

static size_t take_head(char *p, size_t size, size_t n, void *ctx)
{
	struct casg_http_call *c = ctx;

	n *= size;
	/* the answer before it was a redirect, or only an interim one */
	if (n > 5 && !memcmp(p, "HTTP/", 5))
		casg_buf_reset(&c->head);
	if (c->head.len + n > HEAD_MAX)
		return 0;
	casg_buf_add(&c->head, p, n);
	return c->head.failed ? 0 : n;
}

static void see_head(struct casg_http_call *c)
{
	casg_buf_cstr(&c->head);
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &c->result.status);
	c->result.head = &c->head;
	c->result.body = &c->body;
}

/* An answer below 300 begins. */
static int begin_answer(struct casg_http_call *c)
{
	if (c->begun)
		return 0;
	c->begun = 1;
	if (c->r.head && c->r.head(c->r.ctx, &c->result))
		c->refused = 1;
	return c->refused;
}

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
	struct casg_http_call *c = ctx;

	n *= size;
	see_head(c);
	if (c->result.status >= 300) {
		size_t room = BODY_MAX - c->body.len;

		casg_buf_add(&c->body, p, n < room ? n : room);
		return n;
	}
	if (begin_answer(c))
		return 0;
	if (c->r.sink && c->r.sink(c->r.ctx, p, n)) {
		c->refused = 1;
		return 0;
	}
	return n;
}

static size_t give_body(char *p, size_t size, size_t n, void *ctx)
{
	struct casg_http_call *c = ctx;
	long got = c->r.source(c->r.ctx, p, size * n);

	if (got == CASG_HTTP_PAUSE)
		return CURL_READFUNC_PAUSE;
	return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

/* ---- calls ---- */

static void set_options(struct casg_http_call *c)
{
	struct casg_http *h = c->h;
	CURL *e = c->easy;
	int tls = !strncasecmp(c->url, "https:", 6);
	int follows = !c->r.stays && (!strcmp(c->method, "GET") || !strcmp(c->method, "HEAD"));

	curl_easy_setopt(e, CURLOPT_URL, c->url);
	curl_easy_setopt(e, CURLOPT_PRIVATE, c);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, follows ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)REDIRECTS);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(e, CURLOPT_PIPEWAIT, tls ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, h->agent);
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 256L << 10);
	curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT,
			 (long)(h->o.timeout < CONNECT_MAX ? h->o.timeout : CONNECT_MAX));
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)h->o.timeout);
	if (h->ca_file)
		curl_easy_setopt(e, CURLOPT_CAINFO, h->ca_file);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_head);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, c);
	if (!strcmp(c->method, "HEAD"))
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	if (c->r.has_body) {
		curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(e, CURLOPT_READFUNCTION, give_body);
		curl_easy_setopt(e, CURLOPT_READDATA, c);
		curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)c->r.nbytes);
	}
	if (strcmp(c->method, "GET") && strcmp(c->method, "HEAD"))
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, c->method);
}

int casg_http_begin(struct casg_http *h, const struct casg_http_request *r,
		    struct casg_http_call **call_out, struct casg_err *err)
{
	struct casg_http_call *c = calloc(1, sizeof(*c));
	int bad;

	if (!c)
		return casg_err_nomem(err);
	c->h = h;
	c->r = *r;
	c->method = strdup(r->method);
	c->url = strdup(r->url);
	c->easy = curl_easy_init();
	bad = !c->method || !c->url || !c->easy;
	for (size_t i = 0; !bad && r->headers && r->headers[i]; i++) {
		struct curl_slist *more = curl_slist_append(c->headers, r->headers[i]);

		bad = !more;
		if (more)
			c->headers = more;
	}
	if (!bad) {
		set_options(c);
		bad = curl_multi_add_handle(h->multi, c->easy) != CURLM_OK;
	}
	if (bad) {
		free_call(c);
		return casg_err_nomem(err);
	}
	c->running = 1;
	c->next = h->open;
	h->open = c;
	h->nopen++;
	if (call_out)
		*call_out = c;
	return 0;
}

void casg_http_resume(struct casg_http_call *c)
{
	curl_easy_pause(c->easy, CURLPAUSE_CONT);
}

/* ---- the end of calls ---- */

static int is_temporary(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_SSL_CONNECT_ERROR:
		return 1;
	default:
		return 0;
	}
}

static int is_temporary_status(long status)
{
	return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
	       status == 504;
}

static void conclude(struct casg_http_call *c, CURLcode code)
{
	struct casg_http_result *r = &c->result;

	see_head(c);
	r->failed = code != CURLE_OK && !c->refused;
	r->temporary = r->failed ? is_temporary(code) && !c->private_redirect :
		       is_temporary_status(r->status);
	if (c->private_redirect)
		snprintf(r->message, sizeof(r->message), "it leads to a private address");
	else if (r->failed)
		snprintf(r->message, sizeof(r->message), "%s", curl_easy_strerror(code));
	else if (r->status >= 300)
		snprintf(r->message, sizeof(r->message), "HTTP status %ld", r->status);
}

/* Milliseconds to wait before it is sent again; -1: not again. */
static int64_t back_off(struct casg_http_call *c)
{
	int64_t ms = INT64_C(250) << c->tries, most = (int64_t)c->h->o.timeout * 1000;
	uint64_t seconds;

	if (!c->result.temporary || c->r.has_body || c->begun || c->tries >= c->h->o.retries)
		return -1;
	/* a time-out has been long enough */
	if (c->result.failed && !strcmp(c->result.message,
					curl_easy_strerror(CURLE_OPERATION_TIMEDOUT)))
		return -1;
	ms += (int64_t)(rand_r(&c->h->seed) % 100) * ms / 200;
	if (casg_http_header_number(&c->result, "retry-after", &seconds))
		ms = seconds < PAUSE_MAX_MS / 1000 ? (int64_t)seconds * 1000 : PAUSE_MAX_MS;
	if (ms > PAUSE_MAX_MS)
		ms = PAUSE_MAX_MS;
	return c->paused_ms + ms > most ? -1 : ms;
}

static void unlink_call(struct casg_http *h, struct casg_http_call *c)
{
	struct casg_http_call **p = &h->open;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	h->nopen--;
}

static void end_call(struct casg_http_call *c, CURLcode code)
{
	struct casg_http *h = c->h;
	int64_t ms;

	curl_multi_remove_handle(h->multi, c->easy);
	c->running = 0;
	conclude(c, code);
	ms = back_off(c);
	if (ms >= 0) {
		c->tries++;
		c->paused_ms += ms;
		c->again_ms = now_ms() + ms;
		casg_buf_reset(&c->head);
		casg_buf_reset(&c->body);
		memset(&c->result, 0, sizeof(c->result));
		return;
	}
	/* an answer without a body begins, too */
	if (!c->result.failed && c->result.status < 300)
		begin_answer(c);
	unlink_call(h, c);
	c->r.done(c->r.ctx, &c->result);
	free_call(c);
}

/* Send again what has waited long enough: how long the next one has to wait. */
static int64_t send_again(struct casg_http *h)
{
	int64_t now = now_ms(), least = INT64_MAX;

	for (struct casg_http_call *c = h->open; c; c = c->next) {
		if (c->running)
			continue;
		if (c->again_ms > now) {
			if (c->again_ms - now < least)
				least = c->again_ms - now;
		} else if (curl_multi_add_handle(h->multi, c->easy) == CURLM_OK) {
			c->running = 1;
		}
	}
	return least;
}

static void end_calls(struct casg_http *h)
{
	struct casg_http_call *c;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left))) {
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
		end_call(c, code);
	}
}

int casg_http_step(struct casg_http *h, int fd, int timeout_ms)
{
	struct curl_waitfd extra = { .fd = fd, .events = CURL_WAIT_POLLIN };
	int64_t wait = send_again(h);
	int running, n;

	if (wait > timeout_ms)
		wait = timeout_ms;
	/* what has just begun makes this return at once */
	if (h->nopen || fd >= 0)
		curl_multi_poll(h->multi, &extra, fd >= 0, (int)wait, &n);
	curl_multi_perform(h->multi, &running);
	end_calls(h);
	return fd >= 0 && extra.revents;
}

/* ---- headers ---- */

int casg_http_header(const struct casg_http_result *r, const char *name, char *out, size_t n)
{
	size_t len = strlen(name);
	const char *p = r->head && r->head->len ? (const char *)r->head->data : "";

	while ((p = strchr(p, '\n'))) {
		const char *end;

		if (strncasecmp(++p, name, len) || p[len] != ':')
			continue;
		p += len + 1;
		p += strspn(p, " \t");
		end = p + strcspn(p, "\r\n");
		while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		snprintf(out, n, "%.*s", (int)(end - p), p);
		return 1;
	}
	return 0;
}

int casg_http_header_number(const struct casg_http_result *r, const char *name, uint64_t *out)
{
	char text[32];
	size_t n;

	if (!casg_http_header(r, name, text, sizeof(text)))
		return 0;
	n = strspn(text, "0123456789");
	if (!n || n > 19 || text[n])
		return 0;
	*out = strtoull(text, NULL, 10);
	return 1;
}

#else /* no libcurl */

int casg_http_new(struct casg_http **out, const struct casg_http_opts *o, struct casg_err *err)
{
	(void)o;
	*out = NULL;
	return casg_err_set(err, CASG_EUNSUPPORTED, "this casg was built without libcurl");
}

void casg_http_free(struct casg_http *h)
{
	(void)h;
}

unsigned casg_http_nopen(const struct casg_http *h)
{
	(void)h;
	return 0;
}

int casg_http_begin(struct casg_http *h, const struct casg_http_request *r,
		    struct casg_http_call **call_out, struct casg_err *err)
{
	(void)h;
	(void)r;
	(void)call_out;
	return casg_err_set(err, CASG_EUNSUPPORTED, "this casg was built without libcurl");
}

void casg_http_resume(struct casg_http_call *c)
{
	(void)c;
}

int casg_http_step(struct casg_http *h, int fd, int timeout_ms)
{
	(void)h;
	(void)fd;
	(void)timeout_ms;
	return 0;
}

int casg_http_header(const struct casg_http_result *r, const char *name, char *out, size_t n)
{
	(void)r;
	(void)name;
	(void)out;
	(void)n;
	return 0;
}

int casg_http_header_number(const struct casg_http_result *r, const char *name, uint64_t *out)
{
	(void)r;
	(void)name;
	(void)out;
	return 0;
}

#endif

int casg_http_is_encoded(const struct casg_http_result *r)
{
	char value[64];

	return casg_http_header(r, "content-encoding", value, sizeof(value)) &&
	       strcasecmp(value, "identity");
}

int casg_http_content_range(const struct casg_http_result *r, uint64_t *first, uint64_t *whole)
{
	char value[100], *end, *slash;

	if (!casg_http_header(r, "content-range", value, sizeof(value)) ||
	    strncasecmp(value, "bytes ", 6) || !(slash = strchr(value, '/')) ||
	    slash[1] < '0' || slash[1] > '9')
		return -1;
	*whole = strtoull(slash + 1, &end, 10);
	if (*end)
		return -1;
	*first = value[6] == '*' ? *whole : strtoull(value + 6, NULL, 10);
	return 0;
}
