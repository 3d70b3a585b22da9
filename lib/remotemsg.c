#include "remotemsg.h"

#include <string.h>

#define TAG_DIGITS 18
#define NUMBER_DIGITS 19

static const char *const can_names[CASG_NCANS] = {
	"have", "get", "range", "if", "put", "put-new", "list", "delete", "restore"
};

static const char *const op_names[CASG_REMOTE_NOPS] = {
	[CASG_REMOTE_HAVE] = "have", [CASG_REMOTE_GET] = "get", [CASG_REMOTE_PUT] = "put",
	[CASG_REMOTE_PUT_NEW] = "put-new", [CASG_REMOTE_LIST] = "list",
	[CASG_REMOTE_DELETE] = "delete", [CASG_REMOTE_RESTORE] = "restore",
};

static const char *const kind_names[] = {
	[CASG_ANSWER_YES] = "yes", [CASG_ANSWER_NO] = "no", [CASG_ANSWER_DATA] = "data",
	[CASG_ANSWER_DONE] = "done", [CASG_ANSWER_SAME] = "same",
	[CASG_ANSWER_EXISTS] = "exists", [CASG_ANSWER_ENTRY] = "entry",
	[CASG_ANSWER_ERROR] = "error", [CASG_ANSWER_BUSY] = "busy",
};

static const char *const class_names[CASG_REMOTE_NCLASSES] = {
	[CASG_REMOTE_RETRY] = "retry", [CASG_REMOTE_DENIED] = "denied",
	[CASG_REMOTE_REFUSED] = "refused", [CASG_REMOTE_WRONG] = "wrong",
	[CASG_REMOTE_ARCHIVED] = "archived",
};

#define COUNT(a) (int)(sizeof(a) / sizeof(*(a)))

/* The index of a word among names, or -1. */
static int find_word(const char *const *names, int nnames, const char *s, size_t n)
{
	for (int i = 0; i < nnames; i++)
		if (strlen(names[i]) == n && !memcmp(names[i], s, n))
			return i;
	return -1;
}

const char *casg_remote_can_name(int i)
{
	return can_names[i];
}

unsigned casg_remote_can_parse(const char *s, size_t n)
{
	int i = find_word(can_names, CASG_NCANS, s, n);

	return i < 0 ? 0 : 1u << i;
}

const char *casg_remote_op_name(enum casg_remote_op op)
{
	return op_names[op];
}

const char *casg_remote_class_name(enum casg_remote_class c)
{
	return class_names[c];
}

/* ---- names ---- */

static int is_part_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

int casg_remote_is_name(const char *s, size_t n)
{
	size_t part = 0;

	if (!n || n > CASG_REMOTE_NAME_MAX)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '/') {
			if (!part)
				return 0;
			part = 0;
		} else if (!is_part_char((unsigned char)s[i]) || (!part && s[i] == '.') ||
			   ++part > CASG_REMOTE_PART_MAX) {
			return 0;
		}
	}
	return part > 0;
}

int casg_remote_is_prefix(const char *s, size_t n)
{
	if (n == 1 && *s == '-')
		return 1;
	return n > 1 && n <= CASG_REMOTE_NAME_MAX && s[n - 1] == '/' &&
	       casg_remote_is_name(s, n - 1);
}

int casg_remote_in_prefix(const char *name, const char *prefix)
{
	return !strcmp(prefix, "-") || !strncmp(name, prefix, strlen(prefix));
}

/* ---- validators ---- */

static int is_plain(unsigned char c)
{
	return is_part_char(c) || c == '~';
}

static int upper_hex(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void casg_remote_quote(struct casg_buf *out, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	/* a lone dash stands for nothing, so that it must not stand for itself */
	if (n == 1 && *p == '-') {
		casg_buf_addstr(out, "%2D");
		return;
	}
	if (!n)
		casg_buf_addch(out, '-');
	for (size_t i = 0; i < n; i++) {
		if (is_plain(p[i]))
			casg_buf_addch(out, p[i]);
		else
			casg_buf_addf(out, "%%%02X", p[i]);
	}
}

int casg_remote_unquote(struct casg_buf *out, const char *s, size_t n, struct casg_err *err)
{
	int lone = n == 3 && !memcmp(s, "%2D", 3);

	if (n == 1 && *s == '-')
		return 0;
	if (!n)
		return casg_err_set(err, CASG_ECORRUPT, "an empty validator");
	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)s[i];

		if (c == '%') {
			int hi = n - i > 2 ? upper_hex(s[i + 1]) : -1;
			int lo = hi < 0 ? -1 : upper_hex(s[i + 2]);

			if (lo < 0 || (is_plain((unsigned char)(hi << 4 | lo)) && !lone))
				return casg_err_set(err, CASG_ECORRUPT, "a malformed validator");
			c = hi << 4 | lo;
			i += 2;
		} else if (!is_plain((unsigned char)c)) {
			return casg_err_set(err, CASG_ECORRUPT, "a malformed validator");
		}
		casg_buf_addch(out, c);
	}
	return casg_buf_check(out, err);
}

