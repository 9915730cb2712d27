#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# beside others: it has a machine of its own, emulated in one thread
# The machine of `systemd.sh` with the controllers on v1, and v2 beside them.
export VM_MACHINE=systemd-hybrid
export VM_SYSTEMD_OPTIONS=systemd.unified_cgroup_hierarchy=0
exec "$(dirname "$0")/systemd.sh"
