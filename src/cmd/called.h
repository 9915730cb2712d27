/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What people call whoever has a promise. */
#include "ledger/engines.h"
#include "promises/promises.h"

/* The engines of this host, or NULL: then everybody has the name that the register has. */
struct ledger_engines *called_engines(void);

/* As the ledger's views have it where an engine gives a name, else as the register. The caller's to free. */
char *called_promise(struct ledger_engines *engines, const struct promise *promise);
