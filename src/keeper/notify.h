/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

/*
 * Tells the service manager STATE ("READY=1") if there is one that listens: sd_notify(3)'s protocol, a
 * datagram to the socket in NOTIFY_SOCKET. What it does not hear is no failure.
 */
void notify_manager(const char *state);

/* How often WATCHDOG=1 is expected, in ns; 0: never (sd_watchdog_enabled(3)). */
uint64_t notify_watchdog_ns(void);
