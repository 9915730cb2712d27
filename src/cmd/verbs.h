/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one table of verbs, included with VERB defined: declarations (cmd.h), dispatch and help (main.c).
 * A line is added with the verb's file: VERB(name, "ARGUMENTS", "what it does"), one line each, in the
 * order help shows them. No #pragma once here.
 */
