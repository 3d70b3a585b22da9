#include "rfc3339.h"

#include <stdio.h>
#include <string.h>

/* Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant). */
static int64_t days_from_civil(int64_t y, int m, int d)
{
	int64_t era, yoe, doy, doe;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

static void civil_from_days(int64_t z, int64_t *y, int *m, int *d)
{
	int64_t era, doe, yoe, doy, mp;

	z += 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = yoe + era * 400 + (*m <= 2);
}

static int days_in_month(int y, int m)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return m == 2 && leap ? 29 : days[m - 1];
}

/* 'n' decimal digits, at most 4; -1 if any is not one. */
static int digits(const char *s, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

static int parse_date(const char *s, int64_t *days_out)
{
	int y = digits(s, 4), m, d;

	if (y < 1 || s[4] != '-')
		return -1;
	m = digits(s + 5, 2);
	if (m < 1 || m > 12 || s[7] != '-')
		return -1;
	d = digits(s + 8, 2);
	if (d < 1 || d > days_in_month(y, m))
		return -1;
	*days_out = days_from_civil(y, m, d);
	return 0;
}

static int parse_clock(const char *s, int64_t *seconds_out)
{
	int h = digits(s, 2), m, sec;

	if (h < 0 || h > 23 || s[2] != ':')
		return -1;
	m = digits(s + 3, 2);
	if (m < 0 || m > 59 || s[5] != ':')
		return -1;
	sec = digits(s + 6, 2);
	if (sec < 0 || sec > 59)
		return -1;
	*seconds_out = h * 3600 + m * 60 + sec;
	return 0;
}

int casg_time_parse(const char *s, size_t n, int64_t *seconds_out)
{
	int64_t days, seconds;

	if (n != CASG_TIME_SIZE - 1 || s[10] != 'T' || s[19] != 'Z' ||
	    parse_date(s, &days) || parse_clock(s + 11, &seconds))
		return -1;
	*seconds_out = days * 86400 + seconds;
	return 0;
}

char *casg_time_format(int64_t seconds, char out[CASG_TIME_SIZE])
{
	int64_t days = seconds / 86400, rest = seconds % 86400, y;
	int m, d;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	/* years 0001 to 9999, checked in days so that nothing overflows */
	if (days < -719162 || days > 2932896)
		return NULL;
	civil_from_days(days, &y, &m, &d);
	snprintf(out, CASG_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ",
		 (unsigned)y % 10000, (unsigned)m % 100, (unsigned)d % 100,
		 (unsigned)(rest / 3600) % 100, (unsigned)(rest / 60 % 60),
		 (unsigned)(rest % 60));
	return out;
}

/* "Z", "+HH:MM" or "-HH:MM"; seconds east of UTC. */
static int parse_zone(const char *s, int64_t *east_out)
{
	int h, m;

	if (!strcmp(s, "Z")) {
		*east_out = 0;
		return 0;
	}
	if ((s[0] != '+' && s[0] != '-') || strlen(s) != 6 || s[3] != ':')
		return -1;
	h = digits(s + 1, 2);
	m = digits(s + 4, 2);
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return -1;
	*east_out = (h * 3600 + m * 60) * (s[0] == '-' ? -1 : 1);
	return 0;
}

static int parse_user(const char *s, int64_t *seconds_out)
{
	size_t n = strlen(s);
	int64_t days, seconds = 0, east = 0;
	char tmp[CASG_TIME_SIZE];

	if (n != 10 && n < CASG_TIME_SIZE - 1)
		return -1;
	if (parse_date(s, &days))
		return -1;
	if (n > 10 && (s[10] != 'T' || parse_clock(s + 11, &seconds) ||
		       parse_zone(s + 19, &east)))
		return -1;
	*seconds_out = days * 86400 + seconds - east;
	return casg_time_format(*seconds_out, tmp) ? 0 : -1;
}

int casg_time_parse_user(const char *s, int64_t *seconds_out, struct casg_err *err)
{
	if (!parse_user(s, seconds_out))
		return 0;
	return casg_err_set(err, CASG_ECORRUPT,
			    "'%s' is not a time (wanted YYYY-MM-DD or "
			    "YYYY-MM-DDTHH:MM:SS with Z or +HH:MM behind it)", s);
}
