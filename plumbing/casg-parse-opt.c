/*
 * casg-parse-opt - parse a shell script's options with the parser that the C
 * programs use.  See casg-parse-opt(1) for the specification it reads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "buf.h"
#include "cli.h"

static uint64_t min_args;
static uint64_t max_args = INT32_MAX;

static const char *const usage[] = {
	"[--min-args N] [--max-args N] -- [ARG...] <SPEC",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_U64, 0, "min-args", "N", &min_args,
	  "refuse fewer arguments that are not options" },
	{ CASG_OPT_U64, 0, "max-args", "N", &max_args,
	  "refuse more of them" },
	{ CASG_OPT_END, 0, NULL, NULL, NULL, NULL }
};

/* What the option table of the script points to. */
union value {
	int flag;
	const char *str;
	struct casg_strs list;
};

struct spec {
	const char *name;       /* "casg import" */
	const char **usage;
	size_t nusage, cap_usage;
	struct casg_opt *opts;
	size_t nopts, cap_opts;
	union value *values;
};

static char *read_all(void)
{
	struct casg_buf b = CASG_BUF_INIT;
	char tmp[4096];
	size_t n;

	while ((n = fread(tmp, 1, sizeof(tmp), stdin)) > 0)
		casg_buf_add(&b, tmp, n);
	if (ferror(stdin))
		casg_die("cannot read the option specification");
	if (memchr(b.data ? b.data : (uint8_t *)"", '\0', b.len))
		casg_die("the option specification holds a NUL");
	casg_buf_addch(&b, '\0');
	if (b.failed)
		casg_die("out of memory");
	return (char *)b.data;
}

static char *next_line(char **text)
{
	char *line = *text;
	char *end;

	if (!*line)
		return NULL;
	end = strchr(line, '\n');
	if (end) {
		*end = '\0';
		*text = end + 1;
	} else {
		*text = line + strlen(line);
	}
	return line;
}

/* "casg NAME ARGS" or "casg-NAME ARGS": the name, then the rest. */
static void add_usage(struct spec *s, char *line)
{
	size_t n = strcspn(line, " ");
	char *rest;

	if (!strncmp(line, "casg ", 5))
		n = 5 + strcspn(line + 5, " ");
	rest = line + n + strspn(line + n, " ");
	line[n] = '\0';
	if (!s->name)
		s->name = line;
	else if (strcmp(s->name, line))
		casg_die("usage of '%s' in the specification of '%s'", line, s->name);
	if (CASG_GROW(s->usage, s->nusage + 2, s->cap_usage))
		casg_die("out of memory");
	s->usage[s->nusage++] = rest;
	s->usage[s->nusage] = NULL;
}