/* In the form, whatever it stands for. */
static int is_validator(const char *s, size_t n)
{
	int lone = n == 3 && !memcmp(s, "%2D", 3);

	if (!n || n > CASG_REMOTE_VALIDATOR_MAX)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '%') {
			int hi = n - i > 2 ? upper_hex(s[i + 1]) : -1;
			int lo = hi < 0 ? -1 : upper_hex(s[i + 2]);

			if (lo < 0 || (is_plain((unsigned char)(hi << 4 | lo)) && !lone))
				return 0;
			i += 2;
		} else if (!is_plain((unsigned char)s[i])) {
			return 0;
		}
	}
	return 1;
}

/* ---- fields ---- */

struct fields {
	const char *p, *end; /* what is left; p NULL: nothing, not even an empty field */
};

/* The next field, up to a space or the end; 0: there is none. */
static int next(struct fields *f, const char **s_out, size_t *n_out)
{
	const char *sp;

	if (!f->p)
		return 0;
	sp = memchr(f->p, ' ', (size_t)(f->end - f->p));
	*s_out = f->p;
	*n_out = (size_t)((sp ? sp : f->end) - f->p);
	f->p = sp ? sp + 1 : NULL;
	return 1;
}

static int parse_number(const char *s, size_t n, size_t max_digits, uint64_t *v_out)
{
	if (!n || n > max_digits || (n > 1 && *s == '0'))
		return -1;
	for (*v_out = 0; n; n--, s++) {
		if (*s < '0' || *s > '9')
			return -1;
		*v_out = *v_out * 10 + (uint64_t)(*s - '0');
	}
	return 0;
}

static int next_number(struct fields *f, uint64_t *v_out)
{
	const char *s;
	size_t n;

	return next(f, &s, &n) ? parse_number(s, n, NUMBER_DIGITS, v_out) : -1;
}

static int next_tag(struct fields *f, uint64_t *v_out)
{
	const char *s;
	size_t n;

	return next(f, &s, &n) && !parse_number(s, n, TAG_DIGITS, v_out) && *v_out ? 0 : -1;
}

static int next_validator(struct fields *f, char *out)
{
	const char *s;
	size_t n;

	if (!next(f, &s, &n) || !is_validator(s, n))
		return -1;
	memcpy(out, s, n);
	out[n] = '\0';
	return 0;
}

static int next_name(struct fields *f, int prefix, char *out)
{
	const char *s;
	size_t n;

	if (!next(f, &s, &n) || !(prefix ? casg_remote_is_prefix(s, n) :
					   casg_remote_is_name(s, n)))
		return -1;
	memcpy(out, s, n);
	out[n] = '\0';
	return 0;
}

static int next_oid(struct fields *f, struct casg_oid *out)
{
	const char *s;
	size_t n;

	return next(f, &s, &n) ? casg_oid_parse(out, s, n) : -1;
}

static int check_line(const char *line, size_t n, struct casg_err *err)
{
	if (n + 1 > CASG_REMOTE_LINE_MAX)
		return casg_err_set(err, CASG_ECORRUPT, "a line of more than %u bytes",
				    CASG_REMOTE_LINE_MAX);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			return casg_err_set(err, CASG_ECORRUPT, "a control character in a line");
	return 0;
}

static int wrong(struct casg_err *err, const char *line, size_t n)
{
	return casg_err_set(err, CASG_ECORRUPT, "malformed line '%.*s%s'",
			    n > 200 ? 200 : (int)n, line, n > 200 ? "..." : "");
}

/* ---- requests ---- */

static int parse_range(struct casg_remote_request *r, const char *s, size_t n)
{
	const char *dash = memchr(s, '-', n);
	size_t left;

	if (!dash || parse_number(s, (size_t)(dash - s), NUMBER_DIGITS, &r->first))
		return -1;
	r->has_range = 1;
	left = n - (size_t)(dash + 1 - s);
	if (!left)
		return 0;
	r->has_last = 1;
	return parse_number(dash + 1, left, NUMBER_DIGITS, &r->last) || r->last < r->first ? -1 : 0;
}

