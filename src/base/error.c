// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int normalise(int code)
{
	code = abs(code);
	return code ? code : EINVAL;
}

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list ap;

	code = normalise(code);
	if (!err)
		return -code;
	err->code = code;
	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	return -code;
}

int error_errno(struct error *err, int code, const char *format, ...)
{
	va_list ap;
	size_t used;
	int n;

	code = normalise(code);
	if (!err)
		return -code;
	err->code = code;
	va_start(ap, format);
	n = vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	used = n < 0 ? 0 : (size_t)n;
	if (used < sizeof(err->text))
		snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(code));
	return -code;
}

int error_prefix(struct error *err, const char *format, ...)
{
	char prefix[sizeof(err->text)];
	size_t length, rest;
	va_list ap;

	if (!err)
		return -EINVAL;
	va_start(ap, format);
	vsnprintf(prefix, sizeof(prefix) - 2, format, ap);
	va_end(ap);
	strcat(prefix, ": ");
	/* Make room in front; what no longer fits is cut from the end. */
	length = strlen(prefix);
	rest = strnlen(err->text, sizeof(err->text) - 1 - length);
	memmove(err->text + length, err->text, rest);
	memcpy(err->text, prefix, length);
	err->text[length + rest] = '\0';
	return -normalise(err->code);
}

int error_oom(struct error *err)
{
	return error_set(err, ENOMEM, "out of memory");
}
