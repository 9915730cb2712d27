/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <getopt.h>

/*
 * The next option of a verb (argv[0]), as getopt_long() has it; -1 after the last. What getopt would print by
 * itself goes where all sentences go, which is what an engine shows of a runtime's failure; then '?'. Every verb
 * takes 'h', by which crun's other words for help are told, too.
 */
int options_next(int argc, char **argv, const char *shorts, const struct option *longs);
