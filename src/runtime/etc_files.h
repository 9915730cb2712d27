/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/*
 * The files of /etc that tell a host who and where it is, made right for a workspace whose root, open
 * at ROOT, is a copy of the host's that may be written to.
 */

/* /etc/hostname, and /etc/resolv.conf as a file where it is a link into the host's /run. */
int etc_files_write(int root, const char *name, struct error *err);

/*
 * /etc/hosts with NAME at ADDRESS ("10.177.0.2"). KEEP: what the host's says stays, for a workspace
 * that is on the host's network; otherwise there is only localhost beside it.
 */
int etc_hosts_write(int root, const char *name, const char *address, bool keep, struct error *err);
