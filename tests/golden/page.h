/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A page that is held to a file of GOLDEN_DIR. GOLDEN_UPDATE=1 writes the files anew: then look at the difference
 * before it is committed.
 */
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"

struct page {
	char *text;
	size_t size;
	FILE *file;
};

/* What is to be printed into. */
static inline FILE *page_open(struct page *page)
{
	page->file = open_memstream(&page->text, &page->size);
	return page->file;
}

/* Closes the page and holds it to the file NAME. */
static inline void page_is(struct page *page, const char *name)
{
	_cleanup_free_ char *want = NULL, *got = NULL;
	_cleanup_close_ int dir = open(GOLDEN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};

	fclose(page->file);
	got = page->text;
	must(dir >= 0);
	if (getenv("GOLDEN_UPDATE"))
		must(file_replace_at(dir, name, got, 0644, false, &err) == 0, "%s", err.text);
	must(file_read_at(dir, name, 1 << 20, &want, NULL, &err) == 0, "%s", err.text);
	is_str(got, want);
}
