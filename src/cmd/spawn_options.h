/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What `behalf spawn` was asked for. */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "kernel/netlink_address.h"
#include "plan/cpus.h"
#include "plan/terms.h"

enum spawn_net { SPAWN_NET_PRIVATE, SPAWN_NET_HOST, SPAWN_NET_NONE };

struct spawn_bind {
	char *source; /* absolute, on the host */
	char *destination;
	bool read_only;
};

struct spawn_options {
	char *name;
	bool detach, tty, read_only, help;
	bool force;   /* terms that do not fit are promised all the same */
	char *rootfs; /* absolute; NULL: the host's own root */
	bool rootfs_overlay;
	enum spawn_net net;
	bool has_subnet;
	struct ipv4_range subnet;
	bool has_cpus;
	struct cpus cpus;
	struct terms terms;
	char **env; /* "KEY=value" */
	const char *workdir, *user, *output;
	struct spawn_bind *binds;
	size_t n_binds;
	char **command; /* NULL-terminated, part of argv */
};

/* Reads argv. Strings of argv are kept; the rest is the caller's to spawn_options_clear. */
int spawn_options_parse(int argc, char **argv, struct spawn_options *options, struct error *err);

void spawn_options_clear(struct spawn_options *options);

void spawn_print_help(void);
