/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum log_format { LOG_TEXT, LOG_JSON };
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_DEBUG };

/*
 * Where messages go: standard error, or PATH when it is not NULL (created, appended to).
 * In JSON each line is {"level","msg","time"}, what the shims of containerd and CRI-O read.
 * A message of level error goes to standard error as well when a PATH is set, as runc does.
 */
int log_open(const char *path, enum log_format format, bool debug, struct error *err);

void log_message(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_debug(...) log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* The descriptor of the log file, or -EBADF: the stages keep it open over the container's start. */
int log_fd(void);
