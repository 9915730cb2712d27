// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of terms. What it means to be in it: a flag, an annotation, a key of workspaces files. */
#include "plan/terms.h"

#define AT(field) offsetof(struct terms, field), sizeof(((struct terms *)0)->field)
#define ON_DISK(field) offsetof(struct terms_disk, field), sizeof(((struct terms_disk *)0)->field)

#define QUANTITY(name, value, key, meaning, unit, field)                                           \
	{                                                                                          \
		name, value, "io.behalf." key, meaning, TERM_QUANTITY, unit, false, AT(field)      \
	}
#define CHOICE(name, value, key, meaning, type, field)                                             \
	{                                                                                          \
		name, value, "io.behalf." key, meaning, type, UNIT_COUNT, false, AT(field)         \
	}
#define DISK(name, value, key, meaning, type, unit, field)                                         \
	{                                                                                          \
		name, value, "io.behalf." key, meaning, type, unit, true, ON_DISK(field)           \
	}

/* One direction of the network; HOW is how the workspace has it. */
#define NET(word, index, how)                                                                      \
	QUANTITY("net-" word "-reserve", "RATE", "net." word ".reserve",                           \
		 "rate that it can always " how, UNIT_BIT_RATE, net[index].reserve_bps),           \
		QUANTITY("net-" word "-limit", "RATE", "net." word ".limit",                       \
			 "rate it never exceeds", UNIT_BIT_RATE, net[index].limit_bps),            \
		CHOICE("net-" word "-share", "N", "net." word ".share",                            \
		       "how what nobody has reserved is split, 1 to 10000", TERM_SHARE,            \
		       net[index].share),                                                          \
		QUANTITY("net-" word "-packet-size", "SIZE", "net." word ".packet-size",           \
			 "size of packets that is expected", UNIT_SIZE, net[index].packet_bytes),  \
		QUANTITY("net-" word "-packet-size-worst", "SIZE",                                 \
			 "net." word ".packet-size-worst",                                         \
			 "the smallest packets that the reserve holds for", UNIT_SIZE,             \
			 net[index].packet_worst_bytes),                                           \
		QUANTITY("net-" word "-connections", "RATE", "net." word ".connections",           \
			 "new connections per second", UNIT_PER_SECOND, net[index].connections)

/* One way of using a disk; HOW is how the workspace does. */
#define FLOW(word, index, how)                                                                     \
	DISK("disk-" word "-reserve", "[DEV:]RATE", "disk." word ".reserve",                       \
	     "rate that it can always " how, TERM_QUANTITY, UNIT_BYTE_RATE,                        \
	     flow[index].reserve_bytes),                                                           \
		DISK("disk-" word "-reserve-iops", "[DEV:]N", "disk." word ".reserve-iops",        \
		     "requests per second that it can always make", TERM_QUANTITY, UNIT_IOPS,      \
		     flow[index].reserve_iops),                                                    \
		DISK("disk-" word "-limit", "[DEV:]RATE", "disk." word ".limit",                   \
		     "rate it never exceeds", TERM_QUANTITY, UNIT_BYTE_RATE,                       \
		     flow[index].limit_bytes),                                                     \
		DISK("disk-" word "-limit-iops", "[DEV:]N", "disk." word ".limit-iops",            \
		     "requests per second it never exceeds", TERM_QUANTITY, UNIT_IOPS,             \
		     flow[index].limit_iops),                                                      \
		DISK("disk-" word "-share", "[DEV:]N", "disk." word ".share",                      \
		     "how what nobody has reserved is split, 1 to 10000", TERM_SHARE, UNIT_COUNT,  \
		     flow[index].share),                                                           \
		DISK("disk-" word "-request-size", "[DEV:]SIZE", "disk." word ".request-size",     \
		     "size of requests that is expected", TERM_QUANTITY, UNIT_SIZE,                \
		     flow[index].request_bytes),                                                   \
		DISK("disk-" word "-buffered", NULL, "disk." word ".buffered",                     \
		     "through the page cache, not O_DIRECT", TERM_SWITCH, UNIT_COUNT,              \
		     flow[index].buffered)

const struct term_kind term_kinds[] = {
	QUANTITY("cpu-reserve", "CORES", "cpu.reserve", "CPU time that is always there for it",
		 UNIT_CORES, cpu.reserve_mcores),
	QUANTITY("cpu-limit", "CORES", "cpu.limit", "CPU time it never exceeds", UNIT_CORES,
		 cpu.limit_mcores),
	CHOICE("cpu-share", "N", "cpu.share", "how idle CPU time is split, 1 to 10000", TERM_SHARE,
	       cpu.share),
	QUANTITY("memory-reserve", "SIZE", "memory.reserve", "memory that is always there for it",
		 UNIT_SIZE, memory.reserve_bytes),
	QUANTITY("memory-limit", "SIZE", "memory.limit", "memory it never exceeds, without swap",
		 UNIT_SIZE, memory.limit_bytes),
	QUANTITY("pids-limit", "N", "pids.limit", "processes and threads it never exceeds",
		 UNIT_COUNT, pids_limit),
	NET("egress", TERMS_EGRESS, "send"),
	NET("ingress", TERMS_INGRESS, "receive"),
	CHOICE("net-path", "PATH", "net.path",
	       "how it is connected: bridge, macvlan, host, device or none", TERM_PATH, path),
	CHOICE("net-strict", "HOW", "net.strict",
	       "what stops packets to it once it is in debt: debt, drop or threaded", TERM_GATE,
	       gate),
	FLOW("read", TERMS_READ, "read"),
	FLOW("write", TERMS_WRITE, "write"),
	{0},
};
