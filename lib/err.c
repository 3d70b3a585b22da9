#include "err.h"

#include <stdio.h>
#include <string.h>

static void mask(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

int casg_err_set(struct casg_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	mask(err->msg);
	err->code = code;
	return code;
}

int casg_err_sys(struct casg_err *err, int errnum, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (!err)
		return CASG_EIO;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", strerror(errnum));
	mask(err->msg);
	err->code = CASG_EIO;
	return CASG_EIO;
}

int casg_err_prefix(struct casg_err *err, const char *fmt, ...)
{
	char old[CASG_ERR_MAX];
	va_list ap;
	size_t n;

	if (!err)
		return CASG_EBUG;
	memcpy(old, err->msg, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", old);
	mask(err->msg);
	return err->code;
}

int casg_err_nomem(struct casg_err *err)
{
	return casg_err_set(err, CASG_ENOMEM, "out of memory");
}
