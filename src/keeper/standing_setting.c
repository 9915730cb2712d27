// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/standing_setting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"

#define FILE_MAX_BYTES 65536

/* The line of FILE that begins with KEY, or its first one when KEY is NULL; the caller's to free. NULL: none. */
static char *read_line(int dir, const char *file, const char *key)
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest;

	if (file_read_at(dir, file, FILE_MAX_BYTES, &text, NULL, NULL) < 0)
		return NULL;
	for (line = text; line && *line; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = '\0';
		if (!key || (string_starts_with(line, key) && line[strlen(key)] == ' '))
			return strdup(line);
	}
	return NULL;
}

/* What it is called in the book; the caller's to free. NULL: memory is out. */
static char *what_of(const struct standing_setting *s)
{
	if (!s->disk)
		return strdup(s->file);
	return string_format("%s %s%s%s", s->file, s->disk, s->key ? " " : "",
			     s->key ? s->key : "");
}

/* "8:0 rbps=9" of "8:0 rbps=9 wbps=max ..."; the caller's to free. NULL: it is not there. */
static char *value_in(const char *line, const struct standing_setting *s)
{
	_cleanup_free_ char *key = string_format(" %s=", s->key);
	const char *at = key ? strstr(line, key) : NULL;

	if (!at)
		return NULL;
	return string_format("%s%.*s", s->disk, (int)(1 + strcspn(at + 1, " ")), at);
}

/* What is there now, as it would be written; the caller's to free. NULL: nothing. */
static char *read_found(int dir, const struct standing_setting *s)
{
	char *line = read_line(dir, s->file, s->disk), *value;

	if (!line || !s->key)
		return line;
	value = value_in(line, s);
	free(line);
	return value;
}

/* The kernel keeps whole pages of memory. */
static bool is_the_term(const char *text, uint64_t term)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), value;

	return term && string_to_u64(text, 10, &value) == 0 &&
	       (value == term || value == term / page * page);
}

/* What was found before is no more there when the term is the container's maker's. */
static void hold_term(struct book *book, const struct standing_setting *s, const char *what)
{
	struct found known;

	if (book_find(book, s->directory, what, &known) && s->term && (known.term || s->changed))
		book_set_term(book, s->directory, what, s->text, s->none);
}

static const char *means_of(const struct standing_setting *s)
{
	return s->means ? s->means : STANDING_MEANS;
}

static bool is_for_cap(const struct found *found, const struct standing_setting *s)
{
	return strcmp(means_of(s), STANDING_MEANS) == 0 &&
	       strcmp(found->means, STANDING_CAP_MEANS) == 0;
}

/* What a cap has found is what the limit over it has found: now it is the limit's, and stays when the cap is lifted. */
static int note_found(struct book *book, const struct found *found,
		      const struct standing_setting *s, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct found known, anew = *found;

	if (!book_find(book, found->where, found->what, &known) || known.inode != found->inode ||
	    !is_for_cap(&known, s))
		return book_note(book, found, err);
	text = strdup(known.text);
	if (!text)
		return error_oom(err);
	anew.text = text;
	book_forget_one(book, found->where, found->what);
	return book_note(book, &anew, err);
}

static int note(struct writer *writer, int dir, const struct standing_setting *s, struct error *err)
{
	_cleanup_free_ char *what = what_of(s);
	_cleanup_free_ char *text = read_found(dir, s);
	struct found found = {.means = means_of(s),
			      .where = s->directory,
			      .what = what,
			      .none = s->none,
			      .promise = writer->promise};
	struct stat st;
	int r;

	if (!what)
		return error_oom(err);
	if (fstat(dir, &st) < 0)
		return error_errno(err, errno, "look at '%s'", s->directory);
	found.inode = st.st_ino;
	found.text = text ? text : s->none;
	found.term = is_the_term(found.text, s->term);
	r = note_found(writer->book, &found, s, err);
	if (r < 0)
		return r;
	hold_term(writer->book, s, what);
	return book_flush(writer->book, err);
}

int standing_set_one(struct writer *writer, const char *name, const struct standing_setting *s,
		     struct error *err)
{
	_cleanup_close_ int dir = -EBADF;
	int r = 0;

	if (writer->dry) {
		writer_tell(writer, name, s->directory, s->file, s->text);
		return 0;
	}
	dir = open(s->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, errno, "open the control group '%s'", s->directory);
	if (writer->book)
		r = note(writer, dir, s, err);
	if (r < 0)
		return r;
	writer->writes++;
	r = file_write_at(dir, s->file, s->text, err);
	return r < 0 ? error_prefix(err, "control group '%s'", s->directory) : 0;
}

int standing_take_back(struct writer *writer, const struct standing_setting *s, struct error *err)
{
	_cleanup_free_ char *what = what_of(s);
	struct found found;
	int r;

	if (!what)
		return error_oom(err);
	/* a dry run has no book: what a keeper before it may have set is not known, and what others have set stays */
	if (!writer->book || !book_find(writer->book, s->directory, what, &found) ||
	    is_for_cap(&found, s))
		return 0;
	if (found.term)
		found.text = s->none;
	writer->writes++;
	r = standing_undo_one(&found, err);
	if (r == 0)
		book_forget_one(writer->book, s->directory, what);
	return r;
}

int standing_undo_one(const struct found *found, struct error *err)
{
	_cleanup_free_ char *file = strndup(found->what, strcspn(found->what, " "));
	_cleanup_close_ int dir = open(found->where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r;

	if (!file)
		return error_oom(err);
	if (dir < 0 && errno == ENOENT)
		return 0;
	if (dir < 0 || fstat(dir, &st) < 0)
		return error_errno(err, errno, "open the control group '%s'", found->where);
	if (st.st_ino != found->inode)
		return 0;
	r = file_write_at(dir, file, found->text, err);
	/* gone in this very moment */
	if (r == -ENODEV || r == -ENOENT)
		return 0;
	return r < 0 ? error_prefix(err, "control group '%s'", found->where) : 0;
}

bool standing_is_due(const struct standing_value *value, uint64_t wanted)
{
	return !value->known || value->now != wanted;
}

int standing_first(int result, int r, const struct error *why, struct error *err)
{
	if (result < 0)
		return result;
	if (r < 0)
		*err = *why;
	return r;
}
