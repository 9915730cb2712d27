/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One failure, told once. A function that can fail returns 0 (or a count) or a negative errno and
 * fills the caller's struct error with one sentence that names the object. The innermost function
 * sets it, outer ones may prefix, only cmd/ and the keeper's loop print it.
 */
struct error {
	int code;	 /* positive errno, 0 while nothing failed */
	char text[1024]; /* "open '/x/config.json': No such file or directory" */
};

/*
 * Sets the sentence as it is given. CODE is an errno, its sign does not matter.
 * ERR may be NULL when the caller wants the code only. Returns -CODE (never 0: a CODE of 0 becomes
 * EINVAL).
 */
int error_set(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As error_set, and appends ": " and what strerror says of CODE. */
int error_errno(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "FORMAT: " before the sentence that is there. Returns -err->code. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns -ENOMEM with "out of memory". */
int error_oom(struct error *err);
