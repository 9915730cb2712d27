/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one table of verbs, included with VERB defined: declarations (cmd.h), dispatch and help (main.c).
 * A line is added with the verb's file: VERB(name, "ARGUMENTS", "what it does"), one line each, in the
 * order help shows them. No #pragma once here.
 *
 * Where VERB_APART is defined, too, the verbs that are not the runtime's come by it.
 */
VERB(create, "[--bundle DIR] ID", "make a container, up to the point where only start is missing")
VERB(start, "ID", "start a created container")
VERB(run, "[--bundle DIR] ID", "create and start a container, wait for it and delete it")
VERB(state, "ID", "print the state of a container as JSON")
VERB(kill, "[--all] [--regex] ID [SIGNAL]", "send a signal to a container, SIGTERM by default")
VERB(delete, "[--force] [--regex] ID...", "remove stopped containers")
VERB(list, "[--quiet] [--format FORMAT]", "list containers")
VERB(exec, "[OPTIONS] ID COMMAND...", "run one more process in a container")
VERB(ps, "[--format FORMAT] ID [PS-OPTION...]", "list the processes of a container")
VERB(pause, "ID", "stop all processes of a container where they are")
VERB(resume, "ID", "let the processes of a paused container go on")
VERB(update, "[OPTIONS] ID", "change the limits of a container")
VERB(mounts, "add|remove ID FILE", "add mounts to a running container, or take them away")
VERB(events, "[--stats] [--interval TIME] ID", "print what a container uses, and its OOM kills")
VERB(spec, "[--bundle DIR]", "write a configuration to begin with")
VERB(features, "", "print what this build can do, as JSON")
#ifdef VERB_APART
#undef VERB
#define VERB(verb, args, summary) VERB_APART(verb, args, summary)
#endif
VERB(ledger, "on|off|status [-J]", "account CPU time by on whose behalf it is spent")
VERB(doctor, "[-J]", "tell what the kernel's options and hooks mean for the figures")
VERB(top, "[OPTIONS]", "show who spends CPU time, and on whose behalf, refreshing")
VERB(stat, "[OPTIONS] [ID]", "show who spent CPU time, and on whose behalf")
VERB(who, "[-i SECONDS] [ID]", "say in sentences who pays for what")
VERB(record, "[OPTIONS] FILE", "write down what the ledger says, for later")
VERB(replay, "FILE top|stat|who [ARGUMENTS]", "show what was recorded")
VERB(terms, "set|unset|show|list [ARGUMENTS]", "promise terms to containers that run already")
VERB(keeper, "[OPTIONS] | status [-J]", "keep terms: hold charges to what is promised")
VERB(metrics, "[OPTIONS]", "give who spent CPU time to a monitoring system")
VERB(calibrate, "[--quick] [--output FILE]", "measure what I/O costs in CPU on this host")
VERB(plan, "[OPTIONS] [FILE]", "tell what promises need, and whether they can be kept")
VERB(spawn, "[TERMS] [OPTIONS] COMMAND", "run a command in a workspace of its own")
