/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the files that set linux.resources share: resources.c and those beside it. */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "kernel/cgroup.h"

struct oci_resources;

/* Where to write, and whom to tell. */
struct resources_target {
	struct cgroup *cg;
	bool fresh; /* nothing has been set yet, and nobody is inside */
	struct error *err;
};

/* Begins the sentence of a failure R with KEY, which is below linux.resources. Returns R. */
int resources_name_key(const struct resources_target *t, const char *key, int r);

/* Writes into FILE of CONTROLLER what KEY asks for. */
int resources_set(const struct resources_target *t, const char *key,
		  enum cgroup_controller controller, const char *file, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* A key that only cgroup v1 has. */
int resources_refuse_on_v2(const struct resources_target *t, const char *key);

/* A limit as the files of v2 want it: below zero "max". */
const char *resources_limit_text(int64_t value, char buffer[static 24]);

int resources_set_memory(const struct resources_target *t, const struct oci_resources *resources);
int resources_set_block_io(const struct resources_target *t, const struct oci_resources *resources);
int resources_set_devices(const struct resources_target *t, const struct oci_resources *resources);
