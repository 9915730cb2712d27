// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/profile_numbers.h"

#include "plan/profile.h"

/* clang-format off */
#define MEMBER(type, member, kind) {#member, offsetof(struct type, member), kind}

const struct profile_number profile_cost_numbers[] = {
	MEMBER(profile_cost, unit_ns, PROFILE_DOUBLE),
	MEMBER(profile_cost, byte_ns, PROFILE_DOUBLE),
	MEMBER(profile_cost, connection_ns, PROFILE_DOUBLE),
	MEMBER(profile_cost, wakeup_ns, PROFILE_DOUBLE),
	MEMBER(profile_cost, connection_wakeup_ns, PROFILE_DOUBLE),
	MEMBER(profile_cost, asleep_ns, PROFILE_DOUBLE),
	/* of a profile that an earlier behalf has measured it is in the others */
	{"crowded_ns", offsetof(struct profile_cost, crowded_ns), PROFILE_DOUBLE, true},
	{0},
};

const struct profile_number profile_fit_numbers[] = {
	MEMBER(profile_fit, upper, PROFILE_DOUBLE),
	MEMBER(profile_fit, r2, PROFILE_DOUBLE),
	MEMBER(profile_fit, residual_mean, PROFILE_DOUBLE),
	MEMBER(profile_fit, residual_worst, PROFILE_DOUBLE),
	{0},
};

const struct profile_number profile_base_numbers[] = {
	MEMBER(profile_base, host_cpu_ns, PROFILE_DOUBLE),
	MEMBER(profile_base, threads_cpu_ns, PROFILE_DOUBLE),
	MEMBER(profile_base, host_cpu_upper_ns, PROFILE_DOUBLE),
	MEMBER(profile_base, workspace_ns, PROFILE_DOUBLE),
	/* this, too, earlier ones do not tell */
	{"programs_share", offsetof(struct profile_base, programs_share), PROFILE_DOUBLE, true},
	{0},
};

const struct profile_number profile_operation_numbers[] = {
	MEMBER(profile_operation, gap_ns, PROFILE_DOUBLE),
	MEMBER(profile_operation, host_gap_ns, PROFILE_DOUBLE),
	MEMBER(profile_operation, awake_per_s, PROFILE_DOUBLE),
	MEMBER(profile_operation, asleep_share, PROFILE_DOUBLE),
	/* so is this, and so are the next four */
	{"connection_threads_ns", offsetof(struct profile_operation, connection_threads_ns),
	 PROFILE_DOUBLE, true},
	{"byte_threads_ns", offsetof(struct profile_operation, byte_threads_ns), PROFILE_DOUBLE,
	 true},
	{"busy_share", offsetof(struct profile_operation, busy_share), PROFILE_DOUBLE, true},
	{"busy", offsetof(struct profile_operation, busy), PROFILE_DOUBLE, true},
	{"busy_most", offsetof(struct profile_operation, busy_most), PROFILE_DOUBLE, true},
	MEMBER(profile_operation, size_least_bytes, PROFILE_U32),
	MEMBER(profile_operation, size_most_bytes, PROFILE_U32),
	MEMBER(profile_operation, units_most, PROFILE_DOUBLE),
	{0},
};

const struct profile_number profile_disk_numbers[] = {
	{"read_bytes_per_s", offsetof(struct profile_disk, bytes_per_s[0]), PROFILE_U64},
	{"write_bytes_per_s", offsetof(struct profile_disk, bytes_per_s[1]), PROFILE_U64},
	{"read_requests_per_s", offsetof(struct profile_disk, requests_per_s[0]), PROFILE_U64},
	{"write_requests_per_s", offsetof(struct profile_disk, requests_per_s[1]), PROFILE_U64},
	{0},
};

const struct profile_number profile_host_numbers[] = {
	MEMBER(profile_host, cpus, PROFILE_U32),
	{0},
};

const struct profile_number profile_own_numbers[] = {
	MEMBER(profile, took_s, PROFILE_DOUBLE),
	MEMBER(profile, quantile, PROFILE_DOUBLE),
	{0},
};
/* clang-format on */
