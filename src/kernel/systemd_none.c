// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In place of systemd.c where nothing can be opened: where libsystemd's headers are not installed, and, with
 * BEHALF_SYSTEMD_APART, in a static program, which can load no library.
 */
#include <errno.h>

#include "kernel/systemd.h"

#ifdef BEHALF_SYSTEMD_APART
#define IS_APART true
#define REASON "this program cannot load libsystemd"
#else
#define IS_APART false
#define REASON "this build has no support for systemd: it was made without libsystemd-dev"
#endif

bool systemd_is_built_in(void)
{
	return IS_APART;
}

bool systemd_is_apart(void)
{
	return IS_APART;
}

int systemd_open(bool user, struct systemd **systemd, struct error *err)
{
	(void)user;
	(void)systemd;
	return error_set(err, ENOTSUP, REASON);
}

void systemd_close(struct systemd *systemd)
{
	(void)systemd;
}

void cleanup_systemd(struct systemd **systemd)
{
	(void)systemd;
}

int systemd_group(struct systemd *systemd, char **path, struct error *err)
{
	(void)path;
	return systemd_open(false, &systemd, err);
}

int systemd_has_unit(struct systemd *systemd, const char *unit, struct error *err)
{
	(void)unit;
	return systemd_open(false, &systemd, err);
}

int systemd_start_scope(struct systemd *systemd, const char *unit, pid_t pid,
			const struct systemd_properties *properties, struct error *err)
{
	(void)unit;
	(void)pid;
	(void)properties;
	return systemd_open(false, &systemd, err);
}

int systemd_set(struct systemd *systemd, const char *unit,
		const struct systemd_properties *properties, struct error *err)
{
	(void)unit;
	(void)properties;
	return systemd_open(false, &systemd, err);
}

int systemd_stop(struct systemd *systemd, const char *unit, struct error *err)
{
	(void)unit;
	return systemd_open(false, &systemd, err);
}
