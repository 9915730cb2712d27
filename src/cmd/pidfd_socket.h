/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* --pidfd-socket: who starts a container is handed a pidfd of its process over a Unix socket. */
#include "base/error.h"

/* *FD is the caller's to close. Done before the process is made: then nothing has to be undone. */
int pidfd_socket_connect(const char *path, int *fd, struct error *err);

int pidfd_socket_send(int fd, int pidfd, struct error *err);
