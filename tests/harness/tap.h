/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small test harness that speaks TAP.
 *
 *	#include "tap.h"
 *	TEST(sizes_are_parsed)
 *	{
 *		uint64_t bytes;
 *		must(size_parse("4k", &bytes) == 0);
 *		is_uint(bytes, 4096);
 *	}
 *
 * The harness brings main(). Every test runs in a child process of its own, which leads its own
 * process group: a crash, an exit or a hang costs one test, and what the test started is killed with
 * it. What a test prints is shown, as TAP comments, when it fails (always with TAP_VERBOSE=1).
 *
 * A check that does not hold is reported with file, line and both values, and the test goes on; only
 * must() and skip() leave it. They leave by `return`, never by longjmp, so cleanup attributes of the
 * test's own function run, and a leak checker sees the truth. They can therefore only be used in
 * functions that return void; in a helper they leave the helper.
 *
 * Exit status of a test's child: 0 passed, 77 skipped, anything else failed.
 *
 * Usage of a test program: test_NAME [-l] [PATTERN...]; PATTERN is a shell pattern of test names.
 * Environment: TAP_VERBOSE=1; TAP_NOFORK=1 runs in one process, for a debugger; TAP_TIMEOUT=SECONDS
 * replaces the limit of every test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

struct tap_test {
	const char *name;
	void (*run)(void);
	unsigned int timeout_s;
	struct tap_test *next;
};

#define TAP_DEFAULT_TIMEOUT_S 20

/* Defines a test; seconds is how long it may take. */
#define TEST_TIMEOUT(test_name, seconds)                                                           \
	static void tap_run_##test_name(void);                                                     \
	static struct tap_test tap_test_##test_name = {                                            \
		.name = #test_name, .run = tap_run_##test_name, .timeout_s = (seconds)};           \
	__attribute__((constructor)) static void tap_register_##test_name(void)                    \
	{                                                                                          \
		tap_register(&tap_test_##test_name);                                               \
	}                                                                                          \
	static void tap_run_##test_name(void)

#define TEST(test_name) TEST_TIMEOUT(test_name, TAP_DEFAULT_TIMEOUT_S)

/* The condition holds. An optional printf format and arguments say more. Value: whether it held. */
#define ok(cond, ...) tap_ok((cond) ? true : false, __FILE__, __LINE__, #cond, " " __VA_ARGS__)

/* As ok(), but leaves the test (or the void helper) when it does not hold. */
#define must(cond, ...)                                                                            \
	do {                                                                                       \
		if (!ok(cond, ##__VA_ARGS__))                                                      \
			return;                                                                    \
	} while (0)

/* The two are equal; the first is what was got, the second what was wanted. */
#define is_int(got, want) tap_is_int((intmax_t)(got), (intmax_t)(want), __FILE__, __LINE__, #got)
#define is_uint(got, want)                                                                         \
	tap_is_uint((uintmax_t)(got), (uintmax_t)(want), __FILE__, __LINE__, #got)
#define is_str(got, want) tap_is_str((got), (want), __FILE__, __LINE__, #got)
#define is_ptr(got, want)                                                                          \
	tap_is_ptr((const void *)(got), (const void *)(want), __FILE__, __LINE__, #got)
#define is_mem(got, want, len) tap_is_mem((got), (want), (len), __FILE__, __LINE__, #got)

/* |got - want| <= slack */
#define is_near(got, want, slack) tap_is_near((got), (want), (slack), __FILE__, __LINE__, #got)

/* The text holds the part; for sentences of errors. */
#define has_str(text, part) tap_has_str((text), (part), __FILE__, __LINE__, #text)

/* Reports the test as skipped, and leaves it. The reason is a printf format and arguments. */
#define skip(...)                                                                                  \
	do {                                                                                       \
		tap_skip(__VA_ARGS__);                                                             \
		return;                                                                            \
	} while (0)

/*
 * Skips the test where there is no such system call: on an old kernel, or in what a program is run in to
 * be looked at (the valgrind of Debian 12 has no clone3, openat2 or seccomp).
 */
#define needs_call(call)                                                                           \
	do {                                                                                       \
		if (!tap_has_call(SYS_##call))                                                     \
			skip("no system call " #call " here");                                     \
	} while (0)

/* Prints a remark, seen when the test fails; handy as the label of a row in a table of cases. */
#define note(...) tap_note(__VA_ARGS__)

void tap_register(struct tap_test *test);
bool tap_ok(bool held, const char *file, int line, const char *expr, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
bool tap_is_int(intmax_t got, intmax_t want, const char *file, int line, const char *expr);
bool tap_is_uint(uintmax_t got, uintmax_t want, const char *file, int line, const char *expr);
bool tap_is_str(const char *got, const char *want, const char *file, int line, const char *expr);
bool tap_is_ptr(const void *got, const void *want, const char *file, int line, const char *expr);
bool tap_is_mem(const void *got, const void *want, size_t len, const char *file, int line,
		const char *expr);
bool tap_is_near(double got, double want, double slack, const char *file, int line,
		 const char *expr);
bool tap_has_str(const char *text, const char *part, const char *file, int line, const char *expr);
bool tap_has_call(long number);
void tap_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
