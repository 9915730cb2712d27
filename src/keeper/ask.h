/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How the keeper that runs is found and asked. */
#include <stdbool.h>
#include <sys/un.h>

#include "base/error.h"

struct json_object;

#define KEEPER_SOCKET "socket"

/* Where lock, book and socket are: /run/behalf-keeper, or what BEHALF_KEEPER says. */
const char *keeper_directory(void);

/* Whether one runs on this host: its socket answers. */
bool keeper_runs(void);

/* The address of a socket at PATH. -ENAMETOOLONG with a sentence. */
int keeper_address(const char *path, struct sockaddr_un *address, struct error *err);

/* A descriptor that is connected to the keeper at PATH. -ENOENT with a sentence when none runs. */
int keeper_connect(const char *path, struct error *err);

/*
 * Asks the keeper at PATH. *STATUS is the caller's to put, *PID its process. -ENOENT with a sentence when
 * none runs.
 */
int keeper_ask(const char *path, struct json_object **status, int *pid, struct error *err);
