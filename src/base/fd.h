/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Whole-file reads and writes relative to a directory descriptor (AT_FDCWD for the working
 * directory). All retry on EINTR and open with O_CLOEXEC.
 */

/*
 * Reads PATH whole, at most LIMIT_BYTES (-EFBIG above). *TEXT is NUL-terminated and the caller's
 * to free, *SIZE (may be NULL) its length without the NUL. ERR may be NULL.
 */
int file_read_at(int dirfd, const char *path, size_t limit_bytes, char **text, size_t *size,
		 struct error *err);

/* As file_read_at, of an open descriptor from its current offset; NAME is for the sentence. */
int fd_read_all(int fd, const char *name, size_t limit_bytes, char **text, size_t *size,
		struct error *err);

/*
 * Writes TEXT to an existing file in one write(2), as the kernel's interface files want it.
 * Does not create. ERR may be NULL.
 */
int file_write_at(int dirfd, const char *path, const char *text, struct error *err);

/*
 * Replaces PATH by a file of MODE that holds TEXT: temporary file, fsync where DURABLE, rename.
 * A reader sees the old or the new content, never a part.
 */
int file_replace_at(int dirfd, const char *path, const char *text, mode_t mode, bool durable,
		    struct error *err);

/* Makes the new file PATH of MODE with TEXT in it: -EEXIST when it is there. */
int file_create_at(int dirfd, const char *path, const char *text, mode_t mode, struct error *err);

/* Writes all SIZE bytes. Returns 0 or a negative errno. */
int fd_write_all(int fd, const void *data, size_t size);

/* As many descriptors as this process may give itself: the soft limit is one for select(2), which nothing here uses. */
void fd_raise_limit(void);

/* Sets or clears FD_CLOEXEC. Returns 0 or a negative errno. */
int fd_set_cloexec(int fd, bool on);

/* Sends one descriptor over a connected Unix socket (SCM_RIGHTS) with NAME as the payload. */
int fd_send(int socket, int fd, const char *name, struct error *err);
