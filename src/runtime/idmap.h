/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Bind mounts whose owners are mapped (mount_setattr(2), "ID-mapped mounts"). Only who has rights over
 * the file system may map a mount of it, so the parent makes them, detached, before the container has
 * namespaces; the first process inherits them and puts them where they belong.
 */
#include "base/error.h"
#include "oci/config.h"

/*
 * *MOUNTS becomes an array of a descriptor for every one of CONFIG's mounts, -EBADF for those that are
 * not mapped; NULL when none is. Sources are relative to BUNDLE. USER_NS: the user namespace that the
 * container joins, or -EBADF.
 */
int idmap_make(const struct oci_config *config, const char *bundle, int user_ns, int **mounts,
	       struct error *err);

/* MOUNTS may be NULL. */
void idmap_free(const struct oci_config *config, int *mounts);
