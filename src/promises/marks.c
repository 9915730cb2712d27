// SPDX-License-Identifier: GPL-2.0-or-later
#include "promises/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "promises/promises.h"

#define MARKS_MAX_BYTES (64u << 10)
#define OVERTAKEN_NS UINT64_C(60000000000)

static char *path_of_marks(void)
{
	return string_format("%s.marks", promises_directory());
}

static int read_from(const char *path, struct lately_marks *marks, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = file_read_at(AT_FDCWD, path, MARKS_MAX_BYTES, &text, NULL, err);

	marks->n = 0;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	lately_parse(text, marks);
	return 0;
}

int marks_read(struct lately_marks *marks, struct error *err)
{
	_cleanup_free_ char *path = path_of_marks();

	marks->n = 0;
	return path ? read_from(path, marks, err) : error_oom(err);
}

void marks_forget(void)
{
	_cleanup_free_ char *path = path_of_marks();

	if (path)
		unlink(path);
}

/* A younger one is of somebody who looked later, but was faster; one that is much younger is of another clock. */
static bool is_too_soon(const struct lately_marks *marks, const struct lately_mark *mark)
{
	const struct lately_mark *last = marks->n ? &marks->all[marks->n - 1] : NULL;

	if (!last || last->ledger != mark->ledger)
		return false;
	if (mark->at_ns < last->at_ns)
		return last->at_ns - mark->at_ns < OVERTAKEN_NS;
	/* half of it: who notes once in a period does not read the clock at the same moment of each */
	return mark->at_ns - last->at_ns < LATELY_PERIOD_NS / 2;
}

int marks_add(const struct lately_mark *mark, struct error *err)
{
	_cleanup_free_ char *path = path_of_marks(), *text = NULL;
	struct lately_marks marks;
	int r = path ? 0 : error_oom(err);

	if (r < 0)
		return r;
	/* what cannot be read is written anew */
	if (read_from(path, &marks, NULL) == 0 && is_too_soon(&marks, mark))
		return 0;
	lately_add(&marks, mark);
	text = lately_format(&marks);
	return text ? file_replace_at(AT_FDCWD, path, text, 0644, false, err) : error_oom(err);
}