static int parse_get(struct casg_remote_request *r, struct fields *f)
{
	const char *s;
	size_t n;

	if (!next(f, &s, &n))
		return 0;
	if (n > 6 && !memcmp(s, "range=", 6)) {
		if (parse_range(r, s + 6, n - 6))
			return -1;
		if (!next(f, &s, &n))
			return 0;
	}
	if (n <= 3 || memcmp(s, "if=", 3) || !is_validator(s + 3, n - 3) ||
	    (n == 4 && s[3] == '-'))
		return -1;
	memcpy(r->if_validator, s + 3, n - 3);
	r->if_validator[n - 3] = '\0';
	return 0;
}

int casg_remote_request_parse(struct casg_remote_request *r, const char *line, size_t n,
			      struct casg_err *err)
{
	struct fields f = { line, line + n };
	const char *word;
	size_t len;
	int op, bad;

	memset(r, 0, sizeof(*r));
	if (check_line(line, n, err))
		return CASG_ECORRUPT;
	if (next_tag(&f, &r->tag) || !next(&f, &word, &len) ||
	    (op = find_word(op_names, CASG_REMOTE_NOPS, word, len)) < 0)
		return wrong(err, line, n);
	r->op = (enum casg_remote_op)op;
	bad = next_name(&f, op == CASG_REMOTE_LIST, r->name);
	if (!bad && op == CASG_REMOTE_GET)
		bad = parse_get(r, &f);
	if (!bad && (op == CASG_REMOTE_PUT || op == CASG_REMOTE_PUT_NEW))
		bad = next_number(&f, &r->nbytes) || next_oid(&f, &r->sha256);
	if (bad || f.p)
		return wrong(err, line, n);
	return 0;
}

int casg_remote_request_format(struct casg_buf *out, const struct casg_remote_request *r,
			       struct casg_err *err)
{
	struct casg_remote_request again;
	size_t start = out->len;

	casg_buf_add_u64(out, r->tag);
	casg_buf_addf(out, " %s %s", op_names[r->op], r->name);
	if (r->has_range) {
		casg_buf_addstr(out, " range=");
		casg_buf_add_u64(out, r->first);
		casg_buf_addch(out, '-');
		if (r->has_last)
			casg_buf_add_u64(out, r->last);
	}
	if (*r->if_validator)
		casg_buf_addf(out, " if=%s", r->if_validator);
	if (r->op == CASG_REMOTE_PUT || r->op == CASG_REMOTE_PUT_NEW) {
		casg_buf_addch(out, ' ');
		casg_buf_add_u64(out, r->nbytes);
		casg_buf_addch(out, ' ');
		casg_oid_addhex(out, &r->sha256);
	}
	if (casg_buf_check(out, err))
		return CASG_ENOMEM;
	/* whatever is wrong with it, it must not reach the other side */
	if (casg_remote_request_parse(&again, (char *)out->data + start, out->len - start, err)) {
		out->len = start;
		return casg_err_set(err, CASG_EBUG, "'%s' cannot be asked for", r->name);
	}
	casg_buf_addch(out, '\n');
	return casg_buf_check(out, err);
}

/* ---- answers ---- */

static int parse_error(struct casg_remote_answer *a, struct fields *f)
{
	const char *s;
	size_t n;
	int class;

	if (!next(f, &s, &n) || (class = find_word(class_names, CASG_REMOTE_NCLASSES, s, n)) < 0 ||
	    !f->p)
		return -1;
	a->class = (enum casg_remote_class)class;
	n = (size_t)(f->end - f->p);
	if (!n || n > CASG_REMOTE_MESSAGE_MAX)
		return -1;
	memcpy(a->message, f->p, n);
	a->message[n] = '\0';
	f->p = NULL;
	return 0;
}

int casg_remote_answer_parse(struct casg_remote_answer *a, const char *line, size_t n,
			     struct casg_err *err)
{
	struct fields f = { line, line + n };
	const char *word;
	size_t len;
	int kind, bad = 0;