static int valid_name(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z' && name[1] &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

/* "[LETTER,]NAME[=ARG|+ARG|#ARG|%ARG|~]  HELP" */
static void add_option(struct spec *s, char *line)
{
	struct casg_opt o = { CASG_OPT_FLAG, 0, NULL, NULL, NULL, NULL };
	char *help = line + strcspn(line, " \t");
	char *type;

	if (*help) {
		*help++ = '\0';
		o.help = help + strspn(help, " \t");
	}
	if (line[0] && line[1] == ',') {
		o.letter = line[0];
		line += 2;
	}
	type = line + strcspn(line, "=+#%~");
	switch (*type) {
	case '=': o.type = CASG_OPT_STR; break;
	case '+': o.type = CASG_OPT_LIST; break;
	case '#': o.type = CASG_OPT_U64; break;
	case '%': o.type = CASG_OPT_SIZE; break;
	}
	/* kept for the answer: a three-state flag is a flag with an 'arg' */
	if (*type) {
		if (type[1] || *type == '~')
			o.arg = type + 1;
		*type = '\0';
	}
	if (!valid_name(line))
		casg_die("bad option '%s' in the specification", line);
	o.name = line;
	if (CASG_GROW(s->opts, s->nopts + 2, s->cap_opts))
		casg_die("out of memory");
	s->opts[s->nopts++] = o;
	memset(&s->opts[s->nopts], 0, sizeof(o));
}

static void parse_spec(struct spec *s, char *text)
{
	char *line;

	while ((line = next_line(&text)) && strcmp(line, "--"))
		if (*line)
			add_usage(s, line);
	if (!s->name)
		casg_die("the option specification has no usage line");
	while (line && (line = next_line(&text)))
		if (*line)
			add_option(s, line);
	if (CASG_GROW(s->opts, s->nopts + 1, s->cap_opts))
		casg_die("out of memory");
	memset(&s->opts[s->nopts], 0, sizeof(*s->opts));
	s->values = calloc(s->nopts + 1, sizeof(*s->values));
	if (!s->values)
		casg_die("out of memory");
}

/*
 * Numbers are checked here and handed on as decimal: 'number' keeps them
 * because a casg_opt writes where it points to.
 */
static void bind_values(struct spec *s, uint64_t *numbers)
{
	for (size_t i = 0; i < s->nopts; i++) {
		struct casg_opt *o = &s->opts[i];

		numbers[i] = UINT64_MAX;
		if (o->type == CASG_OPT_U64 || o->type == CASG_OPT_SIZE)
			o->value = &numbers[i];
		else
			o->value = &s->values[i];
		if (o->type == CASG_OPT_FLAG)
			s->values[i].flag = -1;
	}
}

static void put_quoted(struct casg_buf *out, const char *s)
{
	casg_buf_addch(out, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			casg_buf_addstr(out, "'\\''");
		else
			casg_buf_addch(out, *s);
	}
	casg_buf_addch(out, '\'');
}

/* A list is quoted twice: eval "set -- $opt_name" gives the words back. */
static void put_list(struct casg_buf *out, const struct casg_strs *list)
{
	struct casg_buf words = CASG_BUF_INIT;

	for (size_t i = 0; i < list->n; i++) {
		if (i)
			casg_buf_addch(&words, ' ');
		put_quoted(&words, list->v[i]);
	}
	put_quoted(out, casg_buf_cstr(&words));
	casg_buf_release(&words);
}

static void put_option(struct casg_buf *out, const struct casg_opt *o,
		       const union value *v, uint64_t number)
{
	casg_buf_addstr(out, "opt_");
	for (const char *p = o->name; *p; p++)
		casg_buf_addch(out, *p == '-' ? '_' : *p);
	casg_buf_addch(out, '=');
	switch (o->type) {
	case CASG_OPT_FLAG:
		if (v->flag == 1 || (v->flag == 0 && o->arg))
			casg_buf_addf(out, "%d", v->flag);
		break;
	case CASG_OPT_LIST:
		put_list(out, &v->list);
		break;
	case CASG_OPT_STR:
		if (v->str)
			put_quoted(out, v->str);
		break;
	default:
		if (number != UINT64_MAX)
			casg_buf_add_u64(out, number);
	}
	casg_buf_addch(out, '\n');
}

static void put_help(struct casg_buf *out, const struct casg_cmd *cmd)
{
	struct casg_buf text = CASG_BUF_INIT;

	casg_cli_usage(cmd, &text);
	casg_buf_addstr(out, "printf '%s' ");
	put_quoted(out, casg_buf_cstr(&text));
	casg_buf_addf(out, " || exit %d\nexit %d\n", CASG_EXIT_FATAL, CASG_EXIT_USAGE);
	casg_buf_release(&text);
}

static void complain(const struct casg_cmd *cmd, const struct casg_err *err)
{
	struct casg_buf text = CASG_BUF_INIT;

	casg_error("%s", err->msg);
	casg_cli_usage(cmd, &text);
	fwrite(text.data, 1, text.len, stderr);
	casg_buf_release(&text);
}

static void put_answer(struct casg_buf *out, const struct spec *s,
		       const uint64_t *numbers, int argc, char **argv)
{
	for (size_t i = 0; i < s->nopts; i++)
		put_option(out, &s->opts[i], &s->values[i], numbers[i]);
	casg_buf_addstr(out, "set --");
	for (int i = 0; i < argc; i++) {
		casg_buf_addch(out, ' ');
		put_quoted(out, argv[i]);
	}
	casg_buf_addch(out, '\n');
}

static int run(int argc, char **argv)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct spec s = { 0 };
	struct casg_cmd cmd = { 0 };
	char *text = read_all();
	char **args = calloc((size_t)argc + 2, sizeof(*args));
	uint64_t *numbers;
	int n = argc + 1, ret = CASG_EXIT_YES;

	parse_spec(&s, text);
	numbers = calloc(s.nopts + 1, sizeof(*numbers));
	if (!args || !numbers)
		casg_die("out of memory");
	bind_values(&s, numbers);
	memcpy(args + 1, argv, (size_t)argc * sizeof(*args));

	cmd.name = s.name;
	cmd.usage = s.usage;
	cmd.opts = s.opts;
	cmd.min_args = min_args > INT32_MAX ? INT32_MAX : (int)min_args;
	cmd.max_args = max_args > INT32_MAX ? INT32_MAX : (int)max_args;
	switch (casg_cli_parse(&cmd, &n, args, &err)) {
	case CASG_CLI_WRONG:
		complain(&cmd, &err);
		ret = CASG_EXIT_USAGE;
		break;
	case CASG_CLI_HELP:
		put_help(&out, &cmd);
		break;
	default:
		put_answer(&out, &s, numbers, n, args);
	}
	if (casg_buf_check(&out, &err))
		casg_die_err(&err);
	casg_out(out.data, out.len);
	casg_buf_release(&out);
	for (size_t i = 0; i < s.nopts; i++)
		if (s.opts[i].type == CASG_OPT_LIST)
			free(s.values[i].list.v);
	free(numbers);
	free(args);
	free(s.values);
	free(s.opts);
	free(s.usage);
	free(text);
	return ret;
}

const struct casg_cmd casg_cmd = {
	"casg-parse-opt", usage, opts, 0, -1, run
};
