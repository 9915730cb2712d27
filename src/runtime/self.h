/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"

/*
 * Makes sure that the running program cannot be written to through /proc/PID/exe, which a container
 * can reach while one of our processes is inside it (CVE-2019-5736): executes itself again from a
 * read-only mount that nobody can find, or where mounts are not allowed from a sealed copy in memory.
 * Returns 0 when the program is so protected already, as `behalf` starts it (src/launcher); ARGV is the whole
 * of main's.
 */
int self_protect(char **argv, struct error *err);
