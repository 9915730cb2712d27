#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# beside others: it has a machine of its own, emulated in one thread
# The tests of the ledger once more, on cgroup v2 and Debian's kernel, with a disk: one after the
# other, since their books have the cgroups of all of them.
cd "$(dirname "$0")/../.." || exit 1
VM_MACHINE=ledger VM_LIMIT_S=570 VM_DISK=yes VM_AT_ONCE=1 VM_SUITES="bpf/live bpf/rules bpf/hands bpf/drivers" exec tests/vm/suites.sh
