/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* RLIMIT_* of "RLIMIT_NOFILE", ... or -1, and back (NULL when unknown). */
int oci_rlimit_resource(const char *name);
const char *oci_rlimit_name(int resource);
