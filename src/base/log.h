/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum log_format { LOG_TEXT, LOG_JSON };
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_DEBUG };

/*
 * Where messages go: standard error, or DESTINATION when it is not NULL, which is as crun has it: a file (created,
 * appended to), also as "file:PATH", or "syslog:IDENTIFIER" or "journald:IDENTIFIER".
 * In JSON each line is {"level","msg","time"}, what the shims of containerd and CRI-O read.
 * A message of level error goes to standard error as well when there is one, as runc does.
 */
int log_open(const char *destination, enum log_format format, bool debug, struct error *err);

void log_message(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_debug(...) log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)
