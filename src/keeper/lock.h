/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One keeper for the host: whoever has the lock in the keeper's directory. */
#include "base/error.h"
#include "keeper/keeper.h"

/* Makes keeper_directory() if need be. Returns a descriptor. */
int keeper_open_directory(struct error *err);

/*
 * Takes the lock of directory DIR; *LOCK, the caller's to close, holds it. KEEPER_BESIDE waits as long as another
 * keeper runs, or a service is taking over; KEEPER_SERVICE asks one that runs beside a workspace, and answers at
 * SOCKET_PATH within some seconds, to leave: -EBUSY when it is another service, or does not answer.
 */
int keeper_lock(int dir, const char *socket_path, enum keeper_kind kind, int *lock,
		struct error *err);
