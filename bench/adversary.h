/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the files of bench/adversary share: each kind runs until its time is over, and returns an exit status. */
#include <arpa/inet.h>
#include <stdbool.h>

#define ADVERSARY_PORT 9003

/* The time of this run is over. */
bool adversary_is_over(void);

/* Says what failed and why (errno); EXIT_FAILURE. */
int adversary_fail(const char *what);

/* adversary_net.c */
int adversary_syn(const struct sockaddr_in *to);
int adversary_datagrams(const struct sockaddr_in *to);

/* adversary_ring.c; CPU: where the kernel's side of the ring is to run */
int adversary_sqpoll(unsigned int cpu);
