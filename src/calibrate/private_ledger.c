// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/private_ledger.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#include "kernel/bpffs.h"
#include "ledger/load.h"
#include "ledger/status.h"

static int enter_namespace(struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_errno(err, errno, "make a mount namespace");
	if (mount("behalf", BPFFS_PATH, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		return error_errno(err, errno, "mount a BPF file system at '%s'", BPFFS_PATH);
	return 0;
}

int private_ledger_open(bool *own, struct error *err)
{
	struct ledger_status status;
	struct ledger_change change;
	int r = ledger_status_read(&status, err);

	if (r < 0)
		return r;
	if (status.on) {
		*own = false;
		return 0;
	}
	r = ledger_check(err);
	if (r == 0)
		r = enter_namespace(err);
	if (r == 0)
		r = ledger_on(&change, err);
	if (r < 0)
		return r;
	*own = true;
	return 0;
}

void private_ledger_close(bool own)
{
	bool changed;

	if (own)
		ledger_off(&changed, NULL);
}
