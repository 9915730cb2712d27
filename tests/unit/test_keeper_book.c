// SPDX-License-Identifier: GPL-2.0-or-later
/* The book of what was found: what one keeper has noted the next one knows, whenever the first was killed. */
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/strings.h"
#include "keeper/book.h"

struct place {
	char path[64];
	int dir;
	struct book *book;
	bool damaged;
};

static void open_again(struct place *place)
{
	struct error err = {0};

	book_close(place->book);
	place->book = NULL;
	must(book_open(place->dir, &place->book, &place->damaged, &err) == 0, "%s", err.text);
}

static void make_place(struct place *place)
{
	strcpy(place->path, "/tmp/behalf-book-XXXXXX");
	must(mkdtemp(place->path) != NULL);
	place->dir = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	open_again(place);
}

static void leave_place(struct place *place)
{
	_cleanup_free_ char *command = string_format("rm -rf %s", place->path);

	book_close(place->book);
	close(place->dir);
	ok(system(command) == 0);
}

static void put_down(struct place *place, const char *where, const char *what, const char *text)
{
	struct found found = {.means = "cgroup", .where = where, .what = what, .text = text};
	struct error err = {0};

	found.inode = 7;
	found.promise = "one.json";
	ok(book_note(place->book, &found, &err) == 0, "%s", err.text);
}

static void flush(struct place *place)
{
	struct error err = {0};

	ok(book_flush(place->book, &err) == 0, "%s", err.text);
}

static char *text_of(const struct place *place)
{
	char *text = NULL;

	ok(file_read_at(place->dir, "found.json", 1 << 20, &text, NULL, NULL) == 0);
	return text;
}

static size_t lines_of(const struct place *place)
{
	_cleanup_free_ char *text = text_of(place);
	size_t n = 1;

	for (const char *at = text; at && *at; at++)
		n += *at == '\n';
	return n;
}

static bool has(const struct place *place, const char *where, const char *what, const char *text)
{
	struct found found;

	return book_find(place->book, where, what, &found) && strcmp(found.text, text) == 0;
}

TEST(what_was_noted_is_known_to_the_next)
{
	struct place place = {0};
	struct found found;

	make_place(&place);
	put_down(&place, "/a", "shares", "1024");
	put_down(&place, "/a", "quota", "-1");
	flush(&place);
	put_down(&place, "/b", "shares", "5\n\"6\"");
	flush(&place);
	/* what is new is written, and nothing else again */
	is_uint(lines_of(&place), 2);
	open_again(&place);
	ok(!place.damaged);
	is_uint(book_entries(place.book), 3);
	ok(has(&place, "/a", "shares", "1024"));
	ok(has(&place, "/a", "quota", "-1"));
	ok(has(&place, "/b", "shares", "5\n\"6\""));
	ok(!book_find(place.book, "/b", "quota", &found));
	must(book_find(place.book, "/b", "shares", &found));
	is_uint(found.inode, 7);
	is_str(found.promise, "one.json");
	ok(found.inherited);
	leave_place(&place);
}

TEST(what_is_noted_once_more_stays_and_is_no_more_inherited)
{
	struct place place = {0};
	struct found found;

	make_place(&place);
	put_down(&place, "/a", "shares", "1024");
	put_down(&place, "/a", "quota", "-1");
	flush(&place);
	open_again(&place);
	put_down(&place, "/a", "shares", "5");
	ok(has(&place, "/a", "shares", "1024"));
	must(book_find(place.book, "/a", "shares", &found));
	ok(!found.inherited);
	ok(book_has_inherited(place.book, "/a"));
	book_forget_inherited(place.book, "/a", NULL);
	is_uint(book_entries(place.book), 1);
	ok(!book_has_inherited(place.book, "/a"));
	leave_place(&place);
}

TEST(what_is_forgotten_is_unknown_to_the_next)
{
	struct place place = {0};

	make_place(&place);
	put_down(&place, "/a", "shares", "1024");
	flush(&place);
	put_down(&place, "/b", "shares", "1024");
	put_down(&place, "/b", "quota", "-1");
	flush(&place);
	book_forget_one(place.book, "/b", "shares");
	book_forget(place.book, "/a");
	flush(&place);
	is_uint(lines_of(&place), 1);
	open_again(&place);
	is_uint(book_entries(place.book), 1);
	ok(has(&place, "/b", "quota", "-1"));
	leave_place(&place);
}

TEST(a_line_that_was_being_written_is_passed_over)
{
	struct place place = {0};
	_cleanup_free_ char *text = NULL;
	struct error err = {0};

	make_place(&place);
	put_down(&place, "/a", "shares", "1024");
	flush(&place);
	put_down(&place, "/b", "shares", "1024");
	flush(&place);
	text = text_of(&place);
	text[strlen(text) - 5] = '\0';
	must(file_replace_at(place.dir, "found.json", text, 0600, false, &err) == 0);
	open_again(&place);
	ok(!place.damaged);
	is_uint(book_entries(place.book), 1);
	put_down(&place, "/c", "shares", "1024");
	flush(&place);
	open_again(&place);
	ok(!place.damaged);
	is_uint(book_entries(place.book), 2);
	ok(has(&place, "/c", "shares", "1024"));
	leave_place(&place);
}

