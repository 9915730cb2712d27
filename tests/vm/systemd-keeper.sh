#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# beside others: it has a machine of its own, emulated in one thread
# The machine of `systemd.sh` with the keeper as one of its services.
if [ -z "${VM_SLOW-}" ]; then
	echo "1..0 # SKIP takes long: make check-vm does it"
	exit 0
fi
tests="keeper_is_a_service,keeper_is_restarted,keeper_lives_through_changes,keeper_without_its_ledger"
export VM_MACHINE=systemd-keeper VM_SYSTEMD_OPTIONS="behalf.only=$tests,keeper_puts_back_when_stopped" limit_s=500
exec "$(dirname "$0")/systemd.sh"
