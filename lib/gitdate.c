#include "gitdate.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* "Z", "+HHMM" or "+HH:MM" up to the end of the string. */
static int parse_zone(const char *s, int *east_out)
{
	int sign, h, m;

	if (!strcmp(s, "Z")) {
		*east_out = 0;
		return 0;
	}
	if (*s != '+' && *s != '-')
		return -1;
	sign = *s++ == '-' ? -1 : 1;
	for (int i = 0; i < 2; i++)
		if (s[i] < '0' || s[i] > '9')
			return -1;
	h = (s[0] - '0') * 10 + (s[1] - '0');
	s += s[2] == ':' ? 3 : 2;
	for (int i = 0; i < 2; i++)
		if (s[i] < '0' || s[i] > '9')
			return -1;
	m = (s[0] - '0') * 10 + (s[1] - '0');
	if (s[2] || h > 14 || m > 59)
		return -1;
	*east_out = sign * (h * 60 + m);
	return 0;
}

static int parse_raw(const char *s, int64_t *seconds_out, int *east_out)
{
	int at = *s == '@';
	char *end;
	long long v;

	s += at;
	if (*s < '0' || *s > '9')
		return -1;
	v = strtoll(s, &end, 10);
	/* eight digits or fewer, bare, could be a date such as 20050407 */
	if (end - s > 15 || (!at && end - s < 9))
		return -1;
	*seconds_out = v;
	*east_out = 0;
	if (!*end)
		return 0;
	return *end == ' ' ? parse_zone(end + 1, east_out) : -1;
}

static int parse_broken_down(const char *s, int64_t *seconds_out, int *east_out)
{
	static const char *const forms[] = {
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
		"%a, %d %b %Y %H:%M:%S", "%d %b %Y %H:%M:%S",
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *rest = strptime(s, forms[i], &tm);
		time_t t;

		if (!rest)
			continue;
		rest += *rest == ' ';
		if (*rest) {
			if (parse_zone(rest, east_out))
				return -1;
			t = timegm(&tm) - *east_out * 60;
		} else {
			t = mktime(&tm);
			*east_out = (int)(tm.tm_gmtoff / 60);
		}
		*seconds_out = t;
		return 0;
	}
	return -1;
}

int casg_gitdate_parse(const char *text, int64_t *seconds_out,
		       int *east_minutes_out, struct casg_err *err)
{
	while (*text == ' ')
		text++;
	if (!parse_raw(text, seconds_out, east_minutes_out) ||
	    !parse_broken_down(text, seconds_out, east_minutes_out))
		return 0;
	return casg_err_set(err, CASG_ECORRUPT, "invalid date format: '%s'", text);
}