/* A keeper is killed with LENGTH bytes of the file written; two come after it. */
static void cut_and_go_on(struct place *place, const char *text, size_t length)
{
	_cleanup_free_ char *part = strndup(text, length);
	bool whole = !text[length];

	must(file_replace_at(place->dir, "found.json", part, 0600, false, NULL) == 0);
	open_again(place);
	ok(!place->damaged, "%zu", length);
	is_uint(book_entries(place->book), whole ? 2 : 1);
	put_down(place, "/c", "shares", "1024");
	flush(place);
	open_again(place);
	ok(!place->damaged, "%zu", length);
	is_uint(book_entries(place->book), whole ? 3 : 2);
	put_down(place, "/d", "shares", "1024");
	flush(place);
	open_again(place);
	ok(!place->damaged, "%zu", length);
	is_uint(book_entries(place->book), whole ? 4 : 3);
}

TEST(a_line_may_end_anywhere)
{
	struct place place = {0};
	_cleanup_free_ char *text = NULL;

	make_place(&place);
	put_down(&place, "/a", "shares", "1024");
	flush(&place);
	put_down(&place, "/b", "shares", "1024");
	flush(&place);
	text = text_of(&place);
	for (size_t length = strcspn(text, "\n"); length <= strlen(text); length++)
		cut_and_go_on(&place, text, length);
	leave_place(&place);
}

static bool is_there(const struct place *place)
{
	return faccessat(place->dir, "found.json", F_OK, 0) == 0;
}

/* At no time is there less in the file than is left to be put back. */
TEST(what_is_left_at_the_end_is_for_the_next)
{
	struct place place = {0};

	make_place(&place);
	put_down(&place, "/a", "shares", "1024");
	put_down(&place, "/b", "shares", "5");
	flush(&place);
	book_carry(place.book, "/a", json_object_new_int(1));
	book_forget(place.book, "/a");
	must(book_end(place.book, NULL) == 0);
	open_again(&place);
	is_uint(book_entries(place.book), 1);
	ok(has(&place, "/b", "shares", "5"));
	ok(!book_carried(place.book, "/a"));
	book_forget(place.book, "/b");
	must(book_end(place.book, NULL) == 0);
	ok(!is_there(&place));
	leave_place(&place);
}

TEST(what_is_for_one_promise_becomes_anothers_without_what_is_for_others)
{
	struct found found = {.means = "link", .where = "out0", .what = "qdisc", .text = ""};
	struct place place = {0};

	make_place(&place);
	found.promise = "a.json";
	must(book_note(place.book, &found, NULL) == 0);
	found.what = "redirect";
	found.promise = "b.json";
	must(book_note(place.book, &found, NULL) == 0);
	must(book_move_promise(place.book, "out0", "a.json", "c.json", NULL) == 0);
	must(book_find(place.book, "out0", "qdisc", &found));
	is_str(found.promise, "c.json");
	must(book_find(place.book, "out0", "redirect", &found));
	is_str(found.promise, "b.json");
	leave_place(&place);
}

TEST(another_text_leaves_an_entry_whose_it_is)
{
	struct place place = {0};
	struct error err = {0};
	struct found found;

	make_place(&place);
	put_down(&place, "/a", "x", "1 2");
	flush(&place);
	is_int(book_set_text(place.book, "/a", "x", "3 4", &err), 0);
	is_int(book_set_text(place.book, "/a", "none", "5", &err), 0);
	flush(&place);
	open_again(&place);
	is_uint(book_entries(place.book), 1);
	ok(book_find(place.book, "/a", "x", &found));
	is_str(found.text, "3 4");
	is_str(found.promise, "one.json");
	leave_place(&place);
}

TEST(a_damaged_book_is_empty_and_says_so)
{
	static const char *const texts[] = {
		"", "{", "{\"version\":3,\"found\":[],\"carried\":{}}",
		"{\"version\":1,\"found\":[{\"means\":\"cgroup\"}],\"carried\":{}}",
		"{\"version\":1,\"found\":[],\"carried\":{}}\n{\"means\n{}\n"};
	struct place place = {0};

	make_place(&place);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		must(file_replace_at(place.dir, "found.json", texts[i], 0600, false, NULL) == 0);
		open_again(&place);
		ok(place.damaged, "%s", texts[i]);
		is_uint(book_entries(place.book), 0);
		put_down(&place, "/a", "shares", "1024");
		flush(&place);
		open_again(&place);
		ok(!place.damaged);
		is_uint(book_entries(place.book), 1);
	}
	leave_place(&place);
}

