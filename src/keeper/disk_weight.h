/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How idle time of a disk is split: by weights, which one of two parts of the kernel keeps, if it is switched on for
 * the disk: its scheduler BFQ (bfq-iosched.rst), or on v2 the cost model (io.cost.qos in cgroup-v2.rst).
 */
#include <stdint.h>

#include "base/error.h"

/*
 * The file of the io controller, of VERSION, in which a group has a weight for DISK ("8:0"). -EOPNOTSUPP with a sentence
 * that says how there would be one.
 */
int disk_weight_file(const char *disk, int version, const char **file, struct error *err);

/* What is written there for SHARE. A group that nobody weighted counts 100. */
uint32_t disk_weight_of_share(const char *file, uint32_t share);