	memset(a, 0, sizeof(*a));
	if (check_line(line, n, err))
		return CASG_ECORRUPT;
	if (next_tag(&f, &a->tag) || !next(&f, &word, &len) ||
	    (kind = find_word(kind_names, COUNT(kind_names), word, len)) < 0)
		return wrong(err, line, n);
	a->kind = (enum casg_remote_kind)kind;
	switch (a->kind) {
	case CASG_ANSWER_YES:
	case CASG_ANSWER_DONE:
		bad = next_number(&f, &a->nbytes) || next_validator(&f, a->validator);
		break;
	case CASG_ANSWER_DATA:
		bad = next_number(&f, &a->nbytes) || !a->nbytes ||
		      a->nbytes > CASG_REMOTE_BLOCK_MAX;
		break;
	case CASG_ANSWER_ENTRY:
		bad = next_name(&f, 0, a->name) || next_number(&f, &a->nbytes);
		break;
	case CASG_ANSWER_ERROR:
		bad = parse_error(a, &f);
		break;
	case CASG_ANSWER_NO:
	case CASG_ANSWER_SAME:
	case CASG_ANSWER_EXISTS:
	case CASG_ANSWER_BUSY:
		break;
	}
	if (bad || f.p)
		return wrong(err, line, n);
	return 0;
}

static void add_message(struct casg_buf *out, const char *s)
{
	size_t n = strnlen(s, CASG_REMOTE_MESSAGE_MAX);

	if (!n)
		casg_buf_addch(out, '?');
	for (size_t i = 0; i < n; i++)
		casg_buf_addch(out, (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? '?' : s[i]);
}

int casg_remote_answer_format(struct casg_buf *out, const struct casg_remote_answer *a,
			      struct casg_err *err)
{
	const char *validator = *a->validator ? a->validator : "-";
	struct casg_remote_answer again;
	size_t start = out->len;

	casg_buf_add_u64(out, a->tag);
	casg_buf_addf(out, " %s", kind_names[a->kind]);
	switch (a->kind) {
	case CASG_ANSWER_YES:
	case CASG_ANSWER_DONE:
		casg_buf_addf(out, " %llu %s", (unsigned long long)a->nbytes, validator);
		break;
	case CASG_ANSWER_DATA:
		casg_buf_addf(out, " %llu", (unsigned long long)a->nbytes);
		break;
	case CASG_ANSWER_ENTRY:
		casg_buf_addf(out, " %s %llu", a->name, (unsigned long long)a->nbytes);
		break;
	case CASG_ANSWER_ERROR:
		casg_buf_addf(out, " %s ", class_names[a->class]);
		add_message(out, a->message);
		break;
	case CASG_ANSWER_NO:
	case CASG_ANSWER_SAME:
	case CASG_ANSWER_EXISTS:
	case CASG_ANSWER_BUSY:
		break;
	}
	if (casg_buf_check(out, err))
		return CASG_ENOMEM;
	if (casg_remote_answer_parse(&again, (char *)out->data + start, out->len - start, err)) {
		out->len = start;
		return casg_err_set(err, CASG_EBUG, "an answer that has no line");
	}
	casg_buf_addch(out, '\n');
	return casg_buf_check(out, err);
}

/* ---- URLs ---- */

int casg_remote_scheme(const char *url, struct casg_err *err)
{
	size_t n = strlen(url), len = 0;

	while ((url[len] >= 'a' && url[len] <= 'z') ||
	       (len && ((url[len] >= '0' && url[len] <= '9') || url[len] == '+' ||
			url[len] == '-')))
		len++;
	if (!len || url[len] != ':')
		return casg_err_set(err, CASG_ECORRUPT,
				    "'%.200s' is not the URL of a storage, such as file:///folder",
				    url);
	if (len > 64 || n > CASG_REMOTE_URL_MAX)
		return casg_err_set(err, CASG_ECORRUPT, "the URL of a storage is too long");
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)url[i] < 0x20 || url[i] == 0x7f)
			return casg_err_set(err, CASG_ECORRUPT,
					    "a control character in the URL of a storage");
	return (int)len;
}

void casg_remote_mask(struct casg_buf *out, const char *url)
{
	const char *host = strstr(url, "://"), *end, *at = NULL, *colon;

	host = host ? host + 3 : url;
	end = host + strcspn(host, "/?#");
	for (const char *p = host; p < end; p++)
		if (*p == '@')
			at = p;
	colon = at ? memchr(host, ':', (size_t)(at - host)) : NULL;
	if (colon) {
		casg_buf_add(out, url, (size_t)(colon + 1 - url));
		casg_buf_addstr(out, "***");
		url = at;
	}
	end = strchr(url, '?');
	/* what is behind it may be a signature that lets anybody in */
	casg_buf_add(out, url, end ? (size_t)(end - url) : strlen(url));
	if (end)
		casg_buf_addstr(out, "?***");
}
