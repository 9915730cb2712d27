/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The numbers of a profile's file: one table for reading and for writing them. */
#include <stdbool.h>
#include <stddef.h>

enum profile_number_kind { PROFILE_DOUBLE, PROFILE_U32, PROFILE_U64 };

/* A member that is a number, and where its struct keeps it. The last of a table has no key. */
struct profile_number {
	const char *key;
	size_t offset;
	enum profile_number_kind kind;
	bool optional; /* 0 where it is missing */
};

extern const struct profile_number profile_cost_numbers[];
extern const struct profile_number profile_fit_numbers[];
extern const struct profile_number profile_base_numbers[];
extern const struct profile_number profile_operation_numbers[];
extern const struct profile_number profile_disk_numbers[];
extern const struct profile_number profile_host_numbers[];
extern const struct profile_number profile_own_numbers[]; /* of struct profile itself */