/* As many as a host of a thousand workspaces has, in time that nobody notices. */
TEST(thousands_are_noted_one_by_one)
{
	struct place place = {0};

	make_place(&place);
	for (int i = 0; i < 8000; i++) {
		_cleanup_free_ char *where = string_format("/sys/fs/cgroup/cpu/group-%d", i / 4);
		_cleanup_free_ char *what = string_format("file-%d", i % 4);
		const struct found found = {
			.means = "cgroup", .where = where, .what = what, .text = "1"};

		if (book_note(place.book, &found, NULL) < 0 || book_flush(place.book, NULL) < 0)
			break;
	}
	is_uint(book_entries(place.book), 8000);
	open_again(&place);
	is_uint(book_entries(place.book), 8000);
	ok(has(&place, "/sys/fs/cgroup/cpu/group-1999", "file-3", "1"));
	for (int i = 0; i < 2000; i++) {
		_cleanup_free_ char *where = string_format("/sys/fs/cgroup/cpu/group-%d", i);

		book_forget(place.book, where);
	}
	is_uint(book_entries(place.book), 0);
	leave_place(&place);
}

/* As a keeper does to all that the one before it has set, one link after the other. */
static void forget_and_note(struct place *place, int number)
{
	_cleanup_free_ char *where = string_format("/sys/fs/cgroup/cpu/group-%d", number);

	book_forget(place->book, where);
	put_down(place, where, "shares", "5");
	flush(place);
}

TEST(what_is_forgotten_is_not_a_reason_to_write_all)
{
	struct place place = {0};
	size_t most;

	make_place(&place);
	for (int i = 0; i < 100; i++) {
		_cleanup_free_ char *where = string_format("/sys/fs/cgroup/cpu/group-%d", i);

		put_down(&place, where, "shares", "1024");
		put_down(&place, where, "quota", "1024");
	}
	flush(&place);
	is_uint(lines_of(&place), 1);
	open_again(&place);
	for (int i = 0; i < 10; i++)
		forget_and_note(&place, i);
	/* two are forgotten, one is noted */
	is_uint(lines_of(&place), 1 + 3 * 10);
	open_again(&place);
	is_uint(book_entries(place.book), 200 - 10);
	ok(has(&place, "/sys/fs/cgroup/cpu/group-9", "shares", "5"));
	ok(!has(&place, "/sys/fs/cgroup/cpu/group-9", "quota", "1024"));
	ok(has(&place, "/sys/fs/cgroup/cpu/group-10", "quota", "1024"));
	/* until half of it tells nothing */
	most = 0;
	for (int i = 0; i < 1000; i++) {
		forget_and_note(&place, i % 100);
		most = lines_of(&place) > most ? lines_of(&place) : most;
	}
	ok(most < 500, "%zu lines", most);
	open_again(&place);
	is_uint(book_entries(place.book), 100);
	leave_place(&place);
}

TEST(what_is_carried_anew_is_not_a_reason_to_write_all)
{
	struct place place = {0};
	size_t most = 0;

	make_place(&place);
	for (int i = 0; i < 100; i++) {
		_cleanup_free_ char *where = string_format("/sys/fs/cgroup/cpu/group-%d", i);

		put_down(&place, where, "shares", "1024");
	}
	flush(&place);
	for (int i = 0; i < 1000; i++) {
		struct json_object *value = json_object_new_object();

		json_add_double(value, "debt_s", i);
		book_carry_nothing(place.book);
		book_carry(place.book, "/a", value);
		flush(&place);
		if (i == 9)
			is_uint(lines_of(&place), 1 + 10);
		most = lines_of(&place) > most ? lines_of(&place) : most;
	}
	ok(most < 500, "%zu lines", most);
	open_again(&place);
	is_uint(book_entries(place.book), 100);
	is_near(json_object_get_double(
			json_object_object_get(book_carried(place.book, "/a"), "debt_s")),
		999, 0.1);
	leave_place(&place);
}

TEST(a_book_of_the_version_before_is_read_and_written_anew)
{
	static const char text[] =
		"{\"version\":1,\"found\":[{\"means\":\"cgroup\",\"where\":\"/a\","
		"\"inode\":7,\"what\":\"shares\",\"text\":\"1024\"}],\"carried\":{}}";
	struct place place = {0};
	_cleanup_free_ char *now = NULL;

	make_place(&place);
	must(file_replace_at(place.dir, "found.json", text, 0600, false, NULL) == 0);
	open_again(&place);
	ok(!place.damaged);
	ok(has(&place, "/a", "shares", "1024"));
	put_down(&place, "/b", "shares", "5");
	flush(&place);
	now = text_of(&place);
	ok(strstr(now, "\"version\":2") != NULL);
	open_again(&place);
	is_uint(book_entries(place.book), 2);
	leave_place(&place);
}

TEST(what_was_carried_is_known_to_the_next)
{
	struct place place = {0};
	struct json_object *value = json_object_new_object();

	make_place(&place);
	json_add_double(value, "debt_s", 0.5);
	book_carry(place.book, "/a", value);
	flush(&place);
	open_again(&place);
	value = book_carried(place.book, "/a");
	ok(value && json_object_object_get_ex(value, "debt_s", NULL));
	ok(!book_carried(place.book, "/b"));
	book_carry_nothing(place.book);
	flush(&place);
	open_again(&place);
	ok(!book_carried(place.book, "/a"));
	leave_place(&place);
}
