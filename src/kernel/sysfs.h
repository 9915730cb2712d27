/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a sysfs has of interfaces is of the network namespace that its mounter is in; one here is mounted nowhere. */
#include "base/error.h"

/* Of the caller's namespace: a descriptor of its root, the caller's to close. */
int sysfs_open(struct error *err);

/* Of the network namespace NETNS_FD, in which the calling thread is for the moment of opening only. */
int sysfs_open_in(int netns_fd, struct error *err);
